"""What the claims on K-FAC's residual have in common: rules, hypotheses, bounds, families."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flint import arb
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.gradient.gradient_descent import guaranteed_share
from properties.chapters.kfac.kfac_instances import (
    EXTREME_KINDS,
    INPUT_KINDS,
    TALL_SHAPES,
    InputNumbers,
    KroneckerInstance,
    StepLimit,
    build_perturbed,
    build_relu,
    build_smooth,
    build_spike,
    perturbed_descriptions,
    relu_descriptions,
    smooth_descriptions,
    spike_descriptions,
)
from properties.descent import families as ngd_enclosed
from properties.descent import followed
from properties.descent import rule as residual_rules
from properties.descent.rule import examples
from properties.descent.strategies import Description, Dial
from properties.engine.claim import Bound, Family, Hypothesis, Verdict, certified, certified_up_to, established, require
from theory.reals import square_root
from theory.theorems import kfac


@dataclass(frozen=True)
class KroneckerRule:
    """The numbers of one theorem on K-FAC, as stated or as a mutant states them."""

    constant_limit: float
    step_limit: StepLimit
    rate: Callable[[float, float, InputNumbers], float]
    """``(eta, C, numbers of X)`` -> factor on ``||r||`` (not squared) of one step."""
    radius: Callable[[float, float, float, InputNumbers], float]
    """``(C, ||r(0)||, sigma^2, numbers of X)`` -> length of the path."""
    full_rank: bool = False
    """Whether rank X = d is among the hypotheses."""
    kinds: tuple[str, ...] = INPUT_KINDS
    dimensions: tuple[int, int] = (1, 4)
    least_constant_tenth: int = 0
    most_constant_tenth: int = 9
    least_step_percent: int = 1
    steps: int = 8
    """How many steps a run takes at most."""

    @property
    def dial(self) -> Dial:
        """Draws C below its limit, and the step size as a share of its limit."""
        return Dial(
            self.constant_limit,
            lambda C: 1.0,
            least_constant_tenth=self.least_constant_tenth,
            most_constant_tenth=self.most_constant_tenth,
            least_step_percent=self.least_step_percent,
            steps=self.steps,
        )

    def limit(self, C: float, numbers: InputNumbers) -> float:
        """The step limit, 0 for inputs whose rank is not certified."""
        return self.step_limit(C, numbers) if numbers.mu_min > 0 else 0.0

    def at(self, instance: KroneckerInstance) -> residual_rules.Rule:
        """The rule with the numbers of the instance's inputs, in balls where eta is one."""
        numbers = InputNumbers.of(instance.bounds)
        exact = InputNumbers(*(arb(value) for value in dataclasses.astuple(numbers)))

        def factor(eta: float, constant: float) -> float:
            return self.rate(eta, constant, exact if isinstance(eta, arb) else numbers)

        def radius(constant: float, residual_norm: float, sigma_squared: float) -> float:
            return self.radius(constant, residual_norm, sigma_squared, exact if isinstance(constant, arb) else numbers)

        def limit(constant: float) -> float:
            return self.limit(constant, exact if isinstance(constant, arb) else numbers)

        return residual_rules.Rule(Dial(self.constant_limit, limit), factor, radius, aim=guaranteed_share)


def hypotheses(rule: KroneckerRule, instance: KroneckerInstance) -> Sequence[Hypothesis]:
    """The rank of X, Conditions K1 and K2 and the step size, each with its margin."""
    certificate, bounds = instance.certificate, instance.bounds
    rank = established("rank X: the computed one is exact", bounds.rank_certified)
    found = [rank, certified("Condition K1: certified lambda_min(H(0)) > 0", certificate.lambda_min)]
    if any(hypothesis.verdict is not Verdict.HOLDS for hypothesis in found):
        return found
    if rule.full_rank:
        found.append(require("rank X = d", float(bounds.rank - instance.inputs.shape[1])))
    limit, where = rule.constant_limit, getattr(certificate, "where", "")
    k2 = certified_up_to(f"Condition K2(C){where}: certified C below {limit:.4g}", limit, certificate.constant)
    if k2.verdict is not Verdict.HOLDS:
        return [*found, k2]
    return [*found, k2, *ngd_enclosed.step_size(rule.at(instance).dial.step_limit, instance)]


