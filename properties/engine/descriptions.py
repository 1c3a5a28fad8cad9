"""Strategies of descriptions: mappings whose keys always come in the same order; and families that draw them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.engine.claim import Depth, Family

I = TypeVar("I")  # noqa: E741


def described(parts: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[Mapping[str, Any]]:
    """Draw every part; unlike ``fixed_dictionaries`` no choices are spent on the order of the keys.

    The smallest description has every part at its smallest.
    """
    names = tuple(parts)
    return st.tuples(*parts.values()).map(lambda values: dict(zip(names, values, strict=True)))


def described_family(
    id: str,
    title: str,
    build: Callable[[Mapping[str, Any]], I],
    counts: tuple[int, int, int],
    **parts: SearchStrategy[Any],
) -> Family[I]:
    """A family of descriptions with these parts; ``counts`` says how many are drawn at each depth."""
    return Family(id, title, partial(described, parts), build, dict(zip(Depth, counts, strict=True)))
