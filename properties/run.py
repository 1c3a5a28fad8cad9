"""What a run is to do, as its options say, and the document that fills up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.claim import Claim, Depth, Mutant
from properties.datasets import Dataset
from properties.report.document import Document
from theory.rigour.obligation import Obligation
from theory.rigour.provers import Prover

CLAIM, MUTANT, OBLIGATION = "registered_claim", "registered_mutant", "registered_obligation"
DATASET, PICTURES = "requested_dataset", "requested_pictures"
"""The arguments by which a test asks for every selected claim, mutant and obligation, for the data set, and the pictures."""

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
    report: Path | None
    document: Document
    selective: bool
    """Whether only claims or a data set were asked for, not the suite's other tests."""
    records: bool
    """Whether this process keeps the document: not so in the workers of a distributed run."""
    pictures: bool
    """Whether the paper's pictures are computed: for a report on every claim, unless it is a quick one."""
    options: str = ""
    """Further options that the command to repeat a claim needs."""

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

    def statement(self, claim_id: str) -> str:
        """A claim's statement; the id itself where it is not registered."""
        return self.registry[claim_id].statement if claim_id in self.registry else claim_id

    def again(self, claim_id: str) -> str:
        """The command that repeats one claim and its mutants."""
        return (
            f"again: pytest {self.options}--claim {claim_id} --depth {self.depth.value} --hypothesis-seed={self.root}"
        )
