"""The command that certifies networks of any width: what it says, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from properties.dataset.transformations import standardised
from properties.reading.datasets import load_dataset
from theory.stability.tube.shortfall import SHORTFALLS
from theory.streaming.stream import NeuronStream, neuron_stream
from verified_natural_gradient import certify, console
from verified_natural_gradient.options import help_of

ARGUMENTS = ["certify", "--inputs", "orthonormal:4", "--width", "2e5", "--chunk", "5000", "--executor", "serial"]
TRAJECTORY = ["--only", "trajectory", "--steps", "3", "--step-size", "0.3"]


def lines(text: str) -> list[str]:
    """All but the last, which tells the time."""
    *found, last = text.splitlines()
    assert re.fullmatch(r"2 passes of [\d.e+]+ normal numbers in [\d.]+ s, [\d.e+]+ a second", last)
    return found


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


def test_pairs_are_drawn_once_and_passes_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certify, "time", SimpleNamespace(monotonic=iter([0.0, 4.0]).__next__))
    words = ["--inputs", "orthonormal:1", "--width", "40", "--symmetric", "--executor", "serial"]
    assert console.main(["certify", *words]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("1 orthonormal input; m = 40, nu = 1, pairs of neurons of opposite signs, entropy 0, ")
    found = re.fullmatch(r"(\d) pass(?:es)? of (\d+) normal numbers in 4\.0 s, ([\d.e+]+) a second", last)
    assert found is not None
    assert found[2] == "20"
    assert float(found[3]) == int(found[1]) * 20 / 4


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


def test_a_data_set_is_standardised_as_the_suite_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of the network are the first of those that the suite certifies, a constant column left out."""
    rng = np.random.default_rng(0)
    given = np.column_stack([rng.normal(1e3, 1.0, (8, 3)), np.full(8, 7.0)])
    np.savez(tmp_path / "mine.npz", X=given, y=rng.standard_normal(8))
    taken: list[np.ndarray[Any, Any]] = []

    def drawn(rows: np.ndarray[Any, Any], *rest: Any) -> NeuronStream:
        taken.append(rows)
        return neuron_stream(rows, *rest)

    monkeypatch.setattr(certify, "neuron_stream", drawn)
    options = ["--dataset", str(tmp_path / "mine.npz"), "--rows", "4", "--width", "2000", "--only", "tube"]
    for more in ([], ["--standardise"]):
        assert console.main(["certify", *options, "--executor", "serial", *more]) == 0
    plain, scaled = taken
    dataset = load_dataset(str(tmp_path / "mine.npz"))
    assert (plain == dataset.X[:4]).all()
    assert (scaled == standardised(dataset).X[:4]).all()
    first, second = (line for line in capsys.readouterr().out.splitlines() if "mine.npz" in line)
    assert "4 rows in 4 dimensions; m = 2000" in first
    assert (
        "4 rows in 3 dimensions (read from .npz; columns centred and scaled to unit variance, 1 constant column left out (index 3); "
        "rows normalised to unit Euclidean norm); m = 2000" in second
    )


