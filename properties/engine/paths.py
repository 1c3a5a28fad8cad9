"""Paths compared as files, not as text, and shown as text that every file and terminal can take.

A file has many names: through ``..``, through a symbolic link, with a slash at its end, in other letters' case on systems that
do not tell them apart. And a name is bytes: what of it is not UTF-8 stands in Python's text as lone surrogates, which nothing
encodes.
"""

from __future__ import annotations

import os
from pathlib import Path

Name = str | os.PathLike[str]


def same_file(one: Name, other: Name) -> bool:
    """Whether two paths lead to the same file or directory; where there is none yet, whether they lead to the same place."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return file_key(one) == file_key(other)


def file_key(path: Name) -> tuple[object, ...]:
    """The same for all paths to one file or directory, and for no other."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        real = Path(os.path.realpath(path))
        parent = real.parent
        return (str(real),) if parent == real else (*file_key(parent), real.name)
    return status.st_dev, status.st_ino


def printable(path: Name) -> str:
    r"""The name on one line, with ``\xe9`` for a byte that is not UTF-8, ``\n`` for a line's end, ``\u00a0`` for what is not seen.

    Names that are text are shown as they are.
    """
    return "".join(_printable(character) for character in os.fspath(path))


def told(path: Path, place: Path) -> str:
    """A file as a report speaks of it, which others read: from the directory of the run where it lies below, else by its name alone."""
    try:
        return printable(path.resolve().relative_to(place.resolve()))
    except ValueError:
        return printable(path.name)


def _printable(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character.isprintable():
        return character
    if character.isascii():
        return character.encode("unicode_escape").decode("ascii")
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def encodable(text: str) -> bytes:
    r"""UTF-8, with ``\udce9`` for a lone surrogate; within a string of JSON that is the same string."""
    return text.encode("utf-8", "backslashreplace")
