"""What stands beside a claim: the suite lacks nothing, and a claim that lacks something fails its item with a line that says what."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from properties.engine.claim import Claim, Status, require
from properties.engine.completeness import lacking, named_in, strangers, unneeded
from properties.engine.extension import Suite as Whole
from properties.engine.slack import SlackRow
from properties.suite import SUITE
from tests.properties.engine import fake_claims
from tests.properties.engine.fake_obligations import SLACK, SMALLER_CHAIN, SQUARES
from tests.properties.engine.run.plugin_suite import Suite
from theory.proof.chain import Chain, checked
from theory.proof.implication import Implication

pytest_plugins = ["pytester"]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A text that has a place for N-small, and names N-other in passing."""
    path = tmp_path / "theory.md"
    path.write_text("* **N-small [P\\*]** numbers are small; N-other says more\n", encoding="utf-8")
    return path


def whole(claim: Claim[Any], document: Path | None = None, **changes: Any) -> Whole:
    parts: dict[str, Any] = {
        "claims": {claim.id: claim},
        "obligations": {SQUARES.id: SQUARES},
        "chains": {SMALLER_CHAIN.theorem: SMALLER_CHAIN},
    }
    return Whole("numbers", document=document, **(parts | changes))


def tied(*theorems: str) -> Any:
    return lambda obligation: [(theorem, Implication(("0 <= x",), "0 <= x")) for theorem in theorems]


def test_no_claim_and_no_obligation_of_the_suite_lacks_anything() -> None:
    ties = {id: SUITE.ties(one) for id, one in SUITE.obligations.items()}
    suite = dataclasses.replace(SUITE, ties=lambda obligation: ties[obligation.id])
    assert [line for claim in suite.claims.values() for line in lacking(claim, suite)] == []
    assert [line for obligation in suite.obligations.values() for line in unneeded(obligation, suite)] == []


def test_the_suite_names_its_document() -> None:
    assert SUITE.document is not None
    assert SUITE.document.is_file()


def test_a_claim_with_everything_lacks_nothing(document: Path) -> None:
    claim = fake_claims.claim()
    assert lacking(claim, whole(claim, document, ties=tied("N-small", "N-other"))) == []
    assert unneeded(SQUARES, whole(claim)) == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"formulas": None}, "no formulas; add formulas=Formulas(conclusion=(...), ...) where the claim is made"),
        ({"assumes": ()}, "what it assumes is not said; add assumes=(...), the theorem's hypotheses by name"),
        ({"unconditional": "all numbers"}, "what it assumes is not said; add assumes=(...)"),
        (
            {"assumes": ("value at most 30", "whole")},
            "nothing shows that 'whole' is needed; add a mutant, neighbour(..., drops='whole'), or",
        ),
        ({"assumes": ("whole",)}, "'value at most 30' is dropped but not assumed; add it to assumes=(...)"),
        (
            {"shown_elsewhere": {"value at most 30": "N-other/whole"}},
            "shown_elsewhere names N-other/whole for 'value at most 30', which is no mutant of the suite",
        ),
    ],
    ids=["formulas", "assumes", "assumes nothing and something", "mutant", "name", "mutant of another claim"],
)
def test_what_is_missing_at_the_claim_is_said(changes: Mapping[str, Any], line: str) -> None:
    claim = dataclasses.replace(fake_claims.claim(), **changes)
    assert any(found.startswith(f"N-small: {line}") for found in lacking(claim, whole(claim)))


def test_a_hypothesis_is_dropped_by_a_row_or_by_a_mutant_that_stands_elsewhere() -> None:
    claim = dataclasses.replace(fake_claims.claim(), assumes=("value at most 30", "whole"))
    row = SlackRow("N-small", "whole numbers", None, None, None, drops="whole")
    assert lacking(claim, whole(claim, slack=(row,))) == []
    assert lacking(claim, whole(claim, slack=(dataclasses.replace(row, claim="N-other"),)))
    shown = dataclasses.replace(claim, shown_elsewhere={"whole": "N-small/below-20"})
    assert lacking(shown, whole(shown)) == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"chains": {"N-other": SMALLER_CHAIN}}, 'no chain; add Chain("N-small", ...) beside the obligations'),
        ({"chains": {"N-small": Chain("N-small", ())}}, "its chain proves nothing; add proved("),
        (
            {"chains": {"N-small": Chain("N-small", (checked("all of it", "N-small"),))}},
            "its chain proves nothing; add",
        ),
        ({"obligations": {}}, "its chain needs O-squares, which is no obligation of the suite"),
        (
            {"obligations": {one.id: one for one in (SQUARES, SLACK)}, "ties": tied("N-small")},
            'O-slack is proved for its numbers but is not in its chain; add proved("...", O-slack) to Chain("N-small", ...)',
        ),
    ],
    ids=["chain", "no links", "claims alone", "unknown obligation", "obligation"],
)
def test_what_is_missing_in_the_proof_is_said(changes: Mapping[str, Any], line: str) -> None:
    claim = fake_claims.claim()
    (found,) = lacking(claim, whole(claim, **changes))
    assert found.startswith(f"N-small: {line}")


