"""Rows with exact float64 entries, of every kind that K-pd distinguishes."""

from __future__ import annotations

import numpy as np

from theory.inputs import FloatArray


def integer_rows(count: int, dim: int, largest: int, rng: np.random.Generator) -> FloatArray:
    """Nonzero rows of integers of at most ``largest`` in magnitude, shape (count, dim)."""
    rows = rng.integers(-largest, largest + 1, (count, dim)).astype(np.float64)
    rows[~rows.any(axis=1), 0] = 1.0
    return rows


def general_rows(kind: str, n: int, d: int, exponent: int, rng: np.random.Generator) -> FloatArray:
    """Rows without parallel ones (but for d = 1): uniform, clustered, or one pair at an angle near ``10^-exponent``."""
    rows = rng.standard_normal((n, d))
    if kind == "clustered":
        rows = rows[:1] + 0.3 * rows
    elif kind == "nearly parallel":
        rows[-1] = rows[0] * 2 + 10.0**-exponent * rng.standard_normal(d)
    elif kind == "nearly antiparallel":
        rows[-1] = -rows[0] + 10.0**-exponent * rng.standard_normal(d)
    return rows


def antiparallel_rows(kind: str, pairs: int, singles: int, d: int, rng: np.random.Generator) -> FloatArray:
    """Pairs x, -x with multiples, and single rows, shuffled.

    ``dependent``: three pairs in one plane, the others anywhere; ``independent``: at most d pairs, independent by their
    triangular shape; ``real``: directions with 53-bit entries.
    """
    if kind == "dependent":
        plane = np.concatenate([integer_rows(1, d, 4, rng), integer_rows(1, d, 4, rng)])
        plane[0, :2], plane[1, :2] = (1.0, 0.0), (2.0, 3.0)
        first, second = rng.choice([-2.0, -1.0, 1.0, 3.0], 2)
        directions = np.concatenate([plane, [first * plane[0] + second * plane[1]], integer_rows(pairs, d, 4, rng)])
    elif kind == "independent":
        directions = np.tril(rng.integers(-4, 5, (min(pairs, d), d)), -1) + np.eye(min(pairs, d), d)
    else:
        directions = rng.standard_normal((pairs, d))
    factors = rng.integers(1, 6, (len(directions), 1)).astype(np.float64) if kind != "real" else 2.0
    rows = np.concatenate([directions, -factors * directions, rng.standard_normal((singles, d))])
    return rng.permutation(rows)


def duplicated_rows(kind: str, n: int, d: int, rng: np.random.Generator) -> FloatArray:
    """The first row occurs twice: ``equal`` bit by bit, or ``multiple``, exact integers times 2 to 9."""
    rows = integer_rows(n, d, 9, rng) if kind == "multiple" else rng.standard_normal((n, d))
    factor = float(rng.integers(2, 10)) if kind == "multiple" else 1.0
    return rng.permutation(np.concatenate([rows, factor * rows[:1]]))
