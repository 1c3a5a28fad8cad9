"""One item's way through: its entry and its counterexamples computed, passed or not. What it found is written by whoever keeps the report."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from properties.engine.claim import Claim, Depth, Evaluation, Mutant, Verdict
from properties.engine.completeness import lacking, strangers, unneeded
from properties.engine.extension import Suite
from properties.engine.obligations import run_obligation
from properties.engine.part import Piece, Setting
from properties.engine.paths import printable
from properties.engine.replay.counterexample import (
    TOLD,
    TOLD_OF_MUTANTS,
    Circumstances,
    Refutation,
    counterexample_files,
)
from properties.engine.replay.replay import Replay, failed_entry, replay_entry
from properties.engine.replay.rounder import NotReproducibleError, on_documents, stored_refutation
from properties.engine.report import wording
from properties.engine.report.causes import told_once
from properties.engine.report.commands import Commands
from properties.engine.report.entries import Entry, claim_entry, mutant_entry, obligation_entry
from properties.engine.results import Result
from properties.engine.run.claim_shares import ClaimShare, result_of
from properties.engine.search import SHRINK_EVALUATIONS, run_claim
from properties.engine.seeds import claim_seed
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation, Standing
from theory.proof.provers import Prover

PART_SEED = 0
"""What stands for a search's seed in evaluations of a part: no claim in it is sampled."""


MUTANT_SHRINKING, MUTANT_ROUNDING = 40, 0.1
"""Evaluations, and seconds, spent on making the refutation of a mutant smaller and rounder: it is shown, and nobody looks for its cause."""


@dataclass(frozen=True)
class Conditions:
    """What of a run the outcome of an item depends on, and how it is told."""

    setting: Setting
    registry: Mapping[str, Claim[Any]]
    suite: Suite | None
    """What has to stand beside the claims is looked for here; None for claims on a subject."""
    ties: Callable[[Obligation], Sequence[tuple[str, Implication]]]
    provers: Sequence[Prover]
    report: Path | None
    """Where counterexamples go."""
    environment: Mapping[str, Any]
    commands: Commands
    observe: Callable[[Result], None] | None = None
    """Sees every search grow."""
    told: dict[str, str] = field(default_factory=dict)
    """Causes that were told already, and of which claim."""

    @property
    def depth(self) -> Depth:
        """How much work each claim does."""
        return self.setting.depth

    def again(self, claim_id: str) -> str:
        """The command that repeats one claim and its mutants."""
        return f"again: {self.commands.claim(claim_id, self.depth.value, self.setting.root)}"


@dataclass(frozen=True)
class Outcome:
    """What an item found."""

    entry: Entry
    passed: bool
    failure: str
    """What is said when it did not pass."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Those of its counterexamples: contents by path from the report's directory."""


