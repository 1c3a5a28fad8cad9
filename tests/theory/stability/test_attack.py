"""Attacks on Condition 2: explicit weights, honestly measured, near the exact supremum where that is known."""

import math

import numpy as np
import pytest

from theory.errors import InputError, ScaleError, WidthError
from theory.inputs import FloatArray, normalise_rows
from theory.network.gram import gram_eigenvalue_bounds
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork
from theory.rigour.rounding import gamma
from theory.stability import attack, attack_ball, ball_changes, certify_ball, change_bounds
from theory.stability.attack import _Search, change_attack, within_ball
from theory.stability.flips import flip_costs
from theory.stability.smooth_attack import _SmoothSearch, smooth_change

SMOOTH = sorted(set(ACTIVATIONS) - {"relu"})
Problem = tuple[TwoLayerNetwork, FloatArray, FloatArray]


def problem(seed: int, n: int = 3, d: int = 3, m: int = 30, activation: str = "relu") -> Problem:
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(m, d, 1.0, rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((n, d))), rng.standard_normal(n)


def change_at(net: TwoLayerNetwork, rows: FloatArray, weights: FloatArray) -> float:
    """``||J(W) - J(0)||_2`` of the dense Jacobians."""
    moved = TwoLayerNetwork(weights, net.signs, net.activation)
    return float(np.linalg.norm(moved.jacobian(rows) - net.jacobian(rows), 2))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_the_weights_are_in_the_ball_and_show_the_change(seed: int, activation: str) -> None:
    net, rows, y = problem(seed, activation=activation)
    found = attack_ball(net, rows, y, np.random.default_rng(0), radius=0.8)
    assert found.radius == 0.8
    assert np.linalg.norm(found.weights - net.weights) <= 0.8
    change = change_at(net, rows, found.weights)
    assert 0 < found.change <= change * (1 + 1e-12)
    assert found.change == pytest.approx(change, rel=1e-9)
    largest = float(np.linalg.eigvalsh(net.gram(rows))[0])
    assert found.constant == pytest.approx(3 * change / math.sqrt(largest), rel=1e-8)
    certificate = certify_ball(net, rows, y, radius=0.8)
    assert found.constant <= certificate.constant
    assert found.change <= certificate.changes.best


@pytest.mark.parametrize("seed", range(6))
def test_one_input_is_attacked_with_the_cheapest_flips(seed: int) -> None:
    net, rows, y = problem(seed, n=1, m=50)
    costs = np.sort(flip_costs(net, rows)[0])
    for radius in (0.2, 0.7, 2.0):
        flips = int((np.cumsum(costs) * (1 + 1e-6) <= radius**2).sum())
        found = attack_ball(net, rows, y, np.random.default_rng(0), radius=radius)
        assert found.change == pytest.approx(math.sqrt(flips / 50), rel=1e-9)
        assert found.change == pytest.approx(change_bounds(net, rows, radius).spectral, rel=1e-9)


def test_the_exact_supremum_is_mostly_found_and_never_exceeded() -> None:
    shares = []
    for seed in range(16):
        net, rows, _ = problem(seed, n=3, d=2, m=4)
        radius = float(np.random.default_rng(seed).uniform(0.3, 2))
        exact = ball_changes(net, rows, radius).supremum
        if exact > 0:
            change, weights = change_attack(net, rows, radius, np.random.default_rng(seed))
            assert change <= exact * (1 + 1e-12)
            assert np.linalg.norm(weights - net.weights) <= radius
            shares.append(change / exact)
    assert len(shares) >= 10
    assert np.median(shares) > 1 - 1e-9
    assert np.mean(shares) > 0.97
    assert min(shares) > 0.6


def test_the_radius_is_the_paper_s_unless_another_is_asked_for() -> None:
    net, rows, y = problem(2)
    below, above = gram_eigenvalue_bounds(net, rows)
    found = attack_ball(net, rows, y, np.random.default_rng(0))
    radius = 3 * float(np.linalg.norm(net.outputs(rows) - y)) / math.sqrt(below)
    assert found.radius == pytest.approx(radius, rel=1e-10)
    assert found.radius <= certify_ball(net, rows, y).radius
    assert found.constant == pytest.approx(3 * found.change / math.sqrt(above), rel=1e-12)
    assert np.linalg.norm(found.weights - net.weights) <= found.radius


