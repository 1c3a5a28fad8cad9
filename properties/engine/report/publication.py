"""A report's directory from one whole state to the next: results so far apart, then claims.json and the pages at once."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from properties.engine.paths import encodable
from properties.engine.replay.archive import DIRECTORY as COUNTEREXAMPLES
from properties.engine.replay.archive import MUTANTS, gathered, members, packed
from properties.engine.replay.counterexample import remove_counterexample
from properties.engine.report.data_files import DIRECTORY as TABLES
from properties.engine.report.data_files import remove_table
from properties.engine.report.document import CLAIMS, INDEX, Document
from properties.engine.report.history import KEPT, remembered
from properties.engine.report.places import DIRECTORY as PAGES
from properties.engine.report.places import STYLE
from properties.engine.report.together import HOME, leads_home, write_together
from theory.errors import CounterexampleError, DataFileError

if TYPE_CHECKING:
    from properties.engine.report.presentation import Presentation

PARTIAL = "claims.partial.json"
"""The results of a run that has not come to its end."""

PAGE_MARK = '<meta name="claims-json-sha256"'
"""What every page of ours has."""

OWN_FILES = (CLAIMS, INDEX, PARTIAL)
"""What a run writes to its report's directory itself; the rest goes below."""

PAGE = re.compile(rf"{PAGES}/[A-Za-z0-9._-]+\.html|{STYLE}")
PAGE_LINK = re.compile(f'href="({PAGE.pattern})"')
TABLE = re.compile(rf"{TABLES}/[A-Za-z0-9._-]+-[0-9a-f]{{8}}\.csv")
TABLE_LINK = re.compile(f'href="(?:\\.\\./)?({TABLE.pattern})"')
COUNTEREXAMPLE = re.compile(rf"{COUNTEREXAMPLES}/[A-Za-z0-9._-]+-[0-9a-f]{{10}}\.json")
"""Names that a report gives to its own files."""


def write_partial(document: Document, directory: Path) -> None:
    """Keep the results so far beside the report, which stays as it was. Raises OSError."""
    document.write(directory, PARTIAL)


def occupy(directory: Path) -> FileLock:
    """Keep other runs from writing a report there until the lock is released, or this process ends. Raises DataFileError."""
    place = directory / HOME / "lock"
    try:
        place.parent.mkdir(exist_ok=True)
        if place.is_symlink() or (place.exists() and place.stat().st_size):  # a lock is empty, and is made empty
            raise DataFileError(f"{place} is not the lock of a report; move it away, or name another directory")
        return FileLock(place).acquire(timeout=0).lock
    except Timeout as error:
        raise DataFileError(
            f"another run is writing its report to {directory}; wait for its end, or name another directory"
        ) from error
    except OSError as error:
        raise DataFileError(f"no report can be written to {directory} ({error}); name another directory") from error


def foreign(directory: Path) -> list[str]:
    """The files that a report here would replace, or need the place of, and that no run of this suite wrote."""
    found = [INDEX] if (directory / INDEX).exists() and PAGE_MARK not in _text(directory / INDEX) else []
    found += [name for name in (CLAIMS, PARTIAL) if (directory / name).exists() and _record(directory / name) is None]
    found += [path.relative_to(directory).as_posix() for path in _others_pages(directory)]
    found += [MUTANTS] if os.path.lexists(directory / MUTANTS) and not _is_our_archive(directory) else []
    return found + [name for name in (PAGES, TABLES, COUNTEREXAMPLES) if _is_in_the_way(directory / name)]


def _others_pages(directory: Path) -> list[Path]:
    """Pages in the place of ours that no run of this suite wrote."""
    found = sorted(path for path in (directory / PAGES).glob("*.html") if PAGE.fullmatch(f"{PAGES}/{path.name}"))
    return [path for path in found if not _is_ours(directory, path)]


