"""What a theorem makes of a tube: from the bounds in a tube of some widths to how far the optimiser gets at most."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from theory.direction import Directed, UpperBound
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.start import Start
from theory.stability.tube.widths import Widths


class Tube(Protocol):
    """Tubes around a network, one after the other."""

    start: Start

    def bounds(self, widths: Widths) -> TubeBounds:
        """Become the tube of these widths, and bound what changes in it."""
        ...

    def within(self, widths: Widths) -> bool:
        """Whether the bounds that were given last are bounds in the tube of these widths too."""
        ...


@dataclass(frozen=True)
class Reach(Directed):
    """Where an optimiser gets to at most while it stays in a tube."""

    contraction: UpperBound
    """mu, below 1."""
    path_sum: UpperBound
    """S."""
    widths: Widths
    """Those that it needs: the theorem speaks where the tube's are no less."""


class TubeRule(ABC):
    """A theorem's requirements of the widths, for one optimiser."""

    @abstractmethod
    def first(self, start: Start) -> Widths:
        """Widths that every tube has at least for which the theorem speaks."""

    @abstractmethod
    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """What it needs, given the bounds in the tube; None where the theorem says nothing of such bounds."""
