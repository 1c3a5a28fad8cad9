"""Ridge maps, and the pair of outputs that turns by ``2 arcsin c``."""

import math
from fractions import Fraction

import numpy as np
import pytest

from theory.inputs import FloatArray
from theory.maps.affine import certify_map
from theory.maps.ridge import RidgeMap, turning_map
from theory.rigour.exact import lift
from theory.rigour.one_step import map_step
from theory.rigour.precision import working_precision
from theory.theorems import ngd_line


def ridge(seed: int) -> RidgeMap:
    rng = np.random.default_rng(seed)
    return RidgeMap(
        rng.standard_normal((3, 4)), rng.standard_normal(4), np.array([-1.0, -0.5, 0.7]), rng.standard_normal((3, 4))
    )


def rotation(angle: float) -> FloatArray:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


@pytest.mark.parametrize("seed", range(4))
def test_jacobian_is_the_derivative_of_continuous_outputs(seed: int) -> None:
    model, rng = ridge(seed), np.random.default_rng(seed)
    assert np.abs(model.outputs(np.zeros(4))).max() <= 1e-15
    for _ in range(20):
        theta, h = rng.standard_normal(4), 1e-6
        if np.abs(model.direction @ theta - model.knots).min() < 1e-4:
            continue
        differences = [(model.outputs(theta + h * e) - model.outputs(theta - h * e)) / (2 * h) for e in np.eye(4)]
        assert np.abs(np.array(differences).T - model.jacobian(theta)).max() <= 1e-8
    for knot in model.knots:
        at = model.direction * knot / (model.direction @ model.direction)
        assert np.abs(model.outputs(at * (1 + 1e-9)) - model.outputs(at * (1 - 1e-9))).max() <= 1e-7


@pytest.mark.parametrize("seed", range(4))
def test_stated_rounding_contains_the_difference_from_balls(seed: int) -> None:
    model, rng = ridge(seed), np.random.default_rng(9)
    for _ in range(10):
        theta = rng.standard_normal(4)
        outputs, jacobian = model.rounding(theta)
        with working_precision(200):
            exact = model.lifted()
            difference = exact.outputs(lift(theta)) - lift(model.outputs(theta))
            slopes = (exact.jacobian(lift(theta)) - lift(model.jacobian(theta))).ravel()
            assert math.sqrt(sum(float(d) ** 2 for d in difference)) <= outputs < 1e-12
            assert math.sqrt(sum(float(d) ** 2 for d in slopes)) <= jacobian < 1e-12


def test_a_knot_within_the_rounding_counts_its_jump() -> None:
    model = RidgeMap(np.eye(2), np.array([1.0, 0.0]), np.array([-0.5]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert model.rounding(np.array([-0.5, 0.0]))[1] >= math.sqrt(2)
    assert model.rounding(np.array([-0.4, 0.0]))[1] < 1e-14


def test_deviation_counts_the_pieces_that_the_ball_meets() -> None:
    model = RidgeMap(
        np.eye(2), np.array([2.0, 0.0]), np.array([-3.0, -1.0]), np.array([[3.0, 1.0, 0.5], [4.0, 0.0, 0.0]])
    )
    assert model.deviation(0.4) == 0
    assert model.deviation(0.6) == pytest.approx(2 * 0.5, rel=1e-12)
    assert model.deviation(1.6) == pytest.approx(2 * math.hypot(2.5, 4), rel=1e-12)
    assert model.deviation(0.6) >= 1.0


@pytest.mark.parametrize("stability", [0.02, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("step_size", [0.3, 0.8])
def test_the_second_step_turns_by_twice_arcsin_c(stability: float, step_size: float) -> None:
    left, right = rotation(0.7), rotation(-1.1)
    model = turning_map(stability, 2.0, step_size, 1.5, output_rotation=left, parameter_rotation=right)
    targets = -1.5 * left[:, 0]
    certificate = certify_map(model, targets)
    assert certificate.constant == pytest.approx(3 * stability, rel=1e-12)
    assert certificate.lambda_min == pytest.approx(4.0, rel=1e-12)
    theta, angles = np.zeros(2), []
    for _ in range(2):
        theta, step = map_step(model, theta, targets, step_size)
        moved = step.moved_residual - step.residual
        across = step.residual[0] * moved[1] - step.residual[1] * moved[0]
        angles.append(abs(math.atan2(across, -moved @ step.residual)))
    assert angles[0] <= 1e-10
    assert angles[1] == pytest.approx(2 * math.asin(stability), rel=1e-9)
    sharp = ngd_line.line_sine(3 * stability, "T1-line-sharp")
    assert math.sin(angles[1]) <= sharp < ngd_line.line_sine(3 * stability)


@pytest.mark.parametrize(("slope", "step_size", "residual"), [(2.0, 0.4, 3.0), (0.5, 1.5, 0.7)])
def test_the_knots_lie_around_the_first_iterate_by_the_share_of_the_second_step(
    slope: float, step_size: float, residual: float
) -> None:
    model = turning_map(0.2, slope, step_size, residual, 2.0**-12)
    targets = np.array([-residual, 0.0])
    first, _ = map_step(model, np.zeros(2), targets, step_size)
    second, _ = map_step(model, first, targets, step_size)
    middle, half = float(np.mean(model.knots)), float(np.diff(model.knots)[0]) / 2
    assert middle == pytest.approx(float(model.direction @ first), rel=1e-12)
    assert half == pytest.approx(2.0**-12 * abs(float(model.direction @ (second - first))), rel=1e-2)


def test_the_deviation_is_never_below_the_exact_one_however_small() -> None:
    """Two slopes s and -s meet at the knot 0.5: ``||J(theta) - J(0)|| = 2 s |a|`` beyond it."""
    for slope, along in ((1.0, 1.0), (0.1, 0.3), (1e-170, 1e-170), (1e-200, 1.0), (1e-3, 1e-320)):
        model = RidgeMap(np.eye(1), np.array([along]), np.array([0.5]), np.array([[slope], [-slope]]))
        exact = 2 * Fraction(slope) * Fraction(along)
        found = model.deviation(1.0 / along if along > 1e-300 else 1e308)
        if Fraction(1e308) * Fraction(along) >= Fraction(1, 2):
            assert exact <= Fraction(found), (slope, along)
        assert found <= 2 * slope * along * (1 + 1e-14) + 1e-323
