"""Items done by the workers of an executor: the same results, whoever works, and what happens when they do not come."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from properties.engine.claim import Claim, Depth
from properties.engine.part import Performed, Piece, Setting
from properties.engine.report.commands import Commands
from properties.engine.run.executed import _reason
from properties.engine.run.orders import _LATEST, Order, Terms, carried_out, order
from properties.engine.run.verification import Outcome
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
from theory.errors import ChoiceError, InputError
from theory.streaming.executors import SerialExecutor

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("profile_restored")

FALSE = ("20_000 - one.step * one.b", "20_001 - one.step * one.a")
"""Q-descent without its step limit."""

SETTING = Setting(Depth.QUICK, 20191, every_claim=False, reported=False)
TERMS = Terms("run", given_suite, SETTING, None, Commands())


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


@pytest.mark.parametrize("options", [(), ("--executor", "serial")])
def test_a_warning_fails_an_item_where_pytest_says_so_and_is_shown_once_else(
    suite: Suite, options: tuple[str, ...]
) -> None:
    below = fake_claims.below(30.0)

    def warning(one: Any) -> Any:
        warnings.warn("numbers overflow", RuntimeWarning, stacklevel=1)
        return below(one)

    claims = [replace(fake_claims.claim(), conclusion=warning)]
    strict = suite.run(claims, "--claim", "all", *options, "-W", "error:numbers:RuntimeWarning")
    strict.assert_outcomes(failed=1, passed=2)
    assert "RuntimeWarning: numbers overflow" in strict.stdout.str()
    mild = suite.run(claims, "--claim", "all", *options, "-W", "default:numbers:RuntimeWarning")
    mild.assert_outcomes(passed=3, warnings=1)
    silent = suite.run(claims, "--claim", "all", *options, "-W", "ignore:numbers:RuntimeWarning")
    silent.assert_outcomes(passed=3, warnings=0)


def test_a_run_that_only_lists_its_items_starts_nobody(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("properties.engine.run.executed.executor_named", None)
    outcome = suite.run([fake_claims.claim()], "--claim", "all", "--executor", "serial", "--collect-only")
    assert outcome.ret == 0
    outcome.stdout.fnmatch_lines(["*<ChosenItem N-small>"])


@pytest.mark.parametrize("executor", [(), ("--executor", "serial")])
def test_a_plugin_that_stops_the_run_is_heeded(suite: Suite, executor: tuple[str, ...]) -> None:
    suite.pytester.makeconftest("def pytest_runtest_teardown(item):\n    item.session.shouldstop = 'enough of this'\n")
    outcome = suite.run([fake_claims.claim()], "--claim", "all", *executor)
    outcome.assert_outcomes(passed=1)
    assert outcome.ret == pytest.ExitCode.INTERRUPTED
    outcome.stdout.fnmatch_lines(["*Interrupted: enough of this*"])


def test_the_longest_items_are_begun_first_after_a_short_claim(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"N-a": 9.0, "N-b": 1.0, "N-a/below-10": 3.0, "N-b/below-10": 20.0}
    monkeypatch.setattr("properties.engine.run.executed.seconds_once", lambda _: known)
    claims = [fake_claims.claim(name) for name in ("N-a", "N-b")]
    outcome = suite.run(claims, "--claim", "all", "--executor", "serial", "-v")
    done = re.findall(r"::(\S+) PASSED", outcome.stdout.str())
    assert done[:4] == ["N-b", "N-b/below-10", "N-a", "N-a/below-10"]


def test_so_many_workers_are_started_as_are_asked_for_and_runs_are_told_apart(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One scheduler's workers may serve several runs."""
    asked: list[tuple[str, int | None]] = []
    runs: list[str] = []

    @contextmanager
    def noted(name: str, workers: int | None) -> Iterator[Executor]:
        asked.append((name, workers))
        yield SerialExecutor()

    def told(number: int, subject: object, terms: Terms) -> Order:
        runs.append(terms.run)
        return order(number, subject, terms)

    monkeypatch.setattr("properties.engine.run.executed.executor_named", noted)
    monkeypatch.setattr("properties.engine.run.executed.order", told)
    for options in (["--workers", "3"], []):
        suite.run([fake_claims.claim()], "--claim", "all", "--executor", "processes", *options)
    assert asked == [("processes", 3), ("processes", None)]
    assert len(runs) == 6
    assert len(set(runs)) == 2


