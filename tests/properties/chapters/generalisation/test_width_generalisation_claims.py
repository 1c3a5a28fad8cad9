"""The claims behind T5-width: exact oracles against others, families that reach what the statements are about, trials that decide nothing."""

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import integrate, stats

from properties.chapters.generalisation import (
    linearisation,
    population_width,
    tube,
    uniform_deviation,
    variance_deviation,
)
from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from properties.engine.statistics import Trials
from properties.exact.eigenvalues import float_matrix, largest_eigenvalue, smallest_eigenvalue
from theory.errors import RankDeficientError

RUN = {
    "inputs": 2,
    "root_width": 5,
    "near": False,
    "within": 1,
    "share_percent": 100,
    "step_percent": 70,
    "steps": 2,
    "seed": 3,
}


def test_the_steps_of_a_tube_run_are_those_of_the_pseudo_inverse() -> None:
    found = tube.build(RUN)
    assert found.run is not None
    assert len(found.run) == 3
    assert found.run[1].weights == found.network.moved("ngd", found.eta).weights


def test_eigenvalues_are_certified_on_their_sides() -> None:
    found = tube.build({**RUN, "inputs": 3})
    G = float_matrix(found.network.gram)
    smallest, largest = np.linalg.eigvalsh(G)[[0, -1]]
    assert 0 < float(int(found.smallest.p) / int(found.smallest.q)) <= smallest * (1 + 1e-9)
    above = largest_eigenvalue(found.network.gram)
    assert largest * (1 - 1e-9) <= int(above.p) / int(above.q) <= largest * (1 + 1e-6)
    assert smallest_eigenvalue(found.network.gram - found.network.gram) == 0


def test_activations_change_within_tubes_that_close() -> None:
    result = run_claim(tube.T5_TUBE, Depth.QUICK, 7)
    found = result.families["exact with flips"].features
    assert found["flips"] >= 3
    assert found["g > 0"] > 10


def test_a_tube_run_with_a_longer_step_is_none_of_the_claim() -> None:
    unmet = {1: [], 2: ["0 < eta <= 1 (exact)"]}
    for eta, names in unmet.items():
        found = tube.Tube().hypotheses(dataclasses.replace(tube.build({**RUN, "steps": 1}), eta=fmpq(eta)))
        assert [one.name for one in found if one.verdict is not Verdict.HOLDS] == names


def test_the_linearisation_s_bound_is_attained() -> None:
    description = {
        "root_width": 3,
        "tube_eighths": 4,
        "aligned": True,
        "boundary": True,
        "moved_percent": 100,
        "beyond": 1,
        "seed": 0,
    }
    found = linearisation.build_moved(description)
    assert found.error == found.margins(found.tube) == fmpq(3, 2)


@pytest.mark.parametrize(("b", "nu"), [(1, 1), (1, 3), (5, 2)])
def test_the_moments_are_those_of_an_integral(b: int, nu: int) -> None:
    density = stats.norm(scale=nu).pdf
    found = linearisation.GaussianMargin(fmpq(b), fmpq(nu)).moments
    for power, value in enumerate(found):
        expected = integrate.quad(lambda z, power=power: (b - abs(z)) ** power * density(z), -b, b, points=[0.0])[0]
        assert float(value) == pytest.approx(expected, rel=1e-9)


def population(**changes: Any) -> uniform_deviation.FinitePopulation:
    parts: dict[str, Any] = {
        "features": (fmpq(1), fmpq(-1, 2), fmpq(2)),
        "targets": (fmpq(1), fmpq(0), fmpq(-1)),
        "sample": 4,
        "cells": 3,
        "share": fmpq(1, 2),
    }
    return uniform_deviation.FinitePopulation(**{**parts, **changes})


