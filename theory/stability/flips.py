"""How many activations can flip within a ball of weights: the counting behind C2-fro and C2-spec (ReLU only).

A pair (i, r) flips when ``w . x_i`` changes sign between ``w_r(0)`` and ``w_r``, which costs a squared distance of at
least ``(w_r(0) . x_i)^2``. Everything here errs on the side of more flips, rounding included.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.inputs import FloatArray, ball_radius, distance, unit_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.stability.norms import rounded_up, squared_norm_excess

MULTIPLIER_EVALUATIONS = 80
"""Evaluations of the dual function granted to the search for the multiplier; every multiplier gives a valid bound."""

WIDE_BRACKET = 4.0
"""Above this ratio of the bracket's ends the multiplier is halved on a logarithmic scale, below it cut by tangents."""

FEW_ROWS = 4
"""So many are put in order faster by exchanges of whole rows than column by column."""


def flip_costs(net: TwoLayerNetwork, inputs: ArrayLike) -> FloatArray:
    """Lower bounds, shape (n, m), of the squared distance that neuron r must move before input i changes its activation.

    ``|w_r . x_i|`` less the rounding bound of the dot product, squared, over the largest ``||x_i||^2`` possible.
    Raises what ``TwoLayerNetwork.pre_activations`` raises.
    """
    distances = np.abs(net.pre_activations(unit_rows(inputs)))
    distances -= pre_activation_error(net)
    np.maximum(distances, 0.0, out=distances)
    np.square(distances, out=distances)
    distances *= 1 - squared_norm_excess(net.dim) - 8 * UNIT_ROUNDOFF
    return distances


@dataclass(frozen=True)
class _Tangent:
    """The dual function at one multiplier: its value and a slope, of a convex piecewise linear function."""

    multiplier: float
    value: float
    slope: float

    def intersection(self, other: "_Tangent") -> tuple[float, float]:
        """Where two tangents meet, and the height there: a lower bound of the minimum between them."""
        gap = other.value - self.value + self.slope * self.multiplier - other.slope * other.multiplier
        multiplier = gap / (self.slope - other.slope)
        return multiplier, self.value + self.slope * (multiplier - self.multiplier)


def reachable_costs(costs: FloatArray, budget: float) -> tuple[FloatArray, float]:
    """The costs of the neurons that can flip at all, and the budget, both divided by a power of two: the budget is near 1.

    Multipliers are then of moderate size whatever the scale. What underflows is 2^-1074 of the budget.
    """
    budget = distance(budget, "the budget")
    reachable = costs.take(np.flatnonzero(costs.min(axis=0) <= budget), axis=1)
    if math.isfinite(budget):
        budget, exponent = math.frexp(budget)
        with np.errstate(over="ignore"):  # a cost far above the budget
            np.ldexp(reachable, -exponent, out=reachable)
    return reachable, budget


def _sorted_columns(values: FloatArray) -> FloatArray:
    """The columns of an (n, m) array in ascending order, a new array; those of a few rows are sorted together, by exchanges of rows."""
    if len(values) > FEW_ROWS:
        return np.sort(values, axis=0)
    rows = list(values.copy())
    for pass_ in range(len(rows)):
        for k in range(pass_ % 2, len(rows) - 1, 2):
            rows[k : k + 2] = np.minimum(rows[k], rows[k + 1]), np.maximum(rows[k], rows[k + 1])
    return np.stack(rows)


