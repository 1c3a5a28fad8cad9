"""Runs over a stream that are killed at 20 random moments, and a worker of theirs that is, end with the same bits."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from tests.properties.test_certify import ARGUMENTS, lines
from tests.properties.test_certify_again import finished_after_kills, trajectory_after_kills
from tests.theory.streaming.streams import into, small
from tests.theory.streaming.test_streamed_trajectory import numbers
from theory.streaming.certificate import certified
from theory.streaming.executors import executor_named
from theory.streaming.trajectory import followed
from verified_natural_gradient import console


@pytest.mark.parametrize("seed", [1, 2])
def test_twenty_kills(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console.main(ARGUMENTS)
    finished_after_kills(tmp_path, lines(capsys.readouterr().out), 20, np.random.default_rng(seed))


@pytest.mark.parametrize(("executor", "optimiser"), [("serial", "gd"), ("threads", "kfac"), ("processes", "ngd")])
def test_twenty_kills_of_a_trajectory(
    executor: str, optimiser: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        *ARGUMENTS[:-2],
        "--only",
        "trajectory",
        "--steps",
        "60",
        "--step-size",
        "0.05",
        "--optimiser",
        optimiser,
    ]
    assert console.main(arguments) == 0
    *expected, _ = capsys.readouterr().out.splitlines()
    rng = np.random.default_rng(len(executor))
    # 40 chunks, whose files come and go: 4880 changes
    said = trajectory_after_kills([*arguments, "--executor", executor], tmp_path, expected, 20, 200, rng)
    assert "another run has left" in said


def test_a_dask_cluster_goes_on_with_what_another_run_has_left(tmp_path: Path) -> None:
    stream, y = small(7, 4, 4, 20_000, 2.0, chunk=1000)
    expected = followed(stream, y, 0.4, 6)

    class Killed(BaseException):
        pass

    def kill(more: int, left: bool, seen: list[int] = []) -> None:  # noqa: B006
        seen.append(more)
        if len(seen) == 50:
            raise Killed

    with pytest.raises(Killed):
        followed(stream, y, 0.4, 6, "ngd", tmp_path, progress=kill)
    with executor_named("dask", 2) as executor:
        found = followed(stream, y, 0.4, 6, "ngd", tmp_path, executor)
    assert found.taken_up == 1
    assert numbers(found) == numbers(expected)


def test_a_dask_cluster_that_loses_a_worker_loses_nothing() -> None:
    distributed = pytest.importorskip("distributed")
    stream, y = small(7, 4, 4, 400_000, 2.0, chunk=4000)
    expected = certified(stream, y)
    with executor_named("dask", 2) as executor:
        pids = distributed.get_client().run(os.getpid)
        seen: list[int] = []

        def kill() -> None:
            while not seen:
                time.sleep(0.01)
            os.kill(next(iter(pids.values())), signal.SIGKILL)

        killer = Thread(target=kill)
        killer.start()
        found = certified(stream, y, executor=executor, progress=into(seen))
        killer.join()
    assert found.constant == expected.constant
    assert found.tube is not None
    assert expected.tube is not None
    assert (found.tube.contraction, found.tube.path_sum) == (expected.tube.contraction, expected.tube.path_sum)
    np.testing.assert_array_equal(found.gram, expected.gram)
    np.testing.assert_array_equal(found.outputs, expected.outputs)
