"""Files of arrays: whole or not at all, of one key, and damage anywhere in them is found."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from theory.errors import StreamError
from theory.streaming.archive import Archive, Named

ARRAYS: list[Named] = [("first", np.arange(12.0).reshape(3, 4)), ("second", [3, 4]), ("none", np.empty((0, 2)))]


def written(directory: Path) -> Archive:
    found = Archive(directory / "below" / "file.npz", "key", "do this")
    found.write(iter(ARRAYS))
    return found


def read(one: Archive) -> list[np.ndarray]:
    with one.opened() as file:
        assert file is not None
        return [file[name] for name in file.names]


def test_arrays_are_those_that_were_written(tmp_path: Path) -> None:
    one = written(tmp_path)
    with one.opened() as file:
        assert file is not None
        assert file.names == ["key", "first", "second", "none"]
        for name, array in ARRAYS:
            np.testing.assert_array_equal(file[name], array)
        file["first"][:] = 0  # one's own
        np.testing.assert_array_equal(file["first"], ARRAYS[0][1])
        with pytest.raises(StreamError, match=r"file\.npz cannot be read as a checkpoint \(.*third.*\); do this"):
            file["third"]
    assert [path.name for path in one.path.parent.iterdir()] == ["file.npz"]


def test_numpy_reads_it_too(tmp_path: Path) -> None:
    with np.load(written(tmp_path).path) as file:
        assert file["second"].tolist() == [3, 4]


def test_where_there_is_no_file(tmp_path: Path) -> None:
    with Archive(tmp_path / "file.npz", "key").opened() as file:
        assert file is None


def test_a_file_of_another_key(tmp_path: Path) -> None:
    path = written(tmp_path).path
    with pytest.raises(StreamError, match=r"file\.npz is a checkpoint of another configuration; remove it"):
        read(Archive(path, "another"))


def test_a_file_cut_short_anywhere(tmp_path: Path) -> None:
    one = written(tmp_path)
    whole = one.path.read_bytes()
    for size in range(len(whole)):
        one.path.write_bytes(whole[:size])
        with pytest.raises(StreamError, match=r"file\.npz cannot be read as a checkpoint \(.+\); do this"):
            read(one)


def test_a_number_that_has_changed(tmp_path: Path) -> None:
    """In each byte of the arrays' numbers."""
    one = written(tmp_path)
    whole = one.path.read_bytes()
    first = whole.index(np.arange(12.0).tobytes())
    for place in range(first, first + 8 * 12):
        one.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(StreamError, match="cannot be read as a checkpoint"):
            read(one)


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match=r"cannot be read as a checkpoint \(.*directory"):
        read(Archive(tmp_path, "key"))


@pytest.mark.parametrize("moment", ["an array", "the end", "the name"])
def test_a_full_disk_leaves_what_was_there(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = written(tmp_path)

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def arrays() -> Iterator[Named]:
        yield "first", 1
        if moment == "an array":
            full()

    if moment != "an array":
        monkeypatch.setattr(os, "fsync" if moment == "the end" else "replace", full)
    with pytest.raises(StreamError, match=r"below cannot keep .* \(No space left on device\); make room there and"):
        one.write(arrays())
    monkeypatch.undo()
    assert len(read(one)) == 4
    assert os.listdir(one.path.parent) == ["file.npz"]


def test_a_bit_that_has_changed_in_a_header(tmp_path: Path) -> None:
    """Of an array so long that its end is not read along with the header: a shape or a place that is another one would make another array."""
    one, array = Archive(tmp_path / "file.npz", "key", "do this"), np.arange(2000.0).reshape(2, 1000)
    one.write([("long", array)])
    whole = one.path.read_bytes()
    start = whole.index(b"\x93NUMPY", whole.index(b"long.npy"))
    for place in range(start, whole.index(array.tobytes())):
        for bit in range(8):
            one.path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            with pytest.raises(StreamError, match=r"file\.npz cannot be read as a checkpoint \(.+\); do this"):
                read(one)
