"""Choose one move a neuron, within a common budget, for the largest total value: a heuristic for attacks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray

STAY = -1
"""The choice of a neuron that does not move."""

UNUSED = 2.0**-10
"""The search for a price ends when only this fraction of the budget is left, or of the price undecided."""

SMALLEST_COST = 2.0**-60
"""Costs below this fraction of the budget count as this fraction when the range of prices is set."""

SAMPLE = 10000
"""Neurons in the sample that narrows the price down."""

TOGETHER = 2**17
"""Profits that are compared at a time: they stay in the cache."""


def _pieces(table: FloatArray) -> list[slice]:
    """The neurons of a table (P, m), some at a time."""
    moves, neurons = table.shape
    step = max(1, TOGETHER // moves)
    return [slice(start, min(start + step, neurons)) for start in range(0, neurons, step)]


def _at_price(costs: FloatArray, values: FloatArray, price: float) -> NDArray[np.int64]:
    """Every neuron's best move when a unit of budget costs ``price``."""
    choice = np.empty(costs.shape[1], dtype=np.int64)
    for some in _pieces(costs):
        profit = values[:, some] - price * costs[:, some]
        best = profit.max(axis=0)
        choice[some] = np.where(best > 0, (profit == best).argmax(axis=0), STAY)
    return choice


def _taken(table: FloatArray, choice: NDArray[np.int64]) -> FloatArray:
    """The entries of the chosen moves, 0 for those who stay, shape (m,)."""
    picked = table[np.maximum(choice, 0), np.arange(len(choice))]
    return np.where(choice == STAY, 0.0, picked)


def _fitting_price(costs: FloatArray, values: FloatArray, budget: float, low: float, high: float) -> float:
    """A price at which the total cost is at most the budget and nearly uses it, by bisection of its logarithm."""
    while high > low * (1 + UNUSED):
        price = float(np.sqrt(low) * np.sqrt(high))
        spent = float(_taken(costs, _at_price(costs, values, price)).sum())
        if spent <= budget:
            high = price
            if spent >= (1 - UNUSED) * budget:
                break
        else:
            low = price
    return high


def choose_moves(costs: FloatArray, values: FloatArray, budget: float, upgrades: int) -> NDArray[np.int64]:
    """A choice, shape (m,), of a move 0 ... P-1 or STAY for each neuron; total cost at most ``budget``.

    ``costs`` (inf where a move is out of reach) and ``values`` have shape (P, m). A common price is found by bisection
    (the Lagrangian's optimum; on every k-th neuron first when there are many), then at most ``upgrades`` single
    changes use up what is left, the largest gain first and the cheapest of equal ones.
    """
    within = costs <= budget
    finite, worth = np.where(within, costs, 1.0), np.where(within, values, -1.0)
    choice = _at_price(finite, worth, 0.0)
    if _taken(finite, choice).sum() > budget:
        least = SMALLEST_COST * budget
        most = max(float((worth[:, some] / np.maximum(finite[:, some], least)).max()) for some in _pieces(finite))
        low, high = SMALLEST_COST / budget, 2.0 * max(most, 0.0)
        stride = -(-costs.shape[1] // SAMPLE)
        if stride > 1:
            some_costs, some_worth = (np.ascontiguousarray(table[:, ::stride]) for table in (finite, worth))
            price = _fitting_price(some_costs, some_worth, budget / stride, low, high)
            low, high = price * 0.9, price * 1.1
        # at prices above the lower one the others stay
        moving = np.flatnonzero(
            np.concatenate([(worth[:, some] > low * finite[:, some]).any(axis=0) for some in _pieces(finite)])
        )
        their_costs, their_values = finite[:, moving], worth[:, moving]
        while _taken(their_costs, _at_price(their_costs, their_values, high)).sum() > budget:
            low, high = high, high * 1.1
        choice = np.full(costs.shape[1], STAY)
        choice[moving] = _at_price(
            their_costs, their_values, _fitting_price(their_costs, their_values, budget, low, high)
        )
        if _taken(finite, choice).sum() > budget:
            choice = np.full(costs.shape[1], STAY)
    for _ in range(upgrades):
        now_cost, now_value = _taken(finite, choice), _taken(worth, choice)
        left = budget - float(now_cost.sum())
        added = finite - now_cost
        gain = np.where(added <= left, worth - now_value, 0.0)
        largest = gain.max()
        if largest <= 0:
            break
        move, neuron = np.unravel_index(int(np.where(gain == largest, added, np.inf).argmin()), gain.shape)
        choice[neuron] = move
    return choice
