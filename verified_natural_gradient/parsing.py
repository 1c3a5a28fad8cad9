"""What is said of words on a command line that are not understood: one line, with the name that was perhaps meant.

PYTEST_DONT_REWRITE: the module holds no assertions and may be imported before pytest starts.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from typing import NoReturn

import pytest

from verified_natural_gradient.options import OPTIONS


class Parser(argparse.ArgumentParser):
    """Ends as pytest does where it does not understand its arguments, and in one line."""

    def error(self, message: str) -> NoReturn:
        """Say it, and where the arguments are listed. Raises SystemExit."""
        self.exit(pytest.ExitCode.USAGE_ERROR, f"{self.prog}: error: {advised(message)}; see {self.prog} --help\n")

    def refuse_unknown(self, given: Iterable[str]) -> None:
        """Refuse options that there are not before any is missed that is required. Raises SystemExit."""
        known = self._option_string_actions
        unknown = [word for word in given if word.startswith("--") and word.partition("=")[0] not in {*known, "--"}]
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{meant(unknown, known)}")


def advised(message: str) -> str:
    """argparse's message on a choice that is none, with the nearest of those that are."""
    found = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)$", message)
    if found is None:
        return message
    choices = [one.strip("' ") for one in found[2].split(",")]
    return message + _meant(difflib.get_close_matches(found[1], choices, 1))


def meant(unknown: Sequence[str], known: Collection[str], command: str = "") -> str:
    """The option, of those that are known, whose name is nearest to the first of these words that is near to any; or whose it is.

    ``command``: the command of the console that does not know them, where others may.
    """
    for name in (word.partition("=")[0] for word in unknown if word.startswith("-")):
        if others := [" and ".join(one.commands) for one in OPTIONS if one.short == name and command and one.commands]:
            return f"; {name} is an option of {others[0]}"
        if near := difflib.get_close_matches(name, known, 1):
            return _meant(near)
    return ""


def _meant(near: Sequence[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""
