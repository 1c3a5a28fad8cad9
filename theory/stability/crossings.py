"""The activation flips on one segment of pre-activations, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma

IntArray = NDArray[np.int64]

CROSSING_ERROR = 4 * UNIT_ROUNDOFF
"""A computed crossing time ``z / (z - z')`` in [0, 1] is off by less: one subtraction, one division, exact ends."""


@dataclass(frozen=True)
class Crossings:
    """The pairs (i, r) whose activation changes between two pre-activation matrices (n, m), ordered by crossing time.

    On a straight segment every pair changes at most once. *Position* p is the state after the first p of them; position
    0 is the start, ``len(self)`` the end. Two crossings that rounding could order either way are never separated.
    """

    rows: IntArray
    """The input i of each crossing, shape (q,)."""
    neurons: IntArray
    """The neuron r of each crossing, shape (q,)."""
    directions: NDArray[np.int8]
    """+1 where the activation switches on, -1 where off, shape (q,)."""
    separable: NDArray[np.bool_]
    """Whether position p may be used, shape (q + 1,)."""

    @classmethod
    def between(cls, start: FloatArray, end: FloatArray) -> Crossings:
        """Find and order the crossings of the segment from ``start`` to ``end``, both (n, m)."""
        # one axis, as that is much faster where few entries are not zero
        rows, neurons = np.divmod(np.flatnonzero((start >= 0) != (end >= 0)), start.shape[1])
        return cls.ordered(rows, neurons, start[rows, neurons], end[rows, neurons])

    @classmethod
    def ordered(cls, rows: IntArray, neurons: IntArray, start: FloatArray, end: FloatArray) -> Crossings:
        """Order the crossings of these pairs (q,), whose pre-activations are ``start`` and then ``end``, of different activations.

        Pairs whose times are equal stay in the order in which they are given.
        """
        # halves of large ones, as the difference of two floats may be beyond their range
        halved = np.where(np.maximum(np.abs(start), np.abs(end)) > 1, 0.5, 1.0)
        z, moved = halved * start, halved * end
        times = z / (z - moved)
        order = np.argsort(times, kind="stable")
        directions = np.where(end[order] >= 0, 1, -1).astype(np.int8)
        separable = np.ones(len(rows) + 1, dtype=bool)
        separable[1:-1] = np.diff(times[order]) > 2 * CROSSING_ERROR
        return cls(rows[order], neurons[order], directions, separable)

    def __len__(self) -> int:
        """The number of crossings."""
        return len(self.rows)

    def middle(self, left: int, right: int) -> int | None:
        """The usable position nearest to the middle of two, strictly between them; None when there is none."""
        inside = np.flatnonzero(self.separable[left + 1 : right])
        if len(inside) == 0:
            return None
        centre = (right - left) / 2 - 1
        return left + 1 + int(inside[np.abs(inside - centre).argmin()])

    def counts_by_input(self, left: int, right: int) -> int:
        """The largest number of crossings of one input between two positions."""
        if right <= left:
            return 0
        return int(np.bincount(self.rows[left:right]).max())

    def counts_by_neuron(self, left: int, right: int) -> int:
        """The largest number of crossings of one neuron between two positions."""
        if right <= left:
            return 0
        return int(np.unique(self.neurons[left:right], return_counts=True)[1].max())


def subset_bound(bounds: Callable[[IntArray], FloatArray], number: int, left_value: float, right_value: float) -> float:
    """Bound a norm at every state between two positions that are ``number`` crossings apart.

    A state has p of the crossings behind it and the others ahead, whatever their order, so its value is at most the
    left one plus ``bounds(p)``, and at most the right one plus ``bounds(number - p)``.
    """
    behind = np.arange(number + 1)
    from_left = left_value + bounds(behind)
    from_right = right_value + bounds(number - behind)
    return float(np.minimum(from_left, from_right).max()) * (1 + 4 * UNIT_ROUNDOFF)


def jacobian_change(
    numbers: IntArray, on_one_input: int, norm_squared: float, longest: float, width: int
) -> FloatArray:
    """Bounds of ``||J - J'||_2`` (not squared) when that many pairs flip, at most ``on_one_input`` of one input.

    The smaller of the Frobenius count ``(p / m)^{1/2}`` and Schur's ``||X||_2 (max_i p_i / m)^{1/2}`` (C2-path).
    ``longest`` bounds ``||x_i||^2``; ``norm_squared`` is ``||X||_2^2`` or what ``few_on_one_neuron`` makes of it.
    """
    flips = np.minimum(numbers * longest, norm_squared * np.minimum(numbers, on_one_input))
    return np.asarray(np.sqrt(flips / width) * (1 + 8 * UNIT_ROUNDOFF))


def few_on_one_neuron(norm_squared: float, longest: float, on_one_neuron: int) -> float:
    """``||X||_2^2``, or ``max ||x_i||^2`` times the largest number of flips of one neuron when that is smaller.

    ``||K o D D^T||_2 <= max K_ii ||D||_2^2``, and ``||D||_2^2`` is at most the largest number of flips of one input times
    the largest of one neuron (Schur's test).
    """
    return min(norm_squared, longest * on_one_neuron)


def largest_sums(values: FloatArray) -> FloatArray:
    """The sums of the p largest of nonnegative values, rounded up, p = 0 ... q, shape (q + 1,)."""
    ordered = np.sort(values)[::-1]
    return np.concatenate([[0.0], np.cumsum(ordered) * (1 + 2 * gamma(len(values) + 2))])
