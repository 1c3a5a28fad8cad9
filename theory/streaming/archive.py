"""Arrays in one file, which is there whole or not at all, and belongs to what its key says.

An archive of NumPy's. Its arrays are written, and read, one after the other, each with a checksum, so that a file of any size takes the memory of one,
and a number that is not the one that was written ends the run that reads it.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from theory.errors import StreamError

TEMPORARY = ".tmp"
"""How the names of files end that are not whole."""

Named = tuple[str, Any]
"""A name, and what NumPy makes an array of."""


@dataclass(frozen=True)
class Archive:
    """A file that is there, or is to be."""

    path: Path
    key: str
    """Of what it belongs to."""
    remedy: str = "remove it"
    """What can be done about a file that cannot be used."""

    def write(self, arrays: Iterable[Named]) -> None:
        """Make the file of arrays, each written as it is made. Raises StreamError (no place for it), and what making them raises."""
        directory = self.path.parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(suffix=TEMPORARY, dir=directory)
            try:
                with os.fdopen(handle, "wb") as file:
                    with zipfile.ZipFile(file, "w") as archive:
                        for name, array in chain([("key", self.key)], arrays):
                            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, self.path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise no_place(directory, error) from error

    @contextmanager
    def opened(self) -> Iterator[Arrays | None]:
        """The file's arrays, each read when it is asked for; None where there is no file. Raises StreamError (damaged, of another key)."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            raise self.damaged(error) from error
        with file:
            try:
                found = np.load(file, allow_pickle=False)
                if not isinstance(found, NpzFile):
                    raise ValueError("one array, and no archive")
            except MemoryError:
                raise
            except Exception as error:  # of a damaged header NumPy raises what its tokenizer does, and more
                raise self.damaged(error) from error
            with found:
                arrays = Arrays(self, found)
                if str(arrays["key"]) != self.key:
                    raise self.foreign()
                yield arrays

    def foreign(self) -> StreamError:
        """What is said of a file that belongs to something else."""
        return StreamError(f"{self.path} is a checkpoint of another configuration; {self.remedy}")

    def damaged(self, what: object) -> StreamError:
        """What is said of a file that is not as it was written."""
        said = str(what) or type(what).__name__  # of an exception without words
        return StreamError(f"{self.path} cannot be read as a checkpoint ({said}); {self.remedy}")

    def missing(self) -> StreamError:
        """What is said where there should be a file."""
        return StreamError(f"{self.path} is missing; {self.remedy}")


@dataclass(frozen=True)
class Arrays:
    """Those of an archive that is open."""

    archive: Archive
    found: NpzFile

    @property
    def names(self) -> list[str]:
        """Of all of them, in the order in which they were written."""
        return list(self.found.files)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One of them, read anew each time. Raises StreamError (damaged, not there)."""
        assert self.found.zip is not None
        try:
            with self.found.zip.open(f"{name}.npy") as member:
                array = np.lib.format.read_array(member, allow_pickle=False)
                # the checksum is looked at where the member ends, before which a damaged header may say that its array does
                if member.read(1):
                    raise ValueError(f"{name} is longer than its array")
        except MemoryError:
            raise
        except Exception as error:
            raise self.archive.damaged(error) from error
        return np.asarray(array)


def no_place(directory: Path, error: OSError) -> StreamError:
    """What is said where files cannot be kept."""
    return StreamError(
        f"{directory} cannot keep what it is asked to ({error.strerror or error}); make room there and run the same again, which goes on "
        f"from what is kept, or name another directory"
    )
