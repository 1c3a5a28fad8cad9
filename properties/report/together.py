"""Several files of a directory that change together, although a system renames one at a time.

Each of them is a symbolic link through one other link, ``.published/current``, to a directory below ``.published`` that
holds a generation of them. Replacing that one link replaces them all at once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from properties.report.atomic import link_atomically, write_text_atomically

HOME, CURRENT = Path(".published"), "current"
"""Where the generations lie, and the link to the one that is shown."""


def write_together(directory: Path, texts: Mapping[str, str]) -> None:
    """Replace the files of these names by these texts, all at the same moment.

    A kill on the way leaves all old or all new. Where the file system has no symbolic links each is replaced whole, one after
    the other. Raises OSError.
    """
    try:
        _link(directory, list(texts))
    except OSError:
        for name, text in texts.items():
            write_text_atomically(directory / name, text)
        return
    shown = _generation(directory, texts)
    link_atomically(directory / HOME / CURRENT, Path(shown.name))
    for other in (directory / HOME).iterdir():
        if other.is_dir() and not other.is_symlink() and other != shown:
            shutil.rmtree(other, ignore_errors=True)


def _link(directory: Path, names: list[str]) -> None:
    """Make every name a link through the one that is replaced; what each shows stays as it is, also where it is missing."""
    targets = {name: HOME / CURRENT / name for name in names}
    linked = [
        (directory / name).is_symlink() and (directory / name).readlink() == target for name, target in targets.items()
    ]
    if all(linked):
        return
    found = {name: directory / name for name in names if (directory / name).exists()}
    shown = _generation(directory, {name: path.read_text(encoding="utf-8") for name, path in found.items()})
    try:
        link_atomically(directory / HOME / CURRENT, Path(shown.name))
    except OSError:
        shutil.rmtree(shown)
        raise
    for name, target in targets.items():
        link_atomically(directory / name, target)


def _generation(directory: Path, texts: Mapping[str, str]) -> Path:
    (directory / HOME).mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=directory / HOME))
    made.chmod(0o755)
    for name, text in texts.items():
        write_text_atomically(made / name, text)
    return made
