"""One step after the other, each with its error bound."""

from itertools import islice

import numpy as np
import pytest

from theory.descent.steps import FunctionSpaceDescent
from theory.maps.affine import PerturbedAffine
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.one_step import OneStep, map_step, map_steps, network_step, network_steps


def assert_same(step: OneStep, other: OneStep) -> None:
    for name in ("before", "after", "before_error", "after_error", "length", "length_error"):
        assert getattr(step, name) == getattr(other, name), name
    assert (step.residual == other.residual).all()
    assert (step.moved_residual == other.moved_residual).all()


@pytest.mark.parametrize("optimiser", ["ngd", "kfac", "gd"])
def test_steps_of_a_run_are_those_taken_one_by_one(optimiser: str) -> None:
    rng = np.random.default_rng(7)
    inputs, y = np.eye(3), rng.choice([-1.0, 1.0], 3)
    net = TwoLayerNetwork.initialise(40, 3, 1.0, rng)
    states = [FunctionSpaceDescent(net, inputs, y) for _ in range(2)]
    for step, _ in zip(network_steps(states[0], 0.3, optimiser), range(5), strict=False):
        assert_same(step, network_step(states[1], 0.3, optimiser))


@pytest.mark.parametrize("optimiser", ["ngd", "gd"])
def test_steps_of_a_map_one_after_the_other_are_those_taken_one_by_one(optimiser: str) -> None:
    """Neither what is known of a point nor its error stands for the next one, whose rounding is another."""
    rng = np.random.default_rng(8)
    model, theta, y = (
        PerturbedAffine(rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), 0.5),
        np.ones(3),
        np.ones(2),
    )
    errors = []
    for moved, step in islice(map_steps(model, theta, y, 0.3, optimiser), 5):
        place, other = map_step(model, theta, y, 0.3, optimiser)
        assert (moved == place).all()
        assert_same(step, other)
        errors.append(model.rounding(theta))
        theta = moved
    assert all(len(set(one)) == len(errors) for one in zip(*errors, strict=True))
