"""A report's directory from one whole state to the next: results so far apart, claims.json, then the page."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from properties.report.data_files import DIRECTORY, TABLE_NAME
from properties.report.document import Document
from properties.report.html import write_page

PARTIAL = "claims.partial.json"
"""The results of a run that has not come to its end."""


def write_partial(document: Document, directory: Path) -> None:
    """Keep the results so far beside the report, which stays as it was. Raises OSError."""
    document.write(directory, PARTIAL)


def publish(document: Document, directory: Path) -> None:
    """Replace the report in ``directory`` by the document's. Raises OSError.

    Files that only the new report uses come first, under names of their own; then claims.json is replaced, then
    index.html, each whole; then what only the old report used goes. A kill on the way leaves each of the two either
    old or new, with all the files that it refers to; the page tells which claims.json it was made from.
    """
    document.write(directory)
    kept = write_page(document, directory)
    (directory / PARTIAL).unlink(missing_ok=True)
    _prune(directory, kept)


def _prune(directory: Path, kept: Collection[str]) -> None:
    """Remove what only an earlier page used: tables of data, and counterexamples to mutants, which a run makes again.

    Counterexamples to claims stay, and so does everything that no run wrote.
    """
    tables = [path for path in (directory / DIRECTORY).glob("*.csv") if TABLE_NAME.fullmatch(path.name)]
    found = [path for path in (directory / "counterexamples").glob("*.json") if _is_of_a_mutant(path)]
    for path in (*tables, *found):
        if path.relative_to(directory).as_posix() not in kept:
            path.unlink(missing_ok=True)
            path.with_suffix(".npz").unlink(missing_ok=True)


def _is_of_a_mutant(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return "arrays" in content and "/" in content["claim"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
