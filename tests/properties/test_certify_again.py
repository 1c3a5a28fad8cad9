"""A run of ``natural-gradient certify`` that did not come to its end: what it says, and that the same again costs no bit, killed at any moment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.properties.engine.run.executed_runs import heed_interrupts
from tests.properties.test_certify import ARGUMENTS, TRAJECTORY, lines
from verified_natural_gradient import certify, console
from verified_natural_gradient.options import CHECKOUT


def started(arguments: list[str], errors: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "verified_natural_gradient", *arguments],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=heed_interrupts,
    )


def finished_after_kills(checkpoints: Path, expected: list[str], kills: int, rng: np.random.Generator) -> None:
    """Kill a run when it has written some files more, again and again; the last one ends with the same lines and files."""
    written = 0
    for _ in range(kills):
        run = started([*ARGUMENTS, "--checkpoints", str(checkpoints)])
        until = written + int(rng.integers(1, max(2, 80 // kills)))
        while run.poll() is None and len(list(checkpoints.glob("*.npz"))) < until:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert run.stdout is not None
        run.stdout.close()
        written = len(list(checkpoints.glob("*.npz")))
    last = started([*ARGUMENTS, "--checkpoints", str(checkpoints)])
    output, _ = last.communicate()
    assert last.returncode == 0
    assert lines(output) == expected


def trajectory_after_kills(
    arguments: list[str], state: Path, expected: list[str], kills: int, changes: int, rng: np.random.Generator
) -> str:
    """Kill a run when its files have changed so often, at most, again and again; the last one ends with the same lines, and says what was left."""
    arguments = [*arguments, "--state", str(state)]
    for _ in range(kills):
        run = started(arguments)
        left, before = int(rng.integers(2, changes)), files_below(state)
        while run.poll() is None and left > 0:
            now = files_below(state)
            left -= len(now ^ before)
            before = now
        time.sleep(float(rng.random()) / 100)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL, "it had ended"
        assert run.stdout is not None
        run.stdout.close()
    last = started(arguments, subprocess.PIPE)
    output, errors = last.communicate()
    assert last.returncode == 0, errors
    *found, said = output.splitlines()
    assert found == expected
    assert list(state.iterdir()) == []
    return said


def files_below(directory: Path) -> set[str]:
    """Names, as long as nothing is removed meanwhile."""
    return {path.name for own in directory.glob("trajectory-*") for path in own.glob("iterate-*")}


def test_runs_that_are_killed_end_with_the_same_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console.main(ARGUMENTS)
    finished_after_kills(tmp_path, lines(capsys.readouterr().out), 2, np.random.default_rng(1))


def test_trajectories_that_are_killed_end_with_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*ARGUMENTS[:-2], "--only", "trajectory", "--steps", "12", "--step-size", "0.3"]
    assert console.main(arguments) == 0
    *expected, _ = capsys.readouterr().out.splitlines()
    said = trajectory_after_kills(
        [*arguments, "--executor", "threads"], tmp_path, expected, 2, 400, np.random.default_rng(1)
    )
    found = re.fullmatch(
        rf"([\d.]+) pass(?:es)? over 200000 neurons in [\d.]+ s; the other ([\d.]+) another run has left in {tmp_path}",
        said,
    )
    assert found is not None
    assert float(found[2]) > 0
    assert float(found[1]) + float(found[2]) == pytest.approx(13)


def test_a_state_that_is_damaged_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*ARGUMENTS, *TRAJECTORY, "--state", str(tmp_path)]
    run = started(arguments)
    while not files_below(tmp_path):
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    (file, *_) = sorted(tmp_path.glob("*/iterate-*"))
    file.write_bytes(file.read_bytes()[:100])
    assert console.main(arguments) == pytest.ExitCode.USAGE_ERROR
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(
        rf"natural-gradient certify: {file} cannot be read as a checkpoint \(.*\); remove {file.parent}, and the run begins anew",
        error,
    )


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_an_interrupted_trajectory_says_that_it_can_go_on(
    executor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = [*ARGUMENTS[:5], "--chunk", "50000"]
    arguments = [*network, *TRAJECTORY[:2], "--steps", "20", "--executor", executor, "--state", str(tmp_path)]
    run = started(arguments, subprocess.PIPE)
    while not files_below(tmp_path):
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate()
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert errors.splitlines()[-1] == (
        f"natural-gradient certify: interrupted; run the same again, and it goes on from what is in {tmp_path}"
    )
    assert "Traceback" not in errors
    assert console.main(arguments[:-2]) == console.main(arguments) == 0
    output = capsys.readouterr().out
    assert f"another run has left in {tmp_path}" in output
    said = [line for line in output.splitlines() if line.startswith("Condition 2 along 20 steps")]
    assert said[0] == said[1]


def test_a_lost_worker_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*given: Any, **more: Any) -> None:
        raise BrokenProcessPool("A process in the process pool was terminated abruptly")

    arguments = [*ARGUMENTS, *TRAJECTORY, "--state", str(tmp_path)]
    with monkeypatch.context() as patched:
        patched.setattr(certify, "followed", lost)
        assert console.main(arguments) == pytest.ExitCode.INTERNAL_ERROR
        assert console.main(arguments[:-2]) == pytest.ExitCode.INTERNAL_ERROR
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("natural-gradient certify: ")]
    with_state, without = said
    assert with_state.endswith(f"for want of memory; run the same again, and it goes on from what is in {tmp_path}")
    assert without.endswith("killed perhaps for want of memory")


def test_a_scheduler_that_is_not_there_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not reached, or not any more; an OSError of another executor is none of its."""
    address, errors = "tcp://127.0.0.1:9", [TimeoutError("Timed out\nafter 30 s"), CancelledError(), OSError("a disk")]

    def ends(*given: Any, **more: Any) -> None:
        raise errors[0]

    monkeypatch.setattr(certify, "executor_named", ends)
    arguments = [*ARGUMENTS, "--checkpoints", str(tmp_path), "--executor"]
    assert console.main([*arguments, address]) == pytest.ExitCode.USAGE_ERROR
    errors.pop(0)
    assert console.main([*arguments, address]) == pytest.ExitCode.INTERNAL_ERROR
    errors.pop(0)
    absent, lost = capsys.readouterr().err.splitlines()
    assert absent == f"natural-gradient certify: --executor {address}: Timed out after 30 s; is a scheduler there?"
    assert lost.startswith("natural-gradient certify: the scheduler is not reached any more; run the same again, and ")
    with pytest.raises(OSError, match="a disk"):
        console.main([*arguments, "processes"])
