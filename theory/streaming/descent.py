"""An optimiser's run on a network whose neurons are kept a chunk at a time: one pass a step.

An optimiser's step needs G(k) and u(k), n x n and n numbers, which the pass of the step before has counted; it moves each chunk by
``M S`` and counts it anew. The first iterate is Z(0) as drawn, in float64, with the pattern of the exact ``X W^T`` (chunk_step.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from theory.descent.iterate import Movement
from theory.descent.steps import Descent
from theory.errors import DivergenceError, NotFiniteError
from theory.inputs import FloatArray
from theory.losses import SquaredLoss
from theory.network.two_layer import activation_named
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.streaming.chunk_step import ChunkStep, Flips, Step, first_iterate, next_iterate
from theory.streaming.executors import SerialExecutor, Task, finished
from theory.streaming.kept import InMemory, Keeper, KeptChunk
from theory.streaming.running import Progress
from theory.streaming.stream import NeuronStream
from theory.streaming.tally import Tally
from theory.threads import one_thread


@dataclass(frozen=True)
class StoredIterate:
    """What is known of an iterate whose chunks are kept."""

    steps: int
    counts: FloatArray = field(repr=False)
    """``A A^T`` (n, n), integers."""
    sums: FloatArray = field(repr=False)
    """Shape (3, n): those of the outputs, bounds of their errors, squared norms of the rows of Z."""


class StreamedDescent(Descent):
    """The network that a stream draws, with targets y (n,), moved by steps of optimisers.

    In the process that asks there are n x n numbers, the flips of a step, and what ``keeper`` keeps there.
    Raises InputError; StreamError where chunks cannot be kept, and what the executor raises.
    """

    def __init__(
        self,
        stream: NeuronStream,
        y: ArrayLike,
        keeper: Keeper | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        at: StoredIterate | None = None,
    ) -> None:
        """Draw the network, the first pass; or be where another run was, whose chunks ``keeper`` has."""
        n, d = stream.rows.shape
        super().__init__(stream.rows, y, stream.width, d, activation_named("relu"), True, SquaredLoss)
        self.stream = stream
        self._keeper, self._executor = keeper or InMemory(), executor or SerialExecutor()
        self._tell = progress or (lambda neurons, found: None)
        self._counts, self._sums = np.zeros((n, n)), np.zeros((3, n))
        self._chunks: dict[int, KeptChunk] = {}
        self.flips = Flips.together([], stream.width)
        """The pairs that the last step has flipped; none before it."""
        if at is None:
            self._pass(partial(first_iterate, stream, self._keeper), stream.chunks)
        else:
            self._begin(at)
        with np.errstate(over="ignore"):
            if not np.isfinite(self.residual @ self.residual):
                raise NotFiniteError(
                    "the squared norm of the residual u(0) - y overflows; scale weights and targets down"
                )

    def _begin(self, at: StoredIterate) -> None:
        self.steps, self._counts, self._sums = at.steps, at.counts, at.sums
        kept = (self._keeper.at(chunk, at.steps) for chunk in self.stream.chunks)
        self._chunks = {chunk.chunk: chunk for chunk in kept if chunk is not None}
        self._took(self._sums[0] / np.sqrt(self.width))
        self._tell((at.steps + 1) * self.stream.distinct, True)

    @property
    def stored(self) -> StoredIterate:
        """What another run needs besides the chunks to go on from here."""
        return StoredIterate(self.steps, self._counts, self._sums)

    @property
    def pattern_gram(self) -> FloatArray:
        """``H = S S^T`` at the current iterate, shape (n, n)."""
        return np.asarray(self._counts / self.width)

    @property
    def summation_length(self) -> int:
        """Of no use: sums state their own errors, and counts have none."""
        return 0

    def undivided(self) -> AbstractContextManager[None]:
        """Products by one thread each, also n x n ones, so that bits do not depend on how many there are."""
        return one_thread()

    def accurate_sums(self) -> tuple[FloatArray, FloatArray]:
        """``sum_r a_r relu(z_r)`` at the stored Z as given, shape (n,), and bounds of the errors."""
        return self._sums[0], (self._sums[1] + UNIT_ROUNDOFF * np.abs(self._sums[0])) * (1 + gamma(4))

    def longest_row(self) -> float:
        """``max_i ||Z_i||_2`` as computed, not squared."""
        return math.sqrt(float(self._sums[2].max()))

    def move(self, movement: Movement, eta: float, count: bool, optimiser: str) -> None:
        """Take a step of an optimiser of this name: one pass. Raises DivergenceError, and StreamError where chunks cannot be kept."""
        *others, last = movement.factors
        self.coefficients = movement.coefficients
        self.last_step_norm = eta * movement.length
        step = Step(self.steps, (*others, -eta * float(1 / np.sqrt(self.width)) * last))
        self._pass(partial(next_iterate, self.stream, self._keeper, step), list(self._chunks.values()))
        self.steps += 1
        known = np.isfinite(self._sums).all() and np.isfinite(self.residual @ self.residual)
        if not (known and not np.isinf(movement.length)):
            raise DivergenceError(
                f"a step of {optimiser} with step size {eta:.3g} leaves the range of float64; take a smaller one, "
                f"or scale the targets down"
            )

    def _pass(self, function: Callable[[Task], ChunkStep], tasks: Iterable[Task]) -> None:
        """Bring each chunk to its next iterate, and take what all of them amount to. Raises StreamError (one is missing, or there twice)."""
        total: Tally | None = None
        parts = list[Flips]()
        with one_thread():
            for _, found in finished(self._executor, function, tasks):
                before = self._chunks.get(found.kept.chunk)
                self._chunks[found.kept.chunk] = found.kept
                if before is not None:
                    self._keeper.forget(before)
                total = found.tally if total is None else total.joined(found.tally)
                parts.append(found.flips)
                self._tell(self.stream.size(found.kept.chunk), found.found)
        assert total is not None
        tally = total.of_all(self.stream.chunks)
        self._counts = self._counts + tally.counts["counts"]
        self._sums = tally.total().reshape(3, -1)
        self.flips = Flips.together(parts, self.width)
        self._took(self._sums[0] / np.sqrt(self.width))
