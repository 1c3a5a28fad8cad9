"""The pictures in words: what those read who do not see them, and what the terminal shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from properties.dataset.report.dataset_texts import optimiser_name
from properties.engine.report.plain import counted, number
from theory.direction import Attained, LowerBound, UpperBound, digits, raised

Data = Mapping[str, Any]


def degrees(angle: float | None) -> float | None:
    """Radians to degrees; None stays None."""
    return None if angle is None else math.degrees(angle)


def summaries(data: Data) -> dict[str, str]:
    """One sentence a picture, by the picture's name."""
    return {name: sentence(data[name]) for name, sentence in _SENTENCES.items() if name in data}


def _output_space(data: Data) -> str:
    widest = data["widths"][-1]
    bound = degrees(widest["angle_bound"])
    allowed = "no bound" if bound is None else f"T1-line allows {raised(bound, 3)}"
    return (
        f"In output space NGD's steps turn away from the straight line to the target by at most "
        f"{raised(math.degrees(widest['angle']), 2)} degrees at m = {widest['width']:,} ({allowed}), GD's by up to "
        f"{raised(math.degrees(widest['gd_angle']), 3)}."
    )


def _moved_jacobians(data: Data) -> str:
    return (
        f"The relative change of the Jacobian after {counted(data['steps'], 'NGD step')} falls like m^({data['exponent']:.3f} ± "
        f"{data['exponent_error']:.3f}), one standard error, on {counted(data['rows'], 'row')} of {data['dataset']}."
    )


def _least_eigenvalues(data: Data) -> str:
    widest = max(point["width"] for point in data["points"])
    found = [LowerBound(number(point["lambda_min"])) for point in data["points"] if point["width"] == widest]
    return (
        f"At m = {widest:,} the certified lower bound of lambda_min(G(0)) lies between {digits(min(found), 4)} and {digits(max(found), 4)} over "
        f"{counted(len(found), 'initialisation')}; lambda0 is at least {digits(LowerBound(data['lambda_0']), 4)}."
    )


def _training(data: Data) -> str:
    parts = []
    for name, curve in data["curves"].items():
        text = (
            f"{optimiser_name(name)} from {curve['observed'][0]:.3g} to {curve['observed'][-1]:.3g} in "
            f"{counted(len(curve['observed']) - 1, 'step')}"
        )
        if curve["bound"] is not None:
            text += f" ({curve['theorem']} allows {raised(curve['bound'][-1], 3)})"
        parts.append(text)
    return f"Residual norms on {counted(data['rows'], 'row')} of {data['dataset']}, m = {data['width']:,}: {'; '.join(parts)}."


def _constants(data: Data) -> str:
    ends = data["points"][0], data["points"][-1]
    certified, along = ([digits(UpperBound(number(one[key])), 3) for one in ends] for key in ("certified", "path"))
    attacked = [digits(Attained(number(one["attacked"])), 3) for one in ends]
    return (
        f"From m = {ends[0]['width']:,} to {ends[1]['width']:,} C over the ball falls from {' to '.join(certified)} "
        f"{UpperBound.evidence}, {' to '.join(attacked)} attacked; along NGD's path from {' to '.join(along)}."
    )


PHASES = (
    "Condition 1 not certified",
    "Condition 1 alone",
    "C < 1 on NGD's path (T1-sharp)",
    "C < ½ on NGD's path (T1)",
    "C < 1 in the whole ball (T1-sharp)",
    "C < ½ in the whole ball (T1)",
)
"""What is certified of a network, from the weakest to the strongest; each contains those before."""


def phase(point: Data) -> int:
    """The index in ``PHASES`` of the strongest that is certified."""
    if point["lambda_min"] <= 0:
        return 0
    for index, key, limit in ((5, "ball", 0.5), (4, "ball", 1.0), (3, "path", 0.5), (2, "path", 1.0)):
        if point[key] is not None and number(point[key]) < limit:
            return index
    return 1


def _phases(data: Data) -> str:
    counts = Counter(phase(point) for point in data["points"])
    found = "; ".join(f"{PHASES[index]}: {counts[index]}" for index in range(len(PHASES)) if counts[index])
    return (
        f"Of {counted(len(data['points']), 'network')} with n uniform inputs on the sphere in R^{data['dim']}, targets of norm 1 and weights "
        f"of scale {data['scale']:g}, by the strongest condition certified: {found}."
    )


def _held_out(data: Data) -> str:
    bound = data["bounds"][0]
    verdict = "vacuous" if bound["vacuous"] else "below 1"
    shares = ", ".join(
        f"{optimiser_name(name)} {100 * found['test_error']:.2g}%" for name, found in data["optimisers"].items()
    )
    losses = ", ".join(f"{optimiser_name(name)} {found['test_loss']:.3g}" for name, found in data["optimisers"].items())
    return (
        f"T5's bound on {data['dataset']} is {raised(bound['bound'], 3)} (n = {bound['n']}, delta = {data['delta']:g}): {verdict}. "
        f"Held-out errors on {counted(data['test'], 'row')}: {shares}; mean loss min(1, |u - y|): {losses}."
    )


_SENTENCES = {
    "output_space": _output_space,
    "moved_jacobians": lambda data: f"{_moved_jacobians(data)} {_least_eigenvalues(data)}",
    "training": _training,
    "constants": _constants,
    "phases": _phases,
    "held_out": _held_out,
}

SEE: Mapping[str, Sequence[str]] = {
    "output_space": (
        "compare how straight the paths to the star are, of NGD and of GD",
        "compare NGD's angles with their bound, and both with GD's",
    ),
    "moved_jacobians": (
        "follow the points along the fitted line, whose slope is the power of the width",
        "the points above the dashed line have λ_min(G(0)) ≥ ¾ λ₀",
    ),
    "training": ("compare each solid curve with the dashed one of its colour, which bounds it",),
    "constants": ("where a curve lies below ½ T1 applies, below 1 T1-sharp",),
    "phases": ("follow a row from left to right: what is certified at which width",),
    "held_out": ("compare the bars with the dashed line: a bound beyond it says nothing",),
}
"""What to look at, by picture, a clause a figure."""
