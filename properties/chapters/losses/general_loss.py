"""T2 and T2-q: residual bounds for strongly convex losses of the outputs under Conditions 1 and 3."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from properties.chapters.losses.general_loss_instances import ALL, Losses, families, perturbed_affine, spikes
from properties.chapters.losses.general_loss_rules import (
    RuleOf,
    changed,
    conclusion,
    confirm,
    features,
    hypotheses,
    rule_of,
    turned,
    with_factor,
    with_limits,
    with_radius,
)
from properties.descent import singular as ngd_singular
from properties.descent.instances import LossInstance
from properties.descent.losses import Misstatement
from properties.engine.claim import Claim, Family, Mutant, Provenance
from properties.engine.slack import SlackRow
from theory.reals import square_root
from theory.theorems import general_loss, ngd

T2_RULE, T2_Q_RULE = rule_of("T2"), rule_of("T2-q")


def _claim(id: str, statement: str, provenance: Provenance, source: str, rule: RuleOf) -> Claim[LossInstance]:
    return Claim(
        id=id,
        statement=statement,
        provenance=provenance,
        source=source,
        families=families(rule),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
        features=features,
    )


_T2 = _claim(
    "T2",
    "a mu-strongly convex loss with L-Lipschitz gradient, Conditions 1, 3(C) with C < 1/(1+kappa) and "
    "0 < eta <= (2/(mu+L)) (1-(1+kappa)C)/(1+C)^2 give ||r(k)||^2 <= (1 - 2 eta mu L/(mu+L))^k ||r(0)||^2, "
    "and the path stays within (1+kappa)/(1-C/3) ||r(0)||/sqrt(lambda) of theta(0)",
    Provenance.PAPER,
    "Zhang, Martens, Grosse (2019), general losses",
    T2_RULE,
)
_T2_Q = _claim(
    "T2-q",
    "a mu-strongly convex loss with L-Lipschitz gradient, Conditions 1, 3(C) with C <= (3+kappa)/(3+3kappa), "
    "C < 3/(2+kappa) and 0 < eta <= [2/(mu+L) - q/mu]/(1-q) give ||r(k)|| <= (1 - eta mu(1-q))^k ||r(0)||, q = 2C/(3-C), "
    "and the path stays within kappa/(1-C) ||r(0)||/sqrt(lambda) of theta(0)",
    Provenance.DERIVED,
    "theory/theorems/general_loss.py",
    T2_Q_RULE,
)

# --- mutants ---------------------------------------------------------------------------------------------------------


def _mutant(
    claim: Claim[LossInstance],
    id: str,
    description: str,
    rule: RuleOf,
    losses: Losses = ALL,
    family: Callable[[RuleOf, Losses], Family[LossInstance]] = spikes,
) -> Mutant:
    """The claim under a false rule, or for losses that are not what they are said to be."""
    return claim.neighbour(
        id,
        description,
        families=(family(rule, losses),),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
    )


STIFF = Losses(least_condition=8, most_condition=12, least_tilt=1, least_outputs=2)
"""kappa from 5 to 11, residuals mostly along L."""
LASTING = Losses(least_condition=4, most_condition=12, most_tilt=-1, least_outputs=2)
"""kappa from 2 to 11, residuals mostly along mu."""
LABELS = Losses(
    kinds=("pseudo-Huber", "logistic"),
    least_condition=3,
    most_condition=8,
    misstatement=Misstatement(labels_as_minimiser=True),
)
UNDERSTATED = dataclasses.replace(
    STIFF,
    least_condition=10,
    misstatement=Misstatement(smoothness_share=0.25),
)
FLAT = Losses(
    kinds=("pseudo-Huber",), least_condition=8, misstatement=Misstatement(ridge=2.0**-40, scale_share=2.0**-3)
)
"""Hardly any ridge and the flat part nearer, with the constants that the loss had."""


def _losses_misstated(claim: Claim[LossInstance], rule: RuleOf) -> tuple[Mutant, ...]:
    """The hypotheses about the loss, dropped one by one."""
    return (
        _mutant(
            claim,
            "labels-as-minimiser",
            "r is the distance from the labels",
            turned(rule, least_step_percent=50),
            LABELS,
            perturbed_affine,
        ),
        _mutant(
            claim,
            "strong-convexity-dropped",
            "the ridge is 2^-40, mu is that of a larger one",
            turned(rule, least_step_percent=50),
            FLAT,
            perturbed_affine,
        ),
        _mutant(
            claim,
            "smoothness-understated",
            "L is four times what is stated",
            turned(rule, least_step_percent=90, most_constant_tenth=3),
            UNDERSTATED,
        ),
    )


def _without_condition_1(claim: Claim[LossInstance], factor: ngd_singular.SquaredFactor, formula: str) -> Mutant:
    conclusion = partial(ngd_singular.conclusion, factor=factor, formula=formula)
    return ngd_singular.without_condition_1(claim, conclusion, ngd_singular.family(9))


def _paper_limit(C: float, mu: float, L: float) -> float:
    return general_loss.step_limit(C, mu, L, "T2")


T2 = _T2.with_mutants(
    _without_condition_1(_T2, lambda eta, mu, L: 1 - 2 * eta * mu * L / (mu + L), "(1 - 2 eta mu L/(mu+L))"),
    *_losses_misstated(_T2, T2_RULE),
    _mutant(
        _T2,
        "condition-3-dropped",
        "the step limit of C/4 for maps that move up to C = 3.9/(1+kappa)",
        with_limits(T2_RULE, lambda C, mu, L: _paper_limit(C / 4, mu, L), lambda mu, L: 3.9 * mu / (mu + L)),
        LASTING,
    ),
    _mutant(
        _T2,
        "step-without-kappa",
        "eta up to (2/(mu+L)) (1-2C)/(1+C)^2, C up to 1/2",
        with_limits(T2_RULE, lambda C, mu, L: 2 / (mu + L) * (1 - 2 * C) / (1 + C) ** 2, lambda mu, L: 0.5),
        LASTING,
    ),
    _mutant(
        _T2,
        "step-without-C",
        "eta up to 1.9/(mu+L) whatever C is",
        with_limits(T2_RULE, lambda C, mu, L: 1.9 / (mu + L), lambda mu, L: mu / (mu + L)),
        LASTING,
    ),
    _mutant(
        _T2,
        "curvatures-swapped",
        "eta up to (2/(mu+L)) (1-(1+1/kappa)C)/(1+C)^2, C up to 1/(1+1/kappa)",
        with_limits(
            T2_RULE,
            lambda C, mu, L: 2 / (mu + L) * (1 - (1 + mu / L) * C) / (1 + C) ** 2,
            lambda mu, L: L / (mu + L),
        ),
        LASTING,
    ),
    _mutant(
        _T2,
        "step-beyond-linear",
        "eta up to 2.4/(mu+L)",
        with_limits(T2_RULE, lambda C, mu, L: 2.4 / (mu + L), lambda mu, L: mu / (mu + L), 0),
        STIFF,
    ),
    _mutant(
        _T2,
        "rate-doubled",
        "||r(k)||^2 <= (1 - 4 eta mu L/(mu+L))^k ||r(0)||^2",
        with_factor(T2_RULE, lambda eta, C, mu, L: square_root(max(0.0, 1 - 4 * eta * mu * L / (mu + L)))),
        LASTING,
    ),
    _mutant(
        _T2,
        "rate-of-L",
        "||r(k)|| <= (1 - eta L)^k ||r(0)||",
        with_factor(T2_RULE, lambda eta, C, mu, L: max(0.0, 1 - eta * L)),
        LASTING,
    ),
    _mutant(
        _T2,
        "rate-squared",
        "||r(k)||^2 <= (1 - 2 eta mu L/(mu+L))^{2k} ||r(0)||^2",
        with_factor(T2_RULE, lambda eta, C, mu, L: 1 - 2 * eta * mu * L / (mu + L)),
        LASTING,
    ),
    _mutant(
        _T2,
        "radius-without-kappa",
        "the path stays within 2/(1-C/3) ||r(0)||/sqrt(lambda)",
        with_radius(T2_RULE, lambda C: 2 / (1 - C / 3)),
        STIFF,
    ),
)
T2_Q = _T2_Q.with_mutants(
    _without_condition_1(_T2_Q, lambda eta, mu, L: (1 - eta * mu) ** 2, "(1 - eta mu)^2"),
    *_losses_misstated(_T2_Q, T2_Q_RULE),
    _mutant(
        _T2_Q,
        "condition-3-dropped",
        "the conclusion uses C/4",
        changed(T2_Q_RULE, lambda mu, L, at: {"assumed_constant": lambda C: C / 4}),
        LASTING,
    ),
    _mutant(
        _T2_Q,
        "q-halved",
        "q = C/(3-C)",
        with_factor(T2_Q_RULE, lambda eta, C, mu, L: 1 - eta * mu * (1 - ngd.deficit(C) / 2)),
        LASTING,
    ),
    _mutant(
        _T2_Q,
        "rate-of-L",
        "||r(k)|| <= (1 - eta L(1-q))^k ||r(0)||",
        with_factor(T2_Q_RULE, lambda eta, C, mu, L: max(0.0, 1 - eta * L * (1 - ngd.deficit(C)))),
        LASTING,
    ),
    _mutant(
        _T2_Q,
        "step-without-kappa",
        "eta up to 1/mu",
        with_limits(T2_Q_RULE, lambda C, mu, L: 1 / mu, lambda mu, L: mu / (mu + L), 0),
        STIFF,
    ),
    _mutant(
        _T2_Q,
        "curvatures-swapped",
        "eta up to [2/(mu+L) - q/L]/(1-q)",
        with_limits(
            T2_Q_RULE,
            lambda C, mu, L: (2 / (mu + L) - ngd.deficit(C) / L) / (1 - ngd.deficit(C)),
            lambda mu, L: general_loss.constant_limit(mu, L),
        ),
        STIFF,
    ),
    _mutant(
        _T2_Q,
        "step-beyond-breaking",
        "T2's rate for eta = 1.01 (2 rho/mu) (1 - rho kappa/(1+kappa))",
        with_factor(
            with_limits(
                T2_Q_RULE,
                lambda C, mu, L: 1.01 * general_loss.breaking_step(C, mu, L),
                lambda mu, L: 2.5 * mu / (2 * L + mu),
            ),
            lambda eta, C, mu, L: general_loss.rate(eta, C, mu, L, "T2"),
        ),
        LASTING,
    ),
    _mutant(
        _T2_Q,
        "radius-without-kappa",
        "the path stays within ||r(0)||/((1-C) sqrt(lambda))",
        with_radius(T2_Q_RULE, lambda C: 1 / (1 - C)),
        STIFF,
    ),
)

CLAIMS = (T2, T2_Q)


# --- slack -----------------------------------------------------------------------------------------------------------


def _step_row(kappa: float, share: float) -> SlackRow:
    C = share / (1 + kappa)
    return SlackRow(
        claim="T2",
        quantity=f"largest step size for T2's rate at kappa = {kappa:g}, C = {share:g}/(1+kappa), in units of 1/mu",
        paper=general_loss.step_limit(C, 1.0, kappa, "T2"),
        proved=general_loss.step_limit(C, 1.0, kappa, "T2-q"),
        refuted=general_loss.breaking_step(C, 1.0, kappa),
        witness="T2-q/step-beyond-breaking",
        remark="T1-sharp proves everything below the third value" if kappa == 1 else "",
    )


def _constant_row(kappa: float) -> SlackRow:
    return SlackRow(
        claim="T2",
        quantity=f"largest C with a step size for T2's rate at kappa = {kappa:g}",
        paper=general_loss.constant_limit(1.0, kappa, "T2"),
        proved=3 / (3 + 2 * kappa),
        refuted=3 / (1 + 2 * kappa),
        witness="T2-q/step-beyond-breaking",
        remark="above the third value breaking_step is negative: every step size breaks the rate",
    )


def _radius_row(kappa: float) -> SlackRow:
    C = 0.5 / (1 + kappa)
    return SlackRow(
        claim="T2",
        quantity=f"radius of Condition 3 at kappa = {kappa:g}, C = 0.5/(1+kappa), in units of ||r(0)||/sqrt(lambda)",
        paper=general_loss.radius_factor(1.0, kappa),
        proved=general_loss.radius(C, 1.0, 1.0, 1.0, kappa, "T2-q"),
        refuted=1 / (1 - C / 3),
        witness="F4",
        remark="slopes (1-C/3) sqrt(lambda) inside the ball and nearly 0 outside stop the outputs short of y; the length of "
        "the path does reach kappa (T2-q/radius-without-kappa), its distance from theta(0) is not known to",
    )


SLACK = (
    *(_step_row(kappa, share) for kappa in (1.0, 2.0, 10.0, 50.0) for share in (0.5, 0.98)),
    *(_constant_row(kappa) for kappa in (1.0, 10.0, 50.0)),
    *(_radius_row(kappa) for kappa in (2.0, 10.0)),
)
