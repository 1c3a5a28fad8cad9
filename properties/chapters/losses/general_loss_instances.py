"""Families of T2 and T2-q: maps and networks with losses of every kind and condition number."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.losses.general_loss_rules import RuleOf
from properties.descent import followed
from properties.descent.instances import LossInstance
from properties.descent.losses import KINDS, LossPlan, Misstatement
from properties.descent.rule import examples
from properties.descent.strategies import (
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
from properties.engine.claim import Family

CONDITION_STEPS = 20
"""Condition numbers are ``50^(k/20)``, k = 0 to 20, and at least 1.1 where they cannot be 1."""


@dataclass(frozen=True)
class Losses:
    """Which losses are drawn, and what is misstated about them."""

    kinds: tuple[str, ...] = KINDS
    least_condition: int = 0
    most_condition: int = CONDITION_STEPS
    least_tilt: int = -3
    most_tilt: int = 3
    least_outputs: int = 1
    """Of maps: with one output a weighted loss has kappa = 1."""
    misstatement: Misstatement | None = None
    """What a mutant says about them."""

    def parts(self) -> Mapping[str, SearchStrategy[Any]]:
        """Parts of a description."""
        return {
            "loss": st.sampled_from(self.kinds),
            "condition_step": st.sampled_from(range(self.least_condition, self.most_condition + 1)),
            "weight_exponent": st.integers(-2, 2),
            "saturation_percent": st.integers(10, 95),
            "tilt_exponent": st.integers(self.least_tilt, self.most_tilt),
        }

    def range(self) -> str:
        """The condition numbers, for the title of a family."""
        least, most = (50.0 ** (step / CONDITION_STEPS) for step in (self.least_condition, self.most_condition))
        return f", kappa {least:.2g} to {most:.2g}"

    def plan(self, description: Description) -> LossPlan:
        """The loss that the description asks for."""
        kappa = 50.0 ** (description["condition_step"] / CONDITION_STEPS)
        return LossPlan(
            kind=description["loss"],
            condition=max(kappa, 1.1) if description["loss"] in ("pseudo-Huber", "logistic") else kappa,
            least_weight=2.0 ** description["weight_exponent"],
            saturation=description["saturation_percent"] / 100,
            tilt=10.0 ** description["tilt_exponent"],
            misstatement=self.misstatement,
        )


ALL = Losses()
CURVED = ("pseudo-Huber", "logistic", "weighted")
MILD = Losses(kinds=CURVED, most_condition=9)
HARD = Losses(kinds=CURVED, least_condition=10, least_outputs=2)
"""kappa up to 5.8 and from 7.1: searched apart, as a search settles where it finds the tightest ratio first."""


class _Builder(Protocol):
    def __call__(self, description: Description, dial: Dial, plan: LossPlan) -> LossInstance: ...


def _build(build: _Builder, outputs: str, rule: RuleOf, losses: Losses, description: Description) -> LossInstance:
    plan = losses.plan(description)
    return build(description, rule(*plan.curvatures(description[outputs])).dial, plan)


def perturbed_affine(rule: RuleOf, losses: Losses = ALL, id: str = "F3") -> Family[LossInstance]:
    """Family F3."""
    outputs = st.integers(losses.least_outputs, 4)
    return Family(
        id,
        f"perturbed affine maps{losses.range()}",
        lambda: perturbed_affine_descriptions(rule(1.0, 1.0).dial, **losses.parts(), outputs=outputs),
        partial(_build, build_perturbed_affine, "outputs", rule, losses),
        examples(14, 62, 800),
    )


def spikes(rule: RuleOf, losses: Losses = ALL, id: str = "F4") -> Family[LossInstance]:
    """Family F4: the worst slopes, and curvatures mu and L in different directions."""
    weighted = dataclasses.replace(losses, kinds=("weighted",))
    directions = st.integers(losses.least_outputs, 3)
    return Family(
        id,
        f"spike maps with weighted losses{losses.range()}",
        lambda: spike_descriptions(rule(1.0, 1.0).dial, **weighted.parts(), directions=directions),
        partial(_build, build_spike, "directions", rule, weighted),
        examples(12, 50, 650),
    )


def relu_networks(rule: RuleOf) -> Family[LossInstance]:
    """Family F1: kappa at most 11, so that C allows flips on the way."""
    losses = Losses(kinds=CURVED, most_condition=12)

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
        examples(4, 16, 180),
    )


def smooth_networks(rule: RuleOf) -> Family[LossInstance]:
    """Family F2."""
    losses = Losses(kinds=(*CURVED, "squared"))
    return Family(
        "F2",
        "two-layer smooth networks with C2-smooth",
        lambda: smooth_descriptions(rule(1.0, 1.0).dial, **losses.parts()),
        partial(_build, build_smooth, "inputs", rule, losses),
        examples(8, 40, 450),
    )


def networks_in_balls(rule: RuleOf) -> tuple[Family[LossInstance], ...]:
    """Followed in balls from the start: everything about them is enclosed."""
    losses = Losses(kinds=CURVED, most_condition=12)
    dial = dataclasses.replace(
        rule(1.0, 1.0).dial, least_constant_tenth=6, most_constant_tenth=8, least_step_percent=50
    )
    relu = partial(relu_descriptions, dial, **losses.parts())
    build = partial(_build, build_relu, "inputs", rule, losses)
    smooth = partial(smooth_descriptions, dial, **losses.parts())
    return (
        followed.wide_networks(relu, build, (3, 25, 250)),
        followed.smooth_networks(smooth, partial(_build, build_smooth, "inputs", rule, losses), (6, 110, 1000)),
    )


def families(rule: RuleOf) -> tuple[Family[LossInstance], ...]:
    """Maps with mild and with hard losses, and networks."""
    return (
        perturbed_affine(rule, MILD),
        perturbed_affine(rule, HARD, "F3-hard"),
        spikes(rule, MILD),
        spikes(rule, HARD, "F4-hard"),
        relu_networks(rule),
        smooth_networks(rule),
        *networks_in_balls(rule),
    )
