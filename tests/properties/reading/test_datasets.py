"""Data sets load as documented, and every kind of bad file gets its named error."""

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.dataset.input_certificate import kernels
from properties.dataset.transformations import shuffled, standardised
from properties.reading import csv_table, datasets
from properties.reading.datasets import load_dataset
from theory.errors import (
    ChoiceError,
    DataFileError,
    InputError,
    MissingColumnError,
    MissingKeyError,
    NotFiniteError,
    ScaleError,
    ShapeError,
    ZeroRowError,
)
from theory.inputs import unit_rows
from theory.kernels.limiting import degeneracy


@pytest.mark.parametrize(("name", "shape"), [("digits-4-9", (361, 64)), ("diabetes", (442, 10))])
def test_built_in_data_sets(name: str, shape: tuple[int, int]) -> None:
    data = load_dataset(name)
    assert data.X.shape == data.raw_X.shape == shape
    assert data.y.shape == shape[:1]
    unit_rows(data.X)  # raises unless normalised
    norms = np.linalg.norm(data.raw_X, axis=1)
    assert np.ptp(norms) > 0
    np.testing.assert_allclose(data.X * norms[:, None], data.raw_X, rtol=1e-14, atol=1e-15)  # 10 roundings at most
    assert "rows normalised" in data.summary


def test_digits_have_signs_for_targets() -> None:
    from sklearn.datasets import load_digits

    data, digits = load_dataset("digits-4-9"), load_digits()
    assert set(data.y) == {-1.0, 1.0}
    assert (data.y == 1).sum() == (digits.target == 9).sum()
    np.testing.assert_array_equal(data.raw_X[data.y == -1], digits.data[digits.target == 4])


@pytest.mark.parametrize("found", [True, False])
def test_the_digits_are_those_of_scikit_learn_wherever_they_are_read(
    monkeypatch: pytest.MonkeyPatch, found: bool
) -> None:
    """From its table, without an import of it, or by it where that is not there."""
    from sklearn.datasets import load_digits

    known = load_digits()
    with monkeypatch.context() as patch:
        if found:
            patch.setitem(sys.modules, "sklearn.datasets", None)  # an import would fail
        else:
            patch.setattr(datasets, "find_spec", lambda name: None)
        X, digit = datasets.digits()
    assert np.array_equal(X, known.data)
    assert np.array_equal(digit, known.target)


def test_diabetes_targets_are_centred_with_unit_mean_square() -> None:
    from sklearn.datasets import load_diabetes

    y, given = load_dataset("diabetes").y, load_diabetes().target
    rounding = 442 * 2.0**-52  # a mean of 442 numbers of size about 1
    assert abs(y.mean()) < rounding
    assert abs((y**2).mean() - 1) < 2 * rounding
    np.testing.assert_array_equal(np.argsort(y, stable=True), np.argsort(given, stable=True))


def test_arrays_cannot_be_written_to() -> None:
    data = load_dataset("diabetes")
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 2.0


def test_an_npz_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, X=np.array([[3, 4], [0, -2]]), y=np.array([True, False]), extra=np.ones(3))
    data = load_dataset(str(path))
    np.testing.assert_array_equal(data.X, [[0.6, 0.8], [0, -1]])
    np.testing.assert_array_equal(data.raw_X, [[3, 4], [0, -2]])
    np.testing.assert_array_equal(data.y, [1, 0])


CSV_GOOD = [
    ("3,4,7\n0,-2,8\n", None, [[3, 4], [0, -2]], [7, 8]),
    ("a,b,c\n3,4,7\n\n0,-2,8\n", None, [[3, 4], [0, -2]], [7, 8]),
    ("a,b,c\n3,4,7\n0,-2,8\n", "a", [[4, 7], [-2, 8]], [3, 0]),
    ("\ufeffa, b , c\r\n3, 4 ,7\r\n0,-2,8", "b", [[3, 7], [0, 8]], [4, -2]),
    ('"a,1",b\n3,7\n-2,8\n', "b", [[3], [-2]], [7, 8]),
    ("3,4,7", None, [[3, 4]], [7]),
    ("1e-300,1e80\n-1e-320,2", None, [[1e-300], [-1e-320]], [1e80, 2]),
]


@pytest.mark.parametrize(("text", "target", "inputs", "targets"), CSV_GOOD)
def test_a_csv_file(tmp_path: Path, text: str, target: str | None, inputs: Any, targets: Any) -> None:
    path = tmp_path / "mine.CSV"
    path.write_text(text, encoding="utf-8", newline="")
    data = load_dataset(str(path), target)
    np.testing.assert_array_equal(data.raw_X, inputs)
    np.testing.assert_array_equal(data.y, targets)
    unit_rows(data.X)
    assert ("last column" in data.source) == (target is None and not text.startswith("a"))


