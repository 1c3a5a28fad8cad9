"""The eps of a convention with a parameter: looked for on one problem, and named where it fits every other one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product as product_of

import numpy as np
import scipy

from properties.guard.damping import LEAST, MOST
from properties.guard.dampings import Damped, Family, families
from properties.guard.panel import ENOUGH, Probe
from properties.guard.remedies import SUMMED, Meant
from properties.guard.workings import Formula, UndefinedError, Workings
from theory.inputs import FloatArray

FITTED = (1e-14, 1e6)
"""Between which a damping is looked for."""


Factor = Callable[[Workings], float]

ON_EPS: tuple[tuple[str, Factor], ...] = (
    ("", lambda w: 1.0),
    ("n eps in place of eps (the mean over the inputs)", lambda w: w.n),
    ("n^2 eps in place of eps (the mean in both factors)", lambda w: w.n**2),
    ("eps/n in place of eps", lambda w: 1 / w.n),
    ("m eps in place of eps (m^(-1/2) missing)", lambda w: w.m),
)

ON_STEP: tuple[tuple[str, Factor], ...] = (
    ("", lambda w: 1.0),
    ("1/n times the step (the gradient of the mean loss)", lambda w: 1 / w.n),
    ("n times the step (the mean in both factors)", lambda w: w.n),
    ("n^2 times the step", lambda w: w.n**2),
)


@dataclass(frozen=True)
class FittedFamily:
    """A convention with a parameter that fits."""

    family: Family
    eps: str
    """The number, as it is told."""
    changes: tuple[str, ...]
    """Of eps and of the step, from ``ON_EPS`` and ``ON_STEP``."""
    tried: int
    """On how many problems it fits."""

    @property
    def name(self) -> str:
        """In words, with the number."""
        name = self.family.name.format(eps=f"eps = {self.eps}")
        return f"{name}; {' and '.join(self.changes)}" if self.changes else name

    def remedy(self, meant: Meant) -> str:
        """To leave the damping out, or to declare it, where there is an option for it."""
        family = self.family
        if not family.damps:
            return meant.told(family.remedy)
        left = "leave the damping out (eps = 0, with a pseudo-inverse)"
        if meant.damping is not None:
            left = meant.told("take the damping that is declared, {damping}: {formula}")
        if not family.kind or not LEAST[family.kind] <= float(self.eps) <= MOST:
            beside = Meant(meant.optimiser, None).told(family.remedy)
            return f"{beside}; and {left}" if beside else left
        option = f"--optimiser {family.optimiser} " if family.optimiser else ""
        declared = f"if it is meant, give {option}--damping {self.eps} --damping-kind {family.kind}"
        if self.changes:
            return f"{SUMMED}, in the gradient and in what eps is added to; then {left}, or, {declared}"
        return f"{left}; or, {declared}"


def fitted_families(probes: Sequence[Probe], optimiser: str) -> list[FittedFamily]:
    """Every convention with a parameter that fits; the plainest reading of each formula.

    A step that solves with ``F + eps I``, of md rows, is off by its condition, ``tr F / eps``: where nothing fits as well as a solve
    with ``G + eps I`` allows, that much is allowed. Only what fits the first probe, with that much allowed, is tried on the others.
    """
    here = Workings(probes[0].given)
    candidates: list[tuple[Family, str, Factor, float]] = []
    for family, (step_text, on_step) in product_of(families(optimiser), ON_STEP):
        plainest = _scaled(family.formula, ON_EPS[0][1], on_step)
        first = fitted_damping(probes[0], plainest)
        if first is not None and _near(probes[0], _of_many_rows(plainest), first):
            candidates.append((family, step_text, on_step, first))
    for judged in (_of_few_rows, _of_many_rows):
        found = []
        for (family, step_text, on_step, first), (eps_text, on_eps) in product_of(candidates, ON_EPS):
            formula = _scaled(family.formula, on_eps, on_step)
            fitted = common_damping(probes, formula, judged(formula), first / on_eps(here))
            if fitted is not None:
                changes = tuple(text for text in (eps_text, step_text) if text)
                found.append(FittedFamily(family, f"{fitted[0]:.6g}", changes, fitted[1]))
        if found:
            return found
    return []


def _of_few_rows(formula: Damped) -> Damped:
    """The formula by way of a matrix of n rows, whose condition the problem's own allowance covers: as it is."""
    return formula


