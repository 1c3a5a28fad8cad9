"""Condition K2's scale: sigma^2 from exact patterns, the radius' eigenvalue, and what stands in for X."""

import math

import numpy as np
import pytest
from flint import fmpq

from theory.errors import ChoiceError, NotFiniteError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.network.gram import exact_pattern, gram_eigenvalue_bounds, pattern_gram_eigenvalue_bounds
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import pseudo_inverse, rational, rational_matrix
from theory.rigour.input_bounds import input_bounds
from theory.stability import ball_changes, certify_ball, change_bounds
from theory.stability.conditions import condition_scale, factor_rows, known_condition
from theory.stability.crossings import Crossings, few_on_one_neuron
from theory.stability.patterns import largest_eigenvalue_at_most


def problem(
    seed: int, n: int = 4, d: int = 3, m: int = 30, activation: str = "relu"
) -> tuple[TwoLayerNetwork, FloatArray]:
    rng = np.random.default_rng(seed)
    return TwoLayerNetwork.initialise(m, d, 1.0, rng, activation=activation), normalise_rows(
        rng.standard_normal((n, d))
    )


@pytest.mark.parametrize("seed", range(6))
def test_sigma_squared_encloses_the_smallest_eigenvalue_of_the_exact_pattern_gram(seed: int) -> None:
    net, rows = problem(seed)
    pattern = exact_pattern(net, rows)
    gram = rational_matrix(pattern @ pattern.T) * fmpq(1, net.width)
    below, above = pattern_gram_eigenvalue_bounds(net, rows)
    assert largest_eigenvalue_at_most(-gram, -rational(below))
    assert not largest_eigenvalue_at_most(-gram, -rational(above) - rational(2.0**-60))
    assert above - below <= 1e-13
    assert below <= gram_eigenvalue_bounds(net, rows)[0] + 1e-12  # K-schur: lambda_S <= lambda_0, here for H and G


@pytest.mark.parametrize("activation", ["softplus", "tanh", "erf", "sin"])
def test_sigma_squared_of_smooth_features_encloses_the_computed_one(activation: str) -> None:
    net, rows = problem(1, activation=activation)
    below, above = pattern_gram_eigenvalue_bounds(net, rows)
    computed = float(np.linalg.svd(net.pattern_features(rows))[1][-1] ** 2)
    assert below <= computed <= above
    assert above - below <= 1e-11


@pytest.mark.parametrize("seed", range(4))
def test_the_radius_eigenvalue_is_sigma_squared_times_h_min_times_mu_min(seed: int) -> None:
    net, rows = problem(seed, n=5, d=2)
    scale = condition_scale("K2", net, rows)
    exact = rational_matrix(rows)
    projection = exact * pseudo_inverse(exact)
    h_min = min(float(int(projection[i, i].p) / int(projection[i, i].q)) for i in range(5))
    mu_min = float(np.linalg.svd(rows)[1][-1] ** 2)
    sigma_squared = float(np.linalg.eigvalsh(net.pattern_gram(rows))[0])
    assert scale.lambda_min == pattern_gram_eigenvalue_bounds(net, rows)
    below, above = scale.radius_eigenvalue
    assert below <= sigma_squared * h_min * mu_min * (1 + 1e-13)
    assert above >= sigma_squared * h_min * mu_min * (1 - 1e-13)
    regular = sigma_squared > 2.0**-40  # seed 0: two inputs have the same pattern, and nothing above 0 is certified
    assert below == pytest.approx(sigma_squared * h_min * mu_min if regular else 0.0, rel=1e-10, abs=0)
    assert above == pytest.approx(below, rel=1e-10)
    jacobian = condition_scale("2", net, rows)
    assert jacobian.lambda_min == jacobian.radius_eigenvalue == gram_eigenvalue_bounds(net, rows)


def test_default_radius_of_K2_is_the_definition_s_rounded_up() -> None:
    net, rows = problem(2, n=5, d=2, m=200)
    y = np.random.default_rng(9).standard_normal(5)
    found = certify_ball(net, rows, y, condition="K2")
    bounds = input_bounds(InputGeometry.of(rows))
    sigma_squared = float(np.linalg.eigvalsh(net.pattern_gram(rows))[0])
    unit = math.sqrt(sigma_squared * bounds.h_min[0] * bounds.smallest_eigenvalue[0])
    radius = 3 * float(np.linalg.norm(net.outputs(rows) - y)) / unit
    assert found.radius == pytest.approx(radius, rel=1e-10)
    assert found.radius >= radius
    best = change_bounds(net, rows, radius, "K2").best
    assert found.constant == pytest.approx(3 * best / math.sqrt(sigma_squared), rel=1e-10)
    assert found.method.startswith("K2-")


def test_without_a_certified_rank_K2_has_no_radius_and_no_constant() -> None:
    net = TwoLayerNetwork.initialise(40, 3, 1.0, np.random.default_rng(0))
    nearly = np.array([[1.0, 1e-17, 0.0], [0.6, 0.8, 0.0], [0.8, 0.6, 1e-17]])
    found = certify_ball(net, nearly, np.ones(3), condition="K2")
    assert found.lambda_min > 0
    assert found.radius == found.constant == math.inf
    assert certify_ball(net, nearly, np.ones(3), condition="K2", radius=0.1).constant < math.inf


