"""NGD on the squared loss, one width an input: T1-tube."""

from __future__ import annotations

import numpy as np

from theory.direction import UpperBound
from theory.stability.tube.bounds import TubeBounds, turned
from theory.stability.tube.rule import Reach, TubeRule
from theory.stability.tube.start import Start
from theory.stability.tube.widths import InputWidths
from theory.theorems import tube


class NaturalGradientTube(TubeRule):
    """``b_i = m^{-1/2} ||K_i|| S`` with the least of the three forms of S."""

    def first(self, start: Start) -> InputWidths:
        """All forms of S are at least ``||c0||``."""
        return self._widths(start, start.coefficients_norm)

    def reach(self, start: Start, bounds: TubeBounds) -> Reach | None:
        """Of T1-tube, where mu is below 1."""
        if not (bounds.lambda_min > 0 and bounds.ratio < 1):
            return None
        path = UpperBound(
            tube.path_sum(
                start.residual_norm,
                start.coefficients_norm,
                turned(start, bounds),
                bounds.ratio,
                bounds.first_ratio,
                bounds.lambda_min,
            )
        )
        return Reach(bounds.ratio, path, self._widths(start, path))

    def _widths(self, start: Start, path: UpperBound) -> InputWidths:
        return InputWidths(np.array([tube.width(float(norm), path, start.net.width) for norm in start.row_norms]))
