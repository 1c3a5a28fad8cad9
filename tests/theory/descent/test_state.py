"""The state in memory: its blocks and threads, what is assigned and asked, what it keeps from step to step."""

from fractions import Fraction

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tests.linear_algebra import blas_threads
from tests.theory.descent.problems import STEPS, problem
from theory.descent.optimiser import as_optimiser
from theory.descent.steps import FunctionSpaceDescent, gradient_step, natural_gradient_step, trajectory
from theory.errors import ChoiceError, NotFiniteError, ShapeError
from theory.inputs import FloatArray, normalise_rows
from theory.network.blocks import _threads_to_share, share_out
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.one_step import network_steps
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma


def in_blocks_of(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.network.blocks.LEAST_COLUMNS", columns)
    monkeypatch.setattr("theory.network.blocks.BLOCK_ENTRIES", 1)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    net, inputs, y = problem(4, 4, 3, 1000)
    whole = trajectory(net, inputs, y, 0.3, 3)
    in_blocks_of(33, monkeypatch)
    blocks = trajectory(net, inputs, y, 0.3, 3)
    assert np.abs(whole.pre_activations - blocks.pre_activations).max() <= 1e-12
    assert FunctionSpaceDescent(net, inputs, y).summation_length == 33 + 1 + 31
    in_blocks_of(1, monkeypatch)
    assert np.abs(trajectory(net, inputs, y, 0.3, 3).residual - whole.residual).max() <= 1e-12


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("optimiser", list(STEPS))
def test_the_number_of_threads_changes_no_bit(optimiser: str, activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty blocks in panels of two; with 64 inputs the counts follow the flips."""
    net, inputs, y = problem(4, 64, 70, 400, activation)
    in_blocks_of(10, monkeypatch)
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, "blas"):
            run = trajectory(net, inputs, y, 0.3, 3, optimiser)
            found.append([run.pre_activations, run.residual_norms, run.step_norms])
            found[-1].append(STEPS[optimiser](net, inputs, y, 0.3).weights)
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(other, found[0], strict=True))


def test_products_are_undivided_during_a_step_that_is_shared_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    net, inputs, y = problem(4, 4, 3, 1000)
    in_blocks_of(100, monkeypatch)
    blocks = FunctionSpaceDescent(net, inputs, y).blocks
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        with blocks.undivided():
            during = blas_threads()
            assert _threads_to_share() == max(before)
        assert during == {1}
        assert blas_threads() == before


def test_an_error_of_a_thread_is_raised() -> None:
    def fail(_: int, item: int) -> int:
        if item == 3:
            raise ValueError("the third")
        return item

    with threadpool_limits(2, "blas"):
        assert share_out(lambda _, item: item, 9) == list(range(9))
        with pytest.raises(ValueError, match="the third"):
            share_out(fail, 9)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_pre_activations_that_are_assigned_are_those_of_a_network_that_has_them(kind: type, activation: str) -> None:
    net, _, y = problem(4, 4, 4, 1000, activation)
    inputs = np.eye(4)
    state = FunctionSpaceDescent(net, inputs, y)
    assigned: FloatArray = np.random.default_rng(1).integers(-3, 4, (4, 1000)).astype(kind)
    state.pre_activations = assigned
    other = FunctionSpaceDescent(net.at(assigned.T.astype(np.float64)), inputs, y)
    for _ in range(2):
        for one in ("pre_activations", "outputs", "residual", "pattern_gram"):
            assert np.array_equal(getattr(state, one), getattr(other, one))
        state.advance(0.1)
        other.advance(0.1)


@pytest.mark.parametrize(
    ("assigned", "error"), [(np.zeros((3, 999)), ShapeError), (np.full((4, 1000), np.inf), NotFiniteError)]
)
def test_pre_activations_that_no_network_has_are_refused(assigned: FloatArray, error: type[Exception]) -> None:
    net, inputs, y = problem(4, 4, 3, 1000)
    state = FunctionSpaceDescent(net, inputs, y)
    with pytest.raises(error, match="the pre-activations"):
        state.pre_activations = assigned


def test_state_reports_the_gram_matrices_of_its_iterate() -> None:
    net, inputs, y = problem(5)
    state = FunctionSpaceDescent(net, inputs, y)
    assert np.array_equal(state.pattern_gram, net.pattern_gram(inputs))
    assert np.array_equal(state.gram, net.gram(inputs))
    assert np.abs(state.features() - net.pattern_features(inputs)).max() == 0
    with pytest.raises(ChoiceError, match="no step was taken yet"):
        state.parameter_direction()
    state.advance(0.4)
    moved = natural_gradient_step(net, inputs, y, 0.4)
    assert np.abs(state.gram - moved.gram(inputs)).max() <= 1e-14
    assert state.coefficients is not None
    assert np.abs(state.parameter_direction() - state.coefficients[:, None] * inputs).max() == 0
    state.advance(0.4, "kfac")
    assert state.coefficients is None


@pytest.mark.parametrize("optimiser", ["gd", "kfac"])
def test_unmeasured_descent_follows_the_same_path_without_lengths(optimiser: str) -> None:
    net, inputs, y = problem(6)
    measured = trajectory(net, inputs, y, 0.2, 4, optimiser)
    spared = trajectory(net, inputs, y, 0.2, 4, optimiser, measure_steps=False)
    assert np.array_equal(measured.residual_norms, spared.residual_norms)
    assert np.isfinite(measured.step_norms).all()
    assert np.isnan(spared.step_norms).all()
    assert np.isfinite(trajectory(net, inputs, y, 0.2, 4, "ngd", measure_steps=False).step_norms).all()


@pytest.mark.parametrize(("measured", "bounded"), [(True, True), (False, False)])
def test_kfacs_rounding_has_a_bound_where_lengths_are_measured_alone(measured: bool, bounded: bool) -> None:
    """The bound is that of the step with all columns."""
    net, inputs, y = problem(6)
    state = FunctionSpaceDescent(net, inputs, y, measure_steps=measured)
    assert np.isfinite(next(network_steps(state, 0.2, "kfac")).after_error) == bounded


def test_unmeasured_kfac_solves_for_the_columns_that_the_inputs_span() -> None:
    """To within both ways' rounding: a solve of size n by Cholesky is that of a matrix ``4 n (3n + 1) u ||H||`` away (Higham, Theorem 10.4)."""
    rng = np.random.default_rng(3)
    inputs, y = normalise_rows(rng.standard_normal((7, 3))), rng.standard_normal(7)
    net = TwoLayerNetwork.initialise(500, 3, 1.0, rng)
    measured, spared = (FunctionSpaceDescent(net, inputs, y, measure_steps=measure) for measure in (True, False))
    whole, few = (as_optimiser("kfac").movement(state) for state in (measured, spared))
    assert [factor.shape for factor in few.factors] == [(7, 3), (3, 7)]
    expected = whole.factors[0] @ whole.factors[1]
    solution = np.linalg.solve(spared.pattern_gram, np.diag(spared.output_gradient))
    # of each way: the solve, and products of 7 x 7 matrices with an orthonormal basis, which lengthens nothing
    relative = 4 * 7 * gamma(22) * np.linalg.cond(spared.pattern_gram) + 4 * 7 * gamma(7)
    assert np.linalg.norm(few.factors[0] @ few.factors[1] - expected) <= 2 * relative * np.linalg.norm(solution)
    assert np.isnan(few.length)
    assert np.isfinite(whole.length)


@pytest.mark.parametrize("optimiser", list(STEPS))
def test_features_that_few_blocks_keep_are_those_of_the_pattern(
    optimiser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is assigned is not what was kept."""
    net, inputs, y = problem(4, 5, 3, 400)
    in_blocks_of(100, monkeypatch)
    found = []
    for few in (4, 3):
        monkeypatch.setattr("theory.descent.state.FEW_BLOCKS", few)
        state = FunctionSpaceDescent(net, inputs, y)
        assert state._keeps_features == (few == 4)
        state.advance(0.3, optimiser)
        state.pre_activations = -state.pre_activations
        state.advance(0.3, optimiser)
        found.append([state.pre_activations, state.outputs, STEPS[optimiser](net, inputs, y, 0.3).weights])
    assert all(np.array_equal(kept, made) for kept, made in zip(*found, strict=True))


def test_weights_whose_squares_overflow_are_finite() -> None:
    """They are beside the input, so that the network's output is 1."""
    net = TwoLayerNetwork(np.array([[1.0, 1e200]]), np.ones(1))
    assert np.array_equal(gradient_step(net, np.eye(1, 2), np.zeros(1), 0.5).weights, [[0.5, 1e200]])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_pattern_is_that_of_the_pre_activations_and_does_not_move_along(activation: str) -> None:
    net, inputs, y = problem(4, 4, 3, 1000, activation)
    state = FunctionSpaceDescent(net, inputs, y)
    initial, signs = state.pattern, state.pre_activations >= 0
    state.advance(1.0)
    assert np.array_equal(state.pattern, state.pre_activations >= 0)
    assert np.array_equal(initial, signs)
    assert not np.array_equal(state.pattern, initial)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("columns", [1000, 33])
def test_sums_and_lengths_of_rows_are_those_of_all_neurons(
    activation: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one block and in many; what they are taken of stays as it is."""
    net, inputs, y = problem(4, 4, 3, 1000, activation)
    in_blocks_of(columns, monkeypatch)
    state = FunctionSpaceDescent(net, inputs, y)
    assert len(state.blocks.slices) == -(-net.width // columns)
    Z = state.pre_activations
    sums, errors = state.accurate_sums()
    for row, found, error in zip(net.phi.function(Z) * net.signs, sums, errors, strict=True):
        assert abs(sum(map(Fraction, row.tolist()), Fraction(0)) - Fraction(float(found))) <= Fraction(float(error))
        assert 0 < error <= 4 * UNIT_ROUNDOFF * max(1.0, abs(found))
    # of a sum of m squares at most m roundings, halved by the root, and the root's own: on either side
    assert state.longest_row() == pytest.approx(np.linalg.norm(Z, axis=1).max(), rel=(net.width + 3) * UNIT_ROUNDOFF)
    assert np.array_equal(state.pre_activations, Z)
