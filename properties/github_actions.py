"""What a run leaves in GitHub Actions: its table on the page of the job, and an error at the lines of a refuted step.

Both only there, as the environment says, and only in runs of this suite.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from properties.claim import Verdict
from properties.guard.implementation import Implementation
from properties.report import terminal, wording
from properties.report.document import Document
from properties.report.left_out import left_out_lines
from properties.run import Run

if TYPE_CHECKING:
    import pytest

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable with the file whose Markdown the page of a job shows."""

OURS = Path(__file__).resolve().parents[1]
"""Where this project's own modules lie, which are nobody's step."""


@dataclass(frozen=True)
class Place:
    """A line of a file, from 1."""

    file: Path
    line: int


class GitHubActions:
    """Ends a run with what GitHub shows of it; for the process that records."""

    def __init__(self, run: Run, environment: Mapping[str, str]) -> None:
        """Take the run, and the environment that says whether and where."""
        self._run = run
        self._environment = environment

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Append to the summary of the job; print the error of a refuted step."""
        document, own = self._run.document, self._run.own
        if not document.recorded:
            return
        if path := self._environment.get(SUMMARY):
            try:
                with Path(path).open("a", encoding="utf-8") as file:
                    file.write(summary(document))
            except OSError as error:
                terminalreporter.write_line(f"no summary in {SUMMARY} {path}: {error.strerror}")
        if own is not None and self._environment.get("GITHUB_ACTIONS") == "true":
            workspace = Path(self._environment.get("GITHUB_WORKSPACE") or Path.cwd())
            for line in error_lines(document, place(own), workspace):
                terminalreporter.write_line(line)


def summary(document: Document) -> str:
    """The verdict of the run and the table of its claims in Markdown, what follows the table in the terminal below it."""
    rows = terminal.claim_rows(document)
    below = [
        *terminal.dataset_lines(document),
        *terminal.replay_lines(document),
        *terminal.convention_lines(document),
        *terminal.mutant_lines(document),
        *terminal.obligation_lines(document),
        *left_out_lines(document.left_out),
        *wording.baseline_lines(document.baseline),
    ]
    parts = [f"### Verified natural gradient descent\n\n{_escaped(' '.join(terminal.closing_lines(document)))}\n"]
    if rows:
        header, *body = [f"| {' | '.join(map(_escaped, row))} |" for row in (terminal.COLUMNS, *rows)]
        parts.append("\n".join([header, "|---" * len(terminal.COLUMNS) + "|", *body]) + "\n")
    if below:
        parts.append("\n".join(f"    {line}" for text in below for line in text.splitlines()) + "\n")
    return "\n".join(parts) + "\n"


def error_lines(document: Document, where: Place | None, workspace: Path) -> list[str]:
    """One error where claims on a step are refuted: the convention that it follows, if one is known, then the claims."""
    refuted = [entry for entry in document.merged_claims() if entry["verdict"] == Verdict.REFUTED.value]
    if not refuted:
        return []
    conventions = [line for entry in refuted for line in entry.get("explanation", ()) if _names_convention(line)]
    claims = [f"{entry['id']} is refuted: {entry['statement']}" for entry in refuted]
    text = "\n".join([*dict.fromkeys(conventions), *claims])
    properties = "title=the step is refuted"
    if where is not None and where.file.resolve().is_relative_to(workspace.resolve()):
        file = where.file.resolve().relative_to(workspace.resolve()).as_posix()
        properties = f"file={_property(file)},line={where.line},{properties}"
    return [f"::error {properties}::{_data(text)}"]


def place(implementation: Implementation) -> Place | None:
    """Where the step is written; where that is not known (an adapter, a compiled function), where its module names it."""
    code = _code(implementation.step)
    if code is not None:
        file = Path(code.co_filename).resolve()
        if file.is_file() and not _ours(file):
            return Place(file, code.co_firstlineno)
    module_name, _, path = implementation.name.partition(":")
    source = getattr(sys.modules.get(module_name), "__file__", None)
    if source is None or not Path(source).is_file():
        return None
    return Place(Path(source), _naming_line(Path(source), path.partition(".")[0]))


def _code(step: Callable[..., Any]) -> Any:
    """The code of a function, of what it wraps, of a method or of an instance's ``__call__``; None for compiled ones."""
    found: Any = inspect.unwrap(step)
    while isinstance(found, functools.partial):
        found = inspect.unwrap(found.func)
    if not hasattr(found, "__code__"):
        found = getattr(type(found).__call__, "__func__", type(found).__call__)
    return getattr(found, "__code__", None)


def _ours(file: Path) -> bool:
    return any(file.is_relative_to(OURS / package) for package in ("properties", "theory"))


def _naming_line(source: Path, name: str) -> int:
    """The line on which a module gives something the name; 1 where none is found."""
    try:
        lines: Sequence[str] = source.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return 1
    starts = (f"{name} ", f"{name}:", f"{name}=", f"def {name}(", f"class {name}(", f"class {name}:")
    return next((number for number, line in enumerate(lines, 1) if line.startswith(starts)), 1)


def _names_convention(line: str) -> bool:
    return line.startswith(terminal.CONVENTION)


def _data(text: str) -> str:
    """Text after ``::``, which ends with its line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A value before ``::``, which ends with a comma too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    """Text in which Markdown sees no marks."""
    return "".join(f"\\{character}" if character in "\\|*_<>`[]#~" else character for character in text)
