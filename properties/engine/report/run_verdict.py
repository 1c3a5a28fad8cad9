"""What a run, or a certificate of a data set, comes to: a verdict, or that nothing was checked."""

from __future__ import annotations

from enum import StrEnum


class RunVerdict(StrEnum):
    """The verdicts of a claim, one of a run on which no claim applied, and one of a run whose checks hold and certify nothing.

    No word of success stands above an empty table, nor above a certificate of nothing.
    """

    HOLDS = "holds"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    UNCHECKED = "unchecked"
    UNCERTIFIED = "uncertified"

    @property
    def headline(self) -> str:
        """The verdict at the head of a page."""
        others = {RunVerdict.UNCHECKED: "Nothing checked", RunVerdict.UNCERTIFIED: "Nothing refuted"}
        return others.get(self, self.value.capitalize())


FAILING = (RunVerdict.REFUTED, RunVerdict.UNDECIDED)
"""What fails the item of a data set: that no claim applies there, or no step is certified, is a result."""
