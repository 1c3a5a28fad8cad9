"""What an instance, a search, an item and a run come to: for every way of letting a fault pass, a case that shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flint import arb

from properties.engine.claim import (
    Bound,
    Depth,
    Evaluation,
    Evidence,
    Hypothesis,
    InstanceVerdict,
    Verdict,
    at_most,
    at_most_enclosed,
    certified,
    equal_enclosed,
    require,
    require_enclosed,
    within_rounding,
)
from properties.engine.obligations import ObligationResult, run_obligation
from properties.engine.part import Setting
from properties.engine.replay.counterexample import Counterexample
from properties.engine.replay.replay import Replay, replay_entry
from properties.engine.report.commands import Commands
from properties.engine.report.entries import claim_entry, evaluation_entry
from properties.engine.report.environment import environment
from properties.engine.results import Result
from properties.engine.run import verification
from properties.engine.run.verification import Conditions, Verification
from properties.engine.search import evaluate_instance, run_claim
from properties.engine.seeds import claim_seed
from properties.engine.statistics import Trials
from tests.properties.engine import fake_claims
from tests.properties.engine.fake_claims import Point
from tests.properties.engine.fake_obligations import FALSE, SLACK, SQUARES
from theory.catalogue import obligations, ties_of
from theory.direction import LowerBound
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation, Standing, decide
from theory.proof.provers import Prover, Reply

HOLDS, REFUTED, UNDECIDED = Verdict.HOLDS, Verdict.REFUTED, Verdict.UNDECIDED


def bound(ratio: float, verdict: Verdict = HOLDS, evidence: Evidence = Evidence.ENCLOSED) -> Bound:
    return Bound("label", ratio, 1.0, 0.0, verdict, evidence)


def evaluation(verdict: InstanceVerdict, ratio: float = 0.5, family: str = "F1", **changes: Any) -> Evaluation:
    unmet = Hypothesis("unmet", REFUTED, -1.0)
    hypotheses = (unmet,) if verdict is InstanceVerdict.VACUOUS else ()
    bounds = (bound(ratio),) if verdict is InstanceVerdict.HOLDS else ()
    return dataclasses.replace(Evaluation(family, {}, hypotheses, bounds, verdict, ("feature",)), **changes)


def result(*evaluations: Evaluation, **changes: Any) -> Result:
    found = Result(fake_claims.claim(**changes), "quick", 0)
    for one in evaluations:
        found.record(one)
    return found


# --- one instance ----------------------------------------------------------------------------------------------------


def outcome(hypotheses: Sequence[Hypothesis], bounds: Sequence[Bound]) -> InstanceVerdict:
    claim = dataclasses.replace(fake_claims.claim(), hypotheses=lambda _: hypotheses, conclusion=lambda _: bounds)
    return evaluate_instance(claim, "F1", {}, Point(1.0)).verdict


def test_one_bound_decides_an_instance_whatever_the_others_say() -> None:
    for bounds in ([bound(2.0, REFUTED), bound(0.5)], [bound(0.5), bound(1.0, UNDECIDED), bound(2.0, REFUTED)]):
        assert outcome([], bounds) is InstanceVerdict.REFUTED
    assert outcome([], [bound(0.5), bound(1.0, UNDECIDED)]) is InstanceVerdict.UNDECIDED
    assert outcome([], [bound(0.5), bound(0.9)]) is InstanceVerdict.HOLDS
    assert outcome([], []) is InstanceVerdict.UNDECIDED


def test_one_hypothesis_decides_whether_an_instance_is_judged() -> None:
    met, failed, open_ = (Hypothesis("a", verdict, 0.0) for verdict in (HOLDS, REFUTED, UNDECIDED))
    violated = [bound(2.0, REFUTED)]
    assert outcome([met, failed], violated) is outcome([open_, failed], violated) is InstanceVerdict.VACUOUS
    assert outcome([met, open_], violated) is InstanceVerdict.UNDECIDED_HYPOTHESIS
    assert outcome([met, met], violated) is InstanceVerdict.REFUTED


def test_a_confirmation_replaces_what_float64_said_and_nothing_else() -> None:
    doubtful = [bound(0.5, HOLDS, Evidence.TESTED), Bound("open", 2.0, 1.0, 0.0, REFUTED, Evidence.TESTED)]
    for verdict, expected in ((HOLDS, InstanceVerdict.HOLDS), (REFUTED, InstanceVerdict.REFUTED)):
        confirmed = Bound("open", 1.0, 1.0, 0.0, verdict, Evidence.ENCLOSED)

        def confirm(_: Point, bits: int, confirmed: Bound = confirmed) -> Sequence[Bound]:
            return [confirmed]

        claim = dataclasses.replace(
            fake_claims.claim(), hypotheses=lambda _: (), conclusion=lambda _: doubtful, confirm=confirm
        )
        found = evaluate_instance(claim, "F1", {}, Point(1.0))
        assert found.verdict is expected
        assert found.bounds == (doubtful[0], confirmed)


def test_what_was_counted_in_trials_belongs_to_the_verdict() -> None:
    for failures, expected in ((0, InstanceVerdict.HOLDS), (4000, InstanceVerdict.REFUTED)):

        def sampled(_: Point, trials: Trials, failures: int = failures) -> Sequence[Bound]:
            return [trials.at_most("event", failures, 4000, 0.5)]

        found = evaluate_instance(fake_claims.claim(sampled=sampled), "F1", {}, Point(1.0))
        assert found.verdict is expected
        assert [one.evidence for one in found.bounds] == [Evidence.TESTED, Evidence.ESTIMATED]
        assert found.evidence is Evidence.TESTED


def test_every_helper_says_what_its_answer_rests_on() -> None:
    """Float64 with a rounding is tested, never more; only what is exact or a ball is enclosed."""
    tested: list[Bound | Hypothesis] = [
        at_most("a", 0.0, 1.0, 0.1),
        at_most("a", 0.0, 1.0, 0.0),
        within_rounding("a", 0.0, 0.1),
        require("a", 1.0, 0.1),
    ]
    assert {one.evidence for one in tested} == {Evidence.TESTED}
    enclosed: list[Bound | Hypothesis] = [at_most_enclosed("a", arb(0), arb(1)), require("a", 1.0)]
    enclosed.append(require_enclosed("a", arb(1)))
    assert {one.evidence for one in enclosed} == {Evidence.ENCLOSED}
    verdicts = [require_enclosed("a", arb(*ball)).verdict for ball in ((1, 0.5), (-1, 0.5), (0, 0.5), (0, 0))]
    assert verdicts == [HOLDS, REFUTED, UNDECIDED, HOLDS]


def test_an_instance_is_as_strong_as_the_weakest_thing_that_it_rests_on() -> None:
    rounded = require("a", 1.0, 0.1)
    assert evaluation(InstanceVerdict.HOLDS).evidence is Evidence.ENCLOSED
    assert evaluation(InstanceVerdict.HOLDS, hypotheses=(rounded,)).evidence is Evidence.TESTED
    counted = bound(0.5, evidence=Evidence.ESTIMATED)
    assert evaluation(InstanceVerdict.HOLDS, bounds=(bound(0.5), counted)).evidence is Evidence.ESTIMATED
    assert evaluation(InstanceVerdict.HOLDS, bounds=()).evidence is Evidence.TESTED


def test_hypotheses_and_identities_need_more_than_nothing() -> None:
    assert certified("a", LowerBound(0.0)).verdict is UNDECIDED
    assert equal_enclosed("a", arb(0, 1.0), 20).verdict is UNDECIDED
    assert at_most("a", 0.95, 1.0, 0.1).verdict is at_most("a", 1.05, 1.0, 0.1).verdict is UNDECIDED


# --- one search ------------------------------------------------------------------------------------------------------


def test_one_undecided_instance_among_many_that_hold_leaves_a_claim_undecided() -> None:
    holding = [evaluation(InstanceVerdict.HOLDS) for _ in range(5)]
    assert result(*holding).verdict is HOLDS
    assert result(*holding, evaluation(InstanceVerdict.UNDECIDED)).verdict is UNDECIDED
    assert result(*holding, evaluation(InstanceVerdict.UNDECIDED, family="F2")).verdict is UNDECIDED
    assert result().verdict is result(evaluation(InstanceVerdict.VACUOUS)).verdict is UNDECIDED
    assert result(evaluation(InstanceVerdict.UNDECIDED_HYPOTHESIS)).verdict is UNDECIDED
    refuted = result(*holding)
    refuted.refutation = evaluation(InstanceVerdict.REFUTED)
    assert refuted.verdict is REFUTED


def test_a_family_without_a_judged_instance_counts_where_the_claim_asks_for_every_one() -> None:
    found = (evaluation(InstanceVerdict.HOLDS), evaluation(InstanceVerdict.VACUOUS, family="F2"))
    assert result(*found).verdict is HOLDS
    asking = result(*found, every_family=True)
    assert asking.verdict is UNDECIDED
    assert asking.unjudged == ["family F2: no instance was judged, of 1 (once not: unmet)"]


def test_every_kind_of_instance_is_counted_once_and_apart() -> None:
    kinds = (
        *(InstanceVerdict.HOLDS,) * 4,
        *(InstanceVerdict.VACUOUS,) * 3,
        *(InstanceVerdict.UNDECIDED_HYPOTHESIS,) * 2,
        InstanceVerdict.UNDECIDED,
    )
    found = result(*(evaluation(kind) for kind in kinds))
    assert (found.instances, found.vacuous, found.undecided_hypotheses, found.undecided) == (4, 3, 2, 1)
    (count,) = found.families.values()
    assert count.features == {"feature": 4}
    assert sum(count.ratios.values()) == 4
    assert found.by_evidence == {Evidence.ENCLOSED: 4}
    assert count.unmet == {"unmet": 3}


def test_the_tightest_ratio_is_the_largest_and_the_evidence_the_weakest() -> None:
    ratios = (0.5, 0.9, 0.2)
    found = result(
        *(evaluation(InstanceVerdict.HOLDS, ratio) for ratio in ratios),
        evaluation(InstanceVerdict.HOLDS, 0.95, family="F2"),
        evaluation(InstanceVerdict.HOLDS, bounds=(bound(0.1, evidence=Evidence.TESTED),)),
        evaluation(InstanceVerdict.HOLDS, 0.3, family="F3"),
    )
    assert found.tightest is not None
    assert found.tightest.tightest is not None
    assert found.tightest.tightest.ratio == 0.95
    first = found.families["F1"].tightest
    assert first is not None
    assert first.tightest == bound(0.9)
    assert found.evidence is Evidence.TESTED
    assert result().evidence is None


def test_first_descriptions_are_judged_before_anything_is_drawn() -> None:
    """A violation that no draw reaches is found there, and told as it stands."""
    family = dataclasses.replace(fake_claims.family(largest=5), first=({"value": 29.0},))
    found = run_claim(dataclasses.replace(fake_claims.claim(limit=28.0), families=(family,)), Depth.QUICK, 1)
    assert found.refutation is not None
    assert found.refutation.description == {"value": 29.0}
    assert found.verdict is REFUTED


# --- one item --------------------------------------------------------------------------------------------------------


class Decided(Prover):
    """A prover with one answer to everything."""

    def __init__(self, name: str, answer: str) -> None:
        super().__init__(name)
        self._answer = answer

    def ask(self, query: str) -> Reply:
        return Reply(self._answer)


def judge(provers: Sequence[Prover] = ()) -> Verification:
    setting = Setting(Depth.QUICK, root=1, every_claim=False, reported=False)
    return Verification(Conditions(setting, {}, None, ties_of, provers, None, {}, Commands()))


@pytest.mark.parametrize(
    ("changes", "claim_passes", "mutant_passes"),
    [
        ({}, True, False),
        ({"conclusion": fake_claims.below(10.0)}, False, True),
        ({"conclusion": fake_claims.undecided}, False, False),
        ({"conclusion": fake_claims.broken}, False, False),
        ({"hypotheses": lambda _: [require("never", -1.0)]}, False, False),
    ],
    ids=["holds", "refuted", "undecided", "broken", "no instance"],
)
def test_a_claim_passes_when_it_holds_and_a_mutant_when_it_is_refuted(
    changes: Mapping[str, Any], claim_passes: bool, mutant_passes: bool
) -> None:
    claim = fake_claims.claim()
    assert judge().claim(dataclasses.replace(claim, **changes)).passed is claim_passes
    assert judge().mutant(claim.neighbour("changed", "changed", **changes)).passed is mutant_passes


def test_an_obligation_passes_when_it_is_proved_and_each_of_its_mutants_is_refuted(
    monkeypatch: pytest.MonkeyPatch, provers: Sequence[Prover]
) -> None:
    half = Obligation("O-half", "half", SQUARES.parts, (*SQUARES.mutations, *SLACK.mutations))
    judged = judge(provers)
    found = {one.id: judged.obligation(one).passed for one in (SQUARES, FALSE, SLACK)}
    assert found == {"O-squares": True, "O-false": False, "O-slack": False}
    proved = run_obligation(SQUARES, provers)
    slack = run_obligation(SLACK, provers)
    alone = run_obligation(SQUARES, [provers[0], Decided("silent", "unknown")])
    mixed = ObligationResult(half, proved.parts, (*proved.mutants, *slack.mutants), 0.0)
    monkeypatch.setattr(verification, "run_obligation", lambda *_: mixed)
    assert not judge().obligation(half).passed  # one mutant of three survives
    monkeypatch.setattr(verification, "run_obligation", lambda *_: alone)
    assert not judge().obligation(SQUARES).passed


def test_every_part_needs_a_proof_by_every_prover() -> None:
    yes, no = Decided("yes", "unsat"), Decided("no", "unknown")
    assert run_obligation(SQUARES, [yes, Decided("too", "unsat")]).standing is Standing.PROVED
    for provers in ([yes, no], [no, yes], [yes], [], [no, Decided("neither", "unknown")]):
        found = run_obligation(SQUARES, provers).standing if provers else Standing.UNDECIDED
        assert found is Standing.UNDECIDED
    result = run_obligation(SQUARES, [yes, no])
    assert [set(part) for part in result.parts] == [{"yes", "no"}] * len(SQUARES.parts)
    assert result.by_prover == {"yes": Standing.PROVED, "no": Standing.UNDECIDED}
    late = dataclasses.replace(result, parts=({**result.parts[0], "no": result.parts[0]["yes"]}, result.parts[1]))
    assert late.standing is Standing.UNDECIDED
    assert late.by_prover["no"] is Standing.UNDECIDED
    assert [mutant.id for mutant, _ in result.mutants] == [mutant.id for mutant in SQUARES.mutants]


def test_an_obligation_for_fewer_numbers_than_a_theorem_needs_is_not_proved(provers: Sequence[Prover]) -> None:
    """O-first for steps up to 2 only is true, its mutant false, and T1-first goes up to 3."""
    whole = obligations["O-first"]
    (part,) = whole.parts
    changes = {"0 < eta <= 3": "0 < eta <= 2", "3*r/s": "2*r/s"}
    mutation = Mutation("longer", "longer", {"0 < eta <= 2": "0 < eta <= 2001/1000"})
    narrow = dataclasses.replace(whole, parts=(part.changed(changes),), mutations=(mutation,))
    assert judge(provers).obligation(whole).passed
    outcome = judge(provers).obligation(narrow)
    assert not outcome.passed
    assert outcome.entry["status"] == "undecided"
    (told,) = outcome.entry["uncovered"]
    assert told.startswith(
        "T1-first needs it for all 0 < eta <= 3, 0 <= r, 0 < s: 0 < eta <= 2 does not follow (z3: refuted)"
    )
    assert told in outcome.failure
    silent = run_obligation(whole, [provers[0], Decided("silent", "unknown")], ties_of(whole))
    assert len(silent.uncovered) == len(part.hypotheses)


QUESTIONS: Mapping[str, Mapping[str, Any]] = {
    "divides": {"implication": Implication(("0 <= x",), "1/x >= 0"), "standing": Standing.UNDECIDED},
    "divided": {"implication": Implication(("0 < x", "y > 1/x"), "x*y > 1"), "standing": Standing.PROVED},
    "within": {"implication": Implication(("0 <= x <= 1",), "0 <= x <= 1"), "standing": Standing.PROVED},
    "chain": {"implication": Implication(("0 <= x <= 2",), "0 <= x <= 1"), "standing": Standing.REFUTED},
    "first": {"implication": Implication(("-1 <= x <= 1",), "0 <= x <= 1"), "standing": Standing.REFUTED},
}
"""Divisors that may be 0, hypotheses that divide, and conclusions of which one comparison fails."""


@pytest.mark.parametrize(
    ("implication", "standing"), [tuple(one.values()) for one in QUESTIONS.values()], ids=QUESTIONS
)
def test_a_question_has_every_part_of_the_statement(
    implication: Implication, standing: Standing, provers: Sequence[Prover]
) -> None:
    assert [decide(implication, prover).standing for prover in provers] == [standing] * 2


def test_a_search_has_the_seed_that_it_was_given() -> None:
    telling = dataclasses.replace(fake_claims.claim(limit=40.0), features=lambda point: [str(point.value)])
    found = [run_claim(telling, Depth.QUICK, seed) for seed in (1, 2)]
    assert [one.seed for one in found] == [1, 2]
    drawn = [one.families["F1"].features for one in found]
    assert drawn[0] != drawn[1]


def replay(limit: float, **changes: Any) -> Replay:
    """A file that says that 26 refutes the claim, whose limit is this one now."""
    claim = dataclasses.replace(fake_claims.claim(limit=limit), **changes)
    recorded = evaluation_entry(evaluate_instance(fake_claims.claim(limit=25.0), "F1", {"value": 26}, Point(26.0)))
    stored = Counterexample(
        Path("a.json"), claim.id, claim.statement, "F1", {"value": 26}, 1, Point(26.0), (), recorded, environment()
    )
    return Replay("a.json", stored, claim, claim.statement)


def test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then() -> None:
    passed = {
        "refuted again": judge().replay(replay(25.0)).passed,
        "mended": judge().replay(replay(30.0)).passed,
        "undecided": judge().replay(replay(30.0, conclusion=fake_claims.undecided)).passed,
        "vacuous": judge().replay(replay(30.0, hypotheses=lambda _: [require("never", -1.0)])).passed,
        "broken": judge().replay(replay(30.0, conclusion=fake_claims.broken)).passed,
    }
    assert [name for name, one in passed.items() if one] == ["mended"]
    agreement = replay_entry(replay(25.0))["agreement"]
    assert agreement == ["the same as the file: verdict, margins, and both sides of every bound to the last digit"]
    assert "NOT the same" in replay_entry(replay(30.0))["agreement"][0]
    assert "digits differ" in replay_entry(replay(25.5))["agreement"][0]


def test_entries_say_what_was_found() -> None:
    kinds = (InstanceVerdict.VACUOUS, *(InstanceVerdict.UNDECIDED_HYPOTHESIS,) * 2, *(InstanceVerdict.UNDECIDED,) * 3)
    weak = bound(0.25, evidence=Evidence.TESTED)
    found = result(
        *(evaluation(kind) for kind in kinds),
        *(evaluation(InstanceVerdict.HOLDS, 0.75) for _ in range(4)),
        evaluation(InstanceVerdict.HOLDS, bounds=(weak, bound(0.5))),
    )
    entry = claim_entry(found.claim, found, "quick", 0)
    counts = [entry[name] for name in ("instances", "vacuous", "undecided_hypotheses", "undecided")]
    assert counts == [5, 1, 2, 3] == [entry["families"]["F1"][name] for name in list(entry["families"]["F1"])[:4]]
    assert (entry["verdict"], entry["evidence"]) == ("undecided", "tested")
    assert entry["evidence_counts"] == {"tested": 1, "enclosed": 4}
    assert entry["tightest"]["ratio"] == 0.75
    (told, other) = evaluation_entry(evaluation(InstanceVerdict.HOLDS, bounds=(weak, bound(0.5))))["bounds"]
    assert (told["evidence"], other["evidence"], told["verdict"]) == ("tested", "enclosed", "holds")
    assert evaluation_entry(evaluation(InstanceVerdict.HOLDS, bounds=(weak,)))["evidence"] == "tested"
    assert (told["measured"], told["predicted"]) == (0.25, 1.0)


def test_mutants_are_searched_for_as_long_as_a_normal_run_takes() -> None:
    """At depth quick, too: a mutant that thirty draws do not refute is not shown to survive."""
    mutant = fake_claims.claim().mutants[0]
    assert judge().mutant(mutant).entry["depth"] == "normal"
    assert judge().claim(fake_claims.claim()).entry["depth"] == "quick"


def test_every_claim_has_a_seed_of_its_own() -> None:
    seeds = {claim_seed(root, id) for root in (1, 2) for id in ("T1", "T1/a", "T2")}
    assert len(seeds) == 6
