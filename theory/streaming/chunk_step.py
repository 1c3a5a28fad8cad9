"""One step of the neurons of one chunk: ``Z + M S``, which pairs flip on the way, and the chunk's share of the next outputs and of ``A A^T``.

Counts are integers, and of a step only what flips changes them. Sums over a block are accurate (theory/rigour/summation.py), those over a
chunk's blocks rounded once, so that what is found does not depend on who works, nor on what else is worked on
(docs/proofs/rounding.md, P11.9).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.descent.iterate import Factors
from theory.errors import StreamError
from theory.inputs import FloatArray
from theory.network.two_layer import pattern_counts
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.rigour.summation import accurate_row_sums
from theory.stability.crossings import IntArray
from theory.streaming.archive import Archive, Arrays, Named
from theory.streaming.checkpoints import tally_arrays, tally_from
from theory.streaming.kept import Keeper, KeptChunk
from theory.streaming.stream import Block, NeuronStream
from theory.streaming.tally import Tally, summed
from theory.threads import one_thread

_NONE = np.empty(0, dtype=np.int64)

FLIPS = "flips-"
"""How the names of their arrays begin."""


@dataclass(frozen=True)
class Flips:
    """The pairs (i, r) whose activation is another one after a step, with their pre-activations before and after it."""

    rows: IntArray = field(repr=False)
    """i, shape (q,)."""
    neurons: IntArray = field(repr=False)
    """r, shape (q,): as in ``NeuronStream.network``."""
    start: FloatArray = field(repr=False)
    end: FloatArray = field(repr=False)

    @classmethod
    def together(cls, parts: Sequence[Flips], width: int) -> Flips:
        """Those of several parts, ordered by i and then by r, of so many neurons."""
        rows, neurons = (
            np.concatenate([_NONE, *(getattr(one, name) for one in parts)]) for name in ("rows", "neurons")
        )
        start, end = (
            np.concatenate([np.empty(0), *(getattr(one, name) for one in parts)]) for name in ("start", "end")
        )
        order = np.argsort(rows * width + neurons)
        return cls(rows[order], neurons[order], start[order], end[order])

    @classmethod
    def of(cls, file: Arrays) -> Flips:
        """Those that ``arrays`` has written. Raises StreamError (damaged)."""
        return cls(*(file[FLIPS + each.name] for each in fields(cls)))

    def arrays(self) -> Iterator[Named]:
        """With names."""
        yield from ((FLIPS + each.name, getattr(self, each.name)) for each in fields(self))


@dataclass(frozen=True)
class ChunkStep:
    """A chunk at a new iterate."""

    kept: KeptChunk
    tally: Tally
    """``counts`` (n, n): what ``A A^T`` has changed by; sums, each (n,): of ``a_r relu(z_r)``, bounds of their errors, and of squares."""
    flips: Flips
    found: bool = False
    """Whether a run that was killed has left it."""

    @classmethod
    def left(cls, kept: KeptChunk | None) -> ChunkStep | None:
        """What a run that was killed has left of a chunk at the iterate that is asked for. Raises StreamError (damaged, of another one)."""
        if kept is None or not isinstance(kept.values, Archive):
            return None
        with kept.values.opened() as file:
            if file is None:
                return None
            return cls(kept, tally_from(file, range(kept.chunk, kept.chunk + 1)), Flips.of(file), True)


def first_iterate(stream: NeuronStream, keeper: Keeper, chunk: int) -> ChunkStep:
    """Draw a chunk, unless that has been done. Raises StreamError (no place for it)."""
    if (left := ChunkStep.left(keeper.at(chunk, 0))) is not None:
        return left
    with one_thread():
        share = _Share(stream, chunk)

        def drawn() -> Iterator[FloatArray]:
            for block in stream.blocks(chunk):
                z = np.tile(with_exact_signs(block), (1, stream.copies))
                share.start(z)
                yield z

        return share.found(keeper.begun(chunk, drawn(), share.arrays))


def with_exact_signs(block: Block) -> FloatArray:
    """Z (n, b) within its error, of the pattern of the exact one: where it rounds across 0, the number next to 0 on the other side."""
    pattern, z = block.pattern(), block.pre_activations
    return np.where(pattern, np.maximum(z, 0.0), np.minimum(z, -np.finfo(float).smallest_subnormal))


@dataclass(frozen=True)
class Step:
    """What one step does to every chunk."""

    steps: int
    """The number of the iterate from which it is taken."""
    factors: Factors
    """Of M in ``dZ = M diag(a) A``: step size and ``m^{-1/2}`` are in it."""


def next_iterate(stream: NeuronStream, keeper: Keeper, step: Step, kept: KeptChunk) -> ChunkStep:
    """Take a step, unless that has been done. Raises StreamError (a chunk of another iterate, no place for the new one)."""
    if kept.steps != step.steps:
        raise StreamError(f"chunk {kept.chunk} is at iterate {kept.steps}, and the step is from iterate {step.steps}")
    if (left := ChunkStep.left(keeper.at(kept.chunk, step.steps + 1))) is not None:
        return left
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        share = _Share(stream, kept.chunk)

        def change(number: int, z: FloatArray) -> None:
            features = np.where(z >= 0, share.signs(number), 0.0)
            for factor in reversed(step.factors):
                features = factor @ features
            moved = z + features
            share.moved(number, z, moved)
            np.copyto(z, moved)

        return share.found(keeper.moved(kept, change, share.arrays))


class _Share:
    """What the blocks of a chunk amount to."""

    def __init__(self, stream: NeuronStream, chunk: int) -> None:
        n = len(stream.rows)
        self._stream, self._chunk, self._signs = stream, chunk, stream.signs(chunk)
        self._counts = np.zeros((n, n))
        self._sums, self._errors, self._squares = list[FloatArray](), list[FloatArray](), list[FloatArray]()
        self._flips = list[Flips]()

    def signs(self, number: int) -> FloatArray:
        """a (b,) of a block's neurons, copies behind them."""
        first = number * self._stream.block
        drawn = self._signs[first : first + self._stream.block]
        return np.concatenate([drawn, -drawn]) if self._stream.symmetric else drawn

    def start(self, z: FloatArray) -> None:
        """Count the next block at the first iterate."""
        self._counts += pattern_counts(z >= 0)
        self._add(len(self._sums), z)

    def moved(self, number: int, before: FloatArray, after: FloatArray) -> None:
        """Count a block that has moved."""
        old, new = before >= 0, after >= 0
        differ = old != new
        touched = np.flatnonzero(differ.any(axis=0))
        if len(touched):
            self._counts += pattern_counts(new[:, touched]) - pattern_counts(old[:, touched])
            rows, columns = np.divmod(np.flatnonzero(differ), differ.shape[1])
            self._flips.append(Flips(rows, self._neurons(number, columns), before[rows, columns], after[rows, columns]))
        self._add(number, after)

    def _neurons(self, number: int, columns: NDArray[np.int64]) -> IntArray:
        """The numbers of neurons in the whole network, where all copies come behind all that are drawn."""
        stream = self._stream
        first = number * stream.block
        size = min(stream.block, len(self._signs) - first)
        copy, place = np.divmod(columns, size)
        return np.asarray(copy * stream.distinct + self._chunk * stream.chunk + first + place)

    def _add(self, number: int, z: FloatArray) -> None:
        sums, errors = accurate_row_sums(np.maximum(z, 0.0) * self.signs(number))
        self._sums.append(sums)
        self._errors.append(errors)
        self._squares.append(np.vecdot(z, z))

    @cached_property
    def _tally(self) -> Tally:
        sums, errors = summed(self._sums), summed(self._errors)
        errors = (errors + UNIT_ROUNDOFF * np.abs(sums)) * (1 + gamma(4))
        return Tally(
            frozenset([self._chunk]),
            {"counts": self._counts.astype(np.int64)},
            {self._chunk: np.concatenate([sums, errors, summed(self._squares)])},
        )

    @cached_property
    def _all_flips(self) -> Flips:
        return Flips.together(self._flips, self._stream.width)

    def arrays(self) -> Iterator[Named]:
        """What all blocks amount to, for a file."""
        yield from tally_arrays(self._tally)
        yield from self._all_flips.arrays()

    def found(self, kept: KeptChunk) -> ChunkStep:
        """What all blocks amount to, with where the chunk is kept."""
        return ChunkStep(kept, self._tally, self._all_flips)
