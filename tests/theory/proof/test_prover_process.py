"""What runs inside a prover's process, here in this one: its functions and the loop over questions."""

import io
import json
import signal
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from theory.proof import prover_process

SQUARE = (
    "(declare-const x Real)\n(declare-const y Real)\n(assert (= (* x x) 2.0))\n(assert (> x 0.0))\n(assert (= y 0.75))"
)
NO_SQUARE = "(declare-const x Real)\n(assert (= (* x x) (- 1.0)))"

Ask = Callable[[str], tuple[str, dict[str, str]]]


@pytest.mark.parametrize("ask", [prover_process.ask_z3, prover_process.ask_cvc5])
def test_answers_with_models(ask: Ask) -> None:
    assert ask(NO_SQUARE) == ("unsat", {})
    answer, model = ask(SQUARE)
    assert answer == "sat"
    assert model.keys() == {"x", "y"}
    assert Fraction(model["y"]) == Fraction(3, 4)
    assert abs(Fraction(model["x"]) ** 2 - 2) < (Fraction(1, 10**30) if ask is prover_process.ask_z3 else 1)


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The alarms that were set, none of which rings."""
    found: list[int] = []
    monkeypatch.setattr(signal, "alarm", found.append)
    return found


@pytest.fixture
def replies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], alarms: list[int]
) -> Callable[..., list[Any]]:
    """Runs the loop on questions and returns its replies."""

    def run(name: str, *questions: Any) -> list[Any]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(json.dumps(one) + "\n" for one in questions)))
        prover_process.main(name)
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.mark.parametrize("name", ["z3", "cvc5"])
def test_the_loop_answers_every_question_within_its_limit(
    name: str, replies: Callable[..., list[Any]], alarms: list[int]
) -> None:
    questions = [{"query": NO_SQUARE, "limit": 0.5}, {"query": "(assert (> nowhere 0.0))", "limit": 3.0}]
    first, second = replies(name, *questions)
    assert first == {"answer": "unsat", "model": {}, "reason": ""}
    assert (second["answer"], second["model"]) == ("unknown", {})
    assert "nowhere" in second["reason"]
    assert ":" in second["reason"]
    assert alarms == [2, 0, 4, 0]


def test_a_model_and_an_unknown_answer_are_told(
    replies: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prover_process, "ask_z3", lambda query: (query, {"x": "1/2"}))
    sat, unknown = replies("z3", {"query": "sat", "limit": 1.0}, {"query": "unknown", "limit": 1.0})
    assert sat == {"answer": "sat", "model": {"x": "1/2"}, "reason": ""}
    assert unknown == {"answer": "unknown", "model": {"x": "1/2"}, "reason": "z3 says unknown"}
