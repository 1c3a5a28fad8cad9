"""Sample, reviewed list, judging and summary of semantic faults."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fault_testing.fault import Fault, Judge, Judgement
from fault_testing.planting import all_faults, sample
from fault_testing.summary import few_enough, summary
from mutation_testing.model import Scope
from mutation_testing.reviewed import FAULT_KINDS, Review, review_of, reviews

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
CERTAIN = """
def rate(c):
    return 1 - c / 3


def limit(c):
    return c / 4


def useless(c):
    return c / 5


CLAIMS = ("T1", "T1-gone")[: 1 + 1]
"""
TESTS = """
from theory.certain import rate, useless


def test_rate():
    assert rate(3) == 0


def test_useless():
    useless(3)
"""
CLAIM = """
import pytest

from theory.certain import CLAIMS, limit


@pytest.mark.parametrize("claim", CLAIMS)
def test_claim(claim):
    assert limit(4) == 1
"""
JUDGE = """
import json, sys, time
from pathlib import Path
from fault_testing import trial
trial.IMPORTED_ONCE = ("pytest",)
from fault_testing.judging import judgements
from fault_testing.planting import OPERATORS, all_faults
root, directory = map(Path, sys.argv[1:3])
faults = all_faults(root, [one for one in OPERATORS if one.name in ("constant", "term-dropped")])
found = dict(judgements(root, directory, faults, workers=1, limit=60.0, deadline=time.monotonic() + 60, recorded_from=int(sys.argv[3])))
told = {f"{fault.definition}: {fault.text}": [one.judge.value, one.by, one.tests, one.out_of_time] for fault, one in found.items()}
print(json.dumps({"failing": sorted({item for one in found.values() for item in one.failing}), **told}))
"""

ALONE = {"PYTHONPATH": str(TOOLS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""The small project has nothing to do with what is installed."""


def test_a_sample_takes_operators_and_files_in_turn() -> None:
    faults = all_faults(ROOT, file="^theory/theorems/")
    found = sample(faults, 60, 0, ROOT)
    operators = {fault.operator for fault in faults}
    assert len({(fault.file, fault.start, fault.end, fault.text) for fault in found}) == len(found) == 60
    assert {fault.operator for fault in found[: len(operators)]} == operators
    several = [fault.file for fault in found if fault.operator == "constant"]
    assert len(set(several)) == len(several) > 1
    assert sample(faults, 9, 0, ROOT) == found[:9] != sample(faults, 9, 1, ROOT)


def test_the_reviewed_list_speaks_of_faults_that_there_are() -> None:
    entries = reviews(TOOLS / "reviewed_faults.toml", FAULT_KINDS)
    faults = all_faults(ROOT, file="|".join(entry.file for entry in entries))
    for entry in entries:
        assert any(entry.covers(fault) for fault in faults), f"reviewed_faults.toml: nothing is changed like {entry}"


def test_the_reviewed_list_of_mutants_speaks_of_lines_that_there_are() -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (ROOT / "theory").rglob("*.py")
    }
    for entry in reviews(TOOLS / "equivalent_mutants.toml"):
        known = [line for file, text in lines.items() if re.search(entry.file, file) for line in text]
        assert any(re.search(entry.before, line) for line in known), (
            f"equivalent_mutants.toml: there is no line like {entry}"
        )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "theory/__init__.py": "",
        "theory/certain.py": CERTAIN,
        "tests/theory/test_certain.py": TESTS,
        "tests/claims/test_claims.py": CLAIM,
        "pyproject.toml": "[tool.pytest.ini_options]\n",
    }
    for name, text in files.items():
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(text)
    return tmp_path / "project"


def judged(project: Path, recorded_from: int = 100) -> Any:
    command = [sys.executable, "-c", JUDGE, str(project), str(project.parent / str(recorded_from)), str(recorded_from)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=ALONE)
    return json.loads(found.stdout)


