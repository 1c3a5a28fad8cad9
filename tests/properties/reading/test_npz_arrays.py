"""Every .npz file gives its numbers, or one line that says what is wrong and what to write."""

import resource
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.reading.npz_arrays import MOST_BYTES, read_npz
from tests.properties.reading.npz_files import archive, header, marked, npy, with_header
from theory.errors import DataFileError, InputError, MissingKeyError, NotFiniteError, ShapeError

X = np.array([[0.5, -2.0], [1.5, 3.25], [2.25, 1e-3]])
Y = np.array([1.0, 0.0, 1.0])
TARGETS = npy(Y)
BYTES = X.tobytes()


def read(directory: Path, content: bytes) -> tuple[Any, Any]:
    path = directory / "mine.npz"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_npz(path)


def holding(x: bytes, y: bytes = TARGETS) -> bytes:
    return archive([("X.npy", x), ("y.npy", y)])


WHOLE = {
    "plain": holding(npy(X)),
    "by columns": holding(npy(np.asfortranarray(X))),
    "big endian": holding(npy(X.astype(">f8")), npy(Y.astype(">i4"))),
    "longdouble": holding(npy(X.astype(np.longdouble)), npy(Y.astype(np.longdouble))),
    "truth values": holding(npy(X), npy(Y.astype(bool))),
    "version 2": holding(npy(X, version=(2, 0))),
    "version 3": holding(npy(X, version=(3, 0))),
    "Python 2": holding(with_header(header("(3L, 2L)"), BYTES), with_header(header("(3L,)"), Y.tobytes())),
    "other members": archive([("readme.txt", b"see"), ("X.npy", npy(X)), ("y.npy", TARGETS), ("z.npy", b"damaged")]),
    **{
        name: archive([("X.npy", npy(X)), ("y.npy", TARGETS)], method)
        for name, method in (
            ("deflate", zipfile.ZIP_DEFLATED),
            ("bzip2", zipfile.ZIP_BZIP2),
            ("lzma", zipfile.ZIP_LZMA),
        )
    },
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_gives_its_numbers(kind: str, tmp_path: Path) -> None:
    inputs, targets = read(tmp_path, WHOLE[kind])
    assert inputs.tolist() == X.tolist()
    assert targets.tolist() == Y.tolist()
    assert {inputs.dtype.str, targets.dtype.str} == {np.dtype(float).str}


WRITE = r"write it with numpy.savez\(path, X=X, y=y\)"
BEYOND = np.full((3, 2), np.longdouble(2)) ** 2000
"""Infinite where longdouble is no wider than float64."""

REFUSED: dict[str, tuple[bytes, type[InputError], str]] = {
    "no archive": (b"1,2\n3,4\n", DataFileError, f"is not a readable .npz archive, perhaps truncated.*; {WRITE}"),
    "a single array": (npy(X), DataFileError, "holds a single array, not an .npz archive"),
    "truncated": (holding(npy(X))[:-30], DataFileError, "perhaps truncated"),
    "no members": (archive([]), MissingKeyError, f"lacks X and y; it holds nothing; {WRITE}"),
    "other names": (archive([("arr_0.npy", npy(X)), ("arr_1.npy", TARGETS)]), MissingKeyError, "it holds arr_0, arr_1"),
    "a sparse matrix": (
        archive([(f"{name}.npy", TARGETS) for name in ("indices", "indptr", "format", "shape", "data")]),
        MissingKeyError, r"write it with numpy.savez\(path, X=matrix.toarray\(\), y=y\)",
    ),
    "members that are no arrays": (archive([("X", b"abc"), ("y", b"d")]), DataFileError, f"X and y as plain bytes, not as arrays; {WRITE}"),
    "bytes under an array's name": (holding(b"abc"), DataFileError, f"X is not an array of NumPy.*; {WRITE}"),
    "an empty member": (holding(b""), DataFileError, "X is not an array of NumPy"),
    "a member twice": (archive([("X.npy", npy(X)), ("X.npy", npy(2 * X)), ("y.npy", TARGETS)]), DataFileError, "holds X more than once"),
    "10^12 rows": (holding(with_header(header("(1000000000000, 2)"), BYTES)), DataFileError, "X has 48 bytes, but its header says 16,000,000,000,000"),
    "2^63 rows": (holding(with_header(header("(9223372036854775808, 2)"), BYTES)), DataFileError, "but its header says 147,573,952,589,676,412,928"),
    "a negative length": (holding(with_header(header("(-3, -2)"), BYTES)), DataFileError, "a length of -3"),
    "no rows, many columns": (holding(with_header(header("(0, 9999999999999)"), b"")), ShapeError, "it needs 2 non-empty axes"),
    "70 axes": (holding(with_header(header(f"({'1,' * 70})"), bytes(8))), ShapeError, "X has 70 axes"),
    "a long header": (holding(with_header(header() + " " * 70_000, BYTES, b"\x02\x00")), DataFileError, "its header is damaged"),
    "a deep header": (holding(with_header(header(kind="(" * 3000 + ")" * 3000), BYTES)), DataFileError, "its header is damaged"),
    "half a string in Python 2's header": (holding(with_header(header("(3L, 2L)") + "'''", BYTES)), DataFileError, "its header is damaged"),
    "a version to come": (holding(with_header(header(), BYTES, b"\x09\x00")), DataFileError, "its header is damaged"),
    "bytes behind": (holding(npy(X) + b"zz"), DataFileError, "X has 50 bytes, but its header says 48: truncated or damaged"),
    "an unknown type": (holding(with_header(header(kind="'<f99'"), BYTES)), DataFileError, "its header is damaged"),
    "entries that are arrays": (holding(with_header(header("(3,)", "('<f8', (2,))"), BYTES)), DataFileError, "X has entries that are arrays"),
    "encrypted": (marked(holding(npy(X)), 8, 6, 1), DataFileError, "X is encrypted"),
    "deflate64": (marked(holding(npy(X)), 10, 8, 9), DataFileError, "X cannot be unpacked: .*That compression method is not supported"),
    "objects": (
        holding(npy(X), npy(np.array([1, None, 0], dtype=object), allow_pickle=True)),
        DataFileError, r"y holds object, not real numbers: .*pickled; convert it: y.astype\(float\)",
    ),
    "beyond float64": (holding(npy(BEYOND)), NotFiniteError, r"X\[0, 0\] is (1.1\d+e\+602, beyond all float64 numbers|inf)"),
    "text": (holding(npy(X), npy(np.array(["a", "b", "a"]))), DataFileError, r"y holds <U1, .*number its classes"),
    "records": (holding(npy(np.zeros(3, dtype=[("a", "f8"), ("b", "f8")]))), DataFileError, r"records with fields; .*column_stack\(\[X\[f\]"),
    "records of objects": (holding(npy(np.zeros(3, dtype=[("a", "O")]), allow_pickle=True)), DataFileError, "records with fields"),
    "dates": (holding(npy(X.astype("M8[s]"))), DataFileError, "dates; convert them to numbers"),
    "complex numbers": (holding(npy(X + 0j)), DataFileError, r"complex numbers; give real numbers, such as X.real"),
    "a column": (holding(npy(X), npy(Y[:, None])), ShapeError, r"y has shape \(3, 1\); it needs 1 axis: y.ravel\(\)"),
    "one-hot classes": (holding(npy(X), npy(np.eye(3))), ShapeError, r"numpy.argmax\(y, axis=1\)"),
    "images": (holding(npy(X.reshape(3, 2, 1))), ShapeError, r"flatten each input: X.reshape\(len\(X\), -1\)"),
    "one feature": (holding(npy(Y)), ShapeError, r"X\[:, None\] for inputs of dimension 1"),
    "transposed": (holding(npy(X.T)), ShapeError, r"y has 3 entries, X has shape \(2, 3\); .* may be X.T"),
    "a number for targets": (holding(npy(X), npy(1.0)), ShapeError, r"y has shape \(\)"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_any_other_file_gives_one_line(kind: str, tmp_path: Path) -> None:
    content, error, said = REFUSED[kind]
    with pytest.raises(error, match=said) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_length_that_is_a_truth_value(tmp_path: Path) -> None:
    """NumPy's parser takes it for an integer."""
    inputs, _ = read(tmp_path, holding(with_header(header("(True, 2)"), BYTES[:16]), npy(Y[:1])))
    assert inputs.shape == (1, 2)


def test_what_would_not_fit_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A member that says so many bytes, of which none is there."""
    content = bytearray(holding(npy(X)))
    for beginning, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.find(beginning) + offset
        content[place : place + 4] = (MOST_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(
        DataFileError, match=r"X takes 2,147,483,649 bytes when unpacked, at most 2,147,483,648 are read"
    ):
        read(tmp_path, bytes(content))


def test_a_promise_takes_no_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    content = bytearray(holding(with_header(header("(125000000, 2)"), BYTES)))
    for beginning, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.find(beginning) + offset
        content[place : place + 4] = (2_000_000_128).to_bytes(4, "little")
    with pytest.raises(DataFileError):
        read(tmp_path, bytes(content))
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert kilobytes < 100_000
