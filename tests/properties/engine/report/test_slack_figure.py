"""The figure of the slack table."""

import pytest

from properties.engine.report.slack_figure import slack_figure
from tests.properties.engine.report.sample import SLACK, texts


def test_slack_is_drawn_in_units_of_what_is_proved() -> None:
    rows = [
        {"claim": row.claim, "quantity": row.quantity, "paper": row.paper, "proved": row.proved, "refuted": row.refuted}
        | {"witness": row.witness, "remark": row.remark}
        for row in SLACK
    ]
    found = slack_figure(rows)
    assert found is not None
    assert "1 N-small" in " ".join(texts(found).split())
    assert "2 N-small" not in " ".join(texts(found).split()), "it has nothing to compare"
    assert len(found.data.text.splitlines()) == 1 + len(SLACK)
    assert slack_figure(rows[1:]) is None


@pytest.mark.parametrize(
    ("paper", "proved", "refuted", "comparable"),
    [
        (0.1, 0.5, 0.9, True),
        (None, 0.5, 0.9, True),
        (0.1, 0.5, 0.0, False),
        (0.0, 0.5, 0.9, False),
        (-0.1, 0.5, 0.9, False),
        (0.1, 0.0, 0.9, False),
        (0.1, None, 0.9, False),
        (None, 0.5, None, False),
    ],
)
def test_positive_numbers_are_compared_on_a_scale_of_ratios(
    paper: float | None, proved: float | None, refuted: float | None, comparable: bool
) -> None:
    row = {
        "claim": "N",
        "quantity": "q",
        "paper": paper,
        "proved": proved,
        "refuted": refuted,
        "witness": None,
        "remark": "",
    }
    assert (slack_figure([row]) is not None) is comparable
