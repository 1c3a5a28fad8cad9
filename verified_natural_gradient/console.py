"""The command ``natural-gradient``: pytest's options under short names, from any directory; ``certify`` is a program of its own."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from verified_natural_gradient import __version__
from verified_natural_gradient.options import (
    CONFORM,
    DATASET,
    GUARD,
    OPTIONS,
    REPLAY,
    VERIFY,
    add_short_options,
    arguments,
)

SETTINGS = Path(__file__).with_name("settings.ini")

DESTINATIONS = {option.name: option.dest for option in OPTIONS}

COMMANDS = {
    VERIFY: "the claims: all of them, or those of --claim",
    DATASET: "certify a data set: FILE.npz with X and y, FILE.csv, digits-4-9 or diabetes",
    GUARD: "the claims on a step of your own, with the conftest.py and pytest settings of the directory",
    CONFORM: "the claims on a library of your own, with the conftest.py and pytest settings of the directory",
    REPLAY: "evaluate counterexample files again",
}

CERTIFY = "certify"
"""The command that is none of pytest's."""


class _Parser(argparse.ArgumentParser):
    """Ends as pytest does where it does not understand its arguments."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(pytest.ExitCode.USAGE_ERROR, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="natural-gradient",
        description="Theorems on natural gradient descent, verified by pytest; other options are handed to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="|".join([*COMMANDS, CERTIFY]))
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name == DATASET:
            command.add_argument(DESTINATIONS["dataset"], metavar="FILE")
        elif name == GUARD:
            command.add_argument(DESTINATIONS["implementation"], metavar="MODULE:STEP")
        elif name == CONFORM:
            command.add_argument(DESTINATIONS["conformance"], metavar="MODULE")
        elif name == REPLAY:
            command.add_argument(DESTINATIONS["replay"], metavar="FILE", nargs="+")
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


def main(given: Sequence[str] | None = None) -> int:
    """Run pytest; its exit code. No file is left where it was started but the report and the baseline that were asked for."""
    asked = sys.argv[1:] if given is None else given
    if asked[:1] == [CERTIFY]:
        return int(importlib.import_module("verified_natural_gradient.certify").main(asked[1:]))
    words = command_line(asked)
    with tempfile.TemporaryDirectory() as storage:
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", storage)  # also for the workers of a distributed run
        return int(pytest.main(words, plugins=[sys.modules[__name__]]))
