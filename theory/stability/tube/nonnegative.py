"""Spectral norms of nonnegative matrices, bounded from above without an eigensolver (Collatz, Wielandt).

For nonnegative M and any positive vector v, ``||M||_2^2 = rho(M^T M) <= max_i (M^T M v)_i/v_i``. Every product and sum is of nonnegative
numbers, so that its rounding is relative; the bound is raised by it.
"""

import math

import numpy as np

from theory.direction import UNBOUNDED, UpperBound
from theory.inputs import FloatArray
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.rounding import UNDERFLOW, gamma

ITERATIONS = 12
"""Products with M and its transpose before the quotient is taken: the bound is within a percent or so by then."""

SMALLEST_SHARE = 2.0**-20
"""No entry of v is below this share of the largest, so that what underflows in the products is nothing beside ``UNDERFLOW``."""


def nonnegative_norm(matrix: FloatArray) -> UpperBound:
    """A number that is certainly at least ``||M||_2`` (not squared) of every matrix that is entry by entry within M (n, p), ``>= 0``.

    Inf where an entry or a square is beyond the range of float64.
    """
    largest = float(matrix.max(initial=0.0))
    if largest == 0:
        return UpperBound(0.0)
    if not math.isfinite(largest):
        return UNBOUNDED
    exponent = math.frexp(largest)[1]
    scaled = np.ldexp(matrix, -exponent)  # exact, but for entries 2^1000 times smaller than the largest
    vector = np.ones(matrix.shape[1])
    for _ in range(ITERATIONS):
        vector = scaled.T @ (scaled @ vector)
        vector /= vector.max()
        np.maximum(vector, SMALLEST_SHARE, out=vector)
    quotients = (scaled.T @ (scaled @ vector)) / vector
    operations = sum(matrix.shape) + 8
    squared = float(quotients.max()) * (1 + gamma(operations)) + UNDERFLOW
    return UpperBound(math.nextafter(math.ldexp(math.sqrt(squared) * (1 + gamma(4)), exponent), math.inf))


def raised(values: FloatArray, operations: int) -> FloatArray:
    """Nonnegative numbers raised by the rounding of so many operations with nonnegative numbers; zeros stay zeros."""
    return np.asarray(np.nextafter(values * (1 + gamma(operations + 2)), np.where(values > 0, np.inf, 0.0)))


def norm_above(values: FloatArray) -> float:
    """The Euclidean norm of numbers, rounded up; 0 only of zeros."""
    norm = euclidean_norm(values)
    return math.nextafter(norm * (1 + gamma(values.size + 4)), math.inf) if norm > 0 else norm
