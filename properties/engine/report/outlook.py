"""What would change the verdict of a run: what is against it, and what stands nearest to the edge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from properties.engine.claim import Verdict
from properties.engine.report import wording
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.plain import counted, number

NEAR = 1e-3
"""A claim whose tightest ratio is within this of 1 has no room left in its constants."""

SHOWN = 3
"""So many claims are named; the table has the others."""


@dataclass(frozen=True)
class Named:
    """An id with what is said of it; ``claim`` is the claim whose section is linked to, None where there is none."""

    id: str
    claim: str | None
    remark: str = ""


@dataclass(frozen=True)
class Remark:
    """One line: a heading, a word on it, and whom it is about."""

    heading: str
    text: str
    """In brackets behind the heading; may be empty."""
    named: tuple[Named, ...] = ()
    more: int = 0
    """How many are not named."""
    against: bool = False
    """Whether it stands against the verdict "holds"."""


def outlook(document: Document) -> list[Remark]:
    """What is against the verdict first; then, of what holds, what is nearest to a change."""
    claims = document.merged_claims()
    against = [*_unsettled(document, claims)]
    return [*against, *_nearest(claims)] if claims else against


def _unsettled(document: Document, claims: Sequence[Entry]) -> Iterable[Remark]:
    known = {entry["id"] for entry in claims}
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        found = [entry for entry in claims if entry["verdict"] == verdict.value]
        if found:
            reasons = [_reason(entry) for entry in found]
            shared = reasons[0] if len(reasons) > 1 and len(set(reasons)) == 1 else ""
            named = tuple(
                Named(entry["id"], entry["id"], "" if shared else reason)
                for entry, reason in zip(found, reasons, strict=True)
            )
            yield Remark(verdict.value.capitalize(), shared, named, against=True)
    survivors = [document.mutants[id] for id in document.survivors]
    if survivors:
        named = tuple(
            Named(one["id"], one["claim"] if one["claim"] in known else None, one["description"]) for one in survivors
        )
        yield Remark("Surviving mutants", "the search did not notice these errors", named, against=True)
    if document.unsettled_obligations:
        named = tuple(Named(one["id"], None, one["status"]) for one in document.unsettled_obligations)
        yield Remark("Obligations not settled", "", named, against=True)
    for part in document.parts.values():
        if part["against"]:
            yield Remark(part["title"].capitalize(), part["against"], against=True)
    if document.baseline is not None and document.baseline["losses"]:
        losses = tuple(Named(loss, None) for loss in document.baseline["losses"])
        yield Remark("Worse than the baseline", document.baseline["file"], losses, against=True)
    if not document.complete:
        yield Remark(
            "Not run", f"{document.expected - document.recorded} of {counted(document.expected, 'item')}", against=True
        )


def _reason(entry: Entry) -> str:
    if entry["error"]:
        return "broke off with an error"
    if entry["verdict"] == Verdict.REFUTED.value:
        return "a violation is confirmed"
    if entry["instances"] == 0:
        return "no instance was decided"
    return f"{counted(entry['undecided'], 'instance')} undecided"


def _nearest(claims: Sequence[Entry]) -> Iterable[Remark]:
    """The claims that hold and have little room, those with much, and those with the least behind them."""
    holding = [entry for entry in claims if entry["verdict"] == Verdict.HOLDS.value and entry["tightest"]]
    by_ratio = sorted(holding, key=lambda entry: number(entry["tightest"]["ratio"]), reverse=True)
    near = [entry for entry in by_ratio if number(entry["tightest"]["ratio"]) >= 1 - NEAR]
    if near:
        yield _remark("No room left", f"{len(near)} attained to within {NEAR:g}", near, False)
    far = [entry for entry in reversed(by_ratio) if _room(entry["tightest"])]
    if far:
        yield _remark("Most room left", "largest measured/predicted", far, True)
    open_ones = sorted(holding, key=_open_share, reverse=True)
    open_ones = [entry for entry in open_ones if entry["undecided_hypotheses"]]
    if open_ones:
        named = tuple(
            Named(entry["id"], entry["id"], f"{entry['undecided_hypotheses']} beside {entry['instances']}")
            for entry in open_ones[:SHOWN]
        )
        yield Remark("Undecided hypotheses", "instances that count for nothing", named, len(open_ones) - len(named))
    if len(holding) > SHOWN:
        fewest = sorted(holding, key=lambda entry: int(entry["instances"]))[:3]
        named = tuple(Named(entry["id"], entry["id"], f"{entry['instances']}") for entry in fewest)
        yield Remark("Fewest instances", "", named)


def _room(tightest: Entry) -> bool:
    """Whether measured is below half of what is allowed; not so of an identity that is met exactly, 0 = 0."""
    return number(tightest["ratio"]) < 0.5 and number(tightest["predicted"]) > 0


def _remark(heading: str, text: str, entries: Sequence[Entry], ratios: bool) -> Remark:
    named = tuple(
        Named(entry["id"], entry["id"], wording.ratio_text(entry["tightest"]["ratio"]) if ratios else "")
        for entry in entries[:SHOWN]
    )
    return Remark(heading, text, named, len(entries) - len(named))


def _open_share(entry: Entry) -> float:
    return number(entry["undecided_hypotheses"]) / number(entry["undecided_hypotheses"] + entry["instances"])
