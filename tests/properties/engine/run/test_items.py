"""What an item does around its verification."""

from types import SimpleNamespace
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from properties.engine.run.claim_shares import ClaimShare
from properties.engine.run.items import RUN, Item
from properties.engine.run.verification import Outcome, Verification
from properties.suite import SUITE
from tests.linear_algebra import blas_threads

CLAIM = SUITE.claims["I-pinv"]
ACTS: list[tuple[str, str, Any]] = [
    ("claim", "claim", CLAIM),
    ("claim_share", "claim", ClaimShare("F1", CLAIM)),
    ("mutant", "mutant", CLAIM.mutants[0]),
    ("obligation", "obligation", None),
    ("part", "part", None),
    ("replay", "replay", None),
]


@pytest.mark.parametrize(("verify", "act", "subject"), ACTS)
def test_an_item_is_verified_in_one_thread_and_what_comes_after_it_is_not(
    monkeypatch: pytest.MonkeyPatch, verify: str, act: str, subject: object
) -> None:
    seen = []

    def verified(_: Verification, given: object) -> Outcome:
        assert given is subject
        seen.append(blas_threads())
        return Outcome({}, True, "")

    monkeypatch.setattr(Verification, verify, verified)
    run = SimpleNamespace(conditions=None, report=None)
    item: Any = SimpleNamespace(config=SimpleNamespace(stash={RUN: run}), stash={}, user_properties=[])
    with threadpool_limits(2, user_api="blas"):
        getattr(Item(item), act)(subject)
        assert blas_threads() == {2}
    assert seen == [{1}]
