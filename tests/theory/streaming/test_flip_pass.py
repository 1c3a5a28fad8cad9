"""Histograms of what flips cost: never fewer flips than the exact knapsacks have, and hardly more."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.streaming.streams import small
from theory.stability.flips import flip_costs, input_flip_counts, joint_flip_count
from theory.stability.weighted_flips import weighted_flip_count
from theory.streaming.ball import flip_pass, most_flips
from theory.streaming.executors import SerialExecutor
from theory.streaming.flip_pass import FlipPass, PairsByNeuron, distances_below, least_from, unit_costs, weight_costs
from theory.streaming.pattern_ball import pattern_pass
from theory.streaming.running import run_pass
from theory.streaming.stream import Block, neuron_stream
from theory.streaming.tube_pass import TubePass


@given(
    distances=st.lists(st.lists(st.integers(0, 40), max_size=6), min_size=1, max_size=5),
    price=st.fractions(Fraction(1, 2000), 2),
)
def test_items_have_the_dual_function_of_the_knapsack(distances: list[list[int]], price: Fraction) -> None:
    neurons = np.array([r for r, own in enumerate(distances) for _ in own], dtype=np.int64)
    values = np.array([value / 16 for own in distances for value in own], dtype=np.float64)
    parts = unit_costs(values, PairsByNeuron.of(values, neurons, len(distances)))
    items = [pair for part in parts for pair in zip(*part, strict=True)]
    assert sum(int(flips) for _, flips in items) == len(values)
    gains = [max(1 - price * Fraction(float(root)) ** 2, Fraction(0)) for root, _ in items]
    found = sum((int(flips) * gain for (_, flips), gain in zip(items, gains, strict=True)), Fraction(0))
    exact = Fraction(0)
    for own in distances:
        costs = [Fraction(value, 16) ** 2 for value in sorted(own)]
        exact += max([Fraction(0), *(j - price * cost for j, cost in enumerate(costs, start=1))])
    assert exact <= found <= exact + Fraction(1, 10**9)


@given(
    distances=st.lists(st.lists(st.integers(0, 40), max_size=6), min_size=1, max_size=5),
    price=st.fractions(Fraction(1, 2000), 2),
)
def test_items_of_weights_have_the_dual_functions_of_the_knapsacks(distances: list[list[int]], price: Fraction) -> None:
    """Those of K2-spec: of input i ``sum_r max_{j >= rank of i} (j - mu s_(j))_+``; every item of a pair that is its neuron's only one is one flip."""
    pairs = [(i, r) for r, own in enumerate(distances) for i in range(len(own))]
    inputs, neurons = (np.array(column, dtype=np.int64) for column in (zip(*pairs, strict=True) if pairs else ([], [])))
    values = np.array([distances[r][i] / 16 for i, r in pairs], dtype=np.float64)
    found, weights = dict.fromkeys(range(6), Fraction(0)), dict.fromkeys(range(6), 0)
    for owners, roots, flips in weight_costs(values, inputs, PairsByNeuron.of(values, neurons, len(distances))):
        for i, root, number in zip(owners.tolist(), roots.tolist(), flips.tolist(), strict=True):
            found[i] += number * max(1 - price * Fraction(root) ** 2, Fraction(0))
            weights[i] += number
    exact = dict.fromkeys(range(6), Fraction(0))
    for own in distances:
        order = sorted(range(len(own)), key=lambda i: own[i])
        costs = [Fraction(own[i], 16) ** 2 for i in order]
        for rank, i in enumerate(order):
            choices = [j - price * cost for j, cost in enumerate(costs, start=1) if j > rank]
            exact[i] += max([Fraction(0), *choices])
            weights[i] -= len(own)
    for i, least in exact.items():
        assert least <= found[i] <= least + Fraction(1, 10**9)
        assert weights[i] == 0


