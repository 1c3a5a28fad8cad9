"""What is enclosed in a tube, against its definitions in rational numbers; boundaries, extremes, and what wrong programs would say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.stability.tube.exact_tube import ExactTube, norm
from theory.errors import NotFiniteError, ScaleError, ShapeError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.bounds import TubeBounds, bounds_at
from theory.stability.tube.nonnegative import nonnegative_norm
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import InputWidths

UP = 1 + 1e-12
"""Rounding of a few hundred operations, on one side."""

ROUNDING = 2.0**-40
"""More than pre-activations of the size of 1 are off by; their other distances from the widths are above it."""

NORMS = 1.02
"""What the bound of a norm may be above the norm after its few products (theory.stability.tube.nonnegative), for these matrices."""


def small(seed: int, inputs: int, width: int, paired: bool) -> tuple[TwoLayerNetwork, FloatArray]:
    """A network with weights of few bits, so that boundaries are met, on unit rows; paired: (w, a), (w, -a)."""
    rng = np.random.default_rng(seed)
    rows = normalise_rows(rng.integers(-2, 3, (inputs, 3)) + np.eye(3)[rng.integers(0, 3, inputs)] * 5)
    weights = rng.integers(-4, 5, (width, 3)) / 4
    signs = rng.choice([-1.0, 1.0], width)
    if paired:
        weights, signs = np.tile(weights, (2, 1)), np.concatenate([signs, -signs])
    return TwoLayerNetwork(weights=weights, signs=signs), rows


def check(bounds: TubeBounds, exact: ExactTube, wider: ExactTube) -> None:
    """Each number on the right side of the tube's own, and close to those of a tube wider by the rounding of z."""
    for found, least, most in (
        (bounds.gram_change, exact.gram_change, wider.gram_change),
        (bounds.product_change, exact.product_change, wider.product_change),
    ):
        assert (found >= least).all()
        assert (found <= most * UP + 1e-14).all()
    for bound, value, above in (
        (bounds.gram_change_norm, norm(exact.gram_change), norm(wider.gram_change)),
        (bounds.jacobian_change, exact.jacobian_change, wider.jacobian_change),
        (bounds.product_norm, exact.product_norm, wider.product_norm),
    ):
        assert value <= bound * UP
        assert bound <= above * NORMS + 1e-12
    assert bounds.frozen <= max(exact.frozen, 0.0) + 1e-14
    assert bounds.lambda_min <= max(exact.lambda_min, 0.0) + 1e-14
    assert bounds.lambda_min >= float(np.linalg.eigvalsh(wider.gram)[0]) - NORMS * norm(wider.gram_change) - 1e-12


@given(
    seed=st.integers(0, 2**20),
    inputs=st.integers(1, 4),
    width=st.integers(2, 12),
    paired=st.booleans(),
    eighths=st.integers(0, 8),
    per_neuron=st.booleans(),
)
def test_bounds_are_those_of_the_definitions(
    seed: int, inputs: int, width: int, paired: bool, eighths: int, per_neuron: bool
) -> None:
    net, rows = small(seed, inputs, width, paired)
    start = tube_start(net, rows, np.ones(inputs))
    rng = np.random.default_rng(seed)
    shape = (inputs, net.width) if per_neuron else (inputs,)
    widths = rng.integers(0, eighths + 1, shape) / 8
    check(bounds_at(start, widths), ExactTube.of(net, rows, widths), ExactTube.of(net, rows, widths + ROUNDING))


@given(seed=st.integers(0, 2**20), steps=st.lists(st.integers(0, 8), min_size=1, max_size=6))
def test_one_tube_after_the_other_is_counted_as_each_alone(seed: int, steps: list[int]) -> None:
    net, rows = small(seed, 3, 11, False)
    start = tube_start(net, rows, np.ones(3))
    tube = RectifierTube(start)
    for step in steps:
        widths = np.array([1.0, 0.5, 2.0]) * step / 8
        found, alone = tube.bounds(InputWidths(widths)), bounds_at(start, widths)
        np.testing.assert_array_equal(found.gram_change, alone.gram_change)
        np.testing.assert_array_equal(found.product_change, alone.product_change)
        assert found.ratio == alone.ratio
        assert found.jacobian_change == alone.jacobian_change


