"""The epsilon of T1-step against the dense matrix ``(J(theta_s) - J(k)) J(k)^+`` in every state of the segment."""

import math
from fractions import Fraction

import numpy as np
import pytest

from theory.errors import ChoiceError, NotFiniteError, RankDeficientError, ShapeError, SignError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork
from theory.rigour.rounding import gamma
from theory.stability import segment_variation
from theory.stability.variation import _Relative

Segment = tuple[TwoLayerNetwork, FloatArray, FloatArray, FloatArray]

NOTHING = 2.0**-499
"""The root of what is granted to underflow, 2^-1000, and its rounding."""


def segment(seed: int, activation: str = "relu", n: int = 3, d: int = 3, m: int = 12, size: float = 1.0) -> Segment:
    """A network, unit rows, and the pre-activations of two weights."""
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(m, d, 1.0, rng, activation=activation)
    rows = normalise_rows(rng.standard_normal((n, d)))
    return net, rows, net.pre_activations(rows), net.pre_activations(rows) + size * rng.standard_normal((n, m))


def dense(net: TwoLayerNetwork, rows: FloatArray, slopes: FloatArray) -> FloatArray:
    """The Jacobian (n, m d) with these slopes."""
    features = slopes * net.signs / math.sqrt(net.width)
    return np.asarray((features[:, :, None] * rows[:, None, :]).reshape(len(rows), -1))


def agreement(jacobian: FloatArray, gram: FloatArray) -> float:
    """Relative: backward errors of the dense pseudo-inverse and of the solve with G, times their condition numbers, twice."""
    n, entries = jacobian.shape
    return 2 * gamma(entries * n) * float(np.linalg.cond(jacobian) + np.linalg.cond(gram))


def variation_at(net: TwoLayerNetwork, rows: FloatArray, start: FloatArray, moved: FloatArray) -> float:
    jacobian = dense(net, rows, net.phi.derivative(start))
    change = dense(net, rows, net.phi.derivative(moved)) - jacobian
    return float(np.linalg.norm(change @ np.linalg.pinv(jacobian), 2))


def supremum(net: TwoLayerNetwork, rows: FloatArray, start: FloatArray, end: FloatArray) -> float:
    """By the state between every two successive crossings."""
    changed = (start >= 0) != (end >= 0)
    times = np.sort(start[changed] / (start - end)[changed])
    edges = np.concatenate([[0.0], times, [1.0]])
    places = [*((edges[1:] + edges[:-1]) / 2), 1.0]
    return max(variation_at(net, rows, start, (1 - t) * start + t * end) for t in places)


@pytest.mark.parametrize("seed", range(8))
def test_exact_variation_is_the_largest_over_the_states(seed: int) -> None:
    net, rows, start, end = segment(seed)
    kernel, gram = rows @ rows.T, net.gram(rows)
    exact = supremum(net, rows, start, end)
    lower, upper = segment_variation(start, end, net.signs, kernel, gram, exact=True)
    assert lower <= exact * (1 + 1e-12)
    assert exact <= upper * (1 + 1e-12)
    assert upper - lower <= 1e-9 * exact
    for parts in (1, 2, 5):
        coarse = segment_variation(start, end, net.signs, kernel, gram, parts)
        assert coarse[0] <= exact * (1 + 1e-12)
        assert exact <= coarse[1] * (1 + 1e-12)


def test_the_default_of_64_parts() -> None:
    net, rows, start, end = segment(3, n=5, d=5, m=200)
    arguments = (start, end, net.signs, rows @ rows.T, net.gram(rows))
    assert segment_variation(*arguments) == segment_variation(*arguments, 64)
    assert segment_variation(*arguments)[1] < segment_variation(*arguments, 8)[1]


def test_signs_cancel_and_nothing_moves_without_crossings() -> None:
    net, rows, start, _ = segment(1)
    kernel, gram = rows @ rows.T, net.gram(rows)
    lower, upper = segment_variation(start, 2 * start, net.signs, kernel, gram)
    assert float(lower) == 0 <= upper <= NOTHING
    end = -start
    assert segment_variation(start, end, net.signs, kernel, gram) == segment_variation(
        start, end, -net.signs, kernel, gram
    )


