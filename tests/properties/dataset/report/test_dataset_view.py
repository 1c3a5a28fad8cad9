"""What the page shows of one network of a data set."""

import math
from typing import Any

import pytest

from properties.dataset.report.dataset_view import reason, rung_rows
from tests.properties.engine.report.sample import rung
from theory.direction import Attained, UpperBound


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
