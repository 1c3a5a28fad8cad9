"""The rungs of a data set's certificate as a table, with the reason why Condition 2 holds or not at each width."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from properties.dataset.attempts import reason_lines
from properties.dataset.natural_gradient_numbers import NaturalGradientNumbers
from properties.dataset.tube_numbers import TubeNumbers
from properties.engine.claim import Verdict
from properties.engine.decision import below
from properties.engine.report.entries import Entry
from properties.engine.report.mathematics import Mathematics
from properties.engine.report.plain import counted, number, plain
from properties.formulas import mathematics
from theory.direction import Attained, LowerBound, UpperBound, digits, evidence
from theory.theorems import ngd

THEOREMS = ("T1", "T1-q", "T1-sharp")

T1_LIMIT, T1_SHARP_LIMIT = ngd.constant_limit("T1"), ngd.constant_limit("T1-sharp")
"""The C below which these theorems apply."""


@dataclass(frozen=True)
class Theorem:
    """A theorem on NGD's step size, and where the page says what it states."""

    id: str
    origin: str
    """Whose it is, in words."""
    anchor: str
    """The id on the page of its statement."""
    mathematics: Mathematics | None
    """What the data set's own section says of it; None where the claims' section does."""


ORIGINS = {"T1": "the paper's Theorem 1", "T1-q": "derived, sharper", "T1-sharp": "derived, the sharpest"}
"""Whose theorems these are."""


def theorems(claim_ids: Collection[str]) -> list[Theorem]:
    """Those of the table, each with its statement where the page has no section on its claim."""
    formulas = mathematics()
    return [
        Theorem(id, origin, f"claim-{id}", None)
        if id in claim_ids
        else Theorem(id, origin, f"theorem-{id}", formulas[id])
        for id, origin in ORIGINS.items()
    ]


@dataclass(frozen=True)
class RungRow:
    """One network of the ladder."""

    rows: int
    width: int
    lambda_min: Any
    tube: Any
    """``1 - mu`` of NGD's tube: each step leaves at most ``1 - eta`` times it; None where none closes."""
    scale: Any
    attacked: Any
    certified: Any
    path: Any
    steps: Sequence[Any]
    """Step sizes of T1, T1-q and T1-sharp, each certified on a path of its own; 0 where none is."""
    ball_steps: Sequence[Any]
    """The same for C over the ball."""
    observed: Any
    predicted: Any
    """Iterations of NGD to the reduction, by the theorem of ``source``."""
    source: Any
    certified_steps: Any
    """The steps for which the theorem's hypotheses are certified; None where that is not known."""
    reason: str
    """Which form of Condition 2 is certified, or why none is, or what could not be computed."""


def rung_rows(certificate: Entry) -> list[RungRow]:
    """All rungs; of one on which NGD was not certified what is known, and why no more is. None for a certificate of another make."""
    return [_row(rung) for rung in certificate.get("rungs", ()) if "rows" in rung]


def _shown(bound: UpperBound | LowerBound | Attained | None) -> float | str | None:
    """A bound in the digits that the table shows, rounded so that it stays one; text for an infinite one, as JSON has no number."""
    return None if bound is None else plain(float(digits(bound, 4)))


def _row(rung: Entry) -> RungRow:
    found = NaturalGradientNumbers.from_json(rung.get("ngd", {}))
    runs = rung.get("iterations", {}).get("ngd", {})
    smallest = rung.get("lambda_min")
    return RungRow(
        rows=rung["rows"],
        width=rung["width"],
        lambda_min=None if smallest is None else _shown(LowerBound(number(smallest))),
        tube=_shown(TubeNumbers.from_json(rung.get("tube", {}).get("ngd", {})).progress),
        scale=rung.get("scale"),
        attacked=_shown(found.attack_constant),
        certified=_shown(found.ball_constant),
        path=_shown(found.path_constant),
        steps=[_shown(found.path_limits.get(theorem)) for theorem in THEOREMS],
        ball_steps=[_shown(found.ball_limits.get(theorem)) for theorem in THEOREMS],
        observed=runs.get("observed"),
        predicted=runs.get("predicted"),
        source=runs.get("source"),
        certified_steps=runs.get("certified_steps"),
        reason=_reason(rung),
    )


def _reason(rung: Entry) -> str:
    if rung.get("unchecked"):
        return str(rung["unchecked"])
    found = NaturalGradientNumbers.from_json(rung.get("ngd", {}))
    attacked, certified, path = found.attack_constant, found.ball_constant, found.path_constant
    unavailable = reason_lines(rung.get("unavailable", {}))
    if rung.get("tube_only"):
        return "not looked at: at this size the tube alone is certified"
    if attacked is None or certified is None or path is None or certified == math.inf:
        return rung.get("condition_1") or "; ".join(unavailable) or "NGD was not certified"
    end = f"; {counted(found.path_steps, 'step')} only, then the path breaks off" if found.path_end else ""
    return reason(attacked, certified, path) + end


def reason(attacked: Attained, certified: UpperBound, path: UpperBound) -> str:
    """Which form of Condition 2 is certified for T1 (C < 1/2), and if none, why."""
    match below(T1_LIMIT, certified, attacked):
        case Verdict.HOLDS:
            return f"Condition 2 {evidence(certified)} over the ball for T1"
        case Verdict.REFUTED:
            ball = "fails over the ball: weights in it have C ≥ ½"
        case _:
            ball = "not certified over the ball, and not refuted"
    if below(T1_LIMIT, path) is Verdict.HOLDS:
        along = f"{evidence(path)} along NGD's path for T1"
    elif below(T1_SHARP_LIMIT, path) is Verdict.HOLDS:
        along = "on NGD's path C is too large for T1, but below 1: T1-sharp applies"
    else:
        along = "on NGD's path C is not below 1: no theorem applies"
    return f"{ball}; {along}"
