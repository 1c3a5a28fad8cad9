"""Runs that are killed at any moment go on from what they left, with the same bits: of each moment at which a file comes, changes or goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.theory.streaming.streams import small
from tests.theory.streaming.test_running import Unordered
from tests.theory.streaming.test_streamed_trajectory import OPTIMISERS, numbers
from theory.errors import StreamError
from theory.streaming.descent import StreamedDescent
from theory.streaming.executors import executor_named
from theory.streaming.kept import InFiles, KeptChunk, keeper
from theory.streaming.stream import neuron_stream
from theory.streaming.trajectory import StreamedTrajectory, followed

STREAM, Y = small(5, 3, 4, 2000, 0.7, chunk=1300)
ETA, STEPS = 1.9, 3
"""With which pairs flip to and fro."""

EXPECTED = {optimiser: numbers(followed(STREAM, Y, ETA, STEPS, optimiser)) for optimiser in OPTIMISERS}


class Killed(BaseException):
    """As a kill is: nothing is done about it."""


class Kill:
    """Ends a run at the moment of this number, from 0 on; moments are before and after each change of a directory."""

    def __init__(self, at: int) -> None:
        self.left = at

    def moment(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From then on nothing is done any more, and files stay that are not whole."""
        replaced, unlinked, removed = os.replace, Path.unlink, Path.rmdir
        monkeypatch.setattr(os, "replace", partial(self.around, replaced))
        monkeypatch.setattr(Path, "rmdir", lambda path: self.around(removed, path))
        monkeypatch.setattr(
            Path, "unlink", lambda path, **more: self.around(unlinked, path, **more) if path.exists() else None
        )

    def around(self, change: Callable[..., None], *given: Any, **more: Any) -> None:
        self.moment()
        change(*given, **more)
        self.moment()


def killed(at: int, run: Callable[[], StreamedTrajectory]) -> StreamedTrajectory | None:
    """What a run finds that is killed at this moment; None where it is."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        Kill(at).install(monkeypatch)
        try:
            return run()
        except Killed:
            return None


def kill_at_every_moment(directory: Path, optimiser: str = "ngd", each: int = 1) -> int:
    """Kill a run at each moment, and the one that goes on after three more; all find the same in the end. How many moments there are.

    ``each``: at every moment that this divides.
    """
    run = partial(followed, STREAM, Y, ETA, STEPS, optimiser, directory)
    at = 0
    while killed(at, run) is None:
        assert at < 200, "a run comes to no end"
        found = killed(3, run) or run()
        assert numbers(found) == EXPECTED[optimiser], f"killed at moment {at}"
        assert list(directory.iterdir()) == []
        at += each
    assert list(directory.iterdir()) == []
    return at


def test_a_kill_at_any_moment_costs_no_bit(tmp_path: Path) -> None:
    chunks = len(STREAM.chunks)
    comes, goes, end = (STEPS + 1) * (chunks + 1), STEPS * chunks, chunks + len(("record", "lock", "directory"))
    assert kill_at_every_moment(tmp_path) == 2 * (comes + goes + end)


@pytest.mark.parametrize("optimiser", ["gd", "kfac"])
def test_whichever_the_optimiser_is(optimiser: str, tmp_path: Path) -> None:
    assert kill_at_every_moment(tmp_path, optimiser, 7) > 35


@pytest.mark.parametrize("kind", ["pairs", "drawn directly", "chunks of several blocks"])
def test_whatever_the_network_is(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, y = small(5, 3, 4, 2000, 0.7, kind == "pairs", 600)
    if kind == "drawn directly":
        stream = neuron_stream(stream.rows, 2000, 0.7, 5, chunk=600, direct=True)
    elif kind == "chunks of several blocks":
        monkeypatch.setattr("theory.streaming.stream.LARGEST_BLOCK", 37)
        monkeypatch.setattr("theory.streaming.stream.SMALLEST_BLOCK", 37)
    expected = numbers(followed(stream, y, ETA, STEPS))
    run = partial(followed, stream, y, ETA, STEPS, "ngd", tmp_path)
    for at in (5, 13, 27):
        assert killed(at, run) is None
        found = killed(7, run) or run()
        assert found.taken_up > 0 or at < 27
        assert numbers(found) == expected


def test_no_more_is_done_again_than_the_chunk_that_was_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = Counter[tuple[int, int]]()
    written = InFiles._written

    def counting(place: InFiles, chunk: KeptChunk, *given: Any) -> KeptChunk:
        done[chunk.chunk, chunk.steps] += 1
        return written(place, chunk, *given)

    monkeypatch.setattr(InFiles, "_written", counting)
    run = partial(followed, STREAM, Y, ETA, STEPS, "ngd", tmp_path)
    kills = 0
    while killed(7, run) is None:
        kills += 1
        assert kills < 100, "a run comes to no end"
    assert kills > 3
    assert set(done) == {(chunk, steps) for chunk in STREAM.chunks for steps in range(STEPS + 1)}
    assert sum(done.values()) - len(done) <= kills


def after_two_steps(directory: Path) -> Path:
    """A run that is killed when the first chunk of its third step is written."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget = InFiles.forget

        def killing(place: InFiles, chunk: KeptChunk) -> None:
            if chunk.steps == 2:
                raise Killed
            forget(place, chunk)

        monkeypatch.setattr(InFiles, "forget", killing)
        with pytest.raises(Killed):
            followed(STREAM, Y, ETA, STEPS, "ngd", directory)
    (own,) = directory.iterdir()
    return own


