"""What a suite hands to the engine: its claims and their proofs, parts beside them, and what the claims may be about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from properties.engine.chapter import Chapter
from properties.engine.claim import Claim
from properties.engine.part import Part
from properties.engine.slack import SlackRow
from theory.proof.chain import Chain
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation

if TYPE_CHECKING:
    import pytest

    from properties.engine.report.presentation import Presentation
    from properties.engine.run.place import Place


class Subject(Protocol):
    """What the claims of a run are about, where that is the user's own: a step, say."""

    @property
    def claims(self) -> Mapping[str, Claim[Any]]:
        """The claims on it, in place of the suite's; no obligations are proved beside them."""
        ...

    @property
    def place(self) -> Place | None:
        """Where it is written."""
        ...

    @property
    def header(self) -> Sequence[str]:
        """What is said of it before the run."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """What is kept of it in the document's environment."""
        ...

    @property
    def options(self) -> Sequence[str]:
        """The options that commands need which repeat a part of the run."""
        ...


def no_subject(config: pytest.Config) -> Subject | None:
    """For a suite whose claims are about nothing of the user's."""
    return None


@dataclass(frozen=True)
class Suite:
    """Everything that the engine runs, and that it knows of it."""

    title: str
    """At the head of its reports."""
    claims: Mapping[str, Claim[Any]]
    chapters: Sequence[Chapter] = ()
    """Which claims stand together, and under which heading; without any, all do."""
    console: str = ""
    """The console command that runs it; empty where pytest alone does."""
    obligations: Mapping[str, Obligation] = field(default_factory=dict)
    ties: Callable[[Obligation], Sequence[tuple[str, Implication]]] = lambda obligation: ()
    """Theorems that need an obligation, each with what follows from its range: the obligation's hypotheses."""
    chains: Mapping[str, Chain] = field(default_factory=dict)
    slack: Sequence[SlackRow] = ()
    measured_slack: Mapping[str, Callable[[], Sequence[SlackRow]]] = field(default_factory=dict)
    """By claim further rows, whose numbers take a moment: for the process that keeps the document."""
    not_executable: Mapping[str, str] = field(default_factory=dict)
    """Statements of the theory that are no claims, with the reason."""
    document: Path | None = None
    """The text in which every claim has a place; a file that is not there asks for none."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """By the kind of their entries."""
    durations: Path | None = None
    """A file of seconds that items took once, by name: in a distributed run the longest start first."""
    presented: Callable[[], Presentation] | None = None
    """What it adds to the page of a report; loaded when one is written, as that needs an extra. By default its claims' formulas."""
    subject: Callable[[pytest.Config], Subject | None] = no_subject
    """What the options ask the claims to be about. Raises InputError."""
    companions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Options of the subject that say nothing without another one: that other one, and what to say."""
    header: Callable[[pytest.Config], Sequence[str]] = lambda config: ()
    """What is said before a run of everything."""
    check: Callable[[pytest.Config], None] = lambda config: None
    """Refuses options that contradict each other. Raises ChoiceError."""
    elsewhere: Callable[[str], str] = lambda id: ""
    """Of the id of a claim that a run has not: what it is and how to run it; empty where that is not known."""
    stored: Callable[[], Sequence[type]] = tuple
    """Loads the classes of instances in counterexample files that no claim loads."""
