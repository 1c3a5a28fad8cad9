"""Small problems, and the steps in parameters."""

import numpy as np

from theory.descent.steps import gradient_step, kfac_step, natural_gradient_step
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork

STEPS = {"ngd": natural_gradient_step, "kfac": kfac_step, "gd": gradient_step}
Problem = tuple[TwoLayerNetwork, FloatArray, FloatArray]


def problem(seed: int = 0, n: int = 5, d: int = 3, m: int = 400, activation: str = "relu") -> Problem:
    rng = np.random.default_rng(seed)
    net = TwoLayerNetwork.initialise(m, d, 1.3, rng, activation=activation)
    return net, normalise_rows(rng.standard_normal((n, d))), rng.standard_normal(n)
