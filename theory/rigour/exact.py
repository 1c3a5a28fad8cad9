"""Exact rational matrices from floats, their pseudo-inverse and entrywise products; floats around balls.

Floats of any width are rational numbers, so every function here takes its arrays exactly as given: nothing is rounded.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat, fmpq, fmpq_mat, fmpz_mat
from numpy.typing import ArrayLike

from theory.entries import given_array, ratio, ratio_rows
from theory.errors import ShapeError
from theory.inputs import FloatArray, finite_array

AnyArray = np.ndarray[Any, Any]
"""Float64, or balls in an object array: what a formula of both kinds takes."""


def lift(array: FloatArray) -> AnyArray:
    """A float64 array as an object array of exact balls (every float64 is a dyadic rational)."""
    lifted = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        lifted[index] = arb(float(array[index]))
    return lifted


def rational(value: float) -> fmpq:
    """The rational number that a finite number of any kind is. Raises OverflowError or ValueError when not finite."""
    return fmpq(*ratio(value))


def rational_matrix(array: ArrayLike) -> fmpq_mat:
    """The (n, k) array, whatever kind of numbers its entries are, as an exact rational matrix; (n,) becomes a column (n, 1).

    Raises ShapeError (more than two axes, or empty), NotFiniteError.
    """
    values = given_array(_columns(array), "array", 2)
    return fmpq_mat(*values.shape, [fmpq(*entry) for row in ratio_rows(values) for entry in row])


def ball_matrix(array: ArrayLike) -> arb_mat:
    """The (n, k) array of float64 as balls of radius 0, whatever the working precision; (n,) becomes (n, 1).

    Raises ShapeError (more than two axes, or empty), NotFiniteError, RoundedEntryError.
    """
    values = finite_array(_columns(array), "array", 2)
    return arb_mat(*values.shape, [arb(value) for value in values.ravel().tolist()])


def _columns(array: ArrayLike) -> ArrayLike:
    """A vector as a column, whatever else as it is."""
    if np.ndim(array) != 1:
        return array
    return np.asarray(array, dtype=None if hasattr(array, "dtype") else object)[:, None]


def whole_matrix(array: ArrayLike) -> fmpz_mat:
    """The (n, k) array exactly as given, times the least number that makes it whole. Raises ShapeError, NotFiniteError."""
    values = given_array(array, "array", 2)
    ratios = [entry for row in ratio_rows(values) for entry in row]
    common = math.lcm(*(denominator for _, denominator in ratios))
    return fmpz_mat(*values.shape, [numerator * (common // denominator) for numerator, denominator in ratios])


def exact_rank(array: ArrayLike) -> int:
    """The rank of an (n, k) array exactly as given. Raises ShapeError, NotFiniteError."""
    return int(whole_matrix(array).rank())


def diagonal(entries: Sequence[fmpq]) -> fmpq_mat:
    """The (n, n) matrix with the n ``entries`` on its diagonal and 0 elsewhere."""
    result = fmpq_mat(len(entries), len(entries))
    for i, entry in enumerate(entries):
        result[i, i] = entry
    return result


def hadamard(left: fmpq_mat, right: fmpq_mat) -> fmpq_mat:
    """The entrywise product of two (n, k) matrices. Raises ShapeError when their shapes differ."""
    rows, columns = left.nrows(), left.ncols()
    if (rows, columns) != (right.nrows(), right.ncols()):
        raise ShapeError(f"shapes {(rows, columns)} and {(right.nrows(), right.ncols())} differ; they must agree")
    products = [a * b for a, b in zip(left.entries(), right.entries(), strict=True)]
    return fmpq_mat(rows, columns, products)


def entrywise_product(left: arb_mat, right: arb_mat) -> arb_mat:
    """The entrywise product of two (n, k) matrices of balls. Raises ValueError when their shapes differ."""
    products = [a * b for a, b in zip(left.entries(), right.entries(), strict=True)]
    return arb_mat(left.nrows(), left.ncols(), products)


def kronecker(left: fmpq_mat, right: fmpq_mat) -> fmpq_mat:
    """The Kronecker product of an (n, k) and a (p, q) matrix, shape (n p, k q): block (i, j) is left[i, j] right."""
    result = fmpq_mat(left.nrows() * right.nrows(), left.ncols() * right.ncols())
    for i in range(left.nrows()):
        for j in range(left.ncols()):
            factor = left[i, j]
            if factor == 0:
                continue
            for k in range(right.nrows()):
                for l in range(right.ncols()):  # noqa: E741 - the fourth index of a Kronecker product
                    result[i * right.nrows() + k, j * right.ncols() + l] = factor * right[k, l]
    return result


def pivot_columns(reduced: fmpq_mat, rank: int) -> list[int]:
    """The column of the leading 1 of each of the first ``rank`` rows of a reduced row echelon form."""
    pivots: list[int] = []
    for i in range(rank):
        start = pivots[-1] + 1 if pivots else 0
        pivots.append(next(j for j in range(start, reduced.ncols()) if reduced[i, j] != 0))
    return pivots


def pseudo_inverse(matrix: fmpq_mat) -> fmpq_mat:
    """The Moore-Penrose inverse, shape (k, n), of an exact rational matrix of shape (n, k), any rank.

    Full-rank factorisation ``A = C F``, ``C`` the pivot columns of A and ``F`` the nonzero rows of its reduced row
    echelon form: ``A^+ = F^T (F F^T)^{-1} (C^T C)^{-1} C^T``.
    """
    rows, columns = matrix.nrows(), matrix.ncols()
    reduced, rank = matrix.rref()
    if rank == 0:
        return fmpq_mat(columns, rows)
    pivots = pivot_columns(reduced, rank)
    tall = fmpq_mat(rows, rank, [matrix[i, j] for i in range(rows) for j in pivots])
    wide = fmpq_mat(rank, columns, [reduced[i, j] for i in range(rank) for j in range(columns)])
    right = wide.transpose() * (wide * wide.transpose()).inv()
    left = (tall.transpose() * tall).inv() * tall.transpose()
    return right * left


def null_vector(matrix: fmpq_mat) -> list[fmpq] | None:
    """A nonzero vector (k,) with ``A v = 0`` for an exact (n, k) matrix, None when its columns are independent."""
    reduced, rank = matrix.rref()
    columns = matrix.ncols()
    if rank == columns:
        return None
    pivots = pivot_columns(reduced, rank)
    free = next(j for j in range(columns) if j not in pivots)
    vector = [fmpq(0)] * columns
    vector[free] = fmpq(1)
    for row, pivot in enumerate(pivots):
        vector[pivot] = -reduced[row, free]
    return vector


def float_at_most(ball: arb) -> float:
    """A float64 not above any point of the ball: its lower end rounded down (-inf for a ball without bounds)."""
    end = float(ball.lower())
    return float(np.nextafter(end, -np.inf)) if end == end else -np.inf


def float_at_least(ball: arb) -> float:
    """A float64 not below any point of the ball: its upper end rounded up (inf for a ball without bounds)."""
    end = float(ball.upper())
    return float(np.nextafter(end, np.inf)) if end == end else np.inf


def positive_definite(matrix: fmpq_mat) -> bool:
    """Whether an exact symmetric (n, n) matrix is positive definite: every pivot of the elimination is positive."""
    rows = matrix.tolist()
    for k in range(len(rows)):
        pivot = rows[k][k]
        if not pivot > 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            rows[i] = [entry - factor * above for entry, above in zip(rows[i], rows[k], strict=True)]
    return True
