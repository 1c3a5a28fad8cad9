"""The probability claims: the same verdict for every root seed, and refutations where sampling can see them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from properties import registry
from properties.chapters.kernels import kernels as kernel_claims
from properties.chapters.kernels.concentration_chernoff import Chernoff, Shares
from properties.chapters.kernels.concentration_hoeffding import Pair, SampledPair
from properties.chapters.kernels.kernel_instances import FAILURE_PROBABILITY, INITIALISED, KernelInstance, stream_seed
from properties.chapters.width import width as width_claims
from properties.chapters.width.binomials import HALF
from properties.chapters.width.initial_residual import ResidualInstance, all_signs, exact_mean, exact_tail, moments
from properties.chapters.width.width_instances import Geometry, Parts, WidthInstance
from properties.chapters.width.width_slack import too_narrow
from properties.descent.random_networks import RandomNetwork
from properties.engine.claim import Bound, Depth, Evidence, Verdict
from properties.engine.search import SHRINK_EVALUATIONS, run_claim
from properties.engine.seeds import FIXED_ROOT_SEED, claim_seed
from properties.engine.statistics import EVALUATIONS, POWER, SIGNIFICANCE, Trials, power
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.precision import working_precision
from theory.theorems.chernoff import chernoff_exponent
from theory.theorems.width import squared_condition_radius

PROBABILITIES = ("K-chernoff", "K-hoeffding", "R0", "C2-prob", "T3")
VISIBLE = ("K-chernoff/beta-4", "C2-prob/kappa-half", "K-hoeffding/sampled-4", "R0/no-delta", "T3/width-256")
"""Mutants that only sampling refutes."""


@pytest.mark.parametrize("root", [1, 2, 3])
@pytest.mark.parametrize("id", PROBABILITIES)
def test_a_claim_has_the_same_verdict_for_every_root_seed(id: str, root: int) -> None:
    result = run_claim(registry[id], Depth.QUICK, claim_seed(root, id))
    assert result.verdict is Verdict.HOLDS
    assert result.evidence is Evidence.ESTIMATED
    assert 0 < result.sampled_evaluations


@pytest.mark.parametrize("root", [1, 2, 3])
@pytest.mark.parametrize("id", VISIBLE)
def test_sampling_refutes_what_it_can_see_for_every_root_seed(id: str, root: int) -> None:
    mutant = next(mutant for mutant in registry[id.partition("/")[0]].mutants if mutant.id == id)
    result = run_claim(mutant.claim, Depth.NORMAL, claim_seed(root, id))
    assert result.refutation is not None
    violated = result.refutation.tightest
    assert violated is not None
    assert violated.evidence is Evidence.ESTIMATED
    assert " of N = " in violated.label


def test_a_doubled_beta_is_out_of_reach_of_sampling() -> None:
    """At m = 2000 the event that refutes it has probability 1.7e-29, by exact binomials."""
    probability = Shares(False, 1, 2000, False).failure(0.75, 2000, HALF)
    assert float(arb(probability)) == pytest.approx(1.688e-29, rel=1e-3, abs=0)
    assert (
        math.exp(-2 * chernoff_exponent() * 2000 / 2) < float(arb(probability)) < math.exp(-chernoff_exponent() * 1000)
    )


@pytest.mark.parametrize("id", ["K-chernoff", "K-hoeffding"])
def test_enough_bounds_say_something_of_a_probability(id: str) -> None:
    """A bound of 1 or more is vacuous, and so is one that the trials cannot refute."""
    seen: list[Bound] = []

    def conclusion(instance: Any) -> Sequence[Bound]:
        bounds = registry[id].conclusion(instance)
        seen.extend(bounds)
        return bounds

    watched = dataclasses.replace(registry[id], conclusion=conclusion)
    result = run_claim(watched, Depth.NORMAL, claim_seed(FIXED_ROOT_SEED, id))
    assert result.instances >= 200
    assert result.vacuous > 0
    assert len(seen) > 200
    assert all(bound.predicted < 1 for bound in seen)


def test_a_bound_of_1_or_more_is_vacuous() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 0.0]])
    cases: list[tuple[str, object]] = [
        ("K-hoeffding", Pair(rows, 3, 0, False)),
        ("K-hoeffding", SampledPair(rows, 3, 0, False)),
        ("K-chernoff", Shares(False, 16, 2, False)),
        ("K-chernoff", RandomNetwork(np.eye(3), 4)),
    ]
    for id, instance in cases:
        verdicts = {one.name: one.verdict for one in registry[id].hypotheses(instance)}
        assert verdicts["the bound is below 1"] is Verdict.REFUTED
    few = RandomNetwork(np.eye(2), 45, most_trials=1000)  # a bound of 0.93
    assert {one.name: one.verdict for one in registry["K-chernoff"].hypotheses(few)} == {
        "lambda0 > 0": Verdict.HOLDS,
        "the bound is below 1": Verdict.HOLDS,
        "N = 1000 trials can refute it": Verdict.REFUTED,
    }


def test_of_a_singular_limit_no_probability_is_stated() -> None:
    """Rows x and -x leave G_inf regular, not S_inf when there are two such pairs: the indicators of each add up to 1."""
    pairs, equal = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.array([[1.0, 0], [1, 0]])
    near = np.array([[1.0, 0], [math.cos(0.01), math.sin(0.01)]])
    cases = ((pairs, True, False), (equal, False, False), (np.eye(2), True, True), (near, True, True))
    for rows, gram, pattern in cases:
        network = RandomNetwork(rows, 5000)
        assert (Chernoff().gram_event(network) is not None) is gram
        assert (Chernoff().pattern_event(network) is not None) is pattern
        for id in ("K-chernoff", "K-relative"):
            (known, *others) = registry[id].hypotheses(network)
            assert (known.verdict is Verdict.HOLDS) is bool(others) is gram, id


@pytest.mark.parametrize(
    ("id", "fewest", "largest"), [("R0", 10_000, 0.95), ("C2-prob", 2000, 0.85), ("T3", 1000, 0.75)]
)
def test_the_fewest_trials_have_the_power_for_the_largest_delta(id: str, fewest: int, largest: float) -> None:
    """Those that a claim's families draw; a sampled bound without power is undecided, and so would the claim be."""
    assert power(fewest, largest + 1e-6) >= POWER
    networks = RandomNetwork(np.eye(4), 99), RandomNetwork(np.eye(4), 399), RandomNetwork(np.eye(3), 20_000)
    assert networks[("R0", "C2-prob", "T3").index(id)].trials == fewest


