"""Passes over a stream: the same bits whoever works and in whatever order, after any kill, and never from another run's files."""

from __future__ import annotations

import io
import random
import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.theory.streaming.streams import into, small
from theory.errors import ChoiceError, StreamError
from theory.streaming import executors, running
from theory.streaming.certificate import StreamedCertificate, certified
from theory.streaming.checkpoints import Checkpoints, configuration
from theory.streaming.executors import SerialExecutor, at_once, executor_named, finished
from theory.streaming.first_pass import FirstPass
from theory.streaming.flip_pass import FlipPass
from theory.streaming.running import run_pass, tally_of, tasks
from theory.streaming.tube_pass import TubePass

STREAM, Y = small(7, 4, 4, 20_000, 2.0, chunk=1000)
EXPECTED = certified(STREAM, Y)


def same(found: StreamedCertificate, expected: StreamedCertificate = EXPECTED) -> bool:
    assert found.tube is not None
    assert expected.tube is not None
    assert found.tube.bounds is not None
    assert expected.tube.bounds is not None
    return (
        (found.constant, found.radius) == (expected.constant, expected.radius)
        and (found.tube.contraction, found.tube.path_sum) == (expected.tube.contraction, expected.tube.path_sum)
        and bool((found.gram == expected.gram).all() and (found.outputs == expected.outputs).all())
        and bool((found.tube.bounds.gram_change == expected.tube.bounds.gram_change).all())
    )


class Unordered(Executor):
    """Threads that finish in any order."""

    def __init__(self, seed: int) -> None:
        self._pool, self._random = ThreadPoolExecutor(3), random.Random(seed)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        delay = self._random.random() / 20

        def later() -> Any:
            time.sleep(delay)
            return fn(*args, **kwargs)

        return self._pool.submit(later)


@pytest.mark.parametrize("seed", [1, 2])
def test_in_any_order_of_the_chunks(seed: int) -> None:
    assert same(certified(STREAM, Y, executor=Unordered(seed)))


@pytest.mark.parametrize("workers", [1, 2])
def test_with_any_number_of_processes(workers: int) -> None:
    with executor_named("processes", workers) as executor:
        assert same(certified(STREAM, Y, executor=executor))


def test_several_chunks_to_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TASKS", 3)
    assert [len(task) for task in tasks(STREAM)] == [7, 7, 6]
    assert same(certified(STREAM, Y))


def test_an_executor_of_no_name() -> None:
    with pytest.raises(ChoiceError, match="known: serial, threads, processes, dask"), executor_named("fibres"):
        pass


def test_how_many_work_at_once() -> None:
    assert at_once("serial", 4) == 1
    assert at_once("processes", 3) == at_once("threads", 3) == 3
    assert at_once("processes") == at_once("threads") >= 1
    with executor_named("dask", 2):
        assert at_once("dask") == 2


def test_what_a_worker_raises_is_raised() -> None:
    def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        SerialExecutor().submit(fails).result()


def test_after_an_error_no_further_task_begins() -> None:
    begun: list[int] = []

    def fails(task: int) -> None:
        begun.append(task)
        time.sleep(0.01)
        raise KeyError(task)

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyError):
        list(finished(pool, fails, range(200)))
    assert len(begun) < 100


def test_progress_tells_of_each_neuron_once_a_pass(tmp_path: Path) -> None:
    for _ in range(2):  # taken up from files the second time
        seen: list[int] = []
        certified(STREAM, Y, checkpoints=tmp_path, progress=into(seen))
        assert sum(seen) == 2 * STREAM.distinct


def test_a_directory_may_be_named_by_text(tmp_path: Path) -> None:
    for _ in range(2):
        assert same(certified(STREAM, Y, checkpoints=str(tmp_path)))
    assert len(list(tmp_path.iterdir())) == 2 * len(STREAM.chunks)


def test_a_run_takes_up_what_another_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[range] = []

    def interrupted(*given: Any) -> Any:
        if len(counted) == 27:
            raise KeyboardInterrupt
        counted.append(given[2])
        return tally_of(*given)

    monkeypatch.setattr(running, "tally_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        certified(STREAM, Y, checkpoints=tmp_path)
    assert len(list(tmp_path.iterdir())) == 27

    def counting(*given: Any) -> Any:
        counted.append(given[2])
        return tally_of(*given)

    monkeypatch.setattr(running, "tally_of", counting)
    assert same(certified(STREAM, Y, checkpoints=tmp_path))
    assert len(counted) == 40
    assert same(certified(STREAM, Y, checkpoints=tmp_path))
    assert len(counted) == 40


def test_a_kill_while_a_file_is_written_leaves_none_that_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / "tmp12345.tmp").write_bytes(b"PK")
    assert same(certified(STREAM, Y, checkpoints=tmp_path))


