"""A wrong program planted into the running one: the code of one function, with one fragment of its source replaced."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any

_FUTURE = 0x1000000  # annotations stay text, as in every module of the project


@dataclass(frozen=True)
class Planted:
    """A fault, and the test that fails because of it."""

    name: str
    target: Any
    """The function, method or property that goes wrong: every module that imported it sees the fault."""
    old: str
    """A fragment that occurs once in its source."""
    new: str
    caught_by: Callable[..., object]
    """The test; arguments that are not given are fixtures."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def planted(target: Any, old: str, new: str) -> Iterator[None]:
    """Run with the fault in place. Raises ValueError unless the fragment occurs once in the source."""
    function = _function(target)
    wrong = changed_code(function, old, new)
    right = function.__code__
    function.__code__ = wrong
    try:
        yield
    finally:
        function.__code__ = right


def _function(target: Any) -> FunctionType:
    if isinstance(target, property):
        target = target.fget
    if isinstance(target, cached_property):
        target = target.func
    found = inspect.unwrap(getattr(target, "__func__", target))
    assert isinstance(found, FunctionType)
    return found


def changed_code(function: Callable[..., Any], old: str, new: str) -> CodeType:
    """The function's code with one fragment of its source replaced. Raises ValueError unless it occurs once."""
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(old) != 1 or old == new:
        raise ValueError(f"{old!r} occurs {source.count(old)} times in {function.__qualname__}; it must occur once")
    tree = ast.parse(source.replace(old, new))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list.clear()
    module = compile(tree, inspect.getfile(function), "exec", flags=_FUTURE, dont_inherit=True)
    (code,) = (one for one in module.co_consts if isinstance(one, CodeType) and one.co_name == function.__name__)
    return code
