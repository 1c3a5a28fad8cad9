"""How much weight of flips one input can collect within a ball of weights: the counting behind K2-spec (ReLU only).

Let neuron r flip ``c_r`` inputs, ``s_(j)`` its j-th smallest cost. Then (docs/proofs/stability.md, P4.6)

    ||S - S(0)||_2^2 <= max_i sum_{r: i flips} c_r/m,

and for every mu >= 0 input i collects at most ``mu R^2 + sum_r max_{j >= rank of i} (j - mu s_(j))_+``: the joint knapsack of C2-fro
with fewer choices, hence never a larger bound. One pass over the sorted costs, with suffix maxima, gives it for all inputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.stability.flips import MULTIPLIER_EVALUATIONS, WIDE_BRACKET, reachable_costs, squared_budget


@dataclass(frozen=True)
class _Tangents:
    """The dual functions of all inputs at one multiplier: values and slopes, each of shape (n,)."""

    values: FloatArray
    slopes: FloatArray


class _Bracket:
    """For every input the two multipliers next to its minimum on either side, with the tangents there."""

    def __init__(self, low: _Tangents, multiplier: float, high: _Tangents) -> None:
        self.low_at, self.low = np.zeros(len(low.values)), low
        self.high_at, self.high = np.full(len(low.values), multiplier), high

    def narrow(self, multiplier: float, found: _Tangents) -> None:
        """Move the ends that a new multiplier improves."""
        falling = found.slopes < 0
        left = falling & (multiplier > self.low_at)
        right = ~falling & (multiplier < self.high_at)
        self.low_at = np.where(left, multiplier, self.low_at)
        self.high_at = np.where(right, multiplier, self.high_at)
        self.low = _chosen(left, found, self.low)
        self.high = _chosen(right, found, self.high)

    def meeting(self, i: int) -> tuple[float, float]:
        """Where the two tangents of input i meet and the height there, a lower bound of its minimum."""
        falling, rising = float(self.low.slopes[i]), float(self.high.slopes[i])
        low, high = float(self.low_at[i]), float(self.high_at[i])
        gap = float(self.high.values[i] - self.low.values[i]) + falling * low - rising * high
        multiplier = gap / (falling - rising)
        return multiplier, float(self.low.values[i]) + falling * (multiplier - low)

    def settled(self, i: int) -> bool:
        """Whether the minimum of input i lies at an end: at 0, or beyond a multiplier that had to be capped."""
        return bool(self.low.slopes[i] >= 0 or self.high.slopes[i] < 0)


def _chosen(where: NDArray[np.bool_], new: _Tangents, old: _Tangents) -> _Tangents:
    return _Tangents(np.where(where, new.values, old.values), np.where(where, new.slopes, old.slopes))


class WeightedKnapsack:
    """The largest ``sum_{r: i in F_r} c_r`` of any input i when all neurons share the budget R^2 (K2-spec).

    ``costs`` has shape (n, m), squared distances.
    """

    def __init__(self, costs: FloatArray, budget: float) -> None:
        """Sort the costs of the neurons that can flip at all, and remember whose they are."""
        reachable, self.budget = reachable_costs(costs, budget)
        self.inputs, self.neurons = len(costs), int(reachable.shape[1])
        self._owners = np.argsort(reachable, axis=0, kind="stable")
        ordered = np.take_along_axis(reachable, self._owners, axis=0)
        within = ordered <= self.budget
        self.pairs = int(np.count_nonzero(within))
        self._costs = np.where(within, ordered, 0.0)
        self._numbers = np.where(within, np.arange(1.0, self.inputs + 1.0)[:, None], 0.0)

    def most(self) -> int:
        """The weight of the worst input when every pair within the budget flips."""
        together = self._numbers.max(axis=0, initial=0.0) * (self._numbers > 0)
        return int(np.bincount(self._owners.ravel(), weights=together.ravel(), minlength=self.inputs).max())

    def _forget_idle(self, multiplier: float) -> None:
        """Drop the neurons that are not worth their price at this multiplier, nor then at any larger one."""
        busy = np.asarray((self._numbers > multiplier * self._costs).any(axis=0))
        if 2 * np.count_nonzero(busy) < len(busy):
            left = np.flatnonzero(busy)
            self._owners = self._owners.take(left, axis=1)
            self._costs, self._numbers = self._costs.take(left, axis=1), self._numbers.take(left, axis=1)

    def dual(self, multiplier: float) -> _Tangents:
        """The dual functions ``mu R^2 + sum_r max_{j >= rank of i} (j - mu s_(j))_+`` of all inputs at one multiplier."""
        best = np.zeros(self._costs.shape[1])
        spent = np.zeros_like(best)
        values, slopes = np.full(self.inputs, multiplier * self.budget), np.full(self.inputs, self.budget)
        for costs, numbers, owners in zip(self._costs[::-1], self._numbers[::-1], self._owners[::-1], strict=True):
            gains = numbers - multiplier * costs
            np.copyto(spent, costs, where=gains > best)
            np.maximum(best, gains, out=best)
            inside = numbers > 0
            values += np.bincount(owners, weights=best * inside, minlength=self.inputs)
            slopes -= np.bincount(owners, weights=spent * inside, minlength=self.inputs)
        return _Tangents(values, slopes)

    def count(self) -> int:
        """An upper bound of the weight of the worst input: its dual function near the minimum, rounded up, floored."""
        worst = self.most()
        positive = self._costs > 0
        if worst == 0 or not positive.any() or not math.isfinite(self.budget):
            return worst
        with np.errstate(over="ignore"):  # a tiny cost must not overflow
            ratios = np.divide(self._numbers, self._costs, out=np.zeros_like(self._costs), where=positive)
            largest = min(2.0 * float(ratios.max()), 1e300)
        low, high = self.dual(0.0), self.dual(largest)
        bracket = _Bracket(low, largest, high)
        least = np.minimum(low.values, high.values)
        for _ in range(MULTIPLIER_EVALUATIONS):
            i = int(least.argmax())
            if bracket.settled(i):
                break
            multiplier, model = bracket.meeting(i)
            if math.floor(self._safe(float(least[i]))) <= math.floor(model):
                break
            left, right = float(bracket.low_at[i]), float(bracket.high_at[i])
            base = max(left, right * 2.0**-200)
            if right > WIDE_BRACKET * base:
                multiplier = math.sqrt(base * right)
            if not left < multiplier < right:
                break
            found = self.dual(multiplier)
            least = np.minimum(least, found.values)
            bracket.narrow(multiplier, found)
            self._forget_idle(float(bracket.low_at.min()))
        return min(worst, math.floor(self._safe(float(least.max()))))

    def _safe(self, value: float) -> float:
        """The dual function's float value raised above the exact one.

        A gain ``j - mu s`` is off by at most ``2 u j``, j at most n, where a pair is within the budget; the sum over the
        neurons by ``gamma`` of itself.
        """
        return value * (1 + 2 * gamma(self.neurons + 8)) + 4 * UNIT_ROUNDOFF * self.inputs * self.pairs


def weighted_flip_count(costs: FloatArray, radius: float) -> int:
    """Upper bound of ``max_i sum_{r: i flips} c_r`` within ``||W - W(0)||_F <= R``, c_r the flips of neuron r (K2-spec)."""
    return WeightedKnapsack(costs, squared_budget(radius)).count()