def test_what_is_said_of_standardise_is_what_the_suite_says(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        console.main(["certify", "--help"])
    assert help_of("standardise") in " ".join(capsys.readouterr().out.split())
    assert help_of("standardise").startswith("centre the data set's columns and scale them to unit variance")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            "--inputs orthonormal:3 --width 10 --standardise",
            "--standardise scales the columns of the data set of --dataset",
        ),
        ("--inputs orthonormal:x --width 10", "known is orthonormal:N"),
        ("--inputs orthonormal:2 --width 1.5", "must be a positive integer"),
        ("--inputs orthonormal:2 --width many", "take a positive whole number"),
        ("--inputs orthonormal:2 --width 1e3 --executor fibres", "known: serial, threads, processes, dask"),
        ("--dataset nowhere.npz --width 1e3", "nowhere.npz"),
        ("--dataset diabetes --width 1e3 --rows 0", "--rows is 0; it must be a positive integer"),
        ("--inputs orthonormal:2 --width 1e3 --workers -1", "--workers is -1; it must be a positive integer"),
        ("--inputs orthonormal:2 --width 1e3 --steps 0", "--steps is 0; it must be a positive integer"),
        ("--inputs orthonormal:2 --width 1e3 --steps -3", "--steps is -3; it must be a positive integer"),
        ("--inputs orthonormal:2 --width 1e3 --steps 2 --step-size 0", "--step-size is 0"),
        ("--inputs orthonormal:2 --width 1e3 --steps 2 --step-size nan", "--step-size is nan"),
        ("--inputs orthonormal:2 --width 1e3 --steps 2 --optimiser adam", "unknown optimiser 'adam'; known: ngd"),
        ("--inputs orthonormal:2 --width 1e3 --only trajectory", "say how many with --steps N"),
        ("--inputs orthonormal:2 --width 1e3 --only ball --steps 2", "which --only ball leaves out"),
        ("--inputs orthonormal:2 --width 1e3 --only trajectory --steps 2 --state /dev/null", "/dev/null cannot keep"),
        ("--inputs orthonormal:2 --width 1e3 --chunk 0", "--chunk is 0; it must be a positive integer"),
    ],
)
def test_what_it_does_not_understand_is_one_line(options: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["certify", *options.split()]) == pytest.ExitCode.USAGE_ERROR
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("natural-gradient certify: ")
    assert said in error


