"""A sample of the sweeps in tests/deep/test_reader_sweeps.py, and that they can fail."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from properties.reading import csv_table, datasets, npz_arrays, table_header
from properties.reading.datasets import Dataset
from tests.properties.reading.damaged_files import (
    Written,
    any_tables,
    archives,
    check_any_table,
    check_archive,
    check_table,
    judged,
    sweep,
    tables,
)
from tests.properties.reading.npz_files import archive, npy

CASES = 40


def test_tables_are_read_as_meant_or_refused() -> None:
    sweep(tables(), CASES)(check_table)()


def test_any_table() -> None:
    sweep(any_tables(), CASES)(check_any_table)()


def test_any_archive() -> None:
    sweep(archives(), CASES)(check_archive)()


def test_a_sweep_reads_some_files_and_refuses_others() -> None:
    """Or its checks would say nothing."""
    found: dict[str, list[bool]] = {"tables": [], "archives": []}

    def count(kind: str, ending: str) -> Callable[[Any], None]:
        return lambda drawn: found[kind].append(isinstance(judged(getattr(drawn, "content", drawn), ending), Dataset))

    sweep(tables(), CASES)(count("tables", ".csv"))()
    sweep(archives(), CASES)(count("archives", ".npz"))()
    assert 0.4 < np.mean(found["tables"]) < 1
    assert 0.05 < np.mean(found["archives"]) < 0.95


@pytest.mark.parametrize(
    "rows",
    [((1.0, 2.0), (3.0, 5.0)), ((1.0, 2.0),), ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), ((0.0, 1.0, 2.0), (1.0, 3.0, 4.0))],
)
def test_a_misreading_is_seen(rows: tuple[tuple[float, ...], ...]) -> None:
    content = b"a,b\n1,2\n3,4\n"
    check_table(Written(content, ((1.0, 2.0), (3.0, 4.0)), index=False))
    with pytest.raises((AssertionError, ValueError)):
        check_table(Written(content, rows, index=False))


def test_a_reader_that_takes_numbers_of_columns_for_data_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"0,1,2\n0.5,1.5,2.5\n1.5,0.5,1.25\n"
    drawn = Written(content, ((0.5, 1.5, 2.5), (1.5, 0.5, 1.25)), index=False)
    check_table(drawn)
    monkeypatch.setattr(table_header, "_first_line", lambda text, lines, dialect: None)
    monkeypatch.setattr(table_header, "_doubtful", lambda cells: ())
    with pytest.raises(AssertionError):
        check_table(drawn)


def test_a_reader_that_drops_empty_rows_or_keeps_an_index_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Written(b"0,5,1.5\n1,4,2.5\n2,7,0.5\n", ((5.0, 1.5), (4.0, 2.5), (7.0, 0.5)), index=True)
    check_table(drawn)
    monkeypatch.setattr(csv_table, "_counts_rows", lambda *arguments: [])
    with pytest.raises(AssertionError):
        check_table(drawn)


@pytest.mark.parametrize("error", [KeyError("X"), ValueError("two\nlines"), MemoryError()])
def test_what_is_no_complaint_of_ours_is_caught(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(npz_arrays, "_array", broken)
    with pytest.raises(type(error)):
        check_archive(archive([("X.npy", npy(np.eye(2))), ("y.npy", npy(np.ones(2)))]))


def test_a_warning_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    read = csv_table.read_csv

    def warns(*arguments: Any) -> Any:
        warnings.warn("read with care", UserWarning, stacklevel=1)
        return read(*arguments)

    monkeypatch.setattr(datasets, "read_csv", warns)
    with pytest.raises(UserWarning, match="read with care"):
        check_any_table(b"1,2\n")


def test_what_would_break_a_line_is_escaped() -> None:
    message = judged(b'a,"b\nc\x1b[31m",y\n1,2,NA\n', ".csv", "z")
    assert message == "mine: no column 'z'; the columns are a, b\\nc\\x1b[31m, y"
