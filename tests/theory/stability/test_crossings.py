"""The flips on a segment and what lies between two of them, against hand-worked segments, sampling and brute force."""

import itertools

import numpy as np
import pytest

from theory.inputs import FloatArray, normalise_rows
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.stability import pattern_change
from theory.stability.crossings import (
    CROSSING_ERROR,
    Crossings,
    few_on_one_neuron,
    jacobian_change,
    largest_sums,
    subset_bound,
)
from theory.stability.pattern_change import PatternChange


def test_a_hand_worked_segment() -> None:
    # times 1/4 (off), 1/2 (on), 3/4 (on), 0 (off: an activation is on at 0); the last column and the last row stay
    start = np.array([[1.0, -1.0, 0.0, 5.0], [-3.0, -1.0, -1.0, -1.0], [1.0, -1.0, 0.0, 0.0]])
    end = np.array([[-3.0, 1.0, -2.0, 5.0], [1.0, -1.0, -2.0, -3.0], [2.0, -2.0, 0.0, 3.0]])
    found = Crossings.between(start, end)
    assert len(found) == 4
    assert found.rows.tolist() == [0, 0, 0, 1]
    assert found.neurons.tolist() == [2, 0, 1, 0]
    assert found.directions.tolist() == [-1, -1, 1, 1]
    assert found.separable.tolist() == [True] * 5
    assert len(Crossings.between(start, start)) == 0


def test_times_of_numbers_whose_difference_is_beyond_the_range_of_float64() -> None:
    found = Crossings.between(np.array([[1.5e308, -1.0, -(2.0**-1074)]]), np.array([[-1.5e308, 3.0, 1.5e308]]))
    assert found.neurons.tolist() == [2, 1, 0]  # times 0, 1/4, 1/2


@pytest.mark.parametrize("seed", range(5))
def test_positions_are_the_states_between_two_crossings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, end = rng.standard_normal((4, 6)), rng.standard_normal((4, 6))
    found = Crossings.between(start, end)
    changed = (start >= 0) != (end >= 0)
    assert len(found) == changed.sum() > 3
    assert set(zip(found.rows.tolist(), found.neurons.tolist(), strict=True)) == {
        (i, r) for i, r in np.argwhere(changed)
    }
    times = np.sort((start / (start - end))[changed])
    state = (start >= 0).astype(int)
    for position, (before, after) in enumerate(itertools.pairwise([0.0, *times, 1.0])):
        middle = (before + after) / 2
        assert np.array_equal(state, (1 - middle) * start + middle * end >= 0)
        if position < len(found):
            state[found.rows[position], found.neurons[position]] += found.directions[position]
    assert np.array_equal(state, end >= 0)


@pytest.mark.parametrize(("gap", "separable"), [(0.0, False), (2.0**-49, False), (2.0**-47, True)])
def test_crossings_closer_than_their_rounding_are_not_separated(gap: float, separable: bool) -> None:
    # times 1/2 and 1/2 + gap / 4, told apart when more than 2 * 4 u = 2^-50 lie between them
    start, end = np.array([[-1.0, -1.0 - gap]]), np.array([[1.0, 1.0]])
    found = Crossings.between(start, end)
    assert found.neurons.tolist() == [0, 1]
    assert found.separable.tolist() == [True, separable, True]
    assert CROSSING_ERROR == 2.0**-51


def test_the_ends_are_always_positions() -> None:
    ties = Crossings.between(-np.ones((2, 2)), np.ones((2, 2)))
    assert ties.separable.tolist() == [True, False, False, False, True]
    assert ties.middle(0, 4) is None
    assert ties.counts_by_input(0, 4) == 2


def crossings(rows: list[int], separable: list[bool]) -> Crossings:
    numbers = np.array(rows)
    return Crossings(numbers, np.arange(len(rows)), np.ones(len(rows), dtype=np.int8), np.array(separable))


def test_the_middle_is_the_nearest_usable_position() -> None:
    every = crossings([0] * 10, [True] * 11)
    assert every.middle(0, 10) == 5
    assert every.middle(2, 4) == 3
    assert every.middle(3, 9) == 6
    assert every.middle(6, 10) == 8
    assert every.middle(2, 3) is None
    some = crossings([0] * 10, [True, True, False, True, False, False, False, False, True, True, True])
    assert some.middle(0, 10) == 3
    assert some.middle(1, 10) == 3
    assert some.middle(3, 10) == 8
    assert some.middle(3, 8) is None
    assert some.middle(0, 3) == 1
    assert some.middle(8, 10) == 9


def test_counts_by_input_take_the_input_with_the_most() -> None:
    found = crossings([0, 1, 1, 2, 1, 0], [True] * 7)
    assert [found.counts_by_input(0, p) for p in range(7)] == [0, 1, 1, 2, 2, 3, 3]
    assert found.counts_by_input(3, 6) == 1
    assert found.counts_by_input(2, 2) == found.counts_by_input(5, 2) == 0


def test_counts_by_neuron_take_the_neuron_with_the_most() -> None:
    neurons = np.array([4, 0, 4, 7, 4, 0])
    found = Crossings(np.arange(6), neurons, np.ones(6, dtype=np.int8), np.ones(7, dtype=bool))
    assert [found.counts_by_neuron(0, p) for p in range(7)] == [0, 1, 1, 2, 2, 3, 3]
    assert found.counts_by_neuron(3, 6) == 1
    assert found.counts_by_neuron(2, 2) == found.counts_by_neuron(5, 2) == 0


def test_few_flips_of_one_neuron_lower_the_norm_of_the_inputs() -> None:
    assert few_on_one_neuron(5.0, 1.5, 2) == 3.0
    assert few_on_one_neuron(5.0, 1.5, 4) == 5.0


