"""What is known of G and H: certified singular, certified positive definite with a bound, or not decided."""

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpz_mat

from theory.descent.steps import FunctionSpaceDescent
from theory.direction import LowerBound, UpperBound
from theory.errors import DivergenceError, RankDeficientError
from theory.inputs import FloatArray, normalise_rows
from theory.network.definiteness import (
    Definiteness,
    _inverse_trace_bound,
    definiteness,
    explained,
    rectifier_definiteness,
)
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.exact import rational_matrix
from theory.stability import certify_path, certify_path_until_broken


def counts_of(net: TwoLayerNetwork, rows: FloatArray) -> FloatArray:
    return pattern_counts(net.pre_activations(rows) >= 0)


def nearly_doubled(distance: float, rows: int = 13, width: int = 64) -> tuple[TwoLayerNetwork, FloatArray]:
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((rows, 4))
    inputs[1] = inputs[0]
    inputs[1, 0] += distance
    return TwoLayerNetwork.initialise(width, 4, 1.0, rng), normalise_rows(inputs)


def test_a_row_doubled_up_to_rounding_leaves_g_positive_definite() -> None:
    """Float64 cannot factorise G, which has full rank all the same: its smallest eigenvalue is certified."""
    net, rows = nearly_doubled(1e-9)
    with pytest.raises(RankDeficientError, match="cannot be solved with in float64") as caught:
        certify_path(net, rows, np.arange(13.0), 0.5, 3)
    assert "it is positive definite, lambda_min >= " in str(caught.value)
    assert "singular" not in str(caught.value)
    found = rectifier_definiteness(rows, counts_of(net, rows), net.width)
    assert found.positive
    assert not found.singular
    assert 0 < found.lower <= exact_smallest(rows, counts_of(net, rows), net.width)


def exact_smallest(rows: FloatArray, counts: FloatArray, width: int) -> float:
    """``n/tr M^{-1}`` for the exact M, at least lambda_min."""
    exact = rational_matrix(rows)
    kernel = exact * exact.transpose()
    n = len(rows)
    gram = type(kernel)(
        n, n, [k * int(c) / width for k, c in zip(kernel.entries(), counts.ravel().tolist(), strict=True)]
    )
    inverse = gram.inv()
    trace = sum((inverse[i, i] for i in range(n)), start=fmpq(0))
    return n * int(trace.q) / int(trace.p)


def test_a_doubled_row_is_said_to_be_one() -> None:
    net, rows = nearly_doubled(0.0)
    found = rectifier_definiteness(rows, counts_of(net, rows), net.width)
    assert found.singular
    assert found.text() == "it is singular: inputs 0 and 1 are equal and activate the same neurons"
    with pytest.raises(RankDeficientError, match="it is singular: inputs 0 and 1 are equal"):
        certify_path(net, rows, np.arange(13.0), 0.5, 3)


def test_dependent_rows_that_nothing_shows_have_an_exact_rank() -> None:
    """More inputs than neurons times columns in use: no two rows of G are equal."""
    rows = normalise_rows(np.array([[1.0, 0.0], [1.0, 1.0], [-1.0, 2.0], [3.0, 1.0]]))
    pattern = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    found = rectifier_definiteness(rows, pattern @ pattern.T, 2)
    assert (found.rank, found.singular) == (3, True)
    assert found.text("G(0)") == "G(0) is singular: its exact rank is 3, below 4"


def test_an_input_that_no_neuron_sees() -> None:
    counts = np.array([[2.0, 0.0], [0.0, 0.0]])
    assert rectifier_definiteness(None, counts, 2).text() == "it is singular: input 1 activates no neuron"


def test_h_of_inputs_with_the_same_pattern_is_singular_and_g_is_not() -> None:
    net, rows = nearly_doubled(1e-9)
    assert "inputs 0 and 1 activate the same neurons" in rectifier_definiteness(None, counts_of(net, rows), 64).text()


def test_a_well_conditioned_matrix_needs_no_rank() -> None:
    found = rectifier_definiteness(np.eye(3), np.eye(3) * 4, 8)
    assert 0.49 < found.lower <= 0.5 <= found.upper
    assert found.text() == "it is positive definite, lambda_min >= 0.499 (certified)"


def test_what_is_not_decided_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.network.definiteness.MOST_INVERTED_ROWS", 2)
    net, rows = nearly_doubled(1e-9)
    counts = counts_of(net, rows)
    found = rectifier_definiteness(rows, counts, net.width)
    assert found.positive
    assert (
        found.text() == "it is positive definite, as its exact rank is full (certified, without a bound of lambda_min)"
    )
    monkeypatch.setattr("theory.network.definiteness.MOST_RANKED_ROWS", 2)
    open_one = rectifier_definiteness(rows, counts, net.width)
    assert not open_one.positive
    assert not open_one.singular
    assert open_one.text("G").startswith("whether G is singular is not decided (lambda_min lies between -")


def test_smooth_networks_have_bounds_only() -> None:
    net = TwoLayerNetwork.initialise(16, 2, 1.0, np.random.default_rng(0), activation="tanh")
    state = FunctionSpaceDescent(net, np.array([[1.0, 0.0], [1.0, 0.0]]), np.zeros(2))
    assert "not decided" in definiteness(state).text()
    state = FunctionSpaceDescent(net, np.eye(2), np.zeros(2))
    assert definiteness(state).positive


def test_other_errors_stay_as_they_are() -> None:
    net, rows = nearly_doubled(1e-9)
    state = FunctionSpaceDescent(net, rows, np.zeros(13))
    error = DivergenceError("too far")
    assert explained(error, state, "gd") is error


def test_printed_bounds_are_bounds() -> None:
    for lower in (1.23456e-19, 9.999e-5, 0.5):
        printed = float(Definiteness(2, None, LowerBound(lower), UpperBound(1.0)).text().split(">= ")[1].split()[0])
        assert 0.99 * lower <= printed <= lower


def test_a_path_that_breaks_off_keeps_its_first_steps() -> None:
    """The run drives the only neuron of an input below 0 at its first step, and G(1) is singular."""
    net = TwoLayerNetwork(np.array([[1.0]]), np.ones(1))
    rows, y = np.ones((1, 1)), np.array([-9.0])
    path, broken = certify_path_until_broken(net, rows, y, 1.0, 5)
    assert isinstance(broken, RankDeficientError)
    assert "G(1), after step 1," in str(broken)
    assert "it is singular: input 0 activates no neuron" in str(broken)
    whole = certify_path(net, rows, y, 1.0, 1)
    assert (path.steps, path.constant) == (1, whole.constant)
    assert list(path.residual_norms) == list(whole.residual_norms)
    with pytest.raises(RankDeficientError, match=r"G\(1\)"):
        certify_path(net, rows, y, 1.0, 5)


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_from_the_inverse_s_trace_is_the_float_below_the_exact_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole, scale = fmpz_mat(2, 2, [int(rng.integers(1, 10**6)), 1, 1, int(rng.integers(2, 10**6))]), 3**seed
    exact = whole_trace_bound(whole, scale)
    found = Fraction(_inverse_trace_bound(whole, scale, 200))
    assert exact - 2 * Fraction(np.spacing(float(exact))) <= found < exact


def whole_trace_bound(whole: fmpz_mat, scale: int) -> Fraction:
    """``1/tr M^{-1} = det/(tr scale)`` of the 2 x 2 matrix ``whole / scale``."""
    return Fraction(int(whole.det()), int(whole[0, 0] + whole[1, 1]) * scale)