def left_of(directory: Path, steps: int = STEPS) -> tuple[StreamedTrajectory, int]:
    """The same run once more, and how many neurons' steps were left to it."""
    left: list[int] = []
    seen: list[int] = []

    def tell(more: int, old: bool) -> None:
        (left if old else seen).append(more)

    found = followed(STREAM, Y, ETA, steps, "ngd", directory, progress=tell)
    assert sum(left) + sum(seen) == (steps + 1) * STREAM.distinct
    return found, sum(left)


def test_progress_tells_what_was_left_and_what_is_done(tmp_path: Path) -> None:
    after_two_steps(tmp_path)
    found, left = left_of(tmp_path)
    assert left == 3 * STREAM.distinct + STREAM.chunk
    assert found.taken_up == 2
    assert left_of(tmp_path)[1] == 0  # nothing was left of one that has ended
    assert followed(STREAM, Y, ETA, STEPS).taken_up == 0


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_fewer_steps_and_more_than_were_asked_for_first(steps: int, tmp_path: Path) -> None:
    own = after_two_steps(tmp_path)
    found, left = left_of(tmp_path, steps)
    assert numbers(found) == numbers(followed(STREAM, Y, ETA, steps))
    assert found.taken_up == min(steps, 2)
    assert left == (3 * STREAM.distinct + STREAM.chunk if steps > 2 else (steps + 1) * STREAM.distinct)
    assert own.exists() == (steps < 2)  # a longer run can still go on
    if steps < 2:
        assert numbers(left_of(tmp_path)[0]) == EXPECTED["ngd"]


@pytest.mark.parametrize("name", ["threads", "processes", "unordered"])
def test_others_go_on_with_it(name: str, tmp_path: Path) -> None:
    after_two_steps(tmp_path)
    if name == "unordered":
        assert numbers(followed(STREAM, Y, ETA, STEPS, "ngd", tmp_path, Unordered(1))) == EXPECTED["ngd"]
        return
    with executor_named(name, 2) as executor:
        assert numbers(followed(STREAM, Y, ETA, STEPS, "ngd", tmp_path, executor)) == EXPECTED["ngd"]


def test_another_configuration_is_another_run(tmp_path: Path) -> None:
    own = after_two_steps(tmp_path)
    files = {path: path.read_bytes() for path in own.iterdir()}
    for given in (
        (small(5, 3, 4, 2000, 0.8, chunk=1300)[0], Y, ETA, 2, "ngd"),
        (STREAM, -Y, ETA, 2, "ngd"),
        (STREAM, Y, 1.8, 2, "ngd"),
        (STREAM, Y, ETA, 2, "gd"),
    ):
        found = followed(*given, tmp_path)
        assert found.taken_up == 0
        assert numbers(found) == numbers(followed(*given))
    assert {path: path.read_bytes() for path in own.iterdir()} == files
    assert left_of(tmp_path)[0].taken_up == 2


def file_of(own: Path, steps: int, chunk: int) -> Path:
    (found,) = own.glob(f"iterate-{steps}-*-{chunk}-*.npz")
    return found


