"""Certified bounds of what K-FAC needs of the inputs: rank, P, leverage scores, X^+, extreme eigenvalues of X^T X.

Everything rests on one number, a bound e of ``||X - X'||_2`` where ``X' = U diag(s) V`` has exactly orthonormal U and V
close to the computed ones and as many singular values s as the computed rank r. When rank X = r exactly, Weyl gives
``|sigma_i(X) - s_i| <= e``, projections of equal rank give ``||P - P'||_2 = ||(I - P')P||_2 <= e / sigma_r(X)``, and
Wedin ``||X^+ - X'^+||_2 <= 2 e / (sigma_r(X) s_r)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from theory.direction import NONNEGATIVE, UNBOUNDED, LowerBound, UpperBound
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.exact import exact_rank
from theory.rigour.rounding import gamma


@dataclass(frozen=True)
class InputBounds:
    """Brackets (lower, upper) for X (n, d) exactly as given; without a certified rank they are (0, inf)."""

    rank: int
    """The computed rank of X."""
    rank_certified: bool
    """Whether that is the exact rank of X."""
    leverage: tuple[FloatArray, FloatArray]
    """Leverage scores h, two arrays of shape (n,)."""
    smallest_eigenvalue: tuple[LowerBound, UpperBound]
    """mu_min, the smallest nonzero eigenvalue of X^T X."""
    largest_eigenvalue: tuple[LowerBound, UpperBound]
    """mu_max, the largest."""
    projection_error: float
    """Bound of ``||P' - P||_2`` for the computed projection; inf without a certified rank."""
    dual_error: float
    """Bound of ``||Y' - Y||_2`` for the computed ``Y = X (X^T X)^+``; inf without a certified rank."""

    @property
    def h_min(self) -> tuple[LowerBound, UpperBound]:
        """The smallest leverage score."""
        return LowerBound(float(self.leverage[0].min())), UpperBound(float(self.leverage[1].min()))

    @property
    def h_max(self) -> tuple[LowerBound, UpperBound]:
        """The largest leverage score."""
        return LowerBound(float(self.leverage[0].max())), UpperBound(float(self.leverage[1].max()))


def orthonormality_defect(columns: FloatArray) -> float:
    """Bound of ``||Q^T Q - I||_F`` for Q (n, r): at most this far from Q there are exactly orthonormal columns.

    The polar factor of Q has singular values 1, those of Q differ from 1 by at most as much as their squares.
    """
    n, r = columns.shape
    products = columns.T @ columns - np.eye(r)
    rounding = gamma(n + 2) * (float(np.sum(columns**2)) + r)
    return float(euclidean_norm(products) * (1 + gamma(r * r + 2)) + 2 * rounding)


def error_of_projection(error: float, below: float, defect: float, rank: int) -> float:
    """Bound of ``||P' - P||_2``, for r = ``rank``: ``e/below + defect + gamma_{r+4} r (1 + defect)``, rounded up.

    ``below`` bounds ``sigma_r(X)`` from below; ``defect`` is that of U, whose product with its transpose is P'.
    """
    return (error / below + defect + gamma(rank + 4) * (rank * (1 + defect))) * (1 + gamma(24))


def error_of_dual(error: float, below: float, smallest: float, turned: float, products: float, rank: int) -> float:
    """Bound of ``||Y' - Y||_2``, for r = ``rank``: ``2e/(below s_r) + turned/s_r + gamma_{r+6} products``, rounded up.

    ``turned`` is how far U and V together are from orthonormal, ``products`` is ``|| |U| diag(1/s) |V| ||_F``.
    """
    return (2 * error / (below * smallest) + turned / smallest + gamma(rank + 6) * products) * (1 + gamma(24))


def decomposition_error(geometry: InputGeometry) -> tuple[float, float, float]:
    """Of the computed ``X = U diag(s) V``: e, the defect of U, and how far U and V together are from orthonormal."""
    inputs = geometry.inputs
    left, values, right = geometry.decomposition
    defect_left, defect_right = orthonormality_defect(left), orthonormality_defect(right.T)
    turned = defect_left * (1 + defect_right) + defect_right
    rest = euclidean_norm(inputs - (left * values) @ right) * (1 + gamma(inputs.size))
    rest += gamma(len(values) + 4) * euclidean_norm((np.abs(left) * values) @ np.abs(right))
    return (rest + turned * float(values[0])) * (1 + gamma(16)), defect_left, turned


def input_bounds(geometry: InputGeometry) -> InputBounds:
    """Certify what the decomposition of X says, for X exactly as given.

    The exact rank is decided in whole numbers unless it is min(n, d), where ``s_r > e`` shows it.
    """
    inputs = geometry.inputs
    left, values, right = geometry.decomposition
    n, r = left.shape
    error, defect_left, turned = decomposition_error(geometry)
    smallest, largest = float(values[-1]), float(values[0])
    certified = smallest > error and (r == min(inputs.shape) or exact_rank(inputs) == r)
    if not certified:
        nothing = (np.zeros(n), np.ones(n))
        unknown = NONNEGATIVE, UNBOUNDED
        return InputBounds(r, False, nothing, unknown, unknown, math.inf, math.inf)
    below = (smallest - error) * (1 - gamma(4))
    up, down = 1 + gamma(24), 1 - gamma(24)
    projection_error = error_of_projection(error, below, defect_left, r)
    products = euclidean_norm((np.abs(left) / values) @ np.abs(right))
    dual_error = error_of_dual(error, below, smallest, turned, products, r)
    scores = geometry.leverage
    lower, upper = np.maximum(scores - projection_error, 0.0) * down, np.minimum((scores + projection_error) * up, 1.0)
    if r == n:  # then P = I
        lower = upper = np.ones(n)
    return InputBounds(
        r,
        True,
        (lower, upper),
        (LowerBound(below**2 * down), UpperBound((smallest + error) ** 2 * up)),
        (LowerBound(max(largest - error, 0.0) ** 2 * down), UpperBound((largest + error) ** 2 * up)),
        projection_error,
        dual_error,
    )
