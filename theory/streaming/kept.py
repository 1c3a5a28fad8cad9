"""Where the pre-activations of chunks are between steps: in memory, or in a file a chunk, of which a block at a time is in memory.

In memory a chunk is moved where it is. In files a step writes the next iterate's file and leaves the one that it reads, so that a
task that is done again, as a cluster does that has lost a worker, begins where it began the first time.

A file has what its step counted beside what it moved, and is there whole or not at all; that of the iterate before is removed when what
was counted is known to the process that asks, which keeps what it knows of all chunks after each step (record.py). So a kill at any
moment leaves that record, of iterate k, and of each chunk the file of k or of k + 1: the same run goes on from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout

from theory.errors import StreamError
from theory.inputs import FloatArray
from theory.streaming.archive import Archive, Named, no_place
from theory.streaming.checkpoints import Checkpoints

Change = Callable[[int, FloatArray], None]
"""Told the number of a block and its Z (n, b), which it may change in place."""

Counted = Callable[[], Iterable[Named]]
"""What the blocks amount to, asked for behind the last of them."""

BLOCK = "block-"
"""How the names of arrays begin that are blocks of Z."""

BLOCKS = "blocks"
"""The name of an array: how many these are."""

LOCK = "lock"
"""The name of a file that is locked as long as a run is at work."""


@dataclass(frozen=True)
class KeptChunk:
    """The pre-activations of a chunk's neurons at one iterate, block after block."""

    chunk: int
    """Its number."""
    steps: int
    """That of the iterate."""
    values: tuple[FloatArray, ...] | Archive = field(repr=False)
    """The blocks, each (n, b), or the file that has them."""

    def blocks(self) -> Iterator[FloatArray]:
        """Z (n, b) of each block: itself, or what the file has of it. Raises StreamError (no file, a damaged one)."""
        if isinstance(self.values, tuple):
            yield from self.values
            return
        with self.values.opened() as file:
            if file is None:
                raise self.values.missing()
            number = int(file[BLOCKS])
            yield from (file[f"{BLOCK}{one}"] for one in range(number))


class Keeper(Protocol):
    """Keeps the chunks of a run; made in one process, and used in those of its workers."""

    @property
    def record(self) -> Archive | None:
        """Where the process that asks keeps what it knows of all chunks; None where a run that is killed is lost."""
        ...

    def begun(self, chunk: int, blocks: Iterable[FloatArray], counted: Counted) -> KeptChunk:
        """Keep the first iterate of a chunk. Raises StreamError (no place for it)."""
        ...

    def moved(self, kept: KeptChunk, change: Change, counted: Counted) -> KeptChunk:
        """The next iterate, to which ``change`` brings each block. Raises StreamError (no place for it)."""
        ...

    def at(self, chunk: int, steps: int) -> KeptChunk | None:
        """Where a chunk is kept at an iterate, though it may not be there; None where nothing is kept that another run could find."""
        ...

    def forget(self, kept: KeptChunk) -> None:
        """An iterate is needed no more."""
        ...

    def tidy(self, steps: int) -> None:
        """Remove what is of no use to a run that goes on from iterate ``steps``."""
        ...

    def end(self) -> None:
        """Nothing is needed any more."""
        ...


@dataclass(frozen=True)
class InMemory:
    """In the memory of the process that asks; workers that are other processes are sent it, and send it back."""

    record = None

    def begun(self, chunk: int, blocks: Iterable[FloatArray], counted: Counted) -> KeptChunk:
        """Keep the first iterate of a chunk. Raises StreamError."""
        try:
            values = tuple(np.array(block) for block in blocks)
        except MemoryError as error:
            raise StreamError(f"memory cannot keep the pre-activations ({error}); name a directory for them") from error
        return KeptChunk(chunk, 0, values)

    def moved(self, kept: KeptChunk, change: Change, counted: Counted) -> KeptChunk:
        """The next iterate, in the place of this one."""
        # copied where a cluster sends it
        own = tuple(block if block.flags.writeable else block.copy() for block in kept.blocks())
        for number, block in enumerate(own):
            change(number, block)
        return KeptChunk(kept.chunk, kept.steps + 1, own)

    def at(self, chunk: int, steps: int) -> None:
        """Nothing that another run has left."""

    def forget(self, kept: KeptChunk) -> None:
        """It is gone already."""

    def tidy(self, steps: int) -> None:
        """Nothing is left."""

    def end(self) -> None:
        """It goes with the run."""


