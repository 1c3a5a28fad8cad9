"""T3 and T4-width on real data: the composed widths beside the width of the network and what is certified there."""

from __future__ import annotations

from properties.contribution import Contribution, upper_digits
from properties.rung import NGD_STEP_SIZE, RungContext
from theory.errors import DegenerateInputsError
from theory.theorems import width

CONSTANT, DELTA = 0.5, 0.1
"""The C (the paper's) that the widths are composed for, and the probability with which they may fail."""

CONDITIONS = {"T3": "2", "T4-width": "K2"}


def composed_widths(context: RungContext) -> Contribution:
    """The width from which each theorem promises its condition, and C over the ball and along the path at this one."""
    rung = context.rung
    widths: dict[str, int | None] = {}
    reasons: dict[str, str] = {}
    for theorem in width.THEOREMS:
        try:
            widths[theorem] = width.width(
                context.inputs, context.y, rung.scale, DELTA, CONSTANT, theorem, symmetric=rung.symmetric
            )
        except DegenerateInputsError as error:
            widths[theorem], reasons[theorem] = None, str(error)
    optimisers = {"T3": ("NGD", "ngd", NGD_STEP_SIZE), "T4-width": ("K-FAC", "kfac", context.step_sizes["kfac"])}
    lines, values = [], {}
    for theorem, needed in widths.items():
        name, optimiser, eta = optimisers[theorem]
        condition = CONDITIONS[theorem]
        ball = context.ball if condition == "2" else context.feature_ball
        path = context.path(optimiser, eta, context.ngd_steps)
        values[theorem] = {"width": needed, "ball_constant": ball.constant, "path_constant": path.constant}
        promise = f"says nothing ({reasons[theorem]})" if needed is None else f"asks for m >= {needed:.4g}"
        lines.append(
            f"{theorem} {promise} for Condition {condition}({CONSTANT:g}) with probability {1 - DELTA:g}; at m = {rung.width} "
            f"{_certified(ball.constant, path.constant, name)}"
        )
    return Contribution(topic="widths", values={"C": CONSTANT, "delta": DELTA, **values}, lines=tuple(lines))


def _certified(ball: float, path: float, optimiser: str) -> str:
    """Where C is certified to be below the constant."""
    if ball < CONSTANT:
        return f"it is certified over the ball (C = {upper_digits(ball, 4)})"
    if path < CONSTANT:
        return f"it is certified along {optimiser}'s path (C = {upper_digits(path, 4)}), not over the ball ({upper_digits(ball, 4)})"
    return f"it is not certified: C = {upper_digits(path, 4)} along {optimiser}'s path, {upper_digits(ball, 4)} over the ball"
