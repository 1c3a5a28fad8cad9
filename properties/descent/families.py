"""Families F1 to F4 of a rule on residuals, and networks followed in balls; chapters with other maps or inputs have their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis.strategies import SearchStrategy

from properties.descent import followed
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
from properties.engine.claim import Depth, Family
from properties.engine.rule import Families

Draw = Callable[..., SearchStrategy[Description]]
Build = Callable[..., Any]

FLIPPING = {"least_constant_tenth": 6, "most_constant_tenth": 8, "least_step_percent": 50}
"""Large constants and steps, so that activations flip on the way."""


def examples(quick: int, normal: int, thorough: int) -> dict[Depth, int]:
    """How many descriptions are drawn at each depth."""
    return {Depth.QUICK: quick, Depth.NORMAL: normal, Depth.THOROUGH: thorough}


def drawn(rule: Rule, draw: Draw, **narrower: Any) -> Draw:
    """The descriptions of a rule, from ``narrower`` ranges."""
    return partial(draw, dataclasses.replace(rule, **narrower).dial(), **rule.parts)


def built(rule: Rule, build: Build) -> Callable[[Description], Any]:
    """The instance of a description, turned as the rule says."""
    return lambda description: rule.turned(rule, build(description, dial=rule.dial()), description)


def family(
    rule: Rule, id: str, title: str, draw: Draw, build: Build, counts: tuple[int, int, int], **narrower: Any
) -> Family[Any]:
    """What a rule draws, and what is made of it."""
    return Family(id, title, drawn(rule, draw, **narrower), built(rule, build), examples(*counts))


def perturbed_affine(rule: Rule, counts: tuple[int, int, int] = (40, 260, 3000)) -> Family[Any]:
    """Family F3."""
    return family(rule, "F3", "perturbed affine maps", perturbed_affine_descriptions, build_perturbed_affine, counts)


def spikes(rule: Rule) -> Family[Any]:
    """Family F4."""
    return family(rule, "F4", "spike maps", spike_descriptions, build_spike, (25, 120, 1500))


def relu_networks(rule: Rule, counts: tuple[int, int, int] = (12, 110, 800), **narrower: Any) -> Family[Any]:
    """Family F1."""
    title = "two-layer ReLU networks with a ball certificate"
    return family(rule, "F1", title, relu_descriptions, build_relu, counts, **(narrower or FLIPPING))


def smooth_networks(rule: Rule, counts: tuple[int, int, int] = (15, 100, 1000)) -> Family[Any]:
    """Family F2."""
    return family(rule, "F2", "two-layer smooth networks with C2-smooth", smooth_descriptions, build_smooth, counts)


def networks_in_balls(rule: Rule, **narrower: Any) -> Families:
    """Followed in balls from the start: everything about them is enclosed; from stored weights where all steps are spoken of."""
    relu, build = drawn(rule, relu_descriptions, **(narrower or FLIPPING)), built(rule, build_relu)
    smooth = drawn(rule, smooth_descriptions), built(rule, build_smooth)
    return (
        followed.small_networks(relu, build, followed.UP_TO_EIGHT_INPUTS, (10, 130, 1300)),
        followed.smooth_networks(*smooth, (4, 40, 400)),
        *((followed.wide_networks(relu, build, (3, 25, 250)),) if rule.first_steps is None else ()),
    )


def usual(rule: Rule) -> Families:
    """F3 first: a mutant is refuted by the cheapest family that can."""
    own = (perturbed_affine(rule), spikes(rule), relu_networks(rule), smooth_networks(rule))
    return (*own, *networks_in_balls(rule))


def maps(rule: Rule) -> Families:
    """Spike maps first, as they are the worst case."""
    return spikes(rule), perturbed_affine(rule)