def test_a_registry_that_is_unfit_to_run_starts_nobody(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("properties.engine.run.executed.executor_named", None)
    outcome = suite.run([replace(fake_claims.claim(), families=())], "--claim", "all", "--executor", "serial")
    outcome.assert_outcomes(errors=1)
    assert outcome.ret == pytest.ExitCode.INTERRUPTED


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
    missing.__cause__, missing.__context__ = None, ImportError("No module named 'theory'")
    assert "(No module named 'theory')" in _reason(missing)
    missing.__cause__ = AttributeError("Can't get attribute 'suite' on <module 'conftest'>")
    assert _reason(missing).startswith("its workers cannot import what the run needs (Can't get attribute 'suite' on")
    assert _reason(CancelledError()).startswith("the scheduler is not reached any more")
    assert _reason(InputError("a\n  b")) == "a b"


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


def test_a_suite_that_workers_cannot_import_is_refused_in_one_line(tmp_path: Path) -> None:
    place = small_suite(tmp_path)
    conftest = place / "conftest.py"
    conftest.write_text(conftest.read_text().replace("SuitePlugin(suite)", "SuitePlugin(lambda: SUITE)"))
    code, output = ended(begun(place, ["--ngd-executor=processes"]), place)
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert "ERROR: --ngd-executor: workers cannot import what gives the suite (" in output
    assert "Traceback" not in output


def test_a_process_does_one_item_at_a_time_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work: list[int] = []
    seen: list[tuple[int, int]] = []

    def slow(one: Order) -> Outcome:
        at_work.append(one.number)
        time.sleep(0.05)
        threads = max(found["num_threads"] for found in threadpool_info())
        seen.append((len(at_work), threads))
        at_work.remove(one.number)
        return Outcome({}, True, "")

    monkeypatch.setattr("properties.engine.run.orders._outcome", slow)
    orders = [order(number, SUITE.claims["I-pinv"], TERMS) for number in range(4)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(carried_out, orders))
    clock = iter((10.0, 12.5))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    with threadpool_limits(2):
        assert carried_out(orders[0]).seconds == 2.5
    assert seen == [(1, 1)] * 5


def test_a_worker_of_another_version_is_refused() -> None:
    with pytest.raises(ChoiceError, match=r"the run is of version 0\.0\.1; install the same"):
        carried_out(order(0, SUITE.claims["I-pinv"], replace(TERMS, version="0.0.1")))


def test_families_that_the_run_leaves_out_are_left_out() -> None:
    """Where an extra is missing that the worker has."""
    claim = SUITE.claims["I-gram"]
    answer = carried_out(order(0, replace(claim, families=claim.families[1:]), TERMS))
    assert answer.outcome is not None
    assert list(answer.outcome.entry["families"]) == [family.id for family in claim.families[1:]]


def test_a_mutant_is_searched_in_the_families_of_its_claim_that_the_run_has() -> None:
    claim = fake_claims.claim()
    known = replace(SUITE, claims={claim.id: claim}, obligations={}, chains={})
    terms = replace(TERMS, suite=lambda: known)
    found = []
    for families in (claim.families[:1], claim.families[1:]):  # in the second no number is above 10
        mutant = replace(claim.mutants[0], claim=replace(claim.mutants[0].claim, families=families))
        answer = carried_out(order(0, mutant, terms))
        assert answer.outcome is not None, answer.error
        found.append(answer.outcome.passed)
    assert found == [True, False]


def answered(claim: Claim[Any], report: Path) -> Outcome:
    known = replace(SUITE, claims={claim.id: claim}, obligations={}, chains={}, document=None)
    answer = carried_out(order(0, claim, replace(TERMS, suite=lambda: known, report=report)))
    assert answer.outcome is not None, answer.error
    return answer.outcome


def test_a_worker_writes_the_root_seed_into_counterexamples_and_misses_what_a_claim_lacks(tmp_path: Path) -> None:
    false = answered(fake_claims.claim(limit=20.0), tmp_path)
    assert "is refuted" in false.failure
    (content,) = false.files.values()
    assert json.loads(content)["environment"]["root_seed"] == SETTING.root
    assert "formulas" in answered(fake_claims.claim(formulas=None), tmp_path).failure


def test_a_mutant_goes_with_all_families_that_the_run_has() -> None:
    assert order(0, fake_claims.claim().mutants[0], TERMS).families == ("F1", "F2")


def test_the_shares_of_a_task_are_made_once_a_run_and_not_kept_longer() -> None:
    """What one share finds on the way, the next may use; another run has another setting."""
    made: list[Setting] = []

    def shares(setting: Setting) -> Sequence[Any]:
        made.append(setting)
        return [SimpleNamespace(name=name, perform=lambda _: Performed({}, True)) for name in ("one", "two")]

    task: Any = SimpleNamespace(kind="dataset", name="mine", shares=shares)
    for run in ("first", "second"):
        for share in ("one", "two"):
            answer = carried_out(Order(0, Piece, share, replace(TERMS, run=run), task=task))
            assert answer.error == ""
    assert len(made) == 2
    assert len(_LATEST) == 1
