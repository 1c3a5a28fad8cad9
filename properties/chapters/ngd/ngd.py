"""T1, T1-q, T1-sharp and T1-first: the residual falls at a linear rate under Conditions 1 and 2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from properties.descent import cliff as ngd_cliff
from properties.descent.rule import Rule, descent_claim, mutated
from properties.descent.singular import LINEAR, without_condition_1
from properties.descent.strategies import Dial
from properties.engine.claim import Provenance
from properties.engine.slack import SlackRow
from theory.reals import square_root
from theory.theorems import ngd

# --- the claims ------------------------------------------------------------------------------------------------------


def _rule(theorem: str) -> Rule:
    return Rule(
        dial=Dial(ngd.constant_limit(theorem), partial(ngd.validity_limit, theorem=theorem)),
        factor=partial(ngd.rate, theorem=theorem),
        radius=partial(ngd.radius, theorem=theorem),
    )


T1_RULE, T1_Q_RULE, T1_SHARP_RULE = _rule("T1"), _rule("T1-q"), _rule("T1-sharp")
T1_FIRST_RULE = Rule(dial=Dial(2.99, lambda _: 3.0, steps=1), factor=ngd.first_step_rate, radius=None, steps=1)


def _without_constant(rule: Rule, share: float) -> Rule:
    return dataclasses.replace(rule, assumed_constant=lambda C: share * C)


def _scaled_radius(rule: Rule, factor: Callable[[float], float]) -> Rule:
    return dataclasses.replace(rule, radius=lambda C, r0, lambda_min: factor(C) * r0 / square_root(lambda_min))


_T1 = descent_claim(
    "T1",
    "Conditions 1, 2(C) with C < 1/2 and 0 < eta <= (1-2C)/(1+C)^2 give ||r(k)||^2 <= (1-eta)^k ||r(0)||^2, "
    "and the path stays within 2/(1-C/3) ||r(0)||/sqrt(lambda) of theta(0)",
    Provenance.PAPER,
    T1_RULE,
)
_T1_Q = descent_claim(
    "T1-q",
    "Conditions 1, 2(C) with C <= 2/3 and 0 < eta <= 1 give ||r(k)|| <= (1 - eta(1-q))^k ||r(0)||, q = 2C/(3-C), "
    "and the path stays within ||r(0)||/((1-C) sqrt(lambda)) of theta(0)",
    Provenance.DERIVED,
    T1_Q_RULE,
)
_T1_SHARP = descent_claim(
    "T1-sharp",
    "Conditions 1, 2(C) with C < 1 and 0 < eta <= rho(2-rho) give ||r(k)|| <= (1 - eta/rho)^k ||r(0)||, "
    "rho = (3+C)/(3-C), and the path stays within (1+c)/(1-c)^2 ||r(0)||/sqrt(lambda) of theta(0), c = C/3",
    Provenance.DERIVED,
    T1_SHARP_RULE,
)
_T1_FIRST = descent_claim(
    "T1-first",
    "Conditions 1, 2(C) and 0 < eta <= 3 give ||r(1)|| <= (|1-eta| + eta C/3) ||r(0)||",
    Provenance.DERIVED,
    T1_FIRST_RULE,
)


def _beyond(limit: Callable[[float], float], constant_limit: float, least_tenth: int = 5) -> Dial:
    """Step sizes at the very end of a wrong limit."""
    return Dial(constant_limit, limit, least_constant_tenth=least_tenth, least_step_percent=100)


def _sharp_limit(C: float) -> float:
    return ngd.step_limit(C, "T1-sharp")


T1 = _T1.with_mutants(
    without_condition_1(_T1),
    mutated(
        _T1,
        "rate-squared",
        "||r(k)||^2 <= (1-eta)^{2k} ||r(0)||^2",
        dataclasses.replace(T1_RULE, factor=lambda eta, C: 1 - eta),
    ),
    mutated(
        _T1,
        "step-without-C",
        "the step limit ignores C: eta up to 0.97 for every C < 1/2",
        dataclasses.replace(T1_RULE, dial=_beyond(lambda C: 0.97, 0.5)),
    ),
    mutated(
        _T1,
        "condition-2-dropped",
        "the step limit of C/4 for maps that move up to C = 2",
        dataclasses.replace(T1_RULE, dial=_beyond(lambda C: max(0.0, ngd.step_limit(C / 4, "T1")), 1.96, 9)),
    ),
    mutated(
        _T1,
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C) sqrt(lambda))",
        _scaled_radius(T1_RULE, lambda C: 1 / (1 + C)),
    ),
)
T1_Q = _T1_Q.with_mutants(
    without_condition_1(_T1_Q, LINEAR),
    mutated(
        _T1_Q,
        "q-halved",
        "q = C/(3-C)",
        dataclasses.replace(T1_Q_RULE, factor=lambda eta, C: 1 - eta * (1 - ngd.deficit(C) / 2)),
    ),
    mutated(_T1_Q, "C-quartered", "the conclusion uses C/4", _without_constant(T1_Q_RULE, 0.25)),
    mutated(
        _T1_Q,
        "step-to-2",
        "eta up to 1.6 instead of 1",
        dataclasses.replace(T1_Q_RULE, dial=_beyond(lambda C: 1.6, 0.3, 0)),
    ),
    mutated(
        _T1_Q,
        "radius-without-C",
        "the path stays within ||r(0)||/sqrt(lambda)",
        _scaled_radius(T1_Q_RULE, lambda C: 1.0),
    ),
)
T1_SHARP = _T1_SHARP.with_mutants(
    without_condition_1(_T1_SHARP, LINEAR),
    mutated(
        _T1_SHARP,
        "rho-inverted",
        "the factor 1 - eta rho",
        dataclasses.replace(T1_SHARP_RULE, factor=lambda eta, C: 1 - eta * ngd.contraction_ratio(C)),
    ),
    mutated(
        _T1_SHARP,
        "rho-at-half-C",
        "rho = (3 + C/2)/(3 - C/2)",
        dataclasses.replace(T1_SHARP_RULE, factor=lambda eta, C: ngd.rate(eta, C / 2, "T1-sharp")),
    ),
    mutated(
        _T1_SHARP,
        "rho-numerator",
        "rho = 1/(1-c): the steep slope at the iterate is forgotten",
        dataclasses.replace(T1_SHARP_RULE, factor=lambda eta, C: 1 - eta * (1 - C / 3)),
    ),
    mutated(
        _T1_SHARP,
        "rho-denominator",
        "rho = 1+c: the flat slope on the segment is forgotten",
        dataclasses.replace(T1_SHARP_RULE, factor=lambda eta, C: 1 - eta / (1 + C / 3)),
    ),
    mutated(
        _T1_SHARP,
        "step-beyond-sharp",
        "T1's rate sqrt(1-eta) for eta = 1.01 rho(2-rho)",
        dataclasses.replace(
            T1_SHARP_RULE,
            dial=_beyond(lambda C: min(0.999, 1.01 * _sharp_limit(C)), 0.99, 2),
            factor=lambda eta, C: square_root(1 - eta),
        ),
    ),
    mutated(
        _T1_SHARP,
        "radius-numerator",
        "the path stays within ||r(0)||/((1+c) sqrt(lambda))",
        _scaled_radius(T1_SHARP_RULE, lambda C: 1 / (1 + C / 3)),
    ),
)
_CLIFF_RULE = dataclasses.replace(
    T1_FIRST_RULE, dial=ngd_cliff.beyond_the_ball(), factor=lambda eta, C: abs(1 - eta) + eta * C / 3
)

T1_FIRST = _T1_FIRST.with_mutants(
    without_condition_1(_T1_FIRST, LINEAR),
    mutated(
        _T1_FIRST,
        "step-limit-dropped",
        "eta up to 6: the segment leaves the ball",
        _CLIFF_RULE,
        (ngd_cliff.family(_CLIFF_RULE.dial),),
    ),
    mutated(
        _T1_FIRST,
        "C-over-4",
        "the factor |1-eta| + eta C/12",
        dataclasses.replace(
            T1_FIRST_RULE,
            dial=dataclasses.replace(T1_FIRST_RULE.dial, constant_limit=0.9),
            factor=lambda eta, C: abs(1 - eta) + eta * C / 12,
        ),
    ),
    mutated(
        _T1_FIRST,
        "absolute-value",
        "the factor (1-eta) + eta C/3",
        dataclasses.replace(T1_FIRST_RULE, factor=lambda eta, C: 1 - eta + eta * C / 3),
    ),
    mutated(
        _T1_FIRST,
        "step-size-on-C",
        "the factor |1-eta| + C/3 eta^2 for eta < 1",
        dataclasses.replace(
            T1_FIRST_RULE,
            dial=Dial(0.9, lambda C: 1.0, steps=1),
            factor=lambda eta, C: abs(1 - eta) + eta * eta * C / 3,
        ),
    ),
)

CLAIMS = (T1, T1_Q, T1_SHARP, T1_FIRST)


def _without_counterexample(claim: str, hypothesis: str, remark: str) -> SlackRow:
    return SlackRow(claim, f"the hypothesis {hypothesis}", None, None, None, remark=remark)


SLACK = (
    _without_counterexample(
        "T1-q",
        "C <= 2/3",
        "no counterexample known up to C = 1; it keeps the bound of the path within the ball of radius 3",
    ),
    _without_counterexample("T1-sharp", "C < 1", "at C = 1 no step size is left: rho(2-rho) = 0"),
)
