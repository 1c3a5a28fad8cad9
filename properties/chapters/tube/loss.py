"""T2-tube, T2-tube-q, T2-tube-strong: natural gradient descent on strongly convex losses, in a tube."""

from __future__ import annotations

import dataclasses
from typing import Any

from flint import arb
from hypothesis import strategies as st

from properties.chapters.losses.general_loss_instances import Losses
from properties.chapters.tube.drawn import random_networks
from properties.chapters.tube.loss_rules import (
    LASTING,
    MILD,
    NONE,
    ONE,
    T2_TUBE_Q_RULE,
    T2_TUBE_RULE,
    T2_TUBE_STRONG_RULE,
    WEIGHTED,
    WHOLE,
    planted,
    ratio_name,
    rule_of,
)
from properties.chapters.tube.statement import CLOSED, STEP_SIZE
from properties.descent.losses import Misstatement
from properties.descent.numbers import Numbers
from properties.engine.claim import Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Neighbour, mutant
from properties.engine.slack import SlackRow
from theory.reals import square_root
from theory.theorems import tube_loss

# --- mutants ---------------------------------------------------------------------------------------------------------

VANISHING: dict[str, Any] = {
    "inputs": st.integers(2, 3),
    "correlation_percent": NONE,
    "joint": NONE,
    "vanish": st.integers(1, 6),
    "appear": NONE,
    "cross": NONE,
    "direction": st.just("first"),
    "steps": st.just(2),
}
"""Orthonormal inputs, the residual along mu, activations that vanish at once: the factor of T2-tube-q is attained."""
ZIGZAG: dict[str, Any] = {
    "inputs": st.integers(2, 3),
    "correlation_percent": NONE,
    "vanish": NONE,
    "appear": NONE,
    "cross": NONE,
    "direction": st.just("last"),
    "step_percent": st.integers(90, 100),
    "steps": st.just(12),
}
"""A fixed pattern, the residual along L."""


FROZEN: dict[str, Any] = {
    **ZIGZAG,
    "mirrored": st.just(True),
    "direction": st.just("random"),
    "share_percent": ONE,
    "step_percent": st.integers(50, 100),
}
"""A fixed pattern and u(0) = 0, where losses that misstate their constants are placed."""
ROW_NORMS = mutant(
    "without-row-norms",
    "b_i >= m^{-1/2} S",
    row_norms=False,
    worst=planted(
        dataclasses.replace(WEIGHTED, most_condition=0),
        inputs=st.just(2),
        correlation_percent=st.just(90),
        active=st.just(12),
        joint=ONE,
        vanish=NONE,
        appear=NONE,
        cross=NONE,
        pairs=ONE,
        direction=st.just("even"),
        share_percent=st.integers(125, 134),
        step_percent=WHOLE,
    ),
)


def shared() -> tuple[Neighbour, ...]:
    """Neighbours that the three have in common: the tube, its widths, and the hypotheses about the loss."""
    understated = Losses(
        kinds=("weighted",),
        least_condition=10,
        most_condition=12,
        least_tilt=0,
        most_tilt=0,
        misstatement=Misstatement(smoothness_share=0.25),
    )
    flat = Losses(
        kinds=("pseudo-Huber",), least_condition=8, misstatement=Misstatement(ridge=2.0**-40, scale_share=2.0**-3)
    )
    return (
        mutant(
            "tube-dropped",
            "the tube need not close",
            drops=CLOSED,
            closes=False,
            worst=lambda rule: (
                random_networks(
                    rule,
                    "ngd",
                    (60, 200, 1000),
                    "tubes",
                    MILD.plan,
                    **{**MILD.parts(), "ratio_tenth": NONE, "inputs": ONE, "dimension": st.just(2)},
                    share_percent=st.integers(400, 4000),
                ),
            ),
        ),
        mutant(
            "strong-convexity-dropped",
            "the ridge is 2^-40, mu is that of a larger one",
            drops="mu-strong convexity",
            worst=planted(flat, **FROZEN),
        ),
        mutant(
            "smoothness-understated",
            "L is four times what is stated",
            drops="L-Lipschitz gradient",
            worst=planted(understated, **ZIGZAG),
        ),
        mutant(
            "path-without-kappa",
            "S = ||r(0)||/lambda_b over 1-q",
            path=lambda at: at.residual_norm / ((1 - at.ratio) * at.lambda_min),
            worst=planted(**ZIGZAG),
        ),
    )


