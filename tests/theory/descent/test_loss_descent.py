"""Descent on general losses: steps against differences and dense oracles, error bounds against balls, Condition 3."""

from functools import partial

import numpy as np
import pytest
from flint import arb

from theory.descent.steps import FunctionSpaceDescent, gradient_step, kfac_step, natural_gradient_step, trajectory
from theory.errors import ChoiceError, ShapeError, SignError
from theory.inputs import FloatArray, normalise_rows
from theory.losses import LogisticLoss, LossMaker, PseudoHuberLoss, SquaredLoss, WeightedSquaredLoss
from theory.maps.affine import ParameterMap, PerturbedAffine, certify_map, spike_map
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import map_steps_enclosed
from theory.rigour.one_step import map_step, network_step
from theory.rigour.precision import working_precision
from theory.rigour.trajectory import network_steps_enclosed
from theory.stability import certify_ball

MAKERS: list[LossMaker] = [
    SquaredLoss,
    partial(WeightedSquaredLoss, weights=np.array([0.25, 4.0, 1.5])),
    partial(PseudoHuberLoss, ridge=0.3, scale=0.5),
    partial(LogisticLoss, ridge=0.1),
]
KINDS = ["squared", "weighted", "pseudo-Huber", "logistic"]
LABELS = np.array([1.0, -1.0, 1.0])
STEPS = {"ngd": natural_gradient_step, "kfac": kfac_step, "gd": gradient_step}


def problem(seed: int, activation: str = "tanh", width: int = 60) -> tuple[TwoLayerNetwork, FloatArray]:
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(width, 4, 1.3, rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((3, 4)))


def output_gradient(maker: LossMaker, outputs: FloatArray) -> FloatArray:
    """By central differences of the value: off by about 1e-9."""
    loss, h = maker(LABELS), 1e-6
    moves = h * np.eye(len(outputs))
    return np.array([(loss.value(outputs + move) - loss.value(outputs - move)) / (2 * h) for move in moves])


@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
def test_steps_are_the_dense_ones_for_the_gradient_of_the_loss(maker: LossMaker) -> None:
    net, inputs = problem(0)
    jacobian, features = net.jacobian(inputs), net.pattern_features(inputs)
    gradient = output_gradient(maker, net.outputs(inputs))
    fisher = np.kron(np.linalg.pinv(features.T @ features, rtol=1e-10), np.linalg.pinv(inputs.T @ inputs, rtol=1e-10))
    directions = {
        "ngd": np.linalg.lstsq(jacobian, gradient)[0],
        "kfac": fisher @ jacobian.T @ gradient,
        "gd": jacobian.T @ gradient,
    }
    for optimiser, step in STEPS.items():
        moved = step(net, inputs, LABELS, 0.3, loss=maker)
        dense = net.weights - 0.3 * directions[optimiser].reshape(net.weights.shape)
        assert np.abs(moved.weights - dense).max() <= 1e-7


@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
def test_gradient_step_descends_the_loss_of_the_network(maker: LossMaker) -> None:
    """Against differences of the loss in the weights themselves."""
    net, inputs = problem(1, width=4)
    loss, h = maker(LABELS), 1e-6
    moved = gradient_step(net, inputs, LABELS, 0.1, loss=maker)
    for index in np.ndindex(net.weights.shape):
        values = []
        for sign in (1, -1):
            weights = net.weights.copy()
            weights[index] += sign * h
            values.append(loss.value(TwoLayerNetwork(weights, net.signs, "tanh").outputs(inputs)))
        slope = (values[0] - values[1]) / (2 * h)
        assert (net.weights - moved.weights)[index] == pytest.approx(0.1 * slope, abs=1e-8)


@pytest.mark.parametrize("optimiser", list(STEPS))
@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
def test_function_space_is_parameter_space(maker: LossMaker, optimiser: str) -> None:
    net, inputs = problem(2, "relu", 400)
    found = trajectory(net, inputs, LABELS, 0.2, 3, optimiser, parameters=True, loss=maker)
    minimiser, walker = maker(LABELS).minimiser, net
    norms, lengths = [np.linalg.norm(net.outputs(inputs) - minimiser)], []
    for _ in range(3):
        moved = STEPS[optimiser](walker, inputs, LABELS, 0.2, loss=maker)
        lengths.append(np.linalg.norm(moved.weights - walker.weights))
        walker = moved
        norms.append(np.linalg.norm(walker.outputs(inputs) - minimiser))
    assert found.weights is not None
    assert np.abs(found.weights - walker.weights).max() <= 1e-11
    assert np.abs(found.residual_norms - norms).max() <= 1e-11
    assert np.abs(found.step_norms - lengths).max() <= 1e-11


