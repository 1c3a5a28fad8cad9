"""Cells of a table: the number that one holds, or what to do about one that holds none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

DECIMAL_COMMA = re.compile(r"[+-]?(\d*),(\d+)([eE][+-]?\d+)?")

MISSING = ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "missing", "?", "-", "--", ".", "*", "nat")
"""How tables say, in small letters, that a number is missing."""

TRUTH = ("true", "false", "yes", "no")

KINDS: Sequence[tuple[str, str]] = (
    (r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", "thousands are set apart by commas; write it without, as pandas.read_csv(thousands=',') reads it"),
    (r"[+-]?\d{1,3}([ '’_\u00a0\u202f]\d{3})+([.,]\d+)?", "thousands are set apart; write 1234.5, without marks between the digits"),
    (r"[+-]?\d{1,3}(\.\d{3})+,\d+", "thousands are set apart by points and decimals by a comma; write 1234.5"),
    (r"[+-]?\d*,\d+([eE][+-]?\d+)?", "decimals are set apart by a comma; write a point"),
    (r"[\u2010-\u2015\u2212\ufe63\uff0d].*\d.*", "its minus is not the sign '-' of numbers in text; replace it"),
    (r"\(\d.*\)", "a number in parentheses; write it with the sign '-'"),
    (r".*\d\s*%", "a share in per cent; write it as a number without '%'"),
    (r"[^#]*\d[^#]*#.*", "text behind a number; remove it"),
    (r"[$€£¥]\s*[+-]?\d.*|[+-]?\d.*[$€£¥]", "an amount of money; write the number alone"),
    (r"[+-]?0[xX][0-9a-fA-F.]+([pP][+-]?\d+)?", "a hexadecimal number; write it in decimals"),
    (r"[+-]?[\d.]+[dD][+-]?\d+", "its exponent is written as in Fortran; write 'e'"),
    (r"[+-]?[\d.]+([eE][+-]?\d+)?[+-][\d.]*([eE][+-]?\d+)?[ij]", "a complex number; write real and imaginary part as columns"),
    (r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*|\d{1,2}:\d{2}.*", "a date or a time; write it as a number, of days say"),
    (r"[+-]?[\d.]+([eE][+-]?\d+)?\s*[^\W\d_]+[\w/²³]*", "a number with a unit; write the number alone"),
)  # fmt: skip
"""Patterns of cells, and what each is with its remedy."""

KINDS_COMPILED = tuple((re.compile(pattern), remedy) for pattern, remedy in KINDS)

LARGEST_EXPONENT = 400
"""Powers of 10 up to which numbers are taken digit by digit: beyond those of float64, short of what fills the memory."""

LONGEST = 100
"""Longer cells are not looked at for a number in another form."""

CLASSES = (
    "if these are names of classes, number them (0, 1, ...), as sklearn.preprocessing.OrdinalEncoder does or "
    "pandas' .astype('category').cat.codes"
)


def number(cell: str) -> float | None:
    """The number in a cell, infinite or NaN where it says so; None where it holds none. Digits are those of ASCII."""
    if "_" in cell or not cell.isascii():  # float() would read 1_000 and the digits of every script
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def exact_number(cell: str) -> Fraction:
    """The number that the digits of a cell are, for a cell whose ``number`` is finite; its float64 where the exponent is enormous."""
    written = Decimal(cell)
    return Fraction(written) if abs(written.adjusted()) <= LARGEST_EXPONENT else Fraction(float(cell))


def is_missing(cell: str) -> bool:
    """Whether a cell says that its number is missing."""
    return cell.lower() in MISSING


def no_name(cell: str) -> bool:
    """Whether a cell in the first line cannot be the name of a column: a missing number or a truth value."""
    return bool(cell) and (is_missing(cell) or cell.lower() in TRUTH[:2])


def remedy(cell: str) -> str:
    """What a cell is that holds no finite number, and what to do."""
    if is_missing(cell):
        return "a missing number; remove such rows, or put the column's mean there"
    if number(cell) is not None:
        return "no finite number of float64; remove such rows"
    if cell.lower() in TRUTH:
        return "a truth value; write 1 or 0"
    kinds = KINDS_COMPILED if len(cell) <= LONGEST else ()
    return next((what for pattern, what in kinds if pattern.fullmatch(cell)), f"no number; {CLASSES}")


def decimal_commas(cells: Sequence[str]) -> bool:
    """Whether the commas in cells without any other number's mark can only be those before decimals.

    They can where no cell has a point beside them, every one of these cells is a number with one comma, and not all have just
    three digits after it and at most three before it, as thousands would.
    """
    with_comma = [found for cell in cells if "," in cell and (found := DECIMAL_COMMA.fullmatch(cell))]
    others = [
        cell
        for cell in cells
        if ("," in cell and not DECIMAL_COMMA.fullmatch(cell)) or (number(cell) is not None and "." in cell)
    ]
    return bool(with_comma) and not others and any(_of_decimals(*found.group(1, 2)) for found in with_comma)


def _of_decimals(whole: str, fraction: str) -> bool:
    return len(fraction) != 3 or whole in ("", "0") or len(whole) > 3
