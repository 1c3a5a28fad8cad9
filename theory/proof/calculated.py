"""A number of a theorem twice: as text, which provers read, and as a function, which calculates it.

Each module of theory/theorems/ lists those of its theorems; a test evaluates both at rational points, and finds the definitions in
obligations and ranges that no function calculates (tests/theory/theorems/test_calculated.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from theory.proof.formula import names


@dataclass(frozen=True)
class Calculated:
    """A text in the notation of theory/proof/formula.py, and what calculates the same number from its letters."""

    text: str
    function: Callable[..., Any]
    """Takes the letters by name, as balls, and the counts n and m as whole numbers; its answer is a ball."""
    within: tuple[str, ...] = ()
    """Comparisons of the letters: where the two are the same."""

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of the text and of ``within``."""
        return tuple(dict.fromkeys(name for text in (self.text, *self.within) for name in names(text)))
