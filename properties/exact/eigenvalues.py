"""Certified bounds of eigenvalues and norms of small rational matrices: computed in float64, then decided by exact elimination."""

from __future__ import annotations

import math

import numpy as np
from flint import fmpq, fmpq_mat

from theory.rigour.exact import diagonal, positive_definite, rational

CLOSE = fmpq(1, 2**30)
"""Bounds are that close, in units of the trace."""


def identity(size: int) -> fmpq_mat:
    """The (n, n) identity."""
    return diagonal([fmpq(1)] * size)


def float_matrix(matrix: fmpq_mat) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The entries, each rounded to the nearest float64."""
    return np.array([[int(entry.p) / int(entry.q) for entry in row] for row in matrix.tolist()])


def _trace(matrix: fmpq_mat) -> fmpq:
    return sum((matrix[i, i] for i in range(matrix.nrows())), fmpq(0))


def largest_eigenvalue(matrix: fmpq_mat) -> fmpq:
    """An upper bound of the largest eigenvalue of a symmetric positive semidefinite (n, n) matrix; exact for n = 1."""
    trace = _trace(matrix)
    if matrix.nrows() == 1:
        return trace
    found = rational(np.linalg.eigvalsh(float_matrix(matrix))[-1]) + CLOSE * trace
    return found if positive_definite(found * identity(matrix.nrows()) - matrix) else trace


def smallest_eigenvalue(matrix: fmpq_mat) -> fmpq:
    """A lower bound of the smallest eigenvalue of a symmetric (n, n) matrix, 0 where no positive one is certified; exact for n = 1."""
    if matrix.nrows() == 1:
        return max(matrix[0, 0], fmpq(0))
    found = rational(np.linalg.eigvalsh(float_matrix(matrix))[0]) - CLOSE * _trace(matrix)
    return found if found > 0 and positive_definite(matrix - found * identity(matrix.nrows())) else fmpq(0)


def norm(matrix: fmpq_mat) -> fmpq:
    """An upper bound of the 2-norm of an (n, n) matrix; exact for n = 1."""
    if matrix.nrows() == 1:
        return abs(matrix[0, 0])
    squared = largest_eigenvalue(matrix.transpose() * matrix)
    found = rational(math.sqrt(int(squared.p) / int(squared.q))) * (1 + CLOSE)
    return found if found * found >= squared else 1 + squared
