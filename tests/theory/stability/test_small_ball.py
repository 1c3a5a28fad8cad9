"""Condition 2 on a theorem's own ball."""

import math
from fractions import Fraction

import pytest

from theory.errors import ChoiceError
from theory.stability.small_ball import HEADROOM, THEOREMS, constant_on_own_ball, path_factor
from theory.theorems import ngd


@pytest.mark.parametrize("C", [Fraction(1, 10), Fraction(49, 100)])
def test_factors_are_those_of_the_statement(C: Fraction) -> None:
    c = C / 3
    expected = {
        "T1": 2 / (1 - c),
        "T1-q": 1 / (1 - C),
        "T1-sharp": (1 + c) / (1 - c) ** 2,
        "T0": 2 / (1 - c),
        "T0-sharp": 2 * (1 - c) / (1 - 3 * c + 4 * c**2),
    }
    assert set(expected) == set(THEOREMS)
    for theorem, factor in expected.items():
        assert path_factor(float(C), theorem) == pytest.approx(float(factor), rel=1e-14)
        assert path_factor(float(C), theorem) < ngd.condition_radius(1.0, 1.0)
    with pytest.raises(ChoiceError):
        path_factor(0.1, "T9")


def test_the_least_solution_is_found_for_a_constant_that_grows_with_the_radius() -> None:
    """C = 0.2 R with R = 2 (1 + C): the fixed point is 0.4/(1 - 0.4)."""
    constant, radius = constant_on_own_ball(lambda R: 0.2 * R, 2.0, lambda C: 1 + C, 3.0)
    assert 0.4 / 0.6 <= constant <= 0.4 / 0.6 * (1 + 1e-5)
    assert radius == pytest.approx(2 * (1 + constant), rel=1e-6)
    assert radius >= 2 * (1 + constant)
    assert 0.2 * radius <= constant


def test_a_step_in_the_constant_is_avoided_when_the_ball_stays_below_it() -> None:
    cliff = lambda R: 0.3 if R < 1.5 else 9.0  # noqa: E731
    constant, radius = constant_on_own_ball(cliff, 1.0, lambda C: 1 + C, 1.0)
    assert constant == pytest.approx(0.3 * HEADROOM)
    assert radius < 1.5
    assert constant_on_own_ball(cliff, 1.4, lambda C: 1 + C, 1.0) == (math.inf, math.inf)


def test_no_solution_below_the_limit_is_infinite() -> None:
    assert constant_on_own_ball(lambda R: 0.6 * R, 1.0, lambda C: 1 + C, 1.0) == (math.inf, math.inf)
    assert constant_on_own_ball(lambda R: 1.0 * R, 1.0, lambda C: 1 + C, math.inf) == (math.inf, math.inf)
    assert constant_on_own_ball(lambda R: 0.0, 5.0, lambda C: 1 + C, 1.0) == (0.0, 5.0 * HEADROOM)
