"""What a long run is doing: claims and shares of its parts that are done, the time left, the latest verdict."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest

from properties.engine.part import Piece
from properties.engine.report.entries import Entry
from properties.engine.report.plain import counted
from properties.engine.report.wording import ratio_text
from properties.engine.results import Result
from properties.engine.run.claim_shares import claim_of
from properties.engine.run.order import UNKNOWN
from properties.engine.run.remaining import Remaining
from properties.engine.run.run import Run
from properties.engine.run.standing import Shown, Standing

SHORT = 0.1
"""Seconds of an item that took so little once that its time was not kept."""

CLAIMS = "claims"
"""What the bar of the claims is called; that of a part has the part's name."""

PARAMETRISED = re.compile(r"test_\w+\[(.*)\]", re.DOTALL)


PROGRESS = "verification-progress"
"""What it is called among pytest's plugins."""


class Progress:
    """Follows the run, in place of pytest's dots; items that fail still show."""

    def __init__(self, run: Run, known: Mapping[str, float], shown: Shown) -> None:
        """Take the run, the seconds that its items took once, and where its standing goes."""
        self._claims = {one.id: claim_of(one).id for one in run.searches}
        self._pieces = {(piece.task.kind, piece.share.name): piece for piece in run.pieces}
        self._part_of = {name: piece.task.name for piece in run.pieces for name in (piece.item_name, piece.own_name)}
        self._known = known
        self._remaining = Remaining(self._expected)
        self._shown = shown
        self._totals: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._due: Counter[str] = Counter()
        """Of each claim the items that have not ended."""

    def observe(self, result: Result) -> None:
        """Show a search that goes on, in this process."""
        tightest = result.tightest
        bound = None if tightest is None else tightest.tightest
        found = "" if bound is None else f", tightest {ratio_text(bound.ratio)}"
        self._shown.tell(
            self._standing(f"{result.claim.id}: {counted(result.instances, 'instance')}{found}"), ended=False
        )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take what there is to run, in this process."""
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Take what there is to run, from a worker of a distributed run."""
        self.share(len(node.config.option.tx))
        self._expect(ids)

    def share(self, workers: int) -> None:
        """Take how many share what there is to run."""
        self._remaining.workers = workers

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """One begins, here or in another process."""
        self._remaining.start(nodeid, time.monotonic())

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Print nothing for what passed: the bars say it."""
        if report.passed and report.when == "call" and "verification_entry" in report.__dict__:
            return "passed", "", ""
        if not report.passed:
            self._shown.clear()
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count an item that has ended, here or in another process."""
        if report.when != "call":
            return
        self._remaining.end(report.nodeid, report.duration)
        entry: Entry | None = report.__dict__.get("verification_entry")
        if entry is None:
            return
        piece = self._pieces.get((entry["kind"], entry["share"])) if "share" in entry else None
        bar = self._ended(entry) if entry["kind"] == "claim" else "" if piece is None else piece.task.name
        self._done[bar] = self._done.get(bar, 0) + 1
        standing = self._standing(_said(entry, piece))
        waited_for = all(done == total for _, done, total in standing.counts)  # nobody waits for a mutant before that
        self._shown.tell(standing, ended=bool(bar) or waited_for)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Show what is to be done; at the end make room for the percentage that pytest writes where an item has failed."""
        if self._totals:
            self._shown.tell(self._standing(""), ended=False)
        try:
            return (yield)
        finally:
            self._shown.clear()

    def pytest_sessionfinish(self) -> None:
        """Leave the terminal as it was."""
        self._shown.close()

    def _expect(self, nodes: Sequence[str]) -> None:
        if self._totals:  # a worker in the place of one that broke down collects again
            return
        self._remaining.expect(nodes)
        names = [_name(node) for node in nodes]
        self._due.update(self._claims[name] for name in names if name in self._claims)
        if self._due:
            self._totals[CLAIMS] = len(self._due)
        for bar in (self._part_of[name] for name in names if name in self._part_of):
            self._totals[bar] = self._totals.get(bar, 0) + 1

    def _ended(self, entry: Entry) -> str:
        """The bar on which a claim's item counts: none where others of the claim are due."""
        self._due[entry["id"]] -= 1
        return "" if self._due[entry["id"]] > 0 else CLAIMS

    def _expected(self, node: str) -> float | None:
        """Seconds of an item; None where no times were kept."""
        name = _name(node)
        return self._known.get(name, UNKNOWN if name in self._part_of else SHORT if self._known else None)

    def _standing(self, said: str) -> Standing:
        counts = [(name, min(self._done.get(name, 0), total), total) for name, total in self._totals.items()]
        return Standing(counts, self._remaining.seconds(time.monotonic()), said)


def _name(node: str) -> str:
    """What an item is about, of its node id: the parameter of a test that has one."""
    name = node.partition("::")[2]
    found = PARAMETRISED.fullmatch(name)
    return name if found is None else found[1]


def _said(entry: Entry, piece: Piece | None) -> str:
    """An item's outcome in a few words."""
    if piece is not None:
        return piece.own_name
    kind = "mutant " if entry["kind"] == "mutant" else ""
    name = f"{entry['id']}[{entry['share']}]" if "share" in entry else entry.get("id", entry.get("name", entry["kind"]))
    found = f"{kind}{name} {entry.get('verdict', entry.get('status', ''))}".rstrip()
    tightest = entry.get("tightest") if entry["kind"] == "claim" else None
    return f"{found}, tightest {ratio_text(tightest['ratio'])}" if tightest else found
