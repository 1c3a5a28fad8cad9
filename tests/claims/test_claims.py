"""Every claim holds, every mutant is refuted, obligations are proved, and the parts that were asked for pass."""

from typing import Any

from properties.engine.claim import Claim, Mutant
from properties.engine.part import Piece
from properties.engine.run.claim_shares import ClaimShare
from properties.engine.run.items import Item
from theory.proof.obligation import Obligation


def test_claim(registered_claim: Claim[Any] | ClaimShare, verification: Item) -> None:
    verification.claim(registered_claim)


def test_mutant_is_refuted(registered_mutant: Mutant, verification: Item) -> None:
    verification.mutant(registered_mutant)


def test_obligation(registered_obligation: Obligation, verification: Item) -> None:
    verification.obligation(registered_obligation)


def test_part(requested_part: Piece, verification: Item) -> None:
    verification.part(requested_part)
