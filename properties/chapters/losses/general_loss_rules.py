"""The rules of T2 and T2-q: numbers of a theorem for a loss's mu and L, and how a mutant misstates them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from properties.descent import rule as residual_rules
from properties.descent.instances import LossInstance
from properties.descent.rule import Rule
from properties.descent.strategies import Dial
from properties.engine.claim import Bound, Hypothesis
from theory.theorems import general_loss, ngd

RuleOf = Callable[[float, float], Rule]
"""``(mu, L)`` -> the numbers of a theorem for such losses."""


def hypotheses(rule: RuleOf, instance: LossInstance) -> Sequence[Hypothesis]:
    """Conditions 1 and 3 and the step size; mu and L are constants of the loss by its construction."""
    return residual_rules.hypotheses(_rule_at(rule, instance), instance)


def conclusion(rule: RuleOf, instance: LossInstance) -> Sequence[Bound]:
    """One-step bounds from each stored iterate, the bound over the run, and the length of the path."""
    return residual_rules.conclusion(_rule_at(rule, instance), instance)


def confirm(rule: RuleOf, instance: LossInstance, bits: int) -> Sequence[Bound]:
    """The same in balls; mu and L are exact as given: the theorem holds for every pair that the loss satisfies."""
    return residual_rules.confirm(_rule_at(rule, instance), instance, bits)


def _rule_at(rule: RuleOf, instance: LossInstance) -> Rule:
    return rule(instance.objective.strong_convexity, instance.objective.smoothness)


def features(instance: LossInstance) -> Sequence[str]:
    """The kind of loss, its kappa, C in units of the paper's limit, and flips on the trajectory."""
    loss, flips = instance.objective, instance.run.flips
    kappa = loss.smoothness / loss.strong_convexity
    share = instance.certificate.constant * (1 + kappa)
    low = next(edge for edge in (20, 5, 2, 1) if kappa >= edge)
    found = [
        type(loss).__name__,
        f"kappa >= {low}",
        f"C(1+kappa) in [{math.floor(4 * share) / 4:.2f}, {math.floor(4 * share) / 4 + 0.25:.2f})",
    ]
    return [*found, "flips"] if flips else found


def rule_of(theorem: str) -> RuleOf:
    """The numbers of T2 or T2-q."""

    def rule(mu: float, L: float) -> Rule:
        validity_limit = partial(general_loss.validity_limit, mu=mu, L=L, theorem=theorem)
        return Rule(
            dial=Dial(general_loss.constant_limit(mu, L, theorem), validity_limit),
            factor=partial(general_loss.rate, mu=mu, L=L, theorem=theorem),
            radius=partial(general_loss.radius, mu=mu, L=L, theorem=theorem),
            aim=lambda eta, factor, before, after: residual_rules.excess(eta * mu, factor, before, after),
            condition="3",
        )

    return rule


def changed(rule: RuleOf, change: Callable[[float, float, Rule], Mapping[str, Any]]) -> RuleOf:
    """The rule with some of its parts replaced."""
    return lambda mu, L: dataclasses.replace(rule(mu, L), **change(mu, L, rule(mu, L)))


def turned(rule: RuleOf, **changes: Any) -> RuleOf:
    """The rule, drawn with other tenths of C or percents of the step size."""
    return changed(rule, lambda mu, L, at: {"dial": dataclasses.replace(at.dial, **changes)})


def with_limits(
    rule: RuleOf,
    step_limit: Callable[[float, float, float], float],
    constant_limit: Callable[[float, float], float],
    least_tenth: int = 5,
) -> RuleOf:
    """The rule with the step limit ``(C, mu, L)`` and the limit ``(mu, L)`` of C; step sizes at the very end."""
    return changed(
        rule,
        lambda mu, L, at: {
            "dial": Dial(
                constant_limit(mu, L),
                lambda C: max(0.0, step_limit(C, mu, L)),
                least_constant_tenth=least_tenth,
                least_step_percent=100,
            )
        },
    )


def with_factor(rule: RuleOf, factor: Callable[[float, float, float, float], float]) -> RuleOf:
    """The rule with the factor ``(eta, C, mu, L)``."""
    return changed(rule, lambda mu, L, at: {"factor": lambda eta, C: factor(eta, C, mu, L)})


def with_radius(rule: RuleOf, factor: Callable[[float], float]) -> RuleOf:
    """The rule with the length ``factor(C) ||r(0)||/sqrt(lambda)``; steps that zigzag, C near 0."""
    return turned(
        changed(rule, lambda mu, L, at: {"radius": lambda C, r0, lambda_: factor(C) * ngd.unit_length(r0, lambda_)}),
        most_constant_tenth=0,
        least_step_percent=95,
    )