LABELS = Losses(
    kinds=("pseudo-Huber", "logistic"),
    least_condition=3,
    most_condition=8,
    misstatement=Misstatement(labels_as_minimiser=True),
)


def smaller(theorem: str, share: int = 4) -> dict[str, Any]:
    """All numbers of the theorem with q/4 in the place of q, for tubes with q up to four times the limit, but below 1."""

    def but(at: Numbers) -> Numbers:
        return at.but(ratio=at.ratio / share)

    own = rule_of(theorem)
    return {
        "speaks": (own.speaks[0], lambda at: own.speaks[1](but(at)) if at.ratio < 1 else 0 * at.mu - 1),
        "step_limit": lambda at: own.step_limit(but(at)),
        "factor": lambda at: own.factor(but(at)),
        "path": lambda at: own.path(but(at)),
    }


def linear_limit(at: Numbers) -> Any:
    """``2/(mu+L)``."""
    return 2 / (at.mu + at.L)


def paper_rate(at: Numbers) -> Any:
    """The factor of T2; 0 where its square would be negative."""
    squared = 1 - 2 * at.eta * at.mu * at.L / (at.mu + at.L)
    return square_root(squared) if squared > 0 else 0 * squared


FORMULA_CONSTANTS = (
    r"$\kappa=\dfrac{L}{\mu}$",
    "$r=u-y$, the loss being minimised at $y$",
    r"$\norm{XG^{-1}}\le q$ in the tube",
)
LOSS_ASSUMED = ("mu-strong convexity", "L-Lipschitz gradient")
LOSS_FORMULA = r"a $\mu$-strongly convex loss with $L$-Lipschitz gradient"
INSIDE_FORMULA = r"$|x_i\cdot(w_r(k)-w_r(0))|\le b_i$"


T2_TUBE = T2_TUBE_RULE.claim(
    "T2-tube",
    "a mu-strongly convex loss with L-Lipschitz gradient, a tube with q < 1/(1+kappa), 0 < eta <= (2/(mu+L)) (1-(1+kappa)q)/(1+q)^2 and "
    "b_i >= m^{-1/2} ||K_i|| S, S = (1+kappa) ||r(0)||/lambda_b, give ||r(k)||^2 <= (1 - 2 eta mu L/(mu+L))^k ||r(0)||^2, "
    "sum eta ||G(t)^{-1}g(t)|| <= S, and no iterate leaves the tube",
    Provenance.DERIVED,
    *shared(),
    mutant(
        "ratio-dropped",
        "the step limit of q/4, for q up to 1",
        drops=ratio_name("T2-tube"),
        worst=planted(**{**VANISHING, "vanish": st.integers(4, 9)}),
        **smaller("T2-tube"),
    ),
    mutant(
        "step-without-q",
        "eta up to 1.9/(mu+L) whatever q is",
        step_limit=lambda at: arb(0.95) * linear_limit(at),
        worst=planted(**{**VANISHING, "step_percent": WHOLE}),
    ),
    mutant(
        "step-beyond-linear",
        "eta up to 2.4/(mu+L)",
        drops=STEP_SIZE,
        step_limit=lambda at: arb(1.2) * linear_limit(at),
        factor=paper_rate,
        worst=planted(
            dataclasses.replace(WEIGHTED, least_condition=10, least_tilt=0, most_tilt=0),
            **{**ZIGZAG, "step_percent": WHOLE},
        ),
    ),
    mutant(
        "rate-doubled",
        "||r(k)||^2 <= (1 - 4 eta mu L/(mu+L))^k ||r(0)||^2",
        factor=lambda at: paper_rate(at.but(eta=2 * at.eta)),
        worst=planted(**VANISHING),
    ),
    mutant(
        "labels-as-minimiser",
        "r is the distance from the labels",
        worst=planted(LABELS, **FROZEN),
    ),
    also=LOSS_ASSUMED,
    formulas=Formulas(
        hypotheses=(
            LOSS_FORMULA,
            r"$q<\dfrac{1}{1+\kappa}$",
            r"$0<\eta\le\dfrac{2}{\mu+L}\cdot\dfrac{1-(1+\kappa)q}{(1+q)^2}$",
            r"$b_i\ge\dfrac{\norm{K_i}}{\sqrt m}\cdot\dfrac{(1+\kappa)\norm{r(0)}}{\lambda_b}$",
        ),
        conclusion=(
            r"$\norm{r(k)}^2\le\left(1-\dfrac{2\eta\mu L}{\mu+L}\right)^k\norm{r(0)}^2$",
            INSIDE_FORMULA,
        ),
        constants=FORMULA_CONSTANTS,
    ),
)

