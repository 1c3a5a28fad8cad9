"""What a long run is doing, on a terminal: the claim, its instances, its tightest ratio so far, the time left."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from tqdm import tqdm

from properties.engine.claim import Claim, Depth
from properties.engine.report.wording import ratio_text
from properties.engine.results import Result
from properties.engine.run.run import Run

if TYPE_CHECKING:
    import pytest

SHORT, LONG = 10, 1_000
"""Work in instances: of a mutant or an obligation; of a share of a part, at depth normal."""

FORMAT = "{desc} {percentage:3.0f}% {elapsed} gone, {remaining} left"


def work(claim: Claim[Any], depth: Depth) -> int:
    """Instances that a claim draws."""
    return sum(family.examples[depth] for family in claim.families)


def total_work(run: Run) -> int:
    """Work of the whole run, in instances."""
    instances = sum(work(claim, run.depth) for claim in run.claims)
    return instances + SHORT * (len(run.mutants) + len(run.obligations)) + LONG * len(run.pieces)


def terminal_stream() -> TextIO | None:
    """The terminal behind standard error, which stays open to us while pytest captures a test's output; None without."""
    try:
        if not sys.stderr.isatty():
            return None
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="replace")
    except (OSError, ValueError, AttributeError):
        return None


class Progress:
    """One line that follows the run, in place of pytest's dots; items that fail still show."""

    def __init__(self, run: Run, stream: TextIO) -> None:
        """Take the run and the terminal to write to."""
        self._works = {claim.id: work(claim, run.depth) for claim in run.claims}
        self._total = total_work(run)
        self._stream = stream
        self._within = 0
        self._bar: tqdm[NoReturn] = tqdm(
            total=total_work(run), file=stream, bar_format=FORMAT, leave=False, dynamic_ncols=True
        )

    def observe(self, result: Result) -> None:
        """Show a search that goes on, in this process."""
        drawn = result.instances + result.vacuous + result.undecided_hypotheses + result.undecided
        if result.claim.id in self._works:
            self._advance(min(drawn, self._works[result.claim.id]) - self._within)
        tightest = result.tightest
        bound = None if tightest is None else tightest.tightest
        found = "" if bound is None else f", tightest {ratio_text(bound.ratio)}"
        self._bar.set_description_str(f"{result.claim.id}: {result.instances} instances{found}", refresh=False)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Print nothing for what passed: the line says it."""
        if report.passed and report.when == "call" and "verification_entry" in report.__dict__:
            return "passed", "", ""
        if not report.passed:
            self._bar.clear()
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count an item that has ended, here or in another process."""
        entry = report.__dict__.get("verification_entry")
        if entry is None:
            return
        name = entry.get("id", entry.get("name", entry["kind"]))
        self._advance((LONG if "share" in entry else self._works.get(name, SHORT)) - self._within)
        self._within = 0
        tightest = entry.get("tightest")
        if entry["kind"] == "claim" and tightest:
            found = f"{entry['instances']} instances, tightest {ratio_text(tightest['ratio'])}"
            self._bar.set_description_str(f"{name} {entry['verdict']}: {found}", refresh=False)

    def pytest_runtest_logstart(self) -> None:
        """Show the line."""
        self._bar.refresh()

    def pytest_sessionfinish(self) -> None:
        """Leave the terminal as it was."""
        self._bar.close()
        self._stream.close()

    def _advance(self, instances: int) -> None:
        self._within += instances
        self._bar.update(instances)