# --- the networks of K-pd --------------------------------------------------------------------------------------------


def test_the_networks_of_k_pd_are_in_the_error_budget() -> None:
    assert FAILURE_PROBABILITY <= SIGNIFICANCE
    assert max(INITIALISED.examples.values()) + SHRINK_EVALUATIONS + 1 <= EVALUATIONS


def test_a_network_of_k_pd_has_a_stream_of_its_own_and_is_an_estimate() -> None:
    description = {"kind": "uniform", "n": 2, "d": 2, "symmetric": False, "seed": 3}
    others = [description | {"seed": 4}, description | {"d": 3}, description | {"symmetric": True}]
    assert len({stream_seed(one) for one in (description, *others)}) == 4
    assert stream_seed(dict(reversed(description.items()))) == stream_seed(description)
    instance = INITIALISED.build(description)
    bounds = registry["K-pd"].conclusion(instance)
    assert [bound.evidence for bound in bounds] == [Evidence.ENCLOSED, Evidence.ENCLOSED, Evidence.ESTIMATED]
    assert bounds[-1].verdict is Verdict.HOLDS


# --- the oracle of R0 ------------------------------------------------------------------------------------------------


def test_moments_are_those_of_half_a_normal() -> None:
    with working_precision(128):
        first, second = moments(arb(3))
        assert abs(first - 3 / (2 * arb.pi()).sqrt()) < arb(2) ** -100
        assert abs(second - arb(9) / 2) < arb(2) ** -100


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_exact_mean_is_that_of_drawn_networks(symmetric: bool) -> None:
    rows, targets, rng = np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([0.5, -1.0]), np.random.default_rng(10)
    instance = ResidualInstance(RandomNetwork(rows, 4, 2.0, symmetric), targets, 0.5)
    with working_precision(128):
        exact = float(exact_mean(instance, all_signs))
    drawn = [
        float(np.sum((TwoLayerNetwork.initialise(4, 2, 2.0, rng, symmetric).outputs(rows) - targets) ** 2))
        for _ in range(4000)
    ]
    assert exact == pytest.approx(np.mean(drawn), abs=6 * float(np.std(drawn)) / math.sqrt(4000) + 1e-12)


