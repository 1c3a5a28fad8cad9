"""The numbers beside a figure, as CSV files whose names change with their content."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    """``data/NAME-DIGEST.csv``: floats with every digit, nothing where there is no value.

    The digest is of the content, so that a file of an earlier report is never overwritten with other numbers.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.headings)
    writer.writerows(table.rows)
    text = stream.getvalue()
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
    return DataFile(f"{DIRECTORY}/{name}-{digest}.csv", text)
