"""Entries as given: what decides exactly decides on them, what works in float64 refuses what it would have to round."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from theory.entries import changed_entries, given_array, ratio, rounded_entries
from theory.errors import InputError, NotFiniteError, RoundedEntryError, ShapeError, ZeroRowError
from theory.inputs import finite_array, normalise_rows, target_vector, unit_rows
from theory.kernels import degeneracy as degeneracy_module
from theory.kernels.limiting import (
    ball_limiting_gram,
    degeneracy,
    limiting_gram,
    limiting_gram_eigenvalue_bounds,
    limiting_pattern_gram_eigenvalue_bounds,
)
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour import smallest_eigenvalue_lower_bound
from theory.rigour.definiteness import singular_value_bounds
from theory.rigour.exact import exact_rank, rational, rational_matrix, whole_matrix

BIG = 2**53
LONG = np.longdouble(1) + np.finfo(np.longdouble).eps
"""Next to 1 among long doubles; where these are no wider than float64, next to 1 there."""

ROWS: list[Any] = [
    np.array([[BIG, 1], [BIG + 1, 1]]),
    np.array([[BIG, 1], [BIG + 1, 1]], dtype=np.uint64),
    np.array([[1, 1], [LONG, 1]], dtype=np.longdouble),
    [[BIG, 1.0], [BIG + 1, 1.0]],
    [[10**400, 1], [10**400 + 1, 1]],
    [[Fraction(1, 3), 1], [Fraction(1, 3) + Fraction(1, 10**30), 1]],
    [[fmpq(1, 3), 1], [fmpq(1, 3) + fmpq(1, 10**30), 1]],
    [[Decimal("0.1"), 1], [Decimal("0.10000000000000000000001"), 1]],
    [[Fraction(1, 10**400), Fraction(1, 10**400)], [Fraction(1, 10**400), Fraction(2, 10**400)]],
]
"""Two rows that point two ways, and the same way once their entries are rounded to float64."""


@pytest.mark.parametrize("rows", ROWS)
def test_rows_that_rounding_makes_parallel_are_not(rows: Any) -> None:
    found = degeneracy(rows)
    assert found.coincident == ()
    assert found.gram_positive_definite
    assert found.pattern_gram_positive_definite
    gram = ball_limiting_gram(rows, 4000)
    assert gram[0, 1] < gram[0, 0]


@pytest.mark.parametrize(
    "rows",
    [
        [[Fraction(1, 3), 1], [1, 3]],
        [[Decimal("0.1"), Decimal("0.3")], [1, 3]],
        [[fmpq(1, 7), fmpq(2, 7)], [Fraction(1, 3), Fraction(2, 3)]],
        np.array([[BIG + 1, 2 * BIG + 2], [1, 2]]),
    ],
)
def test_rows_that_rounding_makes_different_are_parallel(rows: Any) -> None:
    found = degeneracy(rows)
    assert found.coincident == ((0, 1),)
    assert limiting_gram(rows)[0, 1] == 0.5
    assert limiting_gram_eigenvalue_bounds(rows)[0] <= 0 <= limiting_gram_eigenvalue_bounds(rows)[1]
    assert limiting_pattern_gram_eigenvalue_bounds(rows)[0] <= 0


def primitive_directions(rows: Any) -> list[tuple[int, ...]]:
    return degeneracy_module.primitive_directions(rows)


def test_directions_of_all_kinds_of_numbers() -> None:
    assert primitive_directions([[Fraction(1, 2), Fraction(-1, 3)]]) == [(3, -2)]
    assert primitive_directions([[True, False], [0.5, 0.25]]) == [(1, 0), (2, 1)]
    assert primitive_directions(np.array([[4, 6]], dtype=np.int8)) == [(2, 3)]
    assert primitive_directions(np.array([[0.5, 0.25]], dtype=np.float16)) == [(2, 1)]
    assert ratio(np.longdouble(0.5)) == (1, 2)
    assert rational(np.longdouble(1) / 4) == fmpq(1, 4)  # type: ignore[arg-type]
    assert rational(BIG + 1) == fmpq(BIG + 1)


@pytest.mark.parametrize("rows", ROWS)
def test_normalised_rows_of_all_kinds_are_unit_rows(rows: Any) -> None:
    unit = normalise_rows(rows)
    assert unit.dtype == np.float64
    assert unit_rows(unit) is not None
    exact = given_array(rows, "X", 2)
    for i, row in enumerate(exact):
        p, q = (Fraction(*ratio(entry)) for entry in row)
        assert abs(Fraction(unit[i, 0]) * q - Fraction(unit[i, 1]) * p) <= max(p, q) / 2**50


def test_limiting_kernels_contain_those_of_the_entries_as_given() -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(-(2**62), 2**62, (5, 4))
    exact, found = ball_limiting_gram(rows), limiting_gram(rows)
    for i in range(5):
        for j in range(5):
            assert abs(exact[i, j] - found[i, j]) <= 20 * 2.0**-53


@pytest.mark.parametrize(
    ("values", "where"),
    [
        (np.array([[1, BIG + 1]]), r"X\[0, 1\] is 9007199254740993, which is no float64 number"),
        ([[0.5], [BIG + 1]], r"X\[1, 0\] is 9007199254740993"),
        ([[Fraction(1, 3)]], r"X\[0, 0\] is 1/3"),
        ([[10**400]], r"X\[0, 0\] is 1000"),
        ([[10**9000]], "about 2\\^29897, which is no float64 number"),
        ([[Fraction(1, 10**400)]], "which is no float64 number"),
        ([[Decimal("0.1")]], r"X\[0, 0\] is 0\.1,"),
    ],
)
def test_what_works_in_float64_refuses_to_round(values: Any, where: str) -> None:
    with pytest.raises(RoundedEntryError, match=where):
        finite_array(values, "X", 2)
    assert issubclass(RoundedEntryError, InputError)


def test_long_doubles_are_not_rounded_silently() -> None:
    """Where they are as wide as float64 nothing is lost."""
    if np.finfo(np.longdouble).eps == 2**-52:
        assert finite_array(np.array([[LONG]]), "X", 2) == LONG
        return
    wide = np.longdouble(2) ** 2000
    for value in (LONG, wide):
        with pytest.raises(RoundedEntryError):
            finite_array(np.array([[value]]), "X", 2)
    assert degeneracy(np.array([[wide, 1], [wide, 2]])).coincident == ()


def test_float64_numbers_of_every_type_pass() -> None:
    values: Any
    for values in (
        np.array([[1, -(2**60)]]),
        np.array([[2**63]], dtype=np.uint64),
        [[BIG, 0.5]],
        [[Fraction(1, 4), Decimal("0.5")]],
        np.array([[1.5]], dtype=np.longdouble),
        np.array([[1.1]], dtype=np.float32),
        np.array([[True]]),
    ):
        assert finite_array(values, "X", 2).dtype == np.float64


def test_certificates_refuse_entries_that_they_would_round() -> None:
    """(2^53 + 1) - 2^53 is 1, its rounding 0."""
    matrix = np.array([[BIG + 1, BIG], [BIG, BIG + 1]])
    for certificate in (smallest_eigenvalue_lower_bound, singular_value_bounds):
        with pytest.raises(RoundedEntryError):
            certificate(matrix)
    with pytest.raises(RoundedEntryError):
        target_vector(np.array([BIG + 1]), 1)
    with pytest.raises(RoundedEntryError):
        TwoLayerNetwork(weights=matrix, signs=np.ones(2))
    assert exact_rank([[BIG, 1], [BIG + 1, 1]]) == 2
    assert rational_matrix([BIG + 1, 0.5])[0, 0] == BIG + 1
    thirds: Any = [[Fraction(1, 3), Fraction(1, 2)]]
    assert whole_matrix(thirds).tolist() == [[2, 3]]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ([[Fraction(0), Decimal(0)]], ZeroRowError),
        ([[Decimal("nan"), 1]], NotFiniteError),
        ([[1.0, float("inf")]], NotFiniteError),
        ([[None, 1]], ShapeError),
        ([["1", "2"]], ShapeError),
        ([[1j, 2]], ShapeError),
        ([[1, 2], [3]], ShapeError),
        (np.ma.array([[1, 2]], mask=[[True, False]]), NotFiniteError),
    ],
)
def test_what_is_no_number_is_named(values: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        degeneracy(values)


def test_changes_are_found_where_they_are() -> None:
    array = np.array([[BIG, BIG + 1], [-(BIG + 1), 3]])
    assert changed_entries(array, rounded_entries(array)).tolist() == [[False, True], [True, False]]
