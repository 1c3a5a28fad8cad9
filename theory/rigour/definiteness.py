"""Certified eigenvalue bounds of symmetric float64 matrices, exactly as given (verified Cholesky, Rayleigh quotient).

Sources: Higham, Accuracy and Stability of Numerical Algorithms, theorems 10.3 and 10.5; Rump, Verification of positive
definiteness, BIT 46 (2006). Eigenvalues are not squared; all bounds hold whatever the rounding of the library was.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, lapack

from theory.direction import LowerBound, UpperBound
from theory.errors import ScaleError, ShapeError
from theory.inputs import FloatArray, distance, finite_array
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma

FIRST_DISTANCE, DISTANCE_FACTOR, ATTEMPTS = 1 / 16, 4.0, 30
"""Trial shifts lie 1/16, 1/4, 1, 4, ... of the rounding bound below the estimate, at most so many of them."""


def symmetric_matrix(matrix: ArrayLike) -> FloatArray:
    """Return a symmetric (n, n) float64 matrix. Raises ShapeError (not square, not symmetric), NotFiniteError."""
    array = finite_array(matrix, "matrix", 2)
    if array.shape[0] != array.shape[1]:
        raise ShapeError(f"the matrix has shape {array.shape}; a symmetric one is square")
    different = array != array.T
    if different.any():
        i, j = (int(k) for k in np.argwhere(different)[0])
        raise ShapeError(
            f"the matrix is not symmetric: entry [{i}, {j}] is {array[i, j]!r}, entry [{j}, {i}] is {array[j, i]!r}; "
            f"symmetrise it and bound what that changes"
        )
    return array


def cholesky_error(size: int, trace: float, largest_diagonal: float) -> float:
    """How far below 0 an eigenvalue of ``A - s I`` can be when the factorisation of ``B = fl(A - s I)`` completes.

    ``R^T R = B + E`` with ``|E_ij| <= g / (1 - g) (b_ii b_jj)^{1/2}``, ``g = gamma_{n+1}``, in any order of summation
    (Higham 10.5), so ``||E||_2 <= g / (1 - g) tr B``. Multiplying by a reciprocal, as BLAS kernels do, is one rounding
    more; the doubled ``gamma_{2(n+2)}`` covers it, the rounding of the trace and of this formula. Rounding the shifted
    diagonal moves it by at most ``u max b_ii``. Units: those of A, entries of at most 1.
    """
    rounding = gamma(2 * (size + 2))
    return rounding / (1 - rounding) * trace + 2 * UNIT_ROUNDOFF * largest_diagonal + UNDERFLOW


def _factorises(shifted: FloatArray) -> bool:
    """Whether the floating-point Cholesky factorisation completes, with a finite factor."""
    factor, failed = lapack.dpotrf(shifted.T, lower=1, clean=0)
    return not failed and bool(np.isfinite(factor).all())


def _certified_shift(scaled: FloatArray, estimate: float) -> float:
    """A certified lower bound near ``estimate`` for entries of at most 1; -inf when no trial shift succeeds."""
    size, diagonal = len(scaled), scaled.diagonal()
    magnitudes = np.abs(diagonal) + abs(estimate)
    distance = FIRST_DISTANCE * cholesky_error(size, float(magnitudes.sum()), float(magnitudes.max()))
    shifted = scaled.copy(order="C")
    shifted_diagonal = shifted.reshape(-1)[:: size + 1]
    for _ in range(ATTEMPTS):
        shift = estimate - distance
        np.subtract(diagonal, shift, out=shifted_diagonal)
        if _factorises(shifted):  # hence the diagonal is positive
            error = cholesky_error(size, float(shifted_diagonal.sum()), float(shifted_diagonal.max()))
            return math.nextafter(shift - error, -math.inf)
        distance *= DISTANCE_FACTOR
    return -math.inf


def _binary_exponent(array: FloatArray) -> int:
    """The least k with all entries below 2^k in magnitude (0 for the zero matrix)."""
    return math.frexp(float(np.abs(array).max()))[1]


def _scaled_back(value: float, exponent: int, direction: float) -> float:
    """``value 2^exponent`` rounded towards ``direction``, also beyond the range of float64."""
    try:
        scaled = math.ldexp(value, exponent)
    except OverflowError:
        scaled = math.copysign(math.inf, value)
    return math.nextafter(scaled, direction)


def smallest_eigenvalue_lower_bound(matrix: ArrayLike) -> LowerBound:
    """A number that is certainly at most ``lambda_min`` of the symmetric (n, n) float64 matrix exactly as given.

    Positive only when positive definiteness is certified; about ``4 (n + 2) u tr(A)`` below ``lambda_min``, -inf when
    nothing could be certified. If the Cholesky factorisation of ``B = fl(A - s I)`` completes, then
    ``lambda_min(A) >= s - cholesky_error``. Raises ShapeError (not square, not symmetric), NotFiniteError.
    """
    array = symmetric_matrix(matrix)
    exponent = _binary_exponent(array)
    scaled = np.ldexp(array, -exponent)  # exact, but for entries 2^1000 times smaller than the largest: see UNDERFLOW
    bound = _certified_shift(scaled, _least_eigenvalue(scaled))
    return LowerBound(_scaled_back(bound, exponent, -math.inf))


def largest_eigenvalue_upper_bound(matrix: ArrayLike) -> UpperBound:
    """A number that is certainly at least ``lambda_max`` of the symmetric (n, n) matrix; inf when none was found.

    Raises ShapeError (not square, not symmetric), NotFiniteError.
    """
    return UpperBound(-smallest_eigenvalue_lower_bound(-symmetric_matrix(matrix)))


def outer_eigenvalue_bounds(matrix: ArrayLike) -> tuple[LowerBound, UpperBound]:
    """A number that is certainly at most lambda_min, and one that is at least lambda_max, from one computation of the eigenvalues.

    Of the symmetric (n, n) float64 matrix exactly as given. -inf and inf where none was found. Raises ShapeError, NotFiniteError.
    """
    array = symmetric_matrix(matrix)
    exponent = _binary_exponent(array)
    scaled = np.ldexp(array, -exponent)
    values = np.linalg.eigvalsh(scaled)
    below, above = _certified_shift(scaled, float(values[0])), -_certified_shift(-scaled, -float(values[-1]))
    return (
        LowerBound(_scaled_back(below, exponent, -math.inf)),
        UpperBound(_scaled_back(above, exponent, math.inf)),
    )


def smallest_eigenvalue_upper_bound(matrix: ArrayLike) -> UpperBound:
    """A number that is certainly at least ``lambda_min`` of the symmetric (n, n) float64 matrix exactly as given.

    The Rayleigh quotient of the computed eigenvector. Raises ShapeError (not square, not symmetric), NotFiniteError.
    """
    array = symmetric_matrix(matrix)
    exponent = _binary_exponent(array)
    scaled = np.ldexp(array, -exponent)
    above = _rayleigh_upper_bound(scaled, np.linalg.eigh(scaled)[1][:, 0])
    return UpperBound(_scaled_back(above, exponent, math.inf))


def smallest_eigenvalue_bounds(matrix: ArrayLike, error: float = 0.0) -> tuple[LowerBound, UpperBound]:
    """Certified (lower, upper) bounds of ``lambda_min`` of every symmetric matrix within ``error`` in the spectral norm.

    Raises ScaleError (an error that is not a number of at least 0), ShapeError (not square, not symmetric), NotFiniteError.
    """
    distance(error, "error")
    lower = np.nextafter(smallest_eigenvalue_lower_bound(matrix) - error, -np.inf)
    upper = np.nextafter(smallest_eigenvalue_upper_bound(matrix) + error, np.inf)
    return LowerBound(float(lower)), UpperBound(float(upper))


def largest_eigenvalue_bounds(matrix: ArrayLike) -> tuple[LowerBound, UpperBound]:
    """Certain bounds (lower, upper) of ``lambda_max`` of the symmetric (n, n) float64 matrix exactly as given.

    One eigenpair serves both: its Rayleigh quotient bounds from below, a Cholesky factorisation next to it from above
    (inf when none completed). Raises ShapeError (not square, not symmetric), NotFiniteError.
    """
    negative, exponent, estimate, below = _largest_eigenpair(matrix)
    upper = -_certified_shift(negative, estimate)
    return below, UpperBound(_scaled_back(upper, exponent, math.inf))


def largest_eigenvalue_lower_bound(matrix: ArrayLike) -> LowerBound:
    """The lower of these bounds alone, without a factorisation for the upper one. Raises ShapeError, NotFiniteError."""
    return _largest_eigenpair(matrix)[-1]


def _largest_eigenpair(matrix: ArrayLike) -> tuple[FloatArray, int, float, LowerBound]:
    """``-A/2^k`` with k, its least eigenvalue as computed, and the bound of ``lambda_max(A)`` from below by the Rayleigh quotient."""
    array = symmetric_matrix(matrix)
    exponent = _binary_exponent(array)
    negative = -np.ldexp(array, -exponent)
    value, vector = _least_eigenpair(negative)
    lower = -_rayleigh_upper_bound(negative, vector)
    return negative, exponent, value, LowerBound(_scaled_back(lower, exponent, -math.inf))


def _least_eigenvalue(matrix: FloatArray) -> float:
    """As ``numpy.linalg.eigvalsh`` computes it, without that function's own cost, which is higher for small matrices."""
    work, whole_work, _ = lapack.dsyevd_lwork(len(matrix), compute_v=0, lower=1)
    values, _, failed = lapack.dsyevd(matrix.T, compute_v=0, lower=1, lwork=int(work), liwork=int(whole_work))
    if failed:
        raise LinAlgError(f"LAPACK's dsyevd finds no eigenvalues and answers {failed}")
    return float(values[0])