def _is_ours(directory: Path, page: Path) -> bool:
    """Whether a page is a link of a report's, or bears its mark."""
    return leads_home(directory, page) or PAGE_MARK in _text(page)


def _is_our_archive(directory: Path) -> bool:
    """Whether the archive is a link of a report's, or holds what is named as counterexamples are, and nothing else."""
    if leads_home(directory, directory / MUTANTS):
        return True
    try:
        names = members(directory / MUTANTS)
    except CounterexampleError:
        return False
    return all(COUNTEREXAMPLE.fullmatch(f"{COUNTEREXAMPLES}/{Path(name).stem}.json") for name in names)


def publish(document: Document, directory: Path, presented: Callable[[], Presentation] | None = None) -> None:
    """Replace the report in ``directory`` by the document's, presented as the suite says. Raises OSError.

    Files that only the new report uses come first, under names of their own; then claims.json, the pages and the archive of
    counterexamples to mutants are replaced, all at the same moment (together.py); then what only the old report used goes,
    and what is in the archive now. A kill on the way leaves the old report or the new one, with all the files that it refers to.
    """
    from properties.engine.report.html import pages  # which needs an extra

    record = _record(directory / CLAIMS)
    if record is not None and "environment" in record:
        kept = [*remembered(record), *document.history]
        document = replace(document, history=kept[-KEPT:])
    new = pages(document) if presented is None else pages(document, presented())
    earlier, replaced = _belongings(directory), set(_pages(directory))
    replaced |= {MUTANTS} if _is_our_archive(directory) else set()
    new.write_data(directory)
    of_mutants = _counterexamples(document.mutants.values())
    archive = gathered(directory / name for name in of_mutants)
    contents = {name: encodable(text) for name, text in {CLAIMS: document.text(), **new.texts}.items()}
    contents |= {MUTANTS: packed(archive)} if archive else {}
    write_together(directory, contents, replaced)
    (directory / PARTIAL).unlink(missing_ok=True)
    for name in replaced - contents.keys():
        if name == MUTANTS or _is_ours(directory, directory / name):
            (directory / name).unlink(missing_ok=True)
    for name in (earlier | of_mutants) - new.belongings:
        remove = remove_table if TABLE.fullmatch(name) else remove_counterexample
        with contextlib.suppress(OSError):
            remove(directory / name)


def _pages(directory: Path) -> frozenset[str]:
    """The pages of the report that is there now, below index.html."""
    shown = _text(directory / INDEX)
    return frozenset([STYLE, *PAGE_LINK.findall(shown)] if PAGE_MARK in shown else ())


def _counterexamples(mutants: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The files that entries of mutants name."""
    named = (mutant.get("counterexample") for mutant in mutants)
    return frozenset(name for name in named if isinstance(name, str) and COUNTEREXAMPLE.fullmatch(name))


def _belongings(directory: Path) -> frozenset[str]:
    """What the report that is there now has beside it: its tables of data, and counterexamples to mutants that are in no archive.

    Those are made again by a run. Counterexamples to claims are no belongings, nor is anything that a report does not name;
    what was changed since it was written is not removed.
    """
    texts = [_text(directory / name) for name in (INDEX, *_pages(directory))]
    tables = [table for text in texts if PAGE_MARK in text for table in TABLE_LINK.findall(text)]
    record = _record(directory / CLAIMS)
    return frozenset(tables) | _counterexamples(record["mutants"] if record else ())


def _is_in_the_way(path: Path) -> bool:
    """Whether there is something where a directory is to be."""
    return path.exists() and not path.is_dir()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _record(path: Path) -> dict[str, Any] | None:
    """The content of a claims.json of ours; None for anything else."""
    try:
        content = json.loads(_text(path))
        ours = isinstance(content["schema"], int) and isinstance(content["claims"], list)
        return content if ours and all("id" in mutant for mutant in content["mutants"]) else None
    except (ValueError, KeyError, TypeError):
        return None
