"""The optimisers: parameter space against dense oracles, function space against parameter space, error bounds."""

import contextlib
import dataclasses

import numpy as np
import pytest
from flint import arb
from scipy import linalg

from tests.theory.descent.problems import STEPS, problem
from theory.descent.solving import solve_gram
from theory.descent.steps import (
    FunctionSpaceDescent,
    gradient_step,
    kfac_step,
    natural_gradient_step,
    trajectory,
)
from theory.errors import (
    ChoiceError,
    DescentError,
    DivergenceError,
    NotFiniteError,
    RankDeficientError,
    ScaleError,
    ShapeError,
    WidthError,
)
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.enclosed_step import BALL_ACTIVATIONS, norm_enclosed, solve_enclosed
from theory.rigour.exact import lift
from theory.rigour.one_step import OneStep, network_step
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.rigour.trajectory import network_steps_enclosed


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_natural_gradient_step_is_the_dense_pseudo_inverse(activation: str) -> None:
    net, inputs, y = problem(m=40, activation=activation)
    jacobian, residual = net.jacobian(inputs), net.outputs(inputs) - y
    fisher = jacobian.T @ jacobian
    dense = net.weights - 0.3 * (linalg.pinvh(fisher, rtol=1e-9) @ jacobian.T @ residual).reshape(net.weights.shape)
    slack = 1e-15 * np.linalg.cond(jacobian) ** 4 * 10
    assert np.abs(natural_gradient_step(net, inputs, y, 0.3).weights - dense).max() <= slack
    by_lstsq = net.weights - 0.3 * np.linalg.lstsq(jacobian, residual)[0].reshape(net.weights.shape)
    assert np.abs(natural_gradient_step(net, inputs, y, 0.3).weights - by_lstsq).max() <= slack


@pytest.mark.parametrize(("n", "d"), [(5, 3), (3, 5)])
def test_kfac_step_is_the_dense_kronecker_pseudo_inverse(n: int, d: int) -> None:
    net, inputs, y = problem(1, n, d, m=40)
    features = net.pattern_features(inputs)
    left, right = np.linalg.pinv(features.T @ features, rtol=1e-10), np.linalg.pinv(inputs.T @ inputs, rtol=1e-10)
    gradient = net.jacobian(inputs).T @ (net.outputs(inputs) - y)
    dense = net.weights - 0.3 * (np.kron(left, right) @ gradient).reshape(net.weights.shape)
    assert np.abs(kfac_step(net, inputs, y, 0.3).weights - dense).max() <= 1e-10


def test_gradient_step_is_the_gradient_of_half_the_squared_residual() -> None:
    net, inputs, y = problem(2)
    gradient = (net.jacobian(inputs).T @ (net.outputs(inputs) - y)).reshape(net.weights.shape)
    assert np.abs(gradient_step(net, inputs, y, 0.3).weights - (net.weights - 0.3 * gradient)).max() <= 1e-13


@pytest.mark.parametrize("optimiser", list(STEPS))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("n", "d"), [(5, 3), (3, 5), (1, 1)])
def test_function_space_is_parameter_space(optimiser: str, activation: str, n: int, d: int) -> None:
    """I-dual for every optimiser, activation and shape; the widths cross several blocks."""
    net, inputs, y = problem(3, n, d, 400, activation)
    found = trajectory(net, inputs, y, 0.2, 3, optimiser, parameters=True)
    walker, lengths, norms = net, [], [np.linalg.norm(net.outputs(inputs) - y)]
    for _ in range(3):
        moved = STEPS[optimiser](walker, inputs, y, 0.2)
        lengths.append(np.linalg.norm(moved.weights - walker.weights))
        walker = moved
        norms.append(np.linalg.norm(walker.outputs(inputs) - y))
    assert found.weights is not None
    assert np.abs(found.weights - walker.weights).max() <= 1e-11
    assert np.abs(found.pre_activations - walker.pre_activations(inputs)).max() <= 1e-11
    assert np.abs(found.residual_norms - norms).max() <= 1e-11
    assert np.abs(found.step_norms - lengths).max() <= 1e-11
    assert np.abs(found.residual - (walker.outputs(inputs) - y)).max() <= 1e-11


