"""What claims on probabilities, tubes and balls conclude is what their statements say: here without the functions that they take it from.

A conclusion that is weaker by a factor is seen by no mutant. Rates and radii have nearest instances instead (test_tightness.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from properties import registry
from properties.chapters.generalisation import linearisation, tube, uniform_deviation, variance_deviation
from properties.chapters.kernels import concentration_chernoff, concentration_hoeffding, concentration_relative
from properties.chapters.stability import pattern_stability, stability_ball
from properties.chapters.stability.stability_instances import BallInstance, build_ball
from properties.chapters.width import flip_probability, initial_residual
from properties.descent.random_networks import RandomNetwork
from properties.engine.claim import Bound, Verdict, as_float
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.rounding import gamma
from theory.stability.flips import input_flip_counts


def said(id: str, instance: Any) -> Sequence[Bound]:
    """What a claim concludes of an instance that meets its hypotheses."""
    assert all(one.verdict is Verdict.HOLDS for one in registry[id].hypotheses(instance)), id
    return registry[id].conclusion(instance)


def predictions(id: str, instance: Any) -> list[float]:
    return [one.predicted for one in said(id, instance)]


TUBE = {"inputs": 2, "root_width": 12, "near": False, "share_percent": 100, "step_percent": 70, "steps": 3, "seed": 3}


@pytest.mark.parametrize("within", [0, 5])
def test_the_tube_s_conclusions(within: int) -> None:
    found = tube.build({**TUBE, "within": within})
    g, eta, m = as_float(found.ratio), 0.7, len(found.network.signs)
    assert (g > 0) is (within > 0)
    G = np.array([[as_float(entry) for entry in row] for row in found.network.gram.tolist()])
    X = np.array([[as_float(entry) for entry in row] for row in found.network.inputs.tolist()])
    r = np.array([as_float(entry) for entry in found.network.residual.entries()])
    form, smallest = r @ np.linalg.solve(G, r), np.linalg.eigvalsh(G)[0]
    mu = g / (1 - g)
    motion = np.linalg.norm(X, 2) ** 2 * form / (m * smallest * (1 - 2 * g) ** 2)
    together = form * (1 - g) / (1 - 2 * g) ** 2
    expected = [[(1 - eta * (1 - mu)) ** (2 * k) * (r @ r), motion, together] for k in (1, 2, 3)]
    assert predictions("T5-tube", found) == pytest.approx([one for step in expected for one in step], rel=1e-6)


def test_tubes_are_used_up_and_their_bounds_attained() -> None:
    """With the largest residual for which the tube closes; one input, g = 0, one whole step."""
    found = tube.build({**TUBE, "within": 0, "inputs": 1, "step_percent": 100, "steps": 1})
    assert found.ratio == 0
    assert 1 - 1e-9 < as_float(found.squared_motion(found.ratio) / found.tube**2) <= 1
    assert [one.ratio for one in said("T5-tube", found)[1:]] == pytest.approx([1.0, 1.0], abs=1e-6)
    wide = tube.build({**TUBE, "within": 5})
    assert 1 - 1e-9 < as_float(wide.squared_motion(wide.ratio) / wide.tube**2) <= 1


HALF, TENTH = fmpq(1, 2), fmpq(1, 10)


def test_probabilities_are_compared_with_the_stated_ones() -> None:
    population = uniform_deviation.FinitePopulation((fmpq(1), fmpq(2)), (fmpq(0), fmpq(1)), 12, 4, HALF)
    assert predictions("T5-uniform", population) == [0.5]
    deviation = variance_deviation.BinomialDeviation(200, fmpq(1, 5), fmpq(3))
    assert predictions("K-bernstein", deviation) == pytest.approx([math.exp(-3)], rel=1e-12)
    shares = concentration_relative.RelativeShares(2, 600, True, fmpq(7, 10), TENTH)
    beta = 1 - 0.7 + 0.7 * math.log(0.7)
    assert predictions("K-relative", shares) == pytest.approx([2 * math.exp(-beta * 600 / 2), 0.1], rel=1e-12)
    pair = concentration_hoeffding.Pair(np.array([[1.0, 0.0], [0.0, 1.0]]), 80, 16, False)
    t = pair.count / 80 - 0.25
    assert t > 0.2
    assert predictions("K-hoeffding", pair) == pytest.approx([2 * math.exp(-2 * 80 * t**2)], rel=1e-9)
    chernoff = concentration_chernoff.Shares(False, 2, 600, False)
    beta = 1 - 0.75 + 0.75 * math.log(0.75)
    assert predictions("K-chernoff", chernoff) == pytest.approx([2 * math.exp(-beta * 600 / 2)], rel=1e-9)
    residual = initial_residual.ResidualInstance(RandomNetwork(np.eye(1), 1), np.array([0.5]), 0.2)
    assert predictions("R0", residual)[1] == pytest.approx(0.2, rel=1e-12)


def test_a_neuron_flips_as_often_as_stated() -> None:
    assert predictions("C2-prob", flip_probability.OneNeuron(2, 1.0, 0.3, 0.9)) == pytest.approx([0.3], rel=1e-12)


def test_the_margins_of_a_gaussian() -> None:
    p = math.sqrt(2 / math.pi) * 0.5 / 3
    expected = [p, 0.5 * p / 2, 0.25 * p / 3]
    assert predictions("T5-margin", linearisation.GaussianMargin(HALF, fmpq(3))) == pytest.approx(expected, rel=1e-12)


BALL = {"kind": "uniform", "inputs": 3, "dimension": 2, "width": 4, "symmetric": False, "flips": 3, "seed": 5}


def test_mutants_of_a_ball_s_bounds_change_one_thing_in_the_bound() -> None:
    """With the costs, the radius, the counts and the norm as they are, they state the certificate's own bound."""
    instance = build_ball(BALL, enumerable=True)
    whole = build_ball(BALL, enumerable=True, condition="K2")
    found, features, counts = (
        instance.certificate,
        whole.certificate,
        input_flip_counts(instance.costs, instance.radius),
    )
    assert found.frobenius > 0
    assert stability_ball.frobenius_of(instance, instance.costs, instance.radius) == found.frobenius
    assert stability_ball.spectral_of(instance, counts.max()) == found.spectral
    assert stability_ball.spectral_of(instance, counts.max(), 1.0) < found.spectral
    assert pattern_stability._weighted(whole, whole.costs, whole.radius) == features.spectral
    assert pattern_stability._joint(whole, whole.costs, whole.radius) == features.frobenius


