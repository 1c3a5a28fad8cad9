"""What a data set's certificate answers: the paper's step and what allows more in one sentence, then each number of rows, and where none is, why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from properties.dataset.natural_gradient_numbers import NaturalGradientNumbers
from properties.dataset.tube_numbers import TubeNumbers
from properties.engine.report.plain import counted
from theory.direction import NONNEGATIVE, UNBOUNDED, CertifiedSteps, LowerBound, UpperBound, digits, evidence

Certificate = Mapping[str, Any]
"""The plain values of a data set's certificate, as claims.json holds them."""

PAPER, DERIVED, TUBE = ("T1",), ("T1-sharp", "T1-q"), "T1-tube"
"""Theorems on NGD's step size: the paper's, sharper ones derived here, the sharpest first, and that of a tube, for every step up to 1."""

Groups = Mapping[int, Sequence[Mapping[str, Any]]]
"""The networks by how many rows they are on."""


def _groups(certificate: Certificate) -> Groups:
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for rung in certificate.get("rungs", ()):
        if "rows" in rung:
            groups.setdefault(rung["rows"], []).append(rung)
    return dict(sorted(groups.items()))


def certifies(certificate: Certificate) -> bool:
    """Whether a theorem allows NGD a step size on any network."""
    return any(_certified(group) for group in _groups(certificate).values())


def grounds(certificate: Certificate) -> str:
    """The step sizes certified for NGD, a sentence for each number of rows; certified ones first, then where nothing is, and why."""
    groups = _groups(certificate)
    if not groups:
        return ""
    given = certificate.get("n", max(groups))
    found = [(_certified(group), rows, group) for rows, group in groups.items()]
    sentences = [f"On {_which(rows, given, group)} {said}." for said, rows, group in found if said]
    sentences += [f"On {_which(rows, given, group)} {_uncertified(group)}." for said, rows, group in found if not said]
    parallel = (certificate.get("inputs") or {}).get("unscaled") or ""
    sentences += ["Your rows are nearly parallel: try --standardise."] if "--standardise" in parallel else []
    return " ".join(sentences)


# --- the answer ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Allowed:
    """What a theorem allows on a network."""

    rung: Mapping[str, Any]
    theorem: str
    steps: str
    """In few words."""


def answer(certificate: Certificate) -> str:
    """One sentence: the step that T1 allows, on the most rows where it allows one; what allows more; what is estimated to, on all rows."""
    groups = _groups(certificate)
    if not groups:
        return "No network has been certified."
    given = certificate.get("n", max(groups))

    def place(found: _Allowed) -> str:
        rows = found.rung["rows"]
        return f"on {_which(rows, given, groups[rows])}"

    def network(found: _Allowed) -> str:
        return f"{place(found)} at m = {found.rung['width']:,},"

    paper, most = _foremost(groups, _of_the_paper), _foremost(groups, _of_any)
    asked = any("ngd" in rung for group in groups.values() for rung in group)
    clauses = [f"{network(paper)} T1 allows {paper.steps}"] if paper else []
    if not paper and asked:
        clauses = [f"T1 allows no step on any network tried{'' if most else ', nor does another theorem on NGD'}"]
    elif not most:
        clauses = ["no tube closes on any network tried"]
    if most and paper and most.rung is paper.rung and most.theorem not in PAPER:
        clauses = [f"{clauses[0]}, {most.theorem} {most.steps}"]
    elif most and most.theorem not in PAPER:
        clauses.append(f"{place(most) if paper else network(most)} {most.theorem} allows {most.steps}")
    clauses += _estimated(groups, given, said=most is not None and most.theorem == TUBE)
    sentence = "; ".join(clauses)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _foremost(groups: Groups, allowed: Callable[[Sequence[Mapping[str, Any]]], _Allowed | None]) -> _Allowed | None:
    """What is allowed on the most rows."""
    return next((found for group in reversed(list(groups.values())) if (found := allowed(group))), None)


def _of_the_paper(group: Sequence[Mapping[str, Any]]) -> _Allowed | None:
    return _by_condition_2(group, PAPER)


def _of_any(group: Sequence[Mapping[str, Any]]) -> _Allowed | None:
    """The tube where one closes, else the theorem that allows most."""
    if (closed := _widest_tube(group)) is None:
        return _by_condition_2(group, (*DERIVED, *PAPER))
    rung, progress = closed
    return _Allowed(rung, TUBE, f"every step up to 1 ({evidence(progress)})")


def _by_condition_2(group: Sequence[Mapping[str, Any]], theorems: Sequence[str]) -> _Allowed | None:
    rung, theorem = _best(group, theorems)
    eta, everywhere = _limits(rung)[theorem]
    if not eta > 0:
        return None
    if everywhere:
        return _Allowed(rung, theorem, f"steps up to {digits(eta, 3)} ({evidence(eta)})")
    steps: CertifiedSteps | None = _numbers(rung).certified_steps.get(theorem)
    covered = "" if steps is None else f" for {counted(steps, 'step')}"
    return _Allowed(rung, theorem, f"steps of {digits(eta, 3)} ({evidence(eta)}{covered})")


def _estimated(groups: Groups, given: int, said: bool) -> list[str]:
    """From where on a tube is estimated to close on the most rows, where none does; ``said``: that a tube allows every step."""
    rows = max(groups)
    group = groups[rows]
    found = [_tube(rung).enough(rung["width"], rung.get("scale", 1.0), rung.get("symmetric", False)) for rung in group]
    known = [text for text in found if text]
    if _widest_tube(group) or not known:
        return []
    which = _which(rows, given, group)
    return [
        f"on {which} {'it is estimated to' if said else 'T1-tube is estimated to allow every step up to 1'} {known[-1]}"
    ]


