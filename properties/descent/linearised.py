"""Iterations of the linearised model: the Jacobian and the pattern frozen at initialisation (T0-linear)."""

from __future__ import annotations

import numpy as np

from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry

MOST_ITERATIONS = 10**12
"""Counts beyond this one are given as None."""


def linearised_iterations(
    optimiser: str, eta: float, inputs: FloatArray, gram: FloatArray, residual: FloatArray, reduction: float
) -> int | None:
    """The least k with ``||r(k)|| <= reduction ||r(0)||`` when every step is ``r - eta M r``; None when there is none.

    M is I for NGD, diag(h) for K-FAC (I-kfac-fn), G(0) for GD. ``gram`` (n, n) is G(0), ``residual`` r(0) (n,).
    """
    if optimiser == "ngd":
        factors, weights = np.array([1 - eta]), np.array([1.0])
    elif optimiser == "kfac":
        factors, weights = 1 - eta * InputGeometry.of(inputs).leverage, residual**2
    else:
        values, vectors = np.linalg.eigh(gram)
        factors, weights = 1 - eta * values, (vectors.T @ residual) ** 2
    weights = weights / weights.sum()

    def remaining(k: int) -> float:
        return float(np.sqrt(np.sum(weights * np.abs(factors) ** (2 * k))))

    high = 1
    while remaining(high) > reduction:
        high *= 2
        if high > MOST_ITERATIONS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if remaining(middle) <= reduction else (middle, high)
    return high
