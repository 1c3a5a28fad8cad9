"""Where the user's step is written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from properties.engine.run.place import Place, place
from properties.guard.implementation import Implementation

OURS = Path(__file__).resolve().parents[2]
"""Where this project's own modules lie, which are nobody's step."""


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
