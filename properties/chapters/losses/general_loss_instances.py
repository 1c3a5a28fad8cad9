"""Families of T2 and T2-q: maps and networks with losses of every kind and condition number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent import followed
from properties.descent.families import FLIPPING, Build, Draw, examples
from properties.descent.instances import LossInstance
from properties.descent.losses import KINDS, LossPlan, Misstatement
from properties.descent.numbers import Numbers
from properties.descent.rule import Rule
from properties.descent.strategies import (
    Description,
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
from properties.engine.rule import Families

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


def _family(
    rule: Rule,
    losses: Losses,
    id: str,
    title: str,
    draw: Draw,
    build: Build,
    sized: tuple[str, int | None],
    counts: tuple[int, int, int],
    **narrower: Any,
) -> Family[LossInstance]:
    """``sized``: which part of a description is the number of outputs, and, for maps, the most of them."""
    outputs, most = sized
    size = {} if most is None else {outputs: st.integers(losses.least_outputs, most)}
    return Family(
        id,
        title,
        partial(_drawn(rule, losses, draw, **narrower), **size),
        _built(rule, losses, build, outputs),
        examples(*counts),
    )


def _drawn(rule: Rule, losses: Losses, draw: Draw, **narrower: Any) -> Draw:
    """The tenths and percents of the rule, whatever the loss."""
    dial = dataclasses.replace(rule, **narrower).dial(Numbers(mu=1.0, L=1.0))
    return partial(draw, dial, **losses.parts())


def _built(rule: Rule, losses: Losses, build: Build, outputs: str) -> Callable[[Description], LossInstance]:
    """What is built of a description with the loss that it asks for, and the rule's limits for that."""

    def made(description: Description) -> LossInstance:
        plan = losses.plan(description)
        mu, L = plan.curvatures(description[outputs])
        found: LossInstance = build(description, rule.dial(Numbers(mu=mu, L=L)), plan)
        return found

    return made


def perturbed_affine(rule: Rule, losses: Losses = ALL, id: str = "F3") -> Family[LossInstance]:
    """Family F3."""
    title, draw, build = f"perturbed affine maps{losses.range()}", perturbed_affine_descriptions, build_perturbed_affine
    return _family(rule, losses, id, title, draw, build, ("outputs", 4), (14, 62, 800))


def spikes(rule: Rule, losses: Losses = ALL, id: str = "F4") -> Family[LossInstance]:
    """Family F4: the worst slopes, and curvatures mu and L in different directions."""
    weighted, title = (
        dataclasses.replace(losses, kinds=("weighted",)),
        f"spike maps with weighted losses{losses.range()}",
    )
    return _family(rule, weighted, id, title, spike_descriptions, build_spike, ("directions", 3), (12, 50, 650))


def networks(rule: Rule) -> Families:
    """Families F1 and F2, and those followed in balls; kappa at most 11, so that C allows flips on the way."""
    mild, any_loss = Losses(kinds=CURVED, most_condition=12), Losses(kinds=(*CURVED, "squared"))
    one, size = "two-layer ReLU networks with a ball certificate", ("inputs", None)
    two = "two-layer smooth networks with C2-smooth"
    return (
        _family(rule, mild, "F1", one, relu_descriptions, build_relu, size, (4, 16, 180), **FLIPPING),
        _family(rule, any_loss, "F2", two, smooth_descriptions, build_smooth, size, (8, 40, 450)),
        followed.wide_networks(
            _drawn(rule, mild, relu_descriptions, **FLIPPING), _built(rule, mild, build_relu, "inputs"), (3, 25, 250)
        ),
        followed.smooth_networks(
            _drawn(rule, mild, smooth_descriptions, **FLIPPING),
            _built(rule, mild, build_smooth, "inputs"),
            (6, 110, 1000),
        ),
    )


def families(rule: Rule) -> Families:
    """Maps with mild and with hard losses, and networks."""
    return (
        perturbed_affine(rule, MILD),
        perturbed_affine(rule, HARD, "F3-hard"),
        spikes(rule, MILD),
        spikes(rule, HARD, "F4-hard"),
        *networks(rule),
    )


def spiked(losses: Losses) -> Callable[[Rule], Families]:
    """The worst case of mutants: spikes with these losses."""
    return lambda rule: (spikes(rule, losses),)


def perturbed(losses: Losses) -> Callable[[Rule], Families]:
    """Where the loss itself is misstated: any map will do."""
    return lambda rule: (perturbed_affine(rule, losses),)
