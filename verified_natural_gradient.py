"""What pytest loads wherever this package is installed: two options, and the suite only when one is given.

It imports nothing of the suite before that, has no output and changes no setting, so the test runs of other projects are what
they were. The other options are known in this checkout alone, and beside these two: their names are common words.

PYTEST_DONT_REWRITE: the module holds no assertions and may be imported before pytest starts.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Generator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent
"""The checkout, or where packages are installed."""

STARTED = Path.cwd().resolve()

IN_CHECKOUT = (HOME / "tests" / "claims").is_dir() and any(HOME.samefile(one) for one in (STARTED, *STARTED.parents))

pytest_plugins = ["properties.options"] if IN_CHECKOUT else []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --implementation and --replay to pytest."""
    group = parser.getgroup("verification", "Verified natural gradient descent")
    group.addoption(
        "--implementation",
        metavar="MODULE:FUNCTION",
        help="run the claims of verified-natural-gradient against this step(weights, signs, X, y, step_size) -> weights, "
        "in place of the tests here; with --optimiser, --claim, --depth, --report",
    )
    group.addoption(
        "--replay",
        action="append",
        default=[],
        metavar="FILE",
        help="evaluate a counterexample file again, or all in a directory, and nothing else; repeatable",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Load the suite when it is asked for.

    Raises UsageError when another package has its name, or a conftest.py or another plugin an option of its name.
    """
    given = early_config.known_args_namespace
    if given.implementation is None and not given.replay:
        return (yield)
    _check_packages()
    try:
        early_config.pluginmanager.import_plugin("properties.plugin")
        result = yield
        build = getattr(early_config._parser, "_getparser", None)
        if build is not None:  # before pytest 9 options are compared only when the parser is built
            build()
        return result
    except (ValueError, argparse.ArgumentError) as error:
        message = importlib.import_module("properties.options").clash(error)
        if not message:
            raise
        raise pytest.UsageError(message) from error


def _check_packages() -> None:
    for name in ("theory", "properties"):
        found = importlib.util.find_spec(name)
        place = HOME / name / "__init__.py"
        if found is None or found.origin is None or not _same(place, found.origin):
            raise pytest.UsageError(
                f"--implementation and --replay need this project's package {name}, but {name} is found at "
                f"{None if found is None else found.origin}; start pytest where no other {name} hides it"
            )


def _same(place: Path, origin: str) -> bool:
    return place.exists() and Path(origin).exists() and place.samefile(origin)
