"""How far the computed ``H = S S^T`` and ``G = K o H`` of a stored iterate are from the exact ones, entry by entry.

Let S be the exact features at the stored Z, S' the computed ones, rows i of S and S' of norms at most ``p_i``, tau a bound of what a
row is off by (0 for ReLU, whose pattern is exact), l the additions that a sum over the neurons goes through (0 for ReLU, whose counts
are exact). Then ``|G'_ij - G_ij| <= gamma_{d+l+8} p_i p_j + tau (p_i + p_j) + tau^2``, and with d = 0 the same for H
(docs/proofs/rounding.md, P11.2). It is an absolute error: where phi' is tiny, or K_ij near 0, it may exceed the entry itself.
Underflow is of the order 2^-1074 m, far below tau^2 or, for ReLU, the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from theory.descent.iterate import Iterate
from theory.direction import LowerBound
from theory.inputs import FloatArray
from theory.rigour.activation_accuracy import FEATURE_ERROR
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma


@dataclass(frozen=True)
class GramRounding:
    """``|G' - G|_ij <= relative p_i p_j + absolute (p_i + p_j) + absolute^2`` for a computed G' of n inputs."""

    row_norms: FloatArray
    """p: bounds of the norms of the rows of S, as computed and exact, shape (n,)."""
    relative: float
    absolute: float
    """tau."""

    @classmethod
    def of(cls, state: Iterate, dim: int) -> GramRounding:
        """The error of ``state.gram`` for inputs of dimension ``dim``; that of ``state.pattern_gram`` for 0."""
        smooth = state.phi.curvature is not None
        length = state.summation_length if smooth else 0
        absolute = FEATURE_ERROR if smooth else 0.0
        row_norms = np.sqrt(np.diag(state.pattern_gram)) * (1 + gamma(length + 8)) + absolute
        return cls(row_norms, gamma(dim + length + 8), absolute)

    @property
    def frobenius(self) -> float:
        """Bound of ``||G' - G||_F``, hence of the error of each eigenvalue."""
        p, tau, n = self.row_norms, self.absolute, len(self.row_norms)
        bound = self.relative * float(p @ p) + 2 * tau * math.sqrt(n) * euclidean_norm(p) + n * tau**2
        return bound * (1 + gamma(2 * n + 8))

    def of_product(self, sizes: FloatArray) -> float:
        """Bound of ``||(G' - G) c||_2`` for ``|c|`` (n,)."""
        p, tau = self.row_norms, self.absolute
        weighted, total = float(p @ sizes), float(sizes.sum())
        rows = self.relative * weighted * p + tau * (total * p + weighted) + tau**2 * total
        return euclidean_norm(rows) * (1 + gamma(2 * len(p) + 8))

    def of_form(self, sizes: FloatArray) -> float:
        """Bound of ``|c^T (G' - G) c|`` for ``|c|`` (n,)."""
        weighted, total, tau = float(self.row_norms @ sizes), float(sizes.sum()), self.absolute
        bound = self.relative * weighted * weighted + 2 * tau * weighted * total + tau * total * tau * total
        return bound * (1 + gamma(2 * len(sizes) + 8))


def product_error(size: float, factor_error: float, terms: int, entries: int) -> float:
    """Bound of ``||fl(A' A'^T) - A A^T||_F``, symmetrised too, for a computed factor A' off by ``factor_error``, norms of Frobenius.

    ``size`` is ``||A'||_F`` as computed from so many ``entries``; an entry of the product is a sum of so many ``terms``.
    """
    bound = 2 * size * factor_error + factor_error**2 + gamma(terms + 1) * size * size
    return bound * (1 + gamma(2 * entries + 16))


def smallest_eigenvalue(gram: FloatArray, error: float) -> LowerBound:
    """A certified lower bound of lambda_min of every symmetric matrix within ``error`` of ``gram`` in spectral norm.

    The symmetric part of ``gram`` is no farther from a symmetric matrix than ``gram`` is; computed it is a rounding away.
    """
    below = smallest_eigenvalue_lower_bound((gram + gram.T) / 2)
    if (gram != gram.T).any():
        error += UNIT_ROUNDOFF * euclidean_norm(gram) * (1 + gamma(gram.size + 8))
    return LowerBound(math.nextafter(below - error * (1 + gamma(4)), -math.inf))


def smallest_root(gram: FloatArray, error: float) -> float:
    """The root of ``smallest_eigenvalue``, a lower bound too; 0 when that is not positive."""
    return math.sqrt(max(smallest_eigenvalue(gram, error), 0.0)) * (1 - gamma(4))


def over_root(value: float, root: float) -> float:
    """``value / root`` for a lower bound of a root: inf when that is 0."""
    return value / root if root > 0 else math.inf


def root_error(squared: float, error: float) -> float:
    """How far the root of a nonnegative number is from ``max(squared, 0)^{1/2}``, for a number within ``error`` of it.

    ``|a^{1/2} - b^{1/2}| = |a - b|/(a^{1/2} + b^{1/2})`` is at most ``|a - b|/b^{1/2}`` and ``|a - b|^{1/2}``.
    """
    return error / math.sqrt(squared) if squared > error else math.sqrt(error)
