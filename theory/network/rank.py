"""When the Jacobian of a network is known to have linearly dependent rows, so that G is singular: Condition 1 fails."""

from __future__ import annotations

import numpy as np
from flint import fmpz_mat
from numpy.typing import ArrayLike

from theory.inputs import unit_rows
from theory.network.gram import exact_pattern
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.exact import whole_matrix

ODD_ACTIVATIONS = ("tanh", "erf", "sin")
"""``phi(-z) = -phi(z)``: phi' is even, so that x and -x have opposite rows of J."""

MOST_ROWS = 64
"""The exact rank is computed for so many rows at most."""


def jacobian_rank_deficient(net: TwoLayerNetwork, inputs: ArrayLike) -> bool:
    """Whether J (n, m d) has rank below n for certain, the rows of X (n, d) taken exactly as given.

    Two equal rows of X give equal rows of J; two opposite ones opposite rows when the activation is odd. For a ReLU network with
    ``MOST_ROWS`` inputs at most ``m G = K o (A A^T)`` is a rational matrix, whose rank decides. False says nothing: see
    ``theory.kernels.limiting.gram_eigenvalue_bounds``. Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    rows = unit_rows(inputs)
    signed = rows * np.where(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    compared = signed if net.activation in ODD_ACTIVATIONS else rows
    if len(np.unique(compared + 0.0, axis=0)) < len(rows):
        return True
    if net.phi.curvature is not None or len(rows) > MOST_ROWS:
        return False
    factor = whole_matrix(rows)
    kernel = (factor * factor.transpose()).entries()
    counts = pattern_counts(exact_pattern(net, rows)).ravel().tolist()
    n = len(rows)
    return int(fmpz_mat(n, n, [k * int(c) for k, c in zip(kernel, counts, strict=True)]).rank()) < n
