"""Networks followed in balls, and float64 steps against balls: what is enclosed, refuted, undecided, never glossed over."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
from flint import arb

from properties.catalogue import registry
from properties.chapters.identities import step_errors
from properties.chapters.kfac import kfac_families
from properties.chapters.kfac.kfac import T4_LEV_RULE
from properties.chapters.kfac.kfac_instances import KroneckerNetwork
from properties.chapters.ngd import ngd
from properties.descent import followed
from properties.descent.enclosed import step_size
from properties.descent.families import networks_in_balls
from properties.descent.instances import MapInstance, NetworkInstance, descending
from properties.descent.rule import Rule
from properties.engine.claim import Claim, Depth, Evidence, InstanceVerdict, Verdict, require, require_enclosed, weakest
from properties.engine.results import Result
from properties.engine.search import evaluate, evaluate_instance, run_claim
from theory.direction import LowerBound, UpperBound
from theory.maps.affine import MapCertificate, spike_map
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import AnyArray
from theory.rigour.precision import working_precision
from theory.rigour.rectifier_trajectory import RectifierTrajectory
from theory.theorems import ngd as ngd_theorems

DESCRIPTION = {
    "inputs": 2,
    "dimension": 3,
    "half_width": 128,
    "scale": 1,
    "kind": "orthogonal",
    "symmetric": True,
    "steps": 6,
    "stored": 0,
    "constant_tenth": 6,
    "constant_percent": 1,
    "step_percent": 60,
    "seed": 3,
}


def network(**changes: int) -> NetworkInstance:
    family = networks_in_balls(ngd.T1_SHARP_RULE)[0]
    found = family.build({**DESCRIPTION, **changes})
    assert isinstance(found, NetworkInstance)
    return found


def of(claim: Claim[NetworkInstance], **changes: object) -> Claim[NetworkInstance]:
    return dataclasses.replace(claim, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("id", ["T1", "T1-q", "T1-sharp", "T2", "T4-lev", "T0"])
def test_whatever_is_followed_in_balls_is_enclosed(id: str) -> None:
    claim = registry[id]
    families = tuple(family for family in claim.families if family.id.startswith("balls"))
    assert sum(family.examples[Depth.NORMAL] for family in families) >= (95 if id == "T2" else 190)
    result = run_claim(of(claim, families=families), Depth.QUICK, 1)
    assert result.verdict is Verdict.HOLDS
    assert dict(result.by_evidence) == {Evidence.ENCLOSED: result.instances}
    assert all(count.instances > 0 for count in result.families.values())


def test_k_step_bounds_and_the_length_of_the_path_are_checked_on_the_exact_trajectory() -> None:
    instance = network()
    bounds = ngd.T1_SHARP_RULE.conclusion(instance)
    assert len(bounds) == 6 + 5 + 1
    assert all(bound.verdict is Verdict.HOLDS for bound in bounds)
    assert all((bound.evidence, bound.bits) == (Evidence.ENCLOSED, 64) for bound in bounds)
    assert bounds[5].label == "||r(6)|| <= factor ||r(5)|| from the exact iterate 5"
    assert bounds[10].label == "||r(6)|| <= factor^6 ||r(0)|| on the exact trajectory"
    measured = [bound.measured for bound in bounds[:6]]
    assert measured == pytest.approx([step.after for step in instance.run.steps])
    product = bounds[0].predicted / bounds[0].measured  # one step's factor over what the step did
    assert bounds[10].predicted / bounds[10].measured == pytest.approx(product**6, rel=1e-3)
    evaluation = evaluate_instance(registry["T1-sharp"], "balls", {}, instance)
    assert evaluation.evidence is Evidence.ENCLOSED
    assert evaluation.verdict is InstanceVerdict.HOLDS
    with working_precision(300):
        again = ngd.T1_SHARP_RULE.confirm(instance, 300)
    assert [bound.label for bound in again] == [bound.label for bound in bounds]
    assert all(bound.bits == 300 for bound in again)


def test_stored_weights_support_one_step_while_it_stays_in_the_ball() -> None:
    family = networks_in_balls(ngd.T1_SHARP_RULE)[2]
    description = {**DESCRIPTION, "half_width": 8000, "steps": 1, "stored": 3}
    instance = family.build(description)
    assert isinstance(instance, NetworkInstance)
    assert 0 < instance.distance < instance.certificate.radius
    (bound,) = ngd.T1_SHARP_RULE.conclusion(instance)
    assert bound.label == "||r(4)|| <= factor ||r(3)|| from the stored iterate 3"
    found = ngd.T1_SHARP_RULE.hypotheses(instance)
    assert [hypothesis.verdict for hypothesis in found] == [Verdict.HOLDS] * 4
    assert all(hypothesis.evidence is Evidence.ENCLOSED for hypothesis in found)
    far = dataclasses.replace(instance)
    vars(far).update(certificate=instance.certificate, distance=instance.certificate.radius)
    assert ngd.T1_SHARP_RULE.hypotheses(far)[-1].verdict is Verdict.REFUTED
    near = dataclasses.replace(instance)
    length = sum(float(step.length) for step in instance.first_balls)
    vars(near).update(certificate=instance.certificate, distance=instance.certificate.radius - 1.001 * length)
    assert ngd.T1_SHARP_RULE.hypotheses(near)[-1].verdict is Verdict.HOLDS
    state = instance.stored_iterate(3)
    assert np.abs(instance.start.pre_activations(instance.inputs) - state).max() < 1e-12


def test_the_first_step_is_not_claimed_from_stored_weights() -> None:
    assert [family.id for family in registry["T1-first"].families if family.id.startswith("balls")] == [
        "balls",
        "balls smooth",
    ]


def test_a_false_factor_is_refuted_by_balls() -> None:
    rule = dataclasses.replace(ngd.T1_SHARP_RULE, factor=lambda at: (1 - at.eta) * 7 / 8)
    evaluation = evaluate_instance(
        of(registry["T1"], **{**rule.checks(), "confirm": registry["T1"].confirm}), "balls", {}, network()
    )
    assert evaluation.verdict is InstanceVerdict.REFUTED
    assert {bound.evidence for bound in evaluation.bounds} == {Evidence.ENCLOSED}
    too_long = dataclasses.replace(rule, factor=ngd.T1_SHARP_RULE.factor, radius=lambda at: at.residual_norm / 100)
    bounds = too_long.conclusion(network())
    assert [bound.verdict for bound in bounds[-2:]] == [Verdict.HOLDS, Verdict.REFUTED]


@pytest.mark.parametrize("rule", [ngd.T1_RULE, ngd.T1_Q_RULE, ngd.T1_SHARP_RULE])
def test_a_step_beyond_its_limit_in_balls_makes_the_instance_vacuous(rule: Rule) -> None:
    instance = descending(network(half_width=256, constant_tenth=3), eta=1.0 + 2.0**-40)
    assert rule.hypotheses(instance)[-1].verdict is Verdict.REFUTED


def test_kronecker_hypotheses_are_enclosed_in_balls() -> None:
    small, _, smooth = kfac_families.networks_in_balls(T4_LEV_RULE)
    assert (small.id, smooth.id) == ("balls", "balls smooth")
    shaped = {key: value for key, value in DESCRIPTION.items() if key not in ("inputs", "dimension", "symmetric")}
    instance = small.build({**shaped, "shape": (3, 2), "kind": "equal leverage"})
    assert isinstance(instance, KroneckerNetwork)
    found = T4_LEV_RULE.hypotheses(instance)
    assert {hypothesis.verdict for hypothesis in found} == {Verdict.HOLDS}
    assert {hypothesis.evidence for hypothesis in found} == {Evidence.ENCLOSED}
    beyond = descending(instance, eta=2.0)
    assert T4_LEV_RULE.hypotheses(beyond)[-1].verdict is Verdict.REFUTED


def test_an_activation_that_no_precision_decides_leaves_the_instance_undecided() -> None:
    """The step ends exactly on the boundary of three half-spaces; G = 1/3 keeps balls from seeing that."""
    net = TwoLayerNetwork(np.array([[1.0]] * 3 + [[-1.0]] * 6), np.ones(9))
    instance = NetworkInstance(net, np.ones((1, 1)), np.array([-1.0]), 0.5, 3, enclosed=True)
    vars(instance)["certificate"] = MapCertificate(LowerBound(0.3), radius=20.0, constant=UpperBound(0.1))
    claim = of(registry["T1"], hypotheses=lambda _: [])
    evaluation = evaluate_instance(claim, "balls", {}, instance)
    assert evaluation.verdict is InstanceVerdict.UNDECIDED
    assert [bound.verdict for bound in evaluation.bounds].count(Verdict.HOLDS) == 1
    assert evaluation.precision == 848
    result = Result(claim, "normal", 0)
    result.record(evaluation)
    assert (result.verdict, result.instances, dict(result.by_evidence)) == (Verdict.UNDECIDED, 0, {})


def test_balls_that_miss_the_exact_step_are_told_from_the_float_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison works both ways: outputs 2^-40 beside the exact ones break the bounds."""
    description = {**STEP, "activation": "relu", "half_width": 60, "index": 0}
    instance = step_errors.build(description)
    assert all(bound.verdict is Verdict.HOLDS for bound in step_errors.E_STEP.conclusion(instance))
    outputs = RectifierTrajectory._outputs

    def shifted(path: RectifierTrajectory) -> AnyArray:
        return np.array([ball.mid() + arb(2) ** -40 for ball in outputs(path)], dtype=object)

    monkeypatch.setattr(RectifierTrajectory, "_outputs", shifted)
    assert any(bound.verdict is Verdict.REFUTED for bound in step_errors.E_STEP.conclusion(instance))