CSV_BAD = [
    ("", None, ShapeError, "the table is empty; give a row of numbers"),
    ("a,b,y\n", None, ShapeError, "a header but no rows; give a row of numbers for each datum below it"),
    ("a,b\n", None, ShapeError, "a header but no rows"),
    (
        "a\n1\n",
        None,
        ShapeError,
        "has 1 column where it is split at commas; it needs at least one feature.*comma-separated",
    ),
    ("1,2\n3,4,5\n", None, ShapeError, "line 2 has 3 cells, the first line has 2"),
    (
        "a,b\n1,2\n3,four\n",
        None,
        DataFileError,
        r"line 3, column 2 \(b\) holds 'four', no number; if these are names of classes, number them",
    ),
    ("1,2\n3,\n", None, DataFileError, "line 2, column 2 is empty: a missing number; remove such rows"),
    ("a,2\n3,4\n", None, DataFileError, "line 1, column 1 holds 'a'.*header"),
    ("1,2\n1_0,4\n", None, DataFileError, "holds '1_0'"),
    ("a,b\n1,2\nnan,4\n", None, NotFiniteError, r"line 3, column 1 \(a\) holds 'nan', a missing number"),
    ("a,b\n1,2\n1,-inf\n", None, NotFiniteError, r"line 3, column 2 \(b\) holds '-inf', no finite number"),
    ("a,b\n1,2\n1e999,1\n", None, NotFiniteError, "line 3, column 1"),
    ("a,b,c\n1,2,3\n0,-0,4\n", None, ZeroRowError, "row 1 of X is zero"),
    ("a,b\n1,2\n", "z", MissingColumnError, "no column 'z'; the columns are a, b"),
    ("1,2\n", "z", MissingColumnError, "no column 'z': the table has no header"),
    ("a,a\n1,2\n", "a", MissingColumnError, "2 columns are named 'a'"),
    ("a,,b\n0,1,2\n", None, DataFileError, "column 2 of the header has no name"),
    ('a,b\n1,"2\n', None, DataFileError, "line 2 is not one of a readable .csv table"),
    ("a,b\n1,\0\n", None, DataFileError, "holds the character NUL in line 2"),
]


