"""The limiting kernels: known values, balls, parallel rows, entry errors, certified eigenvalues, exact degeneracy."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat
from numpy.typing import ArrayLike

from theory import gram
from theory.errors import NotFiniteError, NotNormalisedError, ShapeError, ZeroRowError
from theory.gram import (
    ball_limiting_gram,
    ball_limiting_pattern_gram,
    degeneracy,
    dependent_indices,
    exact_pattern,
    gram_eigenvalue,
    gram_eigenvalue_bounds,
    gram_entry_error,
    largest_gram_eigenvalue,
    limiting_gram,
    limiting_gram_eigenvalue,
    limiting_gram_eigenvalue_bounds,
    limiting_pattern_gram,
    limiting_pattern_gram_eigenvalue,
    limiting_pattern_gram_eigenvalue_bounds,
    pattern_entry_error,
    primitive_directions,
)
from theory.inputs import FloatArray, normalise_rows
from theory.network import TwoLayerNetwork
from theory.rigour.exact import rational
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF

KERNELS = [
    (limiting_gram, ball_limiting_gram, gram_entry_error),
    (limiting_pattern_gram, ball_limiting_pattern_gram, pattern_entry_error),
]


def mixed_rows(rng: np.random.Generator, dim: int) -> FloatArray:
    """Random rows, a neighbour of the first at angle 1e-8, a near opposite, an exact multiple and an exact opposite."""
    rows = rng.standard_normal((3, dim))
    step = 1e-8 * rng.standard_normal(dim)
    return np.concatenate([rows, rows[:1] + step, -rows[:1] + step, 3 * rows[1:2], -rows[2:]]) * 10.0


def largest_difference(values: FloatArray, balls: arb_mat) -> float:
    size = len(values)
    return max(abs(float(arb(values[i, j]) - balls[i, j])) for i in range(size) for j in range(size))


@pytest.mark.parametrize(("degrees", "correlation"), [(60, 0.5), (90, 0.0), (120, -0.5), (0, 1.0), (180, -1.0)])
def test_known_angles(degrees: int, correlation: float) -> None:
    angle = np.deg2rad(degrees)
    rows = [[2.0, 0.0], [np.cos(angle), np.sin(angle)]]
    share = (180 - degrees) / 360
    assert limiting_pattern_gram(rows)[0, 1] == pytest.approx(share, abs=1e-15)
    assert limiting_gram(rows)[0, 1] == pytest.approx(correlation * share, abs=1e-15)
    assert (np.diag(limiting_gram(rows)) == 0.5).all()
    assert (np.diag(limiting_pattern_gram(rows)) == 0.5).all()


@pytest.mark.parametrize(("kernel", "ball", "entry_error"), KERNELS)
@pytest.mark.parametrize("dim", [2, 3, 10, 300])
def test_entries_are_within_their_bound_of_the_balls(
    kernel: Callable[[ArrayLike], FloatArray],
    ball: Callable[[ArrayLike, int], arb_mat],
    entry_error: Callable[[int], float],
    dim: int,
) -> None:
    rng = np.random.default_rng(dim)
    for _ in range(5):
        rows = mixed_rows(rng, dim)
        values = kernel(rows)
        assert (values == values.T).all()
        with working_precision(120):
            assert largest_difference(values, ball(rows, 120)) <= entry_error(dim)


def test_the_entry_errors_are_those_of_their_derivation() -> None:
    assert pattern_entry_error(9) == pytest.approx((5 + 8) * UNIT_ROUNDOFF, rel=1e-10, abs=0)
    assert pattern_entry_error(10) == pytest.approx((5 + 8) * UNIT_ROUNDOFF, rel=1e-10, abs=0)
    assert gram_entry_error(9) == pytest.approx((15 + 12) * UNIT_ROUNDOFF, rel=1e-10, abs=0)
    assert gram_entry_error(10) == pytest.approx((15 + 12) * UNIT_ROUNDOFF, rel=1e-10, abs=0)


@pytest.mark.parametrize(("kernel", "ball", "_"), KERNELS)
def test_parallel_rows_are_exact(
    kernel: Callable[[ArrayLike], FloatArray], ball: Callable[[ArrayLike, int], arb_mat], _: object
) -> None:
    rows = np.array([[1.0, 2.0, 3.0], [5.0, 10.0, 15.0], [-7.0, -14.0, -21.0], [0.1, 0.2, 0.3]])
    expected = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.5]])
    assert (kernel(rows)[:3, :3] == expected).all()
    balls = ball(rows, 64)
    assert all(balls[i, j] == expected[i, j] for i in range(3) for j in range(3))
    assert not balls[0, 3].is_exact()  # (0.1, 0.2, 0.3) is near, not equal


def test_the_balls_are_as_narrow_as_asked() -> None:
    rows = mixed_rows(np.random.default_rng(7), 3)
    for bits in (64, 200):
        for balls in (ball_limiting_gram(rows, bits), ball_limiting_pattern_gram(rows, bits)):
            with working_precision(300):
                assert all(entry.rad() < arb(2) ** (8 - bits) for entry in balls.entries())


@pytest.mark.parametrize("angle", [1e-8, 1e-4, 1.0, 2.0, 3.14159])
def test_two_inputs_have_known_eigenvalues(angle: float) -> None:
    rows = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    for bounds, single, ball in (
        (limiting_gram_eigenvalue_bounds, limiting_gram_eigenvalue, ball_limiting_gram),
        (limiting_pattern_gram_eigenvalue_bounds, limiting_pattern_gram_eigenvalue, ball_limiting_pattern_gram),
    ):
        lower, upper = bounds(rows)
        assert single(rows) == lower
        with working_precision(120):
            exact = arb(0.5) - abs(ball(rows, 120)[0, 1])
            assert arb(lower) < exact < arb(upper)
        assert lower > 0
        assert upper - lower < 200 * UNIT_ROUNDOFF


@pytest.mark.parametrize(
    ("bounds", "entry_error"),
    [
        (limiting_gram_eigenvalue_bounds, "gram_entry_error"),
        (limiting_pattern_gram_eigenvalue_bounds, "pattern_entry_error"),
    ],
)
def test_the_entry_error_is_charged_n_times(
    bounds: Callable[[ArrayLike], tuple[float, float]], entry_error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(8).standard_normal((5, 4))
    lower, upper = bounds(rows)
    monkeypatch.setattr(gram, entry_error, lambda dim: 0.001 * dim)
    assert bounds(rows) == pytest.approx((lower - 5 * 0.004, upper + 5 * 0.004), abs=1e-12)


def test_primitive_directions_are_exact() -> None:
    rows = [[0.1, 0.2, 0.0], [0.5, 1.0, 0.0], [-6.0, 4.0, 0.0], [5e-324, 0.0, 1e300], [3.0, 6.0, -0.0]]
    directions = primitive_directions(rows)
    assert directions[1] == (1, 2, 0) == directions[4]
    assert directions[2] == (-3, 2, 0)
    assert directions[0] == (1, 2, 0)  # 0.2 is exactly twice 0.1
    assert Fraction(directions[3][2], directions[3][0]) == Fraction(1e300) / Fraction(5e-324)


THREE_PAIRS = [(0, 1), (2, 3), (4, 5)]
THREE_IN_THE_PLANE = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]]
FOUR_IN_SPACE = [[*row, 0] for row in THREE_IN_THE_PLANE] + [[0, 0, 1], [0, 0, -1]]
BASIS_PAIRS = [[1, 0, 0], [-2, 0, 0], [0, 3, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]


@pytest.mark.parametrize(
    ("rows", "gram_positive", "pattern_positive", "coincident", "antiparallel", "dependent"),
    [
        ([[1, 0], [1, 1]], True, True, [], [], []),
        ([[2, 3]], True, True, [], [], []),
        ([[1], [-2]], True, True, [], [(0, 1)], []),
        ([[1, 2, 3], [0, 1, 0], [5, 10, 15]], False, False, [(0, 2)], [], []),
        ([[1, 0], [1, 0], [2, 0]], False, False, [(0, 1), (0, 2), (1, 2)], [], []),
        ([[-1, 0], [1, 0]], True, True, [], [(0, 1)], []),
        ([[1, 0], [0, 1], [-3, 0]], True, True, [], [(0, 2)], []),
        ([[1, 0], [0, 1], [-3, 0], [0, -1]], True, False, [], [(0, 2), (1, 3)], []),
        (BASIS_PAIRS, True, False, [], THREE_PAIRS, []),
        (THREE_IN_THE_PLANE, False, False, [], THREE_PAIRS, THREE_PAIRS),
        (FOUR_IN_SPACE, False, False, [], [*THREE_PAIRS, (6, 7)], THREE_PAIRS),
        ([[1, 0], [1, 0], [-1, 0]], False, False, [(0, 1)], [(0, 2), (1, 2)], []),
    ],
)
def test_the_decision_and_its_reasons(
    rows: list[list[int]],
    gram_positive: bool,
    pattern_positive: bool,
    coincident: list[tuple[int, int]],
    antiparallel: list[tuple[int, int]],
    dependent: list[tuple[int, int]],
) -> None:
    result = degeneracy(rows)
    assert result.gram_positive_definite is gram_positive
    assert result.pattern_gram_positive_definite is pattern_positive
    assert result.coincident == tuple(coincident)
    assert result.antiparallel == tuple(antiparallel)
    assert result.dependent_directions == tuple(dependent)
    assert (limiting_gram_eigenvalue(rows) > 0) is gram_positive
    assert (limiting_pattern_gram_eigenvalue(rows) > 0) is pattern_positive


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([[1, 0], [0, 1]], "G_inf and S_inf are positive definite: no two rows are parallel"),
        ([[1, 0], [-1, 0]], "G_inf and S_inf are positive definite; rows 0 and 1 are antiparallel"),
        ([[1, 0], [2, 0]], "G_inf and S_inf are singular: rows 0 and 1 point the same way; remove one of each"),
        (
            BASIS_PAIRS,
            "G_inf is positive definite, S_inf is singular: rows 0 and 1, 2 and 3, 4 and 5 are more than one",
        ),
        (THREE_IN_THE_PLANE, "antiparallel pairs with linearly dependent directions"),
        ([[1, 0]] * 4, "rows 0 and 1, 0 and 2, 0 and 3, 1 and 2, 1 and 3, and 1 more pairs point the same way"),
    ],
)
def test_the_reason_names_the_rows(rows: list[list[int]], text: str) -> None:
    assert text in degeneracy(rows).reason()


def test_a_last_bit_decides() -> None:
    row = np.array([0.1, 0.2, 0.3])
    for sign in (1, -1):
        other = sign * row
        assert degeneracy([row, other]).coincident == (((0, 1),) if sign == 1 else ())
        other[2] = np.nextafter(other[2], 1)
        assert degeneracy([row, other]).coincident == () == degeneracy([row, other]).antiparallel


def test_dependent_indices_are_those_of_some_combination() -> None:
    assert dependent_indices([]) == set()
    assert dependent_indices([(1, 0), (0, 1)]) == set()
    assert dependent_indices([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 2, 5)]) == {1, 2, 3}


def test_the_error_of_a_rectifier_gram_is_that_of_its_derivation() -> None:
    rows = normalise_rows(np.random.default_rng(13).standard_normal((4, 6)))
    net = TwoLayerNetwork.initialise(50, 6, 1.0, np.random.default_rng(14))
    expected = 2 * (6 + 2) * UNIT_ROUNDOFF * exact_pattern(net, rows).sum() / 50
    assert gram._rectifier_gram(net, rows)[1] == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize(("move", "rounding"), [(1e-3, 0.0), (0.0, 1e-3), (0.0, 0.0)])
def test_the_error_of_a_smooth_gram_is_that_of_its_derivation(
    move: float, rounding: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = normalise_rows(np.random.default_rng(13).standard_normal((4, 6)))
    net = TwoLayerNetwork.initialise(50, 6, 1.0, np.random.default_rng(14), activation="sin")
    monkeypatch.setattr(gram, "DERIVATIVE_ERROR", rounding)
    monkeypatch.setattr(gram, "pre_activation_error", lambda net: np.full(net.width, move))
    curvature = 3.0
    moved = np.sqrt(4) * (curvature * move + rounding)
    size = np.linalg.norm(net.pattern_features(rows))
    expected = 2 * (2 * moved * size + moved**2 + (6 + 50 + 10) * UNIT_ROUNDOFF * size**2)
    assert gram._smooth_gram(net, rows, curvature)[1] == pytest.approx(expected, rel=1e-9, abs=0)


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


@pytest.mark.parametrize(
    "function",
    [degeneracy, limiting_gram, limiting_pattern_gram, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue],
)
def test_bad_rows_are_named(function: Callable[[ArrayLike], object]) -> None:
    with pytest.raises(ZeroRowError, match="row 1"):
        function([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(NotFiniteError):
        function([[1.0, np.inf]])
    with pytest.raises(ShapeError):
        function([1.0, 2.0])


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
