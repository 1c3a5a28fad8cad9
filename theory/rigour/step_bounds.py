"""What bounds of a step are made of: each function bounds one error, from numbers that stand for nothing else.

Every sum of nonnegative numbers here is raised by its own rounding; what is not, says so.
"""

from __future__ import annotations

import math

import numpy as np

from theory.inputs import FloatArray
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.rounding import gamma


def solve_defect(
    matrix: FloatArray, right: FloatArray, solution: FloatArray, right_error: float, matrix_effect: float
) -> float:
    """Bound of ``||b - A x||`` for a computed solution x (n,) or (n, k) and the exact A (n, n) and b, in Frobenius norm.

    The computed defect; ``||b' - b|| <= right_error``; ``||(A' - A) x|| <= matrix_effect``; and the rounding of ``b' - A' x``,
    at most u of the result and ``gamma_n |A'| |x|``.
    """
    computed = euclidean_norm(right - matrix @ solution)
    magnitudes = euclidean_norm(np.abs(matrix) @ np.abs(solution))
    total = computed + right_error + matrix_effect + gamma(len(matrix) + 2) * magnitudes
    return total * (1 + gamma(2 * solution.size + 2 * len(matrix) + 16))


def kernel_norm(kernel: FloatArray, dim: int) -> float:
    """Upper bound of ``||X||_2^2 <= ||X X^T||_inf`` from the computed kernel (n, n) of unit rows in R^dim: squared norm.

    Its entries are off by ``gamma_d |x_i| |x_j|``, and squared norms of rows are 1 up to ``gamma_{4d+8}``.
    """
    n = len(kernel)
    rows = float(np.abs(kernel).sum(axis=1).max())
    return (rows + n * gamma(dim + 4)) * (1 + gamma(n + 8))


def jacobian_norm(kernel: FloatArray, dim: int) -> float:
    """Upper bound of ``||J||_2`` (not squared) at any weights: as if all slopes were ``STEEPEST_SLOPE``; kernel as above."""
    return STEEPEST_SLOPE * math.sqrt(kernel_norm(kernel, dim))


def movement_rounding(sizes: FloatArray, row_norms: FloatArray, absolute: float, operations: int) -> float:
    """Bound of the norm of a row of ``fl(M diag(c) S') - M diag(c) S`` for ``|c|`` (n,) and ``|M_ij| <= 1``.

    Rows of S and S' have norms of at most ``row_norms`` (n,) and differ by at most ``absolute``; an entry of the product goes
    through at most so many operations.
    """
    n = len(sizes)
    return float(sizes @ (gamma(operations) * row_norms + absolute)) * (1 + gamma(2 * n + 8))


def form_error(sizes: FloatArray, matrix: FloatArray, matrix_effect: float) -> float:
    """Bound of ``|fl(c^T A' c) - c^T A c|`` for ``|c|`` (n,) and A' (n, n), where ``|c^T (A' - A) c| <= matrix_effect``."""
    n = len(sizes)
    own = gamma(2 * n + 4) * float(sizes @ (np.abs(matrix) @ sizes))
    return (own + matrix_effect + n * n * SMALLEST_NORMAL) * (1 + gamma(2 * n + 16))


SMALLEST_NORMAL = float(np.finfo(float).tiny)
"""Above the underflow of one product."""
