"""Histograms of what flips cost: never fewer flips than the exact knapsacks have, and hardly more."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.streaming.streams import small
from theory.stability.flips import flip_costs, input_flip_counts, joint_flip_count
from theory.streaming.ball import flip_pass, most_flips
from theory.streaming.executors import SerialExecutor
from theory.streaming.flip_pass import unit_costs
from theory.streaming.running import run_pass


@given(
    distances=st.lists(st.lists(st.integers(0, 40), max_size=6), min_size=1, max_size=5),
    price=st.fractions(Fraction(1, 2000), 2),
)
def test_items_have_the_dual_function_of_the_knapsack(distances: list[list[int]], price: Fraction) -> None:
    neurons = np.array([r for r, own in enumerate(distances) for _ in own], dtype=np.int64)
    values = np.array([value / 16 for own in distances for value in own], dtype=np.float64)
    items = [pair for part in unit_costs(values, neurons, len(distances)) for pair in zip(*part, strict=True)]
    assert sum(int(flips) for _, flips in items) == len(values)
    gains = [max(1 - price * Fraction(float(root)) ** 2, Fraction(0)) for root, _ in items]
    found = sum((int(flips) * gain for (_, flips), gain in zip(items, gains, strict=True)), Fraction(0))
    exact = Fraction(0)
    for own in distances:
        costs = [Fraction(value, 16) ** 2 for value in sorted(own)]
        exact += max([Fraction(0), *(j - price * cost for j, cost in enumerate(costs, start=1))])
    assert exact <= found <= exact + Fraction(1, 10**9)


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
