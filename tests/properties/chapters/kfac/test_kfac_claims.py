"""T4 and its relatives: inputs of every kind, families that reach them, attained factors, mutants refuted for their reason."""

import json
import math
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from properties.chapters.gradient import gradient_linear
from properties.chapters.kfac import kfac as claims
from properties.chapters.kfac import kfac_exact, kfac_frozen
from properties.chapters.kfac.kfac import T4_LEAST_RULE, T4_SHARP_RULE, rule_of
from properties.chapters.kfac.kfac_families import limit_of
from properties.chapters.kfac.kfac_instances import (
    INPUT_KINDS,
    SPREAD,
    FeatureInstance,
    InputNumbers,
    build_perturbed,
    build_relu,
    build_smooth,
    build_spike,
    draw_inputs,
)
from properties.chapters.kfac.kfac_slack import SLACK
from properties.chapters.ngd import ngd as natural
from properties.chapters.stability import pattern_stability
from properties.chapters.stability.stability_instances import build_ball
from properties.dataset.ladder import Rung
from properties.dataset.rung import RungContext
from properties.dataset.topics import kfac_real
from properties.descent import singular
from properties.engine.claim import Claim, Depth, InstanceVerdict, Verdict
from properties.engine.search import run_claim
from properties.reading.datasets import Dataset
from theory.direction import UpperBound
from theory.kernels.geometry import InputGeometry
from theory.rigour.exact import rational_matrix
from theory.rigour.input_bounds import input_bounds
from theory.rigour.rounding import gamma
from theory.theorems import kfac

DIALLED = {"constant_tenth": 6, "constant_percent": 40, "step_percent": 100, "seed": 11}
PERTURBED = {"extra_features": 1, "condition_exponent": 1, "orthogonal": False, "aligned": True, "angle_percent": 90}
SPIKE = {"extra_features": 1, "rotated": True, "aligned": True}


def numbers_of(n: int, d: int, kind: str, seed: int = 0) -> InputNumbers:
    rows = draw_inputs(n, d, kind, np.random.default_rng(seed))
    return InputNumbers.of(input_bounds(InputGeometry.of(rows)))


# --- inputs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d"), [(3, 2), (6, 2), (4, 3), (9, 4), (5, 1), (2, 3)])
def test_equal_leverage_is_rank_over_n_for_all(n: int, d: int) -> None:
    found = numbers_of(n, d, "equal leverage")
    assert found.h_min == pytest.approx(min(d / n, 1.0), rel=1e-12)
    assert found.h_max == pytest.approx(min(d / n, 1.0), rel=1e-12)
    assert found.mean == min(d / n, 1.0)
    if n > d:  # a tight frame: all nonzero eigenvalues of X^T X are n/d
        assert found.mu_min == pytest.approx(n / d, rel=1e-12)
        assert found.mu_max == pytest.approx(n / d, rel=1e-12)


def test_the_other_kinds_are_what_they_are_called() -> None:
    lonely = numbers_of(6, 3, "one leverage near 1")
    assert lonely.h_max > 1 - 1e-4
    assert lonely.h_min < 0.9
    shared = numbers_of(6, 3, "shared direction")
    assert shared.h_min < 0.5 < 0.9 < shared.h_max
    ill = numbers_of(5, 3, "ill-conditioned")
    assert 1e5 < ill.mu_max / ill.mu_min < 1e9
    for seed in range(6):
        rows = draw_inputs(4, 3, "deficient", np.random.default_rng(seed))
        assert rational_matrix(rows).rref()[1] == 2 == input_bounds(InputGeometry.of(rows)).rank
    clustered = draw_inputs(3, 3, "clustered", np.random.default_rng(1))
    assert (clustered @ clustered.T).min() > 0.3


# --- families --------------------------------------------------------------------------------------------------------


def described(n: int, d: int, kind: str) -> dict[str, Any]:
    return {"inputs": n, "dimension": d, "kind": kind, **DIALLED}


