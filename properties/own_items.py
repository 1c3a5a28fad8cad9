"""The items of a step of the user's own and of files to replay, which no test module has: collected wherever pytest started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from properties.claim import Claim, Mutant
from properties.plugin import OWN, RUN, Item
from properties.replay import Replay


class OwnItem(pytest.Item):
    """A claim on the user's step, a mutant of it, or a file to replay, without any function of a test module behind it."""

    subject: Claim[Any] | Mutant | Replay

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
