"""A cluster that loses a worker in the middle of a run of claims loses none of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.properties.engine.run.executed_runs import (
    SLOW_ONCE,
    begun,
    ended,
    results,
    small_suite,
    wait_until_slow,
)


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    plain = small_suite(tmp_path / "plain")
    code, output = ended(begun(plain, ()), plain)
    assert code == 0, output
    place = small_suite(tmp_path / "killed", more=SLOW_ONCE)
    run = begun(place, ["--ngd-executor=dask", "--ngd-workers=2"])
    os.kill(wait_until_slow(place, run), signal.SIGKILL)
    code, output = ended(run, place)
    assert code == 0, output
    assert "All 2 claims hold; 2 of 2 mutants refuted." in output
    assert results(place / "out") == results(plain / "out")
