"""The numbered paragraphs of docs/, and what is wrong with them or with the chains that cite them, one line a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from theory.proof.chain import Basis, Chain

HEADING = re.compile(r"#{2,3} P(\d+)\.(\d+) (.+)")
NUMBER = re.compile(r"\bP(\d+\.\d+)\b")
OBLIGATION = re.compile(r"\bO-[a-z0-9]+(?:-[A-Za-z0-9]+)*")
CITATION = re.compile(r"(docs/[a-z/-]+\.md): P(\d+\.\d+)")

SHORTEST_STATEMENT, SHORTEST_PROOF = 20, 80
"""Characters: fewer name no statement, or prove none."""


@dataclass(frozen=True)
class Paragraph:
    """One numbered paragraph: a statement in its first line, and its proof."""

    path: str
    chapter: int
    place: int
    statement: str
    proof: str

    @property
    def number(self) -> str:
        """Chapter and place, as it is cited."""
        return f"{self.chapter}.{self.place}"

    @property
    def obligations(self) -> frozenset[str]:
        """The obligations that the proof names."""
        return frozenset(OBLIGATION.findall(self.proof))

    @property
    def paragraphs(self) -> frozenset[str]:
        """The paragraphs that it uses; "P5.7 to P5.10" are all of them."""
        spans = re.findall(r"P(\d+)\.(\d+) to P\1\.(\d+)", self.proof)
        between = {f"{chapter}.{place}" for chapter, a, b in spans for place in range(int(a), int(b) + 1)}
        return frozenset({*NUMBER.findall(self.proof), *between} - {self.number})


def read(path: str, text: str) -> list[Paragraph]:
    """The numbered paragraphs of one document, in its order."""
    found = []
    for part in re.split(r"(?m)^(?=#)", text):
        first, _, proof = part.partition("\n")
        if match := HEADING.fullmatch(first.strip()):
            found.append(Paragraph(path, int(match[1]), int(match[2]), match[3], proof.strip()))
    return found


def in_documents(root: Path) -> list[Paragraph]:
    """Those of all documents."""
    files = sorted((root / "docs").rglob("*.md"))
    return [one for file in files for one in read(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))]


def used(numbers: Iterator[str] | set[str], paragraphs: Mapping[str, Paragraph]) -> set[str]:
    """The paragraphs that these rest on, themselves included."""
    found: set[str] = set()
    left = list(numbers)
    while left:
        if (number := left.pop()) in paragraphs and number not in found:
            found.add(number)
            left += paragraphs[number].paragraphs
    return found


def faults_of_paragraphs(paragraphs: list[Paragraph], obligations: set[str]) -> Iterator[str]:
    """Numbers out of order, in two documents or twice; first lines that name nothing; references to nothing."""
    numbers = {one.number for one in paragraphs}
    for path, group in groupby(paragraphs, lambda one: one.path):
        own = list(group)
        if [(one.chapter, one.place) for one in own] != [(own[0].chapter, k + 1) for k in range(len(own))]:
            yield f"{path}: numbers are not 1, 2, 3, ... of one chapter"
    for chapter in {one.chapter for one in paragraphs}:
        if len({one.path for one in paragraphs if one.chapter == chapter}) > 1:
            yield f"chapter {chapter} stands in two documents"
    for one in paragraphs:
        if len(one.statement) < SHORTEST_STATEMENT:
            yield f"P{one.number}: its first line names no statement"
        if len(one.proof) < SHORTEST_PROOF:
            yield f"P{one.number}: it has no proof"
        yield from (f"P{one.number}: P{other} does not exist" for other in sorted(one.paragraphs - numbers))
        yield from (f"P{one.number}: {id} does not exist" for id in sorted(one.obligations - obligations))
    statements = [one.statement for one in paragraphs]
    yield from (f"{text!r} is the first line of two" for text in {t for t in statements if statements.count(t) > 1})


def faults_of_chains(paragraphs: list[Paragraph], chains: Mapping[str, Chain]) -> Iterator[str]:
    """Links that cite no paragraph, paragraphs that no link cites, paragraphs and obligations that others of a chain use and it has not."""
    by_number = {one.number: one for one in paragraphs}
    cited: set[str] = set()
    for theorem, chain in chains.items():
        own: set[str] = set()
        for link in chain.links:
            for reference in link.references if link.basis is Basis.ARGUED else ():
                match = CITATION.fullmatch(reference)
                if match is None or match[2] not in by_number or by_number[match[2]].path != match[1]:
                    yield f"{theorem}: {reference!r} is no numbered paragraph"
                else:
                    own.add(match[2])
        cited |= own
        all_used = used(own, by_number)
        yield from (f"{theorem}: its paragraphs use P{number}, its links do not" for number in sorted(all_used - own))
        needed = {id for number in all_used for id in by_number[number].obligations}
        yield from (
            f"{theorem}: its paragraphs use {id}, its links do not" for id in sorted(needed - {*chain.obligations})
        )
        yield from (f"{theorem}: no paragraph of its uses {id}" for id in sorted({*chain.obligations} - needed))
    yield from (f"P{number} is cited by no link" for number in sorted(by_number.keys() - cited))
