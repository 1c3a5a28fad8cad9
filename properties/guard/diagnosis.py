"""Which convention a wrong step follows, if one of those known: on the instance that refuted it and on a fixed panel.

A convention is named only when it fits every instance tried to within rounding, with one eps for all of them where it has
one. The panel has networks of every shape, so that conventions which agree on some instances (n = 1, say) are told apart.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Protocol

import numpy as np
from flint import fmpq, fmpq_mat
from scipy import optimize

from properties.claims import identity_rounding as rounding
from properties.claims.identity_instances import NetworkInstance
from properties.guard import conventions
from properties.guard.allowance import frobenius, pattern_margin
from properties.guard.implementation import Implementation
from properties.guard.instances import HAND_SHAPES, Problem, StepInstance, direction_of, hand_problem
from theory.inputs import FloatArray
from theory.rigour.exact import rational, rational_matrix

PANEL = 24
"""Instances of the panel, whose conditions all allow a comparison."""

PANEL_ROWS = (1, 2, 3, 4)
"""Numbers n of inputs on the panel."""

PANEL_WIDTHS = (4, 9)
"""Widths m on the panel."""

PANEL_SEEDS = 2000
"""Candidates for the panel; a type of low precision may leave it smaller."""

ENOUGH = 8
"""A convention that is defined on fewer instances is not named."""

SINGLE = 2.0**-24
"""u of float32."""

PRINTED = 8
"""Arrays with more rows than this are not printed."""

FITTED = (1e-14, 1e6)
"""Between which a damping is looked for."""


@cache
def panel(optimiser: str, unit_roundoff: float) -> tuple[Problem, ...]:
    """Fixed hand-sized problems, as many with each number of inputs, on which every step of the optimiser can be judged."""
    found: dict[int, list[Problem]] = {rows: [] for rows in PANEL_ROWS}
    for seed in range(PANEL_SEEDS):
        kind, rows, dim = HAND_SHAPES[seed % len(HAND_SHAPES)]
        if len(found[rows]) == PANEL // len(PANEL_ROWS):
            continue
        weights = "integers" if kind == "axes" else "gaussian"
        shape = {"kind": kind, "rows": rows, "dim": dim, "width": PANEL_WIDTHS[seed // len(HAND_SHAPES) % 2]}
        problem = hand_problem({**shape, "weights": weights, "eighths": 1 + seed % 7, "seed": seed}, optimiser)
        if judged(problem, unit_roundoff):
            found[rows].append(problem)
    return tuple(problem for problems in found.values() for problem in problems)


def judged(problem: Problem, unit_roundoff: float) -> bool:
    """Whether the step is defined there and the allowance says something."""
    if not (problem.regular and problem.lambda_min > 0):
        return False
    margin = min(pattern_margin(problem.exact, unit_roundoff), problem.condition.meaningful(unit_roundoff))
    return margin >= 0


@dataclass(frozen=True)
class Probe:
    """A problem and what the step returned there."""

    problem: Problem
    weights: FloatArray
    unit_roundoff: float

    @cached_property
    def returned(self) -> fmpq_mat:
        """W' exactly as returned."""
        return rational_matrix(self.weights)

    @cached_property
    def update(self) -> fmpq_mat:
        """``(W - W') / eta``: what the step took for its direction."""
        return (self.problem.exact.weights - self.returned) / self.problem.given.eta

    def agrees(self, weights: fmpq_mat, unit_roundoff: float | None = None) -> bool:
        """Whether W' is ``weights`` to within rounding, twice the allowance, more for longer steps than the exact one."""
        problem, u = self.problem, self.unit_roundoff if unit_roundoff is None else unit_roundoff
        allowed = problem.condition.allowance(u, problem.given.step_size)
        length = frobenius(weights - problem.exact.weights) / problem.given.step_size
        longer = max(1.0, length / problem.condition.direction) if problem.condition.direction > 0 else 1.0
        return frobenius(self.returned - weights) <= 2 * allowed * longer


def explanation(implementation: Implementation, refuted: StepInstance) -> list[str]:
    """The instance in full where it is small, and a sentence on the convention that the step follows."""
    return [*instance_lines(refuted), *convention_lines(implementation, refuted)]


