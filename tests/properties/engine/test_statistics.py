"""Binomial verdicts, their error budget, and the streams that the trials are drawn from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats

from properties import registry
from properties.engine import search, selection, statistics
from properties.engine.claim import Bound, Claim, Depth, Evidence, Verdict
from properties.engine.report.entries import claim_entry
from properties.engine.search import evaluate, run_claim
from properties.engine.statistics import (
    BOUNDS,
    CHECKS,
    EVALUATIONS,
    NETWORK_CHECKS,
    POWER,
    RUN_BUDGET,
    SIGNIFICANCE,
    TAIL_BITS,
    BudgetError,
    Trials,
    confidence_limits,
    has_power,
    power,
    tail,
)
from tests.properties.engine.fake_claims import Point, claim
from theory.direction import raised
from theory.rigour.precision import working_precision

TRIALS = 4000


def trials(seed: int = 1, family: str = "F1", **description: Any) -> Trials:
    return Trials(seed, family, description or {"value": 1})


def exact_tail(count: int, failures: int, probability: Fraction) -> Fraction:
    terms = (comb(count, k) * probability**k * (1 - probability) ** (count - k) for k in range(failures, count + 1))
    return sum(terms, Fraction(0))


@pytest.mark.parametrize(("count", "failures"), [(1, 1), (7, 0), (7, 3), (40, 15), (40, 40), (200, 150)])
@pytest.mark.parametrize("probability", [Fraction(1, 64), Fraction(3, 8), Fraction(1, 2), Fraction(1), Fraction(0)])
def test_the_tail_encloses_the_exact_rational(count: int, failures: int, probability: Fraction) -> None:
    exact = exact_tail(count, failures, probability)
    with working_precision(TAIL_BITS):
        found = tail(count, failures, float(probability))
        expected = arb(fmpq(exact.numerator, exact.denominator))
        assert found.overlaps(expected)
        assert found.rad() <= expected * arb(2) ** -80


@pytest.mark.parametrize(("failures", "count"), [(0, 10), (3, 10), (10, 10), (120, 5000)])
def test_the_limits_are_those_of_an_exact_two_sided_interval(failures: int, count: int) -> None:
    interval = stats.binomtest(failures, count).proportion_ci(confidence_level=0.98, method="exact")
    assert confidence_limits(failures, count, 0.01) == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize(("predicted", "count"), [(0.0625, 40), (0.5, 40), (0.015625, 200)])
def test_a_true_bound_is_refuted_with_a_probability_below_the_level(
    predicted: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly: the binomial weight, at the bound itself, of the counts that refute it."""
    monkeypatch.setattr(statistics, "SIGNIFICANCE", 0.03)
    refuting = [
        k for k in range(count + 1) if trials().at_most("event", k, count, predicted).verdict is Verdict.REFUTED
    ]
    assert refuting == list(range(refuting[0], count + 1))
    level = exact_tail(count, refuting[0], Fraction(predicted))
    assert level < Fraction(3, 100) <= exact_tail(count, refuting[0] - 1, Fraction(predicted))


def test_the_verdict_is_that_of_the_confidence_limit() -> None:
    assert trials().at_most("event", 0, TRIALS, 0.0).verdict is Verdict.HOLDS
    assert trials().at_most("event", 1, TRIALS, 0.0).verdict is Verdict.REFUTED
    for failures in range(200, 400):
        bound = trials().at_most("event", failures, TRIALS, 0.05)
        assert (bound.verdict is Verdict.REFUTED) == (bound.measured > 0.05)
        assert bound.measured < failures / TRIALS
        assert bound.evidence is Evidence.ESTIMATED
    assert trials().at_most("event", 399, TRIALS, 0.05, rounding=0.05).verdict is Verdict.HOLDS


@pytest.mark.parametrize("predicted", [1.0, 1.5, math.inf, math.nan, -0.5, 0.95])
def test_what_no_count_can_refute_is_undecided(predicted: float) -> None:
    """Fifty failures in fifty trials: of probability 0.077 at 0.95, and nothing at a bound that is none."""
    for failures in (0, 50) if predicted >= 0 else (0,):
        assert trials().at_most("event", failures, 50, predicted).verdict is Verdict.UNDECIDED
    assert trials().at_most("event", 0, 50, 0.01).verdict is Verdict.HOLDS
    assert trials().at_most("event", 0, 50, 0.01, rounding=0.94).verdict is Verdict.UNDECIDED


