"""Families F3 and F4: maps with a known stability constant, their error bounds, and the worst case of T1-tight."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from scipy import linalg

from theory.errors import ChoiceError, ShapeError
from theory.inputs import FloatArray
from theory.maps.affine import (
    ParameterMap,
    PerturbedAffine,
    SpikeMap,
    _operator_norm_bound,
    certify_map,
    kink_map,
    operator_norm,
    spike_map,
)
from theory.rigour.enclosed_step import map_steps_enclosed, norm_enclosed
from theory.rigour.exact import lift
from theory.rigour.one_step import map_step
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.theorems import ngd


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.standard_normal((columns, columns)))[0][:rows])


def affine(seed: int, n: int = 3, p: int = 5, orthogonal_rows: bool = False) -> PerturbedAffine:
    rng = np.random.default_rng(seed)
    frequencies = (
        orthogonal(n, p, rng) * rng.uniform(0.5, 2, (n, 1)) if orthogonal_rows else rng.standard_normal((n, p))
    )
    return PerturbedAffine(rng.standard_normal((n, p)) * 2, frequencies, 0.3)


def spike(seed: int = 0, n: int = 2, steps: int = 3, rotated: bool = True) -> SpikeMap:
    rng = np.random.default_rng(seed)
    left, right = (orthogonal(n, n, rng), orthogonal(n, n + 1, rng)) if rotated else (np.eye(n), np.eye(n))
    return spike_map(0.2, np.ones(n), 0.6, steps, rng.uniform(0.5, 1, n), 2.0**-10, left, right)


MAPS = [affine(0), affine(1, orthogonal_rows=True), affine(2, 1, 1), spike(), spike(1, 1, rotated=False)]


@pytest.mark.parametrize("model", MAPS)
def test_jacobian_is_the_derivative_of_the_outputs(model: ParameterMap) -> None:
    """Central differences, whose error is at most h^2/6 times the third derivative plus the rounding over h."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        theta = rng.standard_normal(model.parameters)
        jacobian, h = model.jacobian(theta), 2.0**-17
        rounding = model.rounding(theta)[0] * 4 / h
        for j in range(model.parameters):
            shift = np.zeros(model.parameters)
            shift[j] = h
            slope = (model.outputs(theta + shift) - model.outputs(theta - shift)) / (2 * h)
            cubic = 0.3 * 6**3 * h * h if isinstance(model, PerturbedAffine) else 0.0
            assert np.abs(slope - jacobian[:, j]).max() <= cubic + rounding + 1e-15 / h


@pytest.mark.parametrize("model", MAPS)
def test_stated_rounding_contains_the_difference_from_balls(model: ParameterMap) -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        theta = rng.standard_normal(model.parameters) * 3
        outputs, jacobian = model.rounding(theta)
        with working_precision(200):
            exact = model.lifted()
            difference = exact.outputs(lift(theta)) - lift(model.outputs(theta))
            slopes = (exact.jacobian(lift(theta)) - lift(model.jacobian(theta))).ravel()
            assert math.sqrt(sum(float(d) ** 2 for d in difference)) <= outputs
            assert math.sqrt(sum(float(d) ** 2 for d in slopes)) <= jacobian
        assert 0 < outputs < 1e-11
        assert 0 < jacobian < 1e-12


def test_stated_rounding_contains_the_other_slope_of_a_position_at_a_knot() -> None:
    elsewhere: list[float] = []
    for model in map(spike, range(20)):
        for theta in model.knots.T @ model.parameter_rotation:
            with working_precision(200):
                slopes = model.lifted().jacobian(lift(theta)) - lift(model.jacobian(theta))
            elsewhere.append(float(np.linalg.norm(slopes.astype(np.float64))))
            assert elsewhere[-1] <= model.rounding(theta)[1]
    assert max(elsewhere) > 1e-3


