"""Optimisers as objects: found by their names, taken by everything that takes a name, and a battery for all that are found."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb

from theory.descent.coefficients import CoefficientOptimiser, Solved, of_a_map
from theory.descent.lazy import residual_curve
from theory.descent.ngd import NaturalGradient
from theory.descent.optimiser import Chosen, Optimiser, as_optimiser, kinds
from theory.descent.steps import FunctionSpaceDescent, gradient_step, kfac_step, parameter_step, trajectory
from theory.errors import ChoiceError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.maps.affine import PerturbedAffine
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import map_steps_enclosed
from theory.rigour.exact import AnyArray
from theory.rigour.one_step import map_step, network_step
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.rigour.trajectory import ball_trajectory, network_steps_enclosed, steps_from_weights
from theory.stability import certify_path

NAMES = tuple(re.sub(r"[A-Z]+", "0.5", kind.kind) for kind in kinds())
"""One of every kind: those that are found; in capitals stands what a name has a number for."""

STEP = 0.25


def problem(n: int = 3, d: int = 2, m: int = 60) -> tuple[TwoLayerNetwork, FloatArray, FloatArray]:
    rng = np.random.default_rng([n, d, m])
    net = TwoLayerNetwork.initialise(m, d, 1.3, rng)
    return net, normalise_rows(rng.standard_normal((n, d))), rng.standard_normal(n)


class Doubled(NaturalGradient):
    """NGD that steps twice as far."""

    kind = "doubled"

    def coefficients(self, gram: FloatArray, gradient: FloatArray, name: str) -> FloatArray:
        return 2 * super().coefficients(gram, gradient, name)

    def coefficients_enclosed(self, gram: Callable[[], AnyArray], gradient: AnyArray) -> AnyArray:
        return np.asarray(2 * super().coefficients_enclosed(gram, gradient))

    def displacement(self, solved: Solved) -> float:
        return 2 * super().displacement(replace(solved, coefficients=solved.coefficients / 2))


def test_every_kind_has_a_name_here_and_is_found_by_it() -> None:
    assert NAMES[:3] == ("ngd", "kfac", "gd")
    assert [type(as_optimiser(name)) for name in NAMES] == list(kinds())
    for name in NAMES:
        found = as_optimiser(name)
        assert found.name == name
        assert as_optimiser(found.name) == found
        assert as_optimiser(found) is found
        assert found.title
    assert len({as_optimiser(name) for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("unknown", ["adam", "", "NGD", "ngd ", None, 3, []])
def test_unknown_names_are_refused_with_those_that_are_known(unknown: Any) -> None:
    with pytest.raises(ChoiceError, match=r"unknown optimiser .*; known: ngd, kfac, gd"):
        as_optimiser(unknown)
    with pytest.raises(ChoiceError, match="known: ngd, kfac, gd"):
        FunctionSpaceDescent(*problem()).advance(0.1, unknown)
    with pytest.raises(ChoiceError, match="known: ngd, kfac, gd"):
        certify_path(*problem(), 0.1, 1, unknown)


def test_an_optimiser_of_networks_alone_has_no_step_of_a_map() -> None:
    assert isinstance(of_a_map("gd"), CoefficientOptimiser)
    for chosen in ("kfac", as_optimiser("kfac")):
        with pytest.raises(ChoiceError, match="no step of a map by 'kfac'; known: ngd, gd"):
            of_a_map(chosen)


def runs(chosen: Chosen, eta: float) -> list[Any]:
    """What every function that takes an optimiser makes of it."""
    net, inputs, y = problem()
    whole = trajectory(net, inputs, y, eta, 3, chosen, parameters=True)
    path = certify_path(net, inputs, y, eta, 2, chosen)
    state = FunctionSpaceDescent(net, inputs, y)
    step = network_step(state, eta, chosen)
    found: list[Any] = [whole.residual_norms, whole.step_norms, whole.pre_activations, whole.weights]
    found += [parameter_step(net, inputs, y, eta, chosen).weights, residual_curve(net, inputs, y, eta, 3, chosen)[0]]
    found += [path.step_changes, path.residual_norms, step.after, step.length]
    with working_precision(100):
        balls = steps_from_weights(net, inputs, y, eta, 2, chosen)
        balls += network_steps_enclosed(net.pre_activations(inputs), inputs, net.signs, "relu", y, eta, 1, chosen)
    balls += ball_trajectory(net, inputs, y, eta, 2, chosen).steps
    if isinstance(as_optimiser(chosen), CoefficientOptimiser):
        model, theta = PerturbedAffine(np.eye(3, 4), np.ones((3, 4)), 0.1), np.full(4, 0.1)
        moved, bounded = map_step(model, theta, y, eta, chosen)
        found += [moved, bounded.after, bounded.length]
        balls += map_steps_enclosed(model, theta, y, eta, 2, chosen)
    return [*found, [float(step.after) for step in balls], [float(step.length) for step in balls]]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_its_object_do_the_same(name: str) -> None:
    for by_name, by_object in zip(runs(name, STEP), runs(as_optimiser(name), STEP), strict=True):
        assert np.array_equal(by_name, by_object)


def test_a_variant_goes_wherever_an_optimiser_goes() -> None:
    usual = runs("ngd", 2 * STEP)
    for variant, double in zip(runs(Doubled(), STEP), usual, strict=True):
        assert np.array_equal(variant, double)
    assert not np.allclose(runs("ngd", STEP)[0], usual[0])  # so that the comparison means something


@pytest.mark.parametrize("chosen", [*NAMES, Doubled()], ids=str)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_error_bounds_cover_the_exact_step(chosen: Chosen, activation: str) -> None:
    for n, d in ((3, 2), (5, 2), (2, 3)):
        net, inputs, y = problem(n, d)
        net = TwoLayerNetwork(net.weights, net.signs, activation)
        state = FunctionSpaceDescent(net, inputs, y)
        before = state.pre_activations.copy()
        step = network_step(state, STEP, chosen)
        assert 0 < step.after_error < 1e-6
        with working_precision(150):
            exact = network_steps_enclosed(before, inputs, net.signs, activation, y, STEP, 1, chosen)[0]
            assert abs(exact.before - arb(step.before)) <= step.before_error
            assert abs(exact.after - arb(step.after)) <= step.after_error
            assert abs(exact.length - arb(step.length)) <= step.length_error


@pytest.mark.parametrize("name", NAMES)
def test_the_linearised_run_is_the_residual_of_short_steps(name: str) -> None:
    """``(r - r+)/eta`` tends to ``M r`` as eta vanishes, on a smooth network, which bends little on a short way."""
    net, inputs, y = problem(5, 3)
    net = TwoLayerNetwork(net.weights, net.signs, "tanh")
    residual, eta, gram = net.outputs(inputs) - y, 2.0**-17, net.gram(inputs)
    after = parameter_step(net, inputs, y, eta, name)
    matrix = as_optimiser(name).linearised(InputGeometry.of(inputs), gram)
    assert np.array_equal(matrix, matrix.T)
    slope, expected = (residual - (after.outputs(inputs) - y)) / eta, matrix @ residual
    # C2-smooth along the step; outputs are sums of m numbers of at most 1/sqrt(m); a Cholesky solve's relative error
    assert net.phi.curvature is not None
    bend = net.phi.curvature * np.linalg.norm(inputs, 2) / np.sqrt(net.width)
    bend *= np.linalg.norm(after.weights - net.weights) ** 2 / (2 * eta)
    summed = gamma(net.width + net.dim + 16) * np.sqrt(5) * (np.sqrt(net.width) + np.linalg.norm(net.weights))
    solved = gamma(64) * np.linalg.cond(gram) * np.linalg.norm(expected)
    allowed = bend + 2 * (summed + UNIT_ROUNDOFF * np.linalg.norm(residual)) / eta + solved
    assert np.linalg.norm(slope - expected) <= allowed < np.linalg.norm(expected) / 100


def test_a_direction_is_that_of_the_last_step_whatever_the_optimiser() -> None:
    net, inputs, y = problem()
    for name, step in (("kfac", kfac_step), ("gd", gradient_step)):
        state = FunctionSpaceDescent(net, inputs, y)
        features = state.features()
        state.advance(STEP, name)
        moved = net.weights - STEP * features.T @ state.parameter_direction()
        expected = step(net, inputs, y, STEP).weights
        # two Cholesky solves, each off by gamma times the condition of what is solved, of the step; three roundings of W
        condition = np.linalg.cond(net.pattern_gram(inputs)) if name == "kfac" else 1.0
        allowed = 2 * gamma(64) * condition * np.linalg.norm(expected - net.weights)
        assert np.linalg.norm(moved - expected) <= allowed + 3 * UNIT_ROUNDOFF * np.linalg.norm(net.weights)
        assert (state.coefficients is None) == (name == "kfac")


def test_optimisers_cannot_be_changed() -> None:
    found: Optimiser = as_optimiser("ngd")
    with pytest.raises(AttributeError):
        found.title = "GD"  # type: ignore[misc]
