"""A trajectory that is followed once says what its path, its run and T1-step's steps say when each follows it by itself."""

from __future__ import annotations

import numpy as np
import pytest

from properties.chapters.ngd.ngd_step import NetworkSteps
from properties.dataset.ladder import Rung
from properties.dataset.rung import NGD_STEP_SIZE, REDUCTION, RungContext
from properties.descent.instances import NetworkInstance
from properties.reading.datasets import load_dataset
from theory.descent.lazy import residual_curve
from theory.stability import certify_path

RUNG = Rung(6, 3000, 2.0, True, 8)


def context() -> RungContext:
    return RungContext(load_dataset("digits-4-9"), RUNG, 0)


@pytest.mark.parametrize(
    ("optimiser", "step_size", "steps"), [("ngd", 0.5, 20), ("ngd", 0.7, 5), ("kfac", 0.3, 4), ("gd", 0.1, 4)]
)
def test_a_path_and_a_run_that_are_followed_together_are_those_that_are_followed_apart(
    optimiser: str, step_size: float, steps: int
) -> None:
    one = context()
    found = one.path(optimiser, step_size, steps, bounded=True)
    alone = certify_path(one.net, one.inputs, one.y, step_size, steps, optimiser, parts=RUNG.parts)
    assert (found.constant, found.lambda_min, found.steps) == (alone.constant, alone.lambda_min, alone.steps)
    assert found.step_changes.tolist() == alone.step_changes.tolist()
    assert found.residual_norms.tolist() == alone.residual_norms.tolist()
    run = NetworkInstance(one.net, one.inputs, one.y, step_size, steps, optimiser=optimiser).run
    kept = one._steps[optimiser, step_size, steps]
    assert kept.flips == run.flips
    assert [(step.before, step.after, step.before_error, step.after_error, step.length) for step in kept.steps] == [
        (step.before, step.after, step.before_error, step.after_error, step.length) for step in run.steps
    ]


def test_t1_step_takes_the_steps_of_the_path_of_the_run() -> None:
    one = context()
    one.run("ngd")
    assert "steps" in vars(one.ngd_run)
    alone = NetworkSteps(one.ngd_run.network, RUNG.parts).steps
    assert [varying.variation_above for varying in one.ngd_run.steps] == [varying.variation_above for varying in alone]
    assert [varying.step.after for varying in one.ngd_run.steps] == [varying.step.after for varying in alone]
    assert len(alone) == one.ngd_steps


def test_the_run_that_is_shown_is_that_of_the_path() -> None:
    one = context()
    run, path = one.run("ngd"), one.path("ngd", NGD_STEP_SIZE, one.ngd_steps)
    assert run.residual_norms.tolist() == path.residual_norms[: run.steps + 1].tolist()
    assert run.residual_norms[-1] <= REDUCTION * run.residual_norms[0] < run.residual_norms[-2]
    curve, broken = residual_curve(one.net, one.inputs, one.y, NGD_STEP_SIZE, 80, "ngd", REDUCTION)
    assert broken is None
    assert run.residual_norms == pytest.approx(np.asarray(curve), rel=1e-3)


def test_a_run_that_its_path_does_not_lead_to_the_reduction_goes_on() -> None:
    one = RungContext(load_dataset("digits-4-9"), Rung(60, 200, 1.0, False, 2), 0)
    path, run = one.path("ngd", NGD_STEP_SIZE, one.ngd_steps), one.run("ngd")
    assert path.residual_norms[-1] > REDUCTION * path.residual_norms[0]
    assert run.steps > path.steps or run.broken is not None