def instance_lines(instance: StepInstance) -> list[str]:
    """What was given, returned and expected, as Python expressions."""
    problem = instance.problem
    if len(problem.given.weights) > PRINTED:
        return []
    given = problem.given
    shown = {
        "X": given.inputs,
        "y": given.targets,
        "weights": given.weights,
        "signs": given.signs,
        "returned_weights": instance.answer.weights,
        "exact_weights": rounding.floats(problem.after.weights),
    }
    lines = [f"{name} = {_text(array)}" for name, array in shown.items()]
    return ["on this instance:", *lines[:4], f"step_size = {given.step_size!r}", *lines[4:]]


def _text(array: FloatArray | None) -> str:
    return "none" if array is None else str((array + 0.0).tolist())  # -0.0 reads as 0.0


def convention_lines(implementation: Implementation, refuted: StepInstance) -> list[str]:
    """``convention: ...``: the sentence, or that none of those known fits."""
    if refuted.answer.weights is None:
        return []
    found = matching(implementation, refuted)
    if not found and (exact := exact_sentence(implementation, refuted)):
        return [exact]
    if not found:
        return [f"convention: none of those known matches on all {PANEL + 1} instances tried"]
    return [f"convention: {sentence}" for sentence in found]


def exact_sentence(implementation: Implementation, refuted: StepInstance) -> str:
    """That the step is exact on the panel, and on the refuted instance or not there; empty where it is not exact.

    What is broken is then its contract, or it depends on something that the panel's small networks have not.
    """
    u = refuted.unit_roundoff
    problems = panel(implementation.optimiser, u)
    for problem in problems:
        answer = problem.answer(implementation)
        if answer.weights is None or not Probe(problem, answer.weights, u).agrees(problem.after.weights):
            return ""
    if not problems:
        return ""
    assert refuted.returned is not None
    if frobenius(refuted.returned.weights - refuted.problem.after.weights) <= refuted.allowance:
        mutated = " and ".join(refuted.answer.mutated)
        broken = f", as it changes its argument {mutated}" if mutated else ""
        return (
            f"convention: the step itself is exact on all {len(problems) + 1} instances tried; "
            f"its contract is what is broken{broken}"
        )
    n, d = refuted.problem.given.inputs.shape
    return (
        f"convention: the step is exact on all {len(problems)} small instances tried "
        f"(n <= {max(PANEL_ROWS)}, m <= {max(PANEL_WIDTHS)}), and not on this one, of n = {n}, d = {d}, "
        f"m = {len(refuted.problem.given.signs)}, condition {refuted.problem.condition.number:.3g}: "
        f"it depends on the size, or on the condition"
    )


def matching(implementation: Implementation, refuted: StepInstance) -> list[str]:
    """The sentences of all conventions that fit the panel and the refuted instance; empty when none does."""
    u, optimiser = refuted.unit_roundoff, implementation.optimiser
    assert refuted.answer.weights is not None
    probes = [Probe(refuted.problem, refuted.answer.weights, u)]
    stateful = state_sentences(implementation, u)
    for problem in panel(optimiser, u):
        answer = problem.answer(implementation)
        if answer.weights is None:
            return [*stateful, f"{implementation.name} {answer.problem} on some instances"] if stateful else []
        probes.append(Probe(problem, answer.weights, u))
    if stateful:
        return stateful
    for convention in conventions.conventions(optimiser):
        if tried := fitting(probes, convention.weights, convention.optimiser):
            return [_sentence(convention.name, tried)]
    for name, damped in _damped_families(optimiser):
        if found := common_damping(probes, damped):
            return [_sentence(name.format(eps=f"eps = {found[0]:.6g}"), found[1])]
    if cut := cut_off(probes):
        return [_sentence(cut, len(probes))]
    tried = _single_precision(probes)  # last: a tiny damping is within what float32 may do
    return [_sentence("the exact step computed in float32 and returned in float64", tried)] if tried else []


def _sentence(name: str, tried: int) -> str:
    return f"matches {name} on all {tried} instances tried"


