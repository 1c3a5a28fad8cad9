"""Operations of float64 whose results are off by a chosen relative error of at most a large unit roundoff.

The model is ``fl(a op b) = (a op b)(1 + delta)`` with ``|delta| <= u/(1 + u)``, what rounding to nearest does at most. Results that
any binary format has are exact: sums with 0 and of equal numbers, products with 0 or a power of two, quotients by one. Sums of more terms are taken
one after the other, the order in which one term goes through most additions.
"""

from __future__ import annotations

import math
import operator
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

Site = tuple[str, int, int, str]
"""Where an operation stands: module, line, column, and which operation of that expression it is."""

EXACT, UP, DOWN, OUT, IN, EVEN, ODD = "exact", "up", "down", "out", "in", "even", "odd"
MODES = (UP, DOWN, OUT, IN, EVEN, ODD)
"""Every result rounded up, down, away from 0, towards 0; besides, of an array, even entries up and odd ones down, or the reverse."""


class Director:
    """Says how the operation at a site rounds: ``modes`` by site, ``default`` for the others."""

    def __init__(self, unit_roundoff: float, default: str = EXACT, modes: Mapping[Site, str] | None = None) -> None:
        """Remember the largest relative error."""
        self.largest = unit_roundoff / (1 + unit_roundoff)
        self.default = default
        self.modes = dict(modes or {})
        self.seen: dict[Site, None] = {}

    def otherwise(self, site: Site) -> str:
        """How an operation rounds that is not aimed: the default, or for ``random`` one that the seed and the site decide."""
        if not self.default.startswith("random"):
            return self.default
        ways = (UP, DOWN, OUT, IN, EVEN, ODD)
        return ways[zlib.crc32(repr((self.default, site)).encode()) % len(ways)]

    def rounded(self, site: Site, value: Any, exact: Any = False) -> Any:
        """A float or an array of floats as the operation leaves it; ``exact`` says where nothing is rounded."""
        if not _real(value):
            return value
        self.seen.setdefault(site)
        mode = self.modes[site] if site in self.modes else self.otherwise(site)
        if mode == EXACT:
            return value
        if isinstance(value, float):
            number = float(value)
            return value if exact else type(value)(number * (1 + self.largest * sign_of(mode, number)))
        sign = signs_of(mode, value)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            off = np.where(exact, value, value * (1 + self.largest * sign))
        return off if isinstance(value, np.ndarray) else type(value)(off)


def sign_of(mode: str, value: float) -> float:
    """``signs_of`` one number."""
    if mode in (OUT, IN):
        return 1.0 if mode == OUT else -1.0
    sign = (value > 0) - (value < 0)
    return sign if mode in (UP, EVEN) else -sign


def signs_of(mode: str, value: Any) -> Any:
    """The sign of each relative error."""
    if mode in (OUT, IN):
        return 1.0 if mode == OUT else -1.0
    sign = np.sign(value)
    if mode in (EVEN, ODD):
        turned = _turned(np.shape(value))
        return sign * turned if mode == EVEN else -sign * turned
    return sign if mode == UP else -sign


@cache
def _turned(shape: tuple[int, ...]) -> Any:
    """Signs by the sum of the indices: what is symmetric stays so, as a + b and b + a are one operation."""
    return (-1.0) ** np.indices(shape).sum(axis=0)


def _real(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _power_of_two(value: Any) -> Any:
    if isinstance(value, float):
        return value == 0 or abs(math.frexp(value)[0]) == 0.5
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        return False
    return (array == 0) | (np.abs(np.frexp(array.astype(np.float64))[0]) == 0.5)


BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "MatMult": operator.matmul,
    "Pow": operator.pow,
    "FloorDiv": operator.floordiv,
    "Mod": operator.mod,
    "LShift": operator.lshift,
    "BitXor": operator.xor,
    "BitOr": operator.or_,
    "BitAnd": operator.and_,
}


