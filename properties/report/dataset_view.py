"""The rungs of a data set's certificate as a table, with the reason why Condition 2 holds or not at each width."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from properties.attempts import reason_lines
from properties.contribution import lower_digits, upper_digits
from properties.formulas import mathematics
from properties.report.entries import Entry
from properties.report.mathematics import Mathematics
from properties.report.plain import number

THEOREMS = ("T1", "T1-q", "T1-sharp")


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


def _shown(bound: Any, rounded: Callable[[float, int], str]) -> Any:
    """A bound in the digits that the table shows, rounded so that it stays one; text such as "inf" and None as they are."""
    return float(rounded(bound, 4)) if isinstance(bound, int | float) else bound


def _row(rung: Entry) -> RungRow:
    found = rung.get("ngd", {})
    runs = rung.get("iterations", {}).get("ngd", {})
    limits = found.get("step_limits", {})
    on_paths, in_ball = limits.get("path", {}), limits.get("ball", {})
    return RungRow(
        rows=rung["rows"],
        width=rung["width"],
        lambda_min=_shown(rung.get("lambda_min"), lower_digits),
        attacked=_shown(found.get("attack_constant"), lower_digits),
        certified=_shown(found.get("ball_constant"), upper_digits),
        path=_shown(found.get("path_constant"), upper_digits),
        steps=[_shown(on_paths.get(theorem), lower_digits) for theorem in THEOREMS],
        ball_steps=[_shown(in_ball.get(theorem), lower_digits) for theorem in THEOREMS],
        observed=runs.get("observed"),
        predicted=runs.get("predicted"),
        source=runs.get("source"),
        certified_steps=runs.get("certified_steps"),
        reason=_reason(rung),
    )


def _reason(rung: Entry) -> str:
    if rung.get("unchecked"):
        return str(rung["unchecked"])
    found = rung.get("ngd", {})
    constants = [found.get(f"{kind}_constant") for kind in ("attack", "ball", "path")]
    unavailable = reason_lines(rung.get("unavailable", {}))
    if any(constant is None for constant in constants) or number(constants[1]) == math.inf:
        return rung.get("condition_1") or "; ".join(unavailable) or "NGD was not certified"
    end = f"; {found['path_steps']} steps only, then the path breaks off" if found.get("path_end") else ""
    return reason(*map(number, constants)) + end


def reason(attacked: float, certified: float, path: float) -> str:
    """Which form of Condition 2 is certified for T1 (C < 1/2), and if none, why."""
    if certified < 0.5:
        return "Condition 2 certified over the ball for T1"
    ball = (
        "fails over the ball: weights in it have C ≥ ½"
        if attacked >= 0.5
        else "not certified over the ball, and not refuted"
    )
    if path < 0.5:
        along = "certified along NGD's path for T1"
    elif path < 1:
        along = "on NGD's path C is too large for T1, but below 1: T1-sharp applies"
    else:
        along = "on NGD's path C is not below 1: no theorem applies"
    return f"{ball}; {along}"
