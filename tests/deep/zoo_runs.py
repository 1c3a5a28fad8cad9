"""A step of the zoo against the claims, and whether it was told its cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.engine.claim import Depth
from properties.engine.report.causes import CAUSE
from properties.engine.search import run_claim
from properties.guard.claims import own_claims
from properties.guard.implementation import load_implementation
from tests.deep.zoo_arrays import Step


@dataclass(frozen=True)
class Faulty:
    """A wrong step, and what it should be told."""

    optimiser: str
    step: Step
    said: str
    """A part of one of the cause's sentences."""
    too: str = ""
    """A part of any other sentence that is right as well."""


def correct_claims(name: str, optimiser: str, directory: Path, revealing: bool) -> Mapping[str, Any]:
    """The claims on a correct step, by id; one that reveals no rank promises nothing where G, or H, is singular."""
    singular = "pinv" if revealing else "unjudged"
    return own_claims(load_implementation(f"zoo:steps.{name}", optimiser, directory, None, singular))


def claims_of(claims: Mapping[str, Any]) -> list[str]:
    """The identity, and the contract."""
    return [id for id in claims if id in ("own-I-pinv", "own-I-kfac", "own-contract")][::-1]


def causes_of(name: str, faulty: Faulty, seed: int, directory: Path) -> tuple[str, list[str]]:
    """What is said of the refutation of the identity: the remark of its first line, and its causes."""
    implementation = load_implementation(f"zoo:steps.{name}", faulty.optimiser, directory)
    claims = own_claims(implementation)
    claim = claims[claims_of(claims)[0]]
    found = run_claim(claim, Depth.QUICK, seed).refutation
    assert found is not None
    assert claim.isolate is not None
    assert claim.explain is not None
    isolated = claim.isolate(claim, found, seed)
    lines = claim.explain(found if isolated is None else isolated.evaluation)
    causes = [line.removeprefix(CAUSE) for line in lines if line.startswith(CAUSE)]
    return "" if isolated is None else isolated.remark, causes


def told_rightly(causes: list[str], faulty: Faulty) -> bool:
    """Whether the cause is named and nothing else is."""
    others = [cause for cause in causes if faulty.said not in cause]
    return len(others) < len(causes) and all(faulty.too and faulty.too in cause for cause in others)
