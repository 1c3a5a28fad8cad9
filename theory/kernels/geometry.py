"""The inputs alone: kernel K, projection P onto the column space, leverage scores, extreme eigenvalues of X^T X."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from theory.inputs import FloatArray, unit_rows


@dataclass(frozen=True)
class InputGeometry:
    """What the optimisers need of unit rows X of shape (n, d) (docs/theory.md, section 1: K, P, h, mu).

    The rank counts the singular values above ``max(n, d) eps`` times the largest: the backward error of the
    decomposition, below which a singular value cannot be told from zero.
    """

    inputs: FloatArray

    @classmethod
    def of(cls, inputs: ArrayLike) -> InputGeometry:
        """Check the rows and wrap them. Raises what ``unit_rows`` raises."""
        return cls(unit_rows(inputs))

    @cached_property
    def kernel(self) -> FloatArray:
        """``K = X X^T``, shape (n, n)."""
        return self.inputs @ self.inputs.T

    @cached_property
    def decomposition(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The singular value decomposition ``X = U diag(s) V`` without the zeros: U (n, r), s (r,) falling, V (r, d)."""
        left, values, right = np.linalg.svd(self.inputs, full_matrices=False)
        rank = int(np.count_nonzero(values > max(self.inputs.shape) * np.finfo(float).eps * values[0]))
        return left[:, :rank], values[:rank], right[:rank]

    @property
    def rank(self) -> int:
        """Numerical rank of X."""
        return len(self.decomposition[1])

    @property
    def basis(self) -> FloatArray:
        """An orthonormal basis of the column space of X, shape (n, rank)."""
        return self.decomposition[0]

    @cached_property
    def projection(self) -> FloatArray:
        """``P = X X^+``, shape (n, n)."""
        left = self.decomposition[0]
        return left @ left.T

    @property
    def leverage(self) -> FloatArray:
        """Leverage scores ``h_i = P_ii`` in [0, 1], shape (n,)."""
        return np.diag(self.projection)

    @cached_property
    def dual_coordinates(self) -> FloatArray:
        """``U diag(1/s)``, shape (n, rank): the rows of ``(X^+)^T`` in the orthonormal rows of V, so that norms are those of ``(X^+)^T``."""
        left, values, _ = self.decomposition
        return np.asarray(left / values)

    @cached_property
    def dual_inputs(self) -> FloatArray:
        """``X (X^T X)^+ = (X^+)^T``, shape (n, d)."""
        return self.dual_coordinates @ self.decomposition[2]

    @property
    def largest_eigenvalue(self) -> float:
        """``mu_max = ||X||_2^2`` (squared norm), as computed."""
        return float(self.decomposition[1][0] ** 2)

    @property
    def smallest_eigenvalue(self) -> float:
        """``mu_min``, the smallest nonzero eigenvalue of X^T X, as computed."""
        return float(self.decomposition[1][-1] ** 2)
