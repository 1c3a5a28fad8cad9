"""Rounding takes the fewest digits that leave a refutation, touches nothing that others depend on, and stays bounded."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from properties.catalogue import registry
from properties.chapters.stability.stability_instances import AttackedBall
from properties.dataset.topics.real_data import RealInstance
from properties.descent.instances import MapInstance
from properties.engine.claim import Bound, Claim, Depth, InstanceVerdict, at_most
from properties.engine.claim import Hypothesis as Condition
from properties.engine.replay import rounder
from properties.engine.replay.instance_document import from_document, to_document
from properties.engine.replay.rounder import DIGITS, on_documents, round_to, rounded_document, stored_refutation
from properties.engine.search import evaluate, evaluate_instance, run_claim
from theory.maps.affine import PerturbedAffine
from theory.network.two_layer import TwoLayerNetwork

INSTANCE = AttackedBall(
    TwoLayerNetwork(np.array([[0.123456, -0.0004], [1.5, 2.71828]]), np.ones(2)), np.eye(2), 0.987654, 3
)


def claim_that(conclusion: Any, hypotheses: Any = lambda ball: ()) -> Claim[AttackedBall]:
    base = registry["C2-fro"]
    return dataclasses.replace(
        base, hypotheses=hypotheses, conclusion=conclusion, confirm=None, features=lambda ball: (), mutants=()
    )


def radius_at_most(limit: float) -> Any:
    def conclusion(ball: AttackedBall) -> Sequence[Bound]:
        return [at_most("radius", ball.radius, limit, 0.0)]

    return conclusion


def stored(claim: Claim[AttackedBall], instance: AttackedBall = INSTANCE) -> Any:
    evaluation = evaluate_instance(claim, "attacked", {"seed": 1}, instance)
    assert evaluation.verdict is InstanceVerdict.REFUTED
    return stored_refutation(claim, evaluation, 0)


@pytest.mark.parametrize(
    ("values", "digits", "expected"),
    [
        ([0.123456, -0.0004, 1.5], 1, [0.0, 0.0, 2.0]),
        ([0.123456, -0.0004, 1.5], 3, [0.12, 0.0, 1.5]),
        ([123456.0, 5e4], 2, [120000.0, 50000.0]),
        ([1 / 3], 4, [0.3333]),
        ([9.96], 2, [10.0]),
        ([1e-300, 3e-301], 1, [1e-300, 0.0]),
        ([0.0, -0.0], 1, [0.0, 0.0]),
    ],
)
def test_decimals_follow_the_largest_entry(values: list[float], digits: int, expected: list[float]) -> None:
    assert round_to(np.array(values), digits).tolist() == expected


def test_a_part_of_an_instance_is_rounded_and_nothing_else() -> None:
    document = to_document(INSTANCE)
    weights = rounded_document(document, "net.weights", 2)
    assert weights is not None
    assert from_document(weights).net.weights.tolist() == [[0.1, 0.0], [1.5, 2.7]]
    assert weights.tree == document.tree
    radius = rounded_document(document, "radius", 2)
    assert radius is not None
    assert from_document(radius).radius == 0.99
    assert radius.arrays is document.arrays
    assert from_document(document).radius == 0.987654
    assert rounded_document(weights, "net.weights", 2) is None
    for absent in ("net.nothing", "nothing.weights", "seed", "condition"):
        assert rounded_document(document, absent, 1) is None


def test_the_fewest_digits_that_leave_a_refutation_are_taken() -> None:
    found = stored(claim_that(radius_at_most(0.98)))
    assert found.rounded == ("radius", "net.weights")
    ball = from_document(found.document)
    assert ball.radius == 1.0
    assert ball.net.weights.tolist() == [[0.0, 0.0], [2.0, 3.0]]
    assert ball.rows.tolist() == np.eye(2).tolist()
    assert found.evaluation.bounds[0].measured == 1.0
    assert found.evaluation.verdict is InstanceVerdict.REFUTED
    assert found.evaluation.description == {"seed": 1}


def test_hypotheses_go_on_holding() -> None:
    def below(ball: AttackedBall) -> Sequence[Condition]:
        return [rounder_condition(0.99 - ball.radius)]

    assert from_document(stored(claim_that(radius_at_most(0.5), below)).document).radius == 0.99


def test_what_is_found_on_documents_is_what_a_file_holds_and_is_not_evaluated_again() -> None:
    seen = []

    def conclusion(ball: AttackedBall) -> Sequence[Bound]:
        seen.append(ball)
        return [at_most("radius", ball.radius, 0.98, 0.0)]

    claim = dataclasses.replace(claim_that(conclusion), of_its_families=True)
    family = dataclasses.replace(claim.families[0], build=lambda description: INSTANCE)
    claim = on_documents(dataclasses.replace(claim, families=(family,)))
    evaluation = evaluate(claim, claim.families[0], {"seed": 1})
    assert stored_refutation(claim, evaluation, 0, read_back=True).evaluation is evaluation
    (ball,) = seen
    assert ball is evaluation.instance
    assert ball.radius == INSTANCE.radius
    assert INSTANCE.net.weights.flags.writeable
    assert not ball.net.weights.flags.writeable, "what is read back cannot be written to"


def rounder_condition(margin: float) -> Condition:
    from properties.engine.claim import require

    return require("radius at most 0.99", margin)


def test_half_of_the_violation_is_kept() -> None:
    """1 digit would leave a tenth of it, 2 digits two thirds."""
    ball = dataclasses.replace(INSTANCE, radius=1.056)
    found = stored(claim_that(radius_at_most(0.997)), ball)
    assert from_document(found.document).radius == 1.1
    ball = dataclasses.replace(INSTANCE, radius=1.04)
    assert from_document(stored(claim_that(radius_at_most(0.999)), ball).document).radius == 1.04


@pytest.mark.parametrize(("limit", "expected"), [(1.0, 0.99), (0.9877, 1.0)])
def test_no_bound_becomes_undecided(limit: float, expected: float) -> None:
    """The second bound is decided at 0.987654 and at 0.99 but not at 1.0, or the other way about: fewer digits then decide more."""

    def conclusion(ball: AttackedBall) -> Sequence[Bound]:
        return [at_most("radius", ball.radius, 0.5, 0.0), at_most("another", ball.radius, limit, 1e-3)]

    assert from_document(stored(claim_that(conclusion)).document).radius == expected


def test_what_cannot_be_evaluated_is_not_taken() -> None:
    def conclusion(ball: AttackedBall) -> Sequence[Bound]:
        if ball.radius == 1.0:
            raise ZeroDivisionError
        return [at_most("radius", ball.radius, 0.5, 0.0)]

    assert from_document(stored(claim_that(conclusion)).document).radius == 0.99


def test_evaluations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def conclusion(ball: AttackedBall) -> Sequence[Bound]:
        seen.append(ball.radius)
        return [at_most("radius", 1.0 if ball is INSTANCE or len(seen) < 3 else 0.0, 0.5, 0.0)]

    monkeypatch.setattr(rounder, "MOST_EVALUATIONS", 3)
    assert stored(claim_that(conclusion)).rounded == ()
    assert len(seen) <= 2 + 3
    monkeypatch.setattr(rounder, "MOST_SECONDS", -1.0)
    assert stored(claim_that(radius_at_most(0.5))).rounded == ()
    monkeypatch.undo()
    monkeypatch.setattr(rounder, "MOST_ENTRIES", 9)
    assert stored(claim_that(radius_at_most(0.5))).rounded == ()


def test_claims_on_their_own_families_keep_their_instances() -> None:
    claim = dataclasses.replace(claim_that(radius_at_most(0.5)), of_its_families=True)
    assert stored(claim).rounded == ()
    assert [claim.id for claim in registry.values() if claim.of_its_families] == ["T1-tight"]


def test_what_is_evaluated_is_what_is_stored() -> None:
    """An encoder that loses a field would change the verdict: this is noticed before anything is written."""

    def conclusion(ball: AttackedBall) -> Sequence[Bound]:
        return [at_most("same object", float(ball is INSTANCE), 0.0, 0.0)]

    with pytest.raises(RuntimeError, match="was refuted on an instance, but holds when evaluated on it again"):
        stored(claim_that(conclusion))


def test_a_certificate_that_is_stored_forbids_rounding() -> None:
    assert RealInstance.roundable == ()


@pytest.mark.parametrize("id", ["T1", "C2-fro", "I-gram"])
def test_rounding_does_not_leave_the_theorem(id: str) -> None:
    """The true claim is not refuted on the rounded counterexamples of its mutants."""
    claim = registry[id]
    taken = 0
    for mutant in claim.mutants:
        result = run_claim(mutant.claim, Depth.NORMAL, 1)
        assert result.refutation is not None
        found = stored_refutation(mutant.claim, result.refutation, 1)
        if found.rounded:
            taken += 1
            truth = evaluate_instance(claim, found.evaluation.family, {}, from_document(found.document), 1)
            assert truth.verdict is not InstanceVerdict.REFUTED, mutant.id
    assert taken


def test_parts_that_are_rounded_exist() -> None:
    instance = MapInstance(PerturbedAffine(np.eye(2) / 3, np.eye(2) / 7, 1 / 3), np.full(2, 1 / 3), 1 / 3, 1)
    document = to_document(instance)
    rounded = {part for part in MapInstance.roundable if rounded_document(document, part, DIGITS[0]) is not None}
    assert rounded == {"targets", "eta", "model.amplitude", "model.linear", "model.frequencies"}
