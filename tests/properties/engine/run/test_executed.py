"""Items done by the workers of an executor: the same results, whoever works, and what happens when they do not come."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from properties.engine.claim import Claim, Depth
from properties.engine.part import Setting
from properties.engine.report.commands import Commands
from properties.engine.run.executed import _reason
from properties.engine.run.orders import Terms, carried_out, order
from properties.plugin import suite as given_suite
from properties.suite import SUITE
from tests.properties.engine import fake_claims
from tests.properties.engine.run.executed_runs import (
    SLOW_ONCE,
    begun,
    ended,
    results,
    small_suite,
    wait_until_slow,
)
from tests.properties.engine.run.plugin_suite import Suite
from tests.properties.processes import started
from theory.errors import ChoiceError

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")

FALSE = ("20_000 - one.step * one.b", "20_001 - one.step * one.a")
"""Q-descent without its step limit."""

SETTING = Setting(Depth.QUICK, 20191, every_claim=False, reported=False)
TERMS = Terms("run", given_suite, SETTING, None, "developer", Commands())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run without executor finds in the suite whose second claim is false."""
    place = small_suite(tmp_path_factory.mktemp("alone"), FALSE)
    code, output = ended(begun(place, ()), place)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    return results(place / "out")


@pytest.mark.parametrize("executor", ["serial", "processes", "dask"])
def test_whoever_works_finds_the_same_results_and_the_same_counterexample(
    executor: str, tmp_path: Path, alone: dict[str, Any]
) -> None:
    place = small_suite(tmp_path, FALSE)
    code, output = ended(begun(place, [f"--ngd-executor={executor}", "--ngd-workers=2"]), place)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert f"executor: {executor}, 2 workers" in output
    assert "Q-descent is refuted: for 0 < step <= 2/b the value never increases" in output
    found = results(place / "out")
    assert any(name.startswith("Q-descent-") for name in found)
    assert found == alone


def test_claims_obligations_and_the_shares_of_a_data_set_are_the_same(tmp_path: Path) -> None:
    """With numbers of the user's own, which the workers get with the order."""
    found = []
    for options in ([], ["--ngd-executor=processes", "--ngd-workers=2"]):
        place = tmp_path / f"{len(options)} options"
        place.mkdir()
        (place / "mine.csv").write_text("1,2,3\n4,5,6\n1,0,2\n0,1,1\n")
        words = ["-p", "properties.plugin", "-p", "no:cacheprovider", *options, "--ngd-report=out"]
        chosen = ["--ngd-claim=I-pinv", "--ngd-claim=O-sharp-lo", "--ngd-dataset=mine.csv", "--ngd-width=16"]
        outcome = started(place, ["pytest", *words, *chosen])
        assert outcome.returncode == 0, outcome.stdout
        found.append(results(place / "out"))
    assert found[0]["claims.json"]["dataset"]["complete"] is True
    assert found[0]["claims.json"]["obligations"]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({}, 0, "The 1 claim holds; 2 of 2 mutants refuted."),
        ({"conclusion": fake_claims.below(20.0)}, 1, "N-small is refuted: numbers <are> at most 30 & small"),
        ({"conclusion": fake_claims.broken}, 1, "ZeroDivisionError: a programming error"),
    ],
    ids=["holds", "refuted", "broken"],
)
def test_an_item_passes_and_fails_as_it_does_without_executor(
    suite: Suite, changes: dict[str, Any], code: int, said: str
) -> None:
    claim = Claim(**{**vars(fake_claims.claim()), **changes})
    plain = suite.run([claim], "--claim", "all")
    outcome = suite.run([claim], "--claim", "all", "--executor", "serial")
    assert (outcome.ret, outcome.parseoutcomes()) == (plain.ret, plain.parseoutcomes())
    assert outcome.ret == code
    assert said in outcome.stdout.str()


def test_an_item_that_breaks_off_in_a_worker_fails_with_its_traceback(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, claim: object) -> None:
        raise RuntimeError("a fault of the engine")

    monkeypatch.setattr("properties.engine.run.verification.Verification.claim", broken)
    outcome = suite.run([fake_claims.claim()], "--claim", "all", "--executor", "serial")
    outcome.assert_outcomes(failed=1, passed=2)
    outcome.stdout.fnmatch_lines(["Traceback*", "RuntimeError: a fault of the engine"])


