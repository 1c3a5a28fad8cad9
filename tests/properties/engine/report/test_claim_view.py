"""What the page shows of one claim."""

import shlex
from dataclasses import replace

from properties.engine.report.claim_view import claim_views, ratio_file
from properties.engine.report.document import Document
from properties.engine.report.html import pages
from properties.engine.report.places import claim_page
from properties.formulas import mathematics


def test_a_claim_has_its_mutants_and_the_command_that_repeats_it(document: Document) -> None:
    own, hostile = claim_views(document, mathematics())
    assert [one["id"] for one in own.mutants] == ["N-small/below-10", "N-small/below-20", "N-small/slack"]
    assert own.survivors == 1
    assert own.mathematics is None
    assert hostile.mutants == []
    assert hostile.again == "natural-gradient verify --claim N-hostile --depth quick --hypothesis-seed=1"
    assert own.entry["tightest"]["family"] == "F1"
    assert {check["claim"] for check in document.parts["dataset"]["checks"]} >= {"N-small"}  # elsewhere, and less tight
    assert own.again == "natural-gradient verify --claim N-small --depth quick --hypothesis-seed=1"
    claims = {**document.claims, "N-small": {**document.claims["N-small"], "tightest": None}}
    on_data = claim_views(
        Document({}, claims=claims, parts={"dataset": document.parts["dataset"]}, commands=document.commands),
        mathematics(),
    )[0]
    assert shlex.split(on_data.again or "") == [
        "natural-gradient",
        "dataset",
        document.parts["dataset"]["name"],
        "--depth",
        "quick",
    ]


def test_the_histogram_counts_every_instance_once(document: Document) -> None:
    for view in claim_views(document, mathematics()):
        assert sum(bar.count for bar in view.bars) == view.entry["instances"]
        assert max(bar.height for bar in view.bars) == 1.0
        assert [bar.place for bar in view.bars] == sorted(bar.place for bar in view.bars)
        assert f"{view.bars[-1].name}: {view.bars[-1].count}" in view.histogram_text
    lines = ratio_file(document.merged_claims()).text.splitlines()
    assert lines[0] == "claim,family,measured/predicted,instances"
    assert "N-small,F5,1,1" in lines


def test_the_tightest_instance_has_each_number_under_its_name(document: Document) -> None:
    entry = document.claims["N-small"]
    tightest = {**entry["tightest"], "measured": 1.5, "predicted": 2.25, "ratio": 2 / 3, "rounding": 1e-9}
    claims = {**document.claims, "N-small": {**entry, "tightest": tightest}}
    page = pages(replace(document, claims=claims, parts={})).texts[claim_page("N-small")]
    assert "measured 1.5, predicted 2.25, ratio 0.666667, rounding 10⁻⁹;" in page
    assert f"{entry['instances']} instances (" in page
