"""Causes of refutations in an explanation's lines, and their remedies: each is told once, with the claims that it breaks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from properties.engine.report.entries import Entry

CAUSE = "cause: "
"""How the line of an explanation begins that names what a refuted step of the user's own does."""

REMEDY = "remedy: "
"""How the line behind begins that says what to change."""

CODE = "return weights"
"""How code begins in it, which stands as it is to be typed: nothing behind it is set as a formula."""

AS_FOR = f"{CAUSE}as for "
"""How it begins where another claim was told the same."""

RAISED = f"{CAUSE}the step raised "
"""How it begins where the step did not come to its end."""

UNKNOWN_CAUSES = ("none of those known ", "not looked for")
"""How what follows it begins where no cause is known."""


def known_causes(explanation: Sequence[str]) -> str:
    """The causes among the lines, in brief; empty where none is known."""
    found = [line.removeprefix(CAUSE) for line in explanation if line.startswith(CAUSE)]
    known = [re.sub(r" on all \d+ instances tried$", "", text) for text in found if not text.startswith(UNKNOWN_CAUSES)]
    return " ".join("; or ".join(known).split())


def without_numbers(text: str) -> str:
    """The text with each number replaced: of two that differ in sizes or addresses alone, the same."""
    return re.sub(r"0x[0-9a-f]+|\d+", "#", text)


def _told_as(cause: str) -> str:
    """What two lines on one cause share: an exception, whatever its numbers, or what the step matches, on however many instances."""
    if cause.startswith(RAISED):
        return without_numbers(re.sub(r" here, with n = .*", "", cause, flags=re.DOTALL))
    return cause.partition(" on all ")[0]


def told_once(id: str, explanation: Sequence[str], told: dict[str, str]) -> list[str]:
    """The lines of an explanation; a cause that another claim was told already, as ``told`` remembers, is not told again, nor is its remedy."""
    lines: list[str] = []
    again = False
    for line in explanation:
        if line.startswith(CAUSE):
            first = told.setdefault(_told_as(line), id)
            again = first != id
            line = f"{AS_FOR}{first}" if again else line
            if again and line in lines:
                continue
        elif again and line.startswith(REMEDY):
            continue
        lines.append(line)
    return lines


def same_exception(entry: Entry, told: Sequence[str]) -> bool:
    """Whether all that is to be said of a refutation is that the step raised what another claim was told; ``told``: its lines, by ``told_once``."""
    raised = [line for line in entry.get("explanation", ()) if line.startswith(CAUSE)]
    causes = [line for line in told if line.startswith(CAUSE)]
    return bool(raised) and raised[0].startswith(RAISED) and all(line.startswith(AS_FOR) for line in causes)


@dataclass(frozen=True)
class Told:
    """A cause with its remedies, and the claims that it breaks."""

    causes: Sequence[str]
    """The lines of the first claim's explanation that are causes or remedies."""
    claims: Sequence[str]
    """Ids; the first is the one whose counterexample shows it."""


def told_of(claims: Sequence[Entry]) -> list[Told]:
    """What was found of refuted claims, each cause once, in the order of the claims; one without a cause stands by itself."""
    told: dict[str, str] = {}
    found: dict[str, tuple[list[str], list[str]]] = {}
    for entry in claims:
        lines = told_once(entry["id"], entry.get("explanation", ()), told)
        causes = [line for line in lines if line.startswith((CAUSE, REMEDY))]
        own = [line for line in causes if not line.startswith(AS_FOR)]
        if own or not causes:
            found[entry["id"]] = own, [entry["id"]]
        for line in causes:
            if line.startswith(AS_FOR):
                found[line.removeprefix(AS_FOR)][1].append(entry["id"])
    return [Told(causes, ids) for causes, ids in found.values()]
