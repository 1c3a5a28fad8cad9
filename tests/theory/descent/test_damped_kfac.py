"""Damped K-FAC: dense oracles, no damping, error bounds against balls and at a coarse roundoff, and dampings that are none."""

import itertools
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from tests.theory.rounding_model.case import NEGLIGIBLE, UNIT_ROUNDOFF, Case
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.steps import FOUR, HALVES, ONE, THREE, network_case, on_circle
from theory.descent import damped_kfac
from theory.descent.damped_kfac import DampedKroneckerFactored
from theory.descent.lazy import residual_curve
from theory.descent.optimiser import Chosen, as_optimiser
from theory.descent.steps import FunctionSpaceDescent, parameter_step, trajectory
from theory.errors import ChoiceError, RankDeficientError, ScaleError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.damped_inputs import DampedInputs, error_of_damped_dual, error_of_damped_projection
from theory.rigour.exact import diagonal, rational, rational_matrix
from theory.rigour.one_step import OneStep, network_step
from theory.rigour.precision import working_precision
from theory.rigour.trajectory import network_steps_enclosed

PAIRS = ((0.0, 0.3), (0.3, 0.0), (0.05, 0.2), (1e-9, 1e-9), (30.0, 1e6))
Problem = tuple[TwoLayerNetwork, FloatArray, FloatArray]


def problem(n: int = 4, d: int = 3, m: int = 50, activation: str = "relu") -> Problem:
    rng = np.random.default_rng([n, d, m])
    net = TwoLayerNetwork.initialise(m, d, 1.3, rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((n, d))), rng.standard_normal(n)


