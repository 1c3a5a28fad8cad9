"""T2 and T2-q: residual bounds for strongly convex losses of the outputs under Conditions 1 and 3."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from properties.chapters.losses.general_loss_instances import ALL, Losses, families, perturbed, spiked
from properties.descent import singular
from properties.descent.instances import LossInstance
from properties.descent.losses import Misstatement
from properties.descent.numbers import Numbers
from properties.descent.rule import Number, Rule, excess, lengths
from properties.engine.claim import Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Neighbour, mutant
from properties.engine.slack import SlackRow
from theory.reals import square_root
from theory.theorems import general_loss, ngd


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


def rule_of(theorem: str) -> Rule:
    """The numbers of T2 or T2-q; mu and L are constants of the loss by its construction, exact as given."""
    return Rule(
        lambda at: general_loss.rate(at.eta, at.C, at.mu, at.L, theorem),
        lambda at: general_loss.validity_limit(at.C, at.mu, at.L, theorem),
        lambda at: general_loss.constant_limit(at.mu, at.L, theorem),
        lambda at: general_loss.radius(at.C, at.residual_norm, at.lambda_min, at.mu, at.L, theorem),
        aim=lambda at, *numbers: excess(float(at.eta) * float(at.mu), *numbers),
        condition="3",
        families=families,
        worst=spiked(ALL),
        features=features,
    )


T2_RULE, T2_Q_RULE = rule_of("T2"), rule_of("T2-q")

# --- mutants ---------------------------------------------------------------------------------------------------------


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


MISSTATED: tuple[Neighbour, ...] = (
    mutant("labels-as-minimiser", "r is the distance from the labels", worst=perturbed(LABELS), least_step_percent=50),
    mutant(
        "strong-convexity-dropped",
        "the ridge is 2^-40, mu is that of a larger one",
        drops="mu-strong convexity",
        worst=perturbed(FLAT),
        least_step_percent=50,
    ),
    mutant(
        "smoothness-understated",
        "L is four times what is stated",
        drops="L-Lipschitz gradient",
        worst=spiked(UNDERSTATED),
        least_step_percent=90,
        most_constant_tenth=3,
    ),
)
"""The hypotheses about the loss, dropped one by one."""


def limited(
    step_limit: Number, constant_limit: Number, least_tenth: int = 5, losses: Losses = LASTING
) -> dict[str, Any]:
    """What a mutant changes that allows other step sizes: at the very end of a wrong limit."""
    return {
        "step_limit": lambda at: max(0.0, step_limit(at)),
        "constant_limit": constant_limit,
        "least_constant_tenth": least_tenth,
        "least_step_percent": 100,
        "worst": spiked(losses),
    }


ZIGZAG: dict[str, Any] = {"most_constant_tenth": 0, "least_step_percent": 95, "worst": spiked(STIFF)}
"""Steps that zigzag, C near 0, make long paths."""


def without_condition_1(factor: singular.SquaredFactor, formula: str) -> Neighbour:
    """A singular G(0), with weighted squared losses."""
    return singular.without_condition_1(
        partial(singular.conclusion, factor=factor, formula=formula), singular.family(9)
    )


def paper_limit(at: Numbers) -> Any:
    """``1/(1+kappa)``."""
    return at.mu / (at.mu + at.L)


def false_q_limit(at: Numbers) -> Any:
    """T2-q's step limit with L in the place of mu."""
    return (2 / (at.mu + at.L) - ngd.deficit(at.C) / at.L) / (1 - ngd.deficit(at.C))


# --- the claims ------------------------------------------------------------------------------------------------------

