"""The bounds in a tube of a smooth network, and the widths that its rules ask for, from the activation's own constants."""

import math

import numpy as np
import pytest

from theory.inputs import normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.bounds import bounds_at
from theory.stability.tube.rule import input_widths
from theory.stability.tube.smooth_tube import smooth_neuron_widths
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import InputWidths

CONSTANTS = {
    "erf": (4 * math.exp(-0.5) / math.sqrt(2 * math.pi), 2 / math.sqrt(math.pi)),
    "tanh": (4 / (3 * math.sqrt(3)), 1.0),
    "softplus": (0.25, 1.0),
    "sin": (1.0, 1.0),
}
"""L and L_1."""

CLOSE = 1e-4
"""The network's own L and L_1 are upper bounds, of four digits at least."""

ROUNDING = 1 - 1e-12
"""Of a few dozen operations."""

NORMS = 1.02
"""What the bound of a norm may be above the norm."""


def start_of(activation: str) -> Start:
    rng = np.random.default_rng(4)
    net = TwoLayerNetwork.initialise(6, 3, 1.0, rng, activation=activation)
    return tube_start(net, normalise_rows(rng.standard_normal((3, 3))), rng.standard_normal(3))


@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("activation", CONSTANTS)
def test_bounds_are_those_of_the_statement(activation: str, per_neuron: bool) -> None:
    L, slope = CONSTANTS[activation]
    start = start_of(activation)
    K = np.abs(start.rows @ start.rows.T)
    b = np.random.default_rng(5).uniform(0.1, 0.3, (3, 6) if per_neuron else 3)
    mean, products = (b.mean(axis=1), b @ b.T / 6) if per_neuron else (b, np.outer(b, b))
    found = bounds_at(start, b)
    change, product = K * L * slope * (mean[:, None] + mean), K * L * slope * mean[:, None] / 2
    for matrix, exact in ((found.gram_change, change), (found.product_change, product)):
        assert (matrix >= exact * ROUNDING).all()
        np.testing.assert_allclose(matrix, exact, rtol=CLOSE)
    tau = (L / 2) ** 2 * float(np.linalg.norm(K * products, 2))
    assert tau * ROUNDING <= found.jacobian_change <= NORMS * tau


@pytest.mark.parametrize("activation", CONSTANTS)
def test_widths_have_the_steepest_slope_and_the_row_norms(activation: str) -> None:
    start, path = start_of(activation), 0.7
    rows = np.linalg.norm(start.rows @ start.rows.T, axis=1)
    exact = rows * path * CONSTANTS[activation][1] / math.sqrt(6)
    found = input_widths(start, path).values
    assert (found >= exact * ROUNDING).all()
    np.testing.assert_allclose(found, exact, rtol=CLOSE)


@pytest.mark.parametrize("activation", CONSTANTS)
def test_a_neuron_is_moved_by_its_own_coefficients_and_by_what_its_slopes_may_change(activation: str) -> None:
    """In a tube so wide that every slope may change its sign, a slope changes by ``2 L_1`` at most."""
    L, slope = CONSTANTS[activation]
    start = start_of(activation)
    K, c = start.rows @ start.rows.T, start.coefficients
    far, later = InputWidths(np.full(3, 1e9)), InputWidths(np.full(3, 0.125))
    own = np.abs((K * c) @ start.net.phi.derivative(start.pre_activations))
    for b in (0.05, 10.0):
        turned = (np.abs(K * c) * min(L * b, 2 * slope)).sum(axis=1)[:, None]
        expected = (own + turned) / math.sqrt(6) + 0.125
        found = smooth_neuron_widths(start, far, later, InputWidths(np.full(3, b))).values
        assert (found >= expected * ROUNDING).all()
        np.testing.assert_allclose(found, expected, rtol=CLOSE)
