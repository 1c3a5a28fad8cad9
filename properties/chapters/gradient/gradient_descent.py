"""T0, T0-sharp: gradient descent under Conditions 1 and 2, in the ball of natural gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent import gradient_singular, rule
from properties.descent.families import family, networks_in_balls, perturbed_affine, relu_networks, smooth_networks
from properties.descent.instances import GradientInstance, MapInstance, descending
from properties.descent.numbers import Numbers
from properties.descent.rule import Number, Rule, guaranteed_share, lengths, root
from properties.descent.singular import without_condition_1
from properties.descent.strategies import Description, Dial, orthogonal_matrix
from properties.engine.claim import Family, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from properties.engine.slack import SlackRow
from theory.direction import reduced
from theory.maps.affine import kink_map
from theory.theorems import gradient_advantage
from theory.theorems import gradient_descent as gd


def features(said: Rule, instance: GradientInstance) -> Sequence[str]:
    """The size of C, flips, and whether some step decreases ``||r||^2`` by at most 1.1 times what is guaranteed."""
    at = Numbers(instance)
    factor = at.once(said.factor)
    shares = [guaranteed_share(at, factor, step.before, step.after) for step in instance.run.steps]
    tight = ["decrease within 10% of the guarantee"] if max(shares) >= 1 / 1.1 else []
    return [*rule.features(instance), *tight]


# --- families --------------------------------------------------------------------------------------------------------


def with_gradient_descent(said: Rule, found: Any, description: Description) -> Any:
    """The instance that was built for NGD, with GD and a share of its step limit instead."""
    del description
    if not found.certificate.lambda_min > 0:
        return descending(found, optimiser="gd")
    return descending(found, optimiser="gd", eta=said.own_step(found, found.eta))


def kink_descriptions(dial: Dial) -> SearchStrategy[Description]:
    """Directions, the ratio of their slopes, where the residual points, and which way the slopes change."""
    return dial.descriptions(
        directions=st.integers(1, 3),
        extra_parameters=st.integers(0, 2),
        condition_exponent=st.integers(0, 4),
        residual=st.sampled_from(["lowest", "highest", "all"]),
        steeper=st.booleans(),
        rotated=st.booleans(),
    )


KINK = 2.0**-38
"""Where the slopes change, as a share of the first step: before the first iterate, and wider than the rounding."""


def build_kink(description: Description, dial: Dial) -> MapInstance:
    """The slowest maps for GD: slopes fall to ``(1-c) sqrt(lambda)`` right after the start; or others rise by as much."""
    rng = np.random.default_rng(description["seed"])
    n = description["directions"]
    p = n + (description["extra_parameters"] if description["rotated"] else 0)
    left = orthogonal_matrix(n, n, rng) if description["rotated"] else np.eye(n)
    right = orthogonal_matrix(n, p, rng) if description["rotated"] else np.eye(n)
    slopes = np.geomspace(1.0, 10.0 ** description["condition_exponent"], num=n)
    change = dial.constant(description) / 3
    later = slopes - change
    if description["steeper"]:
        later[-1] = slopes[-1] + change
    residuals = np.asarray(rng.uniform(0.2, 1.0, size=n))
    kept = {"lowest": np.arange(n) == 0, "highest": np.arange(n) == n - 1, "all": np.ones(n, dtype=bool)}
    residuals = np.where(kept[description["residual"]], residuals, 0.0)
    share = dial.step_size(description, 0.0)
    first_steps = share / slopes[-1] ** 2 * slopes * np.where(residuals > 0, residuals, 1.0)
    model = kink_map(slopes, later[:, None], KINK * first_steps[:, None], left, right)
    return MapInstance(model, -(left @ residuals), share, dial.steps)


def kinks(said: Rule) -> Family[Any]:
    """Family F4."""
    return family(said, "F4", "piecewise linear maps with one kink", kink_descriptions, build_kink, (25, 120, 1500))


def worst(said: Rule) -> Families:
    """F4 first: a mutant is refuted by the cheapest family that can."""
    return kinks(said), perturbed_affine(said, (25, 120, 1500))


def families(said: Rule) -> Families:
    """Maps and networks; with C = 0 and one output T0-sharp holds with equality, which no ball decides."""
    small, smooth, wide = networks_in_balls(said, least_constant_tenth=4)
    return (
        *worst(said),
        relu_networks(said, (5, 20, 250), least_constant_tenth=4),
        smooth_networks(said, (8, 40, 400)),
        *(small, wide, smooth),
    )


# --- the claims ------------------------------------------------------------------------------------------------------


def rule_of(theorem: str) -> Rule:
    """The numbers of T0 or T0-sharp."""
    return Rule(
        lambda at: gd.rate(at.eta, at.C, at.norm, at.lambda_min, theorem),
        lambda at: gd.step_limit(at.C, at.norm, at.lambda_min, theorem),
        gd.constant_limit(theorem),
        lambda at: gd.radius(at.C, at.residual_norm, at.lambda_min, theorem),
        aim=guaranteed_share,
        shared=True,
        turned=with_gradient_descent,
        families=families,
        worst=worst,
    )


T0_RULE, T0_SHARP_RULE = rule_of("T0"), rule_of("T0-sharp")


def decrease(theorem: str) -> Number:
    """The share of ``||r||^2`` that a step takes off by the theorem."""
    return lambda at: gd.decrease(at.eta, at.C, at.norm, at.lambda_min, theorem)


def twice_T0(at: Numbers) -> Any:
    """Twice what T0 guarantees."""
    return 2 * gd.decrease(at.eta, at.C, at.norm, at.lambda_min)


SINGULAR = "a singular G(0), with its smallest eigenvalue that is not zero in the place of lambda"

BEYOND = 1.05
"""Steps so many times as long as those that the linearised model allows."""

DIVERGING: dict[str, Any] = {
    "step_limit": lambda at: BEYOND * gradient_advantage.linear_step_limit(at.norm),
    "least_step_percent": 100,
}

T0 = T0_RULE.claim(
    "T0",
    "Conditions 1, 2(C) with q = 2C/(3-C) < 1/2 and 0 < eta <= (1-2q)/(||J(0)||_2 + (C/3) sqrt(lambda))^2 give GD "
    "||r(k)||^2 <= (1 - eta (1-C/3)^2 lambda)^k ||r(0)||^2, and its path stays within 2/(1-C/3) ||r(0)||/sqrt(lambda)",
    Provenance.DERIVED,
    without_condition_1(*gradient_singular.parts(lambda share: share), description=SINGULAR),
    mutant(
        "condition-2-dropped",
        "step limit and rate of C/4 for maps that move up to C = 2.3",
        drops="Condition 2(C)",
        constant_limit=2.3,
        least_constant_tenth=8,
        step_limit=lambda at: gd.step_limit(at.C / 4, at.norm, at.lambda_min),
        assumed_constant=lambda C: C / 4,
    ),
    mutant("rate-doubled", "||r(k)||^2 <= (1 - 2 eta (1-C/3)^2 lambda)^k ||r(0)||^2", factor=root(twice_T0)),
    mutant(
        "rate-of-largest-eigenvalue",
        "||J(0)||_2^2 in the place of lambda in the rate",
        factor=root(lambda at: gd.decrease(at.eta, at.C, at.norm, at.norm**2)),
    ),
    mutant(
        "step-beyond-divergence",
        "eta up to 1.05 times 2/||J(0)||_2^2",
        drops="step size within its limit",
        factor=root(decrease("T0")),
        **DIVERGING,
    ),
    mutant(
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C/3) sqrt(lambda))",
        radius=lengths(lambda at: 1 / (1 + at.C / 3)),
    ),
    features=partial(features, T0_RULE),
    formulas=Formulas(
        hypotheses=(
            "Conditions 1 and 2($C$)",
            r"$q<\frac{1}{2}$",
            r"$0<\eta\le\dfrac{1-2q}{\left(\norm{J(0)}_2+\frac{C}{3}\sqrt\lambda\right)^2}$",
        ),
        conclusion=(
            r"GD: $\norm{r(k)}^2\le\left(1-\eta\left(1-\frac{C}{3}\right)^2\lambda\right)^k\norm{r(0)}^2$",
            r"Its path stays within $\dfrac{2}{1-C/3}\cdot\dfrac{\norm{r(0)}}{\sqrt\lambda}$.",
        ),
        constants=(r"$q=\dfrac{2C}{3-C}$",),
    ),
    also=("C < 3/5",),
)
T0_SHARP = T0_SHARP_RULE.claim(
    "T0-sharp",
    "Conditions 1, 2(C) with C <= 3/4, c = C/3, L = ||J(0)||_2 + c sqrt(lambda) and 0 < eta <= (1-2c)/((1-c) L^2) give GD "
    "||r(k)||^2 <= (1 - eta (2 - eta L^2) (1-c)^2 lambda)^k ||r(0)||^2, and its path stays within "
    "2(1-c)/(1-3c+4c^2) ||r(0)||/sqrt(lambda)",
    Provenance.DERIVED,
    without_condition_1(*gradient_singular.parts(lambda share: share * (2 - share)), description=SINGULAR),
    mutant(
        "step-beyond-divergence",
        "eta up to 1.05 times 2/||J(0)||_2^2",
        drops="step size within its limit",
        factor=root(decrease("T0-sharp")),
        **DIVERGING,
    ),
    mutant(
        "rate-without-C",
        "the factor 1 - eta (2 - eta L^2) lambda: the slope falls, but the rate ignores it",
        factor=root(lambda at: decrease("T0-sharp")(at) / (1 - at.C / 3) ** 2),
    ),
    mutant("C-halved", "the conclusion uses C/2", drops="Condition 2(C)", assumed_constant=lambda C: C / 2),
    mutant("second-order-forgotten", "the factor 1 - 2 eta (1-c)^2 lambda", factor=root(twice_T0)),
    mutant("radius-without-C", "the path stays within ||r(0)||/sqrt(lambda)", radius=lengths(lambda at: 1.0)),
    features=partial(features, T0_SHARP_RULE),
    formulas=Formulas(
        hypotheses=("Conditions 1 and 2($C$)", r"$C\le\frac{3}{4}$", r"$0<\eta\le\dfrac{1-2c}{(1-c)L^2}$"),
        conclusion=(
            r"GD: $\norm{r(k)}^2$ $\le\left(1-\eta(2-\eta L^2)(1-c)^2\lambda\right)^k\norm{r(0)}^2$",
            r"Its path stays within $\dfrac{2(1-c)}{1-3c+4c^2}\cdot\dfrac{\norm{r(0)}}{\sqrt\lambda}$.",
        ),
        constants=(r"$c=\dfrac{C}{3}$", r"$L=\norm{J(0)}_2+c\sqrt\lambda$"),
    ),
    also=("C <= 3/4",),
)

CLAIMS = (T0, T0_SHARP)


def _slack(C: float) -> SlackRow:
    """In units of ``1/||J(0)||_2^2`` as lambda/||J(0)||_2^2 tends to 0, so that L is ``||J(0)||_2``."""
    limits = [gd.step_limit(C, 1.0, np.finfo(float).tiny, theorem) for theorem in gd.THEOREMS]
    return SlackRow(
        "T0",
        f"largest step size for T0's rate in 1/||J(0)||_2^2, ill-conditioned J(0), C = {C}",
        None,
        max(limits),
        BEYOND * gradient_advantage.linear_step_limit(1.0),
        "T0/step-beyond-divergence",
        f"T0 gives {reduced(limits[0], 4)}, T0-sharp the larger; the linearised model diverges beyond 2",
    )


SLACK = (
    *(_slack(C) for C in (0.1, 0.49)),
    SlackRow(
        "T0",
        "the hypothesis C < 3/5",
        remark="at C = 3/5 no step size is left: 1 - 2q = 0, q = 2C/(3-C)",
        drops="C < 3/5",
    ),
    SlackRow(
        "T0-sharp",
        "the hypothesis C <= 3/4",
        remark="no counterexample known up to C = 1; it keeps the bound of the path within the ball of radius 3",
        drops="C <= 3/4",
    ),
)
