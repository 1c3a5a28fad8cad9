"""Searches that leave the global random generators alone.

Hypothesis seeds those of Python and NumPy before each description and puts them back after it, which costs more than a draw. That is
for code that reads them, such as a step of the user's own; an instance of a suite comes from a generator of its own seed. No
setting of Hypothesis says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from hypothesis import core


@contextmanager
def without_global_generators() -> Iterator[None]:
    """Hypothesis does not touch them while it lasts. In one thread at a time."""
    names = vars(core)
    kept = names["deterministic_PRNG"]
    names["deterministic_PRNG"] = nullcontext
    try:
        yield
    finally:
        names["deterministic_PRNG"] = kept
