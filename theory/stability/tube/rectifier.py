"""What a ReLU network's pattern may become in a tube: exact counts of pairs, from those that may flip.

``B`` are the pairs that may flip (theory.stability.tube.candidates), ``P`` those of them that are not active at the start and ``V`` those
that are: what may appear and what may vanish. ``A~ = A0 + P`` may be active, ``A0 - V`` surely is. So ``B A~^T = (P+V) A0^T + (P+V) P^T``,
``A~ A~^T - A0 A0^T = P A0^T + A0 P^T + P P^T`` and ``A0 A0^T - (A0-V)(A0-V)^T = V A0^T + A0 V^T - V V^T``: products with few entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from theory.inputs import FloatArray
from theory.network.two_layer import exact_products, pattern_counts
from theory.stability.tube.candidates import Candidates, Mask, blocks
from theory.stability.tube.digits import FlipCounts
from theory.stability.tube.start import Neurons

FEW = 1 / 16
"""Share of the pairs of a block above which products of full matrices are faster."""

MOST_TOUCHED = 0.75
"""Share of the neurons with a pair in B above which the other ones are not looked at: they say little then, and cost much."""


@dataclass(frozen=True)
class RectifierCounts:
    """Integers in float64, each (n, n)."""

    flipping: FloatArray
    """``B A~^T``."""
    gained: FloatArray
    """``A~ A~^T - A0 A0^T``."""
    lost: FloatArray
    """``A0 A0^T - (A0 - V)(A0 - V)^T``."""
    pairs: FloatArray
    """``B B^T``."""
    touched: FloatArray
    """The sum of ``A~_r A~_r^T`` over the neurons with a pair in B, or over more."""
    frozen: FloatArray
    """The sum of ``A_r A_r^T`` over the others, or zeros where these are few."""


def rectifier_counts(start: Neurons, flips: FlipCounts, touched: FloatArray) -> RectifierCounts:
    """All of them, with the sum of ``A0_r A0_r^T`` over the neurons with a pair in B, or over more."""
    frozen = start.distinct_counts - touched
    return RectifierCounts(flips.flipping, flips.gained, flips.lost, flips.pairs, touched + flips.gained, frozen)


def touched_counts(start: Neurons, moving: Mask) -> FloatArray:
    """The sum of ``A0_r A0_r^T`` over the neurons (m,) with a pair in B; over all where these are most."""
    if np.count_nonzero(moving) > MOST_TOUCHED * len(moving):
        return start.distinct_counts
    return np.asarray(sum(_pattern_counts(start.pattern[:, some], moving[some]) for some in blocks(start)))


class ListedCounter:
    """The counts of one block of neurons after the other, in which every listed pair is in B."""

    def __init__(self, start: Neurons) -> None:
        """Of no neuron."""
        n = len(start.pattern)
        self._start, self._with_pattern, self._together = start, np.zeros((2 * n, n)), np.zeros((2 * n, 2 * n))

    def add(self, listed: Candidates) -> None:
        """Of a block."""
        everything = np.ones(len(listed.inputs), dtype=bool)
        if everything.any():
            self._with_pattern += _with_pattern(self._start, listed, everything)
            self._together += _square(_stacked(listed, everything, len(self._start.pattern))[0])

    def counts(self) -> FlipCounts:
        """Of all neurons so far."""
        return _flip_counts(self._with_pattern, self._together)


def _flip_counts(with_pattern: FloatArray, together: FloatArray) -> FlipCounts:
    """From ``[P; V] A0^T`` and ``[P; V] [P; V]^T``."""
    n = with_pattern.shape[1]
    appearing, vanishing = with_pattern[:n], with_pattern[n:]
    both, mixed, gone = together[:n, :n], together[n:, :n], together[n:, n:]
    return FlipCounts(
        appearing + vanishing + both + mixed,
        appearing + appearing.T + both,
        vanishing + vanishing.T - gone,
        both + gone + mixed + mixed.T,
    )


class RectifierCounter:
    """Counts for one choice of pairs after the other: what two choices share is not counted twice."""

    def __init__(self, start: Neurons, listed: Sequence[Candidates]) -> None:
        """Start with no pair."""
        n = len(start.pattern)
        self._start, self._listed = start, listed
        self._masks: list[Mask] = [np.zeros(len(one.inputs), dtype=bool) for one in listed]
        self._moving: list[Mask] = [np.zeros(one.neurons.stop - one.neurons.start, dtype=bool) for one in listed]
        self._with_pattern = np.zeros((2 * n, n))
        self._of_touched = np.zeros((n, n))

    def count(self, masks: Sequence[Mask]) -> RectifierCounts:
        """For the listed pairs that the masks choose."""
        start, n = self._start, len(self._start.pattern)
        together = np.zeros((2 * n, 2 * n))
        moving = []
        for one, old, new in zip(self._listed, self._masks, masks, strict=True):
            self._with_pattern += _with_pattern(start, one, new & ~old)
            if (old & ~new).any():
                self._with_pattern -= _with_pattern(start, one, old & ~new)
            stacked, columns = _stacked(one, new, n)
            together += _square(stacked)
            touched = np.zeros(one.neurons.stop - one.neurons.start, dtype=bool)
            touched[columns] = True
            moving.append(touched)
        self._masks = list(masks)
        return rectifier_counts(start, _flip_counts(self._with_pattern, together), self._touched(moving))

    def _touched(self, moving: list[Mask]) -> FloatArray:
        """The sum of ``A0_r A0_r^T`` over the neurons with a pair in B; over all where these are most."""
        if sum(int(one.sum()) for one in moving) > MOST_TOUCHED * self._start.pattern.shape[1]:
            return self._start.distinct_counts
        for one, old, new in zip(self._listed, self._moving, moving, strict=True):
            active = self._start.pattern[:, one.neurons]
            self._of_touched += _pattern_counts(active, new & ~old) - _pattern_counts(active, old & ~new)
        self._moving = moving
        return self._of_touched


def _pattern_counts(active: NDArray[np.bool_], columns: Mask) -> FloatArray:
    if not columns.any():
        return np.zeros((len(active), len(active)))
    return pattern_counts(active[:, columns].astype(np.float32))


def _stacked(listed: Candidates, mask: Mask, inputs: int) -> tuple[sparse.csr_matrix, NDArray[np.int32]]:
    """``[P; V]`` of a block, shape (2n, k), and the neurons of its entries."""
    columns = listed.columns[mask]
    starts = np.concatenate([[0], np.cumsum(mask)])[listed.ends]
    ones = np.ones(len(columns), dtype=np.float32)
    return _rows(ones, columns, starts, (2 * inputs, listed.neurons.stop - listed.neurons.start)), columns


def _rows(
    data: NDArray[np.float32], columns: NDArray[np.int32], starts: NDArray[np.integer], shape: tuple[int, int]
) -> sparse.csr_matrix:
    """The matrix, with indices of 32 bits, which a block's fit into."""
    return sparse.csr_matrix((data, columns, starts.astype(np.int32)), shape=shape, copy=False)


