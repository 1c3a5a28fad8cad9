"""The activation pattern ``A = 1[Z >= 0]`` of a moving Z (n, m) and the exact products ``A A^T`` of its rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.two_layer import exact_products, pattern_counts

ROWS_WORTH_COMPARING = 64
"""With fewer rows counting a block anew costs less than finding out which of its columns have changed."""

FEW_CHANGES = 0.25
"""Products are updated by the changed columns while these are at most this share of the first block."""


class ActivationPattern:
    """A (n, m), renewed in one pass over blocks of columns, and ``A A^T`` (n, n) as of the last pass that counted.

    A pass is ``begin``, then ``renew`` for every block of Z in turn, then ``end``.
    """

    def __init__(self, rows: int, width: int) -> None:
        """Start with an empty pattern; the first pass fills it."""
        self.matrix = np.zeros((rows, width), dtype=bool)
        self.counts: FloatArray | None = None
        """``A A^T``, integers; None when the last pass did not count."""
        self._total: FloatArray | None = None
        self._by_changes = False

    def begin(self, count: bool) -> None:
        """Start a pass over all columns."""
        rows = len(self.matrix)
        self._by_changes = count and self.counts is not None and rows >= ROWS_WORTH_COMPARING
        self._total = None
        if count:
            self._total = self.counts if self._by_changes else np.zeros((rows, rows))
        self.counts = None

    def renew(self, block: FloatArray, columns: slice) -> None:
        """Take the signs of a block of Z, shape (n, b)."""
        pattern = self.matrix[:, columns]
        if not self._by_changes:
            np.greater_equal(block, 0.0, out=pattern)
            if self._total is not None:
                self._total += pattern_counts(pattern)
            return
        assert self._total is not None
        renewed = block >= 0.0
        changed = np.flatnonzero((renewed != pattern).any(axis=0))
        if not len(changed):
            return
        if columns.start == 0 and len(changed) > FEW_CHANGES * block.shape[1]:
            self._by_changes = False
            self._total = np.zeros_like(self._total)
            self.renew(block, columns)
            return
        self._total += _change_of_counts(pattern[:, changed], renewed[:, changed])
        pattern[:, changed] = renewed[:, changed]

    def end(self) -> None:
        """Finish the pass."""
        self.counts = self._total


def _change_of_counts(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> FloatArray:
    """``A' A'^T - A A^T``, exactly."""
    old, new = before.astype(np.float32), after.astype(np.float32)
    return np.asarray(exact_products(new, new) - exact_products(old, old))
