"""Files of the report: whole or as before, data beside the figures."""

import os
from pathlib import Path
from typing import IO

import pytest

from properties.engine.report.atomic import write_atomically, write_text_atomically
from properties.engine.report.data_files import Table, csv_file
from properties.engine.report.html import Pages


def test_a_file_is_whole_or_as_before(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text_atomically(path, "ünchanged")

    def interrupted(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupted)
    assert path.read_text(encoding="utf-8") == "ünchanged"
    assert os.listdir(path.parent) == ["file.txt"]


def test_without_counterexamples_none_is_named(sample_pages: Pages) -> None:
    assert sample_pages.counterexamples == ()


def test_the_files_of_the_pages_are_named(full_pages: Pages, tmp_path: Path) -> None:
    full_pages.write_data(tmp_path)
    on_disk = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {one.path for one in full_pages.data} == on_disk
    examples = {"counterexamples/N-refuted.json", "counterexamples/mutants.tar.gz"}
    assert full_pages.belongings == on_disk | examples | full_pages.texts.keys()
    assert all(one.path in full_pages.text for one in full_pages.data)


def test_a_data_file_is_never_overwritten_with_other_numbers(tmp_path: Path) -> None:
    table = Table(("k", "residual"), [(0, 1.0), (1, 0.1 + 0.2), (2, None)])
    one = csv_file("residuals", table)
    assert one.path.startswith("data/residuals-")
    assert one.path.endswith(".csv")
    assert len(one.path) == len("data/residuals-.csv") + 8
    assert one.text == "k,residual\n0,1.0\n1,0.3\n2,\n"
    assert one == csv_file("residuals", table)
    assert one.path != csv_file("residuals", Table(("k", "residual"), [(0, 1.0)])).path
