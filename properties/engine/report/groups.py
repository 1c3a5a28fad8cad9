"""The claims of a run by chapter, those of the paper first in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from properties.engine.claim import Provenance, Verdict
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry

PAPER = (Provenance.PAPER.value, Provenance.PAPER_WITH_CONSTANTS.value)
"""What the paper states, as it stands or with the constants that it hides."""


@dataclass(frozen=True)
class Group:
    """Claims under one heading."""

    name: str
    title: str
    claims: Sequence[Entry]

    @property
    def failing_first(self) -> list[Entry]:
        """The claims in the order in which a reader wants them."""
        return failing_first(self.claims)


def groups(document: Document) -> list[Group]:
    """Every claim of the run once: by chapter, then those that stand in none."""
    left = {entry["id"]: entry for entry in document.merged_claims()}
    found = []
    for chapter in document.chapters:
        own = [left.pop(id) for id in chapter["claims"] if id in left]
        if own:
            found.append(Group(chapter["name"], chapter["title"], _paper_first(own)))
    if left:
        found.append(Group("claims", "Claims", list(left.values())))
    return found


def failing_first(claims: Sequence[Entry]) -> list[Entry]:
    """What is refuted, then what is undecided, then what holds, each as it came."""
    order = (Verdict.REFUTED.value, Verdict.UNDECIDED.value, Verdict.HOLDS.value)
    return sorted(claims, key=lambda entry: order.index(entry["verdict"]))


def _paper_first(claims: Sequence[Entry]) -> list[Entry]:
    return sorted(claims, key=lambda entry: entry["provenance"] not in PAPER)
