"""Chunks in memory and in files: whole or not at all, one at a time, and what is said where there is no place for them."""

from __future__ import annotations

import errno
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from tests.theory.streaming.streams import small
from theory.errors import DivergenceError, NotFiniteError, StreamError
from theory.inputs import FloatArray
from theory.streaming import kept
from theory.streaming.archive import Archive, Named
from theory.streaming.descent import StreamedDescent
from theory.streaming.executors import SerialExecutor
from theory.streaming.kept import LOCK, InFiles, InMemory, Keeper, keeper
from theory.streaming.trajectory import followed

STREAM, Y = small(7, 4, 4, 4000, 2.0, chunk=1000)
BLOCKS = [np.arange(6.0).reshape(2, 3), np.arange(6.0, 16.0).reshape(2, 5), np.zeros((2, 1))]
KEY = "0123456789abcdef0123"


def double(number: int, block: FloatArray) -> None:
    block *= 2 + number


def seven() -> Iterator[Named]:
    yield "seven", 7


def names(directory: Path) -> set[str]:
    """Of the files of chunks."""
    return {path.name for path in directory.iterdir() if path.name.startswith("iterate-")}


@pytest.mark.parametrize("files", [False, True])
def test_blocks_are_those_that_were_kept(files: bool, tmp_path: Path) -> None:
    place: Keeper = InFiles(tmp_path, KEY) if files else InMemory()
    found = place.begun(5, iter(BLOCKS), seven)
    assert (found.chunk, found.steps) == (5, 0)
    for block, expected in zip(found.blocks(), BLOCKS, strict=True):
        np.testing.assert_array_equal(block, expected)
    moved = place.moved(found, double, seven)
    assert (moved.chunk, moved.steps) == (5, 1)
    for number, (block, expected) in enumerate(zip(moved.blocks(), BLOCKS, strict=True)):
        np.testing.assert_array_equal(block, (2 + number) * expected)
    place.forget(found)
    assert not files or [path.name for path in tmp_path.iterdir()] == ["iterate-1-0123456789abcdef-5-6.npz"]


def test_a_file_has_what_was_counted_beside_what_was_moved(tmp_path: Path) -> None:
    place = InFiles(tmp_path, KEY)
    done: list[int] = []

    def counted() -> Iterator[Named]:
        yield "changed", done  # asked for when all blocks are

    place.moved(place.begun(5, BLOCKS, seven), lambda number, z: done.append(number), counted)
    for steps, name, value in ((0, "seven", 7), (1, "changed", [0, 1, 2])):
        archive = place.at(5, steps).values
        assert isinstance(archive, Archive)
        with archive.opened() as file:
            assert file is not None
            assert file[name].tolist() == value


def test_blocks_of_ten_and_more_are_in_their_order(tmp_path: Path) -> None:
    found = InFiles(tmp_path, KEY).begun(5, (np.full((1, 1), float(number)) for number in range(23)), seven)
    assert [float(block[0, 0]) for block in found.blocks()] == list(range(23))


def test_a_block_whose_name_is_damaged_is_missed(tmp_path: Path) -> None:
    """In the list at the end, of which no checksum is kept."""
    found = InFiles(tmp_path, KEY).begun(5, BLOCKS, seven)
    assert isinstance(found.values, Archive)
    path, name = found.values.path, b"block-1.npy"
    whole = path.read_bytes()
    place = whole.rindex(name)
    path.write_bytes(whole[:place] + b"clock-1.npy" + whole[place + len(name) :])
    with pytest.raises(StreamError, match=r"cannot be read as a checkpoint .*block-1"):
        list(found.blocks())


def test_a_task_that_is_done_again_begins_where_it_began(tmp_path: Path) -> None:
    """As a cluster does that lost a worker: in files, and in memory where that is sent."""
    place = InFiles(tmp_path, KEY)
    found = place.begun(5, BLOCKS, seven)
    once, again = place.moved(found, double, seven), place.moved(found, double, seven)
    assert once == again
    np.testing.assert_array_equal(next(again.blocks()), 2 * BLOCKS[0])
    sent = InMemory().begun(5, BLOCKS, seven)
    for block in sent.blocks():
        block.flags.writeable = False
    for _ in range(2):
        np.testing.assert_array_equal(next(InMemory().moved(sent, double, seven).blocks()), 2 * BLOCKS[0])


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
    with keeper(tmp_path, KEY) as place:
        state = StreamedDescent(STREAM, Y, place)
        for steps in range(3):
            (directory,) = tmp_path.iterdir()
            assert directory.name == "trajectory-0123456789abcdef"
            assert names(directory) == {
                f"iterate-{steps}-0123456789abcdef-{chunk}-{chunk + 1}.npz" for chunk in STREAM.chunks
            }
            # besides Z 32 bytes for each pair that flips, and what names and arrays of a few numbers take
            own = 32 * len(state.flips.rows) + 8000 * len(STREAM.chunks)
            assert 0 < sum(path.stat().st_size for path in directory.iterdir()) - 8 * 4 * STREAM.width < own
            state.advance(0.4)
        place.end()
    assert list(tmp_path.iterdir()) == []


