"""What public libraries get from the conformance kit at depth quick: docs/conformance.md has it with versions."""

import sys
from importlib.metadata import version
from typing import Any

import pytest

from properties.conformance.kit import kit
from properties.conformance.library import Library
from properties.engine.claim import Depth, InstanceVerdict, Verdict
from properties.engine.search import evaluate, run_claim
from tests.peers import own_jax, own_kfac, public_libraries

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


def test_dense_blocks_in_jax_on_the_problems_that_every_run_has() -> None:
    """JAX compiles anew for every shape: nothing is drawn."""
    judged = 0
    for claim in kit(Library.of("own blocks in JAX", own_jax)).claims.values():
        for family in claim.families:
            dense = [one for one in family.first if one["approximation"] == "blocks"]
            if not dense:
                continue
            found = evaluate(claim, family, dense[0])
            assert found.verdict in (InstanceVerdict.HOLDS, InstanceVerdict.VACUOUS), found
            judged += found.verdict is InstanceVerdict.HOLDS
    assert judged == 5  # of L-one, L-conv, L-solve and L-mean (2)


def test_kfac_jax_on_the_problems_that_every_run_has() -> None:
    """Nothing is drawn, as JAX compiles anew for every shape; kfac-jax 0.0.8 does not trace with JAX 0.10."""
    pytest.importorskip("kfac_jax", reason="kfac-jax is not among the extra peers: install kfac-jax and 'jax<0.9.1'")
    if tuple(map(int, version("jax").split(".")[:2])) >= (0, 10):
        pytest.skip("kfac-jax 0.0.8 needs a JAX before 0.10")
    from tests.peers import kfac_jax_blocks

    judged = 0
    for claim in kit(Library.of("kfac-jax", kfac_jax_blocks)).claims.values():
        for family in claim.families:
            found = evaluate(claim, family, family.first[0])
            assert found.verdict in (InstanceVerdict.HOLDS, InstanceVerdict.VACUOUS), found
            judged += found.verdict is InstanceVerdict.HOLDS
    assert judged >= 6
