"""What a run of an obligation leaves behind: a finding by every prover for every part, and a counterexample to every mutant."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from theory.rigour.obligation import Finding, Mutant, Obligation, Standing, combined, decide, refute
from theory.rigour.provers import Prover


@dataclass(frozen=True)
class ObligationResult:
    """The record of one obligation."""

    obligation: Obligation
    parts: tuple[Mapping[str, Finding], ...]
    """For every part, by prover, what it found."""
    mutants: tuple[tuple[Mutant, Finding], ...]
    seconds: float

    @property
    def by_prover(self) -> Mapping[str, Standing]:
        """What each prover makes of the obligation as a whole."""
        provers = self.parts[0] if self.parts else {}
        return {prover: combined([part[prover] for part in self.parts]) for prover in provers}

    @property
    def standing(self) -> Standing:
        """Proved when two provers at least prove every part, and all that were asked do; refuted by one counterexample."""
        found = combined([finding for part in self.parts for finding in part.values()])
        return Standing.UNDECIDED if found is Standing.PROVED and len(self.by_prover) < 2 else found


def run_obligation(obligation: Obligation, provers: Sequence[Prover]) -> ObligationResult:
    """Ask every prover about every part, and for a counterexample to every mutant."""
    started = time.perf_counter()
    parts = tuple({prover.name: decide(part, prover) for prover in provers} for part in obligation.parts)
    mutants = tuple((mutant, refute(mutant.implication, provers)) for mutant in obligation.mutants)
    return ObligationResult(obligation, parts, mutants, time.perf_counter() - started)
