"""Where a theorem's proof uses an obligation: for which numbers the theorem speaks, and that the obligation was proved for all of them.

A range is written in the theorem's own letters, with its own limits, and says what the obligation's letters stand for there. Its
``ties`` are implications, decided by the provers: whoever is in the range meets each hypothesis of the obligation. An obligation
proved for less than a theorem needs has a tie that is refuted. Each module of theory/theorems/ has those of its theorems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from flint import fmpq

from theory.proof.formula import names
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation


@dataclass(frozen=True)
class Range:
    """What a theorem's proof needs of one part of an obligation, or of two that share the work."""

    theorem: str
    cases: tuple[tuple[str, int], ...]
    """Obligations and their parts."""
    hypotheses: tuple[str, ...]
    """The numbers of which the theorem speaks."""
    where: Mapping[str, str] = field(default_factory=dict)
    """What the obligation's letters stand for."""
    split: str = ""
    """Of two cases the first is for numbers at which this is not positive, the second for those at which it is not negative."""

    def ties(self, obligations: Mapping[str, Obligation]) -> Iterator[Implication]:
        """One implication for every hypothesis of every case: it follows from the range. Raises ValueError, KeyError."""
        for place, (id, part) in enumerate(self.cases):
            yield from self.tied(obligations[id].parts[part], place)

    def tied(self, implication: Implication, place: int = 0) -> Iterator[Implication]:
        """The same for one case. Raises ValueError where one letter means two things."""
        sides = [f"{self.split} {'>=' if place else '<='} 0"] if self.split else []
        shared = self.where.keys() & implication.where.keys()
        if any(self.where[name] != implication.where[name] for name in shared):
            raise ValueError(f"{self.theorem}: {', '.join(shared)} has two meanings in {implication}")
        where = {**self.where, **implication.where}
        for hypothesis in implication.hypotheses:
            yield Implication(
                (*self.hypotheses, *sides), hypothesis, _needed(where, (*self.hypotheses, *sides, hypothesis))
            )


def needs(
    theorem: str, obligation: Obligation, parts: tuple[int, ...], /, *hypotheses: str, **where: str
) -> list[Range]:
    """One range for several parts, each of which is proved for all of it."""
    return [Range(theorem, ((obligation.id, part),), hypotheses, where) for part in parts]


def shares(
    theorem: str,
    first: tuple[Obligation, int],
    second: tuple[Obligation, int],
    split: str,
    /,
    *hypotheses: str,
    **where: str,
) -> Range:
    """What two parts prove together: one up to where ``split`` is 0, the other from there on."""
    cases = tuple((obligation.id, part) for obligation, part in (first, second))
    return Range(theorem, cases, hypotheses, where, split)


def taken_over(theorem: str, ranges: Iterable[Range], *others: str) -> list[Range]:
    """All that the proofs of other theorems need, for one that rests on them."""
    return [replace(one, theorem=theorem) for one in ranges if one.theorem in others]


def constants(limit: fmpq, included: bool) -> str:
    """The C of which a theorem speaks, as a comparison."""
    return f"0 <= C {'<=' if included else '<'} {limit.p}/{limit.q}"


def _needed(where: Mapping[str, str], texts: tuple[str, ...]) -> dict[str, str]:
    """The definitions that the texts use, directly or by others, in their order."""
    used = {name for text in texts for name in names(text)}
    for name, text in reversed(list(where.items())):
        if name in used:
            used |= set(names(text))
    return {name: text for name, text in where.items() if name in used}
