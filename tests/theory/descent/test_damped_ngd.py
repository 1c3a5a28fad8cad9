"""Damped NGD: dense oracles, eps = 0, error bounds against balls and at a coarse roundoff, and dampings that are none."""

import itertools
import math
import re
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from tests.theory.rounding_model.case import NEGLIGIBLE, UNIT_ROUNDOFF, Case, Measured, exceeded
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.steps import FOUR, HALVES, ONE, THREE, network_case, on_circle, optimiser_of
from tests.theory.rounding_model.terms import terms_of
from theory.descent import damped_ngd
from theory.descent.damped_ngd import DampedNaturalGradient
from theory.descent.lazy import residual_curve
from theory.descent.optimiser import Chosen, as_optimiser
from theory.descent.steps import FunctionSpaceDescent, parameter_step, trajectory
from theory.errors import ChoiceError, RankDeficientError, ScaleError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.losses import PseudoHuberLoss, SquaredLoss
from theory.maps.affine import PerturbedAffine
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import map_steps_enclosed
from theory.rigour.one_step import OneStep, map_step, network_step
from theory.rigour.precision import working_precision
from theory.rigour.trajectory import network_steps_enclosed
from theory.stability import certify_path

DAMPINGS = (1e-12, 0.01, 0.5, 30.0, 1e8)
Problem = tuple[TwoLayerNetwork, FloatArray, FloatArray]


def problem(n: int = 4, d: int = 3, m: int = 50, activation: str = "relu") -> Problem:
    rng = np.random.default_rng([n, d, m])
    net = TwoLayerNetwork.initialise(m, d, 1.3, rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((n, d))), rng.standard_normal(n)


