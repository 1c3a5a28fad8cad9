"""Ball trajectories against exact rationals, against their entrywise version, and against planted faults."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat

from theory.descent.optimiser import as_optimiser
from theory.descent.steps import FunctionSpaceDescent, trajectory
from theory.inputs import FloatArray, normalise_rows
from theory.losses import PseudoHuberLoss, SquaredLoss, as_loss
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import BALL_ACTIVATIONS
from theory.rigour.exact import AnyArray, ball_matrix, pseudo_inverse, rational, rational_matrix
from theory.rigour.one_step import network_step
from theory.rigour.precision import CAP_BITS, FIRST_BITS, working_precision
from theory.rigour.rectifier_trajectory import RectifierTrajectory, StoredPreActivations, StoredWeights
from theory.rigour.trajectory import (
    ACCURACY,
    ball_trajectory,
    entrywise_steps,
    network_steps_enclosed,
    steps_from_weights,
)

OPTIMISERS = ("ngd", "kfac", "gd")
Problem = tuple[TwoLayerNetwork, FloatArray, FloatArray]


def problem(seed: int, n: int, d: int, m: int, activation: str = "relu") -> Problem:
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(m, d, 0.3, rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((n, d))), rng.standard_normal(n)


class RationalNetwork:
    """The network in parameters and rationals, its width a perfect square: J is built, nothing is rounded."""

    def __init__(self, net: TwoLayerNetwork, inputs: FloatArray, y: FloatArray) -> None:
        self.weights, self.inputs, self.targets = map(rational_matrix, (net.weights, inputs, y))
        self.signs, self.root = [int(a) for a in net.signs], round(net.width**0.5)
        assert self.root**2 == net.width

    @property
    def pre_activations(self) -> list[list[fmpq]]:
        return list((self.inputs * self.weights.transpose()).tolist())

    @property
    def features(self) -> fmpq_mat:
        rows = self.pre_activations
        return fmpq_mat([[fmpq(a * (z >= 0), self.root) for z, a in zip(row, self.signs, strict=True)] for row in rows])

    @property
    def residual(self) -> fmpq_mat:
        features, rows = self.features.tolist(), self.pre_activations
        outputs = [
            sum((s * z for s, z in zip(*pair, strict=True)), fmpq(0)) for pair in zip(features, rows, strict=True)
        ]
        return fmpq_mat(len(rows), 1, outputs) - self.targets

    def advance(self, eta: float, optimiser: str) -> fmpq:
        """Take one step; its squared length."""
        features, residual, n = self.features, self.residual, self.inputs.nrows()
        diagonal = fmpq_mat(n, n)
        for i in range(n):
            diagonal[i, i] = residual[i, 0]
        if optimiser == "kfac":
            direction = features.transpose() * (features * features.transpose()).inv() * diagonal
            direction = direction * pseudo_inverse(self.inputs).transpose()
        else:
            jacobian = fmpq_mat(
                [
                    [s * x for s in row for x in point]
                    for row, point in zip(features.tolist(), self.inputs.tolist(), strict=True)
                ]
            )
            c = (jacobian * jacobian.transpose()).solve(residual) if optimiser == "ngd" else residual
            column = jacobian.transpose() * c
            direction = fmpq_mat(self.weights.nrows(), self.weights.ncols(), column.entries())
        move = rational(eta) * direction
        self.weights = self.weights - move
        return sum((entry * entry for entry in move.entries()), fmpq(0))


def check_against_rationals(problem: Problem, eta: float, steps: int, optimiser: str, bits: int) -> int:
    """Every ball of a trajectory contains what it is a ball around; how many activations flip on the way."""
    net, inputs, y = problem
    exact = RationalNetwork(net, inputs, y)
    patterns = []
    with working_precision(bits):
        balls = steps_from_weights(net, inputs, y, eta, steps, optimiser)
        for step in balls:
            patterns.append([[z >= 0 for z in row] for row in exact.pre_activations])
            _contains(step.before, step.residual, exact.residual)
            try:
                length_squared = exact.advance(eta, optimiser)
            except ZeroDivisionError:
                assert not step.after.is_finite()
                break
            assert (step.length**2).contains(arb(length_squared))
            _contains(step.after, step.moved_residual, exact.residual)
    return int(np.count_nonzero(np.diff(np.array(patterns), axis=0)))


def _contains(norm: arb, residual: AnyArray, exact: fmpq_mat) -> None:
    assert all(ball.overlaps(arb(value)) for ball, value in zip(residual, exact.entries(), strict=True))
    assert (norm**2).overlaps(arb(sum((value * value for value in exact.entries()), fmpq(0))))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize(("n", "d", "m"), [(1, 1, 4), (2, 2, 16), (3, 2, 25), (2, 3, 16)])
def test_ball_trajectories_contain_the_rational_ones(optimiser: str, n: int, d: int, m: int) -> None:
    flips = 0
    for seed in range(6):
        given = problem(seed, n, d, m)
        if np.linalg.eigvalsh(given[0].pattern_gram(given[1]))[0] < 0.02:
            continue
        for bits in (64, 300):
            flips += check_against_rationals(given, 0.4, 4, optimiser, bits)
    assert flips > 0 or m == 4


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("loss", [SquaredLoss, partial(PseudoHuberLoss, ridge=0.1)])
def test_patterns_and_entries_lead_to_the_same_balls(optimiser: str, loss: Callable[[FloatArray], SquaredLoss]) -> None:
    net, inputs, y = problem(3, 4, 3, 120)
    arguments = (net.signs, loss(y), as_optimiser(optimiser).mover(inputs))
    exact = ball_matrix(inputs) * ball_matrix(net.weights).transpose()
    stored = net.pre_activations(inputs)
    with working_precision(160):
        for start, balls, first in (
            (exact, steps_from_weights(net, inputs, loss(y), 0.3, 6, optimiser), StoredWeights(net, inputs)),
            (
                ball_matrix(stored),
                network_steps_enclosed(stored, inputs, net.signs, "relu", loss(y), 0.3, 6, optimiser),
                StoredPreActivations(stored),
            ),
        ):
            oracle = entrywise_steps(start, net.signs, "relu", loss(y), arguments[2], 0.3, 6)
            for ball, entry in zip(balls, oracle, strict=True):
                assert ball.before.overlaps(entry.before)
                assert ball.after.overlaps(entry.after)
                assert ball.length.overlaps(entry.length)
                assert float(ball.after.rad()) < 1e-30
            path = RectifierTrajectory(first, *arguments, 0.3)
            active = []
            for _ in range(6):
                path.advance()
                active.append(path.active.copy())
                assert path.ambiguous == 0
            assert np.count_nonzero(np.diff(np.array(active), axis=0)) > 0


def test_neurons_beyond_one_block_are_summed_up_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    net, inputs, y = problem(4, 3, 3, 100)
    with working_precision(100):
        whole = steps_from_weights(net, inputs, y, 0.4, 4)
        monkeypatch.setattr("theory.rigour.rectifier_trajectory.BLOCK", 7)
        blocks = steps_from_weights(net, inputs, y, 0.4, 4)
        for one, other in zip(whole, blocks, strict=True):
            assert one.after.overlaps(other.after)
            assert float(other.after.rad()) < 1e-20


@pytest.mark.parametrize("activation", [name for name in BALL_ACTIVATIONS if name != "relu"])
@pytest.mark.parametrize("radius", [2.0**-10, 2.0**-60, 2.0**-160, 2.0**-1000])
def test_values_and_slopes_at_a_ball_around_zero_are_narrow(activation: str, radius: float) -> None:
    with working_precision(FIRST_BITS):
        for function, at_zero in zip(BALL_ACTIVATIONS[activation], (arb(0), arb(0) + radius), strict=True):
            found = function(arb(0, radius))
            assert found.is_finite()
            assert found.overlaps(function(at_zero))
            assert float(found.rad()) <= 4 * radius + 2.0**-40


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_the_fast_engine_follows_the_ball_trajectory_digit_by_digit(optimiser: str, activation: str) -> None:
    """Over 30 steps the two agree to 11 digits of ``||r(0)||``."""
    net, inputs, y = problem(8, 4, 4, 400 if activation == "relu" else 100, activation)
    found = trajectory(net, inputs, y, 0.3, 30, optimiser)
    balls = ball_trajectory(net, inputs, y, 0.3, 30, optimiser)
    assert balls.decided == 30
    with working_precision(balls.bits):
        initial = balls.steps[0].before
        for step, norm, length in zip(balls.steps, found.residual_norms[1:], found.step_norms, strict=True):
            assert abs(step.after - arb(norm)) <= arb(1e-11) * initial
            assert abs(step.length - arb(length)) <= arb(1e-11) * initial
            assert step.after.rad() <= arb(ACCURACY) * initial


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_thirty_steps_of_eight_inputs_and_512_neurons_are_enclosed(optimiser: str) -> None:
    net, inputs, y = problem(6, 8, 8, 512)
    found = ball_trajectory(net, inputs, y, 0.2, 30, optimiser)
    assert (found.decided, len(found.steps)) == (30, 30)
    assert sum(step.flips for step in found.steps) > 0
    with working_precision(found.bits):
        assert all(step.after < step.before for step in found.steps)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_one_step_of_a_wide_network_from_a_stored_iterate(optimiser: str) -> None:
    """n = 10, m = 20,000: the float64 engine's third step within its bounds of the enclosed one."""
    net, inputs, y = problem(9, 10, 30, 20_000)
    state = FunctionSpaceDescent(net, inputs, y)
    for _ in range(2):
        state.advance(0.3, optimiser)
    stored = state.pre_activations.copy()
    step = network_step(state, 0.3, optimiser)
    with working_precision(FIRST_BITS):
        exact = network_steps_enclosed(stored, inputs, net.signs, "relu", y, 0.3, 1, optimiser)[0]
        assert exact.flips == np.count_nonzero((stored >= 0) != (state.pre_activations >= 0)) > 0
        assert exact.after.rad() < 2.0**-45
        assert abs(exact.before - arb(step.before)) <= step.before_error
        assert abs(exact.after - arb(step.after)) <= step.after_error
        assert abs(exact.length - arb(step.length)) <= step.length_error


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_float_pre_activations_that_decide_patterns_are_within_their_error(optimiser: str) -> None:
    net, inputs, y = problem(2, 3, 3, 25)
    exact, start = RationalNetwork(net, inputs, y), StoredWeights(net, inputs)
    with working_precision(200):
        path = RectifierTrajectory(start, net.signs, SquaredLoss(y), as_optimiser(optimiser).mover(inputs), 0.4)
        for _ in range(6):
            error = start.error + path._row_errors
            assert error.max() < 1e-13
            for i, row in enumerate(exact.pre_activations):
                for r, z in enumerate(row):
                    assert abs(arb(z) - arb(float(path._computed[i, r]))) <= arb(float(error[i, r]))
                    assert path._entry(i, r).overlaps(arb(z))
            path.advance()
            exact.advance(0.4, optimiser)


