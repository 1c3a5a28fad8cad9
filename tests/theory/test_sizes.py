"""Radii, step sizes, errors and counts that are none are refused; norms and segments of any size are what they are."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.linalg import blas

from theory.descent.lazy import residual_curve
from theory.descent.steps import trajectory
from theory.errors import InputError, ScaleError, WidthError
from theory.inputs import ball_radius, distance
from theory.maps import adversary
from theory.maps.affine import PerturbedAffine, certify_map, spike_map
from theory.maps.ridge import RidgeMap, turning_map
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour import euclidean
from theory.rigour.definiteness import largest_eigenvalues_above, singular_value_bounds, smallest_eigenvalue_bounds
from theory.rigour.enclosed_step import map_steps_enclosed
from theory.rigour.euclidean import euclidean_norm, form_root, row_norms
from theory.rigour.one_step import map_step
from theory.rigour.trajectory import ball_trajectory
from theory.stability import (
    attack_ball,
    ball_changes,
    certify_ball,
    certify_path,
    change_bounds,
    segment_variation,
)
from theory.stability.attack import change_attack, within_ball
from theory.stability.ball import smooth_bound
from theory.stability.crossings import Crossings
from theory.stability.division import Division
from theory.stability.flips import JointKnapsack, input_flip_counts, joint_flip_count, squared_budget
from theory.stability.norms import (
    feature_error,
    paper_radius,
    residual_norm,
    rounded_down,
    rounded_up,
    stability_constant,
)
from theory.stability.path import longest_row_move
from theory.stability.small_ball import constant_on_own_ball
from theory.stability.weighted_flips import WeightedKnapsack, weighted_flip_count
from theory.theorems import (
    chernoff,
    general_loss,
    generalisation,
    gradient_descent,
    initial_residual,
    kernels,
    kfac,
    ngd,
)

X = np.eye(2)
Y = np.array([0.5, -0.25])
RELU = TwoLayerNetwork.initialise(4, 2, 1.0, np.random.default_rng(1))
SMOOTH = TwoLayerNetwork(RELU.weights, RELU.signs, "tanh")
COSTS = np.ones((2, 4))
SPIKE = spike_map(0.2, np.ones(1), 0.5, 1, np.ones(1))
AFFINE = PerturbedAffine(np.eye(2), np.eye(2), 0.1)
RIDGE = RidgeMap(np.eye(2), np.ones(2), np.array([1.0]), np.ones((2, 2)))
SEGMENT = (RELU.pre_activations(X), -RELU.pre_activations(X), RELU.signs, X, X)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


RADII: dict[str, Callable[[Any], object]] = {
    "change_bounds": lambda r: change_bounds(RELU, X, r),
    "change_bounds, K2": lambda r: change_bounds(RELU, X, r, "K2"),
    "change_bounds, smooth": lambda r: change_bounds(SMOOTH, X, r),
    "certify_ball": lambda r: certify_ball(RELU, X, Y, radius=math.nan if r is None else r),
    "attack_ball": lambda r: attack_ball(RELU, X, Y, rng(), radius=math.nan if r is None else r),
    "change_attack": lambda r: change_attack(RELU, X, r, rng()),
    "ball_changes": lambda r: ball_changes(RELU, X, r),
    "within_ball": lambda r: within_ball(RELU.weights, RELU.weights, r),
    "smooth_bound": lambda r: smooth_bound(1.0, 1.0, r, 4, 2),
    "squared_budget": squared_budget,
    "joint_flip_count": lambda r: joint_flip_count(COSTS, r),
    "input_flip_counts": lambda r: input_flip_counts(COSTS, r),
    "weighted_flip_count": lambda r: weighted_flip_count(COSTS, r),
    "JointKnapsack": lambda r: JointKnapsack(COSTS, r),
    "WeightedKnapsack": lambda r: WeightedKnapsack(COSTS, r),
    "paper_radius": lambda r: paper_radius(r, 1.0),
    "stability_constant": lambda r: stability_constant(r, 1.0),
    "constant_on_own_ball": lambda r: constant_on_own_ball(lambda _: 0.1, r, lambda _: 1.0, 1.0),
    "PerturbedAffine.deviation": AFFINE.deviation,
    "SpikeMap.deviation": SPIKE.deviation,
    "RidgeMap.deviation": RIDGE.deviation,
    "feature_error": lambda r: feature_error(SMOOTH, r, 2),
    "smallest_eigenvalue_bounds": lambda r: smallest_eigenvalue_bounds(X, r),
    "singular_value_bounds": lambda r: singular_value_bounds(X, r),
    "distance": lambda r: distance(r, "r"),
    "ball_radius": lambda r: ball_radius(r, "r"),
}


@pytest.mark.parametrize("name", RADII)
@pytest.mark.parametrize("bad", [math.nan, -1.0, -5e-324, -math.inf, None, "1", True, np.float64("nan"), 1j])
def test_what_is_no_radius_is_an_error_everywhere(name: str, bad: Any) -> None:
    with pytest.raises(ScaleError):
        RADII[name](bad)


@pytest.mark.parametrize("name", RADII)
def test_radii_are_no_error(name: str) -> None:
    for good in (1.0, 1, np.float64(0.5), np.array(0.25), Fraction(1, 2)):
        RADII[name](good)


@pytest.mark.parametrize("condition", ["2", "K2"])
@pytest.mark.parametrize("net", [RELU, SMOOTH])
def test_the_ball_of_radius_0_and_the_whole_space(net: TwoLayerNetwork, condition: str) -> None:
    assert change_bounds(net, X, 0.0, condition).best <= 1e-300
    assert change_bounds(net, X, 0, condition) == change_bounds(net, X, -0.0, condition)
    assert change_bounds(net, X, math.inf, condition).best >= 0.5
    with pytest.raises(ScaleError, match="change the scale"):
        change_bounds(net, X, 1e-200, condition)


def test_a_radius_of_another_type_is_rounded_up() -> None:
    third: Any = Fraction(1, 3)
    assert Fraction(distance(third, "r")) >= third
    with pytest.raises(ScaleError):
        distance(Decimal(1), "r")  # type: ignore[arg-type]


def test_deviations_at_the_ends() -> None:
    zero = PerturbedAffine(np.eye(2), np.array([[0.0, 0.0], [1.0, 0.0]]), 0.1)
    assert 0.2 <= zero.deviation(math.inf) <= 0.2 * (1 + 1e-6)
    assert AFFINE.deviation(0.0) <= 1e-15
    assert SPIKE.deviation(math.inf) >= 0.2
    assert RIDGE.deviation(0) == 0


STEPS: dict[str, Callable[[Any], object]] = {
    "trajectory": lambda eta: trajectory(RELU, X, Y, eta, 1, optimiser="gd"),
    "residual_curve": lambda eta: residual_curve(RELU, X, Y, eta, 1, "gd"),
    "certify_path": lambda eta: certify_path(RELU, X, Y, eta, 1, "gd"),
    "ball_trajectory": lambda eta: ball_trajectory(RELU, X, Y, eta, 1, "gd"),
    "map_steps_enclosed": lambda eta: map_steps_enclosed(AFFINE, np.zeros(2), Y, eta),
    "map_step": lambda eta: map_step(AFFINE, np.zeros(2), Y, eta),
    "spike_map": lambda eta: spike_map(0.2, np.ones(1), eta, 1, np.ones(1)),
    "spike_map, half-width": lambda eta: spike_map(0.2, np.ones(1), 0.5, 1, np.ones(1), eta),
    "turning_map": lambda eta: turning_map(0.2, 1.0, eta, 1.0),
    "residual_factor": lambda eta: adversary.residual_factor(eta, 0.1),
    "ngd.rate": lambda eta: ngd.rate(eta, 0.1),
    "ngd.first_step_rate": lambda eta: ngd.first_step_rate(eta, 0.1),
    "ngd.step_rate": lambda eta: ngd.step_rate(eta, 0.1),
    "kfac.rate": lambda eta: kfac.rate(eta, 0.1, h_min=0.5),
    "gradient_descent.rate": lambda eta: gradient_descent.rate(eta, 0.1, 1.0, 1.0),
    "general_loss.rate": lambda eta: general_loss.rate(eta, 0.1, 1.0, 2.0),
    "training_steps": lambda eta: generalisation.training_steps(eta, 1.0, 1.0, 0.1, 0.1),
    "pattern_deviation_failure": lambda t: kernels.pattern_deviation_failure(t, 4),
    "delta": lambda delta: chernoff.chernoff_width(0.1, 1.0, 2, delta),
    "scale": lambda scale: initial_residual.mean_squared_residual(1.0, 2, scale),
    "initialise": lambda scale: TwoLayerNetwork.initialise(4, 2, scale, rng()),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("bad", [math.nan, 0.0, -1.0, math.inf, None, "1", True])
def test_what_is_no_step_size_is_an_error_everywhere(name: str, bad: Any) -> None:
    with pytest.raises(InputError):
        STEPS[name](bad)


COUNTS: dict[str, Callable[[Any], object]] = {
    "trajectory": lambda k: trajectory(RELU, X, Y, 0.1, k, optimiser="gd"),
    "residual_curve": lambda k: residual_curve(RELU, X, Y, 0.1, k, "gd"),
    "certify_path": lambda k: certify_path(RELU, X, Y, 0.1, k, "gd"),
    "certify_path, parts": lambda k: certify_path(RELU, X, Y, 0.1, 1, "gd", parts=k),
    "segment_variation": lambda k: segment_variation(*SEGMENT, parts=k),
    "Division": lambda k: Division[float](lambda _: (0.0, 0.0), lambda *_: 0.0, lambda *_: None).supremum(0.0, 1.0, k),
    "ball_trajectory": lambda k: ball_trajectory(RELU, X, Y, 0.1, k, "gd"),
    "map_steps_enclosed": lambda k: map_steps_enclosed(AFFINE, np.zeros(2), Y, 0.1, k),
    "spike_map": lambda k: spike_map(0.2, np.ones(1), 0.5, k, np.ones(1)),
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("bad", [math.nan, 0, -1, 1.5, math.inf, None, "1", True])
def test_what_is_no_count_is_an_error_everywhere(name: str, bad: Any) -> None:
    with pytest.raises(WidthError):
        COUNTS[name](bad)


CONSTANTS: dict[str, Callable[[Any], object]] = {
    "ngd.step_limit": ngd.step_limit,
    "ngd.applies": lambda C: ngd.applies(C, "T1"),
    "ngd.radius": lambda C: ngd.radius(C, 1.0, 1.0),
    "kfac.step_limit": lambda C: kfac.step_limit(C, h_max=1.0),
    "gradient_descent.step_limit": lambda C: gradient_descent.step_limit(C, 1.0, 1.0),
    "general_loss.step_limit": lambda C: general_loss.step_limit(C, 1.0, 2.0),
    "general_loss.breaking_step": lambda C: general_loss.breaking_step(C, 1.0, 2.0),
    "ngd.stability_constant": lambda deviation: ngd.stability_constant(deviation, 1.0),
    "turning_map": lambda C: turning_map(C, 1.0, 0.5, 1.0),
    "residual_factor": lambda C: adversary.residual_factor(0.1, C),
    "kernel_error": lambda error: segment_variation(*SEGMENT, kernel_error=error),
    "gram_error": lambda error: segment_variation(*SEGMENT, gram_error=error),
    "errors": lambda error: largest_eigenvalues_above(X[None], np.array([error], dtype=float)),
}


@pytest.mark.parametrize("name", CONSTANTS)
@pytest.mark.parametrize("bad", [math.nan, -0.1, -math.inf])
def test_what_is_no_constant_is_an_error_everywhere(name: str, bad: float) -> None:
    with pytest.raises(ScaleError):
        CONSTANTS[name](bad)


def test_the_stability_of_a_spike_map_is_finite_and_has_a_sign() -> None:
    assert spike_map(-0.2, np.ones(1), 0.5, 1, np.ones(1)).deviation(1.0) == SPIKE.deviation(1.0)
    for bad in (math.nan, math.inf):
        with pytest.raises(ScaleError):
            spike_map(bad, np.ones(1), 0.5, 1, np.ones(1))


# --- norms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1.0, 1e-165, 1e-200, 1e-300, 5e-324, 1e160, 1e300])
def test_norms_of_any_size(size: float) -> None:
    vector = np.array([3.0, -4.0]) * size
    exact = 5 * Fraction(size)
    assert abs(Fraction(euclidean_norm(vector)) - exact) <= exact / 2**50
    assert row_norms(vector[None]).tolist() == [euclidean_norm(vector)]
    assert euclidean_norm(vector[:1]) == 3 * size
    if size < 1e150:
        assert form_root(vector, np.eye(2)) == pytest.approx(5 * size, rel=1e-15, abs=0)
    assert euclidean_norm(np.zeros(3)) == 0 == form_root(np.zeros(2), np.eye(2))


def test_norms_of_more_entries_than_the_library_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """BLAS' length is of 32 bits: it is not asked beyond."""
    monkeypatch.setattr(euclidean, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(blas, "ddot", lambda first, _: {3: 3.0}[len(first)])
    assert euclidean_norm(np.ones(3)) == math.sqrt(3.0)
    assert euclidean_norm(np.array([1.0, -1.0, 1.0, 1.0])) == 2.0


def test_norms_that_are_none() -> None:
    assert euclidean_norm(np.array([1.7e308, 1.7e308])) == math.inf
    assert euclidean_norm(np.array([math.inf, 1.0])) == math.inf
    assert math.isnan(euclidean_norm(np.array([math.nan, 1.0])))
    assert math.isnan(form_root(np.array([math.nan]), np.eye(1)))


@pytest.mark.parametrize("optimiser", ["ngd", "kfac", "gd"])
@pytest.mark.parametrize("size", [2.0**-600, 2.0**-900])
def test_a_residual_that_is_not_0_has_a_norm_that_is_not_0(optimiser: str, size: float) -> None:
    """ReLU networks scale: weights and targets of that size give the same numbers times it."""
    X = np.array([[1.0, 0.0], [0.6, 0.8]])
    net = TwoLayerNetwork.initialise(16, 2, 1.0, np.random.default_rng(5))
    y = np.array([1.0, -2.0])
    small = TwoLayerNetwork(net.weights * size, net.signs)
    usual, scaled = (trajectory(one, X, t, 0.3, 3, optimiser) for one, t in ((net, y), (small, y * size)))
    assert (scaled.residual_norms > 0).all()
    np.testing.assert_array_equal(scaled.residual_norms, usual.residual_norms * size)
    np.testing.assert_allclose(scaled.step_norms, usual.step_norms * size, rtol=1e-12)
    below, above = residual_norm(small, X, y * size)
    assert 0 < below <= above
    path, plain = (certify_path(one, X, t, 0.3, 3, optimiser) for one, t in ((small, y * size), (net, y)))
    np.testing.assert_array_equal(path.residual_norms, plain.residual_norms * size)
    assert path.constant == plain.constant
    curves = [residual_curve(one, X, t, 0.3, 3, optimiser)[0] for one, t in ((small, y * size), (net, y))]
    np.testing.assert_allclose(curves[0], curves[1] * size, rtol=1e-6)


def test_a_curve_does_not_end_at_a_residual_that_only_squares_to_0() -> None:
    net = TwoLayerNetwork(RELU.weights * 2.0**-600, RELU.signs)
    assert len(residual_curve(net, X, Y * 2.0**-600, 0.25, 3, "gd", 1e-9)[0]) == 4


def test_a_map_whose_residual_squares_to_0_needs_a_ball() -> None:
    """``u = theta`` from 0 to 1e-170: the radius is 3e-170 and not 0."""
    target = np.array([1e-170, 0.0])
    found = certify_map(PerturbedAffine(np.eye(2), np.eye(2), 0.0), target)
    assert 3e-170 <= found.radius <= 3e-170 * (1 + 1e-6)


def test_a_map_with_slopes_that_square_to_0_has_a_deviation() -> None:
    """``||J(theta) - J(0)|| = eps ||q|| (1 - cos(R ||q||))``, at most ``2 eps ||q||`` and attained for large R."""
    model = PerturbedAffine(np.eye(2), np.eye(2) * 1e-170, 1.0)
    for radius in (math.inf, 1e171):
        assert 2e-170 <= model.deviation(radius) <= 2e-170 * (1 + 1e-6)


def test_rounding_outwards_where_numbers_are_not_normal() -> None:
    for value in (5e-324, 1e-320, 2.0**-1022):
        assert Fraction(rounded_up(value)) >= Fraction(value) + 4 * Fraction(5e-324)
        assert Fraction(rounded_down(value)) <= max(Fraction(0), Fraction(value) - 4 * Fraction(5e-324))
    assert rounded_down(1.0) < 1 < rounded_up(1.0)


# --- segments --------------------------------------------------------------------------------------------------------


def test_a_segment_whose_ends_differ_by_more_than_float64_holds() -> None:
    """Crossing times are those of a quarter of the ends: which come first decides what the supremum is."""
    start = np.array([[1e308, -1.2e308, 1e300], [1e300, 1e308, -1e308]])
    end = np.array([[-1.7e308, 1.0e308, 1e300], [-1e300, -1.1e308, 1.7e308]])
    kernel, pattern = np.array([[1.0, 0.5], [0.5, 1.0]]), (start >= 0).astype(float)
    gram = kernel * (pattern @ pattern.T) / 3 + np.eye(2) / 8
    times = [
        Fraction(z) / (Fraction(z) - Fraction(e))
        for z, e in zip(start.ravel(), end.ravel(), strict=True)
        if (z < 0) != (e < 0)
    ]
    crossings = Crossings.between(start, end)
    exact = {
        (i, r): Fraction(start[i, r]) / (Fraction(start[i, r]) - Fraction(end[i, r]))
        for i, r in zip(crossings.rows.tolist(), crossings.neurons.tolist(), strict=True)
    }
    assert len(exact) == len(times) == 5
    assert list(exact.values()) == sorted(exact.values())
    attained = 0.0
    for moment in [*exact.values(), Fraction(1)]:
        now = pattern.copy()
        for (i, r), time in exact.items():
            now[i, r] = float(end[i, r] >= 0) if time <= moment else pattern[i, r]
        matrix = (kernel * ((now - pattern) @ pattern.T) / 3) @ np.linalg.inv(gram)
        attained = max(attained, float(np.linalg.norm(matrix, 2)))
    arguments = (np.ones(3), kernel, gram)
    lower, upper = segment_variation(start, end, *arguments, exact=True)
    assert lower <= attained * (1 + 1e-12)
    assert attained <= upper * (1 + 1e-12)
    assert segment_variation(start / 4, end / 4, *arguments, exact=True) == (lower, upper)
    assert segment_variation(start * 2.0**-900, end * 2.0**-900, *arguments, exact=True) == (lower, upper)


@pytest.mark.parametrize("scale", [2.0**-700, 2.0**-300, 2.0**300])
def test_kernel_and_gram_matrix_of_one_scale_give_the_same_variation(scale: float) -> None:
    start, end, signs, kernel, gram = SEGMENT
    plain = segment_variation(start, end, signs, kernel, gram, exact=True)
    assert plain[0] > 0
    assert segment_variation(start, end, signs, kernel * scale, gram * scale, exact=True) == pytest.approx(
        plain, rel=1e-12
    )


def test_a_kernel_far_below_the_gram_matrix_has_a_variation() -> None:
    start, end, signs, kernel, gram = SEGMENT
    plain = segment_variation(start, end, signs, kernel, gram, exact=True)
    lower, upper = segment_variation(start, end, signs, kernel * 2.0**-560, gram, exact=True)
    assert lower <= plain[1] * 2.0**-560
    assert upper >= plain[0] * 2.0**-560 > 0
    with pytest.raises(ScaleError, match="rescale one of them"):
        segment_variation(start, end, signs, kernel * 2.0**600, gram * 2.0**-600)


@pytest.mark.parametrize("activation", ["tanh", "erf", "softplus", "sin"])
def test_smooth_segments_beyond_float64_are_bounded_by_inf(activation: str) -> None:
    start, end = np.array([[1.5e308, 1.0]]), np.array([[-1.5e308, 1.0]])
    lower, upper = segment_variation(start, end, np.ones(2), np.eye(1), np.eye(1), activation=activation)
    assert 0 <= lower <= upper == math.inf


def test_the_longest_move_of_a_row_is_never_too_short() -> None:
    for size in (1e-200, 1e-310, 1.0, 1e200):
        moved = longest_row_move(np.zeros((1, 2)), np.array([[3.0, 4.0]]) * size)
        assert Fraction(moved) >= 5 * Fraction(size) * (1 - Fraction(1, 2**40))
    assert longest_row_move(np.array([[1.7e308]]), np.array([[-1.7e308]])) == math.inf
