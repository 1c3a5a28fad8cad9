"""A run of an optimiser on a streamed network: every step with its rounding bound, and the condition along the run (C2-path, K2-path).

What is said of a step is about the exact one from the stored iterate: its residual norms are enclosed, and so is their quotient
(docs/proofs/rounding.md, P11.4, P11.6, P11.9). What is said of the path is about the segments between stored iterates, counted from the pairs
that flip (docs/proofs/stability.md, P4.12).
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.descent.optimiser import Chosen, as_optimiser
from theory.direction import NONNEGATIVE, UNBOUNDED, Directed, LowerBound, UpperBound
from theory.errors import DescentError
from theory.inputs import FloatArray, positive, positive_count
from theory.network.definiteness import explained
from theory.rigour.one_step import OneStep, network_steps
from theory.stability.conditions import factor_rows
from theory.stability.crossings import Crossings, IntArray
from theory.stability.path import PathCertificate, initial_eigenvalue
from theory.stability.pattern_change import PatternChange
from theory.streaming.chunk_step import Flips
from theory.streaming.descent import StreamedDescent
from theory.streaming.kept import keeper
from theory.streaming.running import Progress
from theory.streaming.stream import CHUNK, NeuronStream, neuron_stream

PARTS = 64
"""In which a segment is divided at most."""


@dataclass(frozen=True)
class StreamedTrajectory(Directed):
    """The steps that could be computed, and what holds along them."""

    stream: NeuronStream
    step_size: float
    optimiser: str
    steps: tuple[OneStep, ...] = field(repr=False)
    """One after the other; the first from ``W(0)``."""
    factors: tuple[tuple[LowerBound, UpperBound], ...]
    """Bounds of ``||r(k+1)||/||r(k)||`` of each exact step from its stored iterate; (0, inf) where r(k) cannot be told from 0."""
    path: PathCertificate
    condition: str
    """Which one ``path`` is about: "2", or "K2"."""
    gram: FloatArray = field(repr=False)
    """``G(0)`` (n, n) as computed from exact counts."""
    broken: DescentError | None
    """Why there are fewer steps than were asked for."""


def stream_trajectory(
    inputs: ArrayLike,
    y: ArrayLike,
    width: int,
    step_size: float,
    steps: int,
    scale: float = 1.0,
    entropy: int = 0,
    *,
    optimiser: Chosen = "ngd",
    symmetric: bool = False,
    chunk: int = CHUNK,
    directory: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> StreamedTrajectory:
    """Follow the network of m neurons that a stream draws for so many steps, on unit rows X (n, d) with targets y (n,).

    ``directory``: keep its n x m pre-activations in files there, which are removed at the end; None: in memory.
    ``executor``: who works on the chunks; None: this process. Raises InputError (what ``neuron_stream`` raises, ScaleError: a step size or a
    number of steps that is not positive, StreamError: a directory that cannot be written to), ChoiceError, RankDeficientError and DivergenceError
    where there is no first step, and what the executor raises.
    """
    stream = neuron_stream(inputs, width, scale, entropy, symmetric, chunk)
    return followed(stream, y, step_size, steps, optimiser, directory, executor, progress)


def followed(
    stream: NeuronStream,
    y: ArrayLike,
    step_size: float,
    steps: int,
    optimiser: Chosen = "ngd",
    directory: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> StreamedTrajectory:
    """The same of a stream."""
    chosen, eta, number = as_optimiser(optimiser), positive(step_size, "step_size"), positive_count(steps, "steps")
    with keeper(directory) as kept:
        state = StreamedDescent(stream, y, kept, executor, progress)
        path = StreamedPath(factor_rows(chosen.condition, stream.rows), stream.width)
        gram, lambda_min = state.gram, initial_eigenvalue(chosen.condition, state)
        taken, changes, reached, broken = list[OneStep](), list[UpperBound](), 0.0, None
        try:
            for step in islice(network_steps(state, eta, chosen), number):
                taken.append(step)
                lower, upper = path.supremum(state.flips, PARTS, reached)
                reached = max(reached, lower)
                changes.append(upper)
        except DescentError as error:
            broken = explained(error, state, chosen)
            if not taken:
                raise broken from error
    residuals = [taken[0].before, *(step.after for step in taken)]
    return StreamedTrajectory(
        stream,
        eta,
        chosen.name,
        tuple(taken),
        tuple(map(factor_bounds, taken)),
        PathCertificate.of(changes, lambda_min, [step.length for step in taken], residuals),
        chosen.condition,
        gram,
        broken,
    )


def factor_bounds(step: OneStep) -> tuple[LowerBound, UpperBound]:
    """Bounds of ``||r(k+1)||/||r(k)||`` of the exact step; (0, inf) where ``||r(k)||`` may be 0."""
    least = math.nextafter(step.before - step.before_error, -math.inf)
    if not least > 0:
        return NONNEGATIVE, UNBOUNDED
    most_after, most_before = (
        math.nextafter(value + error, math.inf)
        for value, error in ((step.after, step.after_error), (step.before, step.before_error))
    )
    least_after = max(0.0, math.nextafter(step.after - step.after_error, -math.inf))
    below = max(0.0, math.nextafter(least_after / most_before, -math.inf))
    return LowerBound(below), UpperBound(math.nextafter(most_after / least, math.inf))


class StreamedPath:
    """The change of the pattern from the initial one, as the pairs that have flipped an odd number of times: no pattern is kept."""

    def __init__(self, rows: FloatArray, width: int) -> None:
        """Begin at W(0); ``rows`` X (n, d), or a column of ones for K2."""
        self._change, self._inputs, self._width = PatternChange(rows, width), len(rows), width
        self._pairs: IntArray = np.empty(0, dtype=np.int64)
        self._directions: NDArray[np.int8] = np.empty(0, dtype=np.int8)

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
