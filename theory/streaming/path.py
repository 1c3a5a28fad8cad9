"""The path of a streamed run: the pairs that differ from the initial pattern, and how far J is from J(0) on each segment (P4.12)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from theory.direction import LowerBound, UpperBound
from theory.inputs import FloatArray
from theory.stability.crossings import Crossings, IntArray
from theory.stability.pattern_change import PatternChange
from theory.streaming.archive import Arrays, Named
from theory.streaming.chunk_step import Flips

PATH = "path-"
"""How the names of arrays begin that are the path's."""


class StreamedPath:
    """The change of the pattern from the initial one, as the pairs that have flipped an odd number of times: no pattern is kept."""

    def __init__(self, rows: FloatArray, width: int) -> None:
        """Begin at W(0); ``rows`` X (n, d), or a column of ones for K2."""
        self._change, self._inputs, self._width = PatternChange(rows, width), len(rows), width
        self._pairs: IntArray = np.empty(0, dtype=np.int64)
        self._directions: NDArray[np.int8] = np.empty(0, dtype=np.int8)

    def begin(self, file: Arrays) -> None:
        """Be where the path was of which ``arrays`` were written. Raises StreamError (damaged)."""
        self._pairs, self._directions, self._change.counts = (
            file[PATH + name] for name in ("pairs", "directions", "counts")
        )

    def arrays(self) -> Iterator[Named]:
        """Where the path is, with names."""
        yield PATH + "pairs", self._pairs
        yield PATH + "directions", self._directions
        yield PATH + "counts", self._change.counts

    @property
    def counts(self) -> FloatArray:
        """``D D^T`` (n, n) of the change D, integers."""
        return self._change.counts

    def supremum(self, flips: Flips, parts: int, floor: float = 0.0) -> tuple[LowerBound, UpperBound]:
        """Bracket of ``sup ||J - J(0)||_2`` over the next segment, in at most ``parts`` parts; then go to its end."""
        crossings = Crossings.ordered(flips.rows, flips.neurons, flips.start, flips.end)
        before = self._columns(np.unique(flips.neurons))
        found = self._change.supremum(crossings, before, parts, floor)
        self._flip(flips)
        return found

    def _columns(self, neurons: IntArray) -> NDArray[np.int8]:
        """Those of the change, entries -1, 0, 1, of some neurons in ascending order, shape (n, k)."""
        rows, owners = np.divmod(self._pairs, self._width)
        asked = np.isin(owners, neurons)
        found = np.zeros((self._inputs, len(neurons)), dtype=np.int8)
        found[rows[asked], np.searchsorted(neurons, owners[asked])] = self._directions[asked]
        return found

    def _flip(self, flips: Flips) -> None:
        pairs = flips.rows * self._width + flips.neurons
        stay, come = ~np.isin(self._pairs, pairs), ~np.isin(pairs, self._pairs)
        directions = np.where(flips.end[come] >= 0, 1, -1).astype(np.int8)
        self._pairs = np.concatenate([self._pairs[stay], pairs[come]])
        self._directions = np.concatenate([self._directions[stay], directions])
