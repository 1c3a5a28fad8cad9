"""Items of pytest: what one does, and those of a run that chooses claims, data, a step or files, which no test module has."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from properties.engine.claim import Claim, Mutant
from properties.engine.part import Piece
from properties.engine.replay.counterexample import write_files
from properties.engine.replay.replay import Replay
from properties.engine.report.entries import Entry, facts
from properties.engine.run.claim_shares import ClaimShare, claim_of
from properties.engine.run.orders import Answer
from properties.engine.run.place import Place, place
from properties.engine.run.run import Run
from properties.engine.run.verification import Outcome, Verification
from properties.engine.selection import defects
from theory.proof.obligation import Obligation
from theory.threads import one_thread

Subject = TypeVar("Subject")

RUN = pytest.StashKey[Run]()
ENTRY = pytest.StashKey[Entry]()
ANSWER = pytest.StashKey[Answer]()
"""What a worker of an executor found for the item."""


class Item:
    """What the items of tests/claims call: runs one, keeps its entry, and fails unless it came out as it should."""

    def __init__(self, item: pytest.Item) -> None:
        """Take the item that the entry belongs to."""
        self._item = item
        self._run = item.config.stash[RUN]
        self._verification = Verification(self._run.conditions)

    def claim(self, claim: Claim[Any] | ClaimShare) -> None:
        """Fail unless the claim holds, as far as a share of it goes."""
        if isinstance(claim, ClaimShare):
            self._do(self._verification.claim_share, claim)
        else:
            self._do(self._verification.claim, claim)

    def mutant(self, mutant: Mutant) -> None:
        """Fail unless the mutant is refuted."""
        self._do(self._verification.mutant, mutant)

    def obligation(self, obligation: Obligation) -> None:
        """Fail unless the obligation is proved and each of its mutants refuted."""
        self._do(self._verification.obligation, obligation)

    def part(self, piece: Piece) -> None:
        """Fail when the share of a part does: a claim is refuted or undecided in it, or it broke off."""
        self._do(self._verification.part, piece)

    def replay(self, replay: Replay) -> None:
        """Fail unless the claim holds on the stored instance."""
        self._do(self._verification.replay, replay)

    def _do(self, verify: Callable[[Subject], Outcome], subject: Subject) -> None:
        """With one thread of linear algebra: instances are small, and threads of several workers wait for each other most of the time."""
        with one_thread():
            outcome = verify(subject)
        self.finish(outcome)

    def finish(self, outcome: Outcome) -> None:
        """Write the counterexamples that were found, here or elsewhere, and keep the entry; fail unless it came out as it should."""
        if self._run.report is not None:
            write_files(self._run.report, outcome.files)
        self._item.stash[ENTRY] = outcome.entry
        self._item.user_properties += facts(outcome.entry)
        if not outcome.passed:
            pytest.fail(outcome.failure, pytrace=False)


class ChosenItem(pytest.Item):
    """What was chosen to be verified, without any function of a test module behind it."""

    cls = instance = None
    """Hooks of a conftest.py and of plugins look at these, which items of test functions have, and at those below."""

    def __init__(self, *, subject: object, run: Callable[[Item], None], place: Place | None, **rest: Any) -> None:
        """Take what the item is about, what is done with it, and where that is written."""
        super().__init__(**rest)
        self.subject = subject
        self.obj = self.function = run
        self.module = sys.modules[__name__]
        self.originalname = self.name
        self.funcargs: dict[str, Any] = {}
        self.fixturenames: list[str] = []
        self._place = place

    def runtest(self) -> None:
        """Fail unless it came out as it should, here or where a worker did it."""
        answer = self.stash.get(ANSWER, None)
        if answer is None:
            self.obj(Item(self))
            return
        with warnings.catch_warnings():
            warnings.simplefilter("always")  # the worker has left out what is not to be shown
            for one in answer.warned:
                warnings.warn_explicit(one.text, one.category, one.file, one.line)
        if answer.outcome is None:
            pytest.fail(answer.error, pytrace=False)
        Item(self).finish(answer.outcome)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where a report says that it comes from."""
        if self._place is None:
            return self.path, None, self.name
        return self._place.file, self._place.line - 1, self.name


class Chosen(pytest.Directory):
    """What there is to run, in place of what pytest would find in its directory."""

    def collect(self) -> list[ChosenItem]:
        """Claims, mutants, obligations, files to replay, and the parts of the run."""
        run = self.config.stash[RUN]
        if found := defects(run.registry):
            raise self.CollectError("\n".join(["the registry is unfit to run", *found]))
        own = None if run.subject is None else run.subject.place
        return [
            *(self._item(one.id, Item.claim, one, own or place(claim_of(one).conclusion)) for one in run.searches),
            *(self._item(one.id, Item.mutant, one, own or place(one.claim.conclusion)) for one in run.mutants),
            *(self._item(one.id, Item.obligation, one) for one in run.obligations),
            *(self._item(f"replay[{one.name}]", Item.replay, one) for one in run.replays),
            *(self._item(one.item_name, Item.part, one) for one in run.pieces),
        ]

    def _item(
        self, name: str, act: Callable[[Item, Any], None], subject: object, where: Place | None = None
    ) -> ChosenItem:
        def verified(item: Item) -> None:
            act(item, subject)

        verified.__doc__ = str(getattr(subject, "statement", name))
        found: ChosenItem = ChosenItem.from_parent(self, name=name, subject=subject, run=verified, place=where)
        return found


class OnTheWay(pytest.Directory):
    """A directory above: where pytest's settings lie elsewhere (``-c``), pytest begins further up than at its root directory."""

    def collect(self) -> list[pytest.Collector]:
        """The next directory down to the root directory, and nothing else of what is there."""
        place = self.config.rootpath
        (below,) = (path for path in (place, *place.parents) if path.parent == self.path)
        found: pytest.Collector = self.ihook.pytest_collect_directory(path=below, parent=self)
        return [found]


class ChosenItems:
    """Collects what was chosen, and nothing else, wherever pytest was started and whatever paths it was given."""

    def __init__(self, config: pytest.Config) -> None:
        """Let pytest look at its root directory alone, where ``pytest_collect_directory`` waits for it."""
        self._place = config.rootpath
        config.args[:] = [str(self._place)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector:
        """The collector of what was chosen, which opens no file, or one on the way there."""
        found: Chosen | OnTheWay
        if path.samefile(self._place):
            found = Chosen.from_parent(parent, path=path, nodeid="chosen")
        else:
            found = OnTheWay.from_parent(parent, path=path)
        return found
