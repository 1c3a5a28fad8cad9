"""Certified bounds of ``y^T A^{-1} y`` for a symmetric positive definite matrix that is known up to an error."""

import math

import numpy as np
from numpy.typing import ArrayLike

from theory.errors import RankDeficientError
from theory.inputs import target_vector
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound, symmetric_matrix
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma


def inverse_form_bounds(matrix: ArrayLike, y: ArrayLike, error: float = 0.0) -> tuple[float, float]:
    """Certified (lower, upper) bounds of ``y^T A^{-1} y`` for every symmetric A with ``||A - matrix||_2 <= error``.

    With any x and ``e = y - A x``: ``y^T A^{-1} y = y^T x + y^T A^{-1} e``, the last term at most ``|y| |e| / lambda_min(A)``. x is a
    float64 solution; ``|e| <= |y - matrix x| + gamma_{n+2} | |y| + |matrix| |x| | + error |x|``. Doubled for the roundings of
    these bounds. Shapes (n, n) and (n,). Raises ShapeError, NotFiniteError, RankDeficientError (not certified to be
    positive definite).
    """
    given = symmetric_matrix(matrix)
    vector = target_vector(y, len(given))
    smallest = smallest_eigenvalue_lower_bound(given) - error
    if not smallest > 0:
        raise RankDeficientError(
            f"lambda_min of the {len(given)} x {len(given)} matrix is not certified to be positive (bound {smallest:.3g}); "
            f"remove coincident inputs"
        )
    solution = np.linalg.solve(given, vector)
    rounding = gamma(len(given) + 2) * (np.abs(vector) + np.abs(given) @ np.abs(solution))
    remainder = np.linalg.norm(np.abs(vector - given @ solution) + rounding) + error * np.linalg.norm(solution)
    value = float(vector @ solution)
    margin = 2 * float(np.linalg.norm(vector) * remainder / smallest)
    margin += 2 * gamma(len(given)) * float(np.abs(vector) @ np.abs(solution)) + UNIT_ROUNDOFF * abs(value)
    return math.nextafter(value - margin, -math.inf), math.nextafter(value + margin, math.inf)
