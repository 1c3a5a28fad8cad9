"""In GitHub Actions a run leaves its table and the lines of a refuted step; anywhere else nothing of either."""

import functools
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from properties.engine.claim import Verdict
from properties.engine.report.document import Document
from properties.engine.run.github_actions import GitHubActions, error_commands, summary
from properties.engine.run.place import Place
from properties.guard.implementation import Implementation
from properties.guard.step_place import step_place
from properties.guard.subject import OwnStep
from tests.properties.engine import fake_claims
from tests.properties.engine.run.plugin_suite import Suite
from tests.properties.guard.test_guard_plugin import inside, repository

__all__ = ["repository"]

pytest_plugins = ["pytester"]

STEPS = """
import functools

def given(weights, signs, X, y, step_size):
    return weights

@functools.wraps(given)
def wrapping(*arguments):
    return given(*arguments)

part = functools.partial(given)
compiled = max

class Stepper:
    def __call__(self, weights, signs, X, y, step_size):
        return weights

    def method(self, weights, signs, X, y, step_size):
        return weights

stepper = Stepper()
"""


def entry(id: str, verdict: Verdict, *explanation: str) -> dict[str, object]:
    return {
        "kind": "claim",
        "id": id,
        "statement": f"{id}, stated",
        "verdict": verdict.value,
        "explanation": list(explanation),
    }


def refuted_document() -> Document:
    document = Document({}, expected=3)
    document.add(entry("own-T1", Verdict.REFUTED, "X = [[1.0]]"))
    document.add(entry("own-I-pinv", Verdict.REFUTED, "step_size = 0.5", "cause: matches 100% of it\non all"))
    document.add(entry("own-contract", Verdict.HOLDS))
    return document


def test_the_error_begins_with_the_cause_and_lies_at_the_step(tmp_path: Path) -> None:
    file = tmp_path / "with, comma: and % signs.py"
    file.touch()
    (line,) = error_commands(refuted_document(), Place(file, 7), tmp_path)
    assert line == (
        "::error file=with%2C comma%3A and %25 signs.py,line=7,title=the step is refuted::"
        "cause: matches 100%25 of it%0Aon all%0A"
        "own-T1 is refuted: own-T1, stated%0Aown-I-pinv is refuted: own-I-pinv, stated"
    )


def test_the_error_tells_a_cause_once_and_state_beside_the_claim(tmp_path: Path) -> None:
    document = Document({}, expected=2)
    first = entry("own-contract", Verdict.REFUTED, "cause: matches it on all 24 instances tried")
    document.add({**first, "remark": "keeps state between calls: so"})
    document.add(entry("own-T1", Verdict.REFUTED, "cause: matches it on all 25 instances tried"))
    (line,) = error_commands(document, None, tmp_path)
    assert line.partition("::cause: ")[2] == (
        "matches it on all 24 instances tried%0Aown-contract is refuted: keeps state between calls: so; "
        "own-contract, stated%0Aown-T1 is refuted: own-T1, stated"
    )


def test_a_step_elsewhere_has_no_place_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    for where in (None, Place(tmp_path / "installed.py", 1)):
        (line,) = error_commands(refuted_document(), where, tmp_path / "checkout")
        assert line.startswith("::error title=the step is refuted::cause: ")


