"""Networks of T5's trials, after as many NGD steps as it asks for; with the pseudo-inverse where J has dependent rows."""

from __future__ import annotations

import numpy as np

from theory.descent.steps import trajectory
from theory.errors import DivergenceError
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork

CUT = 1e-13
"""Eigenvalues of G below this share of the largest count as 0 in its pseudo-inverse."""


def trained(net: TwoLayerNetwork, inputs: FloatArray, y: FloatArray, eta: float, steps: int) -> TwoLayerNetwork:
    """The network after so many NGD steps. Raises RankDeficientError, DivergenceError."""
    run = trajectory(net, inputs, y, eta, steps, "ngd", parameters=True)
    assert run.weights is not None
    return TwoLayerNetwork(weights=run.weights, signs=net.signs)


def trained_at_any_rank(
    net: TwoLayerNetwork, inputs: FloatArray, y: FloatArray, eta: float, steps: int
) -> TwoLayerNetwork:
    """The same by ``-eta J^T (J J^T)^+ r``, which exists whatever the rank of J. Raises DivergenceError."""
    for _ in range(steps):
        features = net.pattern_features(inputs)
        values, vectors = np.linalg.eigh(net.gram(inputs))
        inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > CUT * values[-1])
        coefficients = vectors @ (inverse * (vectors.T @ (net.outputs(inputs) - y)))
        weights = net.weights - eta * (features * coefficients[:, None]).T @ inputs
        if not np.isfinite(weights).all():
            raise DivergenceError("the weights are not finite")
        net = TwoLayerNetwork(weights=weights, signs=net.signs)
    return net
