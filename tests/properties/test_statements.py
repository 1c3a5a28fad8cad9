"""Every statement of docs/theory.md is a claim, an obligation, or has a reason why it is neither."""

import re
from pathlib import Path

from properties.catalogue import not_claims, registry
from properties.suite import OBLIGATION, SUITE

TEXT = (Path(__file__).parents[2] / "docs" / "theory.md").read_text(encoding="utf-8")
BOLD = re.compile(r"\*\*(Condition \w+|[A-Z]\w*(?:-\w+)*)(?:\(C\))?(?: \[[A-Z](?:\\\*)?\])?\*\*")
OBLIGATIONS = re.compile(r"\bO-\w+(?:-\w+)*")


def strays(text: str) -> set[str]:
    """Ids of statements in the text of which nothing is known."""
    return {*BOLD.findall(text), *OBLIGATIONS.findall(text)} - {*registry, *SUITE.not_executable}


def test_every_statement_is_a_claim_or_has_a_reason() -> None:
    assert strays(TEXT) == set()
    assert len(BOLD.findall(TEXT)) > 50


def test_what_nothing_is_known_of_is_named() -> None:
    assert strays(TEXT + "* **T9 [P\\*]** and **T9-x**, **Condition 9(C) [D]** by O-t9-ball\n") == {
        *("T9", "T9-x", "Condition 9", "O-t9-ball")
    }


def test_reasons_are_given_to_statements_that_are_no_claims() -> None:
    assert not set(SUITE.not_executable) & set(registry)
    assert set(not_claims) <= set(BOLD.findall(TEXT))
    assert {id for id, reason in SUITE.not_executable.items() if reason == OBLIGATION} == set(SUITE.obligations)
    assert all(len(reason) > 20 for reason in SUITE.not_executable.values())
