"""The figures of a data set's certificate: residuals with their bounds, spectra, the constant of Condition 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

from properties.dataset.report.dataset_texts import optimiser_name
from properties.dataset.report.looks import ATTACK, BALL, LIMIT, PATH, look
from properties.engine.report.data_files import Table
from properties.engine.report.entries import Entry
from properties.engine.report.figures import (
    COLOURS,
    MARKERS,
    STYLES,
    Figure,
    Undrawn,
    attempted,
    figure,
    legend_below,
    spread,
)
from properties.engine.report.plain import counted, number
from theory.direction import Attained, UpperBound, digits, raised

Curve = Mapping[str, Any]
"""``observed`` and ``bound``: residual norms by iteration, not squared; ``bound`` may be None."""


def dataset_figures(dataset: Entry) -> Iterator[Figure | Undrawn]:
    """All of them: constants, spectra, residuals; in the place of one that cannot be drawn why that is."""
    yield from attempted(
        (f"C of Condition 2 against width, n = {rows}", partial(_constant_figure, rows, group))
        for rows, group in constant_groups(dataset["certificate"].get("rungs", ()))
    )
    yield from attempted(
        (f"Eigenvalues, {rows}", partial(spectrum_figure, rows, known, f"spectra-{index}"))
        for index, (rows, spectra) in enumerate(dataset.get("spectra", {}).items())
        if (known := {matrix: values for matrix, values in spectra.items() if values})
    )
    yield from attempted(
        (title(rung), partial(residual_figure, rung, curves, f"residuals-{index}"))
        for index, (rung, curves) in enumerate(dataset["curves"].items())
        if curves
    )


def residual_figure(rung: str, curves: Mapping[str, Curve], name: str) -> Figure:
    """Residual norms by iteration on a logarithmic axis, observed solid, bounds dashed, a marker for each optimiser.

    Zeros and non-finite values, which a logarithmic axis has no place for, are left out.
    """

    def draw(axes: Any) -> None:
        axes.set_title(title(rung))
        axes.set_xlabel("iteration k")
        axes.set_ylabel("residual norm ‖r(k)‖₂")
        drawn = False
        for optimiser, curve in curves.items():
            own = {"color": look(optimiser).colour, "marker": look(optimiser).marker, "markersize": 4}
            for key, style, filled in (("observed", "-", "full"), ("bound", "--", "none")):
                steps, values = drawable(curve[key])
                if values:
                    label = f"{optimiser_name(optimiser)}, {key}"
                    axes.plot(
                        steps, values, ls=style, markevery=spread(len(values)), fillstyle=filled, label=label, **own
                    )
                    drawn = True
        if drawn:
            axes.set_yscale("log")
            legend_below(axes)

    columns = {
        f"{optimiser_name(optimiser)}, {key}": curve[key] or ()
        for optimiser, curve in curves.items()
        for key in ("observed", "bound")
    }
    said = description(rung, curves)
    return figure(
        name,
        f"{said}. The steeper, the faster; a dashed curve bounds the solid one",
        said,
        draw,
        _columns("k", columns),
    )


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
            f"{counted(len(observed) - 1, 'iteration')}"
        )
        if curve["bound"]:
            text += f" (bound at the last: {raised(number(curve['bound'][-1]), 3)})"
        parts.append(text)
    return f"{title(rung)}: " + ("; ".join(parts) or "no curves")


def drawable(values: Sequence[Any] | None) -> tuple[list[int], list[float]]:
    """Iterations and values that have a place on a logarithmic axis."""
    numbers = [number(value) for value in values or () if value is not None]
    kept = [(step, value) for step, value in enumerate(numbers) if 0 < value < float("inf")]
    return [step for step, _ in kept], [value for _, value in kept]


def spectrum_figure(rows: str, spectra: Mapping[str, Sequence[Any]], name: str) -> Figure:
    """Eigenvalues from the largest to the smallest on a logarithmic axis, one curve a matrix."""
    falling = {matrix: [number(value) for value in reversed(values)] for matrix, values in spectra.items()}

    def draw(axes: Any) -> None:
        axes.set_title(f"Eigenvalues, {rows}")
        axes.set_xlabel("index, from the largest")
        axes.set_ylabel("eigenvalue")
        for index, (matrix, values) in enumerate(falling.items()):
            steps, kept = drawable(values)
            axes.plot(
                [step + 1 for step in steps],
                kept,
                ls=STYLES[index % len(STYLES)],
                marker=MARKERS[index % len(MARKERS)],
                markersize=4,
                fillstyle="none",
                markevery=(index, spread(len(kept))),
                color=COLOURS[index % len(COLOURS)],
                label=matrix.replace("_inf", "∞"),
            )
        axes.set_yscale("log")
        legend_below(axes)

    ends = "; ".join(f"{matrix} from {values[0]:.3g} to {values[-1]:.3g}" for matrix, values in falling.items())
    return figure(
        name,
        f"Eigenvalues, {rows}, as computed in float64: compare G(0) with its limit G∞; certified bounds of the smallest stand in the table",
        f"Eigenvalues, {rows}: {ends}",
        draw,
        _columns("index", falling, first=1),
    )


CONSTANTS: Sequence[tuple[str, str, type[UpperBound | Attained]]] = (
    ("ball_constant", "ball, certified", UpperBound),
    ("attack_constant", "ball, attacked", Attained),
    ("path_constant", "NGD's path", UpperBound),
)
"""Key, label, and on which side of C the number lies."""


def constant_groups(rungs: Sequence[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    """Numbers of rows with the networks whose constants are known, where there are several widths."""
    by_rows: dict[int, list[Entry]] = {}
    for rung in rungs:
        known = rung.get("ngd", {})
        if "rows" in rung and all(known.get(key) is not None for key, _, _ in CONSTANTS):
            by_rows.setdefault(rung["rows"], []).append(rung)
    for rows, group in by_rows.items():
        if len({rung["width"] for rung in group}) > 1:
            yield rows, group


def _constant_figure(rows: int, group: Sequence[Entry]) -> Figure:
    widths = [rung["width"] for rung in group]
    values = {label: [kind(number(rung["ngd"][key])) for rung in group] for key, label, kind in CONSTANTS}

    def draw(axes: Any) -> None:
        axes.set_title(f"C of Condition 2, n = {rows}")
        for index, ((label, constants), own) in enumerate(zip(values.items(), (BALL, ATTACK, PATH), strict=True)):
            axes.plot(widths, constants, ls=STYLES[index], marker=own.marker, color=own.colour, label=label)
        axes.axhline(1.0, color=LIMIT, linewidth=1, linestyle=":", label="C = 1 (T1-sharp)")
        axes.axhline(0.5, color=LIMIT, linewidth=1, linestyle="-.", label="C = ½ (T1)")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(widths, labels=[f"{width:,}" for width in widths])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("width m")
        axes.set_ylabel("C")
        legend_below(axes)

    said = "; ".join(f"{label} {', '.join(digits(one, 3) for one in constants)}" for label, constants in values.items())
    rounded = [(width, *row) for width, row in zip(widths, zip(*values.values(), strict=True), strict=True)]
    return figure(
        f"constants-{rows}",
        f"C of Condition 2 against width, n = {rows}: below the line at ½ T1 applies, below that at 1 T1-sharp",
        f"C of Condition 2, n = {rows}, at widths {', '.join(f'{width:,}' for width in widths)}: {said}",
        draw,
        Table(("m", *values), rounded),
    )


def _columns(index: str, columns: Mapping[str, Sequence[Any]], first: int = 0) -> Table:
    rows = [(step, *row) for step, row in enumerate(zip_longest(*columns.values()), start=first)]
    return Table((index, *columns), rows)