def _of_many_rows(formula: Damped) -> Damped:
    """The formula by way of a matrix of md rows: eight roundings in each of ``n + m d`` operations in a row are allowed, times its condition."""

    def conditioned(w: Workings, eps: float) -> FloatArray:
        found = formula(w, eps)
        traces = float((w.J**2).sum() + (w.S**2).sum() + (w.X**2).sum())
        w.number = max(w.number, 8 * (w.n + w.m * w.d) * traces / (eps * w.share) / w.given.growth)
        return found

    return conditioned


def _scaled(formula: Damped, on_eps: Factor, on_step: Factor) -> Damped:
    return lambda w, eps: on_step(w) * formula(w, on_eps(w) * eps)


def at(formula: Damped, eps: float) -> Formula:
    """The formula with this eps."""
    return lambda w: formula(w, eps)


def fitting(probes: Sequence[Probe], formula: Formula) -> int:
    """On how many problems W' follows the formula: wherever that says something, else 0."""
    tried = 0
    for probe in probes:
        try:
            if not probe.follows(formula):
                return 0
        except (UndefinedError, np.linalg.LinAlgError):
            continue
        tried += 1
    return tried if tried >= ENOUGH else 0


def common_damping(probes: Sequence[Probe], formula: Damped, judge: Damped, first: float) -> tuple[float, int] | None:
    """The eps that fits every probe, in as few digits as fit, and how many those are; None when there is none.

    ``first`` is the one that fits the first probe; ``judge`` is the formula with the condition that is allowed for.
    """
    shifts = _deviations(probes, formula, judge, first)
    if not _tells(shifts):
        return None
    fitted = fitted_damping(probes[int(np.argmax(shifts))], formula)
    if fitted is None:
        return None
    for digits in (1, 2, 3, 4, 6, 17):
        eps = float(f"{fitted:.{digits}g}")
        tried = fitting(probes, at(judge, eps)) if eps > 0 else 0
        if tried:
            # the judge allows the more the smaller eps is, and anything at all for one that is far below the first
            return (eps, tried) if _tells(_deviations(probes, formula, judge, fitted)) else None
    return None


def _deviations(probes: Sequence[Probe], formula: Damped, judge: Damped, eps: float) -> list[float]:
    return [_deviation(probe, formula, judge, eps) for probe in probes]


def _tells(shifts: Sequence[float]) -> bool:
    """Whether a damping moves enough of the steps beyond what rounding may do."""
    return len([shift for shift in shifts if shift > 1]) >= ENOUGH


def _near(probe: Probe, formula: Damped, eps: float) -> bool:
    try:
        return probe.follows(at(formula, eps))
    except (UndefinedError, np.linalg.LinAlgError):
        return False


def _deviation(probe: Probe, formula: Damped, judge: Damped, eps: float) -> float:
    """How far the damping moves this step, relative to what rounding may do; 0 where it is not defined."""
    try:
        with_eps, number = probe.along(at(judge, eps))
        without = probe.along(at(formula, FITTED[0] * eps))[0]
    except (UndefinedError, np.linalg.LinAlgError):
        return 0.0
    return float(np.linalg.norm(with_eps - without)) * probe.given.step_size / probe.allowed(with_eps, number)


def fitted_damping(probe: Probe, formula: Damped) -> float | None:
    """The eps at which ``V(eps)`` passes the step's V along the line to it from ``V(0)``; None when it never does."""

    def direction(eps: float) -> FloatArray:
        return probe.along(at(formula, eps))[0]

    try:
        start = direction(FITTED[0])
        line = probe.update - start

        def past(exponent: float) -> float:
            return float(np.vdot(direction(10.0**exponent) - probe.update, line))

        low, high = (math.log10(end) for end in FITTED)
        if not past(low) < 0 < past(high):
            return None
        return float(10.0 ** scipy.optimize.brentq(past, low, high, xtol=1e-14, rtol=1e-14, maxiter=200))
    except (UndefinedError, np.linalg.LinAlgError):
        return None
