"""The limiting kernels ``G_inf`` and ``S_inf`` in closed form (docs/theory.md, K-closed), with certified eigenvalues.

Rows are directions: any nonzero norm, taken exactly as given; the kernels are those of the unit vectors they point to.
"""

from __future__ import annotations

import numpy as np
from flint import arb, arb_mat, fmpq
from numpy.typing import ArrayLike

from theory.direction import LowerBound, UpperBound
from theory.inputs import FloatArray, given_rows, normalise_rows
from theory.kernels.degeneracy import (
    Degeneracy,
    degeneracy,
    negated,
    primitive_directions,
    rows_by_direction,
)
from theory.rigour.definiteness import smallest_eigenvalue_bounds
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma

__all__ = [
    "Degeneracy",
    "ball_limiting_gram",
    "ball_limiting_pattern_gram",
    "degeneracy",
    "gram_entry_error",
    "limiting_gram",
    "limiting_gram_eigenvalue",
    "limiting_gram_eigenvalue_bounds",
    "limiting_pattern_gram",
    "limiting_pattern_gram_eigenvalue",
    "limiting_pattern_gram_eigenvalue_bounds",
    "pattern_entry_error",
]

NEARLY_PARALLEL = 0.999
"""Of parallel rows the correlation is 1 or -1 up to rounding, in any dimension that fits into memory."""

TOGETHER = 2**15
"""Entries of sums of rows that are made at a time: they stay in the cache."""


