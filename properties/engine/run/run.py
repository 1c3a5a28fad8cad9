"""What a run is to do, as its options say, and the document that fills up."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from properties.engine.claim import Claim, Depth, Mutant
from properties.engine.extension import Subject, Suite
from properties.engine.part import Finished, Piece, Setting, Task
from properties.engine.paths import told
from properties.engine.replay.replay import Replay
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.history import summary
from properties.engine.report.plain import counted
from properties.engine.results import Result
from properties.engine.run.baseline import BaselineFile, Comparison, compared, write_baseline
from properties.engine.run.claim_shares import ClaimShare, claim_shares, joined_entry
from properties.engine.run.verification import Conditions
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation
from theory.proof.provers import Prover

CLAIM, MUTANT, OBLIGATION = "registered_claim", "registered_mutant", "registered_obligation"
PART = "requested_part"
"""The arguments by which a test asks for every selected claim, mutant and obligation, and the parts that were asked for."""

SUBJECTS = (CLAIM, MUTANT, OBLIGATION, PART)


@dataclass(frozen=True)
class ExecutorChoice:
    """Who does the items, if not pytest's own process."""

    name: str
    workers: int | None
    """None: one a core."""


@dataclass
class Run:
    """What the options ask for, and the document that fills up."""

    depth: Depth
    root: int
    registry: Mapping[str, Claim[Any]]
    claims: tuple[Claim[Any], ...]
    """Those selected."""
    provable: Mapping[str, Obligation]
    """Every obligation that there is."""
    obligations: tuple[Obligation, ...]
    """Those selected."""
    ties: Callable[[Obligation], Sequence[tuple[str, Implication]]]
    """What binds an obligation to the theorems that need it."""
    provers: tuple[Prover, ...]
    """They start at their first question."""
    tasks: tuple[Task, ...]
    """What is asked for beside claims."""
    setting: Setting
    report: Path | None
    document: Document
    selective: bool
    """Whether only claims or parts were asked for, not the suite's other tests."""
    records: bool
    """Whether this process keeps the document: not so in the workers of a distributed run."""
    baseline: BaselineFile | None
    observe: Callable[[Result], None] | None = field(default=None, kw_only=True)
    """Sees every search grow."""
    replays: tuple[Replay, ...] = ()
    """The counterexample files to evaluate again."""
    told: dict[str, str] = field(default_factory=dict)
    """Causes that were told already, and of which claim."""
    subject: Subject | None = None
    """What the claims are about, where it is the user's own."""
    suite: Suite | None = None
    """What has to stand beside the claims is looked for here; None for claims on a subject."""
    executor: ExecutorChoice | None = None
    finished: dict[tuple[str, str], dict[str, Finished]] = field(default_factory=dict)
    """By kind and name of a part, or of a claim, and by their own name, the shares that have come to their end."""

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """The mutants of the selected claims."""
        return tuple(mutant for claim in self.claims for mutant in claim.mutants)

    def subjects(self, argument: str) -> Mapping[str, object]:
        """By name, what a test that takes this argument is run for."""
        if argument == PART:
            return {piece.own_name: piece for piece in self.pieces}
        found: dict[str, tuple[Claim[Any] | ClaimShare | Mutant | Obligation, ...]] = {
            CLAIM: self.searches,
            MUTANT: self.mutants,
            OBLIGATION: self.obligations,
        }
        return {subject.id: subject for subject in found[argument]}

    @cached_property
    def searches(self) -> tuple[Claim[Any] | ClaimShare, ...]:
        """The selected claims, or the shares in which one is searched, an item each."""
        return tuple(one for claim in self.claims for one in claim_shares(claim, self.depth) or (claim,))

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """What the parts consist of, an item each."""
        return tuple(Piece(task, share) for task in self.tasks for share in task.shares(self.setting))

    def whole(self, entry: Entry) -> Entry | None:
        """The entry of a part as far as its shares have come, of the entry of one of them; any other as it is.

        Of a claim there is none before its last share, unless one is refuted or broke off: that others hold is no verdict on it.
        """
        if "share" not in entry:
            return entry
        own = {key: value for key, value in entry.items() if key not in ("share", "result")}
        kind = entry["kind"]
        found = self.finished.setdefault((kind, entry["id" if kind == "claim" else "name"]), {})
        found[entry["share"]] = Finished(own, pickle.loads(entry["result"]))
        if kind == "claim":
            (claim,) = (one for one in self.claims if one.id == entry["id"])
            return joined_entry(claim, self.setting, found)
        (task,) = (one for one in self.tasks if one.kind == kind)
        return task.joined(self.setting, found) | {"items": len(found)}

    @property
    def without_verdict(self) -> list[str]:
        """A line for each claim of which some shares have come, but no entry, as others were left out or did not come to their end."""
        lines = []
        for claim in self.claims:
            found = self.finished.get(("claim", claim.id))
            if not found or claim.id in self.document.claims:
                continue
            shares = claim_shares(claim, self.depth)
            first, *more = (share.id for share in shares if share.name not in found)
            others = f" and {counted(len(more), 'other')}" if more else ""
            lines.append(f"{claim.id} has no verdict: {first}{others} of its {len(shares)} items came to no end")
        return lines

    @property
    def unselected(self) -> frozenset[str]:
        """Ids of claims, mutants and obligations that exist but that a selective run was not asked for."""
        if not self.selective:
            return frozenset()
        selected: tuple[Claim[Any] | Mutant | Obligation, ...] = (*self.claims, *self.mutants, *self.obligations)
        asked = {one.id for one in selected}
        mutants = (mutant.id for claim in self.registry.values() for mutant in claim.mutants)
        left_out = {id for ids in self.document.left_out.values() for id in ids}  # asked for, in vain
        return frozenset({*self.registry, *mutants, *self.provable} - asked - left_out)

    def compare(self) -> Comparison:
        """The document against the baseline, kept in the document; the baseline is replaced when that was asked for."""
        assert self.baseline is not None
        name = told(self.baseline.path, Path.cwd())
        found = self.document.to_json()
        earlier = self.baseline.content
        comparison = Comparison(0, 0, ()) if earlier is None else compared(found, earlier, self.unselected)
        self.document.baseline = {
            "file": name,
            "update": self.baseline.update,
            **asdict(comparison),
        }
        if earlier is not None:
            self.document.history = [summary(earlier, name)]
        if self.baseline.update:
            write_baseline(self.baseline.path, found, earlier, self.selective)
        return comparison

    @property
    def conditions(self) -> Conditions:
        """What the outcome of an item depends on."""
        return Conditions(
            self.setting,
            self.registry,
            self.suite,
            self.ties,
            self.provers,
            self.report,
            self.document.environment,
            self.document.commands,
            self.observe,
            self.told,
        )
