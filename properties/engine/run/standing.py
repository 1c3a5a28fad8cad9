"""How far a run has come, shown: a line on a terminal, drawn again and again, or lines in a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol, TextIO

from tqdm import tqdm

WIDEST_NAME, BAR = 12, 8
"""Characters of what a bar is called, and of the bar."""

BETWEEN_LINES, BETWEEN_LOOKS = 10.0, 0.1
"""Seconds between two lines of a log, and between two drawings of a terminal's line."""


@dataclass(frozen=True)
class Standing:
    """How far a run has come."""

    counts: Sequence[tuple[str, int, int]]
    """What is counted, how many are done, of how many."""
    left: float | None
    """Seconds; None where nobody knows."""
    said: str
    """Of the item that ended last, or goes on."""

    @property
    def time_left(self) -> str:
        """Minutes and seconds; empty where nobody knows."""
        return "" if self.left is None else f"{tqdm.format_interval(self.left)} left"


class Shown(Protocol):
    """Where the standing of a run goes."""

    def tell(self, standing: Standing, ended: bool) -> None:
        """Show it, unless another one was shown a moment ago; ``ended`` where what ended is worth a line of its own."""
        ...

    def clear(self) -> None:
        """Make room for what pytest writes."""
        ...

    def close(self) -> None:
        """Leave everything as it was."""
        ...


class TerminalLine:
    """One line, drawn again and again; cut where the terminal ends."""

    def __init__(self, stream: TextIO) -> None:
        """Take the terminal to write to."""
        self._stream = stream
        self._next = 0.0
        self._charset = " ▏▎▍▌▋▊▉█" if (stream.encoding or "").lower().startswith("utf") else " #"
        self._line: tqdm[NoReturn] = tqdm(file=stream, bar_format="{desc}", leave=False, dynamic_ncols=True)

    def tell(self, standing: Standing, ended: bool) -> None:
        """Draw bars, time and the last item."""
        if (now := time.monotonic()) < self._next and not ended:
            return
        self._next = now + BETWEEN_LOOKS
        bars = [
            f"{name[:WIDEST_NAME]} {self._bar(done / total)} {done}/{total}" for name, done, total in standing.counts
        ]
        self._line.set_description_str("  ".join(filter(None, [*bars, standing.time_left, standing.said])))

    def clear(self) -> None:
        """Wipe the line."""
        self._line.clear()

    def close(self) -> None:
        """Wipe the line for good."""
        self._line.close()
        self._stream.close()

    def _bar(self, share: float) -> str:
        steps = len(self._charset) - 1
        full, part = divmod(round(share * BAR * steps), steps)
        return (self._charset[-1] * full + (self._charset[part] if part else "")).ljust(BAR)


class LogLines:
    """Lines, the first at the first verdict, without any control character."""

    def __init__(self, write_line: Callable[[str], object]) -> None:
        """Take what writes a line of its own."""
        self._write = write_line
        self._next = 0.0

    def tell(self, standing: Standing, ended: bool) -> None:
        """Write what has ended, and how many are done, at most every ten seconds."""
        if not ended or (now := time.monotonic()) < self._next:
            return
        self._next = now + BETWEEN_LINES
        counts = ", ".join(f"{name} {done} of {total}" for name, done, total in standing.counts)
        time_left = standing.time_left and f"about {standing.time_left}"
        self._write("; ".join(filter(None, [standing.said, counts, time_left])))

    def clear(self) -> None:
        """Nothing is in pytest's way."""

    def close(self) -> None:
        """Nothing is open."""


def terminal_stream() -> TextIO | None:
    """The terminal behind standard error, which stays open to us while pytest captures a test's output; None without, or where it can draw no line again."""
    try:
        if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
            return None
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="replace")
    except (OSError, ValueError, AttributeError):
        return None
