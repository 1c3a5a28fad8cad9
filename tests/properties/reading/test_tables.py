"""Tables as pandas, R, Excel, NumPy and the UCI archive write them: each is read as it was meant, with what was decided said,
or refused with the remedy."""

import gzip
import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.reading.csv_table import CsvTable, read_csv
from properties.reading.datasets import load_dataset
from theory.errors import DataFileError, InputError, MissingColumnError, ShapeError

INDEX = "the first column has no name: its entries are taken for names of rows and left out"
PANDAS = "names of columns 0, 1, ... from the first line, as pandas writes them"


def read(directory: Path, content: str | bytes, target: str | None = None) -> CsvTable:
    path = directory / "mine.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_csv(path, target)


def same(table: CsvTable, rows: Any, target: int = -1) -> bool:
    """Whether a table holds these rows with the target in that column."""
    values = np.asarray(rows, dtype=float)
    others = np.delete(values, target % values.shape[1], axis=1)
    return np.array_equal(table.inputs, others) and np.array_equal(table.targets, values[:, target])


ROWS = [[0.5, -2.0, 1.0], [1.5, 3.25, 0.0], [2.25, 1e-3, 1.0]]


def written(rows: Any = ROWS, separator: str = ",", decimal: str = ".", end: str = "\n") -> str:
    return "".join(separator.join(f"{entry}".replace(".", decimal) for entry in row) + end for row in rows)


def indexed(text: str, start: int = 0, quote: str = "") -> str:
    return "".join(f"{quote}{start + i}{quote},{line}\n" for i, line in enumerate(text.splitlines()))


SAVETXT, SAVETXT_COMMAS = io.BytesIO(), io.BytesIO()
np.savetxt(SAVETXT, ROWS, header="a b y")
np.savetxt(SAVETXT_COMMAS, ROWS, header="a,b,y", delimiter=",", footer="made by hand")

