"""What chunks amounted to, in a file a task: a run that was killed takes up what it finds, by the configuration that it belongs to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.streaming.archive import Archive, Arrays, Named
from theory.streaming.stream import NeuronStream
from theory.streaming.tally import Tally

FORMAT = 2
"""Of the files, and of what the numbers in them mean: another one's are not taken up."""

COUNTS = "counts-"
"""How the names of arrays begin that are integers of a tally."""


def configuration(*parts: Any) -> str:
    """A digest of dataclasses that say all that the numbers of a pass depend on, NumPy's release, whose generators may change, included."""
    digest = hashlib.sha256(f"{FORMAT} {np.__version__}".encode())
    for one in parts:
        digest.update(f" {type(one).__name__}".encode())
        for field in fields(one):
            value = getattr(one, field.name)
            digest.update(f" {field.name} ".encode())
            if isinstance(value, np.ndarray):
                digest.update(f"{value.shape} {value.dtype.str}".encode() + np.ascontiguousarray(value).tobytes())
            else:
                digest.update(repr(value).encode())
    return digest.hexdigest()


def checkpoints_of(directory: str | os.PathLike[str], stream: NeuronStream, works: Sequence[Any]) -> Checkpoints:
    """Those of a pass."""
    return Checkpoints(Path(directory), "-".join(work.name for work in works), configuration(stream, *works))


@dataclass(frozen=True)
class Checkpoints:
    """The files of one pass of one run in a directory that others may use too."""

    directory: Path
    name: str
    """The pass's."""
    key: str
    """Its configuration."""
    remedy: str = "remove it, or take another directory"
    """What can be done about a file that cannot be used."""

    def path(self, chunks: range) -> Path:
        """Where a task's tally is kept."""
        return self.directory / f"{self.name}-{self.key[:16]}-{chunks.start}-{chunks.stop}.npz"

    def archive(self, chunks: range) -> Archive:
        """The file there."""
        return Archive(self.path(chunks), self.key, self.remedy)

    def load(self, chunks: range) -> Tally | None:
        """A task's tally; None where there is none. Raises StreamError (a file that is not of this run, or damaged)."""
        with self.archive(chunks).opened() as file:
            return None if file is None else tally_from(file, chunks)

    def save(self, chunks: range, tally: Tally) -> None:
        """Keep a task's tally: the file is there whole or not at all. Raises StreamError (no place for it)."""
        self.archive(chunks).write(tally_arrays(tally))


def tally_arrays(tally: Tally) -> Iterator[Named]:
    """A tally as arrays with names."""
    order = sorted(tally.sums)
    yield from ((COUNTS + name, _narrow(count)) for name, count in tally.counts.items())
    yield "counted", sorted(tally.counts)
    yield "chunks", sorted(tally.chunks)
    yield "summed", order
    yield "sums", [tally.sums[chunk] for chunk in order]


def tally_from(file: Arrays, chunks: range) -> Tally:
    """The tally of these chunks. Raises StreamError (of others, damaged)."""
    counts = {name.removeprefix(COUNTS): file[name].astype(np.int64) for name in file.names if name.startswith(COUNTS)}
    if sorted(counts) != file["counted"].tolist():
        raise file.archive.damaged("names are damaged")
    if file["chunks"].tolist() != list(chunks):
        raise file.archive.foreign()
    return Tally(frozenset(chunks), counts, dict(zip(file["summed"].tolist(), file["sums"], strict=True)))


def _narrow(counts: NDArray[np.int64]) -> NDArray[np.signedinteger]:
    """In 32 bits, where they fit."""
    fits = counts.size == 0 or max(int(counts.max()), -int(counts.min())) < 2**31
    return counts.astype(np.int32) if fits else counts
