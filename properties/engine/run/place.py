"""Where a function is written: what a report points at."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Place:
    """A line of a file, from 1."""

    file: Path
    line: int


def place(function: Callable[..., Any]) -> Place | None:
    """Where a function is written, or what it wraps, a method, an instance's ``__call__``; None for compiled ones."""
    found: Any = inspect.unwrap(function)
    while isinstance(found, functools.partial):
        found = inspect.unwrap(found.func)
    if not hasattr(found, "__code__"):
        found = getattr(type(found).__call__, "__func__", type(found).__call__)
    code = getattr(found, "__code__", None)
    if code is None or not Path(code.co_filename).is_file():
        return None
    return Place(Path(code.co_filename).resolve(), code.co_firstlineno)
