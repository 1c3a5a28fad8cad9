"""T1-damped: natural gradient descent with damping under Conditions 1 and 2."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from properties.descent import families
from properties.descent.instances import descending
from properties.descent.numbers import Numbers
from properties.descent.rule import Rule, features, lengths
from properties.descent.singular import LINEAR, without_condition_1
from properties.descent.strategies import Description, build_spike, spike_descriptions
from properties.engine.claim import Hypothesis, Provenance, require
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from properties.engine.slack import SlackRow
from theory.descent.damped_ngd import DampedNaturalGradient
from theory.rigour.rounding import gamma
from theory.theorems import damping, ngd

DAMPING = (0.0, 1e-6, 0.03, 0.3, 1.0, 3.0, 30.0, 1e4)
"""``eps/lambda`` of the instances: none, tiny, comparable, huge."""


def damped(rule: Rule, found: Any, description: Description) -> Any:
    """The instance with its damping, and its share of the step limit there; without Condition 1 as it is."""
    if not found.certificate.lambda_min > 0:
        return found
    eps = description["damping"] * float(found.certificate.lambda_min)
    turned = descending(found, optimiser=DampedNaturalGradient(eps).name)
    return descending(turned, eta=rule.own_step(turned, found.eta))


def larger_ball(instance: Any) -> Sequence[Hypothesis]:
    """Condition 2(C) on the ball of radius ``1/(1-C)`` as well, where this is more than the paper's 3."""
    constant = instance.certificate.constant
    if not 2 / 3 < constant < 1:
        return []
    unit = instance.certificate.radius / 3 * (1 + gamma(4))
    within = instance.constant_within(unit * damping.condition_factor(constant) * (1 + gamma(4)))
    return [require("Condition 2(C) with the same C on the ball of radius 1/(1-C)", constant - within)]


def counted(instance: Any) -> Sequence[str]:
    """What the table counts."""
    at = Numbers(instance)
    found = ["without damping" if not at.eps else "eps >= lambda" if at.eps >= at.lambda_min else "eps < lambda"]
    return [*features(instance), *found, *(["eta > 1"] if at.eta > 1 else [])]


def drawn(rule: Rule) -> Families:
    """As T1-q's, up to its C of 2/3; and spike maps, which are as steep on any ball, for all C."""
    usual = dataclasses.replace(rule, constant_limit=ngd.constant_limit("T1-q"))
    wide = families.family(
        rule,
        "F4-wide",
        "spike maps with larger C",
        spike_descriptions,
        build_spike,
        (10, 60, 700),
        least_constant_tenth=6,
    )
    return (*families.usual(usual), wide)


T1_DAMPED_RULE = Rule(
    lambda at: damping.rate(at.eta, at.C, at.eps, at.lambda_min),
    lambda at: damping.step_limit(at.C, at.eps, at.lambda_min),
    1.0,
    lambda at: damping.radius(at.C, at.residual_norm, at.lambda_min),
    families=drawn,
    worst=families.maps,
    besides=larger_ball,
    features=counted,
    shared=True,
    parts={"damping": st.sampled_from(DAMPING)},
    turned=damped,
)

UNDAMPED: dict[str, Any] = {"parts": {"damping": st.just(0.0)}}
AT_THE_END: dict[str, Any] = {"least_step_percent": 100}
BEYOND = 1.05
"""By how much a frozen Jacobian's step size is above the one at which it breaks the rate."""


def frozen_limit(at: Numbers) -> Any:
    """``2/(1+h)``: above it a step with a fixed Jacobian leaves more than ``1 - eta h`` in the steepest directions."""
    return 2 / (1 + damping.progress(at.C, at.eps, at.lambda_min))