def test_steps_end_before_the_residual_needs_more_bits_than_there_are() -> None:
    assert followed.useful_steps(0.5, 30) == 30
    assert followed.useful_steps(1 - 2.0**-30, 30) == 6
    assert followed.useful_steps(1.0, 30) == followed.useful_steps(2.5, 30) == 2
    assert followed.useful_steps(1 - 2.0**-150, 30) == 2
    assert followed.useful_steps(0.9, 1) == followed.useful_steps(1.0, 1) == 1


# --- E-step ----------------------------------------------------------------------------------------------------------

STEP = {
    "inputs": 2,
    "dimension": 3,
    "kind": "uniform",
    "half_width": 20,
    "scale_exponent": 0,
    "target_exponent": 0,
    "symmetric": True,
    "activation": "tanh",
    "optimiser": "ngd",
    "step_percent": 50,
    "index": 2,
    "seed": 5,
}


@pytest.mark.parametrize("optimiser", ["ngd", "kfac", "gd"])
@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_float_steps_are_within_their_bounds_and_the_features_say_how_far_they_agree(
    optimiser: str, activation: str
) -> None:
    evaluation = evaluate(
        registry["E-step"],
        registry["E-step"].families[0],
        {**STEP, "optimiser": optimiser, "activation": activation},
    )
    assert (evaluation.verdict, evaluation.evidence) == (InstanceVerdict.HOLDS, Evidence.ENCLOSED)
    assert evaluation.tightest is not None
    assert 1e-6 < evaluation.tightest.ratio <= 1
    assert len(evaluation.bounds) == 4
    assert optimiser in evaluation.features
    assert ("agrees to 15+ digits" in evaluation.features) == (activation == "relu")


