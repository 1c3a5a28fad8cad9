"""The reviewed lists, a reason each: ``equivalent_mutants.toml`` for mutants, ``reviewed_faults.toml`` for semantic faults."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutation_testing.model import Mutant

KINDS = ("equivalent", "rounding", "effort")
"""The same results; a rounding bound that is looser or tighter; how hard a heuristic searches (this one counts)."""

FAULT_KINDS = ("equivalent", "explained")
"""Of semantic faults: the same results, and so not planted; planted, and if it survives this is why."""


@dataclass(frozen=True)
class Review:
    """One entry: mutants of ``file`` (a pattern) whose changed lines match ``before`` and ``after`` (regular expressions)."""

    kind: str
    file: str
    before: str
    after: str
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether the entry speaks of this mutant."""
        matches = ((self.file, mutant.file), (self.before, mutant.before), (self.after, mutant.after))
        return all(re.search(pattern, text, re.DOTALL) for pattern, text in matches)


def reviews(path: Path, kinds: tuple[str, ...] = KINDS) -> list[Review]:
    """The entries of the file, of these kinds. Raises ValueError for one without a reason, of another kind or with other keys."""
    found = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", []):
        if set(entry) != {"kind", "file", "before", "after", "reason"} or entry["kind"] not in kinds:
            raise ValueError(
                f"{path.name}: an entry needs kind ({', '.join(kinds)}), file, before, after, reason: {entry}"
            )
        if len(entry["reason"]) < 20:
            raise ValueError(f"{path.name}: the reason is too short: {entry}")
        found.append(Review(**entry))
    return found


def review_of(mutant: Mutant, entries: list[Review]) -> Review | None:
    """The first entry that covers the mutant."""
    return next((entry for entry in entries if entry.covers(mutant)), None)
