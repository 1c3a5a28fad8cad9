"""The paper's pictures, drawn from the data of properties/pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from properties.dataset.report.dataset_figures import drawable
from properties.dataset.report.dataset_texts import optimiser_name
from properties.dataset.report.looks import ATTACK, BALL, LIMIT, PATH, look
from properties.engine.report.data_files import Table
from properties.engine.report.figures import COLOURS, MARKERS, STYLES, Draw, Figure, figure, legend_below, spread
from properties.pictures.report.picture_tables import output_paths, shortened, tables
from properties.pictures.report.picture_texts import PHASES, SEE, degrees, phase, summaries

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture of the report: its name in links, its title, its figures, what it says in words, its numbers."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    text: str
    table: Table
    """At most forty rows; all are beside the figures."""


TITLES = {
    "output_space": "NGD and GD in output space",
    "moved_jacobians": "How far the Jacobian moves, and the smallest eigenvalue of G(0)",
    "training": "Training curves and the bounds of the theorems",
    "constants": "The constant of Condition 2 against width",
    "phases": "Which conditions are certified, rows against width",
    "held_out": "Generalisation on digits 4 versus 9",
}


def pictures(data: Data) -> list[Picture]:
    """All pictures that there is data for."""
    texts, numbers = summaries(data), tables(data)
    return [
        Picture(
            name.replace("_", "-"),
            TITLES[name],
            tuple(
                figure(
                    f"{name.replace('_', '-')}-{index}",
                    f"{title}: {SEE[name][index]}",
                    f"{title}. {texts[name]}",
                    _titled(title, draw),
                    table,
                )
                for index, (title, draw, table) in enumerate(_DRAWINGS[name](data[name], numbers[name]))
            ),
            texts[name],
            shortened(numbers[name]),
        )
        for name in texts
    ]


Titled = Sequence[tuple[str, Draw, Table]]
"""Drawings with their titles and numbers."""


def _titled(title: str, draw: Draw) -> Draw:
    def both(axes: Any) -> None:
        axes.set_title(title)
        draw(axes)

    return both


def _against_width(axes: Any, widths: Sequence[int], labelled: int = 4) -> None:
    """A logarithmic axis of widths with labels at some of them only."""
    axes.set_xscale("log")
    distinct = sorted(set(widths))
    step = max(1, math.ceil(len(distinct) / labelled))
    shown = distinct[::step]
    axes.set_xticks(shown, labels=[f"{width:,}" for width in shown])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("width m")


def _output_space(data: Data, table: Table) -> Titled:
    widths = data["widths"]

    def paths(axes: Any) -> None:
        for row, style, filled in ((widths[0], ":", "none"), (widths[-1], "-", "full")):
            axes.plot(
                *zip(*row["ngd"], strict=True),
                style,
                marker=look("ngd").marker,
                markersize=4,
                markevery=4,
                fillstyle=filled,
                linewidth=1.5,
                color=look("ngd").colour,
                label=f"NGD, m = {row['width']:,}",
            )
        axes.plot(
            *zip(*widths[-1]["gd"], strict=True),
            "--",
            color=look("gd").colour,
            label=f"GD, m = {widths[-1]['width']:,}",
        )
        axes.plot(*data["targets"], "*", color=COLOURS[3], markersize=13, label="targets y")
        axes.set_xlabel("output u₁")
        axes.set_ylabel("output u₂")
        legend_below(axes)

    def angles(axes: Any) -> None:
        m = [row["width"] for row in widths]
        for name, key in (("ngd", "angle"), ("gd", "gd_angle")):
            axes.plot(
                m,
                [degrees(row[key]) for row in widths],
                "-",
                marker=look(name).marker,
                color=look(name).colour,
                label=f"{optimiser_name(name)}, largest",
            )
        bounded = [row for row in widths if row["angle_bound"] is not None]
        axes.plot(
            [row["width"] for row in bounded],
            [degrees(row["angle_bound"]) for row in bounded],
            "--",
            marker=look("ngd").marker,
            fillstyle="none",
            color=look("ngd").colour,
            label="NGD, arcsin q (T1-line)",
        )
        axes.set_yscale("log")
        _against_width(axes, m)
        axes.set_ylabel("angle to the line, degrees")
        legend_below(axes)

    return (("Paths in output space", paths, output_paths(data)), ("Angle to the straight line", angles, table))


def _moved_jacobians(data: Data, table: Table) -> Titled:
    m = [point["width"] for point in data["points"]]

    def moved(axes: Any) -> None:
        values = [point["moved"] for point in data["points"]]
        axes.plot(m, values, "o", color=COLOURS[0], markersize=4, label="one initialisation")
        middle = sum(math.log(v) for v in values) / len(values), sum(math.log(w) for w in m) / len(m)
        ends = [min(m), max(m)]
        line = [math.exp(middle[0] + data["exponent"] * (math.log(w) - middle[1])) for w in ends]
        label = f"slope {data['exponent']:.3f} ± {data['exponent_error']:.3f}"
        axes.plot(ends, line, "--", color=COLOURS[1], label=label)
        axes.set_yscale("log")
        _against_width(axes, m)
        _plain_decades(axes, values)
        axes.set_ylabel("‖J(k) − J(0)‖₂ / ‖J(0)‖₂")
        legend_below(axes)

    def eigenvalues(axes: Any) -> None:
        values = [point["lambda_min"] for point in data["points"]]
        axes.plot(m, values, "o", color=COLOURS[0], markersize=4, label="λ_min(G(0)), certified")
        axes.axhline(data["lambda_0"], color=COLOURS[1], linestyle="-", label="λ₀, certified")
        axes.axhline(0.75 * data["lambda_0"], color=COLOURS[2], linestyle="--", label="¾ λ₀")
        axes.set_ylim(0, 1.15 * max(*values, data["lambda_0"]))
        _against_width(axes, m)
        axes.set_ylabel("eigenvalue")
        legend_below(axes, columns=3)

    return (("Relative change of the Jacobian", moved, table), ("Smallest eigenvalue of G(0)", eigenvalues, table))


def _plain_decades(axes: Any, values: Sequence[float]) -> None:
    """Ticks at 1, 2 and 5 times powers of ten within the range of the values."""
    low, high = min(values), max(values)
    first = math.floor(math.log10(low))
    ticks = [digit * 10.0**power for power in range(first, first + 8) for digit in (1, 2, 5)]
    shown = [tick for tick in ticks if low / 1.5 <= tick <= high * 1.5]
    axes.set_yticks(shown, labels=[f"{tick:g}" for tick in shown])
    axes.set_yticks([], minor=True)


def _training(data: Data, table: Table) -> Titled:
    def curves(axes: Any) -> None:
        for name, curve in data["curves"].items():
            own = {"color": look(name).colour, "marker": look(name).marker, "markersize": 4}
            steps, values = drawable(curve["observed"])
            label = f"{optimiser_name(name)}, observed"
            axes.plot(steps, values, "-", markevery=spread(len(values)), label=label, **own)
            steps, values = drawable(curve["bound"])
            if values:
                label = f"{optimiser_name(name)}, {curve['theorem']}"
                axes.plot(steps, values, "--", markevery=spread(len(values)), fillstyle="none", label=label, **own)
        axes.set_yscale("log")
        axes.set_xlabel("iteration k")
        axes.set_ylabel("residual norm ‖r(k)‖₂")
        legend_below(axes)

    return ((f"{data['rows']} rows of {data['dataset']}, m = {data['width']:,}", curves, table),)


def _constants(data: Data, table: Table) -> Titled:
    m = [point["width"] for point in data["points"]]

    def draw(axes: Any) -> None:
        series = (
            ("certified", "ball, certified", BALL),
            ("attacked", "ball, attacked", ATTACK),
            ("path", "NGD's path, certified", PATH),
        )
        for index, (key, label, own) in enumerate(series):
            values = [point[key] for point in data["points"]]
            axes.plot(m, values, STYLES[index], marker=own.marker, color=own.colour, label=label)
        axes.axhline(1.0, color=LIMIT, linewidth=1, linestyle=":", label="C = 1 (T1-sharp)")
        axes.axhline(0.5, color=LIMIT, linewidth=1, linestyle="-.", label="C = ½ (T1)")
        axes.set_yscale("log")
        _against_width(axes, m)
        _plain_decades(axes, [point[key] for point in data["points"] for key in ("certified", "path")])
        axes.set_ylabel("C of Condition 2")
        legend_below(axes)

    return ((f"{data['rows']} rows of {data['dataset']}", draw, table),)


def _phases(data: Data, table: Table) -> Titled:
    def draw(axes: Any) -> None:
        places: dict[int, list[tuple[int, int]]] = {}
        for point in data["points"]:
            places.setdefault(phase(point), []).append((point["width"], point["n"]))
        for index, found in sorted(places.items()):
            filled = {"markerfacecolor": COLOURS[index] if index > 1 else "none"}
            axes.plot(
                *zip(*found, strict=True),
                MARKERS[index],
                color=COLOURS[index],
                markersize=9,
                label=PHASES[index],
                **filled,
            )
        _against_width(axes, [point["width"] for point in data["points"]])
        rows = sorted({point["n"] for point in data["points"]})
        axes.set_yscale("log")
        axes.set_yticks(rows, labels=[str(n) for n in rows])
        axes.set_yticks([], minor=True)
        axes.margins(0.08)
        axes.set_ylabel("rows n")
        legend_below(axes, columns=1)

    return (("Strongest condition certified", draw, table),)


def _held_out(data: Data, table: Table) -> Titled:
    def draw(axes: Any) -> None:
        bars = [("T5's bound", data["bounds"][0]["bound"], COLOURS[3])]
        for name, found in data["optimisers"].items():
            bars += [
                (f"{optimiser_name(name)}, loss", found["test_loss"], look(name).colour),
                (f"{optimiser_name(name)}, error", found["test_error"], look(name).colour),
            ]
        for place, (_, value, colour) in enumerate(bars):
            axes.barh(-place, value, color=colour, height=0.6)
            axes.annotate(f"{value:.3g}", (value, -place), xytext=(4, 0), textcoords="offset points", va="center")
        axes.axvline(1.0, color=COLOURS[3], linestyle="--", linewidth=1)
        axes.annotate("vacuous from 1 on", (1.0, 1 - len(bars)), xytext=(-4, 0), textcoords="offset points", ha="right")
        axes.set_yticks([-place for place in range(len(bars))], labels=[name for name, _, _ in bars])
        axes.set_xlim(0, 1.25 * max(1.0, *(value for _, value, _ in bars)))
        axes.set_xlabel("held-out, and its bound")

    return (("Held-out loss and error", draw, table),)


_DRAWINGS: Mapping[str, Callable[[Data, Table], Titled]] = {
    "output_space": _output_space,
    "moved_jacobians": _moved_jacobians,
    "training": _training,
    "constants": _constants,
    "phases": _phases,
    "held_out": _held_out,
}