@pytest.mark.parametrize("condition", ["2", "K2"])
def test_a_bound_just_below_the_exact_supremum_is_refuted(condition: str) -> None:
    instance = build_ball(BALL, enumerable=True, condition=condition)
    supremum = instance.enumerated.supremum
    assert supremum > 0
    for factor, verdict in ((1 + 1e-9, Verdict.HOLDS), (1 - 1e-6, Verdict.REFUTED)):
        claimed = factor * supremum
        bounds = stability_ball.Certificate(lambda _, claimed=claimed: claimed).conclusion(instance)  # type: ignore[misc]
        (found,) = [one.verdict for one in bounds if one.label.startswith("exact supremum of ||")]
        assert found is verdict


def test_for_one_input_the_suprema_on_either_side_of_the_radius_are_told() -> None:
    """Weights -3 and -4 of four flip for 9 + 16 = 25: one flip for a radius just below 5, two just above; ``||J - J(0)||^2 = k/4``."""
    net = TwoLayerNetwork(np.array([[-3.0], [-4.0], [7.0], [8.0]]), np.ones(4))
    instance = BallInstance(net, np.eye(1), 5.0, 0, enumerable=True)
    larger, smaller = stability_ball.single_bounds(0.6, instance)
    assert (larger.measured, larger.predicted) == pytest.approx((0.6, math.sqrt(2 / 4)), rel=gamma(1000))
    assert (smaller.measured, smaller.predicted) == pytest.approx(
        (math.sqrt(1 / 4), instance.attack[0]), rel=gamma(1000)
    )
    verdicts = {bound: stability_ball.single_bounds(bound, instance)[0].verdict for bound in (0.5, 0.7, 0.708)}
    assert verdicts == {0.5: Verdict.HOLDS, 0.7: Verdict.HOLDS, 0.708: Verdict.REFUTED}
