"""Multiples: a step that is ``k n^a m^b d^c eta^e`` times what a convention gives, and what undoes such a factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from properties.guard.panel import ENOUGH, Probe
from properties.guard.remedies import UPDATED
from properties.guard.workings import Formula, UndefinedError
from theory.inputs import FloatArray

LARGEST = 4
"""Exponents beyond it are no habit of anybody."""

DENOMINATOR = 16
"""k as a fraction, where it is one, has at most this denominator."""


@dataclass(frozen=True)
class Multiple:
    """``k n^a m^b d^c eta^e``, a, b, c and e in halves."""

    k: float
    exponents: tuple[float, float, float, float]
    tried: int
    """On how many problems it fits."""

    @property
    def one(self) -> bool:
        """Whether it changes nothing."""
        return self.k == 1 and not any(self.exponents)

    @property
    def of_step_size(self) -> bool:
        """Whether the step size is in it."""
        return self.exponents[3] != 0

    def __str__(self) -> str:
        """As a formula."""
        top, bottom = self._sides(NAMES, "^")
        return self._quotient(top, bottom, " ")

    @property
    def undone(self) -> str:
        """What to do with the direction that has this factor, in words and then in code."""
        (top, bottom), (code_top, code_bottom) = self._sides(NAMES, "^"), self._sides(PYTHON, "**")
        if bottom and self.k > 0 and top in ([], ["1"]):
            operation, inverse, sign, code = "multiply", _product(bottom, " "), "*", _product(code_bottom, " * ")
        else:
            operation, inverse, sign = "divide", str(self), "/"
            code = self._quotient(code_top, code_bottom, " * ")
        if not code.startswith("(") and (" " in code or "/" in code or code.startswith("-")):
            code = f"({code})"
        return f"{operation} the direction V that it takes by {inverse}: {UPDATED} {sign} {code}"

    def _sides(self, names: Sequence[str], power: str) -> tuple[list[str], list[str]]:
        """The factors above and below the line, without the sign."""
        powers = list(zip(names, self.exponents, strict=True))
        above = [_power(name, e, power) for name, e in powers if e > 0]
        below = [_power(name, -e, power) for name, e in powers if e < 0]
        number = Fraction(self.k).limit_denominator(DENOMINATOR)
        exact = float(number) == self.k
        numerator = [str(abs(number.numerator))] if exact and abs(number.numerator) != 1 else []
        numerator = numerator if exact else [f"{abs(self.k):.6g}"]
        denominator = [str(number.denominator)] if exact and number.denominator != 1 else []
        return [*numerator, *above], [*denominator, *below]

    def _quotient(self, top: Sequence[str], bottom: Sequence[str], times: str) -> str:
        over = f"/{_product(bottom, times)}" if bottom else ""
        return f"{'-' if self.k < 0 else ''}{times.join(top) or '1'}{over}"


def _product(factors: Sequence[str], times: str) -> str:
    return factors[0] if len(factors) == 1 else f"({times.join(factors)})"


NAMES = ("n", "m", "d", "eta")
PYTHON = ("len(X)", "len(signs)", "X.shape[1]", "step_size")
"""The same, by the names of the step's arguments."""


def _power(name: str, exponent: float, power: str) -> str:
    if exponent == 1:
        return name
    text = f"{exponent:g}" if exponent == int(exponent) else f"({2 * exponent:g}/2)"
    return f"{name}{power}{text}"


@dataclass(frozen=True)
class _Point:
    sizes: tuple[float, float, float, float]
    factor: float
    error: float
    """Of the factor, relative."""


def fitted_multiple(probes: Sequence[Probe], formula: Formula) -> Multiple | None:
    """The multiple of a formula that the step is on every problem, None where there is none."""
    points = _points(probes, formula)
    if points is None or len(points) < ENOUGH:
        return None
    logs = np.log([point.sizes for point in points])
    sides = np.log(np.abs([point.factor for point in points]))
    if len({point.factor > 0 for point in points}) > 1:
        return None
    found = np.linalg.lstsq(np.column_stack([np.ones(len(points)), logs]), sides, rcond=None)[0]
    exponents: FloatArray = np.round(2 * found[1:]) / 2 + 0.0
    if np.abs(exponents).max() > LARGEST:
        return None
    sign = 1.0 if points[0].factor > 0 else -1.0
    best = min(points, key=lambda point: point.error)
    ratio = sign * abs(best.factor) / _size(best, exponents)
    for k in _roundings(ratio):
        if all(abs(point.factor - k * _size(point, exponents)) <= point.error * abs(point.factor) for point in points):
            a, b, c, e = exponents.tolist()
            return Multiple(k, (a, b, c, e), len(points))
    return None


def _roundings(ratio: float) -> list[float]:
    fraction = float(Fraction(ratio).limit_denominator(DENOMINATOR))
    decimals = [float(f"{ratio:.{digits}g}") for digits in (1, 2, 3, 4, 6)]
    return [*([fraction] if fraction else []), *decimals, ratio]


def _size(point: _Point, exponents: FloatArray) -> float:
    return float(np.prod(np.array(point.sizes) ** exponents))


def _points(probes: Sequence[Probe], formula: Formula) -> list[_Point] | None:
    """The factor on every problem where the formula says something; None where the directions differ."""
    points = []
    for probe in probes:
        try:
            direction, number = probe.along(formula)
        except (UndefinedError, np.linalg.LinAlgError):
            continue
        length, eta = float(np.linalg.norm(direction)), probe.given.step_size
        if not length > 0:
            if float(np.linalg.norm(probe.update)) * eta > probe.allowed(direction, number):
                return None
            continue
        factor = float(np.vdot(direction, probe.update)) / length**2
        allowed = probe.allowed(factor * direction, number) / eta
        if float(np.linalg.norm(probe.update - factor * direction)) > allowed:
            return None
        if abs(factor) * length <= allowed:
            return None  # within rounding of no step at all
        n, d = probe.given.X.shape
        points.append(_Point((n, len(probe.given.signs), d, eta), factor, allowed / (abs(factor) * length)))
    return points
