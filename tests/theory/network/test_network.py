"""The two-layer network against naive loops, series in ball arithmetic, finite differences, and bad input."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_series
from numpy.typing import ArrayLike, NDArray

import theory.network
from theory.errors import ChoiceError, NotFiniteError, NotNormalisedError, ScaleError, ShapeError, SignError, WidthError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork, activation_named, pattern_counts
from theory.rigour import pre_activations
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma

SMOOTH = ("softplus", "tanh", "erf", "sin")
BITS = 300
LIBRARY = 16
"""Units in the last place allowed to the mathematical library for phi and phi', whatever its vectorised kernels."""

Series = Any


def _tanh(z: Series) -> Series:
    return 1 - 2 / ((2 * z).exp() + 1)


SERIES: dict[str, Callable[[Series], Series]] = {
    "softplus": lambda z: (z.exp() + 1).log(),
    "tanh": _tanh,
    "erf": lambda z: z.erf(),
    "sin": lambda z: z.sin(),
}


def derivatives(name: str, z: arb) -> tuple[arb, arb, arb]:
    """phi, phi', phi'' at z by power series in ball arithmetic, from the definition of phi alone; ReLU by cases."""
    if name == "relu":
        return (z, arb(1), arb(0)) if z >= 0 else (arb(0), arb(0), arb(0))
    series = SERIES[name](arb_series([z, 1], 3))
    return series[0], series[1], 2 * series[2]


def make(activation: str, seed: int = 0, n: int = 4, d: int = 3, m: int = 7) -> tuple[TwoLayerNetwork, FloatArray]:
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(width=m, dim=d, scale=1.5, rng=rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((n, d)))


def pre_activation_error(net: TwoLayerNetwork, X: FloatArray) -> FloatArray:
    """``gamma(d) |X| |W|^T``, shape (n, m)."""
    return np.asarray(gamma(net.dim) * (np.abs(X) @ np.abs(net.weights).T))


def bounded_by(error: arb, allowed: float) -> bool:
    return bool(abs(error) <= allowed)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_and_jacobian_against_loops_in_balls(activation: str) -> None:
    """|phi'| <= 2 / sqrt(pi) for every activation, |phi''| <= L: the error of Z passes with these factors."""
    net, X = make(activation)
    (n, d), m = X.shape, net.width
    error = pre_activation_error(net, X)
    curvature = net.phi.curvature or 0.0
    u, J = net.outputs(X), net.jacobian(X)
    assert u.shape == (n,)
    assert J.shape == (n, m * d)
    with working_precision(BITS):
        root = arb(m).sqrt()
        for i in range(n):
            output, allowed = arb(0), 0.0
            for r in range(m):
                z = sum((arb(X[i, k]) * arb(net.weights[r, k]) for k in range(d)), arb(0))
                value, slope, _ = derivatives(activation, z)
                output += value * int(net.signs[r]) / root
                size = abs(float(value))
                allowed += (2 / math.sqrt(math.pi) * error[i, r] + (LIBRARY * UNIT_ROUNDOFF + gamma(m + 3)) * size) / (
                    math.sqrt(m)
                )
                slope_size = abs(float(slope))
                library = (LIBRARY + 2 * float(z) ** 2) * UNIT_ROUNDOFF  # exp(-z^2) feels the rounding of z^2
                for k in range(d):
                    exact = slope * int(net.signs[r]) / root * arb(X[i, k])
                    entry_error = (
                        abs(X[i, k]) / math.sqrt(m) * (curvature * error[i, r] + (library + gamma(4)) * slope_size)
                    )
                    assert bounded_by(arb(J[i, r * d + k]) - exact, entry_error * 1.01)
            assert bounded_by(arb(u[i]) - output, allowed * 1.01)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_jacobian_against_finite_differences(activation: str) -> None:
    """``|(u(W + h e) - u(W))/h - J| <= h L x_ik^2 / (2 sqrt m)``, and the rounding of both outputs divided by h.

    The ReLU network is linear as long as no pre-activation changes sign: L = 0.
    """
    net, X = make(activation, seed=1)
    (_, d), m, h = X.shape, net.width, 2.0**-20
    if activation == "relu":
        assert np.abs(net.pre_activations(X)).min() > 2 * h
    curvature = net.phi.curvature or 0.0
    u, J = net.outputs(X), net.jacobian(X)
    sizes = np.abs(net.phi.function(net.pre_activations(X))) + h
    carried = 1.2 * pre_activation_error(net, X) + h * UNIT_ROUNDOFF + (LIBRARY * UNIT_ROUNDOFF + gamma(m + 3)) * sizes
    rounding = 2 * carried.sum(axis=1) / math.sqrt(m)
    for r in range(m):
        for k in range(d):
            weights = net.weights.copy()
            weights[r, k] += h
            moved = weights[r, k] - net.weights[r, k]  # exact (Sterbenz): h as it was added
            quotient = (TwoLayerNetwork(weights, net.signs, activation).outputs(X) - u) / moved
            allowed = moved * curvature * X[:, k] ** 2 / (2 * math.sqrt(m)) + 1.01 * rounding / h
            assert (np.abs(quotient - J[:, r * d + k]) <= allowed).all()
            assert allowed.max() < 1e-5  # far below any factor that could go missing


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gram_matrices_against_the_dense_jacobian(activation: str) -> None:
    net, X = make(activation, seed=2, n=5, d=2, m=9)
    J, S = net.jacobian(X), net.pattern_features(X)
    n, m = S.shape
    assert S.shape == (5, 9)
    growth = 2 * gamma(m * net.dim + 6)  # sums of at most m d products of entries with at most 3 roundings, twice
    H = np.array([[sum(S[i, r] * S[j, r] for r in range(m)) for j in range(n)] for i in range(n)])
    sizes = np.abs(S) @ np.abs(S).T
    assert (np.abs(net.pattern_gram(X) - H) <= growth * sizes).all()
    G = np.array([[sum(J[i] * J[j]) for j in range(n)] for i in range(n)])
    assert (np.abs(net.gram(X) - G) <= growth * (np.abs(J) @ np.abs(J).T + (np.abs(X) @ np.abs(X).T) * sizes)).all()


