"""Tables of numbers in text with an optional header; complaints name the line and the column, remarks what was decided.

What a table says by itself is read; what it leaves open is refused, or read and remarked on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from properties.reading.table_cells import decimal_commas, exact_number, number, remedy
from properties.reading.table_header import Header, header_of
from properties.reading.table_text import (
    COMMAS,
    SEPARATORS,
    Comment,
    Dialect,
    Line,
    blank_lines,
    comments_of,
    declared,
    detected,
    lines_of,
    read_text,
)
from theory.entries import GivenArray, changed_entries
from theory.errors import DataFileError, MissingColumnError, NotFiniteError, ShapeError
from theory.inputs import FloatArray

FEW_VALUES = 20
"""A first column with so many values at most may hold classes."""

FEWEST_ROWS = 10
"""Shorter tables are not judged by their values."""

MOST_EXACT = 2**19
"""Larger tables are taken as float64 reads them: number by number, digits take a hundred times the memory."""

COUNTING_ROWS = 3
"""A column that counts this many rows numbers them, it seems."""


@dataclass(frozen=True)
class CsvTable:
    """``inputs`` (n, d), ``targets`` (n,), which column the targets came from, and what else the reader should know."""

    inputs: FloatArray
    targets: FloatArray
    target_name: str
    remarks: tuple[str, ...] = ()
    exact_inputs: GivenArray | None = None
    """The inputs digit by digit, where float64 has roundings of some; None too beyond ``MOST_EXACT`` cells."""


def read_csv(path: Path, target: str | None) -> CsvTable:
    """Read a table; the target is the last column, or the one that ``target`` names, or numbers from 1 where no header is.

    Columns are separated by commas, or by what CleverCSV detects. The first line is a header when none of its cells is a
    number, or when it numbers the columns as pandas does for columns without names. Blank lines and lines that begin with ``#``
    are skipped; a first column that the header leaves without a name holds names of rows, and is left out.
    Raises DataFileError (unreadable, or a cell that is not a number), NotFiniteError, ShapeError, MissingColumnError,
    OSError.
    """
    text = read_text(path)
    if not text.strip():
        raise ShapeError("the table is empty; give a row of numbers for each datum, the target in a column of its own")
    if (said := declared(text)) is not None:
        return _table(text, said, target)
    try:
        return _table(text, COMMAS, target)
    except (DataFileError, ShapeError, NotFiniteError) as error:
        found = None if isinstance(error, MissingColumnError) else detected(text)
        if found is None or found == COMMAS:
            raise
        if found.separator not in SEPARATORS:
            raise DataFileError(
                f"its columns seem to be separated by {found.separator!r}; separate them by commas ({error})"
            ) from error
    try:
        table = _table(text, found, target)
    except (DataFileError, ShapeError, NotFiniteError) as error:
        raise type(error)(f"{error} (columns separated by {found.name}, as detected)") from error
    return table


def _table(text: str, dialect: Dialect, target: str | None) -> CsvTable:
    """The table in one dialect."""
    comments = comments_of(text)
    lines, remarks = _without_empty_ends(list(lines_of(text, dialect)))
    if not lines:
        raise ShapeError("the table is empty; give a row of numbers for each datum, the target in a column of its own")
    header = header_of(text, lines, comments, dialect)
    rows = lines[header.lines :]
    if not rows:
        raise ShapeError("the table has a header but no rows; give a row of numbers for each datum below it")
    names = header.names
    if header.names_of_rows:
        rows = [Line(row.number, row.cells[1:]) for row in rows]
        names = None if names is None else names[1:]
    width = len(rows[0].cells)
    if width < 2:
        raise ShapeError(
            "the table has 1 column where it is split at commas; it needs at least one feature column and the target, comma-separated"
        )
    column = _target_column(names, target, width)
    commas = dialect.separator != "," and decimal_commas([cell for row in rows for cell in row.cells])
    shift = 1 + header.names_of_rows
    values = np.array([_numbers(row, names, shift, commas, header) for row in rows])
    exact = _exact(rows, commas, values)
    label = f"column {column + shift}" if target is not None else "the last column"
    name = label if names is None else f"column {names[column]!r}"
    inputs, targets = np.delete(values, column, axis=1), values[:, column].copy()
    remarks = [
        *([] if dialect.separator == "," else [f"columns separated by {dialect.name}"]),
        *([] if dialect.quote == COMMAS.quote else [f"cells quoted by {dialect.quote}"]),
        *(["decimal commas read as points"] if commas else []),
        *_skipped(text, comments, header),
        *remarks,
        *header.remarks,
        *_counts_rows(values, names, column, shift),
        *(_other_target(values, names, name, shift) if target is None else []),
        *([TOO_LARGE] if values.size > MOST_EXACT else []),
    ]
    return CsvTable(inputs, targets, name, tuple(remarks), None if exact is None else np.delete(exact, column, axis=1))


TOO_LARGE = "which rows are parallel is decided on the cells rounded to float64"


def _exact(rows: Sequence[Line], commas: bool, values: FloatArray) -> GivenArray | None:
    """The cells digit by digit, shape (n, d + 1); None where that is what float64 has, and for large tables."""
    if values.size > MOST_EXACT:
        return None
    digits = np.array(
        [[exact_number(cell.replace(",", ".") if commas else cell) for cell in row.cells] for row in rows]
    )
    return digits if changed_entries(digits, values).any() else None


def _without_empty_ends(lines: list[Line]) -> tuple[list[Line], list[str]]:
    """The lines without a last column that is empty in each, and without empty ones at the end, and what was left out.

    Raises DataFileError for an empty row among others.
    """
    remarks = []
    last = max((place for place, line in enumerate(lines, 1) if any(line.cells)), default=0)
    if left_out := len(lines) - last:
        what = "row of empty cells" if left_out == 1 else "rows of empty cells"
        remarks.append(f"{left_out} {what} at the end left out")
    lines = lines[:last]
    empty = next((line.number for line in lines if not any(line.cells)), None)
    if empty is not None:
        raise DataFileError(f"line {empty} has empty cells only; remove the line, or put numbers there")
    ends = [len(line.cells) > 1 and not line.cells[-1] for line in lines]
    bare = len(lines) > 1 and all(ends[1:]) and len(lines[0].cells) == len(lines[1].cells) - 1  # a header without it
    if lines and (all(ends) or bare):
        remarks.append("the separator at the end of each line makes no column")
        lines = [*lines[:bare], *(Line(line.number, line.cells[:-1]) for line in lines[bare:])]
    return lines, remarks


def _skipped(text: str, comments: Sequence[Comment], header: Header) -> list[str]:
    """How many comments and blank lines between others were skipped."""
    remarks = []
    counts = (
        (len([one for one in comments if one.number != header.comment]), "line that begins with #", "lines that begin with #"),
        (len(blank_lines(text)), "blank line", "blank lines"),
    )  # fmt: skip
    for count, one, more in counts:
        if count:
            remarks.append(f"{count} {one if count == 1 else more} skipped")
    return remarks


def _target_column(names: Sequence[str] | None, target: str | None, width: int) -> int:
    if target is None:
        return width - 1
    if names is None:
        if not (target.isascii() and target.isdigit() and 1 <= int(target) <= width):
            raise MissingColumnError(
                f"no column {target!r}: the table has no header; give the column's number, 1 to {width}, or leave the "
                f"choice out for the last one"
            )
        return int(target) - 1
    if target not in names:
        raise MissingColumnError(f"no column {target!r}; the columns are {', '.join(names)}")
    if list(names).count(target) > 1:
        raise MissingColumnError(f"{list(names).count(target)} columns are named {target!r}; rename all but one")
    return list(names).index(target)


def _numbers(row: Line, names: Sequence[str] | None, shift: int, commas: bool, header: Header) -> list[float]:
    numbers = []
    for index, cell in enumerate(row.cells):
        value = number(cell.replace(",", ".") if commas else cell)
        if value is None or not math.isfinite(value):
            where = f"line {row.number}, column {index + shift}" + ("" if names is None else f" ({names[index]})")
            shown = repr(cell if len(cell) <= 40 else f"{cell[:37]}...")
            what = f"holds {shown}, {remedy(cell)}" if cell else f"is empty: {remedy(cell)}"
            if value is not None:
                raise NotFiniteError(f"{where} {what}")
            if header.lines == 0 and row is header.first:
                what += "; if this line is a header, no name in it may be a number"
            raise DataFileError(f"{where} {what}")
        numbers.append(value)
    return numbers


# --- what the values suggest -----------------------------------------------------------------------------------------


def _called(names: Sequence[str] | None, index: int, shift: int) -> str:
    return f"column {index + shift}" if names is None else f"column {names[index]!r}"


def _counts_rows(values: FloatArray, names: Sequence[str] | None, target: int, shift: int) -> list[str]:
    """A remark on a feature that is 0, 1, 2, ... or 1, 2, 3, ... down the rows, as an index is."""
    count = len(values)
    if count < COUNTING_ROWS:
        return []
    return [
        f"{_called(names, index, shift)} numbers the rows from {start} to {start + count - 1} and is taken as a feature; if it "
        f"is an index, leave it out"
        for index in range(values.shape[1])
        for start in (0, 1)
        if index != target and values[0, index] == start and (values[:, index] == np.arange(start, start + count)).all()
    ]


def _other_target(values: FloatArray, names: Sequence[str] | None, taken: str, shift: int) -> list[str]:
    """A remark where the first column looks like classes, and the last one, which is taken, like a measurement."""
    first, last = (np.unique(values[:, column]) for column in (0, -1))
    count = len(values)
    few = min(FEW_VALUES, count // 3)
    if (
        count < FEWEST_ROWS
        or not 2 <= len(first) <= few
        or (first != np.round(first)).any()
        or len(last) <= 3 * few / 2
    ):
        return []
    choice = shift if names is None else names[0]
    what = f"the target is {taken}; {_called(names, 0, shift)} has {len(first)} values only"
    return [f"{what}: if it holds the classes, give --target={choice}"]