def test_nothing_is_claimed_without_condition_1_or_without_a_residual() -> None:
    net, rows, y = problem(3)
    twice = np.concatenate([rows[:1], rows[:1]])
    found = attack_ball(net, twice, y[:2], np.random.default_rng(0))
    assert (found.constant, found.change, found.radius) == (0.0, 0.0, 0.0)
    assert found.weights is net.weights
    symmetric = TwoLayerNetwork.initialise(40, 3, 1.0, np.random.default_rng(0), symmetric=True)
    exact = attack_ball(symmetric, rows, np.zeros(3), np.random.default_rng(0))
    assert (exact.constant, exact.change, exact.radius) == (0.0, 0.0, 0.0)
    assert attack_ball(net, twice, y[:2], np.random.default_rng(0), radius=1.0).change > 0


def features_change(net: TwoLayerNetwork, rows: FloatArray, weights: FloatArray) -> float:
    """``||S(W) - S(0)||_2``."""
    moved = TwoLayerNetwork(weights, net.signs, net.activation)
    return float(np.linalg.norm(moved.pattern_features(rows) - net.pattern_features(rows), 2))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("d", [2, 3, 6])
def test_attacks_on_condition_k2_measure_the_features(activation: str, d: int) -> None:
    net, rows, y = problem(6, d=d, activation=activation)
    found = attack_ball(net, rows, y, np.random.default_rng(0), radius=0.8, condition="K2")
    assert np.linalg.norm(found.weights - net.weights) <= 0.8
    change = features_change(net, rows, found.weights)
    assert 0 < found.change <= change * (1 + 1e-12)
    assert found.change == pytest.approx(change, rel=1e-9)
    sigma = math.sqrt(float(np.linalg.eigvalsh(net.pattern_gram(rows))[0]))
    assert found.constant == pytest.approx(3 * change / sigma, rel=1e-8)
    assert found.constant <= certify_ball(net, rows, y, "K2", radius=0.8).constant


def test_the_exact_supremum_of_the_features_is_mostly_found() -> None:
    shares = []
    for seed in range(12):
        net, rows, _ = problem(seed, n=3, d=2, m=4)
        radius = float(np.random.default_rng(seed).uniform(0.3, 2))
        exact = ball_changes(net, rows, radius).of_features().supremum
        if exact > 0:
            change, _ = change_attack(net, rows, radius, np.random.default_rng(seed), "K2")
            assert change <= exact * (1 + 1e-12)
            shares.append(change / exact)
    assert len(shares) >= 8
    assert np.median(shares) > 1 - 1e-9
    assert min(shares) > 0.6


@pytest.mark.parametrize("d", [2, 3, 5])  # with d < n the leverage scores are below 1
def test_the_radius_of_condition_k2_is_its_own(d: int) -> None:
    rng = np.random.default_rng(2)
    net, rows, y = problem(2, d=d)
    found = attack_ball(net, rows, y, rng, condition="K2")
    scaled = np.linalg.pinv(rows.T @ rows, rcond=1e-10)
    leverage = float(np.min(np.einsum("ij,jk,ik->i", rows, scaled, rows)))
    smallest = float(np.linalg.eigvalsh(net.pattern_gram(rows))[0]) * leverage / float(np.linalg.norm(scaled, 2))
    residual = float(np.linalg.norm(net.outputs(rows) - y))
    radius = 3 * residual / math.sqrt(smallest)
    assert found.radius <= radius == pytest.approx(found.radius, rel=1e-8)
    certificate = certify_ball(net, rows, y, "K2")
    assert certificate.radius >= radius == pytest.approx(certificate.radius, rel=1e-8)
    assert certificate.lambda_min == pytest.approx(float(np.linalg.eigvalsh(net.pattern_gram(rows))[0]), rel=1e-8)


def test_being_within_the_ball_allows_for_rounding() -> None:
    centre = np.zeros((2, 2))
    assert within_ball(np.array([[0.3, 0.0], [0.0, 0.4]]), centre, 0.5 * (1 + gamma(100)))
    assert not within_ball(np.array([[0.3, 0.0], [0.0, 0.4]]), centre, 0.5)
    assert not within_ball(np.array([[0.3, 0.0], [0.0, 0.4]]) + 1, centre + 1, 0.499)


