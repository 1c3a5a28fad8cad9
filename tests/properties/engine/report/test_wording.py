"""Numbers and bounds in few characters, and in print no bound says more than it did."""

import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from properties.catalogue import slack_table
from properties.engine.claim import InstanceVerdict
from properties.engine.report import terminal, wording
from properties.engine.report.baseline_lines import baseline_lines
from properties.engine.report.commands import Commands
from properties.engine.report.document import Document
from properties.engine.report.entries import slack_entry
from properties.engine.report.plain import counted
from properties.engine.report.templates import templates
from tests.properties.engine.report.sample import in_ascii
from theory.direction import Attained, LowerBound, UpperBound


def test_bounds_in_short() -> None:
    bounds: list[dict[str, Any]] = [
        {"label": "a", "verdict": "holds", "ratio": 0.25},
        {"label": "b", "verdict": "refuted", "ratio": "inf"},
        {"label": "c", "verdict": "holds", "ratio": 0.5},
    ]
    assert wording.bound_texts({"bounds": bounds}) == [
        "b: refuted, ratio inf",
        "2 bounds hold, the tightest: c, ratio 0.5",
    ]
    assert wording.bound_texts({"bounds": bounds[:1]}) == ["1 bound holds: a, ratio 0.25"]
    kept = {"bounds": bounds[1:], "bounds_held": 7}
    assert wording.bound_texts(kept) == ["b: refuted, ratio inf", "7 bounds hold, the tightest: c, ratio 0.5"]
    assert wording.bound_texts({"bounds": []}) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (1.0, "1"),
        (1 - 1e-6, "1 - 1.0e-06"),
        (0.9997, "0.9997"),
        ("inf", "inf"),
    ],
)
def test_numbers_in_four_digits(value: Any, text: str) -> None:
    assert wording.number_text(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "1"),
        (1 - 1e-9, "1 - 1.0e-09"),
        (1 + 2e-6, "1 + 2.0e-06"),
        (0.5, "0.5"),
        (1.04, "1.04"),
        ("inf", "inf"),
        (0.0, "0"),
        (0.99987654321, "0.999877"),
    ],
)
def test_ratios_in_few_characters(ratio: float | str, text: str) -> None:
    assert wording.ratio_text(ratio) == text


def test_what_the_links_of_a_proof_rest_on() -> None:
    proved: dict[str, Any] = {"basis": "proved", "known": ["proved", "proved"]}
    checked: dict[str, Any] = {"basis": "checked", "known": ["enclosed"]}
    assert wording.bases_text([proved, checked, proved]) == "2 proved, 1 checked"


@pytest.mark.parametrize("known", ["undecided", "refuted", "not in this run"])
def test_a_link_counts_as_proved_only_where_its_obligations_are(known: str) -> None:
    links = [{"basis": "proved", "known": ["proved", known]}, {"basis": "proved", "known": ["proved"]}]
    assert wording.bases_text(links) == f"1 {known}, 1 proved"
    assert wording.bases_text([{"basis": "checked", "known": [known]}]) == f"1 {known}"


def test_a_comparison_of_nothing_is_no_success() -> None:
    nothing = {"file": "base.json", "compared": 0, "losses": [], "update": False}
    (skipped,) = baseline_lines({**nothing, "skipped": 3})
    assert skipped.startswith(
        "baseline base.json: nothing was compared, because this run asked for none of its 3 claims"
    )
    (empty,) = baseline_lines({**nothing, "skipped": 0})
    assert empty == "baseline base.json: nothing was compared, because it holds no claims, mutants or obligations"
    first, _ = baseline_lines({**nothing, "skipped": 0, "update": True})
    assert first == "baseline base.json: nothing was compared, because it held nothing before"


# --- rounding --------------------------------------------------------------------------------------------------------


def shown(text: str) -> Fraction:
    """The number that a text of few characters stands for, exactly."""
    if near := re.fullmatch(r"1 ([+-]) (.*)", text):
        return 1 + (1 if near[1] == "+" else -1) * Fraction(near[2])
    return Fraction(text)


NUMBERS = st.floats(1e-9, 1e9) | st.floats(0.999, 1.001) | st.floats(1 - 1e-9, 1 + 1e-9)


