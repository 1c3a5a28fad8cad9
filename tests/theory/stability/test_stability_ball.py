"""Flip counts, norms and ball certificates against exact rationals, brute force and hand-worked cases."""

import itertools
import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from flint import arb

from theory.direction import UpperBound
from theory.errors import ChoiceError, InputError, ScaleError
from theory.inputs import FloatArray, normalise_rows
from theory.losses import PseudoHuberLoss
from theory.network.gram import gram_eigenvalue
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import ball_matrix, rational, rational_matrix
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.rounding import gamma
from theory.stability import ball, ball_changes, certify_ball, change_bounds
from theory.stability.ball import frobenius_bound, pattern_bound, smooth_bound, spectral_bound
from theory.stability.flips import flip_costs, joint_flip_count
from theory.stability.norms import (
    feature_change_lower_bound,
    feature_change_norm,
    feature_error,
    input_norm_squared,
    paper_radius,
    pattern_change_lower_bound,
    pattern_change_norm,
    residual_norm,
    rounded_down,
    rounded_up,
    squared_norm_excess,
    stability_constant,
)
from theory.stability.patterns import largest_eigenvalue_at_most


def random_network(n: int, d: int, m: int, rng: np.random.Generator) -> tuple[TwoLayerNetwork, FloatArray]:
    return TwoLayerNetwork.initialise(m, d, 1.0, rng), normalise_rows(rng.standard_normal((n, d)))


# --- flips -----------------------------------------------------------------------------------------------------------


# --- norms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 5), (5, 3), (4, 4)])
def test_input_norm_is_above_the_exact_one_by_rounding_only(n: int, d: int) -> None:
    rows = normalise_rows(np.random.default_rng(n + 10 * d).standard_normal((n, d)))
    bound = input_norm_squared(rows)
    exact = rational_matrix(rows)
    assert largest_eigenvalue_at_most(exact * exact.transpose(), rational(bound))
    assert bound <= np.linalg.norm(rows, 2) ** 2 + 40 * gamma(n + d + 8) * n


def test_rounding_helpers_enclose() -> None:
    assert rounded_down(1.0) < 1.0 < rounded_up(1.0)
    assert rounded_up(1.0) - rounded_down(1.0) <= gamma(40)
    assert rounded_down(0.0) == 0.0


def test_radius_and_constant_on_exact_squares() -> None:
    assert paper_radius(2.0, 4.0) == pytest.approx(3.0, rel=gamma(20))
    assert stability_constant(0.5, 0.25) == pytest.approx(3.0, rel=gamma(20))
    assert paper_radius(2.0, 4.0) >= 3.0
    assert paper_radius(1.0, 0.0) == stability_constant(1.0, -1.0) == math.inf
    assert stability_constant(1.0, 0.0) == paper_radius(1.0, -2.0) == math.inf