def test_deviation_is_attained_for_orthogonal_rows_and_never_exceeded() -> None:
    rng = np.random.default_rng(5)
    for seed in range(20):
        model = affine(seed, orthogonal_rows=seed % 2 == 0)
        initial = model.jacobian(np.zeros(5))
        for radius in (0.1, 1.0, 3.0, 10.0):
            bound = model.deviation(radius)
            best = 0.0
            for q in model.frequencies:
                length = np.linalg.norm(q)
                theta = q / length * min(radius, math.pi / length)
                best = max(best, float(np.linalg.norm(model.jacobian(theta) - initial, 2)))
            for _ in range(20):
                theta = rng.standard_normal(5)
                theta *= radius / np.linalg.norm(theta)
                best = max(best, float(np.linalg.norm(model.jacobian(theta) - initial, 2)))
            slack = 100 * gamma(200)
            assert best <= bound * (1 + slack)
            if seed % 2 == 0:
                assert best >= bound * (1 - 1e-6)  # the coupling of nearly orthogonal rows costs the root of rounding


def test_deviation_of_general_rows_is_the_largest_drop_times_the_spectral_norm() -> None:
    model = PerturbedAffine(np.eye(2), np.array([[1.0, 0.0], [1.0, 0.1]]), 0.5)
    longest = math.sqrt(1.01)
    expected = (
        0.5 * (1 - math.cos(0.7 * longest)) * np.sqrt(np.abs(model.frequencies @ model.frequencies.T).sum(1).max())
    )
    assert abs(model.deviation(0.7) - expected) <= 1e-13
    assert model.deviation(100.0) == pytest.approx(0.5 * 2 * expected / 0.5 / (1 - math.cos(0.7 * longest)), rel=1e-13)


def test_deviation_of_nearly_orthogonal_rows_counts_their_coupling_by_its_frobenius_norm() -> None:
    # q_1 has the product 1/10 with each of q_2, q_3, q_4, which are orthogonal: ||offdiag||_F = sqrt(6)/10 < 3/10
    frequencies = np.eye(4)
    frequencies[0] = [2.0, 0.1, 0.1, 0.1]
    model, squared = PerturbedAffine(np.eye(4), frequencies, 0.25), 4.03
    drop = 1 - math.cos(0.7 * math.sqrt(squared))
    assert model.deviation(0.7) == pytest.approx(0.25 * drop * math.sqrt(squared + math.sqrt(6) / 10), rel=1e-13)
    assert model.deviation(50.0) == pytest.approx(0.25 * 2 * math.sqrt(squared + math.sqrt(6) / 10), rel=1e-13)
    # the largest drop and the largest product of drop and length may be those of different rows
    uncoupled = PerturbedAffine(np.eye(2), np.diag([3.0, 1.0]), 1.0)
    assert uncoupled.deviation(0.5) == pytest.approx(3 * (1 - math.cos(1.5)), rel=1e-13)
    assert uncoupled.deviation(2.0) == pytest.approx(6.0, rel=1e-13)


def test_the_bound_of_a_spectral_norm() -> None:
    assert _operator_norm_bound(np.array([[1.0, 2.0], [3.0, 4.0]])) == pytest.approx(6.0, rel=1e-14)
    assert _operator_norm_bound(np.array([[1.0, -2.0], [3.0, 4.0]])) == pytest.approx(math.sqrt(30), rel=1e-14)
    assert _operator_norm_bound(np.array([[3.0, 4.0]])) == pytest.approx(5.0, rel=1e-14)
    rng = np.random.default_rng(1)
    for _ in range(20):
        matrix = rng.standard_normal((3, 5))
        assert np.linalg.norm(matrix, 2) <= _operator_norm_bound(matrix)


def test_the_bound_of_a_spectral_norm_covers_any_rounding_of_the_product() -> None:
    signs = linalg.hadamard(64).astype(
        float
    )  # orthogonal rows of norm 8: the products of different rows may round to anything
    assert _operator_norm_bound(signs) ** 2 >= 64 + gamma(64) * 8 * 64 * 8


@pytest.mark.parametrize("numbers", [(1, 1), (1, 2), (3, 5), (1, 2, 4)])
def test_the_bound_of_a_spectral_norm_is_one_among_subnormal_numbers_too(numbers: tuple[int, ...]) -> None:
    """Where a float is far from the next: the exact norm of (1, 1) least floats is sqrt 2 of them, the nearest float 1."""
    least = Fraction(math.ulp(0.0))
    bound = Fraction(_operator_norm_bound(np.array([numbers]) * math.ulp(0.0)))
    assert bound**2 >= sum(number**2 for number in numbers) * least**2
    assert bound <= sum(numbers) * least


