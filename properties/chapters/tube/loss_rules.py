"""The rules of T2-tube and its relatives: their numbers, and the networks and losses on which they are tested."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import strategies as st

from properties.chapters.losses.general_loss_instances import Losses
from properties.chapters.tube.drawn import certified_networks, planted_networks, random_networks, smooth_networks
from properties.chapters.tube.given import GivenTube
from properties.chapters.tube.statement import InTube
from properties.engine.rule import Families
from theory.stability.tube.certificate import TubeCertificate, closed_tube
from theory.stability.tube.loss import LossTube, loss_start
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.theorems import tube_loss

CURVED = ("pseudo-Huber", "logistic", "weighted")
MILD = Losses(kinds=("squared", *CURVED), most_condition=9)
"""kappa up to 5.8."""
HARD = Losses(kinds=CURVED, least_condition=8)
"""kappa from 4.8 to 50."""
WEIGHTED = Losses(kinds=("weighted",))
"""Curvatures mu and L in different directions: the worst case."""
LASTING = dataclasses.replace(WEIGHTED, least_condition=4, most_condition=12, least_tilt=0, most_tilt=0)
"""kappa from 2.2 to 10; where the residual points is the description's."""

WIDE: Any = st.sampled_from([800, 400, 1600])
"""Half widths with which one activation more or less is little beside what a large kappa allows."""

WHOLE: Any = st.just(100)
NONE: Any = st.just(0)
ONE: Any = st.just(1)


def ratio_name(theorem: str) -> str:
    """What is asked of the ratio, in words."""
    return {"T2-tube": "q < 1/(1+kappa)", "T2-tube-q": "q < 2/(1+kappa)", "T2-tube-strong": "q kappa < 1"}[theorem]


def certified(theorem: str) -> Callable[[GivenTube], TubeCertificate]:
    """What the theorem certifies of an instance's network and loss."""

    def certificate(instance: GivenTube) -> TubeCertificate:
        loss = instance.objective
        start = loss_start(instance.net, instance.inputs, loss)
        return closed_tube(RectifierTube(start), LossTube(start, loss.strong_convexity, loss.smoothness, theorem))

    return certificate


def families(theorem: str, rule: InTube) -> Families:
    """Random networks with mild and with hard losses, planted ones, smooth ones, and the tubes of certificates."""
    return (
        certified_networks(rule, "ngd", certified(theorem), (4, 60, 600), "certified", MILD.plan, **MILD.parts()),
        random_networks(rule, "ngd", (8, 100, 1000), "tubes", MILD.plan, **MILD.parts()),
        random_networks(rule, "ngd", (4, 40, 400), "tubes hard", HARD.plan, **{**HARD.parts(), "half_width": WIDE}),
        planted_networks(rule, "ngd", (10, 100, 1000), "planted", WEIGHTED.plan, **WEIGHTED.parts()),
        smooth_networks(rule, "ngd", (3, 30, 300), "smooth", MILD.plan, **MILD.parts()),
    )


def planted(losses: Losses = LASTING, **parts: Any) -> Callable[[InTube], Families]:
    """The worst case, from narrower ranges."""
    return lambda rule: (
        planted_networks(rule, "ngd", (60, 200, 2000), "planted", losses.plan, **{**losses.parts(), **parts}),
    )


def rule_of(theorem: str) -> InTube:
    """The numbers of one of the theorems; mu and L are constants of the loss by its construction, exact as given."""
    return InTube(
        (ratio_name(theorem), lambda at: tube_loss.ratio_limit(at.mu, at.L, theorem) - at.ratio),
        lambda at: tube_loss.step_limit(at.ratio, at.mu, at.L, theorem),
        lambda at: tube_loss.rate(at.eta, at.ratio, at.mu, at.L, theorem),
        lambda at: tube_loss.path_sum(at.residual_norm, at.ratio, at.lambda_min, at.mu, at.L, theorem),
        families=partial(families, theorem),
        worst=planted(),
        ratio_limit=lambda mu, L: tube_loss.ratio_limit(mu, L, theorem),
    )


T2_TUBE_RULE, T2_TUBE_Q_RULE, T2_TUBE_STRONG_RULE = (rule_of(theorem) for theorem in tube_loss.THEOREMS)