@dataclass(frozen=True)
class InFiles:
    """In a directory of the run's own that all workers reach: a file for each chunk and iterate."""

    directory: Path
    key: str
    """The run's configuration."""

    @property
    def record(self) -> Archive:
        """Beside them."""
        return Archive(self.directory / f"record-{self.key[:16]}.npz", self.key, self._remedy)

    @property
    def _remedy(self) -> str:
        return f"remove {self.directory}, and the run begins anew"

    def at(self, chunk: int, steps: int) -> KeptChunk:
        """Its file."""
        # the number of the iterate is part of the key: a file of another one is not taken for this one's, whatever its name
        kept = Checkpoints(self.directory, chunk_prefix(steps), f"{self.key} {steps}", self._remedy)
        return KeptChunk(chunk, steps, kept.archive(range(chunk, chunk + 1)))

    def begun(self, chunk: int, blocks: Iterable[FloatArray], counted: Counted) -> KeptChunk:
        """Keep the first iterate of a chunk. Raises StreamError."""
        return self._written(self.at(chunk, 0), blocks, counted)

    def moved(self, kept: KeptChunk, change: Change, counted: Counted) -> KeptChunk:
        """The next iterate; the file of this one stays. Raises StreamError."""

        def changed() -> Iterator[FloatArray]:
            for number, block in enumerate(kept.blocks()):
                change(number, block)
                yield block

        return self._written(self.at(kept.chunk, kept.steps + 1), changed(), counted)

    def forget(self, kept: KeptChunk) -> None:
        """Remove its file."""
        assert isinstance(kept.values, Archive)
        kept.values.path.unlink(missing_ok=True)

    def tidy(self, steps: int) -> None:
        """Remove all but the record, the lock, and the files of this iterate and of the next one."""
        useful = (self.record.path.name, LOCK, f"{chunk_prefix(steps)}-", f"{chunk_prefix(steps + 1)}-")
        for path in self.directory.iterdir():
            if not path.name.startswith(useful):
                _remove(path)

    def end(self) -> None:
        """Remove the files, the record behind the chunks: what takes a while can be begun again; and the directory, unless somebody's is in it."""
        for path in self.directory.iterdir():
            if path not in (self.record.path, self.directory / LOCK):
                _remove(path)
        for path in (self.record.path, self.directory / LOCK):
            _remove(path)
        with suppress(OSError):  # a link to a directory that lies elsewhere stays
            self.directory.rmdir()

    def _written(self, kept: KeptChunk, blocks: Iterable[FloatArray], counted: Counted) -> KeptChunk:
        def arrays() -> Iterator[Named]:
            number = 0
            for block in blocks:
                yield f"{BLOCK}{number}", block
                number += 1
            yield BLOCKS, number
            yield from counted()

        assert isinstance(kept.values, Archive)
        kept.values.write(arrays())
        return kept


def _remove(path: Path) -> None:
    """A file; no directory, which is none of a run's."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)


def chunk_prefix(steps: int) -> str:
    """How the names of the files of an iterate begin."""
    return f"iterate-{steps}"


@contextmanager
def keeper(directory: str | os.PathLike[str] | None, key: str) -> Iterator[Keeper]:
    """In memory, or in a directory in this one that is the run's own by its configuration, while no other run is at work there.

    Raises StreamError (no place, another run of this configuration).
    """
    if directory is None:
        yield InMemory()
        return
    own = InFiles(Path(directory) / f"trajectory-{key[:16]}", key)
    lock = FileLock(own.directory / LOCK)
    try:
        own.directory.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StreamError(
            f"another run of this configuration is at work in {own.directory}; wait for its end, or name another directory"
        ) from error
    except NotImplementedError:  # a file system without locks
        pass
    except OSError as error:
        raise no_place(Path(directory), error) from error
    try:
        yield own
    finally:
        lock.release()