# --- a number of rows ------------------------------------------------------------------------------------------------


def _which(rows: int, given: int, group: Sequence[Mapping[str, Any]]) -> str:
    if rows == given:
        return f"all {rows} rows" if rows > 1 else "your only row"
    if any("shuffled" in str(rung.get("rows_taken", "")) for rung in group):
        return f"{rows} of your rows, shuffled," if rows > 1 else "one of your rows, shuffled,"
    return f"your first {rows} rows" if rows > 1 else "your first row"


def _numbers(rung: Mapping[str, Any]) -> NaturalGradientNumbers:
    return NaturalGradientNumbers.from_json(rung.get("ngd", {}))


def _limits(rung: Mapping[str, Any]) -> dict[str, tuple[LowerBound, bool]]:
    """By theorem the largest step size that is certified, and whether every smaller one is (over the ball); 0 for none."""
    numbers = _numbers(rung)
    found = {}
    for theorem in (*PAPER, *DERIVED):
        ball, path = (limits.get(theorem, NONNEGATIVE) for limits in (numbers.ball_limits, numbers.path_limits))
        found[theorem] = (ball, True) if ball >= path else (path, False)
    return found


def _best(group: Sequence[Mapping[str, Any]], theorems: Sequence[str]) -> tuple[Mapping[str, Any], str]:
    """The network and the theorem of these that allow most, if it be nothing."""
    pairs = ((rung, theorem) for rung in group for theorem in theorems)
    return max(pairs, key=lambda one: _limits(one[0])[one[1]][0])


def _widest_tube(group: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], LowerBound] | None:
    """The network on which a tube allows most, and how much; None where none closes."""
    known = [(rung, progress) for rung in group if (progress := _tube(rung).progress) is not None]
    return max(known, key=lambda one: one[1], default=None)


def _in_a_tube(group: Sequence[Mapping[str, Any]]) -> str:
    """What NGD does in a tube, at the width where it is most; empty where none closes."""
    if (closed := _widest_tube(group)) is None:
        return ""
    rung, progress = closed
    return (
        f"at m = {rung['width']:,} and nu = {rung['scale']:g}, {TUBE} allows every step up to 1 ({evidence(progress)} for every number of "
        f"steps): ||r(k)|| <= (1 - {digits(progress, 3)} eta)^k ||r(0)||{_paper(rung, _limits(rung))}"
    )


def _tube(rung: Mapping[str, Any]) -> TubeNumbers:
    return TubeNumbers.from_json(rung.get("tube", {}).get("ngd", {}))


def _certified(group: Sequence[Mapping[str, Any]]) -> str:
    """What the tube, or else theorems with Condition 2 allow at the width of this number of rows where it is most; empty for nothing."""
    if said := _in_a_tube(group):
        return said
    rung, best = _best(group, (*DERIVED, *PAPER))
    limits = _limits(rung)
    if not limits[best][0] > 0:
        return ""
    said = f"at m = {rung['width']:,}, {_allows(best, rung, limits)}"
    return said if best in PAPER else f"{said}{_paper(rung, limits)}"


def _paper(rung: Mapping[str, Any], limits: Mapping[str, tuple[LowerBound, bool]]) -> str:
    """What the paper's theorem allows beside; empty where nobody asked, on a network that is looked at for its tube alone."""
    if "ngd" not in rung:
        return ""
    paper = PAPER[0]
    if limits[paper][0] > 0:
        return f", and the paper's {_allows(paper, rung, limits)}"
    return f", while the paper's {paper} allows none"


def _allows(theorem: str, rung: Mapping[str, Any], limits: Mapping[str, tuple[LowerBound, bool]]) -> str:
    eta, everywhere = limits[theorem]
    if everywhere:
        return f"{theorem} allows steps up to {digits(eta, 3)} ({evidence(eta)} over the ball)"
    steps: CertifiedSteps | None = _numbers(rung).certified_steps.get(theorem)
    along = "its own path" if steps is None else f"its own path of {counted(steps, 'step')}"
    return f"{theorem} allows steps of {digits(eta, 3)} ({evidence(eta)} along {along})"


def _uncertified(group: Sequence[Mapping[str, Any]]) -> str:
    """Why no theorem allows a step size at any width of this number of rows."""
    rung = min(group, key=_path_constant)
    where = f"at m = {rung['width']:,}"
    if rung.get("unchecked"):
        return f"no step of NGD is certified, because {where} there is {rung['unchecked']}"
    constant = _path_constant(rung)
    if constant < 1:
        return (
            f"no step of NGD is certified, because {where} no step size was found whose own path allows it, though C along NGD's "
            f"path is at most {digits(constant, 3)}{_enough(rung)}"
        )
    if math.isfinite(constant):
        end = (
            f" in the {counted(rung['ngd']['path_steps'], 'step')} before it breaks off"
            if rung["ngd"].get("path_end")
            else ""
        )
        return (
            f"no step of NGD is certified, because {where} C along NGD's path is {evidence(constant)} to be at most {digits(constant, 3)}{end}, "
            f"and theorems with Condition 2 need C < 1, the paper's T1 C < 1/2{_enough(rung)}"
        )
    reasons = (rung.get("condition_1"), *rung.get("unavailable", {}).values(), "NGD has no certified path")
    return f"no step of NGD is certified, because {where} {next(filter(None, reasons))}"


def _enough(rung: Mapping[str, Any]) -> str:
    found = _tube(rung).enough(rung["width"], rung.get("scale", 1.0), rung.get("symmetric", False))
    return f", while T1-tube is estimated to allow every step up to 1 {found}" if found else ""


def _path_constant(rung: Mapping[str, Any]) -> UpperBound:
    found = _numbers(rung).path_constant
    return UNBOUNDED if found is None else found
