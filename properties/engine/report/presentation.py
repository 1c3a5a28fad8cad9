"""What a suite adds to the page of a report: sections of its parts, formulas, and the notation that they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from properties.engine.part import Section
from properties.engine.report.mathematics import Mathematics, Notation


@dataclass(frozen=True)
class Presentation:
    """By default nothing: claims then have their statements in plain text."""

    sections: Sequence[Section] = ()
    formulas: Mapping[str, Mathematics] = field(default_factory=dict)
    """By the id of the claim."""
    notation: Notation = field(default_factory=lambda: Notation((), ()))