def test_a_step_beyond_float64_is_refused() -> None:
    net, inputs, y = problem()
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(NotFiniteError, match="the weights after the step"),
    ):
        gradient_step(net, inputs, 1e20 * y, 1e300)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("optimiser", ["ngd", "gd"])
def test_error_bounds_of_a_step_contain_the_difference_from_balls(activation: str, optimiser: str) -> None:
    for seed in range(3):
        net, inputs, y = problem(seed, 3, 3, 60, activation)
        state = FunctionSpaceDescent(net, inputs, y)
        before = state.pre_activations.copy()
        step = network_step(state, 0.3, optimiser)
        assert 0 < step.after_error < 1e-9
        assert 0 < step.before_error < 1e-9
        assert 0 < step.length_error < 1e-9
        with working_precision(160):
            exact = network_steps_enclosed(before, inputs, net.signs, activation, y, 0.3, optimiser=optimiser)[0]
            assert abs(float(exact.before - arb(step.before))) <= step.before_error
            assert abs(float(exact.after - arb(step.after))) <= step.after_error
            assert abs(float(exact.length - arb(step.length))) <= step.length_error


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("n", "d", "zeros"), [(3, 3, 0), (4, 2, 0), (2, 4, 0), (4, 2, 2)])
def test_error_bounds_of_a_kfac_step_contain_the_difference_from_balls(
    activation: str, n: int, d: int, zeros: int
) -> None:
    for seed in range(3):
        net, inputs, y = problem(seed, n, d + zeros, 60, activation)
        inputs = normalise_rows(np.hstack([inputs[:, :d], np.zeros((n, zeros))]))
        state = FunctionSpaceDescent(net, inputs, y)
        before = state.pre_activations.copy()
        step = network_step(state, 0.3, "kfac")
        assert 0 < step.after_error < 1e-6
        with working_precision(160):
            exact = network_steps_enclosed(before, inputs, net.signs, activation, y, 0.3, optimiser="kfac")[0]
            assert abs(float(exact.before - arb(step.before))) <= step.before_error
            assert abs(float(exact.after - arb(step.after))) <= step.after_error
            assert abs(float(exact.length - arb(step.length))) <= step.length_error


def test_error_bound_of_an_unknown_optimiser_is_refused() -> None:
    net, inputs, y = problem()
    with pytest.raises(ChoiceError, match="unknown optimiser 'adam'; known: ngd, kfac, gd"):
        network_step(FunctionSpaceDescent(net, inputs, y), 0.3, "adam")


@pytest.mark.parametrize("optimiser", list(STEPS))
@pytest.mark.parametrize(("n", "d"), [(3, 3), (3, 2), (2, 4)])
def test_ball_trajectory_of_a_network_follows_the_float_one(optimiser: str, n: int, d: int) -> None:
    net, inputs, y = problem(8, n, d, 60)
    found = trajectory(net, inputs, y, 0.5, 3, optimiser)
    with working_precision(200):
        balls = network_steps_enclosed(
            net.pre_activations(inputs), inputs, net.signs, "relu", y, 0.5, 3, optimiser=optimiser
        )
    assert np.abs([float(step.after) for step in balls] - found.residual_norms[1:]).max() <= 1e-12
    assert len(balls) == 3
    with working_precision(100):
        assert len(network_steps_enclosed(net.pre_activations(inputs), inputs, net.signs, "relu", y, 0.5)) == 1
    assert np.abs([float(step.length) for step in balls] - found.step_norms).max() <= 1e-12


def test_balls_of_a_singular_matrix_are_not_numbers_and_names_are_checked() -> None:
    net = TwoLayerNetwork(np.array([[1.0, 2.0], [3.0, 1.0]]), np.ones(2))
    inputs, y = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1.0, 2.0])
    z = net.pre_activations(inputs)
    for optimiser in ("ngd", "kfac"):
        assert np.isnan(float(network_steps_enclosed(z, inputs, net.signs, "relu", y, 0.5, 1, optimiser)[0].after))
    assert network_steps_enclosed(z, inputs, net.signs, "relu", y, 0.5, 1, "gd")[0].after > 0
    with pytest.raises(ChoiceError, match="known: ngd, kfac, gd"):
        network_steps_enclosed(z, inputs, net.signs, "relu", y, 0.5, 1, "adam")