def test_certificates_of_a_hand_worked_network_for_K2() -> None:
    # z = (1, 1; -1, -1; 3, 5): both inputs of neurons 0 and 1 flip at cost 1 each (nearly parallel inputs)
    rows = normalise_rows(np.array([[1.0, 0.0], [1.0, 1e-9]]))
    net = TwoLayerNetwork(np.array([[1.0, 0.0], [-1.0, 0.0], [9.0, 9.0], [9.0, -9.0]]), np.ones(4))
    bounds = change_bounds(net, rows, 1.5, "K2")
    # budget 2.25 buys both neurons, two flips each: #flips = 4, and each input collects 2 + 2
    assert bounds.frobenius == pytest.approx(math.sqrt(4 / 4), rel=1e-12)
    assert bounds.spectral == pytest.approx(math.sqrt(4 / 4), rel=1e-12)
    apart = change_bounds(net, np.eye(2), 1.5, "K2")
    # now input 0 flips in neurons 0 and 1 at cost 1, input 1 at cost 0 there: one neuron flips both
    assert apart.best <= bounds.best
    exact = ball_changes(net, rows, 1.5).of_features()
    assert exact.at_most(bounds.spectral)
    assert exact.supremum == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("seed", range(15))
def test_K2_certificates_are_above_sampled_weights_and_the_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, rows = problem(seed, n=3, d=2, m=4)
    radius = float(rng.uniform(0.2, 2.0))
    bounds, exact = change_bounds(net, rows, radius, "K2"), ball_changes(net, rows, radius).of_features()
    assert exact.at_most(bounds.frobenius)
    assert exact.at_most(bounds.spectral)
    assert bounds.spectral <= bounds.frobenius * (1 + 1e-12)
    for _ in range(50):
        step = rng.standard_normal((4, 2))
        moved = TwoLayerNetwork(net.weights + 0.999999 * radius * step / np.linalg.norm(step), net.signs)
        change = float(np.linalg.norm(moved.pattern_features(rows) - net.pattern_features(rows), 2))
        assert change <= exact.supremum * (1 + 1e-12)


@pytest.mark.parametrize("activation", ["softplus", "tanh", "erf", "sin"])
def test_smooth_bound_of_K2_is_above_sampled_changes(activation: str) -> None:
    rng = np.random.default_rng(3)
    net, rows = problem(3, activation=activation)
    bound = change_bounds(net, rows, 0.4, "K2")
    assert bound.method == "K2-smooth"
    assert bound.smooth == change_bounds(net, rows, 0.4).smooth
    for _ in range(50):
        step = rng.standard_normal(net.weights.shape)
        moved = TwoLayerNetwork(net.weights + 0.4 * step / np.linalg.norm(step), net.signs, activation)
        change = moved.pattern_features(rows) - net.pattern_features(rows)
        assert np.linalg.norm(change, 2) <= bound.smooth


def test_ones_stand_in_for_the_inputs_and_names_are_checked() -> None:
    rows = np.eye(3, 4)
    assert factor_rows("2", rows) is rows
    assert factor_rows("K2", rows).tolist() == [[1.0]] * 3
    assert [known_condition(name) for name in ("2", "K2")] == ["2", "K2"]
    for function in (lambda: factor_rows("K1", rows), lambda: condition_scale("", *problem(0))):
        with pytest.raises(ChoiceError, match="unknown condition"):
            function()


def test_crossings_of_one_neuron_are_counted_between_positions() -> None:
    start = np.array([[1.0, 1.0, -1.0], [2.0, 1.0, 1.0], [4.0, 1.0, 1.0]])
    end = np.array([[-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])
    crossings = Crossings.between(start, end)  # times 1/2 (twice), 2/3, 4/5; three of them of neuron 0
    assert len(crossings) == 4
    assert crossings.counts_by_neuron(0, 4) == 3
    assert crossings.counts_by_neuron(2, 4) == 2
    assert crossings.counts_by_neuron(3, 4) == 1
    assert crossings.counts_by_neuron(2, 2) == 0


def test_few_flips_of_one_neuron_replace_the_norm_of_the_inputs_when_that_is_smaller() -> None:
    assert few_on_one_neuron(5.0, 1.5, 2) == 3.0
    assert few_on_one_neuron(5.0, 1.5, 4) == 5.0
    rng = np.random.default_rng(0)
    for _ in range(50):
        rows = normalise_rows(rng.standard_normal((4, 3)))
        change = rng.integers(-1, 2, (4, 5)).astype(float)
        counts = np.abs(change)
        square = float(np.linalg.eigvalsh(rows @ rows.T * (change @ change.T))[-1])
        share = few_on_one_neuron(float(np.linalg.norm(rows, 2) ** 2), 1.0, int(counts.sum(axis=0).max()))
        assert square <= share * counts.sum(axis=1).max() * (1 + 1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_targets_whose_squares_overflow_are_named(activation: str) -> None:
    net = TwoLayerNetwork.initialise(40, 2, 1.0, np.random.default_rng(0), activation=activation)
    for size in (1e154, 1e200, 1.7e308):
        for condition in ("2", "K2"):
            with pytest.raises(NotFiniteError, match="squared norm of the residual"):
                certify_ball(net, np.eye(2), np.full(2, size), condition=condition)
