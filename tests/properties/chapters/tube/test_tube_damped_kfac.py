"""T4-damped-tube: its numbers against the optimiser itself, what takes damping out again, and that one tube serves every eps_S."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from properties.chapters.tube.damped_kfac import RULE, T4_DAMPED_TUBE
from properties.chapters.tube.kronecker import KroneckerTubeNetwork, dampings, exact_leverage
from properties.chapters.tube.kronecker_families import build_drawn, build_planned
from properties.chapters.tube.kronecker_rule import CLOSES
from properties.engine.claim import Bound, Verdict
from theory.descent.damped_kfac import DampedKroneckerFactored
from theory.descent.steps import FunctionSpaceDescent
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.precision import working_precision
from theory.stability import certify_tube
from theory.theorems import tube_kfac

BITS = 128
DRAWN: Mapping[str, Any] = {
    "inputs": 3,
    "dimension": 2,
    "kind": "uniform",
    "half_width": 128,
    "symmetric": False,
    "direction": "random",
    "ratio_percent": 70,
    "step_percent": 100,
    "steps": 5,
    "form": "neuron",
    "seed": 3,
    "damping": (0.3, 0.2),
}


def planned(damping: tuple[float, float], **changes: Any) -> KroneckerTubeNetwork:
    usual = {"plan": "single", "fixed": 8, "flipping": 4, "step_percent": 100, "steps": 4, "form": "plain"}
    return build_planned({**usual, "damping": damping, **changes})


def checked(instance: KroneckerTubeNetwork) -> list[Bound]:
    """The bounds of an instance all of whose hypotheses and bounds hold."""
    assert {one.verdict for one in T4_DAMPED_TUBE.hypotheses(instance)} == {Verdict.HOLDS}
    assert T4_DAMPED_TUBE.confirm is not None
    with working_precision(2 * BITS):
        bounds = [*T4_DAMPED_TUBE.conclusion(instance), *T4_DAMPED_TUBE.confirm(instance, 2 * BITS)]
    assert {one.verdict for one in bounds} == {Verdict.HOLDS}
    return bounds


def ratio(bounds: list[Bound], start: str) -> float:
    return next(one.ratio for one in bounds if one.label.startswith(start))


def test_leverage_with_damping_is_that_of_fractions() -> None:
    scores = exact_leverage(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), 0.5)
    assert scores == [fmpq(2, 5), fmpq(2, 5), fmpq(2, 3)]


@pytest.mark.parametrize("form", ["plain", "neuron"])
@pytest.mark.parametrize("damping", [(0.3, 0.0), (0.0, 0.2), (3.0, 0.5)])
def test_the_run_is_that_of_the_optimiser_and_within_its_tube(damping: tuple[float, float], form: str) -> None:
    instance = build_drawn({**DRAWN, "damping": damping, "form": form})
    eps_S, eps_X = dampings(instance.optimiser)
    assert (eps_S > 0, eps_X) == (damping[0] > 0, damping[1])
    state = FunctionSpaceDescent(instance.net, instance.inputs, instance.targets)
    start = state.pre_activations.copy()
    for motion in instance.first_run.moved:
        state.advance(instance.eta, DampedKroneckerFactored(eps_S, eps_X))
        moved = np.abs(state.pre_activations - start)
        enclosed = np.array([[abs(float(one)) for one in row] for row in motion.ways])[:, motion.group]
        assert np.abs(enclosed - moved).max() <= 1e-7 * moved.max()
    checked(instance)


def test_without_damping_it_is_T4_tube() -> None:
    damped, plain = build_drawn({**DRAWN, "damping": (0.0, 0.0)}), build_drawn({**DRAWN, "damping": None})
    assert plain.optimiser == "kfac"
    bounds = [checked(one) for one in (damped, plain)]
    assert [one.ratio for one in bounds[0]] == [one.ratio for one in bounds[1]]


def test_one_input_nearly_attains_the_rate_with_little_damping_and_not_with_more() -> None:
    """``1 - c/(c+beta+eps)`` of ``1 - eta theta``, the product of ``c/(c+beta)`` and ``c/(c+eps)``."""
    little, much = checked(planned((1e-6, 0.0))), checked(planned((1.0, 0.0)))
    label = "||r(1)|| <= factor ||r(0)||"
    assert ratio(little, label) > 0.999
    left = 1 - (8 / 12) / (1 + 1)  # eps_S = sigma^2 = 1, c = 8/12, beta = 4/12
    assert ratio(much, label) == pytest.approx(left / (1 - (2 / 3) * (8 / 12) / (8 / 12 + 1)), rel=1e-3)


def test_one_tube_serves_every_eps_S() -> None:
    """With one width an input b does not depend on it, where ``n^{1/2}/sigma_b^2`` is less than ``m^{1/2}/sigma_b``."""
    wide = {"dimension": 3, "kind": "orthogonal", "form": "plain", "damping": (0.0, 0.2)}
    plain = build_drawn({**DRAWN, **wide})
    with working_precision(BITS):
        assert plain.tube.lambda_min * plain.net.width > len(plain.inputs)
        first = [float(one) for one in RULE.needed(plain.tube, "plain")]
        for eps_S in (1e-3, 0.1, 10.0, 1e4):
            chosen = DampedKroneckerFactored(eps_S, 0.2).name
            other = dataclasses.replace(plain, optimiser=chosen)
            assert [float(one) for one in RULE.needed(other.tube, "plain")] == pytest.approx(first, rel=1e-9)
            checked(other)


def test_theta_is_what_the_statement_says() -> None:
    with working_precision(BITS):
        found = tube_kfac.damped_contraction(arb(1) / 4, arb(2), arb(1))
        assert abs(1 - found - arb(3) / 4 * 2 / 3) < arb(2) ** -100
        at = build_drawn(DRAWN).tube
        theta = (1 - at.ratio) * at.lambda_min / (at.lambda_min + at.eps_S)
        assert abs(at.contraction - (1 - theta)) < arb(2) ** -60


@pytest.mark.parametrize("eps", [0.0, 0.02, 0.2])
def test_a_pair_s_width_is_that_of_the_statement(eps: float) -> None:
    """From the certificate's own S, D_N and sigma_b^2, and from the pairs that may flip within the widths that it hands out."""
    rng = np.random.default_rng(2)
    inputs, m = np.eye(2), 4000
    net = TwoLayerNetwork.initialise(m, 2, 60.0, rng, symmetric=True)
    found = certify_tube(net, inputs, np.array([1.0, -1.0]), "kfac", damping=(eps, 0.0))
    assert found.certified
    z, b = net.pre_activations(inputs), found.widths
    active, flips = (z >= 0).astype(float), (np.abs(z) <= b).sum(axis=0)
    assert flips.max() > 0
    q = np.linalg.solve(active @ active.T / m + eps * np.eye(2), active)
    moved = np.sqrt(flips) + np.linalg.norm(found.bounds.gram_change @ np.abs(q), axis=0)
    least, path = float(found.lambda_min), float(found.path_sum)
    solutions = np.linalg.norm(q, axis=0) + moved / (least + eps)
    solutions = np.minimum(solutions, min(np.sqrt(2) / (least + eps), np.sqrt(m / least)))
    needed = np.sqrt(1 / m) * path * solutions  # h is 1
    assert (b >= needed * (1 - 1e-6)).all()  # products are in float32
    np.testing.assert_allclose(b, np.broadcast_to(needed, b.shape), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("per_neuron", [False, True])
def test_certificates_are_tubes_of_the_claim(per_neuron: bool) -> None:
    form = "neuron" if per_neuron else "plain"
    found = build_drawn({**DRAWN, "ratio_percent": 30, "form": form})
    known = certify_tube(found.net, found.inputs, found.targets, found.optimiser, per_neuron=per_neuron)
    pair = dampings(found.optimiser)
    again = certify_tube(found.net, found.inputs, found.targets, "kfac", damping=pair, per_neuron=per_neuron)
    assert known.certified
    assert known.contraction == again.contraction
    tight = dataclasses.replace(found, widths=np.array(known.widths))
    checked(tight)
    with working_precision(BITS):
        assert float(known.contraction) >= float(tight.tube.contraction) * (1 - 1e-9)
    narrower = dataclasses.replace(found, widths=np.array(known.widths) * 0.5)
    verdicts = {one.name: one.verdict for one in T4_DAMPED_TUBE.hypotheses(narrower)}
    assert verdicts[CLOSES] is Verdict.REFUTED
