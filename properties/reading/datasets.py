"""Data sets: scikit-learn's digits 4 versus 9 and diabetes, and .npz or .csv files of the user's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from properties.engine.extras import Extra, require_extra
from properties.engine.paths import printable
from properties.reading.csv_table import read_csv
from properties.reading.npz_arrays import read_npz
from theory.entries import GivenArray, changed_entries, given_array, rounded_entries
from theory.errors import ChoiceError, DataFileError, InputError, ScaleError
from theory.inputs import LARGEST_SCALE, FloatArray, given_rows, normalise_rows, target_vector

NORMALISED = "rows normalised to unit Euclidean norm"
"""What is done to every data set last, as its source line says."""

TABLES = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
"""How the names of tables in text end."""

ENDINGS: Mapping[str, str] = {
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst"), "unpack it first"),
    ".zip": "unpack it first",
    ".npy": "write numpy.savez('mine.npz', X=X, y=y)",
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the sheet as .csv"),
    **dict.fromkeys((".parquet", ".feather", ".json", ".pkl", ".pickle"), "write the table with pandas' to_csv(path, index=False)"),
    **dict.fromkeys((".mat", ".h5", ".hdf5", ".pt", ".libsvm", ".svm", ".arff"), "write numpy.savez('mine.npz', X=X, y=y)"),
}  # fmt: skip
"""What to do with files of kinds that are not read."""


Preparation = Callable[[FloatArray], tuple[FloatArray, str]]
"""Inputs as given (n, d) to inputs (n, k), and what was done, in words."""


@dataclass(frozen=True)
class Dataset:
    """Inputs with unit rows ``X`` (n, d), targets ``y`` (n,), inputs before that ``raw_X`` (n, d), and what was done."""

    name: str
    X: FloatArray
    y: FloatArray
    raw_X: FloatArray
    source: str
    remarks: tuple[str, ...] = ()
    """What was decided where the file left it open, and what its reader should look at."""
    exact_X: GivenArray | None = None
    """The inputs as given, where ``raw_X`` has roundings of some: whole numbers, long doubles or the decimals of a table."""

    @property
    def given_X(self) -> GivenArray:
        """The inputs (n, d) as given, for what is decided exactly."""
        return self.raw_X if self.exact_X is None else self.exact_X

    @property
    def summary(self) -> str:
        """One line: name, shape, that the rows were normalised, and the remarks."""
        parts = (f"n = {self.X.shape[0]}, d = {self.X.shape[1]}", self.source, *self.remarks)
        return f"{printable(self.name)}: {'; '.join(parts)}"


def load_dataset(name_or_path: str, target: str | None = None, prepare: Preparation | None = None) -> Dataset:
    """A built-in data set by name, or the file at a path; ``target`` names the target's column in a table, or numbers it.

    ``prepare`` changes the inputs as given, before rows without a direction are refused: centred, a row of zeros has one.

    Rows are normalised to unit Euclidean norm, and ``source`` says so; ``remarks`` say what else was done. Nothing is unpickled.
    Raises MissingExtraError for a name without scikit-learn and for a table without its reader, DataFileError (missing,
    unreadable, truncated, of an unknown kind, cells that are not numbers), MissingKeyError, MissingColumnError, ShapeError,
    NotFiniteError, ZeroRowError, and ChoiceError for a target given with anything but a table.
    """
    suffix = Path(name_or_path).suffix.lower()
    if target is not None and suffix not in TABLES:
        raise ChoiceError(f"a target column is chosen in .csv files only, not in {name_or_path}")
    if name_or_path in BUILT_IN:
        require_extra(Extra.DATA, f"the data set {name_or_path}")
        return BUILT_IN[name_or_path](prepare)
    if suffix not in (".npz", *TABLES):
        remedy = f"a {suffix} file is not read, {ENDINGS[suffix]}; " if suffix in ENDINGS else ""
        raise DataFileError(f"unknown data set {name_or_path!r}; {remedy}{_known()}")
    try:
        path = Path(name_or_path).expanduser()
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise DataFileError(f"data file {name_or_path} {what}; {_known()}")
    except (OSError, RuntimeError) as error:
        raise DataFileError(f"data file {name_or_path} is not a path ({error}); {_known()}") from error
    try:
        if suffix == ".npz":
            return _dataset(name_or_path, *read_npz(path), "read from .npz", prepare=prepare)
        table = read_csv(path, target)
        source = f"read from {suffix}, target in {table.target_name}"
        inputs = table.inputs if table.exact_inputs is None else table.exact_inputs
        return _dataset(name_or_path, inputs, table.targets, source, table.remarks, prepare, decimals=True)
    except InputError as error:
        raise type(error)(f"{name_or_path}: {printable(str(error))}") from error
    except OSError as error:
        raise DataFileError(f"{name_or_path} cannot be read ({error.strerror or error})") from error


def _known() -> str:
    return f"known are {', '.join(BUILT_IN)}, and paths to .npz (keys X and y) or {', '.join(TABLES)} files"


ROUNDED = "{} are no float64 numbers and rounded for training"
"""The remark on entries that are not trained on as given."""


def _dataset(
    name: str,
    inputs: ArrayLike,
    targets: ArrayLike,
    source: str,
    remarks: Sequence[str] = (),
    prepare: Preparation | None = None,
    decimals: bool = False,
) -> Dataset:
    if prepare is not None:
        inputs, done = prepare(rounded_entries(given_array(inputs, "X", 2)))
        source = f"{source}; {done}"
    given, given_targets = given_rows(inputs), given_array(targets, "y", 1)
    raw, unit = rounded_entries(given), normalise_rows(given)
    inexact = bool(changed_entries(given, raw).any())
    rounded = rounded_entries(given_targets)
    if changed_entries(given_targets, rounded).any():
        remarks = (*remarks, ROUNDED.format("some targets"))
    if inexact and not decimals:  # of decimals nobody expects that float64 has them
        remarks = (*remarks, f"{ROUNDED.format('some inputs')}; which rows are parallel is decided on them as given")
    y = _moderate(target_vector(rounded, len(raw)))
    exact = given if inexact else None
    for array in (raw, unit, y, *([] if exact is None else [exact])):
        array.flags.writeable = False
    return Dataset(name, unit, y, raw, f"{printable(source)}; {NORMALISED}", tuple(map(printable, remarks)), exact)


def _moderate(y: FloatArray) -> FloatArray:
    """Targets that are 0 or of a size whose squares stay far inside the range of float64. Raises ScaleError."""
    largest = float(np.abs(y).max())
    if largest and not 1 / LARGEST_SCALE <= largest <= LARGEST_SCALE:
        raise ScaleError(
            f"the largest target is {largest:.3g} in magnitude; multiply y by a constant so that squares of targets "
            f"neither vanish nor overflow (between {1 / LARGEST_SCALE:.0g} and {LARGEST_SCALE:.0g})"
        )
    return y


def _digits(prepare: Preparation | None) -> Dataset:
    X, digit = digits()
    chosen = np.isin(digit, (4, 9))
    y = np.where(digit[chosen] == 9, 1.0, -1.0)
    source = "scikit-learn's digits 4 (target -1) and 9 (target +1)"
    return _dataset("digits-4-9", X[chosen], y, source, prepare=prepare)


def digits() -> tuple[FloatArray, FloatArray]:
    """The 1797 digits of scikit-learn: pixels (1797, 64), from 0 to 16, and which digit each is (1797,).

    They are read from scikit-learn's own table where that is found, because importing scikit-learn takes every process more than a second.
    """
    installed = find_spec("sklearn")
    for place in () if installed is None else installed.submodule_search_locations or ():
        table = Path(place, "datasets", "data", "digits.csv.gz")
        if table.is_file():
            rows = np.loadtxt(table, delimiter=",")
            return rows[:, :-1], rows[:, -1]
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data, data.target


def _diabetes(prepare: Preparation | None) -> Dataset:
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    centred = data.target - data.target.mean()
    y = centred / np.sqrt(np.mean(centred**2))
    source = "scikit-learn's diabetes, targets centred and scaled to unit mean square"
    return _dataset("diabetes", data.data, y, source, prepare=prepare)


BUILT_IN: Mapping[str, Callable[[Preparation | None], Dataset]] = {"digits-4-9": _digits, "diabetes": _diabetes}
"""The data sets known by name."""