def test_a_run_that_is_to_stop_at_the_first_failure_does(suite: Suite) -> None:
    claims = [fake_claims.claim(name, limit=20.0) for name in ("N-one", "N-two", "N-three")]
    outcome = suite.run(claims, "--claim", "all", "--executor", "serial", "-x")
    assert outcome.ret == 1
    outcome.assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--executor", "serial"], "--executor serves the items of --claim and --dataset, and nothing else"),
        (["--claim", "all", "--executor", "serial", "-n", "2"], "--executor and -n both share the items among proc"),
        (
            ["--claim", "all", "--executor", "many"],
            "unknown executor 'many'; known: serial, threads, processes, dask, and tcp:",
        ),
        (["--claim", "all", "--executor", "threads"], "one at a time in a process; take processes"),
        (["--claim", "all", "--workers", "2"], "--workers is how many processes --executor starts; give both"),
        (["--claim", "all", "--executor", "processes", "--workers", "0"], "--workers"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(suite: Suite, options: Sequence[str], said: str) -> None:
    outcome = suite.run([fake_claims.claim()], *options)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    assert said in outcome.stderr.str()


def test_a_scheduler_that_is_not_there_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    place = small_suite(tmp_path)
    code, output = ended(begun(place, ["--ngd-executor=tcp://127.0.0.1:9"]), place)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: executor tcp://127.0.0.1:9: " in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_what_is_finished(number: signal.Signals, tmp_path: Path) -> None:
    place = small_suite(tmp_path, more=SLOW_ONCE)
    run = begun(place, ["--ngd-executor=processes", "--ngd-workers=2"])
    wait_until_slow(place, run)
    run.send_signal(number)
    code, output = ended(run, place)
    assert code == pytest.ExitCode.INTERRUPTED, output
    assert "the run stopped early, with 3 of 4 items done." in output
    assert results(place / "out")["claims.json"]["complete"] is False


def test_a_pool_that_loses_a_process_says_so_and_keeps_what_is_finished(tmp_path: Path) -> None:
    place = small_suite(tmp_path, more=SLOW_ONCE)
    run = begun(place, ["--ngd-executor=processes", "--ngd-workers=2"])
    os.kill(wait_until_slow(place, run), signal.SIGKILL)
    code, output = ended(run, place)
    assert code == pytest.ExitCode.INTERRUPTED, output
    assert "Interrupted: executor processes: a worker ended before it had an answer" in output
    assert "the run stopped early, with 3 of 4 items done." in output


def test_why_there_is_no_answer_is_one_line() -> None:
    missing = RuntimeError("Error during deserialization")
    missing.__cause__ = ModuleNotFoundError("No module named 'properties'")
    assert _reason(missing) == (
        "its workers cannot import what the run needs (No module named 'properties'); "
        "install the project where they are, with the same extras"
    )
    assert _reason(BrokenProcessPool("gone")).startswith("a worker ended before it had an answer")
    assert _reason(KeyError("a\nb")).count("\n") == 0


def test_orders_are_told_in_full() -> None:
    claim = SUITE.claims["I-pinv"]
    one = pickle.loads(pickle.dumps(order(3, claim, TERMS)))
    assert (one.number, one.kind, one.name) == (3, Claim, "I-pinv")
    answer = carried_out(one)
    assert answer.outcome is not None
    assert answer.outcome.passed
    assert answer.seconds > 0
    with pytest.raises(TypeError, match="no order for int"):
        order(0, 7, TERMS)


def test_a_worker_of_another_version_is_refused() -> None:
    with pytest.raises(ChoiceError, match=r"the run is of version 0\.0\.1; install the same"):
        carried_out(order(0, SUITE.claims["I-pinv"], replace(TERMS, version="0.0.1")))


def test_families_that_the_run_leaves_out_are_left_out() -> None:
    """Where an extra is missing that the worker has."""
    claim = SUITE.claims["I-gram"]
    answer = carried_out(order(0, replace(claim, families=claim.families[1:]), TERMS))
    assert answer.outcome is not None
    assert list(answer.outcome.entry["families"]) == [family.id for family in claim.families[1:]]
