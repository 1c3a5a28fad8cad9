"""Drawings as SVG to be put into a page, and the residual curves of a data set with their bounds."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from properties.report.picture_texts import optimiser_name
from properties.report.plain import number

COLOURS = ("#3d7ebd", "#c8661b", "#2e9163", "#9a5fc4")
"""One colour a curve, each readable on white and on black."""

WIDTH, HEIGHT = 4.8, 3.6
"""Inches: narrow enough that the text stays readable on a telephone, where the drawing shrinks to the screen."""

_INK = "#010203"  # drawn in this colour, then replaced by the page's own text colour

Curve = Mapping[str, Any]
"""``observed`` and ``bound``: residual norms by iteration, not squared; ``bound`` may be None."""


def drawing(label: str, prefix: str, draw: Callable[[Any], None], height: float = HEIGHT) -> str:
    """An ``<svg>`` element with one pair of axes that ``draw`` fills; ``label`` says in words what it shows.

    ``prefix`` makes the element's ids unique on a page with several. Text takes the page's colour and font.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings = {"svg.fonttype": "none", "svg.hashsalt": prefix, "font.family": "sans-serif", "font.size": 10}
    settings |= {"axes.titlesize": 11, "legend.fontsize": 9, "axes.spines.top": False, "axes.spines.right": False}
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
    with rc_context({**settings, **dict.fromkeys(inks, _INK)}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.grid(visible=True, alpha=0.15)
        draw(axes)
        axes.patch.set_alpha(0.0)
        figure.patch.set_alpha(0.0)
        stream = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        canvas.print_svg(stream, metadata=nothing)
    return _inline(stream.getvalue(), label, prefix)


def residual_figure(rung: str, curves: Mapping[str, Curve], prefix: str) -> str:
    """Residual norms by iteration on a logarithmic axis, observed solid, bounds dashed.

    Zeros and non-finite values, which a logarithmic axis has no place for, are left out.
    """

    def draw(axes: Any) -> None:
        axes.set_title(title(rung))
        axes.set_xlabel("iteration k")
        axes.set_ylabel("residual norm ‖r(k)‖₂")
        drawn = False
        for index, (optimiser, curve) in enumerate(curves.items()):
            colour = COLOURS[index % len(COLOURS)]
            for key, style, suffix in (("observed", "-", "observed"), ("bound", "--", "bound")):
                steps, values = drawable(curve[key])
                if values:
                    marker = "o" if len(values) == 1 else None
                    label = f"{optimiser_name(optimiser)}, {suffix}"
                    axes.plot(steps, values, style, color=colour, marker=marker, label=label)
                    drawn = True
        if drawn:
            axes.set_yscale("log")
            axes.legend(frameon=False)

    return drawing(description(rung, curves), prefix, draw)


def title(rung: str) -> str:
    """The figure's title."""
    return f"Residuals, {rung}"


def description(rung: str, curves: Mapping[str, Curve]) -> str:
    """The figure in words, for those who do not see it: first and last residual of every curve."""
    parts = []
    for optimiser, curve in curves.items():
        observed = curve["observed"]
        if not observed:
            continue
        text = (
            f"{optimiser_name(optimiser)} from {number(observed[0]):.3g} to {number(observed[-1]):.3g} in "
            f"{len(observed) - 1} iterations"
        )
        if curve["bound"]:
            text += f" (bound at the last: {number(curve['bound'][-1]):.3g})"
        parts.append(text)
    return f"{title(rung)}: " + ("; ".join(parts) or "no curves")


def drawable(values: Sequence[Any] | None) -> tuple[list[int], list[float]]:
    """Iterations and values that have a place on a logarithmic axis."""
    numbers = [number(value) for value in values or () if value is not None]
    kept = [(step, value) for step, value in enumerate(numbers) if 0 < value < float("inf")]
    return [step for step, _ in kept], [value for _, value in kept]


def _inline(svg: str, label: str, prefix: str) -> str:
    from markupsafe import escape

    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', element)
    element = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', element)
    element = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", element)
    element = element.replace(_INK, "currentColor")
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    return element.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)
