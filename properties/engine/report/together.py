"""Several files of a directory that change together, although a system renames one at a time.

Each of them is a symbolic link through one other link, ``.published/current``, to a directory below ``.published`` that
holds a generation of them, also those in directories of their own. Replacing that one link replaces them all at once.

Generations are numbered. Of earlier ones the files that were written here are removed, by name, and a directory once it is
empty: whatever else lies there, or below ``.published``, is somebody's and stays.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from properties.engine.paths import same_file
from properties.engine.report.atomic import is_temporary, link_atomically, write_bytes_atomically

HOME, CURRENT = Path(".published"), "current"
"""Where the generations lie, and the link to the one that is shown."""

GENERATION = re.compile(r"generation-(\d{6,})")


def write_together(directory: Path, contents: Mapping[str, bytes], earlier: Iterable[str] = ()) -> None:
    """Replace the files of these names, paths from the directory, by these contents, all at the same moment.

    ``earlier`` are names that an earlier generation may hold besides. A kill on the way leaves all old or all new. Where the
    file system has no symbolic links each is replaced whole, one after the other. Raises OSError.
    """
    names = list(dict.fromkeys([*contents, *earlier]))
    try:
        _link(directory, list(contents), names)
    except OSError:
        for name, content in contents.items():
            write_bytes_atomically(directory / name, content)
        return
    shown = _shown(directory, contents)
    for number, generation in _generations(directory):
        if number < _number(shown) and not same_file(generation, shown):
            _remove(generation, names)


def leads_home(directory: Path, path: Path) -> bool:
    """Whether a file of the directory is a link to what is shown, even to what is not there any more."""
    return path.is_symlink() and path.readlink() == _target(path.relative_to(directory).as_posix())


def _target(name: str) -> Path:
    """Where the link of this name leads."""
    return Path(*[".."] * name.count("/"), HOME, CURRENT, name)


def _link(directory: Path, names: list[str], shown: list[str]) -> None:
    """Make every name a link through the one that is replaced; what all those ``shown`` show stays as it is, also where it is missing."""
    targets = {name: _target(name) for name in names}
    linked = [
        (directory / name).is_symlink() and (directory / name).readlink() == target for name, target in targets.items()
    ]
    if all(linked) and (directory / HOME / CURRENT).is_symlink():
        return
    found = {name: directory / name for name in shown if (directory / name).exists()}
    _shown(directory, {name: path.read_bytes() for name, path in found.items()})
    for name, target in targets.items():
        (directory / name).parent.mkdir(exist_ok=True)
        link_atomically(directory / name, target)


def _shown(directory: Path, contents: Mapping[str, bytes]) -> Path:
    """A new generation of these files, which ``current`` leads to. Raises OSError, and leaves none then."""
    made = _generation(directory)
    try:
        for name, content in contents.items():
            write_bytes_atomically(made / name, content)
        link_atomically(directory / HOME / CURRENT, Path(made.name))
    except OSError:
        _remove(made, contents)
        raise
    return made


def _generation(directory: Path) -> Path:
    """An empty directory, numbered after all others."""
    home = directory / HOME
    home.mkdir(parents=True, exist_ok=True)
    number = max((number for number, _ in _generations(directory)), default=0)
    while True:
        number += 1
        made = home / f"generation-{number:06d}"
        with contextlib.suppress(FileExistsError):
            made.mkdir()
            made.chmod(0o755)
            return made


def _generations(directory: Path) -> list[tuple[int, Path]]:
    """The directories that are named as generations, with their numbers."""
    return [
        (_number(path), path)
        for path in (directory / HOME).iterdir()
        if GENERATION.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    ]


def _number(generation: Path) -> int:
    found = GENERATION.fullmatch(generation.name)
    assert found is not None
    return int(found[1])


def _remove(generation: Path, names: Iterable[str]) -> None:
    """Remove a generation of files of these names, what a kill left of them included; all of it stays if it holds others."""
    with contextlib.suppress(OSError):
        found = [path for path in generation.rglob("*") if path.is_symlink() or not path.is_dir()]
        ours = [path for path in found if _is_one_of(path.relative_to(generation), names)]
        below = {generation / Path(name).parent for name in names} - {generation}
        directories = [path for path in generation.rglob("*") if path.is_dir() and not path.is_symlink()]
        if len(ours) < len(found) or not below.issuperset(directories):
            return
        for path in ours:
            path.unlink()
        for path in (*directories, generation):
            path.rmdir()


def _is_one_of(path: Path, names: Iterable[str]) -> bool:
    """Whether a file of a generation is one of these names, or what a kill left of one."""
    near = [Path(name) for name in names if Path(name).parent == path.parent]
    return any(path == name or is_temporary(path, name.name) for name in near)
