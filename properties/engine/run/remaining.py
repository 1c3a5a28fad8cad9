"""How long a run will still take: what its items took once, corrected by what those that have ended took now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import fmean

PRIOR = 5.0
"""Seconds for which the times of old are believed before those of this run count for more."""


class Remaining:
    """Estimates the time left; whoever uses it tells which items there are, which start, and which end."""

    def __init__(self, expected: Callable[[str], float | None]) -> None:
        """Take what gives the seconds that an item is expected to take, by its node id; None of which nothing is known."""
        self._expected = expected
        self._left: dict[str, float] = {}
        self._unknown: set[str] = set()
        self._started: dict[str, float] = {}
        self._took = self._foreseen = PRIOR
        self._surprises: list[float] = []
        self.workers = 1

    def expect(self, nodes: Iterable[str]) -> None:
        """Take the node ids of all items."""
        for node in nodes:
            if (seconds := self._expected(node)) is None:
                self._unknown.add(node)
            else:
                self._left[node] = seconds

    def start(self, node: str, now: float) -> None:
        """One begins, on a clock in seconds."""
        self._started[node] = now

    def end(self, node: str, took: float) -> None:
        """One has ended, after so many seconds."""
        if node in self._left:
            self._foreseen += self._left.pop(node)
            self._took += took
        elif node in self._unknown:
            self._unknown.remove(node)
            self._surprises.append(took)

    def seconds(self, now: float) -> float | None:
        """An estimate: all that is left shared by the workers, and no less than what the longest item needs by itself.

        An item of which nothing is known takes what those that have ended took on average; None while none has.
        """
        if self._unknown and not self._surprises:
            return None
        factor = self._took / self._foreseen
        expected = {node: factor * seconds for node, seconds in self._left.items()}
        expected.update(dict.fromkeys(self._unknown, fmean(self._surprises or [0.0])))
        left = [max(0.0, seconds - self._gone(node, now)) for node, seconds in expected.items()]
        return max(sum(left) / self.workers, max(left, default=0.0))

    def _gone(self, node: str, now: float) -> float:
        return now - self._started.get(node, now)
