"""Choose one move a neuron, within a common budget, for the largest total value: a heuristic for attacks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray

STAY = -1
"""The choice of a neuron that does not move."""

PRICE_BISECTIONS = 40


def _at_price(costs: FloatArray, values: FloatArray, price: float) -> NDArray[np.int64]:
    """Every neuron's best move when a unit of budget costs ``price``."""
    profit = values - price * costs
    best = profit.argmax(axis=0)
    worth = np.take_along_axis(profit, best[None, :], axis=0)[0] > 0
    return np.where(worth, best, STAY)


def _taken(table: FloatArray, choice: NDArray[np.int64]) -> FloatArray:
    """The entries of the chosen moves, 0 for those who stay, shape (m,)."""
    picked = np.take_along_axis(table, np.maximum(choice, 0)[None, :], axis=0)[0]
    return np.where(choice == STAY, 0.0, picked)


def choose_moves(costs: FloatArray, values: FloatArray, budget: float, upgrades: int) -> NDArray[np.int64]:
    """A choice, shape (m,), of a move 0 ... P-1 or STAY for each neuron; total cost at most ``budget``.

    ``costs`` (inf where a move is out of reach) and ``values`` have shape (P, m). A common price is found by bisection
    (the Lagrangian's optimum), then at most ``upgrades`` single changes use up what is left, best value first.
    """
    finite = np.where(costs <= budget, costs, 1.0)
    worth = np.where(costs <= budget, values, -1.0)
    low, high = 0.0, float((np.maximum(worth, 0.0) / np.maximum(finite, 1e-300)).max()) + 1.0
    choice = _at_price(finite, worth, 0.0)
    if _taken(finite, choice).sum() > budget:
        choice = np.full(costs.shape[1], STAY)
        for _ in range(PRICE_BISECTIONS):
            price = (low + high) / 2
            candidate = _at_price(finite, worth, price)
            spent = float(_taken(finite, candidate).sum())
            if spent <= budget:
                choice, high = candidate, price
            else:
                low = price
            if spent <= budget and budget - spent <= 1e-6 * budget:
                break
    for _ in range(upgrades):
        now_cost, now_value = _taken(finite, choice), _taken(worth, choice)
        left = budget - float(now_cost.sum())
        gain = np.where(finite - now_cost <= left, worth - now_value, 0.0)
        move, neuron = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[move, neuron] <= 0:
            break
        choice[neuron] = move
    return choice
