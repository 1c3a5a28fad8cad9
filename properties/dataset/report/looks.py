"""How an optimiser looks in every figure: its colour and its mark, so that either tells it from the others."""

from __future__ import annotations

from dataclasses import dataclass

from properties.engine.report.figures import COLOURS, MARKERS

ORDER = ("ngd", "kfac", "gd")
"""By place in ``COLOURS`` and ``MARKERS``."""


@dataclass(frozen=True)
class Look:
    """A colour of the report's and a mark."""

    colour: str
    marker: str


def look(optimiser: str) -> Look:
    """Of an optimiser by name; those of another version's document share the one after."""
    index = ORDER.index(optimiser) if optimiser in ORDER else len(ORDER)
    return Look(COLOURS[index], MARKERS[index])


BALL, ATTACK, PATH = Look(COLOURS[3], MARKERS[3]), Look(COLOURS[4], MARKERS[4]), look("ngd")
"""Of the constant of Condition 2: certified over the ball, attacked there, along NGD's path."""

LIMIT = COLOURS[5]
"""Of the lines that are limits."""