@pytest.mark.parametrize("eps", DAMPINGS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_step_is_the_dense_ridge_regression(eps: float, activation: str) -> None:
    """In the other order: ``(J^T J + eps I)^{-1} J^T r``, by the rows ``[J; eps^{1/2} I]``."""
    net, inputs, y = problem(activation=activation)
    jacobian, residual = net.jacobian(inputs), net.outputs(inputs) - y
    p = jacobian.shape[1]
    rows, right = np.vstack([jacobian, math.sqrt(eps) * np.eye(p)]), np.concatenate([residual, np.zeros(p)])
    dense = net.weights - 0.3 * np.linalg.lstsq(rows, right)[0].reshape(net.weights.shape)
    assert np.abs(parameter_step(net, inputs, y, 0.3, DampedNaturalGradient(eps)).weights - dense).max() <= 1e-12
    undamped = parameter_step(net, inputs, y, 0.3).weights
    assert (np.abs(undamped - dense).max() > 1e-6) == (eps > 1e-6)  # the oracle tells dampings apart


def test_one_neuron_by_hand() -> None:
    """``z = w``, G = 1: ``w - eta r/(1 + eps)``."""
    net, inputs = TwoLayerNetwork(np.array([[3.0]]), np.ones(1)), np.ones((1, 1))
    found = trajectory(net, inputs, np.array([1.0]), 0.5, 2, DampedNaturalGradient(3.0), parameters=True)
    assert found.residual_norms.tolist() == [2.0, 1.75, 1.53125]
    assert found.step_norms.tolist() == [0.25, 0.21875]
    assert found.weights is not None
    assert found.weights.tolist() == [[2.53125]]


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
    path = certify_path(net, inputs, y, 0.3, 2, chosen)
    model, theta = PerturbedAffine(np.eye(4, 5), np.ones((4, 5)), 0.1), np.full(5, 0.1)
    moved, bounded = map_step(model, theta, y, 0.3, chosen)
    found += [path.step_changes, residual_curve(net, inputs, y, 0.3, 5, chosen)[0], moved, bounded.after_error]
    found += [as_optimiser(chosen).linearised(InputGeometry.of(inputs), net.gram(inputs))]
    return [*found, map_steps_enclosed(model, theta, y, 0.3, 2, chosen)[1].after.str(30, more=True)]


def test_without_damping_it_is_ngd_bit_for_bit() -> None:
    usual = everything("ngd")
    for eps in (0.0, -0.0, 0):
        for damped, ngd in zip(everything(DampedNaturalGradient(eps)), usual, strict=True):
            assert np.array_equal(damped, ngd)
    assert not np.array_equal(everything(DampedNaturalGradient(1e-9))[0], usual[0])


def check(step: OneStep, exact: Any) -> None:
    assert abs(exact.before - arb(step.before)) <= step.before_error
    assert abs(exact.after - arb(step.after)) <= step.after_error
    assert abs(exact.length - arb(step.length)) <= step.length_error


@pytest.mark.parametrize("eps", DAMPINGS)
@pytest.mark.parametrize("loss", [SquaredLoss, partial(PseudoHuberLoss, ridge=0.1)], ids=["squared", "Huber"])
def test_error_bounds_cover_the_balls(eps: float, loss: Any) -> None:
    chosen = DampedNaturalGradient(eps)
    for activation in ("relu", "sin"):
        for n, d in ((4, 3), (5, 2), (1, 1)):
            net, inputs, y = problem(n, d, activation=activation)
            state = FunctionSpaceDescent(net, inputs, y, loss=loss)
            before = state.pre_activations.copy()
            step = network_step(state, 0.7, chosen)
            assert step.after_error < 1e-8
            with working_precision(150):
                arguments = (before, inputs, net.signs, activation, loss(y), 0.7, 1)
                check(step, network_steps_enclosed(*arguments, chosen)[0])
                other = network_steps_enclosed(*arguments, DampedNaturalGradient(2 * eps + 1))[0]
            assert abs(other.after - arb(step.after)) > step.after_error
    model, theta, y = PerturbedAffine(np.eye(4, 5), np.ones((4, 5)), 0.1), np.full(5, 0.1), np.arange(4.0)
    _, step = map_step(model, theta, loss(y), 0.7, chosen)
    with working_precision(150):
        check(step, map_steps_enclosed(model, theta, loss(y), 0.7, 1, chosen)[0])


def test_a_singular_gram_matrix_has_a_damped_step_and_its_bounds() -> None:
    """Equal inputs: no lambda_min is certified, and none is needed."""
    net, inputs, y = problem(3)
    twice, targets = np.vstack([inputs, inputs[:1]]), np.append(y, 1.0)
    state = FunctionSpaceDescent(net, twice, targets)
    before = state.pre_activations.copy()
    step = network_step(state, 0.5, DampedNaturalGradient(0.1))
    assert step.after_error < 1e-12
    with working_precision(150):
        check(step, network_steps_enclosed(before, twice, net.signs, "relu", targets, 0.5, 1, "damped-ngd:0.1")[0])
    with pytest.raises(RankDeficientError, match=r"^G\(0\) of Condition 1 \(4 x 4\) cannot"):
        trajectory(net, twice, targets, 0.5, 1, DampedNaturalGradient(0.0))
    tiny = DampedNaturalGradient(1e-30)
    with pytest.raises(
        RankDeficientError, match=r"plus 1e-30 I \(4 x 4\) .*; G without its damping is singular: inputs 0"
    ):
        certify_path(net, twice, targets, 0.5, 1, tiny)


def test_singular_values_of_the_inverse_are_below_their_bound() -> None:
    """In rationals: ``s/(s^2 + eps) <= 1/(t + eps/t)`` for s >= sigma and t the larger one of sigma and the root of eps; attained."""
    for eps, root in ((Fraction(1, 4), Fraction(1, 2)), (Fraction(9), Fraction(3)), (Fraction(0), Fraction(0))):
        for sigma in (Fraction(1, 8), Fraction(1, 2), Fraction(2), Fraction(7)):
            t = max(sigma, root)
            bound = 1 / (t + eps / t)
            values = [s / (s * s + eps) for k in range(200) if (s := sigma * (1 + Fraction(k, 16))) > 0]
            assert max(values) <= bound
            assert t / (t * t + eps) == bound


# --- at a coarse roundoff (tests/theory/rounding_model) ------------------------------------------------------------------

DISPLACEMENT = ("theory.descent.damped_ngd", "DampedNaturalGradient.displacement")
WATCHED = f"{DISPLACEMENT[0].removeprefix('theory.')}:{DISPLACEMENT[1]}"


def told() -> Case:
    """One input, J = 1: what c is off by where G, or g, is off by what is said of it."""

    def measure(theory: Theory) -> Measured:
        solved = theory.function("theory.descent.coefficients", "Solved")
        for eps, gram_off, gradient_off in itertools.product(
            (0.25, 1.0, 8.0), (3.0, 0.5, -0.5, 0.0), (0.25, -0.25, 0.0)
        ):
            optimiser = optimiser_of(theory, f"damped-ngd:{eps}")
            gram, gradient = np.array([[1 + gram_off]]), np.array([0.7 + gradient_off])
            c = optimiser.coefficients(gram, gradient, "G")
            errors = abs(gram_off), abs(gram_off * float(c[0])), gradient, abs(gradient_off)
            yield abs(float(c[0]) - 0.7 / (1 + eps)), optimiser.displacement(solved(gram, *errors, c, 1.0))

    return Case("damped NGD, told errors", (WATCHED,), measure)


CASES: tuple[Case, ...] = (
    told(),
    network_case("damped NGD, one input", FOUR, ONE, [0.7], 0.5, "damped-ngd:0.25", searched=True),
    network_case("damped NGD, one input, strongly", FOUR, ONE, [0.7], 0.9, "damped-ngd:8.0", searched=True),
    network_case("damped NGD, sine", [[0.3], [0.3], [0.3]], ONE, [0.7], 0.5, "damped-ngd:0.5", "sin", searched=True),
    network_case("damped NGD, two close inputs", HALVES, on_circle(0.0, 0.2), [0.7, -0.7], 0.5, "damped-ngd:0.015625"),
    network_case("damped NGD, tanh", THREE, on_circle(0.0, 1.0), [0.7, -0.2], 0.5, "damped-ngd:0.3", "tanh"),
    network_case("damped NGD, equal inputs", HALVES, on_circle(0.3, 0.3), [0.7, -0.7], 0.5, "damped-ngd:0.25"),
    network_case("no damping", HALVES, on_circle(0.0, 1.2), [0.7, -0.7], 0.5, "damped-ngd:0.0"),
)

NOT_MISSED = {
    r"^all of effect \+=": "the defect's gamma_{n+2} has room for one more rounding",
    r"^(root|self\.eps / root) in": "it makes the bound smaller: more of it is missed where the errors told are attained",
}


@pytest.fixture(scope="module")
def theory() -> Theory:
    return Theory(UNIT_ROUNDOFF)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_bound_is_exceeded_however_operations_round(theory: Theory, case: Case) -> None:
    assert WATCHED in case.watches
    assert case.worst(theory, case.directors(theory)[0]) <= NEGLIGIBLE


def test_terms_left_out_are_missed(theory: Theory) -> None:
    terms = terms_of(*DISPLACEMENT)
    needed = [term for term in terms if not any(re.search(pattern, term.text) for pattern in NOT_MISSED)]
    assert len(terms) - len(needed) == 3
    assert needed
    for term in needed:
        assert any(exceeded(case, theory, case.directors(theory), term) for case in CASES), f"not missed: {term}"


# --- names and dampings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [0.0, 0.1, 1e-300, 5e-324, 1e300, 2])
def test_its_name_has_all_digits_of_its_damping(eps: float) -> None:
    found = DampedNaturalGradient(eps)
    assert as_optimiser(found.name) == found
    assert found.eps == eps
    assert found == damped_ngd.OPTIMISER(eps)
    assert found != DampedNaturalGradient(2 * eps + 1)


@pytest.mark.parametrize("bad", [math.nan, -1.0, -5e-324, math.inf, -math.inf, None, "0.1", True])
def test_dampings_that_are_none_are_refused(bad: Any) -> None:
    with pytest.raises(ScaleError, match="the damping eps is"):
        DampedNaturalGradient(bad)
    if isinstance(bad, float):
        with pytest.raises(ScaleError, match="the damping eps is"):
            trajectory(*problem(), 0.1, 1, f"damped-ngd:{bad}")


@pytest.mark.parametrize("bad", [10**400, 2**53 + 1, Fraction(1, 3), Fraction(1, 10**400), fmpq(1, 3), arb(1, 0.5)])
def test_dampings_that_are_no_floats_are_not_rounded(bad: Any) -> None:
    """The least of them would be rounded to none at all."""
    with pytest.raises(ScaleError, match=r"the damping eps is .*; it must be a float64"):
        DampedNaturalGradient(bad)


@pytest.mark.parametrize("good", [Fraction(1, 2), fmpq(1, 2), arb(0.5), np.float32(0.5), np.array(0.5)])
def test_dampings_that_are_floats_exactly_are_taken(good: Any) -> None:
    assert DampedNaturalGradient(good).name == "damped-ngd:0.5"


@pytest.mark.parametrize("bad", ["damped-ngd", "damped-ngd:", "damped-ngd:EPS", "damped-ngd:0,1", "damped:0.1"])
def test_names_without_a_damping_are_unknown(bad: str) -> None:
    with pytest.raises(ChoiceError, match=r"unknown optimiser .*; known: ngd, kfac, gd, damped-ngd:EPS"):
        as_optimiser(bad)
