"""A chapter: claims that stand together, in the table, in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """Its name in file names, its title, and the ids of its claims in order."""

    name: str
    title: str
    claims: Sequence[str]
