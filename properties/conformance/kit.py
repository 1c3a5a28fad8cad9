"""The claims on one library: those that it has anything for, and those that are not judged, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any

from properties.conformance import explanation, faults
from properties.conformance.instances import Instance
from properties.conformance.library import PREFIX, Library
from properties.conformance.plain_steps import PlainSteps
from properties.conformance.statement import Source, Statement
from properties.engine.claim import Claim, Family, Mutant, Provenance

GROUPS = ("scopes", "convolution", "targets", "diagonal", "solves", "invariance", "affine", "state", "paper")


def statements() -> tuple[Statement, ...]:
    """All claims of the kit, in order."""
    groups = (import_module(f"{__package__}.claims.{group}") for group in GROUPS)
    return tuple(one for group in groups for one in group.STATEMENTS)


@dataclass(frozen=True)
class Kit:
    """What is judged of a library, and what is not."""

    claims: Mapping[str, Claim[Any]]
    left_out: Mapping[str, str]
    """Claim, or claim and family -> why it is not judged."""


def kit(library: Library) -> Kit:
    """The claims on the library, each with the families of which the library has something. Calls it."""
    claims: dict[str, Claim[Any]] = {}
    left_out: dict[str, str] = {}
    for statement in statements():
        having: list[Source] = []
        for source in statement.sources:
            reason = missing(source, statement, library)
            if not reason:
                having.append(source)
            else:
                left_out[f"{statement.id} ({source.id})"] = reason
        if having:
            claim = claim_of(statement, tuple(having), library)
            claims[claim.id] = claim
    return Kit(MappingProxyType(claims), MappingProxyType(left_out))


def missing(source: Source, statement: Statement, library: Library) -> str:
    """Why nothing of a source is judged: what the library said of each of the instances that every run has; else empty."""
    reason = ""
    for description in source.first:
        found = statement.hypotheses(source.build(source.offered(description, library), library))
        lacking = [h.name for h in found if h.name.startswith("the library has it") and h.margin < 0]
        if not lacking:
            return ""
        reason = lacking[0].removeprefix("the library has it (").removesuffix(")")
    return reason


def claim_of(statement: Statement, sources: tuple[Source, ...], library: Library) -> Claim[Any]:
    """The claim about the library, with its mutants: wrong programs, and its borders."""
    claim: Claim[Any] = Claim(
        id=f"{PREFIX}{statement.id}",
        statement=f"{library.name}{statement.statement}",
        provenance=Provenance.DERIVED,
        source=f"docs/conformance.md, paragraph {statement.paragraph}",
        families=tuple(source.family(library) for source in sources),
        hypotheses=statement.hypotheses,
        conclusion=statement.conclusion,
        sampled=statement.sampled,
        features=features,
        every_family=True,
        explain=partial(explanation.explanation, statement),
    )
    return claim.with_mutants(*wrong_programs(statement, claim), *borders(statement, claim))


def features(instance: Instance) -> tuple[str, ...]:
    """What is counted of instances."""
    return ("float32" if instance.problem.single else "float64",)


def wrong_programs(statement: Statement, claim: Claim[Any]) -> list[Mutant]:
    """The claim about each of the wrong programs."""
    found = []
    for id in statement.faults:
        wrong = faults.FAULTS[id]
        library = Library.of(f"wrong program {id}", wrong.program())
        families: tuple[Family[Any], ...] = tuple(source.family(library) for source in statement.sources)
        found.append(claim.neighbour(id, wrong.title, families=families, every_family=False, explain=None))
    return found


def borders(statement: Statement, claim: Claim[Any]) -> list[Mutant]:
    """The claim one step beyond its scope, about the library in plain NumPy."""
    right = Library.of("plain NumPy", PlainSteps())
    return [
        claim.neighbour(
            f"beyond-{source.id.replace(' ', '-')}",
            f"beyond its scope: {source.title}",
            families=(source.family(right),),
            conclusion=source.conclusion or claim.conclusion,
            every_family=False,
            explain=None,
        )
        for source in statement.borders
    ]
