"""What public libraries get from the conformance kit at depth quick: docs/conformance.md has it with versions."""

import sys
from typing import Any

import pytest

from properties.conformance.kit import kit
from properties.conformance.library import Library
from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from tests.peers import own_kfac, public_libraries

REFUTED: dict[str, set[str]] = {"nngeometry": {"L-type2", "L-solve"}, "curvlinops": set(), "own K-FAC": set()}
"""By library, the claims that do not hold of it."""
LIBRARIES: dict[str, Any] = {
    "nngeometry": public_libraries.nngeometry,
    "curvlinops": public_libraries.curvlinops,
    "own K-FAC": own_kfac,
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_what_public_libraries_get(name: str) -> None:
    found = kit(Library.of(name, LIBRARIES[name]))
    results = {id.removeprefix("library-"): run_claim(one, Depth.QUICK, 0) for id, one in found.claims.items()}
    for id, result in results.items():
        sys.stdout.write(f"{name}: {id} {result.verdict} on {result.instances}, {result.vacuous} vacuous\n")
    assert {id for id, result in results.items() if result.verdict is not Verdict.HOLDS} == REFUTED[name]
