"""Scalar obligations: inequalities that a proof ends in, proved for all reals by two provers, their mutants refuted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from theory.proof.formula import DivisorError
from theory.proof.implication import Implication
from theory.proof.provers import Prover


class Standing(StrEnum):
    """What is known of an inequality for all reals."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Mutation:
    """How to make one part of an obligation false: fragments of its texts, each with what replaces it."""

    name: str
    description: str
    replacements: Mapping[str, str]
    part: int = 0


@dataclass(frozen=True)
class Mutant:
    """A deliberately false neighbour of an obligation: the provers must find a counterexample."""

    id: str
    description: str
    implication: Implication


@dataclass(frozen=True)
class Obligation:
    """An inequality that a proof needs, in one or more parts, and the mutations that show what is tight in it."""

    id: str
    statement: str
    """What it is for, in words."""
    parts: tuple[Implication, ...]
    mutations: tuple[Mutation, ...]

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """Its false neighbours. Raises FormulaError when a text to replace is not in its part."""
        return tuple(
            Mutant(f"{self.id}/{one.name}", one.description, self.parts[one.part].changed(one.replacements))
            for one in self.mutations
        )


@dataclass(frozen=True)
class Finding:
    """What one prover found out about one implication."""

    prover: str
    standing: Standing
    point: Mapping[str, Fraction] = field(default_factory=dict)
    """The counterexample, checked in exact arithmetic; empty unless refuted."""
    reason: str = ""
    """Why it is undecided."""
    seconds: float = 0.0


def decide(implication: Implication, prover: Prover) -> Finding:
    """Ask one prover. Refuted only by a point that exact arithmetic confirms; all that is not an answer is undecided."""
    started = time.perf_counter()
    standing, point, reason = _decided(implication, prover)
    return Finding(prover.name, standing, point, reason, time.perf_counter() - started)


def refute(implication: Implication, provers: Sequence[Prover]) -> Finding:
    """The first prover's finding that is a counterexample, else the last one's. Raises ValueError without provers."""
    finding = None
    for prover in provers:
        finding = decide(implication, prover)
        if finding.standing is Standing.REFUTED:
            break
    if finding is None:
        raise ValueError("no prover to ask")
    return finding


def combined(findings: Sequence[Finding]) -> Standing:
    """Refuted by one counterexample; proved when there are findings and all of them are proofs; else undecided."""
    standings = {finding.standing for finding in findings}
    if Standing.REFUTED in standings:
        return Standing.REFUTED
    return Standing.PROVED if standings == {Standing.PROVED} else Standing.UNDECIDED


def _decided(implication: Implication, prover: Prover) -> tuple[Standing, Mapping[str, Fraction], str]:
    reply = prover.ask(implication.proof_query())
    if reply.answer == "unsat":
        return Standing.PROVED, {}, ""
    if reply.answer == "unknown":
        return Standing.UNDECIDED, {}, reply.reason
    reason = "the model of the prover is not a counterexample in exact arithmetic"
    for model in (reply.model, prover.ask(implication.witness_query()).model):
        for point in _candidates(model, implication.variables):
            try:
                if implication.refuted_at(point):
                    return Standing.REFUTED, point, ""
            except DivisorError as error:
                reason = str(error)
    return Standing.UNDECIDED, {}, reason


def _candidates(model: Mapping[str, Fraction], variables: Sequence[str]) -> Iterator[dict[str, Fraction]]:
    """Points near a model, those with short fractions first, at last the model itself; a variable it leaves open is 0."""
    exact = {name: model.get(name, Fraction(0)) for name in variables}
    for digits in range(9):
        yield {name: value.limit_denominator(10**digits) for name, value in exact.items()}
    yield exact