class Arithmetic:
    """What the code of a module calls in place of its operators and of numpy's functions."""

    def __init__(self, director: Director) -> None:
        """Round as the director says; it may be exchanged later."""
        self.director = director

    def binary(self, site: Site, name: str, left: Any, right: Any) -> Any:
        """``left op right``."""
        if name == "MatMult" and all(isinstance(x, np.ndarray) and x.dtype.kind in "fbiu" for x in (left, right)):
            return self.matmul(site, left, right)
        value = BINARY[name](left, right)
        if not _real(value):
            return value
        exact: Any = False
        if name in ("Add", "Sub"):
            exact = (np.asarray(left) == 0) | (np.asarray(right) == 0) | (np.asarray(left) == np.asarray(right))
        elif name == "Mult":
            exact = _power_of_two(left) | _power_of_two(right)
        elif name == "Div":
            exact = _power_of_two(right) | (np.asarray(left) == 0)
        return self.director.rounded(site, value, exact)

    def matmul(self, site: Site, left: Any, right: Any) -> Any:
        """Products and sums of a matrix product, stacks of matrices included."""
        first = left[None, :] if left.ndim == 1 else left
        second = right[:, None] if right.ndim == 1 else right
        if self.director.default == EXACT and not self.director.modes:
            value = left @ right
            self.director.seen.setdefault((*site[:3], "product"))
            self.director.seen.setdefault((*site[:3], "sum"))
            return value
        first_exact, second_exact = _power_of_two(first), _power_of_two(second)
        total = None
        for k in range(first.shape[-1]):
            a, b = first[..., :, k, None], second[..., None, k, :]
            exact = first_exact[..., :, k, None] | second_exact[..., None, k, :]
            term = self.director.rounded((*site[:3], "product"), np.asarray(a * b, dtype=np.float64), exact)
            total = term if total is None else self.plus((*site[:3], "sum"), total, term)
        assert total is not None
        if right.ndim == 1:
            total = total[..., 0]
        if left.ndim == 1:
            total = total[..., 0, :] if right.ndim != 1 else total[..., 0]
        return total if isinstance(total, np.ndarray) and total.ndim else np.float64(total)

    def plus(self, site: Site, left: Any, right: Any) -> Any:
        """One addition."""
        return self.director.rounded(site, left + right, (np.asarray(left) == 0) | (np.asarray(right) == 0))

    def summed(self, site: Site, values: Any, axis: Any = None) -> Any:
        """A sum over all entries or along one axis, one term after the other."""
        array = np.asarray(values)
        if array.dtype.kind != "f":
            return array.sum(axis=axis)
        moved = array.reshape(-1) if axis is None else np.moveaxis(array, axis, 0)
        total: Any = np.zeros_like(moved[0]) if len(moved) else 0.0
        for term in moved:
            total = self.plus(site, total, term)
        return total if isinstance(total, np.ndarray) and total.ndim else np.float64(total)

    def squares(self, site: Site, values: Any) -> Any:
        """Entrywise squares."""
        array = np.asarray(values, dtype=np.float64)
        return self.director.rounded((*site[:3], "square"), array * array, _power_of_two(array))

    def root(self, site: Site, value: Any) -> Any:
        """A square root, correctly rounded: that of 0 and of 1 are exact."""
        found = np.sqrt(value)
        result = self.director.rounded((*site[:3], "root"), found, (found == 0) | (found == 1))
        return result if isinstance(result, np.ndarray) else float(result)

    def norm(self, site: Site, values: Any, axis: Any = None) -> Any:
        """A Euclidean norm of all entries or along axes."""
        array = np.asarray(values, dtype=np.float64)
        if isinstance(axis, tuple):
            array, axis = array.reshape(*array.shape[: -len(axis)], -1), -1
        if array.size <= 1:
            return np.abs(array).sum(axis=axis) if axis is not None else float(np.abs(array).sum())
        return self.root(site, self.summed((*site[:3], "sum"), self.squares(site, array), axis))

    def called(self, site: Site, name: str, function: Callable[..., Any], args: Any, keywords: Any) -> Any:
        """A call of a function or method that rounds, by its name; others as they are."""
        out = keywords.pop("out", None) if name in ("add", "multiply", "matmul", "subtract", "square") else None
        found = self._called(site, name, function, args, keywords)
        if out is None:
            return found
        out[...] = found
        return out

    def _called(self, site: Site, name: str, function: Callable[..., Any], args: Any, keywords: Any) -> Any:
        if name in ("add", "subtract", "multiply"):
            return self.binary(site, {"add": "Add", "subtract": "Sub", "multiply": "Mult"}[name], *args)
        if name in ("matmul", "ddot"):
            return self.matmul(site, *args)
        if name == "dot" and isinstance(getattr(function, "__self__", None), np.ndarray):
            return self.matmul(site, function.__self__, *args)  # type: ignore[attr-defined]
        if name == "vecdot":
            terms = self.binary((*site[:3], "product"), "Mult", *args)
            return self.summed((*site[:3], "sum"), terms, -1)
        if name == "outer":
            return self.binary(site, "Mult", np.asarray(args[0])[:, None], np.asarray(args[1])[None, :])
        if name == "sqrt" and _plain(args[0]):
            return self.root(site, args[0])
        if name == "square":
            return self.squares(site, args[0])
        if name == "norm" and function is np.linalg.norm:
            return self.norm(site, args[0], keywords.get("axis"))
        if name == "sum" and args and _plain(args[0]):
            return self.summed((*site[:3], "sum"), args[0], keywords.get("axis"))
        if name == "sum" and not args and isinstance(getattr(function, "__self__", None), np.ndarray):
            return self.summed((*site[:3], "sum"), function.__self__, keywords.get("axis"))  # type: ignore[attr-defined]
        if name == "trace":
            return self.summed((*site[:3], "sum"), np.diag(args[0]))
        if name == "cumsum":
            return self._cumulated(site, args[0])
        if name == "einsum" and args[0] in ("ij,ij->i", "rd,rd->r"):
            return self.summed((*site[:3], "sum"), self.squares(site, args[1]), -1)
        if name == "nextafter" and _real(args[0]):
            # a unit in the last place is more than u times the number
            value = np.asarray(args[0])
            step = np.abs(value) * self.director.largest * (1 + self.director.largest) + 5e-324
            moved = np.where(np.isfinite(value), value + np.sign(np.asarray(args[1]) - value) * step, value)
            return moved if moved.ndim else float(moved)
        return function(*args, **keywords)

    def _cumulated(self, site: Site, values: Any) -> Any:
        total, found = 0.0, []
        for value in values:
            total = self.plus((*site[:3], "sum"), total, value)
            found.append(total)
        return np.array(found)


def _plain(value: Any) -> bool:
    return isinstance(value, int | float | np.number | list) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "fiu"
    )


ROUNDING_CALLS = frozenset(
    [
        "add",
        "subtract",
        "multiply",
        "matmul",
        "dot",
        "ddot",
        "vecdot",
        "outer",
        "sqrt",
        "square",
        "norm",
        "sum",
        "trace",
        "cumsum",
        "einsum",
        "nextafter",
    ]
)
"""Names of functions and methods that ``called`` knows."""
