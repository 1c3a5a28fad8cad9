"""What a counterexample file tells of its evaluation: each part of the kind that the writing of one makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from properties.engine.claim import Evidence, InstanceVerdict, Verdict
from properties.engine.report.entries import Entry
from theory.errors import DocumentError

INFINITIES = ("inf", "-inf", "nan")
"""How numbers are written that JSON has none for."""

Check = Callable[[Any], bool]
Kind = tuple[str, Check]
"""What it is in words, and the test of it."""


def recorded_evaluation(content: Mapping[str, Any]) -> Entry:
    """The part of a file's content that its replay is compared with. Raises DocumentError where something else stands there."""
    _check("the file", content, FILE)
    for part, kinds in (("hypotheses", HYPOTHESIS), ("bounds", BOUND)):
        for place, entry in enumerate(content[part]):
            where = f"{part}[{place}]"
            if not isinstance(entry, Mapping) or not kinds.keys() <= entry.keys():
                raise DocumentError(f"{where} is not {', '.join(kinds)}: the file is damaged")
            _check(where, entry, kinds)
    if "all_bounds" in content:
        _check("the file", content, {"all_bounds": MAPPING})
    kept = ("verdict", "precision", "hypotheses", "bounds", "all_bounds")
    return {key: content[key] for key in kept if key in content}


def _check(where: str, holder: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    for key, (name, belongs) in kinds.items():
        if not belongs(holder[key]):
            raise DocumentError(f"{key} of {where} is {str(holder[key])[:40]!r}, not {name}: the file is damaged")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: Any) -> bool:
    if isinstance(value, str):
        return value in INFINITIES
    return isinstance(value, int | float) and not isinstance(value, bool)


def _one_of(values: type[StrEnum]) -> Kind:
    known = tuple(one.value for one in values)
    return f"one of {', '.join(known)}", lambda value: isinstance(value, str) and value in known


TEXT: Kind = ("a text", _text)
TEXTS: Kind = ("a list of texts", _texts)
COUNT: Kind = ("a natural number", _count)
NUMBER: Kind = ("a number", _number)
LIST: Kind = ("a list", lambda value: isinstance(value, list))
MAPPING: Kind = ("a mapping", lambda value: isinstance(value, Mapping))

FILE: Mapping[str, Kind] = {
    "replay": TEXT,
    "claim": TEXT,
    "statement": TEXT,
    "family": TEXT,
    "rounded": TEXTS,
    "verdict": _one_of(InstanceVerdict),
    "evidence": _one_of(Evidence),
    "hypotheses": LIST,
    "bounds": LIST,
    "features": TEXTS,
    "precision": COUNT,
    "seed": COUNT,
    "depth": TEXT,
    "environment": MAPPING,
}
HYPOTHESIS: Mapping[str, Kind] = {"name": TEXT, "verdict": _one_of(Verdict), "margin": NUMBER}
BOUND: Mapping[str, Kind] = {
    "label": TEXT,
    "measured": NUMBER,
    "predicted": NUMBER,
    "ratio": NUMBER,
    "rounding": NUMBER,
    "verdict": _one_of(Verdict),
    "evidence": _one_of(Evidence),
}
"""The keys of the file, of a hypothesis and of a bound."""