@pytest.mark.parametrize("kind", INPUT_KINDS)
@pytest.mark.parametrize("theorem", kfac.THEOREMS)
def test_every_kind_gives_instances_that_meet_every_hypothesis(kind: str, theorem: str) -> None:
    claim: Claim[Any] = {
        "T4": claims.T4,
        "T4-lev": claims.T4_LEV,
        "T4-sharp": claims.T4_SHARP,
        "T4-least": claims.T4_LEAST,
    }[theorem]
    rule = rule_of(theorem)
    tall = theorem == "T4"
    smooth = {"half_width": 60, "scale": 1, "activation": "tanh"}
    relu = {"shape": (3, 2), "half_width": 400, "scale": 4}
    instances = [
        build_perturbed({**described(4, 3, kind), **PERTURBED}, rule.dial(), limit_of(rule), tall),
        build_spike({**described(4, 3, kind), **SPIKE}, rule.dial(), limit_of(rule), tall),
        build_smooth({**described(3, 2, kind), **smooth}, rule.dial(), limit_of(rule), tall),
        build_relu({"kind": kind, **DIALLED, **relu}, rule.dial(), limit_of(rule), tall),
    ]
    # X deficient is no instance of T4; the features of three or four inputs in a plane may be dependent
    certain = 0 if (kind, theorem) == ("deficient", "T4") else 2
    held = [all(h.verdict is Verdict.HOLDS for h in claim.hypotheses(instance)) for instance in instances]
    assert held[:certain] == [True] * certain
    if certain == 0:
        assert held == [False] * 4
        assert "rank X = d" in [h.name for h in claim.hypotheses(instances[0]) if h.verdict is Verdict.REFUTED]
    for instance, holds in zip(instances, held, strict=True):
        if holds:
            assert {bound.verdict for bound in claim.conclusion(instance)} <= {Verdict.HOLDS, Verdict.UNDECIDED}


def test_spikes_attain_the_factor_of_T4_sharp_where_all_leverage_scores_are_equal() -> None:
    for n, d in ((1, 1), (3, 2), (8, 2)):
        instance = build_spike(
            {**described(n, d, "equal leverage"), **SPIKE}, T4_SHARP_RULE.dial(), limit_of(T4_SHARP_RULE)
        )
        numbers, C = InputNumbers.of(instance.bounds), instance.certificate.constant
        factor = kfac.rate(instance.eta, C, h_min=numbers.h_min, h_max=numbers.h_max, theorem="T4-sharp")
        steps = instance.run.steps[1:]
        assert len(steps) >= 1
        for step in steps:
            assert step.after / step.before == pytest.approx(factor, rel=1e-8)


@pytest.mark.parametrize("kind", ["shared direction", "one leverage near 1", "equal leverage"])
def test_spikes_attain_the_factor_of_T4_least_whatever_the_leverage_scores(kind: str) -> None:
    for n, d in ((3, 2), (5, 3), (8, 2)):
        instance = build_spike({**described(n, d, kind), **SPIKE}, T4_LEAST_RULE.dial(), limit_of(T4_LEAST_RULE))
        numbers, C = InputNumbers.of(instance.bounds), instance.certificate.constant
        factor = kfac.rate(instance.eta, C, h_min=numbers.h_min, theorem="T4-least")
        steps = instance.run.steps[1:]
        assert len(steps) >= 1
        for step in steps:
            # the other inputs have at most (SPREAD/0.2)^2 of the squared residual each, and lose at most all of it
            assert step.after / step.before == pytest.approx(factor, rel=n * (SPREAD / 0.2) ** 2 + 1e-8)


@pytest.mark.parametrize(
    ("kind", "slow"), [("equal leverage", 5), ("one leverage near 1", None), ("shared direction", None)]
)
def test_aligned_spikes_start_with_what_the_least_leverage_decides(kind: str, slow: int | None) -> None:
    instance = build_spike({**described(5, 2, kind), **SPIKE}, T4_SHARP_RULE.dial(), limit_of(T4_SHARP_RULE))
    leverage, start = instance.geometry.leverage, np.abs(instance.targets)
    least = leverage <= leverage.min() * (1 + 1e-3)
    assert 0 < least.sum() == (slow or least.sum()) < (6 if slow else 5)
    assert start[least].min() >= 0.2
    assert start[~least].max(initial=0.0) <= 1e-3


