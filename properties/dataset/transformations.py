"""What a run may do to a data set before its rows are normalised: shuffle the rows, standardise the columns. Each says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from properties.reading.datasets import NORMALISED, Dataset
from theory.errors import ScaleError, ZeroRowError
from theory.inputs import FloatArray, normalise_rows

SHUFFLED = "rows shuffled with seed"
"""Says in the source line what was done to the rows."""

SHOWN = 5
"""So many columns are named."""


def shuffled(dataset: Dataset, seed: int) -> Dataset:
    """The rows in the order ``numpy.random.default_rng(seed).permutation(n)``. Raises ScaleError for a negative seed."""
    if seed < 0:
        raise ScaleError(f"--shuffle {seed}: a seed is a natural number")
    order = np.random.default_rng(seed).permutation(len(dataset.X))
    X, y, raw = (_frozen(array[order]) for array in (dataset.X, dataset.y, dataset.raw_X))
    exact = None if dataset.exact_X is None else dataset.exact_X[order]
    return replace(dataset, X=X, y=y, raw_X=raw, exact_X=exact, source=_with(dataset.source, f"{SHUFFLED} {seed}"))


def is_shuffled(dataset: Dataset) -> bool:
    """Whether the rows are in another order than those of the file."""
    return SHUFFLED in dataset.source


def standardised(dataset: Dataset) -> Dataset:
    """The data set with ``standard_columns``, and then rows normalised. Raises what that raises."""
    raw, done = standard_columns(dataset.raw_X)
    X, raw_X = _frozen(normalise_rows(raw)), _frozen(raw)
    return replace(dataset, X=X, raw_X=raw_X, exact_X=None, source=_with(dataset.source, done))


def standard_columns(given: FloatArray) -> tuple[FloatArray, str]:
    """Every column of (n, d) less its mean, divided by its standard deviation (over n), and what was done, in words.

    A constant column has no scale and says nothing once it is centred: it is left out, and the words say which. Raises
    ScaleError (all columns are constant), ZeroRowError (a row that equals the means has no direction).
    """
    constant = (given == given[0]).all(axis=0)
    if constant.all():
        count = len(given)
        raise ScaleError(
            "--standardise: "
            + ("one row has" if count == 1 else "all columns are constant and have")
            + " no scale; leave it out"
        )
    kept = given[:, ~constant]
    _, exponent = np.frexp(np.abs(kept).max(axis=0))
    scaled = np.ldexp(kept, -exponent)  # an exact scaling, so that squares neither vanish nor overflow
    centred = scaled - scaled.mean(axis=0)
    raw = centred / np.sqrt(np.mean(centred**2, axis=0))
    zero = np.flatnonzero(~raw.any(axis=1))
    if zero.size:
        raise ZeroRowError(
            f"--standardise: row {zero[0]} equals the means of the columns and has no direction then; remove it"
        )
    return raw, "columns centred and scaled to unit variance" + _left_out(np.flatnonzero(constant))


def _left_out(columns: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> str:
    if not columns.size:
        return ""
    named = ", ".join(str(column) for column in columns[:SHOWN]) + (", ..." if columns.size > SHOWN else "")
    return f", {columns.size} constant {'column' if columns.size == 1 else 'columns'} left out (index {named})"


def _with(source: str, done: str) -> str:
    """The source line with one more thing done, which comes before the rows are normalised."""
    head = source.removesuffix(f"; {NORMALISED}")
    return f"{head}; {done}; {NORMALISED}"


def _frozen(array: FloatArray) -> FloatArray:
    found = np.ascontiguousarray(array)
    found.flags.writeable = False
    return found
