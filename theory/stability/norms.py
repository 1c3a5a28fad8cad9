"""Brackets, safe against rounding, of the norms that Condition 2 is made of: ||X||_2^2, ||J - J(0)||_2, ||r(0)||, R."""

import math

import numpy as np

from theory.direction import LowerBound, UpperBound, bounding
from theory.errors import NotFiniteError
from theory.inputs import FloatArray, distance
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.activation_accuracy import FEATURE_ERROR, FUNCTION_ROUNDINGS, STEEPEST_SLOPE
from theory.rigour.definiteness import (
    largest_eigenvalue_bounds,
    largest_eigenvalue_lower_bound,
    largest_eigenvalue_upper_bound,
)
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma

CONDITION_FACTOR = 3.0
"""Condition 2 asks ``||J - J(0)||_2 <= (C/3) lambda^{1/2}`` on the ball of radius ``3 ||r(0)|| / lambda^{1/2}``.

Condition 3 has ``(3/2)(1+kappa)`` in place of the second 3."""


SUBNORMAL_ROUNDINGS = 2.0**-1070
"""More than a few roundings among numbers so small that their relative error has no bound; nothing beside others."""


def squared_norm_excess(dim: int) -> float:
    """How far ``||x||^2`` of a row accepted by ``unit_rows`` can be from 1, the rounding of that check included."""
    return gamma(4 * dim + 8)


def rounded_up(value: float) -> float:
    """A float64 above the exact result of up to four roundings of nonnegative terms, also where they underflow."""
    return math.nextafter(value * (1 + 8 * UNIT_ROUNDOFF) + SUBNORMAL_ROUNDINGS, math.inf)


def rounded_down(value: float) -> float:
    """A float64 below the exact nonnegative result of up to four roundings of nonnegative terms, also where they underflow."""
    return max(0.0, math.nextafter(value * (1 - 8 * UNIT_ROUNDOFF) - SUBNORMAL_ROUNDINGS, -math.inf))


def input_norm_squared(rows: FloatArray) -> UpperBound:
    """Certified upper bound of ``||X||_2^2`` for unit rows X of shape (n, d): squared norm.

    The smaller of ``X X^T`` and ``X^T X`` is off by ``gamma ||X||_F^2`` at most, and ``||X||_F^2 = n``.
    """
    n, d = rows.shape
    product = rows @ rows.T if n <= d else rows.T @ rows
    frobenius = n * (1 + squared_norm_excess(d))
    error = 2 * gamma(max(n, d) + 2) * frobenius
    return UpperBound(rounded_up(largest_eigenvalue_upper_bound(_symmetric(product)) + error))


def _root_bracket(matrix: FloatArray, error: float) -> tuple[LowerBound, UpperBound]:
    """``lambda_max^{1/2}`` of a symmetric matrix that is known up to ``error`` in spectral norm: (lower, upper)."""
    below, above = largest_eigenvalue_bounds(_symmetric(matrix))
    return _root_below(below, error), UpperBound(rounded_up(math.sqrt(max(above + error, 0.0))))


def _root_lower_bound(matrix: FloatArray, error: float) -> LowerBound:
    """The lower end of this bracket alone."""
    return _root_below(largest_eigenvalue_lower_bound(_symmetric(matrix)), error)


def _symmetric(matrix: FloatArray) -> FloatArray:
    return np.asarray((matrix + matrix.T) / 2)


def _root_below(below: LowerBound, error: float) -> LowerBound:
    return LowerBound(rounded_down(math.sqrt(max(below - error, 0.0))))


def pattern_change_norm(kernel: FloatArray, counts: FloatArray, width: int, dim: int) -> tuple[LowerBound, UpperBound]:
    """Bracket (lower, upper) of ``||J - J(0)||_2 = lambda_max(K o D D^T)^{1/2} / m^{1/2}`` (not squared).

    ``counts`` is the exact integer matrix ``D D^T`` (n, n) of the change D (n, m) with entries -1, 0, 1 of the
    pattern; ``kernel`` is the computed ``X X^T``. Its entries are off by ``gamma_d``, so the matrix is off by at most
    ``gamma tr(D D^T) / m``, because ``|(D D^T)_ij| <= ((D D^T)_ii (D D^T)_jj)^{1/2}``.
    """
    matrix, error = _pattern_change(kernel, counts, width, dim)
    return _root_bracket(matrix, error)


def pattern_change_lower_bound(kernel: FloatArray, counts: FloatArray, width: int, dim: int) -> LowerBound:
    """The lower end of ``pattern_change_norm`` alone, which takes no factorisation: what an attack shows."""
    matrix, error = _pattern_change(kernel, counts, width, dim)
    return _root_lower_bound(matrix, error)


def _pattern_change(kernel: FloatArray, counts: FloatArray, width: int, dim: int) -> tuple[FloatArray, float]:
    """``K o D D^T / m`` as computed, and a bound of its error in the spectral norm."""
    error = 2 * gamma(dim + 6) * float(np.trace(counts)) / width
    return kernel * counts / width, error


