"""The pictures in words and in tables: what those read who do not see them, and what the terminal shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Numbers beside a picture: headings, and rows of plain values."""

    headings: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def optimiser_name(optimiser: str) -> str:
    """An optimiser's name as it is written in text."""
    return {"ngd": "NGD", "kfac": "K-FAC", "gd": "GD"}.get(optimiser, optimiser)


def degrees(angle: float | None) -> float | None:
    """Radians to degrees; None stays None."""
    return None if angle is None else math.degrees(angle)


def summaries(data: Data) -> dict[str, str]:
    """One sentence a picture, by the picture's name."""
    return {name: sentence(data[name]) for name, sentence in _SENTENCES.items() if name in data}


def tables(data: Data) -> dict[str, Table]:
    """The numbers of every picture, by the picture's name."""
    return {name: table(data[name]) for name, table in _TABLES.items() if name in data}


def _output_space(data: Data) -> str:
    widest = data["widths"][-1]
    bound = degrees(widest["angle_bound"])
    allowed = "no bound" if bound is None else f"T1-line allows {bound:.3g}"
    return (
        f"In output space NGD's steps turn away from the straight line to the target by at most "
        f"{math.degrees(widest['angle']):.2g} degrees at m = {widest['width']:,} ({allowed}), GD's by up to "
        f"{math.degrees(widest['gd_angle']):.3g}."
    )


def _moved_jacobians(data: Data) -> str:
    return (
        f"The relative change of the Jacobian after {data['steps']} NGD steps falls like m^({data['exponent']:.3f} ± "
        f"{data['exponent_error']:.3f}), one standard error, on {data['rows']} rows of {data['dataset']}."
    )


def _least_eigenvalues(data: Data) -> str:
    widest = max(point["width"] for point in data["points"])
    found = [point["lambda_min"] for point in data["points"] if point["width"] == widest]
    return (
        f"At m = {widest:,} the certified lambda_min(G(0)) lies between {min(found):.4g} and {max(found):.4g} over "
        f"{len(found)} initialisations; lambda0 is at least {data['lambda_0']:.4g}."
    )


def _training(data: Data) -> str:
    parts = []
    for name, curve in data["curves"].items():
        text = (
            f"{optimiser_name(name)} from {curve['observed'][0]:.3g} to {curve['observed'][-1]:.3g} in "
            f"{len(curve['observed']) - 1} steps"
        )
        if curve["bound"] is not None:
            text += f" ({curve['theorem']} allows {curve['bound'][-1]:.3g})"
        parts.append(text)
    return f"Residual norms on {data['rows']} rows of {data['dataset']}, m = {data['width']:,}: {'; '.join(parts)}."


def _constants(data: Data) -> str:
    first, last = data["points"][0], data["points"][-1]
    return (
        f"From m = {first['width']:,} to {last['width']:,} C over the ball falls from {first['certified']:.3g} to "
        f"{last['certified']:.3g} certified, {first['attacked']:.3g} to {last['attacked']:.3g} attacked; along NGD's path "
        f"from {first['path']:.3g} to {last['path']:.3g}."
    )


def _held_out(data: Data) -> str:
    bound = data["bounds"][0]
    verdict = "vacuous" if bound["vacuous"] else "below 1"
    shares = ", ".join(
        f"{optimiser_name(name)} {100 * found['test_error']:.2g}%" for name, found in data["optimisers"].items()
    )
    losses = ", ".join(f"{optimiser_name(name)} {found['test_loss']:.3g}" for name, found in data["optimisers"].items())
    return (
        f"T5's bound on {data['dataset']} is {bound['bound']:.3g} (n = {bound['n']}, delta = {data['delta']:g}): {verdict}. "
        f"Held-out errors on {data['test']} rows: {shares}; mean loss min(1, |u - y|): {losses}."
    )


_SENTENCES = {
    "output_space": _output_space,
    "moved_jacobians": lambda data: f"{_moved_jacobians(data)} {_least_eigenvalues(data)}",
    "training": _training,
    "constants": _constants,
    "held_out": _held_out,
}


def _output_space_table(data: Data) -> Table:
    return Table(
        ("m", "C on the path", "arcsin q (degrees)", "NGD's largest angle", "GD's largest angle"),
        [
            (
                row["width"],
                row["path_constant"],
                degrees(row["angle_bound"]),
                degrees(row["angle"]),
                degrees(row["gd_angle"]),
            )
            for row in data["widths"]
        ],
    )


def _moved_jacobians_table(data: Data) -> Table:
    return Table(
        ("m", "‖J(k) − J(0)‖/‖J(0)‖", "λ_min(G(0)), certified"),
        [(point["width"], point["moved"], point["lambda_min"]) for point in data["points"]],
    )


def _training_table(data: Data) -> Table:
    names = list(data["curves"])
    headings = ["k"]
    for name in names:
        headings += [
            optimiser_name(name),
            f"{optimiser_name(name)}, linearised",
            f"{optimiser_name(name)}, {data['curves'][name]['theorem'] or 'no theorem'}",
        ]
    longest = max(len(data["curves"][name]["observed"]) for name in names)
    rows = [
        (k, *(_at(data["curves"][name][key], k) for name in names for key in ("observed", "linearised", "bound")))
        for k in range(longest)
        if k <= 20 or k % 10 == 0
    ]
    return Table(tuple(headings), rows)


def _at(values: Sequence[Any] | None, k: int) -> Any:
    return values[k] if values is not None and k < len(values) else None


def _constants_table(data: Data) -> Table:
    return Table(
        ("m", "C certified, ball", "C attacked, ball", "C certified, path"),
        [(point["width"], point["certified"], point["attacked"], point["path"]) for point in data["points"]],
    )


def _held_out_table(data: Data) -> Table:
    return Table(
        ("optimiser", "steps", "train error", "held-out error", "train loss", "held-out loss"),
        [
            (
                optimiser_name(name),
                found["steps"],
                found["train_error"],
                found["test_error"],
                found["train_loss"],
                found["test_loss"],
            )
            for name, found in data["optimisers"].items()
        ],
    )


_TABLES = {
    "output_space": _output_space_table,
    "moved_jacobians": _moved_jacobians_table,
    "training": _training_table,
    "constants": _constants_table,
    "held_out": _held_out_table,
}