def test_one_part_is_bounded_through_the_shares_of_its_flips() -> None:
    # orthogonal rows, one input each: G = diag(a_i) / m with a_i the active neurons of input i
    rows = np.eye(2)
    start = np.array([[1.0, 1.0, 1.0, -1.0], [1.0, -1.0, -1.0, -1.0]])
    gram = np.diag([3 / 4, 1 / 4])
    width = 4 * gamma(3 * 2 + 8) * (2 * 3 + 1)  # the solve's error on either side: n = 2, the condition number is 3
    # input 1: two of three go off, ||T G^{-1}|| = 2/3; then the value at the end is 2/3 and one flip has the share 1/3
    end = start.copy()
    end[0, :2] = [-1.0, -2.0]
    lower, upper = segment_variation(start, end, np.ones(4), rows, gram, 1)
    assert lower <= Fraction(2, 3) <= upper
    assert upper - lower <= width
    # off and on: the state with one flip has (-1) or (0): the new one is orthogonal to the old features, T = 0
    end = start.copy()
    end[0, 2:] = [-1.0, 3.0]
    lower, upper = segment_variation(start, end, np.ones(4), rows, gram, 1)
    assert lower <= Fraction(1, 3) <= upper
    assert upper - lower <= width
    # many flips on at an input of which nothing is active there: the features are orthogonal to J(k)'s own
    end = start.copy()
    end[1] = [1.0, 1.0, 2.0, 3.0]
    lower, upper = segment_variation(start, end, np.ones(4), rows, gram, 1)
    assert float(lower) == 0 <= upper <= NOTHING


def test_each_part_is_bounded_through_the_shares_of_its_own_flips() -> None:
    """Two parts: the value at the ends of the second is 1/3, and the state between them has one more flip, of share 1/30."""
    rows = np.eye(2)
    start = np.ones((2, 30))
    start[1, 3:] = -1.0
    gram = np.diag([30 / 30, 3 / 30])
    end = start.copy()
    end[1, 0] = -1e3  # crosses first, with the share 1/3
    end[0, :2] = [-1.0, -2.0]  # two later ones with the share 1/30
    end[0, 2] = -1.5
    lower, upper = segment_variation(start, end, np.ones(30), rows, gram, 2)
    width = 4 * gamma(3 * 2 + 8) * (2 * 10 + 1)  # the condition number is 10
    assert abs(lower - 1 / 3) <= width
    assert abs(upper - 11 / 30) <= width


