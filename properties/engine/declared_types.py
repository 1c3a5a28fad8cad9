"""Whether a value may stand where a class declares a type: aliases of types are seen through, however they are made.

An alias may be a plain name (``FloatArray = NDArray[np.float64]``), a ``type`` statement, or one of either with parameters; what
is ``NDArray`` in one version of NumPy as a plain name is a ``type`` statement in another.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np

WRAPPERS = (typing.Annotated, typing.Final)
"""Forms whose first argument is the type that they say something about."""


def conforms(value: Any, hint: Any) -> bool:
    """Whether a value may stand where a class declares ``hint``; of containers the entries are not looked at."""
    hint = expanded(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or _is_parameter(hint):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(conforms(value, one) for one in arguments)
    if origin is typing.Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and _entries_conform(value.dtype.type, arguments)
    if hint is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if getattr(hint, "_is_protocol", False):
        return dataclasses.is_dataclass(value)
    return isinstance(value, origin or hint)


def expanded(hint: Any) -> Any:
    """What a type is once its outermost aliases and wrappers are replaced by what they stand for; parts stay as they are."""
    while True:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if _is_alias(hint):
            hint = hint.__value__
        elif _is_alias(origin):
            hint = _substituted(origin.__value__, _bindings(origin.__type_params__, arguments))
        elif origin in WRAPPERS:
            hint = arguments[0]
        elif isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        else:
            return types.NoneType if hint is None else hint


def _is_alias(hint: Any) -> bool:
    """Whether it comes from a ``type`` statement; typing_extensions has a class of that name too, for older Pythons."""
    return type(hint).__name__ == "TypeAliasType"


def _is_parameter(hint: Any) -> bool:
    return isinstance(hint, typing.TypeVar)


def _is_several(parameter: Any) -> bool:
    return isinstance(parameter, typing.TypeVarTuple)


def _default(parameter: Any) -> Any:
    """What a parameter is when no argument is given; itself where it has no default, as no parameter has before Python 3.13."""
    return parameter.__default__ if hasattr(parameter, "has_default") and parameter.has_default() else parameter


def _bindings(parameters: tuple[Any, ...], arguments: tuple[Any, ...]) -> Mapping[Any, tuple[Any, ...]]:
    """The arguments of every parameter of an alias: one, or any number where it stands for several."""
    bound: dict[Any, tuple[Any, ...]] = {}
    rest = list(arguments)
    for position, parameter in enumerate(parameters):
        after = len(parameters) - position - 1
        count = max(len(rest) - after, 0) if _is_several(parameter) else min(len(rest), 1)
        bound[parameter], rest = tuple(rest[:count]), rest[count:]
        if not count and not _is_several(parameter):
            bound[parameter] = (_default(parameter),)
    return bound


def _substituted(value: Any, bound: Mapping[Any, tuple[Any, ...]]) -> Any:
    """What an alias stands for, with its parameters replaced."""
    if _is_parameter(value):
        return bound.get(value, (value,))[0]
    wanted = getattr(value, "__parameters__", ())
    if not wanted:
        return value
    return value[tuple(argument for parameter in wanted for argument in bound.get(parameter, (parameter,)))]


def _entries_conform(kind: type[np.generic], arguments: tuple[Any, ...]) -> bool:
    """Whether arrays with entries of this kind are meant by the arguments, shape and dtype, of ``np.ndarray``."""
    if len(arguments) < 2:
        return True
    (entry,) = typing.get_args(expanded(arguments[1])) or (Any,)
    return _is_kind(kind, entry)


def _is_kind(kind: type[np.generic], entry: Any) -> bool:
    entry = expanded(entry)
    if _is_parameter(entry):
        allowed = entry.__constraints__ or (entry.__bound__ or Any,)
        return any(_is_kind(kind, one) for one in allowed)
    if entry is Any:
        return True
    origin = typing.get_origin(entry)
    if origin in (typing.Union, types.UnionType):
        return any(_is_kind(kind, one) for one in typing.get_args(entry))
    return issubclass(kind, origin or entry)
