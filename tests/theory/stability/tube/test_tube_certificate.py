"""Certificates of tubes: what they need is there, in exact arithmetic too; runs stay inside; what cannot be certified is said."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.stability.tube.exact_tube import ExactTube, norm
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import ChoiceError, NotFiniteError, ScaleError, ShapeError
from theory.inputs import FloatArray, normalise_rows
from theory.losses import LossMaker, PseudoHuberLoss, SquaredLoss
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.one_step import network_step
from theory.stability import TubeCertificate, bounds_at, certify_tube
from theory.stability.tube import certificate
from theory.stability.tube.bounds import pushed, turned
from theory.stability.tube.linear_movement import Pull
from theory.stability.tube.start import tube_start
from theory.theorems.tube import path_by_both, path_by_coefficients, path_by_products, path_by_rate

FEW_BITS = 1 - 1e-5
"""The oracle's own rounding, with inverses of float64, is far below what float32 sums of a certificate are rounded up by."""


def drawn(
    seed: int, inputs: int, width: int, scale: float, symmetric: bool
) -> tuple[TwoLayerNetwork, FloatArray, FloatArray]:
    """A network, unit rows in general position, and targets."""
    rng = np.random.default_rng(seed)
    rows = normalise_rows(np.eye(inputs, inputs + 1) + rng.standard_normal((inputs, inputs + 1)) / 4)
    net = TwoLayerNetwork.initialise(width, inputs + 1, scale, rng, symmetric=symmetric)
    return net, rows, rng.choice([-1.0, 1.0], inputs)


def needed(certificate: TubeCertificate, exact: ExactTube) -> FloatArray:
    """``F(b)`` per pair from the definitions: the least of all forms."""
    start, tube = certificate.start, exact
    kernel = np.array([[float(k) for k in row] for row in tube.kernel])
    rows = np.linalg.norm(kernel, axis=1)[:, None]
    c0 = np.linalg.solve(tube.gram, start.residual)
    kept, residual = tube.lambda_min, np.linalg.norm(start.residual)
    mu_1 = tube.product_norm / kept
    mu = min(mu_1, np.sqrt(tube.jacobian_change / kept))
    if tube.frozen > 0:
        mu = min(mu, np.sqrt(tube.jacobian_change / tube.frozen) / 2)
        if tube.product_norm**2 <= tube.frozen * tube.jacobian_change:
            t, x = tube.jacobian_change, tube.product_norm
            mu = min(mu, x * t / (tube.frozen * t + x * x)) if x else 0.0
    changed, products = (np.linalg.norm(one @ np.abs(c0)) for one in (tube.gram_change, tube.product_change))
    path = min(
        residual / ((1 - mu) * kept),
        np.linalg.norm(c0) + changed / kept + mu * residual / ((1 - mu) * kept),
        (np.linalg.norm(c0) + changed / kept) / (1 - mu_1) if mu_1 < 1 else np.inf,
        np.linalg.norm(c0) + (changed + products) / ((1 - mu) * kept),
    )
    whole = changed + min(tube.product_norm * path, mu * residual / (1 - mu), (products + mu * changed) / (1 - mu))
    pulled = np.abs((kernel * c0) @ tube.before) + (np.abs(kernel) * np.abs(c0)) @ tube.flips
    inverse = np.linalg.inv(tube.gram)
    seen = np.array([np.linalg.norm(inverse @ (kernel[i][:, None] * tube.before), axis=0) for i in range(len(kernel))])
    turned = np.sqrt(kernel**2 @ tube.flips)
    later = np.minimum(rows / kept, seen * (1 + norm(tube.gram_change) / kept) + turned / kept) * whole
    return np.asarray(np.minimum(rows * path, pulled + later) / np.sqrt(tube.neurons))


