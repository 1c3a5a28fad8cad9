"""Candidate moves of single neurons: what they flip, what they leave alone, and that no shorter move does it."""

import itertools
import math

import numpy as np
import pytest

from theory.inputs import FloatArray, normalise_rows
from theory.stability.moves import (
    OVERSHOOT,
    Free,
    Line,
    Move,
    all_crossings,
    crossing_lengths,
    held_flips,
    joint_flips,
    past_boundaries,
    single_flips,
    some_crossings,
)


def neurons(seed: int, n: int = 3, d: int = 3, m: int = 8) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Points (n, d), weights (m, d), pre-activations (n, m) and the changes past their boundaries (n, m)."""
    rng = np.random.default_rng(seed)
    points, weights = normalise_rows(rng.standard_normal((n, d))), rng.standard_normal((m, d))
    z = points @ weights.T
    return points, weights, z, past_boundaries(z, (z >= 0).astype(float), np.full(m, 2.0**-30))


def flipped(z: FloatArray, points: FloatArray, move: Move) -> FloatArray:
    """Which activations (n, m) differ after the move."""
    return np.asarray((z + move.pre_activation_changes(points) >= 0) != (z >= 0))


def lengths(move: Move, m: int) -> FloatArray:
    return np.asarray(np.linalg.norm(move.moves(np.arange(m)), axis=1))


def test_both_kinds_of_moves_cost_their_squared_length_and_act_through_the_points() -> None:
    points = np.array([[1.0, 0.0], [0.6, 0.8]])
    line = Line(np.array([3.0, 4.0]), np.array([2.0, -1.0, np.inf]))
    assert line.costs().tolist() == [100.0, 25.0, np.inf]
    assert line.moves(np.array([1, 0])).tolist() == [[-3.0, -4.0], [6.0, 8.0]]
    assert line.pre_activation_changes(points) == pytest.approx(np.array([[6.0, -3.0, 0.0], [10.0, -5.0, 0.0]]))
    free = Free(np.array([[3.0, 4.0], [0.0, -2.0], [1.0, 1.0]]))
    assert free.costs().tolist() == [25.0, 4.0, 2.0]
    assert free.moves(np.array([2, 0])).tolist() == [[1.0, 1.0], [3.0, 4.0]]
    assert free.pre_activation_changes(points) == pytest.approx(np.array([[3.0, 0.0, 1.0], [5.0, -1.6, 1.4]]))


def test_past_boundaries_is_a_little_more_than_the_distance() -> None:
    z, active = np.array([[2.0, -3.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 1.0, 0.0]])
    margins = np.array([0.5, 0.25, 0.125, 0.0625])
    expected = [[-2 - 2 * OVERSHOOT - 0.5, 3 + 3 * OVERSHOOT + 0.25, -0.125, 0.0625]]
    assert past_boundaries(z, active, margins).tolist() == expected
    assert OVERSHOOT == 2.0**-26


def test_crossing_lengths_reach_the_boundary_and_are_infinite_across_it() -> None:
    points = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [2.0**-27, 1.0], [2.0**-25, 1.0]])
    past = np.array([[2.0, -4.0]] * 5)
    found = crossing_lengths(points, past, np.array([5.0, 0.0]))
    assert found[:2] == pytest.approx(np.array([[0.4, -0.8], [2 / 3, -4 / 3]]))
    assert np.isposinf(found[2]).all()
    assert np.isposinf(found[3]).all()  # too steep to go there: the angle is below the overshoot
    assert found[4] == pytest.approx(np.array([2.0, -4.0]) / 5 * 2**25)


@pytest.mark.parametrize("seed", range(3))
def test_single_flips_are_the_shortest_for_their_input(seed: int) -> None:
    points, _, z, past = neurons(seed)
    points = points * np.array([[1.0], [2.0], [0.5]])
    z, past = z * np.array([[1.0], [2.0], [0.5]]), past * np.array([[1.0], [2.0], [0.5]])
    moves = single_flips(points, past)
    assert len(moves) == 3
    for i, move in enumerate(moves):
        assert flipped(z, points, move)[i].all()
        distances = np.abs(z[i]) / np.linalg.norm(points[i])
        assert lengths(move, 8) == pytest.approx(distances, rel=1e-6, abs=1e-6)
        assert np.sqrt(move.costs()) == pytest.approx(lengths(move, 8), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_joint_flips_are_the_shortest_for_their_inputs(seed: int) -> None:
    points, _, z, past = neurons(seed, n=4)
    moves = joint_flips(points, past, 3)
    sets = [*itertools.combinations(range(4), 2), *itertools.combinations(range(4), 3)]
    assert len(moves) == len(sets) == 10
    for chosen, move in zip(sets, moves, strict=True):
        face = points[list(chosen)]
        assert flipped(z, points, move)[list(chosen)].all()
        # the shortest v with face v = past is face^T c with (face face^T) c = past
        multipliers = np.linalg.solve(face @ face.T, past[list(chosen)])
        assert move.moves(np.arange(8)) == pytest.approx((face.T @ multipliers).T, rel=1e-8, abs=1e-8)


def test_joint_flips_leave_out_dependent_inputs_and_large_sets() -> None:
    points, _, _, past = neurons(0)
    assert len(joint_flips(points, past, 3)) == 4
    assert len(joint_flips(points, past, 2)) == 3
    assert len(joint_flips(points, past, 1)) == 0
    planar = points.copy()
    planar[:, 2] = 0.0
    assert len(joint_flips(planar, past, 3)) == 3
    planar[1] = 2 * planar[0]
    assert len(joint_flips(planar, past, 3)) == 2


@pytest.mark.parametrize("seed", range(3))
def test_held_flips_leave_the_other_input_as_it_is_and_are_the_shortest(seed: int) -> None:
    points, _, z, past = neurons(seed)
    points[1] *= 3.0
    z[1] *= 3.0
    past[1] *= 3.0
    moves = held_flips(points, past)
    for (i, j), move in zip(itertools.permutations(range(3), 2), moves, strict=True):
        assert flipped(z, points, move)[i].all()
        assert np.abs(move.pre_activation_changes(points)[j]).max() <= 1e-12
        cosine = points[i] @ points[j] / np.linalg.norm(points[i]) / np.linalg.norm(points[j])
        distance = np.abs(past[i]) / (np.linalg.norm(points[i]) * math.sqrt(1 - cosine**2))
        assert lengths(move, 8) == pytest.approx(distance, rel=1e-9)


def test_parallel_inputs_cannot_be_held() -> None:
    points = np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]])
    past = np.ones((3, 2))
    assert len(held_flips(points, past)) == 4
    points[1] = [-2.0, 1.4 * 2.0**-26]
    assert (
        len(held_flips(points, past)) == 4 + 1
    )  # input 1 is off the line of input 0, but input 0 hardly off that of 1


def test_all_crossings_go_to_each_boundary_in_turn() -> None:
    points, _, z, past = neurons(4)
    direction = np.array([1.0, -2.0, 0.5])
    moves = all_crossings(points, past, direction)
    assert len(moves) == 3
    for i, move in enumerate(moves):
        assert flipped(z, points, move)[i].all()
        assert lengths(move, 8) == pytest.approx(np.abs(past[i] / (points[i] @ direction)) * math.sqrt(5.25))


def test_some_crossings_are_evenly_spaced_both_ways() -> None:
    # neuron 0 meets boundaries at 1, 2, 3, 4 ahead, neuron 1 at 5 ahead and at 1, 2, 3 behind, neuron 2 at none ahead
    points = np.array([[1.0], [1.0], [1.0], [1.0]])
    past = np.array([[3.0, -1.0, -1.0], [1.0, -3.0, -2.0], [4.0, -2.0, -4.0], [2.0, 5.0, -3.0]])
    moves = some_crossings(points, past, np.array([1.0]), 2)
    forwards, backwards = moves[:2], moves[2:]
    assert [np.sqrt(move.costs()).tolist() for move in forwards] == [[2, 5, np.inf], [4, 5, np.inf]]
    assert [np.sqrt(move.costs()).tolist() for move in backwards] == [[np.inf, 1, 2], [np.inf, 3, 4]]
    assert backwards[0].moves(np.array([1, 2])).tolist() == [[-1.0], [-2.0]]
    assert forwards[1].moves(np.array([0, 1])).tolist() == [[4.0], [5.0]]
    assert len(moves) == 4
    assert len(some_crossings(points, past, np.array([1.0]), 3)) == 6