@given(NUMBERS, NUMBERS, NUMBERS)
@example(0.00900860, 0.84755797, 0.85603358)
@example(1 - 1.26e-9, 1.0, 1 + 1.26e-9)
def test_what_is_proved_and_refuted_is_so_as_it_is_printed(paper: float, proved: float, refuted: float) -> None:
    """A step that is proved is printed below a larger one that is refuted, a radius above a smaller one; the gap only widens."""
    if abs(proved - refuted) <= 1e-12 * max(proved, refuted):
        return
    texts = wording.slack_texts({"paper": paper, "proved": proved, "refuted": refuted})
    printed_paper, printed, printed_refuted = map(shown, texts)
    sign = 1 if refuted > proved else -1
    assert sign * printed <= sign * Fraction(repr(proved))
    assert sign * printed_paper <= sign * Fraction(repr(paper))
    assert sign * printed_refuted >= sign * Fraction(repr(refuted))
    for value, found in ((paper, printed_paper), (proved, printed), (refuted, printed_refuted)):
        assert abs(found - Fraction(value)) <= Fraction(value) / 1000


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        ((0.00912349, 1.23456, None), ("0.009123", "1.234", "-")),
        ((3.00001, 2.38461, None), ("3.001", "2.385", "-")),
        ((2.00001, None, 0.40208), ("2.001", "-", "0.402")),
        ((None, 3.82681, 3.82042), ("-", "3.827", "3.82")),
        ((None, 0.238614158, 0.238614158), ("-", "0.2386", "0.2386")),
        ((0.5, 0.6, 1.0), ("0.5", "0.6", "1")),
        ((None, 1 / 3, None), ("-", "0.3333", "-")),
        ((None, 1 - 1.26e-9, 1 - 1.26e-6), ("-", "1 - 1.2e-09", "1 - 1.3e-06")),
        ((None, 1 + 1.26e-9, 1 + 1.26e-6), ("-", "1 + 1.2e-09", "1 + 1.3e-06")),
    ],
)
def test_the_side_of_a_row_is_told_from_its_numbers(row: tuple[float | None, ...], texts: tuple[str, ...]) -> None:
    assert wording.slack_texts(dict(zip(("paper", "proved", "refuted"), row, strict=True))) == texts


def test_every_row_of_the_suite_is_printed_to_the_safe_side() -> None:
    """Where one is largest the refuted number lies above, where it bounds from above or is a width below."""
    for row in slack_table:
        if row.proved is None or row.refuted is None or row.proved == pytest.approx(row.refuted, rel=1e-12):
            continue
        _, proved, refuted = map(shown, ("0", *wording.slack_texts(slack_entry(row))[1:]))
        if row.quantity.startswith("largest step") or row.quantity.startswith("largest C"):
            assert proved <= Fraction(repr(row.proved)) < Fraction(repr(row.refuted)) <= refuted, row.quantity
        if row.quantity.startswith(("radius", "width", "largest angle")):
            assert proved >= Fraction(repr(row.proved)) > Fraction(repr(row.refuted)) >= refuted, row.quantity


@given(NUMBERS)
def test_a_bound_in_the_cell_of_a_table_stays_one(value: float) -> None:
    cell = templates({}, Commands(report="r")).filters["cell"]
    assert Fraction(in_ascii(cell(UpperBound(value)))) >= Fraction(value)
    assert Fraction(in_ascii(cell(LowerBound(value)))) <= Fraction(value)
    assert Fraction(in_ascii(cell(Attained(value)))) <= Fraction(value)


@given(NUMBERS)
def test_a_value_of_a_document_is_shown_as_it_is_unless_that_is_short(value: float) -> None:
    assert float(in_ascii(templates({}, Commands(report="r")).filters["value"](value))) == value


@given(NUMBERS)
def test_the_rounding_of_a_bound_is_not_printed_smaller(value: float) -> None:
    bound = {"label": "a", "verdict": "holds", "evidence": "tested", "measured": 1.0, "predicted": 2.0, "ratio": 0.5}
    evaluation = {"family": "F", "description": {}, "hypotheses": [], "bounds": [bound | {"rounding": value}]}
    line = wording.evaluation_lines(evaluation | {"precision": 53})[1]
    assert Fraction(line.rpartition("rounding ")[2]) >= Fraction(value)


# --- plurals ---------------------------------------------------------------------------------------------------------


def test_one_and_several() -> None:
    assert [counted(n, "step") for n in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]
    assert [counted(n, "pass", "passes") for n in (1, 2)] == ["1 pass", "2 passes"]
    found = {one.value: (wording.plural(one.value, 1), wording.plural(one.value, 2)) for one in InstanceVerdict}
    assert found == {
        "holds": ("holds", "hold"),
        "refuted": ("refuted", "refuted"),
        "undecided": ("undecided", "undecided"),
        "vacuous": ("vacuous", "vacuous"),
        "undecided hypothesis": ("undecided hypothesis", "undecided hypotheses"),
    }


# --- each number where its name says it is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (99.9, "99.9 s"), (100, "1.7 min"), (7200, "120.0 min")]
)
def test_durations_have_their_unit(seconds: float, text: str) -> None:
    assert wording.seconds_text(seconds) == text


def test_families_have_their_own_counts() -> None:
    count = {"instances": 1, "vacuous": 2, "undecided_hypotheses": 3, "undecided": 4, "features": {"flips": 5}}
    assert wording.families_text({"F1": count, "F2": {**count, "features": {}, "vacuous": 0, "undecided": 0}}) == (
        "F1 1 (flips: 5, vacuous: 2, undecided hypotheses: 3, undecided: 4); F2 1 (undecided hypotheses: 3)"
    )
    assert wording.families_text({}) == "none"


def test_evidence_is_the_weakest_with_the_stronger_counted() -> None:
    assert (
        wording.evidence_text({"evidence": "tested", "evidence_counts": {"tested": 3, "enclosed": 104}})
        == "tested, 104 enclosed"
    )
    assert wording.evidence_text({"evidence": None, "evidence_counts": {}}) == "-"


