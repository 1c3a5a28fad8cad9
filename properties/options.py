"""The suite's command-line options, and nothing else.

They live apart from the plugin because pytest must know them before it looks for the checkout's conftest.py: an
option it does not know yet makes it take the option's value, say ``--dataset /elsewhere/mine.csv``, for a test path
and search its root directory there. The package's entry point therefore announces this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from properties.claim import Depth
from properties.selection import ALL_CLAIMS

if TYPE_CHECKING:
    import pytest


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
    group.addoption("--report", metavar="DIR", help="write claims.json, index.html and counterexamples there")