def conclusion(rule: KroneckerRule, instance: KroneckerInstance) -> Sequence[Bound]:
    """One-step bounds from each stored iterate, the bound over the run, and the length of the path."""
    return residual_rules.conclusion(rule.at(instance), instance)


def confirm(rule: KroneckerRule, instance: KroneckerInstance, bits: int) -> Sequence[Bound]:
    """The bounds that float64 does not show to hold, again in balls at the working precision."""
    return residual_rules.confirm(rule.at(instance), instance, bits)


def features(instance: KroneckerInstance) -> Sequence[str]:
    """C and flips, the shape of X, its leverage, and whether the paper's step bound is exceeded."""
    numbers, (n, d) = InputNumbers.of(instance.bounds), instance.inputs.shape
    found = [*residual_rules.features(instance), "n > d" if n > d else "n <= d"]
    if instance.bounds.rank < min(n, d):
        found.append("rank X < min(n, d)")
    if numbers.mu_max > 1e5 * numbers.mu_min:
        found.append("kappa_X above 1e5")
    if numbers.h_max > 0.99 and numbers.h_min < 0.9:
        found.append("a leverage score near 1 and others not")
    constant = instance.certificate.constant
    allowed = 0.0 if constant >= 0.5 else kfac.step_limit(constant, mu_min=numbers.mu_min, theorem="T4")
    if instance.eta > allowed:
        found.append("step beyond T4's bound")
    return found


# --- families --------------------------------------------------------------------------------------------------------

Draw = Callable[..., SearchStrategy[Description]]


def _family(
    rule: KroneckerRule, id: str, title: str, draw: Draw, build: Callable[..., Any], *counts: int
) -> Family[KroneckerInstance]:
    return Family(
        id,
        title,
        partial(draw, rule.dial, rule.kinds, rule.dimensions),
        partial(build, dial=rule.dial, limit=rule.limit, **({"tall": True} if rule.full_rank else {})),
        examples(*counts),
    )


def perturbed(rule: KroneckerRule) -> Family[KroneckerInstance]:
    """Family F3."""
    return _family(rule, "F3", "perturbed affine feature maps", perturbed_descriptions, build_perturbed, 30, 90, 1200)


def extremes(rule: KroneckerRule) -> Family[KroneckerInstance]:
    """Family F3 with one leverage score near 1, an ill-conditioned X, or a rank-deficient one; n at least d."""
    kinds = tuple(kind for kind in EXTREME_KINDS if kind in rule.kinds)
    title = "perturbed affine feature maps on extreme inputs"
    narrow = dataclasses.replace(rule, kinds=kinds, dimensions=(2, 4))
    return _family(
        narrow, "F3 extreme", title, perturbed_descriptions, partial(build_perturbed, tall=True), 12, 70, 800
    )


def spikes(rule: KroneckerRule) -> Family[KroneckerInstance]:
    """Family F4."""
    return _family(rule, "F4", "feature maps with spikes", spike_descriptions, build_spike, 25, 70, 900)


def _mild(rule: KroneckerRule, **changes: Any) -> KroneckerRule:
    """No ill-conditioned X on networks: T4's steps of 1e-6 could be decided in balls only, on a wide one in minutes."""
    return dataclasses.replace(rule, kinds=tuple(kind for kind in rule.kinds if kind != "ill-conditioned"), **changes)


def relu_networks(rule: KroneckerRule) -> tuple[Family[KroneckerInstance], ...]:
    """Family F1, for n <= d and n > d: large constants and steps, so that activations flip on the way."""
    flipping = _mild(rule, least_constant_tenth=6, most_constant_tenth=8, least_step_percent=50)
    title = "two-layer ReLU networks with K2's ball certificate"
    tall = partial(relu_descriptions, shapes=TALL_SHAPES)
    return (
        _family(flipping, "F1", title, relu_descriptions, build_relu, 5, 28, 280),
        _family(flipping, "F1 n > d", f"{title}, n > d", tall, build_relu, 5, 28, 280),
    )


def smooth_networks(rule: KroneckerRule) -> Family[KroneckerInstance]:
    """Family F2."""
    title = "two-layer smooth networks with K2-smooth"
    return _family(_mild(rule), "F2", title, smooth_descriptions, build_smooth, 10, 42, 500)