def _least_eigenpair(matrix: FloatArray) -> tuple[float, FloatArray]:
    """The least eigenvalue and its vector (n,), as ``scipy.linalg.eigh`` computes them."""
    work, whole_work, _ = lapack.dsyevr_lwork(len(matrix), lower=1)
    values, vectors, *_, failed = lapack.dsyevr(
        matrix.T, range="I", il=1, iu=1, lower=1, lwork=int(work), liwork=int(whole_work)
    )
    if failed:
        raise LinAlgError(f"LAPACK's dsyevr finds no eigenpair and answers {failed}")
    return float(values[0]), vectors[:, 0]


def largest_eigenvalues_above(matrices: FloatArray, errors: FloatArray) -> FloatArray:
    """Numbers, shape (q,), certainly at least lambda_max of the symmetric matrices within ``errors`` (q,) of these (q, n, n).

    Errors in the spectral norm. ``A V = V L + R`` for any V and diagonal L, so with ``d = ||V^T V - I||_F < 1`` every eigenvalue of A,
    being one of ``L + V^{-1} R``, is within ``||R||_F / (1 - d)^{1/2}`` of an entry of L (Bauer, Fike); A moves R by ``||V||_2`` times as
    much, at most ``(1 + d)^{1/2}``. V and L are those of the library, whatever their quality; inf where d is not below 1/2. Raises ScaleError.
    """
    if not (np.asarray(errors) >= 0).all():
        raise ScaleError(f"errors are {errors}; they must be numbers, 0 or more")
    values, vectors = np.linalg.eigh(matrices)
    size, spectra = matrices.shape[-1], values[:, None, :]
    turned = vectors.transpose(0, 2, 1)
    remainder = _frobenius_norms(matrices @ vectors - vectors * spectra)
    remainder += gamma(size + 2) * _frobenius_norms(np.abs(matrices) @ np.abs(vectors) + np.abs(vectors * spectra))
    defect = _frobenius_norms(turned @ vectors - np.eye(size))
    defect += gamma(size + 2) * _frobenius_norms(np.abs(turned) @ np.abs(vectors))
    usable = defect < 1 / 2
    defect = np.where(usable, defect, 1 / 2)
    distance = (
        (remainder + errors * np.sqrt(1 + defect)) / np.sqrt(1 - defect) * (1 + gamma(size * size + 2 * size + 16))
    )
    return np.where(usable, np.nextafter(values.max(axis=1) + (distance + UNDERFLOW), np.inf), np.inf)