@pytest.mark.parametrize(("text", "target", "kind", "said"), CSV_BAD)
def test_a_bad_csv_file(tmp_path: Path, text: str, target: str | None, kind: type[InputError], said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(kind, match=said) as caught:
        load_dataset(str(path), target)
    assert str(path) in str(caught.value)


X, Y = np.eye(2), np.ones(2)
NPZ_BAD: list[tuple[dict[str, Any], type[InputError], str]] = [
    ({"inputs": X, "y": Y}, MissingKeyError, "lacks X; it holds inputs, y"),
    ({"a": X}, MissingKeyError, "lacks X and y"),
    ({"X": X, "y": np.ones(3)}, ShapeError, "y has 3 entries, X has 2 rows"),
    ({"X": X, "y": np.ones((2, 1))}, ShapeError, r"y has shape \(2, 1\)"),
    ({"X": np.ones(2), "y": Y}, ShapeError, r"X has shape \(2,\)"),
    ({"X": np.ones((0, 2)), "y": np.ones(0)}, ShapeError, r"X has shape \(0, 2\)"),
    ({"X": np.array([[1, np.nan], [0, 1]]), "y": Y}, NotFiniteError, r"X\[0, 1\] is nan"),
    ({"X": X, "y": np.array([1, np.inf])}, NotFiniteError, r"y\[1\] is inf"),
    ({"X": np.array([[1, 0], [0, 0]]), "y": Y}, ZeroRowError, "row 1 of X is zero"),
    ({"X": X.astype(complex), "y": Y}, DataFileError, "X holds complex128, not real numbers"),
    ({"X": X.astype(str), "y": Y}, DataFileError, "X holds <U"),
    (
        {"X": X, "y": np.array([None, 1], dtype=object)},
        DataFileError,
        r"y holds object.*pickled; convert it: y.astype.float",
    ),
    ({"X": X, "y": 1e153 * Y}, ScaleError, r"the largest target is 1e\+153 in magnitude; multiply y by a constant"),
    ({"X": X, "y": 1e-161 * Y}, ScaleError, "the largest target is 1e-161 in magnitude"),
]


@pytest.mark.parametrize(("arrays", "kind", "said"), NPZ_BAD)
def test_a_bad_npz_file(tmp_path: Path, arrays: dict[str, Any], kind: type[InputError], said: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(kind, match=said) as caught:
        load_dataset(str(path))
    assert str(path) in str(caught.value)


def test_damaged_npz_files(tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    np.savez_compressed(whole, X=np.random.default_rng(1).standard_normal((20, 20)), y=np.ones(20))
    content = whole.read_bytes()
    damaged = bytearray(content)
    damaged[200:400] = bytes(200)
    path = tmp_path / "damaged.npz"
    for kind in (b"", b"no archive", content[:100], content[: len(content) // 2], content[:-30], bytes(damaged)):
        path.write_bytes(kind)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(DataFileError, match=r"truncated|archive"):
                load_dataset(str(path))


def test_a_single_array_under_the_name_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "single.npz"
    with path.open("wb") as stream:
        np.save(stream, X)
    with pytest.raises(DataFileError, match="holds a single array"):
        load_dataset(str(path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere/absent.csv", "does not exist; known are digits-4-9, diabetes"),
        ("absent.npz", "does not exist"),
        (
            "mine.parquet",
            "unknown data set 'mine.parquet'; a .parquet file is not read, write .*; known are digits-4-9, diabetes, and",
        ),
        ("digits", "unknown data set 'digits'"),
    ],
)
def test_files_that_are_not_there(name: str, said: str) -> None:
    with pytest.raises(DataFileError, match=said):
        load_dataset(name)


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataFileError, match="is not a file"):
        load_dataset(str(tmp_path / "folder.csv"))


@pytest.mark.parametrize("name", ["digits-4-9", "mine.npz"])
def test_a_target_column_is_for_csv_files(name: str) -> None:
    with pytest.raises(ChoiceError, match=r"chosen in \.csv files only"):
        load_dataset(name, "age")


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.longdouble])
def test_rows_that_float64_would_make_parallel_are_decided_on_as_given(tmp_path: Path, kind: Any) -> None:
    """(2^53, 1) and (2^53 + 1, 1) are two directions, and one after rounding to float64."""
    big = 2**53 if np.finfo(np.longdouble).eps < 2**-52 or kind is not np.longdouble else 2**51
    X: Any = np.array([[big, 1], [big + 1, 1], [1, 2]], dtype=kind)
    y: Any = np.array([1, 2, big + 1], dtype=kind)
    np.savez(tmp_path / "big.npz", X=X, y=y)
    data = load_dataset(str(tmp_path / "big.npz"))
    assert degeneracy(data.given_X).coincident == ()
    contribution = kernels(data)
    assert contribution.values["degeneracy"] == "G_inf and S_inf are positive definite: no two rows are parallel"
    assert data.raw_X.dtype == data.X.dtype == data.y.dtype == np.float64
    np.testing.assert_array_equal(shuffled(data, 1).given_X, X[np.random.default_rng(1).permutation(3)])
    if big == 2**53:
        assert any(remark.startswith("some inputs are no float64 numbers and rounded") for remark in data.remarks)
        assert any(remark.startswith("some targets are no float64 numbers and rounded") for remark in data.remarks)
        assert degeneracy(data.raw_X).coincident == ((0, 1),)
    assert standardised(data).exact_X is None


def test_nothing_is_said_of_rounding_where_nothing_is_rounded(tmp_path: Path) -> None:
    np.savez(tmp_path / "small.npz", X=np.array([[1, 2], [3, 5]]), y=np.array([1, 2]))
    data = load_dataset(str(tmp_path / "small.npz"))
    assert data.remarks == ()
    assert data.given_X is data.raw_X


def test_rows_of_a_table_are_decided_on_their_digits(tmp_path: Path) -> None:
    """(0.1, 0.3) and (1, 3) are parallel, their float64 numbers are not; of 2^53 and 2^53 + 1 it is the other way round."""
    path = tmp_path / "digits.csv"
    path.write_text("0.1,0.3,1\n1,3,2\n9007199254740992,1,3\n9007199254740993,1,4\n", encoding="utf-8")
    data = load_dataset(str(path))
    assert degeneracy(data.given_X).coincident == ((0, 1),)
    assert degeneracy(data.raw_X).coincident == ((2, 3),)
    assert "rows 0 and 1 point the same way" in kernels(data).lines[-1]
    np.testing.assert_array_equal(data.raw_X, [[0.1, 0.3], [1, 3], [2**53, 1], [2**53, 1]])
    assert data.remarks == ()
    path.write_text("a;b;c\n0,1;0,3;1\n1;3;2\n", encoding="utf-8")
    assert degeneracy(load_dataset(str(path)).given_X).coincident == ((0, 1),)


def test_enormous_exponents_in_a_table_fill_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text("1e-999999999,1,1\n1e-330,1,2\n", encoding="utf-8")
    data = load_dataset(str(path))
    assert degeneracy(data.given_X).coincident == ()
    assert data.raw_X[:, 0].tolist() == [0, 0]


def test_a_large_table_says_that_it_is_rounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "MOST_EXACT", 5)
    path = tmp_path / "large.csv"
    path.write_text("0.1,0.3,1\n1,3,2\n", encoding="utf-8")
    data = load_dataset(str(path))
    assert data.remarks == (csv_table.TOO_LARGE,)
    assert data.given_X is data.raw_X
