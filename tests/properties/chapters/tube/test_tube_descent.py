"""T0-tube, T2-tube and their relatives: what the families reach, what attains the rates, and what is no hypothesis."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from flint import arb

from properties.chapters.tube.drawn import build_planted, build_random, build_smooth, squared
from properties.chapters.tube.given import GivenTube
from properties.chapters.tube.gradient import CLAIMS as GRADIENT
from properties.chapters.tube.gradient import T0_TUBE, T0_TUBE_RULE, certificate, gamma
from properties.chapters.tube.loss import CLAIMS as LOSSES
from properties.chapters.tube.loss import T2_TUBE_Q
from properties.chapters.tube.loss_rules import LASTING, MILD, T2_TUBE_Q_RULE, certified
from properties.engine.claim import Verdict
from theory.rigour.precision import working_precision

PLANTED: Mapping[str, Any] = {
    "inputs": 2,
    "correlation_percent": 0,
    "active": 6,
    "joint": 0,
    "mirrored": False,
    "vanish": 2,
    "appear": 0,
    "cross": 0,
    "pairs": 1,
    "direction": "lowest",
    "share_percent": 90,
    "step_percent": 50,
    "steps": 4,
    "seed": 3,
}
RANDOM: Mapping[str, Any] = {
    "inputs": 2,
    "dimension": 3,
    "half_width": 200,
    "scale": 1,
    "kind": "uniform",
    "symmetric": False,
    "ratio_tenth": 5,
    "direction": "random",
    "share_percent": 99,
    "step_percent": 60,
    "steps": 6,
    "seed": 5,
}
WEIGHTED: Mapping[str, Any] = {
    "loss": "weighted",
    "condition_step": 6,
    "weight_exponent": 0,
    "saturation_percent": 50,
    "tilt_exponent": 0,
}


def verdicts(claim: Any, instance: GivenTube) -> set[Verdict]:
    with working_precision(256):
        bounds = claim.confirm(instance, 256)
    return {one.verdict for one in (*claim.hypotheses(instance), *bounds)}


def test_gd_loses_exactly_what_vanishes_at_once() -> None:
    """Orthonormal inputs: two of eight active neurons vanish."""
    found = build_planted(T0_TUBE_RULE, "gd", squared, PLANTED)
    at, first = T0_TUBE_RULE.at(found), found.first_balls[0]
    left = first.after / first.before
    assert float(gamma(at) / at.first_eigenvalue) == pytest.approx(6 / 8, rel=1e-9)
    assert float(left) == pytest.approx(float(1 - at.eta * gamma(at)), rel=1e-6)
    assert float(left) > float(1 - at.eta * at.first_eigenvalue)
    assert found.flips == 2
    assert verdicts(T0_TUBE, found) == {Verdict.HOLDS}


def test_ngd_on_a_loss_loses_exactly_the_ratio() -> None:
    d = {**PLANTED, **WEIGHTED, "direction": "first"}
    found = build_planted(T2_TUBE_Q_RULE, "ngd", LASTING.plan, d)
    at, first = T2_TUBE_Q_RULE.at(found), found.first_balls[0]
    assert float(at.L / at.mu) > 3
    assert float(at.ratio) == pytest.approx(2 / 8, rel=1e-9)
    assert float(first.after / first.before) == pytest.approx(float(1 - at.eta * at.mu * (1 - at.ratio)), rel=1e-6)
    assert verdicts(T2_TUBE_Q, found) == {Verdict.HOLDS}


@pytest.mark.parametrize("optimiser", ["gd", "ngd"])
def test_a_random_tube_closes_has_flips_and_is_not_left(optimiser: str) -> None:
    rule, claim, plans, extra = (
        (T0_TUBE_RULE, T0_TUBE, squared, {}) if optimiser == "gd" else (T2_TUBE_Q_RULE, T2_TUBE_Q, MILD.plan, WEIGHTED)
    )
    found = build_random(rule, optimiser, plans, {**RANDOM, "inputs": 1, **extra})
    assert found.flips > 0
    assert verdicts(claim, found) == {Verdict.HOLDS}
    labels = [bound.label for bound in claim.conclusion(found)]
    assert labels[-1] == "max |z_ir(k) - z_ir(0)|/b_i"


@pytest.mark.parametrize("activation", ["softplus", "tanh", "erf", "sin"])
def test_smooth_tubes_close(activation: str) -> None:
    d = {**RANDOM, "half_width": 4, "activation": activation, "steps": 2}
    found = build_smooth(T0_TUBE_RULE, "gd", squared, d)
    assert verdicts(T0_TUBE, found) == {Verdict.HOLDS}


def test_a_residual_beyond_the_tube_is_vacuous() -> None:
    found = build_random(T0_TUBE_RULE, "gd", squared, {**RANDOM, "share_percent": 101})
    assert Verdict.REFUTED in {one.verdict for one in T0_TUBE.hypotheses(found)}


def test_a_number_exactly_at_its_limit_is_no_tube() -> None:
    """An inequality ``>`` whose two sides are equal is refuted: nothing else is looked at then."""
    found = build_random(T0_TUBE_RULE, "gd", squared, RANDOM)
    at_zero = dataclasses.replace(T0_TUBE_RULE, speaks=("gamma > 0", lambda at: 0 * at.eta))
    assert [one.verdict for one in at_zero.hypotheses(found)] == [Verdict.REFUTED]


def test_certificates_are_tubes_of_the_claims() -> None:
    """The certificate of float64 and the numbers in balls, written apart, agree that its tube closes; and by how much it could be narrower."""
    found = build_random(T0_TUBE_RULE, "gd", squared, {**RANDOM, "share_percent": 30})
    known = certificate(found)
    assert known.certified
    tight = dataclasses.replace(found, widths=known.widths)
    assert {one.verdict for one in T0_TUBE.hypotheses(tight)} == {Verdict.HOLDS}
    narrower = dataclasses.replace(found, widths=known.widths * 0.5)
    assert Verdict.REFUTED in {one.verdict for one in T0_TUBE.hypotheses(narrower)}
    for theorem in ("T2-tube", "T2-tube-q", "T2-tube-strong"):
        of_loss = build_random(T2_TUBE_Q_RULE, "ngd", MILD.plan, {**RANDOM, **WEIGHTED, "share_percent": 20})
        assert certified(theorem)(of_loss).certified


def test_the_farthest_pre_activation_is_that_of_the_weights() -> None:
    """GD's first step moves z_ir by ``-eta m^{-1/2} a_r sum_j K_ij A_jr r_j``, whatever its pattern does afterwards."""
    found = build_random(T0_TUBE_RULE, "gd", squared, {**RANDOM, "steps": 2})
    net, X = found.net, found.inputs
    r = net.outputs(X) - found.targets
    moved = found.eta / np.sqrt(net.width) * (X @ X.T) @ (r[:, None] * (net.pre_activations(X) >= 0))
    for i, ball in enumerate(found.first_balls[0].moved):
        assert float(ball) == pytest.approx(np.abs(moved[i]).max(), rel=1e-9)
        assert ball.rad() < arb(1e-9)


@pytest.mark.parametrize("claim", [*GRADIENT, *LOSSES], ids=lambda claim: claim.id)
def test_each_family_is_reached(claim: Any) -> None:
    names = [family.id for family in claim.families]
    assert len(names) == len(set(names))
    assert {"tubes", "planted", "smooth", "certified"} <= set(names)
