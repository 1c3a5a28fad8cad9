"""Instances as documents: trees of JSON values beside a table of named arrays, and back to equal instances.

An instance is a frozen dataclass whose fields are arrays, numbers, text, rationals, tuples, mappings and frozen
dataclasses in turn. A document names the class by its stable name (stable_names.py) and holds the fields that its constructor
takes; what a class caches is computed again. A field that a document lacks takes its default, so that a class may gain fields
with one. Numbers, text, true, false and null stand for themselves, and
``{"type": "map-run", "fields": {...}}`` for a dataclass, ``{"array": "model.linear"}`` for an
array, ``{"float": "inf"}`` for a number that JSON lacks, ``{"rational": "1/3"}``, ``{"rationals": [["1/3"]]}`` (a matrix),
``{"tuple": [...]}``, ``{"mapping": {...}}``,
and ``{"integers": "0*5 1 0*31"}`` for a long tuple that begins with five zeros, with a list of such texts for a tuple of these.

Only classes that have a stable name and are loaded already are ever constructed. Nothing is imported or unpickled, and every
field is checked against the type that its class declares.
"""

from __future__ import annotations

import dataclasses
import math
import re
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from properties.engine.declared_types import conforms
from properties.engine.stable_names import named_class, stable_name, stable_names, stored_as
from theory.direction import Bound, CertifiedSteps
from theory.errors import DocumentError, InputError

DTYPES = ("float64", "int64", "int8", "bool")
"""The entries that an array may have."""

LONG, LONGEST = 12, 1_000_000
"""Integers from which on a tuple of them is written in runs; more are not read."""

RUN = re.compile(r"(-?[0-9]{1,300})(?:\*([1-9][0-9]{0,6}))?(?: |$)")
RUNS = re.compile(f"(?:{RUN.pattern})+")

Array = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class InstanceDocument:
    """A tree of JSON values, and the arrays that it refers to by name."""

    tree: Any
    arrays: Mapping[str, Array]


def to_document(value: Any) -> InstanceDocument:
    """The document of an instance, or of a part of one. Raises DocumentError for a value that has no place in it."""
    arrays: dict[str, Array] = {}
    return InstanceDocument(_encoded(value, "", arrays), arrays)


def from_document(document: InstanceDocument) -> Any:
    """What the document stands for, built anew; its arrays are read-only.

    Raises DocumentError, and what the classes raise about their fields.
    """
    unused = set(document.arrays)
    value = _decoded(document.tree, "", document.arrays, unused)
    if unused:
        raise DocumentError(f"nothing refers to the arrays {', '.join(sorted(unused))}")
    return value


def _name(kind: type) -> str:
    """How a document names a class that has a stable name, and a message any other one."""
    return stable_name(kind) or f"{kind.__module__}.{kind.__qualname__}"


def known_class(name: str) -> type:
    """The class of that stable name, or of the path that a file of schema 2 has for it. Raises DocumentError."""
    found = named_class(name)
    if found is None:
        near = get_close_matches(name, stable_names())
        meant = f"; did you mean {', '.join(near)}?" if near else ""
        raise DocumentError(
            f"{name!r} is the name of no class of instances here: written by a later version, by hand, or by a claim "
            f"that is not loaded{meant}"
        )
    return found


def _is_long(values: tuple[Any, ...]) -> bool:
    return len(values) >= LONG and all(type(entry) is int for entry in values)


def _runs(values: tuple[int, ...]) -> str:
    runs = [(value, len(list(run))) for value, run in groupby(values)]
    return " ".join(str(value) if times == 1 else f"{value}*{times}" for value, times in runs)


