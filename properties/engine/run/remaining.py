"""How long a run will still take: what its items took once, corrected by what those that have ended took now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

PRIOR = 5.0
"""Seconds for which the times of old are believed before those of this run count for more."""


class Remaining:
    """Estimates the time left; whoever uses it tells which items there are, which start, and which end."""

    def __init__(self, expected: Callable[[str], float]) -> None:
        """Take what gives the seconds that an item is expected to take, by its node id."""
        self._expected = expected
        self._left: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._took = self._foreseen = PRIOR
        self.workers = 1

    def expect(self, nodes: Iterable[str]) -> None:
        """Take the node ids of all items."""
        self._left = {node: self._expected(node) for node in nodes}

    def start(self, node: str, now: float) -> None:
        """One begins, on a clock in seconds."""
        self._started[node] = now

    def end(self, node: str, took: float) -> None:
        """One has ended, after so many seconds."""
        if node in self._left:
            self._foreseen += self._left.pop(node)
            self._took += took

    def seconds(self, now: float) -> float:
        """An estimate: all that is left shared by the workers, and no less than what the longest item needs by itself."""
        factor = self._took / self._foreseen
        left = [max(0.0, factor * seconds - self._gone(node, now)) for node, seconds in self._left.items()]
        return max(sum(left) / self.workers, max(left, default=0.0))

    def _gone(self, node: str, now: float) -> float:
        return now - self._started.get(node, now)
