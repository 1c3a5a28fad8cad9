"""What follows a run: entries collected, the report written as it grows, the closing table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from properties.report import terminal
from properties.report.document import Document
from properties.report.html import write_page
from properties.run import Run

if TYPE_CHECKING:
    import pytest


class Recorder:
    """Collects the entries of a run and writes the report as it grows."""

    def __init__(self, run: Run) -> None:
        """Take the run whose document fills up."""
        self._run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take an entry in and rewrite claims.json, so that an interrupt or a kill leaves the results so far."""
        entry = report.__dict__.get("verification_entry")
        if entry is None:
            return
        self._run.document.add(entry)
        if self._run.report is not None:
            self._run.document.write(self._run.report)

    def pytest_sessionfinish(self) -> None:
        """Write the page; a run without results leaves an earlier report alone."""
        if self._run.report is not None and self._run.document.recorded:
            self._run.document.write(self._run.report)
            write_page(self._run.document, self._run.report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """End with the data set, the families, pictures and slack in short, the table of claims and the mutants."""
        document = self._run.document
        if not document.recorded:
            return
        for title, lines in (
            ("data set", terminal.dataset_lines(document)),
            ("instances by family", terminal.family_lines(document)),
            ("pictures", terminal.picture_lines(document)),
            ("slack", terminal.slack_lines(document)),
            ("claims", self._claims(document)),
        ):
            if lines:
                terminalreporter.section(title)
                for line in lines:
                    terminalreporter.write_line(line)
        for line in terminal.closing_lines(document):
            terminalreporter.write_line(line)
        if self._run.report is not None:
            terminalreporter.write_line(f"report: {self._run.report / 'index.html'}")

    @staticmethod
    def _claims(document: Document) -> list[str]:
        return [
            *terminal.claim_lines(document),
            *terminal.convention_lines(document),
            *terminal.mutant_lines(document),
            *terminal.obligation_lines(document),
        ]