def test_what_breaks_something_is_caught_and_what_breaks_nothing_survives(project: Path) -> None:
    by_test = ["test", "tests/theory/test_certain.py::test_rate", 0, False]
    assert judged(project) == {
        "failing": [],
        "rate: 2": by_test,
        "rate: 1": by_test,
        "rate: (-(c / 3))": by_test,
        "limit: 3": ["claim", "tests/claims/test_claims.py::test_claim[T1]", 0, False],
        "useless: 4": ["survivor", "", 1, False],
        "CLAIMS: 1": ["survivor", "", 1, False],
    }
    assert (project / "theory" / "certain.py").read_text() == CERTAIN


def test_what_executes_the_changed_line_is_asked_first(project: Path) -> None:
    path = project / "tests" / "theory" / "test_certain.py"
    names = "def test_named():\n    assert [rate, useless]\n\n\n"
    path.write_text(path.read_text().replace("def test_rate", f"{names}def test_rate"))
    assert judged(project)["rate: 2"] == ["test", "tests/theory/test_certain.py::test_rate", 1, False]
    assert judged(project, 1)["rate: 2"] == ["test", "tests/theory/test_certain.py::test_rate", 0, False]


def test_what_executes_a_decorated_function_is_asked_first_about_its_decorators(project: Path) -> None:
    decorated = (
        "def plus(number):\n    return lambda f: lambda c: f(c) + number\n\n\n@plus(\n    10 - 4\n)\ndef rate(c):"
    )
    changed = CERTAIN.replace("def rate(c):", decorated).replace("1 - c / 3", "c / 3 - 7")
    (project / "theory" / "certain.py").write_text(changed)
    path = project / "tests" / "theory" / "test_certain.py"
    path.write_text(path.read_text().replace("def test_rate", "def test_named():\n    assert rate\n\n\ndef test_rate"))
    assert judged(project, 1)["rate: 9"] == ["test", "tests/theory/test_certain.py::test_rate", 0, False]


def test_a_test_that_fails_without_any_fault_catches_none(project: Path) -> None:
    (project / "theory" / "certain.py").write_text(CERTAIN.replace("1 - c / 3", "1 - c / 4"))
    found = judged(project)
    assert found["failing"] == ["tests/theory/test_certain.py::test_rate"]
    assert found["rate: 3"] == ["survivor", "", 0, False]
    assert found["limit: 3"][0] == "claim"


def fault(number: int, judge: Judge) -> tuple[Fault, Judgement]:
    planted = Fault(str(number), "theory/a.py", number, f"x = {number}", "x = 0", Scope.ORDINARY, operator="constant")
    return planted, Judgement(judge)


def test_three_survivors_of_a_hundred_without_an_explanation_are_too_many() -> None:
    caught = dict(fault(number, Judge.TEST) for number in range(97))
    assert few_enough(caught, [])
    assert not few_enough({}, [])
    cut = caught | dict([fault(100, Judge.NOT_RUN)])
    assert not few_enough(cut, [])
    assert "1 were not run, time was up" in summary(cut, [])
    survivors = dict(fault(number, Judge.NOBODY) for number in (97, 98, 99))
    assert not few_enough(caught | survivors, [])
    explained = [Review("explained", r"a\.py", "^x = 97$", "^x = 0$", "a reason that is long enough")]
    assert few_enough(caught | survivors, explained)
    text = summary(caught | survivors, explained)
    assert "survivors without an explanation: 2 of 100 = 2.0% (under 3%)" in text
    assert "a reason that is long enough" in text
    assert text.count("NOT EXPLAINED") == 2
    assert text.count("- x = ") == 3


def test_an_entry_is_matched_by_text_not_by_line() -> None:
    entry = Review("explained", r"a\.py", "^x = 5$", "^x = 0$", "a reason that is long enough")
    planted, _ = fault(5, Judge.NOBODY)
    moved = Fault(**{**vars(planted), "line": 99, "file": "theory/elsewhere/a.py"})
    assert review_of(moved, [entry]) == entry
    assert review_of(Fault(**{**vars(planted), "before": "x = 6"}), [entry]) is None


def test_a_list_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text(
        '[[mutant]]\nkind = "rounding"\nfile = "a"\nbefore = "b"\nafter = "c"\nreason = "a reason that is long"\n'
    )
    assert reviews(path)
    with pytest.raises(ValueError, match="equivalent, explained"):
        reviews(path, FAULT_KINDS)