def test_a_pre_activation_of_zero_counts_as_active() -> None:
    net = TwoLayerNetwork(weights=np.array([[0.0, 1.0], [0.0, 0.0], [-1.0, 0.0]]), signs=np.array([1.0, -1.0, 1.0]))
    X = np.array([[1.0, 0.0]])
    assert net.pattern_features(X).tolist() == [[1 / math.sqrt(3), -1 / math.sqrt(3), 0.0]]
    assert net.pattern_gram(X).tolist() == [[2 / 3]]


def test_a_network_by_hand() -> None:
    """m = 4 gives the factor 1/2: u = (2 - 1 + 0 - 0)/2, S = (1, -1, 0, -1)/2, the third neuron inactive."""
    net = TwoLayerNetwork(weights=np.array([[2.0], [1.0], [-3.0], [0.0]]), signs=np.array([1.0, -1.0, 1.0, -1.0]))
    X = np.array([[1.0]])
    assert net.outputs(X).tolist() == [0.5]
    assert net.pattern_features(X).tolist() == [[0.5, -0.5, 0.0, -0.5]]
    assert net.jacobian(X).tolist() == [[0.5, -0.5, 0.0, -0.5]]
    assert net.gram(X).tolist() == [[0.75]]
    assert (net.width, net.dim) == (4, 1)


CLOSED_FORM: dict[str, tuple[Callable[[], arb], Callable[[], arb]]] = {
    "softplus": (lambda: arb(1) / 4, lambda: arb(0)),
    "tanh": (lambda: 4 / (3 * arb(3).sqrt()), lambda: (1 / arb(3).sqrt()).atanh()),
    "erf": (lambda: 2 * (2 / (arb.pi() * arb(1).exp())).sqrt(), lambda: 1 / arb(2).sqrt()),
    "sin": (lambda: arb(1), lambda: arb.pi() / 2),
}
"""max |phi''| and a place where it is attained."""


@pytest.mark.parametrize("activation", SMOOTH)
def test_curvature_is_its_closed_form_rounded_up(activation: str) -> None:
    curvature = ACTIVATIONS[activation].curvature
    assert curvature is not None
    with working_precision(BITS):
        exact, place = CLOSED_FORM[activation][0](), CLOSED_FORM[activation][1]()
        assert exact <= arb(curvature) or exact.contains(arb(curvature))
        assert arb(curvature) * (1 - arb(1e-12)) < abs(derivatives(activation, place)[2])