def fitting(probes: Sequence[Probe], weights: Callable[[Problem], fmpq_mat], optimiser: str | None = None) -> int:
    """On how many instances W' is ``weights``: wherever that is defined, else 0; as a step of ``optimiser`` if named."""
    tried = 0
    for given in probes:
        probe = given
        if optimiser is not None:
            problem = Problem(dataclasses.replace(given.problem.given, optimiser=optimiser))
            probe = Probe(problem, given.weights, given.unit_roundoff)
            if not judged(problem, given.unit_roundoff):
                continue
        try:
            expected = weights(probe.problem)
        except ZeroDivisionError:  # H, say, is singular where G is not
            continue
        if not probe.agrees(expected):
            return 0
        tried += 1
    return tried if tried >= ENOUGH else 0


def _single_precision(probes: Sequence[Probe]) -> int:
    known = [probe for probe in probes if judged(probe.problem, SINGLE)]
    refuted = probes[0]
    if len(known) < ENOUGH or known[0] is not refuted or any(probe.unit_roundoff >= SINGLE for probe in probes):
        return 0
    if refuted.agrees(refuted.problem.after.weights):
        return 0
    if all(probe.agrees(probe.problem.after.weights) for probe in known[1:]):
        return 0  # exact in float64 elsewhere
    fits = all(probe.agrees(probe.problem.after.weights, SINGLE) for probe in known)
    return len(known) if fits else 0


# --- damping ---------------------------------------------------------------------------------------------------------


class Weights(Protocol):
    """``(problem, eps)`` -> W'."""

    def __call__(self, problem: Problem, eps: fmpq) -> fmpq_mat:
        """W' exactly. Raises ZeroDivisionError where it is not defined."""
        ...


def _damped_families(optimiser: str) -> Iterator[tuple[str, Weights]]:
    for name, formula in conventions.DAMPED[optimiser]:
        for reduction, on_eps, on_step in conventions.REDUCTIONS:

            def weights(
                problem: Problem,
                eps: fmpq,
                formula: conventions.Damped = formula,
                on_eps: conventions.Factor = on_eps,
                on_step: conventions.Factor = on_step,
            ) -> fmpq_mat:
                net = problem.exact
                return net.weights - problem.given.eta * on_step(net) * formula(net, on_eps(net) * eps)

            yield f"{name} with {{eps}}{reduction}", weights


def common_damping(probes: Sequence[Probe], weights: Weights) -> tuple[float, int] | None:
    """The eps that fits every probe, in as few digits as fit, and how many those are; None when there is none."""
    deviations = [_deviation(probe, weights) for probe in probes]
    if len([deviation for deviation in deviations if deviation > 0]) < ENOUGH:
        return None
    fitted = fitted_damping(probes[int(np.argmax(deviations))], weights)
    if fitted is None:
        return None
    for digits in (1, 2, 3, 4, 6, 17):
        eps = float(f"{fitted:.{digits}g}")
        tried = fitting(probes, partial(weights, eps=rational(eps))) if eps > 0 else 0
        if tried:
            return eps, tried
    return None


def _deviation(probe: Probe, weights: Weights) -> float:
    """How far a small damping moves this step, relative to what rounding may do; 0 where it is not defined."""
    problem = probe.problem
    try:
        moved = frobenius(weights(problem, fmpq(1, 10**4)) - weights(problem, fmpq(1, 10**12)))
    except ZeroDivisionError:
        return 0.0
    return moved / problem.condition.allowance(probe.unit_roundoff, problem.given.step_size)


def fitted_damping(probe: Probe, weights: Weights) -> float | None:
    """The eps at which ``W'(eps)`` passes W' along the line to it from ``W'(0)``; None when it never does."""
    problem = probe.problem
    target, start = rounding.floats(probe.returned), rounding.floats(weights(problem, rational(FITTED[0])))
    line = target - start

    def past(exponent: float) -> float:
        there = rounding.floats(weights(problem, rational(10.0**exponent)))
        return float(np.vdot(there - target, line))

    low, high = (math.log10(end) for end in FITTED)
    if not past(low) < 0 < past(high):
        return None
    return float(10.0 ** optimize.brentq(past, low, high, xtol=1e-15, rtol=1e-15, maxiter=200))


# --- cut-off ---------------------------------------------------------------------------------------------------------


