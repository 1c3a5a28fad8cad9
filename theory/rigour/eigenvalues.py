"""The smallest eigenvalue of a symmetric matrix of balls, enclosed to as many bits as its entries allow."""

from __future__ import annotations

import numpy as np
from flint import arb, arb_mat

from theory.errors import ShapeError

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

    Bisection, each end certified by ``definiteness``; only the lower triangle is read. Raises ShapeError (not square).
    """
    size = matrix.nrows()
    if size != matrix.ncols():
        raise ShapeError(f"the matrix has shape {(size, matrix.ncols())}; a symmetric one is square")
    low, high = _first_bracket(matrix)
    target = arb(2) ** (1 - bits)
    while not high - low < target:
        for share in SPLITS:
            middle = ((1 - share) * low + share * high).mid()
            sign = definiteness(matrix, middle)
            if sign:
                break
        else:
            break
        low, high = (middle, high) if sign > 0 else (low, middle)
    return low.union(high)


def _first_bracket(matrix: arb_mat) -> tuple[arb, arb]:
    """Exact numbers certainly below and above ``lambda_min``: near its float64 value, else by Gershgorin and the diagonal."""
    size = matrix.nrows()
    entries = [[matrix[max(i, j), min(i, j)] for j in range(size)] for i in range(size)]
    estimate = float(np.linalg.eigvalsh(np.array([[float(entry) for entry in row] for row in entries]))[0])
    margin = FIRST_GUESS * max(float(abs(entry)) for row in entries for entry in row)
    low, high = arb(estimate - margin), arb(estimate + margin)
    if definiteness(matrix, low) != 1:
        radii = [sum((abs(entries[i][j]) for j in range(size) if j != i), arb(0)) for i in range(size)]
        low = min(((entries[i][i] - radii[i]).lower() for i in range(size)), key=float) - 1
    if definiteness(matrix, high) != -1:
        high = max((entries[i][i].upper() for i in range(size)), key=float) + 1
    return low, high