class Verification:
    """Computes the entry of one item and its counterexamples, and says whether it came out as it should."""

    def __init__(self, conditions: Conditions) -> None:
        """Take those of the run that the item belongs to."""
        self._run = conditions
        self._files: dict[str, bytes] = {}

    def claim(self, claim: Claim[Any]) -> Outcome:
        """Passed when the claim holds; one that lacks something beside it is not searched."""
        return self._claim(claim)[0]

    def claim_share(self, share: ClaimShare) -> Outcome:
        """Passed when the claim holds as far as the share goes; what the whole is made of goes along, as bytes, to the recording process."""
        found, outcome = self._claim(share.claim)
        return replace(found, entry={**found.entry, "share": share.name, "result": pickle.dumps(result_of(outcome))})

    def _claim(self, claim: Claim[Any]) -> tuple[Outcome, Result | str]:
        if self._run.suite is not None and (missing := lacking(claim, self._run.suite)):
            return self._incomplete(claim, missing)
        outcome, seed = self._search(claim, self._run.depth)
        if unknown := self._strangers(claim, outcome):
            return self._incomplete(claim, unknown)
        remark = _isolated(claim, outcome, seed)
        entry = claim_entry(claim, outcome, self._run.depth.value, seed)
        entry["explanation"] = [*([remark] if remark else []), *_explanation(claim, outcome)]
        entry["remark"] = remark
        told = told_once(entry["id"], entry["explanation"], self._run.told)
        hints = self._counterexample(entry, claim, claim.statement, outcome)
        failure = wording.claim_failure(entry, told[bool(remark) :], hints)
        return self._outcome(entry, entry["verdict"] == Verdict.HOLDS.value, failure), outcome

    def mutant(self, mutant: Mutant) -> Outcome:
        """Passed when the mutant is refuted, at depth normal at least; its refutation is shrunk where a report shows it."""
        depth = Depth.NORMAL if self._run.depth is Depth.QUICK else self._run.depth
        # stops at the first refutation, so this costs little
        outcome, seed = self._search(mutant.claim, depth, MUTANT_SHRINKING if self._run.report else 0)
        entry = mutant_entry(mutant, outcome, depth.value, seed)
        hints = self._counterexample(entry, mutant.claim, mutant.statement, outcome, MUTANT_ROUNDING, TOLD_OF_MUTANTS)
        passed = entry["verdict"] == Verdict.REFUTED.value
        return self._outcome(entry, passed, "" if passed else wording.mutant_failure(entry, hints))

    def obligation(self, obligation: Obligation) -> Outcome:
        """Passed when a chain needs the obligation, every prover proves it, and each of its mutants is refuted."""
        entry = obligation_entry(run_obligation(obligation, self._run.provers, self._run.ties(obligation)))
        refuted = all(mutant["status"] == Standing.REFUTED.value for mutant in entry["mutants"])
        missing = [] if self._run.suite is None else unneeded(obligation, self._run.suite)
        passed = entry["status"] == Standing.PROVED.value and refuted and not missing
        return Outcome(entry, passed, wording.obligation_failure(entry, [*missing, self._run.again(obligation.id)]))

    def part(self, piece: Piece) -> Outcome:
        """Passed when the share of the part says so; what the whole is made of goes along, as bytes, to the recording process."""
        found = piece.share.perform(self._run.setting)
        paths = [self._refuted(claim_id, evaluation) for claim_id, evaluation in found.refuted if self._run.report]
        if paths:
            found.entry["counterexamples"] = [self._from_report(path) for path in paths]
        hints = [line for path in paths for line in self._told(path)]
        entry = {**found.entry, "share": piece.share.name, "result": pickle.dumps(found.result)}
        return self._outcome(entry, found.passed, "\n".join([found.failure, *hints]))

    def replay(self, replay: Replay) -> Outcome:
        """Passed when the claim holds on the stored instance."""
        try:
            entry = replay_entry(replay)
        except Exception as error:
            entry = failed_entry(replay, _text(error))
        return Outcome(entry, entry["verdict"] == Verdict.HOLDS.value, wording.replay_verdict(entry))

    def _strangers(self, claim: Claim[Any], outcome: Result | str) -> list[str]:
        suite = self._run.suite
        if suite is None or isinstance(outcome, str):
            return []
        return strangers(claim, outcome.assumed)

    def _incomplete(self, claim: Claim[Any], lines: Sequence[str]) -> tuple[Outcome, str]:
        """What a claim comes to that lacks something beside it."""
        text = "\n".join(lines)
        entry = claim_entry(claim, text, self._run.depth.value, claim_seed(self._run.setting.root, claim.id))
        entry["explanation"], entry["remark"] = [], ""
        return Outcome(entry, False, f"{claim.id} is incomplete:\n{text}\n{self._run.again(claim.id)}"), text

    def _search(self, claim: Claim[Any], depth: Depth, shrinking: int = SHRINK_EVALUATIONS) -> tuple[Result | str, int]:
        seed = claim_seed(self._run.setting.root, claim.id)
        searched = on_documents(claim) if self._on_documents(claim) else claim
        try:
            return run_claim(searched, depth, seed, self._run.observe, shrinking), seed
        except Exception as error:
            return _text(error), seed

    def _on_documents(self, claim: Claim[Any]) -> bool:
        """Whether its trials, which take long, are done once, on what a file would hold: nothing of the user's keeps state between them."""
        return claim.sampled is not None and self._run.suite is not None and self._run.report is not None

    def _counterexample(
        self,
        entry: Entry,
        claim: Claim[Any],
        statement: str,
        outcome: Result | str,
        rounding: float | None = None,
        told: int = TOLD,
    ) -> list[str]:
        hints = [self._run.again(entry["id"].partition("/")[0])]
        if isinstance(outcome, str) or outcome.refutation is None or self._run.report is None:
            return hints
        try:
            refutation = stored_refutation(
                claim, outcome.refutation, entry["seed"], rounding, read_back=self._on_documents(claim)
            )
        except NotReproducibleError as error:
            return [*hints, f"no counterexample file: {error}"]
        explanation = entry.get("explanation", ())
        path = self._kept(refutation, entry["id"], statement, entry["depth"], entry["seed"], explanation, told)
        entry["counterexample"] = self._from_report(path)
        return [*hints, *self._told(path)]

    def _told(self, path: Path) -> list[str]:
        return [
            f"counterexample written to {printable(path)}",
            f"replay: {self._run.commands.replay(self._from_report(path))}",
        ]

    def _from_report(self, path: Path) -> str:
        assert self._run.report is not None
        return path.relative_to(self._run.report).as_posix()

    def _refuted(self, claim_id: str, evaluation: Evaluation) -> Path:
        """The counterexample file of a claim that is refuted in a part."""
        claim, depth = self._run.registry[claim_id], self._run.depth.value
        return self._kept(stored_refutation(claim, evaluation, PART_SEED), claim_id, claim.statement, depth, PART_SEED)

    def _kept(
        self,
        refutation: Refutation,
        id: str,
        statement: str,
        depth: str,
        seed: int,
        explanation: Sequence[str] = (),
        told: int = TOLD,
    ) -> Path:
        assert self._run.report is not None
        circumstances = Circumstances(
            id, statement, depth, seed, self._run.environment, explanation, self._run.commands, told
        )
        files = counterexample_files(refutation, circumstances)
        self._files |= files
        return self._run.report / list(files)[-1]

    def _outcome(self, entry: Entry, passed: bool, failure: str) -> Outcome:
        return Outcome(entry, passed, failure, self._files)


def _isolated(claim: Claim[Any], outcome: Result | str, seed: int) -> str:
    """Take into the result what its refutation needs of what came before it, and say so; empty where it needs nothing."""
    if claim.isolate is None or isinstance(outcome, str) or outcome.refutation is None:
        return ""
    try:
        found = claim.isolate(claim, outcome.refutation, seed)
    except Exception as error:
        return f"whether it depends on earlier calls is not known, as that broke off with an error: {error!r}"
    if found is None:
        return ""
    outcome.refutation = found.evaluation
    return found.remark


def _explanation(claim: Claim[Any], outcome: Result | str) -> list[str]:
    """What the claim has to say about its refutation."""
    if claim.explain is None or isinstance(outcome, str) or outcome.refutation is None:
        return []
    try:
        return list(claim.explain(outcome.refutation))
    except Exception as error:
        return ["the explanation broke off with an error:", _text(error)]


def _text(error: Exception) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