T2_TUBE_Q = T2_TUBE_Q_RULE.claim(
    "T2-tube-q",
    "a mu-strongly convex loss with L-Lipschitz gradient, a tube with q < 2/(1+kappa), 0 < eta <= [2/(mu+L) - q/mu]/(1-q) and "
    "b_i >= m^{-1/2} ||K_i|| S, S = kappa ||r(0)||/((1-q) lambda_b), give ||r(k)|| <= (1 - eta mu(1-q))^k ||r(0)||, "
    "sum eta ||G(t)^{-1}g(t)|| <= S, and no iterate leaves the tube",
    Provenance.DERIVED,
    *shared(),
    mutant(
        "ratio-dropped",
        "the theorem for q/4, for q up to 1",
        drops=ratio_name("T2-tube-q"),
        worst=planted(**VANISHING),
        **smaller("T2-tube-q"),
    ),
    ROW_NORMS,
    mutant(
        "q-halved",
        "the rate of q/2",
        factor=lambda at: 1 - at.eta * at.mu * (1 - at.ratio / 2),
        worst=planted(**VANISHING),
    ),
    mutant(
        "rate-of-L",
        "||r(k)|| <= (1 - eta L(1-q))^k ||r(0)||",
        factor=lambda at: 1 - at.eta * at.L * (1 - at.ratio),
        worst=planted(**{**VANISHING, "step_percent": st.integers(5, 30)}),
    ),
    mutant(
        "own-rate-beyond",
        "T2's rate for eta up to 1.02 (2/(mu+L)) (1-(1+kappa)q)/(1-q)^2",
        drops=STEP_SIZE,
        speaks=T2_TUBE_RULE.speaks,
        step_limit=lambda at: arb(1.02) * tube_loss.own_rate_limit(at.ratio, at.mu, at.L),
        factor=paper_rate,
        worst=planted(**{**VANISHING, "step_percent": WHOLE}),
    ),
    mutant(
        "step-without-kappa",
        "eta up to 1/mu",
        step_limit=lambda at: 1 / at.mu,
        worst=planted(**{**ZIGZAG, "step_percent": WHOLE}),
    ),
    also=LOSS_ASSUMED,
    formulas=Formulas(
        hypotheses=(
            LOSS_FORMULA,
            r"$q<\dfrac{2}{1+\kappa}$",
            r"$0<\eta\le\dfrac{2/(\mu+L)-q/\mu}{1-q}$",
            r"$b_i\ge\dfrac{\norm{K_i}}{\sqrt m}\cdot\dfrac{\kappa\norm{r(0)}}{(1-q)\lambda_b}$",
        ),
        conclusion=(r"$\norm{r(k)}\le\left(1-\eta\mu(1-q)\right)^k\norm{r(0)}$", INSIDE_FORMULA),
        constants=FORMULA_CONSTANTS,
    ),
)

