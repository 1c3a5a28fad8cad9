"""One pass over all chunks: tasks to an executor, tallies joined as they come, checkpoints taken up and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial, reduce
from os import PathLike
from typing import Protocol

import numpy as np

from theory.inputs import FloatArray
from theory.streaming.checkpoints import checkpoints_of
from theory.streaming.executors import finished
from theory.streaming.stream import Block, NeuronStream
from theory.streaming.tally import Tally
from theory.threads import one_thread

TASKS = 256
"""At most so many tasks, and files of checkpoints, for a stream that has more chunks."""

Progress = Callable[[int, bool], None]
"""Told of how many neurons more what a pass makes of them is known, and whether another run has left it."""


class Counter(Protocol):
    """What one chunk amounts to, block by block."""

    def add(self, block: Block) -> None:
        """Count some neurons more."""
        ...

    def found(self) -> tuple[Mapping[str, FloatArray], FloatArray]:
        """Integers by name, and sums of floats in one vector, of all neurons that were counted."""
        ...


class Work(Protocol):
    """What a pass is made for: a frozen dataclass, which says all that its numbers depend on beside the stream."""

    @property
    def name(self) -> str:
        """For the files."""
        ...

    def counter(self, stream: NeuronStream) -> Counter:
        """For one chunk; the names of its integers are its own among those of all works."""
        ...


def run_pass(
    stream: NeuronStream,
    works: Sequence[Work],
    executor: Executor,
    checkpoints: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Tally:
    """What all chunks amount to, each counted once. Raises StreamError, and what the executor raises."""
    kept = None if checkpoints is None else checkpoints_of(checkpoints, stream, works)
    tell = progress or (lambda neurons, found: None)
    found, open_tasks = [], []
    for task in tasks(stream):
        tally = None if kept is None else kept.load(task)
        if tally is None:
            open_tasks.append(task)
        else:
            found.append(tally)
            tell(neurons(stream, task), True)
    total = reduce(Tally.joined, found) if found else None
    for task, tally in finished(executor, partial(tally_of, stream, works), open_tasks):
        if kept is not None:
            kept.save(task, tally)
        total = tally if total is None else total.joined(tally)
        tell(neurons(stream, task), False)
    assert total is not None
    return total.of_all(stream.chunks)


def tasks(stream: NeuronStream) -> list[range]:
    """The chunks, in order, as many to a task as make no more than ``TASKS``."""
    each = -(-len(stream.chunks) // TASKS)
    return [stream.chunks[first : first + each] for first in range(0, len(stream.chunks), each)]


def neurons(stream: NeuronStream, task: range) -> int:
    """How many neurons a task looks at."""
    return sum(stream.size(chunk) for chunk in task)


def tally_of(stream: NeuronStream, works: Sequence[Work], task: range) -> Tally:
    """What some chunks amount to, in one thread, so that the bits of a sum do not depend on how many there are."""
    with one_thread():
        return reduce(Tally.joined, (_chunk_tally(stream, works, chunk) for chunk in task))


def _chunk_tally(stream: NeuronStream, works: Sequence[Work], chunk: int) -> Tally:
    counters = [work.counter(stream) for work in works]
    for block in stream.blocks(chunk):
        for counter in counters:
            counter.add(block)
    found = [counter.found() for counter in counters]
    counts = {name: count.astype(np.int64) for integers, _ in found for name, count in integers.items()}
    return Tally(frozenset([chunk]), counts, {chunk: np.concatenate([sums for _, sums in found])})
