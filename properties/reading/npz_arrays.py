"""The arrays X and y of an .npz file, read member by member: each from its header and bytes, with nothing unpickled.

NumPy's own loader allocates what a header promises before it looks at how much is there, warns about headers that Python 2
wrote, and ends damaged files with whatever its parts raise; here a header is parsed by NumPy, and must fit the bytes.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from theory.entries import GivenArray, changed_entries, given_array, rounded_entries
from theory.errors import DataFileError, MissingKeyError, NotFiniteError, ShapeError

KEYS = {"X": 2, "y": 1}
"""What an .npz file must hold, inputs (n, d) and targets (n,): names and numbers of axes."""

WRITE = "write it with numpy.savez(path, X=X, y=y)"

MOST_BYTES = 2**31
"""Larger arrays are refused: they and the copies that a certificate makes would not fit into most memories."""

MOST_AXES = 8

LONGEST_HEADER = 2**16
"""Bytes; that of an array of numbers takes 118."""

HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # its difference is in the names of fields, and no fields are taken
}
"""NumPy's readers of headers, by the version of the format."""

Array = np.ndarray[Any, Any]


def read_npz(path: Path) -> tuple[GivenArray, GivenArray]:
    """X with two axes and y with one: in native float64 where that changes no entry, else as they are stored.

    Raises DataFileError (no archive, damaged, encrypted, no numbers, too large), MissingKeyError, ShapeError, NotFiniteError,
    OSError.
    """
    with path.open("rb") as stream:
        beginning = stream.read(8)
        if beginning.startswith(b"\x93NUMPY"):
            raise DataFileError("holds a single array, not an .npz archive; write it with numpy.savez(path, X=X, y=y)")
        try:
            archive = zipfile.ZipFile(stream)
        except Exception as error:  # what zipfile raises on damaged directories is not documented
            raise DataFileError(f"is not a readable .npz archive, perhaps truncated{_said(error)}; {WRITE}") from error
        with archive:
            _check_keys(archive.namelist())
            X, y = (_member(archive, f"{key}.npy", key) for key in KEYS)
    inputs, targets = _inputs(X), _targets(y, len(X) if X.ndim else 0)
    if len(targets) == inputs.shape[1] != len(inputs):
        raise ShapeError(
            f"y has {len(targets)} entries, X has shape {X.shape}; an input is a row of X, so it may be X.T"
        )
    return inputs, targets


def _said(error: Exception) -> str:
    """What an error says, in one short line."""
    text = " ".join(str(error).split())
    return f" ({text[:100]})" if text else f" ({type(error).__name__})"


def _check_keys(members: Sequence[str]) -> None:
    names = [member.removesuffix(".npy") for member in members]
    missing = [key for key in KEYS if f"{key}.npy" not in members]
    if missing:
        plain = [key for key in missing if key in members]
        if plain:
            raise DataFileError(f"holds {' and '.join(plain)} as plain bytes, not as arrays; {WRITE}")
        sparse = {"data", "indices", "indptr", "shape"} <= set(names)
        how = "write it with numpy.savez(path, X=matrix.toarray(), y=y)" if sparse else WRITE
        listed = ", ".join(map(_shown, names[:10])) + (", ..." if len(names) > 10 else "")
        raise MissingKeyError(f"lacks {' and '.join(missing)}; it holds {listed or 'nothing'}; {how}")
    twice = [key for key in KEYS if members.count(f"{key}.npy") > 1]
    if twice:
        raise DataFileError(f"holds {' and '.join(twice)} more than once; {WRITE}")


def _shown(name: str) -> str:
    return name[:40] if name.isprintable() else repr(name[:40])


def _member(archive: zipfile.ZipFile, member: str, name: str) -> Array:
    """One array. Raises DataFileError."""
    information = archive.getinfo(member)
    if information.file_size > MOST_BYTES:
        raise _too_large(name, information.file_size)
    if information.flag_bits & 1:
        raise DataFileError(f"{name} is encrypted; {WRITE}")
    try:
        content = archive.read(information)
    except MemoryError as error:
        raise _too_large(name, information.file_size) from error
    except Exception as error:  # each way of compression raises errors of its own
        raise DataFileError(f"{name} cannot be unpacked: damaged, or truncated{_said(error)}; {WRITE}") from error
    return _array(content, name)


def _too_large(name: str, size: int) -> DataFileError:
    return DataFileError(
        f"{name} takes {size:,} bytes when unpacked, at most {MOST_BYTES:,} are read; keep some rows, networks see the "
        f"first 500 at most"
    )


