"""The user's step as it is imported: whether it is there, can be called, and takes what it is given."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from theory.errors import ImplementationError

SIGNATURE = "step(weights, signs, X, y, step_size) -> weights"

ROLES = (
    {"w", "weight", "weights"},
    {"a", "sign", "signs", "output_weights"},
    {"x", "data", "input", "inputs"},
    {"y", "label", "labels", "target", "targets"},
    {"eta", "learning_rate", "lr", "step_size"},
)
"""What its arguments are often called, in lower case."""


def imported_step(name: str, directory: Path) -> Any:
    """Import ``module:function``; ``directory``, where pytest was started, goes in front of ``sys.path``.

    Raises ImplementationError: no such module, an error while it is imported, no such attribute, not callable, a class, or
    a signature that does not take the five arguments by position, or whose names have them in another order.
    """
    module_name, separator, path = name.partition(":")
    if not (separator and module_name and path):
        raise ImplementationError(f"{name!r} is not of the form module:function, for example mypackage.optimisers:step")
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    found = _imported(module_name, directory)
    for part in path.split("."):
        if not hasattr(found, part):
            known = sorted(n for n, v in vars(found).items() if callable(v) and not n.startswith("_"))
            listed = ", ".join(known) or "none"
            raise ImplementationError(f"{module_name} has no attribute {path!r}; callables there: {listed}")
        found = getattr(found, part)
    _check(name, found)
    return found


def _imported(name: str, directory: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ImplementationError(f"there is no module {name!r}, neither installed nor in {directory}") from error
        raise ImplementationError(f"importing {name} failed: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may exit while it is imported
        raise ImplementationError(f"importing {name} failed: {type(error).__name__}: {error}") from error


def _check(name: str, step: Any) -> None:
    if not callable(step):
        raise ImplementationError(f"{name} is a {type(step).__name__}, not callable; wanted: {SIGNATURE}")
    if isinstance(step, type):
        raise ImplementationError(f"{name} is a class; wrap it into {SIGNATURE}, see properties.adapters")
    if kind := _deferred(step):
        raise ImplementationError(f"{name} is {kind}, a call of which returns no weights; wanted: {SIGNATURE}")
    try:
        signature = inspect.signature(step)
    except (TypeError, ValueError):  # some compiled functions do not tell
        return
    try:
        signature.bind(*range(5))
    except TypeError as error:
        raise ImplementationError(f"{name} has the signature {signature} ({error}); wanted: {SIGNATURE}") from error
    if _reordered(list(signature.parameters)):
        raise ImplementationError(
            f"{name} has the signature {signature}, the arguments in another order; they are given by position, wanted: {SIGNATURE}"
        )


def _reordered(names: Sequence[str]) -> bool:
    """Whether two names or more say that they are another argument's; one alone may be a habit of notation."""
    found = [
        next((role for role, known in enumerate(ROLES) if name.lower() in known), place)
        for place, name in enumerate(names)
    ]
    return sum(role != place for place, role in enumerate(found[: len(ROLES)])) > 1


def _deferred(step: Any) -> str:
    """What a function is called whose body does not run when it is called; empty for any other callable."""
    kinds = {
        "a coroutine function": inspect.iscoroutinefunction,
        "a generator function": inspect.isgeneratorfunction,
        "an asynchronous generator function": inspect.isasyncgenfunction,
    }
    called = (step, type(step).__call__)
    return next((kind for kind, is_kind in kinds.items() if any(map(is_kind, called))), "")
