"""Inputs of every structure that decides on Conditions 1 and 2: unit rows, drawn by kind.

Some kinds make G(0) singular: duplicated inputs always, antiparallel ones with an odd activation, nearly parallel ones to
rounding. Their instances reach the claims as vacuous or undecided ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from theory.inputs import FloatArray, normalise_rows

ANGLES = tuple(f"angle 1e-{exponent}" for exponent in range(1, 9))
"""The first two inputs at this angle."""

INPUT_KINDS = ("uniform", "clustered", *ANGLES, "antiparallel", "duplicated", "rank-deficient", "integer", "orthogonal")


def weighted_kinds(angles: Sequence[str] = ANGLES) -> tuple[str, ...]:
    """Kinds to sample from, the simplest first; one draw in about 20 is singular whatever the network."""
    regular = 4 * ("uniform",) + 3 * ("clustered",)
    return (*regular, *2 * ("rank-deficient",), *3 * ("integer",), *2 * ("antiparallel",), *angles, "duplicated")


def draw_inputs(n: int, d: int, kind: str, rng: np.random.Generator) -> FloatArray:
    """Unit rows X (n, d) of a kind.

    * "uniform" on the sphere; "clustered" within about 0.3 of one direction; "orthogonal": a random basis, over and over;
    * "angle 1e-k": the second row is at that angle to the first; "antiparallel": the second half repeats the first with the
      opposite sign; "duplicated": the second row repeats the first;
    * "rank-deficient": rank below d exactly, and below n for n > 2, as columns repeat;
    * "integer": directions with entries of -2 to 2, which keeps exact coincidences and zero pre-activations in reach.

    With d = 1 rows are 1 and -1 by turns, but for "duplicated" and "integer".
    """
    rows = rng.standard_normal((n, d))
    if kind == "integer":
        rows = rng.integers(-2, 3, (n, d)).astype(float)
        rows[~rows.any(axis=1), 0] = 1.0
    elif d == 1:
        rows = np.where(np.arange(n) % 2, -1.0, 1.0)[:, None]
    elif kind == "clustered":
        rows = rows[:1] + 0.3 * rows
    elif kind == "orthogonal":
        rows = np.linalg.qr(rng.standard_normal((d, d)))[0][np.arange(n) % d]
    elif kind == "rank-deficient":
        rows = rows[:, np.arange(d) % min(max(n - 1, 2), d - 1)]
    rows = normalise_rows(rows)
    if kind in ANGLES and n > 1 and d > 1:
        angle = float(kind.removeprefix("angle "))
        tangent = normalise_rows((rows[1] - (rows[1] @ rows[0]) * rows[0])[None, :])[0]
        rows[1] = normalise_rows((np.cos(angle) * rows[0] + np.sin(angle) * tangent)[None, :])[0]
    elif kind == "antiparallel":
        rows[n - n // 2 :] = -rows[: n // 2]
    elif kind == "duplicated":
        rows[1:2] = rows[:1]
    return rows
