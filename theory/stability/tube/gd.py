"""Gradient descent on the squared loss, one width an input: T0-tube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from theory.direction import LowerBound, UpperBound
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.rule import Asked, Reach, Tube, TubeRule, input_widths
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import InputWidths
from theory.theorems import tube_gradient


@dataclass(frozen=True)
class GradientDescentTube(TubeRule):
    """``b_i = m^{-1/2} ||K_i|| S`` with ``S = ||r(0)||/gamma``; the contraction is mu with ``1 - eta lambda_b (1-mu)`` the factor."""

    start: Start

    @classmethod
    def asked(cls, asked: Asked) -> Self | None:
        """For GD."""
        if asked.optimiser.name != "gd" or not asked.squared or asked.damping:
            return None
        return cls(tube_start(asked.net, asked.rows, asked.targets))

    def first(self, start: Start) -> InputWidths:
        """gamma is at most lambda, so that S is at least ``||r(0)||/lambda``."""
        if not start.lambda_min > 0:
            return InputWidths(np.zeros(len(start.rows)))
        return input_widths(start, UpperBound(tube_gradient.path_sum(start.residual_norm, start.lambda_min)))

    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """Of T0-tube, where gamma is positive."""
        start = tube.start
        known = start.lambda_min, bounds.gram_change_norm, bounds.lambda_min, bounds.product_norm
        gamma_below = tube_gradient.curvature(*known)
        if not (bounds.lambda_min > 0 and gamma_below > 0):
            return None
        path = UpperBound(tube_gradient.path_sum(start.residual_norm, gamma_below))
        contraction = UpperBound(tube_gradient.contraction(gamma_below, bounds.lambda_min))
        limit = LowerBound(tube_gradient.step_limit(start.largest, bounds.gram_change_norm, bounds.lambda_min))
        return Reach(contraction, path, LowerBound(gamma_below), limit, input_widths(start, path))


RULE = GradientDescentTube