@pytest.mark.parametrize("seed", range(10))
def test_the_norm_of_a_change_is_at_most_that_of_its_rows_and_columns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = normalise_rows(rng.standard_normal((5, 1)) + np.array([[9.0, 1.0]]))  # nearly parallel: ||X||^2 is nearly 5
    change = flipped(rng, 5, 8, 9)
    dense = (change[:, :, None] * rows[:, None, :]).reshape(5, -1) / np.sqrt(8)
    by_input, by_neuron = int(np.abs(change).sum(axis=1).max()), int(np.abs(change).sum(axis=0).max())
    share = few_on_one_neuron(float(np.linalg.norm(rows, 2)) ** 2, 1 + gamma(20), by_neuron)
    assert np.linalg.norm(dense, 2) <= jacobian_change(np.array([9]), by_input, share, 1 + gamma(20), 8)[0]


@pytest.mark.parametrize("number", [0, 1, 5])
def test_subset_bound_is_the_largest_over_the_states(number: int) -> None:
    sizes = np.sqrt(np.arange(number + 1.0))
    states = [min(0.7 + sizes[p], 1.9 + sizes[number - p]) for p in range(number + 1)]
    bound = subset_bound(lambda p: sizes[p], number, 0.7, 1.9)
    assert max(states) <= bound <= max(states) * (1 + 10 * UNIT_ROUNDOFF)


def test_jacobian_change_of_hand_worked_counts() -> None:
    # p flips with ||x||^2 <= 2, at most 3 of one input, ||X||_2^2 = 3, m = 4: min(2 p, 3 min(p, 3)) / 4
    bounds = jacobian_change(np.array([0, 1, 2, 4, 5, 9]), 3, 3.0, 2.0, 4)
    assert bounds == pytest.approx(np.sqrt(np.array([0, 2, 4, 8, 9, 9]) / 4), rel=20 * UNIT_ROUNDOFF)
    assert (bounds[1:] > np.sqrt(np.array([2, 4, 8, 9, 9]) / 4)).all()
    # few flips of many aligned inputs: ||X||_2^2 min(p, k) is the smaller one only for large p
    assert jacobian_change(np.array([1, 50]), 1, 7.0, 1.0, 1) == pytest.approx([1.0, np.sqrt(7.0)])


def flipped(rng: np.random.Generator, n: int, m: int, number: int) -> FloatArray:
    change = np.zeros(n * m)
    change[rng.choice(n * m, number, replace=False)] = rng.choice([-1.0, 1.0], number)
    return change.reshape(n, m)


@pytest.mark.parametrize("seed", range(10))
def test_jacobian_change_is_above_the_norm_of_every_change(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = normalise_rows(rng.standard_normal((4, 2)))
    for number in range(1, 17):
        change = flipped(rng, 4, 4, number)
        dense = (change[:, :, None] * rows[:, None, :]).reshape(4, -1) / 2
        on_one_input = int(np.abs(change).sum(axis=1).max())
        squared, longest = float(np.linalg.norm(rows, 2)) ** 2, 1 + gamma(20)
        bound = jacobian_change(np.array([number]), on_one_input, squared, longest, 4)[0]
        assert np.linalg.norm(dense, 2) <= bound * (1 + gamma(50))


def test_largest_sums_are_sorted_prefix_sums() -> None:
    sums = largest_sums(np.array([0.5, 4.0, 1.0, 0.25]))
    assert sums == pytest.approx([0.0, 4.0, 5.0, 5.5, 5.75], rel=gamma(20))
    assert sums[0] == 0.0
    assert (sums[1:] > [4.0, 5.0, 5.5, 5.75]).all()
    assert largest_sums(np.zeros(0)).tolist() == [0.0]


@pytest.mark.parametrize("few", [0, 32])
def test_changes_are_counted_the_same_by_sparse_products_and_by_those_of_small_matrices(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``D D^T`` at the end of two segments with some neurons on which several inputs flip, one of them back."""
    monkeypatch.setattr(pattern_change, "FEW_ROWS", few)
    rng = np.random.default_rng(5)
    rows = normalise_rows(rng.standard_normal((4, 3)))
    states = [rng.standard_normal((4, 40))]
    states += [states[0] + 0.8 * rng.standard_normal((4, 40)) for _ in range(2)]
    path = PatternChange(rows, 40)
    for start, end in itertools.pairwise(states):
        crossings = Crossings.between(start, end)
        before = ((start >= 0).astype(np.int8) - (states[0] >= 0))[:, np.unique(crossings.neurons)]
        above = path.supremum(crossings, before, 64)[1]
        change = (end >= 0).astype(float) - (states[0] >= 0)
        assert path.counts.tolist() == (change @ change.T).tolist()
        assert np.linalg.eigvalsh(path.kernel * path.counts / 40)[-1] <= above**2


def test_what_is_known_at_the_end_of_a_segment_is_forgotten_where_another_change_is_put_in_its_place() -> None:
    rows = normalise_rows(np.random.default_rng(6).standard_normal((3, 2)))
    start, end = np.ones((3, 4)), -np.ones((3, 4))
    path, nothing = PatternChange(rows, 4), np.zeros((3, 0), dtype=np.int8)
    path.supremum(Crossings.between(start, end), np.zeros((3, 4), dtype=np.int8), 4)
    still = Crossings.between(end, end)
    assert path.supremum(still, nothing, 4)[0] > 0.5
    path.counts = np.zeros((3, 3))
    assert path.supremum(still, nothing, 4)[1] < 1e-100
