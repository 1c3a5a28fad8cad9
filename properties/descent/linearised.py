"""Iterations of the linearised model: the Jacobian and the pattern frozen at initialisation (T0-linear)."""

from __future__ import annotations

import numpy as np

from theory.descent.optimiser import Chosen, as_optimiser
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry

MOST_ITERATIONS = 10**12
"""Counts beyond this one are given as None."""


def linearised_iterations(
    optimiser: Chosen, eta: float, inputs: FloatArray, gram: FloatArray, residual: FloatArray, reduction: float
) -> int | None:
    """The least k with ``||r(k)|| <= reduction ||r(0)||`` when every step is ``r - eta M r``; None when there is none.

    M is the optimiser's for the Jacobian at initialisation. ``gram`` (n, n) is G(0), ``residual`` r(0) (n,).
    """
    values, vectors = np.linalg.eigh(as_optimiser(optimiser).linearised(InputGeometry.of(inputs), gram))
    weights = (vectors.T @ residual) ** 2
    if values[0] == values[-1]:
        values, weights = values[:1], np.ones(1)
    factors, weights = 1 - eta * values, weights / weights.sum()

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
