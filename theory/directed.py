"""Formulas of real numbers whose float answers stay true: rounded in one stated direction, decisions exact.

A formula is written once, for rational numbers and balls. Floats are rational numbers: given floats, it is evaluated exactly, or in
balls where it has a root, a logarithm or pi in it, and only its result is rounded, to the float next to the exact value on the side
that the decorator names. Rational numbers (Fraction, fmpq) are answered by rational numbers or balls, balls by balls: nothing is
rounded then. A float parameter that is the rounding of another number is taken as it is.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from flint import arb, fmpq, fmpz

from theory.rigour.precision import working_precision

BITS = 256
"""Precision of the balls between exact floats and the float that answers: cancellation may cost some 200 bits of it."""

SMALLEST, LARGEST = math.ulp(0.0), sys.float_info.max
"""The least positive float64 and the largest finite one."""

BEYOND = 1100
"""Numbers with more bits in front of the point, or more zeros behind it, are beyond the range of float64 on every side."""

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def exact(value: Any) -> Any:
    """A finite number as the rational number that it is; a ball, and whatever is no finite number, as it is."""
    if isinstance(value, float):
        return fmpq(*float.as_integer_ratio(value)) if math.isfinite(value) else value
    if isinstance(value, (arb, fmpq, bool, np.bool_)):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return exact(value.item())
    if isinstance(value, (fmpz, numbers.Integral)):
        return fmpq(int(value))
    if isinstance(value, numbers.Rational):
        return fmpq(int(value.numerator), int(value.denominator))
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return fmpq(*(int(part) for part in value.as_integer_ratio()))  # type: ignore[attr-defined]
    return value


def float_below(value: Any) -> float:
    """The largest float64 that is not above a rational number; not above any point of a ball, and next to its lower end."""
    if isinstance(value, arb):
        return _end_rounded(value.lower(), -math.inf)
    return _rounded(int(value.p), int(value.q), -math.inf) if isinstance(value, fmpq) else float(value)


def float_above(value: Any) -> float:
    """The least float64 that is not below a rational number; not below any point of a ball, and next to its upper end."""
    if isinstance(value, arb):
        return _end_rounded(value.upper(), math.inf)
    return _rounded(int(value.p), int(value.q), math.inf) if isinstance(value, fmpq) else float(value)


def _end_rounded(end: arb, direction: float) -> float:
    """One end of a ball, a number with finitely many binary digits or none at all, as a float in a direction."""
    if not end.is_finite():
        beyond = math.inf if end > 0 else -math.inf
        return direction if end.is_nan() or beyond == direction else math.copysign(LARGEST, beyond)
    mantissa, exponent = (int(part) for part in end.man_exp())
    if mantissa == 0:
        return 0.0
    leading = mantissa.bit_length() + exponent
    if abs(leading) > BEYOND:  # its rational number might not fit into memory
        exponent = int(math.copysign(BEYOND, leading))
        mantissa = 1 if mantissa > 0 else -1
    return _rounded(mantissa << max(exponent, 0), 1 << max(-exponent, 0), direction)


def _rounded(numerator: int, denominator: int, direction: float) -> float:
    """``numerator / denominator``, the second positive, as the nearest float64 on one side."""
    try:
        value = numerator / denominator  # Python rounds a quotient of integers to the nearest
    except OverflowError:
        beyond = math.inf if numerator > 0 else -math.inf
        return beyond if beyond == direction else math.copysign(LARGEST, beyond)
    p, q = value.as_integer_ratio()
    wrong = p * denominator < numerator * q if direction > 0 else p * denominator > numerator * q
    return math.nextafter(value, direction) if wrong else value


def at_most_exact(formula: Callable[Parameters, float]) -> Callable[Parameters, float]:
    """Decorate a formula: floats are answered by the largest float that is not above the exact value."""
    return _answering(formula, float_below)


def at_least_exact(formula: Callable[Parameters, float]) -> Callable[Parameters, float]:
    """Decorate a formula: floats are answered by the least float that is not below the exact value."""
    return _answering(formula, float_above)


def decided_exactly(formula: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Decorate a decision or a count: floats are rational numbers in it, and its answer is returned as it is."""
    return _answering(formula, lambda answer: answer)


def named_parameters(formula: Callable[..., Any]) -> tuple[str, ...]:
    """The names of its parameters, each of which can be given by name. Raises TypeError for a parameter of another kind."""
    parameters = inspect.signature(formula).parameters.values()
    if any(one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) for one in parameters):
        raise TypeError(f"{formula.__name__} has a parameter that cannot be given by name")
    return tuple(one.name for one in parameters)


def _answering(formula: Callable[Parameters, Answer], rounding: Callable[[Any], Any]) -> Callable[Parameters, Answer]:
    parameters = inspect.signature(formula).parameters
    names, by_name = named_parameters(formula), cast(Callable[..., Answer], formula)
    counts = {name for name, parameter in parameters.items() if parameter.annotation in (int, "int")}
    defaults = {
        name: parameter.default if name in counts else exact(parameter.default)
        for name, parameter in parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }

    @functools.wraps(formula)
    def answer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        if len(args) > len(names) or not kwargs.keys().isdisjoint(names[: len(args)]):
            return formula(*args, **kwargs)  # which says what is wrong with the call
        values: Any = defaults | dict(zip(names, args, strict=False)) | kwargs
        kinds = set()
        for name in (*names[: len(args)], *kwargs):
            one = values[name]
            kinds.add(type(one))
            if name not in counts:
                values[name] = exact(one)
        if arb in kinds:
            return by_name(**values)
        with working_precision(BITS):
            found = by_name(**values)
        return found if kinds & {fmpq, Fraction} else rounding(found)

    return answer