def test_numerical_rank_is_counted_above_the_backward_error_of_the_decomposition() -> None:
    # 15 rows e_1 and one at the angle t: singular values 4 and nearly t; rank 2 above 16 eps 4 = 1.42e-14
    for angle, rank in ((1.2e-14, 1), (1.8e-14, 2)):
        rows = np.tile([1.0, 0.0], (16, 1))
        rows[0, 1] = angle
        assert InputGeometry.of(rows).rank == rank


def test_the_tolerance_of_one_step_is_the_sum_of_its_errors() -> None:
    none = np.zeros(1)
    step = OneStep(2.0**60, 1.0, 0.25, 0.5, length=1.0, length_error=0.0, residual=none, moved_residual=none)
    sum_of_errors = 0.5 + 0.125 + 2.0**8 + 2 * UNIT_ROUNDOFF * 1.0
    assert sum_of_errors <= step.rounding(0.5) <= sum_of_errors * (1 + gamma(12))
    assert OneStep(2.0, 1.0, 0.25, 0.5, 1.0, 0.0, none, none).rounding(4.0) == pytest.approx(1.5, abs=1e-14)


def test_the_slope_bound_is_just_above_the_steepest_activation() -> None:
    assert 2 / np.sqrt(np.pi) < STEEPEST_SLOPE <= 1.2


def test_balls_of_undecided_sign_have_no_slope_and_singular_systems_no_solution() -> None:
    relu = BALL_ACTIVATIONS["relu"][1]
    assert [relu(z) for z in (arb(0), arb(2), arb(-1), arb(0.5))] == [1, 1, 0, 1]
    for undecided in (arb(0, 1e-3), arb(0.5, 1), arb(-0.5, 1), arb(-1, 1)):
        assert relu(undecided).is_nan()
    whole = BALL_ACTIVATIONS["relu"][0]
    assert [whole(z) for z in (arb(-3), arb(0), arb(3))] == [0, 0, 3]
    none = solve_enclosed(lift(np.ones((2, 2))), lift(np.ones(2)))
    assert none.shape == (2,)
    assert all(entry.is_nan() for entry in none)
    assert [float(v) for v in solve_enclosed(lift(np.diag([2.0, 4.0])), lift(np.ones(2)))] == [0.5, 0.25]
    assert norm_enclosed(lift(np.array([3.0, -4.0]))) == 5


def test_bad_input_is_named() -> None:
    net, inputs, y = problem()
    with pytest.raises(ChoiceError, match="known: ngd, kfac, gd"):
        trajectory(net, inputs, y, 0.1, 2, "adam")
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ScaleError, match="step_size"):
            trajectory(net, inputs, y, bad, 2)
    with pytest.raises(WidthError, match="steps"):
        trajectory(net, inputs, y, 0.1, 0)
    with pytest.raises(ShapeError, match="must agree"):
        trajectory(net, inputs, y[:-1], 0.1, 2)
    narrow = TwoLayerNetwork(weights=np.ones((1, 3)), signs=np.ones(1))
    for step in STEPS.values():
        with pytest.raises(WidthError, match="at least 2"):
            step(narrow, inputs, y, 0.1)
    with pytest.raises(WidthError, match="at least 2"):
        trajectory(narrow, inputs, y, 0.1, 1)