READ: dict[str, tuple[str | bytes, tuple[str, ...], str]] = {
    "pandas": ("a,b,y\n" + written(), (), "column 'y'"),
    "pandas with an index": (",a,b,y\n" + indexed(written()), (INDEX,), "column 'y'"),
    "pandas with an index that was saved twice": ("Unnamed: 0,a,b,y\n" + indexed(written(), 7), (INDEX,), "column 'y'"),
    "pandas without names": ("0,1,2\n" + written(), (PANDAS,), "column '2'"),
    "pandas without names, with an index": (
        ",0,1,2\n" + indexed(written()), ("names of columns 0, 1, ... from the first line", INDEX), "column '2'",
    ),
    "pandas without header": (written(), (), "the last column"),
    "R's write.csv": ('"","a","b","y"\n' + indexed(written(), 1, '"'), (INDEX,), "column 'y'"),
    "R's write.csv, rows with names": ('"","a","b","y"\n' + indexed(written(), 1, '"').replace('"1"', '"Mazda, RX4"'), (INDEX,), "column 'y'"),
    "R's write.csv2": (
        '"";"a";"b";"y"\n' + "".join(f'"{i}";{line}\n' for i, line in enumerate(written(separator=";", decimal=",").splitlines(), 1)),
        ("columns separated by semicolons", "decimal commas read as points", INDEX), "column 'y'",
    ),
    "R's write.table": (
        '"a" "b" "y"\n' + "".join(f'"{i}" {line}\n' for i, line in enumerate(written(separator=" ").splitlines(), 1)),
        ("columns separated by blanks", INDEX), "column 'y'",
    ),
    "names that are numbers in quotes": (
        '"2001","2002","y"\n' + written(), ("names of columns from the first line, where every cell is quoted",), "column 'y'",
    ),
    "Excel in German": (
        "\ufeffBreite;Höhe;y\r\n" + written(separator=";", decimal=",", end="\r\n"),
        ("columns separated by semicolons", "decimal commas read as points"), "column 'y'",
    ),
    "Excel's Unicode text": (
        ("Breite\tHöhe\ty\r\n" + written(separator="\t", decimal=",", end="\r\n")).encode("utf-16"),
        ("columns separated by tabs", "decimal commas read as points"), "column 'y'",
    ),
    "Excel's declaration": ("sep=;\r\na;b;y\r\n" + written(separator=";", end="\r\n"), ("columns separated by semicolons",), "column 'y'"),
    "UTF-32": (("a,b,y\n" + written()).encode("utf-32"), (), "column 'y'"),
    "rows of empty cells at the end": ("a,b,y\n" + written() + ",,\n,,\n", ("2 rows of empty cells at the end left out",), "column 'y'"),
    "NumPy's savetxt": (
        SAVETXT.getvalue(), ("columns separated by blanks", "names of columns from the comment in line 1"), "column 'y'",
    ),
    "NumPy's savetxt with commas": (
        SAVETXT_COMMAS.getvalue(), ("1 line that begins with # skipped", "names of columns from the comment in line 1"), "column 'y'",
    ),
    "tabs": ("a\tb\ty\n" + written(separator="\t"), ("columns separated by tabs",), "column 'y'"),
    "bars": ("a|b|y\n" + written(separator="|"), ("columns separated by vertical bars",), "column 'y'"),
    "blanks in columns": (
        "".join("".join(f"{entry:>9}" for entry in row) + " \n" for row in ROWS), ("columns separated by blanks",), "the last column",
    ),
    "separators at the end": ("a,b,y,\n" + written(end=",\n"), ("the separator at the end of each line makes no column",), "column 'y'"),
    "separators at the end, not of the header": (
        "a,b,y\n" + written(end=",\n"), ("the separator at the end of each line makes no column",), "column 'y'",
    ),
    "quotes after blanks": ('"a", "b, c", "y"\n' + written(separator=", "), (), "column 'y'"),
    "single quotes": (
        "'a','b','y'\n" + "".join("'" + "','".join(map(str, row)) + "'\n" for row in ROWS), ("cells quoted by '",), "column 'y'",
    ),
    "carriage returns": ("a,b,y\r" + written(end="\r"), (), "column 'y'"),
    "blank lines and comments": (
        "# made\n\na,b,y\n" + written(ROWS[:1]) + "# by\n\n" + written(ROWS[1:]) + "\n# hand\n",
        ("3 lines that begin with # skipped", "2 blank lines skipped"), "column 'y'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_a_table_is_read_as_it_was_meant(kind: str, tmp_path: Path) -> None:
    content, remarks, target = READ[kind]
    table = read(tmp_path, content)
    assert same(table, ROWS)
    assert table.remarks == remarks
    assert table.target_name == target


REFUSED: dict[str, tuple[str | bytes, type[InputError], str]] = {
    "names or numbers": ("0,1,2\n4,5,6\n8,9,7\n", DataFileError, r"line 1 is 0, 1, ..., 2: the numbers that pandas writes .*header=False"),
    "an empty row": ("a,b,y\n1,2,3\n,,\n4,5,6\n", DataFileError, "line 3 has empty cells only; remove the line"),
    "another separator": ("a:b:y\n1:2:3\n4:5:6\n", DataFileError, "its columns seem to be separated by ':'; separate them by commas"),
    "one column": ("1.5\n2.5\n3.5\n", ShapeError, "the table has 1 column where it is split at commas"),
    "ragged rows": ("1,2,3\n4,5\n6,7,8\n", ShapeError, "line 2 has 2 cells, the first line has 3"),
    "a short header": ("a,b\n5,1,2\n7,3,4\n", ShapeError, "line 2 has 3 cells, the first line has 2"),
    "a short header and a value missing": ("a,b\n5,1,2\n7,3,\n", ShapeError, "line 2 has 3 cells, the first line has 2"),
    "ragged with semicolons": ("1;2;3\n4;5\n6;7;8\n", ShapeError, "line 2 has 2 cells, .*separated by semicolons, as detected"),
    "cp1252": ("Breite;Höhe;y\r\n1;2;3\r\n".encode("cp1252"), DataFileError, r"byte 8, line 1.: as cp1252 it reads 'Breite;Höhe;y'; .*iconv -f CP1252 -t UTF-8 .*Excel"),
    "Shift JIS": ("# 表の作り方は下の通りです。すべての長さはミリメートルで測りました。\n長さ,幅,目標\n1,2,3\n".encode("shift_jis"), DataFileError, "as cp1252 it reads .* and as (cp932|shift_jis) it reads '# 表の作り方は下の通り.*if the last is right.*"),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), DataFileError, "looks like UTF-16 without a byte order mark; save it as UTF-8"),
    "half of UTF-16": (b"\xff\xfea", DataFileError, "begins like UTF-16 text but is damaged"),
    "gzip": (gzip.compress(b"1,2\n"), DataFileError, r"is compressed by gzip, not a table in text; unpack it"),
    "Excel's workbook": (b"PK\x03\x04...", DataFileError, r"a zip archive, as Excel's .xlsx .*save it as .csv"),
    "commas alone": (",,\n,,\n", ShapeError, "the table is empty"),
    "thousands": ('a,b\n"1,234.5",2\n', DataFileError, r"line 2, column 1 \(a\) holds '1,234.5', thousands are set apart by commas; write it without"),
    "thousands or decimals": ("a;b;y\n1,234;2,345;3\n4,555;1,222;1\n", DataFileError, "holds '1,234', thousands .*separated by semicolons"),
    "decimal commas and points": ("a;b;y\n1.5;2,5;3\n1;2,5;3\n", DataFileError, "holds '2,5', decimals are set apart by a comma; write a point"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_table_that_leaves_it_open_is_refused(kind: str, tmp_path: Path) -> None:
    content, error, said = REFUSED[kind]
    with pytest.raises(error, match=said) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


CELLS = [
    ("NA", "a missing number; remove such rows"),
    ("?", "a missing number"),
    ("nan", "a missing number"),
    ("setosa", "no number; if these are names of classes, number them"),
    ("True", "a truth value; write 1 or 0"),
    ("1_000", "thousands are set apart; write 1234.5"),
    ("1\u00a0234", "thousands are set apart"),
    ("1 234,5", "thousands are set apart"),
    ('"1.234,5"', "thousands are set apart by points and decimals by a comma"),
    ("\u22122", "its minus is not the sign '-' of numbers in text"),
    ("(12)", "a number in parentheses"),
    ("12 %", "a share in per cent"),
    ("$5", "an amount of money"),
    ("0x1F", "a hexadecimal number"),
    ("1.5D+03", "its exponent is written as in Fortran"),
    ("1+2j", "a complex number"),
    ("2020-01-31", "a date or a time"),
    ("31.01.2020", "a date or a time"),
    ("5 cm", "a number with a unit"),
    ("5 # five", "text behind a number"),
    ("1e999", "no finite number of float64"),
    ("\u0661", "no number"),
    ("9" * 150 + "x", "no number"),
]


@pytest.mark.parametrize(("cell", "said"), CELLS)
def test_a_cell_that_holds_no_number_gets_its_remedy(cell: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"line 3, column 2 \(b\) holds .*{said}"):
        read(tmp_path, f"a,b,y\n1,2,3\n1,{cell},3\n".replace("1 234,5", '"1 234,5"'))


@pytest.mark.parametrize("cell", ["1.", ".5", "+5", "1e5", "-1E-5", "\u00a01234\u00a0", "9007199254740993"])
def test_what_is_a_number(cell: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"a,b\n{cell},2\n").inputs[0, 0] == float(cell)


@pytest.mark.parametrize("line", ["NA,NA", "True,False", "?,?"])
def test_cells_that_are_no_names_make_no_header(line: str, tmp_path: Path) -> None:
    """They would vanish as one."""
    with pytest.raises(DataFileError, match="line 1, column 1 holds"):
        read(tmp_path, f"{line}\n1,2\n3,4\n")


# --- targets ---------------------------------------------------------------------------------------------------------


def test_a_target_by_its_number_where_there_is_no_header(tmp_path: Path) -> None:
    assert same(read(tmp_path, written(), "1"), ROWS, 0)
    assert read(tmp_path, written(), "1").target_name == "column 1"
    assert same(read(tmp_path, written(), "3"), ROWS, 2)
    for wrong in ("0", "4", "-1", "y", "²", ""):
        with pytest.raises(MissingColumnError, match="has no header; give the column's number, 1 to 3"):
            read(tmp_path, written(), wrong)


def test_a_name_is_a_name_where_there_is_a_header(tmp_path: Path) -> None:
    assert same(read(tmp_path, "0,1,2\n" + written(), "0"), ROWS, 0)
    with pytest.raises(MissingColumnError, match="no column '1'; the columns are a, b, y"):
        read(tmp_path, "a,b,y\n" + written(), "1")
    with pytest.raises(MissingColumnError, match="no column ''; the columns are a, b, y"):
        read(tmp_path, ",a,b,y\n" + indexed(written()), "")


def test_wine_has_its_classes_first(tmp_path: Path) -> None:
    """As in the UCI archive: three classes in the first column, proline in the last."""
    from sklearn.datasets import load_wine

    data = load_wine()
    rows = np.column_stack([data.target + 1, data.data])
    text = written(rows)
    table = read(tmp_path, text)
    assert table.remarks == (
        "the target is the last column; column 1 has 3 values only: if it holds the classes, give --target=1",
    )
    assert read(tmp_path, text, "1").remarks == ()
    header = ",".join(["class", *data.feature_names]) + "\n"
    assert "give --target=class" in read(tmp_path, header + text).remarks[0]
    assert read(tmp_path, written(np.roll(rows, -1, axis=1))).remarks == ()


@pytest.mark.parametrize(
    ("count", "values", "remarked"),
    [(30, 10, True), (30, 11, False), (300, 20, True), (300, 21, False), (12, 4, True), (12, 5, False)],
)
def test_few_values_are_twenty_and_a_third_of_the_rows_at_most(
    count: int, values: int, remarked: bool, tmp_path: Path
) -> None:
    rows = [[i % values + 2, 0.5 + i * i, 0.25 + i] for i in range(count)]
    assert bool(read(tmp_path, "class,a,y\n" + written(rows)).remarks) is remarked


@pytest.mark.parametrize("start", [0, 1])
def test_an_index_with_a_name_is_remarked_on(start: int, tmp_path: Path) -> None:
    rows = [[start + i, 0.5 + i * i, i % 2] for i in range(5)]
    said = f"numbers the rows from {start} to {start + 4} and is taken as a feature; if it is an index, leave it out"
    assert read(tmp_path, "id,a,y\n" + written(rows)).remarks == (f"column 'id' {said}",)
    assert read(tmp_path, written(rows)).remarks == (f"column 1 {said}",)
    assert not read(tmp_path, "id,a,y\n" + written(rows), "id").remarks


def test_a_first_line_that_counts_is_remarked_on(tmp_path: Path) -> None:
    assert read(tmp_path, "1,2,3\n4,5,6\n").remarks == ("the first line, 1, 2, 3, is taken for a row of data",)
    assert read(tmp_path, "0,1\n1,0\n").remarks == ("the first line, 0, 1, is taken for a row of data",)


# --- files -----------------------------------------------------------------------------------------------------------


def test_remarks_reach_the_data_set(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("a b y\n1 2 3\n4 5 7\n")
    data = load_dataset(str(path))
    assert data.remarks == ("columns separated by blanks",)
    assert data.summary.endswith("rows normalised to unit Euclidean norm; columns separated by blanks")
    assert data.source == "read from .txt, target in column 'y'; rows normalised to unit Euclidean norm"


def test_what_is_no_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "null.csv").symlink_to("/dev/null")
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    for name in ("pipe.csv", "null.csv", "zero.npz"):
        with pytest.raises(DataFileError, match="is not a file"):
            load_dataset(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("mine.csv.gz", "unpack it first"), ("mine.xlsx", "save the sheet as .csv"), ("mine.npy", r"numpy.savez\(")],
)
def test_other_kinds_of_files_are_named_with_the_remedy(name: str, remedy: str) -> None:
    with pytest.raises(DataFileError, match=rf"unknown data set '{name}'; a \.\w+ file is not read, .*{remedy}"):
        load_dataset(name)


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(2**31 + 1)  # a hole: it takes no space
    with pytest.raises(DataFileError, match=r"has 2,147,483,649 bytes, at most 2,147,483,648 are read"):
        load_dataset(str(path))