def cut_off(probes: Sequence[Probe]) -> str:
    """Whether every step is one through a pseudo-inverse whose small singular values are cut off, at one relative level."""
    below, above = 0.0, 1.0
    for probe in probes:
        levels = _levels(probe)
        if levels is None:
            return ""
        below, above = max(below, levels[0]), min(above, levels[1])
    if not 0 < below < above:
        return ""
    name = "H" if probes[0].problem.optimiser == "kfac" else "G"
    return (
        f"a pseudo-inverse of {name} with a relative cut-off between {below:.3g} and {above:.3g} "
        f"(of {'S' if name == 'H' else 'J'}: between {math.sqrt(below):.3g} and {math.sqrt(above):.3g})"
    )


def _levels(probe: Probe) -> tuple[float, float] | None:
    """Relative cut-offs (above, up to) that explain the step: eigenvalues of G, or H, below them are dropped."""
    problem, net = probe.problem, probe.problem.exact
    values, vectors = np.linalg.eigh(rounding.floats(problem.matrix))
    relative = [0.0, *(values / values[-1]).tolist()]
    S, X, r = (rounding.floats(matrix) for matrix in (net.features, net.inputs, net.residual))
    right = r * rounding.floats(net.dual_inputs) if problem.optimiser == "kfac" else r
    for dropped in range(len(values)):
        kept = vectors[:, dropped:]
        solved = (kept / values[dropped:]) @ (kept.T @ right)
        direction = S.T @ (solved if problem.optimiser == "kfac" else solved * X)
        if probe.agrees(net.weights - problem.given.eta * rational_matrix(direction)):
            return relative[dropped], relative[dropped + 1]
    return None


# --- state -----------------------------------------------------------------------------------------------------------


def state_sentences(implementation: Implementation, unit_roundoff: float) -> list[str]:
    """What the step keeps from one call to the next, if the same input does not give the same step twice."""
    problems = panel(implementation.optimiser, unit_roundoff)
    if stale(implementation, problems):
        return ["matches the exact step with the activation pattern of the previous call (state is kept)"]
    probe = max(problems, key=lambda problem: problem.condition.number)
    answers = [probe.answer(implementation).weights for _ in range(4)]
    known = [weights for weights in answers if weights is not None]
    allowed = 2 * probe.condition.allowance(unit_roundoff, probe.given.step_size)
    if len(known) < 4 or all(float(np.linalg.norm(weights - known[0])) <= allowed for weights in known):
        return []
    for name, weights in _damped_families(implementation.optimiser):
        fitted = [_fits(Probe(probe, found, unit_roundoff), weights) for found in known]
        dampings = [eps for eps in fitted if eps is not None]
        if len(dampings) < 4:
            continue
        increments = np.diff(dampings)
        if np.ptp(increments) <= 1e-6 * abs(increments[0]):
            growth = f"eps grows by {increments[0]:.6g} with every call (state is kept)"
            return [f"matches {name.format(eps='an eps that is added again')}: {growth}"]
    return ["the same input does not give the same step twice (state is kept), by none of the conventions known"]


def _fits(probe: Probe, weights: Weights) -> float | None:
    eps = fitted_damping(probe, weights)
    return eps if eps is not None and probe.agrees(weights(probe.problem, rational(eps))) else None


def stale(implementation: Implementation, problems: Sequence[Problem]) -> bool:
    """Whether each step follows the activation pattern of the call before, which had other weights."""
    tried = 0
    for problem in problems:
        elsewhere = Problem(_at_other_weights(problem))
        if not judged(elsewhere, 2.0**-53):
            continue
        elsewhere.answer(implementation)
        answer = problem.answer(implementation)
        if answer.weights is None:
            return False
        direction = conventions.stale_direction(elsewhere.exact, problem.exact, problem.optimiser)
        if direction == direction_of(problem.exact, problem.optimiser):
            continue
        expected = problem.exact.weights - problem.given.eta * direction
        if not Probe(problem, answer.weights, answer.unit_roundoff).agrees(expected):
            return False
        tried += 1
    return tried > 2


def _at_other_weights(problem: Problem) -> NetworkInstance:
    return dataclasses.replace(problem.given, weights=problem.given.other_weights)
