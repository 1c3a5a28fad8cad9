"""Data sets: scikit-learn's digits 4 versus 9 and diabetes, and .npz or .csv files of the user's."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from properties.csv_table import read_csv
from theory.errors import ChoiceError, DataFileError, InputError, MissingKeyError, ScaleError
from theory.inputs import LARGEST_SCALE, FloatArray, direction_rows, finite_array, normalise_rows, target_vector

NORMALISED = "rows normalised to unit Euclidean norm"
"""What is done to every data set last, as its source line says."""

REQUIRED_KEYS = ("X", "y")
"""What an .npz file must hold: inputs (n, d) and targets (n,)."""


@dataclass(frozen=True)
class Dataset:
    """Inputs with unit rows ``X`` (n, d), targets ``y`` (n,), inputs as given ``raw_X`` (n, d), and what was done."""

    name: str
    X: FloatArray
    y: FloatArray
    raw_X: FloatArray
    source: str

    @property
    def summary(self) -> str:
        """One line: name, shape, and that the rows were normalised."""
        return f"{self.name}: n = {self.X.shape[0]}, d = {self.X.shape[1]}; {self.source}"


def load_dataset(name_or_path: str, target: str | None = None) -> Dataset:
    """A built-in data set by name, or the file at a path; ``target`` names the target's column in a .csv file.

    Rows are normalised to unit Euclidean norm, and ``source`` says so. Nothing is unpickled.
    Raises DataFileError (missing, unreadable, truncated, of an unknown kind, cells that are not numbers),
    MissingKeyError, MissingColumnError, ShapeError, NotFiniteError, ZeroRowError, and ChoiceError for a target given
    with anything but a .csv file.
    """
    suffix = Path(name_or_path).suffix.lower()
    if target is not None and suffix != ".csv":
        raise ChoiceError(f"a target column is chosen in .csv files only, not in {name_or_path}")
    if name_or_path in BUILT_IN:
        return BUILT_IN[name_or_path]()
    path = Path(name_or_path).expanduser()
    if suffix not in (".npz", ".csv"):
        raise DataFileError(f"unknown data set {name_or_path!r}; {_known()}")
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise DataFileError(f"data file {name_or_path} {what}; {_known()}")
    try:
        if suffix == ".npz":
            return _dataset(name_or_path, *_read_npz(path), "read from .npz")
        table = read_csv(path, target)
        return _dataset(name_or_path, table.inputs, table.targets, f"read from .csv, target in {table.target_name}")
    except InputError as error:
        raise type(error)(f"{name_or_path}: {error}") from error
    except OSError as error:
        raise DataFileError(f"{name_or_path} cannot be read ({error.strerror or error})") from error


def _known() -> str:
    return f"known are {', '.join(BUILT_IN)}, and paths to .npz (keys X and y) or .csv files"


def _dataset(name: str, inputs: ArrayLike, targets: ArrayLike, source: str) -> Dataset:
    raw = direction_rows(inputs)
    unit = normalise_rows(raw)
    y = _moderate(target_vector(targets, len(raw)))
    for array in (raw, unit, y):
        array.flags.writeable = False
    return Dataset(name, unit, y, raw, f"{source}; {NORMALISED}")


def _moderate(y: FloatArray) -> FloatArray:
    """Targets that are 0 or of a size whose squares stay far inside the range of float64. Raises ScaleError."""
    largest = float(np.abs(y).max())
    if largest and not 1 / LARGEST_SCALE <= largest <= LARGEST_SCALE:
        raise ScaleError(
            f"the largest target is {largest:.3g} in magnitude; multiply y by a constant so that squares of targets "
            f"neither vanish nor overflow (between {1 / LARGEST_SCALE:.0g} and {LARGEST_SCALE:.0g})"
        )
    return y


_BROKEN = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, RuntimeError)
"""What NumPy and zipfile raise on archives that are damaged, encrypted or pickled."""


def _read_npz(path: Path) -> tuple[FloatArray, FloatArray]:
    """X with two axes and y with one, both numbers. Raises DataFileError, MissingKeyError, ShapeError, ..."""
    with path.open("rb") as stream:  # NumPy leaves a file it opened itself open when the archive is damaged
        try:
            archive: Any = np.load(stream, allow_pickle=False)
        except _BROKEN as error:
            raise DataFileError(f"not a readable .npz archive, perhaps truncated ({error})") from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataFileError("holds a single array, not an .npz archive; write it with numpy.savez(path, X=X, y=y)")
        with archive:
            missing = [key for key in REQUIRED_KEYS if key not in archive.files]
            if missing:
                raise MissingKeyError(
                    f"lacks {' and '.join(missing)}; it holds {', '.join(archive.files) or 'nothing'}; "
                    f"write it with numpy.savez(path, X=X, y=y)"
                )
            try:
                X, y = (archive[key] for key in REQUIRED_KEYS)
            except _BROKEN as error:
                raise DataFileError(f"X or y cannot be read: truncated, or pickled objects ({error})") from error
    return _numbers(X, "X", 2), _numbers(y, "y", 1)


def _numbers(array: np.ndarray[Any, Any], name: str, axes: int) -> FloatArray:
    if array.dtype.kind not in "biuf":
        raise DataFileError(f"{name} holds {array.dtype}, not real numbers; convert it to float64")
    return finite_array(array, name, axes).copy()


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    data = load_digits()
    chosen = np.isin(data.target, (4, 9))
    y = np.where(data.target[chosen] == 9, 1.0, -1.0)
    return _dataset("digits-4-9", data.data[chosen], y, "scikit-learn's digits 4 (target -1) and 9 (target +1)")


def _diabetes() -> Dataset:
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    centred = data.target - data.target.mean()
    y = centred / np.sqrt(np.mean(centred**2))
    return _dataset("diabetes", data.data, y, "scikit-learn's diabetes, targets centred and scaled to unit mean square")


BUILT_IN: Mapping[str, Callable[[], Dataset]] = {"digits-4-9": _digits, "diabetes": _diabetes}
"""The data sets known by name."""
