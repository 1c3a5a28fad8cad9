"""The machinery of T5, T5-dist and T5-rad: exact models against NumPy, sign vectors one by one, limits that are limits."""

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat
from hypothesis import find
from hypothesis.errors import NoSuchExample

from properties import registry
from properties.chapters.generalisation import (
    interpolants,
    linearised_model,
    population_loss,
    population_slack,
    population_training,
    population_trials,
    population_width,
    rademacher,
    variance_deviation,
)
from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from properties.engine.seeds import FIXED_ROOT_SEED, claim_seed
from properties.engine.slack import SlackRow
from properties.engine.statistics import POWER, Trials, least_refuting, power
from properties.exact.eigenvalues import float_matrix
from properties.exact.exact_network import vec
from properties.exact.identity_instances import build_network
from theory.errors import DivergenceError, RankDeficientError
from theory.inputs import normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, rational_matrix

NETWORK = {
    "kind": "uniform",
    "rows": 3,
    "dim": 2,
    "width": 9,
    "weights": "gaussian",
    "step_tenths": 5,
    "seed": 3,
    "ngd_share_percent": 25,
    "gd_share_percent": 60,
    "steps": 3,
}


def linear(**changes: int) -> linearised_model.LinearisedInstance:
    description = {
        "outputs": 3,
        "extra_parameters": 2,
        "ngd_share_percent": 35,
        "gd_share_percent": 50,
        "steps": 2,
        "seed": 5,
    }
    return interpolants._build_linear({**description, **changes})


