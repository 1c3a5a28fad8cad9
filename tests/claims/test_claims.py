"""Every claim holds, every mutant is refuted, obligations are proved, the data set is certified, the pictures are computed."""

from typing import Any

from properties.claim import Claim, Depth, Mutant
from properties.datasets import Dataset
from properties.items import Item
from theory.rigour.obligation import Obligation


def test_claim(registered_claim: Claim[Any], verification: Item) -> None:
    verification.claim(registered_claim)


def test_mutant_is_refuted(registered_mutant: Mutant, verification: Item) -> None:
    verification.mutant(registered_mutant)


def test_obligation(registered_obligation: Obligation, verification: Item) -> None:
    verification.obligation(registered_obligation)


def test_dataset(requested_dataset: Dataset, verification: Item) -> None:
    verification.dataset(requested_dataset)


def test_pictures(requested_pictures: Depth, verification: Item) -> None:
    verification.pictures()
