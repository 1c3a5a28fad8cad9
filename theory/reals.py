"""Elementary functions of real numbers that take floats, rationals (fmpq) or balls (arb); checks of such numbers.

A float is answered by a float, a ball by a ball, a rational number by a rational number where the answer is one and by a ball else.
"""

from __future__ import annotations

import math
import numbers

import numpy as np
from flint import arb, fmpq, fmpz

from theory.errors import ScaleError


def _as_ball(value: float) -> arb | None:
    """The ball that a function is evaluated on; None for a float."""
    return arb(value) if isinstance(value, (arb, fmpq)) else None


def logarithm(value: float) -> float:
    """The natural logarithm."""
    ball = _as_ball(value)
    return math.log(value) if ball is None else ball.log()


def exponential(value: float) -> float:
    """``e`` to the power of ``value``."""
    ball = _as_ball(value)
    return math.exp(value) if ball is None else ball.exp()


def square_root(value: float) -> float:
    """The square root of a nonnegative number."""
    ball = _as_ball(value)
    if ball is None:
        return math.sqrt(value)
    root: float | None = _rational_root(value, 2)
    if root is None:
        around = ball.lower() < 0 <= ball.upper()  # of such a ball the library takes no root
        root = arb(0).union(ball.upper().sqrt()) if around else ball.sqrt()
    return root


def cube_root(value: float) -> float:
    """The third root of a nonnegative number."""
    ball = _as_ball(value)
    if ball is None:
        return math.cbrt(value)
    rational = _rational_root(value, 3)
    if rational is not None:
        return rational
    above = ball.upper()
    root: float = (ball if ball > 0 else above).root(3) if above > 0 else arb(0)
    return root if ball > 0 else arb(0).union(root)  # the library takes no root of a ball with 0 in it


def _rational_root(value: float, degree: int) -> float | None:
    """The root of a rational number ``>= 0`` that has a rational one; None for others, and for balls."""
    if not isinstance(value, fmpq) or value < 0:
        return None
    above, below = value.p.root(degree), value.q.root(degree)
    exact: float = fmpq(above, below)
    return exact if exact**degree == value else None


def circle_constant(like: float) -> float:
    """``pi``, as a ball when ``like`` is one or a rational number."""
    return math.pi if _as_ball(like) is None else arb.pi()


def arc_sine(value: float) -> float:
    """``arcsin``, in radians."""
    ball = _as_ball(value)
    return math.asin(value) if ball is None else ball.asin()


def positive_part(value: float) -> float:
    """The number, or 0 where it is not certainly positive."""
    return value if value > 0 else value * 0


def ceiling(value: float) -> int:
    """The least integer not below the number; for a ball, not below any point of it."""
    if isinstance(value, fmpq):
        return int(value.ceil())
    if not isinstance(value, arb):
        return math.ceil(value)
    return int(fmpz(value.upper().ceil().unique_fmpz()))


def shown(value: float) -> str:
    """A number as a message shows it: a rational one by its float."""
    if isinstance(value, fmpq):
        numerator, denominator = int(value.p), int(value.q)
        try:
            return str(numerator / denominator)
        except OverflowError:
            return f"{numerator}/{denominator}" if denominator > 1 else str(numerator)
    return str(value)


def finite(value: float) -> bool:
    """Whether a float, rational number or ball is bounded and a number."""
    return True if isinstance(value, (fmpq, fmpz)) else bool(abs(value) < math.inf)


def real(value: float, name: str) -> float:
    """Return a float, ball or rational as it is, finite or not. Raises ScaleError for what is no number: None, text, a truth value."""
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if not isinstance(number, (numbers.Real, arb, fmpq, fmpz)) or isinstance(number, (bool, np.bool_)):
        raise ScaleError(f"{name} is {value!r}; it must be a real number")
    return value


def positive_real(value: float, name: str) -> float:
    """Return a finite positive float or ball as it is. Raises ScaleError, also when a ball might hold a number <= 0."""
    real(value, name)
    if not (value > 0 and finite(value)):
        raise ScaleError(f"{name} is {shown(value)}; it must be a finite positive number")
    return value


def nonnegative_real(value: float, name: str) -> float:
    """Return a finite float or ball ``>= 0`` as it is. Raises ScaleError."""
    real(value, name)
    if not (value >= 0 and finite(value)):
        raise ScaleError(f"{name} is {shown(value)}; it must be a finite number, 0 or more")
    return value


def magnitude(value: float, name: str) -> float:
    """Return a norm as it is: a finite float ``>= 0``, or a bounded ball with such a number in it. Raises ScaleError."""
    real(value, name)
    nonnegative_real(value.upper() if isinstance(value, arb) else value, name)
    return value


def probability(value: float, name: str) -> float:
    """Return a float or ball strictly between 0 and 1 as it is. Raises ScaleError."""
    real(value, name)
    if not (value > 0 and value < 1):
        raise ScaleError(f"{name} is {shown(value)}; it must lie strictly between 0 and 1")
    return value
