"""T2 and T2-q: T1 at kappa = 1, losses as planned, families that reach every kappa and C, the rows of the slack table."""

import dataclasses
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import find

from properties.chapters.losses import general_loss as claims
from properties.chapters.losses.general_loss import rule_of
from properties.chapters.losses.general_loss_instances import ALL, CONDITION_STEPS, HARD, MILD, Losses
from properties.chapters.ngd import ngd as squared
from properties.descent.instances import DescentInstance, LossInstance, MapInstance, NetworkInstance
from properties.descent.losses import KINDS, LossPlan, LossRecipe, Misstated
from properties.descent.numbers import Numbers
from properties.descent.strategies import SQUARED, build_perturbed_affine, build_smooth, build_spike
from properties.engine.claim import Claim, Depth, InstanceVerdict, Verdict
from properties.engine.search import evaluate_instance, run_claim
from theory.losses import PseudoHuberLoss, WeightedSquaredLoss
from theory.maps.affine import SpikeMap
from theory.rigour.exact import lift
from theory.rigour.one_step import map_step
from theory.rigour.precision import working_precision
from theory.theorems import general_loss, ngd

DIALLED = {"constant_tenth": 6, "constant_percent": 40, "step_percent": 80, "seed": 11}
AFFINE = {
    "outputs": 3,
    "extra_parameters": 1,
    "condition_exponent": 1,
    "orthogonal": False,
    "aligned": True,
    "angle_percent": 90,
}
SPIKE = {"directions": 2, "extra_parameters": 1, "rotated": True}
SMOOTH = {
    "inputs": 2,
    "dimension": 3,
    "half_width": 60,
    "scale": 1,
    "kind": "uniform",
    "symmetric": True,
    "activation": "tanh",
}


