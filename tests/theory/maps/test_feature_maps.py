"""Feature maps: rows that do not mix, features as derivatives, K2's constants, and K-FAC steps with their error bounds."""

import math

import numpy as np
import pytest
from flint import arb

from theory.errors import RankDeficientError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.maps.affine import PerturbedAffine, SpikeMap, spike_map
from theory.maps.feature_maps import FeatureMap, certify_features, stacked, stacked_rows
from theory.rigour.feature_step import feature_step, feature_steps_enclosed
from theory.rigour.input_bounds import input_bounds
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.standard_normal((columns, columns)))[0][:rows])


def affine(n: int, m: int, rng: np.random.Generator, amplitude: float = 0.1, mixed: bool = False) -> FeatureMap:
    frequencies = rng.standard_normal((n, m)) if mixed else 0.7 * orthogonal(n, m, rng)
    linear = orthogonal(n, m, rng) * np.linspace(1.0, 2.0, n)[:, None]
    return FeatureMap(PerturbedAffine(linear - amplitude * frequencies, frequencies, amplitude))


def spikes(n: int, m: int, rng: np.random.Generator) -> FeatureMap:
    residuals = rng.uniform(0.2, 1.0, n)
    model = spike_map(0.1, np.ones(n), np.full(n, 0.4), 3, residuals, parameter_rotation=orthogonal(n, m, rng))
    return FeatureMap(model)


MAKERS = {"affine": affine, "spikes": spikes}


@pytest.mark.parametrize("kind", list(MAKERS))
def test_features_are_the_derivatives_of_each_output_in_its_own_row(kind: str) -> None:
    rng = np.random.default_rng(1)
    model = MAKERS[kind](3, 4, rng)
    assert model.width == 4
    Z = 0.05 * rng.standard_normal((3, 4))
    features, step = model.features(Z), 2.0**-20
    for i in range(3):
        for r in range(4):
            moved = Z.copy()
            moved[i, r] += step
            change = (model.outputs(moved) - model.outputs(Z)) / step
            assert change[i] == pytest.approx(features[i, r], abs=1e-5)
            assert np.delete(change, i) == pytest.approx(0.0, abs=1e-12)


