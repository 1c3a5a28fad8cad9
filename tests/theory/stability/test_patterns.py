"""The exact supremum by enumerated patterns, against sampled weights, non-negative least squares and hand-worked cases."""

import itertools
import math

import numpy as np
import pytest
from flint import fmpq
from scipy import optimize

from theory.errors import InputError, ScaleError, ShapeError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import rational, rational_matrix
from theory.stability import ball_changes
from theory.stability.patterns import ChangeMatrices, InputFaces, largest_eigenvalue_at_most, neuron_changes

THREE_IN_THE_PLANE = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def column(*entries: float) -> object:
    return rational_matrix(np.array(entries))


def pattern(rows: FloatArray, weights: FloatArray) -> tuple[bool, ...]:
    return tuple(bool(z >= 0) for z in rows @ weights)


# --- which patterns there are -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_patterns_are_those_of_some_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = normalise_rows(rng.standard_normal((4, 2 + seed % 2)))
    sampled = {pattern(rows, w) for w in rng.standard_normal((20000, rows.shape[1]))}
    found = set(InputFaces(rows).patterns())
    assert found >= sampled
    # what no sample hit has weights on a boundary only: 0 itself has the pattern of all
    assert found - sampled <= {(True,) * 4}


def test_patterns_on_boundaries_count() -> None:
    opposite = InputFaces(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert set(opposite.patterns()) == {(True, True), (True, False), (False, True)}
    twice = InputFaces(np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert set(twice.patterns()) == {(True, True), (False, False)}
    # x_3 = x_1 + x_2: off at both means off there
    assert set(itertools.product((True, False), repeat=3)) - set(InputFaces(THREE_IN_THE_PLANE).patterns()) == {
        (True, True, False),
        (False, False, True),
    }
    # both active on the line w . x = 0 only, where the third input, perpendicular, is on or off
    crossed = InputFaces(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]))
    assert (True, True, False) in crossed.patterns()
    assert (False, False, True) not in crossed.patterns()


# --- how far they are -------------------------------------------------------------------------------------------------


def distance_by_least_squares(rows: FloatArray, weights: FloatArray, active: tuple[bool, ...]) -> float:
    """Moreau: the distance to a cone is the length of the projection on its polar cone, here spanned by -s_i x_i."""
    spanning = np.where(active, -1.0, 1.0)[None, :] * rows.T
    coefficients, _ = optimize.nnls(spanning, weights)
    return float(np.linalg.norm(spanning @ coefficients))


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_those_of_non_negative_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = normalise_rows(rng.standard_normal((1 + seed % 4, 1 + seed % 3)))
    faces = InputFaces(rows)
    for _ in range(5):
        weights = rng.standard_normal((rows.shape[1],))
        for active in faces.patterns():
            squared, attained = faces.distance(rational_matrix(weights), active)
            distance = distance_by_least_squares(rows, weights, active)
            assert float(squared.p) / float(squared.q) == pytest.approx(distance**2, rel=1e-9, abs=1e-12)
            assert attained == (distance == 0 or all(active) or _on_the_active_side(rows, weights, active, distance))


def _on_the_active_side(rows: FloatArray, weights: FloatArray, active: tuple[bool, ...], distance: float) -> bool:
    """Whether the nearest point has no boundary of an input that should be off."""
    spanning = np.where(active, -1.0, 1.0)[None, :] * rows.T
    nearest = weights - spanning @ optimize.nnls(spanning, weights)[0]
    return bool((np.abs(rows @ nearest)[~np.array(active)] > 1e-9).all())


def test_a_boundary_belongs_to_the_active_side() -> None:
    faces = InputFaces(np.array([[1.0]]))
    assert faces.distance(column(3.0), (False,)) == (fmpq(9), False)
    assert faces.distance(column(-3.0), (True,)) == (fmpq(9), True)
    assert faces.distance(column(3.0), (True,)) == (fmpq(0), True)
    assert faces.distance(column(0.0), (False,)) == (fmpq(0), False)
    assert faces.distance(column(-1.0), (False,)) == (fmpq(0), True)


def test_changes_of_a_neuron_within_a_budget() -> None:
    faces = InputFaces(np.eye(2))

    def changes(w: tuple[float, float], budget: float) -> dict[tuple[int, ...], tuple[fmpq, bool]]:
        found = neuron_changes(faces, column(*w), rational(budget))
        assert found[0].change == (0, 0)
        assert found[0].attained
        assert found[0].squared_distance == 0
        return {one.change: (one.squared_distance, one.attained) for one in found[1:]}

    assert changes((3.0, -4.0), 100.0) == {(-1, 0): (9, False), (0, 1): (16, True), (-1, 1): (25, False)}
    assert set(changes((3.0, -4.0), 16.0)) == {(-1, 0), (0, 1)}
    assert set(changes((3.0, -4.0), 15.9)) == {(-1, 0)}
    assert set(changes((3.0, -4.0), 9.0)) == set()  # the boundary itself is still active
    assert set(changes((3.0, -4.0), 9.0 + 2.0**-40)) == {(-1, 0)}
    assert set(changes((-3.0, -4.0), 9.0)) == {(1, 0)}