def pattern_entry_error(dim: int) -> float:
    """Bound of the absolute error of an entry of ``limiting_pattern_gram`` for rows in ``R^dim``: ``ceil(dim / 2) + 8`` roundings.

    Counted in docs/proofs/kernels.md, P3.2, given the accuracy of atan2 (theory.rigour.activation_accuracy).
    """
    return gamma((dim + 1) // 2 + 8)


def gram_entry_error(dim: int) -> float:
    """Bound of the absolute error of an entry of ``limiting_gram`` for rows in ``R^dim``: ``3 ceil(dim / 2) + 13`` roundings (P3.2)."""
    return gamma(3 * ((dim + 1) // 2) + 13)


def _set_parallel_pairs(matrix: FloatArray, inputs: ArrayLike, correlations: FloatArray, opposite: float) -> None:
    """Overwrite the entries of rows that point the same way by 1/2 and of opposite rows by ``opposite``.

    ``correlations`` are those of the rows as computed. Only rows that are nearly parallel to another one are compared exactly.
    """
    np.fill_diagonal(matrix, 0.5)
    near = np.abs(correlations) >= NEARLY_PARALLEL
    np.fill_diagonal(near, False)
    doubtful = np.flatnonzero(near.any(axis=1))
    if not len(doubtful):
        return
    groups = rows_by_direction(primitive_directions(given_rows(inputs)[doubtful]))
    members = {direction: doubtful[group] for direction, group in groups.items()}
    for direction, group in members.items():
        matrix[np.ix_(group, group)] = 0.5
        if (other := members.get(negated(direction))) is not None:
            matrix[np.ix_(group, other)] = opposite


def _pattern_gram(unit: FloatArray) -> FloatArray:
    """``(pi - angle)/(2 pi) = atan2(|x_i + x_j|, |x_i - x_j|)/pi``, symmetric to the last bit."""
    matrix, together = np.empty((len(unit), len(unit))), max(1, TOGETHER // unit.size)
    for start in range(0, len(unit), together):
        some, later = slice(start, start + together), unit[start:]
        pairs = later + unit[some, None], later - unit[some, None]
        sums, differences = (np.sqrt(np.square(one).sum(axis=2)) for one in pairs)
        shares = np.arctan2(sums, differences) / np.pi
        matrix[some, start:], matrix[start:, some] = shares, shares.T
    return matrix


def limiting_pattern_gram(inputs: ArrayLike) -> FloatArray:
    """``S_inf``, shape (n, n): ``(pi - angle_ij)/(2 pi)``, the angle ``2 atan2(|x_i - x_j|, |x_i + x_j|)`` (K-closed).

    Each entry is within ``pattern_entry_error(d)``; entries of parallel rows are exactly 1/2 or 0.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    unit = normalise_rows(inputs)
    matrix = _pattern_gram(unit)
    _set_parallel_pairs(matrix, inputs, unit @ unit.T, 0.0)
    return matrix


def limiting_gram(inputs: ArrayLike) -> FloatArray:
    """``G_inf``, shape (n, n): ``cos(angle_ij) (pi - angle_ij)/(2 pi)`` (K-closed).

    Each entry is within ``gram_entry_error(d)``; entries of parallel rows are exactly 1/2 or 0.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    unit = normalise_rows(inputs)
    correlations = unit @ unit.T
    lower = np.tril(correlations, -1)  # the diagonal is set with the parallel rows
    matrix = _pattern_gram(unit) * (lower + lower.T)
    _set_parallel_pairs(matrix, inputs, correlations, 0.0)
    return matrix


def limiting_gram_eigenvalue_bounds(inputs: ArrayLike) -> tuple[LowerBound, UpperBound]:
    """Certified (lower, upper) bounds of ``lambda0 = lambda_min(G_inf)``, whatever the rounding.

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    matrix = limiting_gram(inputs)
    return smallest_eigenvalue_bounds(matrix, len(matrix) * gram_entry_error(np.shape(inputs)[1]))


def limiting_pattern_gram_eigenvalue_bounds(inputs: ArrayLike) -> tuple[LowerBound, UpperBound]:
    """Certified (lower, upper) bounds of ``lambda_S = lambda_min(S_inf)``, whatever the rounding.

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    matrix = limiting_pattern_gram(inputs)
    return smallest_eigenvalue_bounds(matrix, len(matrix) * pattern_entry_error(np.shape(inputs)[1]))


def limiting_gram_eigenvalue(inputs: ArrayLike) -> LowerBound:
    """Certified lower bound of ``lambda0``; positive only when that is certain. Errors as ``limiting_gram``."""
    return limiting_gram_eigenvalue_bounds(inputs)[0]


def limiting_pattern_gram_eigenvalue(inputs: ArrayLike) -> LowerBound:
    """Certified lower bound of ``lambda_S``; positive only when that is certain. Errors as ``limiting_gram``."""
    return limiting_pattern_gram_eigenvalue_bounds(inputs)[0]


def _ball_kernels(inputs: ArrayLike, correlated: bool, bits: int) -> arb_mat:
    directions = primitive_directions(inputs)
    size = len(directions)
    squares = [sum(value * value for value in direction) for direction in directions]
    with working_precision(bits):
        matrix = arb_mat(size, size)
        for i in range(size):
            for j in range(i, size):
                dot = sum(a * b for a, b in zip(directions[i], directions[j], strict=True))
                gram_determinant = squares[i] * squares[j] - dot * dot  # exact, 0 iff the rows are parallel
                if gram_determinant == 0:
                    entry = arb(fmpq(1, 2)) if dot > 0 else arb(0)
                else:
                    sine_part = arb(gram_determinant).sqrt()
                    entry = arb.atan2(sine_part, arb(-dot)) / (2 * arb.pi())  # (pi - angle)/(2 pi)
                    if correlated:
                        entry *= dot / arb(squares[i] * squares[j]).sqrt()
                matrix[i, j] = matrix[j, i] = entry
        return matrix


def ball_limiting_gram(inputs: ArrayLike, bits: int = 128) -> arb_mat:
    """``G_inf`` of the rows' exact directions as (n, n) balls, computed at ``bits`` of precision (K-closed).

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    return _ball_kernels(inputs, True, bits)


def ball_limiting_pattern_gram(inputs: ArrayLike, bits: int = 128) -> arb_mat:
    """``S_inf`` of the rows' exact directions as (n, n) balls, computed at ``bits`` of precision (K-closed).

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    return _ball_kernels(inputs, False, bits)