def test_without_a_refutation_there_is_no_error(tmp_path: Path) -> None:
    document = Document({}, expected=2)
    document.add(entry("own-contract", Verdict.HOLDS))
    document.add(entry("own-T1", Verdict.UNDECIDED))
    assert error_commands(document, Place(tmp_path, 1), tmp_path) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("given", 4),
        ("wrapping", 4),  # what is wrapped, as every tool shows it
        ("part", 4),
        ("compiled", 12),  # no source of its own: where it is named
        ("stepper", 15),
        ("stepper.method", 18),
    ],
)
def test_where_a_step_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: int) -> None:
    file = tmp_path / "steps_of_theirs.py"
    file.write_text(STEPS)
    module = ModuleType("steps_of_theirs")
    module.__file__ = str(file)
    exec(compile(STEPS, str(file), "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    step = functools.reduce(getattr, name.split("."), module)
    found = step_place(Implementation.of(f"{module.__name__}:{name}", "ngd", step))  # type: ignore[arg-type]
    assert found == Place(file, line)


def test_an_adapter_of_ours_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from properties.guard.implementation import reference

    file = tmp_path / "adapted.py"
    file.write_text("from somewhere import adapter\n\nstep = adapter()\n")
    module = ModuleType("adapted")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "adapted", module)
    step = reference("ngd").step
    assert step_place(Implementation.of("adapted:step", "ngd", step)) == Place(file, 3)
    assert step_place(Implementation.of("adapted:other", "ngd", step)) == Place(file, 1)
    assert step_place(Implementation.of("nowhere:step", "ngd", step)) is None


def test_the_summary_is_a_table_that_no_text_breaks(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    file = suite.pytester.path / "summary.md"
    file.write_text("what an earlier step wrote\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    assert suite.run([fake_claims.claim()], "--claim=all").ret == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith("what an earlier step wrote\n### Verified natural gradient descent\n\nThe 1 claim holds; ")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert {line.replace("\\|", "").count("|") for line in table} == {10}
    assert "| N-small | holds | tested" in table[2]
    assert "\n    mutants: " in text
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    before = file.read_text(encoding="utf-8")
    done = suite.run([fake_claims.claim()], "--claim=all")
    assert file.read_text(encoding="utf-8") == before
    assert "::error" not in done.stdout.str()


def test_marks_of_markdown_stay_text() -> None:
    document = Document({}, expected=1, left_out={"proofs": ["O-`a`"]})
    document.add({"kind": "claim", **_complete("N|a <b> *c*")})
    text = summary(document)
    assert "| N\\|a \\<b\\> \\*c\\* |" in text
    assert "\n    left out: 1 obligation" in text


def _complete(id: str) -> dict[str, object]:
    from properties.engine.report.entries import claim_entry

    return {**claim_entry(fake_claims.claim(), "broke", "quick", 1), "id": id}


def test_a_summary_that_cannot_be_written_is_one_line(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.pytester.path / "missing" / "summary.md"))
    done = suite.run([fake_claims.claim()], "--claim=all")
    assert done.ret == 0
    done.stdout.fnmatch_lines(["no summary in GITHUB_STEP_SUMMARY *: No such file or directory"])


def test_a_wrong_step_is_shown_at_its_lines(
    pytester: pytest.Pytester, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(repository))
    done = inside(pytester, "--implementation", "mine.optimisers:mean", "--claim", "own-I-pinv")
    assert done.ret == 1
    (error,) = [line for line in done.outlines if line.startswith("::error")]
    lines = (repository / "mine" / "optimisers.py").read_text().splitlines()
    line = 1 + lines.index("def mean(weights, signs, X, y, step_size):")
    place = f"file=mine/optimisers.py,line={line},title=the step is refuted"
    begin = f"::error {place}::cause: matches 1/n times the step"
    assert error.startswith(begin)
    assert "%0Aown-I-pinv is refuted: " in error


@pytest.mark.parametrize(
    ("environment", "own", "printed"),
    [
        ({"GITHUB_ACTIONS": "true"}, True, 1),
        ({"GITHUB_ACTIONS": "false"}, True, 0),
        ({}, True, 0),
        ({"GITHUB_ACTIONS": "true"}, False, 0),
    ],
)
def test_only_there_and_only_for_a_step(environment: dict[str, str], own: bool, printed: int) -> None:
    lines: list[str] = []
    subject = OwnStep(Implementation.of("nowhere:step", "ngd", max)) if own else None
    run = SimpleNamespace(document=refuted_document(), subject=subject)
    GitHubActions(run, environment).pytest_terminal_summary(SimpleNamespace(write_line=lines.append))  # type: ignore[arg-type]
    assert len(lines) == printed
    assert all(line.startswith("::error ") for line in lines)
