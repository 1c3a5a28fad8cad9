"""Euclidean norms of any size: squares that vanish or overflow are those of a multiple of the numbers."""

import math

import numpy as np
from scipy.linalg import blas

from theory.inputs import FloatArray

SMALLEST_PLAIN, LARGEST_PLAIN = 2.0**-400, 2.0**500
"""Between these, what underflows among fewer than 2^60 squares is nothing beside their sum, and nothing overflows."""

MOST_AT_ONCE = 2**31 - 1
"""BLAS counts entries in 32 bits."""


def euclidean_norm(values: FloatArray) -> float:
    """The norm of all entries together, 0 only where all are 0; as accurate as ``numpy.linalg.norm`` is without underflow.

    Inf or not a number where an entry is, or where the norm itself is beyond the range of float64.
    """
    flat = values.ravel(order="K")
    # the library's own function, which warns of nothing: to silence NumPy's takes longer than a short product
    plain = math.sqrt(blas.ddot(flat, flat)) if 0 < flat.size <= MOST_AT_ONCE else 0.0
    if SMALLEST_PLAIN <= plain <= LARGEST_PLAIN:
        return plain
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    exponent = int(np.frexp(largest)[1])
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(np.linalg.norm(np.ldexp(values, -exponent)), exponent))


def row_norms(matrix: FloatArray) -> FloatArray:
    """The norms of the rows of an (n, k) matrix, shape (n,)."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rows = np.ascontiguousarray(matrix)
        norms = np.sqrt(np.vecdot(rows, rows))
    for i in np.flatnonzero(~((norms >= SMALLEST_PLAIN) & (norms <= LARGEST_PLAIN))):
        norms[i] = euclidean_norm(matrix[i])
    return np.asarray(norms)


def form_root(vector: FloatArray, matrix: FloatArray) -> float:
    """``(sum_k v_k^T A v_k)^{1/2}`` for a vector (n,) or columns (n, k) and a positive semidefinite (n, n) matrix, not squared.

    Summed up by columns, and then over these: a product goes through n + k additions at most, in whatever order each sum is.
    A sum that rounding pushes below 0 counts as 0.
    """
    largest = float(np.abs(vector).max(initial=0.0))
    exponent = int(np.frexp(largest)[1]) if 0 < largest < SMALLEST_PLAIN else 0
    scaled = np.ldexp(vector, -exponent)
    squared = float(np.sum(np.sum(scaled * (matrix @ scaled), axis=0)))
    return float(np.ldexp(np.sqrt(max(squared, 0.0)), exponent)) if squared == squared else squared
