"""What a run is to do, as its options say, and the document that fills up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from properties.baseline import BaselineFile, Comparison, compared, write_baseline
from properties.claim import Claim, Depth, Mutant
from properties.datasets import Dataset
from properties.guard.implementation import Implementation
from properties.ladder import Rung
from properties.paths import printable
from properties.replay import Replay
from properties.report.document import Document
from properties.results import Result
from theory.proofs import obligations
from theory.rigour.obligation import Obligation
from theory.rigour.provers import Prover

CLAIM, MUTANT, OBLIGATION = "registered_claim", "registered_mutant", "registered_obligation"
DATASET, PICTURES = "requested_dataset", "requested_pictures"
"""The arguments by which a test asks for every selected claim, mutant and obligation, the data set and the pictures."""

SUBJECTS = (CLAIM, MUTANT, OBLIGATION, DATASET, PICTURES)


@dataclass
class Run:
    """What the options ask for, and the document that fills up."""

    depth: Depth
    root: int
    registry: Mapping[str, Claim[Any]]
    claims: tuple[Claim[Any], ...]
    """Those selected."""
    obligations: tuple[Obligation, ...]
    provers: tuple[Prover, ...]
    """They start at their first question."""
    dataset: Dataset | None
    rungs: tuple[Rung, ...] | None
    """The networks that the data set is certified with; None for the ladder of the depth."""
    report: Path | None
    document: Document
    selective: bool
    """Whether only claims or a data set were asked for, not the suite's other tests."""
    records: bool
    """Whether this process keeps the document: not so in the workers of a distributed run."""
    baseline: BaselineFile | None
    observe: Callable[[Result], None] | None = field(default=None, kw_only=True)
    """Sees every search grow."""
    pictures: bool
    """Whether the paper's pictures are computed: for a report on every claim, unless it is a quick one."""
    replays: tuple[Replay, ...] = ()
    """The counterexample files to evaluate again."""
    told: dict[str, str] = field(default_factory=dict)
    """Causes that were told already, and of which claim."""
    own: Implementation | None = None
    """The step that the claims are about, where it is the user's."""

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """The mutants of the selected claims."""
        return tuple(mutant for claim in self.claims for mutant in claim.mutants)

    def subjects(self, argument: str) -> Mapping[str, object]:
        """By name, what a test that takes this argument is run for."""
        found: dict[str, tuple[Claim[Any] | Mutant | Obligation, ...]] = {
            CLAIM: self.claims,
            MUTANT: self.mutants,
            OBLIGATION: self.obligations,
        }
        if argument in found:
            return {subject.id: subject for subject in found[argument]}
        if argument == PICTURES:
            return {"pictures": self.depth} if self.pictures else {}
        return {} if self.dataset is None else {self.dataset.name: self.dataset}

    @property
    def unselected(self) -> frozenset[str]:
        """Ids of claims, mutants and obligations that exist but that a selective run was not asked for."""
        if not self.selective:
            return frozenset()
        asked = {id for argument in (CLAIM, MUTANT, OBLIGATION) for id in self.subjects(argument)}
        mutants = (mutant.id for claim in self.registry.values() for mutant in claim.mutants)
        left_out = {id for ids in self.document.left_out.values() for id in ids}  # asked for, in vain
        return frozenset({*self.registry, *mutants, *obligations} - asked - left_out)

    def compare(self) -> Comparison:
        """The document against the baseline, kept in the document; the baseline is replaced when that was asked for."""
        assert self.baseline is not None
        found = self.document.to_json()
        earlier = self.baseline.content
        comparison = Comparison(0, 0, ()) if earlier is None else compared(found, earlier, self.unselected)
        self.document.baseline = {
            "file": printable(self.baseline.path),
            "update": self.baseline.update,
            **asdict(comparison),
        }
        if self.baseline.update:
            write_baseline(self.baseline.path, found, earlier, self.selective)
        return comparison

    def again(self, claim_id: str) -> str:
        """The command that repeats one claim and its mutants."""
        return f"again: {self.document.commands.claim(claim_id, self.depth.value, self.root)}"