# --- three-valued: a pre-activation near zero ------------------------------------------------------------------------


def three_of_nine(weight: float) -> tuple[TwoLayerNetwork, FloatArray]:
    """n = d = 1, G = 1/3, which no ball holds exactly; u = w for the three active neurons' weight w."""
    weights = np.array([[weight]] * 3 + [[-1.0]] * 6)
    return TwoLayerNetwork(weights, np.ones(9)), np.ones((1, 1))


def test_an_activation_that_becomes_exactly_zero_is_undecided_up_to_the_cap() -> None:
    net, inputs = three_of_nine(1.0)
    found = ball_trajectory(net, inputs, np.array([-1.0]), 0.5, 3)
    assert (found.bits, found.decided) == (CAP_BITS, 1)
    assert found.steps[0].after.contains(1)
    assert all(step.after.is_nan() for step in found.steps[1:])
    assert all(not (step.after <= step.before) and not (step.after > step.before) for step in found.steps[1:])


NEAR_ZERO = [
    # (1 + d)(1 - d) = 1 - d^2 for d = 2^-50, (1 + d)(1 - d + d^2) = 1 + d^3 for d = 2^-25
    ((1 + 2.0**-50) / 2, -1 + 2.0**-49, fmpq(1, 2**100)),
    ((1 + 2.0**-25) / 2, -1 + 2.0**-24 - 2.0**-49, fmpq(-1, 2**75)),
]


