"""The oracles of the kernel claims: known values, wrong answers caught, every kind of instance reached."""

from collections import Counter

import numpy as np
import pytest
from flint import arb, fmpq

from properties.chapters.kernels.kernel_instances import KernelInstance
from properties.chapters.kernels.kernel_oracles import (
    correlation,
    dot,
    exact_rows,
    feature_ranks,
    gram_kernel_vector,
    largest_error,
    pattern_expectation,
    pattern_kernel_vector,
    residue,
    separating_weights,
)
from properties.chapters.kernels.kernels import K_CLOSED, SMALL_ANGLE
from properties.descent.rows import antiparallel_rows, duplicated_rows, general_rows, integer_rows
from theory.inputs import FloatArray
from theory.kernels.limiting import ball_limiting_gram, ball_limiting_pattern_gram, degeneracy
from theory.rigour.exact import ball_matrix
from theory.rigour.precision import working_precision

KINDS_OF_INTEGERS = ("any", "multiple", "dependent", "independent")

PLANE = np.array([[1.0, 0], [-2, 0], [0, 1], [0, -1], [1, 1], [-1, -1]])
BASIS = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -3, 0], [0, 0, 1], [0, 0, -1]])


@pytest.mark.parametrize(
    ("other", "angle"), [((0, 1), 90), ((1, 1), 45), ((-1, 1), 135), ((1, 0), 0), ((-3, 0), 180), ((0, -2), 90)]
)
def test_the_quadrature_knows_the_shares_of_the_circle(other: tuple[int, int], angle: int) -> None:
    with working_precision(128):
        left, right = exact_rows(np.array([[2.0, 0.0], other]))
        difference = pattern_expectation(left, right) - arb(fmpq(180 - angle, 360))
        assert difference.contains(0)
        assert difference.rad() < arb(2) ** -90
        cosine = correlation(left, right) - arb.cos_pi_fmpq(fmpq(angle, 180))
        assert cosine.contains(0)
        assert cosine.rad() < arb(2) ** -90


def test_the_quadrature_is_narrow_close_to_parallel() -> None:
    with working_precision(128):
        for sign in (1.0, -1.0):
            left, right = exact_rows(np.array([[1.0, 0.0], [sign, 1e-8]]))
            share = pattern_expectation(left, right)
            expected = (arb.pi() / 2 + sign * (arb(1e8).atan())) / (2 * arb.pi())
            assert abs(share - expected) < 1e-23  # 1e-8 is not the exact slope
            assert share.rad() < arb(2) ** -90


def test_separating_weights_lie_on_either_side_of_one_hyperplane_only() -> None:
    rng = np.random.default_rng(1)
    for inputs in (PLANE, BASIS, general_rows("nearly parallel", 4, 3, 8, rng), np.array([[3.0], [-1.0]])):
        rows = exact_rows(inputs)
        weights = separating_weights(rows, 0)
        assert len(weights) == 2 * len(rows)
        for i, row in enumerate(rows):
            above, below = weights[2 * i : 2 * i + 2]
            assert dot(row, above) > 0 > dot(row, below)
            for other in rows:
                parallel = dot(row, other) ** 2 == dot(row, row) * dot(other, other)
                product = dot(other, above) * dot(other, below)
                assert product < 0 if parallel else product > 0


@pytest.mark.parametrize(
    ("inputs", "ranks"),
    [
        (PLANE, (5, 4)),
        (BASIS, (6, 4)),
        (np.array([[1.0, 0], [-1, 0]]), (2, 2)),
        (np.array([[1.0, 2, 3], [5, 10, 15]]), (1, 1)),
        (np.array([[1.0, 2, 3], [5, 10, np.nextafter(15, 16)]]), (2, 2)),
        (np.array([[1.0], [-1.0]]), (2, 2)),
    ],
)
def test_the_ranks_in_known_cases(inputs: FloatArray, ranks: tuple[int, int]) -> None:
    for seed in range(3):
        assert feature_ranks(inputs, seed) == ranks


@pytest.mark.parametrize("inputs", [PLANE, BASIS, np.array([[1.0, 2], [2, 4], [0, 1]])])
def test_kernel_vectors_vanish_and_others_do_not(inputs: FloatArray) -> None:
    reason = degeneracy(inputs)
    with working_precision(128):
        for vector, kernel in (
            (gram_kernel_vector(inputs, reason), ball_limiting_gram(inputs, 128)),
            (pattern_kernel_vector(inputs, reason), ball_limiting_pattern_gram(inputs, 128)),
        ):
            if vector is None:
                assert inputs is BASIS
                assert reason.gram_positive_definite
                continue
            assert max(float(abs(entry)) for entry in vector) == 1
            assert residue(kernel, vector).contains(0)
            vector[0] += arb(2) ** -40
            assert not residue(kernel, vector).contains(0)


def test_the_vector_of_regular_inputs_is_none() -> None:
    inputs = np.array([[1.0, 0], [0, 1], [-1, 0]])
    assert gram_kernel_vector(inputs, degeneracy(inputs)) is None
    assert pattern_kernel_vector(inputs, degeneracy(inputs)) is None


