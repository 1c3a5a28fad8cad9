"""Families of networks that are followed in balls: small ones from W(0), wide ones from stored float64 weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.instances import descending
from properties.descent.strategies import Description
from properties.engine.claim import Depth, Family

Parts = Mapping[str, SearchStrategy[Any]]
Draw = Callable[..., SearchStrategy[Description]]
"""Descriptions with the given parts in place of, or beside, its own."""
Build = Callable[[Description], Any]
Counts = tuple[int, int, int]
"""Examples at depth quick, normal and thorough."""

STEPS = (*range(2, 11), 20, 30)
"""Steps of a ball trajectory."""


LEAST_RESIDUAL_BITS = 200
"""A trajectory ends before the residual has fallen to ``2^-200``: balls are not asked for more bits than they get."""


def useful_steps(eta: float, steps: int) -> int:
    """At least 2, at most ``steps``, and no more than the linear rate ``|1 - eta|`` allows."""
    linear = abs(1 - eta)
    if not 0 < linear < 1:
        return min(steps, 2)
    return max(min(steps, 2), min(steps, int(LEAST_RESIDUAL_BITS / -math.log2(linear))))


def followed(build: Build, description: Description) -> Any:
    """The network that ``build`` makes, followed in balls."""
    found = build(description)
    steps = useful_steps(found.eta, description["steps"])
    return descending(found, enclosed=True, steps=steps, stored=description["stored"])


SMALL: dict[str, SearchStrategy[Any]] = {
    "half_width": st.sampled_from([64, 128, 256, 256]),
    "scale": st.sampled_from([1, 4]),
    "steps": st.sampled_from(STEPS),
    "stored": st.just(0),
}
"""m = 128 to 512: with fewer neurons one flip alone makes C too large."""

WIDE: dict[str, SearchStrategy[Any]] = {
    "half_width": st.sampled_from([8000, 16000]),
    "steps": st.just(1),
    "stored": st.integers(1, 4),
}
"""m = 16,000 or 32,000: one step from the weights that float64 has reached after 1 to 4."""

SMOOTH: dict[str, SearchStrategy[Any]] = {
    "half_width": st.integers(5, 20),
    "steps": st.sampled_from(STEPS[:5]),
    "stored": st.just(0),
}
"""m = 10 to 40, as every entry is a ball there."""

UP_TO_EIGHT_INPUTS: dict[str, SearchStrategy[Any]] = {
    "inputs": st.sampled_from([1, 1, 2, 2, 3, 4, 8]),
    "dimension": st.sampled_from([2, 3, 4, 8, 8]),
    "kind": st.sampled_from(["uniform", "orthogonal", "orthogonal", "orthogonal", "clustered"]),
}
"""Most of them orthogonal: others have too small a lambda for a flip at small widths."""


def _family(id: str, title: str, draw: Draw, build: Build, parts: Parts, counts: Counts) -> Family[Any]:
    return Family(
        id,
        title,
        lambda: draw(**parts),
        lambda description: followed(build, description),
        dict(zip(Depth, counts, strict=True)),
    )


def small_networks(draw: Draw, build: Build, parts: Parts, counts: Counts) -> Family[Any]:
    """Ball trajectories from W(0); examples at each depth. ``parts`` are the inputs'."""
    return _family("balls", "ball trajectories of small ReLU networks", draw, build, {**SMALL, **parts}, counts)


def wide_networks(draw: Draw, build: Build, counts: Counts) -> Family[Any]:
    """One step at a time."""
    return _family("balls wide", "exact steps from stored weights of wide ReLU networks", draw, build, WIDE, counts)


def smooth_networks(draw: Draw, build: Build, counts: Counts) -> Family[Any]:
    """Ball trajectories from W(0) with other activations."""
    return _family("balls smooth", "ball trajectories of small smooth networks", draw, build, SMOOTH, counts)
