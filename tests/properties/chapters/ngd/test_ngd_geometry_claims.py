"""Instances of T1-line, T1-radius, T1-sharp-adversary and T1-lemma-S: what they reach and what they must see."""

import dataclasses
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_mat

from properties.chapters.ngd import adversarial_points as points
from properties.chapters.ngd import ngd_adversary as adversary
from properties.chapters.ngd import ngd_lemma
from properties.chapters.ngd import ngd_line as line
from properties.chapters.ngd import ngd_radius as radius
from properties.descent import rule
from properties.engine import search
from properties.engine.claim import Claim, Depth, Evaluation, Family, InstanceVerdict, Verdict
from properties.engine.search import evaluate, evaluate_instance, run_claim
from theory.maps.adversary import turned_configuration
from theory.rigour.exact import ball_matrix, lift
from theory.stability.small_ball import THEOREMS, path_factor
from theory.theorems import ngd, ngd_line
from theory.theorems.ngd_sharp import contraction_ratio as ngd_sharp_ratio

DIAL: Mapping[str, Any] = {"constant_tenth": 5, "constant_percent": 50, "step_percent": 60, "seed": 3}


# --- T1-line ---------------------------------------------------------------------------------------------------------


def test_the_component_across_the_straight_line() -> None:
    residual = np.array([2.0, 0.0])
    assert np.array_equal(line._across(np.array([-1.0, 3.0]), residual), [0.0, 3.0])
    assert np.array_equal(line._across(np.array([1.0, 3.0]), residual), [1.0, 3.0])  # away from the target: 90 degrees
    exact = line._across(lift(np.array([-1.0, 3.0])), lift(residual))
    assert [float(entry) for entry in exact] == [0.0, 3.0]
    undecided = np.array([arb(0, 1e-3), arb(1)], dtype=object)
    assert not line._across(undecided, lift(residual))[0].is_finite()


