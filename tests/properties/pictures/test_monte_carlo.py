"""Cells of drawn networks: the same whoever works on them, taken up from files, never from another cell's."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from properties.pictures import monte_carlo
from properties.pictures.monte_carlo import Cell, contractions, filled, lines, own_widths, phases
from theory.errors import StreamError
from theory.streaming.executors import SerialExecutor
from theory.theorems.tube_plan import tube_width

CELLS = [Cell(2, 16, 1.0, 3), Cell(2, 4000, 4.0, 3), Cell(3, 4000, 4.0, 2)]


def test_a_cell_is_the_same_whoever_works_on_it(tmp_path: Path) -> None:
    serial = dict(filled(CELLS, SerialExecutor(), tmp_path / "serial"))
    with ThreadPoolExecutor(2) as threads:
        assert dict(filled(CELLS[::-1], threads, tmp_path / "threads")) == serial
    assert [sum(mu is not None for mu in serial[cell]) for cell in CELLS] == [0, 3, 2]
    assert lines(serial)[0] == "n = 2, m = 16, nu = 1: 0 of 3 certified"
    assert lines(serial)[1].startswith("n = 2, m = 4000, nu = 4: 3 of 3 certified, median mu 0.0")


def test_cells_that_were_filled_are_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = dict(filled(CELLS[:2], SerialExecutor(), tmp_path))
    seen: list[Cell] = []

    def counting(cell: Cell) -> list[float | None]:
        seen.append(cell)
        return contractions(cell)

    monkeypatch.setattr(monte_carlo, "contractions", counting)
    found = dict(filled(CELLS, SerialExecutor(), tmp_path))
    assert seen == CELLS[2:]
    assert {cell: found[cell] for cell in CELLS[:2]} == first


def test_the_file_of_another_cell_is_caught(tmp_path: Path) -> None:
    dict(filled(CELLS[:1], SerialExecutor(), tmp_path))
    shutil.copy(tmp_path / CELLS[0].name, tmp_path / CELLS[1].name)
    with pytest.raises(StreamError, match="of another cell"):
        dict(filled(CELLS, SerialExecutor(), tmp_path))
    (tmp_path / CELLS[1].name).write_text("{")
    with pytest.raises(StreamError, match="cannot be read"):
        dict(filled(CELLS, SerialExecutor(), tmp_path))


def test_what_is_asked_for() -> None:
    assert len({cell.name for cell in phases()}) == len(phases())
    assert own_widths()[0].width == tube_width([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], 1.0, 0.1)