def test_T4_lev_goes_beyond_the_step_of_T4_in_most_of_its_instances() -> None:
    result = run_claim(claims.T4_LEV, Depth.QUICK, 5)
    counted: Counter[str] = Counter()
    for family in result.families.values():
        counted.update(family.features)
    assert counted["step beyond T4's bound"] > 0.4 * result.instances
    assert counted["n > d"] > 5
    assert counted["n <= d"] > 5
    assert counted["C >= 0.1 and flips"] > 0


def test_at_independent_inputs_the_bounds_of_T4_sharp_are_those_of_T1_sharp() -> None:
    instance = build_perturbed(
        {**described(3, 4, "uniform"), **PERTURBED}, T4_SHARP_RULE.dial(), limit_of(T4_SHARP_RULE)
    )
    assert isinstance(instance, FeatureInstance)
    assert instance.bounds.h_min == (1.0, 1.0)
    ours = claims.T4_SHARP.conclusion(instance)
    theirs = natural.T1_SHARP_RULE.conclusion(instance)
    for a, b in zip(ours[:-1], theirs[:-1], strict=True):
        assert a.predicted == pytest.approx(b.predicted, rel=1e-12)


# --- exact families --------------------------------------------------------------------------------------------------


def test_the_exact_step_keeps_the_rate_that_its_mutants_break() -> None:
    """Without the mutation the same conclusion holds on the same family: it is not refuted for another reason."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        features = rng.integers(-2, 3, (2, 2)).astype(float)
        inputs = np.zeros((2, 2))
        inputs[[0, 1], rng.integers(0, 2, 2)] = 1.0
        instance = kfac_exact.LinearFeatures(features, inputs, rng.integers(-2, 3, 2).astype(float), fmpq(1, 2))
        if np.linalg.matrix_rank(features) == 2:
            bound = kfac_exact.LinearStep(kfac_exact.exact_direction).conclusion(instance)[0]
            assert bound.verdict is Verdict.HOLDS
            held += 1
    assert held > 20


def test_frozen_runs_are_exact_and_counted_by_rank() -> None:
    result = run_claim(kfac_frozen.T4_FROZEN, Depth.QUICK, 2)
    assert result.refutation is None
    exact = result.families["exact"].features
    assert exact["rank X = n"] > 3
    assert exact["rank X < n"] > 1


@pytest.mark.parametrize(
    ("residual", "verdict"), [([1.0, 0.0], Verdict.HOLDS), ([0.0, -1.0], Verdict.HOLDS), ([0.0, 0.0], Verdict.REFUTED)]
)
def test_a_residual_of_whole_numbers_is_something_to_learn_unless_it_is_0(
    residual: list[float], verdict: Verdict
) -> None:
    given: Any = SimpleNamespace(targets=np.array(residual), residual=np.array(residual))
    linear = gradient_linear.LinearRule(full_rank=False)
    step = kfac_exact.LinearStep(kfac_exact.exact_direction, regular=False)
    asked = singular.hypotheses(given), linear.hypotheses(given), step.hypotheses(given)
    assert [[one.verdict for one in found] for found in asked] == [[verdict]] * 3


def test_frozen_runs_agree_within_the_rounding_that_is_asked_to_be_small() -> None:
    description = {
        "inputs": 2,
        "dimension": 3,
        "kind": "uniform",
        "width": 50,
        "scale": 4,
        "step_percent": 50,
        "steps": 3,
    }
    instance = kfac_frozen._build_computed({**description, "seed": 1})
    *_, fine = instance.hypotheses()
    (bound,) = instance.conclusion()
    initial = float(np.linalg.norm(instance.net.outputs(instance.inputs) - instance.targets))
    assert fine.verdict is bound.verdict is Verdict.HOLDS
    assert kfac_frozen.AGREEMENT * initial - fine.margin == pytest.approx(bound.predicted, rel=1e-6, abs=0)


def test_a_certified_sigma_that_is_too_large_is_refuted() -> None:
    description = {
        "kind": "uniform",
        "inputs": 3,
        "dimension": 3,
        "width": 4,
        "symmetric": False,
        "flips": 2,
        "seed": 3,
    }
    instance = build_ball(description, enumerable=True, condition="K2")
    truth = float(np.linalg.eigvalsh(instance.net.pattern_gram(instance.rows))[0])
    assert pattern_stability.eigenvalue_bound(truth - 1e-9, instance).verdict is Verdict.HOLDS
    assert pattern_stability.eigenvalue_bound(truth + 1e-9, instance).verdict is Verdict.REFUTED
    assert pattern_stability.eigenvalue_bound(-math.inf, instance).verdict is Verdict.HOLDS


# --- slack and real data ---------------------------------------------------------------------------------------------


def test_slack_rows_are_ordered_paper_proved_refuted() -> None:
    steps = [row for row in SLACK if row.quantity.startswith("largest step size")]
    assert len(steps) >= 4
    for row in steps:
        assert row.paper is not None
        assert row.proved is not None
        assert row.paper < row.proved
        assert row.refuted is None or row.proved < row.refuted
    dropped = [row for row in SLACK if row.paper is row.proved is row.refuted is None]
    assert [row.quantity for row in dropped] == ["the hypothesis rank X = d"]


def made(n: int, d: int) -> Dataset:
    rng = np.random.default_rng(4)
    rows = draw_inputs(n, d, "uniform", rng)
    return Dataset(name="made", source="drawn", X=rows, y=0.3 * rng.standard_normal(n), raw_X=rows)


@pytest.mark.parametrize(("n", "d"), [(3, 4), (4, 4)])
def test_the_topic_checks_every_theorem_that_a_path_allows(n: int, d: int) -> None:
    context = RungContext(made(n, d), Rung(n, 5000, 4.0, True, 32), 0)
    found = kfac_real.kronecker(context)
    assert found.topic == "kfac"
    json.dumps(dict(found.values))
    checked = [id for id, _ in found.results]
    assert {"T4-sharp", "T4-least"} <= set(checked)
    factors = {theorem: check["factor"] for theorem, check in found.values["checks"].items()}
    assert factors["T4-least"] <= factors["T4-sharp"] * (1 + gamma(20))
    assert ("T4" in checked) is (n == d)  # rank X = d
    assert {evaluation.verdict for _, evaluation in found.results} == {InstanceVerdict.HOLDS}
    assert set(found.values["checks"]) == set(checked)
    for theorem, check in found.values["checks"].items():
        assert check["observed"] is None or check["observed"] <= check["predicted"]
        assert check["step_size"] <= kfac.step_limit(
            check["path_constant"], h_max=found.values["h_max"], mu_min=found.values["mu_min"], theorem=theorem
        )
    assert found.values["path_constant"] <= found.values["ball_constant"] * (1 + 1e-9)
    assert any(
        line.startswith("K-FAC: such a C along the path of another step size would allow it up to T4 ")
        for line in found.lines
    )
    assert ("below d" in " ".join(found.lines)) is (n < d)


def test_limits_without_a_certified_rank_are_0() -> None:
    undecided = InputNumbers(0.0, 1.0, 0.5, 0.0, math.inf)
    assert set(kfac_real.step_limits(UpperBound(0.1), undecided).values()) == {0.0}
    assert limit_of(T4_SHARP_RULE)(0.1, undecided) == 0.0


@pytest.mark.parametrize(
    ("axes", "eta", "measured", "predicted"), [((0, 1), fmpq(1, 2), 5 / 4, 5 / 2), ((0, 0), fmpq(1), 5 / 4, 5 / 2)]
)
def test_both_residuals_of_the_exact_step_are_measured(
    axes: tuple[int, int], eta: fmpq, measured: float, predicted: float
) -> None:
    """r = (1, 2): orthogonal inputs leave (1 - eta) r, equal ones, whose leverage scores are 1/2, (1 - eta/2) r."""
    features = np.array([[1.0, 2.0], [0.0, 1.0]])
    instance = kfac_exact.LinearFeatures(features, np.eye(2)[list(axes)], np.array([1.0, 2.0]), eta)
    (bound,) = kfac_exact.LinearStep(kfac_exact.exact_direction).conclusion(instance)
    assert (bound.measured, bound.predicted) == pytest.approx((measured, predicted), rel=1e-12)