@pytest.mark.parametrize(("across", "turns"), [(1.5, False), (2.0, False), (2.1, True)])
def test_a_step_turns_by_its_angle(across: float, turns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At C = 1 the largest sine is 1: that of (-1, 2.1) to the straight line is above 0.9, that of (-1, 2) is not."""
    monkeypatch.setattr(rule, "features", lambda _: [])
    residual = np.array([2.0, 0.0])
    step = SimpleNamespace(residual=residual, moved_residual=residual + np.array([-1.0, across]))
    instance: Any = SimpleNamespace(certificate=SimpleNamespace(constant=1.0), run=SimpleNamespace(steps=[step]))
    assert line.features(instance) == (["turns by more than 0.9 q"] if turns else [])


def test_turning_and_deflecting_families_attain_their_bounds() -> None:
    turning = line.turning(line.T1_LINE_RULE).build({**DIAL, "extra_parameters": 1})
    c = turning.certificate.constant / 3
    assert c == pytest.approx(0.55 / 3, rel=1e-9)
    turn = line.T1_LINE_SHARP_RULE.conclusion(turning)[1]
    assert turn.measured / turn.predicted * ngd_line.line_sine(3 * c, "T1-line-sharp") == pytest.approx(
        math.sin(2 * math.asin(c)), rel=1e-9
    )
    deflecting = line.deflecting(line.T1_LINE_RULE).build(
        {**DIAL, "directions": 2, "extra_parameters": 1, "rotated": True}
    )
    bounds = line.T1_LINE_RULE.conclusion(deflecting)
    assert 1 - 1e-9 <= bounds[2].ratio <= 1
    assert deflecting.eta <= 0.9 / ngd.contraction_ratio(deflecting.certificate.constant)


def test_slack_rows_of_the_line_are_in_order() -> None:
    for row in line.SLACK:
        assert row.proved is not None
        assert row.refuted is not None
        assert 0 < row.refuted < row.proved < 90


# --- T1-radius -------------------------------------------------------------------------------------------------------

CLIFF: Mapping[str, Any] = {**DIAL, "after": "steep", "second_slope": 10}


@pytest.mark.parametrize("theorem", THEOREMS)
def test_a_cliff_between_the_own_and_the_paper_s_ball_costs_the_paper_s_certificate_only(theorem: str) -> None:
    family = radius.cliffs(path_factor)
    share = 5 / 10 + 50 / 1000
    C = share * radius.constant_limit(theorem)
    distance = (path_factor(C, theorem) + 3) / 2
    percent = round(100 * distance * (1 - C / 3))
    instance = family.build({**CLIFF, "cliff_percent": percent, "theorem": theorem})
    assert instance.paper_certificate.constant > 10
    assert instance.certificate.constant == pytest.approx(C, rel=1e-6)
    unit = instance.paper_certificate.radius / 3
    assert instance.certificate.radius == pytest.approx(path_factor(C, theorem) * unit, rel=1e-6)
    evaluation = evaluate(radius.T1_RADIUS, family, {**CLIFF, "cliff_percent": percent, "theorem": theorem})
    assert evaluation.verdict is InstanceVerdict.HOLDS
    assert f"{theorem}, the paper's ball does not certify" in evaluation.features
    near = evaluate(radius.T1_RADIUS, family, {**CLIFF, "cliff_percent": 80, "theorem": theorem})
    assert near.verdict is InstanceVerdict.UNDECIDED_HYPOTHESIS


@pytest.mark.parametrize("mutant", [mutant.id for mutant in radius.T1_RADIUS.mutants])
def test_each_mutant_is_refuted_by_its_statement(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No instance breaks off on the way, where the search would have to come upon a violation as it shrinks an error."""
    broken: list[Mapping[str, Any]] = []

    def watched(claim: Claim[Any], family: Family[Any], description: Mapping[str, Any], seed: int = 0) -> Evaluation:
        try:
            return evaluate(claim, family, description, seed)
        except Exception:
            broken.append(description)
            raise

    monkeypatch.setattr(search, "evaluate", watched)
    claim = next(one.claim for one in radius.T1_RADIUS.mutants if one.id == mutant)
    for seed in range(6):
        refutation = run_claim(claim, Depth.NORMAL, seed).refutation
        assert refutation is not None
        assert any(bound.verdict is Verdict.REFUTED for bound in refutation.bounds)
        assert broken == [], seed


def test_the_optimiser_belongs_to_the_theorem() -> None:
    for theorem in THEOREMS:
        found = radius.cliffs(path_factor).build({**CLIFF, "cliff_percent": 300, "theorem": theorem})
        assert found.descent.optimiser == ("gd" if theorem.startswith("T0") else "ngd")


# --- T1-sharp-adversary and T1-lemma-S -------------------------------------------------------------------------------

ASCENT: Mapping[str, Any] = {
    "outputs": 3,
    "extra_parameters": 4,
    "constant_permille": 500,
    "step_percent": 80,
    "start": "worst",
    "noise_exponent": 3,
    "effort": 40,
    "pieces": 2,
    "seed": 5,
}


def test_points_are_feasible_and_close_to_the_bound() -> None:
    point = adversary.RULE.build(ASCENT)
    assert all(found.verdict is Verdict.HOLDS for found in adversary.RULE.hypotheses(point))
    assert np.linalg.eigvalsh(point.initial @ point.initial.T)[0] >= 1
    for jacobian in (point.current, *point.field):
        assert np.linalg.norm(jacobian - point.initial, 2) <= point.stability
    ratio, rate, lemma = adversary.RULE.conclusion(point)
    assert 0.999 < ratio.ratio < 1
    assert rate.label.startswith("||r(k+1)||^2 <= (1-eta)")
    assert 0.99 < lemma.ratio < 1
    mean = np.mean(point.field, axis=0)
    after = point.residual - point.eta * mean @ np.linalg.pinv(point.current) @ point.residual
    assert np.linalg.norm(after) == pytest.approx(ratio.measured, rel=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_what_lies_outside_the_row_space_is_a_share_of_the_direction_s_length(share: float) -> None:
    """Of ``A^T y``, in the Euclidean norm; only a mutant's share is not 0."""
    point = ngd_lemma.LemmaRule(outside=share).build({**ASCENT, "outputs": 2, "effort": 5})
    length = np.linalg.norm(point.current.T @ point.weights)
    assert np.linalg.norm(point.outside) == pytest.approx(share * length, rel=1e-9)


def test_infeasible_points_are_vacuous() -> None:
    point = adversary.RULE.build(ASCENT)
    claim = adversary.T1_SHARP_ADVERSARY
    for changed in (
        dataclasses.replace(point, initial=0.99 * point.initial, current=point.current - 0.01 * point.initial),
        dataclasses.replace(point, current=point.initial + 1.01 * (point.current - point.initial)),
        dataclasses.replace(point, field=(point.field[0], point.initial + 1.01 * (point.field[1] - point.initial))),
        dataclasses.replace(point, eta=1.3 * point.eta),
    ):
        assert evaluate_instance(claim, "point", ASCENT, changed).verdict is InstanceVerdict.VACUOUS


def test_both_starts_use_the_allowed_excess() -> None:
    worst = adversary.RULE.features(adversary.RULE.build(ASCENT))
    assert "n >= 2 and p > n: 0.99 of the allowed excess" in worst
    random = adversary.RULE.build({**ASCENT, "start": "random", "effort": 120, "outputs": 2})
    assert "n >= 2 and p > n: 0.9 of the allowed excess" in adversary.RULE.features(random)


def test_the_limit_of_the_known_counterexample_is_above_the_proved_one() -> None:
    numbered = [row for row in adversary.SLACK if row.proved is not None]
    assert len(numbered) == 5
    for row in numbered:
        assert row.proved is not None
        assert row.refuted is not None
        assert row.proved < row.refuted
        assert row.paper is None or row.paper < row.proved


def test_lemma_s_is_tried_where_its_row_space_matters() -> None:
    """There ``||v|| >= 1`` is false, which z in the row space of J0 would never show."""
    claim = ngd_lemma.T1_LEMMA_S
    assert claim.every_family
    found = run_claim(claim, Depth.QUICK, 2)
    assert found.verdict is Verdict.HOLDS
    turned = found.families["ascent-turned"]
    assert turned.features["z outside the row space of J0 by 0.9 c"] >= 0.7 * turned.instances
    assert turned.features["||J0 z|| < ||z||"] >= 0.7 * turned.instances
    for family in found.families.values():  # T1-sharp has no need of them, the lemma speaks of them
        assert family.features["c >= 1/3"] >= 3
        assert family.features["c >= 9/10"] >= 1
    assert sum(feature.startswith("n = ") for feature in turned.features) >= 3


def test_a_turned_row_is_as_short_as_the_lemma_allows() -> None:
    for n, p, c in ((1, 2, 0.3), (3, 5, 0.6)):
        point = turned_configuration(n, p, c, 0.0, np.random.default_rng(1))
        z, image = point.direction, point.initial @ point.direction
        assert np.linalg.norm(image) == pytest.approx(math.sqrt(1 - c**2) * np.linalg.norm(z), rel=1e-9)
        assert np.linalg.norm(point.current - point.initial, 2) <= c


def in_the_row_space(instance: points.AdversarialPoint) -> arb_mat:
    """A wrong adversary, whose directions never leave the row space of J0."""
    rows = instance.initial
    z = rows.T @ np.linalg.solve(rows @ rows.T, rows @ (instance.current.T @ instance.weights))
    return ball_matrix(z)


def test_an_adversary_that_stays_in_the_row_space_of_j0_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant of the row space survives then, and so the run fails."""
    mutants = {mutant.id: mutant.claim for mutant in ngd_lemma.T1_LEMMA_S.mutants}
    needed = mutants["T1-lemma-S/row-space-of-J0"]
    assert run_claim(needed, Depth.QUICK, 1).verdict is Verdict.REFUTED
    monkeypatch.setattr(ngd_lemma, "_direction", in_the_row_space)
    assert run_claim(needed, Depth.QUICK, 1).verdict is not Verdict.REFUTED


def test_the_change_of_a_jacobian_includes_the_rounding_of_every_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry ``1 + 2^-53`` of the difference is rounded to 1: off by ``2^-53`` in 12 places, ``12^{1/2} 2^-53`` together."""
    asked: list[float] = []

    def recorded(matrix: object, error: float = 0.0) -> tuple[float, float]:
        asked.append(error)
        return 0.0, 1.0

    monkeypatch.setattr(points, "singular_value_bounds", recorded)
    whole = np.full((3, 4), 2.0**-53)
    point = points.AdversarialPoint(-np.ones((3, 4)), whole, (whole,), np.ones(3), np.ones(3), np.zeros(4), 0.1, 0.5)
    assert point.change == 1.0
    assert all(error >= 12**0.5 * 2.0**-53 * (1 - 2.0**-50) for error in asked)
    assert len(asked) == 2


@pytest.mark.parametrize(("slopes", "share"), [((0.2, 1.0), True), ((0.6, 0.6), True), ((1.0, 1.0), False)])
def test_the_excess_that_is_counted_is_that_of_the_segment_s_mean(slopes: tuple[float, float], share: bool) -> None:
    """J(k) = I and Jacobians of both slopes on the segment: the step leaves ``1 - eta`` times their mean, T1-sharp allows 1/rho."""
    allowed = 1 / float(ngd_sharp_ratio(0.9))
    slopes = (slopes[0] * allowed / 0.6, slopes[1] * allowed / 0.6) if share else slopes
    field = tuple(slope * np.eye(2) for slope in slopes)
    point = points.AdversarialPoint(np.eye(2), np.eye(2), field, np.ones(2), np.ones(2), np.zeros(2), 0.3, 0.5)
    counted = [one for one in adversary.RULE.features(point) if one.endswith("0.9 of the allowed excess")]
    assert bool(counted) is share
