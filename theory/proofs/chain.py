"""A theorem's proof as a chain of links, each with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from theory.rigour.obligation import Obligation


class Basis(StrEnum):
    """What a link rests on."""

    PROVED = "proved"
    """Obligations: for all reals, by two provers."""
    CHECKED = "checked"
    """Claims: on their instances, tested, estimated or enclosed as the claims' evidence says."""
    ARGUED = "argued"
    """A text in this project, for a reader to follow."""


@dataclass(frozen=True)
class Link:
    """One step of a proof."""

    step: str
    basis: Basis
    references: tuple[str, ...]
    """Ids of obligations, ids of claims, or "file: phrase", the place where the argument stands."""


@dataclass(frozen=True)
class Chain:
    """The proof of one theorem, from its hypotheses to its conclusion."""

    theorem: str
    """Its id, that of a claim."""
    links: tuple[Link, ...]

    @property
    def obligations(self) -> tuple[str, ...]:
        """Ids of the obligations it needs."""
        return tuple(id for link in self.links if link.basis is Basis.PROVED for id in link.references)


def proved(step: str, *obligations: Obligation) -> Link:
    """A link that scalar obligations prove."""
    return Link(step, Basis.PROVED, tuple(obligation.id for obligation in obligations))


def checked(step: str, *claims: str) -> Link:
    """A link that claims of the registry check on instances."""
    return Link(step, Basis.CHECKED, claims)


def argued(step: str, *places: str) -> Link:
    """A link that a text argues: "docs/theory.md: phrase that stands there"."""
    return Link(step, Basis.ARGUED, places)
