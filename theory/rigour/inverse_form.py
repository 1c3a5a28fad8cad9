"""Certified bounds of ``y^T A^{-1} y`` for a symmetric positive definite matrix that is known up to an error."""

import math

import numpy as np
from numpy.typing import ArrayLike

from theory.direction import NONNEGATIVE, UNBOUNDED, LowerBound, UpperBound
from theory.errors import RankDeficientError
from theory.inputs import FloatArray, target_vector
from theory.reals import nonnegative_real
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound, symmetric_matrix
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma


def inverse_form_bounds(matrix: ArrayLike, y: ArrayLike, error: float = 0.0) -> tuple[LowerBound, UpperBound]:
    """Certified (lower, upper) bounds of ``y^T A^{-1} y`` for every symmetric A with ``||A - matrix||_2 <= error``.

    With any x and ``e = y - A x``: ``y^T A^{-1} y = y^T x + y^T A^{-1} e``, the last term at most ``|y| |e| / lambda_min(A)``. x is a
    float64 solution; ``|e| <= |y - matrix x| + gamma_{n+2} | |y| + |matrix| |x| | + error |x|``. Doubled for the roundings of
    these bounds; (0, inf) where float64 does not reach. Shapes (n, n) and (n,). Raises ScaleError (``error`` is
    not a finite number, or negative), ShapeError, NotFiniteError, RankDeficientError (not certified to be positive definite).
    """
    nonnegative_real(error, "error")
    given = symmetric_matrix(matrix)
    vector = target_vector(y, len(given))
    smallest = smallest_eigenvalue_lower_bound(given) - error
    if not smallest > 0:
        raise RankDeficientError(
            f"lambda_min of the {len(given)} x {len(given)} matrix is not certified to be positive (bound {smallest:.3g}); "
            f"remove coincident inputs"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        return _bounds(given, vector, error, smallest)


def _bounds(given: FloatArray, vector: FloatArray, error: float, smallest: float) -> tuple[LowerBound, UpperBound]:
    solution: FloatArray = np.asarray(np.linalg.solve(given, vector), dtype=np.float64)
    rounding = gamma(len(given) + 2) * (np.abs(vector) + np.abs(given) @ np.abs(solution))
    remainder = euclidean_norm(np.abs(vector - given @ solution) + rounding) + error * euclidean_norm(solution)
    remainder += UNDERFLOW
    value = float(vector @ solution)
    margin = 2 * float(euclidean_norm(vector) * remainder / smallest)
    margin += 2 * gamma(len(given)) * float(np.abs(vector) @ np.abs(solution)) + UNIT_ROUNDOFF * abs(value) + UNDERFLOW
    if not (math.isfinite(value) and math.isfinite(margin)):
        return NONNEGATIVE, UNBOUNDED  # the form of a positive definite matrix, beyond the range of float64
    return LowerBound(value - margin), UpperBound(value + margin)
