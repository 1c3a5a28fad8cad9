"""The suite's options, in one table: ``--ngd-NAME`` for pytest everywhere, ``--NAME`` for the console command.

In this checkout pytest takes ``--NAME`` as well, where no other plugin has that name.

PYTEST_DONT_REWRITE: the module holds no assertions and may be imported before pytest starts.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def whole_number(text: str) -> int:
    """``1000``, or ``1e3``. Raises ValueError."""
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if not float(text).is_integer():
        raise ValueError(f"{text} is no whole number")
    return int(float(text))


PREFIX = "--ngd-"
"""How every option begins in the runs of other projects."""

CHECKOUT = Path(__file__).resolve().parents[1]
"""The checkout, or where packages are installed."""

VERIFY, DATASET, GUARD, CONFORM, REPLAY = "verify", "dataset", "guard", "conform", "replay"
"""The console command's own commands."""

RECORDED = (VERIFY, DATASET, GUARD, CONFORM)
"""Those of them that write reports."""


class Once(argparse.Action):
    """An option whose second value would hide the first."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Take the value. Raises ArgumentError when there is another one."""
        before = getattr(namespace, self.dest, None)
        if before is not None and before != values:
            raise argparse.ArgumentError(self, f"given twice, as {before} and as {values}; a run takes one")
        setattr(namespace, self.dest, values)


@dataclass(frozen=True)
class Option:
    """One option, whatever the name is that it goes by."""

    name: str
    """Without prefix."""
    help: str
    settings: Mapping[str, Any]
    """What argparse takes besides."""
    commands: tuple[str, ...]
    """The console commands that have it under its short name."""

    @property
    def long(self) -> str:
        """Its name in any run of pytest."""
        return PREFIX + self.name

    @property
    def short(self) -> str:
        """Its name for the console command, and in the checkout."""
        return f"--{self.name}"

    @property
    def dest(self) -> str:
        """Where pytest and argparse keep the value: ``config.getoption(option.dest)``."""
        return self.long.lstrip("-").replace("-", "_")


OPTIONS = (
    Option(
        "claim",
        'run this claim and its mutants only; repeatable; "all" stands for every claim',
        {"action": "append", "default": [], "metavar": "ID"},
        (VERIFY, GUARD, CONFORM),
    ),
    Option(
        "depth",
        "how much work each claim does (default: %(default)s)",
        {"choices": ["quick", "normal", "thorough"], "default": "quick"},
        RECORDED,
    ),
    Option(
        "executor",
        "who does the items of --claim and --dataset: serial, processes, dask (a cluster on this machine), or tcp://host:port of a Dask scheduler",
        {"action": Once, "metavar": "NAME"},
        (VERIFY, DATASET),
    ),
    Option(
        "workers",
        "with --executor: how many, where they are started on this machine (default: one a core)",
        {"action": Once, "type": int, "metavar": "N"},
        (VERIFY, DATASET),
    ),
    Option(
        "dataset",
        "certify a data set: digits-4-9, diabetes, an .npz file with X and y, or a .csv file",
        {"action": Once, "metavar": "NAME_OR_PATH"},
        (VERIFY,),
    ),
    Option(
        "target",
        "the target's column in a .csv data set, or its number from 1 where there is no header (default: the last)",
        {"action": Once, "metavar": "NAME"},
        (DATASET,),
    ),
    Option(
        "shuffle",
        "shuffle the data set's rows first, as files are often sorted by their targets",
        {"action": Once, "type": int, "metavar": "SEED"},
        (DATASET,),
    ),
    Option(
        "standardise",
        "centre the data set's columns and scale them to unit variance before rows are normalised",
        {"action": "store_true"},
        (DATASET,),
    ),
    Option(
        "width",
        "certify the data set at this width, on all rows, instead of the ladder of widths; repeatable",
        {"action": "append", "type": whole_number, "default": [], "metavar": "M"},
        (DATASET,),
    ),
    Option(
        "scale",
        "with --width: initial weights are N(0, NU^2) (default 1)",
        {"action": Once, "type": float, "metavar": "NU"},
        (DATASET,),
    ),
    Option("symmetric", "with --width: symmetric initialisation, u(0) = 0", {"action": "store_true"}, (DATASET,)),
    Option(
        "implementation",
        "run the claims against this step(weights, signs, X, y, step_size) -> weights, in place of tests",
        {"action": Once, "metavar": "MODULE:FUNCTION"},
        (REPLAY,),
    ),
    Option(
        "optimiser",
        "what the step claims to be (default: ngd)",
        {"choices": ["ngd", "kfac"]},
        (GUARD, REPLAY),
    ),
    Option(
        "damping",
        "the damping that the step is meant to have; with --damping-kind for K-FAC",
        {"action": Once, "metavar": "EPS"},
        (GUARD, REPLAY),
    ),
    Option(
        "damping-kind",
        "what --damping is added to (ngd: gram; kfac: factors, product or pi)",
        {"choices": ["gram", "factors", "product", "pi"]},
        (GUARD, REPLAY),
    ),
    Option(
        "singular",
        "what the step promises where G, or H for K-FAC, is singular: the step through the "
        "pseudo-inverse (default), an error, or nothing",
        {"choices": ["pinv", "raises", "unjudged"]},
        (GUARD, REPLAY),
    ),
    Option(
        "conformance",
        "run the claims on a library of K-FAC or natural gradient descent: a module with any of curvature, solve, update and run",
        {"action": Once, "metavar": "MODULE"},
        (REPLAY,),
    ),
    Option(
        "replay",
        "evaluate a counterexample file again, or all in a directory, and nothing else; repeatable",
        {"action": "append", "default": [], "metavar": "FILE"},
        (),
    ),
    Option(
        "report",
        "write claims.json, index.html and counterexamples there",
        {"action": Once, "metavar": "DIR"},
        RECORDED,
    ),
    Option(
        "baseline",
        "an earlier claims.json: fail on whatever got worse since",
        {"action": Once, "metavar": "FILE"},
        RECORDED,
    ),
    Option(
        "update-baseline",
        "write this run's results to the file of --baseline afterwards",
        {"action": "store_true"},
        RECORDED,
    ),
)