def _joined(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


# --- to documents ----------------------------------------------------------------------------------------------------


def _encoded(value: Any, path: str, arrays: dict[str, Array]) -> Any:
    match value:
        case None | bool() | np.bool_():
            return value if value is None else bool(value)
        case str():
            return str(value)
        case int() | np.integer():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else {"float": str(float(value))}
        case fmpq():
            return {"rational": str(value)}
        case fmpq_mat():
            return {"rationals": [[str(entry) for entry in row] for row in value.tolist()]}
        case tuple() if _is_long(value):
            return {"integers": _runs(value)}
        case tuple() if value and all(isinstance(entry, tuple) and _is_long(entry) for entry in value):
            return {"integers": [_runs(entry) for entry in value]}
        case tuple():
            return {"tuple": [_encoded(entry, _joined(path, str(i)), arrays) for i, entry in enumerate(value)]}
        case Mapping() if all(isinstance(key, str) for key in value):
            return {"mapping": {key: _encoded(entry, _joined(path, key), arrays) for key, entry in value.items()}}
        case np.ndarray() if value.dtype.name in DTYPES:
            arrays[path] = value
            return {"array": path}
    if isinstance(value, type) or stable_name(type(value)) is None:
        raise DocumentError(
            f"{path or 'the instance'} is of the type {_name(type(value))}, which no document can hold; "
            f"keep arrays of {', '.join(DTYPES)}, numbers, text, rationals, tuples, mappings, and frozen dataclasses "
            f"with a stable name (@stored_as of {stored_as.__module__})"
        )
    fields = {
        field.name: _encoded(getattr(value, field.name), _joined(path, field.name), arrays)
        for field in dataclasses.fields(value)
        if field.init
    }
    return {"type": _name(type(value)), "fields": fields}


# --- and back --------------------------------------------------------------------------------------------------------


def _decoded(tree: Any, path: str, arrays: Mapping[str, Array], unused: set[str]) -> Any:
    def inner(part: Any, name: str) -> Any:
        return _decoded(part, _joined(path, name), arrays, unused)

    match tree:
        case None | bool() | str() | int():
            return tree
        case float() if math.isfinite(tree):
            return tree
        case {"float": "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case {"rational": str(text), **rest} if not rest:
            return _rational(text, path)
        case {"rationals": [[*_], *_] as rows, **rest} if not rest:
            return _rationals(rows, path)
        case {"tuple": list(parts), **rest} if not rest:
            return tuple(inner(part, str(i)) for i, part in enumerate(parts))
        case {"integers": str(text), **rest} if not rest:
            return _integers(text, path)
        case {"integers": list(texts), **rest} if not rest:
            return tuple(_integers(text, path) for text in texts)
        case {"mapping": dict(parts), **rest} if not rest:
            return {key: inner(part, key) for key, part in parts.items()}
        case {"array": str(name), **rest} if not rest:
            if name not in arrays:
                raise DocumentError(f"{path} refers to the array {name!r}, which is not there")
            unused.discard(name)
            return _read_only(arrays[name], name)
        case {"type": str(name), "fields": dict(parts), **rest} if not rest:
            kind = known_class(name)
            fields = {key: inner(part, key) for key, part in parts.items()}
            return _constructed(kind, fields, path)
    raise DocumentError(f"{path or 'the instance'} is {_shown(tree)}, which stands for nothing")


def _constructed(kind: type, fields: Mapping[str, Any], path: str) -> Any:
    where = f"{path or 'the instance'} ({_name(kind)})"
    taken = {field.name: _has_default(field) for field in dataclasses.fields(kind) if field.init}
    needed = {name for name, default in taken.items() if not default}
    for names, what in ((needed - fields.keys(), "lacks"), (fields.keys() - taken.keys(), "has no field")):
        if names:
            raise DocumentError(f"{where} {what} {', '.join(sorted(names))}")
    hints = _hints(kind)
    fields = {name: _with_direction(value, hints[name]) for name, value in fields.items()}
    for name, value in fields.items():
        if not conforms(value, hints[name]):
            raise DocumentError(f"{_joined(path, name)} is {_shown(value)}, but {_name(kind)} takes {hints[name]}")
    try:
        return kind(**fields)
    except InputError as error:
        raise type(error)(f"{where}: {error}") from error


def _with_direction(value: Any, hint: Any) -> Any:
    """The value as the kind of bound that its class declares: what was stored from one is one again, the number being the same."""
    if isinstance(hint, type) and issubclass(hint, CertifiedSteps):
        return hint(value) if type(value) is int else value
    if isinstance(hint, type) and issubclass(hint, Bound):
        return hint(value) if type(value) in (int, float) else value
    return value


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _read_only(array: Array, name: str) -> Array:
    if array.dtype.name not in DTYPES:
        raise DocumentError(f"the array {name} holds {array.dtype.name}; known are {', '.join(DTYPES)}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        raise DocumentError(f"{name}{where} is {array[tuple(where)]}; the entries of arrays are finite")
    view = array.view()
    view.flags.writeable = False
    return view


def _integers(text: Any, path: str) -> tuple[int, ...]:
    if not isinstance(text, str) or not RUNS.fullmatch(text):
        raise DocumentError(f"{path} holds {_shown(text)}, not integers such as 0*5 1 0*31")
    runs = [(int(value), int(times or 1)) for value, times in RUN.findall(text)]
    if sum(times for _, times in runs) > LONGEST:
        raise DocumentError(f"{path} holds more than {LONGEST:,} integers")
    return tuple(value for value, times in runs for _ in range(times))


def _rational(text: Any, path: str) -> fmpq:
    try:
        numerator, slash, denominator = text.partition("/")
        return fmpq(int(numerator), int(denominator) if slash else 1)
    except (AttributeError, ValueError, ZeroDivisionError) as error:
        raise DocumentError(f"{path} holds {_shown(text)}, not a rational number such as 1/3") from error


def _rationals(rows: list[list[Any]], path: str) -> fmpq_mat:
    if not all(isinstance(row, list) and len(row) == len(rows[0]) > 0 for row in rows):
        raise DocumentError(f"{path} is not a rectangular matrix of rational numbers")
    return fmpq_mat([[_rational(entry, path) for entry in row] for row in rows])


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype.name} with {value.ndim} axes"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)