def test_spikes_lie_around_the_iterates_with_half_widths_in_units_of_the_next_step() -> None:
    base, eta, half_width = np.array([2.0, 3.0]), 0.4, 2.0**-6
    residuals = np.array([1.0, 0.7])
    model = spike_map(0.2, base, eta, 3, residuals, half_width)
    positions, lengths, theta = [np.zeros(2)], [], np.zeros(2)
    for _ in range(4):
        moved, _ = map_step(model, theta, -residuals, eta)
        lengths.append(theta - moved)
        theta = moved
        positions.append(theta)
    for i in range(2):
        edges, high, low = model.knots[i][::-1], base[i] + 0.4, base[i] - 0.4
        assert -edges[0] == pytest.approx(half_width * lengths[0][i], rel=1e-12)
        for k in (1, 2, 3):
            assert (edges[2 * k - 1] + edges[2 * k]) / 2 == pytest.approx(positions[k][i], rel=1e-12)
            # the unit is the next step as it would be without the spike itself
            width = (edges[2 * k - 1] - edges[2 * k]) / 2
            unit = lengths[k][i] + eta * (high - low) / high * width
            assert width == pytest.approx(half_width * unit, rel=1e-11)


def test_the_arrays_of_a_map_are_those_that_define_it() -> None:
    wave, spikes = affine(0), spike()
    assert {key: value.shape for key, value in wave.arrays().items()} == {"B": (3, 5), "Q": (3, 5), "eps": (1,)}
    assert wave.arrays()["eps"] == 0.3
    assert list(spikes.arrays()) == ["knots", "slopes", "U", "V"]
    assert [array is value for array, value in zip(spikes.arrays().values(), vars(spikes).values(), strict=True)] == [
        True
    ] * 4


def test_spike_map_deviation_is_c_root_lambda_and_values_integrate_the_slopes() -> None:
    model = spike_map(0.25, np.array([2.0, 3.0]), 0.5, 4, np.array([1.0, 0.5]))
    assert 0.5 <= model.deviation(1.0) <= 0.5 * (1 + gamma(64)) * 1.0001
    for i in range(2):
        knots, slopes = model.knots[i], model.slopes[i]
        assert (np.diff(knots) > 0).all()
        assert set(np.round(slopes - [2.0, 3.0][i], 12)) == {0.0, -0.5, 0.5}
        position = 0.3
        integral = slopes[-1] * position
        assert abs(model.outputs(np.array([position, position]))[i] - integral) <= gamma(200) * 10
        inside = np.concatenate([knots, [0.0]])
        total = -float(np.sum(slopes[1:] * np.diff(inside)))
        start = np.full(2, knots[0])
        assert abs(model.outputs(start)[i] - total) <= gamma(400) * 10


@pytest.mark.parametrize("stability", [0.05, 0.1, 0.2, 0.3])
def test_spike_map_attains_the_sharp_factor_and_breaks_the_paper_s_rate_beyond_its_limit(stability: float) -> None:
    C = 3 * stability
    eta = 1.01 * ngd.step_limit(C, "T1-sharp")
    model = spike_map(stability, np.ones(1), eta, 5, np.ones(1))
    theta = np.zeros(1)
    for k in range(5):
        theta, step = map_step(model, theta, -np.ones(1), eta)
        ratio = step.after / step.before
        if k >= 1:
            assert abs(ratio - ngd.rate(eta, C)) <= 1e-9 * ngd.rate(eta, C)
            assert ratio**2 > 1 - eta + 1e-6
    within = 0.99 * ngd.step_limit(C, "T1-sharp")
    model = spike_map(stability, np.ones(1), within, 5, np.ones(1))
    theta = np.zeros(1)
    for _ in range(5):
        theta, step = map_step(model, theta, -np.ones(1), within)
        assert (step.after / step.before) ** 2 < 1 - within


def test_half_width_of_the_spikes_is_at_most_1e_11_of_the_step() -> None:
    model = spike_map(0.2, np.ones(1), 0.5, 3, np.ones(1))
    widths = np.diff(model.knots[0])[0::2]
    lengths = np.diff(model.knots[0])[1::2]
    assert (widths / 2 <= 1e-11 * lengths).all()
    assert (widths[1:] / 2 <= 1e-11 * lengths[:-1]).all()
    assert (widths > 0).all()