def test_the_exact_steps_are_those_of_numpy() -> None:
    instance = linear()
    J, r = (float_matrix(matrix) for matrix in (instance.jacobian, instance.residual))
    for optimiser, matrix, eta in (
        ("ngd", np.linalg.pinv(J), 0.7),
        ("gd", J.T, float(int(instance.gd_step.p) / int(instance.gd_step.q))),
    ):
        theta = np.zeros((J.shape[1], 1))
        for _ in range(4):
            theta -= eta * matrix @ (r + J @ theta)
        found = float_matrix(instance.displacement(optimiser, 4))
        np.testing.assert_allclose(found, theta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(float_matrix(instance.nearest), -np.linalg.pinv(J) @ r, rtol=1e-10)


def test_gd_s_contraction_is_the_spectral_norm_and_decided() -> None:
    instance = linear()
    G = float_matrix(instance.gram)
    eta = int(instance.gd_step.p) / int(instance.gd_step.q)
    assert eta == pytest.approx(1 / np.linalg.eigvalsh(G)[-1], rel=1e-5)
    expected = np.abs(1 - eta * np.linalg.eigvalsh(G)).max()
    assert int(instance.contraction.p) / int(instance.contraction.q) == pytest.approx(expected, rel=1e-12)
    assert instance.contracts
    assert not linear(gd_share_percent=101).contracts


@pytest.mark.parametrize(
    ("ngd_step", "gd_share", "verdicts"),
    [
        (fmpq(1999, 1000), fmpq(999, 1000), [Verdict.HOLDS, Verdict.HOLDS]),
        (fmpq(2), fmpq(101, 100), [Verdict.REFUTED, Verdict.UNDECIDED]),
        (fmpq(2001, 1000), fmpq(3, 2), [Verdict.REFUTED, Verdict.UNDECIDED]),
    ],
)
def test_step_sizes_are_judged_up_to_their_limits(ngd_step: fmpq, gd_share: fmpq, verdicts: list[Verdict]) -> None:
    instance = replace(linear(), ngd_step=ngd_step, gd_share=gd_share)
    assert [one.verdict for one in interpolants.step_hypotheses(instance)] == verdicts


def test_a_network_s_linearised_model_is_its_first_step() -> None:
    instance = interpolants._build_network(NETWORK)
    net = build_network(NETWORK)
    assert instance.residual == net.exact.residual
    moved = vec(net.exact.moved("ngd", instance.ngd_step).weights - net.exact.weights)
    assert instance.displacement("ngd", 1) == moved


def test_kfac_ends_where_its_own_steps_lead() -> None:
    net = build_network({**NETWORK, "rows": 2}).exact
    J, eta = net.jacobian, fmpq(1, 2)
    moved = fmpq_mat(J.ncols(), 1)
    residual = net.residual
    for _ in range(60):
        step = net.features.transpose() * net.pattern_gram.inv() * diagonal(residual.entries()) * net.dual_inputs
        moved -= eta * vec(step)
        moved = rational_matrix(float_matrix(moved))
        residual = net.residual + J * moved
    limit = float_matrix(linearised_model.kfac_displacement(net))
    np.testing.assert_allclose(float_matrix(moved), limit, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(float_matrix(J) @ limit, -float_matrix(net.residual), rtol=1e-9)


def test_the_forms_of_all_sign_vectors() -> None:
    rng = np.random.default_rng(0)
    factor = rng.integers(-5, 6, (5, 4))
    gram = factor @ factor.T
    expected = sorted(
        int(np.array([*signs, 1]) @ gram @ np.array([*signs, 1])) for signs in itertools.product((-1, 1), repeat=4)
    )
    assert sorted(rademacher.sign_forms(gram.tolist())) == expected
    assert rademacher.sign_forms([[7]]) == [7]


def test_a_radius_of_0_and_a_gram_matrix_of_0_meet_no_hypothesis() -> None:
    for gram, radius, verdicts in (
        (1, fmpq(1, 9), [Verdict.HOLDS, Verdict.HOLDS]),
        (1, fmpq(0), [Verdict.REFUTED, Verdict.HOLDS]),
        (0, fmpq(1, 9), [Verdict.HOLDS, Verdict.REFUTED]),
    ):
        instance = rademacher.ComplexityInstance(fmpq_mat([[gram]]), radius)
        assert [one.verdict for one in rademacher.Rademacher().hypotheses(instance)] == verdicts


def test_the_complexity_of_a_network_is_that_of_its_jacobian() -> None:
    description = {"inputs": 3, "dim": 2, "width": 4, "kind": "uniform", "radius_tenths": 20, "seed": 1}
    instance = rademacher._build_network(description)
    assert instance.network is not None
    assert instance.inputs is not None
    J = instance.network.jacobian(instance.inputs)
    mean = np.mean([np.linalg.norm(J.T @ np.array(signs)) for signs in itertools.product((-1, 1), repeat=3)])
    assert float(rademacher.complexity(instance)) == pytest.approx(2.0 * mean / 3, rel=1e-12)


def test_equal_forms_give_the_exact_square() -> None:
    instance = rademacher._build_linear(
        {"outputs": 2, "parameters": 3, "orthogonal": True, "radius_tenths": 5, "seed": 4}
    )
    found = rademacher.complexity(instance)
    assert isinstance(found, fmpq)
    assert found == fmpq(1, 4) * instance.trace / 4


@pytest.mark.parametrize("failure", [RankDeficientError("singular"), DivergenceError("too far")])
def test_a_run_that_broke_off_neither_fails_nor_passes(failure: Exception) -> None:
    def breaks_off(*_: object) -> Any:
        raise failure

    population = population_loss.Population(4, 5, "linear", 0.5, 8, 0.1, 0.5, 0.1)
    rule = population_loss.PopulationLoss(train=breaks_off)
    outcome, ratio = rule.trial(population, np.random.default_rng(0))
    assert outcome is None
    assert math.isnan(ratio)
    (bound,) = rule.sampled(population, Trials(1, "broken", {}))
    assert bound.verdict is Verdict.UNDECIDED
    assert "k = 0 of N = 64, 64 unknown" in bound.label


@pytest.mark.parametrize("teacher", ["linear", "signs", "cap", "rare"])
def test_wide_populations_are_what_their_teachers_say(teacher: str) -> None:
    population = population_width.WidePopulation(2, 5, teacher, 0.5, 8, 1.0, 0.1, 4, 1.0, 3)
    rows, targets = population.draw(4000, np.random.default_rng(2))
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(4000), rel=1e-12)
    along = {"cap": 0.8}.get(teacher, 0.0)
    assert np.mean(rows, axis=0) == pytest.approx([along, 0, 0, 0, 0], abs=0.03)
    if teacher == "cap":
        assert rows[:, 0] == pytest.approx(np.full(4000, 0.8), rel=1e-12)
    shares = {"signs": (0.5, -0.5), "cap": (0.5,), "rare": (0.5, 0.0)}
    if teacher == "linear":
        assert np.array_equal(targets, 0.5 * rows[:, 0])
    else:
        assert set(targets.tolist()) == set(shares[teacher])


@pytest.mark.parametrize(("bound", "eta", "unmet"), [(0.99, 1.0, []), (1.01, 1.0, [0]), (0.99, 1.01, [1])])
def test_what_is_said_of_a_population_is_asked_for_up_to_its_limits(bound: float, eta: float, unmet: list[int]) -> None:
    population = population_loss.Population(4, 5, "linear", 0.5, 8, 0.1, eta, 0.1)
    asked = population_loss.PopulationLoss(bound=lambda *_: bound).hypotheses(population)
    assert [number for number, one in enumerate(asked) if one.verdict is not Verdict.HOLDS] == unmet


@pytest.mark.parametrize(
    ("totals", "unmet"),
    [([0.99], []), ([1.01], [1]), ([0.5, 0.99, None], []), ([0.99, None, None], [0, 1])],
)
def test_a_wide_population_is_one_whose_bound_mostly_speaks(
    totals: list[float | None], unmet: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = itertools.cycle(None if total is None else SimpleNamespace(total=total) for total in totals)
    monkeypatch.setattr(population_width.WidePopulation, "bound", lambda *_: next(bounds))
    population = population_width.WidePopulation(2, 3, "linear", 0.5, 8, 1.0, 0.1, 4, 1.0, 3)
    asked = population_width.PopulationWidth().hypotheses(population)
    assert [number for number, one in enumerate(asked) if one.verdict is not Verdict.HOLDS] == unmet
    spoken = list(itertools.islice(itertools.cycle(totals), population_trials.REFERENCES))
    closing = population_trials.REFERENCES - spoken.count(None)
    assert asked[0].margin == closing - population_trials.REFERENCES / 2


def test_the_tail_of_a_deviation_that_is_not_known_exactly_holds_both_of_its_ends() -> None:
    instance = variance_deviation.BinomialDeviation(10, fmpq(1, 2), fmpq(1))
    ends = [instance.tail(arb(end)) for end in ("0.9", "1.1")]  # at least 6, at least 7
    found = instance.tail(arb(1, 0.1001))
    assert all(found.contains(end) for end in ends)
    assert not ends[0].overlaps(ends[1])


@pytest.mark.parametrize("percent", population_loss.DELTAS_PERCENT)
def test_failures_in_every_trial_refute_t5_at_every_delta(percent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the trials have the power to show a failure rate halfway to 1; those that could only add failures are not done."""
    population = population_loss.Population(4, 5, "linear", 0.5, 8, 0.1, 0.5, percent / 100)
    outcomes = iter([(False, 0.5), (None, math.nan), *population_trials.TRIALS * [(True, 99.0)]])
    monkeypatch.setattr(population_loss.PopulationLoss, "trial", lambda *_: next(outcomes))
    (bound,) = population_loss.PopulationLoss().sampled(population, Trials(1, "plant", {}))
    assert bound.verdict is Verdict.REFUTED
    predicted = population.delta + population_trials.LOSS_CONFIDENCE
    enough = least_refuting(population_trials.TRIALS, predicted)
    fewer = Trials(1, "plant", {}).at_most("event", enough - 1, population_trials.TRIALS, predicted)
    assert fewer.verdict is not Verdict.REFUTED
    assert f"k = {enough} of N = 64, 1 unknown, {62 - enough} not done" in bound.label
    assert len(list(outcomes)) == 64 - enough
    assert power(population_trials.TRIALS, population.delta + population_trials.LOSS_CONFIDENCE) >= POWER


@pytest.mark.parametrize(("eta", "verdict"), [(1.0, Verdict.HOLDS), (1.0 + 2.0**-50, Verdict.REFUTED)])
def test_t5_speaks_of_step_sizes_up_to_1(eta: float, verdict: Verdict) -> None:
    population = population_loss.Population(4, 5, "linear", 0.5, 8, 0.1, eta, 0.1)
    found = {one.name: one.verdict for one in population_loss.PopulationLoss().hypotheses(population)}
    assert found["0 < eta <= 1"] is verdict


def test_t5_draws_no_other_delta() -> None:
    for family in registry["T5"].families:
        find(family.descriptions(), lambda found: found["delta_percent"] == max(population_loss.DELTAS_PERCENT))
        with pytest.raises(NoSuchExample):
            find(family.descriptions(), lambda found: found["delta_percent"] not in population_loss.DELTAS_PERCENT)


def test_steps_by_the_pseudo_inverse_are_ngd_s() -> None:
    rng = np.random.default_rng(3)
    inputs, y = normalise_rows(rng.standard_normal((5, 3))), rng.standard_normal(5)
    net = TwoLayerNetwork.initialise(40, 3, 1.0, rng)
    expected, found = (
        train(net, inputs, y, 0.5, 3).weights
        for train in (population_training.trained, population_training.trained_at_any_rank)
    )
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    inputs, y = (
        np.concatenate([inputs, inputs[:1]]),
        np.append(y, 3.0),
    )  # G is singular: steps by the dense pseudo-inverse
    expected = net.weights - 0.5 * (np.linalg.pinv(net.jacobian(inputs)) @ (net.outputs(inputs) - y)).reshape(40, 3)
    with pytest.raises(RankDeficientError):
        population_training.trained(net, inputs, y, 0.5, 1)
    found = population_training.trained_at_any_rank(net, inputs, y, 0.5, 1).weights
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_narrow_network_breaks_the_bound_by_its_loss() -> None:
    (mutant,) = (mutant for mutant in registry["T5"].mutants if mutant.id == "T5/narrow")
    result = run_claim(mutant.claim, Depth.QUICK, claim_seed(FIXED_ROOT_SEED, mutant.id))
    assert result.refutation is not None
    assert "unknown" not in result.refutation.bounds[0].label


def test_populations_have_the_targets_they_say() -> None:
    rng = np.random.default_rng(0)
    base = {
        "rows": 4,
        "dim": 3,
        "size_percent": 50,
        "width": 8,
        "scale_percent": 10,
        "step_tenths": 5,
        "delta_percent": 20,
    }
    for teacher, values in (
        ("linear", None),
        ("quadratic", None),
        ("signs", {-0.5, 0.5}),
        ("rare", {0.0, 0.5}),
        ("rare and large", {0.0, 25.0}),
    ):
        population = population_loss.build({**base, "teacher": teacher})
        inputs, y = population.draw(2000, rng)
        if values is None:
            np.testing.assert_array_equal(y, 0.5 * inputs[:, 0] ** (1 if teacher == "linear" else 2))
        else:
            assert set(y) == values
    assert (population.scale, population.eta, population.delta) == (0.1, 0.5, 0.2)


def test_the_lower_limit_is_hoeffding_s() -> None:
    losses = np.full(1800, 0.5)
    expected = 0.5 - math.sqrt(math.log(1000) / 3600)
    assert population_trials.lower_limit(losses, 1.0) == pytest.approx(expected, rel=1e-14)
    assert population_trials.lower_limit(losses, 2.0) == pytest.approx(2 * expected - 0.5, rel=1e-14)


def test_the_loss_is_bounded_lipschitz_and_vanishes_at_the_target() -> None:
    u, y = np.array([0.0, 3.0, -0.25]), np.array([0.0, 0.0, 0.25])
    np.testing.assert_array_equal(population_trials.absolute_loss(u, y), [0.0, 1.0, 0.5])


def test_coincident_inputs_give_no_bound() -> None:
    population = population_loss.build(
        {
            "rows": 2,
            "dim": 2,
            "teacher": "linear",
            "size_percent": 50,
            "width": 8,
            "scale_percent": 10,
            "step_tenths": 5,
            "delta_percent": 20,
        }
    )
    inputs = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert population_loss.PopulationLoss().sample_bound(population, inputs, np.ones(2)) == math.inf


def test_slack_rows_are_counterexamples() -> None:
    """At the constant in the table loss and bound agree; the form of orthogonal inputs is that of G_inf = I/2."""
    from theory.kernels.limiting import limiting_gram

    n, size = 6, 0.9
    y = size * np.array([1.0, -1, 1, 1, -1, 1])
    form = y @ np.linalg.solve(limiting_gram(np.eye(n)), y)
    conf = 3 * math.sqrt(math.log(60) / (2 * 10_000))
    constant = population_slack.complexity_slack(10_000, size, 0.1, 0.05)
    assert math.sqrt(constant * form / n) + conf + 0.05 == pytest.approx(size, rel=1e-12)
    constant = population_slack.confidence_slack(2, 0.1, 0.05)
    assert constant * math.sqrt(math.log(60) / 4) + 0.05 == pytest.approx(1 - math.sqrt(0.1), rel=1e-12)
    for row in (*population_slack.SLACK[:2], *rademacher.SLACK):
        assert isinstance(row, SlackRow)
        known = row.paper if row.claim == "T5" else row.proved  # T5 is a conjecture: nothing is proved of its constants
        assert (row.proved is None) is (row.claim == "T5")
        assert known is not None
        assert row.refuted is not None
        assert row.refuted < known
