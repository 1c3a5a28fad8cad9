"""The first screen of a run on a step or a library of the user's own: its name, the verdict, the causes of a refutation."""

from __future__ import annotations

from properties.engine.claim import Verdict
from properties.engine.report.causes import CAUSE, CODE, RAISED, Told, told_of
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.presentation import Card, Opening
from properties.engine.report.typeset import typeset
from properties.engine.report.wording import headline

SHOWN = 5
"""So many cards are shown; the table has the other claims."""


def own_opening(document: Document, name: str, wrong: str) -> Opening:
    """A card for each cause with the claims that it breaks, then for each claim that does not hold without one; else one that says what was met.

    ``name``: of what is judged; ``wrong``: what the mutants are, in the plural.
    """
    claims = document.merged_claims()
    failing = [entry for entry in claims if entry["verdict"] != Verdict.HOLDS.value]
    if claims and not failing:
        met = f"It meets all {len(claims)} claims" if len(claims) > 1 else "It meets the claim"
        refuted = f"and the same search tells it from {document.mutants_refuted} of {len(document.mutants)} {wrong}"
        compared = refuted if document.mutants else f"but no {wrong} were tried"
        return Opening([Card(name, f"{met}, {compared}.", claims[0]["id"])])
    entries = {entry["id"]: entry for entry in failing}
    cards = [
        Card(name, _said(told, entries[told.claims[0]]), told.claims[0], told.claims[1:]) for told in told_of(failing)
    ]
    return Opening(sorted(cards, key=lambda card: entries[card.claim]["verdict"] != Verdict.REFUTED.value)[:SHOWN])


def _said(told: Told, entry: Entry) -> str:
    """The causes and what to change, or what does not hold where no cause is known."""
    if not told.causes:
        return f"{headline(entry)}."
    raised = any(line.startswith(RAISED) for line in told.causes)
    return " ".join(_sentence(line.removeprefix(CAUSE), raised) for line in told.causes)


def _sentence(line: str, verbatim: bool) -> str:
    """A line as a sentence, formulas in their signs but for code; ``verbatim``: it quotes the user's."""
    words, code, rest = line.partition(CODE)
    text = line if verbatim else f"{typeset(words)}{code}{rest}"
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
