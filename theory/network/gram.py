"""The Gram matrices G and H of a finite network on unit rows: computed, with the error, and certified eigenvalues.

The counts of a ReLU network are exact; for smooth activations the accuracy of theory.rigour.activation_accuracy is assumed.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.direction import UNBOUNDED, LowerBound, UpperBound, as_lower_bound, as_upper_bound
from theory.inputs import FloatArray, unit_rows
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.activation_accuracy import DERIVATIVE_ERROR
from theory.rigour.definiteness import largest_eigenvalue_upper_bound, smallest_eigenvalue_bounds
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.rounding import gamma


def exact_pattern(net: TwoLayerNetwork, inputs: ArrayLike) -> FloatArray:
    """``A = 1[X W^T >= 0]``, shape (n, m), of the exact products: entries too close to 0 are decided in rationals.

    Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    return _active(net, unit_rows(inputs)).astype(np.float64)


def exact_counts(net: TwoLayerNetwork, rows: FloatArray) -> FloatArray:
    """``A A^T`` of it, shape (n, n): integers. For unit rows."""
    return net.once("counts of the exact pattern", rows, lambda: pattern_counts(_active(net, rows)))


def _active(net: TwoLayerNetwork, rows: FloatArray) -> NDArray[np.bool_]:
    """The same for unit rows, as truth values."""
    return decided_signs(rows, net.weights, net.pre_activations(rows), pre_activation_error(net))


def decided_signs(
    rows: FloatArray, weights: FloatArray, pre_activations: FloatArray, error: FloatArray
) -> NDArray[np.bool_]:
    """``1[X W^T >= 0]``, shape (n, m), of the exact products, from computed ones (n, m) within ``error`` (m,) of them."""
    pattern = pre_activations > error
    doubtful = pattern != (pre_activations >= -error)
    for i, r in np.argwhere(doubtful) if doubtful.any() else ():
        pairs = zip(rows[i].tolist(), weights[r].tolist(), strict=True)
        pattern[i, r] = sum(Fraction(x) * Fraction(w) for x, w in pairs) >= 0
    return pattern


def _rectifier_gram(net: TwoLayerNetwork, rows: FloatArray) -> tuple[FloatArray, float]:
    """``G`` from exact counts and a bound of the spectral norm of its error.

    Entry (i, j) carries ``gamma_{d+2} |x_i| |x_j| C_ij / m``; that matrix is positive semidefinite, so its norm is at
    most its trace ``sum_i |x_i|^2 C_ii / m``; doubled for norms near 1 and the rounding of the bound.
    """
    return rectifier_gram(rows, exact_counts(net, rows), net.width)


def rectifier_gram(rows: FloatArray, counts: FloatArray, width: int) -> tuple[FloatArray, float]:
    """The same from ``A A^T`` (n, n), integers."""
    shares = counts / width
    return (rows @ rows.T) * shares, 2 * gamma(rows.shape[1] + 2) * float(np.trace(shares))


def _rectifier_pattern_gram(net: TwoLayerNetwork, rows: FloatArray, dim: int = 1) -> tuple[FloatArray, float]:
    """``H`` from exact counts, and the error of ``K o H`` for inputs of dimension ``dim``: 1 covers H alone."""
    return rectifier_pattern_gram(exact_counts(net, rows), net.width, dim)


def rectifier_pattern_gram(counts: FloatArray, width: int, dim: int = 1) -> tuple[FloatArray, float]:
    """The same from ``A A^T`` (n, n), integers."""
    shares = counts / width
    return shares, 2 * gamma(dim + 2) * float(np.trace(shares))


def _smooth_gram(net: TwoLayerNetwork, rows: FloatArray, curvature: float) -> tuple[FloatArray, float]:
    """``G`` for a smooth activation and a bound of the spectral norm of its error: the one of its ``H``."""
    symmetric, error = _smooth_pattern_gram(net, rows, curvature)
    return (rows @ rows.T) * symmetric, error


