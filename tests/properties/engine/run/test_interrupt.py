"""Ctrl-C, or a kill, in the middle of a run leaves the results so far."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from properties.engine.report.publication import PARTIAL
from tests.properties.engine.report.page_parser import report_text
from tests.properties.engine.run.executed_runs import heed_interrupts
from tests.properties.engine.run.plugin_suite import long

ROOT = Path(__file__).parents[4]
ITEMS = ROOT / "tests" / "claims" / "test_claims.py"

SLOW = """
import time
from pathlib import Path
from dataclasses import replace
from properties import plugin
from tests.properties.engine import fake_claims

def slow(point):
    Path("started").touch()
    time.sleep(600)

first = fake_claims.claim("N-first")
second = fake_claims.claim("N-second")
second = type(second)(**{**vars(second), "conclusion": slow})
third = fake_claims.claim("N-third")
plugin.SUITE = replace(plugin.SUITE, claims={claim.id: claim for claim in (first, second, third)}, obligations={}, chains={}, document=None)
"""


def interrupted(
    directory: Path, number: signal.Signals, conftest: str = SLOW, options: Sequence[str] = ("--claim", "all")
) -> tuple[int, str]:
    """Start a run, wait until the slow part of it works, send the signal; exit code and output."""
    (directory / "conftest.py").write_text(conftest)
    (directory / "test_claims.py").write_text(ITEMS.read_text())
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "properties.plugin", *long(options), "--ngd-report=out"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed_interrupts,
    ) as process:
        deadline = time.monotonic() + 300  # a busy machine takes its time
        while not (directory / "started").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        try:
            output, _ = process.communicate(timeout=300)
        finally:
            process.kill()
    return process.returncode, output


def written(directory: Path) -> Any:
    return json.loads((directory / "out" / "claims.json").read_text())


def test_an_interrupt_leaves_the_results_so_far(tmp_path: Path) -> None:
    code, output = interrupted(tmp_path, signal.SIGINT)
    assert code == pytest.ExitCode.INTERRUPTED, output
    content = written(tmp_path)
    assert [(claim["id"], claim["verdict"]) for claim in content["claims"]] == [("N-first", "holds")]
    assert content["complete"] is False
    assert content["verdict"] == "undecided"
    assert "N-first  holds" in output
    assert "the run stopped early, with 1 of 9 items done." in output
    assert "stopped early" in (tmp_path / "out" / "index.html").read_text()
    assert sorted(os.listdir(tmp_path / "out")) == [".published", "claims.json", "data", "index.html", "pages"]


def test_a_kill_leaves_the_report_as_it_was_and_the_results_so_far_beside_it(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    earlier = {
        "claims.json": '{"schema": 1, "claims": [], "mutants": []}',
        "index.html": '<meta name="claims-json-sha256">',
    }
    for name, text in earlier.items():
        (tmp_path / "out" / name).write_text(text)
    code, _ = interrupted(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert {name: (tmp_path / "out" / name).read_text() for name in earlier} == earlier
    content = json.loads((tmp_path / "out" / PARTIAL).read_text())
    assert [claim["id"] for claim in content["claims"]] == ["N-first"]
    assert content["complete"] is False


LADDER = """
from pathlib import Path
from dataclasses import replace
from properties import plugin
from properties.dataset import rung_certificate, topics
from properties.dataset.contribution import Contribution
from properties.dataset.ladder import Rung
from properties.dataset import certificate as dataset_certificate, part
from xdist.workermanage import NodeManager
import time

NodeManager.EXIT_TIMEOUT = 0.1  # the seconds that a worker has to end: it sleeps

plugin.SUITE = replace(plugin.SUITE, obligations={}, chains={})

def quick(context):
    if context.rung.width == 64:
        Path("started").touch()
        time.sleep(600)
    return Contribution(topic="quick", lines=("quick one",))

part.ladder = lambda rows, depth: (Rung(4, 32, 1.0, False, 8), Rung(4, 64, 1.0, False, 8))
dataset_certificate.certified_share.__defaults__ = ((quick,),)
"""


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, ()), (signal.SIGINT, ("-n1",))])
def test_an_interrupt_leaves_the_networks_that_are_done(
    tmp_path: Path, number: signal.Signals, workers: tuple[str, ...]
) -> None:
    (tmp_path / "mine.csv").write_text("1,2,3\n4,5,6\n1,0,2\n0,1,1\n")
    code, output = interrupted(tmp_path, number, LADDER, ["--dataset=mine.csv", *workers])
    assert code == pytest.ExitCode.INTERRUPTED, output
    content = written(tmp_path)
    data = content["dataset"]
    assert (data["complete"], data["verdict"], content["verdict"], content["complete"]) == (
        False,
        "undecided",
        "undecided",
        False,
    )
    assert [rung["width"] for rung in data["certificate"]["rungs"]] == [32]
    for said in ("n = 4, m = 32 (all rows)", "quick one", "interrupted: 1 of 2 networks done"):
        assert said in output
    assert "the run stopped early, with 4 of 7 items done." in output
    assert "1 of 2 networks done" in report_text(tmp_path / "out")
