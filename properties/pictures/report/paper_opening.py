"""The first screen of a run on the paper's claims: what was found of each of its theorems, beside the picture of widths."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from properties.engine.claim import Status, Verdict
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.plain import counted, number
from properties.engine.report.presentation import Card, Opening
from properties.pictures.all_widths import Found, stored
from properties.pictures.report.all_widths_figure import opening_figure, power_text

Claims = Mapping[str, Entry]
Row = Mapping[str, Any]

JOINER = "\u2060"
"""Keeps a unit on the line of its number."""

EXAMPLE = "orthonormal-10"
"""The inputs of which the widths are told."""


def paper_opening(document: Document) -> Opening:
    """A card for each theorem of the paper whose claim is in the run, and the picture; nothing without any of them."""
    claims = {entry["id"]: entry for entry in document.merged_claims()}
    cards = [Card(title, say(claims, document.slack), id) for title, id, say in _CARDS if id in claims]
    return Opening(cards, opening_figure(stored())) if cards else Opening()


def _verdict(entry: Entry) -> str:
    """How the verdict on it reads behind its name."""
    match Verdict(entry["verdict"]):
        case Verdict.HOLDS:
            return "holds"
        case Verdict.REFUTED:
            return "is refuted"
    return "stays undecided"


def _row(slack: Sequence[Row], claim: str, quantity: str) -> Row | None:
    """The row of the slack table, where the run has it, with what the paper allows and what is proved."""
    found = (row for row in slack if row["claim"] == claim and row["quantity"].startswith(quantity))
    row = next(found, None)
    return row if row is not None and row["paper"] and row["proved"] else None


def _at_most(limit: float, digits: int) -> str:
    """A step limit to so many digits, rounded down: what is printed is allowed."""
    with decimal.localcontext(prec=digits, rounding=decimal.ROUND_DOWN) as context:
        return f"{context.create_decimal(repr(limit)).normalize():f}"


def _step_limit(name: str, verdict: str, row: Row | None, where: str, unit: str = "") -> str:
    """That the paper's step limit is so many times smaller than what is proved here."""
    if row is None:
        return f"{name} {verdict}."
    paper, proved = number(row["paper"]), number(row["proved"])
    return (
        f"{name} {verdict}; its step limit {where} is {math.floor(proved / paper):,} times smaller than what is "
        f"proved here: {_at_most(paper, 2)}{unit} against {_at_most(proved, 3)}{unit}."
    )


def _squared(claims: Claims, slack: Sequence[Row]) -> str:
    row = _row(
        slack, "T1-sharp", "largest step size with the paper's rate ||r(k)||^2 <= (1-eta)^k ||r(0)||^2, C = 0.49"
    )
    return _step_limit("Theorem 1 as printed", _verdict(claims["T1"]), row, "at C = 0.49")


def _general(claims: Claims, slack: Sequence[Row]) -> str:
    row = _row(slack, "T2", "largest step size for T2's rate at kappa = 10, C = 0.98/(1+kappa)")
    verdict = _verdict(claims["T2"])
    return _step_limit("Its form for strongly convex losses", verdict, row, "at κ = 10, C = 0.089", f"/{JOINER}μ")


def _width(claims: Claims, slack: Sequence[Row]) -> str:
    widths = {row.of: row for row in stored() if row.data == EXAMPLE}
    said = f"With its constants worked out it {_verdict(claims['T3'])}; on {widths['T3'].n} orthonormal inputs it asks for m = "
    return f"{said}{power_text(widths['T3'].width)}, {_below(widths)}."


def _below(widths: Mapping[str, Found]) -> str:
    return (
        f"T3-tube for {power_text(widths['T3-tube target'].width)} (symmetric, δ = 0.1); most drawn networks are certified from "
        f"{power_text(widths['tube'].width)} on, and NGD is seen to converge from {power_text(widths['seen'].width)}; a lower bound is shown for n ≤ 2 alone"
    )


def _kfac(claims: Claims, slack: Sequence[Row]) -> str:
    row = _row(slack, "T4", "largest step size at C = 0.49, 12 Gaussian inputs in R^4")
    return _step_limit("The theorem as printed", _verdict(claims["T4"]), row, "at C = 0.49 on 12 Gaussian inputs in R⁴")


def _generalisation(claims: Claims, slack: Sequence[Row]) -> str:
    found = claims["T5"]
    conjecture = ", a conjecture at the widths tried," if found["status"] == Status.CONJECTURE.value else ""
    said = f"The bound{conjecture} {_verdict(found)} on {_instances(found)}"
    if "T5-width" not in claims:
        return f"{said}."
    derived = claims["T5-width"]
    return f"{said}; with width and scale made explicit, T5-width, it is a theorem, which {_verdict(derived)} on {_instances(derived)}."


def _instances(entry: Entry) -> str:
    return counted(entry["instances"], "instance")


_CARDS: Sequence[tuple[str, str, Callable[[Claims, Sequence[Row]], str]]] = (
    ("Theorem 1: squared loss", "T1", _squared),
    ("General losses", "T2", _general),
    ("Theorem 3: width", "T3", _width),
    ("K-FAC", "T4", _kfac),
    ("Generalisation", "T5", _generalisation),
)
"""Title, claim, and what is said of it."""
