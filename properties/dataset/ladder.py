"""The ladder: which networks a data set is certified with, from few rows and wide networks to all rows."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from properties.engine.claim import Depth
from theory.errors import ScaleError, WidthError
from theory.inputs import LARGEST_SCALE


@dataclass(frozen=True)
class Rung:
    """One width of the ladder: how many rows of the data, and how the network is initialised."""

    rows: int
    width: int
    scale: float
    symmetric: bool
    parts: int
    """Parts that a segment of a path is divided into at most."""
    tube_only: bool = False
    """Whether balls, paths and other optimisers are left out, which would take minutes at this size."""

    @property
    def optimisers(self) -> tuple[str, ...]:
        """Those that are followed on it, each of which can be by itself."""
        return ("ngd",) if self.tube_only else ("ngd", "kfac", "gd")

    @property
    def label(self) -> str:
        """``n = 10, m = 1024``."""
        return f"n = {self.rows}, m = {self.width}"


ALL_ROWS = 500
"""Of a larger data set the widest rungs take the first so many rows: a step costs n^2 m."""

SOME_ROWS, FEW_ROWS = 100, 10
"""Rows of the middle rung, and of the rungs whose networks are wide enough for the theorems."""

WIDE_SCALES = ((SOME_ROWS, 100_000, 1e3), (ALL_ROWS, 200_000, 1e5))
"""Rows, width and scale of networks that are as wide as the tube asks for: at depth normal the first, at thorough both."""


def ladder(rows: int, depth: Depth) -> tuple[Rung, ...]:
    """All rows up to m = 8,192, 100 rows at m = 4,096, and the first 10 rows up to m = 400,000.

    At depth quick up to m = 1,024 and 100,000. From depth normal on 100 rows at m = 100,000 and a large scale, at depth thorough
    all rows as well, for the tube alone. Of more than 500 rows the first 500 stand for all.
    """
    quick = depth is Depth.QUICK
    most, few = min(ALL_ROWS, rows), min(FEW_ROWS, rows)
    parts = 4 if most > SOME_ROWS else 16
    rungs = [Rung(most, width, 1.0, False, parts) for width in ((1024,) if quick else (1024, 8192))]
    if rows > SOME_ROWS:
        rungs.append(Rung(SOME_ROWS, 4096, 1.0, False, 16))
    widths = (10_000, 100_000) if quick else (10_000, 100_000, 400_000)
    rungs += [Rung(few, width, 4.0, True, 64) for width in widths]
    wide = {Depth.QUICK: 0, Depth.NORMAL: 1}.get(depth, 2)
    for most_rows, width, scale in WIDE_SCALES[:wide]:
        taken = min(most_rows, rows)
        if rows > FEW_ROWS and taken not in {rung.rows for rung in rungs if rung.tube_only}:
            rungs.append(Rung(taken, width, scale, True, 4, tube_only=True))
    return tuple(rungs)


def _bytes_needed(rows: int, dim: int, width: int) -> int:
    """The weights, and four (n, m) arrays: pre-activations, their costs, and what certificates make of them."""
    return 8 * width * (dim + 4 * rows)


def _memory() -> float:
    """Bytes of this machine's memory; inf where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def own_rungs(
    rows: int, dim: int, widths: Sequence[int], scale: float = 1.0, symmetric: bool = False
) -> tuple[Rung, ...]:
    """The widths that the user asks for, on all rows, of more than 500 the first 500.

    Raises WidthError (not positive, odd and symmetric, beyond this machine's memory, or m d below the number of rows), ScaleError.
    """
    most = min(ALL_ROWS, rows)
    if not 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
        raise ScaleError(
            f"--scale {scale:g}: the scale nu of the initial weights must lie between {1 / LARGEST_SCALE:.0g} and "
            f"{LARGEST_SCALE:.0g}"
        )
    for width in widths:
        if width <= 0:
            raise WidthError(f"--width {width}: a width must be positive")
        if symmetric and width % 2:
            raise WidthError(f"--width {width}: symmetric initialisation pairs neurons and needs an even width")
        if (needed := _bytes_needed(most, dim, width)) > _memory():
            raise WidthError(f"--width {width}: needs about {needed / 2**30:.3g} GiB, more than this machine has")
        if width * dim < most:
            raise WidthError(
                f"--width {width}: {width} neurons of {dim} weights cannot fit {most} rows; m d must be at least {most}"
            )
    return tuple(Rung(most, width, scale, symmetric, 4 if most > SOME_ROWS else 16) for width in widths)
