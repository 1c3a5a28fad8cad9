"""Elementary functions of real numbers that take floats or balls (arb) and answer in kind; checks of such numbers."""

from __future__ import annotations

import math
import numbers

import numpy as np
from flint import arb, fmpq, fmpz

from theory.errors import ScaleError


def logarithm(value: float) -> float:
    """The natural logarithm."""
    return value.log() if isinstance(value, arb) else math.log(value)


def exponential(value: float) -> float:
    """``e`` to the power of ``value``."""
    return value.exp() if isinstance(value, arb) else math.exp(value)


def square_root(value: float) -> float:
    """The square root of a nonnegative number."""
    return value.sqrt() if isinstance(value, arb) else math.sqrt(value)


def cube_root(value: float) -> float:
    """The third root of a nonnegative number."""
    if not isinstance(value, arb):
        return math.cbrt(value)
    above = value.upper()
    root: float = (value if value > 0 else above).root(3) if above > 0 else arb(0)
    return root if value > 0 else arb(0).union(root)  # the library takes no root of a ball with 0 in it


def circle_constant(like: float) -> float:
    """``pi``, as a ball when ``like`` is one."""
    return arb.pi() if isinstance(like, arb) else math.pi


def arc_sine(value: float) -> float:
    """``arcsin``, in radians."""
    return value.asin() if isinstance(value, arb) else math.asin(value)


def ceiling(value: float) -> int:
    """The least integer not below the number; for a ball, not below any point of it."""
    if not isinstance(value, arb):
        return math.ceil(value)
    return int(fmpz(value.upper().ceil().unique_fmpz()))


def real(value: float, name: str) -> float:
    """Return a float, ball or rational as it is, finite or not. Raises ScaleError for what is no number: None, text, a truth value."""
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if not isinstance(number, (numbers.Real, arb, fmpq, fmpz)) or isinstance(number, (bool, np.bool_)):
        raise ScaleError(f"{name} is {value!r}; it must be a real number")
    return value


def positive_real(value: float, name: str) -> float:
    """Return a finite positive float or ball as it is. Raises ScaleError, also when a ball might hold a number <= 0."""
    real(value, name)
    if not (value > 0 and value < math.inf):
        raise ScaleError(f"{name} is {value}; it must be a finite positive number")
    return value


def nonnegative_real(value: float, name: str) -> float:
    """Return a finite float or ball ``>= 0`` as it is. Raises ScaleError."""
    real(value, name)
    if not (value >= 0 and value < math.inf):
        raise ScaleError(f"{name} is {value}; it must be a finite number, 0 or more")
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
        raise ScaleError(f"{name} is {value}; it must lie strictly between 0 and 1")
    return value