T2_TUBE_STRONG = T2_TUBE_STRONG_RULE.claim(
    "T2-tube-strong",
    "a mu-strongly convex loss with L-Lipschitz gradient, a tube with q kappa < 1, 0 < eta <= 2/(mu+L) and b_i >= m^{-1/2} ||K_i|| S, "
    "S = kappa ||r(0)||/((1 - q kappa) lambda_b), give ||r(k)|| <= (1 - eta (mu - q L))^k ||r(0)||, "
    "sum eta ||G(t)^{-1}g(t)|| <= S, and no iterate leaves the tube",
    Provenance.DERIVED,
    *shared(),
    mutant(
        "ratio-dropped",
        "the theorem for q/4, for q up to 1",
        drops=ratio_name("T2-tube-strong"),
        worst=planted(dataclasses.replace(LASTING, most_condition=5), **VANISHING),
        **smaller("T2-tube-strong"),
    ),
    ROW_NORMS,
    mutant(
        "rate-without-q",
        "||r(k)|| <= (1 - eta mu)^k ||r(0)||",
        factor=lambda at: 1 - at.eta * at.mu,
        worst=planted(**VANISHING),
    ),
    mutant(
        "curvatures-swapped",
        "||r(k)|| <= (1 - eta (L - q mu))^k ||r(0)||",
        factor=lambda at: 1 - at.eta * (at.L - at.ratio * at.mu),
        worst=planted(**{**VANISHING, "step_percent": st.integers(5, 30)}),
    ),
    mutant(
        "step-beyond-linear",
        "eta up to 2.2/(mu+L)",
        drops=STEP_SIZE,
        step_limit=lambda at: arb(1.1) * linear_limit(at),
        worst=planted(**{**ZIGZAG, "step_percent": WHOLE}),
    ),
    mutant(
        "path-without-its-kappa",
        "S = ||r(0)||/((1 - q kappa) lambda_b)",
        path=lambda at: at.residual_norm / ((1 - at.ratio * at.L / at.mu) * at.lambda_min),
        worst=planted(**ZIGZAG),
    ),
    also=LOSS_ASSUMED,
    formulas=Formulas(
        hypotheses=(
            LOSS_FORMULA,
            r"$q\kappa<1$",
            r"$0<\eta\le\dfrac{2}{\mu+L}$",
            r"$b_i\ge\dfrac{\norm{K_i}}{\sqrt m}\cdot\dfrac{\kappa\norm{r(0)}}{(1-q\kappa)\lambda_b}$",
        ),
        conclusion=(r"$\norm{r(k)}\le\left(1-\eta(\mu-qL)\right)^k\norm{r(0)}$", INSIDE_FORMULA),
        constants=FORMULA_CONSTANTS,
    ),
)

CLAIMS = (T2_TUBE, T2_TUBE_Q, T2_TUBE_STRONG)


def _motion_row(kappa: float) -> SlackRow:
    return SlackRow(
        "T2-tube",
        f"what the widths allow for motion at kappa = {kappa:g} as q -> 0, in units of m^(-1/2) ||K_i|| ||r(0)||/lambda_b",
        None,
        tube_loss.path_sum(1.0, 0.0, 1.0, 1.0, kappa, "T2-tube-q"),
        2 * kappa / (1 + kappa),
        "planted",
        "the sum of the steps' lengths does reach the second value; the steps alternate, and the first is the longest motion known",
    )


SLACK = (
    *(_motion_row(kappa) for kappa in (2.0, 10.0, 50.0)),
    SlackRow(
        "T2-tube-strong",
        "S in units of ||r(0)||/lambda_b at kappa = 10, q kappa = 1/2",
        None,
        tube_loss.path_sum(1.0, 0.05, 1.0, 1.0, 10.0, "T2-tube-strong"),
        remark="without 1/(1 - q kappa) it would be 10; no counterexample to that is known: activations that vanish at once leave a path of kappa",
    ),
)
