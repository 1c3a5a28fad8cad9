"""What distinguishes Condition 2 from Condition K2: the norm, the smallest eigenvalue, and the radius of the ball.

Condition 2(C): ``||J - J(0)||_2 <= (C/3) lambda^{1/2}`` within ``3 ||r(0)||/lambda^{1/2}``, lambda = lambda_min(G(0)).
Condition K2(C): ``||S - S(0)||_2 <= (C/3) sigma`` within ``3 ||r(0)||/(sigma (h_min mu_min)^{1/2})``, sigma^2 =
lambda_min(H(0)). With D = the change of the pattern, the first norm is ``lambda_max(Y Y^T o D D^T)^{1/2}/m^{1/2}`` for Y = X,
the second the same for Y = (1, ..., 1)^T: Condition K2 sees the patterns of X and no other trace of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from theory.direction import LowerBound, UpperBound
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.network.gram import gram_eigenvalue_bounds, pattern_gram_eigenvalue_bounds
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.input_bounds import input_bounds
from theory.stability.norms import rounded_down, rounded_up

CONDITIONS = ("2", "K2")


def known_condition(condition: str, known: tuple[str, ...] = CONDITIONS) -> str:
    """Check the name of a condition. Raises ChoiceError."""
    if condition not in known:
        raise ChoiceError(f"unknown condition {condition!r}; known: {', '.join(known)}")
    return condition


def factor_rows(condition: str, rows: FloatArray) -> FloatArray:
    """Y (n, p) with unit rows: the inputs X (n, d) for Condition 2, a column of ones for K2. Raises ChoiceError."""
    return rows if known_condition(condition) == "2" else np.ones((len(rows), 1))


@dataclass(frozen=True)
class ConditionScale:
    """Certified brackets (lower, upper) of the numbers by which a condition measures changes and distances."""

    lambda_min: tuple[LowerBound, UpperBound]
    """lambda_min(G(0)), or sigma^2 = lambda_min(H(0)) for K2; the lower end is positive when Condition 1 (K1) holds."""
    radius_eigenvalue: tuple[LowerBound, UpperBound]
    """The number whose root divides ``3 ||r(0)||``: lambda, or ``sigma^2 h_min mu_min`` for K2."""


def _jacobian_scale(net: TwoLayerNetwork, rows: FloatArray) -> ConditionScale:
    bounds = gram_eigenvalue_bounds(net, rows)
    return ConditionScale(bounds, bounds)


def _pattern_scale(net: TwoLayerNetwork, rows: FloatArray) -> ConditionScale:
    return pattern_scale(pattern_gram_eigenvalue_bounds(net, rows), rows)


def pattern_scale(bounds: tuple[LowerBound, UpperBound], rows: FloatArray) -> ConditionScale:
    """K2's, from bounds of ``lambda_min(H(0))``. Without a certified rank of X (n, d) the lower end of the radius' eigenvalue is 0, hence the radius infinite."""
    below, above = bounds
    inputs = input_bounds(InputGeometry.of(rows))
    least = rounded_down(max(below, 0.0) * inputs.h_min[0] * inputs.smallest_eigenvalue[0])
    most = rounded_up(max(above, 0.0) * inputs.h_min[1] * inputs.smallest_eigenvalue[1])
    return ConditionScale((below, above), (LowerBound(least), UpperBound(most)))


_SCALES: Mapping[str, Callable[[TwoLayerNetwork, FloatArray], ConditionScale]] = MappingProxyType(
    {"2": _jacobian_scale, "K2": _pattern_scale}
)


def condition_scale(condition: str, net: TwoLayerNetwork, rows: FloatArray) -> ConditionScale:
    """The scale of a condition for a network on unit rows X (n, d). Raises ChoiceError and what ``unit_rows`` raises."""
    return _SCALES[known_condition(condition)](net, rows)