@pytest.mark.parametrize(("bits", "said"), [(0, "exact arithmetic"), (53, "53 bits"), (212, "212 bits")])
def test_an_instance_in_full(bits: int, said: str) -> None:
    bound = {
        "label": "a",
        "verdict": "holds",
        "evidence": "tested",
        "measured": 0.5,
        "predicted": 2.0,
        "ratio": 0.25,
        "rounding": 1e-9,
    }
    hypothesis = {"name": "h", "verdict": "holds", "margin": 0.125}
    evaluation = {
        "family": "F1",
        "description": {"m": 8},
        "hypotheses": [hypothesis],
        "bounds": [bound],
        "precision": bits,
    }
    assert wording.evaluation_lines(evaluation) == [
        "instance: family F1, m=8",
        "hypothesis h: holds, margin 0.125",
        "a: holds (tested); measured 0.5, predicted 2, ratio 0.25, rounding 1.01e-09",
        f"precision: {said}",
    ]


FAILED: dict[str, Any] = {
    "id": "N/mutant", "verdict": "holds", "description": "one too many", "error": None, "instances": 1, "vacuous": 2, "undecided_hypotheses": 3,
    "undecided": 4, "families": {}, "seed": 5, "depth": "quick",
    "tightest": {"label": "a", "ratio": 0.5, "family": "F1", "description": {"m": 8}},
}  # fmt: skip


def test_a_survivor_in_full() -> None:
    assert wording.mutant_failure(FAILED, ["again: x"]).splitlines() == [
        "mutant N/mutant survives (holds): one too many",
        "the search found no confirmed violation of this false neighbour; nearest it came:",
        "a: ratio 0.5, family F1, m=8",
        "instances 1, vacuous 2, undecided hypotheses 3, undecided 4",
        "by family: none",
        "seed 5, depth quick",
        "again: x",
    ]


def test_a_comparison_counts_what_was_compared_and_what_got_worse() -> None:
    found = {"file": "base.json", "compared": 7, "skipped": 2, "losses": ["N: fewer"], "update": False}
    assert baseline_lines(found) == [
        "baseline base.json: 7 claims, mutants and obligations compared, 2 not asked for; 1 worse",
        "    N: fewer",
    ]
    assert baseline_lines({**found, "losses": [], "skipped": 0})[0].endswith(
        "7 claims, mutants and obligations compared; none worse"
    )


def replayed(id: str, verdict: str, recorded: str = "refuted") -> dict[str, Any]:
    evaluation = {"family": "F1", "description": {}, "hypotheses": [], "bounds": [], "precision": 53}
    known = {"recorded": {"verdict": recorded, "ratio": 1.5}, "agreement": ["as before"], "rounded": [], "error": None}
    return {"id": id, "claim": "N", "statement": "x <= 1", "verdict": verdict, "ratio": 1.25, **evaluation, **known}


def test_replays_are_told_beside_what_the_file_says() -> None:
    assert wording.replay_texts(replayed("a.json", "holds")) == [
        "a.json: N: holds now: the counterexample is none any more",
        "  statement: x <= 1",
        "  instance: family F1, (no parameters)",
        "  precision: 53 bits",
        "  holds, ratio 1.25; in the file refuted, 1.5",
        "  as before",
    ]
    assert wording.replay_verdict(replayed("a.json", "refuted")) == "a.json: N: refuted again"
    verdicts = ("refuted", "refuted", "holds", "holds", "vacuous")
    replays = {str(place): replayed(str(place), verdict) for place, verdict in enumerate(verdicts)}
    document = Document({}, replays=replays)
    assert wording.replays_sentence(document) == "Of 5 replayed: 2 hold, 2 refuted again, 1 vacuous."
    assert terminal.closing_lines(document) == [wording.replays_sentence(document)]


def test_obligations_and_their_mutants_are_counted_apart() -> None:
    parts: list[dict[str, Any]] = [
        {"mutants": [{"id": "O-a/x", "status": "refuted"}, {"id": "O-a/y", "status": "unknown"}], "status": "proved"},
        {"mutants": [], "status": "unknown"},
    ]
    obligations = {
        f"O-{n}": {"id": f"O-{n}", "provers": ["z3", "cvc5"], "parts": [], **one} for n, one in enumerate(parts)
    }
    document = Document({}, obligations=obligations)
    assert wording.obligations_text(document) == "1 of 2 proved by z3 and cvc5; mutants 1 of 2 refuted"
    assert terminal.obligation_lines(document) == [
        "obligations: 1 of 2 proved by z3 and cvc5; mutants 1 of 2 refuted",
        *(f"not settled: {one['id']} ({one['status']})" for one in document.unsettled_obligations),
    ]


def test_the_sentence_counts_what_is_worse_and_what_was_done() -> None:
    baseline = {"file": "b", "compared": 7, "skipped": 3, "losses": ["N: fewer", "M: fewer"], "update": False}
    document = Document({}, baseline=baseline, expected=5)
    assert wording.verdict_sentence(document) == (
        "2 worse than in the baseline; the run stopped early, with 0 of 5 items done."
    )
