"""The command that certifies networks of any width: what it says, what it refuses, and that a kill at any moment costs no bit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from theory.stability.tube.shortfall import SHORTFALLS
from verified_natural_gradient import console
from verified_natural_gradient.options import CHECKOUT

ARGUMENTS = ["certify", "--inputs", "orthonormal:4", "--width", "2e5", "--chunk", "5000", "--executor", "serial"]


def lines(text: str) -> list[str]:
    """All but the last, which tells the time."""
    *found, last = text.splitlines()
    assert re.fullmatch(r"2 passes of [\d.e+]+ normal numbers in [\d.]+ s, [\d.e+]+ a second", last)
    return found


def started(checkpoints: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "verified_natural_gradient", *ARGUMENTS, "--checkpoints", str(checkpoints)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )


def finished_after_kills(checkpoints: Path, expected: list[str], kills: int, rng: np.random.Generator) -> None:
    """Kill a run when it has written some files more, again and again; the last one ends with the same lines and files."""
    written = 0
    for _ in range(kills):
        run = started(checkpoints)
        until = written + int(rng.integers(1, max(2, 80 // kills)))
        while run.poll() is None and len(list(checkpoints.glob("*.npz"))) < until:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert run.stdout is not None
        run.stdout.close()
        written = len(list(checkpoints.glob("*.npz")))
    last = started(checkpoints)
    output, _ = last.communicate()
    assert last.returncode == 0
    assert lines(output) == expected


def test_it_says_what_is_certified(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(ARGUMENTS) == 0
    first, condition_1, ball, theorem_1, tube, theorem = lines(capsys.readouterr().out)
    assert first.startswith("4 orthonormal inputs; m = 200000, nu = 1, independent neurons, entropy 0, chunks of 5000")
    assert re.fullmatch(
        r"Condition 1: lambda_min\(G\(0\)\) >= 0\.\d+ \(certified\), \|\|r\(0\)\|\| <= .* \(certified\)", condition_1
    )
    assert re.search(r"radius <= [\d.]+ \(certified\): C <= [\d.]+ \(certified\)", ball)
    assert theorem_1 == "  T1 asks for C < 1/2"
    assert re.fullmatch(r"Tube: mu <= 0\.0\d+, path sum <= [\d.]+ \(certified\)", tube)
    assert theorem == "  T1-tube: ||r(k)|| <= (1-(1-mu)eta)^k ||r(0)|| for every 0 < eta <= 1 and every k (certified)"


def test_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(
        tmp_path / "mine.npz", X=[[3.0, 4.0, 0.0, 0.0], [0.0, 5.0, 12.0, 0.0], [1.0, 1.0, 0.0, 2.0]], y=[1.0, -1.0, 0.5]
    )
    options = [
        "--dataset",
        str(tmp_path / "mine.npz"),
        "--rows",
        "2",
        "--width",
        "20000",
        "--scale",
        "3",
        "--symmetric",
    ]
    assert console.main(["certify", *options, "--only", "tube", "--executor", "serial"]) == 0
    output = capsys.readouterr().out
    assert "2 rows in 4 dimensions; m = 20000, nu = 3, pairs of neurons of opposite signs" in output
    assert "Z drawn in the place of W" in output
    assert "Tube: mu <=" in output
    assert "Condition 2" not in output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--inputs orthonormal:x --width 10", "known is orthonormal:N"),
        ("--inputs orthonormal:2 --width 1.5", "must be a positive integer"),
        ("--inputs orthonormal:2 --width many", "take a positive whole number"),
        ("--inputs orthonormal:2 --width 1e3 --executor threads", "known: serial, processes, dask"),
        ("--dataset nowhere.npz --width 1e3", "nowhere.npz"),
        ("--dataset diabetes --width 1e3 --rows 0", "--rows is 0; it must be a positive integer"),
        ("--inputs orthonormal:2 --width 1e3 --workers -1", "--workers is -1; it must be a positive integer"),
        ("--inputs orthonormal:2 --width 1e3 --chunk 0", "--chunk is 0; it must be a positive integer"),
    ],
)
def test_what_it_does_not_understand_is_one_line(options: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["certify", *options.split()]) == pytest.ExitCode.USAGE_ERROR
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("natural-gradient certify: ")
    assert said in error


def test_a_tube_that_does_not_close_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["certify", "--inputs", "orthonormal:4", "--width", "40", "--executor", "serial"]) == 0
    output = capsys.readouterr().out
    assert "Tube: not certified, as " in output
    assert any(said in output for said in SHORTFALLS.values())
    assert "inf" not in output


def test_runs_that_are_killed_end_with_the_same_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console.main(ARGUMENTS)
    finished_after_kills(tmp_path, lines(capsys.readouterr().out), 2, np.random.default_rng(1))
