"""Wrong programs of files and records: each costs a bit, or leaves a file, when runs are killed at any moment (test_record.py)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.theory.streaming import test_record
from theory.streaming import chunk_step, kept
from theory.streaming.archive import Archive, Named
from theory.streaming.chunk_step import Flips
from theory.streaming.kept import InFiles, KeptChunk
from theory.streaming.path import StreamedPath
from theory.streaming.record import Record
from theory.streaming.tally import Tally


def faults() -> dict[str, Callable[[pytest.MonkeyPatch], None]]:
    """Each planted by a function."""
    write, written, arrays, at, began = Archive.write, InFiles._written, Record.arrays, InFiles.at, StreamedPath.begin
    record_of, tally_from = Record.of.__func__, chunk_step.tally_from  # type: ignore[attr-defined]

    def counted_first(one: Archive, given: Any) -> None:
        every = list(given)
        if counted := [(name, array) for name, array in every if not name.startswith(kept.BLOCK)]:
            write(one, counted)
        write(one, every)

    def not_atomic(one: Archive, given: Any) -> None:
        one.path.parent.mkdir(parents=True, exist_ok=True)
        one.path.write_bytes(b"PK")
        write(one, given)

    def forgotten_first(place: InFiles, chunk: KeptChunk, blocks: Any, counted: Any) -> KeptChunk:
        all_blocks, counts = list(blocks), None
        counts = list(counted())
        if chunk.steps:
            place.forget(at(place, chunk.chunk, chunk.steps - 1))
        return written(place, chunk, all_blocks, lambda: counts)

    def one_name(place: InFiles, chunk: int, steps: int) -> KeptChunk:
        return replace(at(place, chunk, 0), steps=steps)

    def one_key(place: InFiles, chunk: int, steps: int) -> KeptChunk:
        found = at(place, chunk, steps)
        assert isinstance(found.values, Archive)
        path = place.directory / f"iterate-{steps % 2}-{chunk}.npz"
        return replace(found, values=Archive(path, "key"))

    def ahead(record: Record) -> Iterator[Named]:
        return arrays(replace(record, iterate=replace(record.iterate, steps=record.iterate.steps + 1)))

    def late_start(kind: Any, file: Any, optimiser: Any, stream: Any) -> Any:
        record = record_of(kind, file, optimiser, stream)
        return replace(record, gram=record.gram * 0 + record.iterate.counts)

    def no_steps(kind: Any, file: Any, optimiser: Any, stream: Any) -> Any:
        record = record_of(kind, file, optimiser, stream)
        return replace(record, steps=record.steps[1:], changes=record.changes[1:])

    def no_flips(kind: Any, file: Any) -> Flips:
        return Flips.together([], test_record.STREAM.width)

    def no_counts(file: Any, chunks: range) -> Tally:
        found = tally_from(file, chunks)
        return replace(found, counts={name: 0 * count for name, count in found.counts.items()})

    def from_nothing(path: StreamedPath, file: Any) -> None:
        pass

    def without_counts(path: StreamedPath, file: Any) -> None:
        counts = path.counts
        began(path, file)
        path._change.counts = counts

    def planted(owner: Any, name: str, wrong: Any) -> Callable[[pytest.MonkeyPatch], None]:
        return lambda monkeypatch: monkeypatch.setattr(owner, name, wrong)

    return {
        "what is counted is written before what is moved": planted(Archive, "write", counted_first),
        "a file has its name before it is whole": planted(Archive, "write", not_atomic),
        "the file of the iterate before goes before the next one's comes": planted(
            InFiles, "_written", forgotten_first
        ),
        "a chunk has one file for all iterates": planted(InFiles, "at", one_name),
        "a stale step's chunk is accepted": planted(InFiles, "at", one_key),
        "the record is ahead of the chunks": planted(Record, "arrays", ahead),
        "G(0) is that of the iterate": planted(Record, "of", classmethod(late_start)),
        "a step is lost": planted(Record, "of", classmethod(no_steps)),
        "flips that were left are lost": planted(Flips, "of", classmethod(no_flips)),
        "counts that were left are lost": planted(chunk_step, "tally_from", no_counts),
        "the path begins anew": planted(StreamedPath, "begin", from_nothing),
        "the path's counts begin anew": planted(StreamedPath, "begin", without_counts),
        "what is not whole stays, and all that killed runs leave": planted(InFiles, "tidy", lambda place, steps: None),
    }


@pytest.mark.parametrize("fault", faults())
def test_wrong_programs_are_caught(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults()[fault](monkeypatch)
    with pytest.raises((AssertionError, ValueError, RuntimeWarning)):
        caught(tmp_path)


def caught(directory: Path) -> None:
    test_record.test_what_killed_runs_leave_does_not_pile_up(directory)
    shutil.rmtree(directory)
    test_record.kill_at_every_moment(directory)
