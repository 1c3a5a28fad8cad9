"""Wrong programs of what judges proofs, items and a run, each with a test that fails because of it."""

from __future__ import annotations

from fractions import Fraction

from properties.dataset.report import dataset_entry
from properties.engine import obligations, seeds, selection
from properties.engine.obligations import ObligationResult
from properties.engine.ratios import ratio_bin
from properties.engine.replay import counterexample, replay, rounder
from properties.engine.report import document, entries, outlook, terminal, wording
from properties.engine.report.document import Document
from properties.engine.report.run_verdict import RunVerdict
from properties.engine.run import baseline
from properties.engine.run.items import Item
from properties.engine.run.verification import Verification
from tests.properties.engine import fake_claims, test_extras, test_ratios, test_verdicts
from tests.properties.engine.replay import test_counterexample, test_rounder
from tests.properties.engine.run import test_baseline, test_obligation_items, test_plugin, test_run_verdicts
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


PROOFS = (
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
)  # fmt: skip

ITEMS = (
    Planted("an undecided claim passes", Verification.claim, 'entry["verdict"] == Verdict.HOLDS.value', 'entry["verdict"] != Verdict.REFUTED.value', _PASSES, _BY_VERDICT["undecided"]),
    Planted("a mutant that is not shown to hold passes", Verification.mutant, 'entry["verdict"] == Verdict.REFUTED.value', 'entry["verdict"] != Verdict.HOLDS.value', _PASSES, _BY_VERDICT["undecided"]),
    Planted("a mutant that holds passes", Verification.mutant, 'entry["verdict"] == Verdict.REFUTED.value', "True", _PASSES, _BY_VERDICT["holds"]),
    Planted("an item that did not pass does not fail", Item._finish, "if not outcome.passed:", "if False:", test_plugin.test_a_surviving_mutant_fails_and_is_named),
    Planted("the entry of an item is lost", Item._finish, "self._item.stash[ENTRY] = outcome.entry", "pass", test_plugin.test_a_surviving_mutant_fails_and_is_named),
    Planted("an error of a search is no verdict", entries._error_entry, "Verdict.UNDECIDED.value", "Verdict.HOLDS.value", _PASSES, {"changes": {"conclusion": fake_claims.broken}, "claim_passes": False, "mutant_passes": False}),
    Planted("a refutation that does not replay is written", rounder.stored_refutation, "evaluation.verdict is not InstanceVerdict.REFUTED", "False", test_rounder.test_what_is_evaluated_is_what_is_stored),
    Planted("what is stored is not evaluated", rounder._evaluated, "from_document(document)", "found.instance", test_rounder.test_what_is_evaluated_is_what_is_stored),
    Planted("a rounding that is no refutation", rounder._as_clear, "evaluation.verdict is not InstanceVerdict.REFUTED", "False", test_rounder.test_hypotheses_go_on_holding),
    Planted("a rounding that leaves nothing of a violation", rounder._as_clear, "KEPT * _violation(than)", "0", test_rounder.test_half_of_the_violation_is_kept),
    Planted("a data set's refuted check is a result", dataset_entry.dataset_verdict, "(InstanceVerdict.REFUTED, RunVerdict.REFUTED),", "", test_run_verdicts.test_a_data_set_fails_by_what_is_refuted_or_undecided_only, {"verdict": RunVerdict.HOLDS}),
    Planted("a data set without a check holds", dataset_entry.dataset_verdict, "return RunVerdict.UNCHECKED", "return RunVerdict.HOLDS", test_run_verdicts.test_a_data_set_fails_by_what_is_refuted_or_undecided_only, {"verdict": RunVerdict.HOLDS}),
)  # fmt: skip