def test_a_singular_matrix_makes_a_step_vacuous() -> None:
    evaluation = evaluate(
        registry["E-step"],
        registry["E-step"].families[0],
        {**STEP, "inputs": 3, "dimension": 1, "kind": "integer"},
    )
    assert evaluation.verdict is InstanceVerdict.VACUOUS


def test_agreement_is_in_decimal_digits_of_the_unit() -> None:
    assert step_errors.agreement(arb(0), 1.0) == "agrees to 15+ digits"
    assert step_errors.agreement(arb(-1e-13), 1.0) == "agrees to 12+ digits"
    assert step_errors.agreement(arb(-1e-13), 1e-3) == "agrees to 9+ digits"
    assert step_errors.agreement(arb(0.1), 1.0) == "agrees to fewer than 6 digits"
    assert step_errors.agreement(arb("nan"), 1.0) == "the trajectory is undecided at first"


# --- evidence --------------------------------------------------------------------------------------------------------


def test_hypotheses_carry_their_evidence() -> None:
    assert require("exact", 1.0).evidence is Evidence.ENCLOSED
    assert require("in float64", 1.0, 1e-16).evidence is Evidence.TESTED
    for margin, verdict in (
        (arb(0), "holds"),
        (arb(-1), "refuted"),
        (arb(0, 1), "undecided"),
        (arb("nan"), "undecided"),
    ):
        hypothesis = require_enclosed("in balls", margin)
        assert (hypothesis.verdict, hypothesis.evidence) == (Verdict(verdict), Evidence.ENCLOSED)
    assert math.isnan(require_enclosed("in balls", arb("nan")).margin)
    assert weakest([]) is Evidence.ENCLOSED
    assert weakest([Evidence.ENCLOSED, Evidence.ESTIMATED]) is Evidence.ESTIMATED
    assert weakest([Evidence.ENCLOSED, Evidence.TESTED, Evidence.ESTIMATED]) is Evidence.TESTED


def test_an_instance_is_as_strong_as_its_weakest_hypothesis() -> None:
    evaluation = evaluate_instance(registry["T1-sharp"], "balls", {}, network())
    tested = dataclasses.replace(evaluation, hypotheses=(require("in float64", 1.0, 1e-16),))
    assert (evaluation.evidence, tested.evidence) == (Evidence.ENCLOSED, Evidence.TESTED)
    result = Result(registry["T1-sharp"], "normal", 0)
    assert result.evidence is None
    for one in (evaluation, evaluation, tested):
        result.record(one)
    assert dict(result.by_evidence) == {Evidence.ENCLOSED: 2, Evidence.TESTED: 1}
    assert result.evidence is Evidence.TESTED


@pytest.mark.parametrize(("theorem", "largest"), [("T1-q", 0.6), ("T1-sharp", 1.0)])
def test_a_step_size_above_a_limit_that_cancels_is_refuted_without_balls_too(theorem: str, largest: float) -> None:
    """Near its largest C the formula cancels: the exact limit decides, for step sizes on both sides of it."""
    limit, refuted = partial(ngd_theorems.step_limit, theorem=theorem), 0
    for k in range(40):
        constant = largest * (1 - 2.0**-20 * (1 + k / 7))
        eta = limit(constant) * (1 + (-1) ** k * 1e-8)  # above what cancels at 53 bits
        instance = MapInstance(spike_map(0.1, np.ones(1), 0.5, 1, np.ones(1)), np.ones(1), eta, 1)
        vars(instance)["certificate"] = MapCertificate(LowerBound(1.0), 3.0, UpperBound(constant))
        with working_precision(300):
            allowed = arb(eta) <= limit(arb(constant))
        (found,) = step_size(limit, instance)
        assert found.verdict is not (Verdict.REFUTED if allowed else Verdict.HOLDS)
        refuted += found.verdict is Verdict.REFUTED
    assert 0 < refuted < 40
