"""The rounding of the pre-activations ``w_r . x`` of unit rows x."""

import numpy as np

from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.rounding import UNDERFLOW, gamma

SMALLEST_SAFE_NORM = 2.0**-400
"""Above this norm, what underflows among the squares of a vector's entries is nothing beside their sum."""


def pre_activation_error(net: TwoLayerNetwork) -> FloatArray:
    """Bounds, shape (m,), of ``|fl(w_r . x) - w_r . x| <= gamma_d ||w_r|| ||x||`` for a unit row x, underflow included.

    Doubled for the rounding of the norms and of ``||x||``. Weights of any size: the norm of one whose squares vanish or
    overflow is taken of its multiple with largest entry 1.
    """
    return net.once("errors of pre-activations", None, lambda: pre_activation_errors(net.weights))


def pre_activation_errors(weights: FloatArray) -> FloatArray:
    """The same for weights (m, d)."""
    with np.errstate(over="ignore"):
        norms: FloatArray = np.einsum("rd,rd->r", weights, weights)
        np.sqrt(norms, out=norms)
        if not (norms.min(initial=np.inf) > SMALLEST_SAFE_NORM and norms.max(initial=0.0) < np.inf):
            extreme = np.flatnonzero(~((norms > SMALLEST_SAFE_NORM) & (norms < np.inf)))
            largest = np.abs(weights[extreme]).max(axis=1)
            scaled = weights[extreme] / np.where(largest > 0, largest, 1.0)[:, None]
            norms[extreme] = largest * np.linalg.norm(scaled, axis=1)
        # in place, as memory that is new costs more than arithmetic does
        norms += UNDERFLOW
        norms *= 2 * gamma(weights.shape[1] + 4)
        norms += UNDERFLOW
        return norms