def test_the_largest_error_is_found() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    moved = values.copy()
    moved[1, 0] -= 0.25
    moved[0, 1] += 0.125
    assert largest_error(values, ball_matrix(moved)) == 0.25


@pytest.mark.parametrize("other", [1.0, -1.0])
@pytest.mark.parametrize(
    ("slope", "name"), [(0.0, "parallel"), (1e-8, "nearly parallel"), (1e-3, "general"), (1.0, "general")]
)
def test_angles_to_a_line_are_named_on_both_its_sides(other: float, slope: float, name: str) -> None:
    assert list(K_CLOSED.features(KernelInstance(np.array([[2.0, 0.0], [other, slope]])))) == [name]


@pytest.mark.parametrize("other", [1.0, -1.0])
def test_an_angle_is_small_below_its_limit_whatever_the_axes(other: float) -> None:
    for share, name in ((0.9, "nearly parallel"), (1.2, "general")):
        off = share * SMALL_ANGLE / np.sqrt(2)
        rows = np.array([[1.0, 1.0], [other * (1 + np.sqrt(2) * off), other * (1 - np.sqrt(2) * off)]])
        assert list(K_CLOSED.features(KernelInstance(rows))) == [name]


def test_every_kind_is_what_its_name_says() -> None:
    rng = np.random.default_rng(2)
    for d in (2, 3, 4):
        for pairs in (1, 2, 3):
            dependent = degeneracy(antiparallel_rows("dependent", pairs, 1, d, rng))
            assert dependent.coincident or len(dependent.dependent_directions) >= 3
            independent = degeneracy(antiparallel_rows("independent", pairs, 1, d, rng))
            assert independent.gram_positive_definite
            assert len(independent.antiparallel) == min(pairs, d)
            real = degeneracy(antiparallel_rows("real", pairs, 1, d, rng))
            assert len(real.antiparallel) == pairs
            assert real.gram_positive_definite == (pairs <= d)
        for kind in ("equal", "multiple"):
            assert degeneracy(duplicated_rows(kind, 3, d, rng)).coincident
        for kind in ("nearly parallel", "nearly antiparallel"):
            rows = general_rows(kind, 3, d, 8, rng)
            assert degeneracy(rows).gram_positive_definite
            cosine = rows[0] @ rows[-1] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[-1])
            assert abs(cosine - (1 if kind == "nearly parallel" else -1)) < 1e-13


SETS_OF_A_KIND = 520
"""Of four kinds of integer rows: 2,080 sets in all, of which at least 2,000 differ (most draws do)."""


def integer_set(kind: str, seed: int) -> FloatArray:
    rng = np.random.default_rng([seed, len(kind)])
    dim = int(rng.integers(2, 6))
    if kind == "any":
        return integer_rows(int(rng.integers(2, 8)), int(rng.integers(1, 5)), 12, rng)
    if kind == "multiple":
        return duplicated_rows("multiple", int(rng.integers(2, 6)), dim, rng)
    pairs, singles = int(rng.integers(1, 5)), int(rng.integers(0, 3))
    rows = antiparallel_rows(kind, pairs, 0, dim, rng)
    return np.concatenate([rows, integer_rows(singles, dim, 30, rng)])


INTEGER_SETS = {kind: [integer_set(kind, s) for s in range(SETS_OF_A_KIND)] for kind in KINDS_OF_INTEGERS}


def test_two_thousand_integer_sets_differ() -> None:
    sets = {(rows.shape, rows.tobytes()) for found in INTEGER_SETS.values() for rows in found}
    assert len(sets) >= 2000
    assert all((rows == np.rint(rows)).all() for found in INTEGER_SETS.values() for rows in found)


@pytest.mark.parametrize("kind", KINDS_OF_INTEGERS)
def test_the_decision_agrees_with_exact_ranks_on_integer_sets(kind: str) -> None:
    """K-pd, both kernels; each kind reaches what it is named for."""
    reached = Counter[str]()
    for rows in INTEGER_SETS[kind]:
        decided, n = degeneracy(rows), len(rows)
        jacobian_rank, pattern_rank = feature_ranks(rows)
        assert decided.gram_positive_definite == (jacobian_rank == n), rows
        assert decided.pattern_gram_positive_definite == (pattern_rank == n), rows
        reached["G_inf > 0" if decided.gram_positive_definite else "G_inf singular"] += 1
        reached["antiparallel"] += bool(decided.antiparallel)
        reached["coincident"] += bool(decided.coincident)
        reached["dependent"] += bool(decided.dependent_directions)
        reached["independent pairs"] += len(decided.antiparallel) > 1 and decided.gram_positive_definite
    wanted = {
        "any": ("G_inf > 0", "G_inf singular", "antiparallel", "coincident"),
        "multiple": ("coincident",),
        "dependent": ("antiparallel", "dependent"),
        "independent": ("antiparallel", "independent pairs"),
    }
    assert min(reached[one] for one in wanted[kind]) >= 20, reached
