"""What the page shows of one claim and of one network of a data set."""

import math
import shlex
from typing import Any

import pytest

from properties.dataset.report.dataset_view import reason, rung_rows
from properties.engine.report.claim_view import claim_views, ratio_file
from properties.engine.report.document import Document
from properties.formulas import mathematics
from tests.report.sample import rung
from theory.direction import Attained, UpperBound


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


def test_a_network_is_shown_with_its_step_sizes() -> None:
    found, *others = rung_rows({"rungs": [{"width": 3}, rung(8, 3.5, 12.0, 0.75)]})
    assert others == []
    assert (found.rows, found.width, found.observed, found.predicted, found.source) == (2, 8, 20, 39, "T1-sharp")
    assert (list(found.steps), list(found.ball_steps)) == (
        [0.0, 0.5, 0.5999],
        [0.0, 0.0, 0.0],
    )  # rounded down: 0.6 is above the float64 of that name
    assert rung_rows({}) == []


def test_where_nothing_is_certified_the_table_says_why() -> None:
    """The attack's constant is finite all the same, and says nothing of that."""
    none = rung(8, 0.1, math.inf, math.inf)
    told: list[dict[str, Any]] = [
        {"condition_1": "Condition 1 is not certified", "unavailable": {"C": "no memory"}},
        {"unavailable": {"C": "no memory"}},
        {},
    ]
    reasons = [row.reason for row in rung_rows({"rungs": [{**none, **one} for one in told]})]
    assert reasons[0] == "Condition 1 is not certified"
    assert "no memory" in reasons[1]
    assert reasons[2] == "NGD was not certified"
    (unattacked,) = rung_rows({"rungs": [{**none, "ngd": {**none["ngd"], "attack_constant": None}}]})
    assert unattacked.reason == "NGD was not certified"


@pytest.mark.parametrize(
    ("attacked", "certified", "path", "expected"),
    [
        (0.1, 0.4, 0.3, "Condition 2 certified over the ball for T1"),
        (0.1, 0.6, 0.3, "not certified over the ball, and not refuted; certified along NGD's path for T1"),
        (
            0.6,
            2.0,
            0.7,
            "fails over the ball: weights in it have C ≥ ½; on NGD's path C is too large for T1, but below 1",
        ),
        (3.0, 9.0, 1.0, "fails over the ball: weights in it have C ≥ ½; on NGD's path C is not below 1: no theorem"),
    ],
)
def test_why_condition_2_holds_or_fails(attacked: float, certified: float, path: float, expected: str) -> None:
    assert reason(Attained(attacked), UpperBound(certified), UpperBound(path)).startswith(expected)