def _smooth_pattern_gram(net: TwoLayerNetwork, rows: FloatArray, curvature: float) -> tuple[FloatArray, float]:
    """``H`` for a smooth activation and a bound of the spectral norm of its error and of that of ``K o H``.

    The features S move by ``|dS_ir| <= m^{-1/2} (L |dz_ir| + rounding of phi')``, ``S S^T`` by
    ``2 |S|_F |dS|_F + |dS|_F^2`` in norm, hence ``K o (S S^T)`` by as much (Schur, ``K_ii = 1``); the products and the
    scaling by ``m^{-1/2}`` round to ``gamma_{d+m+10}`` of matrices with norm at most ``|S|_F^2``. All doubled.
    """
    features = net.pattern_features(rows)
    moved = euclidean_norm(curvature * pre_activation_error(net) + DERIVATIVE_ERROR) * np.sqrt(len(rows) / net.width)
    size = euclidean_norm(features)
    error = 2 * moved * size + moved**2 + gamma(net.dim + net.width + 10) * size * size
    product_of_features = features @ features.T
    lower = np.tril(product_of_features, -1)
    symmetric = lower + lower.T + np.diag(np.diag(product_of_features))
    return symmetric, 2 * float(error)


def gram_with_error(net: TwoLayerNetwork, inputs: ArrayLike) -> tuple[FloatArray, float]:
    """``G`` as computed and a bound of the spectral norm of its error. Raises what ``gram_eigenvalue_bounds`` raises."""
    rows = unit_rows(inputs)
    curvature = net.phi.curvature
    return _rectifier_gram(net, rows) if curvature is None else _smooth_gram(net, rows, curvature)


def gram_eigenvalue_bounds(net: TwoLayerNetwork, inputs: ArrayLike) -> tuple[LowerBound, UpperBound]:
    """Certified (lower, upper) bounds of ``lambda_min(G)`` of a network on the unit rows X (n, d) as given.

    The rounding of K is included; counts of a ReLU network are exact. Raises ShapeError, NotFiniteError, ZeroRowError,
    NotNormalisedError.
    """
    return smallest_eigenvalue_bounds(*gram_with_error(net, inputs))


def pattern_gram_eigenvalue_bounds(net: TwoLayerNetwork, inputs: ArrayLike) -> tuple[LowerBound, UpperBound]:
    """Certified (lower, upper) bounds of ``sigma^2 = lambda_min(H)`` of a network on unit rows X (n, d) (Condition K1).

    Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    rows = unit_rows(inputs)
    curvature = net.phi.curvature
    if curvature is None:
        return smallest_eigenvalue_bounds(*_rectifier_pattern_gram(net, rows))
    return smallest_eigenvalue_bounds(*_smooth_pattern_gram(net, rows, curvature))


def gram_eigenvalue(net: TwoLayerNetwork, inputs: ArrayLike) -> LowerBound:
    """Certified lower bound of ``lambda_min(G)`` (Condition 1); positive only when that is certain.

    Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    return gram_eigenvalue_bounds(net, inputs)[0]


def largest_gram_eigenvalue(net: TwoLayerNetwork, inputs: ArrayLike) -> UpperBound:
    """Certified upper bound of ``||G||_2 = ||J(0)||_2^2`` (squared norm). Raises what ``gram_eigenvalue_bounds`` raises."""
    matrix, error = gram_with_error(net, inputs)
    return UpperBound(float(np.nextafter(largest_eigenvalue_upper_bound(matrix) + error, np.inf)))


def condition_number(largest: UpperBound, smallest: LowerBound) -> UpperBound:
    """Certified upper bound of ``lambda_max/lambda_min`` from bounds of both; inf unless the second is positive."""
    if not smallest > 0:
        return UNBOUNDED
    return UpperBound(
        math.nextafter(as_upper_bound(largest, "lambda_max") / as_lower_bound(smallest, "lambda_min"), math.inf)
    )


def operator_norm(net: TwoLayerNetwork, inputs: ArrayLike) -> UpperBound:
    """Certified upper bound of ``||J(0)||_2`` (not squared). Raises what ``gram_eigenvalue_bounds`` raises."""
    largest = largest_gram_eigenvalue(net, inputs)
    return UpperBound(math.nextafter(math.sqrt(largest), math.inf))  # the root is rounded to nearest
