"""The smallest eigenvalue of a matrix of balls, against matrices whose eigenvalues are known exactly."""

import math

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq

from theory.errors import ShapeError
from theory.rigour.eigenvalues import definiteness, enclosed_smallest_eigenvalue
from theory.rigour.exact import ball_matrix
from theory.rigour.precision import working_precision


@pytest.mark.parametrize(
    ("matrix", "smallest"),
    [
        ([[2.0, 1.0], [1.0, 2.0]], 1),
        ([[3.0]], 3),
        ([[1.0, 1.0], [1.0, 1.0]], 0),
        ([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]], -2),
        ([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]], 4),
        ([[2.0**40, 0.0], [0.0, 2.0**-40]], 2.0**-40),
    ],
)
def test_known_eigenvalues_are_enclosed_to_the_bits_asked_for(matrix: list[list[float]], smallest: float) -> None:
    with working_precision(300):
        for bits in (20, 100):
            ball = enclosed_smallest_eigenvalue(ball_matrix(matrix), bits)
            assert ball.contains(arb(smallest))
            assert ball.rad() < arb(2) ** -bits


def test_irrational_eigenvalues_are_enclosed() -> None:
    with working_precision(200):
        root = (3 - arb(5).sqrt()) / 2  # of [[1, 1], [1, 2]]
        ball = enclosed_smallest_eigenvalue(ball_matrix([[1.0, 1.0], [1.0, 2.0]]), 120)
        assert ball.overlaps(root)
        assert ball.rad() < arb(2) ** -120


@pytest.mark.parametrize("seed", range(5))
def test_random_matrices_agree_with_floats_and_only_the_lower_triangle_is_read(seed: int) -> None:
    factor = np.random.default_rng(seed).standard_normal((4, 4))
    symmetric = factor + factor.T
    lower = np.tril(symmetric)
    with working_precision(120):
        ball = enclosed_smallest_eigenvalue(ball_matrix(lower), 60)
    assert float(ball.mid()) == pytest.approx(float(np.linalg.eigvalsh(symmetric)[0]), rel=1e-12)
    assert float(ball.rad()) < 2.0**-60


def test_a_wrong_guess_is_replaced_by_certified_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (-50.0, 0.7, 50.0):
        monkeypatch.setattr(np.linalg, "eigvalsh", lambda _, wrong=wrong: np.array([wrong]))
        with working_precision(200):
            ball = enclosed_smallest_eigenvalue(ball_matrix([[2.0, 1.0], [1.0, 2.0]]), 80)
            assert ball.contains(arb(1))
            assert ball.rad() < arb(2) ** -80


def test_few_bisections_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    shifts: list[arb] = []

    def counted(matrix: arb_mat, shift: arb) -> int:
        shifts.append(shift)
        return definiteness(matrix, shift)

    monkeypatch.setattr("theory.rigour.eigenvalues.definiteness", counted)
    with working_precision(200):
        enclosed_smallest_eigenvalue(ball_matrix([[2.0, 1.0], [1.0, 3.0]]), 80)
    assert len(shifts) <= 2 + 48  # the guess is good to 35 bits, a bisection gives one


def test_wide_entries_give_a_ball_that_holds_all_their_eigenvalues() -> None:
    with working_precision(100):
        matrix = arb_mat([[arb(2, 0.25), arb(1)], [arb(1), arb(2, 0.25)]])
        ball = enclosed_smallest_eigenvalue(matrix, 60)
        assert ball.contains(arb(0.75))
        assert ball.contains(arb(1.25))
        assert float(ball.rad()) < 1


def test_definiteness_in_known_cases() -> None:
    with working_precision(100):
        matrix = ball_matrix([[2.0, 1.0], [1.0, 2.0]])
        assert [definiteness(matrix, arb(shift)) for shift in (0.0, 0.999, 1.0, 1.001, 2.0, 5.0)] == [
            1,
            1,
            0,
            -1,
            0,
            -1,
        ]
        third = ball_matrix([[1.0, 1.0, 1.0], [1.0, 2.0, 2.0], [1.0, 2.0, 2.5]])
        assert definiteness(third, arb(0)) == 1
        assert definiteness(third, arb(fmpq(1, 2))) == -1


def test_matrices_that_are_not_square_are_named() -> None:
    with pytest.raises(ShapeError, match="a symmetric one is square"):
        enclosed_smallest_eigenvalue(arb_mat(2, 3), 10)
    assert math.isfinite(float(enclosed_smallest_eigenvalue(arb_mat(2, 2), 10).mid()))
