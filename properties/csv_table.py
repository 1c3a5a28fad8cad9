"""Comma-separated tables of numbers with an optional header; complaints name the line and the column."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from theory.errors import DataFileError, MissingColumnError, NotFiniteError, ShapeError
from theory.inputs import FloatArray


@dataclass(frozen=True)
class CsvTable:
    """``inputs`` (n, d), ``targets`` (n,), and which column the targets came from."""

    inputs: FloatArray
    targets: FloatArray
    target_name: str


def read_csv(path: Path, target: str | None) -> CsvTable:
    """Read a table; the target is the last column, or the one of the header named ``target``.

    The first line is a header when none of its cells is a number. Blank lines are skipped.
    Raises DataFileError (unreadable, or a cell that is not a number), NotFiniteError, ShapeError, MissingColumnError,
    OSError.
    """
    lines = _lines(path)
    if not lines:
        raise ShapeError("the table is empty")
    header = _header(lines[0][1])
    rows = lines if header is None else lines[1:]
    width = len(lines[0][1])
    if width < 2:
        raise ShapeError("the table has 1 column; it needs at least one feature column and the target, comma-separated")
    if not rows:
        raise ShapeError("the table has a header but no rows")
    column = _target_column(header, target, width)
    values = np.array([_numbers(line, cells, width, header) for line, cells in rows])
    name = "the last column" if header is None else f"column {header[column]!r}"
    return CsvTable(np.delete(values, column, axis=1), values[:, column].copy(), name)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Non-blank lines as (line number from 1, stripped cells)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            return [
                (reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))
            ]
    except UnicodeDecodeError as error:
        raise DataFileError(f"not text in UTF-8 (byte {error.start}); export it as comma-separated text") from error
    except csv.Error as error:
        raise DataFileError(f"not a readable .csv table ({error})") from error


def _parsed(cell: str) -> float | None:
    if "_" in cell:  # float() would read 1_000
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _header(cells: Sequence[str]) -> Sequence[str] | None:
    if any(_parsed(cell) is not None for cell in cells):
        return None
    if "" in cells:
        raise DataFileError(f"column {cells.index('') + 1} of the header has no name; name it, or remove the column")
    return cells


def _target_column(header: Sequence[str] | None, target: str | None, width: int) -> int:
    if target is None:
        return width - 1
    if header is None:
        raise MissingColumnError(f"no column {target!r}: the table has no header; the last column is taken without it")
    if target not in header:
        raise MissingColumnError(f"no column {target!r}; the columns are {', '.join(header)}")
    if list(header).count(target) > 1:
        raise MissingColumnError(f"{list(header).count(target)} columns are named {target!r}; rename all but one")
    return list(header).index(target)


def _numbers(line: int, cells: Sequence[str], width: int, header: Sequence[str] | None) -> list[float]:
    if len(cells) != width:
        raise ShapeError(f"line {line} has {len(cells)} cells, the first line has {width}")
    numbers = []
    for index, cell in enumerate(cells):
        where = f"line {line}, column {index + 1}" + ("" if header is None else f" ({header[index]})")
        value = _parsed(cell)
        if value is None:
            what = "is empty" if not cell else f"holds {cell!r}, which is not a number"
            if header is None and line == 1:
                what += "; if this line is a header, no name in it may be a number"
            raise DataFileError(f"{where} {what}")
        if not math.isfinite(value):
            raise NotFiniteError(f"{where} is {cell}; remove or impute such entries")
        numbers.append(value)
    return numbers
