"""The fixed problems on which conventions are told apart, and what a step returned there.

n, d and m differ from one another and from 1 on every problem, so that n, d and m, their roots and their powers are told
apart; inputs are more and fewer than dimensions; step sizes differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from properties.exact import identity_rounding as rounding
from properties.guard.allowance import pattern_margin
from properties.guard.damping import Damping
from properties.guard.implementation import Implementation
from properties.guard.instances import Problem, hand_problem
from properties.guard.workings import Arrays, Formula, UndefinedError, Workings, arrays
from theory.inputs import FloatArray

SHAPES = (
    *((2, 3, 4), (3, 2, 4), (2, 5, 4), (2, 3, 9), (3, 2, 9), (4, 2, 9)),
    *((3, 5, 4), (4, 3, 9), (2, 5, 9), (5, 2, 9), (3, 2, 16), (5, 3, 9)),
)
"""(n, d, m)."""

PER_SHAPE = 2

PANEL = PER_SHAPE * len(SHAPES)
"""Problems of the panel, whose conditions all allow a comparison."""

WORST = 1e3
"""The largest condition of G, H and X X^T on the panel: above it little can be told."""

CANDIDATES = 400
"""Seeds tried for a shape; a type of low precision may leave the panel smaller."""

ENOUGH = 8
"""A convention that is defined on fewer problems is not named."""

SINGLE = 2.0**-24
"""u of float32."""


def judged(problem: Problem, unit_roundoff: float) -> bool:
    """Whether the step is defined there and the allowance says something."""
    if not (problem.regular and problem.lambda_min > 0):
        return False
    margin = min(pattern_margin(problem.exact, unit_roundoff), problem.condition.meaningful(unit_roundoff))
    return margin >= 0


@cache
def panel(optimiser: str, unit_roundoff: float, damping: Damping | None = None) -> tuple[Problem, ...]:
    """Fixed hand-sized problems, as many of each shape, on which steps of either optimiser can be judged, damped or not."""
    found: list[Problem] = []
    for index, (rows, dim, width) in enumerate(SHAPES):
        of_shape = 0
        for candidate in range(CANDIDATES):
            seed = index + len(SHAPES) * candidate
            shape = {"kind": "uniform", "rows": rows, "dim": dim, "width": width, "weights": "gaussian"}
            description = {**shape, "eighths": 1 + (index + 3 * of_shape) % 7, "seed": seed}
            problem = hand_problem(description, optimiser, damping)
            if _telling(problem) and judged(problem, unit_roundoff):
                found.append(problem)
                of_shape += 1
            if of_shape == PER_SHAPE:
                break
    return tuple(found)


def _telling(problem: Problem) -> bool:
    """Whether inputs, features and residual are far enough from what would hide a difference."""
    given = problem.given
    Z = given.inputs @ given.weights.T
    S = np.where(Z >= 0, given.signs, 0.0) / math.sqrt(len(given.signs))
    r = np.maximum(Z, 0) @ given.signs / math.sqrt(len(given.signs)) - given.targets
    K = given.inputs @ given.inputs.T
    H = S @ S.T
    if np.abs(r).min() < 0.2 * np.abs(r).max() or np.linalg.matrix_rank(H) < len(H):
        return False
    values = np.linalg.eigvalsh(given.inputs.T @ given.inputs)[-min(K.shape[0], given.inputs.shape[1]) :]
    return bool(max(np.linalg.cond(H), np.linalg.cond(K * H), values[-1] / values[0]) < WORST)


@dataclass(frozen=True)
class Probe:
    """A problem and what the step returned there."""

    problem: Problem
    weights: FloatArray
    """W' (m, d)."""
    unit_roundoff: float

    @cached_property
    def given(self) -> Arrays:
        """The problem's arrays."""
        return arrays(self.problem, self.unit_roundoff)

    @cached_property
    def update(self) -> FloatArray:
        """``(W - W') / eta``: what the step took for its direction."""
        return (self.given.W - self.weights) / self.given.step_size

    @cached_property
    def exact(self) -> bool:
        """Whether W' is the exact one to within the allowance."""
        distance = float(np.linalg.norm(self.weights - rounding.floats(self.problem.after.weights)))
        return distance <= self.allowed(self.given.exact, 1.0) / 2

    def allowed(self, direction: FloatArray, number: float, unit_roundoff: float | None = None) -> float:
        """How far W' may be from ``W - eta V``, for a V whose formula inverts matrices of this condition.

        Twice the allowance, as the step and the formula are both rounded; more in proportion for a V that is longer than
        the exact step, and for a condition that is worse than that of the exact step.
        """
        condition, eta = self.problem.condition, self.given.step_size
        u = self.unit_roundoff if unit_roundoff is None else unit_roundoff
        longer = float(np.linalg.norm(direction)) / condition.direction if condition.direction > 0 else 1.0
        return 2 * condition.allowance(u, eta) * max(1.0, longer) * max(1.0, number / condition.number)

    def along(self, formula: Formula) -> tuple[FloatArray, float]:
        """The direction (m, d) of a formula here and the condition that it met. Raises UndefinedError."""
        workings = Workings(self.given)
        with np.errstate(all="ignore"):
            direction = np.asarray(formula(workings), dtype=np.float64).reshape(self.given.W.shape)
        if not (np.isfinite(direction).all() and self.problem.condition.tells_of(self.unit_roundoff, workings.number)):
            raise UndefinedError
        return direction, workings.number

    def follows(self, formula: Formula) -> bool:
        """Whether W' is ``W - eta V`` to within rounding. Raises UndefinedError."""
        direction, number = self.along(formula)
        distance = float(np.linalg.norm(self.update - direction)) * self.given.step_size
        return distance <= self.allowed(direction, number)


def probed(implementation: Implementation, problems: tuple[Problem, ...]) -> list[Probe]:
    """What the step returns on the problems, those left out where it returns no weights."""
    answers = ((problem, problem.answer(implementation)) for problem in problems)
    return [
        Probe(problem, answer.weights, answer.unit_roundoff)
        for problem, answer in answers
        if answer.weights is not None
    ]
