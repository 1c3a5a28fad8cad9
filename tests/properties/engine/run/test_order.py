"""Which items of a distributed run start first."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from properties.engine.run.order import UNKNOWN, longest_first


def test_the_longest_come_first_and_the_others_keep_their_order(tmp_path: Path) -> None:
    durations = tmp_path / "seconds.json"
    durations.write_text(json.dumps({"N-long": 30.0, "N-short": 2.0, "known": 3.0}))
    run: Any = SimpleNamespace(pieces=[SimpleNamespace(item_name=name) for name in ("new", "known")])
    chosen = [SimpleNamespace(name=name) for name in ("first", "N-short", "known", "second", "new", "N-long")]
    listed: Any = [
        *chosen,
        SimpleNamespace(
            name="test_claim[N-long]", callspec=SimpleNamespace(id="N-long", params={"registered_claim": 0})
        ),
        SimpleNamespace(name="test_part[x]", callspec=SimpleNamespace(id="x", params={"requested_part": 0})),
        SimpleNamespace(name="test_other[N-long]", callspec=SimpleNamespace(id="N-long", params={"name": 0})),
    ]
    expected = ["N-long", "test_claim[N-long]", "new", "test_part[x]", "known", "N-short", "first", "second"]
    names = [item.name for item in sorted(listed, key=longest_first(run, durations))]
    assert names == [*expected, "test_other[N-long]"]
    key = longest_first(run, None)
    assert [key(item) for item in listed[:6]] == [0, 0, -UNKNOWN, 0, -UNKNOWN, 0]
