"""Exact rational matrices: conversions, products, the four Penrose equations, null vectors, floats around balls."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from numpy.typing import ArrayLike

from theory.errors import NotFiniteError, ShapeError
from theory.rigour.exact import (
    ball_matrix,
    diagonal,
    entrywise_product,
    float_at_least,
    float_at_most,
    hadamard,
    kronecker,
    null_vector,
    pivot_columns,
    positive_definite,
    pseudo_inverse,
    rational,
    rational_matrix,
)
from theory.rigour.precision import working_precision


def fractions(matrix: fmpq_mat) -> list[list[Fraction]]:
    return [[Fraction(int(entry.p), int(entry.q)) for entry in row] for row in matrix.tolist()]


def random_matrix(rng: np.random.Generator, rows: int, columns: int, rank: int) -> fmpq_mat:
    left = rng.integers(-3, 4, (rows, rank)).astype(float)
    right = rng.integers(-3, 4, (rank, columns)).astype(float) / 8
    return rational_matrix(left) * rational_matrix(right)


@pytest.mark.parametrize("value", [0.1, -2.5, 5e-324, 1.7e308, 0.0, 1 / 3])
def test_a_float_becomes_the_rational_that_it_is(value: float) -> None:
    assert Fraction(int(rational(value).p), int(rational(value).q)) == Fraction(value)


def test_arrays_keep_their_entries_in_place() -> None:
    array = np.array([[0.1, 2.0, -3.5], [7.0, 1e-300, 1e300]])
    assert fractions(rational_matrix(array)) == [[Fraction(v) for v in row] for row in array.tolist()]
    column = rational_matrix(array[0])
    assert (column.nrows(), column.ncols()) == (3, 1)
    with working_precision(10):
        balls = ball_matrix(array)
        assert all(balls[i, j].is_exact() and float(balls[i, j]) == array[i, j] for i in range(2) for j in range(3))
        assert (ball_matrix(array[1]).nrows(), ball_matrix(array[1]).ncols()) == (3, 1)


@pytest.mark.parametrize("convert", [rational_matrix, ball_matrix])
def test_bad_arrays_are_named(convert: Callable[[ArrayLike], fmpq_mat | arb_mat]) -> None:
    with pytest.raises(NotFiniteError):
        convert([[1.0, np.nan]])
    with pytest.raises(NotFiniteError):
        convert([np.inf])
    with pytest.raises(ShapeError):
        convert(np.zeros((2, 2, 2)))
    with pytest.raises(ShapeError):
        convert(np.zeros((0, 2)))


def test_products_agree_with_the_integers_of_numpy() -> None:
    rng = np.random.default_rng(1)
    a, b, c = (rng.integers(-4, 5, shape).astype(float) for shape in [(2, 3), (2, 3), (4, 2)])
    assert hadamard(rational_matrix(a), rational_matrix(b)) == rational_matrix(a * b)
    assert entrywise_product(ball_matrix(a), ball_matrix(b)) == ball_matrix(a * b)
    assert kronecker(rational_matrix(a), rational_matrix(c)) == rational_matrix(np.kron(a, c))
    assert diagonal([rational(v) for v in a[0]]) == rational_matrix(np.diag(a[0]))
    with pytest.raises(ShapeError, match="differ"):
        hadamard(rational_matrix(a), rational_matrix(c))
    with pytest.raises(ShapeError, match="differ"):
        hadamard(rational_matrix(a), rational_matrix(a.T.copy()))


@pytest.mark.parametrize(
    ("rows", "columns", "rank"), [(1, 1, 1), (3, 3, 3), (4, 3, 2), (3, 5, 2), (2, 4, 2), (5, 2, 2), (4, 4, 1)]
)
def test_the_pseudo_inverse_satisfies_the_penrose_equations(rows: int, columns: int, rank: int) -> None:
    rng = np.random.default_rng([rows, columns, rank])
    for _ in range(10):
        matrix = random_matrix(rng, rows, columns, rank)
        inverse = pseudo_inverse(matrix)
        assert (inverse.nrows(), inverse.ncols()) == (columns, rows)
        assert matrix * inverse * matrix == matrix
        assert inverse * matrix * inverse == inverse
        assert (matrix * inverse).transpose() == matrix * inverse
        assert (inverse * matrix).transpose() == inverse * matrix


def test_the_pseudo_inverse_of_zero_is_zero() -> None:
    assert pseudo_inverse(fmpq_mat(2, 3)) == fmpq_mat(3, 2)


def test_pivots_skip_zero_columns() -> None:
    reduced, rank = rational_matrix([[0.0, 2.0, 4.0, 1.0], [0.0, 1.0, 2.0, 3.0]]).rref()
    assert pivot_columns(reduced, rank) == [1, 3]


def test_null_vectors_are_in_the_kernel_and_nonzero() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        matrix = random_matrix(rng, 4, 5, 3)
        vector = null_vector(matrix)
        assert vector is not None
        assert any(entry != 0 for entry in vector)
        assert matrix * fmpq_mat(5, 1, vector) == fmpq_mat(4, 1)
    assert null_vector(rational_matrix(np.eye(3))) is None
    assert null_vector(fmpq_mat(2, 2)) == [fmpq(1), fmpq(0)]


def test_floats_around_a_ball_are_outside_it() -> None:
    with working_precision(100):
        for k in range(1, 40):
            ratio = arb(k) / 41
            assert arb(float_at_most(ratio)) < ratio < arb(float_at_least(ratio))
            assert float_at_least(ratio) - float_at_most(ratio) < 1e-15
        wide = arb(2, 1)
        assert 1 - 1e-8 < float_at_most(wide) <= 1
        assert 3 <= float_at_least(wide) < 3 + 1e-8
        assert float_at_most(arb.nan()) == -np.inf
        assert float_at_least(arb.nan()) == np.inf


def test_the_working_precision_is_two_bits_or_more() -> None:
    for bits in (2, 3, 53):
        with working_precision(bits):
            assert ctx.prec == bits
    with pytest.raises(ValueError, match="at least 2"), working_precision(1):
        pass


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[1, 0], [0, 1]], True),
        ([[2, -1], [-1, 1]], True),
        ([[1, 1], [1, 1]], False),
        ([[1, 2], [2, 1]], False),
        ([[0, 0], [0, 1]], False),
        ([[1, 0, 0], [0, 1, 1], [0, 1, 1]], False),
        ([[-1]], False),
    ],
)
def test_definiteness_is_decided_exactly(matrix: list[list[int]], expected: bool) -> None:
    assert positive_definite(fmpq_mat([[fmpq(entry) for entry in row] for row in matrix])) is expected