@pytest.mark.parametrize("seed", [2, 16, 20, 30, 45, 51])
def test_one_part_is_bounded_by_the_shares_or_the_norms_whichever_is_smaller(seed: int) -> None:
    """From dense Jacobians with one activation flipped; here the norms decide, and the bound is above both ends."""
    net, rows, start, end = segment(seed, m=6, size=2.0)
    flips = (start >= 0) != (end >= 0)
    jacobian = dense(net, rows, net.phi.derivative(start))
    inverse = np.linalg.pinv(jacobian)
    shares = []
    for i, r in np.argwhere(flips):
        slopes = net.phi.derivative(start)
        slopes[i, r] = 1 - slopes[i, r]
        shares.append(float(np.linalg.norm((dense(net, rows, slopes) - jacobian) @ inverse, 2)))
    number = np.arange(len(shares) + 1)
    sums = np.concatenate([[0.0], np.cumsum(sorted(shares)[::-1])])
    aligned = min(float(np.linalg.norm(rows, 2)) ** 2, int(flips.sum(axis=0).max()))  # K_ii = 1
    aligned = aligned * np.minimum(number, flips.sum(axis=1).max())
    norms = np.sqrt(np.minimum(number, aligned) / net.width) * np.linalg.norm(inverse, 2)
    jumps, final = np.minimum(sums, norms), variation_at(net, rows, start, end)
    states = np.minimum(jumps, final + jumps[::-1])
    assert norms[states.argmax()] < sums[states.argmax()]
    assert states.max() > final * 1.05
    found = segment_variation(start, end, net.signs, rows @ rows.T, net.gram(rows), 1)
    assert found == pytest.approx((final, states.max()), rel=agreement(jacobian, net.gram(rows)))


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"relu"}))
def test_smooth_variation_is_between_samples_and_the_samples_plus_the_speed(activation: str) -> None:
    net, rows, start, end = segment(2, activation)
    kernel, gram = rows @ rows.T, net.gram(rows)
    sampled = max(variation_at(net, rows, start, (1 - t) * start + t * end) for t in np.linspace(0, 1, 201))
    arguments = (start, end, net.signs, kernel, gram)
    lower, upper = segment_variation(*arguments, parts=400, activation=activation)
    assert lower <= sampled * 1.001
    assert sampled <= upper <= sampled * 1.05
    assert net.phi.curvature is not None
    moved = max(float(np.linalg.norm(row)) for row in end - start)
    speed = net.phi.curvature * float(np.linalg.norm(rows, 2)) * moved / math.sqrt(net.width)
    speed /= math.sqrt(float(np.linalg.eigvalsh(gram)[0]))
    final = variation_at(net, rows, start, end)
    lower, upper = segment_variation(*arguments, parts=1, activation=activation)
    rel = agreement(dense(net, rows, net.phi.derivative(start)), gram)
    assert lower == pytest.approx(final, rel=rel)
    assert upper == pytest.approx(min((final + speed) / 2, speed, final + speed), rel=rel)


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"relu"}))
def test_the_rounding_of_slopes_is_charged_at_every_size_of_the_kernel(activation: str) -> None:
    """K and G times one power of four, as of longer inputs: the matrix is the same, so is its bracket, rounding included."""
    net, rows, start, _ = segment(2, activation)
    kernel, gram = rows @ rows.T, net.gram(rows)
    widths = []
    for factor in (1.0, 4.0**20, 4.0**-20):
        lower, upper = segment_variation(start, start, net.signs, factor * kernel, factor * gram, 1, activation)
        widths.append(upper - lower)
    assert widths[0] > 0
    assert widths[1:] == widths[:1] * 2  # powers of four change no rounding


def test_relative_norm_brackets_and_widens_with_the_error() -> None:
    kernel, gram = np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([[0.5, 0.1], [0.1, 0.3]])
    product = np.array([[0.2, -0.4], [0.3, 0.1]])
    relative = _Relative(kernel, gram, 0.0, 0.0)
    exact = float(np.linalg.norm((kernel * product) @ np.linalg.inv(gram), 2))
    # the solve's error on either side, in units of ||K o P|| ||G^{-1}||: n = 2
    size = float(np.linalg.norm(kernel * product)) / float(np.linalg.eigvalsh(gram)[0])
    width = 4 * gamma(3 * 2 + 8) * (2 * float(np.linalg.cond(gram)) + 1) * size
    lower, upper = relative.norm(product, 0.0)
    assert lower <= exact <= upper
    assert upper - lower <= width
    assert relative.norm(product, 0.125) == pytest.approx((exact - 0.125, exact + 0.125), abs=width)
    assert relative.norm(product, 100.0)[0] == 0.0
    smallest = float(np.linalg.eigvalsh(gram)[0])
    assert smallest - 2 * gamma(4 * (2 + 2)) * float(np.trace(gram)) <= relative.lambda_min <= smallest


def test_inputs_without_flips_have_no_share_in_the_norm() -> None:
    rng = np.random.default_rng(3)
    rows, features = normalise_rows(rng.standard_normal((5, 3))), rng.standard_normal((5, 40))
    kernel = rows @ rows.T
    gram = kernel * (features @ features.T) / 40
    relative, product = _Relative(kernel, gram, 0.0, 0.0), rng.standard_normal((5, 5))
    product[[0, 3]] = 0
    exact = float(np.linalg.norm((kernel * product) @ np.linalg.inv(gram), 2))
    lower, upper = relative.norm(product, 0.0)
    assert lower <= exact <= upper <= lower * (1 + 2.0**-30)
    lower, upper = relative.norm(np.zeros((5, 5)), 0.125)
    assert lower == 0
    assert 0.125 <= upper < 0.126


