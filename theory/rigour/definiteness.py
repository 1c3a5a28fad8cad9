"""Certified eigenvalue bounds of symmetric float64 matrices."""

import numpy as np

from theory.inputs import FloatArray
from theory.rigour.rounding import gamma


def smallest_eigenvalue_lower_bound(matrix: FloatArray) -> float:
    """Certified lower bound of the smallest eigenvalue; -inf when none was found."""
    n = len(matrix)
    estimate = float(np.linalg.eigvalsh(matrix)[0])
    trace = float(np.trace(np.abs(matrix)))
    error = 4 * gamma(2 * n + 8) * (trace + n * abs(estimate))
    shift = estimate - error
    try:
        np.linalg.cholesky(matrix - shift * np.eye(n))
    except np.linalg.LinAlgError:
        return -np.inf
    return shift - error


def largest_eigenvalue_upper_bound(matrix: FloatArray) -> float:
    """Certified upper bound of the largest eigenvalue; inf when none was found."""
    return -smallest_eigenvalue_lower_bound(-matrix)