def test_the_exact_tail_is_that_of_drawn_networks() -> None:
    targets, rng = np.array([0.7]), np.random.default_rng(11)
    instance = ResidualInstance(RandomNetwork(np.eye(1), 1), targets, 0.3)
    weights, signs = rng.standard_normal(100_000), rng.choice([-1.0, 1.0], 100_000)
    residuals = (signs * np.maximum(weights, 0) - targets[0]) ** 2
    for threshold in (0.6, 2.0):
        with working_precision(128):
            exact = float(exact_tail(instance, arb(threshold)))
        assert exact == pytest.approx(np.mean(residuals > threshold), abs=6 * math.sqrt(exact / 100_000))


# --- the parts of T3 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_parts_of_the_width_are_the_theorem_s(symmetric: bool) -> None:
    rows = np.array([[1.0, 0.0], [0.6, 0.8]])
    instance = WidthInstance(rows, np.array([1.0, 2.0]), 0.5, 0.3, 0.4, "T3", symmetric)
    with working_precision(128):
        assert all(factor == 1 for factor in instance.radius_factors)
        found = float(Parts(instance).squared_radius(arb(1)))
    expected = squared_condition_radius(5.0, 2, 0.5, 0.3, instance.eigenvalue, symmetric)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(2, 3), (4, 2), (3, 3), (1, 1)])