T1_DAMPED = T1_DAMPED_RULE.claim(
    "T1-damped",
    "Conditions 1, 2(C) with C < 1 (on the ball of radius 1/(1-C) where this is more than 3), damping eps >= 0, e = eps/lambda, and "
    "0 < eta <= 1 + e(e+2c(1-c))/(e^2+2e(1-c)^2+2c(1-c)^3) give ||r(k)|| <= (1 - eta h)^k ||r(0)||, h = (1-c)(1-C)/((1-c)^2+e), c = C/3, "
    "and the path stays within ||r(0)||/((1-C) sqrt(lambda)) of theta(0)",
    Provenance.DERIVED,
    without_condition_1(LINEAR),
    mutant("C-quartered", "the conclusion uses C/4", drops="Condition 2(C)", assumed_constant=lambda C: C / 4),
    mutant(
        "step-beyond",
        "without damping, eta up to 1.01",
        drops="step size within its limit",
        step_limit=lambda at: 1.01,
        constant_limit=0.3,
        **UNDAMPED,
        **AT_THE_END,
    ),
    mutant(
        "longer-step",
        "with damping, eta up to 1.05 times 2/(1+h), beyond which a fixed Jacobian is too slow",
        step_limit=lambda at: BEYOND * frozen_limit(at),
        constant_limit=0.3,
        parts={"damping": st.sampled_from(DAMPING[3:6])},
        **AT_THE_END,
    ),
    mutant(
        "rate-without-damping",
        "the rate of T1-q for every eps",
        factor=lambda at: damping.rate(at.eta, at.C, 0 * at.eps, at.lambda_min),
    ),
    mutant(
        "damping-not-relative",
        "eps in place of eps/lambda in the rate",
        factor=lambda at: damping.rate(at.eta, at.C, at.eps, 0 * at.lambda_min + 1),
    ),
    mutant(
        "one-deviation",
        "(1-c)^2 in place of (1-c)(1-C)",
        factor=lambda at: 1 - at.eta * (1 - at.C / 3) ** 2 / ((1 - at.C / 3) ** 2 + at.eps / at.lambda_min),
    ),
    mutant("radius-without-C", "the path stays within ||r(0)||/sqrt(lambda)", radius=lengths(lambda at: 1.0)),
    also=("C < 1",),
    formulas=Formulas(
        hypotheses=(
            r"Conditions 1 and 2($C$), the latter on the ball of radius $\max\left\{3,\dfrac{1}{1-C}\right\}\dfrac{\norm{r(0)}}{\sqrt\lambda}$",
            "$C<1$",
            r"$\varepsilon\ge 0$",
            r"$0<\eta\le 1+\dfrac{e(e+2c(1-c))}{e^2+2e(1-c)^2+2c(1-c)^3}$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le(1-\eta h)^k\norm{r(0)}$",
            r"The path stays within $\dfrac{\norm{r(0)}}{(1-C)\sqrt\lambda}$ of $\theta(0)$.",
        ),
        constants=(r"$c=\dfrac{C}{3}$", r"$e=\dfrac{\varepsilon}{\lambda}$", r"$h=\dfrac{(1-c)(1-C)}{(1-c)^2+e}$"),
    ),
)

CLAIMS = (T1_DAMPED,)


def _step_size(C: float, e: float) -> SlackRow:
    at = Numbers(C=C, eps=e, lambda_min=1.0)
    return SlackRow(
        "T1-damped",
        f"largest step size at C = {C}, eps/lambda = {e:g}",
        None,
        damping.step_limit(C, e, 1.0),
        frozen_limit(at) if e else 1.0,
        "longer-step" if e else "step-beyond",
        "for C > 0 the rate fails below that too (docs/proofs/ngd.md, P5.19)" if e else "",
    )


SLACK = (
    *(_step_size(C, e) for C, e in ((0.3, 0.0), (0.3, 1.0), (0.9, 1.0))),
    SlackRow(
        "T1-damped",
        "the hypothesis C < 1",
        None,
        None,
        None,
        remark="no counterexample known: at C = 1 the rate is 1, and no ball is large enough for the bound of the path",
        drops="C < 1",
    ),
)