def test_samples_are_counted_exactly() -> None:
    for found in (
        population(),
        population(features=(), targets=(fmpq(0),) * 5),
        population(features=(), targets=(fmpq(0),) * 3),
    ):
        assert sum((chance for _, chance in found.samples), fmpq(0)) == 1
    orthonormal = population(features=(), targets=(fmpq(0),) * 5)
    seen = [len(set(draws)) for draws in itertools.product(range(5), repeat=4)]
    for counts, chance in orthonormal.samples:
        assert sum(counts) == 4
        assert chance == fmpq(seen.count(5 - counts.count(0)), 5**4)


def test_candidates_come_with_their_squared_norms() -> None:
    for found in (population(), population(features=(), targets=(fmpq(0),) * 5)):
        for counts, _ in found.samples:
            for theta, square in found.candidates(counts):
                assert square == sum((one * one for one in theta), fmpq(0))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"features": (fmpq(0), fmpq(2)), "targets": (fmpq(0), fmpq(0)), "sample": 10},
        {"features": (fmpq(1, 4), fmpq(2)), "targets": (fmpq(0), fmpq(1, 2)), "sample": 20},
    ],
    ids=["small sample", "all losses 0 at 0", "several breakpoints"],
)
def test_the_candidates_have_the_largest_excess(changes: dict[str, Any]) -> None:
    """In large samples where an output is a whole loss away from its target, too."""
    found = population(**changes)
    for counts, _ in found.samples:

        def excess(theta: fmpq, square: fmpq, counts: tuple[int, ...] = counts) -> float:
            losses = found.losses([theta])
            empirical = sum((c * one for c, one in zip(counts, losses, strict=True)), fmpq(0)) / found.sample
            gap = sum(losses, fmpq(0)) / found.points - empirical
            return float(arb(gap) - uniform_deviation.Uniform().excess(found, arb(square).sqrt()))

        best = max(excess(theta[0], square) for theta, square in found.candidates(counts))
        grid = [fmpq(k, 16) for k in range(-60, 61)]
        assert max(excess(theta, theta * theta) for theta in grid) <= best + 1e-12


def test_a_tail_whose_end_is_no_integer_is_the_exact_one() -> None:
    found = variance_deviation.BinomialDeviation(20, fmpq(1, 4), fmpq(1))
    assert float(found.tail(arb("3.5"))) == pytest.approx(stats.binom.sf(8, 20, 0.25), rel=1e-12)
    assert found.tail(arb(20)) == 0
    assert found.tail(arb(-5)) == 1


def wide(**changes: Any) -> population_width.WidePopulation:
    parts = {
        "rows": 40,
        "dim": 200,
        "teacher": "signs",
        "size_percent": 10,
        "width": 2000,
        "scale": 1000,
        "delta_percent": 10,
        "cells": 10,
        "step_tenths": 10,
        "steps": 3,
    }
    return population_width.build({**parts, **changes})


def test_a_trial_on_which_the_bound_does_not_speak_does_not_fail() -> None:
    rule = population_width.PopulationWidth()
    assert rule.trial(wide(width=100), np.random.default_rng(0)) == (False, 0.0)
    (tube_closes, _) = rule.hypotheses(wide(width=100))
    assert tube_closes.verdict is Verdict.REFUTED


def test_a_run_that_broke_off_decides_nothing() -> None:
    def breaks_off(*_: object) -> Any:
        raise RankDeficientError("singular")

    rule = population_width.PopulationWidth(train=breaks_off, trials=4)
    outcome, ratio = rule.trial(wide(), np.random.default_rng(0))
    assert outcome is None
    assert math.isnan(ratio)
    (bound,) = rule.sampled(wide(), Trials(1, "broken", {}))
    assert bound.verdict is Verdict.UNDECIDED


def test_inputs_of_the_cap_lie_on_one_circle_of_latitude() -> None:
    inputs, _ = wide(teacher="cap", dim=3).draw(20, np.random.default_rng(1))
    assert np.abs(inputs[:, 0] - 0.8).max() <= 2.0**-50
    assert np.ptp(inputs[:, 1]) > 0.6
