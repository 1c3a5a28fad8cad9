"""Wrong programs of what judges an instance and a search, each with a test that fails because of it."""

from __future__ import annotations

from fractions import Fraction

from properties.engine import claim, search, statistics
from properties.engine.claim import Bound, Evaluation, Verdict
from properties.engine.results import Result
from tests.properties.engine import test_claim, test_search, test_statistics, test_verdicts
from tests.properties.engine.run.planted import Planted

RESULTS = (
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
)  # fmt: skip

CLAIM = (
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
)  # fmt: skip

SEARCH = (
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
    Planted("first descriptions are left out", search._search_family, "in family.first:", "in ():", test_verdicts.test_first_descriptions_are_judged_before_anything_is_drawn),
    Planted("what is shrunk is counted", search._search_family, "if not failing:", "if True:", test_search.test_the_search_counts_no_instance_of_the_shrinking),
    Planted("drawn twice, counted twice", search._search_family, "evaluation = known.get(key)", "evaluation = None", test_search.test_a_description_drawn_twice_counts_once),
    Planted("later families are not searched", search.run_claim, "if result.refutation is not None:", "if True:", test_search.test_the_search_stops_at_the_first_family_that_refutes),
    Planted("the search aims at the least", search._aim, "max(finite)", "min(finite)", test_search.test_the_search_aims_at_the_largest_of_several_bounds),
    Planted("the search aims at noise", search._aim, "if bound.evidence is not Evidence.ESTIMATED", "if True", test_statistics.test_the_search_does_not_aim_at_noise),
    Planted("one seed for every search", search.run_claim, "seed=seed", "seed=0", test_verdicts.test_a_search_has_the_seed_that_it_was_given),
    Planted("an error is an instance that says nothing", search.evaluate_instance, "        raise\n", "        return Evaluation(family, dict(description), (), (), InstanceVerdict.VACUOUS, ())\n", test_search.test_an_error_names_claim_family_and_instance),
)  # fmt: skip

STATISTICS = (
    Planted("trials without an outcome pass", statistics.Trials.at_most, "and not settled ", "", test_statistics.test_trials_without_an_outcome_are_neither_failures_nor_passes),
    Planted("any power will do", statistics.Trials.at_most, " and power(trials, above) >= POWER", "", test_statistics.test_all_failures_refute_at_every_bound_that_may_hold),
    Planted("a count is called tested", statistics.Trials.at_most, "Evidence.ESTIMATED", "Evidence.TESTED", test_verdicts.test_what_was_counted_in_trials_belongs_to_the_verdict),
    Planted("one failure is forgiven", statistics.tail, "arb(failures)", "arb(failures + 1)", test_statistics.test_the_tail_encloses_the_exact_rational, {"count": 7, "failures": 3, "probability": Fraction(1, 2)}),
    Planted("the budget has no end", statistics.Trials.at_most, "self._bounds > BOUNDS", "False", test_statistics.test_the_levels_add_up_to_the_budget),
    Planted("a stream for all families", statistics.Trials.rng, "{self.family}", "F", test_statistics.test_streams_differ_by_seed_family_and_description_alone),
    Planted("the upper limit is the lower", statistics.confidence_limits, "special.betainccinv(", "special.betaincinv(", test_statistics.test_the_limits_are_those_of_an_exact_two_sided_interval, {"failures": 3, "count": 10}),
)  # fmt: skip

FAULTS = (*RESULTS, *CLAIM, *SEARCH, *STATISTICS)
