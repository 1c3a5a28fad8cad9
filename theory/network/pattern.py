"""The activation pattern ``A = 1[Z >= 0]`` of a moving Z (n, m) and the exact products ``A A^T`` of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from theory.inputs import FloatArray
from theory.network.blocks import Blocks

ROWS_WORTH_COMPARING = 64
"""With fewer rows counting a block anew costs less than finding out which of its entries have changed."""

FEW_CHANGES = 1 / 128
"""Products are updated by the changed entries while they are at most this share."""

LINE = 16
"""Numbers of float32 in a cache line."""

SignedPattern = NDArray[np.int8]

Counts = NDArray[np.float32]
"""Integers of at most 2^24, shape (n, n)."""


class ActivationPattern:
    """``A diag(a)`` (n, m) in blocks, renewed in one pass over them, and ``A A^T`` (n, n) as of the last pass that counted.

    As squares of signs are 1, ``A A^T`` is the product of the signed pattern with itself. A pass is ``begin``, then ``renew`` for
    every block, in any order and from several threads, then ``end``.
    """

    def __init__(self, blocks: Blocks, signs: FloatArray) -> None:
        """Start with an empty pattern for the signs a (m,); the first pass fills it."""
        self._blocks, self._signs = blocks, signs.astype(np.int8)
        self.signed: list[SignedPattern] = blocks.zeros(np.int8)
        """Entries -1, 0, 1, shape (n, b) each."""
        self.counts: FloatArray | None = None
        """``A A^T``, integers; None when the last pass did not count."""
        self._known: FloatArray | None = None
        self._counting = False
        self._comparable = False
        self._few_change = True
        self._total = np.zeros((blocks.rows, blocks.rows))
        self._adding = Lock()

    @property
    def matrix(self) -> NDArray[np.bool_]:
        """A, shape (n, m)."""
        return np.concatenate(self.signed, axis=1).astype(np.bool_)

    def fill(self, blocks: Sequence[FloatArray]) -> None:
        """Take the signs of Z without counting."""
        self.begin(False)
        for number, block in enumerate(blocks):
            self.renew(number, block, np.empty(block.shape, dtype=np.int8))

    def begin(self, count: bool) -> None:
        """Start a pass over all blocks."""
        self._comparable = count and self.counts is not None and self._blocks.rows >= ROWS_WORTH_COMPARING
        known = self.counts if self._comparable and self._few_change else None
        self._counting, self._known, self.counts = count, known, None
        if count:
            self._total = np.zeros_like(self._total)

    def renew(self, number: int, block: FloatArray, out: SignedPattern) -> None:
        """Take the signs of a block of Z, shape (n, b); they are left in ``out``, which is as large, too."""
        before, signs = self.signed[number], self._signs[self._blocks.slices[number]]
        np.greater_equal(block, 0.0, out=out.view(np.bool_))
        after = np.multiply(out, signs, out=out)
        few = self._known is not None or (self._comparable and number == 0)
        few = few and _few_differ(before, after)
        if self._counting:
            self._add_counts(_counts_anew(after) if self._known is None else _change_of_counts(before, after, few))
        if self._comparable and number == 0:  # for the next pass
            self._few_change = few
        np.copyto(before, after)

    def _add_counts(self, change: Counts) -> None:
        """One whose mean with its transpose is what the counts change by; integers, so that the order does not matter."""
        with self._adding:
            self._total += change

    def end(self) -> None:
        """Finish the pass."""
        if self._counting:
            self.counts = _exact_mean(self._total)
            if self._known is not None:
                self.counts += self._known


def _exact_mean(total: FloatArray) -> FloatArray:
    """``(M + M^T)/2`` for a matrix of integers where that is one too."""
    return np.asarray((total + total.T) / 2)


def _counts_anew(signed: SignedPattern) -> Counts:
    """``T T^T`` for T (n, b) with entries -1, 0, 1, exactly: b is below 2^24 (I-counts)."""
    block = signed.astype(np.float32)
    return block @ block.T  # the same array twice lets the library compute one triangle only


def _few_differ(before: SignedPattern, after: SignedPattern) -> bool:
    """Whether so few of the entries (n, b) differ that products of these alone cost less."""
    return bool(np.count_nonzero(after != before) <= FEW_CHANGES * before.size)


def _change_of_counts(before: SignedPattern, after: SignedPattern, few: bool) -> Counts:
    """A matrix of integers whose mean with its transpose is ``T' T'^T - T T^T`` for T, T' (n, b).

    Where ``few`` entries differ, ``(T' - T)(T' + T)^T``, from these alone: sums of integers below 2^24 are exact in float32.
    """
    if not few:
        return _counts_anew(after) - _counts_anew(before)
    flips = np.flatnonzero(after != before)
    rows, columns = np.divmod(flips, before.shape[1])
    change, both = after.reshape(-1)[flips] - before.reshape(-1)[flips], after + before
    if len(flips) < before.shape[1]:
        both, columns = both.take(columns, axis=1), np.arange(len(flips))
    of_rows = np.searchsorted(rows, np.arange(len(before) + 1))
    difference = csr_array((change.astype(np.float32), columns, of_rows), shape=both.shape)
    return np.asarray(difference @ _transposed(both))


def _transposed(matrix: SignedPattern) -> NDArray[np.float32]:
    """``T^T`` (b, n), written a cache line of each row at a time."""
    found = np.empty(matrix.shape[::-1], dtype=np.float32)
    for start in range(0, len(matrix), LINE):
        found[:, start : start + LINE] = matrix[start : start + LINE].T
    return found
