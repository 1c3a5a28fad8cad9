"""Which items of a distributed run start first."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.engine.run.claim_shares import ClaimShare
from properties.engine.run.order import SOON, UNKNOWN, order_of_start, seconds_once
from tests.properties.engine import fake_claims

KNOWN = {"N-long": 30.0, "N-short": 2.5, "known": 3.0}


def run(*claims: str, selective: bool = True, chapter: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(
        pieces=[SimpleNamespace(item_name=name) for name in ("new", "known")],
        searches=[SimpleNamespace(id=id) for id in claims],
        document=SimpleNamespace(chapters=[{"claims": chapter}]),
        selective=selective,
    )


def parametrised(test: str, name: str, argument: str) -> Any:
    return SimpleNamespace(name=f"{test}[{name}]", callspec=SimpleNamespace(id=name, params={argument: 0}))


def test_the_longest_come_first_and_the_others_keep_their_order() -> None:
    chosen = [SimpleNamespace(name=name) for name in ("first", "N-short", "known", "second", "new", "N-long")]
    listed: Any = [
        *chosen,
        parametrised("test_claim", "N-long", "registered_claim"),
        parametrised("test_part", "x", "requested_part"),
        parametrised("test_other", "N-long", "name"),
    ]
    expected = ["N-long", "test_claim[N-long]", "new", "test_part[x]", "known", "N-short", "first", "second"]
    names = [item.name for item in sorted(listed, key=order_of_start(run("N-long", "N-short"), KNOWN))]
    assert names == [*expected, "test_other[N-long]"]
    key = order_of_start(run(), {})
    assert [key(item) for item in listed[:6]] == [0, 0, -UNKNOWN, 0, -UNKNOWN, 0]


@pytest.mark.parametrize(("chapter", "first"), [((), "N-b"), (("N-c", "N-b"), "N-c"), (("N-long", "N-absent"), "N-b")])
def test_before_them_comes_the_first_claim_with_a_verdict_soon(chapter: tuple[str, ...], first: str) -> None:
    names = ("N-long", "N-b", "N-c")
    listed: Any = [SimpleNamespace(name=name) for name in names]
    known = {**KNOWN, "N-b": SOON}
    assert min(listed, key=order_of_start(run(*names, chapter=chapter), known)).name == first


def test_a_share_of_a_claim_has_no_verdict_soon() -> None:
    found = run("N-b")
    found.searches.insert(0, ClaimShare("F1", fake_claims.claim("N-a")))
    names: Any = [SimpleNamespace(name=name) for name in ("N-a[F1]", "N-b")]
    assert min(names, key=order_of_start(found, {"N-a[F1]": 1.0})).name == "N-b"


def test_among_other_tests_only_the_claim_s_own_comes_first() -> None:
    key = order_of_start(run("N-b", selective=False), {})
    assert key(parametrised("test_claim", "N-b", "registered_claim")) == -math.inf
    assert key(parametrised("test_other", "N-b", "name")) == 0
    other: Any = SimpleNamespace(name="N-b")
    assert key(other) == 0


def test_seconds_are_those_of_the_file_where_there_is_one(tmp_path: Path) -> None:
    durations = tmp_path / "seconds.json"
    assert seconds_once(durations) == seconds_once(None) == {}
    durations.write_text(json.dumps(KNOWN))
    assert seconds_once(durations) == KNOWN
