"""The widths of properties/pictures/all_widths.py, drawn: what is seen, what is certified, what the theorems ask for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from properties.engine.report.atomic import write_text_atomically
from properties.engine.report.data_files import Table
from properties.engine.report.figures import COLOURS, MARKERS, Draw, Figure, drawing, figure, legend_below
from properties.engine.report.typeset import numbers as prose
from properties.pictures.all_widths import BEYOND, NOT_REACHED, Found, stored
from theory.direction import raised

TITLE = "Widths: seen, certified, asked for"
PHASES_TITLE = "Orthonormal inputs, rows against width"

SERIES: Mapping[str, str] = {
    "seen": "seen to converge",
    "tube": "tube, certified (T1-tube)",
    "path": "path, certified (T1)",
    "T3-tube target": "T3-tube asks for",
    "ball": "ball, estimated (T1)",
    "T3": "T3 asks for",
}
"""What is drawn, in the order of the legend; T3-tube by the form that asks for the least."""

LOWEST, HIGHEST = 1.0, 1e20

LOW = 2.6
"""Inches, of the drawing on the first screen."""

LEAD = "What to see: how far apart the marks of a row lie."

ONLY_FEW = "No mark is a lower bound: one is shown for 1 and 2 inputs alone (T3, slack)"

NEAR, ASIDE = 0.75, 0.17
"""Marks nearer to one another than so many decades would cover one another: they stand so much above and below the line of their row."""


def by_series(rows: Sequence[Found]) -> dict[str, list[Found]]:
    """The rows that are drawn."""
    return {of: [row for row in rows if row.of == of] for of in SERIES}


def table(rows: Sequence[Found]) -> Table:
    """All numbers, and how each was found."""
    headings = ("data", "n", "scale", "of", "width", "known")
    return Table(headings, [(row.data, row.n, row.scale, row.of, row.width, row.known) for row in rows])


def sentence(rows: Sequence[Found]) -> str:
    """What one sees, for n = 10 orthonormal inputs."""
    of = {row.of: row for row in rows if row.data == "orthonormal-10"}
    return (
        f"On 10 orthonormal inputs NGD is seen to converge from m = {of['seen'].width:,} on; the tube is certified from m = {of['tube'].width:,} on, NGD's path "
        f"from m = {of['path'].width:,} on (m a power of two, a majority of {of['tube'].seeds} seeds there and at the next {BEYOND} doublings); T3-tube, in the form with the targets, asks for "
        f"m = {of['T3-tube target'].width:,}, a certificate of the paper's ball is estimated to need m = {power_text(of['ball'].width)}, and T3 asks for m = {power_text(of['T3'].width)}."
    )


def _name(row: Found) -> str:
    return f"{row.n} rows of digits,\nν = {row.scale:g}" if row.data.startswith("digits") else f"{row.n} orthonormal"


def asides(rows: Sequence[Found]) -> dict[tuple[str, str], float]:
    """By data and series, how far a mark stands aside of its row's line: 0 where no other mark is near, else above and below in turn."""
    found: dict[tuple[str, str], float] = {}
    drawn = sorted((row for row in rows if row.of in SERIES), key=lambda row: (row.data, row.width))
    for before, row in itertools.pairwise(drawn):
        near = before.data == row.data and math.log10(row.width / before.width) < NEAR
        last = found.setdefault((before.data, before.of), ASIDE if near else 0.0)
        if near:
            found[row.data, row.of] = -last
    return {(row.data, row.of): found.get((row.data, row.of), 0.0) for row in drawn}


def _marks(
    axes: Any, rows: Sequence[Found], place: Mapping[str, float], aside: Mapping[tuple[str, str], float]
) -> None:
    for index, (of, found) in enumerate(by_series(rows).items()):
        widths, heights = (
            [row.width for row in found],
            [place[row.data] + aside.get((row.data, of), 0.0) for row in found],
        )
        hollow = of in ("ball", "T3-tube target")
        axes.plot(
            widths,
            heights,
            MARKERS[index],
            color=COLOURS[index],
            markersize=7,
            markerfacecolor="none" if hollow else COLOURS[index],
            label=SERIES[of],
        )
        for row, height in zip(found, heights, strict=True):
            if row.known == NOT_REACHED:
                axes.annotate("not up to", (row.width, height), xytext=(0, 8), textcoords="offset points", ha="center")


