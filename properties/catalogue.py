"""The registry of claims, id -> Claim in the order in which the table shows them, the slack table, and statements that are no claims.

They are found in the chapters: every module there may have tuples ``CLAIMS`` and ``SLACK``, and mappings ``MEASURED_SLACK`` and ``NOT_CLAIMS``. Chapters come in the order of their
``SECTION`` and have a ``TITLE``, modules in that of their names, the one that is called as its chapter first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import Any

from properties import chapters
from properties.descent.stored_theory import name_theory
from properties.engine.chapter import Chapter
from properties.engine.claim import Claim
from properties.engine.slack import SlackRow

name_theory()


def _within(package: ModuleType) -> list[ModuleType]:
    """The modules of a package, by their names; the one that is called as the package first."""
    own = package.__name__.rpartition(".")[2]
    names = sorted((one.name for one in iter_modules(package.__path__)), key=lambda name: (name != own, name))
    return [import_module(f"{package.__name__}.{name}") for name in names]


_BY_CHAPTER = {chapter: _within(chapter) for chapter in sorted(_within(chapters), key=lambda chapter: chapter.SECTION)}
_MODULES = [module for modules in _BY_CHAPTER.values() for module in modules]

registry: Mapping[str, Claim[Any]] = MappingProxyType(
    {claim.id: claim for module in _MODULES for claim in getattr(module, "CLAIMS", ())}
)

claims_by_chapter: tuple[Chapter, ...] = tuple(
    Chapter(
        chapter.__name__.rpartition(".")[2],
        chapter.TITLE,
        tuple(claim.id for module in modules for claim in getattr(module, "CLAIMS", ())),
    )
    for chapter, modules in _BY_CHAPTER.items()
)

slack_table: tuple[SlackRow, ...] = tuple(row for module in _MODULES for row in getattr(module, "SLACK", ()))

measured_slack: Mapping[str, Callable[[], Sequence[SlackRow]]] = MappingProxyType(
    {claim: rows for module in _MODULES for claim, rows in getattr(module, "MEASURED_SLACK", {}).items()}
)
"""By claim the rows of that table whose numbers are measured on networks, which takes a moment: only a table that is shown has them."""

not_claims: Mapping[str, str] = MappingProxyType(
    {id: reason for module in _MODULES for id, reason in getattr(module, "NOT_CLAIMS", {}).items()}
)
"""Statements of docs/theory.md that are not executable as claims, with the reason."""