ENGINE = ("claim", "depth", "executor", "workers", "replay", "report", "baseline", "update-baseline")
"""Names of the options that every suite has; the others belong to what this suite does beside claims."""


def help_of(name: str) -> str:
    """What is said of an option, for a command that is not pytest's and has it too. Raises KeyError for another name."""
    return {option.name: option.help for option in OPTIONS}[name]


def in_checkout(directory: Path) -> bool:
    """Whether this package is that of a checkout and the directory lies in it."""
    place = directory.resolve()
    return (CHECKOUT / "tests" / "claims").is_dir() and any(CHECKOUT.samefile(one) for one in (place, *place.parents))


def asked_for(arguments: Sequence[str], values: argparse.Namespace) -> bool:
    """Whether a run has one of the options: on its command line, or among the values that a distributed run hands on.

    Another project may have options that begin alike.
    """
    given, names = vars(values), {option.long for option in OPTIONS}
    return any(argument.partition("=")[0] in names for argument in arguments) or any(
        given.get(option.dest) not in (None, False, [], option.settings.get("default")) for option in OPTIONS
    )


def add_options(parser: pytest.Parser, short: bool, names: Collection[str] | None = None) -> None:
    """Add those options to pytest, of these names or all, that it does not have yet; their short names too where these are free."""
    taken = option_names(parser)
    group = parser.getgroup("natural-gradient", "Verified natural gradient descent")
    for option in OPTIONS:
        if option.long not in taken and (names is None or option.name in names):
            called = [option.short, option.long] if short and option.short not in taken else [option.long]
            group.addoption(*called, dest=option.dest, help=option.help, **option.settings)


def option_names(parser: pytest.Parser) -> set[str]:
    """The options that pytest has; only its internals tell, and another plugin's would fail when it is added again."""
    return {
        name for group in (parser._anonymous, *parser._groups) for option in group.options for name in option.names()
    }


def add_short_options(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the options of one console command."""
    for option in OPTIONS:
        if command in option.commands:
            parser.add_argument(option.short, dest=option.dest, help=option.help, **option.settings)


def arguments(values: Mapping[str, Any]) -> list[str]:
    """Pytest's arguments for these values by ``dest``, each one word, as pytest may take a word by itself for a test path."""
    found: list[str] = []
    for option in OPTIONS:
        value = values.get(option.dest)
        if value is True:
            found.append(option.long)
        elif value is not None and value is not False:
            each = value if isinstance(value, list) else [value]
            found += [f"{option.long}={one}" for one in each]
    return found


def joined(given: Sequence[str]) -> list[str]:
    """The same arguments with every ``--option value`` of ours as one word, ``--option=value``."""
    valued = {
        name
        for option in OPTIONS
        if "store_true" not in option.settings.values()
        for name in (option.short, option.long)
    }
    result: list[str] = []
    for argument in given:
        if result and result[-1] in valued:
            result[-1] += f"={argument}"
        else:
            result.append(argument)
    return result


def spoken(message: str, short: bool) -> str:
    """A message that names options by their short names, as they are called in a run."""
    names = "|".join(re.escape(option.short) for option in OPTIONS)
    return message if short else re.sub(rf"(?<![\w-])({names})(?![\w-])", lambda found: PREFIX + found[0][2:], message)
