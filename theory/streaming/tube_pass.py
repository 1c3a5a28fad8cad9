"""The pass that a tube needs: for several tubes, one in the other, the counts of the pairs that may flip in each.

Only neurons with a pair that may flip in the widest tube are kept, and only until they are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.two_layer import pattern_counts
from theory.stability.tube.candidates import candidates, chosen, chosen_pattern
from theory.stability.tube.packed import common, packed
from theory.stability.tube.rectifier import RectifierCounts, rectifier_counts
from theory.stability.tube.start import Neurons
from theory.stability.tube.widths import InputWidths
from theory.streaming.stream import Block, NeuronStream
from theory.streaming.tally import Tally

KEPT_ENTRIES = 2**20
"""Entries of the kept neurons' pre-activations from which on they are counted and forgotten."""

NAMES = ("flipping", "gained", "lost", "pairs", "held")
"""Those of ``RectifierCounts``, and ``sum A0_r A0_r^T`` over the neurons with a pair that may flip."""


@dataclass(frozen=True)
class TubePass:
    """Counts for tubes of widths (levels, n), each nowhere wider than the next."""

    widths: FloatArray = field(repr=False)

    name = "tube"

    def counter(self, stream: NeuronStream) -> _TubeCounter:
        """For one chunk: each of ``NAMES`` (levels, n, n)."""
        return _TubeCounter(self.widths)

    def counts(self, tally: Tally, level: int, patterns: NDArray[np.int64]) -> RectifierCounts:
        """Of a tube, from those of all chunks and ``A0 A0^T`` (n, n)."""
        of = {name: tally.counts[name][level].astype(np.float64) for name in NAMES}
        return RectifierCounts(
            of["flipping"], of["gained"], of["lost"], of["pairs"], of["held"] + of["gained"], patterns - of["held"]
        )


class _TubeCounter:
    def __init__(self, widths: FloatArray) -> None:
        levels, n = widths.shape
        self._widths, self._kept, self._entries = widths, list[Block](), 0
        self._totals = {name: np.zeros((levels, n, n)) for name in NAMES}

    def add(self, block: Block) -> None:
        reach = np.nextafter(self._widths[-1] + block.error, np.inf)
        columns = np.flatnonzero((block.sizes <= reach[:, None]).any(axis=0))
        if len(columns):
            self._kept.append(block.only(columns))
            self._entries += self._kept[-1].pre_activations.size
        if self._entries >= KEPT_ENTRIES:
            self._count()

    def found(self) -> tuple[dict[str, FloatArray], FloatArray]:
        if self._kept:
            self._count()
        return self._totals, np.empty(0)

    def _count(self) -> None:
        for name, more in level_counts(neurons_of(self._kept), self._widths).items():
            self._totals[name] += more
        self._kept, self._entries = [], 0


def neurons_of(blocks: Sequence[Block]) -> Neurons:
    """All neurons of some blocks together."""
    pattern = packed(np.concatenate([block.pattern() for block in blocks], axis=1))
    return Neurons(
        np.concatenate([block.pre_activations for block in blocks], axis=1),
        np.concatenate([block.errors for block in blocks]),
        pattern,
        common(pattern, pattern),
    )


def level_counts(neurons: Neurons, widths: FloatArray) -> Mapping[str, FloatArray]:
    """Each of ``NAMES`` (levels, n, n), of these neurons, for widths (levels, n)."""
    listed = candidates(neurons, widths[-1])
    n = len(neurons.pattern)
    totals = {name: np.empty((len(widths), n, n)) for name in NAMES}
    held, before = np.zeros((n, n)), np.zeros(neurons.pattern.shape[1], dtype=bool)
    for level, one in enumerate(widths):
        masks = chosen(listed, InputWidths(one))
        found, moving = rectifier_counts(neurons, chosen_pattern(neurons, listed, masks)), before.copy()
        for block, mask in zip(listed, masks, strict=True):
            moving[block.neurons.start + block.columns[mask]] = True
        held = held + pattern_counts(neurons.pattern[:, moving & ~before])
        before = moving
        for name in NAMES[:-1]:
            totals[name][level] = getattr(found, name)
        totals["held"][level] = held
    return totals