def test_singular_gram_is_named() -> None:
    net, inputs, y = problem()
    twice = np.concatenate([inputs, inputs[:1]])
    for run, name in ((natural_gradient_step, "Gram matrix G"), (kfac_step, "pattern Gram matrix H")):
        with pytest.raises(RankDeficientError, match=rf"the {name} \(6 x 6\) cannot be solved with in float64"):
            run(net, twice, np.append(y, 1.0), 0.1)
    for optimiser, name in (("ngd", r"G\(0\) of Condition 1 "), ("kfac", r"H\(0\) of Condition K1 ")):
        with pytest.raises(RankDeficientError, match=name):
            trajectory(net, twice, np.append(y, 1.0), 0.1, 1, optimiser)
    with pytest.raises(RankDeficientError, match="the matrix"):
        solve_gram(-np.eye(2), np.ones(2))
    with pytest.raises(RankDeficientError, match="pivots"):
        solve_gram(np.diag([1.0, 4e-16]), np.ones(2))
    assert np.array_equal(solve_gram(np.diag([1.0, 2.0**-50]), np.array([1.0, 2.0**-50])), [1.0, 1.0])


@pytest.mark.parametrize(("optimiser", "name"), [("ngd", r"G\(1\)"), ("kfac", r"H\(1\)")])
def test_a_matrix_that_becomes_singular_is_not_blamed_on_the_conditions_at_initialisation(
    optimiser: str, name: str
) -> None:
    net = TwoLayerNetwork(np.array([[1.0]]), np.ones(1))
    state = FunctionSpaceDescent(net, np.ones((1, 1)), np.array([-9.0]))
    state.advance(1.0, optimiser)  # drives the only neuron below 0
    with pytest.raises(RankDeficientError, match=rf"^{name}, after step 1, \(1 x 1\) cannot be solved with") as caught:
        state.advance(1.0, optimiser)
    assert "Condition" not in str(caught.value)


def test_geometry_of_inputs() -> None:
    rng = np.random.default_rng(9)
    for rows in (
        rng.standard_normal((6, 4)),
        rng.standard_normal((3, 5)),
        rng.standard_normal((5, 2)) @ rng.standard_normal((2, 4)),
    ):
        inputs = normalise_rows(rows)
        geometry = InputGeometry.of(inputs)
        values = np.linalg.svd(inputs, compute_uv=False)
        rank = int((values > 1e-12).sum())
        assert geometry.rank == rank
        assert np.abs(geometry.projection - inputs @ np.linalg.pinv(inputs)).max() <= 1e-12
        assert np.abs(geometry.leverage - np.diag(geometry.projection)).max() == 0
        assert np.abs(geometry.dual_inputs - np.linalg.pinv(inputs).T).max() <= 1e-12
        # norms of what it is multiplied with are those of the dual inputs
        products = geometry.dual_coordinates @ geometry.dual_coordinates.T
        assert np.abs(products - geometry.dual_inputs @ geometry.dual_inputs.T).max() <= 1e-12
        assert geometry.largest_eigenvalue == pytest.approx(values[0] ** 2, rel=1e-13)
        assert geometry.smallest_eigenvalue == pytest.approx(values[rank - 1] ** 2, rel=1e-11)
        assert np.array_equal(geometry.kernel, inputs @ inputs.T)


@pytest.mark.parametrize("optimiser", list(STEPS))
def test_an_iterate_beyond_the_range_of_floats_is_named(optimiser: str) -> None:
    for eta in (1e200, 1e308):
        with pytest.raises(DivergenceError, match="scale the targets down"):
            trajectory(*problem(1, 4, 3, 40), eta, 4, optimiser)
        for activation in ("softplus", "tanh", "erf", "sin"):  # their slopes may all vanish: a singular matrix
            with contextlib.suppress(DescentError):
                found = trajectory(*problem(1, 4, 3, 40, activation), eta, 4, optimiser)
                assert np.isfinite(found.residual_norms).all()
                assert np.isfinite(found.pre_activations).all()
    net, inputs, _ = problem(1, 4, 3, 40)
    with pytest.raises(NotFiniteError, match="overflows"):
        trajectory(net, inputs, np.full(4, 1e200), 0.5, 1, optimiser)


def test_a_pre_activation_is_checked_even_where_the_outputs_do_not_show_it() -> None:
    net = TwoLayerNetwork(np.array([[1.0]]), np.ones(1), "tanh")
    state = FunctionSpaceDescent(net, np.ones((1, 1)), np.full(1, -9.0))
    with pytest.raises(DivergenceError, match=r"gd with step size 1e\+308"):
        state.advance(1e308, "gd")  # Z = -inf, where tanh is -1
    assert state.residual[0] == 8