FILES = (
    Planted("a replay that refutes nothing passes", Verification.replay, 'entry["verdict"] == Verdict.HOLDS.value', 'entry["verdict"] != Verdict.REFUTED.value', test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("a replay that breaks off holds", replay.failed_entry, '"verdict": "undecided"', '"verdict": "holds"', test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("a replay with another verdict agrees", replay._agreement, 'found["verdict"] != recorded["verdict"]', "False", test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("a replay with other digits agrees", replay._agreement, "all(found[key] == recorded[key] for key in recorded)", "True", test_verdicts.test_a_replay_passes_when_the_claim_holds_on_the_stored_instance_and_only_then),
    Planted("an edited file is read", counterexample.read_counterexample, 'content_digest(content) != content["digest"]', "False", test_counterexample.test_every_edit_is_detected, {"change": lambda content: content.__setitem__("seed", 6)}),
    Planted("an entry raises the evidence", entries.evaluation_entry, "evaluation.evidence.value", '"enclosed"', test_verdicts.test_entries_say_what_was_found),
    Planted("a bound's entry raises the evidence", entries.bound_entry, "bound.evidence.value", '"enclosed"', test_verdicts.test_entries_say_what_was_found),
    Planted("undecided and vacuous exchanged", entries._result_entry, '"undecided": result.undecided', '"undecided": result.vacuous', test_verdicts.test_entries_say_what_was_found),
    Planted("a family's vacuous are its instances", entries._result_entry, '"vacuous": count.vacuous', '"vacuous": count.instances', test_verdicts.test_entries_say_what_was_found),
    Planted("measured and predicted exchanged", entries.bound_entry, '"predicted": plain(bound.predicted)', '"predicted": plain(bound.measured)', test_verdicts.test_entries_say_what_was_found),
    Planted("mutants are searched for quickly", Verification.mutant, "Depth.NORMAL if self._run.depth is Depth.QUICK else self._run.depth", "self._run.depth", test_verdicts.test_mutants_are_searched_for_as_long_as_a_normal_run_takes),
    Planted("every claim has the same seed", seeds.claim_seed, "_digest(claim_id)", "0", test_verdicts.test_every_claim_has_a_seed_of_its_own),
)  # fmt: skip

RUN = (
    Planted("surviving mutants do not count", Document.verdict, " or self.survivors", "", _RUN, run("undecided", mutants=[test_run_verdicts.mutant(verdict="holds")])),
    Planted("unsettled obligations do not count", Document.verdict, "self.unsettled_obligations or ", "", _RUN, run("undecided", obligations=[test_run_verdicts.obligation(mutants=["refuted", "proved"])])),
    Planted("a run that broke off holds", Document.verdict, " or not self.complete", "", _RUN, run("undecided", due=1)),
    Planted("the data set does not count", Document.verdict, 'verdicts += [part["verdict"] for part in self.parts.values() if "verdict" in part]', "pass", _RUN, run("refuted", parts={"dataset": {"verdict": "refuted", "checks": [], "error": None}})),
    Planted("losses do not count", Document.verdict, 'self.baseline["losses"]', "False", _RUN, run("undecided", baseline={"losses": ["a"], "update": False})),
    Planted("pictures that broke off do not count", Document.verdict, 'any(part["error"] for part in self.parts.values())', "False", _RUN, run("undecided", parts={"pictures": {"error": "a"}})),
    Planted("undecided before refuted", Document.verdict, "(RunVerdict.REFUTED, RunVerdict.UNDECIDED, RunVerdict.HOLDS)", "(RunVerdict.UNDECIDED, RunVerdict.REFUTED, RunVerdict.HOLDS)", _RUN, run("refuted", claims=[test_run_verdicts.entry(verdict="refuted"), test_run_verdicts.entry("M", "undecided")])),
    Planted("holds before undecided", Document.verdict, "(RunVerdict.REFUTED, RunVerdict.UNDECIDED, RunVerdict.HOLDS)", "(RunVerdict.REFUTED, RunVerdict.HOLDS, RunVerdict.UNDECIDED)", _RUN, run("undecided", due=1)),
    Planted("a run of nothing holds", Document.verdict, "return RunVerdict.UNCHECKED", "return RunVerdict.HOLDS", _RUN, {"found": test_run_verdicts.document(), "verdict": "unchecked"}),
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
)  # fmt: skip

BASELINE = (
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
)  # fmt: skip

SELECTION = (
    Planted("a claim without mutants is fit", selection.defects, "if not claim.mutants:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("a claim without families is fit", selection.defects, "if not claim.families:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("an empty registry is fit", selection.defects, "if not registry:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("a family that draws nothing is fit", selection._family_defects, "if missing:", "if False:", test_run_verdicts.test_a_claim_that_nothing_tests_is_unfit),
    Planted("the obligations of a proof are left out", selection.selected_obligations, "id in needed or ", "", test_obligation_items.test_selection, {"requested": ("N-small",), "dataset_only": False, "selected": ["O-squares", "O-false"]}),
    Planted("claims left out without a word", selection.feasible, 'left_out[family.extra] = (*left_out.get(family.extra, ()), f"{claim.id} {family.id}")', "pass", test_extras.test_a_family_that_needs_data_is_left_out_by_name),
)  # fmt: skip

FAULTS = (*PROOFS, *ITEMS, *FILES, *RUN, *BASELINE, *SELECTION)