@pytest.mark.parametrize("model", MAPS)
def test_certificate_of_a_map_is_sound_and_tight(model: ParameterMap) -> None:
    targets = -np.linspace(0.1, 0.2, len(model.outputs(np.zeros(model.parameters))))
    found = certify_map(model, targets)
    jacobian = model.jacobian(np.zeros(model.parameters))
    smallest = float(np.linalg.eigvalsh(jacobian @ jacobian.T)[0])
    assert found.lambda_min <= smallest <= found.lambda_min * (1 + 1e-10)
    radius = 3 * float(np.linalg.norm(targets)) / math.sqrt(smallest)
    assert radius <= found.radius <= radius * (1 + 1e-10)
    constant = 3 * model.deviation(radius) / math.sqrt(smallest)
    assert constant <= found.constant * (1 + 1e-15)
    assert found.constant <= constant * (1 + 1e-9)


def test_certificate_without_condition_1_is_infinite() -> None:
    model = PerturbedAffine(np.array([[1.0, 0.0], [1.0, 0.0]]), np.zeros((2, 2)), 0.0)
    found = certify_map(model, np.ones(2))
    assert found.lambda_min <= 0
    assert found.constant == found.radius == math.inf


@pytest.mark.parametrize("model", MAPS)
def test_one_step_of_a_map_agrees_with_the_dense_pseudo_inverse_and_with_balls(model: ParameterMap) -> None:
    targets = -np.linspace(0.2, 0.4, len(model.outputs(np.zeros(model.parameters))))
    theta = np.zeros(model.parameters)
    for _ in range(3):
        moved, step = map_step(model, theta, targets, 0.7)
        residual = model.outputs(theta) - targets
        dense = theta - 0.7 * np.linalg.pinv(model.jacobian(theta)) @ residual
        assert np.abs(moved - dense).max() <= 1e-12
        assert step.length == pytest.approx(float(np.linalg.norm(moved - theta)), rel=1e-12)
        with working_precision(160):
            exact = map_steps_enclosed(model, theta, targets, 0.7)[0]
            assert abs(float(exact.before - arb(step.before))) <= step.before_error
            assert abs(float(exact.after - arb(step.after))) <= step.after_error
            assert abs(float(exact.length - arb(step.length))) <= step.length_error
        assert max(step.after_error, step.before_error, step.length_error) < 1e-10
        assert step.rounding(0.5) >= step.after_error + 0.5 * step.before_error
        theta = moved


def test_ball_trajectory_goes_on_from_its_own_iterates() -> None:
    model, targets = affine(0), np.full(3, -0.1)
    with working_precision(160):
        whole = map_steps_enclosed(model, np.zeros(5), targets, 0.5, 4)
        theta = np.zeros(5)
        for step in whole:
            moved, approximate = map_step(model, theta, targets, 0.5)
            assert abs(float(step.after) - approximate.after) <= 1e-12
            theta = moved
    assert len(whole) == 4


def test_undecided_slope_is_not_a_number() -> None:
    """A ball that straddles a knot has no slope: the step's outcome is undecided, not guessed."""
    model = spike(1, 1, rotated=False)
    with working_precision(80):
        exact = model.lifted()
        position = np.array([arb(float(model.knots[0, 1]), 1e-3)], dtype=object)
        assert exact.jacobian(position)[0, 0].is_finite() is False


@pytest.mark.parametrize("model", MAPS)
def test_one_gradient_step_of_a_map_agrees_with_its_definition_and_with_balls(model: ParameterMap) -> None:
    targets = -np.linspace(0.2, 0.4, len(model.outputs(np.zeros(model.parameters))))
    theta = np.zeros(model.parameters)
    for _ in range(3):
        moved, step = map_step(model, theta, targets, 0.05, "gd")
        residual = model.outputs(theta) - targets
        assert np.abs(moved - (theta - 0.05 * model.jacobian(theta).T @ residual)).max() <= 1e-15
        assert np.array_equal(step.residual, residual)
        assert np.array_equal(step.moved_residual, model.outputs(moved) - targets)
        with working_precision(160):
            exact = map_steps_enclosed(model, theta, targets, 0.05, 1, "gd")[0]
            assert abs(float(exact.before - arb(step.before))) <= step.before_error
            assert abs(float(exact.after - arb(step.after))) <= step.after_error
            assert abs(float(exact.length - arb(step.length))) <= step.length_error
            difference = exact.moved_residual - lift(step.moved_residual)
            assert math.sqrt(sum(float(d) ** 2 for d in difference)) <= step.after_error
        assert step.after_error < 1e-12
        theta = moved


