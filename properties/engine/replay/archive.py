"""The counterexamples to the mutants of a report, in one file: each looks much like the others, and only together they are small.

``counterexamples/mutants.tar.gz`` holds what would lie beside it, and is read as if it did: ``counterexamples/NAME.json`` names a
file, or where there is none the member of that name. Whoever wants to look at one unpacks them there.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from theory.errors import CounterexampleError

DIRECTORY = "counterexamples"
"""Where a report has them."""

ARCHIVE = "mutants.tar.gz"
"""The name of the archive, beside the files of counterexamples to claims."""

MUTANTS = f"{DIRECTORY}/{ARCHIVE}"
"""Its path from the report's directory."""

SUFFIX = ".tar.gz"

DAMAGED = (OSError, EOFError, ValueError, tarfile.TarError, zlib.error)
"""What reading one raises that is none, or not whole."""


def packed(files: Mapping[str, bytes]) -> bytes:
    """An archive of these files by name: the same files, the same bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    return gzip.compress(stream.getvalue(), 9, mtime=0)


def members(path: Path) -> Mapping[str, bytes]:
    """The files of an archive by name. Nothing is written. Raises CounterexampleError for one that is damaged, or no archive."""
    try:
        status = path.stat()
        return _unpacked(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except DAMAGED as error:
        raise CounterexampleError(
            f"{path} cannot be read as an archive of counterexamples ({error}); take the file as it was written"
        ) from error


@lru_cache(maxsize=1)  # of the hundreds of files of a directory all are read, one after the other
def _unpacked(path: Path, *_version: int) -> Mapping[str, bytes]:
    found = {}
    whole = io.BytesIO(gzip.decompress(path.read_bytes()))  # whose checksum is compared here
    with tarfile.open(fileobj=whole) as archive:
        for member in archive:
            if member.isreg() and Path(member.name).name == member.name:
                stream = archive.extractfile(member)
                found[member.name] = b"" if stream is None else stream.read()
    return found


def is_archive(path: Path) -> bool:
    """Whether a path leads to an archive, by its name."""
    return path.name.endswith(SUFFIX) and path.is_file()


def placed(path: Path) -> Path:
    """Where what this path names is: the file itself, or ``ARCHIVE/NAME`` for a member of the archive beside it."""
    archive = path.parent / ARCHIVE
    if not path.exists() and archive.is_file() and path.name in members(archive):
        return archive / path.name
    return path


def stored(path: Path) -> bytes | None:
    """The content of a file, or of a member of an archive that ``placed`` names; None where there is none. Raises OSError."""
    if is_archive(path.parent):
        return members(path.parent).get(path.name)
    return path.read_bytes() if path.is_file() else None


def counterexamples_in(directory: Path) -> list[Path]:
    """All counterexamples of a directory or an archive, by name; a file goes before a member of that name."""
    archive = directory if is_archive(directory) else directory / ARCHIVE
    found = {name: archive / name for name in (members(archive) if archive.is_file() else ()) if name.endswith(".json")}
    found |= {path.name: path for path in directory.glob("*.json")}
    return [found[name] for name in sorted(found)]


def gathered(paths: Iterable[Path]) -> dict[str, bytes]:
    """The counterexamples of these paths, each with the arrays that it keeps beside it, by name; without those that are not there."""
    found = {}
    for path in paths:
        place = placed(path)
        content = stored(place)
        if content is None:
            continue
        found[path.name] = content
        for name in arrays_beside(content):
            beside = stored(place.with_name(name))
            if beside is not None:
                found[name] = beside
    return found


def arrays_beside(content: bytes) -> frozenset[str]:
    """The names of the files in which a counterexample keeps its arrays; none of a file that is none."""
    try:
        entries = json.loads(content)["arrays"].values()
        named = (entry["file"] for entry in entries if "file" in entry)
        return frozenset(name for name in named if isinstance(name, str) and Path(name).name == name)
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset()
