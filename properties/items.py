"""Items of pytest: what one does, and those of the user's own step and of files to replay, which no test module has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from properties.claim import Claim, Mutant
from properties.datasets import Dataset
from properties.replay import Replay
from properties.report.entries import Entry, facts
from properties.run import Run
from properties.verification import Outcome, Verification
from theory.rigour.obligation import Obligation

RUN = pytest.StashKey[Run]()
ENTRY = pytest.StashKey[Entry]()
OWN = pytest.StashKey[bool]()
"""Marks the items of a step of the user's own, and of files to replay."""


class Item:
    """What the items of tests/claims call: runs one, keeps its entry, and fails unless it came out as it should."""

    def __init__(self, item: pytest.Item) -> None:
        """Take the item that the entry belongs to."""
        self._item = item
        self._verification = Verification(item.config.stash[RUN])

    def claim(self, claim: Claim[Any]) -> None:
        """Fail unless the claim holds."""
        self._finish(self._verification.claim(claim))

    def mutant(self, mutant: Mutant) -> None:
        """Fail unless the mutant is refuted."""
        self._finish(self._verification.mutant(mutant))

    def obligation(self, obligation: Obligation) -> None:
        """Fail unless the obligation is proved and each of its mutants refuted."""
        self._finish(self._verification.obligation(obligation))

    def dataset(self, dataset: Dataset) -> None:
        """Fail when a claim is refuted or undecided on the data set."""
        self._finish(self._verification.dataset(dataset, self._keep))

    def pictures(self) -> None:
        """Fail when the data of the paper's pictures cannot be computed."""
        self._finish(self._verification.pictures())

    def replay(self, replay: Replay) -> None:
        """Fail unless the claim holds on the stored instance."""
        self._finish(self._verification.replay(replay))

    def _keep(self, entry: Entry) -> None:
        """Send an entry that is still growing to the recording process, so that an interrupt loses nothing of it."""
        item = self._item
        report = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "setup")
        report.__dict__["verification_entry"] = entry
        item.ihook.pytest_runtest_logreport(report=report)

    def _finish(self, outcome: Outcome) -> None:
        self._item.stash[ENTRY] = outcome.entry
        self._item.user_properties += facts(outcome.entry)
        if not outcome.passed:
            pytest.fail(outcome.failure, pytrace=False)


class OwnItem(pytest.Item):
    """A claim on the user's step, a mutant of it, or a file to replay, without any function of a test module behind it."""

    subject: Claim[Any] | Mutant | Replay

    module = cls = function = None
    """Hooks of a conftest.py look at these, which items of test functions have."""

    @classmethod
    def of(cls, parent: pytest.Collector, subject: Claim[Any] | Mutant | Replay) -> OwnItem:
        """The item of a claim, a mutant or a counterexample file."""
        name = f"replay[{subject.name}]" if isinstance(subject, Replay) else subject.id
        item: OwnItem = cls.from_parent(parent, name=name)
        item.subject = subject
        item.stash[OWN] = True
        return item

    def runtest(self) -> None:
        """Fail unless the claim holds, the mutant is refuted, or the file's instance refutes no more."""
        item = Item(self)
        if isinstance(self.subject, Replay):
            item.replay(self.subject)
        elif isinstance(self.subject, Mutant):
            item.mutant(self.subject)
        else:
            item.claim(self.subject)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where a report says that it comes from."""
        return self.path, None, self.name


class OwnCollector(pytest.Directory):
    """What there is to run, in place of what pytest would find in its directory."""

    def collect(self) -> list[OwnItem]:
        """Every selected claim, then every mutant, then every file to replay; there are no claims beside files."""
        run = self.config.stash[RUN]
        claims = [OwnItem.of(self, claim) for claim in run.claims]
        mutants = [OwnItem.of(self, mutant) for mutant in run.mutants]
        return [*claims, *mutants, *(OwnItem.of(self, replay) for replay in run.replays)]


class OwnItems:
    """Collects the claims on the user's step or the files to replay, and nothing else, wherever pytest was started."""

    def __init__(self, config: pytest.Config) -> None:
        """Let pytest look at its root directory alone, where ``pytest_collect_directory`` waits for it."""
        config.args[:] = [str(config.rootpath)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector:
        """The collector of the claims, which opens no file."""
        found: OwnCollector = OwnCollector.from_parent(parent, path=path, nodeid="own")
        return found
