"""Whether claims on a step judge it on several inputs, at whatever seed."""

from collections.abc import Iterable

from properties.engine.claim import Depth, Verdict
from properties.engine.search import run_claim
from properties.guard.claims import own_claims
from properties.guard.implementation import reference


def several_inputs_are_judged(optimiser: str, id: str, seeds: Iterable[int]) -> None:
    """So that a step which is right on one input alone is refuted, by whatever claim, whatever is drawn."""
    claim = own_claims(reference(optimiser))[id]
    wrong = [mutant.claim for mutant in claim.mutants if mutant.id.endswith(("/long", "-several"))]
    assert len(wrong) == 1
    for seed in seeds:
        result = run_claim(claim, Depth.QUICK, seed)
        alone = sum(family.features["n = 1"] for family in result.families.values())
        assert result.instances - alone >= 4, seed
        assert run_claim(wrong[0], Depth.QUICK, seed).verdict is Verdict.REFUTED, seed
