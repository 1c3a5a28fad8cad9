"""The numbers beside a figure, as CSV files whose names change with their content."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.engine.paths import encodable
from properties.engine.report.plain import DRAWN

DIRECTORY = "data"


@dataclass(frozen=True)
class Table:
    """Numbers beside a picture: headings, and rows of plain values."""

    headings: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class DataFile:
    """A file of the report: its path from index.html, and its text."""

    path: str
    text: str


def csv_file(name: str, table: Table) -> DataFile:
    """``data/NAME-DIGEST.csv``: floats to ``DRAWN`` significant digits, nothing where there is no value.

    The digest is of the content, so that a file of an earlier report is never overwritten with other numbers.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.headings)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    text = stream.getvalue()
    return DataFile(f"{DIRECTORY}/{name}-{_digest(encodable(text))}.csv", text)


def _cell(value: Any) -> Any:
    return float(f"{value:.{DRAWN}g}") if isinstance(value, float) else value


def remove_table(path: Path) -> None:
    """Remove a file of data, unless its content is not that which its name tells of. Raises OSError."""
    if path.is_file() and path.stem.endswith(f"-{_digest(path.read_bytes())}"):
        path.unlink()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