@pytest.mark.parametrize("seed", range(5))
def test_pattern_change_norm_brackets_the_exact_eigenvalue(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, d, m = 4, 3, 7
    rows = normalise_rows(rng.standard_normal((n, d)))
    change = rng.integers(-1, 2, (n, m)).astype(float)
    counts = change @ change.T
    below, above = pattern_change_norm(rows @ rows.T, counts, m, d)
    assert pattern_change_lower_bound(rows @ rows.T, counts, m, d) == below
    dense = (change[:, :, None] * rows[:, None, :]).reshape(n, -1) / np.sqrt(m)
    assert below <= np.linalg.norm(dense, 2) <= above
    assert above - below <= 400 * gamma(n + d + 8) * n
    exact = rational_matrix(rows)
    kernel = exact * exact.transpose()
    matrix = kernel * 0
    for i, j in itertools.product(range(n), range(n)):
        matrix[i, j] = kernel[i, j] * int(counts[i, j]) / m
    assert largest_eigenvalue_at_most(matrix, rational(above) ** 2)
    assert not largest_eigenvalue_at_most(matrix, rational(below) ** 2)


def test_feature_change_norm_brackets_the_dense_norm_and_widens_with_the_error() -> None:
    rng = np.random.default_rng(3)
    rows, change = normalise_rows(rng.standard_normal((3, 4))), rng.standard_normal((3, 6))
    dense = float(np.linalg.norm((change[:, :, None] * rows[:, None, :]).reshape(3, -1), 2))
    below, above = feature_change_norm(rows @ rows.T, change, 0.0, 4)
    assert below <= dense <= above
    assert feature_change_lower_bound(rows @ rows.T, change, 0.0, 4) == below
    assert above - below <= 400 * gamma(20) * float(np.sum(change**2))
    wide = feature_change_norm(rows @ rows.T, change, 0.5, 4)
    assert wide[0] == pytest.approx(dense - 0.5, abs=1e3 * gamma(20))
    assert wide[1] == pytest.approx(dense + 0.5, abs=1e3 * gamma(20))
    assert feature_change_norm(rows @ rows.T, change, 100.0, 4)[0] == 0.0


@pytest.mark.parametrize("activation", ["relu", "softplus", "tanh", "erf", "sin"])
def test_residual_norm_brackets_the_exact_residual(activation: str) -> None:
    rng = np.random.default_rng(5)
    net = TwoLayerNetwork.initialise(9, 3, 1.0, rng, activation=activation)
    rows, targets = normalise_rows(rng.standard_normal((4, 3))), rng.standard_normal(4)
    z = (ball_matrix(rows) * ball_matrix(net.weights).transpose()).table()
    functions = {
        "relu": lambda t: t.max(arb(0)),
        "softplus": lambda t: (1 + t.exp()).log(),
        "tanh": lambda t: t.tanh(),
        "erf": lambda t: t.erf(),
        "sin": lambda t: t.sin(),
    }
    total = arb(0)
    for row, target in zip(z, targets, strict=True):
        output = sum((arb(a) * functions[activation](t) for a, t in zip(net.signs, row, strict=True)), arb(0)) / 3
        total += (output - arb(target)) ** 2
    below, above = residual_norm(net, rows, targets)
    assert below <= float(total.sqrt().mid()) <= above
    assert above - below <= 1e4 * gamma(20)


def test_errors_of_pre_activations_and_features_cover_what_happens() -> None:
    rng = np.random.default_rng(6)
    net = TwoLayerNetwork.initialise(50, 30, 3.0, rng, activation="tanh")
    rows = normalise_rows(rng.standard_normal((5, 30)))
    allowed = pre_activation_error(net)
    z = net.pre_activations(rows)
    exact = ball_matrix(rows) * ball_matrix(net.weights).transpose()
    off = np.array([[abs(float(exact[i, r] - arb(z[i, r]))) for r in range(50)] for i in range(5)])
    assert (off <= allowed).all()
    assert allowed == pytest.approx(2 * gamma(30 + 4) * np.linalg.norm(net.weights, axis=1), rel=1e-9, abs=0)
    assert net.phi.curvature is not None
    assert feature_error(net, 1.0, 5) - feature_error(net, 0.0, 5) == pytest.approx(
        net.phi.curvature / math.sqrt(50), rel=1e3 * gamma(20)
    )
    relu = TwoLayerNetwork.initialise(50, 30, 3.0, rng)
    assert feature_error(relu, 1.0, 5) == feature_error(relu, 0.0, 5) > 0


# --- certificates ----------------------------------------------------------------------------------------------------


def test_certificate_of_a_hand_worked_network() -> None:
    # z = (1, 2; -2, 1; -3, -4): within R = 2.2 one flip each at cost 1 of neurons 0 and 1, both at cost 4 singly
    net = TwoLayerNetwork(
        np.array([[1.0, 2.0], [-2.0, 1.0], [-3.0, -4.0], [9.0, 9.0]]), np.array([1.0, -1.0, 1.0, 1.0])
    )
    rows = np.eye(2)
    certificate = certify_ball(net, rows, np.zeros(2), radius=2.2)
    # budget 4.84: the two cheapest flips cost 2; the dual bound between (2, 2 flips) and (5, 3 flips) is 2 + 2.84/3
    assert certificate.frobenius == pytest.approx(math.sqrt(2 / 4), rel=gamma(200))
    assert certificate.spectral == pytest.approx(math.sqrt(1 / 4), rel=gamma(200))
    assert certificate.method == "C2-spec"
    assert certificate.radius == 2.2
    # G(0) = I o (A A^T)/4 with rows of A (1, 0, 0, 1) and (1, 1, 0, 1)
    assert certificate.lambda_min == pytest.approx(0.5, rel=1e3 * gamma(20))
    assert certificate.constant == pytest.approx(3 * 0.5 / math.sqrt(0.5), rel=1e3 * gamma(20))
    nothing = certify_ball(net, rows, np.zeros(2), radius=0.5)
    assert nothing.constant == nothing.frobenius == nothing.spectral == 0.0


def test_certificate_of_a_hand_worked_network_for_k2() -> None:
    # the network and the flips of the test above; ||S - S(0)|| sees the pattern alone
    net = TwoLayerNetwork(
        np.array([[1.0, 2.0], [-2.0, 1.0], [-3.0, -4.0], [9.0, 9.0]]), np.array([1.0, -1.0, 1.0, 1.0])
    )
    certificate = certify_ball(net, np.eye(2), np.zeros(2), condition="K2", radius=2.2)
    assert certificate.frobenius == pytest.approx(math.sqrt(2 / 4), rel=gamma(200))
    # two flips, one of each neuron and of each input: ||D||_2 = 1
    assert 0.5 * (1 - gamma(9)) <= certificate.spectral <= math.sqrt(2 / 4) * (1 + gamma(200))
    # H(0) = A A^T / 4 with rows of A (1, 0, 0, 1) and (1, 1, 0, 1)
    smallest = float(np.linalg.eigvalsh(np.array([[2.0, 2.0], [2.0, 3.0]]) / 4)[0])
    assert certificate.lambda_min == pytest.approx(smallest, rel=1e-12)
    assert certificate.constant == pytest.approx(
        3 * min(certificate.frobenius, certificate.spectral) / math.sqrt(smallest), rel=1e-12
    )


@pytest.mark.parametrize("seed", range(8))
def test_certificates_of_k2_are_above_the_enumeration_and_not_far(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, rows = random_network(3, 2, 6, rng)
    radius = float(rng.uniform(0.3, 1.5))
    bounds, exact = change_bounds(net, rows, radius, "K2"), ball_changes(net, rows, radius).of_features()
    for bound in (bounds.frobenius, bounds.spectral):
        assert exact.at_most(bound)
        assert bound <= 2 * max(exact.frobenius, 0.5)
    flips = joint_flip_count(flip_costs(net, rows), radius)
    assert bounds.frobenius == pytest.approx(math.sqrt(flips / 6), rel=gamma(200), abs=0)


def test_frobenius_wins_when_few_of_the_aligned_inputs_can_flip() -> None:
    # only input 0 can flip, but the norm of the inputs counts all three
    rows = normalise_rows(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]))
    net = TwoLayerNetwork(np.array([[1e-4, 5.0]]), np.ones(1))
    bounds = change_bounds(net, rows, 0.01)
    assert bounds.method == "C2-fro"
    assert bounds.best == bounds.frobenius < bounds.spectral


