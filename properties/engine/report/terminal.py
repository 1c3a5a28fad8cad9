"""The lines that end a run in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from properties.engine.report.causes import REMEDY, told_of
from properties.engine.report.document import Document
from properties.engine.report.entries import Entry
from properties.engine.report.groups import groups
from properties.engine.report.wording import (
    description_text,
    evidence_text,
    family_texts,
    mark_text,
    mutants_text,
    obligations_text,
    ratio_text,
    replay_texts,
    replays_sentence,
    seconds_text,
    short_mark_text,
    slack_texts,
    tightest_text,
    verdict_sentence,
    without_counterexample,
)

WIDEST_LINE = 100
"""Longer lists of instances are wrapped."""

COLUMNS = ("claim", "verdict", "evidence", "from", "instances", "vacuous", "undecided hyp.", "tightest", "time")
"""What is told of a claim."""

SHORT = ("claim", "verdict", "evidence", "from", "inst.", "vac.", "open", "tightest", "time")
"""The columns of the closing table, which keeps to ``WIDEST_LINE``: ``open`` counts undecided hypotheses, families are told apart."""

Paint = Callable[[str, str], str]
"""A text in the colour of a verdict."""


def unpainted(text: str, verdict: str) -> str:
    """The text as it is."""
    return text


def part_lines(document: Document, judged: bool) -> dict[str, list[str]]:
    """By title what the parts tell that judge claims, or those that do not."""
    return {part["title"]: part["told"] for part in document.parts.values() if ("verdict" in part) is judged}


def family_lines(document: Document) -> list[str]:
    """For every claim its instances, a family a line, and where the tightest ratio was found."""
    lines = []
    for entry in document.merged_claims():
        texts = family_texts(entry["families"])
        tightest = entry["tightest"]
        if tightest is not None:
            where = description_text(tightest["description"])
            texts.append(f"tightest: {tightest['label']}: {tightest_text(tightest)} at {where}")
        lines.append(entry["id"])
        for text in texts:
            lines += textwrap.wrap(text, WIDEST_LINE, initial_indent="    ", subsequent_indent="        ")
    return lines


def claim_lines(document: Document, paint: Paint = unpainted) -> list[str]:
    """The table: a line of headings, and under the title of each chapter a line a claim, the paper's first."""
    found = groups(document)
    rows = {entry["id"]: _short(entry) for group in found for entry in group.claims}
    if not rows:
        return []
    lines = iter(_aligned([SHORT, *rows.values()]))
    table = [next(lines)]
    for group in found:
        table += [group.title] if len(found) > 1 else []
        for entry in group.claims:
            line, (id, verdict, *_) = next(lines), rows[entry["id"]]
            place = line.index(verdict, len(id))
            table.append(line[:place] + paint(verdict, entry["verdict"]) + line[place + len(verdict) :])
    return table


def _short(entry: Entry) -> tuple[str, ...]:
    """Its cells under ``SHORT``."""
    return (
        entry["id"],
        "error" if entry["error"] else entry["verdict"],
        evidence_text(entry),
        short_mark_text(entry),
        str(entry["instances"]),
        str(entry["vacuous"]),
        str(entry["undecided_hypotheses"]),
        "-" if entry["tightest"] is None else ratio_text(entry["tightest"]["ratio"]),
        seconds_text(entry["seconds"]),
    )


def claim_rows(document: Document) -> list[tuple[str, ...]]:
    """Everything that is told of the claims, a claim a row, under ``COLUMNS``."""
    return [
        (
            entry["id"],
            entry["verdict"] + (" (error)" if entry["error"] else ""),
            evidence_text(entry),
            mark_text(entry),
            str(entry["instances"]),
            str(entry["vacuous"]),
            str(entry["undecided_hypotheses"]),
            tightest_text(entry["tightest"]),
            seconds_text(entry["seconds"]),
        )
        for entry in document.merged_claims()
    ]


def cause_lines(document: Document) -> list[str]:
    """What a refuted step of the user's own does, each cause once, with the claims that it breaks, and what to change."""
    return [
        line if line.startswith(REMEDY) else f"{', '.join(told.claims)}: {line}"
        for told in told_of(document.merged_claims())
        for line in told.causes
    ]


def mutant_lines(document: Document) -> list[str]:
    """How many mutants were refuted, and the survivors by name."""
    if not document.mutants:
        return []
    lines = [f"mutants: {mutants_text(document)}"]
    lines += [f"survivor: {id} ({document.mutants[id]['description']})" for id in document.survivors]
    return lines


def obligation_lines(document: Document) -> list[str]:
    """How many obligations are proved and how many of their mutants refuted, and what is not, by name."""
    if not document.obligations:
        return []
    lines = [f"obligations: {obligations_text(document)}"]
    lines += [f"not settled: {one['id']} ({one['status']})" for one in document.unsettled_obligations]
    return lines


SLACK_COLUMNS = ("claim", "quantity", "paper", "proved", "refuted at")

WIDEST_QUANTITY = 42
"""Longer texts are wrapped."""

MOST_SLACK = 24
"""With more rows, as of a run of all claims, the terminal says how many there are."""


def slack_lines(document: Document, whole: bool = True) -> list[str]:
    """The slack table: what the paper allows, what is proved, where a counterexample is known; its length alone if it is long and not asked for ``whole``."""
    known = [row for row in document.slack if not without_counterexample(row)]
    if len(known) > MOST_SLACK and not whole:
        claims = len({row["claim"] for row in known})
        return [
            f"{len(known)} constants of {claims} claims beside what is proved and what is refuted: -v, or the report"
        ]
    rows: list[Sequence[str]] = [SLACK_COLUMNS]
    for row in known:
        first, *more = textwrap.wrap(row["quantity"], WIDEST_QUANTITY, subsequent_indent="  ")
        rows += [(row["claim"], first, *slack_texts(row)), *(("", text, "", "", "") for text in more)]
    lines = _aligned(rows) if known else []
    rest = len(document.slack) - len(known)
    if rest:
        noun = "hypothesis" if rest == 1 else "hypotheses"
        lines.append(f"no counterexample known for {rest} dropped {noun}; see the report")
    return lines


def replay_lines(document: Document) -> list[str]:
    """Every file evaluated again: claim, hypotheses, bounds, and how that compares with the file."""
    return [line for entry in document.replays.values() for line in replay_texts(entry)]


def closing_lines(document: Document) -> list[str]:
    """What was asked of a part, in a sentence, and the verdict of the run."""
    if document.replays:
        return [replays_sentence(document)]
    answers = (part["answer"] for part in document.parts.values() if part.get("answer"))
    return [*(line for answer in answers for line in textwrap.wrap(answer, WIDEST_LINE)), verdict_sentence(document)]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