def test_stacked_rows_are_block_diagonal() -> None:
    assert stacked_rows(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [[1, 2, 0, 0], [0, 0, 3, 4]]


@pytest.mark.parametrize("mixed", [False, True])
def test_deviation_bounds_the_change_of_features_and_is_reached_for_orthogonal_frequencies(mixed: bool) -> None:
    rng = np.random.default_rng(2)
    model = affine(3, 4, rng, mixed=mixed)
    inputs = normalise_rows(rng.standard_normal((3, 2)))
    start, radius = model.features(np.zeros((3, 4))), 0.9
    bound, reached = model.deviation(radius, 2), 0.0
    for _ in range(200):
        weights = rng.standard_normal((4, 2))
        change = model.features(inputs @ (radius * weights / np.linalg.norm(weights)).T) - start
        reached = max(reached, float(np.linalg.norm(change, 2)))
        assert reached <= bound
    frequencies = model.model.arrays()["Q"]
    lengths = np.linalg.norm(frequencies, axis=1)
    along = np.outer(frequencies[lengths.argmax()] / lengths.max(), inputs[lengths.argmax()])
    attained = float(np.linalg.norm(model.features(radius * inputs @ along.T) - start, 2))
    assert attained <= bound
    if not mixed:
        assert attained == pytest.approx(bound, rel=1e-9)


@pytest.mark.parametrize("kind", list(MAKERS))
def test_rounding_covers_the_difference_from_balls(kind: str) -> None:
    rng = np.random.default_rng(3)
    model = MAKERS[kind](3, 5, rng)
    Z = 0.1 * rng.standard_normal((3, 5))
    with working_precision(200):
        exact = model.lifted()
        balls = np.array([[arb(z) for z in row] for row in Z.tolist()], dtype=object)
        outputs = [float(a - arb(b)) for a, b in zip(exact.outputs(balls), model.outputs(Z).tolist(), strict=True)]
        features = exact.features(balls) - np.array([[arb(s) for s in row] for row in model.features(Z).tolist()])
    output_error, features_error = model.rounding(Z)
    assert np.linalg.norm(outputs) <= output_error < 1e-12
    assert np.linalg.norm([[float(s) for s in row] for row in features]) <= features_error < 1e-12


def test_certificate_follows_the_definitions_of_K1_and_K2() -> None:
    rng = np.random.default_rng(4)
    inputs = normalise_rows(rng.standard_normal((5, 2)))
    model, targets = affine(5, 6, rng), rng.standard_normal(5)
    geometry = InputGeometry.of(inputs)
    found = certify_features(model, geometry, targets)
    sigma = float(np.linalg.svd(model.features(np.zeros((5, 6))))[1][-1])
    h_min = float(np.diag(inputs @ np.linalg.pinv(inputs)).min())
    mu_min = float(np.linalg.svd(inputs)[1][-1] ** 2)
    radius = 3 * float(np.linalg.norm(targets)) / (sigma * math.sqrt(h_min * mu_min))
    assert found.lambda_min == pytest.approx(sigma**2, rel=1e-12)
    assert found.lambda_min <= sigma**2 * (1 + gamma(20))
    assert found.radius == pytest.approx(radius, rel=1e-11)
    assert found.radius >= radius * (1 - gamma(20))
    assert found.constant == pytest.approx(3 * model.deviation(radius, 2) / sigma, rel=1e-11)


def test_nothing_is_certified_for_dependent_features_or_an_undecided_rank() -> None:
    rng = np.random.default_rng(5)
    inputs = InputGeometry.of(normalise_rows(rng.standard_normal((2, 2))))
    twice = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    dependent = FeatureMap(PerturbedAffine(twice, np.eye(2, 3), 0.0))
    found = certify_features(dependent, inputs, np.ones(2))
    assert found.lambda_min <= 0
    assert found.radius == found.constant == math.inf
    with pytest.raises(RankDeficientError):
        feature_step(dependent, inputs, input_bounds(inputs), np.zeros((2, 3)), np.ones(2), 0.5)
    nearly = InputGeometry.of(np.array([[1.0, 1e-17, 0.0], [0.6, 0.8, 0.0], [0.8, 0.6, 1e-17]]))
    undecided = certify_features(affine(3, 3, rng), nearly, np.ones(3))
    assert undecided.lambda_min > 0
    assert undecided.radius == undecided.constant == math.inf


def dense_step(model: FeatureMap, inputs: FloatArray, Z: FloatArray, targets: FloatArray, eta: float) -> FloatArray:
    """``-eta ((S^T S)^+ (x) (X^T X)^+) J^T r`` in parameters, moved to pre-activations."""
    features = model.features(Z)
    jacobian = np.array([np.kron(s, x) for s, x in zip(features, inputs, strict=True)])
    left = np.linalg.pinv(features.T @ features, rtol=1e-12)
    right = np.linalg.pinv(inputs.T @ inputs, rtol=1e-12)
    update = np.kron(left, right) @ jacobian.T @ (model.outputs(Z) - targets)
    return np.asarray(Z - eta * inputs @ update.reshape(model.width, -1).T)


@pytest.mark.parametrize("kind", list(MAKERS))
@pytest.mark.parametrize(("n", "d", "zeros"), [(4, 2, 0), (3, 3, 0), (2, 4, 0), (4, 2, 1)])
def test_a_step_is_the_dense_kronecker_step_and_its_errors_cover_the_balls(
    kind: str, n: int, d: int, zeros: int
) -> None:
    rng = np.random.default_rng(6)
    inputs = np.hstack([normalise_rows(rng.standard_normal((n, d))), np.zeros((n, zeros))])
    model, targets = MAKERS[kind](n, n + 1, rng), rng.uniform(-1.0, -0.2, n)
    geometry = InputGeometry.of(inputs)
    Z = 0.02 * rng.standard_normal((n, n + 1))
    moved, step = feature_step(model, geometry, input_bounds(geometry), Z, targets, 0.4)
    assert np.abs(moved - dense_step(model, inputs, Z, targets, 0.4)).max() <= 1e-10
    residual = np.diag(model.outputs(Z) - targets)
    weights = -0.4 * np.linalg.pinv(model.features(Z)) @ residual @ np.linalg.pinv(inputs).T
    assert step.length == pytest.approx(float(np.linalg.norm(weights)), rel=1e-10)
    assert step.before == pytest.approx(float(np.linalg.norm(model.outputs(Z) - targets)), rel=1e-13)
    assert step.after == pytest.approx(float(np.linalg.norm(model.outputs(moved) - targets)), rel=1e-12)
    assert step.before == pytest.approx(float(np.linalg.norm(step.residual)), rel=1e-14)
    assert step.after == pytest.approx(float(np.linalg.norm(step.moved_residual)), rel=1e-14)
    with working_precision(200):
        exact = feature_steps_enclosed(model, inputs, Z, targets, 0.4)[0]
        assert abs(float(exact.before - arb(step.before))) <= step.before_error < 1e-12
        assert abs(float(exact.after - arb(step.after))) <= step.after_error < 1e-10
        assert abs(float(exact.length - arb(step.length))) <= step.length_error < 1e-10


def test_a_ball_trajectory_follows_the_stored_iterates() -> None:
    rng = np.random.default_rng(7)
    inputs, model, targets = normalise_rows(rng.standard_normal((4, 2))), affine(4, 5, rng), rng.standard_normal(4)
    geometry = InputGeometry.of(inputs)
    bounds, Z, after, lengths = input_bounds(geometry), np.zeros((4, 5)), [], []
    for _ in range(4):
        Z, step = feature_step(model, geometry, bounds, Z, targets, 0.9)
        after.append(step.after)
        lengths.append(step.length)
    with working_precision(200):
        steps = feature_steps_enclosed(model, inputs, np.zeros((4, 5)), targets, 0.9, 4)
    assert [float(step.after) for step in steps] == pytest.approx(after, rel=1e-10)
    assert [float(step.length) for step in steps] == pytest.approx(lengths, rel=1e-10)


@pytest.mark.parametrize("kind", list(MAKERS))
def test_each_output_sees_its_own_row_alone(kind: str) -> None:
    model = MAKERS[kind](3, 5, np.random.default_rng(8))
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


@pytest.mark.parametrize("kind", list(MAKERS))
def test_certificates_are_those_of_the_dense_numbers(kind: str) -> None:
    model = MAKERS[kind](3, 5, np.random.default_rng(8))
    rows = normalise_rows(np.random.default_rng(1).standard_normal((3, 2)))
    targets = -np.array([0.04, 0.03, 0.02])
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
