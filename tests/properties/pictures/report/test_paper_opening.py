"""The first screen of the paper's claims: each card says the verdict and the run's own numbers."""

from typing import Any

import pytest

from properties.catalogue import slack_table
from properties.engine.claim import Status
from properties.engine.report.document import Document
from properties.engine.report.entries import slack_entry
from properties.pictures.all_widths import stored
from properties.pictures.report.all_widths_figure import power_text, sentence
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
    assert (
        "The bound, a conjecture at the widths tried, holds on"
        in texts(document(entry("T5", status=Status.CONJECTURE.value)))["T5"]
    )
    nothing = paper_opening(document(entry("T1-q")))
    assert (list(nothing.cards), nothing.figure) == ([], None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(8, "8"), (8.2, "9"), (82_414, "82,414"), (364979799239760, "3.7·10¹⁴"), (2e6, "2·10⁶"), (9.96e19, "10²⁰")],
)
def test_widths_are_rounded_up_and_large_ones_powers_of_ten(value: float, text: str) -> None:
    assert power_text(value) == text


def test_every_card_in_full() -> None:
    """Each number where it belongs: paper before proved, T3 before T3-tube before what a drawn network needs."""
    found = {id: text.replace(JOINER, "") for id, text in texts(document(*map(entry, PAPER))).items()}
    of = {row.of: power_text(row.width) for row in stored() if row.data == "orthonormal-10"}
    assert found["T2"] == (
        "Its form for strongly convex losses holds; its step limit at κ = 10, C = 0.089 is 21 times smaller than what is proved here: "
        "0.003/μ against 0.0673/μ."
    )
    assert found["T3"] == (
        f"With its constants worked out it holds; on 10 orthonormal inputs it asks for m = {of['T3']}, T3-tube for {of['T3-tube target']} "
        f"(symmetric, δ = 0.1); most drawn networks are certified from {of['tube']} on, and NGD is seen to converge from {of['seen']}; "
        "a lower bound is shown for n ≤ 2 alone."
    )
    assert len({of[one] for one in ("T3", "T3-tube target", "tube", "seen", "path", "ball")}) == 6, (
        "an exchange would not be seen"
    )
    assert found["T4"] == (
        "The theorem as printed holds; its step limit at C = 0.49 on 12 Gaussian inputs in R⁴ is 284 times smaller than what is proved here: "
        "0.0057 against 1.63."
    )
    assert found["T5"] == "The bound holds on 12 instances."


def test_verdicts_and_counts_of_both_bounds_are_told_apart() -> None:
    claims = entry("T5", verdict="refuted", instances=3), entry("T5-width", verdict="undecided", instances=5)
    assert texts(document(*claims))["T5"] == (
        "The bound is refuted on 3 instances; with width and scale made explicit, T5-width, it is a theorem, which stays undecided on 5 instances."
    )


@pytest.mark.parametrize(
    ("paper", "proved", "said"),
    [
        (0.0099, 0.8479, "85 times smaller than what is proved here: 0.0099 against 0.847."),
        (1e-5, 0.99, "98,999 times smaller than what is proved here: 0.00001 against 0.99."),
        (0.001, 0.9999996, "999 times smaller than what is proved here: 0.001 against 0.999."),
        (None, 0.8479, "as printed holds."),
        (0.5, None, "as printed holds."),
    ],
)
def test_limits_are_rounded_down_and_so_is_their_quotient(paper: float, proved: float, said: str) -> None:
    found = document(entry("T1"))
    (row,) = (row for row in found.slack if row["claim"] == "T1-sharp" and row["quantity"].endswith("C = 0.49"))
    row |= {"paper": paper, "proved": proved}
    assert texts(found)["T1"].endswith(said)


def test_the_caption_has_each_width_where_it_belongs() -> None:
    figure = paper_opening(document(entry("T3"))).figure
    of = {row.of: row.width for row in stored() if row.data == "orthonormal-10"}
    assert figure is not None
    assert figure.lead == "What to see: how far apart the marks of a row lie."
    assert figure.caption.endswith(
        f"a width of {power_text(of['T3'])}; most of 15 runs converge from {of['seen']} on, and most tubes are certified from {of['tube']:,} on. "
        "No mark is a lower bound: one is shown for 1 and 2 inputs alone (T3, slack)"
    )
    said = sentence(stored())
    assert f"seen to converge from m = {of['seen']:,} on; the tube is certified from m = {of['tube']:,} on" in said
    assert f"NGD's path from m = {of['path']:,} on" in said
    assert (
        f"T3-tube, in the form with the targets, asks for m = {of['T3-tube target']:,}, a certificate of the paper's ball is estimated to need m = {power_text(of['ball'])}"
        in said
    )
    assert said.endswith(f"and T3 asks for m = {power_text(of['T3'])}.")
