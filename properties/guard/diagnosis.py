"""Which convention a wrong step follows, of those known: all that fit, on the instance that refuted it and on a fixed panel.

A convention is named only when it fits every problem tried to within rounding, with one eps, or one multiple, for all of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from properties.engine.report.causes import without_numbers
from properties.guard.conventions import conventions
from properties.guard.damping import Damping
from properties.guard.damping_fit import damping_sentences
from properties.guard.dampings import intended
from properties.guard.implementation import Implementation
from properties.guard.instances import StepInstance
from properties.guard.multiples import EXACT, Multiple, causes, fitted_multiple
from properties.guard.panel import ENOUGH, SHAPES, SINGLE, Probe, judged, panel, probed
from properties.guard.workings import Formula, UndefinedError
from theory.direction import raised, reduced

NONE_KNOWN = "none of those known matches on all {tried} instances tried"


def cause_sentences(implementation: Implementation, refuted: StepInstance) -> list[str]:
    """What is known of the cause, a sentence each; never empty."""
    u, damping = refuted.unit_roundoff, implementation.damping
    problems = panel(implementation.optimiser, u, damping)
    answers = [(problem, problem.answer(implementation)) for problem in problems]
    probes = [Probe(problem, answer.weights, u) for problem, answer in answers if answer.weights is not None]
    broken = Counter(answer.problem for _, answer in answers if answer.weights is None)
    if refuted.answer.weights is None:
        return [
            _broken(refuted, broken, len(problems)),
            *(cause_sentences_of(probes, implementation.optimiser, damping) if probes else []),
        ]
    if broken:
        return [f"the step {_counted(broken)} of the {len(problems)} small instances tried"]
    here = Probe(refuted.problem, refuted.answer.weights, u)
    if all(probe.exact for probe in probes) and probes:
        return [exact_sentence(refuted, here, len(probes))]
    own = [here] if judged(refuted.problem, u) else []
    found = cause_sentences_of([*own, *probes], implementation.optimiser, damping)
    return found or [NONE_KNOWN.format(tried=len(probes) + len(own))]


def _broken(refuted: StepInstance, broken: Counter[str], tried: int) -> str:
    if not broken:
        n, d = refuted.problem.given.inputs.shape
        m = len(refuted.problem.given.signs)
        return (
            f"the step {refuted.answer.problem} here, with n = {n}, d = {d}, m = {m}{_rank(refuted)}, and on none of the "
            f"{tried} small instances tried"
        )
    return f"the step {_counted(broken)} of the {tried} small instances tried"


def _counted(broken: Counter[str]) -> str:
    """What the step did on how many instances: texts that differ in their numbers alone are one, that of the first."""
    firsts: dict[str, str] = {}
    alike: Counter[str] = Counter()
    for what, count in broken.items():
        alike[firsts.setdefault(without_numbers(what), what)] += count
    return ", ".join(f"{what} on {count}" for what, count in alike.items())


def _rank(refuted: StepInstance) -> str:
    """What is said of a singular matrix."""
    problem = refuted.problem
    if problem.regular:
        return ""
    name, size = "H" if problem.optimiser == "kfac" else "G", problem.matrix.nrows()
    return f", where {name} ({size} x {size}) has the rank {problem.rank}"


def exact_sentence(refuted: StepInstance, here: Probe, tried: int) -> str:
    """What is said of a step that is exact on the panel, and on the refuted instance or not there.

    What is broken is then its contract, or it depends on something that the panel's small networks have not.
    """
    if not refuted.problem.regular:
        return f"the step is exact on all {tried} small instances tried, and not on this one{_rank(refuted)}"
    if not judged(refuted.problem, here.unit_roundoff) or here.exact:
        mutated = " and ".join(refuted.answer.mutated)
        broken = f", as it changes its argument {mutated}" if mutated else ""
        return f"the step itself is exact on all {tried + 1} instances tried; its contract is what is broken{broken}"
    n, d = refuted.problem.given.inputs.shape
    return (
        f"the step is exact on all {tried} small instances tried "
        f"(2 <= n <= {max(n for n, _, _ in SHAPES)}, 2 <= d <= {max(d for _, d, _ in SHAPES)}, "
        f"4 <= m <= {max(m for _, _, m in SHAPES)}, step sizes of 1/8 to 7/8), and not on this one, of n = {n}, d = {d}, "
        f"m = {len(refuted.problem.given.signs)}, step size {refuted.problem.given.step_size:.4g}, "
        f"condition {refuted.problem.condition.number:.3g}: it depends on the size, the step size, or the condition"
    )


def matching(implementation: Implementation, refuted: StepInstance) -> list[str]:
    """The sentences of all conventions that fit the panel and the refuted instance; empty when none does."""
    assert refuted.answer.weights is not None
    damping = implementation.damping
    problems = panel(implementation.optimiser, refuted.unit_roundoff, damping)
    here = Probe(refuted.problem, refuted.answer.weights, refuted.unit_roundoff)
    probes = [here, *probed(implementation, problems)]
    exact_everywhere = all(probe.exact for probe in probes)
    return [] if exact_everywhere else cause_sentences_of(probes, implementation.optimiser, damping)


def cause_sentences_of(probes: Sequence[Probe], optimiser: str, damping: Damping | None) -> list[str]:
    """The sentences of all conventions that fit all of these probes."""
    if all(probe.exact for probe in probes):
        return []
    if all(not probe.update.any() for probe in probes):
        return [_sentence("no step at all", len(probes))]
    found = list(_plain(probes, optimiser, damping))
    if not found:
        found = [_sentence(name, tried) for name, tried in damping_sentences(probes, optimiser)]
    if not found:
        found = _lengths(probes, intended(optimiser, damping))
    if not found and (cut := cut_off(probes)):
        found = [_sentence(cut, len(probes))]
    return found or _single_precision(probes)  # last: a tiny damping is within what float32 may do


def _sentence(name: str, tried: int) -> str:
    return f"matches {name} on all {tried} instances tried"


def _plain(probes: Sequence[Probe], optimiser: str, damping: Damping | None) -> list[str]:
    """Conventions without a parameter; multiples of one only where none fits as it is."""
    found, multiples = [], []
    for convention in conventions(optimiser, None if damping is None else intended(optimiser, damping)):
        multiple = fitted_multiple(probes, convention.formula)
        if multiple is None:
            continue
        if multiple.one:
            found.append(_sentence(convention.name, multiple.tried))
        elif convention.name == EXACT:
            return [_sentence(_multiple_of_the_step(multiple, optimiser), multiple.tried)]
        elif convention.scaled:
            multiples.append(_sentence(f"{multiple} times {convention.name}", multiple.tried))
    return found or multiples


def _multiple_of_the_step(multiple: Multiple, optimiser: str) -> str:
    known = causes(multiple, optimiser)
    if multiple.k == -1 and not any(multiple.exponents):
        return "the opposite sign"
    text = f"{multiple} times the step"
    return f"{text} ({'; or '.join(known)})" if known else text


def _lengths(probes: Sequence[Probe], right: Formula) -> list[str]:
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
            return [_sentence(f"the exact {name} scaled to the length {cut:.6g}", len(found))]
        if sum(b > cut * (1 + CLOSE) for b in own) >= 2:
            return [_sentence(f"the exact {name} clipped to the length {cut:.6g}", len(found))]
    return []


CLOSE = 1e-9
"""Lengths that agree to this share are taken for the same: far above the rounding of well conditioned problems."""


def _single_precision(probes: Sequence[Probe]) -> list[str]:
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
    if shown:
        return [_sentence("the exact step computed in float32 and returned in float64", len(known))]
    return [
        _sentence(
            "the exact step to single precision (a part of it in float32, or another error of this size)", len(known)
        )
    ]


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
