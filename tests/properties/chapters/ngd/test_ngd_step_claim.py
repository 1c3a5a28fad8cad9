"""T1-step's equality, where the Jacobian does not change: both of its sides are checked, in float64 and in balls."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from properties.chapters.ngd import ngd_step
from properties.descent.instances import NetworkInstance
from properties.engine.claim import Bound, Evidence, Verdict, within_rounding
from properties.engine.search import evaluate_instance
from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.precision import working_precision
from theory.stability.variation import segment_variation

ETA = 0.25


def frozen_instance() -> ngd_step.NetworkSteps:
    """Two orthogonal inputs that no step moves across 0."""
    weights = np.array([[2.0, 1.0], [-1.0, 2.0], [1.5, -1.0], [3.0, 2.0]])
    net = TwoLayerNetwork(weights, np.array([1.0, -1.0, 1.0, 1.0]))
    targets = net.outputs(np.eye(2)) + np.array([0.01, -0.02])
    return ngd_step.NetworkSteps(NetworkInstance(net, np.eye(2), targets, ETA, 2))


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [(1 - ETA, Verdict.HOLDS), (1 - ETA - 1e-6, Verdict.REFUTED), (1 - ETA + 1e-6, Verdict.REFUTED)],
)
def test_a_factor_too_small_and_one_too_large_are_both_refuted_in_balls(rate: float, verdict: Verdict) -> None:
    instance = frozen_instance()
    assert all(step.variation_above == 0 for step in instance.steps)
    other = ngd_step.StepRate(lambda eta, variation: rate)
    claim = ngd_step.T1_STEP.neighbour("rate", "another factor", **other.checks()).claim
    evaluation = evaluate_instance(claim, "F1", {}, instance)
    assert {bound.verdict for bound in evaluation.bounds} == {verdict}
    if verdict is Verdict.REFUTED:
        assert {bound.evidence for bound in evaluation.bounds} == {Evidence.ENCLOSED}


@pytest.mark.parametrize(("share", "verdict"), [(0.9, Verdict.HOLDS), (1.1, Verdict.UNDECIDED)])
def test_an_equality_within_much_rounding_is_not_decided(share: float, verdict: Verdict) -> None:
    instance = frozen_instance()
    error = share * ngd_step.LARGEST_ROUNDING * instance.steps[0].step.before
    rough = [
        dataclasses.replace(one, step=dataclasses.replace(one.step, after_error=error)) for one in instance.steps[:1]
    ]
    bounds = ngd_step.T1_STEP.conclusion(SimpleNamespace(network=instance.network, steps=rough))
    assert [bound.verdict for bound in bounds] == [verdict]


def test_the_balls_confirm_the_true_equality(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = frozen_instance()
    monkeypatch.setattr(ngd_step, "within_rounding", lambda label, difference, rounding: at_fault(label))
    with working_precision(106):
        found = ngd_step.StepRate().confirm(instance, 106)
    assert [bound.verdict for bound in found] == [Verdict.HOLDS] * len(instance.steps)
    assert all(bound.predicted == 2.0**-ngd_step.AGREEMENT for bound in found)


def at_fault(label: str) -> Bound:
    """A bound that float64 got wrong."""
    return Bound(label, 1.0, 0.0, 0.0, Verdict.REFUTED, Evidence.TESTED)


def test_the_equality_allows_the_rounding_of_its_step_and_no_more() -> None:
    instance = frozen_instance()
    bounds = ngd_step.T1_STEP.conclusion(instance)
    allowed = [one.step.rounding(1 - ETA) for one in instance.steps]
    assert [(bound.predicted, bound.rounding) for bound in bounds] == [
        (other.predicted, other.rounding)
        for other in (within_rounding("equality", 0.0, rounding) for rounding in allowed)
    ]


def test_each_step_has_the_variation_of_its_own_segment_by_its_own_gram_matrix() -> None:
    rng = np.random.default_rng(3)
    net, inputs = TwoLayerNetwork.initialise(60, 5, 1.0, rng), normalise_rows(rng.standard_normal((4, 5)))
    network = NetworkInstance(net, inputs, rng.standard_normal(4), 0.5, 5)
    state, expected = FunctionSpaceDescent(net, inputs, network.targets), []
    for _ in range(network.steps):
        start, gram = state.pre_activations, state.gram.copy()
        state.advance(network.eta, "ngd")
        expected.append(segment_variation(start, state.pre_activations, state.signs, state.kernel, gram, parts=64))
    found = [one.variation_above for one in ngd_step.NetworkSteps(network, 64).steps]
    assert len(found) == network.steps
    assert found == pytest.approx([above for _, above in expected], rel=1e-9)
    assert min(found[1:3]) > 0, "activations change on later segments, too"


def test_steps_end_where_the_gram_matrix_is_not_certified_to_be_regular() -> None:
    """It can be solved with, but for all that is known of it in float64 it may be singular."""
    angle = 2.0**-24
    inputs = normalise_rows(np.array([[1.0, 0.0], [1.0, angle]]))
    net = TwoLayerNetwork(np.array([[2.0, 1.0], [1.5, -1.0]]), np.array([1.0, -1.0]))
    network = NetworkInstance(net, inputs, net.outputs(inputs) + np.array([0.01, -0.02]), ETA, 2)
    assert np.isinf(network.run.steps[0].after_error)
    assert ngd_step.NetworkSteps(network).steps == []
