"""What chunks of neurons amount to: integers, which are added exactly, and sums that are kept apart until the end.

So the order in which chunks arrive, and who worked on them, leave no trace in any bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from theory.errors import StreamError
from theory.inputs import FloatArray


@dataclass(frozen=True)
class Tally:
    """Of some chunks, each once."""

    chunks: frozenset[int]
    """Their numbers."""
    counts: Mapping[str, NDArray[np.int64]] = field(repr=False)
    """Integers, of all of them together."""
    sums: Mapping[int, FloatArray] = field(repr=False)
    """By chunk, sums of floats in one vector."""

    def joined(self, other: Tally) -> Tally:
        """Of the chunks of both. Raises StreamError (a chunk would be counted twice)."""
        if twice := self.chunks & other.chunks:
            raise StreamError(f"chunk {min(twice)} is counted twice")
        counts = {name: count + other.counts[name] for name, count in self.counts.items()}
        return Tally(self.chunks | other.chunks, counts, {**self.sums, **other.sums})

    def of_all(self, chunks: range) -> Tally:
        """Itself, when these are its chunks. Raises StreamError (one is missing, or belongs to another stream)."""
        if different := self.chunks ^ frozenset(chunks):
            missing = min(different) in chunks
            raise StreamError(f"chunk {min(different)} is {'missing' if missing else 'none of the stream'}")
        return self

    def total(self) -> FloatArray:
        """The sums of all chunks, each rounded once, whatever their order."""
        return summed(self.sums.values())


def summed(parts: Iterable[FloatArray]) -> FloatArray:
    """The sum of vectors, each entry rounded once; not-a-number where one is beyond the range of float64."""

    def total(column: tuple[float, ...]) -> float:
        try:
            return math.fsum(column)
        except (OverflowError, ValueError):
            return math.nan

    return np.array([total(column) for column in zip(*parts, strict=True)])
