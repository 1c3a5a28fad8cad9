"""Damped NGD on the squared loss: T1-damped in a tube, one width an input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from theory.descent.damped_ngd import DampedNaturalGradient
from theory.direction import LowerBound, UpperBound
from theory.errors import ScaleError
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.rule import WHOLE_STEP, Asked, Reach, Tube, TubeRule, input_widths
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import InputWidths
from theory.theorems import tube_damped as theorem


@dataclass(frozen=True)
class DampedNaturalGradientTube(TubeRule):
    """``S = ||r(0)||/((1-mu) lambda_b)``, whatever eps is; the factor is ``1 - eta lambda_b (1-mu)/(lambda_b + eps)``."""

    start: Start
    eps: float

    @classmethod
    def asked(cls, asked: Asked) -> Self | None:
        """For NGD with eps, as a number or as the optimiser's own. Raises ScaleError (no float64 of at least 0, or both)."""
        chosen = asked.optimiser
        if not asked.squared:
            return None
        if not isinstance(chosen, DampedNaturalGradient):
            if chosen.name != "ngd" or not asked.damping:
                return None
            chosen = DampedNaturalGradient(asked.damping)  # type: ignore[arg-type]  # a pair is refused there
        elif asked.damping:
            raise ScaleError(f"{chosen.name} has its damping; give no other one beside it")
        return cls(tube_start(asked.net, asked.rows, asked.targets), chosen.eps)

    def first(self, start: Start) -> InputWidths:
        """S is at least ``||r(0)||/lambda``, and at least ``||c0||``."""
        return input_widths(start, start.coefficients_norm)

    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """Where mu is below 1."""
        start = tube.start
        if not (bounds.lambda_min > 0 and bounds.ratio < 1):
            return None
        path = UpperBound(theorem.path_sum(start.residual_norm, bounds.ratio, bounds.lambda_min))
        progress = LowerBound(theorem.progress(bounds.ratio, self.eps, bounds.lambda_min))
        return Reach(bounds.ratio, path, progress, WHOLE_STEP, input_widths(start, path))


RULE = DampedNaturalGradientTube
