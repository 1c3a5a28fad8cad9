"""T0, T0-sharp: gradient descent under Conditions 1 and 2, in the ball of natural gradient descent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent import followed, gradient_singular
from properties.descent import rule as residual_rules
from properties.descent.instances import GradientInstance, MapInstance, NetworkInstance, descending
from properties.descent.rule import Rule, examples
from properties.descent.strategies import (
    Description,
    Dial,
    build_perturbed_affine,
    build_relu,
    build_smooth,
    orthogonal_matrix,
    perturbed_affine_descriptions,
    relu_descriptions,
    smooth_descriptions,
)
from properties.engine.claim import Bound, Claim, Family, Hypothesis, Mutant, Provenance
from properties.engine.slack import SlackRow
from theory.maps.affine import kink_map
from theory.reals import square_root
from theory.theorems import gradient_advantage
from theory.theorems import gradient_descent as gd

Numbers = Callable[..., float]


@dataclass(frozen=True)
class GradientRule:
    """The numbers of one theorem on GD, as stated or as a mutant states them."""

    constant_limit: float
    step_limit: Callable[[float, float, float], float]
    """``(C, ||J(0)||_2, lambda)`` -> largest step size."""
    rate: Callable[[float, float, float, float], float]
    """``(eta, C, ||J(0)||_2, lambda)`` -> factor on ``||r||`` (not squared)."""
    radius: Callable[[float, float, float], float]
    """``(C, ||r(0)||, lambda)`` -> length of the path."""
    assumed_constant: Callable[[float], float] = float
    least_constant_tenth: int = 0
    least_step_percent: int = 1

    @property
    def dial(self) -> Dial:
        """Draws C below its limit, and the step size as a share of its limit."""
        return Dial(
            self.constant_limit,
            lambda C: 1.0,
            least_constant_tenth=self.least_constant_tenth,
            least_step_percent=self.least_step_percent,
        )

    def at(self, instance: GradientInstance) -> Rule:
        """The rule with ``||J(0)||_2`` and lambda of the instance, in balls where eta is one."""
        norm, lambda_min = instance.operator_norm, instance.certificate.lambda_min

        def factor(eta: float, constant: float) -> float:
            exact = arb if isinstance(eta, arb) else float
            return self.rate(eta, constant, exact(norm), exact(lambda_min))

        def limit(constant: float) -> float:
            exact = arb if isinstance(constant, arb) else float
            return self.step_limit(constant, exact(norm), exact(lambda_min))

        return Rule(
            dial=Dial(self.constant_limit, limit),
            factor=factor,
            radius=self.radius,
            assumed_constant=self.assumed_constant,
            aim=guaranteed_share,
        )


def guaranteed_share(eta: float, factor: float, before: float, after: float) -> float:
    """The guaranteed decrease of ``||r||^2`` as a share of the achieved one; at most 1, tight there for every step size."""
    del eta
    achieved = 1 - (after / before) ** 2
    return (1 - factor**2) / achieved if achieved > 0 else 0.0


def hypotheses(rule: GradientRule, instance: GradientInstance) -> Sequence[Hypothesis]:
    """Conditions 1 and 2 and the step size, each with its margin."""
    return residual_rules.hypotheses(rule.at(instance), instance)


def conclusion(rule: GradientRule, instance: GradientInstance) -> Sequence[Bound]:
    """One-step bounds from each stored iterate, the bound over the run, and the length of the path."""
    return residual_rules.conclusion(rule.at(instance), instance)


def confirm(rule: GradientRule, instance: GradientInstance, bits: int) -> Sequence[Bound]:
    """The bounds that float64 does not show to hold, again in balls at the working precision."""
    return residual_rules.confirm(rule.at(instance), instance, bits)


def features(rule: GradientRule, instance: GradientInstance) -> Sequence[str]:
    """The size of C, flips, and whether some step decreases ``||r||^2`` by at most 1.1 times what is guaranteed."""
    numbers = rule.at(instance)
    factor = numbers.factor(instance.eta, instance.certificate.constant)
    shares = [guaranteed_share(instance.eta, factor, step.before, step.after) for step in instance.run.steps]
    tight = ["decrease within 10% of the guarantee"] if max(shares) >= 1 / 1.1 else []
    return [*residual_rules.features(instance), *tight]


# --- families --------------------------------------------------------------------------------------------------------


def _descending(rule: GradientRule, build: Callable[..., Any], description: Description) -> Any:
    """The instance that ``build`` makes for NGD, with GD and a share of its step limit instead."""
    found: MapInstance | NetworkInstance = build(description, dial=rule.dial)
    certificate = found.certificate
    if not certificate.lambda_min > 0:
        return descending(found, optimiser="gd")
    limit = rule.step_limit(min(certificate.constant, 2.99), found.operator_norm, certificate.lambda_min)
    return descending(found, optimiser="gd", eta=max(found.eta * limit, np.finfo(float).tiny))


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


def _family(
    rule: GradientRule, id: str, title: str, draw: Callable[..., Any], build: Callable[..., Any], *counts: int
) -> Family[GradientInstance]:
    return Family(id, title, partial(draw, rule.dial), partial(_descending, rule, build), examples(*counts))


def perturbed_affine(rule: GradientRule) -> Family[GradientInstance]:
    """Family F3."""
    return _family(
        rule, "F3", "perturbed affine maps", perturbed_affine_descriptions, build_perturbed_affine, 25, 120, 1500
    )


def kinks(rule: GradientRule) -> Family[GradientInstance]:
    """Family F4."""
    return _family(rule, "F4", "piecewise linear maps with one kink", kink_descriptions, build_kink, 25, 120, 1500)


def networks_in_balls(rule: GradientRule) -> tuple[Family[GradientInstance], ...]:
    """Followed in balls from the start: everything about them is enclosed."""
    dial = dataclasses.replace(rule.dial, least_constant_tenth=4)
    relu, build = partial(relu_descriptions, dial), partial(_descending, rule, build_relu)
    smooth = partial(_descending, rule, build_smooth)
    return (
        followed.small_networks(relu, build, followed.UP_TO_EIGHT_INPUTS, (10, 130, 1300)),
        followed.wide_networks(relu, build, (3, 25, 250)),
        followed.smooth_networks(partial(smooth_descriptions, rule.dial), smooth, (4, 40, 400)),
    )


def families(rule: GradientRule) -> tuple[Family[GradientInstance], ...]:
    """F4 first: a mutant is refuted by the cheapest family that can."""
    # With C = 0 and one output T0-sharp holds with equality, which no ball decides.
    flipping = dataclasses.replace(rule, least_constant_tenth=4)
    relu = _family(
        flipping, "F1", "two-layer ReLU networks with a ball certificate", relu_descriptions, build_relu, 5, 20, 250
    )
    smooth = _family(
        rule, "F2", "two-layer smooth networks with C2-smooth", smooth_descriptions, build_smooth, 8, 40, 400
    )
    return (kinks(rule), perturbed_affine(rule), relu, smooth, *networks_in_balls(rule))


# --- the claims ------------------------------------------------------------------------------------------------------


def theorem_rule(theorem: str) -> GradientRule:
    """The rule of T0 or T0-sharp."""
    return GradientRule(
        constant_limit=gd.constant_limit(theorem),
        step_limit=partial(gd.step_limit, theorem=theorem),
        rate=partial(gd.rate, theorem=theorem),
        radius=partial(gd.radius, theorem=theorem),
    )


T0_RULE, T0_SHARP_RULE = theorem_rule("T0"), theorem_rule("T0-sharp")


def _claim(id: str, statement: str, rule: GradientRule) -> Claim[GradientInstance]:
    return Claim(
        id=id,
        statement=statement,
        provenance=Provenance.DERIVED,
        source=f"docs/theory.md, {id}",
        families=families(rule),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
        features=partial(features, rule),
    )


def _mutant(claim: Claim[GradientInstance], id: str, description: str, rule: GradientRule, **changes: Any) -> Mutant:
    changed = dataclasses.replace(rule, **changes)
    return claim.neighbour(
        id,
        description,
        families=(kinks(changed), perturbed_affine(changed)),
        hypotheses=partial(hypotheses, changed),
        conclusion=partial(conclusion, changed),
        confirm=partial(confirm, changed),
        features=lambda _: (),
    )


def _rate(decrease: Numbers) -> Numbers:
    """A factor from a false decrease of ``||r||^2``; 0 where that would take off more than there is."""

    def factor(eta: float, C: float, norm: float, lambda_min: float) -> float:
        share = decrease(eta, C, norm, lambda_min)
        return square_root(1 - share) if share < 1 else 0 * share

    return factor


def _radius(factor: Callable[[float], float]) -> Numbers:
    return lambda C, residual_norm, lambda_min: factor(C) * residual_norm / square_root(lambda_min)


_T0 = _claim(
    "T0",
    "Conditions 1, 2(C) with q = 2C/(3-C) < 1/2 and 0 < eta <= (1-2q)/(||J(0)||_2 + (C/3) sqrt(lambda))^2 give GD "
    "||r(k)||^2 <= (1 - eta (1-C/3)^2 lambda)^k ||r(0)||^2, and its path stays within 2/(1-C/3) ||r(0)||/sqrt(lambda)",
    T0_RULE,
)
_T0_SHARP = _claim(
    "T0-sharp",
    "Conditions 1, 2(C) with C <= 3/4, c = C/3, L = ||J(0)||_2 + c sqrt(lambda) and 0 < eta <= (1-2c)/((1-c) L^2) give GD "
    "||r(k)||^2 <= (1 - eta (2 - eta L^2) (1-c)^2 lambda)^k ||r(0)||^2, and its path stays within "
    "2(1-c)/(1-3c+4c^2) ||r(0)||/sqrt(lambda)",
    T0_SHARP_RULE,
)


def _beyond_divergence(C: float, norm: float, lambda_min: float) -> float:
    return 1.05 * gradient_advantage.linear_step_limit(norm)


def _singular(claim: Claim[GradientInstance], decrease: Callable[[fmpq], fmpq]) -> Mutant:
    return claim.neighbour(
        "condition-1-dropped",
        "a singular G(0), with its smallest eigenvalue that is not zero in the place of lambda",
        families=(gradient_singular.SINGULAR,),
        hypotheses=gradient_singular.hypotheses,
        conclusion=partial(gradient_singular.conclusion, decrease),
        confirm=None,
        features=lambda _: (),
    )


T0 = _T0.with_mutants(
    _singular(_T0, lambda share: share),
    _mutant(
        _T0,
        "condition-2-dropped",
        "step limit and rate of C/4 for maps that move up to C = 2.3",
        T0_RULE,
        constant_limit=2.3,
        least_constant_tenth=8,
        step_limit=lambda C, norm, lambda_min: gd.step_limit(C / 4, norm, lambda_min),
        assumed_constant=lambda C: C / 4,
    ),
    _mutant(
        _T0,
        "rate-doubled",
        "||r(k)||^2 <= (1 - 2 eta (1-C/3)^2 lambda)^k ||r(0)||^2",
        T0_RULE,
        rate=_rate(lambda *numbers: 2 * gd.decrease(*numbers)),
    ),
    _mutant(
        _T0,
        "rate-of-largest-eigenvalue",
        "||J(0)||_2^2 in the place of lambda in the rate",
        T0_RULE,
        rate=_rate(lambda eta, C, norm, lambda_min: gd.decrease(eta, C, norm, norm**2)),
    ),
    _mutant(
        _T0,
        "step-beyond-divergence",
        "eta up to 1.05 times 2/||J(0)||_2^2",
        T0_RULE,
        rate=_rate(gd.decrease),
        step_limit=_beyond_divergence,
        least_step_percent=100,
    ),
    _mutant(
        _T0,
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C/3) sqrt(lambda))",
        T0_RULE,
        radius=_radius(lambda C: 1 / (1 + C / 3)),
    ),
)
T0_SHARP = _T0_SHARP.with_mutants(
    _singular(_T0_SHARP, lambda share: share * (2 - share)),
    _mutant(
        _T0_SHARP,
        "step-beyond-divergence",
        "eta up to 1.05 times 2/||J(0)||_2^2",
        T0_SHARP_RULE,
        rate=_rate(partial(gd.decrease, theorem="T0-sharp")),
        step_limit=_beyond_divergence,
        least_step_percent=100,
    ),
    _mutant(
        _T0_SHARP,
        "rate-without-C",
        "the factor 1 - eta (2 - eta L^2) lambda: the slope falls, but the rate ignores it",
        T0_SHARP_RULE,
        rate=_rate(
            lambda eta, C, norm, lambda_min: gd.decrease(eta, C, norm, lambda_min, "T0-sharp") / (1 - C / 3) ** 2
        ),
    ),
    _mutant(
        _T0_SHARP,
        "C-halved",
        "the conclusion uses C/2",
        T0_SHARP_RULE,
        assumed_constant=lambda C: C / 2,
    ),
    _mutant(
        _T0_SHARP,
        "second-order-forgotten",
        "the factor 1 - 2 eta (1-c)^2 lambda",
        T0_SHARP_RULE,
        rate=_rate(lambda *numbers: 2 * gd.decrease(*numbers)),
    ),
    _mutant(
        _T0_SHARP,
        "radius-without-C",
        "the path stays within ||r(0)||/sqrt(lambda)",
        T0_SHARP_RULE,
        radius=_radius(lambda C: 1.0),
    ),
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
        _beyond_divergence(C, 1.0, 0.0),
        "T0/step-beyond-divergence",
        f"T0 gives {limits[0]:.4g}, T0-sharp the larger; the linearised model diverges beyond 2",
    )


SLACK = (
    *(_slack(C) for C in (0.1, 0.49)),
    SlackRow(
        "T0",
        "the hypothesis C < 3/5",
        None,
        None,
        None,
        remark="at C = 3/5 no step size is left: 1 - 2q = 0, q = 2C/(3-C)",
    ),
    SlackRow(
        "T0-sharp",
        "the hypothesis C <= 3/4",
        None,
        None,
        None,
        remark="no counterexample known up to C = 1; it keeps the bound of the path within the ball of radius 3",
    ),
)
