"""A search of a suite leaves the global generators alone; code that reads them finds them seeded in any other search."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import numpy as np
import pytest

from properties.engine.claim import Bound, Claim, Depth, at_most
from properties.engine.extension import Suite
from properties.engine.global_generators import without_global_generators
from properties.engine.part import Setting
from properties.engine.report.commands import Commands
from properties.engine.run.verification import Conditions, Verification
from properties.engine.search import run_claim
from tests.properties.engine.test_search import Number, claim


def reader() -> tuple[Claim[Number], list[int], list[float]]:
    """A claim, what its search draws, and what its instances find in NumPy's global generator."""
    drawn, read = [], []

    def conclusion(number: Number) -> Sequence[Bound]:
        drawn.append(number.value)
        read.append(float(np.random.random()))  # noqa: NPY002
        return [at_most("value", 0.0, 1.0, rounding=0.0)]

    return claim(conclusion), drawn, read


def searched(around: AbstractContextManager[None]) -> tuple[list[int], list[float]]:
    one, drawn, read = reader()
    with around:
        run_claim(one, Depth.QUICK, 1)
    return drawn, read


@pytest.fixture(autouse=True)
def _own_state() -> None:
    np.random.seed(5)  # noqa: NPY002


def test_draws_are_the_same_whether_the_global_generators_are_seeded_or_not() -> None:
    seeded, alone = searched(nullcontext()), searched(without_global_generators())
    assert seeded[0] == alone[0]
    assert len(set(seeded[1])) == 1, "every instance finds them anew"
    assert len(set(alone[1])) == len(alone[1])


def test_afterwards_hypothesis_seeds_them_again() -> None:
    with pytest.raises(KeyError), without_global_generators():
        raise KeyError
    assert len(set(searched(nullcontext())[1])) == 1


@pytest.mark.parametrize("of_a_suite", [True, False])
def test_a_claim_on_a_subject_finds_them_seeded(of_a_suite: bool) -> None:
    """A step of the user's own that reads them does the same on the same instance."""
    one, _, read = reader()
    suite = cast(Suite, object()) if of_a_suite else None
    setting = Setting(Depth.QUICK, root=1, every_claim=False, reported=False)
    conditions = Conditions(setting, {}, suite, lambda _: [], [], None, {}, Commands())
    Verification(conditions).mutant(one.neighbour("same", "the claim itself"))
    assert (len(set(read)) == 1) != of_a_suite
