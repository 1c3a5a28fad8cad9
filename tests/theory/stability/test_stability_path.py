"""C2-path: the certificate on the segments of a trajectory against every state enumerated and against dense sampling."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from theory.descent.steps import trajectory
from theory.direction import NONNEGATIVE, UNBOUNDED, CertifiedSteps, LowerBound, UpperBound
from theory.errors import ChoiceError, DivergenceError, InputError, ScaleError, ShapeError, WidthError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import BALL_ACTIVATIONS
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability import certify_path
from theory.stability.exact_path import path_changes, segment_changes
from theory.stability.norms import input_norm_squared
from theory.stability.path import (
    PathCertificate,
    PatternSegments,
    SmoothSegments,
    lipschitz_bound,
    longest_row_move,
    midpoint,
    segments_of,
)

SMOOTH = ("softplus", "tanh", "erf", "sin")
Problem = tuple[TwoLayerNetwork, FloatArray, FloatArray]


def problem(seed: int, activation: str = "relu", n: int = 3, d: int = 3, m: int = 24) -> Problem:
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(m, d, 1.0, rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((n, d))), 2 * rng.standard_normal(n)


def iterates(net: TwoLayerNetwork, rows: FloatArray, y: FloatArray, steps: int, optimiser: str) -> list[FloatArray]:
    """The pre-activations of the iterates, each from a run of its own."""
    runs = [trajectory(net, rows, y, 0.4, k, optimiser).pre_activations for k in range(1, steps + 1)]
    return [net.pre_activations(rows), *runs]


def dense_change(net: TwoLayerNetwork, rows: FloatArray, moved: FloatArray) -> float:
    """``||J - J(0)||_2`` of the dense Jacobians at pre-activations Z (n, m)."""
    slopes = net.phi.derivative(moved) - net.phi.derivative(net.pre_activations(rows))
    features = slopes * net.signs / math.sqrt(net.width)
    return float(np.linalg.norm((features[:, :, None] * rows[:, None, :]).reshape(len(rows), -1), 2))


def states(start: FloatArray, end: FloatArray) -> list[FloatArray]:
    """One matrix of pre-activations of every activation pattern on a segment, by the sorted crossing times."""
    changed = (start >= 0) != (end >= 0)
    times = np.sort(start[changed] / (start - end)[changed])
    edges = np.concatenate([[0.0], times, [1.0]])
    return [start, *((1 - t) * start + t * end for t in (edges[1:] + edges[:-1]) / 2), end]


# --- the enumeration that serves as an oracle -------------------------------------------------------------------------


def test_exact_states_of_a_hand_worked_segment() -> None:
    # crossings at time 0 (off), 1/4 (off), 1/2 (on): an activation is on at 0, so it switches off after its time
    start, end = np.array([[1.0, -1.0], [0.0, 5.0]]), np.array([[-3.0, 1.0], [-2.0, 5.0]])
    found = segment_changes(start, end, start)
    expected = [
        [[0, 0], [0, 0]],
        [[0, 0], [0, 0]],
        [[0, 0], [-1, 0]],
        [[0, 0], [-1, 0]],
        [[-1, 0], [-1, 0]],
        [[-1, 1], [-1, 0]],
        [[-1, 1], [-1, 0]],
    ]
    assert [change.tolist() for change in found] == expected
    # against another initial pattern: all off
    assert np.array_equal(segment_changes(start, end, -np.ones((2, 2)))[0], [[1.0, 0.0], [1.0, 1.0]])
    tied = segment_changes(np.array([[1.0, -1.0]]), np.array([[-1.0, 1.0]]), np.array([[1.0, -1.0]]))
    assert [change.tolist() for change in tied] == [[[0, 0]], [[0, 1]], [[-1, 1]]]  # both on at the common time


@pytest.mark.parametrize("seed", range(4))
def test_exact_path_is_the_largest_dense_change_of_its_states(seed: int) -> None:
    net, rows, y = problem(seed)
    points = iterates(net, rows, y, 2, "ngd")
    found = path_changes(points, rows)
    dense = max(dense_change(net, rows, z) for k in range(2) for z in states(points[k], points[k + 1]))
    assert found.supremum == pytest.approx(dense, rel=1e-12)
    assert found.at_most(dense * (1 + 1e-12))
    assert not found.at_most(dense * (1 - 1e-12))


# --- ReLU -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimiser", ["ngd", "gd"])
@pytest.mark.parametrize("seed", range(4))
def test_enough_parts_certify_the_exact_supremum_of_the_path(seed: int, optimiser: str) -> None:
    net, rows, y = problem(seed)
    steps = 3
    points = iterates(net, rows, y, steps, optimiser)
    features = optimiser == "kfac"  # K2: the norm of S, which sees the pattern alone
    exact = path_changes(points, rows).of_features() if features else path_changes(points, rows)
    found = certify_path(net, rows, y, 0.4, steps, optimiser, parts=1000)
    assert exact.supremum > 0
    changes = found.step_changes
    assert exact.at_most(float(changes.max()))
    assert changes.max() <= exact.supremum * (1 + 1e-9)
    for k in range(steps):
        upto = path_changes(points[: k + 2], rows)
        upto = upto.of_features() if features else upto
        assert upto.at_most(float(changes[: k + 1].max()))
        assert changes[: k + 1].max() <= upto.supremum * (1 + 1e-9)
    lam = found.lambda_min
    smallest = float(np.linalg.eigvalsh(net.pattern_gram(rows) if features else net.gram(rows))[0])
    assert lam <= smallest == pytest.approx(lam, rel=1e-10)
    assert found.constant == pytest.approx(3 * float(changes.max()) / math.sqrt(lam), rel=gamma(50))
    assert found.constant == found.step_constants[-1]
    assert found.step_constants == pytest.approx(3 * np.maximum.accumulate(changes) / math.sqrt(lam), rel=gamma(50))
    assert found.steps == steps


def test_the_condition_may_be_asked_for_by_name() -> None:
    net, rows, y = problem(2)
    points = iterates(net, rows, y, 2, "ngd")
    plain = certify_path(net, rows, y, 0.4, 2)
    jacobian, features = (certify_path(net, rows, y, 0.4, 2, condition=name) for name in ("2", "K2"))
    assert np.array_equal(plain.step_changes, jacobian.step_changes)
    exact = path_changes(points, rows).of_features()
    assert exact.at_most(float(features.step_changes.max()))
    assert features.step_changes.max() == pytest.approx(exact.supremum, rel=1e-9)
    assert certify_path(net, rows, y, 0.4, 2, "kfac", condition="2").lambda_min == jacobian.lambda_min
    with pytest.raises(ChoiceError, match="unknown condition 'K3'; known: 2, K2"):
        certify_path(net, rows, y, 0.4, 2, condition="K3")


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_few_parts_still_bound_the_supremum(parts: int) -> None:
    for seed in range(8):
        net, rows, y = problem(seed, n=4, m=20)
        exact = path_changes(iterates(net, rows, y, 2, "ngd"), rows)
        found = certify_path(net, rows, y, 0.4, 2, parts=parts).step_changes.max()
        assert exact.at_most(float(found))
        if parts == 1:
            assert found > exact.supremum * 1.001


def test_lengths_and_residuals_are_those_of_the_trajectory() -> None:
    net, rows, y = problem(1)
    for optimiser in ("ngd", "gd"):
        found, run = certify_path(net, rows, y, 0.4, 3, optimiser), trajectory(net, rows, y, 0.4, 3, optimiser)
        assert np.array_equal(found.step_norms, run.step_norms)
        assert np.array_equal(found.residual_norms, run.residual_norms)
    assert np.array_equal(
        certify_path(net, rows, y, 0.4, 2).step_changes, certify_path(net, rows, y, 0.4, 2, "ngd", 64).step_changes
    )


def test_one_part_is_bounded_through_the_flips_on_it() -> None:
    # rows e_1, e_2: from Z(0) on, 3 of 4 neurons flip at input 1, 1 at input 2, ||X||_2 = 1, so sup^2 = 3/4
    initial = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    end = np.array([[-1.0, -2.0, -3.0, 1.0], [-9.0, 1.0, 1.0, 1.0]])
    segments = PatternSegments(initial, np.eye(2))
    assert segments.change.jump(np.array([0, 1, 3, 4]), 3, 9) == pytest.approx(
        np.sqrt(np.array([0, 1, 3, 3]) / 4), rel=gamma(99)
    )
    # ||D||_2^2 <= 3 flips of an input times 1 of a neuron; ||X||_2^2 = 2 would give more
    aligned = PatternSegments(initial, np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert aligned.change.jump(np.array([5]), 3, 1)[0] == pytest.approx(math.sqrt(3 / 4), rel=1e-12)
    assert aligned.change.jump(np.array([9]), 3, 2)[0] == pytest.approx(math.sqrt(6 / 4), rel=1e-12)
    lower, upper = segments.supremum(initial, end, 1)
    assert lower == pytest.approx(math.sqrt(3 / 4), rel=1e-12)
    # 4 flips, value 0 on the left: after p of them at most min(sqrt(p), sqrt(3)) / 2
    assert upper == pytest.approx(math.sqrt(3 / 4), rel=1e-12)
    assert np.array_equal(segments.change.counts, [[3, 1], [1, 1]])
    # back again on another way: from the changed state
    lower, upper = segments.supremum(end, initial, 1000)
    assert lower <= math.sqrt(3 / 4) <= upper == pytest.approx(math.sqrt(3 / 4), rel=1e-12)
    assert np.array_equal(segments.change.counts, np.zeros((2, 2)))
    # what the caller has reached already is not searched for
    assert segments.supremum(initial, end, 1000, floor=2.0)[1] <= 2.0


def test_the_wide_middle_of_a_segment_is_found() -> None:
    # both pairs of one neuron flip off and the ends have one flip each: the middle state has D = (1, 0) or two flips
    rows = normalise_rows(np.array([[1.0, 0.0], [1.0, 1e-3]]))
    initial = np.array([[-1.0], [-1.0]])
    start, end = np.array([[1.0], [-1.0]]), np.array([[-1.0], [3.0]])
    segments = PatternSegments(initial, rows)
    assert segments.supremum(initial, start, 10)[1] == pytest.approx(1.0, rel=1e-12)
    lower, upper = segments.supremum(start, end, 10)  # input 2 switches on at 1/4, input 1 off at 1/2
    assert lower == pytest.approx(float(np.linalg.norm(rows, 2)), rel=1e-12)
    assert upper == pytest.approx(lower, rel=1e-12)


# --- smooth activations ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", SMOOTH)
def test_smooth_path_is_between_dense_samples_and_the_samples_plus_the_speed(activation: str) -> None:
    net, rows, y = problem(5, activation)
    points = iterates(net, rows, y, 2, "gd")
    sampled = [
        max(dense_change(net, rows, (1 - t) * points[k] + t * points[k + 1]) for t in np.linspace(0, 1, 201))
        for k in range(2)
    ]
    found = certify_path(net, rows, y, 0.4, 2, "gd", parts=400)
    assert max(sampled) <= found.step_changes.max() <= max(sampled) * 1.02
    assert sampled[0] <= found.step_changes[0]
    coarse = certify_path(net, rows, y, 0.4, 2, "gd", parts=1)
    assert (coarse.step_changes >= sampled).all()


@pytest.mark.parametrize("activation", SMOOTH)
def test_speed_is_the_formula_and_above_the_difference_quotients(activation: str) -> None:
    net, rows, _ = problem(6, activation)
    start = net.pre_activations(rows)
    end = start + np.random.default_rng(6).standard_normal(start.shape)
    segments = segments_of(net, start, rows)
    assert isinstance(segments, SmoothSegments)
    speed, moved = segments.speed(start, end), max(np.linalg.norm(row) for row in end - start)
    assert net.phi.curvature is not None
    squared = float(np.linalg.eigvalsh(rows @ rows.T)[-1]) * moved**2 / net.width
    assert speed == pytest.approx(net.phi.curvature * math.sqrt(squared), rel=1e-13)
    lower, upper = segments.supremum(start, end, 1)
    final = dense_change(net, rows, end)
    assert lower == pytest.approx(final, rel=1e-12)
    assert upper == pytest.approx((final + speed) / 2, rel=1e-12)  # tent between the values 0 and final at the ends


def test_speed_is_not_below_its_formula_exactly() -> None:
    """In rational arithmetic, from the computed norms, which are above the exact ones themselves."""
    for seed in range(12):
        net, rows, _ = problem(seed, "tanh", m=24 + seed)
        start = net.pre_activations(rows)
        end = start + np.random.default_rng(seed).standard_normal(start.shape)
        speed = SmoothSegments(net, start, rows).speed(start, end)
        moved, curvature = Fraction(longest_row_move(start, end)), Fraction(net.phi.curvature or 0.0)
        assert Fraction(speed) ** 2 * net.width >= curvature**2 * Fraction(input_norm_squared(rows)) * moved**2 > 0


def test_the_kind_of_network_chooses_the_kind_of_segments() -> None:
    net, rows, _ = problem(0)
    assert isinstance(segments_of(net, net.pre_activations(rows), rows), PatternSegments)


@pytest.mark.parametrize("values", [(0.3, 0.4), (2.0, 0.1), (0.1, 2.0), (1.0, 1.0)])
def test_lipschitz_bound_is_the_top_of_the_two_slopes(values: tuple[float, float]) -> None:
    left, right, speed = 0.25, 0.75, 1.5
    places = np.linspace(left, right, 10001)
    tent = np.minimum(values[0] + speed * (places - left), values[1] + speed * (right - places)).max()
    bound = lipschitz_bound((left, values[0], right, values[1]), speed)
    assert tent <= bound <= tent + speed * 1e-4


def test_midpoint_halves_until_neighbours() -> None:
    assert midpoint(0.25, 0.75) == 0.5
    assert midpoint(0.0, 2.0**-1074) is None
    assert midpoint(1.0, math.nextafter(1.0, 2.0)) is None


def test_step_constants_never_decrease_and_need_condition_1() -> None:
    changes = np.array([0.5, 0.25, 1.0])
    three, known = CertifiedSteps(3), LowerBound(0.25)
    certificate = PathCertificate(UpperBound(6.0), three, known, changes, changes, changes)
    assert certificate.step_constants == pytest.approx([3.0, 3.0, 6.0], rel=gamma(50))
    unknown = PathCertificate(UNBOUNDED, three, NONNEGATIVE, changes, changes, changes)
    assert np.isposinf(unknown.step_constants).all()
    with pytest.raises(ShapeError, match="1000000 steps are to be certified, but 3 segments are bounded"):
        PathCertificate(UpperBound(6.0), CertifiedSteps(10**6), known, changes, changes, changes)


def test_bad_arguments_are_named() -> None:
    net, rows, y = problem(0)
    with pytest.raises(ChoiceError, match="unknown optimiser"):
        certify_path(net, rows, y, 0.1, 1, "adam")
    with pytest.raises(ScaleError, match=r"^step_size is"):
        certify_path(net, rows, y, -0.1, 1)
    with pytest.raises(WidthError, match=r"^steps is"):
        certify_path(net, rows, y, 0.1, 0)
    with pytest.raises(WidthError, match=r"^parts is"):
        certify_path(net, rows, y, 0.1, 1, parts=0)
    with pytest.raises(InputError):
        certify_path(net, rows, y[:2], 0.1, 1)


def test_a_diverging_run_has_no_certificate() -> None:
    rng = np.random.default_rng(1)
    net = TwoLayerNetwork.initialise(40, 3, 1.0, rng)
    rows = normalise_rows(rng.standard_normal((5, 3)))
    for optimiser in ("gd", "ngd", "kfac"):
        with pytest.raises(DivergenceError, match="range of float64"):
            certify_path(net, rows, np.ones(5), 1e200, 4, optimiser)


@pytest.mark.parametrize(("optimiser", "condition"), [("ngd", "2"), ("kfac", "K2"), ("gd", "2")])
def test_lambda_min_belongs_to_the_stored_pre_activations(optimiser: str, condition: str) -> None:
    """``w . x`` is positive for the two equal neurons, but the products as computed are negative."""
    rows = normalise_rows(np.array([[50.0, 11.0, 6.0]]))
    w = [54.0, 36.0, -516.0]
    net = TwoLayerNetwork(np.array([w, w, [50.0, 11.0, 6.0]]), np.ones(3))
    computed = float(np.mean(net.pre_activations(rows)[0] >= 0))
    assert computed == pytest.approx(1 / 3)
    found = certify_path(net, rows, np.zeros(1), 0.5, 1, optimiser, condition=condition)
    assert 1 / 3 - 1e-12 < found.lambda_min <= 1 / 3


@pytest.mark.parametrize(("activation", "middle"), [("tanh", 0.65), ("erf", 0.7), ("softplus", 0.1), ("sin", 1.5)])
def test_changes_of_a_few_roundings_are_bounded_by_the_feature_error(activation: str, middle: float) -> None:
    """Between neighbouring floats the computed change of phi' is rounding alone; its exact value, from balls, is bracketed."""
    slope = BALL_ACTIVATIONS[activation][1]
    net = TwoLayerNetwork(np.ones((1, 1)), np.ones(1), activation)
    for step in range(40):
        start = np.full((1, 1), middle + step / 64)
        end = np.nextafter(start, np.inf)
        lower, upper = SmoothSegments(net, start, np.ones((1, 1))).supremum(start, end, 64)
        with working_precision(200):
            exact = abs(slope(arb(float(end[0, 0]))) - slope(arb(float(start[0, 0]))))
            assert arb(lower) <= exact <= arb(upper)
