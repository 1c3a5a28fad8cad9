"""What the claims on K-FAC's residual are tested on: conditions, and families by the kind of inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st

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
from properties.descent import followed, rule
from properties.descent.families import FLIPPING, Build, Draw, examples
from properties.descent.numbers import Numbers
from properties.descent.rule import Rule
from properties.engine.claim import Family, Hypothesis, Verdict, certified, established, require, technical
from properties.engine.rule import Families
from theory.theorems import kfac


def conditions(instance: KroneckerInstance) -> list[Hypothesis]:
    """The computed rank of X is exact, and Condition K1."""
    return [
        technical(established("rank X: the computed one is exact", instance.bounds.rank_certified)),
        certified("Condition K1: certified lambda_min(H(0)) > 0", instance.certificate.lambda_min),
    ]


def conditions_of_full_rank(instance: KroneckerInstance) -> list[Hypothesis]:
    """The same, and rank X = d."""
    found = conditions(instance)
    if all(one.verdict is Verdict.HOLDS for one in found):
        found.append(require("rank X = d", float(instance.bounds.rank - instance.inputs.shape[1])))
    return found


def features(instance: KroneckerInstance) -> Sequence[str]:
    """C and flips, the shape of X, its leverage, and whether the paper's step bound is exceeded."""
    numbers, (n, d) = InputNumbers.of(instance.bounds), instance.inputs.shape
    found = [*rule.features(instance), "n > d" if n > d else "n <= d"]
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


@dataclass(frozen=True)
class Inputs:
    """Which inputs are drawn."""

    kinds: tuple[str, ...] = INPUT_KINDS
    dimensions: tuple[int, int] = (1, 4)
    tall: bool = False
    """Whether there are at least as many as dimensions."""

    def without(self, kind: str) -> Inputs:
        """All but one kind."""
        return dataclasses.replace(self, kinds=tuple(one for one in self.kinds if one != kind))

    @property
    def mild(self) -> Inputs:
        """No ill-conditioned X on networks: T4's steps of 1e-6 could be decided in balls only, on a wide one in minutes."""
        return self.without("ill-conditioned")


TALL = Inputs(tall=True).without("deficient")
"""T4's, of full rank."""


def limit_of(said: Rule) -> StepLimit:
    """The step limit as a function of C and of what is known of the inputs; 0 where their rank is not certified."""
    return lambda C, numbers: said.step_limit(Numbers(numbers, C=C)) if numbers.mu_min > 0 else 0.0


def drawn(said: Rule, inputs: Inputs, draw: Draw, **narrower: Any) -> Draw:
    """The descriptions of a rule with such inputs."""
    return partial(draw, dataclasses.replace(said, **narrower).dial(), inputs.kinds, inputs.dimensions)


def built(said: Rule, inputs: Inputs, build: Build) -> Build:
    """What is built of them, with a share of the limit for a step size."""
    return partial(build, dial=said.dial(), limit=limit_of(said), tall=inputs.tall)


def _family(
    said: Rule, inputs: Inputs, id: str, title: str, draw: Draw, build: Build, *counts: int, **narrower: Any
) -> Family[KroneckerInstance]:
    return Family(id, title, drawn(said, inputs, draw, **narrower), built(said, inputs, build), examples(*counts))


def perturbed(said: Rule, inputs: Inputs = Inputs()) -> Family[KroneckerInstance]:
    """Family F3."""
    title = "perturbed affine feature maps"
    return _family(said, inputs, "F3", title, perturbed_descriptions, build_perturbed, 30, 90, 1200)


def extremes(said: Rule, inputs: Inputs = Inputs()) -> Family[KroneckerInstance]:
    """Family F3 with one leverage score near 1, an ill-conditioned X, or a rank-deficient one; n at least d."""
    title, kinds = (
        "perturbed affine feature maps on extreme inputs",
        tuple(kind for kind in EXTREME_KINDS if kind in inputs.kinds),
    )
    extreme = Inputs(kinds, (2, 4), tall=True)
    return _family(said, extreme, "F3 extreme", title, perturbed_descriptions, build_perturbed, 12, 70, 800)


def spikes(said: Rule, inputs: Inputs = Inputs()) -> Family[KroneckerInstance]:
    """Family F4."""
    return _family(said, inputs, "F4", "feature maps with spikes", spike_descriptions, build_spike, 25, 70, 900)


def relu_networks(said: Rule, inputs: Inputs = Inputs()) -> Families:
    """Family F1, for n <= d and n > d: large constants and steps, so that activations flip on the way."""
    title = "two-layer ReLU networks with K2's ball certificate"
    tall = partial(relu_descriptions, shapes=TALL_SHAPES)
    return (
        _family(said, inputs.mild, "F1", title, relu_descriptions, build_relu, 5, 28, 280, **FLIPPING),
        _family(said, inputs.mild, "F1 n > d", f"{title}, n > d", tall, build_relu, 5, 28, 280, **FLIPPING),
    )


def smooth_networks(said: Rule, inputs: Inputs = Inputs()) -> Family[KroneckerInstance]:
    """Family F2."""
    title = "two-layer smooth networks with K2-smooth"
    return _family(said, inputs.mild, "F2", title, smooth_descriptions, build_smooth, 10, 42, 500)


SMALL_SHAPES = ((1, 1), (1, 2), (2, 2), (2, 2), (3, 3), (4, 4), (8, 8), (2, 1), (3, 2))
"""(n, d) of inputs for ball trajectories, n <= d and n > d."""


def networks_in_balls(said: Rule, inputs: Inputs = Inputs()) -> Families:
    """Followed in balls from the start: everything about them is enclosed."""
    relu, build = drawn(said, inputs.mild, relu_descriptions, **FLIPPING), built(said, inputs, build_relu)
    smooth = drawn(said, inputs.mild, smooth_descriptions, **FLIPPING)
    shapes = {"shape": st.sampled_from(SMALL_SHAPES), "kind": st.sampled_from(["equal leverage", "uniform"])}
    return (
        followed.small_networks(relu, build, shapes, (10, 150, 1500)),
        followed.wide_networks(relu, build, (3, 25, 250)),
        followed.smooth_networks(smooth, built(said, inputs, build_smooth), (4, 40, 400)),
    )


def families(inputs: Inputs) -> Callable[[Rule], Families]:
    """Feature maps first: a mutant is refuted by the cheapest family that can."""
    return lambda said: (
        *(perturbed(said, inputs), extremes(said, inputs), spikes(said, inputs)),
        *(*relu_networks(said, inputs), smooth_networks(said, inputs)),
        *networks_in_balls(said, inputs),
    )


def maps(inputs: Inputs, spiked: bool = True) -> Callable[[Rule], Families]:
    """Families of mutants: spikes first, as they are the worst case; they end too early for small steps."""
    return lambda said: (*((spikes(said, inputs),) if spiked else ()), perturbed(said, inputs))
