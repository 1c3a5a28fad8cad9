"""Enclosed smallest eigenvalues: against closed forms, against float64, and where they cannot be sharp."""

import math

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq, fmpq_mat

from theory.errors import ShapeError
from theory.kernels.limiting import ball_limiting_gram
from theory.rigour.eigenvalues import definiteness, enclosed_smallest_eigenvalue
from theory.rigour.exact import ball_matrix, rational_matrix
from theory.rigour.precision import working_precision


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_it_agrees_with_float64_to_its_rounding(size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(5):
        raw = rng.standard_normal((size, size))
        matrix = raw + raw.T
        with working_precision(128):
            found = enclosed_smallest_eigenvalue(ball_matrix(matrix), 80)
            assert found.rad() < arb(2) ** -80
            assert abs(found - float(np.linalg.eigvalsh(matrix)[0])) < 1e-13 * size


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_characteristic_polynomial_vanishes_inside(size: int) -> None:
    """Exact: the sign of ``det(A - s I)`` changes between the ends, and A - s I > 0 (all minors) at the lower one."""
    rng = np.random.default_rng(size)
    raw = rng.integers(-5, 6, (size, size))
    matrix = rational_matrix((raw + raw.T).astype(float))
    with working_precision(128):
        found = enclosed_smallest_eigenvalue(ball_matrix((raw + raw.T).astype(float)), 60)
    middle, radius = fmpq(int(float(found.mid()) * 2**50), 2**50), fmpq(1, 2**40)
    low, high = (
        fmpq_mat(size, size, [matrix[i, j] - (end if i == j else 0) for i in range(size) for j in range(size)])
        for end in (middle - radius, middle + radius)
    )
    for k in range(1, size + 1):
        assert fmpq_mat(k, k, [low[i, j] for i in range(k) for j in range(k)]).det() > 0
    assert high.det() < 0


def test_multiple_and_vanishing_eigenvalues_are_enclosed() -> None:
    with working_precision(128):
        assert enclosed_smallest_eigenvalue(ball_limiting_gram(np.eye(4), 128), 80).overlaps(arb(1) / 2)
        zero = enclosed_smallest_eigenvalue(ball_limiting_gram(np.ones((3, 2)), 128), 80)
        assert zero.contains(0)
        assert zero.rad() < arb(2) ** -79
        assert enclosed_smallest_eigenvalue(ball_matrix([[2.0, 0.0], [0.0, -3.0]]), 80).overlaps(arb(-3))
        assert enclosed_smallest_eigenvalue(ball_matrix([[0.0, 0.0], [0.0, 0.0]]), 80).contains(0)


def test_wide_balls_give_a_wide_answer_that_holds_every_matrix() -> None:
    with working_precision(128):
        wide = arb_mat(2, 2, [arb(1, 0.25), arb(0), arb(0), arb(3)])
        found = enclosed_smallest_eigenvalue(wide, 80)
        for inside in (0.75, 1.0, 1.25):
            assert found.contains(inside)
        assert found.rad() < 2


def test_a_poor_first_guess_falls_back_to_the_entries() -> None:
    """Entries beyond float64's relative precision: the float64 eigenvalue is off by more than the first bracket."""
    with working_precision(300):
        tiny = arb(2) ** -150
        matrix = arb_mat(2, 2, [arb(1), arb(1) - tiny, arb(1) - tiny, arb(1)])
        assert enclosed_smallest_eigenvalue(matrix, 200).overlaps(tiny)


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


def test_a_wrong_guess_is_replaced_by_certified_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (-50.0, 0.7, 50.0):
        monkeypatch.setattr(np.linalg, "eigvalsh", lambda _, wrong=wrong: np.array([wrong]))
        with working_precision(200):
            ball = enclosed_smallest_eigenvalue(ball_matrix([[2.0, 1.0], [1.0, 2.0]]), 80)
            assert ball.contains(arb(1))
            assert ball.rad() < arb(2) ** -80


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_ends_that_agree_as_floats_are_compared_exactly(order: tuple[int, int]) -> None:
    """Balls wider than the first guess, whose lower ends differ by 2^46 at 2^100: beyond float64's precision there."""
    with working_precision(200):
        power = arb(2)
        middles, radius = [-(power**100), -(power**100) - power**46], power**70
        balls = [arb(middles[i], radius) for i in order]
        found = enclosed_smallest_eigenvalue(arb_mat(2, 2, [balls[0], arb(0), arb(0), balls[1]]), 20)
        assert found.contains(middles[1] - radius)
        assert found.contains(middles[1] + radius)
        assert found.rad() < 2 * radius


def test_the_bracket_before_the_first_cut_holds_wide_entries_of_any_size() -> None:
    """Gershgorin's end and the smallest diagonal entry, in balls of half their size: nothing can be cut."""
    for size in (2.0**-300, 1.0, 2.0**300):
        with working_precision(100):
            matrix = arb_mat([[arb(size, size / 2), arb(size / 4)], [arb(size / 4), arb(3 * size, size / 2)]])
            found = enclosed_smallest_eigenvalue(matrix, 60)
            for middle in (0.5, 1.5):
                inside = enclosed_smallest_eigenvalue(arb_mat([[middle * size, size / 4], [size / 4, 3 * size]]), 400)
                assert found.contains(inside.mid())
            assert found.rad() < size


@pytest.mark.parametrize("entry", [arb("nan"), arb(0, "inf")])
def test_entries_without_bounds_leave_the_whole_line(entry: arb) -> None:
    for i in (0, 1):
        matrix = arb_mat(2, 2, [arb(1), arb(0), arb(0), arb(1)])
        matrix[i, i] = entry
        with working_precision(80):
            found = enclosed_smallest_eigenvalue(matrix, 20)
            assert found.contains(0)
            assert found.contains(arb(-(10**400)))


def test_entries_beyond_float64_and_a_precision_that_is_too_small_end() -> None:
    with working_precision(100):
        huge = arb(2) ** 2000
        found = enclosed_smallest_eigenvalue(arb_mat(2, 2, [huge, arb(1), arb(1), 3 * huge]), 20)
        assert found.overlaps(huge)
        assert found.rad() < huge * 2**-80
    with working_precision(20):
        found = enclosed_smallest_eigenvalue(arb_mat(1, 1, [arb(2) ** 100]), 20)
        assert found.contains(arb(2) ** 100)


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


def test_only_the_lower_triangle_is_read() -> None:
    factor = np.random.default_rng(0).standard_normal((4, 4))
    symmetric = factor + factor.T
    with working_precision(120):
        found = enclosed_smallest_eigenvalue(ball_matrix(np.tril(symmetric)), 60)
    assert float(found.mid()) == pytest.approx(float(np.linalg.eigvalsh(symmetric)[0]), rel=1e-12)
    assert float(found.rad()) < 2.0**-60


def test_matrices_that_are_not_square_are_named() -> None:
    with pytest.raises(ShapeError, match="a symmetric one is square"):
        enclosed_smallest_eigenvalue(arb_mat(2, 3), 10)
    assert math.isfinite(float(enclosed_smallest_eigenvalue(arb_mat(2, 2), 10).mid()))