def widths(rows: Sequence[Found]) -> Draw:
    """One line a data set."""
    names = list(dict.fromkeys(row.data for row in rows))
    place = {name: -float(index) for index, name in enumerate(names)}

    def draw(axes: Any) -> None:
        for height in place.values():
            axes.axhline(height, color=COLOURS[5], linewidth=0.5, alpha=0.4)
        axes.set_xscale("log")
        _marks(axes, rows, place, asides(rows))
        axes.set_yticks(list(place.values()), labels=[_name(next(r for r in rows if r.data == one)) for one in names])
        axes.set_ylim(min(place.values()) - 0.5, 0.5)
        _decades(axes)
        axes.set_title(TITLE)
        legend_below(axes)

    return draw


def phases(rows: Sequence[Found]) -> Draw:
    """n against m, orthonormal inputs."""
    chosen = [row for row in rows if row.data.startswith("orthonormal")]

    def draw(axes: Any) -> None:
        axes.set_xscale("log")
        axes.set_yscale("log")
        for index, found in enumerate(by_series(chosen).values()):
            axes.plot([r.width for r in found], [r.n for r in found], "-", color=COLOURS[index], linewidth=1, alpha=0.6)
        _marks(axes, chosen, {row.data: float(row.n) for row in chosen}, {})
        rows_n = sorted({row.n for row in chosen})
        axes.set_yticks(rows_n, labels=[str(n) for n in rows_n])
        axes.set_yticks([], minor=True)
        axes.margins(y=0.15)
        axes.set_ylabel("rows n")
        _decades(axes)
        axes.set_title(PHASES_TITLE)
        legend_below(axes)

    return draw


def _decades(axes: Any) -> None:
    axes.set_xlim(LOWEST, HIGHEST)
    axes.set_xticks([10.0**power for power in range(0, 21, 4)], labels=["1", "10⁴", "10⁸", "10¹²", "10¹⁶", "10²⁰"])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("width m")


def figures(rows: Sequence[Found]) -> list[Figure]:
    """The two drawings, the numbers beside them."""
    numbers = table(rows)
    drawn = (("all-widths", TITLE, widths(rows)), ("all-phases", PHASES_TITLE, phases(rows)))
    return [figure(name, title, f"{title}. {sentence(rows)}", draw, numbers) for name, title, draw in drawn]


def power_text(value: float) -> str:
    """A width that is enough, rounded up: a large one in two digits and a power of ten, with typographic exponent; a smaller one with commas."""
    if value < 1e6:
        return f"{math.ceil(value):,}"
    return prose(raised(value, 2))


def opening_figure(rows: Sequence[Found]) -> Figure:
    """The first drawing, low enough to leave room on the first screen, with a caption that says what to see."""
    of = {row.of: row for row in rows if row.data == "orthonormal-10"}
    caption = (
        f"On 10 orthonormal inputs (symmetric initialisation, C = 1/2, δ = 0.1) the theorem asks for a width of {power_text(of['T3'].width)}; "
        f"most of {of['tube'].seeds} runs converge from {of['seen'].width} on, and most tubes are certified from {of['tube'].width:,} on. {ONLY_FEW}"
    )
    drawn = widths(rows)
    return figure("opening-widths", caption, f"{TITLE}. {sentence(rows)}", drawn, table(rows), height=LOW, lead=LEAD)


STANDALONE = {"currentColor": "#5d6570"} | {f"var(--curve-{index})": colour for index, colour in enumerate(COLOURS, 1)}
"""What stands for the page's colours where there is no page; readable on white and on black."""


def standalone() -> str:
    """The first drawing as a file of its own."""
    rows = stored()
    element = drawing(sentence(rows), "widths", widths(rows))
    for name, colour in STANDALONE.items():
        element = element.replace(name, colour)
    return element.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"', 1) + "\n"


def main() -> None:
    """Write docs/widths.svg."""
    write_text_atomically(Path("docs", "widths.svg"), standalone())


if __name__ == "__main__":
    main()
