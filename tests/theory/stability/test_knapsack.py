"""One move a neuron within a common budget: never above it, and near the best of all choices."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.stability import knapsack
from theory.stability.knapsack import STAY, UNUSED, choose_moves


def totals(costs: FloatArray, values: FloatArray, choice: NDArray[np.int64]) -> tuple[float, float]:
    moving = [(int(move), r) for r, move in enumerate(choice) if move != STAY]
    return sum(costs[move, r] for move, r in moving), sum(values[move, r] for move, r in moving)


def best_value(costs: FloatArray, values: FloatArray, budget: float) -> float:
    """By trying every choice."""
    moves, neurons = costs.shape
    best = 0.0
    for choice in itertools.product(range(STAY, moves), repeat=neurons):
        cost, value = totals(costs, values, np.array(choice))
        if cost <= budget:
            best = max(best, value)
    return best


@pytest.mark.parametrize("seed", range(30))
def test_choices_are_within_the_budget_and_lose_less_than_one_move(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs, values = rng.uniform(0.1, 2, (3, 5)), rng.uniform(0, 1, (3, 5))
    budget = float(rng.uniform(0.2, 5))
    best = best_value(costs, values, budget)
    for upgrades in (0, 10):
        cost, value = totals(costs, values, choose_moves(costs, values, budget, upgrades))
        assert cost <= budget
        assert value >= best - values.max()
        assert value <= best * (1 + 1e-12)


def test_upgrades_find_the_best_choice_most_of_the_time() -> None:
    shares = {0: [], 10: []}  # type: dict[int, list[float]]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        costs, values = rng.uniform(0.1, 2, (3, 4)), rng.uniform(0, 1, (3, 4))
        best = best_value(costs, values, 1.5)
        for upgrades, found in shares.items():
            found.append(totals(costs, values, choose_moves(costs, values, 1.5, upgrades))[1] / best)
    assert np.median(shares[10]) >= 1 - 1e-12
    assert np.mean(shares[10]) > 0.96 > np.mean(shares[0]) > 0.6


def test_everyone_takes_the_most_valuable_move_when_the_budget_allows() -> None:
    costs = np.array([[1.0, 2.0, np.inf], [3.0, 1.0, np.inf]])
    values = np.array([[1.0, 5.0, 9.0], [2.0, 4.0, 9.0]])
    assert choose_moves(costs, values, 5.0, 0).tolist() == [1, 0, STAY]
    assert choose_moves(costs, values, 4.0, 0).tolist() == [0, 0, STAY]
    assert choose_moves(costs, values, 0.5, 5).tolist() == [STAY, STAY, STAY]


def test_a_move_that_costs_the_whole_budget_is_within_it() -> None:
    assert choose_moves(np.array([[2.0]]), np.array([[1.0]]), 2.0, 0).tolist() == [0]
    assert choose_moves(np.array([[2.0, 2.0]]), np.array([[1.0, 3.0]]), 2.0, 1).tolist() == [STAY, 0]


def test_moves_of_no_value_are_not_made() -> None:
    costs, values = np.array([[0.0, 1.0]]), np.array([[0.0, 0.0]])
    assert choose_moves(costs, values, 10.0, 3).tolist() == [STAY, STAY]


def test_free_moves_are_made_by_all() -> None:
    costs, values = np.array([[0.0, 0.0, 5.0, 5.0]]), np.ones((1, 4))
    assert choose_moves(costs, values, 6.0, 4).tolist()[:2] == [0, 0]
    assert sum(move == 0 for move in choose_moves(costs, values, 6.0, 4)) == 3


def test_an_upgrade_may_replace_a_move_by_a_dearer_one() -> None:
    # the common price takes the cheap move of both or of none; what is left pays the difference for one of them
    costs, values = np.array([[1.0, 1.0], [2.5, 2.5]]), np.array([[1.0, 1.0], [1.5, 1.5]])
    assert choose_moves(costs, values, 3.6, 0).tolist() == [0, 0]
    assert sorted(choose_moves(costs, values, 3.6, 1).tolist()) == [0, 1]
    assert choose_moves(costs, values, 3.4, 1).tolist() == [0, 0]
    assert sorted(choose_moves(costs, values, 4.9, 9).tolist()) == [0, 1]


def test_only_as_many_upgrades_as_asked_for() -> None:
    costs, values = np.full((1, 9), 1.0), np.linspace(1, 1 + 1e-9, 9)[None, :]
    made = [sum(move != STAY for move in choose_moves(costs, values, 5.5, upgrades)) for upgrades in (0, 1, 2, 50)]
    assert made[0] <= made[1] <= made[0] + 1
    assert made[3] == 5


@pytest.mark.parametrize("budget", [1.0, 30.0, 300.0])
def test_the_price_uses_nearly_the_whole_budget(budget: float) -> None:
    rng = np.random.default_rng(1)
    costs, values = rng.uniform(1e-3, 1, (4, 5000)), rng.uniform(0, 1, (4, 5000))
    cost, value = totals(costs, values, choose_moves(costs, values, budget, 0))
    assert (1 - 2 * UNUSED) * budget - 0.5 <= cost <= budget
    # weak duality: no choice is worth more than the Lagrangian at any price
    bound = min(
        price * budget + np.maximum(values - price * costs, 0).max(axis=0).sum()
        for price in np.geomspace(1e-2, 1e4, 300)
    )
    assert value >= bound * 0.99 - 2


@pytest.mark.parametrize("unlike", [False, True])
def test_a_sample_narrows_the_price_down_and_does_not_decide(unlike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    costs, values = rng.uniform(0.1, 1, (2, 999)), rng.uniform(0, 1, (2, 999))
    if unlike:  # the sampled neurons are dear, the others cheap: at their price the budget would not do
        costs[:, 1::4] /= 20
        costs[:, 2::4] /= 20
        costs[:, 3::4] /= 20
    whole = totals(costs, values, choose_moves(costs, values, 12.0, 0))
    monkeypatch.setattr(knapsack, "SAMPLE", 250)
    sampled = totals(costs, values, choose_moves(costs, values, 12.0, 0))
    assert sampled[0] <= 12.0
    assert sampled[1] >= 0.97 * whole[1]
    assert sampled[0] >= 0.97 * 12.0


@pytest.mark.parametrize("exponent", [-100, 100])
def test_the_unit_of_the_costs_does_not_matter(exponent: int) -> None:
    rng = np.random.default_rng(3)
    costs, values = rng.uniform(0.0, 1, (3, 200)), rng.uniform(0, 1, (3, 200))
    costs[:, :20] = 0.0
    unit = 4.0**exponent
    assert np.array_equal(choose_moves(unit * costs, values, unit * 7.0, 3), choose_moves(costs, values, 7.0, 3))


@pytest.mark.parametrize("budget", [1.0, 30.0, 300.0])
def test_few_prices_are_tried(budget: float, monkeypatch: pytest.MonkeyPatch) -> None:
    prices: list[float] = []
    at_price = knapsack._at_price

    def counting(costs: FloatArray, values: FloatArray, price: float) -> NDArray[np.int64]:
        prices.append(price)
        return at_price(costs, values, price)

    monkeypatch.setattr(knapsack, "_at_price", counting)
    rng = np.random.default_rng(1)
    choose_moves(rng.uniform(1e-3, 1, (4, 5000)), rng.uniform(0, 1, (4, 5000)), budget, 0)
    assert len(prices) <= 20


def test_the_cheapest_of_equal_upgrades_is_taken_first() -> None:
    """The last price moves all neurons of cost 1 or none; one of cost 4 in their place would use up the budget."""
    costs, values = np.array([[4.0, 4.0, 1.0, 1.0, 1.0, 1.0, 1.0]]), np.ones((1, 7))
    assert choose_moves(costs, values, 4.5, 8).tolist() == [STAY, STAY, 0, 0, 0, 0, STAY]


@pytest.mark.parametrize("seed", range(4))
def test_neurons_that_are_looked_at_together_do_not_change_a_choice(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With moves that are out of reach, and more neurons than are sampled."""
    rng = np.random.default_rng(seed)
    costs, values = rng.uniform(0, 2, (5, 301)), rng.uniform(0, 1, (5, 301))
    costs[rng.random(costs.shape) < 0.2] = np.inf
    monkeypatch.setattr(knapsack, "SAMPLE", 50)
    found = [choose_moves(costs, values, 20.0, upgrades).tolist() for upgrades in (0, 5)]
    for together in (1, 35, 5 * 300):
        monkeypatch.setattr(knapsack, "TOGETHER", together)
        assert [choose_moves(costs, values, 20.0, upgrades).tolist() for upgrades in (0, 5)] == found
