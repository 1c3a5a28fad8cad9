"""The command ``natural-gradient``: pytest's options under short names, from any directory; ``certify`` is a program of its own."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from verified_natural_gradient import __version__
from verified_natural_gradient.options import (
    CONFORM,
    DATASET,
    GUARD,
    OPTIONS,
    PREFIX,
    REPLAY,
    VERIFY,
    add_short_options,
    arguments,
    option_names,
)
from verified_natural_gradient.parsing import Parser, meant

SETTINGS = Path(__file__).with_name("settings.ini")

DESTINATIONS = {option.name: option.dest for option in OPTIONS}

COMMANDS = {
    VERIFY: "the claims: all of them, or those of --claim",
    DATASET: "certify a data set: FILE.npz with X and y, FILE.csv, digits-4-9 or diabetes",
    GUARD: "the claims on a step of your own, with the conftest.py and pytest settings of the directory",
    CONFORM: "the claims on a library of your own, with the conftest.py and pytest settings of the directory",
    REPLAY: "evaluate counterexample files again",
}

ARGUMENTS = {
    DATASET: ("dataset", "FILE"),
    GUARD: ("implementation", "MODULE:STEP"),
    CONFORM: ("conformance", "MODULE"),
    REPLAY: ("replay", "FILE"),
}
"""By command the option of pytest that its argument becomes, and what the argument is called."""

CERTIFY = "certify"
"""The command that is none of pytest's."""


@dataclass
class _Running:
    """The command that runs in this process, and pytest's parser."""

    command: str = ""
    parser: pytest.Parser | None = None


RUNNING = _Running()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="natural-gradient",
        description="Theorems on natural gradient descent, verified by pytest; other options are handed to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="|".join([*COMMANDS, CERTIFY]))
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name in ARGUMENTS:
            option, called = ARGUMENTS[name]
            command.add_argument(DESTINATIONS[option], metavar=called, nargs="+" if name == REPLAY else None)
        add_short_options(command, name)
    commands.add_parser(
        CERTIFY, help="certify a network of any width, its neurons drawn a chunk at a time", add_help=False
    )
    return parser


def command_line(given: Sequence[str]) -> list[str]:
    """Pytest's arguments for those of the console command. Raises SystemExit: help, version, or what cannot be understood."""
    known, rest = _parser().parse_known_args(given)
    values = vars(known)
    if known.command == VERIFY and not values[DESTINATIONS["claim"]]:
        values[DESTINATIONS["claim"]] = ["all"]
    if all(values.get(DESTINATIONS[name]) is None for name in ("implementation", "conformance")):
        place = ["-c", str(SETTINGS), f"--rootdir={Path.cwd()}", "--noconftest", "-p", "no:cacheprovider"]
    else:
        place = []
    return [*place, *arguments(values), *rest]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pytest's complaints about options speak of this command."""
    parser.prog = "natural-gradient"
    RUNNING.parser = parser


def as_called(message: str) -> str:
    """A message that calls what the command takes as its argument so, and not by the option that the command does not have."""
    option, called = ARGUMENTS.get(RUNNING.command, ("", ""))
    return re.sub(rf"(?<![\w-])--{option}(?![\w-])", called, message) if option else message


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_parse() -> Generator[None, object, object]:
    """Such a complaint in one line, with the option that was perhaps meant. Raises UsageError."""
    try:
        return (yield)
    except pytest.UsageError as error:
        said = re.search(r"natural-gradient: error: (?:.*: )?unrecognized arguments: (.*)", str(error))
        if said is None or RUNNING.parser is None:
            raise
        ours = [option.short for option in OPTIONS if RUNNING.command in option.commands]
        theirs = [name for name in option_names(RUNNING.parser) if not name.startswith(PREFIX)]
        known = [*ours, *(name for name in theirs if name not in {one.short for one in OPTIONS})]
        raise pytest.UsageError(f"{said[0]}{meant(said[1].split(), known, RUNNING.command)}") from None


def main(given: Sequence[str] | None = None) -> int:
    """Run pytest; its exit code. No file is left where it was started but the report and the baseline that were asked for."""
    asked = sys.argv[1:] if given is None else given
    if asked[:1] == [CERTIFY]:
        return int(importlib.import_module("verified_natural_gradient.certify").main(asked[1:]))
    words = command_line(asked)
    RUNNING.command = asked[0]
    with tempfile.TemporaryDirectory() as storage:
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", storage)  # also for the workers of a distributed run
        return int(pytest.main(words, plugins=[sys.modules[__name__]]))