T2 = T2_RULE.claim(
    "T2",
    "a mu-strongly convex loss with L-Lipschitz gradient, Conditions 1, 3(C) with C < 1/(1+kappa) and "
    "0 < eta <= (2/(mu+L)) (1-(1+kappa)C)/(1+C)^2 give ||r(k)||^2 <= (1 - 2 eta mu L/(mu+L))^k ||r(0)||^2, "
    "and the path stays within (1+kappa)/(1-C/3) ||r(0)||/sqrt(lambda) of theta(0)",
    Provenance.PAPER,
    without_condition_1(lambda eta, mu, L: 1 - 2 * eta * mu * L / (mu + L), "(1 - 2 eta mu L/(mu+L))"),
    *MISSTATED,
    mutant(
        "condition-3-dropped",
        "the step limit of C/4 for maps that move up to C = 3.9/(1+kappa)",
        drops="Condition 3(C)",
        **limited(
            lambda at: general_loss.step_limit(at.C / 4, at.mu, at.L, "T2"), lambda at: 3.9 * at.mu / (at.mu + at.L)
        ),
    ),
    mutant(
        "step-without-kappa",
        "eta up to (2/(mu+L)) (1-2C)/(1+C)^2, C up to 1/2",
        **limited(lambda at: 2 / (at.mu + at.L) * (1 - 2 * at.C) / (1 + at.C) ** 2, lambda at: 0.5),
    ),
    mutant(
        "step-without-C",
        "eta up to 1.9/(mu+L) whatever C is",
        **limited(lambda at: 1.9 / (at.mu + at.L), paper_limit),
    ),
    mutant(
        "curvatures-swapped",
        "eta up to (2/(mu+L)) (1-(1+1/kappa)C)/(1+C)^2, C up to 1/(1+1/kappa)",
        **limited(
            lambda at: 2 / (at.mu + at.L) * (1 - (1 + at.mu / at.L) * at.C) / (1 + at.C) ** 2,
            lambda at: at.L / (at.mu + at.L),
        ),
    ),
    mutant(
        "step-beyond-linear",
        "eta up to 2.4/(mu+L)",
        drops="step size within its limit",
        **limited(lambda at: 2.4 / (at.mu + at.L), paper_limit, 0, STIFF),
    ),
    mutant(
        "rate-doubled",
        "||r(k)||^2 <= (1 - 4 eta mu L/(mu+L))^k ||r(0)||^2",
        factor=lambda at: square_root(max(0.0, 1 - 4 * at.eta * at.mu * at.L / (at.mu + at.L))),
        worst=spiked(LASTING),
    ),
    mutant(
        "rate-of-L",
        "||r(k)|| <= (1 - eta L)^k ||r(0)||",
        factor=lambda at: max(0.0, 1 - at.eta * at.L),
        worst=spiked(LASTING),
    ),
    mutant(
        "rate-squared",
        "||r(k)||^2 <= (1 - 2 eta mu L/(mu+L))^{2k} ||r(0)||^2",
        factor=lambda at: 1 - 2 * at.eta * at.mu * at.L / (at.mu + at.L),
        worst=spiked(LASTING),
    ),
    mutant(
        "radius-without-kappa",
        "the path stays within 2/(1-C/3) ||r(0)||/sqrt(lambda)",
        radius=lengths(lambda at: 2 / (1 - at.C / 3)),
        **ZIGZAG,
    ),
    source="Zhang, Martens, Grosse (2019), general losses",
    formulas=Formulas(
        hypotheses=(
            r"a $\mu$-strongly convex loss with $L$-Lipschitz gradient",
            "Conditions 1 and 3($C$)",
            r"$C<\dfrac{1}{1+\kappa}$",
            r"$0<\eta\le\dfrac{2}{\mu+L}\cdot\dfrac{1-(1+\kappa)C}{(1+C)^2}$",
        ),
        conclusion=(
            r"$\norm{r(k)}^2\le\left(1-\dfrac{2\eta\mu L}{\mu+L}\right)^k\norm{r(0)}^2$",
            r"The path stays within $\dfrac{1+\kappa}{1-C/3}\cdot\dfrac{\norm{r(0)}}{\sqrt\lambda}$ of $\theta(0)$.",
        ),
        constants=(r"$\kappa=\dfrac{L}{\mu}$", "$r=u-y$, the loss being minimised at $y$"),
    ),
    also=("mu-strong convexity", "L-Lipschitz gradient"),
)
T2_Q = T2_Q_RULE.claim(
    "T2-q",
    "a mu-strongly convex loss with L-Lipschitz gradient, Conditions 1, 3(C) with C <= (3+kappa)/(3+3kappa), "
    "C < 3/(2+kappa) and 0 < eta <= [2/(mu+L) - q/mu]/(1-q) give ||r(k)|| <= (1 - eta mu(1-q))^k ||r(0)||, q = 2C/(3-C), "
    "and the path stays within kappa/(1-C) ||r(0)||/sqrt(lambda) of theta(0)",
    Provenance.DERIVED,
    without_condition_1(lambda eta, mu, L: (1 - eta * mu) ** 2, "(1 - eta mu)^2"),
    *MISSTATED,
    mutant(
        "condition-3-dropped",
        "the conclusion uses C/4",
        drops="Condition 3(C)",
        assumed_constant=lambda C: C / 4,
        worst=spiked(LASTING),
    ),
    mutant(
        "q-halved",
        "q = C/(3-C)",
        factor=lambda at: 1 - at.eta * at.mu * (1 - ngd.deficit(at.C) / 2),
        worst=spiked(LASTING),
    ),
    mutant(
        "rate-of-L",
        "||r(k)|| <= (1 - eta L(1-q))^k ||r(0)||",
        factor=lambda at: max(0.0, 1 - at.eta * at.L * (1 - ngd.deficit(at.C))),
        worst=spiked(LASTING),
    ),
    mutant("step-without-kappa", "eta up to 1/mu", **limited(lambda at: 1 / at.mu, paper_limit, 0, STIFF)),
    mutant(
        "curvatures-swapped",
        "eta up to [2/(mu+L) - q/L]/(1-q)",
        **limited(false_q_limit, lambda at: general_loss.constant_limit(at.mu, at.L), losses=STIFF),
    ),
    mutant(
        "step-beyond-breaking",
        "T2's rate for eta = 1.01 (2 rho/mu) (1 - rho kappa/(1+kappa))",
        drops="step size within its limit",
        factor=lambda at: general_loss.rate(at.eta, at.C, at.mu, at.L, "T2"),
        **limited(
            lambda at: 1.01 * general_loss.breaking_step(at.C, at.mu, at.L),
            lambda at: 2.5 * at.mu / (2 * at.L + at.mu),
        ),
    ),
    mutant(
        "radius-without-kappa",
        "the path stays within ||r(0)||/((1-C) sqrt(lambda))",
        radius=lengths(lambda at: 1 / (1 - at.C)),
        **ZIGZAG,
    ),
    source="theory/theorems/general_loss.py",
    formulas=Formulas(
        hypotheses=(
            r"a $\mu$-strongly convex loss with $L$-Lipschitz gradient",
            "Conditions 1 and 3($C$)",
            r"$C\le\dfrac{3+\kappa}{3+3\kappa}$ and $C<\dfrac{3}{2+\kappa}$",
            r"$0<\eta\le\dfrac{2/(\mu+L)-q/\mu}{1-q}$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le\left(1-\eta\mu(1-q)\right)^k\norm{r(0)}$",
            r"The path stays within $\dfrac{\kappa}{1-C}\cdot\dfrac{\norm{r(0)}}{\sqrt\lambda}$ of $\theta(0)$.",
        ),
        constants=(r"$\kappa=\dfrac{L}{\mu}$", r"$q=\dfrac{2C}{3-C}$"),
    ),
    also=("mu-strong convexity", "L-Lipschitz gradient"),
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
