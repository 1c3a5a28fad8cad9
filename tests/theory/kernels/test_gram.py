"""The limiting kernels: known values, balls, parallel rows, entry errors, certified eigenvalues."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb, arb_mat
from numpy.typing import ArrayLike

from theory.errors import NotFiniteError, ShapeError, ZeroRowError
from theory.inputs import FloatArray
from theory.kernels import limiting as gram
from theory.kernels.limiting import (
    ball_limiting_gram,
    ball_limiting_pattern_gram,
    degeneracy,
    gram_entry_error,
    limiting_gram,
    limiting_gram_eigenvalue,
    limiting_gram_eigenvalue_bounds,
    limiting_pattern_gram,
    limiting_pattern_gram_eigenvalue,
    limiting_pattern_gram_eigenvalue_bounds,
    pattern_entry_error,
)
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF

KERNELS = [
    (limiting_gram, ball_limiting_gram, gram_entry_error),
    (limiting_pattern_gram, ball_limiting_pattern_gram, pattern_entry_error),
]


def mixed_rows(rng: np.random.Generator, dim: int) -> FloatArray:
    """Random rows, a neighbour of the first at angle 1e-8, a near opposite, an exact multiple and an exact opposite."""
    rows = rng.standard_normal((3, dim))
    step = 1e-8 * rng.standard_normal(dim)
    return np.concatenate([rows, rows[:1] + step, -rows[:1] + step, 3 * rows[1:2], -rows[2:]]) * 10.0


def largest_difference(values: FloatArray, balls: arb_mat) -> float:
    size = len(values)
    return max(abs(float(arb(values[i, j]) - balls[i, j])) for i in range(size) for j in range(size))


@pytest.mark.parametrize(("degrees", "correlation"), [(60, 0.5), (90, 0.0), (120, -0.5), (0, 1.0), (180, -1.0)])
def test_known_angles(degrees: int, correlation: float) -> None:
    angle = np.deg2rad(degrees)
    rows = [[2.0, 0.0], [np.cos(angle), np.sin(angle)]]
    share = (180 - degrees) / 360
    assert limiting_pattern_gram(rows)[0, 1] == pytest.approx(share, abs=1e-15)
    assert limiting_gram(rows)[0, 1] == pytest.approx(correlation * share, abs=1e-15)
    assert (np.diag(limiting_gram(rows)) == 0.5).all()
    assert (np.diag(limiting_pattern_gram(rows)) == 0.5).all()


@pytest.mark.parametrize(("kernel", "ball", "entry_error"), KERNELS)
@pytest.mark.parametrize("dim", [2, 3, 10, 300])
def test_entries_are_within_their_bound_of_the_balls(
    kernel: Callable[[ArrayLike], FloatArray],
    ball: Callable[[ArrayLike, int], arb_mat],
    entry_error: Callable[[int], float],
    dim: int,
) -> None:
    rng = np.random.default_rng(dim)
    for _ in range(5):
        rows = mixed_rows(rng, dim)
        values = kernel(rows)
        assert (values == values.T).all()
        with working_precision(120):
            assert largest_difference(values, ball(rows, 120)) <= entry_error(dim)


def test_the_entry_errors_are_those_of_their_derivation() -> None:
    assert pattern_entry_error(9) == pytest.approx((5 + 8) * UNIT_ROUNDOFF, rel=1e-10, abs=0)
    assert pattern_entry_error(10) == pytest.approx((5 + 8) * UNIT_ROUNDOFF, rel=1e-10, abs=0)
    assert gram_entry_error(9) == pytest.approx((15 + 13) * UNIT_ROUNDOFF, rel=1e-10, abs=0)
    assert gram_entry_error(10) == pytest.approx((15 + 13) * UNIT_ROUNDOFF, rel=1e-10, abs=0)


@pytest.mark.parametrize(("kernel", "ball", "_"), KERNELS)
def test_parallel_rows_are_exact(
    kernel: Callable[[ArrayLike], FloatArray], ball: Callable[[ArrayLike, int], arb_mat], _: object
) -> None:
    rows = np.array([[1.0, 2.0, 3.0], [5.0, 10.0, 15.0], [-7.0, -14.0, -21.0], [0.1, 0.2, 0.3]])
    expected = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.5]])
    assert (kernel(rows)[:3, :3] == expected).all()
    balls = ball(rows, 64)
    assert all(balls[i, j] == expected[i, j] for i in range(3) for j in range(3))
    assert not balls[0, 3].is_exact()  # (0.1, 0.2, 0.3) is near, not equal


def test_the_balls_are_as_narrow_as_asked() -> None:
    rows = mixed_rows(np.random.default_rng(7), 3)
    for bits in (64, 200):
        for balls in (ball_limiting_gram(rows, bits), ball_limiting_pattern_gram(rows, bits)):
            with working_precision(300):
                assert all(entry.rad() < arb(2) ** (8 - bits) for entry in balls.entries())


@pytest.mark.parametrize("angle", [1e-8, 1e-4, 1.0, 2.0, 3.14159])
def test_two_inputs_have_known_eigenvalues(angle: float) -> None:
    rows = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    for bounds, single, ball in (
        (limiting_gram_eigenvalue_bounds, limiting_gram_eigenvalue, ball_limiting_gram),
        (limiting_pattern_gram_eigenvalue_bounds, limiting_pattern_gram_eigenvalue, ball_limiting_pattern_gram),
    ):
        lower, upper = bounds(rows)
        assert single(rows) == lower
        with working_precision(120):
            exact = arb(0.5) - abs(ball(rows, 120)[0, 1])
            assert arb(lower) < exact < arb(upper)
        assert lower > 0
        assert upper - lower < 200 * UNIT_ROUNDOFF


@pytest.mark.parametrize(
    ("bounds", "entry_error"),
    [
        (limiting_gram_eigenvalue_bounds, "gram_entry_error"),
        (limiting_pattern_gram_eigenvalue_bounds, "pattern_entry_error"),
    ],
)
def test_the_entry_error_is_charged_n_times(
    bounds: Callable[[ArrayLike], tuple[float, float]], entry_error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(8).standard_normal((5, 4))
    lower, upper = bounds(rows)
    monkeypatch.setattr(gram, entry_error, lambda dim: 0.001 * dim)
    assert bounds(rows) == pytest.approx((lower - 5 * 0.004, upper + 5 * 0.004), abs=1e-12)


@pytest.mark.parametrize(
    "function",
    [degeneracy, limiting_gram, limiting_pattern_gram, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue],
)
def test_bad_rows_are_named(function: Callable[[ArrayLike], object]) -> None:
    with pytest.raises(ZeroRowError, match="row 1"):
        function([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(NotFiniteError):
        function([[1.0, np.inf]])
    with pytest.raises(ShapeError):
        function([1.0, 2.0])


def test_parallel_rows_are_exact_in_any_dimension_and_scale_and_near_ones_are_not_taken_for_them() -> None:
    rng = np.random.default_rng(4)
    row, far = rng.standard_normal((2, 3000))
    nearly = row.copy()
    nearly[0] = np.nextafter(nearly[0], np.inf)
    X = np.stack([row, far, 2.0**500 * row, nearly, -row])
    G, S = limiting_gram(X), limiting_pattern_gram(X)
    parallel = [(0, 0), (0, 2), (2, 0), (1, 1), (3, 3)]
    assert [G[pair] for pair in parallel] == [S[pair] for pair in parallel] == [0.5] * len(parallel)
    assert G[0, 4] == S[0, 4] == G[4, 2] == S[4, 2] == 0.0
    assert 0 < S[3, 4] < 1e-7


@pytest.mark.parametrize("together", [1, 2, 5])
def test_rows_that_are_taken_together_change_no_entry(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix is that of all rows at once, and symmetric."""
    rows = mixed_rows(np.random.default_rng(9), 10)
    whole = limiting_pattern_gram(rows)
    assert (whole == whole.T).all()
    monkeypatch.setattr(gram, "TOGETHER", together * rows.size)
    assert (limiting_pattern_gram(rows) == whole).all()