@pytest.mark.parametrize("activation", ["softplus", "tanh", "erf", "sin"])
def test_smooth_certificate_is_the_formula(activation: str) -> None:
    rng = np.random.default_rng(8)
    net = TwoLayerNetwork.initialise(16, 3, 1.0, rng, activation=activation)
    rows = normalise_rows(rng.standard_normal((4, 3)))
    bounds = change_bounds(net, rows, 0.3)
    assert net.phi.curvature is not None
    formula = net.phi.curvature * float(np.linalg.norm(rows, 2)) * 0.3 / 4
    assert bounds.smooth == pytest.approx(formula, rel=1e3 * gamma(20))
    assert bounds.smooth >= formula * (1 - gamma(20))
    assert bounds.frobenius == bounds.spectral == math.inf
    assert bounds.method == "C2-smooth"


def test_bounds_of_the_change_are_not_below_their_formulas_exactly() -> None:
    """In rational arithmetic: a bound that is only rounded to nearest is below one of these."""
    for k in range(1, 13):
        rng = np.random.default_rng(k)
        width, dim, flips, norm_squared = 3 * k + 1, k, 2 * k + 1, 1 + float(rng.random())
        curvature, radius = float(rng.random()), float(rng.random())
        long = 1 + Fraction(squared_norm_excess(dim))
        assert Fraction(frobenius_bound(flips, width, dim)) ** 2 * width >= flips * long
        assert Fraction(spectral_bound(norm_squared, flips, width)) ** 2 * width >= Fraction(norm_squared) * flips
        assert Fraction(pattern_bound(flips, width)) ** 2 * width >= flips
        smooth = Fraction(smooth_bound(norm_squared, curvature, radius, width, dim))
        assert smooth**2 * width >= Fraction(curvature) ** 2 * Fraction(norm_squared) * long * Fraction(radius) ** 2


