"""Thousands of drawn files for the readers of data sets: numbers or one line, no traceback, no warning, bounded memory."""

import resource

from tests.properties.reading.damaged_files import (
    any_tables,
    archives,
    check_any_table,
    check_archive,
    check_table,
    sweep,
    tables,
)

CASES = 2_500
KILOBYTES = 500_000
"""What a sweep may take beyond the process before; the files have some hundred bytes each."""


def grown(run: object) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert callable(run)
    run()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def test_tables_are_read_as_meant_or_refused() -> None:
    assert grown(sweep(tables(), CASES)(check_table)) < KILOBYTES


def test_any_table() -> None:
    assert grown(sweep(any_tables(), CASES)(check_any_table)) < KILOBYTES


def test_any_archive() -> None:
    assert grown(sweep(archives(), CASES)(check_archive)) < KILOBYTES
