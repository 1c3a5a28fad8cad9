"""Drawings as SVG to be put into a page, each with its numbers beside it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from properties.engine.report.data_files import DataFile, Table, csv_file
from properties.engine.report.inline_svg import inlined
from properties.engine.report.typeset import numbers

COLOURS = ("#2f6fae", "#b3560f", "#22804f", "#8a4fb8", "#a3315f", "#5d6570")
"""One colour a curve; the page's style sheet holds their values for a light and for a dark page."""

STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKERS = ("o", "s", "^", "D", "v", "X")
"""With the colours, so that curves can be told apart without them."""

WIDTH, HEIGHT = 4.8, 3.6
"""Inches: narrow enough that the text stays readable on a telephone, where the drawing shrinks to the screen."""

_INK = "#010203"  # drawn in this colour, then replaced by the page's own text colour

_STAND_FOR = {_INK: "currentColor"} | {colour: f"var(--curve-{index})" for index, colour in enumerate(COLOURS, start=1)}

Draw = Callable[[Any], None]
"""Fills a pair of axes."""


@dataclass(frozen=True)
class Figure:
    """An ``<svg>`` element, what it shows in a few words, and the file with its numbers."""

    svg: Markup
    caption: str
    data: DataFile
    lead: str = ""
    """What stands first in the caption, and right below the drawing on a small screen."""


@dataclass(frozen=True)
class Undrawn:
    """What stands in the place of a figure that cannot be drawn."""

    caption: str
    reason: str
    svg: None = None


def attempted(figures: Iterable[tuple[str, Callable[[], Figure]]]) -> Iterator[Figure | Undrawn]:
    """Figures by caption, each drawn on its own: what breaks one costs no other, and says why."""
    for caption, draw in figures:
        try:
            yield draw()
        except Exception as error:
            yield Undrawn(caption, f"{type(error).__name__}: {error}")


def figure(
    name: str, caption: str, label: str, draw: Draw, table: Table, height: float = HEIGHT, lead: str = ""
) -> Figure:
    """Draw, and put the table beside it; ``name`` tells this figure from the others of the page, in letters and dashes."""
    drawn = Markup(drawing(numbers(label), name, draw, height))
    return Figure(drawn, numbers(caption), csv_file(name, table), lead)


def drawing(label: str, prefix: str, draw: Draw, height: float = HEIGHT) -> str:
    """An ``<svg>`` element with one pair of axes that ``draw`` fills; ``label`` says in words what it shows.

    ``prefix`` makes the element's ids unique on a page with several. Text takes the page's colour and font.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    settings = {"svg.fonttype": "none", "svg.hashsalt": prefix, "font.family": "sans-serif", "font.size": 10}
    settings |= {"path.simplify_threshold": 0.25}  # points, which no eye sees
    settings |= {"axes.titlesize": 11, "legend.fontsize": 9, "axes.spines.top": False, "axes.spines.right": False}
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
    with rc_context({**settings, **dict.fromkeys(inks, _INK)}):
        canvas = Canvas(figsize=(WIDTH, height), layout="constrained")
        backend = FigureCanvasSVG(canvas)
        axes = canvas.add_subplot()
        axes.grid(visible=True, alpha=0.15)
        draw(axes)
        _plain_ticks(axes)
        axes.patch.set_alpha(0.0)
        canvas.patch.set_alpha(0.0)
        stream = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        backend.print_svg(stream, metadata=nothing)
    return inlined(stream.getvalue(), label, prefix, _STAND_FOR)


def _plain_ticks(axes: Any) -> None:
    """Ticks at powers of ten on logarithmic axes that have none of their own, at 2 and 5 times them on short ones."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() != "log" or isinstance(axis.get_major_locator(), FixedLocator):
            continue
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=8))
        axis.set_major_formatter(FuncFormatter(lambda value, _: numbers(f"{value:g}")))
        axis.set_minor_locator(NullLocator())


def legend_below(axes: Any, columns: int = 2) -> None:
    """A legend under the axes, where it covers nothing."""
    axes.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)


def spread(count: int, markers: int = 8) -> int:
    """Every how many of ``count`` points a marker is drawn, so that few stand on a long curve."""
    return max(1, count // markers)