@pytest.mark.parametrize("activation", SMOOTH)
def test_curvature_is_never_exceeded(activation: str) -> None:
    """At 2001 points of [-20, 20] and 401 close to the maximum."""
    curvature = ACTIVATIONS[activation].curvature
    assert curvature is not None
    with working_precision(BITS):
        peak = float(CLOSED_FORM[activation][1]())
        for z in [*np.linspace(-20, 20, 2001).tolist(), *(peak + np.linspace(-1e-3, 1e-3, 401)).tolist()]:
            assert abs(derivatives(activation, arb(z))[2]) <= arb(curvature)


def test_relu_has_no_curvature() -> None:
    assert ACTIVATIONS["relu"].curvature is None


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_stay_finite_far_out(activation: str) -> None:
    phi, z = ACTIVATIONS[activation], np.array([-1e4, -800.0, 800.0, 1e4])
    assert phi.name == activation
    assert np.isfinite(phi.function(z)).all()
    slope = phi.derivative(z)
    expected = {"relu": [0, 0, 1, 1], "softplus": [0, 0, 1, 1], "tanh": [0] * 4, "erf": [0] * 4, "sin": np.cos(z)}
    assert np.abs(slope - np.asarray(expected[activation])).max() < 2.0**-1000


def test_initialise_has_the_moments_of_its_law() -> None:
    """Six standard deviations of each sample moment under N(0, nu^2) and fair signs: variances nu^2, 2 nu^4, 96 nu^8."""
    nu, m, d = 3.0, 20000, 3
    net = TwoLayerNetwork.initialise(width=m, dim=d, scale=nu, rng=np.random.default_rng(5))
    w, count = net.weights / nu, m * d
    assert net.weights.shape == (m, d)
    assert abs(w.mean()) < 6 / math.sqrt(count)
    assert abs((w**2).mean() - 1) < 6 * math.sqrt(2 / count)
    assert abs((w**4).mean() - 3) < 6 * math.sqrt(96 / count)
    assert abs(net.signs.mean()) < 6 / math.sqrt(m)
    assert abs((net.signs[:, None] * w).mean()) < 6 / math.sqrt(count)
    correlations = w.T @ w / m - np.diag((w**2).mean(axis=0))
    assert np.abs(correlations).max() < 6 / math.sqrt(m)


def test_symmetric_initialisation_pairs_neurons() -> None:
    net = TwoLayerNetwork.initialise(width=10, dim=3, scale=2.0, rng=np.random.default_rng(1), symmetric=True)
    assert net.weights.shape == (10, 3)
    assert np.array_equal(net.weights[:5], net.weights[5:])
    assert np.array_equal(net.signs[:5], -net.signs[5:])
    X = normalise_rows(np.random.default_rng(2).standard_normal((4, 3)))
    sizes = np.maximum(net.pre_activations(X), 0).sum(axis=1) / math.sqrt(10)
    assert (np.abs(net.outputs(X)) <= gamma(12) * sizes).all()