def test_bad_arguments_are_named() -> None:
    net, rows, start, end = segment(0)
    kernel, gram = rows @ rows.T, net.gram(rows)
    with pytest.raises(RankDeficientError, match="3 x 3 Gram matrix is not certified positive definite"):
        segment_variation(start, end, net.signs, kernel, np.ones((3, 3)))
    with pytest.raises(ShapeError, match="must agree"):
        segment_variation(start, end[:2], net.signs, kernel, gram)
    with pytest.raises(ShapeError, match="must agree"):
        segment_variation(start, end, net.signs[:4], kernel, gram)
    with pytest.raises(SignError):
        segment_variation(start, end, 2 * net.signs, kernel, gram)
    with pytest.raises(ChoiceError, match="unknown activation"):
        segment_variation(start, end, net.signs, kernel, gram, activation="gelu")
    with pytest.raises(NotFiniteError):
        segment_variation(start, end * np.nan, net.signs, kernel, gram)


def test_errors_of_the_matrices_are_covered() -> None:
    """The bracket for perturbed K and G contains the norm of the exact ones; n = 2, nearly parallel inputs."""
    kernel = np.array([[1.0, 1.0 - 1e-6], [1.0 - 1e-6, 1.0]])
    gram = np.array([[0.5, 0.5 - 1e-6], [0.5 - 1e-6, 0.5]])
    product = np.array([[0.2, -0.4], [0.3, 0.1]])
    exact = float(np.linalg.norm((kernel * product) @ np.linalg.inv(gram), 2))
    kernel_error, gram_error = 1e-8, 2e-8
    for sign in (1.0, -1.0):
        moved = gram + sign * gram_error * np.array([[0.5, -0.5], [-0.5, 0.5]])
        shifted = kernel + sign * kernel_error * np.array([[1.0, -1.0], [-1.0, 1.0]])
        relative = _Relative(shifted, moved, kernel_error, gram_error)
        assert relative.lambda_min <= float(np.linalg.eigvalsh(gram)[0])
        lower, upper = relative.norm(product, 0.0)
        assert lower <= exact <= upper
        without = _Relative(shifted, moved, 0.0, 0.0).norm(product, 0.0)
        assert not without[0] <= exact <= without[1]
        assert upper - lower <= 0.2 * exact
    assert 0 <= relative.longest - (shifted[0, 0] + kernel_error) <= gamma(10)  # rounded up, near 1
    assert relative.norm_squared >= float(np.linalg.eigvalsh(shifted)[-1]) + 2 * kernel_error


def test_a_gram_matrix_within_its_error_of_a_singular_one_is_refused() -> None:
    net, rows, start, end = segment(0)
    kernel, gram = rows @ rows.T, net.gram(rows)
    with pytest.raises(RankDeficientError, match="not certified positive definite"):
        segment_variation(start, end, net.signs, kernel, gram, gram_error=float(np.linalg.eigvalsh(gram)[0]))
    narrow, wide = (segment_variation(start, end, net.signs, kernel, gram, kernel_error=e) for e in (0.0, 1e-4))
    assert wide[0] <= narrow[0] <= narrow[1] < wide[1]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("asymmetric", ["kernel", "gram"])
def test_matrices_that_are_symmetric_up_to_rounding_are_taken(asymmetric: str, activation: str) -> None:
    """As general products of matrices are: each side's last bit is its own, and the bracket is that of the symmetric ones."""
    net, rows, start, end = segment(4, activation)
    kernel, gram = rows @ rows.T, net.gram(rows)
    symmetric = segment_variation(start, end, net.signs, kernel, gram, activation=activation)
    changed = kernel if asymmetric == "kernel" else gram
    changed[0, 1] = np.nextafter(changed[0, 1], np.inf)
    lower, upper = segment_variation(start, end, net.signs, kernel, gram, activation=activation)
    assert lower <= symmetric[1]
    assert symmetric[0] <= upper
    assert (lower, upper) == pytest.approx(symmetric, rel=1e-12)
