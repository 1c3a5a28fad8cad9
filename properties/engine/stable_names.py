"""Names of classes in counterexample files: each class declares its own, which stays when its module or its name changes.

A file must be read by every later version. So a name that was written once is never given to another class, and a field
that a class gains later has a default, which documents without the field take.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

C = TypeVar("C", bound=type)

FORM = re.compile(r"[a-z]+(-[a-z]+)*")
"""Words with hyphens between them: no name is a path of modules."""

_classes: dict[str, type] = {}
_formerly: dict[str, str] = {}


def stored_as(name: str) -> Callable[[C], C]:
    """Give a frozen dataclass the name under which counterexample files hold its instances; a decorator.

    Raises TypeError for another kind of class, ValueError for a name of another form or one that is taken.
    """

    def register(kind: C) -> C:
        parameters = getattr(kind, "__dataclass_params__", None)
        if parameters is None or not parameters.frozen:
            raise TypeError(f"{kind.__qualname__} is no frozen dataclass; put @stored_as above @dataclass(frozen=True)")
        if not FORM.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name for {kind.__qualname__}: take small letters with hyphens between words"
            )
        taken = _classes.setdefault(name, kind)
        if _path(taken) != _path(kind):
            raise ValueError(f"{name!r} is the name of {_path(taken)} already; take another one for {_path(kind)}")
        _classes[name] = kind  # a module that is loaded anew replaces its classes
        return kind

    return register


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def stable_name(kind: type) -> str | None:
    """The name of a class; None when it has none. A subclass does not inherit its base's."""
    return next((name for name, one in _classes.items() if one is kind), None)


def stored_formerly(names: Mapping[str, str]) -> None:
    """Let files that name classes otherwise be read: other name -> the name that the class has now."""
    _formerly.update(names)


def named_class(name: str) -> type | None:
    """The class of a name, or of the name that older files have for it; None when there is none loaded."""
    return _classes.get(_formerly.get(name, name))


def stable_names() -> tuple[str, ...]:
    """The names of all classes that are loaded."""
    return tuple(_classes)
