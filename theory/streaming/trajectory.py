"""A run of an optimiser on a streamed network: every step with its rounding bound, and the condition along the run (C2-path, K2-path).

What is said of a step is about the exact one from the stored iterate: its residual norms are enclosed, and so is their quotient
(docs/proofs/rounding.md, P11.4, P11.6, P11.9). What is said of the path is about the segments between stored iterates, counted from the pairs
that flip (docs/proofs/stability.md, P4.12).
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, field
from os import PathLike

from numpy.typing import ArrayLike

from theory.descent.optimiser import Chosen, Optimiser, as_optimiser
from theory.direction import NONNEGATIVE, UNBOUNDED, Directed, LowerBound, UpperBound
from theory.errors import DescentError, NotFiniteError
from theory.inputs import FloatArray, positive, positive_count, target_vector
from theory.network.definiteness import explained
from theory.rigour.one_step import OneStep, network_steps
from theory.stability.path import PathCertificate
from theory.streaming.checkpoints import configuration
from theory.streaming.descent import StreamedDescent
from theory.streaming.kept import Keeper, keeper
from theory.streaming.record import Record, Rule
from theory.streaming.running import Progress
from theory.streaming.stream import CHUNK, NeuronStream, neuron_stream


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
    taken_up: int = 0
    """How many of the steps a run has left that was killed."""


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
    directory: str | PathLike[str] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> StreamedTrajectory:
    """Follow the network of m neurons that a stream draws for so many steps, on unit rows X (n, d) with targets y (n,).

    ``directory``: keep its n x m pre-activations in files there, which are removed at the end; a run that is killed goes on from them when it is
    asked for again, of any number of steps. None: in memory.
    ``executor``: who works on the chunks; None: this process. Raises InputError (what ``neuron_stream`` raises, ScaleError: a step size or a
    number of steps that is not positive, StreamError: a directory that cannot be written to, files that are damaged, another run at work), ChoiceError, RankDeficientError and DivergenceError
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
    directory: str | PathLike[str] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> StreamedTrajectory:
    """``stream_trajectory`` of the network that a stream draws; it raises the same."""
    chosen, eta, number = as_optimiser(optimiser), positive(step_size, "step_size"), positive_count(steps, "steps")
    rule = Rule(target_vector(y, len(stream.rows)), eta, chosen.name)
    with keeper(directory, configuration(stream, rule)) as kept:
        record, broken = Record.left(kept, chosen, stream), None
        taken_up = 0 if record is None else min(len(record.steps), number)
        if record is not None and taken_up == number:
            if progress is not None:
                progress((number + 1) * stream.distinct, True)
        else:
            try:
                at = None if record is None else record.iterate
                state = StreamedDescent(stream, rule.targets, kept, executor, progress, at)
                if record is None:
                    record = Record.begun(chosen, state)
                    _write(record, kept)
                broken = _followed(state, eta, chosen, number, kept, record)
            except (DescentError, NotFiniteError):  # it would end so again
                kept.end()
                raise
        if len(record.steps) <= number:  # else they are those of a longer run
            kept.end()
    taken = tuple(record.steps[:number])
    residuals = [taken[0].before, *(step.after for step in taken)]
    return StreamedTrajectory(
        stream,
        eta,
        chosen.name,
        taken,
        tuple(map(factor_bounds, taken)),
        PathCertificate.of(record.changes[:number], record.lambda_min, [step.length for step in taken], residuals),
        chosen.condition,
        record.gram,
        broken,
        taken_up,
    )


def _write(record: Record, kept: Keeper) -> None:
    if kept.record is not None:
        kept.record.write(record.arrays())


def _followed(
    state: StreamedDescent, eta: float, optimiser: Optimiser, number: int, kept: Keeper, record: Record
) -> DescentError | None:
    """Take the steps that the record has not, and keep it after each. The error of a step that cannot be taken; raised, if it is the very first."""
    steps = network_steps(state, eta, optimiser)
    try:
        while len(record.steps) < number:
            record.took(next(steps), state)
            _write(record, kept)
    except DescentError as error:
        broken = explained(error, state, optimiser)
        if not record.steps:
            raise broken from error
        return broken
    return None


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
