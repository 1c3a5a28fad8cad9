"""Checks at the door: every named error with what, where and what to do; normalisation without overflow or underflow."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb
from numpy.typing import ArrayLike

from theory.errors import (
    InputError,
    NotFiniteError,
    NotNormalisedError,
    ScaleError,
    ShapeError,
    SignError,
    WidthError,
    ZeroRowError,
)
from theory.inputs import (
    FloatArray,
    direction_rows,
    enough_parameters,
    finite_array,
    normalise_rows,
    positive,
    positive_count,
    positive_distance,
    sign_vector,
    target_vector,
    unit_rows,
)
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma

SMALLEST = 2.0**-1074


def exact_squared_norm(row: FloatArray) -> Fraction:
    return sum((Fraction(entry) ** 2 for entry in row.tolist()), Fraction(0))


def test_finite_array_returns_float64() -> None:
    array = finite_array([[1, 2], [3, 4]], "X", 2)
    assert array.dtype == np.float64
    assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("values", "axes", "message"),
    [
        ([1.0, 2.0], 2, r"X has shape \(2,\); it needs 2 non-empty axes"),
        ([[1.0], [2.0]], 1, r"X has shape \(2, 1\); it needs 1 non-empty axes"),
        (3.0, 1, r"X has shape \(\); it needs 1 non-empty axes"),
        ([], 1, r"X has shape \(0,\); it needs 1 non-empty axes"),
        (np.empty((3, 0)), 2, r"X has shape \(3, 0\); it needs 2 non-empty axes"),
        ([[1.0, 2.0], [3.0]], 2, "X is not a rectangular array of real numbers"),
        ([["a", "b"]], 2, "X is not a rectangular array of real numbers"),
        ([[1j]], 2, "X is not a rectangular array of real numbers"),
    ],
)
def test_finite_array_rejects_shapes(values: ArrayLike, axes: int, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        finite_array(values, "X", axes)


def test_complex_arrays_are_not_truncated() -> None:
    with pytest.raises(ShapeError, match="X is not a rectangular array of real numbers"):
        finite_array(np.array([[1.0 + 2.0j]]), "X", 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_finite_array_says_where(bad: float) -> None:
    values = np.ones((3, 4))
    values[1, 2] = values[2, 0] = bad
    with pytest.raises(NotFiniteError, match=rf"X\[1, 2\] is {bad}; remove or impute such entries"):
        finite_array(values, "X", 2)


def test_direction_rows_accepts_any_nonzero_norm() -> None:
    values = np.array([[0.0, SMALLEST], [1e308, 1e308], [0.0, -3.0]])
    assert np.array_equal(direction_rows(values), values)


def test_direction_rows_names_the_zero_row() -> None:
    with pytest.raises(ZeroRowError, match=r"row 2 of features is zero and has no direction; remove it"):
        direction_rows([[1.0, 0.0], [0.0, 1.0], [0.0, -0.0], [0.0, 0.0]], "features")


def test_unit_rows_accepts_up_to_its_limit() -> None:
    """In one dimension |x^2 - 1| <= 3 2^-52: 1 + 2^-52 is off by 2 2^-52 and a bit, 1 + 2^-51 by more than 4."""
    assert unit_rows([[1.0 + 2.0**-52], [-1.0], [1.0 - 2.0**-53]]).shape == (3, 1)
    with pytest.raises(
        NotNormalisedError, match=r"squared norm of row 1 of X is off 1 by 8\.89e-16, allowed is 6\.66e-16"
    ):
        unit_rows([[1.0], [1.0 + 2.0**-51]])


def test_unit_rows_limit_grows_with_the_dimension() -> None:
    row = np.zeros((1, 3))
    row[0, 0] = 1.0 + 2.0**-51
    assert unit_rows(row).shape == (1, 3)


def test_unit_rows_names_the_worst_row_and_the_remedy() -> None:
    with pytest.raises(NotNormalisedError, match=r"row 2 of X is off 1 by 3, .*use theory\.inputs\.normalise_rows"):
        unit_rows([[1.0, 0.0], [1.1, 0.0], [2.0, 0.0]])


@pytest.mark.parametrize("values", [[[0.0, 0.0]], [[np.nan, 1.0]], [1.0, 0.0], [[1.0], [1.0, 0.0]], [[0.5, 0.5]]])
def test_every_complaint_is_an_input_error(values: ArrayLike) -> None:
    with pytest.raises(InputError):
        unit_rows(values)


@pytest.mark.parametrize("dim", [1, 2, 3, 10, 64, 1000])
def test_normalised_rows_are_unit_rows(dim: int) -> None:
    rng = np.random.default_rng(dim)
    rows = rng.standard_normal((200, dim)) * np.exp(rng.uniform(-300, 300, (200, 1)))
    unit = normalise_rows(rows)
    assert unit_rows(unit) is unit
    for row in unit[:10]:
        assert abs(exact_squared_norm(row) - 1) <= Fraction(dim + 2, 2**52)


@pytest.mark.parametrize(
    "row",
    [
        [3.0, 4.0],
        [1.7e308, 1.7e308, -1.7e308],
        [SMALLEST, 0.0],
        [SMALLEST, -3 * SMALLEST, 2 * SMALLEST],
        [1e308, 1e-320],
        [1e-200, 1e-200],
        [1e200, 1.0, 0.0],
        [2.0**1023],
    ],
)
def test_normalise_rows_keeps_the_direction_at_every_scale(row: list[float]) -> None:
    """Each entry has a relative error of at most gamma(d + 4): d for the sum of squares, the root, the division."""
    unit = normalise_rows([row])[0]
    with working_precision(4000):
        norm = sum((arb(entry) ** 2 for entry in row), arb(0)).sqrt()
        for entry, computed in zip(row, unit.tolist(), strict=True):
            exact = arb(entry) / norm
            assert abs(arb(computed) - exact) <= gamma(len(row) + 4) * abs(exact) + 2 * SMALLEST


def test_normalise_rows_treats_rows_alone() -> None:
    rows = np.array([[1e300, 0.0], [0.0, 1e-300], [-5.0, 0.0]])
    assert normalise_rows(rows).tolist() == [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]


def test_normalise_rows_keeps_antiparallel_pairs_exact() -> None:
    row = np.random.default_rng(0).standard_normal(5)
    unit = normalise_rows([row, -row])
    assert np.array_equal(unit[0], -unit[1])


def test_normalise_rows_complains_by_name() -> None:
    with pytest.raises(ZeroRowError, match="row 0 of data"):
        normalise_rows([[0.0, 0.0]], "data")


def test_target_vector() -> None:
    assert target_vector([1, -1], 2).tolist() == [1.0, -1.0]
    with pytest.raises(ShapeError, match="y has 3 entries, X has 2 rows; they must agree"):
        target_vector([1.0, 2.0, 3.0], 2)
    with pytest.raises(ShapeError, match=r"y has shape \(1, 2\); it needs 1"):
        target_vector([[1.0, 2.0]], 2)
    with pytest.raises(NotFiniteError, match=r"y\[1\] is nan"):
        target_vector([1.0, np.nan], 2)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_positive_rejects(value: float) -> None:
    with pytest.raises(ScaleError, match=rf"scale is {value}; it must be a finite positive number"):
        positive(value, "scale")


def test_positive_accepts() -> None:
    assert positive(SMALLEST, "scale") == SMALLEST
    assert isinstance(positive(2, "scale"), float)


@pytest.mark.parametrize("value", [0, -3, 1.5, True, float("nan"), float("inf")])
def test_positive_count_rejects(value: int) -> None:
    with pytest.raises(WidthError, match=f"width is {value}; it must be a positive integer"):
        positive_count(value, "width")


def test_positive_count_accepts_whole_numbers() -> None:
    assert [positive_count(value, "width") for value in (1, 7)] == [1, 7]


def test_sign_vector() -> None:
    assert sign_vector([1, -1, 1]).tolist() == [1.0, -1.0, 1.0]
    with pytest.raises(SignError, match=r"signs\[1\] is 0\.0; entries are -1 or \+1"):
        sign_vector([1.0, 0.0, 2.0])
    with pytest.raises(ShapeError, match="signs has shape"):
        sign_vector([[1.0]])
    with pytest.raises(NotFiniteError, match=r"signs\[0\] is nan"):
        sign_vector([np.nan])


def test_enough_parameters() -> None:
    enough_parameters(rows=6, width=3, dim=2)
    with pytest.raises(WidthError, match=r"n = 7 inputs but only m d = 3 x 2 parameters.*take a width of at least 4"):
        enough_parameters(rows=7, width=3, dim=2)
    with pytest.raises(WidthError, match="take a width of at least 4"):
        enough_parameters(rows=8, width=3, dim=2)


@pytest.mark.parametrize("value", [None, "3", b"3", True, np.bool_(True), 1j, [1.0], np.ones(2), float("nan"), np.inf])
def test_what_is_not_one_finite_number_is_named(value: Any) -> None:
    with pytest.raises(ScaleError, match="nu is"):
        positive(value, "nu")
    with pytest.raises(WidthError, match="width is"):
        positive_count(value, "width")


def test_numbers_of_every_kind_are_taken() -> None:
    for value in (3, 3.0, np.float32(3), np.int64(3), np.array(3.0), Fraction(3)):
        assert positive(value, "nu") == positive_count(value, "width") == 3  # type: ignore[arg-type]


def test_a_distance_needs_a_square_within_the_range_of_floats() -> None:
    assert positive_distance(1e150, "radius") == 1e150
    for value in (1e200, 1e-200):
        with pytest.raises(ScaleError, match="leave the range"):
            positive_distance(value, "radius")


def test_masked_entries_are_refused_not_unmasked() -> None:
    values = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    with pytest.raises(NotFiniteError, match="y has masked entries"):
        target_vector(values, 2)
    assert list(target_vector(np.ma.masked_array([1.0, 2.0]), 2)) == [1.0, 2.0]
