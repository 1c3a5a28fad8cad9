"""A mutant and what became of it."""

from dataclasses import dataclass, field
from enum import Enum


class Scope(Enum):
    """What a mutant changes."""

    ORDINARY = "ordinary"
    ROUNDING = "rounding bound"
    """Nothing but a rounding bound: the code is the same where the unit roundoff is 0."""
    MESSAGE = "wording of an error"
    """Nothing but the text of a raised exception."""


class Outcome(Enum):
    """What the tests said about a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMEOUT = "timeout"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Mutant:
    """One change of one file; ``before`` and ``after`` are the changed lines of the code, stripped."""

    identifier: str
    file: str
    line: int
    before: str
    after: str
    scope: Scope
    start: int = 0
    """First character of the file that changes (our own mutants only)."""
    end: int = 0
    """The character after the last one that changes (our own mutants only)."""
    text: str = ""
    """What replaces them (our own mutants only)."""

    def applied(self, source: str) -> str:
        """The file with this change (our own mutants only)."""
        return source[: self.start] + self.text + source[self.end :]


@dataclass
class Run:
    """The outcomes of a sample."""

    outcomes: dict[Mutant, Outcome] = field(default_factory=dict)
    seconds: float = 0.0

    def of(self, outcome: Outcome) -> list[Mutant]:
        """The mutants with that outcome, by place."""
        found = [mutant for mutant, seen in self.outcomes.items() if seen is outcome]
        return sorted(found, key=lambda mutant: (mutant.file, mutant.line, mutant.identifier))
