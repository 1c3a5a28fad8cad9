"""Where the pre-activations of chunks are between steps: in memory, or in a file a chunk, of which a block at a time is in memory.

In memory a chunk is moved where it is. In files a step writes the next iterate's file and leaves the one that it reads, so that a
task that is done again, as a cluster does that has lost a worker, begins where it began the first time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from typing import Protocol

import numpy as np

from theory.errors import StreamError
from theory.inputs import FloatArray

Change = Callable[[int, FloatArray], None]
"""Told the number of a block and its Z (n, b), which it may change in place."""


@dataclass(frozen=True)
class KeptChunk:
    """The pre-activations of a chunk's neurons at one iterate, block after block."""

    chunk: int
    """Its number."""
    steps: int
    """That of the iterate."""
    columns: tuple[int, ...]
    """How many neurons each block has."""
    values: FloatArray | Path = field(repr=False)
    """The blocks, each (n, b) row by row, or the file that has them."""

    def blocks(self, inputs: int) -> Iterator[FloatArray]:
        """Z (n, b) of each block: a view. Raises OSError."""
        values = np.memmap(self.values, np.float64, "r") if isinstance(self.values, Path) else self.values
        first = 0
        for columns in self.columns:
            yield values[first : first + inputs * columns].reshape(inputs, columns)
            first += inputs * columns


class Keeper(Protocol):
    """Keeps the chunks of a run; made in one process, and used in those of its workers."""

    def begun(self, chunk: int, blocks: Iterable[FloatArray]) -> KeptChunk:
        """Keep the first iterate of a chunk. Raises StreamError (no place for it)."""
        ...

    def moved(self, kept: KeptChunk, inputs: int, change: Change) -> KeptChunk:
        """The next iterate, to which ``change`` brings each block. Raises StreamError (no place for it)."""
        ...

    def forget(self, kept: KeptChunk) -> None:
        """An iterate is needed no more."""
        ...


@dataclass(frozen=True)
class InMemory:
    """In the memory of the process that asks; workers that are other processes are sent it, and send it back."""

    def begun(self, chunk: int, blocks: Iterable[FloatArray]) -> KeptChunk:
        """Keep the first iterate of a chunk. Raises StreamError."""
        try:
            parts = list(blocks)
            values = np.concatenate([part.ravel() for part in parts])
        except MemoryError as error:
            raise StreamError(f"memory cannot keep the pre-activations ({error}); name a directory for them") from error
        return KeptChunk(chunk, 0, tuple(part.shape[1] for part in parts), values)

    def moved(self, kept: KeptChunk, inputs: int, change: Change) -> KeptChunk:
        """The next iterate, in the place of this one."""
        assert isinstance(kept.values, np.ndarray)
        own = kept if kept.values.flags.writeable else replace(kept, values=kept.values.copy())  # as a cluster sends it
        for number, block in enumerate(own.blocks(inputs)):
            change(number, block)
        return replace(own, steps=kept.steps + 1)

    def forget(self, kept: KeptChunk) -> None:
        """It is gone already."""


@dataclass(frozen=True)
class InFiles:
    """In a directory that all workers reach: a file for each chunk and iterate."""

    directory: Path

    def begun(self, chunk: int, blocks: Iterable[FloatArray]) -> KeptChunk:
        """Keep the first iterate of a chunk. Raises StreamError."""
        return self._written(chunk, 0, blocks)

    def moved(self, kept: KeptChunk, inputs: int, change: Change) -> KeptChunk:
        """The next iterate; the file of this one stays. Raises StreamError."""

        def changed() -> Iterator[FloatArray]:
            for number, block in enumerate(kept.blocks(inputs)):
                copied = np.array(block)
                change(number, copied)
                yield copied

        return self._written(kept.chunk, kept.steps + 1, changed())

    def forget(self, kept: KeptChunk) -> None:
        """Remove its file."""
        assert isinstance(kept.values, Path)
        kept.values.unlink(missing_ok=True)

    def _written(self, chunk: int, steps: int, blocks: Iterable[FloatArray]) -> KeptChunk:
        """A file that is there whole or not at all; written, not mapped, so that a full disk is an error and not a signal."""
        columns, path = list[int](), self.directory / f"{chunk}-{steps}.z"
        try:
            handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=self.directory)
            try:
                with open(handle, "wb") as file:
                    for block in blocks:
                        columns.append(block.shape[1])
                        file.write(np.ascontiguousarray(block).data)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise no_place(self.directory, error) from error
        return KeptChunk(chunk, steps, tuple(columns), path)


def no_place(directory: Path, error: OSError) -> StreamError:
    """What is said where pre-activations cannot be kept."""
    return StreamError(
        f"{directory} cannot keep the pre-activations ({error.strerror or error}); name another directory, or none to keep them in memory"
    )


@contextmanager
def keeper(directory: Path | None) -> Iterator[Keeper]:
    """In memory, or in a new directory in this one, which is removed at the end. Raises StreamError."""
    if directory is None:
        yield InMemory()
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(prefix="trajectory-", dir=directory))
    except OSError as error:
        raise no_place(directory, error) from error
    try:
        yield InFiles(own)
    finally:
        rmtree(own, ignore_errors=True)
