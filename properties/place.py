"""Where the user's step, or a function of ours, is written: what a report points at."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.guard.implementation import Implementation

OURS = Path(__file__).resolve().parents[1]
"""Where this project's own modules lie, which are nobody's step."""


@dataclass(frozen=True)
class Place:
    """A line of a file, from 1."""

    file: Path
    line: int


def step_place(implementation: Implementation) -> Place | None:
    """Where the step is written; where that is not known (an adapter, a compiled function), where its module names it."""
    found = place(implementation.step)
    if found is not None and not _ours(found.file):
        return found
    module_name, _, path = implementation.name.partition(":")
    source = getattr(sys.modules.get(module_name), "__file__", None)
    if source is None or not Path(source).is_file():
        return None
    return Place(Path(source), _naming_line(Path(source), path.partition(".")[0]))


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


def _ours(file: Path) -> bool:
    return any(file.is_relative_to(OURS / package) for package in ("properties", "theory"))


def _naming_line(source: Path, name: str) -> int:
    """The line on which a module gives something the name; 1 where none is found."""
    try:
        lines: Sequence[str] = source.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return 1
    starts = (f"{name} ", f"{name}:", f"{name}=", f"def {name}(", f"class {name}(", f"class {name}:")
    return next((number for number, line in enumerate(lines, 1) if line.startswith(starts)), 1)
