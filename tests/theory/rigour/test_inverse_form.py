"""Certified bounds of ``y^T A^{-1} y`` against exact rational arithmetic."""

import math

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from theory.errors import RankDeficientError, ScaleError, ShapeError
from theory.rigour.exact import rational, rational_matrix
from theory.rigour.inverse_form import inverse_form_bounds


def exact_form(matrix: fmpq_mat, vector: fmpq_mat) -> fmpq:
    return (vector.transpose() * matrix.solve(vector))[0, 0]


def hilbert(size: int) -> np.ndarray:
    index = np.arange(size)
    return 1.0 / (index[:, None] + index + 1)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_the_bounds_hold_the_exact_form_of_a_nearly_singular_matrix(size: int) -> None:
    matrix, y = hilbert(size), np.random.default_rng(size).standard_normal(size)
    lower, upper = inverse_form_bounds(matrix, y)
    exact = exact_form(rational_matrix(matrix), rational_matrix(y))
    assert rational(lower) <= exact <= rational(upper)
    assert upper - lower <= 1e-3 * upper


def test_the_bounds_are_close_for_a_matrix_far_from_singular() -> None:
    rng = np.random.default_rng(3)
    factor = rng.standard_normal((30, 60))
    matrix = factor @ factor.T
    matrix = (matrix + matrix.T) / 2
    lower, upper = inverse_form_bounds(matrix, rng.standard_normal(30))
    assert 0 < upper - lower <= 1e-11 * upper


def test_the_bounds_hold_for_every_matrix_within_the_error() -> None:
    matrix, y, error = np.diag([1.0, 0.25]), np.array([0.0, 1.0]), 0.125
    lower, upper = inverse_form_bounds(matrix, y, error)
    assert lower <= 1 / 0.375 < 1 / 0.125 <= upper


def test_what_is_not_certified_is_refused() -> None:
    with pytest.raises(RankDeficientError, match="not certified"):
        inverse_form_bounds(np.ones((2, 2)), np.ones(2))
    with pytest.raises(RankDeficientError, match="not certified"):
        inverse_form_bounds(np.eye(2), np.ones(2), error=1.0)
    with pytest.raises(ShapeError):
        inverse_form_bounds(np.eye(2), np.ones(3))


def test_the_bounds_are_numbers_beyond_the_range_of_floats_too() -> None:
    for size in (1e155, 1e200, 1e308):
        assert inverse_form_bounds(np.eye(2), np.array([size, -size])) == (0.0, math.inf)
    assert inverse_form_bounds(np.eye(2) * 1e-300, np.ones(2) * 1e100) == (0.0, math.inf)
    lower, upper = inverse_form_bounds(
        np.eye(2), np.full(2, 1e-160)
    )  # the squares are below the range of normal floats
    assert lower <= 0 < 2e-320 < upper < 1e-300
    for wrong in (math.nan, -1e-9, math.inf):
        with pytest.raises(ScaleError, match="error"):
            inverse_form_bounds(np.eye(2), np.ones(2), wrong)
