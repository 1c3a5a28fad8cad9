"""K2-spec's counting against every choice of flips and every breakpoint of the dual function, in whole numbers."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from flint import fmpq

from theory.inputs import FloatArray
from theory.stability.flips import input_flip_counts, joint_flip_count
from theory.stability.weighted_flips import WeightedKnapsack, weighted_flip_count


def costs_of(column: list[int], i: int) -> list[tuple[int, int]]:
    """What it costs one neuron to flip j inputs, input i among them: (j, cost), the cheapest others first."""
    others = sorted(column[:i] + column[i + 1 :])
    return [(j + 1, max([column[i], *others[:j]])) for j in range(len(column))]


def heaviest(costs: FloatArray, budget: int) -> int:
    """The exact largest weight that any input collects, by trying every choice."""
    columns = [[int(c) for c in column] for column in costs.T]
    best = 0
    for i in range(len(costs)):
        options = [[(0, 0), *costs_of(column, i)] for column in columns]
        for chosen in itertools.product(*options):
            if sum(cost for _, cost in chosen) <= budget:
                best = max(best, sum(weight for weight, _ in chosen))
    return best


def least_dual(costs: FloatArray, budget: int) -> fmpq:
    """``max_i min_mu`` of the dual functions, in rationals, over all breakpoints."""
    columns = [[int(c) for c in column] for column in costs.T]
    found = fmpq(0)
    for i in range(len(costs)):
        options = [[(j, s) for j, s in costs_of(column, i) if s <= budget] for column in columns]
        breakpoints = {fmpq(0)} | {fmpq(j, s) for option in options for j, s in option if s > 0}
        for option in options:
            for (j, s), (k, t) in itertools.combinations(option, 2):
                if s != t and (k - j) * (t - s) > 0:
                    breakpoints.add(fmpq(k - j, t - s))
        values = [
            mu * budget + sum((max([fmpq(0), *(j - mu * s for j, s in option)]) for option in options), fmpq(0))
            for mu in breakpoints
        ]
        found = max(found, min(values))
    return found


def test_no_weight_is_lost_to_the_rounding_of_the_dual_function() -> None:
    """Five of six neurons use up the budget exactly and flip three inputs each; in float64 the least dual value is below 15."""
    cost = 2438.5859375
    assert WeightedKnapsack(np.full((3, 6), cost), 5 * cost).count() == 15


@pytest.mark.parametrize("seed", range(60))
def test_weight_is_the_floor_of_the_least_dual_value(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    costs = rng.integers(0, 12, (n, m)).astype(float)
    root = int(rng.integers(1, 6))
    dual = least_dual(costs, root * root)
    weight = weighted_flip_count(costs, float(root))
    assert weight == int(dual.p // dual.q)
    assert weight >= heaviest(costs, root * root)
    assert weight <= joint_flip_count(costs, float(root))


@pytest.mark.parametrize("exponent", [-200, -20, 20, 200])
@pytest.mark.parametrize("counted", [weighted_flip_count, joint_flip_count, input_flip_counts])
def test_counts_do_not_depend_on_the_unit_of_length(
    counted: Callable[[FloatArray, float], object], exponent: int
) -> None:
    """Distances times a power of two, and so costs times one of four: the same pairs flip, and no rounding differs."""
    for seed in range(8):
        costs = np.random.default_rng(seed).integers(0, 12, (3, 6)).astype(float)
        found = counted(np.ldexp(costs, 2 * exponent), math.ldexp(2.5, exponent))
        assert np.array_equal(np.asarray(found), np.asarray(counted(costs, 2.5)))


@pytest.mark.parametrize("counted", [weighted_flip_count, joint_flip_count, input_flip_counts])
def test_a_budget_that_is_short_by_little_does_not_suffice(counted: Callable[[FloatArray, float], object]) -> None:
    """One of two flips when both cost 2^-24 of the budget too much, and both when they cost exactly what there is."""
    for excess, flips in ((2.0**-24, 1), (0.0, 2)):
        assert np.all(np.asarray(counted(np.array([[0.5, 0.5 + excess]]), 1.0)) == flips)


def test_hand_worked_weights() -> None:
    # one neuron flips both inputs at cost 4, another input 0 alone at cost 1: input 0 collects 2 + 1
    costs = np.array([[3.0, 1.0], [4.0, 50.0]])
    assert weighted_flip_count(costs, math.sqrt(5.0)) == 3
    assert weighted_flip_count(costs, 2.0) == 2  # cost 4 buys (2), cost 3 + 1 buys 1 + 1
    assert weighted_flip_count(costs, 0.5) == 0
    assert weighted_flip_count(costs, math.inf) == 4
    assert weighted_flip_count(np.zeros((3, 4)), 0.1) == 12
    assert weighted_flip_count(np.full((1, 5000), 0.25), 10.0) == 400
    assert weighted_flip_count(np.full((2, 5000), 0.25), 10.0) == 800


def test_independent_inputs_collect_only_their_own_flips() -> None:
    """Neurons near one boundary each: the joint count is n times what one input collects."""
    costs = np.full((4, 400), 1e6)
    for i in range(4):
        costs[i, 100 * i : 100 * (i + 1)] = 1.0
    assert weighted_flip_count(costs, 20.0) == 100
    assert joint_flip_count(costs, 20.0) == 400


def test_few_evaluations_and_tight_on_wide_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = np.square(np.random.default_rng(0).standard_normal((5, 4000)))
    calls: list[float] = []
    dual = WeightedKnapsack.dual

    def counting(self: WeightedKnapsack, multiplier: float) -> object:
        calls.append(multiplier)
        return dual(self, multiplier)

    monkeypatch.setattr(WeightedKnapsack, "dual", counting)
    weight = weighted_flip_count(costs, 5.0)
    assert len(calls) < 60
    table = WeightedKnapsack(costs, 25.0)
    every = np.array([dual(table, mu).values for mu in np.geomspace(1, 100, 1000)])
    assert weight <= math.floor(every.min(axis=0).max())


def test_neurons_that_are_forgotten_would_not_have_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [np.random.default_rng(seed).uniform(0, 1, (4, 2000)) for seed in range(10)]
    knapsacks = [WeightedKnapsack(costs, 1.0) for costs in tables]
    counts = [knapsack.count() for knapsack in knapsacks]
    assert sum(knapsack._costs.shape[1] < knapsack.neurons for knapsack in knapsacks) > 5
    monkeypatch.setattr(WeightedKnapsack, "_forget_idle", lambda *_: None)
    assert counts == [WeightedKnapsack(costs, 1.0).count() for costs in tables]
