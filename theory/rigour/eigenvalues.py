"""The smallest eigenvalue of a symmetric matrix of balls, enclosed to as many bits as its entries allow."""

from __future__ import annotations

from functools import reduce

import numpy as np
from flint import arb, arb_mat

from theory.errors import ShapeError
from theory.inputs import FloatArray

FIRST_GUESS = 2.0**-36
"""Half-width, relative to the entries, of the first bracket around the float64 eigenvalue."""

SPLITS = (0.5, 0.375, 0.6875)
"""Where a bracket is cut: the next one is tried when the matrix shifted there is too nearly singular to decide."""


def definiteness(matrix: arb_mat, shift: arb) -> int:
    """1 when every symmetric matrix in the balls is certainly ``> shift I``, -1 when certainly none is ``>= shift I``, else 0.

    The pivots of ``L D L^T`` without pivoting: all positive, or the first one that is not is negative (Sylvester).
    """
    size = matrix.nrows()
    rows = [[matrix[i, j] - shift if i == j else matrix[i, j] for j in range(i + 1)] for i in range(size)]
    for k in range(size):
        pivot = rows[k][k]
        if not pivot > 0:
            return -1 if pivot < 0 else 0
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            for j in range(k + 1, i + 1):
                rows[i][j] -= factor * rows[j][k]
    return 1


def enclosed_smallest_eigenvalue(matrix: arb_mat, bits: int) -> arb:
    """A ball, of radius below ``2^-bits`` where the precision allows, with ``lambda_min`` of each symmetric matrix inside.

    Bisection, each end certified by ``definiteness`` or, before the first cut, by Gershgorin's theorem and the diagonal; only
    the lower triangle is read. The whole line for entries without bounds. Raises ShapeError (not square).
    """
    size = matrix.nrows()
    if size != matrix.ncols():
        raise ShapeError(f"the matrix has shape {(size, matrix.ncols())}; a symmetric one is square")
    low, high = _first_bracket(matrix)
    if not (low.is_finite() and high.is_finite()):
        return arb(0, "inf")
    target = arb(2) ** (1 - bits)
    while not high - low < target:
        for share in SPLITS:
            middle = ((1 - share) * low + share * high).mid()
            sign = definiteness(matrix, middle) if low < middle < high else 0  # the precision may not tell them apart
            if sign:
                break
        else:
            break
        low, high = (middle, high) if sign > 0 else (low, middle)
    return low.union(high)


def _first_bracket(matrix: arb_mat) -> tuple[arb, arb]:
    """Exact numbers certainly at most and at least every ``lambda_min``, infinite where the entries have no bounds.

    Around its float64 value when ``definiteness`` confirms the end, else Gershgorin's bound below, ``min_i a_ii`` above.
    """
    size = matrix.nrows()
    entries = [[matrix[max(i, j), min(i, j)] for j in range(size)] for i in range(size)]
    low, high = _around_float_value(np.array([[float(entry) for entry in row] for row in entries]))
    if not low.is_finite() or definiteness(matrix, low) != 1:
        radii = [sum((abs(entries[i][j]) for j in range(size) if j != i), arb(0)) for i in range(size)]
        low = _least([(entries[i][i] - radii[i]).lower() for i in range(size)])
    if not high.is_finite() or definiteness(matrix, high) != -1:
        high = _least([entries[i][i].upper() for i in range(size)])
    return low if low.is_finite() else arb("-inf"), high if high.is_finite() else arb("inf")


def _around_float_value(middles: FloatArray) -> tuple[arb, arb]:
    """The float64 eigenvalue less and plus the first guess's half-width; not finite when it cannot be had."""
    if not np.isfinite(middles).all():
        return arb("-inf"), arb("inf")
    estimate = float(np.linalg.eigvalsh(middles)[0])
    margin = FIRST_GUESS * float(np.abs(middles).max())
    return arb(estimate - margin), arb(estimate + margin)


def _least(ends: list[arb]) -> arb:
    """The smallest of some exact numbers, compared exactly; not-a-number when one of them is."""
    return reduce(arb.min, ends)
