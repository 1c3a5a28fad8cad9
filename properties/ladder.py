"""The ladder: which networks a data set is certified with, from few rows and wide networks to all rows."""

from __future__ import annotations

from dataclasses import dataclass

from properties.claim import Depth


@dataclass(frozen=True)
class Rung:
    """One width of the ladder: how many rows of the data, and how the network is initialised."""

    rows: int
    width: int
    scale: float
    symmetric: bool
    parts: int
    """Parts that a segment of a path is divided into at most."""

    @property
    def label(self) -> str:
        """``n = 10, m = 1024``."""
        return f"n = {self.rows}, m = {self.width}"


def ladder(rows: int, depth: Depth) -> tuple[Rung, ...]:
    """All rows (to m = 8,192 when thorough), 100 rows at m = 4,096, and the first 10 rows to m = 400,000 or 100,000."""
    quick = depth is Depth.QUICK
    few = min(10, rows)
    rungs = [
        Rung(rows, width, 1.0, False, 4 if rows > 100 else 16)
        for width in ((1024, 8192) if depth is Depth.THOROUGH else (1024,))
    ]
    if rows > 100:
        rungs.append(Rung(100, 4096, 1.0, False, 16))
    rungs += [Rung(few, width, 4.0, True, 64) for width in ((10_000, 100_000) if quick else (10_000, 100_000, 400_000))]
    return tuple(rungs)
