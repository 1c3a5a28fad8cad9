"""A library as the kit sees it: found by its name, asked for what its contract names, its answers taken apart.

A module (or an object in one) has any of ``curvature(problem)``, ``solve(problem, damping, kind, vectors)``,
``update(problem, step_size, damping, kind)`` and ``run(problem, batches, options)``, and may have ``DECLARES``, its conventions. A
function that is not there, or raises NotImplementedError, is missing: not judged. Whatever else a call does wrong is an answer.
"""

from __future__ import annotations

import importlib
import sys
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from properties.engine.stable_names import stored_as
from theory.conformance.problem import LOSSES, REDUCTIONS, Problem
from theory.errors import ImplementationError

FUNCTIONS = ("curvature", "solve", "update", "run")

DECLARED: Mapping[str, tuple[str, ...]] = {
    "bias": ("inside", "apart"),
    "empirical": ("terms", "scaled", "mean"),
    "singular": ("pinv", "raises"),
    "vanishing": ("finite", "raises"),
    "start": ("zero", "first"),
    "clip": ("kl", "norm"),
}
"""What may be declared, the default first (docs/conformance.md, "Conventions")."""


OFFERED: Mapping[str, tuple[str, ...]] = {"losses": LOSSES, "reductions": REDUCTIONS}
"""What may be declared as a list of what there is; by default all. Problems are drawn with these where a claim allows one of them."""


PREFIX = "library-"
"""How ids of claims on a library begin."""


@dataclass(frozen=True)
class Answer:
    """What one call came to."""

    value: Any = None
    problem: str = ""
    """What is wrong with it, empty when nothing is."""
    missing: str = ""
    """Why it is not judged: the function is not there, or said that it has not this."""
    raised: bool = False
    where: str = ""
    """The line that an exception came through."""


_LOADED: dict[str, Any] = {}


@stored_as("library")
@dataclass(frozen=True)
class Library:
    """What a name stands for in this process; counterexample files hold the name alone."""

    name: str

    @classmethod
    def of(cls, name: str, implementation: Any) -> Library:
        """The library of this name, which is ``implementation`` from now on. Raises ImplementationError (a convention that is not known)."""
        _check(name, implementation)
        _LOADED[name] = implementation
        return cls(name)

    @property
    def implementation(self) -> Any:
        """The module or object. Raises ImplementationError when none of the name was loaded."""
        if self.name not in _LOADED:
            raise ImplementationError(f"the library {self.name} was not loaded; give --conformance {self.name}")
        return _LOADED[self.name]

    def declared(self, convention: str) -> str:
        """What it says of a convention, or the default."""
        return str(_declares(self.implementation).get(convention, DECLARED[convention][0]))

    def offers(self, what: str) -> tuple[str, ...]:
        """What it says that it has, of ``losses`` or ``reductions``."""
        return tuple(_declares(self.implementation).get(what, OFFERED[what]))

    def ask(self, function: str, problem: Problem, *rest: Any) -> Answer:
        """What a function returns for the problem, given with copies of its arrays. Never raises what the function raises."""
        called = getattr(self.implementation, function, None)
        if called is None:
            return Answer(missing=f"it has no {function}")
        given = problem.given()
        before = problem.given()
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                value = called(given, *rest)
        except NotImplementedError as error:
            return Answer(missing=str(error) or f"{function} raised NotImplementedError", raised=True)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # exits and skips too: whatever ends the call is an answer
            said = f"{function} raised {type(error).__name__}: {str(error)[:300]}"
            return Answer(problem=said, raised=True, where=_raised_at(error))
        for name in ("parameters", "inputs", "targets"):
            if any(not np.array_equal(a, b) for a, b in zip(getattr(given, name), getattr(before, name), strict=True)):
                return Answer(problem=f"{function} changes the problem's {name}", where="")
        if value is None or value is NotImplemented:
            return Answer(problem=f"{function} returned {value}")
        return Answer(value)


def _raised_at(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return "".join(f"{frame.filename}, line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames[-1:])


def _declares(implementation: Any) -> Mapping[str, Any]:
    found = getattr(implementation, "DECLARES", getattr(implementation, "declares", {}))
    return found if isinstance(found, Mapping) else {}


def _check(name: str, implementation: Any) -> None:
    for convention, value in _declares(implementation).items():
        if convention in OFFERED:
            unknown = [one for one in value if one not in OFFERED[convention]]
            if unknown:
                raise ImplementationError(
                    f"{name} declares {convention} {unknown}; known: {', '.join(OFFERED[convention])}"
                )
            continue
        if convention not in DECLARED:
            raise ImplementationError(f"{name} declares {convention!r}; known: {', '.join((*DECLARED, *OFFERED))}")
        if value not in DECLARED[convention]:
            raise ImplementationError(
                f"{name} declares {convention} = {value!r}; known: {', '.join(DECLARED[convention])}"
            )


def load_library(name: str, directory: Path) -> Library:
    """Import ``module`` or ``module:object``; ``directory``, where pytest was started, goes in front of ``sys.path``.

    Raises ImplementationError: no such module, an error while it is imported, no such attribute, none of the four functions, or
    a convention that is not known. A class is called without arguments first.
    """
    module_name, _, path = name.partition(":")
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    try:
        with (
            warnings.catch_warnings()
        ):  # of what it imports: where the run makes errors of warnings, these are not the library's
            warnings.simplefilter("ignore")
            found: Any = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may exit while it is imported
        named = getattr(error, "name", None) or ""
        hint = (
            f"; installed, the package is verified_natural_gradient.{named}"
            if named in ("properties", "theory")
            else ""
        )
        raise ImplementationError(f"importing {module_name} failed: {type(error).__name__}: {error}{hint}") from error
    for part in filter(None, path.split(".")):
        if not hasattr(found, part):
            raise ImplementationError(f"{module_name} has no attribute {path!r}")
        found = getattr(found, part)
    if isinstance(found, type):
        found = found()
    if not any(callable(getattr(found, function, None)) for function in FUNCTIONS):
        raise ImplementationError(f"{name} has none of {', '.join(FUNCTIONS)}; see docs/conformance.md")
    return Library.of(name, found)
