"""Enclosed smallest eigenvalues: against closed forms, against float64, and where they cannot be sharp."""

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq, fmpq_mat

from theory.errors import ShapeError
from theory.gram import ball_limiting_gram
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


def test_definiteness_is_three_valued() -> None:
    with working_precision(64):
        matrix = ball_matrix([[2.0, 1.0], [1.0, 2.0]])  # eigenvalues 1 and 3
        assert definiteness(matrix, arb(0.5)) == 1
        assert definiteness(matrix, arb(1.5)) == -1
        assert definiteness(matrix, arb(1)) == 0
        assert definiteness(matrix, arb(5)) == -1
        assert definiteness(matrix, arb(2)) == 0  # the first pivot vanishes


def test_only_square_matrices_have_eigenvalues() -> None:
    with pytest.raises(ShapeError, match=r"\(1, 2\)"):
        enclosed_smallest_eigenvalue(arb_mat(1, 2, [arb(1), arb(2)]), 10)
