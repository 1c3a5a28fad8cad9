"""Files that appear whole or not at all: written under a temporary name beside the target, then renamed."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from properties.engine.paths import encodable

KEPT = 40
"""Characters of a target's name in that of its temporary file, which must not grow too long for the file system."""

SUFFIX = ".tmp"


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let ``write`` fill a temporary file in the directory of ``path``, flush it to disk and rename it to ``path``.

    An exception, an interrupt or a kill on the way leaves whatever ``path`` held before. Creates missing directories.
    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=_prefix(path.name), suffix=SUFFIX, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text_atomically(path: Path, text: str) -> None:
    r"""Write ``text`` in UTF-8, a lone surrogate as ``\udce9``, whole or not at all. Raises OSError."""
    write_bytes_atomically(path, encodable(text))


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises OSError."""
    write_atomically(path, lambda stream: stream.write(content))


def link_atomically(path: Path, target: Path) -> None:
    """Make ``path`` a symbolic link to ``target``, in place of any file or link that it was. Raises OSError."""
    temporary = Path(tempfile.mktemp(prefix=_prefix(path.name), suffix=SUFFIX, dir=path.parent))
    temporary.symlink_to(target)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_temporary(path: Path, name: str) -> bool:
    """Whether a file is what a kill left of the one of this name, by its own name."""
    return path.name.startswith(_prefix(name)) and path.suffix == SUFFIX


def _prefix(name: str) -> str:
    return f".{name[:KEPT]}."
