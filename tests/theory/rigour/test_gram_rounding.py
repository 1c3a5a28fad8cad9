"""Rounding of the Gram matrices of an iterate, and of the steps solved with them, against balls."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from flint import arb, arb_mat

from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import FloatArray, normalise_rows
from theory.losses import LossMaker, PseudoHuberLoss, SquaredLoss
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound
from theory.rigour.enclosed_step import BALL_ACTIVATIONS
from theory.rigour.exact import ball_matrix, entrywise_product
from theory.rigour.gram_rounding import GramRounding, over_root, root_error, smallest_eigenvalue, smallest_root
from theory.rigour.one_step import OneStep, network_step, outward
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.rigour.step_bounds import jacobian_norm
from theory.rigour.trajectory import network_steps_enclosed

BITS = 200
SMOOTH = [name for name in ACTIVATIONS if name != "relu"]


def check_step(
    net: TwoLayerNetwork,
    inputs: FloatArray,
    y: FloatArray,
    eta: float,
    optimiser: str = "ngd",
    loss: LossMaker = SquaredLoss,
) -> OneStep:
    """Take one step; its three norms must be within their bounds of the exact ones."""
    state = FunctionSpaceDescent(net, inputs, y, loss=loss)
    before = state.pre_activations.copy()
    step = network_step(state, eta, optimiser)
    with working_precision(BITS):
        arguments = (before, inputs, net.signs, net.activation, loss(y), eta)
        exact = network_steps_enclosed(*arguments, optimiser=optimiser)[0]
        assert abs(exact.before - arb(step.before)) <= step.before_error
        assert abs(exact.after - arb(step.after)) <= step.after_error
        assert abs(exact.length - arb(step.length)) <= step.length_error
    return step


def repeated(pre_activation: float, width: int, activation: str, alternating: bool = True) -> TwoLayerNetwork:
    """All neurons alike: every rounding of the sum over them goes the same way."""
    signs = np.where(np.arange(width) % 2, -1.0, 1.0) if alternating else np.ones(width)
    return TwoLayerNetwork(np.full((width, 1), pre_activation), signs, activation)


@pytest.mark.parametrize(
    ("width", "activation", "optimiser"), [(4001, "tanh", "gd"), (4001, "tanh", "kfac"), (30001, "erf", "ngd")]
)
def test_the_sum_over_many_neurons_is_part_of_the_error_of_a_step(width: int, activation: str, optimiser: str) -> None:
    net = repeated(1e-6, width, activation)
    step = check_step(net, np.ones((1, 1)), np.array([0.7]), 0.9, optimiser)
    assert step.after_error < 1e-10
    assert step.length_error < 1e-10


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("width", [1, 3, 64])
def test_error_bounds_hold_at_every_width_and_scale(activation: str, width: int) -> None:
    rng = np.random.default_rng(width)
    for scale in (1e-9, 1.0, 30.0):
        n = min(width, 2)
        inputs = normalise_rows(rng.standard_normal((n, 2)))
        net = TwoLayerNetwork.initialise(width, 2, scale, rng, activation=activation)
        if not np.linalg.eigvalsh(net.gram(inputs))[0] > 1e-3:
            net = TwoLayerNetwork(net.weights, net.signs, "softplus")
        for loss in (SquaredLoss, partial(PseudoHuberLoss, ridge=0.1)):
            for optimiser in ("ngd", "gd"):
                check_step(net, inputs, rng.standard_normal(n), 0.9, optimiser, loss)


@pytest.mark.parametrize("angle", [1e-3, 1e-5, 1e-6])
@pytest.mark.parametrize("activation", ["relu", *SMOOTH])
def test_error_bounds_hold_for_nearly_parallel_inputs(activation: str, angle: float) -> None:
    rng = np.random.default_rng(5)
    inputs = normalise_rows(np.array([[1.0, 0.0], [1.0, angle]]))
    net = TwoLayerNetwork.initialise(64, 2, 1.0, rng, activation=activation)
    for optimiser in ("ngd", "gd"):
        check_step(net, inputs, rng.standard_normal(2), 0.9, optimiser)


@pytest.mark.parametrize(("size", "width"), [(16.2406015037594, 1), (19.16156757840069, 3)])
@pytest.mark.parametrize("optimiser", ["ngd", "gd", "kfac"])
def test_a_gram_matrix_below_the_rounding_of_the_slopes_certifies_no_step(
    size: float, width: int, optimiser: str
) -> None:
    """There exp(-z^2) is off by z^2 roundings of itself, or is not even a normal number."""
    net = repeated(size, width, "erf", alternating=False)
    y = net.outputs(np.ones((1, 1))) - 1e-13
    step = check_step(net, np.ones((1, 1)), y, 0.1, optimiser)
    assert np.isinf(step.after_error) == (optimiser != "gd")


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("dim", [0, 3])
def test_computed_gram_matrices_are_within_their_error(activation: str, dim: int) -> None:
    rng = np.random.default_rng(7)
    inputs = normalise_rows(rng.standard_normal((4, 3)))
    net = TwoLayerNetwork.initialise(300, 3, 1.5, rng, activation=activation)
    state = FunctionSpaceDescent(net, inputs, np.zeros(4))
    rounding, computed = GramRounding.of(state, dim), state.gram if dim else state.pattern_gram
    slope = BALL_ACTIVATIONS[activation][1]
    with working_precision(BITS):
        features = arb_mat([[slope(z) for z in row] for row in ball_matrix(state.pre_activations).tolist()])
        rows = ball_matrix(inputs)
        exact = features * features.transpose() / 300
        exact = entrywise_product(exact, rows * rows.transpose()) if dim else exact
        error = np.array([[float(e) for e in row] for row in (exact - ball_matrix(computed)).tolist()])
    p, tau = rounding.row_norms, rounding.absolute
    entrywise = rounding.relative * np.outer(p, p) + tau * np.add.outer(p, p) + tau**2
    assert (np.abs(error) <= entrywise).all()
    c = rng.standard_normal(4)
    assert rounding.frobenius == pytest.approx(np.linalg.norm(entrywise), rel=0.5, abs=0)
    assert rounding.frobenius >= np.linalg.norm(entrywise)
    assert rounding.of_product(abs(c)) == pytest.approx(np.linalg.norm(entrywise @ abs(c)), rel=gamma(100), abs=0)
    assert rounding.of_form(abs(c)) == pytest.approx(abs(c) @ entrywise @ abs(c), rel=gamma(100), abs=0)
    assert (tau == 0) == (activation == "relu")


def test_roots_are_bounds_whatever_the_error() -> None:
    assert smallest_root(np.diag([0.25, 1.0]), 0.0) == pytest.approx(0.5)
    assert smallest_root(np.diag([0.25, 1.0]), 0.09) == pytest.approx(0.4)
    assert smallest_root(np.diag([0.25, 1.0]), 0.3) == 0.0
    assert smallest_root(np.array([[1.0, 0.5], [0.5 + 2.0**-52, 1.0]]), 0.0) <= 0.5**0.5
    assert (over_root(3.0, 2.0), over_root(3.0, 0.0)) == (1.5, np.inf)
    for squared, error in ((4.0, 0.1), (1.0, 2.0), (-1.0, 2.0), (0.0, 0.0)):
        bound, root = root_error(squared, error), np.sqrt(max(squared, 0.0))
        for exact in (max(squared - error, 0.0), squared + error):
            assert abs(np.sqrt(exact) - root) <= bound
    assert root_error(4.0, 0.1) == 0.05


@pytest.mark.parametrize("error", [0.0, 2.0**-80, 2.0**-54, 0.1, 1 / 3])
def test_the_smallest_eigenvalue_less_the_error_is_rounded_down(error: float) -> None:
    """Below the exact difference, by three floats at most: where the error is small too, and the matrix symmetric or not."""
    for gram in (np.diag([0.7, 1.0]), np.array([[2.0, 1.0], [1.0, 2.0]])):
        exact = Fraction(smallest_eigenvalue_lower_bound(gram)) - Fraction(error)
        assert (
            Fraction(smallest_eigenvalue(gram, error)) < exact <= Fraction(smallest_eigenvalue(gram, error) + 2.0**-51)
        )
    turned = np.array(
        [[2.0, 1.25], [0.75, 2.0]]
    )  # within 1/4 of the last one, and of (2, 0.75; 0.75, 2) and (2, 1.25; 1.25, 2)
    assert 0.75 - 2.0**-40 <= smallest_eigenvalue(turned, 0.25) < 0.75


@pytest.mark.parametrize("rows", [np.eye(1), np.eye(3), np.tile([0.6, 0.8], (6, 1)), np.tile([0.6, -0.8], (100, 1))])
def test_the_norm_of_any_jacobian_is_bounded_by_that_of_the_inputs(rows: FloatArray) -> None:
    """Attained, but for the steepest slope of any activation, where every neuron is active: ``J J^T = X X^T``."""
    net = TwoLayerNetwork(np.full((4, rows.shape[1]), 0.5) * np.sign(rows.sum(axis=0)), np.ones(4))
    assert (net.pre_activations(rows) >= 0).all()
    attained = float(np.linalg.norm(net.jacobian(rows), 2))
    assert attained <= jacobian_norm(rows @ rows.T, rows.shape[1]) / STEEPEST_SLOPE * (1 + gamma(1000))
    assert jacobian_norm(rows @ rows.T, rows.shape[1]) <= STEEPEST_SLOPE * attained * (1 + gamma(1000))


def test_a_bound_is_raised_by_its_own_rounding() -> None:
    for operations in (0, 7, 5000):
        assert outward(3.0, operations) == 3.0 * (1 + gamma(8 * operations + 64))
        assert 0 < outward(0.0, operations) < 1e-300  # what underflows has errors too
        assert outward(np.inf, operations) == np.inf
