"""Draws that do not depend on which modules are loaded.

Hypothesis takes one number in twenty from a pool, half of the time one of numbers that stand in the code of the local modules that this process
has loaded: what a search draws would depend on what ran before it, on the process that it runs in, and on whether this is a checkout or
a wheel. No setting of Hypothesis says so; while a search lasts, the pool is that of Hypothesis alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.internal.conjecture import providers


@contextmanager
def without_local_constants() -> Iterator[None]:
    """Hypothesis knows no numbers of local modules while it lasts. In one thread at a time."""
    kept = providers._get_local_constants, providers.CONSTANTS_CACHE
    nothing = type(providers._local_constants)()
    providers._get_local_constants, providers.CONSTANTS_CACHE = lambda: nothing, type(kept[1])(kept[1].max_size)
    try:
        yield
    finally:
        providers._get_local_constants, providers.CONSTANTS_CACHE = kept
