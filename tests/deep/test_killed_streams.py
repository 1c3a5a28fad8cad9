"""Runs over a stream that are killed at 20 random moments, and a worker of theirs that is, end with the same bits."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from tests.properties.test_certify import ARGUMENTS, finished_after_kills, lines
from tests.theory.streaming.streams import small
from theory.streaming.certificate import certified
from theory.streaming.executors import executor_named
from verified_natural_gradient import console


@pytest.mark.parametrize("seed", [1, 2])
def test_twenty_kills(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console.main(ARGUMENTS)
    finished_after_kills(tmp_path, lines(capsys.readouterr().out), 20, np.random.default_rng(seed))


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
        found = certified(stream, y, executor=executor, progress=seen.append)
        killer.join()
    assert found.constant == expected.constant
    assert found.tube is not None
    assert expected.tube is not None
    assert (found.tube.contraction, found.tube.path_sum) == (expected.tube.contraction, expected.tube.path_sum)
    np.testing.assert_array_equal(found.gram, expected.gram)
    np.testing.assert_array_equal(found.outputs, expected.outputs)