@pytest.mark.parametrize("model", MAPS)
def test_operator_norm_is_an_upper_bound_to_rounding(model: ParameterMap) -> None:
    largest = float(np.linalg.norm(model.jacobian(np.zeros(model.parameters)), 2))
    assert largest * (1 - 1e-15) <= operator_norm(model) <= largest * (1 + 1e-12)


def test_unknown_optimisers_of_maps_are_named() -> None:
    with pytest.raises(ChoiceError, match="known: ngd, gd"):
        map_step(affine(0), np.zeros(5), np.ones(3), 0.1, optimiser="kfac")
    with pytest.raises(ChoiceError, match="known: ngd, gd"):
        map_steps_enclosed(affine(0), np.zeros(5), np.ones(3), 0.1, optimiser="kfac")


def test_kink_map_changes_its_slopes_on_the_way() -> None:
    model = kink_map(np.array([1.0, 4.0]), np.array([[0.5, 9.0], [4.5, 4.0]]), np.array([[0.1, 2.0], [0.2, 3.0]]))
    for position, slopes in ((1.0, (1, 4)), (-0.05, (1, 4)), (-0.15, (0.5, 4)), (-0.25, (0.5, 4.5)), (-3.5, (9, 4))):
        assert np.array_equal(model.jacobian(np.full(2, position)), np.diag(slopes))
    assert np.allclose(model.outputs(np.full(2, -2.5)), [-(0.1 + 0.5 * 1.9 + 9 * 0.5), -(0.8 + 4.5 * 2.3)])


def test_deviation_of_a_spike_map_counts_the_pieces_that_the_ball_meets() -> None:
    model = kink_map(np.array([1.0]), np.array([[0.5, 9.0]]), np.array([[0.1, 2.0]]))
    assert [model.deviation(radius) for radius in (0.05, 1.5, 2.5)] == pytest.approx([0, 0.5, 8], rel=1e-14)
    assert model.deviation(2.0) >= 8  # the edge of the ball touches the last piece
    assert model.deviation(1.5) >= 0.5


def test_enclosed_norm_of_balls_around_zero_is_a_ball_and_not_a_number_stays_one() -> None:
    tiny = np.array([arb(0, 1e-20), arb(0)], dtype=object)
    norm = norm_enclosed(tiny)
    assert norm.contains(0)
    assert norm.contains(arb(1e-20))
    assert norm < 1e-19
    assert norm_enclosed(np.array([arb(3), arb(-4)], dtype=object)) == 5
    assert not norm_enclosed(np.array([arb("nan"), arb(1)], dtype=object)).is_finite()


def test_the_rounding_of_rows_that_come_out_orthogonal_counts() -> None:
    """A computed ``Q Q^T`` without coupling is known up to ``gamma_p ||Q||_F^2`` only, here 64 gamma_64."""
    found = PerturbedAffine(np.eye(64), np.eye(64), 0.5).deviation(4.0)  # beyond radius pi the cosines are -1
    assert 1 + 31 * gamma(64) <= found <= 1 + 40 * gamma(64)


@pytest.mark.parametrize("eta", [0.5, 1.2, 1.6, 2.5, 3.0])
def test_spikes_end_with_the_step_that_goes_beyond_the_target(eta: float) -> None:
    """Steps up to 3: knots do not decrease, and slopes are the derivatives of the values between them."""
    spikes = spike_map(0.1, np.array([1.0]), eta, 3, np.array([0.7]))
    knots = spikes.knots[0]
    assert (np.diff(knots) > 0).all()
    for left, right in itertools.pairwise(knots):
        middle, width = (left + right) / 2, (right - left) / 4
        theta = np.array([middle])
        rise = spikes.outputs(theta + width) - spikes.outputs(theta - width)
        error = 1e-15 * float(np.abs(spikes.slopes).max() * np.abs(knots).max()) * 64
        assert abs(float(rise[0]) - 2 * width * float(spikes.jacobian(theta)[0, 0])) <= error


def test_knots_that_decrease_are_refused() -> None:
    with pytest.raises(ShapeError, match="must not decrease"):
        SpikeMap(np.array([[1.0, 0.0]]), np.ones((1, 3)), np.eye(1), np.eye(1))
