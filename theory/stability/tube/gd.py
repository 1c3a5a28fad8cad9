"""Gradient descent on the squared loss, one width an input: T0-tube."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from theory.direction import NONNEGATIVE, LowerBound, UpperBound
from theory.rigour.rounding import gamma
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.nonnegative import norm_above
from theory.stability.tube.rule import Asked, Reach, Tube, TubeRule, input_widths
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import InputWidths
from theory.theorems import tube_gradient

LINEAR_SUMMANDS = 64
"""Of S_lin, one by one; the others together."""


@dataclass(frozen=True)
class GradientDescentTube(TubeRule):
    """``b_i = m^{-1/2} ||K_i|| S`` with ``S = ||r(0)||/gamma``; the contraction is mu with ``1 - eta lambda_b (1-mu)`` the factor.

    For a given ``step_size`` the sharper S is taken as well, where that is within the theorem's limit: the tube serves that one alone.
    """

    start: Start
    step_size: float | None = None

    @classmethod
    def asked(cls, asked: Asked) -> Self | None:
        """For GD."""
        if asked.optimiser.name != "gd" or not asked.squared or asked.damping:
            return None
        return cls(tube_start(asked.net, asked.rows, asked.targets))

    def first(self, start: Start) -> InputWidths:
        """gamma is at most lambda; without a step size S is at least ``||r(0)||/lambda``, with one at least 0."""
        if self.step_size is not None or not start.lambda_min > 0:
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
        sharper = self._sharper(start, bounds)
        path = path if sharper is None or path <= sharper else sharper
        contraction = UpperBound(tube_gradient.contraction(gamma_below, bounds.lambda_min))
        limit = LowerBound(tube_gradient.step_limit(start.largest, bounds.gram_change_norm, bounds.lambda_min))
        if self.step_size is not None:  # of no other one
            limit = NONNEGATIVE
        return Reach(contraction, path, LowerBound(gamma_below), limit, input_widths(start, path))

    def _sharper(self, start: Start, bounds: TubeBounds) -> UpperBound | None:
        """``lambda S_lin/(lambda - ||D||)``; None where it says nothing."""
        if self.step_size is None or not start.lambda_min > bounds.gram_change_norm:
            return None
        if not self.step_size <= tube_gradient.step_limit(start.largest, bounds.gram_change_norm, bounds.lambda_min):
            return None
        summed = linear_sum(start, self.step_size)
        return UpperBound(tube_gradient.linear_path_sum(summed, start.lambda_min, bounds.gram_change_norm))


def linear_sum(start: Start, step_size: float) -> UpperBound:
    """``S_lin``, the sum of ``eta ||(I - eta G(0))^t r(0)||``, rounded up, for eta with ``||I - eta G(0)|| <= 1``.

    Its first summands one by one; what is left of r(0) after them, over lambda, bounds the others.
    """
    n = len(start.rows)
    left, error, total = start.residual, start.residual_error, 0.0
    for _ in range(LINEAR_SUMMANDS):
        total += step_size * (norm_above(left) + error)
        product = start.gram @ left
        sizes = norm_above(left) + step_size * norm_above(np.abs(start.gram) @ np.abs(left))
        error += step_size * start.gram_error * norm_above(left) + 2 * gamma(n + 4) * sizes
        left = left - step_size * product
    rest = (norm_above(left) + error) / start.lambda_min
    return UpperBound(math.nextafter((total + rest) * (1 + gamma(8 * LINEAR_SUMMANDS + 16)), math.inf))


RULE = GradientDescentTube