@pytest.mark.parametrize("pair", [*PAIRS[:3], (3.0, 0.5)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_step_is_the_dense_kronecker_system(pair: tuple[float, float], activation: str) -> None:
    """``((S^T S + eps_S) x (X^T X + eps_X))^+ J^T r``, as a matrix of size m d."""
    eps_S, eps_X = pair
    net, inputs, y = problem(m=12, activation=activation)
    residual, features = net.outputs(inputs) - y, net.pattern_features(inputs)
    gradient = features.T @ (residual[:, None] * inputs)
    left, right = features.T @ features + eps_S * np.eye(12), inputs.T @ inputs + eps_X * np.eye(3)
    dense = np.linalg.pinv(np.kron(left, right), rcond=1e-12) @ gradient.ravel()
    expected = net.weights - 0.3 * dense.reshape(gradient.shape)
    found = parameter_step(net, inputs, y, 0.3, DampedKroneckerFactored(eps_S, eps_X)).weights
    assert np.abs(found - expected).max() <= 1e-11 * max(1.0, np.abs(dense).max())
    assert (
        np.abs(parameter_step(net, inputs, y, 0.3, "kfac").weights - expected).max() > 1e-6
    )  # it tells dampings apart
    other = parameter_step(net, inputs, y, 0.3, DampedKroneckerFactored(eps_X, eps_S)).weights
    assert np.abs(other - expected).max() > 1e-6


def test_one_neuron_by_hand() -> None:
    """``z = w``, H = K = 1: ``w - eta r/((1 + eps_S)(1 + eps_X))``."""
    net, inputs = TwoLayerNetwork(np.array([[3.0]]), np.ones(1)), np.ones((1, 1))
    chosen = DampedKroneckerFactored(1.0, 3.0)
    found = trajectory(net, inputs, np.array([1.0]), 0.5, 2, chosen, parameters=True)
    assert found.residual_norms == pytest.approx([2.0, 1.875, 1.7578125], rel=1e-14)
    assert found.step_norms == pytest.approx([0.125, 0.1171875], rel=1e-14)
    assert found.weights is not None
    assert found.weights == pytest.approx(np.array([[2.7578125]]), rel=1e-14)


def everything(chosen: Chosen) -> list[Any]:
    """What runs, bounds and balls make of an optimiser."""
    found: list[Any] = []
    for activation in ("relu", "tanh"):
        net, inputs, y = problem(activation=activation)
        run = trajectory(net, inputs, y, 0.3, 3, chosen, parameters=True)
        found += [run.residual_norms, run.step_norms, run.pre_activations, run.weights]
        step = network_step(FunctionSpaceDescent(net, inputs, y), 0.3, chosen)
        found += [step.after, step.before_error, step.after_error, step.length, step.length_error]
        balls = network_steps_enclosed(net.pre_activations(inputs), inputs, net.signs, activation, y, 0.3, 1, chosen)
        found += [balls[0].after.str(30, more=True), balls[0].length.str(30, more=True)]
    net, inputs, y = problem()
    return [*found, residual_curve(net, inputs, y, 0.3, 5, chosen)[0]]


def test_without_damping_it_is_kfac_bit_for_bit() -> None:
    usual = everything("kfac")
    for damped, kfac in zip(everything(DampedKroneckerFactored(0, -0.0)), usual, strict=True):
        assert np.array_equal(damped, kfac)
    for pair in ((1e-9, 0.0), (0.0, 1e-9)):
        assert not np.array_equal(everything(DampedKroneckerFactored(*pair))[0], usual[0])


def check(step: OneStep, exact: Any) -> None:
    assert abs(exact.before - arb(step.before)) <= step.before_error
    assert abs(exact.after - arb(step.after)) <= step.after_error
    assert abs(exact.length - arb(step.length)) <= step.length_error


@pytest.mark.parametrize("pair", PAIRS)
def test_error_bounds_cover_the_balls(pair: tuple[float, float]) -> None:
    chosen = DampedKroneckerFactored(*pair)
    for activation in ("relu", "sin"):
        for n, d in ((4, 3), (3, 2), (1, 1)):
            net, inputs, y = problem(n, d, activation=activation)
            state = FunctionSpaceDescent(net, inputs, y)
            before = state.pre_activations.copy()
            step = network_step(state, 0.7, chosen)
            assert step.after_error < 1e-7
            assert step.length_error < (1e-8 if max(pair) > 1e-3 else 1e-2)
            with working_precision(150):
                arguments = (before, inputs, net.signs, activation, y, 0.7, 1)
                check(step, network_steps_enclosed(*arguments, chosen)[0])
                larger = DampedKroneckerFactored(2 * pair[0] + 1, 2 * pair[1] + 1)
                other = network_steps_enclosed(*arguments, larger)[0]
            assert abs(other.after - arb(step.after)) > step.after_error


def test_singular_factors_have_a_damped_step_and_its_bounds() -> None:
    """Equal inputs: neither H nor X has full rank, and no eigenvalue is certified."""
    net, inputs, y = problem(3)
    twice, targets = np.vstack([inputs, inputs[:1]]), np.append(y, 1.0)
    state = FunctionSpaceDescent(net, twice, targets)
    before = state.pre_activations.copy()
    step = network_step(state, 0.5, DampedKroneckerFactored(0.1, 0.1))
    assert step.after_error < 1e-12
    with working_precision(150):
        check(step, network_steps_enclosed(before, twice, net.signs, "relu", targets, 0.5, 1, "damped-kfac:0.1,0.1")[0])
    for pair in ((0.0, 0.0), (0.0, 0.1)):
        with pytest.raises(RankDeficientError, match=r"^H\(0\) of Condition K1 \(4 x 4\) cannot"):
            trajectory(net, twice, targets, 0.5, 1, DampedKroneckerFactored(*pair))
    with pytest.raises(RankDeficientError, match=r"plus 1e-30 I \(4 x 4\)"):
        trajectory(net, twice, targets, 0.5, 1, DampedKroneckerFactored(1e-30, 0.1))


def test_linearised_it_needs_H() -> None:
    net, inputs, _ = problem()
    gram = net.gram(inputs)
    found = DampedKroneckerFactored(0.0, 0.5).linearised(InputGeometry.of(inputs), gram)
    kernel = inputs @ inputs.T
    assert np.diag(found) == pytest.approx(np.diag(kernel @ np.linalg.inv(kernel + 0.5 * np.eye(4))), rel=1e-12)
    orthogonal = np.eye(3)
    with pytest.raises(ChoiceError, match="not linearised by G where inputs are orthogonal; take eps_S = 0"):
        DampedKroneckerFactored(0.1, 0.5).linearised(InputGeometry.of(orthogonal), net.gram(orthogonal))


# --- P and Y ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [1e-12, 1e-3, 0.5, 100.0])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3), (3, 3)])
def test_P_and_Y_are_within_their_bounds(eps: float, shape: tuple[int, int]) -> None:
    """Against exact inverses, for independent rows and for two that are nearly or exactly equal."""
    rows = normalise_rows(np.random.default_rng(shape).standard_normal(shape))
    for apart in (1.0, 1e-9, 0.0):
        rows[1] = apart * rows[1] + (1 - apart) * rows[0]
        inputs = normalise_rows(rows)
        found = DampedInputs.of(InputGeometry.of(inputs), eps)
        x = rational_matrix(inputs)
        inverse = (x * x.transpose() + diagonal([rational(eps)] * len(rows))).inv()
        exact = [inverse * x * x.transpose(), inverse * x]
        bounds = [found.projection_error, found.dual_error]
        for computed, matrix, bound in zip((found.projection, found.dual_inputs), exact, bounds, strict=True):
            off = np.array([[float(fmpq(a)) for a in row] for row in (rational_matrix(computed) - matrix).tolist()])
            assert np.linalg.norm(off, 2) <= bound < 1e-3 / math.sqrt(eps)
        dual = np.array([[float(fmpq(a)) for a in row] for row in exact[1].tolist()])
        assert np.linalg.norm(dual, 2) <= found.dual_norm
    assert error_of_damped_projection(0.5, 2.0, 0.25, 3) >= 0.25 + 2.25 * 0.25
    assert error_of_damped_dual(0.5, 2.0, 0.25, 0.0, 3) >= 1.25 * 0.5 / 4 + 0.25 / 4


def test_what_an_error_of_one_singular_value_makes_of_both() -> None:
    """``s^2/(s^2+eps)`` moves by at most ``e/eps^{1/2}``, ``s/(s^2+eps)`` by at most ``5/4 e/eps``, in fractions."""
    worst_projection = worst_dual = Fraction(0)
    for root in (Fraction(1, 8), Fraction(1)):
        eps = root * root
        for s, e in itertools.product([Fraction(k, 16) for k in range(40)], [Fraction(1, 2), Fraction(1, 64)]):
            t = s + e
            projection, dual = t * t / (t * t + eps) - s * s / (s * s + eps), abs(t / (t * t + eps) - s / (s * s + eps))
            worst_projection, worst_dual = (
                max(worst_projection, projection / (e / root)),
                max(worst_dual, dual / (e / eps)),
            )
    assert Fraction(1, 2) < worst_projection <= 1
    assert Fraction(3, 4) < worst_dual <= Fraction(5, 4)


# --- at a coarse roundoff (tests/theory/rounding_model) ------------------------------------------------------------------

WATCHED = "descent.damped_kfac:DampedKroneckerFactored.rounding"
CASES: tuple[Case, ...] = (
    network_case("damped K-FAC, one input", FOUR, ONE, [0.7], 0.5, "damped-kfac:0.25,0.5", searched=True),
    network_case("damped K-FAC, strongly", FOUR, ONE, [0.7], 0.9, "damped-kfac:8.0,2.0", searched=True),
    network_case(
        "damped K-FAC, sine", [[0.3], [0.3], [0.3]], ONE, [0.7], 0.5, "damped-kfac:0.5,0.0", "sin", searched=True
    ),
    network_case(
        "damped K-FAC, two close inputs", HALVES, on_circle(0.0, 0.2), [0.7, -0.7], 0.5, "damped-kfac:0.1,0.02"
    ),
    network_case("damped K-FAC, tanh", THREE, on_circle(0.0, 1.0), [0.7, -0.2], 0.5, "damped-kfac:0.3,0.3", "tanh"),
    network_case("damped K-FAC, equal inputs", HALVES, on_circle(0.3, 0.3), [0.7, -0.7], 0.5, "damped-kfac:0.25,0.25"),
)


@pytest.fixture(scope="module")
def theory() -> Theory:
    return Theory(UNIT_ROUNDOFF)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_bound_is_exceeded_however_operations_round(theory: Theory, case: Case) -> None:
    assert WATCHED in case.watches
    assert case.worst(theory, case.directors(theory)[0]) <= NEGLIGIBLE


# --- names and dampings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [(0.0, 0.0), (0.1, 1e-300), (5e-324, 1e300), (2, 3)])
def test_its_name_has_all_digits_of_its_dampings(pair: tuple[float, float]) -> None:
    found = DampedKroneckerFactored(*pair)
    assert as_optimiser(found.name) == found
    assert (found.eps_S, found.eps_X) == pair
    assert found == damped_kfac.OPTIMISER(*pair)
    assert found != DampedKroneckerFactored(2 * pair[0] + 1, pair[1])


@pytest.mark.parametrize("bad", [math.nan, -1.0, -5e-324, math.inf, None, "0.1", True, 2**53 + 1, Fraction(1, 3)])
def test_dampings_that_are_none_are_refused(bad: Any) -> None:
    for pair, name in (((bad, 0.1), "eps_S"), ((0.1, bad), "eps_X")):
        with pytest.raises(ScaleError, match=re.escape(f"the damping {name} is")):
            DampedKroneckerFactored(*pair)


@pytest.mark.parametrize(
    "bad", ["damped-kfac", "damped-kfac:", "damped-kfac:0.1", "damped-kfac:0.1,0.2,0.3", "kfac:1,1"]
)
def test_names_without_two_dampings_are_unknown(bad: str) -> None:
    with pytest.raises(ChoiceError, match=r"unknown optimiser .*; known: ngd, kfac, gd, .*damped-kfac:EPS,EPS"):
        as_optimiser(bad)