def test_initialise_is_reproducible_and_depends_on_the_generator() -> None:
    first, second, third = (
        TwoLayerNetwork.initialise(width=4, dim=2, scale=1.0, rng=np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.weights, second.weights)
    assert not np.array_equal(first.weights, third.weights)
    assert first.activation == "relu"


@pytest.mark.parametrize("width", [0, -1])
def test_initialise_rejects_widths(width: int) -> None:
    with pytest.raises(WidthError, match=f"width is {width}; it must be a positive integer"):
        TwoLayerNetwork.initialise(width=width, dim=2, scale=1.0, rng=np.random.default_rng(0))


def test_initialise_rejects_an_odd_symmetric_width() -> None:
    with pytest.raises(WidthError, match="width is 5; symmetric initialisation pairs neurons and needs an even width"):
        TwoLayerNetwork.initialise(width=5, dim=2, scale=1.0, rng=np.random.default_rng(0), symmetric=True)


def test_initialise_rejects_dimensions_scales_and_activations() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(WidthError, match="dim is 0; it must be a positive integer"):
        TwoLayerNetwork.initialise(width=4, dim=0, scale=1.0, rng=rng)
    with pytest.raises(ScaleError, match=r"scale is 0\.0; it must be a finite positive number"):
        TwoLayerNetwork.initialise(width=4, dim=2, scale=0.0, rng=rng)
    with pytest.raises(ChoiceError, match="unknown activation 'gelu'; known: relu, softplus, tanh, erf, sin"):
        TwoLayerNetwork.initialise(width=4, dim=2, scale=1.0, rng=rng, activation="gelu")


def test_activation_named_looks_up() -> None:
    assert activation_named("sin") is ACTIVATIONS["sin"]


def test_the_constructor_validates() -> None:
    with pytest.raises(ShapeError, match="3 signs for 2 neurons; they must agree"):
        TwoLayerNetwork(weights=np.ones((2, 2)), signs=np.ones(3))
    with pytest.raises(ShapeError, match=r"weights has shape \(2,\)"):
        TwoLayerNetwork(weights=np.ones(2), signs=np.ones(2))
    with pytest.raises(NotFiniteError, match=r"weights\[0, 1\] is nan"):
        TwoLayerNetwork(weights=np.array([[0.0, np.nan]]), signs=np.ones(1))
    with pytest.raises(SignError, match=r"signs\[0\] is 2\.0"):
        TwoLayerNetwork(weights=np.ones((1, 2)), signs=np.array([2.0]))
    with pytest.raises(ChoiceError, match="unknown activation"):
        TwoLayerNetwork(weights=np.ones((1, 2)), signs=np.ones(1), activation="")


def test_inputs_are_validated_before_use() -> None:
    net = TwoLayerNetwork(weights=np.ones((2, 2)), signs=np.ones(2))
    with pytest.raises(ShapeError, match="X has 3 columns, the network has 2 inputs; they must agree"):
        net.outputs([[1.0, 0.0, 0.0]])
    for method in (net.outputs, net.jacobian, net.gram, net.pattern_gram, net.pattern_features, net.pre_activations):
        with pytest.raises(NotNormalisedError):
            method([[2.0, 0.0]])


@pytest.mark.parametrize("convert", [np.asarray, lambda rows: rows.tolist(), lambda rows: rows.astype(bool)])
def test_pattern_counts_of_any_kind_of_array(convert: Callable[[NDArray[np.int8]], ArrayLike]) -> None:
    pattern = np.random.default_rng(0).integers(0, 2, (3, 20)).astype(np.int8)
    counts = pattern_counts(convert(pattern))
    assert counts.dtype == np.float64
    assert np.array_equal(counts, pattern.astype(int) @ pattern.astype(int).T)


@pytest.mark.parametrize("width", [1, 6, 7, 8, 14, 50])
def test_pattern_counts_across_blocks(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of seven columns here, of 2^24 - 1 in earnest."""
    assert theory.network.two_layer.FLOAT32_EXACT_COUNT == 2**24
    monkeypatch.setattr(theory.network.two_layer, "FLOAT32_EXACT_COUNT", 8)
    pattern = np.random.default_rng(width).integers(-1, 2, (4, width))
    assert np.array_equal(pattern_counts(pattern), pattern @ pattern.T)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_network_that_keeps_has_the_same_pre_activations_of_any_rows(activation: str) -> None:
    rng = np.random.default_rng(4)
    net = TwoLayerNetwork.initialise(30, 3, 1.0, rng, activation=activation)
    first, second = (normalise_rows(rng.standard_normal((n, 3))) for n in (4, 4))
    kept = net.keeping()
    for rows in (first, second, first):
        found = kept.pre_activations(rows)
        assert np.array_equal(found, net.pre_activations(rows))
        assert kept.pre_activations(rows) is found
        assert np.array_equal(kept.outputs(rows), net.outputs(rows))
    with pytest.raises(ValueError, match="read-only"):
        kept.pre_activations(first)[0, 0] = 1.0
    assert net.pre_activations(first) is not net.pre_activations(first), "others keep nothing"
    moved = kept.at(2 * net.weights)
    assert np.array_equal(moved.pre_activations(first), 2 * net.pre_activations(first))
    error = pre_activations.pre_activation_error
    assert np.array_equal(error(kept), error(net))
    assert np.array_equal(error(moved), error(TwoLayerNetwork(2 * net.weights, net.signs)))
