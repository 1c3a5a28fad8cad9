"""The extras of the distribution: what each brings, whether it is there, and the error that says how to install it.

The core (the guard, replays, the claims themselves) imports nothing that an extra brings. Whoever is about to import such a module,
or to start a long computation that ends in one, asks here first.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Mapping
from enum import StrEnum

from theory.errors import MissingExtraError

DISTRIBUTION = "verified-natural-gradient"


class Extra(StrEnum):
    """The names in brackets of ``pip install 'verified-natural-gradient[NAME]'``."""

    PROOFS = "proofs"
    REPORT = "report"
    DATA = "data"
    DASK = "dask"


MODULES: Mapping[Extra, Mapping[str, str]] = {
    Extra.PROOFS: {"z3": "z3-solver", "cvc5": "cvc5"},
    Extra.REPORT: {
        "matplotlib": "matplotlib",
        "jinja2": "jinja2",
        "markupsafe": "markupsafe",
        "latex2mathml": "latex2mathml",
    },
    Extra.DATA: {"sklearn": "scikit-learn", "clevercsv": "clevercsv"},
    Extra.DASK: {"distributed": "distributed"},
}
"""By extra the modules that shipped code imports, and the distributions that they come in."""


def missing_from(extra: Extra) -> tuple[str, ...]:
    """The distributions of an extra that are not installed."""
    return tuple(distribution for module, distribution in MODULES[extra].items() if not _importable(module))


def require_extra(extra: Extra, what: str) -> None:
    """Raise MissingExtraError unless all of an extra is installed; ``what`` begins the message: who needs it."""
    if absent := missing_from(extra):
        verb = "is" if len(absent) == 1 else "are"
        raise MissingExtraError(f"{what} needs {listed(absent)}, which {verb} not installed: {installation(extra)}")


def listed(names: Collection[str]) -> str:
    """``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def installation(extra: Extra) -> str:
    """The command that installs an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def _importable(module: str) -> bool:
    """Whether a module or a package with a file of its own would be found; a mere directory of that name is none."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # refused by a finder, or imported without a specification
        return False
    return found is not None and found.origin is not None