class JointKnapsack:
    """The most pairs that can flip when all neurons share the budget R^2 (C2-fro).

    For every mu >= 0 ``#flips <= mu R^2 + sum_r max_j (j - mu s_rj)_+`` (docs/proofs/stability.md, P4.2). ``costs`` has shape (n, m), squared distances.
    """

    def __init__(self, costs: FloatArray, budget: float) -> None:
        """Sort the costs of the neurons that can flip at all; costs above the budget are out of reach."""
        reachable, self.budget = reachable_costs(costs, budget)
        ordered = _sorted_columns(reachable)
        within = ordered <= self.budget
        self.pairs = int(np.count_nonzero(within))
        self._costs = np.where(within, ordered, 0.0)
        self._numbers = np.where(within, np.arange(1.0, len(costs) + 1.0)[:, None], 0.0)
        self._neurons = ordered.shape[1]
        self._best = np.zeros(0)
        """What each neuron gains at the multiplier that was tried last, 0 or more."""

    def dual(self, multiplier: float) -> _Tangent:
        """The dual function ``mu R^2 + sum_r max_j (j - mu s_rj)_+`` at one multiplier, in floats."""
        best = np.zeros(self._costs.shape[1])
        spent = np.zeros_like(best)
        for costs, numbers in zip(self._costs, self._numbers, strict=True):
            gains = numbers - multiplier * costs
            np.copyto(spent, costs, where=gains > best)
            np.maximum(best, gains, out=best)
        self._best = best
        value = multiplier * self.budget + float(best.sum())
        return _Tangent(multiplier, value, self.budget - float(spent.sum()))

    def count(self) -> int:
        """An upper bound of the number of flips: the dual function near its minimum, rounded up safely, then floored.

        The multiplier is found by bisection and by intersecting tangents of the convex dual function.
        """
        if self.pairs == 0:
            return 0
        positive = self._costs > 0
        if not positive.any() or not math.isfinite(self.budget):
            return self.pairs
        low = self.dual(0.0)
        if low.slope >= 0:
            return self.pairs
        # beyond the largest j / s nothing with a positive cost is worth its price; a tiny s must not overflow
        with np.errstate(over="ignore"):
            ratios = np.divide(self._numbers, self._costs, out=np.zeros_like(self._costs), where=positive)
        largest = float(ratios.max())
        high = self.dual(min(2.0 * largest, 1e300))
        best = min(low.value, high.value)
        for _ in range(MULTIPLIER_EVALUATIONS):
            if high.slope <= 0:  # only when the multiplier had to be capped
                break
            multiplier, model = low.intersection(high)
            if math.floor(self._safe(best)) <= math.floor(model):
                break
            least = max(low.multiplier, high.multiplier * 2.0**-200)
            if high.multiplier > WIDE_BRACKET * least:
                multiplier = math.sqrt(least * high.multiplier)
            if not low.multiplier < multiplier < high.multiplier:
                break
            middle = self.dual(multiplier)
            best = min(best, middle.value)
            if middle.slope < 0:
                low = middle
                self._drop_idle()
            else:
                high = middle
        return min(self.pairs, math.floor(self._safe(best)))

    def _drop_idle(self) -> None:
        """Forget the neurons without a gain at the last multiplier: rounded or not, they have none at a larger one."""
        gaining = np.flatnonzero(self._best)
        if len(gaining) < len(self._best):
            self._costs, self._numbers = self._costs.take(gaining, axis=1), self._numbers.take(gaining, axis=1)

    def _safe(self, value: float) -> float:
        """The dual function's float value raised above the exact one.

        A gain ``j - mu s`` is off by at most ``2 u j``; the sum over the neurons by ``gamma`` of itself.
        """
        return value * (1 + 2 * gamma(self._neurons + 8)) + 4 * UNIT_ROUNDOFF * self.pairs


def squared_budget(radius: float) -> float:
    """``R^2`` rounded up. Raises ScaleError: a radius that is not a number of at least 0, or whose square vanishes."""
    reach = ball_radius(radius, "radius")
    return rounded_up(reach * reach)


def joint_flip_count(costs: FloatArray, radius: float) -> int:
    """Upper bound of the number of pairs (i, r) that can flip at once within ``||W - W(0)||_F <= R`` (C2-fro). Raises ScaleError."""
    return JointKnapsack(costs, squared_budget(radius)).count()


def input_flip_counts(costs: FloatArray, radius: float) -> FloatArray:
    """Upper bounds ``k_i(R)``, shape (n,), of the number of neurons that can flip input i alone (C2-spec).

    The cheapest ones first, while the sum of their costs stays within R^2; prefix sums are lowered by their rounding.
    Raises ScaleError.
    """
    budget = squared_budget(radius)
    counts = np.zeros(len(costs))
    for i, row in enumerate(costs):
        affordable = np.sort(row[row <= budget])
        sums = np.cumsum(affordable) * (1 - gamma(len(affordable) + 4))
        counts[i] = np.count_nonzero(sums <= budget)
    return counts
