"""T3 and T4-width on real data: the composed widths beside the width of the network and what is certified there."""

from __future__ import annotations

from functools import partial
from typing import Any

from properties.dataset.attempts import Attempts
from properties.dataset.contribution import Contribution
from properties.dataset.rung import NGD_STEP_SIZE, RungContext
from properties.engine.claim import Verdict
from properties.engine.decision import below
from theory.descent.optimiser import as_optimiser
from theory.direction import UNBOUNDED, UpperBound, digits, evidence, raised
from theory.errors import DegenerateInputsError, ScaleError, WidthError
from theory.kernels.degeneracy import degeneracy
from theory.kernels.limiting import limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.stability import BallCertificate, PathCertificate
from theory.theorems import width

CONSTANT, DELTA = 0.5, 0.1
"""The C (the paper's) that the widths are composed for, and the probability with which they may fail."""

CONDITIONS = {"T3": "2", "T4-width": "K2"}
OPTIMISERS = {"T3": "ngd", "T4-width": "kfac"}


def composed_widths(context: RungContext) -> Contribution:
    """The width from which each theorem promises its condition, and C over the ball and along the path at this one."""
    rung = context.rung
    widths: dict[str, int | None] = {}
    reasons: dict[str, str] = {}
    for theorem in width.THEOREMS:
        if OPTIMISERS[theorem] not in context.optimisers:
            continue
        try:
            widths[theorem] = _width(context, theorem)
        except (DegenerateInputsError, ScaleError, WidthError) as error:
            widths[theorem], reasons[theorem] = None, str(error)
    attempt = Attempts()
    lines: list[str] = []
    values: dict[str, Any] = {}
    for theorem, needed in widths.items():
        optimiser = OPTIMISERS[theorem]
        name = as_optimiser(optimiser).title
        condition = CONDITIONS[theorem]
        ball = attempt(f"Condition {condition} over the ball", partial(_ball, context, condition))
        path = attempt(f"C along {name}'s path", partial(_path, context, optimiser))
        end = None if path is None else context.path_end(optimiser, _step_size(context, optimiser), context.ngd_steps)
        values[theorem] = {
            "width": needed,
            "ball_constant": None if ball is None else ball.constant,
            "path_constant": None if path is None else path.constant,
        }
        promise = f"says nothing ({reasons[theorem]})" if needed is None else f"asks for m >= {raised(needed, 4)}"
        found = _certified(
            UNBOUNDED if ball is None else ball.constant, UNBOUNDED if path is None else path.constant, name
        )
        broken = "" if path is None or end is None else f" (that path breaks off after step {path.steps})"
        lines.append(
            f"{theorem} {promise} for Condition {condition}({CONSTANT:g}) with probability {1 - DELTA:g}; at m = {rung.width} "
            f"{found}{broken}"
        )
    return Contribution(
        topic="widths",
        values={"C": CONSTANT, "delta": DELTA, **values},
        lines=tuple(lines),
        unavailable=attempt.reasons,
    )


def _width(context: RungContext, theorem: str) -> int:
    """The width from the unit rows; which rows are parallel is decided on them as given. Raises what ``width`` raises."""
    kernels = degeneracy(context.raw_inputs)
    if theorem == "T3":
        definite, name, bound = kernels.gram_positive_definite, "lambda0", limiting_gram_eigenvalue(context.inputs)
    else:
        definite, name = kernels.pattern_gram_positive_definite, "lambda_S"
        bound = limiting_pattern_gram_eigenvalue(context.inputs)
    if not (definite and bound > 0):
        raise DegenerateInputsError(f"no positive lower bound of {name} is certified: {kernels.reason()}")
    rung = context.rung
    return width.width(context.inputs, context.y, rung.scale, DELTA, CONSTANT, theorem, symmetric=rung.symmetric)


def _ball(context: RungContext, condition: str) -> BallCertificate:
    return context.ball if condition == "2" else context.feature_ball


def _step_size(context: RungContext, optimiser: str) -> float:
    return NGD_STEP_SIZE if optimiser == "ngd" else context.step_sizes[optimiser]


def _path(context: RungContext, optimiser: str) -> PathCertificate:
    return context.path(optimiser, _step_size(context, optimiser), context.ngd_steps)


def _certified(ball: UpperBound, path: UpperBound, optimiser: str) -> str:
    """Where C is certified to be below the constant."""
    if below(CONSTANT, ball) is Verdict.HOLDS:
        return f"it is {evidence(ball)} over the ball (C <= {digits(ball, 4)})"
    if below(CONSTANT, path) is Verdict.HOLDS:
        return f"it is {evidence(path)} along {optimiser}'s path (C <= {digits(path, 4)}), not over the ball ({digits(ball, 4)})"
    return f"it is not certified: C <= {digits(path, 4)} along {optimiser}'s path, {digits(ball, 4)} over the ball"
