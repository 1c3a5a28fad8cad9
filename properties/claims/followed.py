"""Families of networks that are followed in balls: small ones from W(0), wide ones from stored float64 weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.claim import Depth, Family
from properties.instances import NetworkInstance, descending
from properties.strategies import Description

AnyNetwork = TypeVar("AnyNetwork", bound=NetworkInstance)
Draw = Callable[..., SearchStrategy[Description]]
"""Descriptions with the given parts in place of, or beside, its own."""

STEPS = (*range(2, 11), 20, 30)
"""Steps of a ball trajectory."""

LEAST_HALF_WIDTH = 64
"""Below so many neurons one flip alone makes C too large."""


def followed(build: Callable[[Description], Any], description: Description) -> Any:
    """The network that ``build`` makes, followed in balls."""
    found = build(description)
    return descending(found, enclosed=True, steps=description["steps"], stored=description["stored"])


def small_parts() -> dict[str, SearchStrategy[Any]]:
    """m = 128 to 512, 2 to 30 steps from W(0)."""
    return {
        "half_width": st.sampled_from([LEAST_HALF_WIDTH, 128, 256]),
        "scale": st.sampled_from([1, 4]),
        "steps": st.sampled_from(STEPS),
        "stored": st.just(0),
    }


def wide_parts() -> dict[str, SearchStrategy[Any]]:
    """m = 16,000 or 32,000, one step from the weights that float64 has reached after 1 to 4 steps."""
    return {
        "half_width": st.sampled_from([8000, 16000]),
        "steps": st.just(1),
        "stored": st.integers(1, 4),
    }


def plane_parts() -> dict[str, SearchStrategy[Any]]:
    """Up to eight inputs, most of them orthogonal: others have too small a lambda for a flip at these widths."""
    return {
        "inputs": st.sampled_from([1, 2, 2, 3, 4, 8]),
        "dimension": st.sampled_from([2, 3, 4, 8]),
        "kind": st.sampled_from(["uniform", "orthogonal", "orthogonal", "clustered"]),
    }


def families(
    draw: Draw, build: Callable[[Description], Any], *counts: tuple[int, int, int], **parts: SearchStrategy[Any]
) -> tuple[Family[Any], Family[Any]]:
    """The two families of ReLU networks, with the examples (quick, normal, thorough) of each; ``parts`` for the small ones."""
    (small, wide) = (dict(zip(Depth, found, strict=True)) for found in counts)
    return (
        Family(
            "balls",
            "ball trajectories of small ReLU networks",
            lambda: draw(**small_parts(), **parts),
            lambda description: followed(build, description),
            small,
        ),
        Family(
            "balls wide",
            "exact steps from stored weights of wide ReLU networks",
            lambda: draw(**wide_parts()),
            lambda description: followed(build, description),
            wide,
        ),
    )
