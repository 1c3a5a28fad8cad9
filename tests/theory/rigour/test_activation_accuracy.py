"""The assumption on the math library, measured: activations and their derivatives against ball arithmetic on a large grid."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb

from theory.inputs import FloatArray
from theory.network.two_layer import ACTIVATIONS
from theory.rigour import activation_accuracy as accuracy
from theory.rigour.activation_accuracy import FUNCTION_ROUNDINGS, STEEPEST_SLOPE
from theory.rigour.enclosed_step import BALL_ACTIVATIONS
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF

SMOOTH = tuple(name for name, phi in ACTIVATIONS.items() if phi.curvature is not None)

HALF = FUNCTION_ROUNDINGS / 2
"""The margin: what is found on the grid must be within half of what is assumed."""

BITS = 1200
"""The balls of softplus cancel: ``ln(1 + e^z)`` loses 1.44 |z| bits."""


def grid() -> FloatArray:
    """Some 20,000 numbers: evenly spaced, normal, of all magnitudes, around multiples of pi/2 and where functions saturate."""
    rng = np.random.default_rng(0)
    magnitudes = np.ldexp(rng.uniform(1, 2, 5000), rng.integers(-70, 12, 5000)) * rng.choice([-1.0, 1.0], 5000)
    turns = np.arange(-200, 201) * (np.pi / 2)
    special = [0.0, 1e15, -1e22, 5e-324, 1e-310, 27.3, -27.3, 709.0, -690.0, -745.0, -750.0, 350.0, -350.5]
    return np.concatenate(
        [
            np.linspace(-9, 9, 9001),
            rng.standard_normal(5000),
            magnitudes,
            *(np.nextafter(turns, direction) for direction in (-np.inf, np.inf)),
            turns,
            special,
        ]
    )


def errors(
    computed: FloatArray, points: FloatArray, exact: Callable[[arb], arb], scale: Callable[[arb], arb]
) -> FloatArray:
    """Errors in units of the roundoff and of ``scale`` of the exact value; those that underflow are none."""
    found = []
    with working_precision(BITS):
        for value, point in zip(computed.tolist(), points.tolist(), strict=True):
            ball = exact(arb(point))
            assert ball.rad() < UNDERFLOW  # so that the error is that of the float
            error = abs(arb(value) - ball)
            found.append(0.0 if error < UNDERFLOW else float(error / scale(ball) / UNIT_ROUNDOFF))
    return np.array(found)


@pytest.mark.parametrize("activation", SMOOTH)
def test_activations_and_derivatives_are_within_half_of_what_is_assumed(activation: str) -> None:
    points, phi, balls = grid(), ACTIVATIONS[activation], BALL_ACTIVATIONS[activation]
    values = errors(phi.function(points), points, balls[0], abs)
    slopes = errors(phi.derivative(points), points, balls[1], lambda _: arb(STEEPEST_SLOPE))
    assert 0.4 < values.max() <= HALF, points[values.argmax()]
    assert 0.4 < slopes.max() <= HALF, points[slopes.argmax()]


FUNCTIONS: dict[str, tuple[Callable[[FloatArray], FloatArray], Callable[[arb], arb]]] = {
    "cos": (np.cos, lambda z: z.cos()),
    "tanh of a half": (lambda z: np.asarray(np.tanh(z / 2)), lambda z: (z / 2).tanh()),
    "atan2 from 1": (lambda z: np.arctan2(np.abs(z), 1.0), lambda z: arb.atan2(abs(z), arb(1))),
    "atan2 to 1": (lambda z: np.arctan2(1.0, np.abs(z)), lambda z: arb.atan2(arb(1), abs(z))),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_functions_beneath_are_within_half_of_what_is_assumed(function: str) -> None:
    points = grid()
    computed, exact = FUNCTIONS[function]
    assert 0.4 < errors(computed(points), points, exact, abs).max() <= HALF


def test_errors_are_seen_in_their_unit() -> None:
    points = np.array([0.5, 1.0, 2.0])
    off = points * (1 + 6 * UNIT_ROUNDOFF)
    assert errors(off, points, lambda z: z, abs) == pytest.approx([6.0] * 3)
    assert errors(off, points, lambda z: z, lambda _: arb(2)) == pytest.approx([1.5, 3.0, 6.0])
    assert errors(points, points, lambda z: z, abs).max() == 0


def test_the_bounds_follow_from_the_assumption() -> None:
    assert FUNCTION_ROUNDINGS == 8  # 4 units in the last place
    assert pytest.approx(8 * 1.2 * 2.0**-53, abs=0) == accuracy.DERIVATIVE_ERROR
    assert pytest.approx(12 * 1.2 * 2.0**-53, abs=0) == accuracy.FEATURE_ERROR
