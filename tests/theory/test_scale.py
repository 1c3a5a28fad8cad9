"""Bounds, attacks and steps do not depend on the scale of weights and targets; where squares underflow, they say so."""

from fractions import Fraction

import numpy as np
import pytest

from theory.descent.steps import FunctionSpaceDescent
from theory.errors import ScaleError
from theory.inputs import normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.one_step import network_step
from theory.rigour.rounding import gamma
from theory.stability import attack_ball, certify_ball, change_bounds
from theory.stability.norms import residual_norm


@pytest.mark.parametrize("size", [1e-140, 1e-155, 1e-160, 5e-324, 1e150])
def test_residuals_of_any_size_are_bracketed(size: float) -> None:
    """The squares of the small ones vanish; the network itself gives 0."""
    rows = np.array([[0.6, 0.8], [0.8, -0.6]])
    net = TwoLayerNetwork(weights=np.zeros((2, 2)), signs=np.array([1.0, -1.0]))
    below, above = residual_norm(net, rows, np.array([3 * size, -4 * size]))
    assert Fraction(below) <= 5 * Fraction(size) <= Fraction(above)
    assert above <= 5 * size * (1 + 1e-14) + 1e-300  # what underflow may do to the outputs


def test_balls_whose_squared_radius_underflows_are_refused() -> None:
    """Squared distances of 2.6e-324 round up to 5e-324 there: 100 neurons could flip where 53 are counted."""
    net = TwoLayerNetwork(weights=np.full((100, 1), 1.6e-162), signs=np.ones(100))
    rows, radius = np.ones((1, 1)), 1.6e-161 * (1 + 1e-10)
    with pytest.raises(ScaleError, match="the ball's radius is"):
        change_bounds(net, rows, radius)
    with pytest.raises(ScaleError, match="radius is"):
        certify_ball(net, rows, np.ones(1), radius=radius)
    symmetric = TwoLayerNetwork(weights=np.tile([[1e-162], [-2e-162]], (50, 1)), signs=np.repeat([1.0, -1.0], 50))
    with pytest.raises(ScaleError, match="the ball's radius is"):
        certify_ball(symmetric, rows, np.array([1.5e-162]))


@pytest.mark.parametrize("exponent", [-390, -100, 0, 100, 390])
def test_bounds_and_counts_do_not_depend_on_the_scale(exponent: int) -> None:
    rng, factor = np.random.default_rng(4), 2.0**exponent
    net, rows, radius = TwoLayerNetwork.initialise(50, 3, 1.0, rng), normalise_rows(rng.standard_normal((4, 3))), 1.0
    scaled = TwoLayerNetwork(weights=net.weights * factor, signs=net.signs)
    for condition in ("2", "K2"):
        expected = change_bounds(net, rows, radius, condition)
        assert change_bounds(scaled, rows, radius * factor, condition) == expected


@pytest.mark.parametrize("exponent", [-390, -60, -45, 45, 390])
def test_the_attack_does_not_depend_on_the_scale(exponent: int) -> None:
    """One input: the certificate is exact, and the attack attains it at any scale."""
    rows, y = np.array([[0.6, 0.8]]), np.ones(1)
    net = TwoLayerNetwork.initialise(200, 2, 2.0**exponent, np.random.default_rng(1), symmetric=True)
    radius = 0.5 * 2.0**exponent
    found = attack_ball(net, rows, y, rng=np.random.default_rng(0), radius=radius)
    exact = change_bounds(net, rows, radius).spectral
    assert 0 < exact * (1 - gamma(4000)) <= found.change <= exact


def test_moves_too_long_for_a_square_cost_more_than_any_budget() -> None:
    net = TwoLayerNetwork(weights=np.array([[1e160], [1e-3], [-1e160], [-1e-3]]), signs=np.ones(4))
    found = attack_ball(net, np.ones((1, 1)), np.ones(1), rng=np.random.default_rng(0), radius=1.0)
    assert found.change == pytest.approx(np.sqrt(1 / 2), rel=gamma(100))


@pytest.mark.parametrize("optimiser", ["ngd", "gd", "kfac"])
def test_nothing_is_certain_where_the_squares_of_a_residual_underflow(optimiser: str) -> None:
    """The norm of y = 1e-158 comes out as 9.9999999183e-159."""
    rows, y = np.array([[0.6, 0.8]]), np.array([1e-158])
    net = TwoLayerNetwork.initialise(200, 2, 1e-156, np.random.default_rng(1), symmetric=True)
    step = network_step(FunctionSpaceDescent(net, rows, y), 0.5, optimiser)
    assert (step.before_error, step.after_error, step.length_error) == (np.inf, np.inf, np.inf)
    flat = TwoLayerNetwork(weights=np.array([[1.0, 1.0], [1.0, 1.0]]), signs=np.array([1.0, -1.0]))
    still = network_step(FunctionSpaceDescent(flat, rows, np.zeros(1)), 0.5, optimiser)
    assert still.residual == 0
    assert still.before_error < 1e-14
