"""The text of a table's file: its encoding, its comments, what separates its columns, and its lines as lists of cells.

A byte order mark says the encoding; without one it is UTF-8. Commas are tried first; where they give no table, CleverCSV's
detection decides, and what it found is said in a remark.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from properties.engine.extras import Extra, missing_from, require_extra
from theory.errors import DataFileError

MOST_BYTES = 2**31
"""Larger files are refused: their numbers and the copies that a certificate makes would not fit into most memories."""

LINE_END = "\n"

SAMPLE_LINES = 40
SAMPLE_LINE = 4_000
"""The separator is detected on so many lines, and so many characters of each."""

BYTE_ORDER_MARKS: Sequence[tuple[bytes, str]] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

FORMATS: Sequence[tuple[bytes, str, str]] = (
    (b"\x1f\x8b", "compressed by gzip", "unpack it (gunzip)"),
    (b"BZh", "compressed by bzip2", "unpack it (bunzip2)"),
    (b"\xfd7zXZ", "compressed by xz", "unpack it (unxz)"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it (unzstd)"),
    (
        b"PK\x03\x04",
        "a zip archive, as Excel's .xlsx and NumPy's .npz are",
        "save it as .csv, or name it .npz if it is one",
    ),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save it as .csv"),
    (b"\x93NUMPY", "an array of NumPy", "write numpy.savez('mine.npz', X=X, y=y) and give that file"),
    (b"PAR1", "a Parquet file", "write it with pandas' to_csv(path, index=False)"),
    (b"\x89HDF", "an HDF5 file", "write numpy.savez('mine.npz', X=X, y=y) and give that file"),
    (b"SQLite format 3", "an SQLite database", "export the table as .csv"),
    (b"%PDF", "a PDF document", "export the table as .csv"),
)
"""How files begin that are no text, what they are, and what to do."""

SEPARATORS: Mapping[str, str] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
"""The separators of columns that are read, and their names."""

DECLARATION = re.compile(r'"?sep=([,;\t| ])"?[ \t]*(?=\r|\n|$)', re.IGNORECASE)

NOT_COMMAS = re.compile(r"[;\t|]|\d +[-+.]?\d")
"""What stands between columns that something else than commas separates: semicolons, tabs, bars, or blanks between numbers."""

OTHER_SEPARATORS = ":^~&!/"
"""Separators that are named, not read."""

EAST_ASIAN = ("big5", "cp932", "cp949", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "shift_jis")
"""Encodings that detection tells from Western ones; among those it guesses, so that the Western one of Windows is shown."""


@dataclass(frozen=True)
class Dialect:
    """What separates columns, and what stands around a cell that holds the separator."""

    separator: str = ","
    quote: str = '"'

    @property
    def name(self) -> str:
        """The separator in words."""
        return SEPARATORS.get(self.separator, repr(self.separator))


COMMAS = Dialect()


@dataclass(frozen=True)
class Line:
    """A line that is neither blank nor a comment: its number from 1, and its cells without the blanks around them."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Comment:
    """A line that begins with ``#``: its number from 1, and what follows."""

    number: int
    text: str


# --- bytes to text ---------------------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """The text of a file. Raises DataFileError (no text, another encoding, too large) and OSError."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataFileError(
            f"has {size:,} bytes, at most {MOST_BYTES:,} are read; keep some rows, networks see the first 500 at most"
        )
    content = path.read_bytes()
    for beginning, kind, remedy in FORMATS:
        if content.startswith(beginning):
            raise DataFileError(f"is {kind}, not a table in text; {remedy}")
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise DataFileError(
                f"begins like {encoding.upper()} text but is damaged at byte {error.start}; save it as UTF-8"
            ) from error
        raise DataFileError(_other_encoding(path, content, error.start)) from error
    place = text.find("\0")
    if place >= 0:
        wide = {2: "UTF-16", 3: "UTF-32"}.get(content[:4].count(0))
        if wide is not None and encoding == "utf-8":
            raise DataFileError(f"is not text in UTF-8 but looks like {wide} without a byte order mark; {_save(wide)}")
        raise DataFileError(
            f"holds the character NUL in line {text.count(LINE_END, 0, place) + 1}: it is no table in text"
        )
    return text


