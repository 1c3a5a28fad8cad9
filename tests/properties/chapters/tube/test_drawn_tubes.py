"""What is said of drawn networks: a tube that is too narrow, or a ratio that is too small, is not certified."""

import dataclasses

import numpy as np
import pytest
from flint import fmpq

from properties.chapters.tube.width_instances import DrawnTube, TubeWidthInstance, closes, inverse_length
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import bounds_at, tube_start
from theory.theorems.tube_plan import FORMS, TubePlan


def plan_of(form: str) -> TubePlan:
    return TubeWidthInstance(np.eye(2), np.full(2, 0.25), 1.0, 0.1, form).plan


@pytest.mark.parametrize("form", FORMS)
def test_a_network_of_the_theorems_width_is_certified(form: str) -> None:
    plan = plan_of(form)
    assert closes(plan, plan.width, np.random.default_rng(0))


@pytest.mark.parametrize("form", FORMS)
def test_one_that_is_much_too_narrow_is_not(form: str) -> None:
    plan = plan_of(form)
    assert not closes(plan, 2 * max(4, plan.width // 4000), np.random.default_rng(0))


@pytest.mark.parametrize("form", FORMS)
def test_a_smaller_ratio_than_the_networks_is_not_certified(form: str) -> None:
    plan = plan_of(form)
    smaller = dataclasses.replace(plan, ratio=fmpq(1, 10**6))
    assert not closes(smaller, plan.width, np.random.default_rng(0))


def test_the_length_of_the_start_is_bounded_from_above() -> None:
    plan = plan_of("ratio")
    start = DrawnTube.at(plan, 400, np.random.default_rng(0)).start
    exact = float(start.residual @ np.linalg.solve(start.gram, start.residual))
    assert exact <= inverse_length(start) <= exact * (1 + 1e-9)


@pytest.mark.parametrize("symmetric", [True, False])
def test_what_is_known_of_the_draw_changes_nothing_that_is_found(symmetric: bool) -> None:
    """Pairs of neurons are looked for only where they were drawn as such."""
    plan = TubeWidthInstance(np.eye(2), np.full(2, 0.25), 1.0, 0.1, "target", symmetric).plan
    found = DrawnTube.at(plan, 400, np.random.default_rng(3))
    net = TwoLayerNetwork.initialise(400, 2, 1.0, np.random.default_rng(3), symmetric)
    expected = tube_start(net, plan.inputs.rows, plan.inputs.targets)
    assert found.start.copies == expected.copies == (2 if symmetric else 1)
    assert found.start.width == expected.width == 400
    assert found.start.lambda_min == expected.lambda_min
    assert np.array_equal(found.start.pre_activations, expected.pre_activations)
    # of a pair one neuron is drawn, and no other is made of it
    assert found.start.net.width == (200 if symmetric else 400)
    assert found.bounds.ratio == bounds_at(expected, plan.tube(400)).ratio
    assert found.start.coefficients.tolist() == expected.coefficients.tolist()
    assert found.widths.tolist() == plan.tube(400).tolist()


def test_neurons_that_are_not_paired_are_all_looked_at() -> None:
    net = TwoLayerNetwork.initialise(400, 2, 1.0, np.random.default_rng(3), symmetric=True)
    paired, single = (tube_start(net, np.eye(2), np.ones(2), one) for one in (True, False))
    assert (paired.distinct, single.distinct) == (200, 400)
    assert single.gram.tolist() == paired.gram.tolist()
    widths = np.full(2, 0.01)
    assert bounds_at(single, widths).gram_change.tolist() == bounds_at(paired, widths).gram_change.tolist()