@pytest.mark.parametrize("fault", ["cut", "foreign", "another chunk", "another iterate", "gone", "one array", "record"])
def test_a_file_that_is_not_the_runs_own_is_named(fault: str, tmp_path: Path) -> None:
    own = after_two_steps(tmp_path)
    file, said = file_of(own, 2, 1), "cannot be read as a checkpoint"
    if fault == "cut":
        file.write_bytes(file.read_bytes()[:-1000])
    elif fault == "foreign":
        np.savez(file, key="another")
        said = "is a checkpoint of another configuration"
    elif fault == "another chunk":
        next_one = file.with_name(file.name.replace("iterate-2", "iterate-3"))
        next_one.write_bytes(file_of(own, 3, 0).read_bytes())
        file, said = next_one, "is a checkpoint of another configuration"
    elif fault == "another iterate":
        file.with_name(file.name.replace("iterate-2", "iterate-3")).write_bytes(file.read_bytes())
        file, said = file_of(own, 3, 1), "is a checkpoint of another configuration"
    elif fault == "gone":
        file.unlink()
        said = "is missing"
    elif fault == "one array":
        with file.open("wb") as opened:
            np.save(opened, np.ones(3))
    else:
        file = next(own.glob("record-*"))
        file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(StreamError) as raised:
        followed(STREAM, Y, ETA, STEPS, "ngd", tmp_path)
    assert str(raised.value).startswith(f"{file} {said}")
    assert f"; remove {own}, and the run begins anew" in str(raised.value)
    shutil.rmtree(own)
    assert numbers(followed(STREAM, Y, ETA, STEPS, "ngd", tmp_path)) == EXPECTED["ngd"]


def test_what_is_read_of_a_record_is_what_was_written(tmp_path: Path) -> None:
    """Of the very types, so that what is made of it later is the same."""
    after_two_steps(tmp_path)
    found = left_of(tmp_path, 2)[0]
    expected = followed(STREAM, Y, ETA, 2)
    for step, other in zip(found.steps, expected.steps, strict=True):
        assert {name: type(value) for name, value in vars(step).items()} == {
            name: type(value) for name, value in vars(other).items()
        }
    assert type(found.path.lambda_min) is type(expected.path.lambda_min)
    assert found.path.step_norms.tolist() == expected.path.step_norms.tolist()
    assert found.path.residual_norms.tolist() == expected.path.residual_norms.tolist()


def test_what_killed_runs_leave_does_not_pile_up(tmp_path: Path) -> None:
    run = partial(followed, STREAM, Y, ETA, STEPS, "ngd", tmp_path)
    for _ in range(6):
        assert killed(0, run) is None
    assert len(list(tmp_path.rglob("*.tmp"))) <= 1


WORKER = """
import os, sys
import numpy as np
from theory.streaming.trajectory import followed
from tests.theory.streaming.test_record import ETA, STEPS, STREAM, Y
def tell(more, left, seen=[]):
    seen.append(more)
    if len(seen) == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
followed(STREAM, Y, ETA, STEPS, "ngd", sys.argv[1], progress=tell)
"""


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """Its lock is free, and what it left is taken up."""
    found = subprocess.run([sys.executable, "-c", WORKER, str(tmp_path), "5"], check=False)
    assert found.returncode == -9
    with pytest.raises(StreamError, match="is at work"), keeper(tmp_path, next(tmp_path.iterdir()).name[11:]):
        followed(STREAM, Y, ETA, STEPS, "ngd", tmp_path)
    taken_up, left = left_of(tmp_path)
    assert left == 2 * STREAM.distinct + STREAM.chunk
    assert numbers(taken_up) == EXPECTED["ngd"]


def test_the_state_is_where_it_was(tmp_path: Path) -> None:
    with keeper(tmp_path, "key") as place:
        state = StreamedDescent(STREAM, Y, place)
        state.advance(ETA)
        again = StreamedDescent(STREAM, Y, place, at=state.stored)
        np.testing.assert_array_equal(again.residual, state.residual)
        np.testing.assert_array_equal(again.gram, state.gram)
        assert (again.steps, again.longest_row(), again._chunks) == (1, state.longest_row(), state._chunks)
        place.end()
