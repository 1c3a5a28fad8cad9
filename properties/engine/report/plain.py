"""Plain values: what JSON can hold, whatever the mathematics produced."""

import json
import math
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """The same value in dicts with string keys, lists, strings, finite numbers, booleans and None.

    Infinities and NaN become the strings "inf", "-inf" and "nan", which JSON has no numbers for; floats keep every
    bit. Whatever has no plain form becomes its ``str``.
    """
    match value:
        case None | bool():
            return value
        case Enum():
            return plain(value.value)
        case str():
            return str(value)
        case np.generic():
            return plain(value.item())
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else str(float(value))
        case np.ndarray():
            return plain(value.tolist())
        case Mapping():
            return {str(plain(key)): plain(entry) for key, entry in value.items()}
        case Sequence():
            return [plain(entry) for entry in value]
        case Set():
            return sorted((plain(entry) for entry in value), key=str)
    return str(value)


def counted(count: int, noun: str, several: str = "") -> str:
    """A number of things: ``1 step``, ``2 steps``; ``several`` where an s does not make the plural."""
    return f"{count} {noun if count == 1 else several or f'{noun}s'}"


DRAWN = 8
"""Significant digits of numbers that are drawn."""


def drawn(values: Sequence[float]) -> list[Any]:
    """Plain numbers for a picture, to ``DRAWN`` significant digits."""
    return [plain(float(f"{value:.{DRAWN}g}")) for value in values]


def number(value: Any) -> float:
    """Back from a plain number, the strings of infinities and NaN included."""
    return float(value)


def json_text(value: Any) -> str:
    """Standard JSON of the plain form of ``value``, ending in a newline."""
    return json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def record_text(content: Mapping[str, Any]) -> str:
    """Standard JSON of the plain form of ``content``, each entry of its lists on a line of its own, ending in a newline."""
    found = plain(content)
    return "{\n" + ",\n".join(f"{_line(key)}: {_entries(value)}" for key, value in found.items()) + "\n}\n"


def _entries(value: Any) -> str:
    listed = isinstance(value, list) and value
    return "[\n" + ",\n".join(map(_line, value)) + "\n]" if listed else _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