def _is_many(stacked: sparse.csr_matrix) -> bool:
    return bool(stacked.nnz > FEW * stacked.shape[0] / 2 * stacked.shape[1])


def _with_pattern(start: Neurons, listed: Candidates, mask: Mask) -> FloatArray:
    """``[P; V] A0^T`` of a block, shape (2n, n)."""
    n = len(start.pattern)
    if not mask.any():
        return np.zeros((2 * n, n))
    stacked, columns = _stacked(listed, mask, n)
    active = start.pattern[:, listed.neurons]
    if _is_many(stacked):
        return exact_products(stacked.toarray(), active)
    used = np.zeros(active.shape[1], dtype=bool)
    used[columns] = True
    places = np.cumsum(used, dtype=np.int32) - 1
    few = _rows(stacked.data, places[stacked.indices], stacked.indptr, (2 * n, int(places[-1]) + 1))
    # a block has fewer neurons than float32 counts exactly
    return np.asarray(few @ np.ascontiguousarray(active[:, used].T, dtype=np.float32), dtype=np.float64)


def _square(stacked: sparse.csr_matrix) -> FloatArray:
    """``[P; V] [P; V]^T`` of a block, shape (2n, 2n)."""
    if _is_many(stacked):
        return pattern_counts(stacked.toarray())
    return np.asarray((stacked @ stacked.T).toarray(), dtype=np.float64)
