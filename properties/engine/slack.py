"""The slack table: what the paper's constant allows, what is proved here, and where a counterexample is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SlackRow:
    """One constant of one statement, at one point of its parameters; every number is computed, none typed in.

    ``paper`` is the value that the paper's statement allows, ``proved`` the one proved in this project, ``refuted`` the
    one at which a counterexample is known (None: none is known, or the paper has no such constant). A hypothesis for which
    no counterexample is known when it is dropped has a row with all three None and says so in ``remark``.
    """

    claim: str
    """Id of the claim."""
    quantity: str
    """What the numbers are, with the point at which they are taken: "largest step size at C = 0.49"."""
    paper: float | None = None
    proved: float | None = None
    refuted: float | None = None
    witness: str = ""
    """Id of the mutant or the family that gives ``refuted``."""
    remark: str = ""
    drops: str = ""
    """The hypothesis that the row stands for, by its name in the claim's ``assumes``."""
