"""The names of a table's columns: in its first line, in the comment above it, or none; and a first column that names rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from properties.reading.table_cells import no_name, number
from properties.reading.table_text import Comment, Dialect, Line, all_quoted, lines_of
from theory.errors import DataFileError, ShapeError

UNNAMED = ("", "unnamed: 0")
"""How the column of an index is called, in small letters."""

SURE_COLUMNS = 3
"""From so many columns on, a first line 0, 1, 2, ... is taken for numbers of columns, or refused."""


@dataclass(frozen=True)
class Header:
    """The columns' names, what was decided, and how many lines they take."""

    names: Sequence[str] | None
    lines: int
    first: Line
    """The first line of the table."""
    names_of_rows: bool = False
    """Whether the first column holds names of rows."""
    comment: int = 0
    """The number of the line that is a comment and holds the names; 0 where they are in none."""
    remarks: tuple[str, ...] = ()


def header_of(text: str, lines: Sequence[Line], comments: Sequence[Comment], dialect: Dialect) -> Header:
    """The header of a table; checks that its lines are of one length.

    Raises ShapeError (lines of different lengths), DataFileError (a column without a name, a first line that may be either).
    """
    first = lines[0]
    cells = first.cells
    header = _first_line(text, lines, dialect)
    if header is None:
        _same_lengths(lines)
        above = [one for one in comments if one.number == first.number - 1]
        named = _cells(above[0].text, dialect) if above else []
        if len(named) == len(cells) and _are_names(named):
            remark = f"names of columns from the comment in line {above[0].number}"
            return Header(named, 0, first, comment=above[0].number, remarks=(remark,))
        return Header(None, 0, first, remarks=_doubtful(cells))
    names, remarks = header
    rest = lines[1:]
    if rest and len(names) > 1 and _name_rows(rest, len(names) + 1):
        names = ["", *names]
    elif rest:
        _same_lengths(lines)
    unnamed = len(names) > 1 and names[0].lower() in UNNAMED
    if "" in names[unnamed:]:
        place = names.index("", int(unnamed)) + 1
        raise DataFileError(f"column {place} of the header has no name; name it, or remove the column")
    if unnamed:
        remarks = [*remarks, "the first column has no name: its entries are taken for names of rows and left out"]
    return Header(names, 1, first, names_of_rows=unnamed, remarks=tuple(remarks))


def _name_rows(rows: Sequence[Line], width: int) -> bool:
    """Whether each row begins with its name, for which R's write.table puts nothing into the header."""
    if any(len(row.cells) != width for row in rows):
        return False
    entries = [row.cells[0] for row in rows]
    counting = any(entries == [str(place) for place in range(start, start + len(rows))] for start in (0, 1))
    return counting or (len(set(entries)) == len(entries) and all(number(entry) is None for entry in entries))


def _same_lengths(lines: Sequence[Line]) -> None:
    width = len(lines[0].cells)
    for line in lines:
        if len(line.cells) != width:
            raise ShapeError(f"line {line.number} has {len(line.cells)} cells, the first line has {width}")


def _cells(text: str, dialect: Dialect) -> list[str]:
    return next((line.cells for line in lines_of(text, dialect)), [])


def _are_names(cells: Sequence[str]) -> bool:
    return any(cells) and not any(number(cell) is not None or no_name(cell) for cell in cells)


def _first_line(text: str, lines: Sequence[Line], dialect: Dialect) -> tuple[list[str], list[str]] | None:
    """The names in the first line and remarks, None when it is a row of numbers. Raises DataFileError when it may be either."""
    first, rest = lines[0], lines[1:]
    cells = list(first.cells)
    if _are_names(cells):
        return cells, []
    width = len(cells)
    counted = [str(index) for index in range(width)]
    if not cells[0] and width > 1 and _counting_then_names(cells[1:]):
        return cells, ["names of columns 0, 1, ... from the first line"]
    if not rest:
        return None
    quoted = all_quoted(text, first.number, dialect)
    if quoted and not any(all_quoted(text, line.number, dialect) for line in rest[:2]):
        return cells, ["names of columns from the first line, where every cell is quoted"]
    return _numbers_of_columns(cells, rest) if cells == counted else None


def _counting_then_names(cells: Sequence[str]) -> bool:
    """Whether they are 0, 1, ..., as pandas names columns that have no names, and then nothing but names, if anything."""
    counting = next((place for place, cell in enumerate(cells) if cell != str(place)), len(cells))
    return counting > 0 and (counting == len(cells) or _are_names(cells[counting:]))


def _numbers_of_columns(cells: list[str], rest: Sequence[Line]) -> tuple[list[str], list[str]] | None:
    """What a first line 0, 1, 2, ... is: pandas writes it above columns without names, and a column of floats with points.

    So where all other cells of a column have a point or an exponent, the whole number above them is no entry of it.
    """
    others = [line.cells for line in rest]
    if all(len(line) == len(cells) for line in others):
        columns = list(zip(*others, strict=True))
        if any(all(set(cell) & set(".eEn") for cell in column) for column in columns):
            return cells, ["names of columns 0, 1, ... from the first line, as pandas writes them"]
    if len(cells) < SURE_COLUMNS:
        return None
    raise DataFileError(
        f"line 1 is 0, 1, ..., {len(cells) - 1}: the numbers that pandas writes for columns without names, or a row of data; "
        f"write the table with to_csv(path, index=False, header=False), or put a line with names of columns above it"
    )


def _doubtful(cells: Sequence[str]) -> tuple[str, ...]:
    """A remark on a first line that counts, where it is read as a row."""
    for start in (0, 1):
        if list(cells) == [str(index) for index in range(start, start + len(cells))]:
            return (
                f"the first line, {', '.join(cells[:4])}{', ...' if len(cells) > 4 else ''}, is taken for a row of data",
            )
    return ()
