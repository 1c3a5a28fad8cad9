"""Tubes around a ReLU network, one after the other: known by the pairs that may flip in them."""

from __future__ import annotations

import numpy as np

from theory.inputs import FloatArray
from theory.stability.tube.bounds import TubeBounds, rectifier_bounds
from theory.stability.tube.candidates import Candidates, Mask, candidates, chosen, chosen_pattern, nowhere_above
from theory.stability.tube.rectifier import rectifier_counts
from theory.stability.tube.start import Start
from theory.stability.tube.widths import Widths

HEADROOM = 1.3
"""The pairs are listed for widths so much larger than those that are asked for first."""


class RectifierTube:
    """The tube of the widths that were asked for last."""

    def __init__(self, start: Start) -> None:
        """List nothing yet."""
        self.start = start
        self.listed: list[Candidates] = []
        self.masks: list[Mask] = []
        self._limit = np.full(len(start.rows), -1.0)

    @property
    def pairs(self) -> int:
        """How many there are in B."""
        return sum(int(np.count_nonzero(mask)) for mask in self.masks)

    def bounds(self, widths: Widths) -> TubeBounds:
        """Become the tube of these widths."""
        self.choose(widths)
        counts = rectifier_counts(self.start, chosen_pattern(self.start, self.listed, self.masks))
        return rectifier_bounds(self.start, widths, self.start.distinct, counts)

    def choose(self, widths: Widths) -> None:
        """The same, without any bounds."""
        if not self._cover(widths):
            self.list_within(HEADROOM * widths.largest)
        self.masks = chosen(self.listed, widths)

    def list_within(self, limit: FloatArray) -> None:
        """List the pairs that may flip within widths (n,): for no smaller ones they are listed again."""
        self._limit = limit
        self.listed = candidates(self.start, limit)

    def within(self, widths: Widths) -> bool:
        """Whether the tube of these widths has no pair more that may flip."""
        return self._cover(widths) and nowhere_above(chosen(self.listed, widths), self.masks)

    def _cover(self, widths: Widths) -> bool:
        return bool((widths.largest <= self._limit).all())
