"""The first screen of a run on a step or a library of the user's own."""

from typing import Any

import pytest

from properties.engine.report.commands import Commands
from properties.engine.report.document import Document
from properties.engine.report.own_opening import SHOWN, own_opening
from properties.engine.report.presentation import Opening
from properties.engine.report.templates import templates
from properties.suite import opening as of_suite


def entry(id: str, verdict: str = "holds", causes: tuple[str, ...] = ()) -> dict[str, Any]:
    explanation = ["X = [[1.0]]", *(f"cause: {one}" for one in causes)]
    return {"id": id, "verdict": verdict, "statement": f"the step meets {id}", "explanation": explanation}


def opening(*claims: dict[str, Any]) -> Opening:
    return own_opening(Document({}, claims={one["id"]: one for one in claims}), "mine:step", "wrong steps")


def test_a_right_step_is_named_with_what_it_meets() -> None:
    (card,) = opening(entry("own-a"), entry("own-b")).cards
    assert (card.title, card.claim) == ("mine:step", "own-a")
    assert card.text == "It meets all 2 claims, but no wrong steps were tried."


def test_a_wrong_step_has_its_cause_once_and_refutations_before_what_is_undecided() -> None:
    cards = opening(
        entry("own-a", "undecided"),
        entry("own-b", "refuted", ("matches 1/n times the step on all 7 instances tried",)),
        entry("own-c", "refuted", ("matches 1/n times the step on all 9 instances tried",)),
        entry("own-d", "refuted", ("matches the step of GD on all 9 instances tried",)),
        entry("own-e"),
    ).cards
    assert [(card.claim, list(card.also)) for card in cards] == [("own-b", ["own-c"]), ("own-d", []), ("own-a", [])]
    assert cards[0].text == "Matches 1/n times the step on all 7 instances tried."
    assert cards[2].text == "own-a is undecided: the step meets own-a."


def test_a_card_says_what_to_change_and_leads_to_the_other_claims() -> None:
    causes = (
        "cause: matches n^2 times the step on all 9 instances tried",
        "remedy: no J^T J; return weights - V / (-1/n^2)",
    )
    found = [{**entry(id, "refuted"), "explanation": causes} for id in ("own-a", "own-b")]
    (card,) = opening(*found).cards
    assert (
        card.text
        == "Matches n² times the step on all 9 instances tried. Remedy: no Jᵀ J; return weights - V / (-1/n^2)."
    )
    claim = {"instances": 1, "evidence": "tested", "evidence_counts": {}, "tightest": None, "counterexample": None}
    page = templates({}, Commands(report="r")).get_template("opening.html")
    shown = page.render(opening=opening(*found), entries={"own-a": found[0] | claim}, here="index.html", answers=[])
    assert "counterexample" not in shown
    claim["counterexample"] = "counterexamples/own-a-0123456789.json"
    shown = page.render(opening=opening(*found), entries={"own-a": found[0] | claim}, here="index.html", answers=[])
    assert '<a href="pages/claim-own-a.html#counterexample">counterexample</a>' in shown
    assert ".json" not in shown
    assert 'The same for <a href="pages/claim-own-b.html">own-b</a>.' in shown


def test_what_the_step_raised_stays_as_it_was_raised() -> None:
    text = "the step raised ValueError: beta >= 1e-3 ^2 on 24 of the 24 small instances tried"
    found = entry("own-a", "refuted", (text,))
    found["explanation"] += ["remedy: mend x.py, line 3, in step: w -= beta ^2 - 3"]
    (card,) = opening(found).cards
    assert card.text == f"T{text[1:]}. Remedy: mend x.py, line 3, in step: w -= beta ^2 - 3."


def test_few_cards_are_shown() -> None:
    assert len(opening(*(entry(f"own-{place}", "refuted") for place in range(SHOWN + 2))).cards) == SHOWN
    assert opening().cards == []


@pytest.mark.parametrize(("kind", "wrong"), [("implementation", "wrong steps"), ("library", "wrong libraries")])
def test_a_run_on_a_step_or_a_library_opens_with_its_name(kind: str, wrong: str) -> None:
    (card,) = of_suite(Document({kind: "mine"}, claims={"own-a": entry("own-a")})).cards
    assert card.title == "mine"
    assert card.text.endswith(f"no {wrong} were tried.")


def test_wrong_steps_are_counted_as_refuted_of_all() -> None:
    mutants = {
        f"own-a/{place}": {"id": f"own-a/{place}", "claim": "own-a", "verdict": verdict}
        for place, verdict in enumerate(("refuted", "holds", "refuted"))
    }
    found = own_opening(Document({}, claims={"own-a": entry("own-a")}, mutants=mutants), "mine:step", "wrong steps")
    assert found.cards[0].text == "It meets the claim, and the same search tells it from 2 of 3 wrong steps."


@pytest.mark.parametrize(
    ("instances", "ratio", "said"),
    [(1, 0.25, "tested; 1 instance; tightest 0.25</p>"), (12, 0.0, "tested; 12 instances</p>")],
)
def test_a_card_has_the_claim_s_own_counts_and_no_ratio_of_nothing(instances: int, ratio: float, said: str) -> None:
    claim = entry("own-a") | {
        "instances": instances,
        "vacuous": 77,
        "evidence": "tested",
        "evidence_counts": {"tested": instances},
    }
    claim |= {"tightest": {"ratio": ratio}, "counterexample": None}
    page = templates({}, Commands(report="r")).get_template("opening.html")
    assert said in page.render(opening=opening(entry("own-a")), entries={"own-a": claim}, here="index.html", answers=[])
