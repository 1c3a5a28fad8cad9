"""What one statement says in numbers, from which its claim and the claim's mutants are made.

A chapter's rule is a frozen dataclass of these numbers with those of the methods ``hypotheses``, ``conclusion``, ``confirm``,
``sampled`` and ``features`` that it needs, as Claim has them. A mutant is the claim under a rule with some numbers replaced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from properties.engine.claim import Bound, Claim, Family, Hypothesis, Mutant, Provenance

Families = tuple[Family[Any], ...]

CHECKS = ("hypotheses", "conclusion", "confirm", "sampled")
"""What a rule may check of an instance."""


@dataclass(frozen=True)
class Stated:
    """The numbers of one statement, as it stands or as a mutant misstates them."""

    @property
    def assumes(self) -> tuple[str, ...]:
        """The names of the hypotheses that all its claims have."""
        return ()

    def mutated(self) -> Families:
        """The families of a mutant that names none: the claim's own where this is empty."""
        return ()

    def hypotheses(self, instance: Any) -> Sequence[Hypothesis]:
        """Nothing is asked for."""
        del instance
        return ()

    def conclusion(self, instance: Any) -> Sequence[Bound]:
        """Nothing is concluded but from samples."""
        del instance
        return ()

    def checks(self) -> dict[str, Any]:
        """What a claim checks by this rule."""
        return {name: getattr(self, name, None) for name in CHECKS}

    def claim(
        self,
        id: str,
        statement: str,
        provenance: Provenance,
        *mutants: Neighbour,
        source: str = "",
        also: tuple[str, ...] = (),
        **parts: Any,
    ) -> Claim[Any]:
        """The claim with its mutants; ``parts`` are the claim's own, ``also`` what it assumes beside the usual hypotheses.

        Without a source it is the section of docs/theory.md.
        """
        own = {"features": self.features} if hasattr(self, "features") else {}
        claim = Claim(
            id=id,
            statement=statement,
            provenance=provenance,
            source=source or f"docs/theory.md, {id}",
            **{**self.checks(), **own, "assumes": (*self.assumes, *also), **parts},
        )
        return claim.with_mutants(*(made(claim, self) for made in mutants))


Neighbour = Callable[[Claim[Any], Any], Mutant]
"""``(claim, its rule)`` -> a mutant."""


def mutant(id: str, description: str, drops: str = "", families: Families = (), **changes: Any) -> Neighbour:
    """The claim under a rule with some of its numbers replaced; nothing is counted."""

    def made(claim: Claim[Any], rule: Any) -> Mutant:
        false = dataclasses.replace(rule, **changes)
        own = families or false.mutated() or claim.families
        return claim.neighbour(id, description, drops, families=own, features=lambda _: (), **false.checks())

    return made


def replaced(id: str, description: str, drops: str = "", **parts: Any) -> Neighbour:
    """The claim with other parts, which no rule gives."""

    def made(claim: Claim[Any], rule: Any) -> Mutant:
        del rule
        return claim.neighbour(id, description, drops, **parts)

    return made
