"""A theorem's proof as a chain of links, each with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from theory.proof.obligation import Obligation


class Basis(StrEnum):
    """What a link rests on."""

    PROVED = "proved"
    """Obligations: for all reals, by two provers."""
    CHECKED = "checked"
    """Claims: on their instances, tested, estimated or enclosed as the claims' evidence says."""
    ARGUED = "argued"
    """A text in this project, for a reader to follow."""


_PLACE = ": "
"""Between a file and the phrase in it; in no id."""

_OBLIGATION = "O-"
"""How the ids of obligations begin, and those of no claim."""


@dataclass(frozen=True)
class Link:
    """One step of a proof. Raises ValueError when its references are none, or of several kinds."""

    step: str
    references: tuple[str, ...]
    """Ids of obligations, ids of claims, or "file: phrase", the place where the argument stands."""

    def __post_init__(self) -> None:
        """Refuse what has no basis."""
        if len({_kind(reference) for reference in self.references}) != 1:
            raise ValueError(
                f"{self.step!r} refers to {', '.join(self.references) or 'nothing'}; it must refer to obligations, "
                f"to claims or to texts, and to one kind of them"
            )

    @property
    def basis(self) -> Basis:
        """What it rests on, as its references say: it is not stated, so that it cannot be stated wrongly."""
        return _kind(self.references[0])


def _kind(reference: str) -> Basis:
    if _PLACE in reference:
        return Basis.ARGUED
    return Basis.PROVED if reference.startswith(_OBLIGATION) else Basis.CHECKED


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
    """A link that scalar obligations prove. Raises ValueError without one."""
    return Link(step, tuple(obligation.id for obligation in obligations))


def checked(step: str, *claims: str) -> Link:
    """A link that claims of the registry check on instances. Raises ValueError for what is no claim's id."""
    return _of(Basis.CHECKED, Link(step, claims))


def argued(step: str, *places: str) -> Link:
    """A link that a text argues: "docs/theory.md: phrase that stands there". Raises ValueError for what is no place."""
    return _of(Basis.ARGUED, Link(step, places))


def _of(basis: Basis, link: Link) -> Link:
    if link.basis is not basis:
        raise ValueError(
            f"{link.step!r} is called {basis.value}, but {', '.join(link.references)} makes it {link.basis.value}"
        )
    return link
