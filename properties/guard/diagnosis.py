"""Which convention a wrong step follows, of those known: all that fit, on the instance that refuted it and on a fixed panel.

A convention is named only when it fits every problem tried to within rounding, with one eps, or one multiple, for all of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from properties.engine.report.causes import without_numbers
from properties.guard.conventions import EXACT, conventions
from properties.guard.damping_fit import fitted_families
from properties.guard.dampings import intended
from properties.guard.implementation import Answer, Implementation, Trouble
from properties.guard.instances import StepInstance
from properties.guard.multiples import Multiple, fitted_multiple
from properties.guard.panel import ENOUGH, SHAPES, SINGLE, Probe, judged, panel, probed
from properties.guard.readings import readings
from properties.guard.remedies import PSEUDO_INVERSE, TAKE, UNJUDGED, UPDATED, Cause, Meant
from properties.guard.workings import Formula, UndefinedError
from theory.direction import raised, reduced

NO_STEP = f"{UPDATED}, not weights as they were given"
LENGTH = "leave the length of the step as it is: no normalisation, no clipping"
CUT_OFF = "cut off eigenvalues at the size of their rounding alone, some n 2^-52 of the largest (rcond)"
DOUBLE = "keep float64 throughout, or return float32, which is judged by what float32 may do"
COPIES = "work on copies: weights = weights.copy(), and so for whatever else is changed"
OF_ITS_OWN = "return an array of its own from every call, and 0 where nothing is to move"
SETS_IN = "look for what sets in with the size or the condition: a limit of iterations, a batch or block size, a cut-off, float32"

NONE_KNOWN = "none of those known matches on all {tried} instances tried"


def causes_of(implementation: Implementation, refuted: StepInstance, place: str = "") -> list[Cause]:
    """What is known of the cause; never empty. ``place``: the line of the step that an exception came through."""
    u, damping = refuted.unit_roundoff, implementation.damping
    meant = Meant(implementation.optimiser, damping)
    problems = panel(implementation.optimiser, u, damping)
    answers = [(problem, problem.answer(implementation)) for problem in problems]
    probes = [Probe(problem, answer.weights, u) for problem, answer in answers if answer.weights is not None]
    broken = [answer for _, answer in answers if answer.weights is None]
    if refuted.answer.weights is None:
        said, change = _broken(broken, len(problems)) if broken else _broken_here(refuted, len(problems))
        return [Cause(said, meant.told(change, place)), *(causes_of_probes(probes, meant) if probes else [])]
    if broken:
        said, change = _broken(broken, len(problems))
        return [Cause(said, meant.told(change, place))]
    here = Probe(refuted.problem, refuted.answer.weights, u)
    if all(probe.exact for probe in probes) and probes:
        return [exact_cause(refuted, here, len(probes))]
    own = [here] if judged(refuted.problem, u) else []
    return causes_of_probes([*own, *probes], meant) or [Cause(NONE_KNOWN.format(tried=len(probes) + len(own)), "")]


TROUBLES: Mapping[Trouble, str] = {
    Trouble.SINGULAR: f"{PSEUDO_INVERSE}: J^T J, S^T S and X^T X are singular where rows are fewer than columns",
    Trouble.SINGULAR_AMID: f"{PSEUDO_INVERSE}: J^T J, S^T S and X^T X are singular where rows are fewer than columns",
    Trouble.RAISED: "mend {place}; the step is called with any n, d and m from 1 on",
    Trouble.NOTHING: "return the new weights (m, d), where they were changed in place too",
    Trouble.SHAPE: "return an array of the shape of weights, (m, d)",
    Trouble.TYPE: "return real floating-point numbers",
    Trouble.UNSTARTED: "make the step a plain function that returns the new weights",
    Trouble.NOT_FINITE: "no entry may be NaN or infinite: look where the step divides, or overflows",
    Trouble.ENDED: TAKE,
}
"""What to change where no weights come back."""


def _broken(broken: Sequence[Answer], tried: int) -> tuple[str, str]:
    """What the step did on the panel, and what to change first; what was raised behind another trouble is left for later."""
    first, *others = (answer.trouble for answer in broken if answer.trouble is not None)
    change = TROUBLES[min([first, *(one for one in others if one is not Trouble.RAISED)])]
    return f"the step {_counted(broken)} of the {tried} small instances tried", change


def _broken_here(refuted: StepInstance, tried: int) -> tuple[str, str]:
    """The same of a step that returns weights on all of the panel."""
    answer, rank = refuted.answer, _rank(refuted)
    n, d = refuted.problem.given.inputs.shape
    m = len(refuted.problem.given.signs)
    said = (
        f"the step {answer.problem} here, with n = {n}, d = {d}, m = {m}{rank}, and on none of the "
        f"{tried} small instances tried"
    )
    assert answer.trouble is not None
    return said, UNJUDGED if rank and answer.trouble is Trouble.SINGULAR else TROUBLES[answer.trouble]


def _counted(broken: Sequence[Answer]) -> str:
    """What the step did on how many instances: texts that differ in their numbers alone are one, that of the first."""
    firsts: dict[str, str] = {}
    alike: Counter[str] = Counter()
    for what in (answer.problem for answer in broken):
        alike[firsts.setdefault(without_numbers(what), what)] += 1
    return ", ".join(f"{what} on {count}" for what, count in alike.items())


def _rank(refuted: StepInstance) -> str:
    """What is said of a singular matrix."""
    problem = refuted.problem
    if problem.regular:
        return ""
    name, size = "H" if problem.optimiser == "kfac" else "G", problem.matrix.nrows()
    return f", where {name} ({size} x {size}) has the rank {problem.rank}"


def exact_cause(refuted: StepInstance, here: Probe, tried: int) -> Cause:
    """What is said of a step that is exact on the panel, and on the refuted instance or not there.

    What is broken is then its contract, or it depends on something that the panel's small networks have not.
    """
    if not refuted.problem.regular:
        said = f"the step is exact on all {tried} small instances tried, and not on this one{_rank(refuted)}"
        return Cause(said, UNJUDGED)
    if not judged(refuted.problem, here.unit_roundoff) or here.exact:
        mutated = " and ".join(refuted.answer.mutated)
        broken = f", as it changes its argument {mutated}" if mutated else ""
        said = f"the step itself is exact on all {tried + 1} instances tried; its contract is what is broken{broken}"
        return Cause(said, COPIES if mutated else OF_ITS_OWN)
    n, d = refuted.problem.given.inputs.shape
    said = (
        f"the step is exact on all {tried} small instances tried "
        f"(2 <= n <= {max(n for n, _, _ in SHAPES)}, 2 <= d <= {max(d for _, d, _ in SHAPES)}, "
        f"4 <= m <= {max(m for _, _, m in SHAPES)}, step sizes of 1/8 to 7/8), and not on this one, of n = {n}, d = {d}, "
        f"m = {len(refuted.problem.given.signs)}, step size {refuted.problem.given.step_size:.4g}, "
        f"condition {refuted.problem.condition.number:.3g}: it depends on the size, the step size, or the condition"
    )
    return Cause(said, SETS_IN)


def matching(implementation: Implementation, refuted: StepInstance) -> list[Cause]:
    """All conventions that fit the panel and the refuted instance; empty when none does."""
    assert refuted.answer.weights is not None
    damping = implementation.damping
    problems = panel(implementation.optimiser, refuted.unit_roundoff, damping)
    here = Probe(refuted.problem, refuted.answer.weights, refuted.unit_roundoff)
    probes = [here, *probed(implementation, problems)]
    exact_everywhere = all(probe.exact for probe in probes)
    return [] if exact_everywhere else causes_of_probes(probes, Meant(implementation.optimiser, damping))


def causes_of_probes(probes: Sequence[Probe], meant: Meant) -> list[Cause]:
    """All conventions that fit all of these probes."""
    if all(probe.exact for probe in probes):
        return []
    if all(not probe.update.any() for probe in probes):
        return [_matched("no step at all", len(probes), NO_STEP)]
    found = list(_plain(probes, meant))
    if not found:
        fitted = fitted_families(probes, meant.optimiser)
        found = [_matched(one.name, one.tried, one.remedy(meant)) for one in fitted]
    if not found:
        found = _lengths(probes, intended(meant.optimiser, meant.damping))
    if not found and (cut := cut_off(probes)):
        found = [_matched(cut, len(probes), CUT_OFF)]
    return found or _single_precision(probes)  # last: a tiny damping is within what float32 may do


def _matched(name: str, tried: int, remedy: str) -> Cause:
    return Cause(f"matches {name} on all {tried} instances tried", remedy)


def _plain(probes: Sequence[Probe], meant: Meant) -> list[Cause]:
    """Conventions without a parameter; multiples of one only where none fits as it is."""
    optimiser, damping = meant.optimiser, meant.damping
    found, multiples = [], []
    for convention in conventions(optimiser, None if damping is None else intended(optimiser, damping)):
        multiple = fitted_multiple(probes, convention.formula)
        if multiple is None:
            continue
        remedy = meant.told(convention.remedy)
        if multiple.one:
            found.append(_matched(convention.name, multiple.tried, remedy))
        elif convention.name == EXACT:
            return [_multiple_of_the_step(multiple, optimiser)]
        elif convention.scaled:
            name = f"{multiple} times {convention.name}"
            multiples.append(_matched(name, multiple.tried, f"{remedy}; and {multiple.undone}"))
    return found or multiples


def _multiple_of_the_step(multiple: Multiple, optimiser: str) -> Cause:
    known = readings(multiple, optimiser)
    ways = list(dict.fromkeys(reading.way for reading in known))
    if multiple.k == -1 and not any(multiple.exponents):
        return _matched("the opposite sign", multiple.tried, "; or ".join(ways))
    if not (ways and multiple.of_step_size):
        ways.append(multiple.undone)
    said = "; or ".join(reading.said for reading in known)
    name = f"{multiple} times the step"
    return _matched(f"{name} ({said})" if said else name, multiple.tried, "; or ".join(ways))


def _lengths(probes: Sequence[Probe], right: Formula) -> list[Cause]:
    """The exact direction with a length of its own: normalised to one length, or cut to one where it was longer."""
    lengths, before = [], []
    for probe in probes:
        try:
            direction, number = probe.along(right)
        except UndefinedError:
            return []
        length = float(np.linalg.norm(direction))
        size = float(np.linalg.norm(probe.update))
        if length == 0:  # at a fixed point
            return []
        if float(np.linalg.norm(probe.update - size / length * direction)) * probe.given.step_size > probe.allowed(
            direction, number
        ):
            return []
        lengths.append(size)
        before.append(length)
    etas = [probe.given.step_size for probe in probes]
    for name, found, own in (
        ("direction", lengths, before),
        (
            "step",
            [a * b for a, b in zip(lengths, etas, strict=True)],
            [a * b for a, b in zip(before, etas, strict=True)],
        ),
    ):
        cut = max(found)
        kept = [abs(a - min(b, cut)) <= CLOSE * b for a, b in zip(found, own, strict=True)]
        if not all(kept):
            continue
        if all(abs(a - cut) <= CLOSE * cut for a in found):
            return [_matched(f"the exact {name} scaled to the length {cut:.6g}", len(found), LENGTH)]
        if sum(b > cut * (1 + CLOSE) for b in own) >= 2:
            return [_matched(f"the exact {name} clipped to the length {cut:.6g}", len(found), LENGTH)]
    return []


CLOSE = 1e-9
"""Lengths that agree to this share are taken for the same: far above the rounding of well conditioned problems."""


def _single_precision(probes: Sequence[Probe]) -> list[Cause]:
    """Whether float32 explains the step: within its allowance where W' consists of float32 numbers, else much nearer.

    The allowance is a worst case, within which other faults of a small size lie too; what one rounding in each of the ``n + m d``
    operations in a row may do, eight times, is what is asked of a step whose numbers do not show float32.
    """
    known = [probe for probe in probes if judged(probe.problem, SINGLE)]
    if len(known) < ENOUGH or any(probe.unit_roundoff >= SINGLE for probe in probes):
        return []
    shown = all(np.array_equal(probe.weights, probe.weights.astype(np.float32)) for probe in known)
    for probe in known:
        direction = probe.given.exact
        distance = float(np.linalg.norm(probe.update - direction)) * probe.given.step_size
        allowed = probe.allowed(direction, 1.0, SINGLE)
        if not shown:
            condition, operations = probe.problem.condition, len(probe.given.y) + probe.weights.size
            moved = condition.number * condition.direction * probe.given.step_size + condition.weights
            allowed = min(allowed, 8 * operations * SINGLE * moved)
        if distance > allowed:
            return []
    name = "the exact step to single precision (a part of it in float32, or another error of this size)"
    if shown:
        name = "the exact step computed in float32 and returned in float64"
    return [_matched(name, len(known), DOUBLE)]


# --- cut-off ---------------------------------------------------------------------------------------------------------


def cut_off(probes: Sequence[Probe]) -> str:
    """Whether every step is one through a pseudo-inverse whose small eigenvalues are cut off, at one level."""
    name = "H" if probes[0].problem.optimiser == "kfac" else "G"
    for relative in (True, False):
        below, above = 0.0, math.inf
        for probe in probes:
            levels = _levels(probe, relative)
            if levels is None:
                return ""
            below, above = max(below, levels[0]), min(above, levels[1])
        if 0 < below < above:
            kind = "a relative" if relative else "an absolute"
            return (
                f"a pseudo-inverse of {name} with {kind} cut-off between {reduced(below, 3)} and {raised(above, 3)} "
                f"(of {'S' if name == 'H' else 'J'}: between {reduced(math.sqrt(below), 3)} and {raised(math.sqrt(above), 3)})"
            )
    return ""


@np.errstate(divide="ignore", invalid="ignore")  # eigenvalues of 0 fit nothing before they are dropped
def _levels(probe: Probe, relative: bool) -> tuple[float, float] | None:
    """Cut-offs (above, up to) that explain the step: eigenvalues of G, or H, below them are dropped."""
    given, kronecker = probe.given, probe.problem.optimiser == "kfac"
    r = (given.u - given.y)[:, None]
    H = given.S @ given.S.T
    dual = np.linalg.pinv(given.X).T
    values, vectors = np.linalg.eigh(H if kronecker else H * (given.X @ given.X.T))
    levels = [0.0, *(values / (values[-1] if relative else 1.0)).tolist()]
    right = r * dual if kronecker else r
    for dropped in range(len(values)):
        kept = vectors[:, dropped:]
        solved = (kept / values[dropped:]) @ (kept.T @ right)
        direction = given.S.T @ (solved if kronecker else solved * given.X)
        distance = float(np.linalg.norm(probe.update - direction)) * given.step_size
        if distance <= probe.allowed(direction, 1.0):
            return levels[dropped], levels[dropped + 1]
    return None