@pytest.mark.parametrize(
    ("general", "special", "theorem"), [(claims.T2, squared.T1, "T2"), (claims.T2_Q, squared.T1_Q, "T2-q")]
)
def test_at_kappa_1_every_bound_is_that_of_the_squared_loss(
    general: Claim[LossInstance], special: Claim[DescentInstance], theorem: str
) -> None:
    """Same instances, same hypotheses, same numbers to the last bit, in float64 and in balls."""
    dial = rule_of(theorem).dial(Numbers(mu=1.0, L=1.0))
    instances: list[MapInstance | NetworkInstance] = [
        build_perturbed_affine({**AFFINE, **DIALLED}, dial),
        build_spike({**SPIKE, **DIALLED}, dial),
        build_smooth({**SMOOTH, **DIALLED}, dial),
    ]
    for instance in instances:
        ours, theirs = general.hypotheses(instance), special.hypotheses(instance)
        assert [h.verdict for h in ours] == [Verdict.HOLDS] * 3
        assert [h.margin for h in ours] == [h.margin for h in theirs]
        assert list(general.conclusion(instance)) == list(special.conclusion(instance))
    weighted = dataclasses.replace(instances[0], loss=LossRecipe("weighted", weights=np.ones(3)))
    assert [b.predicted for b in general.conclusion(weighted)] == [
        b.predicted for b in special.conclusion(instances[0])
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("condition", [1.1, 7.0, 50.0])
def test_a_plan_gives_the_condition_number_and_the_minimiser(kind: str, condition: float) -> None:
    plan = LossPlan(kind, condition, least_weight=0.25)
    wanted = np.array([0.3, -0.1, 0.2])
    labels, maker = plan.at(wanted)
    loss = maker(labels)
    kappa = 1.0 if kind == "squared" else condition
    assert loss.smoothness / loss.strong_convexity == pytest.approx(kappa, rel=1e-12)
    assert plan.curvatures(3) == (loss.strong_convexity, loss.smoothness)
    assert plan.radius_factor(3) == pytest.approx(1.5 * (1 + kappa), rel=1e-12)
    assert np.linalg.norm(loss.minimiser) == pytest.approx(float(np.linalg.norm(wanted)), rel=1e-12)
    if kind == "logistic":
        assert np.array_equal(np.sign(loss.minimiser), np.sign(wanted))
    else:
        assert loss.minimiser == pytest.approx(wanted, rel=1e-12)
    if kind in ("pseudo-Huber", "logistic"):
        assert np.abs(loss.minimiser - labels).max() > 1e-3


@pytest.mark.parametrize("losses", [ALL, MILD, HARD])
def test_every_kappa_of_a_title_can_be_drawn(losses: Losses) -> None:
    least, most = (50.0 ** (step / CONDITION_STEPS) for step in (losses.least_condition, losses.most_condition))
    steps = {
        find(losses.parts()["condition_step"], wanted)
        for wanted in (lambda _: True, lambda step: step == losses.most_condition)
    }
    assert {50.0 ** (step / CONDITION_STEPS) for step in steps} == {least, most}
    description = {
        "weight_exponent": 0,
        "saturation_percent": 50,
        "tilt_exponent": 0,
        "condition_step": losses.most_condition,
    }
    for kind in losses.kinds:
        assert losses.plan({**description, "loss": kind}).condition == most
    curved = losses.plan({**description, "loss": "logistic", "condition_step": 0})
    assert curved.condition == 1.1  # with kappa = 1 it has no curvature of its own


def test_one_output_of_a_weighted_loss_has_one_curvature() -> None:
    plan = LossPlan("weighted", 9.0, least_weight=0.5)
    assert plan.curvatures(1) == (0.5, 0.5)
    assert plan.weights(3) == pytest.approx([0.5, 1.5, 4.5])
    assert LossPlan("squared", 9.0).curvatures(2) == (1.0, 1.0)


def test_a_tilt_keeps_the_length_and_shifts_the_components() -> None:
    residual = np.array([0.6, 0.8])
    for tilt in (1e-3, 1.0, 1e3):
        tilted = LossPlan(tilt=tilt).tilted(residual)
        assert np.linalg.norm(tilted) == pytest.approx(1.0)
        assert tilted[1] / tilted[0] == pytest.approx(tilt * 4 / 3)
    assert SQUARED.tilted(residual) is residual
    assert LossPlan(tilt=7.0).tilted(residual[:1])[0] == 0.6


def test_a_misstated_loss_differs_from_the_true_one_in_what_is_misstated_only() -> None:
    true = PseudoHuberLoss(np.array([1.0, 2.0]), 0.1)
    point = np.array([0.3, 0.4])
    for lying in (True, False):
        loss = Misstated(true, 0.5, 0.75, labels_as_minimiser=lying)
        assert (loss.strong_convexity, loss.smoothness) == (0.5, 0.75)
        assert np.array_equal(loss.minimiser, true.labels if lying else true.minimiser)
        assert loss.minimiser_error == (0.0 if lying else true.minimiser_error)
        with working_precision(100):
            expected = lift(true.labels) if lying else true.minimiser_enclosed()
            assert all(a.overlaps(b) for a, b in zip(loss.minimiser_enclosed(), expected, strict=True))
        assert np.array_equal(loss.gradient(point), true.gradient(point))
        assert loss.value(point) == true.value(point)
        assert loss.gradient_rounding(point) == true.gradient_rounding(point)
        assert np.array_equal(loss.labels, true.labels)


@pytest.mark.parametrize(("claim", "most"), [(claims.T2, 1.0), (claims.T2_Q, 2.0)], ids=["T2", "T2-q"])
def test_hard_families_reach_large_kappa_and_all_of_the_range_of_C(claim: Claim[LossInstance], most: float) -> None:
    hard = tuple(family for family in claim.families if family.id in ("F3-hard", "F4-hard"))
    counts: Counter[str] = Counter()
    instances = 0
    for seed in range(3):
        result = run_claim(dataclasses.replace(claim, families=hard), Depth.QUICK, seed)
        instances += result.instances
        for count in result.families.values():
            counts.update(count.features)
    assert instances >= 75
    assert counts["kappa >= 5"] + counts["kappa >= 20"] == instances
    assert min(counts["kappa >= 5"], counts["kappa >= 20"]) >= 5
    lows = {float(feature.split("[")[1].split(",")[0]) for feature in counts if feature.startswith("C(1+kappa)")}
    assert min(lows) == 0
    assert max(lows) >= 0.75 * most


def test_a_description_shows_its_loss() -> None:
    losses = Losses()
    description = {
        "loss": "logistic",
        "condition_step": 10,
        "weight_exponent": 1,
        "saturation_percent": 40,
        "tilt_exponent": -2,
    }
    assert set(losses.parts()) == set(description)
    plan = losses.plan(description)
    assert (plan.kind, plan.least_weight, plan.saturation, plan.tilt) == ("logistic", 2.0, 0.4, 0.01)
    assert plan.condition == pytest.approx(math.sqrt(50))
    assert losses.plan({**description, "condition_step": 0}).condition == 1.1
    assert losses.plan({**description, "condition_step": 0, "loss": "weighted"}).condition == 1.0
    assert HARD.range() == ", kappa 7.1 to 50"


def test_weights_are_not_rotated_and_stiff_directions_do_not_spike() -> None:
    dial = rule_of("T2").dial(Numbers(mu=1.0, L=20.0))
    instance = build_spike({**SPIKE, **DIALLED, "step_percent": 100}, dial, LossPlan("weighted", 20.0))
    assert isinstance(instance.model, SpikeMap)
    assert np.array_equal(instance.model.output_rotation, np.eye(2))
    assert isinstance(instance.objective, WeightedSquaredLoss)
    assert instance.objective.weights[1] == pytest.approx(20.0)
    spread = np.ptp(instance.model.slopes, axis=1)
    assert spread[0] > 0
    assert instance.eta * 20 < 1
    assert spread[1] > 0
    faster = build_spike(
        {**SPIKE, **DIALLED, "constant_tenth": 0, "step_percent": 100}, dial, LossPlan("weighted", 20.0)
    )
    assert isinstance(faster.model, SpikeMap)
    assert faster.eta * 20 > 1
    assert np.ptp(faster.model.slopes, axis=1)[1] == 0


def test_path_of_a_stiff_residual_reaches_kappa() -> None:
    """T2-q's length of the path is attained up to C: a zigzag of 40 steps at eta near 2/(mu+L), in balls too."""
    kappa = 3.0
    dial = rule_of("T2-q").dial(Numbers(mu=1.0, L=kappa))
    description = {
        **SPIKE,
        **DIALLED,
        "rotated": False,
        "constant_tenth": 0,
        "constant_percent": 1,
        "step_percent": 100,
    }
    built = build_spike(description, dial, LossPlan("weighted", kappa, tilt=1e3))
    instance = dataclasses.replace(built, steps=30)
    length = next(b for b in claims.T2_Q.conclusion(instance) if b.label.startswith("length"))
    assert length.verdict is Verdict.HOLDS
    assert length.ratio > 0.99
    with working_precision(106):
        steps = instance.enclosed_trajectory()
        total = sum((step.length for step in steps), arb(0))
    assert abs(float(total) - length.measured) <= length.rounding


def test_a_ball_smaller_than_the_slack_table_says_does_not_suffice() -> None:
    """Slope 1-c inside a ball of 0.99/(1-c), 1e-3 outside: the outputs stop short and the rate is broken."""
    for row in claims.SLACK:
        if not row.quantity.startswith("radius of Condition 3"):
            continue
        assert row.refuted is not None
        c = 1 - 1 / row.refuted
        end = 0.99 * row.refuted
        model = SpikeMap(
            np.array([[-end, -1e-9]]), np.array([[1e-3, 1 - c, 1.0]]), np.eye(1), np.eye(1)
        )  # r(0) = 1, lambda = 1
        kappa = float(row.quantity.split("kappa = ")[1].split(",")[0])
        loss = WeightedSquaredLoss(-np.ones(1), np.ones(1))
        eta = general_loss.step_limit(3 * c, 1.0, kappa, "T2")
        factor, theta, broken = general_loss.rate(eta, 3 * c, 1.0, kappa, "T2"), np.zeros(1), False
        while abs(theta[0]) < end and not broken:
            theta, step = map_step(model, theta, loss, eta)
            broken = step.after > factor * step.before
        assert broken


def test_slack_rows_are_in_order() -> None:
    for row in claims.SLACK:
        assert row.paper is not None
        assert row.proved is not None
        assert row.refuted is not None
        if row.quantity.startswith("radius"):
            assert row.refuted < row.proved < row.paper
        else:
            assert row.paper < row.proved < row.refuted
    assert {row.claim for row in claims.SLACK} == {"T2"}
    text = {row.witness for row in claims.SLACK}
    assert text <= {mutant.id for claim in claims.CLAIMS for mutant in claim.mutants} | {"F4"}


@pytest.mark.parametrize("kind", ["logistic", "pseudo-Huber"])
def test_balls_confirm_what_float64_leaves_open(kind: str) -> None:
    """A bound exactly at the measured value is undecided in float64 and decided in balls, by 1e-20 of the factor."""
    dial = rule_of("T2-q").dial(Numbers(mu=0.2, L=0.45))
    built = build_perturbed_affine({**AFFINE, **DIALLED}, dial, LossPlan("logistic", 2.25))
    instance = MapInstance(built.model, np.array([1.0, -1.0, 1.0]), 0.05, 1, loss=LossRecipe(kind, ridge=0.2))
    with working_precision(200):
        exact = instance.enclosed_step(0)
        ratio = exact.after / exact.before
        above, below = ratio + 1e-20, ratio - 1e-20
    for near, verdict in ((above, InstanceVerdict.HOLDS), (below, InstanceVerdict.REFUTED)):

        def factor(at: Numbers, exact: arb = near) -> Any:
            return exact if isinstance(at.eta, arb) else float(exact)

        rule = dataclasses.replace(claims.T2_Q_RULE, factor=factor, radius=None)
        claim = dataclasses.replace(claims.T2_Q, **{**rule.checks(), "hypotheses": lambda _: []})
        assert evaluate_instance(claim, "F3", {}, instance).verdict is verdict


def test_rule_of_an_unknown_theorem_is_refused() -> None:
    with pytest.raises(Exception, match="known: T2, T2-q"):
        rule_of("T1").dial(Numbers(mu=1.0, L=2.0))
    assert ngd.THEOREMS[0] == "T1"