# --- the parts of the search ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("thorough", "singles"), [(0.0, 6e7), (0.0, 0.0)])
def test_the_quick_search_of_large_networks_finds_nearly_as_much(
    thorough: float, singles: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = []
    for seed in range(4):
        net, rows, _ = problem(seed, m=60)
        monkeypatch.undo()
        best, _ = change_attack(net, rows, 1.0, np.random.default_rng(0))
        monkeypatch.setattr(attack, "THOROUGH_WORK", thorough)
        monkeypatch.setattr(attack, "SINGLES_WORK", singles)
        change, weights = change_attack(net, rows, 1.0, np.random.default_rng(0))
        assert np.linalg.norm(weights - net.weights) <= 1.0
        assert change == pytest.approx(change_at(net, rows, weights), rel=1e-9)
        shares.append(change / best)
    assert min(shares) > 0.7
    assert np.mean(shares) > 0.85


@pytest.mark.parametrize("d", [2, 3, 6])
def test_values_of_moves_are_the_squared_projections_of_their_changes(d: int) -> None:
    net, rows, _ = problem(1, d=d)
    search = _Search(net, rows, 0.5, rows)
    assert search.thorough
    assert search.budget <= 0.25
    assert search.budget == pytest.approx(0.25, rel=1e-10)
    vector = np.array([0.6, -0.8, 0.2])
    changes = search.pattern_changes(search.fixed)
    for k, move in enumerate(search.fixed):
        moves = np.where(np.isfinite(move.costs())[:, None], move.moves(np.arange(net.width)), 0.0)
        weights = net.weights + moves @ search.basis.T
        change = (rows @ weights.T >= 0).astype(float) - (rows @ net.weights.T >= 0)
        assert np.array_equal(changes[k], change)
        expected = np.square((vector[:, None] * change).T @ rows).sum(axis=1)
        assert search.value(move, k, vector) == pytest.approx(expected, abs=1e-5)
        assert search.fixed_costs[k] == pytest.approx(
            np.where(np.isfinite(move.costs()), np.square(moves).sum(axis=1), np.inf)
        )


def test_single_flips_of_very_large_networks_count_their_own_input() -> None:
    net, rows, _ = problem(1)
    search = _Search(net, rows, 0.5, rows)
    search.exact_singles = False
    assert search.value(search.singles[1], 1, np.array([0.6, -0.5, 0.2])).tolist() == [0.25] * 30


def test_the_amount_of_work_decides_how_thorough_the_search_is(monkeypatch: pytest.MonkeyPatch) -> None:
    net, rows, _ = problem(1)  # n m = 90 entries; for each of n (n + 2) moves: 1350, for each of n: 270
    for work, thorough, singles in ((1350, True, True), (1349, False, True), (270, False, True), (269, False, False)):
        monkeypatch.setattr(attack, "THOROUGH_WORK", float(work))
        monkeypatch.setattr(attack, "SINGLES_WORK", float(work))
        search = _Search(net, rows, 0.5, rows)
        assert (search.thorough, search.exact_singles) == (thorough, singles)
        # 3 single flips; thorough: 3 pairs and 1 triple, 6 held ones, 9 crossings
        assert len(search.fixed) == (3 + 4 + 6 + 9 if thorough else 3)
        # along X^T v: each of 3 boundaries, or 8 both ways
        assert len(search.candidates(np.array([1.0, 0.5, 0.25]))) == len(search.fixed) + (3 if thorough else 16)


def test_an_output_direction_that_no_move_serves_adds_no_candidates() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    net = TwoLayerNetwork.initialise(30, 2, 1.0, np.random.default_rng(0))
    search = _Search(net, rows, 0.5, rows)
    assert len(search.candidates(np.array([1.0, -1.0, 0.0]))) == len(search.fixed)
    assert len(search.candidates(np.array([1e9, -1e9, 1.0]))) == len(search.fixed)
    assert len(search.candidates(np.array([1.0, -1.0, 1e-3]))) == len(search.fixed) + 3


@pytest.mark.parametrize("added", [False, True])
def test_what_is_known_of_a_direction_is_what_a_new_search_finds(added: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice of moves along ``X^T v`` is another one for another v, although its numbers are the same."""
    net, rows, _ = problem(4)
    known, rng = _Search(net, rows, 3.0, rows), np.random.default_rng(0)
    if added:
        last = np.full(30, len(known.fixed) + 2)
        monkeypatch.setattr(_Search, "choose", lambda *_: last)
    changes = set()
    for direction in rng.standard_normal((20, len(rows))):
        new = _Search(net, rows, 3.0, rows)
        candidates = new.candidates(direction)
        change, best = new.evaluate(candidates, new.choose(candidates, direction))
        for _ in range(2):
            found = known.answer(direction)
            assert found[0] == change
            assert np.array_equal(found[1], best)
        changes.add(float(change))
    assert known.best_change == max(changes) or added  # these moves leave the ball
    assert len(changes) > 1


@pytest.mark.parametrize("d", [2, 3, 6])
def test_the_change_is_evaluated_at_the_explicit_weights(d: int) -> None:
    net, rows, _ = problem(4, d=d)
    search = _Search(net, rows, 9.0, rows)
    choice = np.full(30, -1)
    choice[:6] = [0, 1, 2, 0, 1, 2]
    change, direction = search.evaluate(search.fixed, choice)
    assert change == search.best_change
    assert change == pytest.approx(change_at(net, rows, search.best_weights), rel=1e-12)
    assert np.array_equal(search.best_weights[6:], net.weights[6:])
    difference = TwoLayerNetwork(search.best_weights, net.signs).jacobian(rows) - net.jacobian(rows)
    assert np.linalg.norm(direction @ difference) == pytest.approx(change, rel=1e-9)
    # weights that are out of the ball, or no better, are not remembered
    search.radius = 1e-3
    choice[6:20] = 1
    assert search.evaluate(search.fixed, choice)[0] > change
    assert search.best_change == change


# --- smooth activations -----------------------------------------------------------------------------------------------

SECOND = {
    "softplus": lambda z: np.exp(z) / (1 + np.exp(z)) ** 2,
    "tanh": lambda z: -2 * np.tanh(z) / np.cosh(z) ** 2,
    "erf": lambda z: -4 * z / np.sqrt(np.pi) * np.exp(-(z**2)),
    "sin": lambda z: -np.sin(z),
}


@pytest.mark.parametrize("activation", SMOOTH)
def test_curvatures_are_second_derivatives(activation: str) -> None:
    net, rows, _ = problem(0, activation=activation)
    search = _SmoothSearch(net, rows, 1.0, rows)
    z = np.linspace(-3, 3, 41)
    assert search.curvatures(z) == pytest.approx(SECOND[activation](z), abs=1e-9)


@pytest.mark.parametrize("activation", SMOOTH)
def test_the_first_move_is_the_best_of_the_neuron_that_bends_most(activation: str) -> None:
    net, rows, _ = problem(1, activation=activation)
    search = _SmoothSearch(net, rows, 1.0, rows)
    vector = np.array([0.6, -0.8, 0.3])
    move = search.first_move(vector)
    (neuron,) = np.flatnonzero(np.abs(move).sum(axis=1))
    assert np.linalg.norm(move) == pytest.approx(1.0)
    bent = SECOND[activation](net.pre_activations(rows)) * vector[:, None]
    assert neuron == np.argmax(np.linalg.norm(rows.T @ bent, axis=0))
    # a move w of the neuron changes v^T J by sum_i v_i phi''(z_i) (x_i . w) x_i: the matrix of that map
    matrix = sum(bent[i, neuron] * np.outer(rows[i], rows[i]) for i in range(3))
    assert np.linalg.norm(matrix @ move[neuron]) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-8)


def test_moves_are_stretched_to_a_sphere_just_inside_the_ball() -> None:
    net, rows, _ = problem(2, activation="tanh")
    search = _SmoothSearch(net, rows, 0.7, rows)
    assert 0.7 * (1 - 1e-11) < search.radius < 0.7
    assert search.limit == 0.7
    assert np.linalg.norm(search.scaled(np.full((30, 3), 5.0))) == pytest.approx(search.radius, rel=1e-14)
    assert not search.scaled(np.zeros((30, 3))).any()
    assert _SmoothSearch(net, rows, 1e-14, rows).radius == 0.0
    expected = 8 * gamma(90 + 64) * (0.7 + float(np.linalg.norm(net.weights)))
    assert 0.7 - search.radius == pytest.approx(expected, rel=1e-3, abs=0)


@pytest.mark.parametrize("activation", SMOOTH)
def test_the_smooth_change_beats_random_moves_and_nearly_the_certificate_to_first_order(activation: str) -> None:
    rng = np.random.default_rng(3)
    for seed in range(2):
        net, rows, _ = problem(seed, n=2, d=2, m=3, activation=activation)
        change, weights = smooth_change(net, rows, 0.3, rng, rows)
        assert np.linalg.norm(weights - net.weights) <= 0.3
        assert change == pytest.approx(change_at(net, rows, weights), rel=1e-9)
        best = 0.0
        for _ in range(100):
            step = rng.standard_normal((3, 2))
            best = max(best, change_at(net, rows, net.weights + 0.3 * step / np.linalg.norm(step)))
        assert change >= best * (1 - 1e-9)
        assert change <= change_bounds(net, rows, 0.3).smooth


@pytest.mark.parametrize("activation", SMOOTH)
def test_ascent_from_a_random_move_ends_where_nothing_near_is_better(activation: str) -> None:
    rng = np.random.default_rng(7)
    net, rows, _ = problem(3, n=3, d=3, m=4, activation=activation)
    for _ in range(3):
        search = _SmoothSearch(net, rows, 0.2, rows)
        search.improve(rng.standard_normal((4, 3)))
        move = search.best_weights - net.weights
        for _ in range(40):
            near = move + 0.01 * rng.standard_normal((4, 3))
            near *= np.linalg.norm(move) / np.linalg.norm(near)
            assert change_at(net, rows, net.weights + near) <= search.best_change * 1.003


@pytest.mark.parametrize("activation", SMOOTH)
def test_a_smooth_evaluation_is_that_of_the_moved_network(activation: str) -> None:
    net, rows, _ = problem(5, activation=activation)
    search = _SmoothSearch(net, rows, 9.0, rows)
    step = np.random.default_rng(5).standard_normal((30, 3)) * 0.1
    change, vector, differences, z = search.evaluate(step)
    moved = net.weights + step
    assert z == pytest.approx(rows @ moved.T)
    assert differences == pytest.approx(net.phi.derivative(rows @ moved.T) - net.phi.derivative(rows @ net.weights.T))
    assert change == search.best_change == pytest.approx(change_at(net, rows, moved), rel=1e-9)
    assert np.array_equal(search.best_weights, moved)
    difference = TwoLayerNetwork(moved, net.signs, activation).jacobian(rows) - net.jacobian(rows)
    assert np.linalg.norm(vector @ difference) == pytest.approx(change, rel=1e-9)
    search.limit = 0.5
    assert search.evaluate(10 * step)[0] > change
    assert search.best_change == change


def test_bad_arguments_are_named() -> None:
    net, rows, y = problem(0)
    with pytest.raises(ScaleError, match="radius"):
        attack_ball(net, rows, y, np.random.default_rng(0), radius=-1.0)
    with pytest.raises(InputError):
        attack_ball(net, rows, y[:2], np.random.default_rng(0))
    with pytest.raises(InputError):
        change_attack(net, 2 * rows, 1.0, np.random.default_rng(0))


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_ball_too_wide_for_floats_and_too_few_parameters_are_named(activation: str) -> None:
    rng = np.random.default_rng(0)
    net = TwoLayerNetwork.initialise(1, 2, 1.0, rng, activation=activation)
    rows, y = normalise_rows(rng.standard_normal((3, 2))), np.ones(3)
    for radius in (1e200, 1e-200):
        with pytest.raises(ScaleError, match="leave the range"):
            attack_ball(net, rows[:2], y[:2], rng, radius=radius)
        with pytest.raises(ScaleError, match="leave the range"):
            certify_ball(net, rows[:2], y[:2], radius=radius)
    with pytest.raises(WidthError, match="width of at least 2"):
        attack_ball(net, rows, y, rng)
    with pytest.raises(WidthError, match="width of at least 2"):
        certify_ball(net, rows, y)
