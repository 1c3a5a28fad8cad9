"""NGD on the squared loss: T1-tube, with one width an input or one a pair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from theory.direction import LowerBound, UpperBound
from theory.stability.tube.bounds import TubeBounds, pushed, turned
from theory.stability.tube.linear_movement import MovementWidths, Pull, flips_of
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.rule import WHOLE_STEP, Asked, Reach, Tube, TubeRule, input_widths
from theory.stability.tube.smooth_tube import smooth_neuron_widths
from theory.stability.tube.start import Beginning, Start, tube_start
from theory.stability.tube.widths import Widths
from theory.theorems import tube as theorem


@dataclass(frozen=True)
class NaturalGradientTube(TubeRule):
    """``b_i = m^{-1/2} ||K_i|| S`` with the least of the forms of S; per neuron by the pull of ``c0`` on it, and what the steps add."""

    start: Start
    pull: Pull | None = None
    """For a ReLU network and one width a pair."""
    per_neuron: bool = False

    @classmethod
    def asked(cls, asked: Asked) -> Self | None:
        """For NGD."""
        if asked.optimiser.name != "ngd" or not asked.squared or asked.damping:
            return None
        return cls.of(tube_start(asked.net, asked.rows, asked.targets), asked.per_neuron)

    @classmethod
    def of(cls, start: Start, per_neuron: bool) -> Self:
        """For a start."""
        linear = per_neuron and start.net.phi.curvature is None and start.lambda_min > 0
        return cls(start, Pull.of(start) if linear else None, per_neuron)

    def sampled(self, sample: Start) -> Self:
        """The same coefficients pull on the sample's neurons."""
        pull = None if self.pull is None else replace(self.pull, start=sample)
        return replace(self, start=sample, pull=pull)

    def first(self, start: Start) -> Widths:
        """All forms of S are at least ``||c0||``; a neuron is moved at least as without any change of G."""
        plain, nothing = input_widths(start, start.coefficients_norm), input_widths(start, 0.0)
        if not self.per_neuron or not start.lambda_min > 0:
            return plain
        if self.pull is None:
            return smooth_neuron_widths(start, plain, nothing, None)
        return MovementWidths(self.pull, plain, nothing, {})

    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """Of T1-tube, where mu is below 1."""
        start = tube.start
        if not (bounds.lambda_min > 0 and bounds.ratio < 1):
            return None
        path = path_sum(start, bounds)
        progress = LowerBound(theorem.progress(bounds.ratio))
        if not self.per_neuron:
            return Reach(bounds.ratio, path, progress, WHOLE_STEP, input_widths(start, path))
        changed, products = turned(start, bounds), pushed(start, bounds)
        later = UpperBound(
            theorem.later_path(
                changed, products, bounds.product_norm, path, start.residual_norm, bounds.ratio, bounds.lambda_min
            )
        )
        return Reach(bounds.ratio, path, progress, WHOLE_STEP, self._neuron_widths(tube, bounds, path, later))

    def _neuron_widths(self, tube: Tube, bounds: TubeBounds, path: UpperBound, later: UpperBound) -> Widths:
        """From S, what may change its slope, and the path that is not along ``c0``."""
        start = tube.start
        plain, rest = input_widths(start, path), input_widths(start, later)
        if self.pull is None or not isinstance(tube, RectifierTube):
            return smooth_neuron_widths(start, plain, rest, bounds.widths)
        residual = theorem.later_residual(bounds.lambda_min, bounds.gram_change_norm, later)
        return MovementWidths(
            self.pull,
            plain,
            rest,
            flips_of(tube.listed, tube.masks, len(start.rows)),
            theorem.width(1.0, residual, start.width),
            theorem.width(1.0, later, start.width),
            {one.neurons.start: one for one in tube.listed},
        )


def path_sum(start: Beginning, bounds: TubeBounds) -> UpperBound:
    """S of T1-tube, the least of its forms, where lambda_b is positive and mu below 1."""
    return UpperBound(
        theorem.path_sum(
            start.residual_norm,
            start.coefficients_norm,
            turned(start, bounds),
            pushed(start, bounds),
            bounds.ratio,
            bounds.first_ratio,
            bounds.lambda_min,
        )
    )


RULE = NaturalGradientTube