def test_exact_geometry_lies_in_the_certified_brackets_and_is_that_of_numpy(n: int, d: int) -> None:
    rows = np.random.default_rng(12).standard_normal((n, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    instance = WidthInstance(rows, np.ones(n), 1.0, 0.1, 0.5, "T4-width", False)
    values = np.linalg.svd(rows, compute_uv=False) ** 2
    exact, bracketed = Geometry.exact(rows), Geometry.bracketed(instance.bounds)
    assert float(exact.h_min) == pytest.approx(float(np.diag(rows @ np.linalg.pinv(rows)).min()), rel=1e-10)
    assert (float(exact.mu_min), float(exact.mu_max)) == pytest.approx((values[-1], values[0]), rel=1e-10)
    with working_precision(128):
        for name in ("h_min", "mu_min", "mu_max"):
            assert getattr(bracketed, name).contains(getattr(exact, name))
        least, known = instance.radius_factors
        assert least >= known * (1 - 2.0**-50)


def test_one_over_mu_max_is_compared_with_the_least_leverage() -> None:
    """They are equal for orthonormal rows; for others ``mu_max h_min`` is that of NumPy."""
    for rows in (np.eye(3), normalise_rows(np.random.default_rng(4).standard_normal((4, 3)))):
        instance = WidthInstance(rows, np.ones(len(rows)), 1.0, 0.1, 0.5, "T4-width", False)
        with working_precision(128):
            first = width_claims._geometry_bounds(instance)[0]
        least = (np.linalg.pinv(rows).T * rows).sum(axis=1).min()
        assert first.predicted == pytest.approx(least * np.linalg.norm(rows, 2) ** 2, rel=1e-9)
        assert first.measured == pytest.approx(1.0, rel=1e-12)
        assert first.verdict is Verdict.HOLDS


@pytest.mark.parametrize(
    ("rows", "mu_max", "h_min"),
    [(np.eye(5), 1, 1), (np.eye(5)[:2], 1, 1), (np.vstack([np.eye(4), np.full(4, 0.5)]), 2, fmpq(1, 2))],
)
def test_geometry_is_exact_up_to_five_rows_and_columns(rows: FloatArray, mu_max: int, h_min: fmpq) -> None:
    """And the claim compares it there with what the theorem puts in its place. ``X^T X = I + v v^T`` for the last."""
    instance = WidthInstance(rows, np.ones(len(rows)), 1.0, 0.1, 0.5, "T4-width", False)
    with working_precision(128):
        geometry = instance.geometry
        for found, exact in ((geometry.mu_max, mu_max), (geometry.mu_min, 1), (geometry.h_min, h_min)):
            assert found.contains(exact)
            assert found.rad() < 2.0**-80
    bounds = {bound.label: bound for bound in registry["T4-width"].conclusion(instance)}
    told = bounds["1/mu_max <= h_min, for rows that are units up to rounding"]
    assert (told.measured, told.predicted) == pytest.approx((1.0, float(mu_max * h_min)), rel=1e-12)
    told = bounds["kappa_X <= its bound"]
    assert (told.measured, told.predicted) == pytest.approx((float(mu_max), float(mu_max)), rel=1e-12)


def test_exact_geometry_knows_the_rank_that_float64_does_not() -> None:
    """Two rows 1e-17 from antiparallel: ``mu_min = 1e-34/2`` up to the third power of the angle, kappa_X = 4e34."""
    nearly = WidthInstance(np.array([[1.0, 0.0], [-1.0, 1e-17]]), np.ones(2), 1.0, 0.1, 0.5, "T4-width", False)
    assert float(nearly.geometry.condition) == pytest.approx(4e34, rel=1e-12)
    assert not nearly.bounds.rank_certified
    verdicts = {one.name: one.verdict for one in registry["T4-width"].hypotheses(nearly)}
    assert verdicts["the rank of X is certified"] is Verdict.UNDECIDED


@pytest.mark.parametrize("size", [1.0, 1e-12])
def test_a_width_that_is_a_hundredth_more_than_is_needed_is_not_the_least(size: float) -> None:
    """Whichever lemma decides: K2's for targets of that length, Chernoff's for short ones."""
    instance = WidthInstance(np.eye(2), np.full(2, size), 1.0, 0.1, 0.5, "T3", False)
    stated = width_claims.WidthRule("T3").conclusion(instance)[2]
    wider = width_claims.WidthRule("T3", lambda one: math.ceil(1.01 * one.width)).conclusion(instance)[2]
    assert (stated.verdict, wider.verdict) == (Verdict.HOLDS, Verdict.REFUTED)
    assert stated.label == "one of them fails at a smaller width"
    assert 0.8 < stated.ratio < 1 < wider.ratio


def test_how_often_conditions_fail_depends_on_the_length_of_the_targets_alone() -> None:
    """For orthogonal rows: (3, 4) and (5, 0) hundredths have the same radius, (4, 0) a smaller one; the same networks are drawn."""

    def failures(targets: Sequence[int]) -> int:
        instance = WidthInstance(np.eye(2), np.array(targets) / 100, 1.0, 0.1, 0.9, "T3", True, drawn=True)
        (bound,) = width_claims.WidthRule("T3", lambda _: 700).frequencies(instance, Trials(1, "drawn", {}))
        return int(bound.label.partition("k = ")[2].partition(" of N")[0])

    assert 0 < failures((4, 0)) < failures((3, 4)) == failures((5, 0)) < width_claims.DRAWN_TRIALS


def test_the_widest_network_that_is_drawn_is_one_of_the_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one neuron more is none."""
    drawn = WidthInstance(np.eye(2), np.ones(2), 1.0, 0.1, 0.5, "T3", True, drawn=True)
    definite = KernelInstance(np.eye(2), 1)
    cases: list[tuple[Any, Callable[[], Any], int]] = [
        (width_claims, lambda: width_claims.WidthRule("T3", lambda _: 30).hypotheses(drawn)[-1], 30),
        (kernel_claims, lambda: kernel_claims.Definite().hypotheses(definite)[-1], definite.chernoff_width),
    ]
    for module, found, asked in cases:
        for widest, verdict in ((asked, Verdict.HOLDS), (asked - 1, Verdict.REFUTED)):
            monkeypatch.setattr(module, "WIDEST", widest)
            assert found().verdict is verdict


@pytest.mark.parametrize("root", [20191, 1, 2, 3, 4])
@pytest.mark.parametrize("id", ["T4-width/dropped", "T4-width/computed-rank", "T4-width/without-condition"])
def test_a_lost_singular_value_is_refuted(id: str, root: int) -> None:
    mutant = next(mutant for mutant in registry["T4-width"].mutants if mutant.id == id)
    result = run_claim(mutant.claim, Depth.QUICK, claim_seed(root, id))
    assert result.refutation is not None
    violated = result.refutation.tightest
    assert violated is not None
    assert violated.label.startswith("C2-prob's bound")
    assert violated.evidence is Evidence.ENCLOSED


def test_too_narrow_a_network_fails_condition_1_more_often_than_delta() -> None:
    """Against all patterns of the independent neurons, equally likely for orthogonal inputs."""
    for n, delta, expected in ((1, 0.1, 6), (1, 0.13, 4), (2, 0.1, 8), (3, 0.3, 6)):
        assert too_narrow(n, delta) == expected
        for width, more_often in ((expected, True), (expected + 2, False)):
            singular = [
                not all(any(neurons) for neurons in zip(*(iter(pattern),) * (width // 2), strict=True))
                for pattern in itertools.product((False, True), repeat=n * width // 2)
            ]
            assert (np.mean(singular) > delta) == more_often
