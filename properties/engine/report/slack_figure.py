"""The slack table as a picture: the paper's value and the value of a counterexample in units of the proved one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from properties.engine.report.data_files import Table
from properties.engine.report.entries import Entry
from properties.engine.report.figures import COLOURS, Figure, figure, legend_below
from properties.engine.report.plain import counted, number

COLUMNS = ("claim", "quantity", "paper", "proved", "refuted", "witness", "remark")


def slack_figure(rows: Sequence[Entry]) -> Figure | None:
    """One line a row of the table, by its number there; None when no row has two numbers to compare."""
    shown = [(place, row) for place, row in enumerate(rows, start=1) if _comparable(row)]
    if not shown:
        return None

    def draw(axes: Any) -> None:
        axes.set_title("In units of what is proved")
        axes.axvline(1.0, color=COLOURS[2], linewidth=1.5, label="proved here")
        for index, (key, marker, label) in enumerate((("paper", "s", "the paper"), ("refuted", "X", "refuted at"))):
            points = [
                (number(row[key]) / number(row["proved"]), place)
                for place, (_, row) in enumerate(shown)
                if row[key] is not None
            ]
            if points:
                axes.plot(*zip(*points, strict=True), marker, color=COLOURS[index], markersize=5, label=label)
        axes.set_xscale("log")
        axes.set_yticks(range(len(shown)), labels=[f"{place}  {row['claim']}" for place, row in shown], fontsize=7)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlabel("ratio to the proved value")
        legend_below(axes, columns=3)

    return figure(
        "slack",
        "The slack table as a picture, by the number of the row",
        f"Paper's values and counterexamples divided by the proved values, {counted(len(shown), 'row')} of the table below.",
        draw,
        Table(COLUMNS, [[row[column] for column in COLUMNS] for row in rows]),
        height=1.6 + 0.15 * len(shown),
    )


def _comparable(row: Entry) -> bool:
    values = [row[key] for key in ("paper", "refuted") if row[key] is not None]
    return bool(row["proved"] and values and all(number(value) > 0 for value in [*values, row["proved"]]))
