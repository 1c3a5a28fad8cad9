"""Chunks in memory and in files: whole or not at all, and what is said where there is no place for them."""

from __future__ import annotations

import errno
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.theory.streaming.streams import small
from theory.errors import StreamError
from theory.inputs import FloatArray
from theory.streaming import kept
from theory.streaming.descent import StreamedDescent
from theory.streaming.executors import SerialExecutor
from theory.streaming.kept import InFiles, InMemory, Keeper, keeper
from theory.streaming.trajectory import followed

STREAM, Y = small(7, 4, 4, 4000, 2.0, chunk=1000)
BLOCKS = [np.arange(6.0).reshape(2, 3), np.arange(6.0, 16.0).reshape(2, 5), np.zeros((2, 1))]


def double(number: int, block: FloatArray) -> None:
    block *= 2 + number


@pytest.mark.parametrize("files", [False, True])
def test_blocks_are_those_that_were_kept(files: bool, tmp_path: Path) -> None:
    place: Keeper = InFiles(tmp_path) if files else InMemory()
    found = place.begun(5, iter(BLOCKS))
    assert (found.chunk, found.steps, found.columns) == (5, 0, (3, 5, 1))
    for block, expected in zip(found.blocks(2), BLOCKS, strict=True):
        np.testing.assert_array_equal(block, expected)
    moved = place.moved(found, 2, double)
    assert (moved.chunk, moved.steps) == (5, 1)
    for number, (block, expected) in enumerate(zip(moved.blocks(2), BLOCKS, strict=True)):
        np.testing.assert_array_equal(block, (2 + number) * expected)
    place.forget(found)
    assert not files or [path.name for path in tmp_path.iterdir()] == ["5-1.z"]


def test_a_task_that_is_done_again_begins_where_it_began(tmp_path: Path) -> None:
    """As a cluster does that lost a worker: in files, and in memory where that is sent."""
    place = InFiles(tmp_path)
    found = place.begun(5, BLOCKS)
    once, again = place.moved(found, 2, double), place.moved(found, 2, double)
    assert once == again
    np.testing.assert_array_equal(next(again.blocks(2)), 2 * BLOCKS[0])
    sent = InMemory().begun(5, BLOCKS)
    assert isinstance(sent.values, np.ndarray)
    sent.values.flags.writeable = False
    for _ in range(2):
        np.testing.assert_array_equal(next(InMemory().moved(sent, 2, double).blocks(2)), 2 * BLOCKS[0])


class Repeating(SerialExecutor):
    """Does each task twice, and takes the second answer."""

    def submit(self, fn: Any, /, *given: Any, **more: Any) -> Any:
        super().submit(fn, *given, **more)
        return super().submit(fn, *given, **more)


def test_a_run_whose_tasks_are_done_again_has_the_same_bits(tmp_path: Path) -> None:
    expected = followed(STREAM, Y, 0.4, 3)
    found = followed(STREAM, Y, 0.4, 3, directory=tmp_path, executor=Repeating())
    assert [step.after for step in found.steps] == [step.after for step in expected.steps]
    assert found.path.constant == expected.path.constant


def test_there_is_a_file_a_chunk_and_no_more(tmp_path: Path) -> None:
    with keeper(tmp_path) as place:
        state = StreamedDescent(STREAM, Y, place)
        for steps in range(3):
            (directory,) = tmp_path.iterdir()
            names = {path.name for path in directory.iterdir()}
            assert names == {f"{chunk}-{steps}.z" for chunk in STREAM.chunks}
            assert sum(path.stat().st_size for path in directory.iterdir()) == 8 * 4 * STREAM.width
            state.advance(0.4)
    assert list(tmp_path.iterdir()) == []


def test_files_take_no_memory_that_grows_with_the_width(tmp_path: Path) -> None:
    peaks = []
    for width in (100_000, 800_000):
        stream, y = small(7, 4, 4, width, 2.0, chunk=20_000)
        with keeper(tmp_path) as place:
            tracemalloc.start()
            StreamedDescent(stream, y, place).advance(1e-3)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
    assert peaks[1] < 8 * 4 * 800_000 / 3  # a third of Z


def test_two_runs_share_a_directory(tmp_path: Path) -> None:
    with keeper(tmp_path) as first, keeper(tmp_path) as second:
        assert first != second


def test_files_are_removed_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), keeper(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_directory_that_cannot_be_written_to_is_said_to_be_one(place: str, tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.write_text("")
    with pytest.raises(StreamError, match=r"cannot keep the pre-activations .*; name another directory"):
        followed(STREAM, Y, 0.4, 2, directory=file if place == "a file" else file / "below")


@pytest.mark.parametrize("steps", [0, 1])
def test_a_full_disk_is_said_to_be_one(steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first iterate, and at a later one; nothing is left behind."""
    whole = InFiles._written

    def full(place: InFiles, chunk: int, number: int, blocks: Any) -> Any:
        def some() -> Iterator[FloatArray]:
            yield next(iter(blocks))
            raise OSError(errno.ENOSPC, "No space left on device")

        return whole(place, chunk, number, some() if (chunk, number) == (2, steps) else blocks)

    monkeypatch.setattr(kept.InFiles, "_written", full)
    with pytest.raises(StreamError, match=r"cannot keep the pre-activations \(No space left on device\)"):
        followed(STREAM, Y, 0.4, 2, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []
