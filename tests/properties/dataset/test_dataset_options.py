"""The options of a data set through pytest, a comparison of nothing, and a cache that cannot be written."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from properties.engine.report.commands import Commands
from tests.properties.dataset.one_share import certified_by
from tests.properties.engine import fake_claims
from tests.properties.engine.report.sample import Certificate
from tests.properties.engine.run.plugin_suite import Suite

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def data(suite: Suite) -> Suite:
    """A suite with a data file, whose certificate is made up."""
    certified_by(suite.monkeypatch, lambda _: Certificate())
    np.savez(suite.pytester.path / "mine.npz", X=[[3.0, 4.0, 1.0], [0.0, 2.0, 1.0], [1.0, 1.0, 1.0]], y=[1.0, 2.0, 3.0])
    return suite


def test_what_is_done_to_a_data_set_stands_in_its_source_line(data: Suite) -> None:
    outcome = data.run(
        [fake_claims.claim()], "--dataset", "mine.npz", "--shuffle", "3", "--standardise", "--report", "out"
    )
    assert outcome.ret == 0
    source = (
        "read from .npz; columns centred and scaled to unit variance, 1 constant column left out (index 2); "
        "rows shuffled with seed 3; rows normalised to unit Euclidean norm"
    )
    outcome.stdout.fnmatch_lines([f"data set mine.npz: n = 3, d = 2; {source}"])
    written = data.written()
    assert written["dataset"]["source"] == source
    assert written["commands"]["part_options"]["dataset"] == ["--shuffle=3", "--standardise"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shuffle", "3"], "--shuffle reorders the rows of the data set of --dataset"),
        (["--standardise"], "--standardise scales the columns of the data set of --dataset"),
        (["--dataset", "mine.npz", "--shuffle=-1"], "--shuffle -1: a seed is a natural number"),
    ],
)
def test_options_that_cannot_be_met_are_refused(data: Suite, options: list[str], said: str) -> None:
    outcome = data.run([fake_claims.claim()], *options)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines([f"*{said}*"])


def test_the_command_that_certifies_again_has_all_that_matters() -> None:
    commands = Commands(part_options={"dataset": ["--shuffle=3", "--standardise"]}, console="natural-gradient")
    assert commands.part("dataset", "a b.csv", "quick", 7) == (
        "natural-gradient dataset 'a b.csv' --shuffle=3 --standardise --depth quick --hypothesis-seed=7"
    )
    assert Commands.from_json(commands.to_json()).part_options == {"dataset": ("--shuffle=3", "--standardise")}


def test_a_comparison_of_nothing_is_no_test_that_passed(data: Suite) -> None:
    data.run([fake_claims.claim()], "--baseline", "base.json", "--update-baseline")
    outcome = data.run([fake_claims.claim()], "--dataset", "mine.npz", "--baseline", "base.json")
    assert outcome.ret == 0
    outcome.assert_outcomes(passed=1)
    outcome.stdout.fnmatch_lines(
        ["baseline *base.json: nothing was compared, because this run asked for none of its 3*"]
    )


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    """As where another user than the checkout's owner starts pytest: its warning is no error."""
    (tmp_path / "file").touch()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/properties/engine/report/test_plain.py",
        "-o",
        f"cache_dir={tmp_path}/file/cache",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "could not create cache path" in done.stdout
