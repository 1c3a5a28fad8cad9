"""Networks followed in balls from the start: which they are, and that their step stays where a theorem speaks.

The hypotheses are enclosed as well: lambda_min and C are certified (float64 rounded outwards, see theory/stability), the step
limit is evaluated in balls at the certified C. The steps are exact ones: from W(0), k of them, so that
``||r(k)|| <= factor^k ||r(0)||`` is checked on the exact trajectory; or one from stored float64 weights within the ball.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeGuard

from flint import arb

from properties.descent.instances import DescentInstance, NetworkInstance
from properties.engine.claim import Hypothesis, require_enclosed, technical
from theory.rigour.precision import FIRST_BITS, working_precision

STEP_SIZE = "step size within its limit"


def in_balls(instance: DescentInstance) -> TypeGuard[NetworkInstance]:
    """Whether the instance is a network that is followed in balls."""
    return isinstance(instance, NetworkInstance) and instance.enclosed


def step_size(limit: Callable[[arb], arb], instance: DescentInstance) -> Sequence[Hypothesis]:
    """The step size is within its limit at the certified C; and a step from stored weights within the certified ball.

    The limit is evaluated in balls for every instance: near the largest C of a theorem its formula cancels.
    """
    constant, eta = instance.certificate.constant, instance.eta
    with working_precision(FIRST_BITS):
        found = [require_enclosed(STEP_SIZE, limit(arb(constant)) - arb(eta))]
        if in_balls(instance) and instance.stored:
            left = arb(instance.certificate.radius) - arb(instance.distance)
            length = sum((step.length for step in instance.first_balls), arb(0))
            inside = require_enclosed("the step from the stored weights stays in the ball", left - length)
            found.append(technical(inside))
    return found
