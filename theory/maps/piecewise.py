"""Continuous piecewise linear functions of one variable each, of floats and of balls: values, slopes, the pieces within reach."""

from __future__ import annotations

import numpy as np

from theory.inputs import FloatArray
from theory.rigour.exact import AnyArray


def _positive_part(values: AnyArray) -> AnyArray:
    """``max(x, 0) = (x + |x|)/2``, exact for floats and an enclosure for balls of undecided sign."""
    return np.asarray((values + np.abs(values)) / 2)


def piecewise_values(positions: AnyArray, knots: AnyArray, slopes: AnyArray) -> AnyArray:
    """``p_i(t_i) = ∫_0^{t_i} s_i`` for positions (n,), increasing knots (n, k) and slopes (n, k+1).

    The leftmost slope times t, and a hinge ``(s_j - s_{j-1}) (max(t - k_j, 0) - max(-k_j, 0))`` a knot.
    """
    return hinged(positions, knots, slopes, *hinges_of(knots, slopes))


def hinges_of(knots: AnyArray, slopes: AnyArray) -> tuple[AnyArray, AnyArray]:
    """``s_j - s_{j-1}`` and ``max(-k_j, 0)``, shape (n, k) each: what of these values is the same at all positions."""
    return np.diff(slopes, axis=1), _positive_part(-knots)


def hinged(positions: AnyArray, knots: AnyArray, slopes: AnyArray, jumps: AnyArray, starts: AnyArray) -> AnyArray:
    """The values (n,) for the hinges of these knots and slopes."""
    hinges = _positive_part(positions[:, None] - knots) - starts
    return np.asarray(slopes[:, 0] * positions + np.sum(jumps * hinges, axis=1))


def piecewise_slopes(positions: AnyArray, knots: AnyArray, slopes: AnyArray) -> AnyArray:
    """``s_i(t_i)``, shape (n,); not a number for a ball that does not lie in one piece."""
    above = positions[:, None] >= knots
    below = positions[:, None] < knots
    pieces = np.asarray(above, dtype=bool).sum(axis=1)
    chosen = slopes[np.arange(len(positions)), pieces]
    decided = (np.asarray(above, dtype=bool) ^ np.asarray(below, dtype=bool)).all(axis=1)
    return np.asarray(np.where(decided, chosen, chosen * float("nan")))


def pieces_within(knots: FloatArray, reach: float) -> FloatArray:
    """Which pieces (n, k+1) meet ``|t| <= reach``, as booleans."""
    endless = np.full((len(knots), 1), np.inf)
    return np.asarray((np.hstack([-endless, knots]) <= reach) & (np.hstack([knots, endless]) >= -reach))
