"""What an item does around its verification."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from properties.engine.claim import Bound, Depth, Evidence, Verdict
from properties.engine.extension import Suite
from properties.engine.part import Setting
from properties.engine.report.commands import Commands
from properties.engine.report.environment import environment
from properties.engine.run.claim_shares import ClaimShare
from properties.engine.run.items import RUN, Item
from properties.engine.run.verification import Conditions, Outcome, Verification
from properties.engine.statistics import Trials
from properties.suite import SUITE
from tests.linear_algebra import blas_threads
from tests.properties.engine import fake_claims
from tests.properties.engine.fake_claims import Point

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


@pytest.mark.parametrize(("suite", "times"), [(Suite("", {}), 1), (None, 2)], ids=["of the suite", "on a subject"])
def test_the_trials_of_a_refutation_are_done_once_unless_a_subject_may_keep_state_between_them(
    tmp_path: Path, suite: Suite | None, times: int
) -> None:
    seen = []

    def sampled(point: Point, trials: Trials) -> Sequence[Bound]:
        seen.append(point)
        return [Bound("failures", 2.0, 1.0, 0.0, Verdict.REFUTED, Evidence.ESTIMATED)]

    setting = Setting(Depth.QUICK, root=1, every_claim=False, reported=True)
    conditions = Conditions(setting, {}, suite, lambda _: [], [], tmp_path, environment(), Commands())
    found = Verification(conditions).mutant(fake_claims.claim().neighbour("sampled", "sampled", sampled=sampled))
    assert found.passed
    assert found.files
    assert seen == times * [Point(0.0)]