@given(
    seed=st.integers(0, 2**20),
    inputs=st.integers(1, 3),
    half=st.integers(20, 60),
    scale=st.sampled_from([2.0, 8.0, 64.0]),
    symmetric=st.booleans(),
    per_neuron=st.booleans(),
)
def test_a_certified_tube_closes_by_its_definitions(
    seed: int, inputs: int, half: int, scale: float, symmetric: bool, per_neuron: bool
) -> None:
    net, rows, y = drawn(seed, inputs, 2 * half, scale, symmetric)
    found = certify_tube(net, rows, y, per_neuron=per_neuron)
    if not found.certified:
        assert found.failure is not None
        assert found.contraction == np.inf
        return
    widths = found.widths
    assert widths.shape == ((inputs, net.width) if per_neuron else (inputs,))
    exact = ExactTube.of(net, rows, widths)
    least = needed(found, exact)
    given_ones = widths if per_neuron else widths[:, None]
    assert (least * FEW_BITS <= given_ones).all() if per_neuron else (least.max(axis=1) * FEW_BITS <= widths).all()
    assert found.lambda_min <= exact.lambda_min + 1e-12
    again = bounds_at(found.start, widths)  # no pair more may flip in it than was certified
    assert (again.gram_change <= found.bounds.gram_change).all()
    assert again.ratio <= found.contraction


def followed(
    net: TwoLayerNetwork,
    rows: FloatArray,
    y: FloatArray,
    found: TubeCertificate,
    eta: float,
    optimiser: str,
    steps: int,
) -> tuple[int, bool]:
    """Steps until a step's stated rounding is 1% of the residual, and whether a pattern changed; checks factor and widths."""
    state = FunctionSpaceDescent(net, rows, y)
    first = state.pre_activations.copy()
    flipped = False
    widths = found.widths if found.widths.ndim == 2 else found.widths[:, None]
    for k in range(steps):
        step = network_step(state, eta, optimiser)
        factor = 1 - eta * (1 - found.contraction)
        assert step.after <= factor * step.before + step.rounding(factor)
        moved = np.abs(state.pre_activations - first)
        assert (moved <= widths * (1 + 2.0**-20) + 2.0**-30).all()
        flipped |= bool(((state.pre_activations >= 0) != (first >= 0)).any())
        if step.after_error + step.before_error > 0.01 * step.after:
            return k + 1, flipped
    return steps, flipped


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("eta", [0.1, 0.5, 1.0])
def test_runs_of_ngd_stay_in_their_tube(seed: int, per_neuron: bool, eta: float) -> None:
    net, rows, y = drawn(seed, 3, 6000, 4.0, seed % 2 == 0)
    found = certify_tube(net, rows, y, per_neuron=per_neuron)
    assert found.certified
    steps, flipped = followed(net, rows, y, found, eta, "ngd", 60)
    assert steps > (1 if eta == 1 else 5)  # at eta = 1 it is soon below the rounding of u
    assert flipped


@pytest.mark.parametrize("activation", ["softplus", "tanh", "erf", "sin"])
@pytest.mark.parametrize("per_neuron", [False, True])
def test_runs_of_smooth_networks_stay_in_their_tube(activation: str, per_neuron: bool) -> None:
    rng = np.random.default_rng(2)
    rows, y = np.eye(2), np.array([0.5, -0.5])
    net = TwoLayerNetwork.initialise(8000, 2, 1.0, rng, symmetric=True, activation=activation)
    found = certify_tube(net, rows, y, per_neuron=per_neuron)
    assert found.certified, str(found.failure)
    followed(net, rows, y, found, 1.0, "ngd", 5)


@pytest.mark.parametrize(
    ("optimiser", "width", "scale", "choices"),
    [
        ("gd", 4000, 8.0, {}),
        ("ngd", 4000, 8.0, {"damping": 0.25}),
        ("damped-ngd:0.25", 4000, 8.0, {}),
        ("ngd", 4000, 8.0, {"loss": partial(PseudoHuberLoss, ridge=1.0)}),
        ("kfac", 4000, 1000.0, {}),
        ("kfac", 4000, 1000.0, {"per_neuron": False}),
        ("kfac", 4000, 1000.0, {"damping": (0.01, 0.01)}),
        ("damped-kfac:0.01,0.01", 4000, 1000.0, {}),
    ],
)
def test_other_optimisers_are_certified_too(
    optimiser: str, width: int, scale: float, choices: dict[str, object]
) -> None:
    net, rows, y = drawn(1, 3, width, scale, True)
    found = certify_tube(net, rows, y, optimiser, **choices)  # type: ignore[arg-type]
    assert found.certified, str(found.failure)
    assert 0 <= found.contraction < 1
    per_pair = "kfac" in optimiser and choices.get("per_neuron", True)
    assert found.widths.shape == ((3, width) if per_pair else (3,))
    maker: LossMaker = choices.get("loss", SquaredLoss)  # type: ignore[assignment]
    assert found.step_limit >= 0.5
    assert 0 < found.progress <= 1
    state = FunctionSpaceDescent(net, rows, y, loss=maker)
    first, widths = state.pre_activations.copy(), found.widths if per_pair else found.widths[:, None]
    stepped = optimiser
    if "damping" in choices:
        stepped = f"damped-{optimiser}:{choices['damping']}".replace("(", "").replace(")", "").replace(" ", "")
    factor = 1 - 0.5 * found.progress
    for _ in range(20):
        step = network_step(state, 0.5, stepped)
        assert step.after <= factor * step.before + step.rounding(factor)
        assert (np.abs(state.pre_activations - first) <= widths * (1 + 2.0**-20) + 2.0**-30).all()