SMALL_SHAPES = ((1, 1), (1, 2), (2, 2), (2, 2), (3, 3), (4, 4), (8, 8), (2, 1), (3, 2))
"""(n, d) of inputs for ball trajectories, n <= d and n > d."""


def networks_in_balls(rule: KroneckerRule) -> tuple[Family[KroneckerInstance], ...]:
    """Followed in balls from the start: everything about them is enclosed."""
    mild = _mild(rule, least_constant_tenth=6, most_constant_tenth=8, least_step_percent=50)
    tall: dict[str, Any] = {"tall": True} if rule.full_rank else {}
    relu = partial(relu_descriptions, mild.dial, mild.kinds, mild.dimensions)
    build = partial(build_relu, dial=rule.dial, limit=rule.limit, **tall)
    smooth = partial(build_smooth, dial=rule.dial, limit=rule.limit, **tall)
    shapes = {"shape": st.sampled_from(SMALL_SHAPES), "kind": st.sampled_from(["equal leverage", "uniform"])}
    return (
        followed.small_networks(relu, build, shapes, (10, 150, 1500)),
        followed.wide_networks(relu, build, (3, 25, 250)),
        followed.smooth_networks(
            partial(smooth_descriptions, mild.dial, mild.kinds, mild.dimensions), smooth, (4, 40, 400)
        ),
    )


def families(rule: KroneckerRule) -> tuple[Family[KroneckerInstance], ...]:
    """Feature maps first: a mutant is refuted by the cheapest family that can."""
    own = (perturbed(rule), extremes(rule), spikes(rule), *relu_networks(rule), smooth_networks(rule))
    return (*own, *networks_in_balls(rule))


# --- the rules -------------------------------------------------------------------------------------------------------


def theorem_rule(theorem: str) -> KroneckerRule:
    """The numbers of T4, T4-lev, T4-sharp or T4-least."""

    def limit(C: float, numbers: InputNumbers) -> float:
        return kfac.step_limit(C, h_max=numbers.h_max, mu_min=numbers.mu_min, theorem=theorem)

    def rate(eta: float, C: float, numbers: InputNumbers) -> float:
        return kfac.rate(eta, C, h_min=numbers.h_min, h_max=numbers.h_max, mu_max=numbers.mu_max, theorem=theorem)

    def radius(C: float, residual_norm: float, sigma_squared: float, numbers: InputNumbers) -> float:
        return kfac.radius(C, residual_norm, sigma_squared, numbers.h_min, numbers.mu_min)

    return KroneckerRule(kfac.constant_limit(theorem), limit, rate, radius, full_rank=theorem == "T4")


T4_RULE = dataclasses.replace(theorem_rule("T4"), kinds=tuple(kind for kind in INPUT_KINDS if kind != "deficient"))
T4_LEV_RULE, T4_SHARP_RULE, T4_LEAST_RULE = (theorem_rule(theorem) for theorem in ("T4-lev", "T4-sharp", "T4-least"))


def _root(value: float) -> float:
    """The factor of a rate ``1 - value``; 0 where it has none."""
    return square_root(1 - value) if value < 1 else 0 * value


def with_rate(
    rule: KroneckerRule, fall: Callable[[float, float, InputNumbers], float], **changes: Any
) -> KroneckerRule:
    """The rule with the rate ``||r(k+1)||^2 <= (1 - fall) ||r(k)||^2``."""
    return dataclasses.replace(rule, rate=lambda eta, C, numbers: _root(fall(eta, C, numbers)), **changes)


def with_limit(rule: KroneckerRule, limit: StepLimit, **changes: Any) -> KroneckerRule:
    """The rule with step sizes at the very end of another limit."""
    return dataclasses.replace(rule, step_limit=limit, **{"least_step_percent": 100, **changes})


def with_radius(rule: KroneckerRule, share: Callable[[float, InputNumbers], float], **changes: Any) -> KroneckerRule:
    """The rule with the path's length ``share ||r(0)||/sigma``."""

    def radius(C: float, residual_norm: float, sigma_squared: float, numbers: InputNumbers) -> float:
        return share(C, numbers) * residual_norm / square_root(sigma_squared)

    return dataclasses.replace(rule, radius=radius, **changes)
