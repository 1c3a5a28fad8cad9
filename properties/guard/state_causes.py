"""What a step keeps from one call to the next, told from its answers in sessions of a fresh process.

Each habit is tried on pairs of problems of the same shape, one call on the first and then one on the second, and on one problem over and
over. Where no fresh process is to be had, this process takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np
import scipy

from properties.guard.damping_fit import fitted_damping
from properties.guard.dampings import families, intended
from properties.guard.diagnosis import causes_of_probes
from properties.guard.fresh import AfterCalls
from properties.guard.implementation import Implementation, Loaded
from properties.guard.instances import Problem
from properties.guard.panel import PER_SHAPE, Probe, panel
from properties.guard.remedies import Cause, Meant
from properties.guard.workings import UndefinedError, Workings
from theory.inputs import FloatArray

REPEATED = 12
"""Calls on one input."""

LISTED = 4
"""Of factors, so many are told."""

PAIRS = 8
"""Pairs of problems that are tried."""

State = Callable[[Workings, Workings, FloatArray, float], FloatArray]
"""``(workings before, workings now, V of the call before, parameter)`` -> V."""


def state_causes(implementation: Implementation, unit_roundoff: float) -> list[Cause]:
    """What the step keeps from one call to the next; empty where no answer depends on the calls before."""
    key = implementation.plain
    if (known := _KNOWN.get(key)) is not None and known[0] is implementation.loaded:
        return known[1]
    found = _found(implementation, unit_roundoff)
    _KNOWN[key] = (implementation.loaded, found)
    return found


_KNOWN: dict[Implementation, tuple[Loaded, list[Cause]]] = {}
"""What was found of a step already: several claims ask."""


KEEP_NOTHING = "keep nothing from one call to the next: make matrices, buffers and optimisers anew in every call"
"""What to change, whatever is kept."""


def _found(implementation: Implementation, unit_roundoff: float) -> list[Cause]:
    sessions = _Sessions(implementation)
    pairs = list(_pairs(panel(implementation.optimiser, unit_roundoff, implementation.damping)))[:PAIRS]
    if not pairs:
        return []
    repeated = sessions.probes([pairs[0][0]] * REPEATED)
    chains = [sessions.probes([first, second, first]) for first, second in pairs]
    alone = [sessions.probes([second]) for _, second in pairs]
    if not _depends(repeated, chains, alone):
        return []
    return _named(implementation, repeated, chains, alone)


def _pairs(problems: Sequence[Problem]) -> Iterator[tuple[Problem, Problem]]:
    """Two problems of the same shape."""
    for first, second in zip(problems[::PER_SHAPE], problems[1::PER_SHAPE], strict=False):
        if first.given.weights.shape == second.given.weights.shape and len(first.given.targets) == len(
            second.given.targets
        ):
            yield first, second


class _Sessions:
    def __init__(self, implementation: Implementation) -> None:
        self._implementation = implementation

    def probes(self, problems: Sequence[Problem]) -> list[Probe | None]:
        """What the step returns on the problems one after the other, from a first call on where that is to be had."""
        own = self._implementation
        session = own if own.loaded.directory is None else AfterCalls.on(own)
        found: list[Probe | None] = []
        for problem in problems:
            answer = session.answer(problem.call())
            found.append(None if answer.weights is None else Probe(problem, answer.weights, answer.unit_roundoff))
        return found


Chain = list[Probe]


def _same(one: Probe | None, other: Probe | None) -> bool:
    if one is None or other is None:
        return one is other
    distance = float(np.linalg.norm(one.weights - other.weights))
    return distance <= one.allowed(one.update, 1.0)


def _depends(
    repeated: Sequence[Probe | None], chains: Sequence[Sequence[Probe | None]], alone: Sequence[Sequence[Probe | None]]
) -> bool:
    if not all(_same(repeated[0], probe) for probe in repeated):
        return True
    return not all(
        _same(chain[1], one[0]) and _same(chain[0], chain[2]) for chain, one in zip(chains, alone, strict=True)
    )


def _named(
    implementation: Implementation,
    repeated: Sequence[Probe | None],
    chains: Sequence[Sequence[Probe | None]],
    alone: Sequence[Sequence[Probe | None]],
) -> list[Cause]:
    known = [probe for probe in repeated if probe is not None]
    whole = [[probe for probe in chain if probe is not None] for chain in chains]
    if len(known) < len(repeated) or any(len(chain) < 3 for chain in whole):
        broken = sum(probe is None for chain in (repeated, *chains) for probe in chain)
        said = f"state is kept: {broken} of the calls returned no weights, which depends on the calls before"
        return [Cause(said, KEEP_NOTHING)]
    first = [probe for (probe,) in alone if probe is not None]
    habits = _added_damping(implementation, known) or _after_one_call(whole) or _factors(known) or _changing(known)
    if not habits:
        return [
            Cause("state is kept: the answer depends on the calls before, by none of the habits known", KEEP_NOTHING)
        ]
    found = [Cause(f"{habit} (state is kept)", KEEP_NOTHING) for habit in habits]
    if not all(probe.exact for probe in first):
        causes = causes_of_probes(first, Meant(implementation.optimiser, implementation.damping))
        found += [Cause(f"the first call in a fresh process {cause.said}", cause.remedy) for cause in causes]
    return found


# --- one input over and over -----------------------------------------------------------------------------------------


def _added_damping(implementation: Implementation, repeated: Chain) -> list[str]:
    undamped = implementation.damping is None
    for family in families(implementation.optimiser):
        fitted = []
        for probe in repeated[:LISTED]:
            eps = 0.0 if probe.exact and undamped else fitted_damping(probe, family.formula)
            if eps is None:
                break
            if eps and not _follows(probe, lambda w, f=family.formula, e=eps: f(w, e)):  # type: ignore[misc]
                break
            fitted.append(eps)
        if len(fitted) < LISTED:
            continue
        increments = np.diff(fitted)
        if increments[0] > 0 and np.ptp(increments) <= 1e-6 * abs(increments[0]):
            name = family.name.format(eps="an eps that is added again")
            return [f"matches {name}: eps grows by {increments[0]:.6g} with every call"]
    return []


def _follows(probe: Probe, formula: Callable[[Workings], FloatArray]) -> bool:
    try:
        return probe.follows(formula)
    except (UndefinedError, np.linalg.LinAlgError):
        return False


def _factors(repeated: Chain) -> list[str]:
    """Multiples of the first answer's update."""
    first = repeated[0]
    length = float(np.linalg.norm(first.update))
    if not length > 0:
        return []
    factors = []
    for probe in repeated:
        factor = float(np.vdot(first.update, probe.update)) / length**2
        rest = float(np.linalg.norm(probe.update - factor * first.update)) * probe.given.step_size
        if rest > probe.allowed(max(1.0, abs(factor)) * first.update, 1.0):
            return []
        factors.append(factor)
    if len({f"{factor:.6g}" for factor in factors}) < REPEATED // 2:
        return []
    told = ", ".join(_fraction(factor) for factor in factors[:LISTED])
    return [f"the updates on one input over and over are {told} times the first"]