@pytest.mark.parametrize("optimiser", list(STEPS))
@pytest.mark.parametrize(("n", "d"), [(9, 2), (70, 30)])
def test_steps_in_factors_are_the_steps_in_parameters(optimiser: str, n: int, d: int) -> None:
    """2 d < n: K and P are applied in two factors; from 64 rows on the counts follow the changed columns."""
    net, inputs, y = problem(12, n, d, 600)
    found = trajectory(net, inputs, y, 0.1, 3, optimiser)
    walker, norms = net, [np.linalg.norm(net.outputs(inputs) - y)]
    for _ in range(3):
        walker = STEPS[optimiser](walker, inputs, y, 0.1)
        norms.append(np.linalg.norm(walker.outputs(inputs) - y))
    assert np.abs(found.pre_activations - walker.pre_activations(inputs)).max() <= 1e-8
    assert np.abs(found.residual_norms - norms).max() <= 1e-8
    state = FunctionSpaceDescent(net, inputs, y)
    for _ in range(3):
        state.advance(0.1, optimiser)
    moved = dataclasses.replace(net, weights=walker.weights)
    assert np.abs(state.pattern_gram - moved.pattern_gram(inputs)).max() <= 1e-14


@pytest.mark.parametrize("optimiser", list(STEPS))
def test_error_bounds_cover_steps_in_factors(optimiser: str) -> None:
    """n = 7 inputs in the plane, against the exact step in balls."""
    net, inputs, y = problem(13, 7, 2, 60)
    state = FunctionSpaceDescent(net, inputs, y)
    start = state.pre_activations.copy()
    step = network_step(state, 0.3, optimiser)
    with working_precision(212):
        exact = network_steps_enclosed(start, inputs, net.signs, "relu", y, 0.3, 1, optimiser)[0]
        assert abs(arb(step.before) - exact.before) <= step.before_error
        assert abs(arb(step.after) - exact.after) <= step.after_error
        assert abs(arb(step.length) - exact.length) <= step.length_error


@pytest.mark.parametrize("optimiser", list(STEPS))
def test_single_precision_moves_differ_by_its_rounding_only(optimiser: str) -> None:
    net, inputs, y = problem(14, 8, 3, 500)
    smooth = dataclasses.replace(net, activation="tanh")
    double, single, *same = (
        FunctionSpaceDescent(own, inputs, y, single_precision=precision)
        for own, precision in ((net, False), (net, True), (smooth, False), (smooth, True))
    )
    for state in (double, single, *same):
        for _ in range(5):
            state.advance(0.2, optimiser)
    assert 0 < abs(np.linalg.norm(single.residual) / np.linalg.norm(double.residual) - 1) < 1e-5
    assert np.isclose(single.residual, outputs_at(net, single.pre_activations) - y, rtol=0, atol=1e-13).all()
    assert np.array_equal(same[0].residual, same[1].residual)


@pytest.mark.parametrize("single_precision", [False, True])
def test_what_may_overflow_is_looked_at_entry_by_entry(single_precision: bool) -> None:
    net, inputs, y = problem(15, 4, 3, 60)
    limit = float(np.finfo(np.float32 if single_precision else np.float64).max)
    state = FunctionSpaceDescent(net, inputs, y, single_precision=single_precision)
    assert state._stays_representable((np.full((4, 4), 1e-3),))
    assert state._reach == np.abs(state.pre_activations).max() + 4e-3 * STEEPEST_SLOPE
    with np.errstate(over="ignore", invalid="ignore"):
        assert not state._stays_representable((np.full((4, 4), 0.9 * limit),))
        assert not state._stays_representable((np.zeros((4, 4)), np.full((4, 4), limit / 4)))
    assert not state._stays_representable((np.full((4, 4), np.nan),))


def outputs_at(net: TwoLayerNetwork, pre_activations: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(pre_activations, 0) @ net.signs / np.sqrt(net.width))