IDENTITY = np.eye(2)

WEIGHTS = np.array([[0.5, -0.5], [-0.25, 1.0], [0.0, -0.0], [1.0, 0.25], [-2.0, 3.0], [3.0, -2.0]])


def at(widths: list[float]) -> tuple[TubeBounds, ExactTube]:
    """The bounds, and the oracle's, for orthonormal inputs, where z is a weight."""
    net = TwoLayerNetwork(weights=WEIGHTS, signs=np.ones(6))
    b = np.array(widths)
    return bounds_at(tube_start(net, IDENTITY, np.ones(2)), b), ExactTube.of(net, IDENTITY, b)


@pytest.mark.parametrize("widths", [[0.5, 0.25], [0.0, 0.0], [0.25, 1.0], [3.0, 3.0]])
def test_a_pair_at_the_very_boundary_may_flip(widths: list[float]) -> None:
    bounds, exact = at(widths)
    check(bounds, exact, exact)
    strict = exact.flips.sum() - sum(int((np.abs(WEIGHTS[:, i]) == widths[i]).sum()) for i in range(2))
    assert strict < exact.flips.sum()  # a strict comparison would miss some


def test_a_pair_just_beyond_the_boundary_does_not_flip() -> None:
    below = [0.5 * (1 - 1e-12), 0.25 * (1 - 1e-12)]
    check(*at(below), at(below)[1])
    assert at(below)[1].flips.sum() < at([0.5, 0.25])[1].flips.sum()


def test_activations_that_appear_and_that_vanish_both_count() -> None:
    """One neuron of each kind: only what appears, or only what vanishes, is less for one of the two inputs."""
    net = TwoLayerNetwork(weights=np.array([[0.1, 1.0], [1.0, -0.1]]), signs=np.ones(2))
    bounds = bounds_at(tube_start(net, IDENTITY, np.ones(2)), np.array([0.2, 0.2]))
    np.testing.assert_allclose(np.diag(bounds.gram_change), [0.5, 0.5], rtol=1e-12)
    np.testing.assert_allclose(np.diag(bounds.product_change), [0.5, 0.5], rtol=1e-12)


def test_the_kernel_counts_by_its_size() -> None:
    """Inputs with K_12 < 0: with K itself in the place of |K| the off-diagonal entries would be negative."""
    rows = normalise_rows(np.array([[1.0, 0.0], [-1.0, 0.5]]))
    net = TwoLayerNetwork(weights=np.array([[0.01, 1.0], [0.02, 1.0]]), signs=np.ones(2))
    bounds = bounds_at(tube_start(net, rows, np.ones(2)), np.array([0.1, 1.0]))
    assert bounds.product_change[0, 1] > 0.8
    assert bounds.gram_change[0, 1] > 0.8


@pytest.mark.parametrize("scale", [2.0**-1073, 2.0**-500, 2.0**300])
def test_weights_of_any_size(scale: float) -> None:
    """At subnormal size every pair is within the error of 0, hence in B; at a huge one none is, of those that are not 0."""
    net = TwoLayerNetwork(weights=WEIGHTS * scale, signs=np.ones(6))
    start = tube_start(net, IDENTITY, np.ones(2))
    exact = ExactTube.of(net, IDENTITY, np.zeros(2))
    np.testing.assert_array_equal(start.pattern, exact.before == 1)
    bounds = bounds_at(start, np.zeros(2))
    assert (bounds.gram_change >= exact.gram_change).all()
    if scale > 2.0**-1000:
        check(bounds, exact, exact)


def test_the_rounding_of_a_pre_activation_leaves_its_sign_open() -> None:
    """1e17 + 1 - 1e17 is computed as 0: the pattern is decided exactly, and the pair is in B for the width 0."""
    third = normalise_rows(np.array([[1.0, 1.0, 1.0]]))
    net = TwoLayerNetwork(weights=np.array([[1e17, -1.0, -1e17], [1.0, 1.0, 1.0]]), signs=np.ones(2))
    start = tube_start(net, third, np.ones(1))
    exact = ExactTube.of(net, third, np.zeros(1))
    assert exact.flips.sum() == 0
    np.testing.assert_array_equal(start.pattern, exact.before == 1)
    assert bounds_at(start, np.zeros(1)).product_change[0, 0] >= 0.25


