"""Every argued link cites a numbered paragraph, every paragraph is cited, and both use the same obligations."""

import dataclasses
import re
from pathlib import Path

import pytest

from tests.theory.paragraphs import Paragraph, faults_of_chains, faults_of_paragraphs, in_documents, read, used
from theory.catalogue import chains, obligations
from theory.proof.chain import Chain, argued, checked, proved

ROOT = Path(__file__).parents[3]
PARAGRAPHS = in_documents(ROOT)


def test_the_paragraphs_are_in_order_and_say_what_they_prove() -> None:
    assert len(PARAGRAPHS) > 70
    assert list(faults_of_paragraphs(PARAGRAPHS, set(obligations))) == []


def test_links_and_paragraphs_fit_together() -> None:
    assert list(faults_of_chains(PARAGRAPHS, chains)) == []


def test_documents_and_paragraphs_that_the_code_names_exist() -> None:
    numbers = {one.number for one in PARAGRAPHS}
    for folder in ("theory", "properties", "tests/claims"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            for path in re.findall(r"\bdocs/[a-z/-]+\.md\b", text):
                assert (ROOT / path).is_file(), (file, path)
            for number in re.findall(r"\bP(\d+\.\d+)\b", text):
                assert number in numbers, (file, number)


def test_documents_and_paragraphs_that_the_statements_name_exist() -> None:
    numbers = {one.number for one in PARAGRAPHS}
    text = (ROOT / "docs/theory.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bP(\d+\.\d+)\b", text))
    assert named
    assert named <= numbers


FIRST, SECOND = obligations["O-t1"], obligations["O-q"]
LONG = "and that is what has to be said of it, in as many words as a proof takes. " * 2


def text(*paragraphs: str) -> list[Paragraph]:
    return read("docs/proofs/ngd.md", "\n\n".join(paragraphs))


def planted(first: str = "", second: str = "") -> list[Paragraph]:
    return text(
        f"# A chapter\n\n## P1.1 The first statement holds\n\nBy O-t1 {LONG}{first}",
        f"### P1.2 The second statement holds\n\nBy P1.1 and O-q {LONG}{second}",
    )


WHOLE = Chain(
    "T1",
    (
        argued("a", "docs/proofs/ngd.md: P1.1", "docs/proofs/ngd.md: P1.2"),
        proved("b", FIRST, SECOND),
        checked("c", "T1"),
    ),
)


def test_a_document_without_faults_has_none() -> None:
    assert [(one.number, one.statement) for one in planted()] == [
        ("1.1", "The first statement holds"),
        ("1.2", "The second statement holds"),
    ]
    assert list(faults_of_paragraphs(planted(), set(obligations))) == []
    assert list(faults_of_chains(planted(), {"T1": WHOLE})) == []


@pytest.mark.parametrize(
    ("paragraphs", "fault"),
    [
        (planted(first="P1.7"), "P1.1: P1.7 does not exist"),
        (planted(first="O-nothing"), "P1.1: O-nothing does not exist"),
        (planted() + planted(), "docs/proofs/ngd.md: numbers are not 1, 2, 3, ... of one chapter"),
        (planted()[1:], "docs/proofs/ngd.md: numbers are not 1, 2, 3, ... of one chapter"),
        (planted() + read("docs/proofs/kfac.md", f"## P1.1 A third statement holds\n\n{LONG}"), "chapter 1 stands in two documents"),
        (text(f"## P1.1 Statement\n\n{LONG}"), "P1.1: its first line names no statement"),
        (text("## P1.1 The first statement holds\n\nObviously."), "P1.1: it has no proof"),
        ([planted()[0], dataclasses.replace(planted()[1], statement="The first statement holds")], "'The first statement holds' is the first line of two"),
    ],
)  # fmt: skip
def test_faults_of_paragraphs_are_found(paragraphs: list[Paragraph], fault: str) -> None:
    assert fault in list(faults_of_paragraphs(paragraphs, set(obligations)))


@pytest.mark.parametrize(
    ("links", "fault"),
    [
        ((argued("a", "docs/proofs/ngd.md: P1.3"),), "T1: 'docs/proofs/ngd.md: P1.3' is no numbered paragraph"),
        ((argued("a", "docs/proofs/kfac.md: P1.1"),), "T1: 'docs/proofs/kfac.md: P1.1' is no numbered paragraph"),
        ((argued("a", "docs/theory.md: a phrase"),), "T1: 'docs/theory.md: a phrase' is no numbered paragraph"),
        ((argued("a", "docs/proofs/ngd.md: P1.1"), proved("b", FIRST)), "P1.2 is cited by no link"),
        ((argued("a", "docs/proofs/ngd.md: P1.1"),), "T1: its paragraphs use O-t1, its links do not"),
        ((argued("a", "docs/proofs/ngd.md: P1.2"), proved("b", FIRST, SECOND)), "T1: its paragraphs use P1.1, its links do not"),
        ((argued("a", "docs/proofs/ngd.md: P1.2"), proved("b", SECOND)), "T1: its paragraphs use O-t1, its links do not"),
        ((argued("a", "docs/proofs/ngd.md: P1.1"), proved("b", FIRST, SECOND)), "T1: no paragraph of its uses O-q"),
    ],
)  # fmt: skip
def test_faults_of_chains_are_found(links: tuple, fault: str) -> None:  # type: ignore[type-arg]
    assert fault in list(faults_of_chains(planted(), {"T1": Chain("T1", links)}))


def test_a_span_of_paragraphs_is_all_of_them() -> None:
    (one,) = read("docs/proofs/kfac.md", "## P8.1 A statement about matrices\n\nP5.7 to P5.10 are about any A, B.")
    assert one.paragraphs == {"5.7", "5.8", "5.9", "5.10"}
    assert used({"8.6"}, {one.number: one for one in PARAGRAPHS}) >= {"5.8", "5.9", "5.10"}
