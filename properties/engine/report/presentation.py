"""What a suite adds to the page of a report: its first screen, sections of its parts, formulas, and the notation that they are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from properties.engine.part import Section
from properties.engine.report.document import Document
from properties.engine.report.figures import Figure
from properties.engine.report.mathematics import Mathematics, Notation


@dataclass(frozen=True)
class Card:
    """An answer on the first screen: what was found of a claim of the run, whose verdict and counts the page shows below it."""

    title: str
    text: str
    claim: str
    also: Sequence[str] = ()
    """Other claims of the run of which the same is to be said."""


@dataclass(frozen=True)
class Opening:
    """What the first screen shows under the verdict; nothing by default."""

    cards: Sequence[Card] = ()
    figure: Figure | None = None


NOTHING = Opening()


def no_opening(document: Document) -> Opening:
    """The first screen of a suite that has the verdict alone there."""
    return NOTHING


@dataclass(frozen=True)
class Presentation:
    """By default nothing: claims then have their statements in plain text."""

    sections: Sequence[Section] = ()
    formulas: Mapping[str, Mathematics] = field(default_factory=dict)
    """By the id of the claim."""
    notation: Notation = field(default_factory=lambda: Notation((), ()))
    opening: Callable[[Document], Opening] = no_opening