def _frobenius_norms(matrices: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(matrices, axis=(1, 2)))


def _rayleigh_upper_bound(scaled: FloatArray, vector: FloatArray) -> float:
    """``v^T A v / v^T v`` raised by its rounding ``gamma |v|^T |A| |v| / v^T v``, for entries of at most 1."""
    squared, sizes = float(vector @ vector), np.abs(vector)
    magnitude = float(sizes @ np.abs(scaled) @ sizes)
    # n products and sums for A v, n for v^T (A v), n for v^T v, and the division; doubled for the rounding of the bound
    error = 2 * gamma(3 * len(scaled) + 4) * magnitude / squared + UNDERFLOW
    return float(vector @ scaled @ vector) / squared + error


def singular_value_bounds(matrix: ArrayLike, error: float = 0.0) -> tuple[LowerBound, UpperBound]:
    """Certified bounds of the singular values of every (n, p) matrix within ``error`` of this one in Frobenius norm.

    ``(l, u)``: the n-th singular value is at least l (0 when nothing is certified), the largest at most u; not squared.
    The product ``M M^T`` is off by ``gamma_p ||M||_F^2`` as computed. Raises ScaleError (``error``), ShapeError, NotFiniteError.
    """
    error, array = distance(error, "error"), finite_array(matrix, "matrix", 2)
    size = float(np.linalg.norm(array))
    product = array @ array.T
    product = (product + product.T) / 2
    rounding = gamma(array.shape[1] + 4) * size**2 + UNDERFLOW
    above = math.sqrt(max(largest_eigenvalue_upper_bound(product) + rounding, 0.0)) * (1 + gamma(4)) + error
    below = math.sqrt(max(smallest_eigenvalue_lower_bound(product) - rounding, 0.0)) * (1 - gamma(4)) - error
    return LowerBound(max(math.nextafter(below, -math.inf), 0.0)), UpperBound(math.nextafter(above, math.inf))
