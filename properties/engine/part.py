"""Parts: what a run may be asked for beside claims, as a suite hands them in; each has one entry, maybe one section.

It has an item for each of its shares, which run in any order and in any process; the recording process joins what they found.

The entry of a part is a dictionary of plain values. It has ``kind``, ``name``, ``error`` (text or None), ``seconds``, and what is
told of it: ``told`` (lines for the terminal, under ``title``), ``clause`` (in the run's sentence; may be empty) and ``against``
(why it stands against the verdict "holds"; empty where it does not). It may have ``verdict``, ``complete``
(False while it grows), ``checks`` (evaluations of claims, each with ``claim``, which are counted in with the claims' own),
``counterexamples`` (paths from the report's directory), ``answer`` (a sentence for the head of the page) and ``grounds`` (what it rests on).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from properties.engine.claim import Depth, Evaluation
from properties.engine.report.data_files import DataFile
from properties.engine.report.entries import Entry
from properties.engine.report.isolated import Isolated

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Setting:
    """What of a run decides whether a part is asked for, and how much it does."""

    depth: Depth
    root: int
    """The root seed."""
    every_claim: bool
    """Whether all claims of the suite are run."""
    reported: bool
    """Whether a report is written."""


@dataclass(frozen=True)
class Performed:
    """What the item of a share found."""

    entry: Entry
    """That of the part if this were all of it."""
    passed: bool
    failure: str = ""
    """What is said when it did not pass."""
    refuted: Sequence[tuple[str, Evaluation]] = ()
    """Claims refuted on the way, by id: each leaves a counterexample."""
    result: object = None
    """What the whole is made of, which crosses to the recording process."""


class Share(Protocol):
    """What of a part is done by itself."""

    @property
    def name(self) -> str:
        """What it is called among those of its part; empty where it is the whole."""
        ...

    def perform(self, setting: Setting) -> Performed:
        """Do it. No error of what is examined propagates."""
        ...


@dataclass(frozen=True)
class Finished:
    """What is left of a share."""

    entry: Entry
    result: object


class Task(Protocol):
    """What a run does for a part."""

    @property
    def kind(self) -> str:
        """The kind of its entry, and its key in claims.json."""
        ...

    @property
    def name(self) -> str:
        """What its entry is called, among those of its kind."""
        ...

    @property
    def header(self) -> str:
        """What is said of it before the run; may be empty."""
        ...

    @property
    def options(self) -> Sequence[str]:
        """What the command that repeats it needs, besides kind, name, depth and seed."""
        ...

    def shares(self, setting: Setting) -> Sequence[Share]:
        """What it consists of, in the order in which one process does it; their names differ."""
        ...

    def joined(self, setting: Setting, found: Mapping[str, Finished]) -> Entry:
        """The entry of the shares that have come to their end, by name: the whole, when all have."""
        ...


@dataclass(frozen=True)
class Piece:
    """A share of a task, which one item does."""

    task: Task
    share: Share

    @property
    def own_name(self) -> str:
        """What it is called among the pieces of its kind."""
        return f"{self.task.name}[{self.share.name}]" if self.share.name else self.task.name

    @property
    def item_name(self) -> str:
        """What its item is called: ``dataset[mine.csv][inputs]``, or ``pictures`` where there is only one."""
        task = self.task
        whole = task.kind if task.name == task.kind else f"{task.kind}[{task.name}]"
        return f"{whole}[{self.share.name}]" if self.share.name else whole


class Part(Protocol):
    """What a suite offers beside its claims."""

    @property
    def apart(self) -> bool:
        """Whether asking for it leaves out the claims that were not asked for."""
        ...

    @property
    def companions(self) -> Mapping[str, tuple[str, str]]:
        """Options that say nothing without another one: by the short name, that other one and what to say."""
        ...

    def requested(self, config: pytest.Config, setting: Setting) -> Task | None:
        """What the options ask for; None for nothing. Raises InputError."""
        ...


@dataclass(frozen=True)
class Section:
    """How the report shows the entry of a kind: on a page of its own."""

    kind: str
    title: str
    """Of the page."""
    template: str
    """The text of its Jinja template, which begins with the page's heading ``<h1>``."""
    content: Callable[[Entry, Isolated, Collection[str]], Content]
    """The entry, what keeps its pieces apart, and the ids of the claims that have pages -> what the template shows."""


@dataclass(frozen=True)
class Content:
    """What a section's template shows, and the data files that belong to it."""

    values: Mapping[str, Any]
    files: Iterable[DataFile] = ()
