"""The numbers of the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from properties.dataset.report.dataset_texts import optimiser_name
from properties.engine.report.data_files import Table
from properties.engine.report.plain import number
from properties.pictures.report.picture_texts import PHASES, degrees, phase
from theory.direction import Attained, Bound, LowerBound, UpperBound

Data = Mapping[str, Any]


def tables(data: Data) -> dict[str, Table]:
    """The numbers of every picture, by the picture's name."""
    return {name: table(data[name]) for name, table in _TABLES.items() if name in data}


def _output_space_table(data: Data) -> Table:
    return Table(
        ("m", "C on the path", "arcsin q (degrees)", "NGD's largest angle", "GD's largest angle"),
        [
            (
                row["width"],
                _bound(UpperBound, row["path_constant"]),
                _bound(UpperBound, degrees(row["angle_bound"])),
                degrees(row["angle"]),
                degrees(row["gd_angle"]),
            )
            for row in data["widths"]
        ],
    )


def _moved_jacobians_table(data: Data) -> Table:
    return Table(
        ("m", "‖J(k) − J(0)‖/‖J(0)‖", "λ_min(G(0)), certified"),
        [(point["width"], point["moved"], _bound(LowerBound, point["lambda_min"])) for point in data["points"]],
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
    rows = [(k, *(cell for name in names for cell in _training_cells(data["curves"][name], k))) for k in range(longest)]
    return Table(tuple(headings), rows)


def _training_cells(curve: Data, k: int) -> Sequence[Any]:
    return _at(curve["observed"], k), _at(curve["linearised"], k), _bound(UpperBound, _at(curve["bound"], k))


def _bound(kind: type[UpperBound | LowerBound | Attained], value: Any) -> Bound | None:
    """A number of a picture that bounds what its column is about."""
    return None if value is None else kind(number(value))


def _at(values: Sequence[Any] | None, k: int) -> Any:
    return values[k] if values is not None and k < len(values) else None


def _constants_table(data: Data) -> Table:
    return Table(
        ("m", "C certified, ball", "C attacked, ball", "C certified, path"),
        [
            (
                point["width"],
                _bound(UpperBound, point["certified"]),
                _bound(Attained, point["attacked"]),
                _bound(UpperBound, point["path"]),
            )
            for point in data["points"]
        ],
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


def _phases_table(data: Data) -> Table:
    return Table(
        ("n", "m", "λ_min(G(0)), certified", "C certified, ball", "C certified, path", "strongest condition"),
        [
            (
                point["n"],
                point["width"],
                _bound(LowerBound, point["lambda_min"]),
                _bound(UpperBound, point["ball"]),
                _bound(UpperBound, point["path"]),
                PHASES[phase(point)],
            )
            for point in data["points"]
        ],
    )


def output_paths(data: Data) -> Table:
    """The outputs of every iterate at every width, for the first of the pictures."""
    rows = [
        (optimiser_name(optimiser), row["width"], k, *outputs)
        for row in data["widths"]
        for optimiser in ("ngd", "gd")
        for k, outputs in enumerate(row[optimiser])
    ]
    return Table(("optimiser", "m", "k", "u1", "u2"), rows)


def shortened(table: Table, most: int = 40) -> Table:
    """The table with about ``most`` of its rows, evenly chosen, its first and last among them."""
    step = -(-len(table.rows) // most)
    kept = [row for place, row in enumerate(table.rows) if place % step == 0 or place == len(table.rows) - 1]
    return Table(table.headings, kept)


_TABLES = {
    "output_space": _output_space_table,
    "moved_jacobians": _moved_jacobians_table,
    "training": _training_table,
    "constants": _constants_table,
    "phases": _phases_table,
    "held_out": _held_out_table,
}
