"""The first screen of the paper's claims: each card says the verdict and the run's own numbers."""

from typing import Any

import pytest

from properties.catalogue import slack_table
from properties.engine.claim import Status
from properties.engine.report.document import Document
from properties.engine.report.entries import slack_entry
from properties.pictures.all_widths import stored
from properties.pictures.report.all_widths_figure import power_text
from properties.pictures.report.paper_opening import JOINER, paper_opening

PAPER = ("T1", "T2", "T3", "T4", "T5")


def entry(id: str, **changes: Any) -> dict[str, Any]:
    found = {"id": id, "verdict": "holds", "status": "theorem", "instances": 12, "tightest": None, "families": {}}
    return {**found, **changes}


def document(*claims: dict[str, Any], slack: bool = True) -> Document:
    rows = [slack_entry(row) for row in slack_table] if slack else []
    return Document({}, claims={one["id"]: one for one in claims}, slack=rows)


def texts(found: Document) -> dict[str, str]:
    return {card.claim: card.text for card in paper_opening(found).cards}


def test_every_theorem_of_the_paper_has_a_card_with_numbers() -> None:
    found = texts(document(*map(entry, PAPER), entry("T5-width", instances=1)))
    assert list(found) == list(PAPER)
    assert found["T1"] == (
        "Theorem 1 as printed holds; its step limit at C = 0.49 is 94 times smaller than what is proved here: 0.009 against 0.847."
    )
    assert "at κ = 10, C = 0.089 is 21 times smaller than what is proved here: 0.003/μ against 0.0673/μ" in found[
        "T2"
    ].replace(JOINER, "")
    assert "is 284 times smaller" in found["T4"]
    assert found["T5"].endswith("holds on 12 instances; with width and scale made explicit, T5-width, it is a theorem, which holds on 1 instance.")  # fmt: skip


def test_the_width_card_and_the_caption_have_the_picture_s_numbers() -> None:
    opening = paper_opening(document(entry("T3")))
    widths = {row.of: row.width for row in stored() if row.data == "orthonormal-10"}
    for of in ("T3", "T3-tube target", "tube", "seen"):
        assert power_text(widths[of]) in opening.cards[0].text
    assert opening.figure is not None
    assert power_text(widths["T3"]) in opening.figure.caption


@pytest.mark.parametrize(("verdict", "said"), [("refuted", "is refuted"), ("undecided", "stays undecided")])
def test_a_verdict_that_is_none_of_success_is_said(verdict: str, said: str) -> None:
    found = texts(document(*(entry(id, verdict=verdict) for id in PAPER)))
    assert all(said in text and "holds" not in text for text in found.values())


def test_nothing_is_said_of_what_is_not_in_the_run() -> None:
    assert texts(document(entry("T2"), slack=False)) == {"T2": "Its form for strongly convex losses holds."}
    assert "T5-width" not in texts(document(entry("T5", status=Status.CONJECTURE.value)))["T5"]
    assert "a conjecture at the widths tried" in texts(document(entry("T5", status=Status.CONJECTURE.value)))["T5"]
    nothing = paper_opening(document(entry("T1-q")))
    assert (list(nothing.cards), nothing.figure) == ([], None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(8, "8"), (8.2, "9"), (82_414, "82,414"), (364979799239760, "3.7·10¹⁴"), (2e6, "2.0·10⁶"), (9.96e19, "1.0·10²⁰")],
)
def test_widths_are_rounded_up_and_large_ones_powers_of_ten(value: float, text: str) -> None:
    assert power_text(value) == text
