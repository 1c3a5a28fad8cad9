"""Residual curves with neurons at rest against the descent that moves every neuron at every step."""

import numpy as np
import pytest

from theory.descent.lazy import LazyDescent, RestingNeurons, reach, residual_curve
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import ChoiceError, DivergenceError, RankDeficientError, ScaleError, WidthError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork


def problem(
    seed: int = 0, n: int = 5, m: int = 3000, scale: float = 10.0, activation: str = "relu"
) -> tuple[TwoLayerNetwork, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    inputs = normalise_rows(rng.standard_normal((n, 4)))
    net = TwoLayerNetwork.initialise(m, 4, scale, rng, symmetric=True, activation=activation)
    return net, inputs, rng.standard_normal(n)


@pytest.mark.parametrize(("optimiser", "eta", "steps"), [("ngd", 0.5, 12), ("kfac", 0.5, 20), ("gd", 0.4, 120)])
def test_the_iterates_are_those_of_the_ordinary_descent(optimiser: str, eta: float, steps: int) -> None:
    net, inputs, y = problem()
    lazy, ordinary = LazyDescent(net, inputs, y), FunctionSpaceDescent(net, inputs, y)
    initial = ordinary.pre_activations >= 0
    rested = []
    for _ in range(steps):
        lazy.advance(eta, optimiser)
        ordinary.advance(eta, optimiser)
        rested.append(lazy.resting)
        np.testing.assert_allclose(lazy.residual, ordinary.residual, rtol=0, atol=2e-6)
        np.testing.assert_allclose(lazy.pattern_gram, ordinary.pattern_gram, rtol=0, atol=1 / 3000)
    assert max(rested) > 1500
    assert ((ordinary.pre_activations >= 0) != initial).any()
    lazy._wake_all()
    order = np.argsort(lazy.pre_activations[0])
    expected = ordinary.pre_activations[:, np.argsort(ordinary.pre_activations[0])]
    np.testing.assert_allclose(lazy.pre_activations[:, order], expected, rtol=0, atol=1e-5)


def test_a_neuron_on_its_boundary_stays_active_while_others_go_to_rest() -> None:
    net, inputs, y = problem()
    weights = net.weights.copy()
    weights[7] = 0.0
    net = TwoLayerNetwork(weights=weights, signs=net.signs)
    lazy, ordinary = LazyDescent(net, inputs, y), FunctionSpaceDescent(net, inputs, y)
    lazy.advance(0.4, "gd")
    ordinary.advance(0.4, "gd")
    assert lazy.resting > 1500
    moved = ordinary.pre_activations[:, 7]
    assert np.abs(moved).max() > 1e-3
    nearest = np.abs(lazy.pre_activations - moved[:, None]).max(axis=0).min()
    assert nearest <= 1e-6  # one movement in single precision


def test_neurons_wake_before_they_may_change_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the least patience the choice is made anew again and again; no neuron at rest ever changes its pattern."""
    monkeypatch.setattr("theory.descent.lazy.PATIENCE", 1)
    net, inputs, y = problem(1)
    state, choices, previous = LazyDescent(net, inputs, y), 0, None
    for _ in range(40):
        state.advance(0.4, "gd")
        if state._resting is not None:
            assert np.array_equal(state._resting.moved() >= 0, state._resting.pre_activations >= 0)
            choices += state._resting is not previous
        previous = state._resting
    assert choices > 3


def test_large_steps_let_no_neuron_rest() -> None:
    net, inputs, y = problem(2, scale=0.01)
    state = LazyDescent(net, inputs, 100 * y)
    state.advance(0.5)
    assert state.resting == 0
    assert state.pre_activations.shape == (5, 3000)


def test_smooth_networks_never_rest() -> None:
    net, inputs, y = problem(3, activation="tanh")
    ordinary = FunctionSpaceDescent(net, inputs, y)
    state = LazyDescent(net, inputs, y)
    for _ in range(3):
        state.advance(0.1)
        ordinary.advance(0.1)
    assert state.resting == 0
    np.testing.assert_allclose(state.residual, ordinary.residual, rtol=0, atol=1e-13)


def test_reach_bounds_every_pattern_with_one_sign() -> None:
    movement = np.array([[1.0, -2.0, 4.0], [-1.0, -1.0, -1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(reach(movement, 4), [2.5, 1.5, 0.0])
    patterns = (np.arange(8)[:, None] >> np.arange(3) & 1).T
    np.testing.assert_allclose(np.abs(movement @ patterns).max(axis=1) / 2, reach(movement, 4))


def test_resting_neurons_follow_a_movement() -> None:
    z, signs = np.array([[3.0, -2.0], [1.5, 4.0]]), np.array([0.5, -0.5])
    resting = RestingNeurons(z, signs, np.ones(2))
    resting.movement = np.array([[0.1, 0.2], [-0.3, 0.4]])
    moved = z + resting.movement @ (np.array([[1, 0], [1, 1]]) * signs)
    np.testing.assert_allclose(resting.moved(), moved)
    np.testing.assert_allclose(resting.outputs(4), np.maximum(moved, 0) @ signs)


def test_a_curve_ends_at_its_reduction_or_its_last_step() -> None:
    net, inputs, y = problem(4)
    found, broken = residual_curve(net, inputs, y, 0.5, 40, reduction=1e-3)
    assert broken is None
    assert found[-1] <= 1e-3 * found[0] < found[-2]
    assert len(found) < 30
    assert len(residual_curve(net, inputs, y, 0.4, 7, "gd")[0]) == 8
    assert found[0] == pytest.approx(np.linalg.norm(net.outputs(inputs) - y), rel=1e-12)


def test_errors_are_those_of_the_ordinary_descent() -> None:
    net, inputs, y = problem(5)
    norms, broken = residual_curve(net, inputs, y, 1e9, 100, "gd")
    assert isinstance(broken, DivergenceError)
    assert 1 < len(norms) < 100
    assert np.isfinite(norms).all(), "the norms before the break are kept"
    with pytest.raises(WidthError):
        residual_curve(net, inputs, y, 0.5, 0)
    for wrong in (None, "0.5", -1.0):
        with pytest.raises(ScaleError, match="reduction"):
            residual_curve(net, inputs, y, 0.5, 3, reduction=wrong)  # type: ignore[arg-type]
    with pytest.raises(ChoiceError):
        residual_curve(net, inputs, y, 0.5, 3, ["ngd"])  # type: ignore[arg-type]
    twins = TwoLayerNetwork(np.ones((3, 2)), np.ones(3))
    norms, broken = residual_curve(twins, np.eye(2), np.array([5.0, 1.0]), 0.5, 3, "kfac")
    assert isinstance(broken, RankDeficientError)
    assert "it is singular: inputs 0 and 1 activate the same neurons" in str(broken)
    assert len(norms) == 1