def test_damped_factors_lie_between() -> None:
    """K-FAC's contraction with damping is larger than without: it makes less progress."""
    net, rows, y = drawn(1, 3, 4000, 1000.0, True)
    plain, damped = (certify_tube(net, rows, y, "kfac", damping=one) for one in (0.0, (0.05, 0.01)))
    assert plain.contraction < damped.contraction < 1


@pytest.mark.parametrize(
    ("optimiser", "choices", "error"),
    [
        ("adam", {}, ChoiceError),
        ("gd", {"damping": 0.1}, ChoiceError),
        ("gd", {"loss": partial(PseudoHuberLoss, ridge=1.0)}, ChoiceError),
        ("ngd", {"damping": -0.1}, ScaleError),
        ("ngd", {"damping": (0.1, 0.1)}, ScaleError),
        ("ngd", {"damping": float("nan")}, ScaleError),
        ("damped-ngd:0.1", {"damping": 0.1}, ScaleError),
        ("kfac", {"damping": 0.1}, ScaleError),
        ("damped-kfac:0.1,0.1", {"damping": (0.1, 0.1)}, ScaleError),
        ("kfac", {"damping": (0.1, -0.1)}, ScaleError),
        ("kfac", {"damping": [0.1, 0.1]}, ScaleError),
        ("ngd", {"damping": None}, ScaleError),
        ("ngd", {"damping": Fraction(1, 10)}, ScaleError),
        ("kfac", {"damping": (Fraction(1, 10), 0.1)}, ScaleError),
        ("kfac", {"damping": (0.1, 0.1, 0.1)}, ScaleError),
        ("ngd", {"damping": False}, ScaleError),
        ("ngd", {"loss": SquaredLoss(np.ones(2))}, ChoiceError),
        ("ngd", {"loss": "squared"}, ChoiceError),
    ],
)
def test_what_no_theorem_speaks_of_is_refused(
    optimiser: str, choices: dict[str, object], error: type[Exception]
) -> None:
    net, rows, y = drawn(0, 2, 40, 4.0, True)
    with pytest.raises(error):
        certify_tube(net, rows, y, optimiser, **choices)  # type: ignore[arg-type]


def test_data_that_are_no_numbers_are_refused() -> None:
    net, rows, y = drawn(0, 2, 40, 4.0, True)
    for bad_rows, bad_y in ((rows * np.nan, y), (rows, y * np.nan), (rows, y * 1e200)):
        with pytest.raises(NotFiniteError):
            certify_tube(net, bad_rows, bad_y)


def test_inputs_of_another_dimension_are_refused() -> None:
    net, rows, y = drawn(0, 2, 40, 4.0, True)
    with pytest.raises(ShapeError, match="X has 2 columns, the network has 3 inputs"):
        certify_tube(net, normalise_rows(rows[:, :2]), y)


def test_what_is_refused_names_the_activation() -> None:
    net = TwoLayerNetwork.initialise(40, 2, 1.0, np.random.default_rng(0), activation="tanh")
    with pytest.raises(ChoiceError, match="K-FAC on the squared loss and a network with tanh"):
        certify_tube(net, np.eye(2), np.ones(2), "kfac")


