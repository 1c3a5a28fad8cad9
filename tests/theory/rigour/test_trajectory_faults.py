"""Wrong programs planted in what encloses a trajectory, and what is asked of one that cannot be enclosed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import ctx, fmpq

from tests.theory.rigour.test_trajectory import (
    OPTIMISERS,
    RationalNetwork,
    check_against_rationals,
    check_float_step,
    problem,
)
from theory.descent import ngd
from theory.descent.state import FunctionSpaceState
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import ChoiceError, NotNormalisedError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import solve_enclosed
from theory.rigour.exact import AnyArray, hadamard
from theory.rigour.one_step import AccurateOutputs
from theory.rigour.precision import at_rising_precision
from theory.rigour.rectifier_trajectory import RectifierTrajectory
from theory.rigour.trajectory import (
    ball_trajectory,
    steps_from_weights,
)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_planted_wrong_count_in_a_gram_matrix_is_caught(optimiser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = problem(5, 3, 3, 200)
    check_float_step(given, optimiser)
    counts = vars(FunctionSpaceState)["pattern_gram"]

    def wrong(state: FunctionSpaceState) -> FloatArray:
        found: FloatArray = counts.fget(state).copy()
        found[0, 1] += 1 / 200
        found[1, 0] += 1 / 200
        return found

    monkeypatch.setattr(FunctionSpaceState, "pattern_gram", property(wrong))
    with pytest.raises(AssertionError):
        check_float_step(given, optimiser)


def test_a_planted_plain_float_residual_in_a_certificate_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large outputs that cancel: the plain sum loses digits that the accurate one keeps and its bound promises."""
    rng = np.random.default_rng(2)
    weights = np.abs(rng.standard_normal((2000, 1))) * 1e6
    net = TwoLayerNetwork(np.vstack([weights, weights]), np.repeat([1.0, -1.0], 2000))
    given = net, np.ones((1, 1)), np.array([1.0])
    check_float_step(given, "gd")
    accurate = AccurateOutputs.of

    def plain(state: FunctionSpaceDescent) -> AccurateOutputs:
        return replace(accurate(state), residual=state.residual, gradient=state.output_gradient)

    monkeypatch.setattr(AccurateOutputs, "of", plain)
    with pytest.raises(AssertionError):
        check_float_step(given, "gd")


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_planted_outputs_without_their_radius_are_caught(optimiser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = problem(1, 2, 2, 16)
    check_against_rationals(given, 0.4, 3, optimiser, 64)
    outputs = RectifierTrajectory._outputs
    monkeypatch.setattr(RectifierTrajectory, "_outputs", lambda path: _middles(outputs(path)))
    with pytest.raises(AssertionError):
        check_against_rationals(given, 0.4, 3, optimiser, 64)


def test_a_planted_solution_without_its_radius_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly parallel inputs: solving loses digits, and says so in the radius alone."""
    net = problem(1, 2, 2, 16)[0]
    given = net, normalise_rows(np.array([[1.0, 0.0], [1.0, 1e-5]])), np.array([1.0, -1.0])
    check_against_rationals(given, 0.4, 2, "ngd", 64)
    solve = solve_enclosed
    monkeypatch.setattr(ngd, "solve_enclosed", lambda matrix, right: _middles(solve(matrix, right)))
    with pytest.raises(AssertionError):
        check_against_rationals(given, 0.4, 2, "ngd", 64)


def _middles(balls: AnyArray) -> AnyArray:
    return np.array([ball.mid() for ball in balls], dtype=object)


def test_the_precision_doubles_until_settled_and_is_restored() -> None:
    before, seen = ctx.prec, []

    def attempt() -> int:
        seen.append(ctx.prec)
        return int(ctx.prec)

    assert at_rising_precision(attempt, lambda bits: bits >= 200) == (256, 256)
    assert seen == [64, 128, 256]
    assert at_rising_precision(attempt, lambda bits: False, 100, 300) == (300, 300)
    assert seen[3:] == [100, 200, 300]
    assert at_rising_precision(attempt, lambda bits: False, 500, 300) == (300, 300)
    assert at_rising_precision(lambda: 1, lambda _: ctx.prec == 128)[1] == 128
    assert ctx.prec == before


def test_bad_input_is_named() -> None:
    net, inputs, y = problem(0, 2, 2, 16)
    with pytest.raises(ChoiceError, match="known: ngd, kfac, gd"):
        ball_trajectory(net, inputs, y, 0.1, 2, "adam")
    with pytest.raises(ChoiceError, match="known: ngd, kfac, gd"):
        steps_from_weights(net, inputs, y, 0.1, 2, "adam")
    with pytest.raises(NotNormalisedError):
        ball_trajectory(net, 2 * inputs, y, 0.1, 2)


def test_a_singular_gram_matrix_leaves_nothing_decided() -> None:
    net = TwoLayerNetwork(np.ones((4, 2)), np.ones(4))
    inputs = np.array([[1.0, 0.0], [1.0, 0.0]])
    for optimiser in ("ngd", "kfac"):
        found = ball_trajectory(net, inputs, np.array([1.0, 2.0]), 0.5, 2, optimiser, cap=64)
        assert (found.decided, found.bits) == (0, 64)
    assert ball_trajectory(net, inputs, np.array([1.0, 2.0]), 0.5, 2, "gd").decided == 2


def test_matrices_and_entries_of_the_oracle() -> None:
    """The oracle's own parts: a two-neuron network by hand."""
    net = TwoLayerNetwork(np.array([[1.0], [2.0], [-1.0], [-3.0]]), np.array([1.0, 1.0, -1.0, 1.0]))
    exact = RationalNetwork(net, np.ones((1, 1)), np.array([0.5]))
    assert exact.residual[0, 0] == 1
    assert hadamard(exact.features, exact.features).entries() == [fmpq(1, 4), fmpq(1, 4), 0, 0]
    assert exact.advance(1.0, "ngd") == 2
    assert exact.weights.entries() == [0, 1, -1, -3]
