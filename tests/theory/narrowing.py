"""Obligations that say a thousandth less: a hypothesis stronger by 1/1000, a limit shorter, a conclusion weaker by 1.001."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from theory.catalogue import obligations, ranges
from theory.proof.formula import comparisons
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation, Standing, decide
from theory.proof.provers import Prover
from theory.proof.range import Range

MARGIN = "1/10000"
"""By how much a conclusion is strengthened to see that it is tight."""


def not_proved(one: Range, known: Mapping[str, Obligation], prover: Prover, among: Sequence[str] = ()) -> list[str]:
    """The hypotheses that do not follow from the range; of all, or ``among`` some."""
    ties = (tie for tie in one.ties(known) if not among or tie.conclusion in among)
    return [tie.conclusion for tie in ties if decide(tie, prover).standing is not Standing.PROVED]


@dataclass(frozen=True)
class Narrower:
    """An obligation that is proved for less."""

    id: str
    part: int
    hypothesis: str
    """The one that is replaced."""
    comparison: str
    """The one of its comparisons that is stronger now; or the definition that is smaller."""
    known: Mapping[str, Obligation]
    among: tuple[str, ...]
    """The hypotheses that are new."""

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.id} {self.part}: {self.comparison}"

    def noticed(self, prover: Prover) -> bool:
        """Whether some theorem's range is not covered any more."""
        touched = (one for one in ranges if (self.id, self.part) in one.cases)
        return any(not_proved(one, self.known, prover, self.among) for one in touched)


def narrower() -> Iterator[Narrower]:
    """Every comparison of every hypothesis stronger by 1/1000, an equation moved by it, every bound that has a name scaled by 0.999."""
    for id, obligation in obligations.items():
        for part, implication in enumerate(obligation.parts):
            for place, hypothesis in enumerate(implication.hypotheses):
                for text in _stronger(hypothesis):
                    hypotheses = (*implication.hypotheses[:place], text, *implication.hypotheses[place + 1 :])
                    less = dataclasses.replace(implication, hypotheses=hypotheses)
                    yield Narrower(id, part, hypothesis, text, replaced(id, part, less), (text,))


def scaled_limits() -> Iterator[Narrower]:
    """Every definition that a hypothesis uses as a limit, times 0.999 where it is a largest and 1.001 where it is a least value."""
    for id, obligation in obligations.items():
        for part, implication in enumerate(obligation.parts):
            for name, text in implication.where.items():
                users = tuple(one for one in implication.hypotheses if name in _names(one))
                factor = "1001" if any(_is_least(name, one) for one in users) else "999"
                less = dataclasses.replace(implication, where={**implication.where, name: f"{factor}/1000*({text})"})
                if users:
                    yield Narrower(
                        id, part, users[0], f"{name} = {factor}/1000*({text})", replaced(id, part, less), users
                    )


def _is_least(name: str, hypothesis: str) -> bool:
    """Whether it stands on the smaller side of a comparison."""
    return any(
        name in _names(ast.unparse(right if sign in (">", ">=") else left))
        for left, sign, right in comparisons(hypothesis)
    )


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}


def replaced(id: str, part: int, implication: Implication) -> Mapping[str, Obligation]:
    """The obligations, one part of one of them replaced."""
    obligation = obligations[id]
    parts = (*obligation.parts[:part], implication, *obligation.parts[part + 1 :])
    return {**obligations, id: dataclasses.replace(obligation, parts=parts)}


def _stronger(hypothesis: str) -> Iterator[str]:
    """A comparison may become the whole hypothesis: only what has changed is to be noticed."""
    for left, sign, right in comparisons(hypothesis):
        moved = "-" if sign in (">", ">=") else "+"
        yield f"{ast.unparse(left)} {moved} 1/1000 {'==' if sign == '=' else sign} {ast.unparse(right)}"


@dataclass(frozen=True)
class Side:
    """One comparison of a conclusion: ``small`` is at most ``large``."""

    id: str
    part: int
    small: str
    sign: str
    large: str

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.id} {self.part}: {self.small} {self.sign} {self.large}"

    def holds_by(self, factor: str, prover: Prover) -> bool:
        """Whether ``small <= factor*large`` is still proved where ``large`` is positive."""
        return self._proved((f"{self.large} > 0",), f"{self.small} {self.sign} {factor}*({self.large})", prover)

    def holds_with_room(self, room: str, prover: Prover) -> bool:
        """Whether ``small + room <= large`` is still proved."""
        return self._proved((), f"{self.small} + {room} {self.sign} {self.large}", prover)

    def _proved(self, more: Sequence[str], conclusion: str, prover: Prover) -> bool:
        implication = obligations[self.id].parts[self.part]
        changed = Implication((*implication.hypotheses, *more), conclusion, implication.where)
        finding = decide(changed, prover)
        assert finding.standing is not Standing.UNDECIDED, (self.name, finding)
        return finding.standing is Standing.PROVED


def sides() -> Iterator[Side]:
    """Every inequality among the conclusions; equations are tight as they stand."""
    for id, obligation in obligations.items():
        for part, implication in enumerate(obligation.parts):
            for left, sign, right in comparisons(implication.conclusion):
                one, other = ast.unparse(left), ast.unparse(right)
                if sign in ("<", "<="):
                    yield Side(id, part, one, sign, other)
                elif sign != "=":
                    yield Side(id, part, other, sign.replace(">", "<"), one)
