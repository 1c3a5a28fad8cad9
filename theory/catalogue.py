"""What the theorems' proofs rest on: obligations, chains of links, ranges, and the numbers that are text and function.

They are found in the modules of theory/theorems/: each may have tuples ``OBLIGATIONS``, ``CHAINS``, ``RANGES`` and ``CALCULATED``.
Modules come in the order of their ``SECTION``, the section of docs/theory.md where the statements stand, and of their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType

from theory import theorems
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation
from theory.proof.range import Range

STATED = ("OBLIGATIONS", "CHAINS", "RANGES", "CALCULATED")


def stating(package: ModuleType) -> list[ModuleType]:
    """The modules of a package that have one of these tuples, in order. Raises AttributeError for one of them without ``SECTION``."""
    found = [import_module(f"{package.__name__}.{one.name}") for one in iter_modules(package.__path__)]
    own = [module for module in found if any(hasattr(module, name) for name in STATED)]
    return sorted(own, key=lambda module: (module.SECTION, module.__name__))


modules = stating(theorems)
"""The modules that state theorems."""

obligations: Mapping[str, Obligation] = MappingProxyType(
    {one.id: one for module in modules for one in getattr(module, "OBLIGATIONS", ())}
)
"""id -> obligation."""

chains: Mapping[str, Chain] = MappingProxyType(
    {one.theorem: one for module in modules for one in getattr(module, "CHAINS", ())}
)
"""id of a theorem -> the chain of its proof."""

ranges: tuple[Range, ...] = tuple(one for module in modules for one in getattr(module, "RANGES", ()))
"""For every theorem whose proof needs an obligation, and every part of it, where it is needed."""

calculated: tuple[Calculated, ...] = tuple(one for module in modules for one in getattr(module, "CALCULATED", ()))
"""The numbers of the theorems that provers read as text and functions calculate."""


def ties_of(obligation: Obligation) -> list[tuple[str, Implication]]:
    """What has to follow besides the obligation, so that it is proved for all that theorems need: each once, with a theorem.

    Of several theorems it is one of the module that states the obligation, if one of these needs it.
    """
    own = (
        one
        for module in modules
        if any(other.id == obligation.id for other in getattr(module, "OBLIGATIONS", ()))
        for one in getattr(module, "RANGES", ())
    )
    found: dict[str, tuple[str, Implication]] = {}
    for one in (*own, *ranges):
        for place, (id, part) in enumerate(one.cases):
            if id == obligation.id:
                for tie in one.tied(obligation.parts[part], place):
                    found.setdefault(repr(tie), (one.theorem, tie))
    return list(found.values())