def test_damping_below_the_rounding_of_the_inputs_certifies_no_leverage() -> None:
    """``K + eps_X I`` is then exactly singular in float64."""
    net = TwoLayerNetwork.initialise(400, 1, 10.0, np.random.default_rng(0), symmetric=True)
    found = certify_tube(net, np.array([[1.0], [-1.0]]), np.ones(2), "kfac", damping=(0.0, 1e-300))
    assert found.failure is not None
    assert found.failure.short == "leverage"


def test_duplicate_inputs_have_no_tube() -> None:
    net, rows, _ = drawn(0, 2, 40, 4.0, True)
    found = certify_tube(net, rows[[0, 0]], np.array([1.0, -1.0]))
    assert not found.certified
    assert found.failure is not None
    assert found.failure.short == "lambda"
    assert "more neurons" in str(found.failure)


@pytest.mark.parametrize("optimiser", ["ngd", "gd", "kfac"])
def test_without_a_residual_nothing_moves(optimiser: str) -> None:
    net, rows, _ = drawn(0, 2, 40, 4.0, True)
    found = certify_tube(net, rows, np.zeros(2), optimiser)
    assert found.certified
    assert float(found.path_sum) == 0
    assert (found.widths == 0).all()


@pytest.mark.parametrize("active", [1.0, -1.0])
def test_one_input_and_one_neuron(active: float) -> None:
    net = TwoLayerNetwork(weights=np.array([[active, 0.0]]), signs=np.array([1.0]))
    found = certify_tube(net, np.array([[1.0, 0.0]]), np.array([active + 0.25]))
    assert found.certified == (active > 0)
    if found.certified:
        np.testing.assert_allclose(found.widths, [[0.25]], rtol=1e-4)
        assert float(found.contraction) == 0


@pytest.mark.parametrize("optimiser", ["ngd", "gd"])
@pytest.mark.parametrize("scale", [0.5, 1e-3, 1e-8])
def test_what_is_short_is_estimated(optimiser: str, scale: float) -> None:
    """The scale that is estimated to be enough is, and half of it is not; also where every pair may flip in the first tube."""
    net, rows, y = drawn(4, 3, 400, scale, True)
    found = certify_tube(net, rows, y, optimiser, per_neuron=False)
    assert found.failure is not None
    assert found.failure.short in ("mu", "lambda_b")
    assert found.failure.estimated_width == found.failure.estimated_scale**2
    assert "nu times" in str(found.failure)
    for share, enough in ((1.0, True), (0.5, False)):
        wider = TwoLayerNetwork(weights=net.weights * (share * found.failure.estimated_scale), signs=net.signs)
        again = certify_tube(wider, rows, y, optimiser, per_neuron=False)
        assert again.certified == enough
        if again.failure is not None:
            assert 1 < again.failure.estimated_scale < 4


def test_a_larger_scale_is_not_said_to_be_enough_where_the_residual_grows_with_it() -> None:
    net, rows, y = drawn(4, 3, 60, 1e3, False)
    for factor in (1.0, 1e6):
        found = certify_tube(TwoLayerNetwork(weights=net.weights * factor, signs=net.signs), rows, y)
        assert found.failure is not None
        assert "nu times" not in str(found.failure)
        assert "m times" in str(found.failure)


@pytest.mark.parametrize("exponent", [-200, 0, 200])
def test_scaled_problems_have_scaled_tubes(exponent: int) -> None:
    """Weights and targets times a power of 2: the same pattern, the same mu; products in float32 have their own scale."""
    net, rows, y = drawn(2, 3, 2000, 8.0, True)
    factor = 2.0**exponent
    scaled = certify_tube(TwoLayerNetwork(weights=net.weights * factor, signs=net.signs), rows, y * factor)
    plain = certify_tube(net, rows, y)
    assert scaled.certified
    np.testing.assert_allclose(scaled.contraction, plain.contraction, rtol=1e-6)
    np.testing.assert_allclose(scaled.widths, plain.widths * factor, rtol=1e-5)


def test_the_path_is_no_longer_than_by_the_products() -> None:
    """Correlated inputs with the same target, so that r(0) is where G(0) is largest and c0 is short: it is the least form."""
    net, rows, _ = drawn(3, 3, 6000, 8.0, True)
    rows = normalise_rows(rows + 1)
    found = certify_tube(net, rows, np.ones(3), per_neuron=False)
    assert found.certified
    at, start = found.bounds, found.start
    changed, products = turned(start, at), pushed(start, at)
    norms = start.residual_norm, start.coefficients_norm
    fourth = path_by_products(norms[1], changed, products, at.ratio, at.lambda_min)
    assert fourth < min(
        path_by_rate(norms[0], at.ratio, at.lambda_min),
        path_by_coefficients(norms[1], changed, at.first_ratio, at.lambda_min),
        path_by_both(norms[1], changed, norms[0], at.ratio, at.lambda_min),
    )
    assert found.path_sum == fourth


