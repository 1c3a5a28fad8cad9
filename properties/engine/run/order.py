"""In which order the items of a distributed run start: one with a verdict soon, then the longest, as a worker that begins one last lets the others wait."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from properties.engine.run.claim_shares import ClaimShare
from properties.engine.run.run import CLAIM, PART, SUBJECTS, Run

UNKNOWN = 10.0
"""Seconds that the share of a part is taken for where nobody measured it: data of the user's."""

SOON = 2.0
"""Seconds within which the first claim gives its verdict."""


def seconds_once(durations: Path | None) -> Mapping[str, float]:
    """By name the seconds that items took once; a file that is not there knows of none."""
    if durations is None or not durations.is_file():
        return {}
    found: dict[str, float] = json.loads(durations.read_text(encoding="utf-8"))
    return found


def order_of_start(run: Run, known: Mapping[str, float]) -> Callable[[pytest.Item], float]:
    """The key by which items are sorted.

    First comes the first claim, in the order of the chapters, that takes no longer than ``SOON``; then the longest, by the seconds that
    an item of the same name took once, or a guess.
    """
    pieces = {piece.item_name for piece in run.pieces}
    first = _first_claim(run, known)

    def key(item: pytest.Item) -> float:
        asked = getattr(getattr(item, "callspec", None), "params", {})
        name = next((item.callspec.id for one in SUBJECTS if one in asked), item.name)  # type: ignore[attr-defined]
        if name == first and (run.selective or CLAIM in asked):
            return -math.inf
        return -known.get(name, UNKNOWN if name in pieces or PART in asked else 0.0)

    return key


def _first_claim(run: Run, known: Mapping[str, float]) -> str | None:
    selected = [one.id for one in run.searches if not isinstance(one, ClaimShare)]
    in_chapters = [id for chapter in run.document.chapters for id in chapter["claims"] if id in selected]
    return next((id for id in (*in_chapters, *selected) if known.get(id, 0.0) <= SOON), None)
