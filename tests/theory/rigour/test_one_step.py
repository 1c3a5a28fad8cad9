"""One step after the other, each with its error bound."""

import numpy as np
import pytest

from theory.descent.steps import FunctionSpaceDescent
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.one_step import network_step, network_steps


@pytest.mark.parametrize("optimiser", ["ngd", "kfac", "gd"])
def test_steps_of_a_run_are_those_taken_one_by_one(optimiser: str) -> None:
    rng = np.random.default_rng(7)
    inputs, y = np.eye(3), rng.choice([-1.0, 1.0], 3)
    net = TwoLayerNetwork.initialise(40, 3, 1.0, rng)
    states = [FunctionSpaceDescent(net, inputs, y) for _ in range(2)]
    for step, _ in zip(network_steps(states[0], 0.3, optimiser), range(5), strict=False):
        other = network_step(states[1], 0.3, optimiser)
        for name in ("before", "after", "before_error", "after_error", "length", "length_error"):
            assert getattr(step, name) == getattr(other, name), name
        assert (step.residual == other.residual).all()
        assert (step.moved_residual == other.moved_residual).all()
