"""Multiples: a step that is ``k n^a m^b d^c eta^e`` times what a convention gives, with the causes that such a factor may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from properties.guard.panel import ENOUGH, Probe
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

    def __str__(self) -> str:
        """As a formula."""
        above = [_power(name, e) for name, e in zip(NAMES, self.exponents, strict=True) if e > 0]
        below = [_power(name, -e) for name, e in zip(NAMES, self.exponents, strict=True) if e < 0]
        number = Fraction(self.k).limit_denominator(DENOMINATOR)
        exact = float(number) == self.k
        numerator = [str(abs(number.numerator))] if exact and abs(number.numerator) != 1 else []
        numerator = numerator if exact else [f"{abs(self.k):.6g}"]
        denominator = [str(number.denominator)] if exact and number.denominator != 1 else []
        top, bottom = " ".join([*numerator, *above]) or "1", [*denominator, *below]
        below_text = " ".join(bottom) if len(bottom) == 1 else f"({' '.join(bottom)})"
        return f"{'-' if self.k < 0 else ''}{top}" + (f"/{below_text}" if bottom else "")


NAMES = ("n", "m", "d", "eta")


def _power(name: str, exponent: float) -> str:
    if exponent == 1:
        return name
    text = f"{exponent:g}" if exponent == int(exponent) else f"({2 * exponent:g}/2)"
    return f"{name}^{text}"


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


# --- causes ----------------------------------------------------------------------------------------------------------

EXACT = "the step"

Causes = tuple[str, ...]

COMMON: dict[tuple[float, float, float, float, float], Causes] = {
    (-1, 0, 0, 0, 0): ("the opposite sign",),
    (2, 0, 0, 0, 0): ("the loss without its 1/2 in the gradient alone", "a Fisher matrix of half its size"),
    (0.5, 0, 0, 0, 0): (
        "a curvature of twice the Fisher matrix, that of the loss without its 1/2",
        "half the step size",
    ),
    (1, -1, 0, 0, 0): (
        "the gradient of the mean loss with the Fisher matrix of the sum",
        "the step size divided by n",
    ),
    (2, -1, 0, 0, 0): ("the gradient of the mean squared error with the Fisher matrix of the sum",),
    (0.5, 1, 0, 0, 0): ("the curvature of the mean squared error with the gradient of half the sum",),
    (1, -0.5, 0, 0, 0): ("1/n in J J^T alone, as n^(-1/2) in J, with the gradient of the mean loss",),
    (1, 0.5, 0, 0, 0): ("n^(-1/2) in J, with the gradient of the sum",),
    (1, 0, -0.5, 0, 0): ("m^(-1/2) missing in J, not in the outputs",),
    (1, 0, 0.5, 0, 0): ("m^(-1/2) twice in J", "m^(-1/2) missing in the gradient alone"),
    (1, 0, -1, 0, 0): ("m^(-1/2) missing in the Fisher matrix alone", "the mean over the neurons in the gradient"),
    (1, 0, 1, 0, 0): ("1/m once more in the Fisher matrix", "the mean over the neurons in the Fisher matrix"),
    (1, 0, 0, -1, 0): ("the mean over the dimensions in the gradient",),
    (1, 0, 0, 1, 0): ("the mean over the dimensions in the Fisher matrix or in one factor",),
    (1, -1, 0, -1, 0): ("the mean over the entries of X in the gradient",),
    (1, 1, 0, 1, 0): ("the mean over the entries of X in the Fisher matrix or in one factor",),
    (1, 0, -1, -1, 0): ("the mean over the parameters in the gradient",),
    (1, 0, 1, 1, 0): ("the mean over the parameters in the Fisher matrix",),
    (1, 0, 0, 0, 1): ("the step size applied twice",),
    (1, 0, 0, 0, -1): ("the step size ignored",),
}

OF_NGD: dict[tuple[float, float, float, float, float], Causes] = {
    (1, 1, 0, 0, 0): ("the mean in the Fisher matrix with the gradient of the sum",),
    (1, 2, 0, 0, 0): ("1/n twice in the Fisher matrix",),
    (0.25, 0, 0, 0, 0): ("a curvature of four times the Fisher matrix", "a quarter of the step size"),
    (4, 0, 0, 0, 0): ("a curvature of a quarter of the Fisher matrix",),
}

OF_KFAC: dict[tuple[float, float, float, float, float], Causes] = {
    (1, 1, 0, 0, 0): (
        "the mean in one factor with the gradient of the sum",
        "the mean in both factors and the gradient",
    ),
    (1, 2, 0, 0, 0): ("the mean in both factors with the gradient of the sum",),
    (0.25, 0, 0, 0, 0): ("twice the curvature in both factors", "a quarter of the step size"),
    (4, 0, 0, 0, 0): ("half of the curvature in both factors",),
}


def causes(multiple: Multiple, optimiser: str) -> Causes:
    """What such a factor on the exact step is known to come from: everything that fits."""
    key = (multiple.k, *multiple.exponents)
    own = OF_KFAC if optimiser == "kfac" else OF_NGD
    return (*COMMON.get(key, ()), *own.get(key, ()))