@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
def test_state_tells_outputs_residual_and_gradient_apart(maker: LossMaker) -> None:
    net, inputs = problem(3)
    state, loss = FunctionSpaceDescent(net, inputs, LABELS, loss=maker), maker(LABELS)
    assert np.abs(state.outputs - net.outputs(inputs)).max() <= 1e-15
    assert np.array_equal(state.residual, state.outputs - loss.minimiser)
    assert np.array_equal(state.output_gradient, loss.gradient(state.outputs))
    if maker is SquaredLoss:
        assert np.array_equal(state.output_gradient, state.residual)
    before = state.output_gradient.copy()
    state.advance(0.3, "gd")
    assert state.coefficients is not None
    assert np.array_equal(state.coefficients, before)


@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("optimiser", list(STEPS))
def test_error_bounds_of_a_network_s_step_contain_the_difference_from_balls(
    maker: LossMaker, activation: str, optimiser: str
) -> None:
    for seed in range(2):
        net, inputs = problem(seed, activation)
        loss = maker(LABELS)
        state = FunctionSpaceDescent(net, inputs, LABELS, loss=maker)
        for _ in range(2):
            before = state.pre_activations.copy()
            step = network_step(state, 0.2, optimiser)
            with working_precision(160):
                exact = network_steps_enclosed(before, inputs, net.signs, activation, loss, 0.2, optimiser=optimiser)[0]
                for name in ("before", "after", "length"):
                    difference = abs(float(getattr(exact, name) - arb(getattr(step, name))))
                    assert difference <= getattr(step, f"{name}_error") < 1e-9


def affine(seed: int) -> PerturbedAffine:
    rng = np.random.default_rng(seed)
    return PerturbedAffine(rng.standard_normal((3, 5)), rng.standard_normal((3, 5)), 0.1)


@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
@pytest.mark.parametrize("optimiser", ["ngd", "gd"])
def test_error_bounds_of_a_map_s_step_contain_the_difference_from_balls(maker: LossMaker, optimiser: str) -> None:
    loss = maker(LABELS)
    for seed in range(3):
        model, theta = affine(seed), np.zeros(5)
        for _ in range(3):
            moved, step = map_step(model, theta, loss, 0.2, optimiser)
            gradient, jacobian = output_gradient(maker, model.outputs(theta)), model.jacobian(theta)
            dense = theta - 0.2 * (np.linalg.pinv(jacobian) if optimiser == "ngd" else jacobian.T) @ gradient
            assert np.abs(moved - dense).max() <= 1e-7
            with working_precision(160):
                exact = map_steps_enclosed(model, theta, loss, 0.2, 1, optimiser)[0]
                for name in ("before", "after", "length"):
                    difference = abs(float(getattr(exact, name) - arb(getattr(step, name))))
                    assert difference <= getattr(step, f"{name}_error") < 1e-9
            theta = moved


@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
def test_ball_trajectories_go_on_from_their_own_iterates(maker: LossMaker) -> None:
    loss, model, theta = maker(LABELS), affine(7), np.zeros(5)
    net, inputs = problem(8)
    state = FunctionSpaceDescent(net, inputs, LABELS, loss=maker)
    with working_precision(200):
        whole = map_steps_enclosed(model, theta, loss, 0.2, 3)
        balls = network_steps_enclosed(state.pre_activations.copy(), inputs, net.signs, "tanh", loss, 0.2, 3)
    for k in range(3):
        theta, step = map_step(model, theta, loss, 0.2)
        assert abs(float(whole[k].after) - step.after) <= 1e-12
        assert abs(float(balls[k].after) - network_step(state, 0.2).after) <= 1e-12


def test_targets_stand_for_their_squared_loss_in_every_step() -> None:
    model, theta = affine(1), np.zeros(5)
    plain, named = (map_step(model, theta, objective, 0.3)[1] for objective in (LABELS, SquaredLoss(LABELS)))
    for name in ("before", "after", "length", "before_error", "after_error", "length_error"):
        assert getattr(plain, name) == getattr(named, name)


