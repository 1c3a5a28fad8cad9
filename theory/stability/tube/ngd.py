"""NGD on the squared loss: T1-tube, with one width an input or one a pair."""

from __future__ import annotations

import numpy as np

from theory.direction import UpperBound
from theory.stability.tube.bounds import TubeBounds, turned
from theory.stability.tube.linear_movement import MovementWidths, Pull, flips_of
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.rule import Reach, Tube, TubeRule
from theory.stability.tube.start import Start
from theory.stability.tube.widths import InputWidths
from theory.theorems import tube as theorem


class NaturalGradientTube(TubeRule):
    """``b_i = m^{-1/2} ||K_i|| S`` with the least of the three forms of S."""

    def first(self, start: Start) -> InputWidths | MovementWidths:
        """All forms of S are at least ``||c0||``."""
        return input_widths(start, start.coefficients_norm)

    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """Of T1-tube, where mu is below 1."""
        start = tube.start
        if not (bounds.lambda_min > 0 and bounds.ratio < 1):
            return None
        path = UpperBound(
            theorem.path_sum(
                start.residual_norm,
                start.coefficients_norm,
                turned(start, bounds),
                bounds.ratio,
                bounds.first_ratio,
                bounds.lambda_min,
            )
        )
        return Reach(bounds.ratio, path, self.widths(tube, bounds, path))

    def widths(self, tube: Tube, bounds: TubeBounds, path: UpperBound) -> InputWidths | MovementWidths:
        """From S."""
        return input_widths(tube.start, path)


class NeuronNaturalGradientTube(NaturalGradientTube):
    """``b_ir``: each neuron by the pull of ``c0`` on it, and what the steps add."""

    def __init__(self, start: Start) -> None:
        """Prepare what is the same in every tube."""
        self._pull = Pull.of(start)

    def first(self, start: Start) -> MovementWidths:
        """What moves the neuron without any change."""
        return MovementWidths(self._pull, input_widths(start, start.coefficients_norm), input_widths(start, 0.0), {})

    def widths(self, tube: Tube, bounds: TubeBounds, path: UpperBound) -> MovementWidths:
        """From S, the pairs that may flip, and the path that is not along ``c0``."""
        start = tube.start
        assert isinstance(tube, RectifierTube)
        later = theorem.later_path(
            turned(start, bounds), bounds.product_norm, path, start.residual_norm, bounds.ratio, bounds.lambda_min
        )
        flips = flips_of(tube.listed, tube.masks, len(start.rows))
        return MovementWidths(self._pull, input_widths(start, path), input_widths(start, later), flips)


def input_widths(start: Start, path: float, slope: float = 1.0) -> InputWidths:
    """``m^{-1/2} ||K_i|| S L_1``."""
    return InputWidths(np.array([theorem.width(float(norm), path, start.net.width, slope) for norm in start.row_norms]))