def test_all_failures_refute_at_every_bound_that_may_hold() -> None:
    for count in (2, 8, 16, 64, 1000):
        for predicted in (1e-9, 0.01, 0.101, 0.201, 0.5, 0.8, 0.97):
            verdicts = [trials().at_most("event", failures, count, predicted).verdict for failures in (0, count)]
            assert verdicts[0] is Verdict.UNDECIDED or verdicts[1] is Verdict.REFUTED
    assert trials().at_most("event", 16, 16, 0.201).verdict is Verdict.UNDECIDED  # 0.201^16 = 7e-12
    assert trials().at_most("event", 0, 16, 0.101).verdict is Verdict.UNDECIDED  # 16 of 16 would refute; power 0.001


@pytest.mark.parametrize(("count", "predicted"), [(64, 0.101), (40, 0.125), (8, 1e-9), (30, 0.0), (200, 0.75)])
def test_the_power_is_the_exact_probability_of_the_counts_that_refute(count: int, predicted: float) -> None:
    refuting = [
        k for k in range(count + 1) if trials().at_most("event", k, count, predicted).verdict is Verdict.REFUTED
    ]
    expected = exact_tail(count, refuting[0], (1 + Fraction(predicted)) / 2)
    assert power(count, predicted) == pytest.approx(float(expected), rel=1e-9)
    holds = trials().at_most("event", 0, count, predicted).verdict is Verdict.HOLDS
    assert holds == (expected >= Fraction(POWER))
    assert (has_power(count, predicted).verdict is Verdict.HOLDS) == holds


def test_trials_without_an_outcome_are_neither_failures_nor_passes() -> None:
    verdicts = [trials().at_most("event", 2, 64, 0.101, unknown=count).verdict for count in (0, 10, 62)]
    assert verdicts == [Verdict.HOLDS, Verdict.HOLDS, Verdict.UNDECIDED]
    assert trials().at_most("event", 40, 64, 0.101, unknown=24).verdict is Verdict.REFUTED
    with pytest.raises(ValueError, match="2 failures, 63 unknown and 0 not done in 64 trials"):
        trials().at_most("event", 2, 64, 0.101, unknown=63)


def test_trials_that_were_not_done_are_as_those_without_an_outcome() -> None:
    for failures, verdict in ((2, Verdict.UNDECIDED), (30, Verdict.REFUTED)):
        bounds = [
            trials().at_most("event", failures, 64, 0.101, 0.0, *others) for others in ((34, 0), (10, 24), (0, 34))
        ]
        assert {(bound.verdict, bound.measured) for bound in bounds} == {(verdict, bounds[0].measured)}
    label = trials().at_most("event", 2, 64, 0.101, unknown=10, spared=3).label
    highest = raised(confidence_limits(15, 64)[1], 4)
    assert label.endswith(f", k = 2 of N = 64, 10 unknown, 3 not done, upper limit {highest}"), (
        "as if all 13 had failed"
    )
    with pytest.raises(ValueError, match="2 failures, 0 unknown and 63 not done in 64 trials"):
        trials().at_most("event", 2, 64, 0.101, spared=63)


def test_counts_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="5 failures, 0 unknown and 0 not done in 4 trials"):
        trials().at_most("event", 5, 4, 0.5)
    with pytest.raises(ValueError, match="-1 failures"):
        trials().at_most("event", -1, 4, 0.5)


def test_the_label_and_the_features_show_count_trials_limits_and_budget() -> None:
    one = trials()
    bound = one.at_most("u > 1", 12, TRIALS, 0.5)
    assert "P(u > 1), k = 12 of N = 4000" in bound.label
    assert one.features == {f"N = 4000 at level {SIGNIFICANCE:.2g} of 1e-06 a run", "k > 0", "upper limit <= bound"}


def test_the_levels_add_up_to_the_budget() -> None:
    assert SIGNIFICANCE * (CHECKS + NETWORK_CHECKS) * EVALUATIONS * BOUNDS == pytest.approx(RUN_BUDGET) == 1e-6
    one = trials()
    for _ in range(BOUNDS):
        one.at_most("event", 0, 10, 0.5)
    with pytest.raises(BudgetError):
        one.at_most("event", 0, 10, 0.5)


