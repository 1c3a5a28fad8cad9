"""Condition 2 on the ball that a theorem's own path needs, instead of the paper's (T1-radius)."""

from __future__ import annotations

import math
from collections.abc import Callable

from theory.direction import UNBOUNDED, UpperBound
from theory.inputs import distance
from theory.theorems import gradient_descent, ngd

THEOREMS = (*ngd.THEOREMS, "T0", "T0-sharp")
"""The theorems whose proofs use Condition 2 on the ball of their own path alone."""

ATTEMPTS = 60
"""Fixed-point steps at most: each settles about as many digits as the one before, unless C runs away."""

HEADROOM = 1 + 2.0**-24
"""By how much a trial C is above the constant found: the iteration ends once it has come this close to its limit."""


def path_factor(C: float, theorem: str) -> float:
    """The radius that the theorem needs, in units of ``||r(0)||/sqrt(lambda)``. Raises ChoiceError, ScaleError.

    T1: ``2/(1-c)``; T1-q: ``1/(1-C)``; T1-sharp: ``(1+c)/(1-c)^2``; T0: ``2/(1-c)``; T0-sharp: ``2(1-c)/(1-3c+4c^2)``.
    """
    if theorem in gradient_descent.THEOREMS:
        return gradient_descent.radius(C, 1.0, 1.0, theorem)
    return ngd.radius(C, 1.0, 1.0, theorem)


def constant_on_own_ball(
    constant: Callable[[float], float], unit: float, factor: Callable[[float], float], limit: float
) -> tuple[UpperBound, float]:
    """A C with ``constant(radius) <= C`` for ``radius = factor(C) unit``, and that radius; (inf, inf) when none below limit.

    ``constant(radius)`` is a certified constant of Condition 2 on the ball of that radius, ``factor`` increases with C,
    ``unit`` is ``||r(0)||/sqrt(lambda)`` or an upper bound. Iterating from C = 0 stays below every solution, so that the
    one found is the least, to ``HEADROOM``; only the last inequality, which is checked, matters for soundness. Raises ScaleError (a unit that is not a number of at least 0).
    """
    trial, unit = 0.0, distance(unit, "unit")
    for _ in range(ATTEMPTS):
        radius = factor(trial) * unit * HEADROOM
        found = constant(radius)
        if found <= trial:
            return UpperBound(trial), radius
        trial = found * HEADROOM
        if not trial < limit:
            break
    return UNBOUNDED, math.inf
