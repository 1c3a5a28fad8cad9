"""The first screen of a run on a step or a library of the user's own: its name, the verdict, the causes of a refutation."""

from __future__ import annotations

from collections.abc import Iterator

from properties.engine.claim import Verdict
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.presentation import Card, Opening
from properties.engine.report.wording import AS_FOR, CAUSE, headline, told_once

SHOWN = 5
"""So many claims that do not hold have a card; the table has the others."""


def own_opening(document: Document, name: str, wrong: str) -> Opening:
    """A card for each claim that does not hold, refuted ones with a cause of their own first; else one that says what was met.

    ``name``: of what is judged; ``wrong``: what the mutants are, in the plural.
    """
    claims = document.merged_claims()
    failing = [entry for entry in claims if entry["verdict"] != Verdict.HOLDS.value]
    if claims and not failing:
        met = f"It meets all {len(claims)} claims" if len(claims) > 1 else "It meets the claim"
        said = (
            f"{met}, and the same search tells it from {document.mutants_refuted} of {len(document.mutants)} {wrong}."
        )
        return Opening([Card(name, said, claims[0]["id"])])
    told: dict[str, str] = {}
    cards = [Card(name, " ".join(_said(entry, told)), entry["id"]) for entry in failing]
    order = sorted(range(len(cards)), key=lambda index: _rank(failing[index], cards[index]))
    return Opening([cards[index] for index in order[:SHOWN]])


def _rank(entry: Entry, card: Card) -> tuple[bool, bool]:
    return entry["verdict"] != Verdict.REFUTED.value, card.text.startswith(AS_FOR.removeprefix(CAUSE).capitalize())


def _said(entry: Entry, told: dict[str, str]) -> Iterator[str]:
    """Each cause once, or what does not hold where none is known."""
    causes = [line for line in told_once(entry["id"], entry.get("explanation", ()), told) if line.startswith(CAUSE)]
    if not causes:
        yield f"{headline(entry)}."
    for line in causes:
        cause = line.removeprefix(CAUSE)
        yield f"{cause[0].upper()}{cause[1:]}."
