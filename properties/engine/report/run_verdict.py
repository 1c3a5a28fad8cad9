"""What a run, or a certificate of a data set, comes to: a verdict, or that nothing was checked."""

from __future__ import annotations

from enum import StrEnum


class RunVerdict(StrEnum):
    """The verdicts of a claim, and the one of a run on which no claim applied: no word of success stands above an empty table."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    UNCHECKED = "unchecked"

    @property
    def headline(self) -> str:
        """The verdict at the head of a page."""
        return "Nothing checked" if self is RunVerdict.UNCHECKED else self.value.capitalize()


FAILING = (RunVerdict.REFUTED, RunVerdict.UNDECIDED)
"""What fails the item of a data set: that no claim applies there is a result."""
