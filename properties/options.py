"""The suite's command-line options, and nothing else.

They live apart from the plugin because pytest takes the value of an option that it does not know yet, say
``--dataset /elsewhere/mine.csv``, for a test path. It then looks for conftest.py there, so in this checkout the package's
entry point (verified_natural_gradient.py, which has ``--implementation`` and ``--replay``) announces this module to it before
that; and it looks for its settings there even before it asks entry points, so such a command is started again with
``--dataset=/elsewhere/mine.csv``, which cannot be misread.

PYTEST_DONT_REWRITE: the module holds no assertions, and the plugin imports it first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from properties.claim import Depth
from properties.selection import ALL_CLAIMS

if TYPE_CHECKING:
    import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
"""Where this package's own settings of pytest lie."""

pytest_plugins = ["verified_natural_gradient"]

OPTIONS = (
    *("--claim", "--depth", "--dataset", "--target", "--width", "--scale", "--report", "--replay", "--baseline"),
    *("--implementation", "--optimiser", "--damping", "--damping-kind", "--singular"),
)
"""The options with one value."""

FLAGS = ("--symmetric", "--update-baseline")
"""The options without one."""


def clash(error: ValueError) -> str:
    """What to say where pytest refuses an option because another plugin has one of our names; empty for other errors."""
    text = str(error)
    twice = [
        name
        for name in (*OPTIONS, *FLAGS)
        if f"'{name}'" in text or f"dest '{name.removeprefix('--').replace('-', '_')}'" in text
    ]
    if not twice or "already" not in text:
        return ""
    return (
        f"the option {' and '.join(twice)} of this run is added by a conftest.py or another plugin as well ({text}); "
        f"--implementation and --replay need {', '.join((*OPTIONS, *FLAGS))}: rename the other one, or leave it out "
        f"(--noconftest, -p no:NAME)"
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this suite to pytest."""
    group = parser.getgroup("verification", "Verified natural gradient descent")
    group.addoption(
        "--claim",
        action="append",
        default=[],
        metavar="ID",
        help=f'run this claim and its mutants only; repeatable; "{ALL_CLAIMS}" stands for every claim',
    )
    group.addoption(
        "--depth",
        choices=[depth.value for depth in Depth],
        default=Depth.QUICK.value,
        help="how much work each claim does (default: %(default)s)",
    )
    group.addoption(
        "--dataset",
        metavar="NAME_OR_PATH",
        help="certify a data set: digits-4-9, diabetes, an .npz file with X and y, or a .csv file",
    )
    group.addoption("--target", metavar="NAME", help="the target's column in a .csv data set (default: the last)")
    group.addoption(
        "--optimiser",
        choices=["ngd", "kfac"],
        help="what the step of --implementation claims to be (default: ngd)",
    )
    group.addoption(
        "--damping",
        metavar="EPS",
        help="the damping that the step of --implementation is meant to have; with --damping-kind for K-FAC",
    )
    group.addoption(
        "--damping-kind",
        choices=["gram", "factors", "product", "pi"],
        help="what --damping is added to (ngd: gram; kfac: factors, product or pi)",
    )
    group.addoption(
        "--singular",
        choices=["pinv", "raises", "unjudged"],
        help="what the step of --implementation promises where G, or H for K-FAC, is singular: the step through the "
        "pseudo-inverse (default), an error, or nothing",
    )
    group.addoption(
        "--width",
        action="append",
        type=int,
        default=[],
        metavar="M",
        help="certify the data set at this width, on all rows, instead of the ladder of widths; repeatable",
    )
    group.addoption(
        "--scale", type=float, metavar="NU", help="with --width: initial weights are N(0, NU^2) (default 1)"
    )
    group.addoption("--symmetric", action="store_true", help="with --width: symmetric initialisation, u(0) = 0")
    group.addoption("--report", metavar="DIR", help="write claims.json, index.html and counterexamples there")
    group.addoption("--baseline", metavar="FILE", help="an earlier claims.json: fail on whatever got worse since")
    group.addoption(
        "--update-baseline", action="store_true", help="write this run's results to the file of --baseline afterwards"
    )


def joined(arguments: Sequence[str]) -> list[str]:
    """The same arguments with every ``--option value`` of ours as one word, ``--option=value``."""
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] in OPTIONS:
            result[-1] += f"={argument}"
        else:
            result.append(argument)
    return result


def pytest_cmdline_main(config: pytest.Config) -> None:
    """Start the command again when pytest took its settings from where an option's value lies, not from this checkout."""
    given = list(config.invocation_params.args)
    inside = config.invocation_params.dir.resolve().is_relative_to(CHECKOUT)
    own_settings = config.inipath is not None and config.inipath.parent == CHECKOUT
    again = joined(given)
    if not inside or own_settings or again == given or given != sys.argv[1:]:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *again])