@pytest.mark.parametrize("columns", [0, 1, 2, 7])
def test_the_first_of_the_least_from_each_place_on(columns: int) -> None:
    """Of numbers of which many are equal, and infinite."""
    values = np.random.default_rng(0).choice([0.0, 1.0, 2.0, np.inf], (200, columns))
    expected = [j + int(row[j:].argmin()) for row in values for j in range(columns)]
    assert least_from(values).tolist() == expected


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("inputs", [1, 4, 9])
@pytest.mark.parametrize("reach", [1 / 8, 1, 8])
def test_weights_beside_those_in_memory(inputs: int, symmetric: bool, reach: float) -> None:
    stream, _ = small(inputs, inputs, 4, 20_000, 1.0, symmetric, 3000)
    radius = 5.0
    work = pattern_pass(stream, radius)
    counts = run_pass(stream, [work], SerialExecutor()).counts
    costs, budget, most = (
        flip_costs(stream.network(), stream.rows),
        Fraction(reach * radius) ** 2,
        inputs * stream.width,
    )
    number, weight = (counts[name] * stream.copies for name in ("number", "weight"))
    heaviest = max(most_flips(row, most - int(row.sum()), work.step, budget) for row in weight)
    all_inputs = most_flips(number, most - int(number.sum()), work.step, budget)
    exact, together = weighted_flip_count(costs, reach * radius), joint_flip_count(costs, reach * radius)
    assert exact <= heaviest
    assert together <= all_inputs
    if reach <= 1:
        assert heaviest <= 1.01 * exact + 1
        assert all_inputs <= 1.01 * together + 1


@given(
    flips=st.lists(st.integers(0, 5), max_size=6),
    beyond=st.integers(0, 5),
    budget=st.fractions(0, 300),
)
def test_a_budget_pays_for_the_cheapest_flips(flips: list[int], beyond: int, budget: Fraction) -> None:
    costs = [Fraction(edge, 2) ** 2 for edge, number in enumerate([*flips, beyond]) for _ in range(number)]
    exact, left = 0, budget
    for cost in costs:
        if cost > left:
            break
        exact, left = exact + 1, left - cost
    assert most_flips(np.array(flips, dtype=np.int64), beyond, 0.5, budget) == exact


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("inputs", [1, 4, 9])
@pytest.mark.parametrize("reach", [1 / 8, 1, 8])
def test_counts_beside_those_in_memory(inputs: int, symmetric: bool, reach: float) -> None:
    stream, _ = small(inputs, inputs, 4, 20_000, 1.0, symmetric, 3000)
    radius = 5.0
    work = flip_pass(stream, radius)
    tally = run_pass(stream, [work], SerialExecutor())
    costs, budget = flip_costs(stream.network(), stream.rows), Fraction(reach * radius) ** 2
    single, joint = (tally.counts[name] * stream.copies for name in ("single", "joint"))
    exact = input_flip_counts(costs, reach * radius)
    found = [most_flips(row, stream.width - int(row.sum()), work.step, budget) for row in single]
    assert (exact <= found).all()
    together = joint_flip_count(costs, reach * radius)
    all_inputs = most_flips(joint, inputs * stream.width - int(joint.sum()), work.step, budget)
    assert together <= all_inputs
    if reach <= 1:  # beyond, all that is past the last bin counts at its edge
        assert (found <= 1.01 * exact + 1).all()
        assert all_inputs <= 1.01 * together + 1


WEIGHTS = np.array([[0.3], [-0.6], [1.2]])
INACCURATE = Block((WEIGHTS @ [[1.0]]).T, 0.5, np.ones(3), np.eye(1), WEIGHTS)
"""Pre-activations that may be off by a half."""


def test_a_pair_counts_at_its_distance_less_the_error() -> None:
    np.testing.assert_allclose(distances_below(INACCURATE, np.arange(3)), [0.0, 0.1, 0.7], rtol=1e-15)
    counter = FlipPass(0.0625, 12, 12).counter(neuron_stream(np.eye(1), 3, 1.0, 0))
    counter.add(INACCURATE)
    counts, _ = counter.found()
    assert counts["single"].tolist() == [[1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]
    assert counts["joint"].tolist() == counts["single"][0].tolist()


def test_a_pair_may_flip_in_a_tube_that_its_error_reaches_into() -> None:
    for width, pairs in ((0.05, 1), (0.2, 2), (0.8, 3)):
        counter = TubePass(np.array([[width]])).counter(neuron_stream(np.eye(1), 3, 1.0, 0))
        counter.add(INACCURATE)
        counts, _ = counter.found()
        assert counts["pairs"].item() == pairs
