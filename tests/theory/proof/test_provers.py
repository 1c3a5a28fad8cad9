"""Provers in processes: what they answer, and that a hang, a crash or nonsense is an unknown answer within the limit."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from theory.proof import provers
from theory.proof.provers import PROVERS, Prover, Reply

UNSATISFIABLE = "(declare-const x Real)\n(assert (< (* x x) 0.0))"
RATIONAL = "(declare-const x Real)\n(assert (= (* 3.0 x) 2.0))"
ROOT = "(declare-const x Real)\n(assert (= (* x x) 2.0))\n(assert (> x 0.0))"


def fake(body: str, limit: float = 5.0) -> Prover:
    """A prover whose process runs this Python text with ``line``, the question, at hand."""
    text = f"import sys, os, time\nfor line in sys.stdin:\n    {body}\n    sys.stdout.flush()"
    return Prover("fake", limit, [sys.executable, "-I", "-c", text])


@pytest.fixture(params=PROVERS)
def prover(request: pytest.FixtureRequest) -> Iterator[Prover]:
    with Prover(request.param) as found:
        yield found


def test_answers_and_models(prover: Prover) -> None:
    assert prover.ask(UNSATISFIABLE) == Reply("unsat")
    assert prover.ask(RATIONAL) == Reply("sat", {"x": Fraction(2, 3)})


def test_an_irrational_value_has_a_rational_near_it(prover: Prover) -> None:
    found = prover.ask(ROOT)
    assert found.answer == "sat"
    assert abs(found.model["x"] ** 2 - 2) < Fraction(1, 2 if prover.name == "cvc5" else 10**30)


def test_what_cannot_be_read_is_unknown_and_does_no_harm(prover: Prover) -> None:
    found = prover.ask("(assert (< nowhere 0.0))")
    assert found.answer == "unknown"
    assert "nowhere" in found.reason
    assert prover.ask(UNSATISFIABLE).answer == "unsat"


def test_questions_do_not_see_each_other(prover: Prover) -> None:
    assert prover.ask(UNSATISFIABLE).answer == "unsat"
    assert prover.ask(ROOT).answer == "sat"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("time.sleep(60)", "no answer within 0.5 s"),
        ("sys.stdout.write('{'); sys.stdout.flush(); time.sleep(60)", "no answer within 0.5 s"),
        ("os._exit(3)", "its process ended"),
        ("os.kill(os.getpid(), 11)", "its process ended"),
        ("print('unsat')", "no answer that can be read"),
        ("print('[]')", "no answer that can be read"),
        ('print(\'{"answer": "unsat"}\')', "no answer that can be read"),
        ('print(\'{"answer": "yes", "model": {}, "reason": ""}\')', "it said 'yes'"),
        ('print(\'{"answer": "sat", "model": {"x": "1/0"}, "reason": ""}\')', "no answer that can be read"),
        ('print(\'{"answer": "sat", "model": {"x": "two"}, "reason": ""}\')', "no answer that can be read"),
        ('print(\'{"answer": "unknown", "model": {}, "reason": "too hard"}\')', "too hard"),
    ],
)
def test_what_is_not_an_answer_is_unknown_within_the_limit(body: str, reason: str) -> None:
    with fake(body, 0.5 if "sleep" in body else 5.0) as prover:
        started = time.monotonic()
        found = prover.ask(ROOT)
        assert time.monotonic() - started < 5
        assert found.answer == "unknown"
        assert reason in found.reason
        assert not found.model


def test_a_command_that_does_not_exist_is_unknown() -> None:
    with Prover("absent", 5.0, ["/nowhere/prover"]) as prover:
        assert "No such file" in prover.ask(ROOT).reason


def test_an_unknown_prover_is_unknown() -> None:
    with Prover("yices") as prover:
        assert prover.ask(ROOT).answer == "unknown"


def test_a_process_over_its_limit_is_killed_and_the_next_question_starts_another() -> None:
    body = 'time.sleep(60) if \'hang\' in line else print(\'{"answer": "unsat", "model": {}, "reason": "%d"}\' % os.getpid())'
    with fake(body, 1.0) as prover:
        first = int(prover.ask("").reason)
        assert int(prover.ask("").reason) == first
        assert prover.ask("hang").answer == "unknown"
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        second = int(prover.ask("").reason)
        assert second != first
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


def test_a_process_ends_by_itself_when_nobody_is_left_to_kill_it() -> None:
    """The alarm of the process, a second after the limit: the side that asks never kills it here."""
    text = (
        "import runpy, sys, time\n"
        "main = runpy.run_path(sys.argv[1])['main']\n"
        "main.__globals__['ask_z3'] = lambda query: time.sleep(60)\n"
        "main('z3')"
    )
    question = json.dumps({"query": "", "limit": 0.0}).encode() + b"\n"
    script = str(Path(provers.__file__).with_name("prover_process.py"))
    ended = subprocess.run([sys.executable, "-I", "-c", text, script], input=question, timeout=30, check=False)
    assert ended.returncode == -signal.SIGALRM


def test_a_prover_is_found_where_this_process_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the user's own directory too, and by PYTHONPATH: what is taken for installed here is installed there."""
    (tmp_path / "z3.py").write_text("raise RuntimeError('found by its path')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Prover("z3") as prover:
        assert prover.ask("").reason == "RuntimeError: found by its path"
