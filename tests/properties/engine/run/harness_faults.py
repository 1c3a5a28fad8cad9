"""Wrong programs of what judges an instance, a search, proofs, items and a run, each with a test that fails because of it."""

from __future__ import annotations

from fractions import Fraction

from properties.dataset.report import dataset_entry
from properties.engine import claim, obligations, search, seeds, selection, statistics
from properties.engine.claim import Bound, Evaluation, Verdict
from properties.engine.obligations import ObligationResult
from properties.engine.ratios import ratio_bin
from properties.engine.replay import counterexample, replay, rounder
from properties.engine.report import document, entries, outlook, terminal, wording
from properties.engine.report.document import Document
from properties.engine.report.run_verdict import RunVerdict
from properties.engine.results import FamilyCount, Result
from properties.engine.run import baseline, claim_shares, progress, suite_plugin
from properties.engine.run.items import Item
from properties.engine.run.run import Run
from properties.engine.run.verification import Verification
from tests.properties.engine import (
    fake_claims,
    test_claim,
    test_extras,
    test_ratios,
    test_search,
    test_statistics,
    test_verdicts,
)
from tests.properties.engine.replay import test_counterexample, test_rounder
from tests.properties.engine.run import (
    test_baseline,
    test_claim_shares,
    test_items,
    test_obligation_items,
    test_plugin,
    test_progress,
    test_run_verdicts,
)
from tests.properties.engine.run.planted import Planted
from tests.theory.proof import test_chain, test_formula, test_obligations
from theory.proof import chain, formula, implication, obligation
from theory.proof.chain import Chain, Link
from theory.proof.implication import Implication
from theory.proof.obligation import Standing

_BY_VERDICT = {
    "holds": {"changes": {}, "claim_passes": True, "mutant_passes": False},
    "undecided": {"changes": {"conclusion": fake_claims.undecided}, "claim_passes": False, "mutant_passes": False},
}
_PASSES = test_verdicts.test_a_claim_passes_when_it_holds_and_a_mutant_when_it_is_refuted
_PROVED = test_verdicts.test_an_obligation_passes_when_it_is_proved_and_each_of_its_mutants_is_refuted
_PARTS = test_verdicts.test_every_part_needs_a_proof_by_every_prover
_RUN = test_run_verdicts.test_one_thing_against_a_run_decides_it
_LINK = test_run_verdicts.test_a_link_has_the_standing_of_what_it_rests_on
_WORSE = test_baseline.test_everything_that_gets_worse_is_named
_LOSSES = {name: {"change": change, "losses": losses} for name, change, losses in test_baseline.WORSE}


def run(verdict: str, **changes: object) -> dict[str, object]:
    """The arguments of the test of a run: one claim that holds, and what is against the run."""
    given = {"claims": [test_run_verdicts.entry()], **changes}
    return {"found": test_run_verdicts.document(**given), "verdict": verdict}  # type: ignore[arg-type]