# --- the comparison of eigenvalues ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "largest"),
    [
        ([[2, 1], [1, 2]], 3),
        ([[1, 0], [0, 1]], 1),
        ([[1, 1], [1, 1]], 2),
        ([[0, 0, 0], [0, 0, 0], [0, 0, 5]], 5),
        ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 3),
        ([[-1, 0], [0, -2]], -1),
        ([[0, 2, 0], [2, 0, 0], [0, 0, 1]], 2),
        ([[3, 0, 1], [0, 3, 1], [1, 1, 2]], 4),
    ],
)
def test_the_largest_eigenvalue_is_compared_exactly(matrix: list[list[int]], largest: int) -> None:
    exact = rational_matrix(np.array(matrix, dtype=float))
    assert largest_eigenvalue_at_most(exact, fmpq(largest))
    assert largest_eigenvalue_at_most(exact, fmpq(largest + 1))
    assert not largest_eigenvalue_at_most(exact, fmpq(largest) - fmpq(1, 10**30))
    assert not largest_eigenvalue_at_most(exact, fmpq(largest - 1))


def test_the_largest_eigenvalue_of_random_matrices() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        matrix = rng.integers(-3, 4, (4, 4)).astype(float)
        matrix += matrix.T
        largest = float(np.linalg.eigvalsh(matrix)[-1])
        assert largest_eigenvalue_at_most(rational_matrix(matrix), rational(largest + 1e-9))
        assert not largest_eigenvalue_at_most(rational_matrix(matrix), rational(largest - 1e-9))


def test_bounds_of_a_set_of_changes_are_exact() -> None:
    # K o D D^T / m for e_1, e_2 and m = 4: diag(3, 1) / 4 and diag(2, 2) / 4
    products = np.array([np.diag([3.0, 1.0]), np.diag([2.0, 2.0])])
    found = ChangeMatrices.of(np.eye(2), products, 4)
    assert found.squares == pytest.approx([0.75, 0.5])
    assert found.supremum == pytest.approx(math.sqrt(0.75))
    assert np.array_equal(found.largest, np.diag([3.0, 1.0]))
    assert found.frobenius == 1.0
    assert found.squares_at_most(fmpq(3, 4))
    assert not found.squares_at_most(fmpq(3, 4) - fmpq(1, 10**40))
    assert found.at_most(math.inf)
    assert found.at_most(0.8661)
    assert not found.at_most(0.866)
    assert found.frobenius_at_most(1.0)
    assert found.frobenius_at_most(math.inf)
    assert not found.frobenius_at_most(math.nextafter(1.0, 0.0))
    assert np.array_equal(found.squares_at_most(fmpq(1, 2)), False)
    # rows of length 2 weigh their flips by 4
    longer = ChangeMatrices.of(2 * np.eye(2), products, 4)
    assert longer.frobenius_at_most(2.0)
    assert not longer.frobenius_at_most(1.999)
    assert longer.supremum == pytest.approx(math.sqrt(3))


def test_off_diagonal_entries_count() -> None:
    rows = normalise_rows(np.array([[1.0, 0.0], [1.0, 1.0]]))
    product = np.array([[[2.0, 1.0], [1.0, 3.0]]])
    found = ChangeMatrices.of(rows, product, 5)
    exact = np.linalg.eigvalsh(np.array([[2.0, math.sqrt(0.5)], [math.sqrt(0.5), 3.0]]) / 5)[-1]
    assert found.supremum == pytest.approx(math.sqrt(exact), rel=1e-14)
    assert found.at_most(math.sqrt(exact) * (1 + 1e-14))
    assert not found.at_most(math.sqrt(exact) * (1 - 1e-14))


# --- the whole ball ---------------------------------------------------------------------------------------------------


def test_the_ball_of_a_hand_worked_network() -> None:
    # costs 1 (on: attained), 4 (off: not attained), m = 2, one input; both flips need more than 5
    net, rows = TwoLayerNetwork(np.array([[-1.0], [2.0]]), np.array([1.0, -1.0])), np.array([[1.0]])
    for radius, flips in ((0.99, 0), (1.0, 1), (2.2, 1), (math.sqrt(5.0) * (1 + 1e-15), 2), (9.0, 2)):
        assert ball_changes(net, rows, radius).frobenius == math.sqrt(flips / 2)
        assert ball_changes(net, rows, radius).supremum == pytest.approx(math.sqrt(flips / 2))


def test_a_budget_met_with_equality() -> None:
    rows = np.array([[1.0]])
    on = TwoLayerNetwork(np.array([[-3.0], [-4.0]]), np.ones(2))
    assert ball_changes(on, rows, 5.0).frobenius == 1.0
    assert ball_changes(on, rows, 4.9).frobenius == math.sqrt(0.5)
    off = TwoLayerNetwork(np.array([[-3.0], [4.0]]), np.ones(2))
    assert ball_changes(off, rows, 5.0).frobenius == math.sqrt(0.5)
    assert ball_changes(off, rows, 5.0 + 2.0**-40).frobenius == 1.0


