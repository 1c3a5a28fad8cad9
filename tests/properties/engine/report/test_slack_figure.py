"""The figure of the slack table."""

from typing import Any

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


class Recorded:
    """Axes that remember what is drawn."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self.calls.append((name, arguments, named))


def test_each_mark_is_the_quotient_that_its_label_says(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr("properties.engine.report.slack_figure.figure", lambda *given, **_: drawn.append(given))
    monkeypatch.setattr("properties.engine.report.slack_figure.legend_below", lambda *_, **__: None)
    row = {"claim": "N", "quantity": "q", "witness": None, "remark": ""}
    slack_figure(
        [row | {"paper": 0.1, "proved": None, "refuted": None}, row | {"paper": 0.1, "proved": 0.5, "refuted": 2.0}]
    )
    axes = Recorded()
    drawn[0][3](axes)
    marks = [(given[0], given[1], named["label"]) for name, given, named in axes.calls if name == "plot"]
    assert marks == [((0.2,), (0,), "the paper"), ((4.0,), (0,), "refuted at")]
    assert [(given, named["label"]) for name, given, named in axes.calls if name == "axvline"] == [
        ((1.0,), "proved here")
    ]
    assert [named["labels"] for name, _, named in axes.calls if name == "set_yticks"] == [["2  N"]]
    assert "1 row of" in drawn[0][2]
