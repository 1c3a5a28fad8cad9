"""What the claims need of the steps of a path, taken while the path is certified: a trajectory is followed once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.chapters.ngd.ngd_step import NetworkSteps, VaryingStep
from properties.descent.instances import Run, exhausted
from theory.descent.steps import FunctionSpaceDescent
from theory.rigour.one_step import OneStep, network_steps


class Followed:
    """The steps of an optimiser with the bounds of their rounding; of those of ``varied`` besides how much J varies on each."""

    def __init__(self, optimiser: str, step_size: float, varied: NetworkSteps | None = None) -> None:
        """Take none yet."""
        self._optimiser, self._step_size, self._varied = optimiser, step_size, varied
        self._steps: list[OneStep] = []
        self._flips = 0
        self.varying: list[VaryingStep] = []
        """Those of ``varied``."""

    @property
    def run(self) -> Run:
        """That of an instance with as many steps as were taken."""
        return Run(tuple(self._steps), self._flips)

    def stepping(self, state: FunctionSpaceDescent) -> Iterator[OneStep]:
        """The steps of a state at W(0), without end. Raises what ``network_steps`` raises."""
        initial = state.pattern
        for step in self._bounded(state):
            if not self._steps or not exhausted(self._steps[-1]):
                self._steps.append(step)
                self._flips += int(np.count_nonzero(state.pattern != initial))
            yield step

    def _bounded(self, state: FunctionSpaceDescent) -> Iterator[OneStep]:
        if self._varied is None:
            return network_steps(state, self._step_size, self._optimiser)
        return self._varied.followed(state, self.varying)
