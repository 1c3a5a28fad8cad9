"""What pytest loads wherever this package is installed: nothing of the suite, unless one of its options is given.

It adds no option before one is given (or help is asked for), imports nothing of the suite, prints nothing and changes no
setting, so the test runs of other projects are what they were.

PYTEST_DONT_REWRITE: the module holds no assertions and may be imported before pytest starts.
"""

from __future__ import annotations

import copy
import gc
import importlib.util
import os
import sys
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from verified_natural_gradient.options import CHECKOUT, add_options, asked_for, in_checkout, joined


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: Sequence[str]
) -> Generator[None, object, object]:
    """Load the suite when it is asked for, and in its checkout. Raises UsageError when it cannot be loaded."""
    here = in_checkout(early_config.invocation_params.dir)
    if not here and not asked_for(args, early_config.option):
        result = yield
        if early_config.known_args_namespace.help:
            add_options(parser, short=False)
        return result
    _load_suite(early_config.pluginmanager)
    before = early_config.known_args_namespace
    after = parser.parse_known_args(args, namespace=copy.copy(early_config.option))
    after.confcutdir = before.confcutdir
    early_config.known_args_namespace = after  # or the values of our options are looked at as paths of tests
    return (yield)


def _load_suite(pluginmanager: pytest.PytestPluginManager) -> None:
    try:
        with _kept_to_the_end():
            from properties import plugin
    except Exception as error:
        raise pytest.UsageError(_other_packages() or f"the suite cannot be loaded: {_place(error)}") from error
    if not pluginmanager.has_plugin(plugin.__name__):
        pluginmanager.register(plugin, plugin.__name__)


@contextmanager
def _kept_to_the_end() -> Iterator[None]:
    """What is loaded meanwhile stays: to look for what of it could go, now and at each collection, costs as much as to load it."""
    loaded, collecting = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > loaded:
            gc.freeze()
        if collecting:
            gc.enable()


def _place(error: Exception) -> str:
    """File, line and cause of an error while modules were imported."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    file, line = frame.filename, frame.lineno
    if isinstance(error, SyntaxError) and error.filename is not None:
        file, line = error.filename, error.lineno
    return f"{file}:{line}: {type(error).__name__}: {error}"


def _other_packages() -> str:
    """What to say where other packages have the names that the suite's have in its checkout; empty where none has."""
    if not (CHECKOUT / "properties").is_dir():
        return ""
    found = {name: importlib.util.find_spec(name) for name in ("theory", "properties")}
    wrong = {
        name: spec.origin or str(spec.submodule_search_locations)
        for name, spec in found.items()
        if spec is not None and not (spec.origin and Path(spec.origin).resolve().is_relative_to(CHECKOUT))
    }
    others = " and ".join(f"{name} is found at {place}" for name, place in wrong.items())
    return others and (
        f"installed from a checkout, this project needs the names theory and properties, but {others}; "
        f"install a wheel of it (pip install without -e), which has its own names, or start pytest elsewhere"
    )


def pytest_cmdline_main(config: pytest.Config) -> None:
    """In the checkout, start the command again when pytest took its settings from where an option's value lies.

    It takes the value of an option that it does not know yet, say ``--dataset /elsewhere/mine.csv``, for a test path, and
    looks for its settings there before it loads any plugin; ``--dataset=/elsewhere/mine.csv`` cannot be misread.
    """
    given = list(config.invocation_params.args)
    inside = in_checkout(config.invocation_params.dir)
    own_settings = config.inipath is not None and config.inipath.parent.samefile(CHECKOUT)
    again = joined(given)
    if not inside or own_settings or again == given or given != sys.argv[1:]:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *again])
