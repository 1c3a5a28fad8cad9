"""Instances of T2 and T2-q: the rule of a loss's constants, and the families with their losses."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.claim import Bound, Family, Hypothesis
from properties.claims import ngd as claims
from properties.claims.ngd import Rule, examples
from properties.instances import LossInstance
from properties.losses import KINDS, LossPlan
from properties.strategies import (
    Description,
    Dial,
    build_perturbed_affine,
    build_relu,
    build_smooth,
    build_spike,
    perturbed_affine_descriptions,
    relu_descriptions,
    smooth_descriptions,
    spike_descriptions,
)
from theory.losses import Loss

RuleOf = Callable[[float, float], Rule]
"""``(mu, L)`` -> the numbers of a theorem for such losses."""


def hypotheses(rule: RuleOf, instance: LossInstance) -> Sequence[Hypothesis]:
    """Conditions 1 and 3 and the step size; mu and L are constants of the loss by its construction."""
    return claims.hypotheses(_rule_at(rule, instance), instance)


def conclusion(rule: RuleOf, instance: LossInstance) -> Sequence[Bound]:
    """One-step bounds from each stored iterate, the bound over the run, and the length of the path."""
    return claims.conclusion(_rule_at(rule, instance), instance)


def confirm(rule: RuleOf, instance: LossInstance, bits: int) -> Sequence[Bound]:
    """The same in balls; mu and L are exact as given: the theorem holds for every pair that the loss satisfies."""
    return claims.confirm(_rule_at(rule, instance), instance, bits)


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


# --- families --------------------------------------------------------------------------------------------------------

CONDITION_STEPS = 20
"""Condition numbers are ``50^(k/20)``, k = 0 to 20, and at least 1.1 where they cannot be 1."""


@dataclass(frozen=True)
class Losses:
    """Which losses are drawn, and what is stated about them."""

    kinds: tuple[str, ...] = KINDS
    least_condition: int = 0
    most_condition: int = CONDITION_STEPS
    least_tilt: int = -3
    most_tilt: int = 3
    least_outputs: int = 1
    """Of spike maps: with one output a weighted loss has kappa = 1."""
    stated: Callable[[Loss], Loss] = lambda loss: loss

    def parts(self) -> Mapping[str, SearchStrategy[Any]]:
        """Parts of a description."""
        return {
            "loss": st.sampled_from(self.kinds),
            "condition_step": st.integers(self.least_condition, self.most_condition),
            "weight_exponent": st.integers(-2, 2),
            "saturation_percent": st.integers(10, 95),
            "tilt_exponent": st.integers(self.least_tilt, self.most_tilt),
        }

    def plan(self, description: Description) -> LossPlan:
        """The loss that the description asks for."""
        kappa = 50.0 ** (description["condition_step"] / CONDITION_STEPS)
        return LossPlan(
            kind=description["loss"],
            condition=max(kappa, 1.1) if description["loss"] in ("pseudo-Huber", "logistic") else kappa,
            least_weight=2.0 ** description["weight_exponent"],
            saturation=description["saturation_percent"] / 100,
            tilt=10.0 ** description["tilt_exponent"],
            stated=self.stated,
        )


ALL = Losses()


class _Builder(Protocol):
    def __call__(self, description: Description, dial: Dial, plan: LossPlan) -> LossInstance: ...


def _build(build: _Builder, outputs: str, rule: RuleOf, losses: Losses, description: Description) -> LossInstance:
    plan = losses.plan(description)
    return build(description, rule(*plan.curvatures(description[outputs])).dial, plan)


def perturbed_affine(rule: RuleOf, losses: Losses = ALL) -> Family[LossInstance]:
    """Family F3."""
    return Family(
        "F3",
        "perturbed affine maps",
        lambda: perturbed_affine_descriptions(rule(1.0, 1.0).dial, **losses.parts()),
        partial(_build, build_perturbed_affine, "outputs", rule, losses),
        examples(30, 180, 2000),
    )


def spikes(rule: RuleOf, losses: Losses = ALL) -> Family[LossInstance]:
    """Family F4: the worst slopes, and curvatures mu and L in different directions."""
    weighted = dataclasses.replace(losses, kinds=("weighted",))
    directions = st.integers(losses.least_outputs, 3)
    return Family(
        "F4",
        "spike maps with weighted losses",
        lambda: spike_descriptions(rule(1.0, 1.0).dial, **weighted.parts(), directions=directions),
        partial(_build, build_spike, "directions", rule, weighted),
        examples(25, 120, 1500),
    )


def relu_networks(rule: RuleOf) -> Family[LossInstance]:
    """Family F1: kappa at most 11, so that C allows flips on the way."""
    losses = Losses(most_condition=12)

    def descriptions() -> SearchStrategy[Description]:
        dial = dataclasses.replace(
            rule(1.0, 1.0).dial, least_constant_tenth=6, most_constant_tenth=8, least_step_percent=50
        )
        return relu_descriptions(dial, **losses.parts())

    return Family(
        "F1",
        "two-layer ReLU networks with a ball certificate",
        descriptions,
        partial(_build, build_relu, "inputs", rule, losses),
        examples(4, 20, 200),
    )


def smooth_networks(rule: RuleOf, losses: Losses = ALL) -> Family[LossInstance]:
    """Family F2."""
    return Family(
        "F2",
        "two-layer smooth networks with C2-smooth",
        lambda: smooth_descriptions(rule(1.0, 1.0).dial, **losses.parts()),
        partial(_build, build_smooth, "inputs", rule, losses),
        examples(10, 60, 600),
    )
