"""Runs of the kit about one program: what test modules and the deep tests share."""

from __future__ import annotations

from typing import Any

from properties.conformance.faults import FAULTS
from properties.conformance.kit import kit, statements
from properties.conformance.library import PREFIX, Library
from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim


def refuted(name: str, program: Any, seed: int, depth: Depth = Depth.QUICK) -> dict[str, str]:
    """Of every claim on a program that does not hold what stands against it."""
    found = {}
    for id, claim in kit(Library.of(name, program)).claims.items():
        result = run_claim(claim, depth, seed)
        if result.verdict is not Verdict.HOLDS:
            found[id] = str(result.refutation or result.unjudged or result.verdict)
    return found


def named(fault: str, seed: int) -> dict[str, bool]:
    """Of every claim that names a fault whether its refutation says that it is this one; a claim that does not refute it is missing."""
    claims = kit(Library.of("a library", FAULTS[fault].program())).claims
    found = {}
    for statement in statements():
        if fault not in statement.faults:
            continue
        claim = claims[f"{PREFIX}{statement.id}"]
        result = run_claim(claim, Depth.QUICK, seed)
        if result.refutation is not None:
            assert claim.explain is not None
            lines = list(claim.explain(result.refutation))
            assert len(lines) <= 24
            found[statement.id] = any(f"wrong program {fault} does" in line for line in lines)
    return found
