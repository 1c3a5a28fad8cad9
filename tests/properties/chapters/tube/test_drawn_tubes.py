"""What is said of drawn networks: a tube that is too narrow, or a ratio that is too small, is not certified."""

import dataclasses

import numpy as np
import pytest
from flint import fmpq

from properties.chapters.tube.width_instances import DrawnTube, TubeWidthInstance, closes, inverse_length
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