def _other_encoding(path: Path, content: bytes, start: int) -> str:
    """What to say of bytes that are not UTF-8: where, what they read as in the likeliest encoding, and how to convert."""
    encodings = ["cp1252"]
    if not missing_from(Extra.DATA):
        from clevercsv.encoding import get_encoding

        found = (get_encoding(str(path), try_cchardet=False) or "").lower()
        encodings += [found] if found in EAST_ASIAN else []  # short Western texts look like these too
    line = content.count(b"\n", 0, start) + 1
    first = max(content.rfind(b"\n", 0, start) + 1, start - 20)
    piece = content[first : start + 20].partition(b"\n")[0]
    readings = [f"as {one} it reads {piece.decode(one, errors='replace').strip()!r}" for one in encodings]
    return (
        f"is not text in UTF-8 (byte {start}, line {line}): {' and '.join(readings)}; if "
        f"{'that' if len(encodings) == 1 else 'the last'} is right, {_save(encodings[-1])}"
        + ("" if len(encodings) == 1 else ", and if the first is, with CP1252")
    )


def _save(encoding: str) -> str:
    return f"save it as UTF-8: iconv -f {encoding.upper()} -t UTF-8 OLD > NEW, or 'CSV UTF-8' in Excel's list of file types"


# --- text to cells ---------------------------------------------------------------------------------------------------


def comments_of(text: str) -> list[Comment]:
    """The lines that begin with ``#``, but for ``#`` as a column's name."""
    found = []
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if _is_comment(line):
            found.append(Comment(number, line.strip().lstrip("#").strip()))
    return found


def _is_comment(line: str) -> bool:
    return re.match(r"\s*#(?!\s*[,;|\t])", line) is not None


def _is_skipped(line: str) -> bool:
    return _is_comment(line) or DECLARATION.match(line) is not None


def lines_of(text: str, dialect: Dialect) -> Iterator[Line]:
    """The lines of the table. Raises DataFileError where a quotation does not end, or a cell is endless."""
    reader = csv.reader(
        _written(text, dialect),
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        skipinitialspace=True,
        strict=True,
    )
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if len(stripped) > 1 or any(stripped):
                yield Line(reader.line_num, stripped)
    except csv.Error as error:
        raise DataFileError(f"line {reader.line_num} is not one of a readable .csv table ({error})") from error


def _written(text: str, dialect: Dialect) -> Iterator[str]:
    """The lines as they are written, comments blank, so that lines keep their numbers; runs of blanks separate once."""
    for line in io.StringIO(text, newline=""):
        if _is_skipped(line):
            yield "\n"
        elif dialect.separator == " ":
            yield re.sub(r"[ \t]+", " ", line.strip())
        else:
            yield line


def blank_lines(text: str) -> list[int]:
    """The numbers of blank lines with others after them."""
    numbers, waiting = [], []
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if not line.strip():
            waiting.append(number)
        elif not _is_skipped(line):
            numbers += waiting
            waiting = []
    return numbers


def detected(text: str) -> Dialect | None:
    """The separator and the quotation mark that CleverCSV finds; None when it finds none, or a table of one column.

    Raises MissingExtraError without CleverCSV, but for a text that commas separate as far as can be seen: None.
    """
    if missing_from(Extra.DATA) and _seems_commas(text):
        return None
    require_extra(Extra.DATA, "it is no table with commas, and finding out its separator")
    from clevercsv import Detector
    from clevercsv.exceptions import NoDetectionResult

    sample = []
    for line in io.StringIO(text, newline=""):
        if line.strip() and not _is_skipped(line):
            sample.append(line.strip("\r\n")[:SAMPLE_LINE])
        if len(sample) == SAMPLE_LINES:
            break
    try:
        found = Detector().detect("\n".join(sample) + "\n")
    except NoDetectionResult:
        return None
    if found is None or not found.delimiter or found.delimiter not in (*SEPARATORS, *OTHER_SEPARATORS):
        return None
    return Dialect(found.delimiter, found.quotechar or COMMAS.quote)


def _seems_commas(text: str) -> bool:
    """Whether each line of the table has a comma, and nothing else that separates columns, so that no detection is needed."""
    lines = [line for line in io.StringIO(text, newline="") if line.strip() and not _is_skipped(line)]
    return all("," in line and NOT_COMMAS.search(line) is None for line in lines)


def declared(text: str) -> Dialect | None:
    """The separator that the first line declares as Excel does, ``sep=;``; None where it does not."""
    found = DECLARATION.match(text)
    return None if found is None else Dialect(found[1])


def all_quoted(text: str, number: int, dialect: Dialect) -> bool:
    """Whether every cell of a line stands in quotation marks."""
    line = next((line for place, line in enumerate(io.StringIO(text, newline=""), 1) if place == number), "")
    line = re.sub(" +", " ", line.strip())  # so that few ways to match are tried
    quote = re.escape(dialect.quote)
    cell = rf" ?{quote}[^{quote}]*{quote} ?"
    return re.fullmatch(rf"{cell}(?:{re.escape(dialect.separator)}{cell})*", line) is not None
