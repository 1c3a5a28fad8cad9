"""What a run leaves in GitHub Actions: its table on the page of the job, and an error at the lines of a refuted step.

Both only there, as the environment says, and only in runs of this suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from properties.engine.claim import Verdict
from properties.engine.report import terminal
from properties.engine.report.baseline_lines import baseline_lines
from properties.engine.report.causes import told_of
from properties.engine.report.document import Document
from properties.engine.report.left_out import left_out_lines
from properties.engine.run.place import Place
from properties.engine.run.run import Run

if TYPE_CHECKING:
    import pytest

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable with the file whose Markdown the page of a job shows."""


class GitHubActions:
    """Ends a run with what GitHub shows of it; for the process that records."""

    def __init__(self, run: Run, environment: Mapping[str, str]) -> None:
        """Take the run, and the environment that says whether and where."""
        self._run = run
        self._environment = environment

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Append to the summary of the job; print the error of a refuted step."""
        document, subject = self._run.document, self._run.subject
        if not document.recorded:
            return
        if path := self._environment.get(SUMMARY):
            try:
                with Path(path).open("a", encoding="utf-8") as file:
                    file.write(summary(document))
            except OSError as error:
                terminalreporter.write_line(f"no summary in {SUMMARY} {path}: {error.strerror}")
        if subject is not None and self._environment.get("GITHUB_ACTIONS") == "true":
            workspace = Path(self._environment.get("GITHUB_WORKSPACE") or Path.cwd())
            for line in error_commands(document, subject.place, workspace):
                terminalreporter.write_line(line)


def summary(document: Document) -> str:
    """The verdict of the run and the table of its claims in Markdown, what follows the table in the terminal below it."""
    rows = terminal.claim_rows(document)
    below = [
        *(line for lines in terminal.part_lines(document, judged=True).values() for line in lines),
        *terminal.replay_lines(document),
        *terminal.cause_lines(document),
        *terminal.mutant_lines(document),
        *terminal.obligation_lines(document),
        *left_out_lines(document.left_out),
        *baseline_lines(document.baseline),
    ]
    parts = [f"### {_escaped(document.title)}\n\n{_escaped(' '.join(terminal.closing_lines(document)))}\n"]
    if rows:
        header, *body = [f"| {' | '.join(map(_escaped, row))} |" for row in (terminal.COLUMNS, *rows)]
        parts.append("\n".join([header, "|---" * len(terminal.COLUMNS) + "|", *body]) + "\n")
    if below:
        parts.append("\n".join(f"    {line}" for text in below for line in text.splitlines()) + "\n")
    return "\n".join(parts) + "\n"


def error_commands(document: Document, where: Place | None, workspace: Path) -> list[str]:
    """One error where claims on a step are refuted: what it does and what to change, if that is known, then the claims."""
    refuted = [entry for entry in document.merged_claims() if entry["verdict"] == Verdict.REFUTED.value]
    if not refuted:
        return []
    causes = [line for told in told_of(refuted) for line in told.causes]
    remarks = [f"{entry['remark']}; " if entry.get("remark") else "" for entry in refuted]
    claims = [
        f"{entry['id']} is refuted: {remark}{entry['statement']}"
        for entry, remark in zip(refuted, remarks, strict=True)
    ]
    text = "\n".join([*causes, *claims])
    properties = "title=the step is refuted"
    if where is not None and where.file.resolve().is_relative_to(workspace.resolve()):
        file = where.file.resolve().relative_to(workspace.resolve()).as_posix()
        properties = f"file={_property(file)},line={where.line},{properties}"
    return [f"::error {properties}::{_data(text)}"]


def _data(text: str) -> str:
    """Text after ``::``, which ends with its line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A value before ``::``, which ends with a comma too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    """Text in which Markdown sees no marks."""
    return "".join(f"\\{character}" if character in "\\|*_<>`[]#~" else character for character in text)
