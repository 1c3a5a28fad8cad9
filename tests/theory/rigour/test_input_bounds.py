"""Certified bounds of the inputs against exact rational pseudo-inverses, at full rank, deficient and ill-conditioned."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.rigour.exact import exact_rank, pseudo_inverse, rational, rational_matrix
from theory.rigour.input_bounds import (
    InputBounds,
    error_of_dual,
    error_of_projection,
    input_bounds,
    orthonormality_defect,
)
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.stability.patterns import largest_eigenvalue_at_most


def inputs_of(kind: str, n: int, d: int, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, d))
    if kind == "ill-conditioned":
        rows[:, -1] *= 1e-3
    if kind == "zero columns":
        rows[:, d // 2 :] = 0.0
    if kind == "equal columns":
        rows[:, -1] = rows[:, 0]
    return normalise_rows(rows)


KINDS = ("uniform", "ill-conditioned", "zero columns", "equal columns")
CASES = [(kind, n, d) for kind in KINDS for n, d in ((6, 3), (3, 6), (4, 4), (1, 2))]


def bounds_of(rows: FloatArray) -> tuple[InputGeometry, InputBounds]:
    geometry = InputGeometry.of(rows)
    return geometry, input_bounds(geometry)


def to_float(value: fmpq) -> float:
    return int(value.p) / int(value.q)


def floats(matrix: fmpq_mat) -> FloatArray:
    return np.array([[to_float(entry) for entry in row] for row in matrix.tolist()])


@pytest.mark.parametrize(("kind", "n", "d"), CASES)
def test_rank_leverage_projection_and_dual_inputs_enclose_the_exact_ones(kind: str, n: int, d: int) -> None:
    rows = inputs_of(kind, n, d)
    geometry, bounds = bounds_of(rows)
    exact = rational_matrix(rows)
    pseudo = pseudo_inverse(exact)
    projection = exact * pseudo
    assert bounds.rank_certified
    assert bounds.rank == exact.rref()[1] == exact_rank(rows)
    lower, upper = bounds.leverage
    for i in range(n):
        assert rational(lower[i]) <= projection[i, i] <= rational(upper[i])
    assert (upper - lower <= 2 * bounds.projection_error + gamma(60)).all()
    assert np.linalg.norm(floats(rational_matrix(geometry.projection) - projection), 2) <= bounds.projection_error
    assert np.linalg.norm(floats(rational_matrix(geometry.dual_inputs) - pseudo.transpose()), 2) <= bounds.dual_error
    condition = float(np.linalg.cond(geometry.decomposition[2] @ rows.T))
    assert bounds.projection_error <= 300 * gamma(20) * condition
    assert bounds.dual_error <= 2000 * gamma(20) * condition**2


@pytest.mark.parametrize(("kind", "n", "d"), CASES)
def test_extreme_eigenvalues_are_enclosed(kind: str, n: int, d: int) -> None:
    rows = inputs_of(kind, n, d)
    bounds = bounds_of(rows)[1]
    exact = rational_matrix(rows)
    kernel = exact * exact.transpose()
    low, high = bounds.largest_eigenvalue
    assert largest_eigenvalue_at_most(kernel, rational(high))
    assert not largest_eigenvalue_at_most(kernel, rational(low) * (1 - rational(2.0**-40)))
    # the pseudo-inverse of X^T X has the largest eigenvalue 1/mu_min
    pseudo = pseudo_inverse(exact)
    inverse = pseudo.transpose() * pseudo
    low, high = bounds.smallest_eigenvalue
    assert largest_eigenvalue_at_most(inverse, 1 / rational(low))
    assert not largest_eigenvalue_at_most(inverse, 1 / (rational(high) * (1 + rational(2.0**-30))))
    assert high - low <= 1e-9 * high
    assert bounds.h_min[0] * bounds.largest_eigenvalue[1] > 1 - 1e-9  # 1/mu_max <= h_i <= 1/mu_min
    assert bounds.h_max[1] * bounds.smallest_eigenvalue[0] < 1 + 1e-9


def test_independent_rows_have_leverage_one_exactly() -> None:
    lower, upper = bounds_of(inputs_of("uniform", 3, 5))[1].leverage
    assert lower.tolist() == upper.tolist() == [1.0, 1.0, 1.0]


def test_a_rank_that_rounding_hides_is_not_certified() -> None:
    rows = np.array([[1.0, 0.0, 0.0], [1.0, 1e-17, 0.0], [0.6, 0.8, 0.0]])
    geometry, bounds = bounds_of(rows)
    assert bounds.rank_certified  # two of the three columns are not zero
    nearly = np.array([[1.0, 1e-17, 0.0], [0.6, 0.8, 0.0], [0.8, 0.6, 1e-17]])
    geometry, bounds = bounds_of(nearly)
    assert geometry.rank == 2 < exact_rank(nearly) == 3
    assert not bounds.rank_certified
    assert bounds.h_min == (0.0, 1.0) == bounds.h_max
    assert bounds.smallest_eigenvalue == bounds.largest_eigenvalue == (0.0, math.inf)
    assert bounds.projection_error == bounds.dual_error == math.inf


def test_orthonormality_defect_bounds_the_distance_to_orthonormal_columns() -> None:
    rng = np.random.default_rng(4)
    exact = np.linalg.qr(rng.standard_normal((5, 3)))[0]
    for spread in (0.0, 1e-8, 1e-3):
        columns = exact + spread * rng.standard_normal((5, 3))
        left, _, right = np.linalg.svd(columns, full_matrices=False)
        defect = orthonormality_defect(columns)
        assert np.linalg.norm(columns - left @ right, 2) <= defect
        assert defect <= 10 * spread + 20 * gamma(20)


@pytest.mark.parametrize("rank", [1, 7])
def test_errors_of_the_projection_and_of_the_dual_inputs_are_rounded_up_and_hardly_more(rank: int) -> None:
    """Against the same formulas in rational numbers, docs/proofs/rounding.md, P11.6; whichever of their terms is the largest."""
    u, rng = Fraction(UNIT_ROUNDOFF), np.random.default_rng(rank)
    for error, defect, products in itertools.product((1e-15, 1e-3, 0.4), (1e-17, 1e-2), (1.0, 1e12)):
        e, below, s, near, size = (np.array([error, 0.7, 1.0, defect, products]) * rng.uniform(0.8, 1.2, 5)).tolist()
        exact = Fraction(e) / Fraction(below) + Fraction(near) + Fraction(gamma(rank + 4)) * rank * (1 + Fraction(near))
        assert exact <= Fraction(error_of_projection(e, below, near, rank)) <= exact * (1 + 60 * u)
        exact = (2 * Fraction(e) / Fraction(below) + Fraction(near)) / Fraction(s)
        exact += Fraction(gamma(rank + 6)) * Fraction(size)
        assert exact <= Fraction(error_of_dual(e, below, s, near, size, rank)) <= exact * (1 + 60 * u)


def test_exact_rank_is_the_rank_of_the_floats_as_given() -> None:
    assert exact_rank(np.array([[1.0, 2.0], [2.0, 4.0]])) == 1
    assert exact_rank(np.array([[0.1, 0.3], [0.3, 0.9]])) == 2  # 3 * 0.1 is not 0.3
    assert exact_rank(np.array([[2.0**-300, 0.0], [0.0, 2.0**300]])) == 2
    assert exact_rank(np.zeros((2, 3))) == 0
    for n, d in itertools.product((2, 4), (3, 5)):
        assert exact_rank(np.random.default_rng(n).standard_normal((n, d))) == min(n, d)


def test_extreme_leverage_scores_and_eigenvalues_in_a_hand_worked_case() -> None:
    # two rows along e_1, one along e_2: leverage 1/2, 1/2, 1; X^T X = diag(2, 1); e_3 is not met
    bounds = bounds_of(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))[1]
    for (lower, upper), value in (
        (bounds.h_min, 0.5),
        (bounds.h_max, 1.0),
        (bounds.smallest_eigenvalue, 1.0),
        (bounds.largest_eigenvalue, 2.0),
    ):
        assert lower <= value <= upper
        assert upper - lower <= gamma(1000)


def test_the_rank_of_fractions_is_exact() -> None:
    assert exact_rank([[0.5, 1.0], [0.25, 0.5]]) == 1
    assert exact_rank([[0.5, 1.0], [0.25, 0.75]]) == 2
    assert exact_rank([[1.0, 3.0], [2.0**-60, 3 * 2.0**-60]]) == 1
    assert exact_rank([[1.0, 3.0], [2.0**-60, 2.0**-59]]) == 2


def test_the_equal_eigenvalues_of_orthonormal_rows_have_the_same_upper_bound() -> None:
    """Both are 1 exactly, and off by the same error."""
    bounds = input_bounds(InputGeometry.of(np.eye(3)[:2]))
    assert 1 < bounds.largest_eigenvalue[1] == bounds.smallest_eigenvalue[1]
    assert bounds.smallest_eigenvalue[0] <= bounds.largest_eigenvalue[0] < 1