@pytest.mark.parametrize(
    ("optimiser", "title", "condition"), [("ngd", "NGD", "2"), ("gd", "GD", "2"), ("kfac", "K-FAC", "K2")]
)
def test_a_trajectory(optimiser: str, title: str, condition: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its width is smaller than a chunk, and not, which makes another network."""
    arguments = ["certify", "--inputs", "orthonormal:4", "--width", "2e4", *TRAJECTORY, "--optimiser", optimiser]
    for chunk in ("5000", "100000"):
        assert console.main([*arguments, "--chunk", chunk]) == 0
        _, first, *steps, whole, last = capsys.readouterr().out.splitlines()
        assert re.fullmatch(
            rf"Trajectory of {title}, eta = 0\.3; \|\|r\(0\)\|\| = [\d.]+ \(computed\); each step from the Z stored before it",
            first,
        )
        assert len(steps) == 3
        for k, line in enumerate(steps, 1):
            norm, before = f"||r({k})||", f"||r({k - 1})||"
            assert re.fullmatch(
                rf"  {re.escape(norm)} = [\d.]+ \(computed\), {re.escape(norm)}/{re.escape(before)} <= 0\.\d+ \(certified\); C so far <= 0\.\d+",
                line,
            )
        assert re.fullmatch(rf"Condition {condition} along 3 steps: C <= 0\.\d+ \(certified\)", whole)
        assert re.fullmatch(r"4 passes over 20000 neurons in [\d.]+ s", last)


def test_a_trajectory_in_files_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for options in ([], ["--executor", "serial"], ["--state", str(tmp_path / "state"), "--executor", "threads"]):
        assert console.main([*ARGUMENTS[:-2], *TRAJECTORY, *options]) == 0
        said.append(capsys.readouterr().out.splitlines()[:-1])
    assert said[0] == said[1] == said[2]
    assert list((tmp_path / "state").iterdir()) == []


def test_a_trajectory_stands_beside_its_tube(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main([*ARGUMENTS, "--steps", "2"]) == 0
    captured = capsys.readouterr()
    assert "Tube: mu <= " in captured.out
    known = r"\|\|r\(2\)\|\|/\|\|r\(1\)\|\| <= ([\d.]+) \(certified\)"
    allowed = r"T1-tube: of the exact run \|\|r\(k\+1\)\|\|/\|\|r\(k\)\|\| <= ([\d.]+) \(certified\), for every k"
    step, tube = (re.search(pattern, captured.out) for pattern in (known, allowed))
    assert step is not None
    assert tube is not None
    assert 0.5 <= float(step[1]) <= float(tube[1]) < 0.52
    assert "both passes: 100%" in captured.err
    assert "2 steps: 100%" in captured.err


def test_steps_that_cannot_be_taken_are_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["certify", "--inputs", "orthonormal:2", "--width", "100", "--only", "trajectory", "--steps", "12"]
    assert console.main([*arguments, "--step-size", "1e200"]) == 0
    assert "Trajectory: a step of ngd with step size 1e+200 leaves the range" in capsys.readouterr().out
    wide = ["certify", "--inputs", "orthonormal:4", "--width", "8000", "--only", "trajectory", "--steps", "5"]
    assert console.main([*wide, "--step-size", "1e120", "--optimiser", "gd"]) == 0
    output = capsys.readouterr().out
    assert "Condition 2 along 1 step: C <= " in output
    assert "\n  no further step: a step of gd with step size 1e+120 leaves" in output
    assert console.main([*arguments, "--step-size", "0.9999"]) == 0
    output = capsys.readouterr().out
    assert "r(11) is not told from 0" in output
    assert "inf" not in output


def test_condition_k2_on_the_ball(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["certify", "--inputs", "orthonormal:1", "--symmetric", "--only", "ball", "--condition", "K2"]
    assert console.main([*arguments, "--width", "1e4", "--executor", "serial"]) == 0
    _, _, condition_1, condition_2, theorem, _ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Condition K1: lambda_min\(H\(0\)\) >= 0\.\d+ \(certified\)", condition_1)
    assert re.fullmatch(
        r"Condition K2 on the paper's ball, radius <= [\d.]+ \(certified\): C <= [\d.]+ \(certified\)", condition_2
    )
    assert theorem == "  T4-lev asks for C < 3/5"
    assert console.main([*arguments, "--width", "1e7", "--executor", "serial"]) == 0
    assert re.search(
        r"T4-lev: \|\|r\(k\)\|\|\^2 <= \(1-h eta\)\^k \|\|r\(0\)\|\|\^2, h = 1, for every 0 < eta <= 0\.\d+ and every k \(certified\)",
        capsys.readouterr().out,
    )


def test_a_tube_that_does_not_close_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["certify", "--inputs", "orthonormal:4", "--width", "40", "--executor", "serial"]) == 0
    output = capsys.readouterr().out
    assert "Tube: not certified, as " in output
    assert any(said in output for said in SHORTFALLS.values())
    assert "inf" not in output


def test_the_time_that_is_left_is_that_of_what_this_run_does(capsys: pytest.CaptureFixture[str]) -> None:
    with certify.Line.of(1000, "4 steps") as line:
        line.seen(600, True)
        line.seen(100, False)
        state = line._bar.format_dict
        assert (state["n"], state["total"], state["initial"]) == (700, 1000, 600)
        # 100 of the 400 that are left took a second, and it is the rate that the line is told by
        assert "00:01<00:03, 100 neurons/s" in line._bar.format_meter(**{**state, "elapsed": 1.0, "rate": None})
        assert line.left == 600
    assert "70%" in capsys.readouterr().err


def test_the_rate_is_that_of_what_was_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for _ in range(2):  # taken up from files the second time
        monkeypatch.setattr(certify, "time", SimpleNamespace(monotonic=iter([0.0, 4.0]).__next__))
        monkeypatch.setattr("builtins.print", lambda text, **given: said.append(text))
        assert console.main([*ARGUMENTS, "--checkpoints", str(tmp_path)]) == 0
        monkeypatch.undo()
    assert [text.rpartition(", ")[2] for text in said if "normal numbers" in text] == ["4e+05 a second", "0 a second"]
