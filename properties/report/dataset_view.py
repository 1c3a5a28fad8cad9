"""The rungs of a data set's certificate as a table, with the reason why Condition 2 holds or not at each width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from properties.contribution import lower_digits, upper_digits
from properties.report.entries import Entry
from properties.report.plain import number

THEOREMS = ("T1", "T1-q", "T1-sharp")


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


def rung_rows(certificate: Entry) -> list[RungRow]:
    """The rungs on which NGD was certified; none for a certificate of another make."""
    return [_row(rung) for rung in certificate.get("rungs", ()) if "ngd" in rung and "rows" in rung]


def _shown(bound: Any, rounded: Callable[[float, int], str]) -> Any:
    """A bound in the digits that the table shows, rounded so that it stays one; text such as "inf" and None as they are."""
    return float(rounded(bound, 4)) if isinstance(bound, int | float) else bound


def _row(rung: Entry) -> RungRow:
    found = rung["ngd"]
    runs = rung.get("iterations", {}).get("ngd", {})
    limits = found["step_limits"]
    return RungRow(
        rows=rung["rows"],
        width=rung["width"],
        lambda_min=_shown(rung["lambda_min"], lower_digits),
        attacked=_shown(found["attack_constant"], lower_digits),
        certified=_shown(found["ball_constant"], upper_digits),
        path=_shown(found["path_constant"], upper_digits),
        steps=[_shown(limits["path"].get(theorem), lower_digits) for theorem in THEOREMS],
        ball_steps=[_shown(limits["ball"].get(theorem), lower_digits) for theorem in THEOREMS],
        observed=runs.get("observed"),
        predicted=runs.get("predicted"),
        source=runs.get("source"),
        certified_steps=runs.get("certified_steps"),
        reason=reason(number(found["attack_constant"]), number(found["ball_constant"]), number(found["path_constant"])),
    )


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