MODELS: list[ParameterMap] = [
    affine(3),
    spike_map(np.array([0.2, 0.1, 0.0]), np.ones(3), np.array([0.1, 0.4, 0.9]), 3, np.array([1.0, 0.5, 0.25])),
]


@pytest.mark.parametrize("model", MODELS, ids=["affine", "spike"])
@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
def test_certificate_of_a_map_has_the_radius_of_condition_3(model: ParameterMap, maker: LossMaker) -> None:
    loss, start = maker(LABELS), np.zeros(model.parameters)
    found = certify_map(model, LABELS, maker)
    smallest = float(np.linalg.eigvalsh(model.jacobian(start) @ model.jacobian(start).T)[0])
    residual = float(np.linalg.norm(model.outputs(start) - loss.minimiser))
    radius = 1.5 * (1 + loss.smoothness / loss.strong_convexity) * residual / np.sqrt(smallest)
    assert radius * (1 - 1e-15) <= found.radius <= radius * (1 + 1e-9)
    constant = 3 * model.deviation(radius) / np.sqrt(smallest)
    assert constant * (1 - 1e-12) <= found.constant <= constant * (1 + 1e-9)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("maker", MAKERS, ids=KINDS)
def test_certificate_of_a_network_has_the_radius_of_condition_3(activation: str, maker: LossMaker) -> None:
    net, inputs = problem(5, activation, 200)
    loss = maker(LABELS)
    found = certify_ball(net, inputs, LABELS, condition="3", loss=maker)
    residual = float(np.linalg.norm(net.outputs(inputs) - loss.minimiser))
    kappa = loss.smoothness / loss.strong_convexity
    radius = 1.5 * (1 + kappa) * residual / np.sqrt(float(np.linalg.eigvalsh(net.gram(inputs))[0]))
    assert radius <= found.radius <= radius * (1 + 1e-9)
    assert found.constant == certify_ball(net, inputs, LABELS, radius=found.radius).constant
    chosen = certify_ball(net, inputs, LABELS, condition="3", radius=0.01, loss=maker)
    assert chosen.radius == 0.01
    if maker is SquaredLoss:
        assert found == certify_ball(net, inputs, LABELS)


def test_conditions_of_the_squared_loss_refuse_another_one() -> None:
    net, inputs = problem(6)
    with pytest.raises(ChoiceError, match="condition='3'"):
        certify_ball(net, inputs, LABELS, loss=partial(PseudoHuberLoss, ridge=0.1))
    with pytest.raises(ChoiceError, match="unknown condition"):
        certify_ball(net, inputs, LABELS, condition="4", loss=partial(PseudoHuberLoss, ridge=0.1))
    for step in STEPS.values():
        with pytest.raises(SignError, match="labels"):
            step(net, inputs, 0.5 * LABELS, 0.1, loss=partial(LogisticLoss, ridge=0.1))
        with pytest.raises(ShapeError):
            step(net, inputs, LABELS[:2], 0.1, loss=partial(LogisticLoss, ridge=0.1))


def test_spikes_differ_from_direction_to_direction() -> None:
    """Each direction goes its own way: the outputs of a step are those of the one-dimensional maps."""
    weights, residuals, eta = np.array([1.0, 3.0]), np.array([1.0, 0.7]), 0.3
    stability = np.array([0.2, 0.1])
    both = spike_map(stability, np.ones(2), eta * weights, 3, residuals)
    loss, theta = WeightedSquaredLoss(-residuals, weights), np.zeros(2)
    alone = [
        spike_map(float(stability[i]), np.ones(1), eta * float(weights[i]), 3, residuals[i : i + 1]) for i in range(2)
    ]
    positions = [np.zeros(1), np.zeros(1)]
    for _ in range(3):
        theta, _ = map_step(both, theta, loss, eta)
        for i in range(2):
            positions[i], _ = map_step(alone[i], positions[i], -residuals[i : i + 1], eta * float(weights[i]))
        assert theta == pytest.approx(np.concatenate(positions), rel=1e-12)
    still = spike_map(np.array([0.2, 0.0]), np.full(2, 2.0), eta * weights, 3, residuals)
    assert (still.slopes[1] == 2.0).all()
    assert (np.diff(still.knots[1]) > 0).all()
    assert still.outputs(np.array([0.0, -5.0]))[1] == -10.0
    assert still.deviation(1.0) == pytest.approx(0.4, rel=1e-12)