def feature_change_norm(
    kernel: FloatArray, change: FloatArray, error: float, dim: int
) -> tuple[LowerBound, UpperBound]:
    """Bracket (lower, upper) of ``lambda_max(K o dS dS^T)^{1/2} = ||J - J(0)||_2`` (not squared) for smooth features.

    ``change`` is ``dS`` (n, m) as computed, ``error`` bounds the Frobenius norm of its error E: the Jacobian's change
    is off by ``||K o E E^T||_2^{1/2} <= ||E||_F (1 + excess)``. Raises ScaleError (an error that is none).
    """
    moved, (products, rounding) = _moved(error, dim), _feature_change(kernel, change, dim)
    below, above = _root_bracket(products, rounding)
    return LowerBound(rounded_down(below - moved)), UpperBound(rounded_up(above + moved))


def feature_change_lower_bound(kernel: FloatArray, change: FloatArray, error: float, dim: int) -> LowerBound:
    """The lower end of ``feature_change_norm`` alone, which takes no factorisation: what an attack shows. Raises ScaleError."""
    moved, (products, rounding) = _moved(error, dim), _feature_change(kernel, change, dim)
    return LowerBound(rounded_down(_root_lower_bound(products, rounding) - moved))


def _feature_change(kernel: FloatArray, change: FloatArray, dim: int) -> tuple[FloatArray, float]:
    """``K o dS dS^T`` as computed, and a bound of the error of its products in the spectral norm."""
    products = change @ change.T
    rounding = 2 * gamma(dim + change.shape[1] + 6) * float(np.trace(products))
    return kernel * products, rounding


def _moved(error: float, dim: int) -> float:
    """By how much the norm is off at most for features that are off by ``error``."""
    return rounded_up(distance(error, "error") * (1 + squared_norm_excess(dim)))


def feature_error(net: TwoLayerNetwork, moved: float, rows: int) -> float:
    """Bound of ``||E||_F`` for a computed ``dS = S' - S`` whose pre-activations are off by ``moved`` in all, a Frobenius norm.

    An error of z moves phi' by at most L times as much; each of the 2 n m entries of S and S' is off by ``FEATURE_ERROR/m^{1/2}``.
    """
    moved = distance(moved, "moved")
    curvature = 0.0 if net.phi.curvature is None else net.phi.curvature
    evaluation = 2 * FEATURE_ERROR * math.sqrt(rows)
    return rounded_up(curvature * moved / math.sqrt(net.width) + evaluation)


def residual_norm(net: TwoLayerNetwork, rows: FloatArray, targets: FloatArray) -> tuple[LowerBound, UpperBound]:
    """Bracket (lower, upper) of ``||r(0)|| = ||u(0) - y||`` (not squared), for X (n, d) and y (n,).

    Raises NotFiniteError where the norm or its square overflows.

    The output sum of m terms has relative rounding ``gamma_m`` of the sum of magnitudes; an error of z moves phi by
    at most ``STEEPEST_SLOPE`` times as much.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        below, above = _residual_norm(net, rows, targets)
    if not math.isfinite(above * above):
        raise NotFiniteError("the squared norm of the residual u(0) - y overflows; scale weights and targets down")
    return LowerBound(below), UpperBound(above)


def residual_with_errors(net: TwoLayerNetwork, rows: FloatArray, targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``r(0)`` as computed, shape (n,), and bounds of the errors of its entries."""
    m = net.width
    activations = net.phi.function(
        net.pre_activations(rows)
    )  # for outputs, as ``net.outputs`` has them, and magnitudes
    outputs = np.asarray(activations @ net.signs / np.sqrt(m))
    magnitudes = np.abs(activations, out=activations).sum(axis=1)
    summation = 2 * gamma(m + FUNCTION_ROUNDINGS + 4) * magnitudes
    propagated = STEEPEST_SLOPE * 2 * float(pre_activation_error(net).sum())
    errors = (summation + propagated) / math.sqrt(m) + 2 * UNIT_ROUNDOFF * (np.abs(outputs - targets))
    return outputs - targets, errors


def _residual_norm(net: TwoLayerNetwork, rows: FloatArray, targets: FloatArray) -> tuple[float, float]:
    n = len(rows)
    residual, errors = residual_with_errors(net, rows, targets)
    computed, error = euclidean_norm(residual), euclidean_norm(errors)
    slack = gamma(2 * n + 8)
    below, above = computed * (1 - slack) - error * (1 + slack), computed * (1 + slack) + error * (1 + slack)
    return max(0.0, math.nextafter(below, -math.inf)), math.nextafter(above, math.inf) if above > 0 else 0.0


@bounding(UpperBound, residual=UpperBound, lambda_min=LowerBound)
def paper_radius(residual: float, lambda_min: float, factor: float = CONDITION_FACTOR) -> float:
    """The radius ``R = 3 ||r(0)|| / lambda^{1/2}`` of Condition 2, rounded up; inf when lambda <= 0.

    Condition 3: ``factor = (3/2)(1+kappa)``, at least. Raises ScaleError (a residual norm that is not a number of at least 0).
    """
    length = distance(residual, "||r(0)||")
    if not lambda_min > 0:
        return math.inf
    return rounded_up(factor * length / math.sqrt(lambda_min))


@bounding(UpperBound, change=UpperBound, lambda_min=LowerBound)
def stability_constant(change: float, lambda_min: float) -> float:
    """The constant ``C = 3 ||J - J(0)||_2 / lambda^{1/2}`` of Condition 2, rounded up; inf when lambda <= 0.

    Raises ScaleError (a change that is not a number of at least 0).
    """
    moved = distance(change, "the change")
    if not lambda_min > 0:
        return math.inf
    return rounded_up(CONDITION_FACTOR * moved / math.sqrt(lambda_min)) if moved else 0.0
