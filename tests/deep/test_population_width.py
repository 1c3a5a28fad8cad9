"""T5-width where its training term is needed: targets 1 on a circle of latitude, where the bound is below 1 at m = 160,000; and at larger widths."""

import numpy as np
import pytest

from properties.chapters.generalisation.population_width import MUTANT_TRIALS, PopulationWidth, build
from properties.engine.claim import Verdict
from properties.engine.statistics import Trials

CAP = {
    "rows": 80,
    "dim": 150,
    "teacher": "cap",
    "size_percent": 100,
    "width": 160_000,
    "scale": 100_000,
    "delta_percent": 10,
    "cells": 10,
    "step_tenths": 10,
    "steps": 4,
}


def test_without_its_training_term_the_bound_fails_for_untrained_networks() -> None:
    """So many steps leave a training term below 0.01: without any step the bound would be what it is without that term."""
    population = build(CAP)
    rule = PopulationWidth(train=lambda net, *_: net, fresh=150, trials=MUTANT_TRIALS)
    (bound,) = rule.sampled(population, Trials(1, "cap", CAP))
    assert bound.verdict is Verdict.REFUTED
    found = population.bound(*population.draw(80, np.random.default_rng(0)))
    assert found is not None
    assert found.training < 0.01
    assert found.total < 0.9


def test_trained_networks_are_far_within_it() -> None:
    failed, ratio = PopulationWidth(fresh=150).trial(build(CAP), np.random.default_rng(1))
    assert failed is False
    assert ratio < 0.2


@pytest.mark.parametrize("teacher", ["signs", "linear"])
def test_wider_networks_of_random_signs_and_linear_teachers(teacher: str) -> None:
    changes = {"teacher": teacher, "width": 6000, "scale": 100, "size_percent": 10, "steps": 8, "step_tenths": 5}
    (bound,) = PopulationWidth().sampled(build({**CAP, **changes, "rows": 60, "dim": 200}), Trials(2, teacher, changes))
    assert bound.verdict is Verdict.HOLDS
