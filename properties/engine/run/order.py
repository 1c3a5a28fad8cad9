"""Which items of a distributed run start first: the longest, as a worker that begins one last lets the others wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from properties.engine.run.run import PART, SUBJECTS, Run

UNKNOWN = 10.0
"""Seconds that the share of a part is taken for where nobody measured it: data of the user's."""


def longest_first(run: Run, durations: Path | None) -> Callable[[pytest.Item], float]:
    """The key by which items are sorted: the seconds that one of the same name took once, or a guess; the longest is the least."""
    known: dict[str, float] = {}
    if durations is not None and durations.is_file():
        known = json.loads(durations.read_text(encoding="utf-8"))
    pieces = {piece.item_name for piece in run.pieces}

    def seconds(item: pytest.Item) -> float:
        asked = getattr(getattr(item, "callspec", None), "params", {})
        name = next((item.callspec.id for one in SUBJECTS if one in asked), item.name)  # type: ignore[attr-defined]
        return known.get(name, UNKNOWN if name in pieces or PART in asked else 0.0)

    return lambda item: -seconds(item)