def test_bad_widths_are_refused() -> None:
    start = tube_start(*small(0, 2, 4, False), np.ones(2))
    for widths, error in (
        (np.array([0.1, np.nan]), NotFiniteError),
        (np.array([0.1, -0.1]), ScaleError),
        (np.array([0.1, 0.1, 0.1]), ShapeError),
        (np.zeros((4, 2)), ShapeError),
        (np.array(0.1), ShapeError),
    ):
        with pytest.raises(error):
            bounds_at(start, widths)


@given(seed=st.integers(0, 2**20), rows=st.integers(1, 6), columns=st.integers(1, 6), exponent=st.integers(-1060, 1000))
def test_a_norm_is_never_below_the_true_one(seed: int, rows: int, columns: int, exponent: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, 4, (rows, columns)) * rng.random((rows, columns))
    scaled = np.ldexp(matrix, exponent)
    true = norm(np.ldexp(scaled, -exponent))
    assert nonnegative_norm(scaled) >= np.ldexp(true * (1 - 1e-13), exponent)


def test_the_coefficients_are_within_their_error() -> None:
    """``c0`` against the solution of a system with many more digits."""
    net, rows = small(5, 3, 40, True)
    y = np.array([1.0, -2.0, 0.5])
    start = tube_start(net, rows, y)
    exact = ExactTube.of(net, rows, np.zeros(3))
    counts = exact.before @ exact.before.T
    entries = [Fraction(exact.kernel[i][j]) * int(counts[i, j]) / net.width for i in range(3) for j in range(3)]
    gram = fmpq_mat(3, 3, [fmpq(e.numerator, e.denominator) for e in entries])
    right = fmpq_mat(3, 1, [fmpq(*(-v).as_integer_ratio()) for v in y.tolist()])
    solution = gram.solve(right)
    distance = np.linalg.norm(
        [float(solution[i, 0] - fmpq(*start.coefficients[i].as_integer_ratio())) for i in range(3)]
    )
    assert 0 <= distance <= start.coefficients_error
    assert start.coefficients_error < 1e-10
    assert start.residual_error == 0  # neurons cancel in pairs


def known(start: Start) -> tuple[float, ...]:
    """Numbers that do not depend on the order of neurons."""
    return start.lambda_min, start.residual_norm, start.coefficients_norm


def reordered(net: TwoLayerNetwork, order: np.ndarray) -> TwoLayerNetwork:
    return TwoLayerNetwork(weights=net.weights[order], signs=net.signs[order], activation=net.activation)


def test_pairs_are_looked_at_once_in_any_order() -> None:
    net, rows = small(3, 3, 12, True)
    y = np.array([1.0, -1.0, 0.5])
    paired = tube_start(net, rows, y)
    order = np.random.default_rng(0).permutation(net.width)
    mixed = tube_start(reordered(net, order), rows, y)
    assert (paired.copies, mixed.copies, mixed.distinct) == (2, 2, 12)
    np.testing.assert_allclose(known(mixed), known(paired), rtol=1e-9)
    assert paired.order is None
    assert mixed.order is not None
    np.testing.assert_array_equal(mixed.spread(mixed.pattern), paired.spread(paired.pattern)[:, order])
    # one width a pair, in the order of the network that is asked about, different for the two neurons of one pair
    b = np.abs(np.random.default_rng(1).standard_normal((3, net.width))) / 2
    first, second = bounds_at(paired, b), bounds_at(mixed, b[:, order])
    np.testing.assert_array_equal(second.gram_change, first.gram_change)
    np.testing.assert_array_equal(second.product_change, first.product_change)
    np.testing.assert_array_equal(second.widths.array(), b[:, order])
    assert (bounds_at(mixed, b).gram_change != first.gram_change).any()