def _fraction(value: float) -> str:
    near = Fraction(value).limit_denominator(16)
    return str(near) if abs(float(near) - value) <= 1e-9 * abs(value) else f"{value:.6g}"


def _changing(repeated: Chain) -> list[str]:
    """Some calls exact and others not, on the same input."""
    wrong = [number for number, probe in enumerate(repeated, 1) if not probe.exact]
    if not wrong or len(wrong) == len(repeated):
        return []
    before = "call 1" if wrong[0] == 2 else f"calls 1 to {wrong[0] - 1}"
    right = f"{before} on the same input {'is' if wrong[0] == 2 else 'are'} exact, " if wrong[0] > 1 else ""
    probe = repeated[wrong[0] - 1]
    what = " (no step at all)" if not probe.update.any() else ""
    rhythm = ""
    period = wrong[0]
    if period > 1 and wrong == list(range(period, len(repeated) + 1, period)):
        rhythm = f": every call whose number is a multiple of {period}"
    again = f"call {wrong[0]} on the same input is not{what}{rhythm}"
    return [right + again]


# --- after one call on another problem of the same shape -------------------------------------------------------------


def _stale(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    pattern = now.X @ before.W.T >= 0
    now.S = np.where(pattern, now.signs, 0.0) / np.sqrt(now.m)
    return exact_of(now)


def _with_gram(now: Workings, G: FloatArray) -> FloatArray:
    """The step of NGD with this G, damped where that is meant."""
    eps = 0.0 if now.given.damping is None else now.given.damping.eps
    return now.J.T @ (now.inverse(G + eps * np.eye(len(G))) @ now.r)


def _with_fisher(now: Workings, F: FloatArray) -> FloatArray:
    """The step with this Fisher matrix, damped where that is meant."""
    eps = 0.0 if now.given.damping is None else now.given.damping.eps
    return now.inverse(F + eps * np.eye(len(F))) @ now.g


def _with_factors(now: Workings, left: FloatArray, right: FloatArray) -> FloatArray:
    """The step of K-FAC with these for ``S^T S`` and ``X^T X``, damped where that is meant."""
    damping = now.given.damping
    if damping is None:
        return now.inverse(left) @ now.B @ now.inverse(right)
    if damping.kind == "product":
        whole = np.kron(left, right) + damping.eps * np.eye(now.W.size)
        return now.inverse(whole) @ now.g
    pi = math.sqrt(np.trace(right) / now.d / (np.trace(left) / now.m)) if damping.kind == "pi" else 1.0
    size = math.sqrt(damping.eps) if damping.kind == "pi" else damping.eps
    first, second = left + size / pi * np.eye(now.m), right + size * pi * np.eye(now.d)
    return now.inverse(first) @ now.B @ now.inverse(second)


def _kept_matrix(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    """What is inverted is that of the call before: G, or for K-FAC the two factors."""
    if now.given.optimiser == "kfac":
        return _with_factors(now, before.S.T @ before.S, before.X.T @ before.X)
    return _with_gram(now, before.J @ before.J.T)


def _kept_fisher(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    return _with_fisher(now, before.J.T @ before.J)


def _averaged(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    def mixed(one: FloatArray, other: FloatArray) -> FloatArray:
        return value * one + (1 - value) * other

    if now.given.optimiser == "kfac":
        return _with_factors(
            now, mixed(before.S.T @ before.S, now.S.T @ now.S), mixed(before.X.T @ before.X, now.X.T @ now.X)
        )
    return _with_fisher(now, mixed(before.J.T @ before.J, now.J.T @ now.J))


def _averaged_gram(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    return _with_gram(now, value * (before.J @ before.J.T) + (1 - value) * (now.J @ now.J.T))


def _momentum(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    return exact_of(now) + value * V


def _averaged_update(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    return (1 - value) * exact_of(now) + value * V


def _solution(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    """The solution of the n x n system that was the call before's is added, ``value`` times."""
    eps = 0.0 if now.given.damping is None else now.given.damping.eps
    kept = before.inverse(before.J @ before.J.T + eps * np.eye(before.n)) @ before.r
    return exact_of(now).ravel() + value * (now.J.T @ kept)


def _cached(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    return V


def _old_gradient(before: Workings, now: Workings, V: FloatArray, value: float) -> FloatArray:
    now.r = before.r
    return exact_of(now)


def exact_of(w: Workings) -> FloatArray:
    """The direction of the step that is meant, (m, d)."""
    return intended(w.given.optimiser, w.given.damping)(w).reshape(w.m, w.d)


HABITS: tuple[tuple[str, State], ...] = (
    ("the exact step with the activation pattern of the previous call", _stale),
    ("the exact step with the matrix of the {which} call of the same shape, kept", _kept_matrix),
    ("the exact step with the Fisher matrix of the {which} call of the same shape, kept", _kept_fisher),
    ("the previous call's update, kept", _cached),
    ("the exact step with the residual of the previous call", _old_gradient),
)
"""Without a parameter."""

FITTED_HABITS: tuple[tuple[str, State], ...] = (
    ("a moving average of what is inverted, of which {value:.6g} is the previous call's", _averaged),
    ("a moving average of G, of which {value:.6g} is the previous call's", _averaged_gram),
    ("a moving average of the updates, of which {value:.6g} is the previous call's", _averaged_update),
    ("the exact step to which {value:.6g} times the previous call's update is added (momentum)", _momentum),
    (
        "the exact step to which {value:.6g} times the previous call's solution of the n x n system is added (a warm start)",
        _solution,
    ),
)
"""With one parameter, between the numbers of ``BETWEEN``."""

BETWEEN = (1e-3, 1.5)


def _after_one_call(chains: Sequence[Chain]) -> list[str]:
    found = []
    for name, habit in HABITS:
        if all(_fits(habit, chain, 0.0) for chain in chains) and not all(chain[1].exact for chain in chains):
            exact_again = all(_same(chain[0], chain[2]) for chain in chains)
            which = "first" if exact_again else "previous"
            found.append(f"matches {name.format(which=which)}")
    if found or all(chain[1].exact for chain in chains):
        return found
    for name, habit in FITTED_HABITS:
        value = _fitted(habit, chains[0])
        if value is None:
            continue
        if all(_fits(habit, chain, value) for chain in chains):
            found.append(f"matches {name.format(value=value)}")
    return found


def _direction(habit: State, chain: Chain, value: float) -> tuple[FloatArray, float]:
    before, now = chain[:2]
    old = Workings(before.given)

    def formula(w: Workings) -> FloatArray:
        found = habit(old, w, before.update, value)
        w.number = max(w.number, old.number)
        return found

    return now.along(formula)


def _fits(habit: State, chain: Chain, value: float) -> bool:
    try:
        direction, number = _direction(habit, chain, value)
    except (UndefinedError, np.linalg.LinAlgError):
        return False
    now = chain[1]
    distance = float(np.linalg.norm(now.update - direction)) * now.given.step_size
    return distance <= now.allowed(direction, number)


def _fitted(habit: State, chain: Chain) -> float | None:
    """The parameter at which the direction is nearest to the step's, where it is one."""

    def distance(value: float) -> float:
        try:
            return float(np.linalg.norm(_direction(habit, chain, value)[0] - chain[1].update))
        except (UndefinedError, np.linalg.LinAlgError):
            return float("inf")

    found = scipy.optimize.minimize_scalar(distance, bounds=BETWEEN, method="bounded", options={"xatol": 1e-10})
    value = float(f"{found.x:.5g}")
    return value if _fits(habit, chain, value) else None
