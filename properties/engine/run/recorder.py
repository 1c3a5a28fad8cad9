"""What follows a run: entries collected, the report written as it grows, the closing table."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from properties.engine.claim import Verdict
from properties.engine.paths import printable
from properties.engine.report import terminal
from properties.engine.report.baseline_lines import baseline_lines
from properties.engine.report.document import Document
from properties.engine.report.left_out import left_out_lines
from properties.engine.report.publication import publish, write_partial
from properties.engine.run.interruption import heed_termination
from properties.engine.run.run import Run

if TYPE_CHECKING:
    import pytest

    from properties.engine.report.presentation import Presentation


SHARE = 1 / 200
"""Of the time of a run, what may go into keeping the results so far."""


class Recorder:
    """Collects the entries of a run and writes the report as it grows."""

    def __init__(self, run: Run, presented: Callable[[], Presentation]) -> None:
        """Take the run whose document fills up, and what the page presents beside it; from now on a request to terminate ends it as Ctrl-C does."""
        self._run = run
        self._started = time.monotonic()
        self._presented = presented
        self._next = 0.0
        self._restore = heed_termination()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take an entry in and keep the results so far, beside the report of an earlier run.

        To write them all takes the longer the more there are; a run is killed so rarely that no more than ``SHARE`` of its time goes
        there, and what came in since the last time is lost then. An interrupt loses nothing.
        """
        entry = report.__dict__.get("verification_entry")
        if entry is None:
            return
        whole = self._run.whole(entry)
        if whole is None:
            return
        self._run.document.add(whole)
        started = time.perf_counter()
        if self._run.report is not None and started >= self._next:
            write_partial(self._run.document, self._run.report)
            ended = time.perf_counter()
            self._next = ended + (ended - started) / SHARE

    def pytest_sessionfinish(self) -> None:
        """Replace the report; a run without results leaves an earlier one alone."""
        if self._run.report is not None and not self._run.document.empty:
            seconds = round(time.monotonic() - self._started, 1)
            self._run.document.made = {**self._run.document.made, "seconds": seconds}
            publish(self._run.document, self._run.report, self._presented)

    def pytest_unconfigure(self) -> None:
        """Leave requests to terminate to whom they belonged."""
        self._restore()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """End with the data set, with -v the families and all slack, pictures in short, the table of claims and the mutants."""
        document, verbose = self._run.document, terminalreporter.verbosity > 0
        if document.empty:
            for line in self._run.without_verdict:
                terminalreporter.write_line(line)
            return
        for title, lines in (
            *terminal.part_lines(document, judged=True).items(),
            ("instances by family", terminal.family_lines(document) if verbose else []),
            *terminal.part_lines(document, judged=False).items(),
            ("replays", terminal.replay_lines(document)),
            ("slack", terminal.slack_lines(document, whole=verbose)),
            ("claims", self._claims(document, partial(_painted, terminalreporter))),
            ("baseline", baseline_lines(document.baseline)),
        ):
            if lines:
                terminalreporter.section(title)
                for line in lines:
                    terminalreporter.write_line(line)
        for line in terminal.closing_lines(document):
            terminalreporter.write_line(line)
        if self._run.report is not None:
            terminalreporter.write_line(f"report: {printable(self._run.report / 'index.html')}")

    def _claims(self, document: Document, paint: terminal.Paint) -> list[str]:
        return [
            *terminal.claim_lines(document, paint),
            *self._run.without_verdict,
            *terminal.cause_lines(document),
            *terminal.mutant_lines(document),
            *terminal.obligation_lines(document),
            *left_out_lines(document.left_out),
        ]


def _painted(terminalreporter: pytest.TerminalReporter, text: str, verdict: str) -> str:
    """The text in the colour of its verdict, where the terminal has colours."""
    colour = {Verdict.HOLDS.value: "green", Verdict.REFUTED.value: "red"}.get(verdict, "yellow")
    return terminalreporter._tw.markup(text, **{colour: True})