@pytest.mark.parametrize(("eta", "y", "moved"), NEAR_ZERO)
def test_the_precision_rises_until_an_activation_very_near_zero_is_decided(eta: float, y: float, moved: fmpq) -> None:
    """``w - eta (w - y)`` for w = 1, where the float64 engine finds 0 or a wrong sign."""
    net, inputs = three_of_nine(1.0)
    assert 1 - rational(eta) * (1 - rational(y)) == moved
    for bits, ambiguous in ((64, 3), (128, 0)):
        with working_precision(bits):
            loss, move = SquaredLoss(np.array([y])), as_optimiser("ngd").mover(inputs)
            path = RectifierTrajectory(StoredWeights(net, inputs), net.signs, loss, move, eta)
            path.advance()
            assert path.ambiguous == ambiguous
            assert path.active[0, :3].tolist() == [ambiguous == 0 and moved > 0] * 3
    found = ball_trajectory(net, inputs, np.array([y]), eta, 2)
    assert (found.bits, found.decided) == ((128, 2) if moved > 0 else (CAP_BITS, 1))  # below 0 all neurons are silent


@pytest.mark.parametrize("ulps", [-1, 0, 1, 2])
def test_a_planted_pre_activation_one_ulp_from_zero_is_decided_as_it_is(ulps: int) -> None:
    """``w . x`` at less than 2^-50 from 0: its float64 sign is a matter of luck, its exact one decides."""
    x = np.array([[0.6, 0.8]])
    w = np.array([4.0, -3.0 + ulps * 2.0**-51])
    exact = rational(w[0]) * rational(x[0, 0]) + rational(w[1]) * rational(x[0, 1])
    assert 0 < abs(exact) < fmpq(1, 2**50)
    net = TwoLayerNetwork(np.array([w, [1.0, 1.0], [-1.0, 1.0], [2.0, 1.0]]), np.ones(4))
    start = StoredWeights(net, x)
    with working_precision(FIRST_BITS):
        assert (start.entry(0, 0) > 0) == (exact > 0)
        path = RectifierTrajectory(start, net.signs, SquaredLoss(np.ones(1)), as_optimiser("ngd").mover(x), 0.1)
    assert bool(path.active[0, 0]) == (exact > 0)
    check_against_rationals((net, x, np.ones(1)), 0.25, 2, "ngd", 64)


