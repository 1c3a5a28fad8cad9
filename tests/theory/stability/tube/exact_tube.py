"""The tube from its definitions, in rational numbers, neuron by neuron: an oracle for small networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork

Table = list[list[Fraction]]


@dataclass(frozen=True)
class ExactTube:
    """All 0/1 matrices and their weighted products, each entry from its definition."""

    kernel: Table
    before: NDArray[np.int64]
    """``A0 = 1[Z >= 0]``."""
    flips: NDArray[np.int64]
    """``B = 1[|Z| <= b]``."""
    may: NDArray[np.int64]
    """``1[Z >= -b]``."""
    sure: NDArray[np.int64]
    """``1[Z > b]``."""
    gram: FloatArray

    @classmethod
    def of(cls, net: TwoLayerNetwork, rows: FloatArray, widths: FloatArray) -> ExactTube:
        """For widths (n,) or (n, m)."""
        n, m = len(rows), net.width
        b = np.broadcast_to(widths[:, None] if widths.ndim == 1 else widths, (n, m))
        x, w = ([[Fraction(v) for v in row] for row in array.tolist()] for array in (rows, net.weights))
        z = [[sum((a * c for a, c in zip(x[i], w[r], strict=True)), Fraction(0)) for r in range(m)] for i in range(n)]
        kernel = [[sum((a * c for a, c in zip(p, q, strict=True)), Fraction(0)) for q in x] for p in x]

        def table(rule: str) -> NDArray[np.int64]:
            limit = [[Fraction(float(b[i, r])) for r in range(m)] for i in range(n)]
            rules: dict[str, Callable[[Fraction, Fraction], bool]] = {
                "before": lambda v, _: v >= 0,
                "flips": lambda v, c: abs(v) <= c,
                "may": lambda v, c: v >= -c,
                "sure": lambda v, c: v > c,
            }
            return np.array([[int(rules[rule](z[i][r], limit[i][r])) for r in range(m)] for i in range(n)])

        before = table("before")
        gram = _weighted(kernel, before @ before.T, m)
        return cls(kernel, before, table("flips"), table("may"), table("sure"), gram)

    @property
    def gram_change(self) -> FloatArray:
        """D."""
        start = self.before @ self.before.T
        change = np.maximum(self.may @ self.may.T - start, start - self.sure @ self.sure.T)
        return np.abs(_weighted(self.kernel, change, self.neurons))

    @property
    def product_change(self) -> FloatArray:
        """M."""
        return np.abs(_weighted(self.kernel, self.flips @ self.may.T, self.neurons))

    @property
    def jacobian_change(self) -> float:
        """tau."""
        return norm(np.abs(_weighted(self.kernel, self.flips @ self.flips.T, self.neurons)))

    @property
    def touched(self) -> float:
        """tau_2."""
        some = self.may[:, self.flips.any(axis=0)]
        return norm(np.abs(_weighted(self.kernel, some @ some.T, self.neurons)))

    @property
    def frozen(self) -> float:
        """lambda_c."""
        rest = self.before[:, ~self.flips.any(axis=0)]
        return float(np.linalg.eigvalsh(_weighted(self.kernel, rest @ rest.T, self.neurons))[0])

    @property
    def neurons(self) -> int:
        """m."""
        return int(self.before.shape[1])

    @property
    def lambda_min(self) -> float:
        """lambda_b."""
        return max(float(np.linalg.eigvalsh(self.gram)[0]) - norm(self.gram_change), self.frozen)

    @property
    def product_norm(self) -> float:
        """xi."""
        return min(norm(self.product_change), float(np.sqrt(self.jacobian_change * self.touched)))


def _weighted(kernel: Table, counts: NDArray[np.int64], neurons: int) -> FloatArray:
    n = len(kernel)
    return np.array([[float(kernel[i][j] * int(counts[i, j]) / neurons) for j in range(n)] for i in range(n)])


def norm(matrix: FloatArray) -> float:
    """The spectral norm, as computed."""
    return float(np.linalg.norm(matrix, 2))
