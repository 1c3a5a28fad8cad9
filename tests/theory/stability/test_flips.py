"""Which activations flip within a radius: costs, the joint knapsack, the cheapest flips of each input."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from tests.theory.stability.test_stability_ball import random_network
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import rational
from theory.rigour.rounding import gamma
from theory.stability.flips import (
    FEW_ROWS,
    JointKnapsack,
    _sorted_columns,
    flip_costs,
    input_flip_counts,
    joint_flip_count,
    squared_budget,
)


def exact_dot(left: FloatArray, right: FloatArray) -> fmpq:
    return sum((rational(a) * rational(b) for a, b in zip(left, right, strict=True)), fmpq(0))


@pytest.mark.parametrize("dim", [1, 3, 20])
def test_flip_costs_are_below_the_exact_squared_distances_by_rounding_only(dim: int) -> None:
    net, rows = random_network(4, dim, 6, np.random.default_rng(dim))
    costs = flip_costs(net, rows)
    assert costs.shape == (4, 6)
    for i, r in itertools.product(range(4), range(6)):
        z, square = exact_dot(rows[i], net.weights[r]), exact_dot(rows[i], rows[i])
        exact = z * z / square
        error = gamma(4 * dim + 20) * float(np.linalg.norm(net.weights[r]))
        assert rational(costs[i, r]) <= exact
        lower = max(abs(float(z.p) / float(z.q)) - 2 * error, 0.0) ** 2 * (1 - 4 * gamma(4 * dim + 20))
        assert costs[i, r] >= lower


def test_flip_cost_of_a_boundary_weight_is_zero() -> None:
    net = TwoLayerNetwork(np.array([[0.0, 1.0], [1.0, 1.0]]), np.ones(2))
    on_boundary, other = flip_costs(net, np.array([[1.0, 0.0]]))[0]
    error = gamma(4 * 2 + 20) * math.sqrt(2)  # as above: d = 2, |w| = 2^(1/2), w . x = 1
    assert on_boundary == 0.0
    assert (1 - 2 * error) ** 2 * (1 - 4 * gamma(4 * 2 + 20)) <= other <= 1.0


def dual_minimum(costs: FloatArray, budget: int) -> fmpq:
    """The minimum over mu of the dual function, in rationals, by trying every breakpoint."""
    columns = [sorted(int(c) for c in column) for column in costs.T]
    breakpoints = {fmpq(0)}
    for column in columns:
        reachable = [(j + 1, s) for j, s in enumerate(column) if s <= budget]
        breakpoints |= {fmpq(j, s) for j, s in reachable if s > 0}
        for (j, s), (k, t) in itertools.combinations(reachable, 2):
            if s < t:
                breakpoints.add(fmpq(k - j, t - s))

    def dual(mu: fmpq) -> fmpq:
        total = mu * budget
        for column in columns:
            total += max([fmpq(0), *(j + 1 - mu * s for j, s in enumerate(column) if s <= budget)])
        return total

    return min(dual(mu) for mu in breakpoints)


def most_flips(costs: FloatArray, budget: int) -> int:
    """The integer optimum by trying every choice: flipping j inputs of a neuron costs its j-th cheapest."""
    columns = [[0, *sorted(int(c) for c in column)] for column in costs.T]
    best = 0
    for chosen in itertools.product(*(range(len(column)) for column in columns)):
        if sum(column[j] for column, j in zip(columns, chosen, strict=True)) <= budget:
            best = max(best, sum(chosen))
    return best


@pytest.mark.parametrize("seed", range(40))
def test_joint_knapsack_is_the_floor_of_the_least_dual_value(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    costs = rng.integers(0, 12, (n, m)).astype(float)
    root = int(rng.integers(1, 6))
    least = dual_minimum(costs, root * root)
    count = joint_flip_count(costs, float(root))
    assert count == int(least.p // least.q)
    assert count >= most_flips(costs, root * root)


@pytest.mark.parametrize("exponent", [-150, -40, 40, 150])
def test_joint_knapsack_does_not_depend_on_the_unit_of_length(exponent: int) -> None:
    rng = np.random.default_rng(7)
    for radius in (0.5, 2.0, 9.0):
        costs = np.square(rng.standard_normal((3, 200)))
        unit = 2.0**exponent
        assert joint_flip_count(costs * unit * unit, radius * unit) == joint_flip_count(costs, radius)


def test_joint_knapsack_of_many_equal_costs_is_exact() -> None:
    costs = np.full((1, 5000), 0.25)
    assert joint_flip_count(costs, 10.0) == 400
    assert joint_flip_count(np.full((2, 5000), 0.25), 10.0) == 800
    assert joint_flip_count(costs, 0.49) == 0
    assert joint_flip_count(np.zeros((3, 4)), 0.1) == 12
    assert joint_flip_count(costs, math.inf) == 5000
    assert joint_flip_count(costs, 1000.0) == 5000


def test_joint_knapsack_loses_no_flip_to_the_rounding_of_its_dual_function() -> None:
    """Five of ten neurons use up the budget exactly and flip three inputs each; in float64 the least dual value is below 15."""
    cost = 1119.453125
    assert JointKnapsack(np.full((3, 10), cost), 5 * cost).count() == 15


@pytest.mark.parametrize("rows", range(1, FEW_ROWS + 2))
def test_columns_are_sorted_by_exchanges_as_one_by_one(rows: int) -> None:
    for seed in range(5):
        values = np.random.default_rng(seed).integers(0, 4, (rows, 300)).astype(np.float64)
        given = values.copy()
        assert np.array_equal(_sorted_columns(values), np.sort(values, axis=0))
        assert np.array_equal(values, given)


def test_joint_knapsack_needs_few_evaluations_on_wide_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = np.square(np.random.default_rng(0).standard_normal((5, 2000)))
    calls: list[float] = []
    dual = JointKnapsack.dual

    def counting(self: JointKnapsack, multiplier: float) -> object:
        calls.append(multiplier)
        return dual(self, multiplier)

    monkeypatch.setattr(JointKnapsack, "dual", counting)
    count = joint_flip_count(costs, 5.0)
    assert len(calls) < 40
    tight = min(dual(JointKnapsack(costs, 25.0), mu).value for mu in np.geomspace(1, 100, 200))
    assert count <= math.floor(tight)


def test_input_flip_counts_take_the_cheapest_first_and_may_use_the_whole_budget() -> None:
    costs = np.array([[3.0, 1.0, 9.0], [4.0, 4.0, 4.0], [5.0, 5.0, 5.0], [0.0, 0.0, 4.5]])
    assert input_flip_counts(costs, 2.0).tolist() == [2, 1, 0, 2]
    assert input_flip_counts(costs, math.inf).tolist() == [3, 3, 3, 3]
    assert squared_budget(3.0) >= 9.0
    assert squared_budget(3.0) == pytest.approx(9.0, rel=gamma(20))


def test_squared_budgets_are_not_below_the_exact_squares() -> None:
    radii = np.random.default_rng(0).uniform(0.5, 2.0, 50).tolist()
    assert min(Fraction(squared_budget(radius)) - Fraction(radius) ** 2 for radius in radii) > 0


def test_input_flip_counts_lose_no_flip_to_the_rounding_of_their_sums() -> None:
    """In float64 the sum of so many costs is above the exact one by 2^9 roundings, which the budget is not."""
    cost, flips = 0.1, 10_000
    radius = math.sqrt(flips * cost) * (1 + 2.0**-50)
    assert flips * Fraction(cost) <= Fraction(radius) ** 2
    assert np.cumsum(np.full(flips, cost))[-1] > squared_budget(radius)
    assert input_flip_counts(np.full((1, flips + 5), cost), radius).tolist() == [flips]
