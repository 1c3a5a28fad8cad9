"""Networks followed in balls from the start: enclosed hypotheses and bounds for every rule on residuals.

The hypotheses are enclosed as well: lambda_min and C are certified (float64 rounded outwards, see theory/stability), the step
limit is evaluated in balls at the certified C. The steps are exact ones: from W(0), k of them, so that
``||r(k)|| <= factor^k ||r(0)||`` is checked on the exact trajectory; or one from stored float64 weights within the ball.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeGuard

from flint import arb

from properties.descent.instances import DescentInstance, NetworkInstance
from properties.engine.claim import Bound, Hypothesis, at_most_enclosed, require_enclosed
from theory.rigour.enclosed_step import EnclosedStep
from theory.rigour.precision import FIRST_BITS, working_precision

if TYPE_CHECKING:
    from properties.descent.rule import Rule

STEP_SIZE = "step size within its limit"


def in_balls(instance: DescentInstance) -> TypeGuard[NetworkInstance]:
    """Whether the instance is a network that is followed in balls."""
    return isinstance(instance, NetworkInstance) and instance.enclosed


def step_size(limit: Callable[[float], float], instance: DescentInstance) -> Sequence[Hypothesis]:
    """The step size is within its limit at the certified C; and a step from stored weights within the certified ball.

    The limit is evaluated in balls for every instance: near the largest C of a theorem its formula cancels.
    """
    constant, eta = instance.certificate.constant, instance.eta
    with working_precision(FIRST_BITS):
        found = [require_enclosed(STEP_SIZE, limit(arb(constant)) - arb(eta))]
        if in_balls(instance) and instance.stored:
            left = arb(instance.certificate.radius) - arb(instance.distance)
            found.append(
                require_enclosed("the step from the stored weights stays in the ball", left - _length(instance))
            )
    return found


def _length(instance: NetworkInstance) -> arb:
    return sum((step.length for step in instance.first_balls), arb(0))


def conclusion(rule: Rule, instance: NetworkInstance) -> Sequence[Bound]:
    """One-step bounds along the exact steps, and from W(0) the k-step bounds and the length of the path."""
    with working_precision(FIRST_BITS):
        return _bounds(rule, instance, instance.first_balls)


def confirm(rule: Rule, instance: NetworkInstance) -> Sequence[Bound]:
    """The same at the working precision."""
    return _bounds(rule, instance, instance.followed())


def _bounds(rule: Rule, instance: NetworkInstance, followed: Sequence[EnclosedStep]) -> Sequence[Bound]:
    """C, eta and lambda are exact as given: the theorem holds for every C that Condition 2 is certified for."""
    constant, eta = arb(rule.assumed_constant(instance.certificate.constant)), arb(instance.eta)
    steps, factor = followed[: rule.steps], rule.factor(eta, constant)
    found = []
    for k, step in enumerate(steps, start=instance.stored):
        label = f"||r({k + 1})|| <= factor ||r({k})|| from the {'stored' if instance.stored else 'exact'} iterate {k}"
        aim = rule.aim(instance.eta, float(factor), float(step.before), float(step.after))
        found.append(dataclasses.replace(at_most_enclosed(label, step.after, factor * step.before), aim=aim))
    if instance.stored or rule.radius is None:
        return found
    allowed = steps[0].before
    for k, step in enumerate(steps, start=1):
        allowed = factor * allowed
        if k > 1:
            bound = at_most_enclosed(f"||r({k})|| <= factor^{k} ||r(0)|| on the exact trajectory", step.after, allowed)
            found.append(dataclasses.replace(bound, aim=0.0))
    length = sum((step.length for step in steps), arb(0))
    radius = rule.radius(constant, steps[0].before, arb(instance.certificate.lambda_min))
    bound = at_most_enclosed("length of the exact path from theta(0)", length, radius)
    return [*found, dataclasses.replace(bound, aim=0.0)]
