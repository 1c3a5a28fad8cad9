"""A library in a run of pytest: what is said of a right one, of a wrong one, and of what it has not."""

import json
import re
from pathlib import Path

import pytest

from properties.conformance.faults import FAULTS
from properties.conformance.kit import statements
from tests.properties.processes import here, started
from verified_natural_gradient.options import CHECKOUT

pytest_plugins = ["pytester"]

PAGE = (CHECKOUT / "docs" / "conformance.md").read_text(encoding="utf-8")

WRONG = """
import numpy as np
from properties.conformance.plain_steps import PlainSteps

def curvature(problem):
    if problem.approximation != "expand":
        raise NotImplementedError("the setting expand alone")
    return [np.kron(A, G) for G, A in PlainSteps().curvature(problem)]
"""


@pytest.fixture
def project(pytester: pytest.Pytester, profile_restored: None) -> Path:
    pytester.makepyfile(exchanged=WRONG)
    return pytester.path


def test_a_wrong_library_gets_the_smallest_problem_the_cause_and_a_file(
    pytester: pytest.Pytester, project: Path
) -> None:
    command = ["natural-gradient", "conform", "exchanged", "--claim", "library-L-one", "--report", "report"]
    found = started(project, command)
    assert found.returncode == 1, found.stdout
    said = found.stdout
    assert "not judged: L-solve (product): it has no solve" in said
    assert "network: linear(2->3)" in said
    assert "does what the wrong program factors-exchanged does (fault 6)" in said
    assert "again: natural-gradient conform exchanged --claim library-L-one" in said
    assert "mutants: 12 of 12 refuted" in said
    failure = said[said.index("library-L-one is refuted") : said.index("again: ")]
    assert len(failure.splitlines()) <= 30
    document = json.loads((project / "report" / "claims.json").read_text())
    assert document["environment"]["library"] == "exchanged"
    (file,) = [
        one
        for one in (project / "report" / "counterexamples").glob("library-L-one-*.json")
        if "beyond" not in one.name and not any(f in one.name for f in FAULTS)
    ]
    again = started(project, ["natural-gradient", "replay", str(file), "--conformance", "exchanged"])
    assert again.returncode == 1
    assert "the same as the file" in again.stdout
    alone = here(pytester, ["natural-gradient", "replay", str(file)])
    assert alone.ret == 4
    assert "name it with --conformance" in alone.stderr.str()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["conform", "nowhere"], "ERROR: MODULE nowhere: importing nowhere failed"),
        (["verify", "--ngd-conformance=exchanged", "--ngd-implementation=exchanged:curvature"], "give one of them"),
    ],
)
def test_names_and_choices_that_lead_nowhere_end_the_run(
    pytester: pytest.Pytester, project: Path, words: list[str], said: str
) -> None:
    found = here(pytester, ["natural-gradient", *words])
    assert found.ret == 4
    assert said in found.stderr.str()


def test_the_page_has_every_claim_and_every_fault() -> None:
    for statement in statements():
        assert re.search(rf"`library-{statement.id}` \|.*\| {statement.paragraph} \|", PAGE)
        assert re.search(rf"^### {statement.paragraph} .*\({statement.id}\)$", PAGE, re.MULTILINE)
        for fault in statement.faults:
            line = next(line for line in PAGE.splitlines() if f"`{fault}`" in line and line.startswith("| "))
            assert statement.id in line
    assert [int(n) for n in re.findall(r"^### (\d+) ", PAGE, re.MULTILINE)] == list(range(1, 17))
    assert all(fault.title.replace("||", "‖") in PAGE for fault in FAULTS.values())