@pytest.mark.parametrize("fault", ["twice", "left-out"])
def test_tasks_that_are_not_each_chunk_once_are_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tasks(STREAM)
    monkeypatch.setattr(running, "tasks", lambda stream: [*whole, whole[3]] if fault == "twice" else whole[:-1])
    with pytest.raises(StreamError, match="twice" if fault == "twice" else "missing"):
        run_pass(STREAM, [FirstPass()], SerialExecutor())


def test_the_checkpoint_of_another_configuration_is_caught(tmp_path: Path) -> None:
    other, _ = small(7, 4, 4, 20_000, 2.5, chunk=1000)
    run_pass(other, [FirstPass()], SerialExecutor(), tmp_path)
    mine = Checkpoints(tmp_path, "first", configuration(STREAM, FirstPass()))
    theirs = Checkpoints(tmp_path, "first", configuration(other, FirstPass()))
    task = range(1)
    assert mine.path(task) != theirs.path(task)
    assert mine.load(task) is None  # by its name
    shutil.copy(theirs.path(task), mine.path(task))
    with pytest.raises(StreamError, match="of another configuration"):
        run_pass(STREAM, [FirstPass()], SerialExecutor(), tmp_path)
    mine.path(task).write_bytes(theirs.path(task).read_bytes()[:100])
    with pytest.raises(StreamError, match="cannot be read"):
        run_pass(STREAM, [FirstPass()], SerialExecutor(), tmp_path)


def damaged(whole: bytes) -> dict[str, bytes]:
    array = io.BytesIO()
    np.save(array, np.ones(3))
    return {
        "empty": b"",
        "one-array": array.getvalue(),
        "renamed": whole.replace(b"counts-counts", b"counts-bounds"),
        "method": re.sub(rb"(PK\x01\x02.{6})..", lambda found: found[1] + b"c\x00", whole, flags=re.DOTALL),
    }


@pytest.mark.parametrize("damage", damaged(b""))
def test_a_damaged_checkpoint_is_said_to_be_one(damage: str, tmp_path: Path) -> None:
    run_pass(STREAM, [FirstPass()], SerialExecutor(), tmp_path)
    file = Checkpoints(tmp_path, "first", configuration(STREAM, FirstPass())).path(range(1))
    whole = file.read_bytes()
    file.write_bytes(damaged(whole)[damage])
    assert file.read_bytes() != whole
    with pytest.raises(StreamError, match="cannot be read"):
        run_pass(STREAM, [FirstPass()], SerialExecutor(), tmp_path)


def test_a_configuration_is_all_that_the_numbers_depend_on() -> None:
    streams = [
        STREAM,
        small(8, 4, 4, 20_000, 2.0, chunk=1000)[0],
        small(7, 4, 4, 20_002, 2.0, chunk=1000)[0],
        small(7, 4, 4, 20_000, 2.0, True, chunk=1000)[0],
        small(7, 4, 4, 20_000, 2.0, chunk=1001)[0],
    ]
    works = [FirstPass(), FlipPass(0.5, 3, 2), FlipPass(0.5, 3, 3), TubePass(np.ones((2, 4))), TubePass(np.eye(2, 4))]
    assert len({configuration(stream, work) for stream in streams for work in works}) == len(streams) * len(works)
    assert configuration(STREAM, works[1]) != configuration(STREAM, works[1], works[3])


def test_two_dask_clusters_do_not_ask_for_the_same_port() -> None:
    with executor_named("dask", 1) as first, executor_named("dask", 1) as second:
        assert (first.submit(abs, -1).result(), second.submit(abs, -2).result()) == (1, 2)


def test_workers_without_the_project_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask would wait for others: a worker ends where it cannot import what a task is."""
    from distributed import LocalCluster

    local = LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
    )
    with local as cluster:
        address = cluster.scheduler_address
        with executor_named(address) as executor:
            assert executor.submit(abs, -1).result() == 1
        monkeypatch.setattr(executors, "__name__", "nowhere_at_all.executors")
        with (
            pytest.raises(ChoiceError, match=r"tcp://\S+ cannot import nowhere_at_all; install the project where"),
            executor_named(address),
        ):
            pytest.fail("a worker without the project is taken")


def test_on_a_dask_cluster() -> None:
    with executor_named("dask", 2) as executor:
        assert same(certified(STREAM, Y, executor=executor))
