"""K-FAC's models with a known stability constant and their steps, against dense matrices and balls."""

import math

import numpy as np
import pytest
from flint import arb

from theory.feature_maps import FeatureMap, certify_features, stacked, stacked_rows
from theory.geometry import InputGeometry
from theory.inputs import FloatArray, normalise_rows
from theory.maps import PerturbedAffine, SpikeMap, spike_map
from theory.rigour.feature_step import feature_step, feature_steps_enclosed
from theory.rigour.input_bounds import input_bounds
from theory.rigour.precision import working_precision


def waves(n: int = 3, m: int = 5, seed: int = 0) -> FeatureMap:
    rng = np.random.default_rng(seed)
    return FeatureMap(PerturbedAffine(2 * rng.standard_normal((n, m)), rng.standard_normal((n, m)), 0.2))


def spikes() -> FeatureMap:
    return FeatureMap(spike_map(0.1, np.ones(3), 0.5, 3, np.array([0.4, 0.3, 0.2]), 2.0**-10))


def inputs(n: int = 3, d: int = 2, seed: int = 1) -> FloatArray:
    return normalise_rows(np.random.default_rng(seed).standard_normal((n, d)))


MODELS = [waves(), spikes()]


def test_rows_are_stacked_along_the_diagonal() -> None:
    assert stacked_rows(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [[1, 2, 0, 0], [0, 0, 3, 4]]


@pytest.mark.parametrize("model", MODELS)
def test_each_output_sees_its_own_row_alone(model: FeatureMap) -> None:
    Z = np.random.default_rng(2).standard_normal((3, model.width))
    for i in range(3):
        assert model.outputs(Z)[i] == pytest.approx(model.model.outputs(Z[i])[i], rel=1e-13)
        assert model.features(Z)[i] == pytest.approx(model.model.jacobian(Z[i])[i], rel=1e-13)
    both = stacked(model.model)
    assert both.parameters == 3 * model.width
    assert np.linalg.norm(both.jacobian(Z.ravel())) == pytest.approx(
        float(np.linalg.norm(model.features(Z))), rel=1e-13
    )
    assert isinstance(both, SpikeMap | PerturbedAffine)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("n", "d"), [(3, 2), (3, 3), (3, 5)])
def test_a_step_is_the_dense_one_and_within_its_error_of_the_balls(model: FeatureMap, n: int, d: int) -> None:
    rows = inputs(n, d)
    geometry = InputGeometry.of(rows)
    bounds, targets, Z = input_bounds(geometry), -np.array([0.4, 0.3, 0.2]), np.zeros((3, model.width))
    for _ in range(2):
        moved, step = feature_step(model, geometry, bounds, Z, targets, 0.5)
        residual, features = model.outputs(Z) - targets, model.features(Z)
        # dW = -eta S^+ diag(r) X^{+T}, all dense
        weights = -0.5 * np.linalg.pinv(features) @ np.diag(residual) @ np.linalg.pinv(rows).T
        assert moved == pytest.approx(Z + rows @ weights.T, abs=1e-12)
        assert step.length == pytest.approx(float(np.linalg.norm(weights)), rel=1e-11)
        assert step.before == pytest.approx(float(np.linalg.norm(residual)), rel=1e-13)
        assert step.after == pytest.approx(float(np.linalg.norm(model.outputs(moved) - targets)), rel=1e-13)
        assert max(step.before_error, step.after_error, step.length_error) < 1e-10
        with working_precision(200):
            exact = feature_steps_enclosed(model, rows, Z, targets, 0.5)[0]
            assert abs(float(exact.before - arb(step.before))) <= step.before_error
            assert abs(float(exact.after - arb(step.after))) <= step.after_error
            assert abs(float(exact.length - arb(step.length))) <= step.length_error
        Z = moved


def test_a_ball_trajectory_goes_on_from_its_own_iterates() -> None:
    model, rows, targets = waves(), inputs(3, 2), -np.array([0.4, 0.3, 0.2])
    geometry = InputGeometry.of(rows)
    with working_precision(200):
        whole = feature_steps_enclosed(model, rows, np.zeros((3, 5)), targets, 0.5, 3)
    Z = np.zeros((3, 5))
    for exact in whole:
        Z, step = feature_step(model, geometry, input_bounds(geometry), Z, targets, 0.5)
        assert float(exact.after) == pytest.approx(step.after, rel=1e-11)
        assert float(exact.length) == pytest.approx(step.length, rel=1e-11)


@pytest.mark.parametrize("model", MODELS)
def test_certificates_are_those_of_the_dense_numbers(model: FeatureMap) -> None:
    rows, targets = inputs(3, 2), -np.array([0.04, 0.03, 0.02])
    found = certify_features(model, InputGeometry.of(rows), targets)
    features = model.features(np.zeros((3, model.width)))
    smallest = float(np.linalg.svd(features, compute_uv=False)[-1]) ** 2
    assert found.lambda_min <= smallest == pytest.approx(found.lambda_min, rel=1e-10)
    leverage = float(np.diag(rows @ np.linalg.pinv(rows)).min())
    radius = 3 * math.sqrt(0.0029) / math.sqrt(smallest * leverage) / float(np.linalg.svd(rows)[1][-1])
    assert found.radius >= radius == pytest.approx(found.radius, rel=1e-9)
    expected = 3 * model.model.deviation(radius) / math.sqrt(smallest)
    assert found.constant == pytest.approx(expected, rel=1e-6)
    assert found.constant > 0


def test_without_condition_k1_nothing_is_certified() -> None:
    model = FeatureMap(PerturbedAffine(np.ones((2, 3)), np.zeros((2, 3)), 0.0))
    found = certify_features(model, InputGeometry.of(np.eye(2)), np.ones(2))
    assert found.lambda_min <= 0
    assert found.radius == found.constant == math.inf
