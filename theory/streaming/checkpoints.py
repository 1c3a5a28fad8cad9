"""What chunks amounted to, in a file a task: a run that was killed takes up what it finds, by the configuration that it belongs to."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.errors import StreamError
from theory.streaming.stream import NeuronStream
from theory.streaming.tally import Tally

FORMAT = 2
"""Of the files, and of what the numbers in them mean: another one's are not taken up."""

UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile)
"""What NumPy raises of an empty file, of one array in the place of an archive, and of damage."""


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


def checkpoints_of(directory: Path, stream: NeuronStream, works: Sequence[Any]) -> Checkpoints:
    """Those of a pass."""
    return Checkpoints(directory, "-".join(work.name for work in works), configuration(stream, *works))


@dataclass(frozen=True)
class Checkpoints:
    """The files of one pass of one run in a directory that others may use too."""

    directory: Path
    name: str
    """The pass's."""
    key: str
    """Its configuration."""

    def path(self, chunks: range) -> Path:
        """Where a task's tally is kept."""
        return self.directory / f"{self.name}-{self.key[:16]}-{chunks.start}-{chunks.stop}.npz"

    def load(self, chunks: range) -> Tally | None:
        """A task's tally; None where there is none. Raises StreamError (a file that is not of this run, or damaged)."""
        path = self.path(chunks)
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                key, found = str(file["key"]), file["chunks"].tolist()
                counts = {name[7:]: file[name].astype(np.int64) for name in file.files if name.startswith("counts-")}
                sums = dict(zip(file["summed"].tolist(), file["sums"], strict=True))
                counted = file["counted"].tolist()
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            raise StreamError(f"{path} cannot be read as a checkpoint ({error}); remove it") from error
        if sorted(counts) != counted:
            raise StreamError(f"{path} cannot be read as a checkpoint (names are damaged); remove it")
        if key != self.key or found != list(chunks):
            raise StreamError(f"{path} is a checkpoint of another configuration; remove it, or take another directory")
        return Tally(frozenset(found), counts, sums)

    def save(self, chunks: range, tally: Tally) -> None:
        """Keep a task's tally: the file is there whole or not at all. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {f"counts-{name}": _narrow(count) for name, count in tally.counts.items()}
        order = sorted(tally.sums)
        arrays |= {"chunks": list(chunks), "summed": order, "sums": [tally.sums[chunk] for chunk in order]}
        arrays["counted"] = sorted(tally.counts)
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=self.directory)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, key=self.key, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path(chunks))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _narrow(counts: NDArray[np.int64]) -> NDArray[np.signedinteger]:
    """In 32 bits, where they fit."""
    fits = counts.size == 0 or max(int(counts.max()), -int(counts.min())) < 2**31
    return counts.astype(np.int32) if fits else counts
