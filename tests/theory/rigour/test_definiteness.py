"""Certified eigenvalue bounds against exact rational arithmetic: no false certificate, and tight enough to use."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from numpy.typing import ArrayLike
from scipy.linalg import lapack

from theory.errors import NotFiniteError, ShapeError
from theory.inputs import FloatArray
from theory.rigour import definiteness
from theory.rigour.definiteness import (
    FIRST_DISTANCE,
    cholesky_error,
    largest_eigenvalue_bounds,
    largest_eigenvalue_lower_bound,
    largest_eigenvalue_upper_bound,
    largest_eigenvalues_above,
    outer_eigenvalue_bounds,
    singular_value_bounds,
    smallest_eigenvalue_lower_bound,
    smallest_eigenvalue_upper_bound,
    symmetric_matrix,
)
from theory.rigour.exact import rational
from theory.rigour.rounding import UNDERFLOW


def exactly_positive_definite(matrix: FloatArray, shift: float) -> bool:
    """Whether ``A - shift I`` is positive definite, by elimination in exact rationals (all pivots positive)."""
    rest = [[rational(value) for value in row] for row in matrix.tolist()]
    for i in range(len(rest)):
        rest[i][i] -= rational(shift)
    for k in range(len(rest)):
        if rest[k][k] <= 0:
            return False
        for i in range(k + 1, len(rest)):
            factor: fmpq = rest[i][k] / rest[k][k]
            for j in range(k, len(rest)):
                rest[i][j] -= factor * rest[k][j]
    return True


def assert_bounds_are_true(matrix: FloatArray) -> None:
    lower, upper = smallest_eigenvalue_lower_bound(matrix), smallest_eigenvalue_upper_bound(matrix)
    assert math.isfinite(lower)
    assert exactly_positive_definite(matrix, lower)
    assert not exactly_positive_definite(matrix, upper)
    assert exactly_positive_definite(-matrix, -largest_eigenvalue_upper_bound(matrix))
    below, above = largest_eigenvalue_bounds(matrix)
    assert not exactly_positive_definite(-matrix, -below)
    assert exactly_positive_definite(-matrix, -above)
    assert above - below <= 1e-10 * max(1.0, float(np.abs(matrix).max()))


def integer_matrix(rng: np.random.Generator, size: int) -> FloatArray:
    """A rank-deficient positive semidefinite integer matrix."""
    factor = rng.integers(-4, 5, (size, max(1, size - 1))).astype(float)
    return np.asarray(factor @ factor.T)


def graded_matrix(rng: np.random.Generator, size: int) -> FloatArray:
    """An indefinite or definite matrix with diagonal entries from 1 down to 2^-30."""
    grade = 2.0 ** -np.floor(np.linspace(0, 30, size))
    factor = rng.standard_normal((size, size))
    product = (factor @ factor.T) * grade[:, None] * grade[None, :]
    return np.asarray((product + product.T) / 2)


def one_ulp_off(rng: np.random.Generator, size: int) -> FloatArray:
    """A rank-deficient integer matrix whose entries are moved by one unit in the last place or not at all."""
    matrix = integer_matrix(rng, size)
    ulps = rng.integers(-1, 2, matrix.shape)
    ulps = np.tril(ulps) + np.tril(ulps, -1).T
    return np.asarray(matrix + ulps * np.spacing(np.abs(matrix)))


def spectrum(rng: np.random.Generator, eigenvalues: FloatArray) -> FloatArray:
    """A symmetric matrix with about these eigenvalues."""
    basis = np.linalg.qr(rng.standard_normal((len(eigenvalues), len(eigenvalues))))[0]
    product = (basis * eigenvalues) @ basis.T
    return np.asarray((product + product.T) / 2)


@pytest.mark.parametrize("kind", [integer_matrix, graded_matrix, one_ulp_off])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_no_false_certificate(kind: Callable[[np.random.Generator, int], FloatArray], size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(12):
        assert_bounds_are_true(kind(rng, size))


def test_a_singular_matrix_is_never_certified_nor_missed_by_much() -> None:
    rng = np.random.default_rng(2)
    for size in (2, 5, 20, 60):
        matrix = integer_matrix(rng, size)
        assert -1e-11 * np.trace(matrix) < smallest_eigenvalue_lower_bound(matrix) < 0


@pytest.mark.parametrize("size", [1, 2, 10, 50])
@pytest.mark.parametrize("exponent", [0, 3, 9.99])
def test_the_bounds_are_within_one_percent(size: int, exponent: float) -> None:
    rng = np.random.default_rng(size)
    worst = np.ones(size)
    worst[0] = 10.0**-exponent
    for eigenvalues in (worst, np.geomspace(10.0**-exponent, 1.0, size)):
        matrix = spectrum(rng, eigenvalues)
        lower, upper = smallest_eigenvalue_lower_bound(matrix), smallest_eigenvalue_upper_bound(matrix)
        assert 0 < 0.99 * upper <= lower <= upper


def test_indefinite_and_extreme_matrices_have_tight_bounds() -> None:
    for factor in (1.0, 2.0**1000, 2.0**-1000, 3e307, -1.0, -(2.0**900)):
        matrix = factor * np.array([[2.0, 1.0], [1.0, 2.0]])
        smallest, largest = sorted([3 * factor, factor])
        near = 1e-13 * abs(factor)
        assert smallest - near <= smallest_eigenvalue_lower_bound(matrix) < smallest
        assert smallest < smallest_eigenvalue_upper_bound(matrix) <= smallest + near
        assert largest < largest_eigenvalue_upper_bound(matrix) <= largest + near
        below, above = largest_eigenvalue_bounds(matrix)
        assert largest - near <= below < largest < above <= largest + near
        below, above = outer_eigenvalue_bounds(matrix)
        assert smallest - near <= below < smallest <= largest < above <= largest + near
    assert -1e-290 < smallest_eigenvalue_lower_bound(np.zeros((3, 3))) <= 0
    assert smallest_eigenvalue_upper_bound(np.zeros((3, 3))) >= 0
    tiny = 5e-324 * np.eye(2)
    assert smallest_eigenvalue_lower_bound(tiny) <= 5e-324 <= smallest_eigenvalue_upper_bound(tiny)


def test_a_zero_diagonal_is_no_obstacle() -> None:
    matrix = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert -1 - 1e-14 < smallest_eigenvalue_lower_bound(matrix) < -1
    assert 1 < largest_eigenvalue_upper_bound(matrix) < 1 + 1e-14
    rng = np.random.default_rng(7)
    for _ in range(20):
        matrix = rng.standard_normal((5, 5))
        matrix = np.tril(matrix, -1) + np.tril(matrix, -1).T
        assert_bounds_are_true(matrix)


def test_the_rounding_bound_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definiteness, "cholesky_error", lambda size, trace, largest: 1 / 64)
    bound = smallest_eigenvalue_lower_bound(np.diag([1.0, 2.0]))  # entries below 2^2: the bound is charged times 4
    assert bound == pytest.approx(1 - 4 * (1 + FIRST_DISTANCE) / 64, abs=1e-12)


def test_the_end_of_the_range_gives_a_true_infinity() -> None:
    matrix = np.full((4, 4), 1.7e308)
    matrix[np.diag_indices(4)] = -1.7e308  # eigenvalues -3.4e308 (beyond the range) and 5.1e308 - 1.7e308
    assert smallest_eigenvalue_lower_bound(matrix) == -np.inf
    assert largest_eigenvalue_upper_bound(matrix) == np.inf
    assert smallest_eigenvalue_upper_bound(-np.abs(matrix)) <= -1.7e308
    assert smallest_eigenvalue_upper_bound(np.abs(matrix)) >= 0


def test_floating_point_errors_that_the_caller_raises_do_not_end_it() -> None:
    """Scaling back may overflow or underflow; the outcome is a bound then, not an error."""
    with np.errstate(all="raise"):
        assert smallest_eigenvalue_lower_bound(np.full((2, 2), 1.7e308)) < 0
        assert smallest_eigenvalue_lower_bound(5e-324 * np.eye(2)) <= 5e-324


def test_a_wrong_estimate_costs_the_certificate_not_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.diag([1.0, 2.0])
    for wrong in (1.5, 0.5, -7.0, 1e6):
        monkeypatch.setattr(definiteness, "_least_eigenvalue", lambda _, wrong=wrong: wrong)
        assert smallest_eigenvalue_lower_bound(matrix) < 1


def test_a_factor_that_is_not_finite_is_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lapack, "dpotrf", lambda matrix, **_: (np.full_like(matrix, np.nan), 0))
    assert smallest_eigenvalue_lower_bound(np.eye(2)) == -np.inf


def test_a_vector_that_is_no_eigenvector_still_bounds_from_above(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        matrix = integer_matrix(rng, 4)
        vectors = rng.standard_normal((4, 4)) * 10.0
        monkeypatch.setattr(np.linalg, "eigh", lambda _, vectors=vectors: (np.zeros(4), vectors))
        upper, exact_vector = smallest_eigenvalue_upper_bound(matrix), [Fraction(v) for v in vectors[:, 0].tolist()]
        numerator = sum(exact_vector[i] * Fraction(matrix[i, j]) * exact_vector[j] for i in range(4) for j in range(4))
        quotient = numerator / sum(v * v for v in exact_vector)
        assert quotient <= Fraction(upper) <= quotient * (1 + Fraction(1, 10**11)) + Fraction(1, 10**11)


def test_a_wrong_eigenpair_still_bounds_the_largest_eigenvalue(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    matrix = np.diag([3.0, 1.0, -5.0])
    for wrong in (-3.5, -2.0, 0.0, 7.0):
        vector = rng.standard_normal(3)
        found = (wrong / 8, vector)  # entries are scaled below 1
        monkeypatch.setattr(definiteness, "_least_eigenpair", lambda _, found=found: found)
        below, above = largest_eigenvalue_bounds(matrix)
        quotient = float(np.sum(np.diag(matrix) * vector**2) / np.sum(vector**2))
        assert quotient - 1e-13 <= below < quotient <= 3 < above


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(("trace", "largest"), [(1.0, 1.0), (7.0, 0.5), (0.0, 0.0)])
def test_the_rounding_bound_covers_the_formula_of_the_source(size: int, trace: float, largest: float) -> None:
    unit = Fraction(1, 2**53)
    higham = (size + 2) * unit / (1 - (size + 2) * unit)
    exact = higham / (1 - higham) * Fraction(trace) + unit * Fraction(largest)
    bound = Fraction(cholesky_error(size, trace, largest))
    assert 2 * exact <= bound <= Fraction(2000001, 1000000) * exact + Fraction(UNDERFLOW)
    assert bound >= Fraction(UNDERFLOW) > 0


def test_large_matrices_have_tight_bounds() -> None:
    rng = np.random.default_rng(5)
    factor = rng.standard_normal((400, 500))
    matrix = factor @ factor.T
    assert 0 < 0.999 * smallest_eigenvalue_upper_bound(matrix) < smallest_eigenvalue_lower_bound(matrix)


def test_few_attempts_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    factorises = definiteness._factorises

    def counted(matrix: FloatArray) -> bool:
        calls.append(len(matrix))
        return factorises(matrix)

    monkeypatch.setattr(definiteness, "_factorises", counted)
    rng = np.random.default_rng(6)
    for size in (3, 30, 100):
        smallest_eigenvalue_lower_bound(integer_matrix(rng, size))
    assert len(calls) <= 9


@pytest.mark.parametrize(
    "bound",
    [
        smallest_eigenvalue_lower_bound,
        smallest_eigenvalue_upper_bound,
        largest_eigenvalue_upper_bound,
        largest_eigenvalue_lower_bound,
        largest_eigenvalue_bounds,
    ],
)
def test_bad_matrices_are_named(bound: Callable[[ArrayLike], object]) -> None:
    with pytest.raises(ShapeError, match="square"):
        bound(np.zeros((2, 3)))
    with pytest.raises(ShapeError):
        bound(np.zeros(3))
    with pytest.raises(ShapeError, match=r"entry \[0, 2\] is .*1e-300.*, entry \[2, 0\] is .*0\.0"):
        bound(np.array([[1.0, 0.0, 1e-300], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    with pytest.raises(NotFiniteError, match=r"\[0, 1\]"):
        bound(np.array([[1.0, np.nan], [np.nan, 1.0]]))


def test_the_checked_matrix_is_returned_as_it_is() -> None:
    matrix = np.array([[1.0, 2.0], [2.0, 3.0]])
    assert (symmetric_matrix(matrix.tolist()) == matrix).all()


@pytest.mark.parametrize(("n", "p"), [(1, 1), (1, 6), (3, 3), (5, 12)])
def test_singular_values_lie_within_their_bounds(n: int, p: int) -> None:
    """Known singular values: a diagonal of powers of two, rotated by exact signed permutations and by rotations."""
    rng = np.random.default_rng(n)
    values = 2.0 ** -np.arange(n)
    permuted = np.zeros((n, p))
    permuted[rng.permutation(n), rng.permutation(p)[:n]] = values * rng.choice([-1.0, 1.0], size=n)
    below, above = singular_value_bounds(permuted)
    assert values[-1] * (1 - 1e-12) <= below <= values[-1]
    assert values[0] <= above <= values[0] * (1 + 1e-12)
    wider_below, wider_above = singular_value_bounds(permuted, 0.01)
    assert wider_above - above == pytest.approx(0.01, rel=1e-9)
    assert below - wider_below == pytest.approx(0.01, rel=1e-9)
    rotated = np.linalg.qr(rng.standard_normal((n, n)))[0] @ permuted
    below, above = singular_value_bounds(rotated, 1e-13)
    assert values[-1] * (1 - 1e-9) <= below <= values[-1]
    assert values[0] <= above <= values[0] * (1 + 1e-9)


def test_singular_and_tall_matrices_have_no_positive_lower_bound() -> None:
    assert singular_value_bounds(np.ones((2, 3)))[0] <= 1e-7
    assert singular_value_bounds(np.ones((3, 2)))[0] <= 1e-7
    assert singular_value_bounds(np.eye(2), 2.0)[0] <= 0
    with pytest.raises(ShapeError):
        singular_value_bounds(np.ones(3))
    with pytest.raises(NotFiniteError):
        singular_value_bounds(np.full((2, 2), np.nan))


def test_a_stack_s_largest_eigenvalues_are_bounded_with_their_errors() -> None:
    rng = np.random.default_rng(9)
    for size in (1, 2, 3, 6):
        stack = np.array([raw + raw.T for raw in rng.integers(-9, 10, (30, size, size)) / 8])
        stack[0] = 0.0
        stack[1] = np.eye(size)
        for error in (0.0, 0.25):
            found = largest_eigenvalues_above(stack, np.full(30, error))
            exact = np.linalg.eigvalsh(stack)[:, -1] + error
            assert (found <= exact + 1e-13 * size * (1 + np.abs(exact))).all()
            for matrix, bound in zip(stack, found, strict=True):
                # strictly above lambda_max(A + error I)
                assert exactly_positive_definite(-matrix - error * np.eye(size), -float(bound))


def test_wrong_eigenpairs_still_bound_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = np.array([np.diag([3.0, 1.0, -5.0]), np.diag([2.0, 2.0, 2.0])])
    turn = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))[0]
    for values, vectors in (
        (np.array([-5.0, 1.0, 2.0]), np.eye(3)[::-1]),
        (np.array([-5.0, 1.0, 3.0]), turn),
        (np.array([-9.0, -9.0, -9.0]), turn * 1.2),
        (np.array([1.0, 1.0, 1.0]), turn * np.array([1.0, 1.0, 1.2])),
        (np.array([1.0, 1.0, 1.0]), np.ones((3, 3))),
        (np.full(3, math.nan), turn),
    ):
        found = (np.array([values, values]), np.array([vectors, vectors]))
        monkeypatch.setattr(np.linalg, "eigh", lambda _, found=found: found)
        bounds = largest_eigenvalues_above(stack, np.array([0.5, 0.0]))
        assert (~(bounds <= [3.5, 2.0])).all()
    # orthogonal to 1.44 - 1 = 0.44 in one column: the distance is stretched by (1 - 0.44)^{-1/2}, the error by its root
    stretched = (np.ones((1, 3)), np.array([np.diag([1.0, 1.0, 1.2])]))
    monkeypatch.setattr(np.linalg, "eigh", lambda _: stretched)
    bound = float(largest_eigenvalues_above(np.eye(3)[None] * 2.0, np.array([0.5]))[0])
    remainder = math.sqrt(1 + 1 + 1.44)
    assert bound == pytest.approx(1 + (remainder + 0.5 * math.sqrt(1.44)) / math.sqrt(0.56), rel=1e-12)


@pytest.mark.parametrize(
    ("value", "exponent"),
    [
        (0.75, -1073),
        (-0.75, -1073),
        (0.75, -1074),
        (1.0, -1080),
        (-1.0, -1080),
        (0.75, 1024),
        (-0.75, 1024),
        (1.0, 1025),
    ],
)
def test_bounds_are_bounds_after_they_are_scaled_back_where_they_underflow_or_overflow(
    value: float, exponent: int
) -> None:
    exact = Fraction(value) * Fraction(2) ** exponent
    below, above = (definiteness._scaled_back(value, exponent, end) for end in (-math.inf, math.inf))
    assert below == -math.inf or Fraction(below) <= exact
    assert above == math.inf or exact <= Fraction(above)
    assert above - below <= 2 * math.ulp(below) or math.inf in (above, -below)
