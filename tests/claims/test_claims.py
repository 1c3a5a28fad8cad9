"""Every claim holds, every mutant is refuted, obligations are proved, the data set is certified, the pictures are computed."""

from typing import Any

from properties.claim import Claim, Depth, Mutant
from properties.datasets import Dataset
from properties.plugin import Verification
from theory.rigour.obligation import Obligation


def test_claim(registered_claim: Claim[Any], verification: Verification) -> None:
    verification.claim(registered_claim)


def test_mutant_is_refuted(registered_mutant: Mutant, verification: Verification) -> None:
    verification.mutant(registered_mutant)


def test_obligation(registered_obligation: Obligation, verification: Verification) -> None:
    verification.obligation(registered_obligation)


def test_dataset(requested_dataset: Dataset, verification: Verification) -> None:
    verification.dataset(requested_dataset)


def test_pictures(requested_pictures: Depth, verification: Verification) -> None:
    verification.pictures()
