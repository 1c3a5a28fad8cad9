"""How the ratios measured/predicted of a claim's instances are distributed: counts in fixed bins, finer towards 1."""

from __future__ import annotations

from bisect import bisect_right

_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))

EDGES = (1e-3, 1e-2, *_TENTHS, 0.99, 0.999, 0.9999, 1 - 1e-6)
"""Where one bin of ratios strictly between 0 and 1 ends and the next begins, which holds the edge."""


def _labels() -> tuple[str, ...]:
    names = [*(f"{edge:g}" for edge in EDGES[:-1]), "1 - 1e-6"]
    between = [f"{low} to {high}" for low, high in zip(names, [*names[1:], "1"], strict=True)]
    return ("0", f"below {names[0]}", *between, "1", "above 1")


BINS = _labels()
"""In increasing order. Ratios of exactly 0 and exactly 1 have bins of their own: identities and equalities."""


def ratio_bin(ratio: float) -> str:
    """The bin of a ratio, which is at least 0 and may be infinite."""
    if ratio <= 0:
        return BINS[0]
    if ratio >= 1:
        return BINS[-2] if ratio == 1 else BINS[-1]
    return BINS[1 + bisect_right(EDGES, ratio)]
