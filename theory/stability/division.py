"""The supremum of a function on a segment, known at chosen positions and bounded in between: adaptive division."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from theory.inputs import distance, positive_count

P = TypeVar("P", int, float)


@dataclass(frozen=True)
class Division(Generic[P]):
    """A function on an interval of positions.

    ``evaluate`` brackets its value at a position; ``between`` bounds it on an open part from the upper values at both
    ends; ``middle`` names a position inside a part, None when the part cannot be divided.
    """

    evaluate: Callable[[P], tuple[float, float]]
    between: Callable[[P, float, P, float], float]
    middle: Callable[[P, P], P | None]

    def supremum(self, start: P, end: P, parts: int, floor: float = 0.0) -> tuple[float, float]:
        """Bracket (lower, upper) of the supremum over [start, end], with at most ``parts`` parts.

        The part with the largest bound is divided first; division ends early when no part's bound exceeds the values
        already reached, or ``floor``, below which the caller does not care. Raises WidthError (parts), ScaleError (floor).
        """
        positive_count(parts, "parts")
        distance(floor, "floor")
        first, last = self.evaluate(start), self.evaluate(end)
        lower, reached = max(first[0], last[0]), max(first[1], last[1])
        undivided = reached
        heap: list[tuple[float, P, float, P, float]] = [
            (-self.between(start, first[1], end, last[1]), start, first[1], end, last[1])
        ]
        count = 1
        while heap and count < parts and -heap[0][0] > max(reached, floor):
            bound, left, left_value, right, right_value = heapq.heappop(heap)
            position = self.middle(left, right)
            if position is None:
                undivided = max(undivided, -bound)
                continue
            below, value = self.evaluate(position)
            lower, reached = max(lower, below), max(reached, value)
            heapq.heappush(heap, (-self.between(left, left_value, position, value), left, left_value, position, value))
            part = (-self.between(position, value, right, right_value), position, value, right, right_value)
            heapq.heappush(heap, part)
            count += 1
        return lower, max([undivided, reached, *(-part[0] for part in heap)])
