"""The Gram matrices of finite networks: errors as derived, exact patterns, certified eigenvalues."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat

from theory.errors import NotNormalisedError, ShapeError
from theory.inputs import FloatArray, normalise_rows
from theory.network import gram as network_gram
from theory.network.gram import exact_pattern, gram_eigenvalue, gram_eigenvalue_bounds, largest_gram_eigenvalue
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import rational
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF


def test_the_error_of_a_rectifier_gram_is_that_of_its_derivation() -> None:
    rows = normalise_rows(np.random.default_rng(13).standard_normal((4, 6)))
    net = TwoLayerNetwork.initialise(50, 6, 1.0, np.random.default_rng(14))
    expected = 2 * (6 + 2) * UNIT_ROUNDOFF * exact_pattern(net, rows).sum() / 50
    assert network_gram._rectifier_gram(net, rows)[1] == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize(("move", "rounding"), [(1e-3, 0.0), (0.0, 1e-3), (0.0, 0.0)])
def test_the_error_of_a_smooth_gram_is_that_of_its_derivation(
    move: float, rounding: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = normalise_rows(np.random.default_rng(13).standard_normal((4, 6)))
    net = TwoLayerNetwork.initialise(50, 6, 1.0, np.random.default_rng(14), activation="sin")
    monkeypatch.setattr(network_gram, "DERIVATIVE_ERROR", rounding)
    monkeypatch.setattr(network_gram, "pre_activation_error", lambda net: np.full(net.width, move))
    curvature = 3.0
    moved = np.sqrt(4) * (curvature * move + rounding)
    size = np.linalg.norm(net.pattern_features(rows))
    expected = 2 * (2 * moved * size + moved**2 + (6 + 50 + 10) * UNIT_ROUNDOFF * size**2)
    assert network_gram._smooth_gram(net, rows, curvature)[1] == pytest.approx(expected, rel=1e-9, abs=0)


def exact_product(left: list[float], right: list[float]) -> Fraction:
    return sum((Fraction(a) * Fraction(b) for a, b in zip(left, right, strict=True)), Fraction(0))


def exact_gram(net: TwoLayerNetwork, rows: FloatArray) -> list[list[Fraction]]:
    """``J J^T`` of a ReLU network in exact rationals."""
    inputs, weights = rows.tolist(), net.weights.tolist()
    active = [[exact_product(row, weight) >= 0 for weight in weights] for row in inputs]
    return [
        [
            exact_product(x, y) * sum(s and t for s, t in zip(a, b, strict=True)) / net.width
            for y, b in zip(inputs, active, strict=True)
        ]
        for x, a in zip(inputs, active, strict=True)
    ]


def positive_definite(matrix: list[list[Fraction]], shift: float) -> bool:
    rest = [[value - (Fraction(shift) if i == j else 0) for j, value in enumerate(row)] for i, row in enumerate(matrix)]
    for k in range(len(rest)):
        if rest[k][k] <= 0:
            return False
        for i in range(k + 1, len(rest)):
            factor = rest[i][k] / rest[k][k]
            rest[i] = [a - factor * b for a, b in zip(rest[i], rest[k], strict=True)]
    return True


@pytest.mark.parametrize("integer", [False, True])
def test_the_gram_eigenvalue_of_a_rectifier_network_is_certified(integer: bool) -> None:
    rng = np.random.default_rng(10)
    for _ in range(15):
        rows = normalise_rows(rng.integers(-1, 2, (4, 3)) + np.array([1e-3, 0, 0]))
        weights = rng.integers(-2, 3, (12, 3)).astype(float) if integer else rng.standard_normal((12, 3))
        net = TwoLayerNetwork(weights, np.ones(12))
        lower, upper = gram_eigenvalue_bounds(net, rows)
        assert gram_eigenvalue(net, rows) == lower
        exact = exact_gram(net, rows)
        assert positive_definite(exact, lower)
        assert not positive_definite(exact, upper)
        assert upper - lower < 3e-14


def test_the_pattern_is_that_of_the_exact_products() -> None:
    rng = np.random.default_rng(11)
    rows = normalise_rows(rng.standard_normal((3, 4)))
    weights = rng.standard_normal((60, 4))
    for r in range(40):  # nearly orthogonal to one row: the float product may have either sign
        row = rows[r % 3]
        weights[r] -= (weights[r] @ row) * row
    weights[40] = [-rows[0, 1], rows[0, 0], 0.0, 0.0]  # exactly orthogonal to the first row
    weights[41] = 1e-200 * weights[0]
    weights[42] = [-5e-324, 0.0, 0.0, 0.0]
    weights[43] = 0.0
    weights[44] = 1e308 * weights[0] / np.abs(weights[0]).max()
    net = TwoLayerNetwork(weights, np.ones(60))
    pattern = exact_pattern(net, rows)
    for i, r in np.ndindex(3, 60):
        assert pattern[i, r] == (exact_product(rows[i].tolist(), weights[r].tolist()) >= 0)
    assert (pattern != (rows @ weights.T >= 0)).any()


@pytest.mark.parametrize("scale", [1e-100, 1e-200, 1e-300, 1e-308, 1e150, 1e300])
def test_the_pattern_of_tiny_and_huge_weights_is_exact(scale: float) -> None:
    rng = np.random.default_rng(11)
    rows = normalise_rows(rng.standard_normal((3, 4)))
    weights = rng.standard_normal((60, 4))
    for r in range(60):
        row = rows[r % 3]
        weights[r] -= (weights[r] @ row) * row
    net = TwoLayerNetwork(scale * weights, np.ones(60))
    pattern = exact_pattern(net, rows)
    for i, r in np.ndindex(3, 60):
        assert pattern[i, r] == (exact_product(rows[i].tolist(), net.weights[r].tolist()) >= 0)
    assert (pattern != (rows @ net.weights.T >= 0)).any()


def test_the_pattern_is_exact_where_products_underflow() -> None:
    rng = np.random.default_rng(12)
    rows = normalise_rows(rng.standard_normal((3, 6)))
    net = TwoLayerNetwork(rng.integers(-3, 4, (500, 6)).astype(np.float64) * 2.0**-1074, np.ones(500))
    pattern, z = exact_pattern(net, rows), rows @ net.weights.T
    nonzero_with_the_wrong_sign = 0
    for i, r in np.ndindex(3, 500):
        positive = exact_product(rows[i].tolist(), net.weights[r].tolist()) >= 0
        assert pattern[i, r] == positive
        nonzero_with_the_wrong_sign += int(z[i, r] != 0 and (z[i, r] > 0) != positive)
    assert nonzero_with_the_wrong_sign > 0


DERIVATIVES: dict[str, Callable[[arb], arb]] = {
    "softplus": lambda z: 1 / (1 + (-z).exp()),
    "tanh": lambda z: 1 / z.cosh() ** 2,
    "erf": lambda z: 2 / arb.pi().sqrt() * (-z * z).exp(),
    "sin": lambda z: z.cos(),
}


def ball_gram(net: TwoLayerNetwork, rows: FloatArray) -> arb_mat:
    """``J J^T`` of a smooth network in balls."""
    size, width = len(rows), net.width
    inputs = arb_mat([[arb(v) for v in row] for row in rows.tolist()])
    weights = arb_mat([[arb(v) for v in row] for row in net.weights.tolist()])
    moments = inputs * weights.transpose()
    features = arb_mat(size, width, [DERIVATIVES[net.activation](z) for z in moments.entries()])
    pattern, correlations = features * features.transpose(), inputs * inputs.transpose()
    return arb_mat([[pattern[i, j] * correlations[i, j] / width for j in range(size)] for i in range(size)])


@pytest.mark.parametrize("activation", sorted(DERIVATIVES))
@pytest.mark.parametrize("scale", [1.0, 1e7])
def test_the_gram_eigenvalue_of_a_smooth_network_is_certified(activation: str, scale: float) -> None:
    rng = np.random.default_rng(12)
    rows = normalise_rows(rng.standard_normal((3, 2)))
    for _ in range(5):
        net = TwoLayerNetwork.initialise(6, 2, scale, rng, activation=activation)
        lower, upper = gram_eigenvalue_bounds(net, rows)
        assert gram_eigenvalue(net, rows) == lower
        with working_precision(200):
            exact = ball_gram(net, rows)
            for i in range(3):
                exact[i, i] -= rational(lower)
            assert all(minor > 0 for minor in _leading_minors(exact))
            for i in range(3):
                exact[i, i] -= rational(upper) - rational(lower)
            assert any(minor < 0 for minor in _leading_minors(exact))
        assert upper - lower < 4e-13 * scale


def _leading_minors(matrix: arb_mat) -> list[arb]:
    size = matrix.nrows()
    return [arb_mat([[matrix[i, j] for j in range(k)] for i in range(k)]).det() for k in range(1, size + 1)]


def test_the_gram_of_a_network_needs_unit_rows() -> None:
    net = TwoLayerNetwork(np.ones((2, 2)), np.ones(2))
    with pytest.raises(NotNormalisedError):
        gram_eigenvalue(net, [[1.0, 1.0]])
    with pytest.raises(ShapeError):
        gram_eigenvalue(net, [[1.0]])


@pytest.mark.parametrize("activation", ["relu", "softplus", "erf"])
def test_largest_eigenvalue_of_a_network_s_gram_matrix_is_bounded_to_rounding(activation: str) -> None:
    rng = np.random.default_rng(3)
    rows = normalise_rows(rng.standard_normal((6, 4)))
    net = TwoLayerNetwork.initialise(50, 4, 1.5, rng, activation=activation)
    dense = float(np.linalg.norm(net.jacobian(rows), 2) ** 2)
    assert dense * (1 - 1e-13) <= largest_gram_eigenvalue(net, rows) <= dense * (1 + 1e-10)
