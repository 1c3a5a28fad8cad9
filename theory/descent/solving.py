"""Systems with a Gram matrix, solved in float64."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from theory.errors import RankDeficientError
from theory.inputs import FloatArray

EPSILON = float(np.finfo(float).eps)
"""Between 1 and the next float64."""


def solve_gram(gram: FloatArray, right: FloatArray, name: str = "the matrix") -> FloatArray:
    """Solve with a symmetric positive definite n x n matrix by Cholesky; ``name`` says in errors which one it is.

    Raises RankDeficientError when a pivot is below ``n eps`` times the largest, the factorisation's backward error. That does
    not say whether the matrix is singular: theory/network/definiteness.py does, where it can be known.
    """
    failed = f"{name} ({len(gram)} x {len(gram)}) cannot be solved with in float64"
    # symmetric, so that its transpose, which is in the order of LAPACK, is itself
    factor, info = lapack.dpotrf(np.asarray_chkfinite(gram).T, lower=1, clean=0)
    if info > 0:
        raise RankDeficientError(f"{failed} (a pivot is not positive)")
    pivots = factor.diagonal() ** 2
    smallest, largest = pivots.min(), pivots.max()
    if smallest <= len(gram) * EPSILON * largest:
        raise RankDeficientError(f"{failed} (pivots {smallest:.3g} to {largest:.3g})")
    return np.asarray(lapack.dpotrs(factor, np.asarray_chkfinite(right), lower=1)[0])
