"""Entries of arrays exactly as given: integers, floats of any width, decimal and rational numbers, as ratios of integers."""

from __future__ import annotations

import math
import numbers
from decimal import Decimal
from typing import Any

import numpy as np
from flint import fmpq, fmpz
from numpy.typing import ArrayLike

from theory.errors import NotFiniteError, RoundedEntryError, ShapeError

GivenArray = np.ndarray[Any, Any]
"""Whole numbers, floats of any width, or objects that are numbers."""

Ratio = tuple[int, int]
"""Numerator and positive denominator, in lowest terms."""

LARGEST_WHOLE = 2**53
"""Whole numbers up to this one are float64 numbers, whatever their type."""


def given_array(values: ArrayLike, name: str, axes: int) -> GivenArray:
    """The entries as given, with the given number of axes and at least one entry; none is rounded, all are finite.

    A sequence of Python numbers becomes an array of these numbers: NumPy would round a whole number that stands beside a float.
    Raises ShapeError, NotFiniteError.
    """
    if np.ma.is_masked(values):
        raise NotFiniteError(f"{name} has masked entries; remove or impute them")
    try:
        array = np.asarray(values)
        if not hasattr(values, "dtype") and array.dtype.kind in "fO":
            array = np.asarray(values, dtype=object)
        if array.dtype.kind not in "biufO":
            raise TypeError(f"entries of type {array.dtype}")
        wrong = [entry for entry in array.flat if not _is_number(entry)] if array.dtype.kind == "O" else []
        if wrong:
            raise TypeError(f"{wrong[0]!r} among the entries")
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} is not a rectangular array of real numbers ({error})") from error
    if array.ndim != axes or array.size == 0:
        raise ShapeError(f"{name} has shape {array.shape}; it needs {axes} non-empty axes")
    finite = np.vectorize(_finite, otypes=[bool])(array) if array.dtype.kind == "O" else np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise NotFiniteError(f"{name}{list(where)} is {array[where]}; remove or impute such entries")
    return array


def _is_number(entry: object) -> bool:
    return isinstance(entry, (numbers.Real, Decimal, fmpq, fmpz, np.bool_))


def _finite(entry: Any) -> bool:
    return True if isinstance(entry, (int, fmpq, fmpz)) else math.isfinite(entry) or _wider(entry)


def _wider(entry: Any) -> bool:
    """Whether a number is finite that Python's float is too narrow for."""
    return bool(entry.is_finite() if isinstance(entry, Decimal) else np.isfinite(entry))


def ratio(entry: Any) -> Ratio:
    """One finite entry as a ratio of integers, exactly."""
    if isinstance(entry, (fmpq, fmpz)):
        value = fmpq(entry)
        return int(value.p), int(value.q)
    if isinstance(entry, (numbers.Rational, np.bool_)):  # whole numbers too
        return (int(entry), 1) if isinstance(entry, np.bool_) else (int(entry.numerator), int(entry.denominator))
    numerator, denominator = entry.as_integer_ratio()
    return int(numerator), int(denominator)


def ratio_rows(array: GivenArray) -> list[list[Ratio]]:
    """The entries of an (n, d) array as ratios, row by row."""
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return [[entry.as_integer_ratio() for entry in row] for row in array.tolist()]
    entries = array if array.dtype.itemsize > 8 else array.tolist()  # Python has no number as wide as a long double
    return [[ratio(entry) for entry in row] for row in entries]


def rounded_entries(array: GivenArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The nearest float64 numbers, infinite beyond them."""
    if array.dtype.kind != "O":
        with np.errstate(over="ignore", under="ignore"):
            return array.astype(np.float64)
    return np.vectorize(_rounded, otypes=[np.float64])(array)  # type: ignore[no-any-return]


def _rounded(entry: Any) -> float:
    numerator, denominator = ratio(entry)
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def changed_entries(
    array: GivenArray, rounded: np.ndarray[Any, np.dtype[np.float64]]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which entries are no float64 numbers, given their roundings: booleans of the same shape."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "b" or (kind in "iu" and size <= 4) or (kind == "f" and size <= 8):
        return np.zeros(array.shape, dtype=bool)
    if kind == "f":
        return np.asarray(rounded.astype(array.dtype) != array)
    doubtful = np.ones(array.shape, dtype=bool) if kind == "O" else np.abs(rounded) >= LARGEST_WHOLE
    changed = np.zeros(array.shape, dtype=bool)
    for place in zip(*np.nonzero(doubtful), strict=True):
        value = float(rounded[place])
        changed[place] = not math.isfinite(value) or value.as_integer_ratio() != ratio(array[place])
    return changed


def float64_entries(values: ArrayLike, name: str, axes: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The entries in float64, none of them rounded. Raises ShapeError, NotFiniteError, RoundedEntryError."""
    given = given_array(values, name, axes)
    rounded = rounded_entries(given)
    changed = changed_entries(given, rounded)
    if changed.any():
        where = tuple(int(i) for i in np.argwhere(changed)[0])
        raise RoundedEntryError(
            f"{name}{list(where)} is {_shown(given[where])}, which is no float64 number; what is said of its rounding need not be true "
            f"of it, so round or rescale {name} yourself"
        )
    return rounded


def _shown(entry: Any) -> str:
    """A number in a message; Python writes no whole numbers of thousands of digits."""
    numerator, denominator = ratio(entry)
    size = numerator.bit_length() - denominator.bit_length()
    return str(entry) if max(numerator.bit_length(), denominator.bit_length()) < 4096 else f"about 2^{size}"