def test_a_conjecture_and_a_suite_without_proofs_need_no_chain() -> None:
    claim = fake_claims.claim()
    assert lacking(claim, whole(claim, chains={})) == []
    conjecture = dataclasses.replace(claim, status=Status.CONJECTURE)
    assert lacking(conjecture, whole(conjecture, chains={"N-other": SMALLER_CHAIN})) == []


def test_an_obligation_that_no_chain_needs_is_named() -> None:
    (line,) = unneeded(SLACK, whole(fake_claims.claim()))
    assert line.startswith('O-slack: in no chain; add proved("...", O-slack) to the Chain of the theorem that needs it')


def test_a_place_in_the_document_is_asked_for_where_there_is_one(document: Path) -> None:
    claim = fake_claims.claim("N-other")
    chains = {"N-other": Chain("N-other", SMALLER_CHAIN.links)}
    (line,) = lacking(claim, whole(claim, document, chains=chains))
    assert line == "N-other: no place in theory.md; add a paragraph with **N-other** there"
    document.unlink()
    assert lacking(claim, whole(claim, document, chains=chains)) == []


def test_places_are_bold_or_headings_or_said_to_be_the_id_of_one() -> None:
    text = "**T1 [P\\*]** and T2 in **two** words\n## T3: a heading\n**Lemma S** (id T4-lemma-S) for T5-x\n"
    assert {"T1", "T3", "T4-lemma-S"} <= named_in(text)
    assert not {"T2", "T5-x", "T4"} & named_in(text)


def test_hypotheses_of_instances_belong_to_one_name_each() -> None:
    claim = dataclasses.replace(fake_claims.claim(), assumes=("rank", "value at most 30", "value"))
    assert strangers(claim, {"rank J = n"}) == []
    (unknown,) = strangers(claim, {"width at most 4"})
    assert unknown.startswith(
        "N-small: its instances are asked for 'width at most 4', which begins with no name in assumes"
    )
    (several,) = strangers(claim, {"value at most 30"})
    assert several.endswith("begins with value at most 30 and with value; give them names apart in assumes")


# --- the command -----------------------------------------------------------------------------------------------------


def failure(suite: Suite, claim: Claim[Any], *arguments: str) -> Sequence[str]:
    done = suite.run([claim], f"--claim={claim.id}", *arguments)
    assert done.ret == 1
    return [str(line) for line in done.outlines]


def test_the_command_fails_before_it_searches(suite: Suite) -> None:
    claim = dataclasses.replace(fake_claims.claim(formulas=None), conclusion=fake_claims.broken)
    lines = failure(suite, claim)
    assert "N-small is incomplete:" in lines
    assert "N-small: no formulas; add formulas=Formulas(conclusion=(...), ...) where the claim is made" in lines
    assert not any("ZeroDivisionError" in line for line in lines)


def test_the_command_fails_for_a_hypothesis_that_is_not_among_those_assumed(suite: Suite) -> None:
    claim = dataclasses.replace(fake_claims.claim(), hypotheses=lambda _: [require("whole", 1.0)])
    assert any(line.startswith("N-small: its instances are asked for 'whole'") for line in failure(suite, claim))


def test_the_command_fails_for_an_obligation_in_no_chain(suite: Suite) -> None:
    suite.obligations = {one.id: one for one in (SQUARES, SLACK)}
    suite.chains = {SMALLER_CHAIN.theorem: SMALLER_CHAIN}
    done = suite.run([fake_claims.claim()], "--claim=O-slack")
    assert done.ret == 1
    assert any(str(line).startswith("O-slack: in no chain;") for line in done.outlines)