def test_default_radius_is_the_paper_s_rounded_up() -> None:
    rng = np.random.default_rng(9)
    net, rows = random_network(3, 4, 60, rng)
    y = rng.standard_normal(3)
    certificate = certify_ball(net, rows, y)
    lam = float(np.linalg.eigvalsh(net.gram(rows))[0])
    radius = 3 * float(np.linalg.norm(net.outputs(rows) - y)) / math.sqrt(lam)
    assert certificate.lambda_min == gram_eigenvalue(net, rows)
    assert certificate.radius == pytest.approx(radius, rel=1e4 * gamma(20) / lam)
    assert certificate.radius >= radius
    assert certificate.constant == pytest.approx(
        3 * change_bounds(net, rows, radius).best / math.sqrt(lam), rel=1e4 * gamma(20) / lam
    )


def test_without_condition_1_the_constant_is_infinite_and_the_bounds_stay() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 0.0]])
    net = TwoLayerNetwork.initialise(8, 2, 1.0, np.random.default_rng(0))
    certificate = certify_ball(net, rows, np.ones(2))
    assert certificate.lambda_min <= 0
    assert certificate.constant == certificate.radius == math.inf
    assert certificate.frobenius == pytest.approx(math.sqrt(2.0), rel=gamma(200))
    assert certify_ball(net, rows, np.ones(2), radius=0.1).frobenius < 1.0


def test_bad_arguments_are_named() -> None:
    net, rows = random_network(2, 3, 5, np.random.default_rng(1))
    with pytest.raises(ChoiceError, match="unknown condition 'K3'; known: 2, K2"):
        certify_ball(net, rows, np.zeros(2), condition="K3")
    with pytest.raises(ScaleError, match="radius"):
        certify_ball(net, rows, np.zeros(2), radius=0.0)
    with pytest.raises(InputError):
        certify_ball(net, rows, np.zeros(3))


@pytest.mark.parametrize("seed", range(15))
def test_certificates_are_above_sampled_weights_and_the_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, rows = random_network(3, 2, 4, rng)
    radius = float(rng.uniform(0.2, 2.0))
    bounds, exact = change_bounds(net, rows, radius), ball_changes(net, rows, radius)
    assert exact.at_most(bounds.frobenius)
    assert exact.at_most(bounds.spectral)
    for _ in range(50):
        step = rng.standard_normal((4, 2))
        moved = TwoLayerNetwork(net.weights + radius * (1 - gamma(50)) * step / np.linalg.norm(step), net.signs)
        change = float(np.linalg.norm(moved.jacobian(rows) - net.jacobian(rows), 2))
        assert change <= exact.supremum * (1 + gamma(200))


def test_weights_whose_squares_vanish_have_rounded_pre_activations_too() -> None:
    rng = np.random.default_rng(3)
    weights = 1e-170 * rng.standard_normal((50, 3))
    net = TwoLayerNetwork(weights=weights, signs=np.ones(50))
    row = np.array([[0.6, 0.0, 0.8]])
    computed, bounds = net.pre_activations(row)[0], pre_activation_error(net)
    exact = [sum(Fraction(w) * Fraction(x) for w, x in zip(ws, row[0], strict=True)) for ws in weights]
    errors = [abs(Fraction(float(z)) - e) for z, e in zip(computed, exact, strict=True)]
    assert 0 < max(errors)
    assert all(error <= Fraction(float(bound)) for error, bound in zip(errors, bounds, strict=True))
    of_usual_size = pre_activation_error(TwoLayerNetwork(1e170 * weights, net.signs))
    for size in (1e-170, 1e170):  # squares vanish or overflow
        of_this_size = pre_activation_error(TwoLayerNetwork(size * (1e170 * weights), net.signs))
        assert of_this_size / size == pytest.approx(of_usual_size, rel=1e-9, abs=0)


def test_the_paper_s_radius_is_made_of_a_residual_with_the_minimiser_s_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not below their exact sum, which float64 would round down to 1."""
    given: list[float] = []

    def radius(residual: UpperBound, *_: float) -> UpperBound:
        given.append(residual)
        return UpperBound(2.0**-10)

    monkeypatch.setattr(ball, "paper_radius", radius)
    monkeypatch.setattr(ball, "residual_norm", lambda *_: (1.0, 1.0))
    net, y = TwoLayerNetwork.initialise(8, 2, 1.0, np.random.default_rng(0)), np.array([0.3, -0.2])
    loss = partial(PseudoHuberLoss, ridge=0.1)
    certify_ball(net, np.eye(2), y, condition="3", loss=loss)
    error = loss(y).minimiser_error
    assert 0 < error < 2.0**-53
    assert 1 + Fraction(error) <= Fraction(given[0]) <= 1 + Fraction(2.0**-51)
