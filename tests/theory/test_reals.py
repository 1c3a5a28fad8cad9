"""Elementary functions of floats and balls, and the checks of such numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq, fmpz

from theory import reals
from theory.errors import ScaleError
from theory.rigour.precision import working_precision

FUNCTIONS: list[tuple[Callable[[float], float], float, float]] = [
    (reals.logarithm, 2.0, math.log(2)),
    (reals.exponential, 2.0, math.exp(2)),
    (reals.square_root, 2.0, math.sqrt(2)),
    (reals.cube_root, 27.0, 3.0),
    (reals.arc_sine, 0.5, math.pi / 6),
    (reals.circle_constant, 0.5, math.pi),
]


@pytest.mark.parametrize(("function", "argument", "expected"), FUNCTIONS)
def test_functions_answer_in_kind(function: Callable[[float], float], argument: float, expected: float) -> None:
    assert type(function(argument)) is float
    assert function(argument) == pytest.approx(expected, rel=1e-15)
    with working_precision(100):
        ball = function(arb(argument))
        assert isinstance(ball, arb)
        assert abs(ball - expected) < 1e-15
        assert ball.rad() < arb(2) ** -80


def test_the_cube_root_of_a_ball_around_0_contains_0() -> None:
    assert reals.cube_root(arb(0)) == 0
    ball = reals.cube_root(arb(0, 8.0))
    assert isinstance(ball, arb)
    assert ball.contains(0)
    assert ball.contains(2)
    assert not ball.contains(3)
    assert reals.cube_root(0.0) == 0


def test_the_cube_root_of_a_ball_contains_those_of_both_its_ends() -> None:
    ball = reals.cube_root(arb(8, 1))
    assert isinstance(ball, arb)
    assert ball.contains(arb(7).root(3))
    assert ball.contains(arb(9).root(3))
    assert not ball.contains(1.8)


def test_the_ceiling_is_that_of_the_upper_end() -> None:
    assert reals.ceiling(2.0) == 2
    assert reals.ceiling(2.1) == 3
    assert reals.ceiling(arb(2)) == 2
    assert reals.ceiling(arb(2, 0.001)) == 3
    with working_precision(200):
        assert reals.ceiling(arb(10) ** 40 + arb(1) / 3) == 10**40 + 1


def test_numbers_are_checked_and_returned_as_they_are() -> None:
    for check, good, bad in (
        (reals.positive_real, (1e-300, 5.0), (0.0, -1.0, math.inf, math.nan)),
        (reals.nonnegative_real, (0.0, 5.0), (-1e-300, math.inf, math.nan)),
        (reals.probability, (1e-300, 0.999), (0.0, 1.0, -1.0, 2.0, math.nan)),
    ):
        for value in good:
            assert check(value, "x") == value
            assert isinstance(check(arb(value), "x"), arb)
        for value in bad:
            with pytest.raises(ScaleError, match="x is"):
                check(value, "x")
            with pytest.raises(ScaleError, match="x is"):
                check(arb(value), "x")
    with pytest.raises(ScaleError):
        reals.positive_real(arb(0.5, 1.0), "x")


def test_what_is_no_number_is_named() -> None:
    good: Any
    for good in (1, 2.5, math.inf, np.float64(0.1), np.array(3.0), arb(2), fmpq(1, 3), fmpz(4)):
        assert reals.real(good, "x") is good
    for bad in (None, "0.5", True, np.bool_(False), [1.0], np.ones(2), 1j):
        for check in (reals.real, reals.positive_real, reals.nonnegative_real, reals.probability):
            with pytest.raises(ScaleError, match="x is"):
                check(bad, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(("middle", "radius"), [(1, 2), (-1, 2), (0, 1)])
def test_the_square_root_of_a_ball_around_0_contains_those_of_all_its_numbers(middle: int, radius: int) -> None:
    ball = reals.square_root(arb(middle, radius))
    assert isinstance(ball, arb)
    assert ball.contains(0)
    assert ball.contains(arb(middle + radius).sqrt())
    assert ball.upper() < arb(middle + radius).sqrt() * (1 + arb(2) ** -20)