def test_at_most_one_chunk_is_there_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that works: 8 n m bytes are enough, and 8 n times a chunk."""
    seen: list[int] = []
    forget = InFiles.forget

    def counting(place: InFiles, chunk: Any) -> None:
        seen.append(len(names(place.directory)))
        forget(place, chunk)

    monkeypatch.setattr(InFiles, "forget", counting)
    followed(STREAM, Y, 0.4, 2, directory=tmp_path)
    assert set(seen) == {len(STREAM.chunks) + 1}


def test_files_take_no_memory_that_grows_with_the_width(tmp_path: Path) -> None:
    peaks = []
    for width in (100_000, 800_000):
        stream, y = small(7, 4, 4, width, 2.0, chunk=20_000)
        with keeper(tmp_path, KEY) as place:
            tracemalloc.start()
            StreamedDescent(stream, y, place).advance(1e-3)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            place.end()
    assert peaks[1] < 2 * peaks[0]
    assert peaks[1] < 8 * 4 * 800_000 / 3  # a third of Z


def test_runs_of_different_configurations_share_a_directory(tmp_path: Path) -> None:
    with keeper(tmp_path, KEY) as first, keeper(tmp_path, KEY[::-1]) as second:
        assert isinstance(first, InFiles)
        assert isinstance(second, InFiles)
        assert first.directory != second.directory


def test_of_one_configuration_one_run_is_at_work_at_a_time(tmp_path: Path) -> None:
    said = r"another run .* is at work in .*0123456789abcdef; wait for its end, or"
    with keeper(tmp_path, KEY), pytest.raises(StreamError, match=said), keeper(tmp_path, KEY):
        pytest.fail("two runs are at work")
    with keeper(tmp_path, KEY):
        pass


def test_a_file_system_without_locks_is_used_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*given: Any, **more: Any) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock; use SoftFileLock instead")

    monkeypatch.setattr(FileLock, "acquire", none)
    assert len(followed(STREAM, Y, 0.4, 2, directory=tmp_path).steps) == 2


def test_what_killed_runs_have_left_is_removed_where_it_is_of_no_use(tmp_path: Path) -> None:
    place = InFiles(tmp_path, KEY)
    useful = {"iterate-3-x-0-1.npz", "iterate-4-x-0-1.npz", place.record.path.name, "lock"}
    for name in useful | {"iterate-2-x-0-1.npz", "iterate-30-x-0-1.npz", "iterate-5-x-0-1.npz", "tmp1234.tmp"}:
        (tmp_path / name).touch()
    place.tidy(3)
    assert {path.name for path in tmp_path.iterdir()} == useful


def test_a_directory_that_leads_to_another_disk_is_empty_at_the_end(tmp_path: Path) -> None:
    """A record that stayed there would be one without chunks for a run of more steps."""
    (tmp_path / "disk").mkdir()
    place = InFiles(tmp_path / "own", KEY)
    place.directory.symlink_to(tmp_path / "disk")
    place.begun(5, BLOCKS, seven)
    place.record.write(seven())
    (place.directory / LOCK).touch()
    place.end()
    assert list((tmp_path / "disk").iterdir()) == []


def test_a_directory_that_is_no_run_s_stays(tmp_path: Path) -> None:
    place = InFiles(tmp_path / "own", KEY)
    (place.directory / "somebody's").mkdir(parents=True)
    place.begun(5, BLOCKS, seven)
    place.tidy(3)
    place.end()
    assert [path.name for path in place.directory.iterdir()] == ["somebody's"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, StreamError, OSError])
def test_files_stay_after_an_interrupt(error: type[BaseException], tmp_path: Path) -> None:
    def stop(more: int, left: bool) -> None:
        raise error

    with pytest.raises(error):
        followed(STREAM, Y, 0.4, 2, directory=tmp_path, progress=stop)
    (directory,) = tmp_path.iterdir()
    assert len(names(directory)) == 1


@pytest.mark.parametrize("error", [DivergenceError, NotFiniteError])
def test_nothing_stays_of_a_run_that_would_end_so_again(error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        followed(STREAM, Y if error is DivergenceError else 1e200 * Y, 1e200, 2, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert followed(STREAM, Y, 1e100, 5, "gd", tmp_path).broken is not None
    assert list(tmp_path.iterdir()) == []


def test_a_directory_may_be_named_by_text(tmp_path: Path) -> None:
    expected = followed(STREAM, Y, 0.4, 2).path.constant
    assert followed(STREAM, Y, 0.4, 2, directory=str(tmp_path / "new")).path.constant == expected
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_directory_that_cannot_be_written_to_is_said_to_be_one(place: str, tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.write_text("")
    with pytest.raises(StreamError, match=r"taken.* cannot keep what it is asked to .*, or name another directory"):
        followed(STREAM, Y, 0.4, 2, directory=file if place == "a file" else file / "below")


@pytest.mark.parametrize("steps", [0, 1])
def test_a_full_disk_is_said_to_be_one(steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first iterate, and at a later one; with room again the run goes on."""
    whole = InFiles._written

    def full(place: InFiles, kept: Any, blocks: Any, counted: Any) -> Any:
        def some() -> Iterator[FloatArray]:
            yield next(iter(blocks))
            raise OSError(errno.ENOSPC, "No space left on device")

        return whole(place, kept, some() if (kept.chunk, kept.steps) == (2, steps) else blocks, counted)

    with monkeypatch.context() as patched:
        patched.setattr(kept.InFiles, "_written", full)
        with pytest.raises(StreamError, match=r"cannot keep .* \(No space left on device\); make room there and run"):
            followed(STREAM, Y, 0.4, 2, directory=tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    left: list[int] = []
    found = followed(STREAM, Y, 0.4, 2, directory=tmp_path, progress=lambda more, old: left.append(more * old))
    assert sum(left) == (2 + 4 * steps) * 1000
    assert found.path.constant == followed(STREAM, Y, 0.4, 2).path.constant
    assert list(tmp_path.iterdir()) == []