FAULTS = (
    # results
    Planted("holds with undecided instances", Result.verdict, " or self.undecided > 0", "", test_verdicts.test_one_undecided_instance_among_many_that_hold_leaves_a_claim_undecided),
    Planted("holds without an instance", Result.verdict, "self.instances == 0 or ", "", test_verdicts.test_one_undecided_instance_among_many_that_hold_leaves_a_claim_undecided),
    Planted("holds though refuted", Result.verdict, "is not None", "is None and False", test_verdicts.test_one_undecided_instance_among_many_that_hold_leaves_a_claim_undecided),
    Planted("holds with a family unjudged", Result.verdict, " or self.unjudged", "", test_verdicts.test_a_family_without_a_judged_instance_counts_where_the_claim_asks_for_every_one),
    Planted("undecided of the first family only", Result.undecided, "self.families.values()", "list(self.families.values())[:1]", test_verdicts.test_one_undecided_instance_among_many_that_hold_leaves_a_claim_undecided),
    Planted("vacuous counted as an instance", Result.record, "if one.verdict is Verdict.REFUTED)\n            return", "if one.verdict is Verdict.REFUTED)\n            pass", test_verdicts.test_every_kind_of_instance_is_counted_once_and_apart),
    Planted("undecided hypothesis counted as an instance", Result.record, "count.undecided_hypotheses += 1\n            return", "count.undecided_hypotheses += 1\n            pass", test_verdicts.test_every_kind_of_instance_is_counted_once_and_apart),
    Planted("undecided counted as an instance", Result.record, "self.undecided_example = evaluation\n            return", "self.undecided_example = evaluation\n            pass", test_verdicts.test_every_kind_of_instance_is_counted_once_and_apart),
    Planted("instances counted twice", Result.record, "count.instances += 1", "count.instances += 2", test_verdicts.test_every_kind_of_instance_is_counted_once_and_apart),
    Planted("undecided counted with vacuous", Result.record, "count.undecided += 1", "count.vacuous += 1", test_verdicts.test_every_kind_of_instance_is_counted_once_and_apart),
    Planted("instances and vacuous together", Result.instances, "count.instances", "count.instances + count.vacuous", test_verdicts.test_every_kind_of_instance_is_counted_once_and_apart),
    Planted("worst ratio of a family is the least", Result.record, "_ratio(evaluation) > _ratio(count.tightest)", "_ratio(evaluation) < _ratio(count.tightest)", test_verdicts.test_the_tightest_ratio_is_the_largest_and_the_evidence_the_weakest),
    Planted("worst ratio is the least", Result.tightest, "max(", "min(", test_verdicts.test_the_tightest_ratio_is_the_largest_and_the_evidence_the_weakest),
    Planted("evidence of the best instance", Result.evidence, "weakest(self.by_evidence)", "max(self.by_evidence, key=list(Evidence).index)", test_verdicts.test_the_tightest_ratio_is_the_largest_and_the_evidence_the_weakest),
    Planted("evidence without an instance", Result.evidence, "weakest(self.by_evidence) if self.by_evidence else None", "weakest(self.by_evidence)", test_verdicts.test_the_tightest_ratio_is_the_largest_and_the_evidence_the_weakest),

    # claim
    Planted("the strongest evidence is called the weakest", claim.weakest, "min(", "max(", test_verdicts.test_an_instance_is_as_strong_as_the_weakest_thing_that_it_rests_on),
    Planted("hypotheses do not count for the evidence", Evaluation.evidence, "[*evidence, *(", "[*(", test_verdicts.test_an_instance_is_as_strong_as_the_weakest_thing_that_it_rests_on),
    Planted("without bounds enclosed", Evaluation.evidence, "return Evidence.TESTED", "return Evidence.ENCLOSED", test_verdicts.test_an_instance_is_as_strong_as_the_weakest_thing_that_it_rests_on),
    Planted("enclosed said of floats", claim.at_most, "Evidence.TESTED", "Evidence.ENCLOSED", test_verdicts.test_every_helper_says_what_its_answer_rests_on),
    Planted("enclosed said of an identity in floats", claim.within_rounding, "Evidence.TESTED", "Evidence.ENCLOSED", test_verdicts.test_every_helper_says_what_its_answer_rests_on),
    Planted("enclosed said of a rounded hypothesis", claim.require, "Evidence.TESTED if rounding > 0 else Evidence.ENCLOSED", "Evidence.ENCLOSED", test_verdicts.test_every_helper_says_what_its_answer_rests_on),
    Planted("the tightest bound is the loosest", Evaluation.tightest, "max(", "min(", test_claim.test_tightest_bound_shows_a_violation_first),
    Planted("holds within the rounding", claim.at_most, "predicted - rounding", "predicted + rounding", test_verdicts.test_hypotheses_and_identities_need_more_than_nothing),
    Planted("refuted within the rounding", claim.at_most, "predicted + rounding", "predicted - rounding", test_verdicts.test_hypotheses_and_identities_need_more_than_nothing),
    Planted("the middle of a ball decides", claim.at_most_enclosed, "difference = predicted - measured", "difference = (predicted - measured).mid()", test_claim.test_enclosed_comparison_needs_every_pair_of_points),
    Planted("a wide ball around 0 is an identity", claim.equal_enclosed, "difference.rad() < arb(2) ** -bits", "True", test_verdicts.test_hypotheses_and_identities_need_more_than_nothing),
    Planted("a bound of 0 certifies", claim.certified, "below > 0", "below >= 0", test_verdicts.test_hypotheses_and_identities_need_more_than_nothing),
    Planted("a certificate that fails refutes", claim.certified, "Verdict.UNDECIDED", "Verdict.REFUTED", test_verdicts.test_hypotheses_and_identities_need_more_than_nothing),
    Planted("a hypothesis holds within its rounding", claim.require, "margin >= rounding", "margin >= -rounding", test_claim.test_require_with_rounding, {"margin": 0.09, "expected": Verdict.UNDECIDED}),
    Planted("an open hypothesis holds", claim.require_enclosed, "verdict = Verdict.UNDECIDED", "verdict = Verdict.HOLDS", test_verdicts.test_every_helper_says_what_its_answer_rests_on),
    Planted("an unknown rounding is none", claim.within_rounding, "if not math.isfinite(rounding):", "if False:", test_claim.test_an_unknown_rounding_decides_nothing, {"rounding": float("inf")}),
    Planted("the ratio upside down", Bound.ratio, "self.measured / self.predicted", "self.predicted / self.measured", test_claim.test_at_most_decides_outside_the_rounding_only, {"measured": 0.9, "expected": Verdict.HOLDS}),
    Planted("a violation of 0 has ratio 0", Bound.ratio, "else math.inf", "else 0.0", test_claim.test_exact_identity),
    Planted("an exact failure is undecided", claim.decided_exactly, "Verdict.REFUTED", "Verdict.UNDECIDED", test_claim.test_exact_identity),
    Planted("almost equal whatever the radius", claim.at_most_or_equal_enclosed, "difference.rad() < arb(2) ** -bits", "difference.contains(0)", test_claim.test_at_most_or_equal_holds_where_nothing_separates_the_sides, {"measured": 1.0, "radius": 0.1, "expected": Verdict.UNDECIDED}),
    Planted("precision of another bound", Evaluation.precision, "violated or", "[] or", test_claim.test_precision_is_that_of_the_bounds_and_a_refutation_s_own),

    # search
    Planted("refuted only when all bounds are", search.evaluate_instance, "if any(bound.verdict is Verdict.REFUTED", "if all(bound.verdict is Verdict.REFUTED", test_verdicts.test_one_bound_decides_an_instance_whatever_the_others_say),
    Planted("undecided only when all bounds are", search.evaluate_instance, "any(bound.verdict is Verdict.UNDECIDED", "all(bound.verdict is Verdict.UNDECIDED", test_verdicts.test_one_bound_decides_an_instance_whatever_the_others_say),
    Planted("holds without a bound", search.evaluate_instance, "not bounds or ", "", test_verdicts.test_one_bound_decides_an_instance_whatever_the_others_say),
    Planted("the first bound alone", search.evaluate_instance, "tuple(claim.conclusion(instance))", "tuple(claim.conclusion(instance))[:1]", test_verdicts.test_one_bound_decides_an_instance_whatever_the_others_say),
    Planted("vacuous only when all hypotheses fail", search._hypotheses_verdict, "if any(hypothesis.verdict is Verdict.REFUTED", "if all(hypothesis.verdict is Verdict.REFUTED", test_verdicts.test_one_hypothesis_decides_whether_an_instance_is_judged),
    Planted("an undecided hypothesis is met", search._hypotheses_verdict, "return InstanceVerdict.UNDECIDED_HYPOTHESIS", "return None", test_verdicts.test_one_hypothesis_decides_whether_an_instance_is_judged),
    Planted("an undecided hypothesis is vacuous", search._hypotheses_verdict, "InstanceVerdict.UNDECIDED_HYPOTHESIS", "InstanceVerdict.VACUOUS", test_verdicts.test_one_hypothesis_decides_whether_an_instance_is_judged),
    Planted("hypotheses not asked", search.evaluate_instance, "if verdict is not None:", "if False:", test_verdicts.test_one_hypothesis_decides_whether_an_instance_is_judged),
    Planted("a violation in floats is not confirmed", search._settled, "and not confirmed)", "and confirmed)", test_search.test_a_float_violation_that_balls_deny_is_no_refutation),
    Planted("an open bound is settled", search._settled, "bound.verdict is Verdict.UNDECIDED", "False", test_search.test_precision_doubles_until_decided_or_the_cap_says_undecided),
    Planted("confirmations are thrown away", search._merged, "else by_label[bound.label]", "else bound", test_verdicts.test_a_confirmation_replaces_what_float64_said_and_nothing_else),
    Planted("a forgotten confirmation is none", search._merged, "by_label[bound.label]", "by_label.get(bound.label, bound)", test_search.test_a_confirmation_that_forgets_a_bound_is_an_error),
    Planted("too large to confirm holds", search._confirmed, "verdict=Verdict.UNDECIDED", "verdict=Verdict.HOLDS", test_search.test_what_is_too_large_to_confirm_is_undecided_and_says_so, {"verdict": Verdict.REFUTED}),
    Planted("trials replace the bounds", search.evaluate_instance, "bounds += tuple(claim.sampled", "bounds = tuple(claim.sampled", test_verdicts.test_what_was_counted_in_trials_belongs_to_the_verdict),
    Planted("trials are not counted", search.evaluate_instance, "if claim.sampled is not None:", "if False:", test_verdicts.test_what_was_counted_in_trials_belongs_to_the_verdict),
    Planted("the first violation instead of the shrunk", search._search_family, "failing[:] = [key]", "failing.append(key)", test_search.test_a_violation_is_shrunk_to_the_least_counterexample),
    Planted("a violation is forgotten", search._search_family, "result.refutation = known[failing[0]]", "pass", test_search.test_a_violation_is_shrunk_to_the_least_counterexample),
    Planted("first descriptions are left out", search._search_family, "(*family.first, *", "(*(), *", test_verdicts.test_first_descriptions_are_judged_before_anything_is_drawn),
    Planted("what is shrunk is counted", search._search_family, "if not failing:", "if True:", test_search.test_the_search_counts_no_instance_of_the_shrinking),
    Planted("drawn twice, counted twice", search._search_family, "evaluation = known.get(key)", "evaluation = None", test_search.test_a_description_drawn_twice_counts_once),
    Planted("later families are not searched", search.run_claim, "if result.refutation is not None:", "if True:", test_search.test_the_search_stops_at_the_first_family_that_refutes),
    Planted("the search aims at the least", search._aim, "max(finite)", "min(finite)", test_search.test_the_search_aims_at_the_largest_of_several_bounds),
    Planted("the search aims at noise", search._aim, "if bound.evidence is not Evidence.ESTIMATED", "if True", test_statistics.test_the_search_does_not_aim_at_noise),
    Planted("one seed for every search", search.run_claim, "seed=seed", "seed=0", test_verdicts.test_a_search_has_the_seed_that_it_was_given),
    Planted("an error is an instance that says nothing", search.evaluate_instance, "        raise\n", "        return Evaluation(family, dict(description), (), (), InstanceVerdict.VACUOUS, ())\n", test_search.test_an_error_names_claim_family_and_instance),

    # statistics
    Planted("trials without an outcome pass", statistics.Trials.at_most, "and not settled ", "", test_statistics.test_trials_without_an_outcome_are_neither_failures_nor_passes),
    Planted("trials that were not done pass", statistics.Trials.at_most, "failures + unknown + spared", "failures + unknown", test_statistics.test_trials_that_were_not_done_are_as_those_without_an_outcome),
    Planted("an upper limit of what is known alone", statistics.Trials.at_most, "confidence_limits(most, trials)", "confidence_limits(failures, trials)", test_statistics.test_trials_that_were_not_done_are_as_those_without_an_outcome),
    Planted("any power will do", statistics.Trials.at_most, " and power(trials, above) >= POWER", "", test_statistics.test_all_failures_refute_at_every_bound_that_may_hold),
    Planted("a count is called tested", statistics.Trials.at_most, "Evidence.ESTIMATED", "Evidence.TESTED", test_verdicts.test_what_was_counted_in_trials_belongs_to_the_verdict),
    Planted("one failure is forgiven", statistics.tail, "arb(failures)", "arb(failures + 1)", test_statistics.test_the_tail_encloses_the_exact_rational, {"count": 7, "failures": 3, "probability": Fraction(1, 2)}),
    Planted("the budget has no end", statistics.Trials.at_most, "len(self.counts) > BOUNDS", "False", test_statistics.test_the_levels_add_up_to_the_budget),
    Planted("a stream for all families", statistics.Trials.rng, "{self.family}", "F", test_statistics.test_streams_differ_by_seed_family_and_description_alone),
    Planted("the upper limit is the lower", statistics.confidence_limits, "special.betainccinv(", "special.betaincinv(", test_statistics.test_the_limits_are_those_of_an_exact_two_sided_interval, {"failures": 3, "count": 10}),

    # proofs
    Planted("accepted with any mutant refuted", Verification.obligation, "all(", "any(", _PROVED),
    Planted("accepted with no mutant refuted", Verification.obligation, " and refuted", "", _PROVED),
    Planted("accepted though not proved", Verification.obligation, 'entry["status"] == Standing.PROVED.value', 'entry["status"] != Standing.REFUTED.value', _PROVED),
    Planted("proved for less than a theorem needs", ObligationResult.standing, " or self.uncovered", "", test_verdicts.test_an_obligation_for_fewer_numbers_than_a_theorem_needs_is_not_proved),
    Planted("a range that one prover alone covers", obligations._not_proved, "for prover in provers", "for prover in provers[:1]", test_verdicts.test_an_obligation_for_fewer_numbers_than_a_theorem_needs_is_not_proved),
    Planted("one prover is enough", ObligationResult.standing, "< 2", "< 1", _PARTS),
    Planted("proved by any prover", obligation.combined, "standings == {Standing.PROVED}", "Standing.PROVED in standings", _PARTS),
    Planted("proved by nobody", obligation.combined, "standings == {Standing.PROVED}", "standings <= {Standing.PROVED}", test_obligations.test_what_findings_come_to_together),
    Planted("a counterexample is outvoted", obligation.combined, "Standing.REFUTED in standings", "standings == {Standing.REFUTED}", test_obligations.test_what_findings_come_to_together),
    Planted("the first part alone", ObligationResult.standing, "for part in self.parts", "for part in self.parts[:1]", _PARTS),
    Planted("a prover's first part alone", ObligationResult.by_prover, "for part in self.parts]", "for part in self.parts[:1]]", _PARTS),
    Planted("the first prover asked twice", obligations.run_obligation, "decide(part, prover)", "decide(part, provers[0])", _PARTS),
    Planted("a part is not asked", obligations.run_obligation, "for part in obligation.parts)", "for part in obligation.parts[:1])", _PARTS),
    Planted("a mutant is not asked", obligations.run_obligation, "for mutant in obligation.mutants)", "for mutant in obligation.mutants[:1])", _PARTS),
    Planted("unknown is a proof", obligation._decided, 'reply.answer == "unsat"', 'reply.answer in ("unsat", "unknown")', _PARTS),
    Planted("satisfiable is a proof", obligation._decided, 'reply.answer == "unsat"', 'reply.answer != "unknown"', _PROVED),
    Planted("a model is not checked", obligation._decided, "if implication.refuted_at(point):", "if True:", test_obligations.test_models_are_checked_exactly, {"implication": test_obligations.TRUE, "replies": [test_obligations.sat(x="1/2")], "standing": Standing.UNDECIDED, "reason": "not a counterexample"}),
    Planted("any answer to a mutant refutes it", obligation.refute, "finding.standing is Standing.REFUTED", "True", test_obligations.test_refute_asks_the_next_prover_and_needs_one),
    Planted("hypotheses are not asked of a counterexample", Implication.refuted_at, "all(holds(text, found) for text in self.hypotheses) and ", "", test_obligations.test_models_are_checked_exactly, {"implication": test_obligations.TRUE, "replies": [test_obligations.sat(x="3")], "standing": Standing.UNDECIDED, "reason": "not a counterexample"}),
    Planted("a divisor may be anything", formula.value, "divisor <= 0", "False", test_formula.test_a_divisor_must_be_positive, {"divisor": Fraction(-1)}),
    Planted("any comparison of a chain", formula.holds, "all(", "any(", test_formula.test_a_chain_holds_when_every_comparison_does),
    Planted("a divisor is not asked about", Implication.proof_query, "*found.not_positive(found.last), ", "", test_verdicts.test_a_question_has_every_part_of_the_statement, test_verdicts.QUESTIONS["divides"]),
    Planted("hypotheses with a divisor are left out", Implication.proof_query, "_all([*found.conditional, failure])", "failure", test_verdicts.test_a_question_has_every_part_of_the_statement, test_verdicts.QUESTIONS["divided"]),
    Planted("one comparison of a conclusion fails", implication._negated, "return _any(", "return _all(", test_verdicts.test_a_question_has_every_part_of_the_statement, test_verdicts.QUESTIONS["chain"]),
    Planted("a chain needs what it checks", Chain.obligations, "link.basis is Basis.PROVED", "True", test_chain.test_a_chain_needs_the_obligations_of_its_proved_links_only),
    Planted("a text is called a claim", chain._kind, "return Basis.ARGUED", "return Basis.CHECKED", test_chain.test_what_a_link_rests_on_follows_from_what_it_refers_to),
    Planted("a claim is called a proof", chain._kind, "else Basis.CHECKED", "else Basis.PROVED", test_chain.test_what_a_link_rests_on_follows_from_what_it_refers_to),
    Planted("a link is what its last reference is", Link.__post_init__, "!= 1", "> 3", test_chain.test_a_link_cannot_be_called_what_it_is_not),
    Planted("a link is called what it is not", chain._of, "link.basis is not basis", "False", test_chain.test_a_link_cannot_be_called_what_it_is_not),
    Planted("argued links moved to checked", Link.basis, "return _kind(self.references[0])", 'return Basis.CHECKED if _kind(self.references[0]) is Basis.ARGUED else _kind(self.references[0])', test_chain.test_every_link_is_the_one_that_was_read),
    Planted("a link is proved whatever was found", Document.proofs, 'str(self.obligations[reference]["status"])', '"proved"', _LINK),
    Planted("a link is proved without a run", Document.proofs, "if reference in self.obligations else NOT_RUN", 'if reference in self.obligations else "proved"', _LINK),
    Planted("a claim that is undecided checks a link", Document.proofs, 'if entry["verdict"] == Verdict.HOLDS.value', "if True", _LINK),
    Planted("what is argued is called proved", Document.proofs, 'return "argued"', 'return "proved"', _LINK),
    Planted("more obligations proved than are", wording.obligations_text, 'entry["status"] == Standing.PROVED.value', 'entry["status"] != Standing.UNDECIDED.value', test_obligation_items.test_lines),
    Planted("more mutants refuted than are", wording.obligations_text, 'mutant["status"] == Standing.REFUTED.value', "True", test_obligation_items.test_lines),

    # items
    Planted("an undecided claim passes", Verification._claim, 'entry["verdict"] == Verdict.HOLDS.value', 'entry["verdict"] != Verdict.REFUTED.value', _PASSES, _BY_VERDICT["undecided"]),
    Planted("a mutant that is not shown to hold passes", Verification.mutant, 'entry["verdict"] == Verdict.REFUTED.value', 'entry["verdict"] != Verdict.HOLDS.value', _PASSES, _BY_VERDICT["undecided"]),
    Planted("a mutant that holds passes", Verification.mutant, 'entry["verdict"] == Verdict.REFUTED.value', "True", _PASSES, _BY_VERDICT["holds"]),
    Planted("an item that did not pass does not fail", Item.finish, "if not outcome.passed:", "if False:", test_plugin.test_a_surviving_mutant_fails_and_is_named),
    Planted("the entry of an item is lost", Item.finish, "self._item.stash[ENTRY] = outcome.entry", "pass", test_plugin.test_a_surviving_mutant_fails_and_is_named),
    Planted("an error of a search is no verdict", entries._error_entry, "Verdict.UNDECIDED.value", "Verdict.HOLDS.value", _PASSES, {"changes": {"conclusion": fake_claims.broken}, "claim_passes": False, "mutant_passes": False}),
    Planted("a refutation that does not replay is written", rounder.stored_refutation, "evaluation.verdict is not InstanceVerdict.REFUTED", "False", test_rounder.test_what_is_evaluated_is_what_is_stored),
    Planted("what is stored is not evaluated", rounder._evaluated, "from_document(document)", "found.instance", test_rounder.test_what_is_evaluated_is_what_is_stored),
    Planted("a search on documents is on what was built", rounder.on_documents, "from_document(to_document(family.build(description)))", "family.build(description)", test_rounder.test_what_is_found_on_documents_is_what_a_file_holds_and_is_not_evaluated_again),
    Planted("what a subject keeps between trials is not seen", Verification._on_documents, "self._run.suite is not None", "True", test_items.test_the_trials_of_a_refutation_are_done_once_unless_a_subject_may_keep_state_between_them, {"suite": None, "times": 2}),
    Planted("a rounding that is no refutation", rounder._as_clear, "evaluation.verdict is not InstanceVerdict.REFUTED", "False", test_rounder.test_hypotheses_go_on_holding),
    Planted("a rounding that leaves nothing of a violation", rounder._as_clear, "KEPT * _violation(than)", "0", test_rounder.test_half_of_the_violation_is_kept),
    Planted("a data set's refuted check is a result", dataset_entry.dataset_verdict, "(InstanceVerdict.REFUTED, RunVerdict.REFUTED),", "", test_run_verdicts.test_a_data_set_fails_by_what_is_refuted_or_undecided_only, {"verdict": RunVerdict.HOLDS}),
    Planted("a data set of which no step is certified holds", dataset_entry.dataset_verdict, "RunVerdict.HOLDS if certified else RunVerdict.UNCERTIFIED", "RunVerdict.HOLDS", test_run_verdicts.test_a_data_set_fails_by_what_is_refuted_or_undecided_only, {"verdict": RunVerdict.HOLDS}),
    Planted("a data set without a check holds", dataset_entry.dataset_verdict, "return RunVerdict.UNCHECKED", "return RunVerdict.HOLDS", test_run_verdicts.test_a_data_set_fails_by_what_is_refuted_or_undecided_only, {"verdict": RunVerdict.HOLDS}),

    # files
    Planted("a replay that refutes nothing passes", Verification.replay, 'entry["verdict"] == Verdict.HOLDS.value', 'entry["verdict"] != Verdict.REFUTED.value', test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("a replay that breaks off holds", replay.failed_entry, '"verdict": "undecided"', '"verdict": "holds"', test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("a replay with another verdict agrees", replay._agreement, 'found["verdict"] != recorded["verdict"]', "False", test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("a replay with other digits agrees", replay._agreement, "all(found.get(key) == recorded[key] for key in recorded)", "True", test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("an edited file is read", counterexample.read_counterexample, 'content_digest(content) != content["digest"]', "False", test_counterexample.test_every_edit_is_detected, {"change": lambda content: content.__setitem__("seed", 6)}),
    Planted("an entry raises the evidence", entries.evaluation_entry, "evaluation.evidence.value", '"enclosed"', test_verdicts.test_entries_say_what_was_found),
    Planted("a bound's entry raises the evidence", entries.bound_entry, "bound.evidence.value", '"enclosed"', test_verdicts.test_entries_say_what_was_found),
    Planted("undecided and vacuous exchanged", entries._result_entry, '"undecided": result.undecided', '"undecided": result.vacuous', test_verdicts.test_entries_say_what_was_found),
    Planted("a family's vacuous are its instances", entries._result_entry, '"vacuous": count.vacuous', '"vacuous": count.instances', test_verdicts.test_entries_say_what_was_found),
    Planted("measured and predicted exchanged", entries.bound_entry, '"predicted": plain(bound.predicted)', '"predicted": plain(bound.measured)', test_verdicts.test_entries_say_what_was_found),
    Planted("mutants are searched for quickly", Verification.mutant, "Depth.NORMAL if self._run.depth is Depth.QUICK else self._run.depth", "self._run.depth", test_verdicts.test_mutants_are_searched_for_as_long_as_a_normal_run_takes),
    Planted("every claim has the same seed", seeds.claim_seed, "_digest(claim_id)", "0", test_verdicts.test_every_claim_has_a_seed_of_its_own),

    # run
    Planted("surviving mutants do not count", Document._verdict, " or self.survivors", "", _RUN, run("undecided", mutants=[test_run_verdicts.mutant(verdict="holds")])),
    Planted("unsettled obligations do not count", Document._verdict, "self.unsettled_obligations or ", "", _RUN, run("undecided", obligations=[test_run_verdicts.obligation(mutants=["refuted", "proved"])])),
    Planted("a run that broke off holds", Document._verdict, " or not self.complete", "", _RUN, run("undecided", due=1)),
    Planted("the data set does not count", Document._verdict, 'verdicts += [part["verdict"] for part in self.parts.values() if "verdict" in part]', "pass", _RUN, run("refuted", parts={"dataset": {"verdict": "refuted", "checks": [], "error": None}})),
    Planted("losses do not count", Document.worse, 'len(self.baseline["losses"])', "0", _RUN, run("undecided", baseline={"losses": ["a"], "update": False})),
    Planted("every loss is the baseline's alone", Document.headline, "self.worse and self._verdict([]) is RunVerdict.HOLDS", "self.worse", test_run_verdicts.test_a_run_that_is_only_worse_than_its_baseline_says_so_first, {"verdict": "undecided", "update": False, "said": "Undecided"}),
    Planted("a baseline that was replaced is worse", Document.worse, ' or self.baseline["update"]', "", test_run_verdicts.test_a_run_that_is_only_worse_than_its_baseline_says_so_first, {"verdict": "holds", "update": True, "said": "Holds"}),
    Planted("pictures that broke off do not count", Document._verdict, 'any(part["error"] for part in self.parts.values())', "False", _RUN, run("undecided", parts={"pictures": {"error": "a"}})),
    Planted("undecided before refuted", Document._verdict, "(RunVerdict.REFUTED, RunVerdict.UNDECIDED, ", "(RunVerdict.UNDECIDED, RunVerdict.REFUTED, ", _RUN, run("refuted", claims=[test_run_verdicts.entry(verdict="refuted"), test_run_verdicts.entry("M", "undecided")])),
    Planted("holds before undecided", Document._verdict, "RunVerdict.UNDECIDED, RunVerdict.HOLDS, ", "RunVerdict.HOLDS, RunVerdict.UNDECIDED, ", _RUN, run("undecided", due=1)),
    Planted("a run of nothing holds", Document._verdict, "return RunVerdict.UNCHECKED", "return RunVerdict.HOLDS", _RUN, {"found": test_run_verdicts.document(), "verdict": "unchecked"}),
    Planted("an undecided mutant is no survivor", Document.survivors, "!= Verdict.REFUTED.value", "== Verdict.HOLDS.value", test_run_verdicts.test_survivors_are_all_that_is_not_refuted),
    Planted("an undecided mutant is refuted", Document.mutants_refuted, "== Verdict.REFUTED.value", "!= Verdict.HOLDS.value", test_run_verdicts.test_survivors_are_all_that_is_not_refuted),
    Planted("an undecided obligation is settled", Document.unsettled_obligations, 'entry["status"] != Standing.PROVED.value', 'entry["status"] == Standing.REFUTED.value', test_run_verdicts.test_survivors_are_all_that_is_not_refuted),
    Planted("a mutant that nobody refuted is settled", Document.unsettled_obligations, 'one["status"] != Standing.REFUTED.value', 'one["status"] == Standing.PROVED.value', test_run_verdicts.test_survivors_are_all_that_is_not_refuted),
    Planted("complete with more due", Document.complete, "==", "<=", _RUN, run("undecided", due=1)),
    Planted("a check that refutes a claim does not count", document._with_checks, 'result["verdict"] = Verdict.REFUTED.value', "pass", test_run_verdicts.test_checks_on_a_data_set_count_as_instances_do, {"kind": "refuted", "key": "instances", "verdict": "refuted"}),
    Planted("a check that is undecided does not count", document._with_checks, 'result["verdict"] = Verdict.UNDECIDED.value', "pass", test_run_verdicts.test_checks_on_a_data_set_count_as_instances_do, {"kind": "undecided", "key": "undecided", "verdict": "undecided"}),
    Planted("checks on a data set raise the evidence", document._with_checks, "weakest(Evidence(one) for one in counts).value", "Evidence.ENCLOSED.value", test_run_verdicts.test_checks_on_a_data_set_count_as_instances_do, {"kind": "holds", "key": "instances", "verdict": "holds"}),
    Planted("vacuous checks are instances", document._with_checks, 'if key != "instances":', "if False:", test_run_verdicts.test_checks_on_a_data_set_count_as_instances_do, {"kind": "vacuous", "key": "vacuous", "verdict": "holds"}),
    Planted("checks of another claim", Document.merged_claims, 'check["claim"] == id', "True", test_run_verdicts.test_checks_on_a_data_set_count_as_instances_do, {"kind": "holds", "key": "instances", "verdict": "holds"}),
    Planted("mutants of another claim", Document.merged_claims, 'mutant["claim"] == id', "True", test_run_verdicts.test_every_claim_has_its_own_mutants),
    Planted("slack of another claim", selection.selected_slack, "row.claim in claims", "True", test_run_verdicts.test_the_slack_table_is_that_of_the_claims),
    Planted("all claims hold", wording.verdict_sentence, "counts[Verdict.HOLDS] == len(claims)", "counts[Verdict.REFUTED] == 0", test_run_verdicts.test_the_sentence_says_what_the_claims_are),
    Planted("what is against a run is not told", outlook._unsettled, "if survivors:", "if False:", test_run_verdicts.test_what_is_against_a_run_is_told_first),
    Planted("columns exchanged", terminal.claim_rows, 'str(entry["vacuous"])', 'str(entry["instances"])', test_run_verdicts.test_every_number_stands_under_its_heading),
    Planted("a ratio above 1 is shown as 1", ratio_bin, "BINS[-2] if ratio == 1 else BINS[-1]", "BINS[-2]", test_ratios.test_bins, {"ratio": 1.5, "expected": "above 1"}),

    # baseline
    Planted("none worse with a claim missing", baseline.compared, "losses.append(", "str(", _WORSE, _LOSSES["a claim"]),
    Planted("what is missing was not asked for", baseline.compared, 'and before["id"] in unselected', "", _WORSE, _LOSSES["a claim"]),
    Planted("obligations are not compared", baseline.compared, ', ("obligations", _proof_losses)', "", _WORSE, _LOSSES["a proof"]),
    Planted("a better verdict is worse", baseline._claim_losses, 'VERDICTS.index(after["verdict"]) > VERDICTS.index(before["verdict"])', 'VERDICTS.index(after["verdict"]) < VERDICTS.index(before["verdict"])', _WORSE, _LOSSES["verdict"]),
    Planted("stronger evidence is worse", baseline._claim_losses, '_strength(after["evidence"]) < _strength(before["evidence"])', '_strength(after["evidence"]) > _strength(before["evidence"])', _WORSE, _LOSSES["evidence"]),
    Planted("fewer of the strongest evidence", baseline._claim_losses, "if _strength(one) >= _strength(evidence)", "", _WORSE, _LOSSES["fewer of a stronger kind"]),
    Planted("fewer instances", baseline._claim_losses, 'after["instances"] < INSTANCES_KEPT * before["instances"]', "False", _WORSE, _LOSSES["instances"]),
    Planted("a family that is gone", baseline._claim_losses, "if left < INSTANCES_KEPT * count", "if 0 < left < INSTANCES_KEPT * count", _WORSE, _LOSSES["a family gone"]),
    Planted("a margin that is lost", baseline._claim_losses, "margins[1] >= MARGIN_KEPT * margins[0]", "True", _WORSE, _LOSSES["margin"]),
    Planted("a margin that is none", baseline._claim_losses, "margins[1] is not None and", "margins[1] is None or", _WORSE, _LOSSES["no ratio"]),
    Planted("a mutant that survives now", baseline._mutant_losses, "!= after", "== after", _WORSE, _LOSSES["a survivor"]),
    Planted("losses are not told", baseline.compared, "tuple(losses)", "()", _WORSE, _LOSSES["verdict"]),

    # shares of a claim
    Planted("instances of a share are lost", FamilyCount.include, "self.instances += other.instances\n", "pass\n", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("vacuous of a share are lost", FamilyCount.include, "self.vacuous += other.vacuous\n", "pass\n", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("undecided hypotheses of a share are lost", FamilyCount.include, "self.undecided_hypotheses += other.undecided_hypotheses\n", "pass\n", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("undecided of a share are lost", FamilyCount.include, "self.undecided += other.undecided\n", "pass\n", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("features of a share are lost", FamilyCount.include, "self.features += other.features", "pass", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("ratios of a share are lost", FamilyCount.include, "self.ratios += other.ratios", "pass", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("why instances of a share are vacuous is lost", FamilyCount.include, "self.unmet += other.unmet", "pass", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "a listed one is vacuous"}),
    Planted("the least ratio of the shares", FamilyCount.include, "_ratio(other.tightest) > _ratio(self.tightest)", "_ratio(other.tightest) < _ratio(self.tightest)", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("the ratio of the last share", FamilyCount.include, "self.tightest is None or ", "True or ", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("a refuted share is lost", Result.include, "self.refutation = other.refutation", "pass", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "refuted in the list"}),
    Planted("evidence of a share is lost", Result.include, "self.by_evidence += other.by_evidence", "pass", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("the undecided instance of a share is lost", Result.include, "self.undecided_example = other.undecided_example or", "self.undecided_example =", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "undecided"}),
    Planted("the first undecided instance", Result.include, "other.undecided_example or self.undecided_example", "self.undecided_example or other.undecided_example", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "undecided"}),
    Planted("evaluations of a share are not spent", Result.include, "self.sampled_evaluations += other.sampled_evaluations", "pass", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("hypotheses of a share are lost", Result.include, "self.assumed |= other.assumed", "pass", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("a family of several shares has the last", Result.include, "self.families.setdefault(family, FamilyCount()).include(count)", "self.families[family] = count", test_claim_shares.test_everything_that_was_counted_is_counted_in),
    Planted("a listed instance need not be judged", Result.unjudged, "(judged and family not in listing)", "judged", test_claim_shares.test_a_listed_instance_has_to_be_judged),
    Planted("more than the depth asks for", search._search_family, "family.listed[: family.examples[depth]]", "family.listed", test_claim_shares.test_a_claim_without_a_list_and_one_of_which_a_depth_takes_one_instance_have_no_shares),
    Planted("beside what is listed something is drawn", search._search_family, "if family.listed:", "if False:", test_claim_shares.test_a_search_takes_what_is_listed_in_order_and_draws_nothing_there),
    Planted("a listed instance has no item", claim_shares._parts, "enumerate(listed, 1)", "enumerate(listed[1:], 2)", test_claim_shares.test_shares_are_the_families_and_each_listed_instance_in_the_order_of_the_search),
    Planted("a family has no item", claim_shares._parts, "return [(family.id, family)]", "return []", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "refuted before the list"}),
    Planted("a share has all that its family lists", claim_shares._parts, ", listed=(one,)", "", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "holds"}),
    Planted("some shares are taken for the whole", claim_shares.joined_entry, "if len(come) < len(shares):", "if not come:", test_claim_shares.test_there_is_no_verdict_before_the_last_share),
    Planted("a refuted share waits for others", claim_shares.joined_entry, "    for last in come:", "    if len(come) < len(shares):\n        return None\n    for last in come:", test_claim_shares.test_what_is_refuted_or_broke_off_is_told_though_others_are_due, {"changes": {"limit": 10.0}, "verdict": "refuted"}),
    Planted("every listed instance has the first descriptions", claim_shares._parts, "family if number == 1 else rest", "family", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "first descriptions before the list"}),
    Planted("the whole goes on behind a refuted share", claim_shares.joined_entry, "if whole.refutation is not None:", "if False:", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "refuted in the list"}),
    Planted("the whole goes on behind a share that broke off", claim_shares.joined_entry, "error = str(last.result)\n            break", "error = str(last.result)\n            continue", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "one breaks off before another is refuted"}),
    Planted("a share that broke off is passed over", claim_shares.joined_entry, "error = str(last.result)", "pass", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "a listed one breaks off"}),
    Planted("the whole has another seed", claim_shares.joined_entry, "claim_seed(setting.root, claim.id)", "setting.root", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "holds"}),
    Planted("the whole tells of its first share", claim_shares.joined_entry, "last.entry[key]", "come[0].entry[key]", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "refuted in the list"}),
    Planted("a share fails not", Verification.claim_share, "replace(found, ", "replace(found, passed=True, ", test_claim_shares.test_the_whole_of_the_shares_is_what_one_search_finds, {"case": "refuted in the list"}),
    Planted("shares of all claims are put together", Run.whole, 'entry["id" if kind == "claim" else "name"]', "kind", test_claim_shares.test_a_claim_of_which_a_share_was_left_out_has_no_entry_and_the_run_is_incomplete),
    Planted("each share is an entry that is expected", suite_plugin.SuitePlugin.pytest_collection_finish, "+ len(divided)", "+ len(subjects)", test_claim_shares.test_items_of_two_claims_in_shares_are_each_its_own),
    Planted("a claim counts with each of its shares", progress.Progress._ended, 'return "" if self._due[entry["id"]] > 0 else CLAIMS', "return CLAIMS", test_progress.test_a_claim_in_shares_counts_once_with_its_last_one),
    Planted("an instance that is listed twice is fit", selection._family_defects, "< len(family.listed)", "> len(family.listed)", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),

    # selection
    Planted("a claim without mutants is fit", selection.defects, "if not claim.mutants:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("a claim without families is fit", selection.defects, "if not claim.families:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("an empty registry is fit", selection.defects, "if not registry:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("a family that draws nothing is fit", selection._family_defects, "if missing:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("the obligations of a proof are left out", selection.selected_obligations, "id in needed or ", "", test_obligation_items.test_selection, {"requested": ("N-small",), "dataset_only": False, "selected": ["O-squares", "O-false"]}),
    Planted("claims left out without a word", selection.feasible, 'left_out[family.extra] = (*left_out.get(family.extra, ()), f"{claim.id} {family.id}")', "pass", test_extras.test_a_family_that_needs_data_is_left_out_by_name),
)  # fmt: skip
