"""Files that appear whole or not at all: written under a temporary name beside the target, then renamed."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let ``write`` fill a temporary file in the directory of ``path``, flush it to disk and rename it to ``path``.

    An exception, an interrupt or a kill on the way leaves whatever ``path`` held before. Creates missing directories.
    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
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
    """Write ``text`` in UTF-8, whole or not at all. Raises OSError."""
    write_atomically(path, lambda stream: stream.write(text.encode("utf-8")))


def link_atomically(path: Path, target: Path) -> None:
    """Make ``path`` a symbolic link to ``target``, in place of any file or link that it was. Raises OSError."""
    temporary = Path(tempfile.mktemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    temporary.symlink_to(target)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
