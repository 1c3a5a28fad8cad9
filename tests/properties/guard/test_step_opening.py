"""The first screen of a run on a step of the user's own."""

from typing import Any

from properties.engine.report.document import Document
from properties.guard.step_opening import SHOWN, step_opening


def entry(id: str, verdict: str = "holds", causes: tuple[str, ...] = ()) -> dict[str, Any]:
    explanation = ["X = [[1.0]]", *(f"cause: {one}" for one in causes)]
    return {"id": id, "verdict": verdict, "statement": f"the step meets {id}", "explanation": explanation}


def document(*claims: dict[str, Any]) -> Document:
    return Document({"implementation": "mine:step"}, claims={one["id"]: one for one in claims})


def test_a_right_step_is_named_with_what_it_meets() -> None:
    (card,) = step_opening(document(entry("own-a"), entry("own-b"))).cards
    assert (card.title, card.claim) == ("mine:step", "own-a")
    assert card.text.startswith("It meets all 2 claims")


def test_a_wrong_step_has_its_cause_once_and_refutations_before_what_is_undecided() -> None:
    opening = step_opening(
        document(
            entry("own-a", "undecided"),
            entry("own-b", "refuted", ("matches 1/n times the step on all 7 instances tried",)),
            entry("own-c", "refuted", ("matches 1/n times the step on all 9 instances tried",)),
            entry("own-d", "refuted", ("matches the step of GD on all 9 instances tried",)),
            entry("own-e"),
        )
    )
    assert [card.claim for card in opening.cards] == ["own-b", "own-d", "own-c", "own-a"]
    assert opening.cards[0].text == "Matches 1/n times the step on all 7 instances tried."
    assert opening.cards[2].text == "As for own-b."
    assert opening.cards[3].text == "own-a is undecided: the step meets own-a."


def test_few_cards_are_shown() -> None:
    opening = step_opening(document(*(entry(f"own-{place}", "refuted") for place in range(SHOWN + 2))))
    assert len(opening.cards) == SHOWN
    assert step_opening(document()).cards == []