def test_what_the_start_sees_is_bounded_with_its_rounding() -> None:
    """``||G(0)^{-1} (K_i A_r)||`` and the pull, against float64."""
    net, rows, y = drawn(2, 3, 200, 8.0, False)
    start = tube_start(net, rows, y)
    pull = Pull.of(start)
    exact = ExactTube.of(net, rows, np.zeros(3))
    kernel, inverse = np.array([[float(k) for k in row] for row in exact.kernel]), np.linalg.inv(exact.gram)
    for i in range(3):
        inputs = np.full(net.width, i)
        true = np.linalg.norm(inverse @ (kernel[i][:, None] * exact.before), axis=0)
        found = pull.seen_from_start(inputs, start.pattern)
        assert (found >= true * (1 - 1e-12)).all()
        np.testing.assert_allclose(found, true, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("activation", ["softplus", "tanh", "erf", "sin"])
@given(seed=st.integers(0, 2**20), sixteenths=st.integers(1, 16), per_neuron=st.booleans())
def test_no_smooth_network_in_the_tube_exceeds_its_bounds(
    activation: str, seed: int, sixteenths: int, per_neuron: bool
) -> None:
    """Orthonormal inputs, where every Z in the tube is reached; a step of length b, whose mean slope is a difference quotient."""
    rng = np.random.default_rng(seed)
    n, m = 2, 6
    net = TwoLayerNetwork.initialise(m, n, 1.0, rng, activation=activation)
    rows = normalise_rows(np.array([[1.0, 0.0], [0.6, 0.8]]))
    start = tube_start(net, rows, np.ones(n))
    b = (1 + rng.random((n, m) if per_neuron else (n, 1))) * sixteenths / 32  # quotients are off by some 2^-46 then
    bounds = bounds_at(start, b if per_neuron else b[:, 0])
    z = start.pre_activations
    one, step = (rng.choice([-1.0, 1.0], (n, m)) * b for _ in range(2))
    kernel, phi = rows @ rows.T, net.phi

    def product(left: FloatArray, right: FloatArray) -> FloatArray:
        return np.asarray(kernel * (left @ right.T) / m)

    slope = phi.derivative(z + one)
    gram = product(phi.derivative(z), phi.derivative(z))
    assert (np.abs(product(slope, slope) - gram) <= bounds.gram_change + 1e-13).all()
    mean = (phi.function(z + one + step) - phi.function(z + one)) / step
    change = product(mean - slope, slope)
    assert (np.abs(change) <= bounds.product_change + 1e-12).all()
    assert norm(product(mean - slope, mean - slope)) <= bounds.jacobian_change + 1e-12


def test_inputs_without_a_certain_rank_are_said_to_lack_it() -> None:
    """K-FAC needs a positive leverage score of every input."""
    rows = normalise_rows(np.array([[1.0, 0.0], [1.0, 1e-16], [0.6, 0.8]]))
    net = TwoLayerNetwork.initialise(400, 2, 10.0, np.random.default_rng(0), symmetric=True)
    found = certify_tube(net, rows, np.ones(3), "kfac")
    assert not found.certified
    assert found.failure is not None
    assert found.failure.short in ("lambda", "leverage")


def test_the_iteration_ends_and_says_that_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """A smooth network's tube closes after a few; where only one may be tried, nothing is certified."""
    net = TwoLayerNetwork.initialise(4000, 3, 1.0, np.random.default_rng(0), symmetric=True, activation="tanh")
    assert certify_tube(net, np.eye(3), np.ones(3)).certified
    monkeypatch.setattr(certificate, "MOST_TUBES", 1)
    found = certify_tube(net, np.eye(3), np.ones(3))
    assert not found.certified
    assert found.failure is not None
    assert str(found.failure) == "of the tubes that were tried none closes, though a wider one may"