def test_a_pre_activation_that_is_exactly_zero_at_the_start_is_active() -> None:
    net = TwoLayerNetwork(np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0], [2.0, 3.0]]), np.ones(4))
    x = np.array([[1.0, 0.0]])
    path = RectifierTrajectory(
        StoredWeights(net, x), net.signs, SquaredLoss(np.ones(1)), as_optimiser("gd").mover(x), 0.1
    )
    assert path.active.tolist() == [[True, True, False, True]]
    stored = RectifierTrajectory(
        StoredPreActivations(net.pre_activations(x)),
        net.signs,
        SquaredLoss(np.ones(1)),
        as_optimiser("gd").mover(x),
        0.1,
    )
    assert stored.active.tolist() == path.active.tolist()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("tiny", [5e-324, 2.0**-1040, 1e-300])
def test_a_neuron_at_zero_follows_a_move_below_the_range_of_floats(optimiser: str, tiny: float) -> None:
    """Z(1) of the second input is about -1e-341 (or -1e-318): inactive, though every float64 of the step is 0."""
    m = 64
    stored = np.vstack([np.where(np.arange(m) % 3 == 0, 1.0, -1.0), np.zeros(m)])
    signs = np.where(np.arange(m) % 4 < 1, 1.0, -1.0)
    y, eta = np.array([1.0, -tiny]), 2.0**-60
    with working_precision(4000):
        found = network_steps_enclosed(stored, np.eye(2), signs, "relu", y, eta, 2, optimiser)
        exact = entrywise_steps(
            ball_matrix(stored), signs, "relu", as_loss(y), as_optimiser(optimiser).mover(np.eye(2)), eta, 2
        )
        assert found[0].moved_residual[1].is_finite()
        for step, other in zip(found, exact, strict=True):  # after the flips K-FAC's H may be singular, for both
            assert step.moved_residual[1].is_finite() == other.moved_residual[1].is_finite()
            assert step.moved_residual[1].overlaps(other.moved_residual[1])
    assert found[0].flips > 0


def test_undecided_outputs_contain_both_values() -> None:
    net, inputs = three_of_nine(1.0)
    with working_precision(64):
        steps = steps_from_weights(net, inputs, np.array([-1.0]), 0.5, 1)
        assert steps[0].moved_residual[0].contains(1)
        assert 0 < float(steps[0].moved_residual[0].rad()) < 1e-15


# --- planted faults --------------------------------------------------------------------------------------------------


def check_float_step(problem: Problem, optimiser: str) -> float:
    """A float64 step is within its stated bounds of the exact one; the largest error over its bound."""
    net, inputs, y = problem
    state = FunctionSpaceDescent(net, inputs, y)
    stored = state.pre_activations.copy()
    step = network_step(state, 0.3, optimiser)
    with working_precision(200):
        exact = network_steps_enclosed(stored, inputs, net.signs, net.activation, y, 0.3, 1, optimiser)[0]
        shares = [
            float(abs(ball - arb(value)) / arb(error))
            for ball, value, error in (
                (exact.before, step.before, step.before_error),
                (exact.after, step.after, step.after_error),
                (exact.length, step.length, step.length_error),
            )
        ]
    assert max(shares) <= 1
    return max(shares)


# --- precision -------------------------------------------------------------------------------------------------------
