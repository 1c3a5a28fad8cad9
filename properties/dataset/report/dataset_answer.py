"""What a data set's certificate answers, in a sentence or two: which step sizes on which rows, and where none, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from properties.dataset.natural_gradient_numbers import NaturalGradientNumbers
from properties.dataset.tube_numbers import TubeNumbers
from properties.engine.report.plain import counted
from theory.direction import NONNEGATIVE, UNBOUNDED, CertifiedSteps, LowerBound, UpperBound, digits, evidence

Certificate = Mapping[str, Any]
"""The plain values of a data set's certificate, as claims.json holds them."""

PAPER, DERIVED = ("T1",), ("T1-sharp", "T1-q")
"""Theorems on NGD's step size: the paper's, and sharper ones derived here, the sharpest first."""


def answer(certificate: Certificate) -> str:
    """The step sizes certified for NGD, by how many rows; certified ones first, then where nothing is, and why."""
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for rung in certificate.get("rungs", ()):
        if "rows" in rung:
            groups.setdefault(rung["rows"], []).append(rung)
    if not groups:
        return "No network has been certified."
    given = certificate.get("n", max(groups))
    found = [(_certified(group), rows, group) for rows, group in sorted(groups.items())]
    clauses = [f"on {_which(rows, given, group)} {said}" for said, rows, group in found if said]
    clauses += [f"on {_which(rows, given, group)} {_uncertified(group)}" for said, rows, group in found if not said]
    sentence = "; ".join(clauses)
    parallel = (certificate.get("inputs") or {}).get("unscaled") or ""
    advice = " Your rows are nearly parallel: try --standardise." if "--standardise" in parallel else ""
    return f"{sentence[0].upper()}{sentence[1:]}.{advice}"


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


def _in_a_tube(group: Sequence[Mapping[str, Any]]) -> str:
    """What NGD does in a tube, at the width where it is most; empty where none closes."""
    known = [(found.progress, rung) for rung in group if (found := _tube(rung)).progress is not None]
    if not known:
        return ""
    progress, rung = max(known, key=lambda one: one[0])
    return (
        f"at m = {rung['width']:,} and nu = {rung['scale']:g}, T1-tube allows every step up to 1 ({evidence(progress)} for every number of "
        f"steps): ||r(k)|| <= (1 - {digits(progress, 3)} eta)^k ||r(0)||{_paper(rung, _limits(rung))}"
    )


def _tube(rung: Mapping[str, Any]) -> TubeNumbers:
    return TubeNumbers.from_json(rung.get("tube", {}).get("ngd", {}))


def _certified(group: Sequence[Mapping[str, Any]]) -> str:
    """What the tube, or else theorems with Condition 2 allow at the width of this number of rows where it is most; empty for nothing."""
    if said := _in_a_tube(group):
        return said
    rung = max(group, key=lambda one: max(eta for eta, _ in _limits(one).values()))
    limits = _limits(rung)
    best = max((*DERIVED, *PAPER), key=lambda theorem: limits[theorem][0])
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
        return f"nothing is certified, because {where} there is {rung['unchecked']}"
    constant = _path_constant(rung)
    if constant < 1:
        return (
            f"nothing is certified, because {where} no step size was found whose own path allows it, though C along NGD's "
            f"path is at most {digits(constant, 3)}{_enough(rung)}"
        )
    if constant < float("inf"):
        end = (
            f" in the {counted(rung['ngd']['path_steps'], 'step')} before it breaks off"
            if rung["ngd"].get("path_end")
            else ""
        )
        return (
            f"nothing is certified, because {where} C along NGD's path is {evidence(constant)} to be at most {digits(constant, 3)}{end}, "
            f"and theorems with Condition 2 need C < 1, the paper's T1 C < 1/2{_enough(rung)}"
        )
    reasons = (rung.get("condition_1"), *rung.get("unavailable", {}).values(), "NGD has no certified path")
    return f"nothing is certified, because {where} {next(filter(None, reasons))}"


def _enough(rung: Mapping[str, Any]) -> str:
    found = _tube(rung).enough(rung["width"], rung.get("scale", 1.0), rung.get("symmetric", False))
    return f", while T1-tube is estimated to allow every step up to 1 {found}" if found else ""


def _path_constant(rung: Mapping[str, Any]) -> UpperBound:
    found = _numbers(rung).path_constant
    return UNBOUNDED if found is None else found
