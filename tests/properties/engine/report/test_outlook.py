"""What would change the verdict: what is against it by name, and what is nearest to the edge."""

from typing import Any

from properties.engine.report.document import Document
from properties.engine.report.outlook import SHOWN, outlook


def entry(id: str, ratio: float, **changes: Any) -> dict[str, Any]:
    tightest = {"ratio": ratio, "predicted": 1.0}
    found = {"id": id, "verdict": "holds", "tightest": tightest, "instances": 300, "undecided_hypotheses": 0}
    return {**found, "families": {}, "error": None, **changes}


def test_what_is_against_the_verdict_comes_first_and_by_name(full: Document) -> None:
    remarks = outlook(full)
    found = {remark.heading: remark for remark in remarks}
    against = [remark.heading for remark in remarks if remark.against]
    assert against == ["Refuted", "Undecided", "Surviving mutants", "Obligations not settled", "Not run"]
    assert [remark.against for remark in remarks] == sorted((remark.against for remark in remarks), reverse=True)
    assert [(one.id, one.remark) for one in found["Refuted"].named] == [("N-refuted", "a violation is confirmed")]
    assert [(one.id, one.remark) for one in found["Undecided"].named] == [
        ("N-undecided", "no instance was decided"),
        ("N-broken", "broke off with an error"),
    ]
    assert found["Surviving mutants"].named[0].claim == "N-small"
    assert found["Not run"].text == "2 of 22 items"
    assert [one.id for one in found["Obligations not settled"].named] == ["O-false"]


def test_a_reason_that_all_have_is_told_once() -> None:
    claims = [entry(f"N-{place}", 2.0, verdict="refuted") for place in range(3)]
    (remark,) = outlook(Document({}, claims={one["id"]: one for one in claims}, expected=3))
    assert (remark.heading, remark.text) == ("Refuted", "a violation is confirmed")
    assert [(one.id, one.remark) for one in remark.named] == [("N-0", ""), ("N-1", ""), ("N-2", "")]


def test_what_holds_is_ordered_by_its_room() -> None:
    claims = [
        entry("N-tight", 1 - 1e-9),
        entry("N-loose", 0.25),
        entry("N-middle", 0.7, undecided_hypotheses=100),
        entry("N-exact", 0.0, tightest={"ratio": 0.0, "predicted": 0.0}),
        entry("N-refuted", 2.0, verdict="refuted"),
    ]
    document = Document({}, claims={one["id"]: one for one in claims}, expected=5)
    found = {remark.heading: [one.id for one in remark.named] for remark in outlook(document)}
    assert found["No room left"] == ["N-tight"]
    assert found["Most room left"] == ["N-loose"]
    assert found["Undecided hypotheses"] == ["N-middle"]
    assert len(found["Fewest instances"]) == SHOWN


def test_few_are_named_and_the_rest_is_counted() -> None:
    claims = [entry(f"N-{place}", 1.0, instances=300 - place) for place in range(SHOWN + 3)]
    remarks = outlook(Document({}, claims={one["id"]: one for one in claims}, expected=len(claims)))
    found = {remark.heading: remark for remark in remarks}
    assert (len(found["No room left"].named), found["No room left"].more) == (SHOWN, 3)
    assert found["No room left"].text == "6 attained to within 0.001"
    assert [one.id for one in found["Fewest instances"].named] == ["N-5", "N-4", "N-3"]
    assert outlook(Document({})) == []


def test_what_is_worse_than_the_baseline_is_named() -> None:
    claims = {"N-0": entry("N-0", 0.9)}
    losses = ["N-0: fewer instances", "N-1: missing"]
    document = Document({}, claims=claims, baseline={"file": "old.json", "losses": losses}, expected=1)
    (worse,) = [remark for remark in outlook(document) if remark.against]
    assert (worse.heading, worse.text) == ("Worse than the baseline", "old.json")
    assert [one.id for one in worse.named] == losses


def test_counts_are_those_of_what_is_named() -> None:
    claims = [
        entry("N-open", 0.7, instances=12, undecided_hypotheses=100),
        entry("N-near", 1.0, instances=40),
        entry("N-far", 0.25, instances=50),
        entry("N-one", 0.6, instances=60, verdict="undecided", undecided=1),
        entry("N-two", 0.6, instances=60, verdict="undecided", undecided=2),
        entry("N-gone", 2.0, instances=3, verdict="refuted", undecided=2),
    ]
    found = {
        remark.heading: remark
        for remark in outlook(Document({}, claims={one["id"]: one for one in claims}, expected=7))
    }
    said = {heading: [(one.id, one.remark) for one in remark.named] for heading, remark in found.items()}
    assert said["Undecided"] == [("N-one", "1 instance undecided"), ("N-two", "2 instances undecided")]
    assert said["Refuted"] == [("N-gone", "a violation is confirmed")]
    assert said["Undecided hypotheses"] == [("N-open", "100 beside 12")]
    assert said["Most room left"] == [("N-far", "0.25")]
    assert (found["No room left"].text, found["Not run"].text) == ("1 attained to within 0.001", "1 of 7 items")
    assert [found[heading].more for heading in ("No room left", "Most room left", "Undecided hypotheses")] == [0, 0, 0]


def test_the_fewest_instances_are_told() -> None:
    claims = {
        f"N-{n}": entry(f"N-{n}", 0.3 + n / 100, instances=10 + n, undecided_hypotheses=n) for n in range(SHOWN + 2)
    }
    found = {remark.heading: remark for remark in outlook(Document({}, claims=claims, expected=len(claims)))}
    assert [(one.id, one.remark) for one in found["Fewest instances"].named] == [
        ("N-0", "10"),
        ("N-1", "11"),
        ("N-2", "12"),
    ]
    assert [(one.id, one.remark) for one in found["Most room left"].named] == [
        ("N-0", "0.3"),
        ("N-1", "0.31"),
        ("N-2", "0.32"),
    ]
    assert (found["Most room left"].more, found["Undecided hypotheses"].more) == (2, 1)