def _array(content: bytes, name: str) -> Array:
    """The array in the bytes of an .npy file. Raises DataFileError."""
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 2 wrote shapes such as (3L, 2L), which NumPy reads and warns about
            read_header = HEADER_READERS[np.lib.format.read_magic(stream)]
            lengths, by_columns, dtype = read_header(stream, max_header_size=LONGEST_HEADER)
    except Exception as error:  # a header is an expression of Python, and its parser's errors are many
        raise DataFileError(
            f"{name} is not an array of NumPy, or its header is damaged{_said(error)}; {WRITE}"
        ) from error
    _check_kind(dtype, name)
    shape = tuple(map(int, lengths))  # True is a length to the parser
    if any(length < 0 for length in shape):
        raise DataFileError(f"the header of {name} is damaged: a length of {min(shape)}; {WRITE}")
    if 0 in shape or len(shape) > MOST_AXES:
        axes = f"shape {shape}" if len(shape) <= MOST_AXES else f"{len(shape)} axes"
        raise ShapeError(f"{name} has {axes}; it needs {KEYS[name]} non-empty axes")
    promised, there = math.prod(shape) * dtype.itemsize, len(content) - stream.tell()
    if promised != there:
        raise DataFileError(
            f"{name} has {there:,} bytes, but its header says {promised:,}: truncated or damaged; {WRITE}"
        )
    values = np.frombuffer(content, dtype=dtype, offset=stream.tell())
    return values.reshape(shape, order="F" if by_columns else "C")


REMEDIES = {
    "O": "Python objects, which are pickled; convert it: {name}.astype(float)",
    "U": "text; convert it: {name}.astype(float), or number its classes (numpy.unique(..., return_inverse=True)[1])",
    "S": "text in bytes; convert it: {name}.astype(float), or number its classes",
    "V": "records with fields; put the columns side by side: numpy.column_stack([{name}[f] for f in {name}.dtype.names])",
    "c": "complex numbers; give real numbers, such as {name}.real or its real and imaginary parts as columns",
    "M": "dates; convert them to numbers, of days say: ({name} - {name}.min()) / numpy.timedelta64(1, 'D')",
    "m": "lengths of time; convert them to numbers: {name} / numpy.timedelta64(1, 'D')",
}
"""What an array of each kind holds that is none of real numbers, and how to convert it."""


def _check_kind(dtype: np.dtype[Any], name: str) -> None:
    if dtype.subdtype is not None:
        raise DataFileError(f"{name} has entries that are arrays; {WRITE}")
    kind = "O" if dtype.hasobject and dtype.kind != "V" else dtype.kind
    if kind not in "biuf":
        what = REMEDIES.get(kind, f"{dtype}; convert it to float64").format(name=name)
        raise DataFileError(f"{name} holds {str(dtype)[:40]}, not real numbers: {what}")


def _inputs(X: Array) -> GivenArray:
    if X.ndim > 2:
        raise ShapeError(f"X has shape {X.shape}; flatten each input: X.reshape(len(X), -1)")
    if X.ndim == 1 and X.size:
        raise ShapeError(
            f"X has shape {X.shape}; it needs 2 axes: X[:, None] for inputs of dimension 1, X[None] for one input"
        )
    return _within_float64(X, "X", 2)


def _targets(y: Array, rows: int) -> GivenArray:
    if y.ndim == 2 and y.size and 1 in y.shape:
        raise ShapeError(f"y has shape {y.shape}; it needs 1 axis: y.ravel()")
    if y.ndim == 2 and y.size and len(y) == rows:
        raise ShapeError(
            f"y has shape {y.shape}; it needs 1 axis: one column y[:, k], or numpy.argmax(y, axis=1) of one-hot classes"
        )
    return _within_float64(y, "y", 1)


def _within_float64(array: Array, name: str, axes: int) -> GivenArray:
    """The array in native float64 where that changes no entry. Raises ShapeError, NotFiniteError (also for what only a wider type holds)."""
    given = given_array(array, name, axes)
    values = rounded_entries(given)
    lost = ~np.isfinite(values)
    if lost.any():
        where = [int(i) for i in np.argwhere(lost)[0]]
        raise NotFiniteError(
            f"{name}{where} is {array[tuple(where)]!s}, beyond all float64 numbers; rescale or remove it"
        )
    return given if changed_entries(given, values).any() else values
