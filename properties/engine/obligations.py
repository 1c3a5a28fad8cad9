"""What a run of an obligation leaves behind: a finding by every prover for every part, and a counterexample to every mutant."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from theory.proof.implication import Implication
from theory.proof.obligation import Finding, Mutant, Obligation, Standing, combined, decide, refute
from theory.proof.provers import Prover


@dataclass(frozen=True)
class ObligationResult:
    """The record of one obligation."""

    obligation: Obligation
    parts: tuple[Mapping[str, Finding], ...]
    """For every part, by prover, what it found."""
    mutants: tuple[tuple[Mutant, Finding], ...]
    seconds: float
    uncovered: tuple[str, ...] = ()
    """What a theorem's proof needs it for and it is not proved for, each in a line."""

    @property
    def by_prover(self) -> Mapping[str, Standing]:
        """What each prover makes of the obligation as a whole."""
        provers = self.parts[0] if self.parts else {}
        return {prover: combined([part[prover] for part in self.parts]) for prover in provers}

    @property
    def standing(self) -> Standing:
        """Proved when two provers at least prove every part, and all that were asked do; refuted by one counterexample.

        Undecided when it is proved for fewer numbers than a theorem's proof needs.
        """
        found = combined([finding for part in self.parts for finding in part.values()])
        short = len(self.by_prover) < 2 or self.uncovered
        return Standing.UNDECIDED if found is Standing.PROVED and short else found


def run_obligation(
    obligation: Obligation, provers: Sequence[Prover], ties: Sequence[tuple[str, Implication]] = ()
) -> ObligationResult:
    """Ask every prover about every part and every tie, and for a counterexample to every mutant.

    ``ties`` bind the obligation to the theorems that need it: whoever is in a theorem's range meets its hypotheses.
    """
    started = time.perf_counter()
    parts = tuple({prover.name: decide(part, prover) for prover in provers} for part in obligation.parts)
    mutants = tuple((mutant, refute(mutant.implication, provers)) for mutant in obligation.mutants)
    uncovered = tuple(
        f"{theorem} needs it for all {', '.join(tie.hypotheses)}: {tie.conclusion} does not follow ({finding.prover}: {finding.standing})"
        for theorem, tie in ties
        if (finding := _not_proved(tie, provers)) is not None
    )
    return ObligationResult(obligation, parts, mutants, time.perf_counter() - started, uncovered)


def _not_proved(implication: Implication, provers: Sequence[Prover]) -> Finding | None:
    """The first finding that is no proof."""
    findings = (decide(implication, prover) for prover in provers)
    return next((finding for finding in findings if finding.standing is not Standing.PROVED), None)