def test_streams_differ_by_seed_family_and_description_alone() -> None:
    def first(one: Trials) -> float:
        return float(one.rng.random())

    same = [first(trials(a=1, b=2)), first(trials(b=2, a=1))]
    assert same[0] == same[1]
    others = [first(trials(2, a=1, b=2)), first(trials(1, "F2", a=1, b=2)), first(trials(a=2, b=1))]
    assert len({same[0], *others}) == 4
    one = trials()
    assert one.rng.random() != one.rng.random()


# --- in the search ---------------------------------------------------------------------------------------------------


def coin(predicted: float) -> Any:
    """The event: a uniform number below the value's share of 100."""

    def sampled(point: Point, found: Trials) -> Sequence[Bound]:
        failures = int(np.count_nonzero(found.rng.random(TRIALS) < point.value / 100))
        return [found.at_most("uniform < value/100", failures, TRIALS, predicted)]

    return sampled


def coins(predicted: float, **changes: Any) -> Claim[Point]:
    return dataclasses.replace(claim(limit=1e9), sampled=coin(predicted), mutants=(), **changes)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_true_and_false_bounds_get_the_same_verdict_whatever_the_seed(seed: int) -> None:
    true, false = run_claim(coins(0.3), Depth.QUICK, seed), run_claim(coins(0.2), Depth.QUICK, seed)
    assert (true.verdict, false.verdict) == (Verdict.HOLDS, Verdict.REFUTED)
    assert true.evidence is Evidence.TESTED  # the conclusion in float64 beside it is weaker
    assert sum(count.features["k > 0"] for count in true.families.values()) > 10
    assert false.refutation is not None
    assert 22 <= false.refutation.description["value"] <= 30


def test_the_search_does_not_aim_at_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only at the conclusion beside the counts, value/1e9."""
    aimed: list[float] = []
    monkeypatch.setattr(search, "target", lambda value, label: aimed.append(value))
    run_claim(coins(0.3), Depth.QUICK, 1)
    assert aimed
    assert max(aimed) <= 30e-9
    aimed.clear()
    run_claim(coins(0.3, conclusion=lambda _: ()), Depth.QUICK, 1)
    assert not aimed


def test_an_evaluation_is_repeated_from_its_description_and_the_seed_of_the_search() -> None:
    result = run_claim(coins(0.2), Depth.QUICK, 5)
    assert result.refutation is not None
    found, family = result.refutation, claim().families[0]
    assert evaluate(coins(0.2), family, found.description, result.seed).bounds == found.bounds
    assert evaluate(coins(0.2), family, found.description, 6).bounds != found.bounds


def test_the_search_counts_what_it_spends_and_stops_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_claim(coins(0.3), Depth.QUICK, 1)
    assert result.sampled_evaluations == result.instances + result.vacuous > 20
    assert claim_entry(result.claim, result, "quick", 1)["sampled_evaluations"] == result.sampled_evaluations
    assert run_claim(claim(), Depth.QUICK, 1).sampled_evaluations == 0
    monkeypatch.setattr(search, "EVALUATIONS", 20)
    with pytest.raises(BudgetError, match="more than 20 evaluations"):
        run_claim(coins(0.3), Depth.QUICK, 1)


def test_a_registry_beyond_the_budget_is_unfit_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    two = dataclasses.replace(coins(0.3), mutants=(coins(0.3).neighbour("wrong", "wrong", sampled=coin(0.1)),))
    assert selection.defects({"N-small": two}) == []
    monkeypatch.setattr(selection, "CHECKS", 1)
    assert selection.defects({"N-small": two}) == ["2 sampled claims and mutants; the error budget is split for 1"]
    assert selection.defects({"N-small": claim()}) == []
    many = dataclasses.replace(two.families[0], examples=dict.fromkeys(Depth, EVALUATIONS - 200))
    found = selection.defects({"N-small": dataclasses.replace(two, families=(many,), mutants=two.mutants[:1])})
    assert f"more than {EVALUATIONS} evaluations at depth quick" in found[0]


def test_the_registry_fits_into_the_budget() -> None:
    assert selection.defects(registry) == []