def test_no_sampled_weights_change_more_and_most_suprema_are_sampled() -> None:
    reached = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        net = TwoLayerNetwork.initialise(2, 2, 1.0, rng)
        rows = normalise_rows(rng.standard_normal((2, 2)))
        found = ball_changes(net, rows, 1.0)
        steps = rng.standard_normal((4000, 2, 2))
        steps /= np.linalg.norm(steps, axis=(1, 2), keepdims=True)
        before, z = net.pre_activations(rows) >= 0, rows @ (net.weights + steps).transpose(0, 2, 1)
        changes = (z >= 0).astype(float) - before
        squares = np.linalg.eigvalsh(rows @ rows.T * (changes @ changes.transpose(0, 2, 1)))[:, -1] / 2
        sampled = math.sqrt(max(squares.max(), 0.0))
        assert sampled <= found.supremum + 1e-12
        reached += sampled >= found.supremum - 1e-12
    assert reached >= 5


def test_bad_arguments_are_named() -> None:
    rows = normalise_rows(np.random.default_rng(0).standard_normal((5, 3)))
    net = TwoLayerNetwork(np.ones((6, 3)), np.ones(6))
    assert ball_changes(net, rows[:1], 0.1).supremum == 0.0
    with pytest.raises(ShapeError, match="n <= 4 and m <= 6 only; this is relu, n = 5, m = 6"):
        ball_changes(net, rows, 0.1)
    with pytest.raises(ShapeError, match="m = 7"):
        ball_changes(TwoLayerNetwork(np.ones((7, 3)), np.ones(7)), rows[:2], 0.1)
    with pytest.raises(ShapeError, match="this is tanh"):
        ball_changes(TwoLayerNetwork(np.ones((2, 3)), np.ones(2), "tanh"), rows[:2], 0.1)
    with pytest.raises(ShapeError, match="2 columns"):
        ball_changes(net, np.eye(2), 0.1)
    with pytest.raises(ScaleError, match="radius"):
        ball_changes(net, rows[:2], 0.0)
    with pytest.raises(InputError):
        ball_changes(net, 2 * rows[:2], 0.1)
    four = TwoLayerNetwork(np.ones((6, 4)), np.ones(6))
    assert ball_changes(four, np.eye(4), 0.1).supremum == 0.0


def test_frobenius_bounds_weigh_each_input_s_flips_by_its_norm() -> None:
    rows = np.diag([1.0, 2.0])  # ||x_1||^2 = 1, ||x_2||^2 = 4
    products = np.array([np.diag([1.0, 0.0]), np.diag([0.0, 1.0]), np.diag([1.0, 0.0]), np.diag([3.0, 1.0])])
    found = ChangeMatrices.of(rows, products, 1)
    assert found.frobenius_at_most(math.sqrt(7.0) * (1 + 1e-15))  # 3 + 4
    assert not found.frobenius_at_most(2.6)
    assert ChangeMatrices.of(rows, products[:3], 1).frobenius_at_most(2.0)
    assert not ChangeMatrices.of(rows, products[:3], 1).frobenius_at_most(1.999)


def test_a_set_of_changes_is_decided_whatever_the_library_s_eigenvalues_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = normalise_rows(np.random.default_rng(3).standard_normal((3, 2)))
    product = np.array([[[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 1.0]]])
    largest = float(np.linalg.eigvalsh(rows @ rows.T * product[0])[-1]) / 4
    eigh = np.linalg.eigh
    for factor, noise in ((0.5, 0.0), (2.0, 0.0), (1.0, 0.1), (1.0, 10.0), (1.0, math.nan)):

        def wrong(matrices: FloatArray, factor: float = factor, noise: float = noise) -> tuple[FloatArray, FloatArray]:
            values, vectors = eigh(matrices)
            return factor * values, vectors + noise

        monkeypatch.setattr(np.linalg, "eigh", wrong)
        monkeypatch.setattr(np.linalg, "eigvalsh", lambda matrices, wrong=wrong: wrong(matrices)[0])
        found = ChangeMatrices.of(rows, product, 4)
        assert not found.squares_at_most(rational(largest * (1 - 1e-9)))
        assert found.squares_at_most(rational(largest * (1 + 1e-9)))


def test_a_square_between_two_floats_is_compared_as_it_is() -> None:
    """Where the float bound is attained, one flip of one input: ``lambda_max = 1`` for a width of 1 is above ``1 - 2^-200``."""
    changes = ChangeMatrices.of(np.ones((1, 1)), np.ones((1, 1, 1)), 1)
    changes.__dict__["_squares_above"] = np.ones(1)
    assert changes.squares_at_most(fmpq(1))
    assert not changes.squares_at_most(1 - fmpq(1, 2**200))
