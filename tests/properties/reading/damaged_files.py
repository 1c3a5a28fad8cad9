"""Files drawn by Hypothesis for the readers of data sets: tables as programs write them, damaged tables, damaged archives."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from properties.reading.datasets import Dataset, load_dataset
from tests.properties.reading.npz_files import archive, header, npy, with_header
from theory.errors import InputError
from theory.inputs import unit_rows

LONGEST_MESSAGE = 900
"""Characters of a message, which is one line; a path and a list of columns may be in it."""


def judged(content: bytes, ending: str, target: str | None = None) -> Dataset | str:
    """What the reader makes of a file: a data set in good order, or one line. Anything else is an error of the test."""
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = Path(directory) / f"mine{ending}"
        path.write_bytes(content)
        try:
            data = load_dataset(str(path), target)
        except InputError as error:
            message = str(error).replace(str(path), "mine")
            assert message.isprintable(), message
            assert 10 < len(message) < LONGEST_MESSAGE
            return message
    assert len(unit_rows(data.X)) == len(data.y)
    assert np.isfinite(data.raw_X).all()
    assert np.isfinite(data.y).all()
    assert all(remark.isprintable() for remark in data.remarks)
    return data


def sweep(strategy: st.SearchStrategy[Any], cases: int) -> Callable[[Callable[[Any], None]], Callable[[], None]]:
    """Run a check on so many drawn files, the same in every run."""

    def decorate(check: Callable[[Any], None]) -> Callable[[], None]:
        @settings(
            max_examples=cases, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(strategy)
        def run(drawn: Any) -> None:
            check(drawn)

        return run

    return decorate


# --- tables that mean something --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """A table as a program writes it, and what it means."""

    content: bytes
    rows: tuple[tuple[float, ...], ...]
    index: bool
    """Whether the file numbers or names its rows."""


NUMBERS = st.one_of(
    st.integers(-20, 20).map(float),
    st.decimals(-999, 999, places=2).map(float),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
NAMES = st.text(
    st.characters(codec="utf-8", categories=["L", "Nd", "Zs"], include_characters="_.,;#'"), min_size=1, max_size=8
)


@st.composite
def tables(draw: st.DrawFn) -> Written:
    """Tables by separators, decimals, headers, indices, quotation, ends of lines, comments, blank rows and encodings."""
    width, length = draw(st.integers(2, 5)), draw(st.integers(1, 6))
    whole = draw(st.lists(st.booleans(), min_size=width, max_size=width))
    rows = tuple(
        tuple(float(draw(st.integers(0, 9))) if kind else draw(NUMBERS) for kind in whole) for _ in range(length)
    )
    separator = draw(st.sampled_from([",", ",", ";", "\t", "|", " "]))
    decimal = "," if separator in ";\t" and draw(st.booleans()) else "."
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    after = separator + (" " if draw(st.booleans()) and separator != "\t" else "")
    trailing = separator if separator in ",;" and draw(st.integers(0, 5)) == 0 else ""
    quote = draw(st.sampled_from(["", "", '"']))

    def name(text: str) -> str:
        return f'"{text}"' if quote or any(mark in text for mark in (separator, " ", "'")) else text

    def entry(value: float, kind: bool) -> str:
        return (str(int(value)) if kind else repr(value)).replace(".", decimal)

    body = [[entry(value, kind) for value, kind in zip(row, whole, strict=True)] for row in rows]
    head = draw(st.sampled_from(["none", "letters", "names", "numbers"]))
    heads = {
        "letters": list("abcde"[:width]),
        "names": [draw(NAMES.filter(lambda text: text.strip() == text)) for _ in range(width)],
        "numbers": [str(i) for i in range(width)],
    }
    names = [name(text) for text in heads.get(head, [])]
    kind = draw(st.sampled_from(["none", "none", "zero", "one", "texts"]))
    if kind != "none":
        labels = {"zero": range(length), "one": range(1, length + 1), "texts": [f"row{i}" for i in range(length)]}
        body = [[name(str(label)), *line] for label, line in zip(labels[kind], body, strict=True)]
        names = [name(""), *names] if names else []
    lines = [after.join(line) + trailing for line in ([names] if names else []) + body]
    if draw(st.integers(0, 4)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), "# a comment")
    lines += [separator * width] * (draw(st.integers(0, 2)) if separator in ",;" else 0)
    text = end.join(lines) + end
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le"]))
    return Written(text.encode(encoding, errors="replace"), rows, kind != "none")


def check_table(drawn: Written) -> None:
    """A table is read as it was meant, or refused; numbers of its rows that are kept as a feature are remarked on."""
    data = judged(drawn.content, ".csv")
    if isinstance(data, str):
        return
    meant = np.array(drawn.rows)
    found = np.column_stack([data.raw_X, data.y])
    if drawn.index and found.shape[1] == meant.shape[1] + 1 and len(meant) >= 3:
        assert any("numbers the rows" in remark for remark in data.remarks)
    if drawn.index and found.shape[1] == meant.shape[1] + 1:
        found = found[:, 1:]
    if len(found) == len(meant) + 1:  # a first line 0, 1 above whole numbers
        assert any("is taken for a row of data" in remark for remark in data.remarks)
        found = found[1:]
    assert np.array_equal(found, meant)


# --- damage ----------------------------------------------------------------------------------------------------------


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    """The content cut, with bits or bytes changed, with a part left out, repeated, or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        if not content:
            break
        place = draw(st.integers(0, len(content) - 1))
        other = draw(st.integers(place, min(len(content), place + 200)))
        match draw(st.sampled_from(["cut", "bit", "byte", "omit", "repeat", "insert"])):
            case "cut":
                content = content[:place]
            case "bit":
                changed = content[place] ^ (1 << draw(st.integers(0, 7)))
                content = content[:place] + bytes([changed]) + content[place + 1 :]
            case "byte":
                content = content[:place] + draw(st.binary(min_size=1, max_size=1)) + content[place + 1 :]
            case "omit":
                content = content[:place] + content[other:]
            case "repeat":
                content = content[:other] + content[place:other] + content[other:]
            case "insert":
                content = content[:place] + draw(st.binary(max_size=12)) + content[place:]
    return content


CELLS = st.one_of(
    st.sampled_from(["", "NA", "nan", "inf", "1e999", "True", "1,5", "1.234,5", "-", "0x1F", "12%", "2020-01-01", "#", '"', "'", "\\"]),
    NUMBERS.map(repr),
    st.text(max_size=8),
)  # fmt: skip


@st.composite
def any_tables(draw: st.DrawFn) -> bytes:
    """Anything under the name of a table: cells of every kind, damaged tables, text, bytes."""
    match draw(st.sampled_from(["cells", "damaged", "damaged", "text", "bytes"])):
        case "cells":
            separator = draw(st.sampled_from([",", ";", "\t", " ", "|", ":", ", "]))
            lines = draw(st.lists(st.lists(CELLS, max_size=5).map(separator.join), max_size=6))
            return draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines).encode("utf-8", errors="replace")
        case "damaged":
            return draw(damage(draw(tables()).content))
        case "text":
            return draw(st.text(max_size=200)).encode("utf-8", errors="replace")
        case _:
            return draw(st.binary(max_size=200))


def check_any_table(content: bytes) -> None:
    """Numbers or one line."""
    judged(content, ".csv")


# --- archives --------------------------------------------------------------------------------------------------------

KINDS = ("f8", ">f8", "f4", "f2", "i8", "u1", "?", "g", "c16", "U3", "S3", "M8[D]", "m8[s]")
LENGTHS = st.one_of(st.integers(-3, 6), st.sampled_from([10**12, 2**31, 2**62, 2**63, 2**64]))
LITERALS = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5), st.binary(max_size=3)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)


@st.composite
def members(draw: st.DrawFn, shape: tuple[int, ...]) -> bytes:
    """An .npy file: an array of any type, or one under a header of our own."""
    values = np.arange(1, 1 + int(np.prod(shape)))
    match draw(st.sampled_from(["array", "array", "array", "shape", "kind", "literal", "text", "objects"])):
        case "array":
            made = values.astype("i8").astype(draw(st.sampled_from(KINDS))).reshape(shape)
            format_version = draw(st.sampled_from([(1, 0), (2, 0), (3, 0)]))
            return npy(np.asfortranarray(made) if draw(st.booleans()) else made, version=format_version)
        case "shape":
            lengths = draw(st.lists(LENGTHS, max_size=4))
            long = draw(st.sampled_from(["", "L"]))
            text = header("(" + "".join(f"{length}{long}," for length in lengths) + ")")
        case "kind":
            text = header(
                str(shape), repr(draw(st.one_of(st.sampled_from(["<f8", "|O", "<U4", "|V8", "<f16"]), LITERALS)))
            )
        case "literal":
            text = repr(draw(st.dictionaries(st.sampled_from(["descr", "fortran_order", "shape", "x"]), LITERALS)))
        case "text":
            text = draw(st.text(st.characters(codec="latin-1"), max_size=80))
        case _:
            return npy(np.array([None, 1], dtype=object), allow_pickle=True)
    version = bytes([draw(st.sampled_from([1, 2, 3, 4])), 0])
    return with_header(
        text.encode("latin-1", errors="replace").decode("latin-1"), values.astype(float).tobytes(), version
    )


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Archives with X and y of any kind, by any compression, whole, renamed or damaged."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    X = draw(members(draw(st.sampled_from([(rows, columns), (rows,), (rows, columns, 2), (0, columns), ()]))))
    y = draw(members(draw(st.sampled_from([(rows,), (rows, 1), (rows + 1,)]))))
    names = draw(
        st.sampled_from(
            [("X.npy", "y.npy")] * 6 + [("X", "y"), ("X.npy", "X.npy"), ("../X.npy", "y.npy"), ("x.npy", "y.npy")]
        )
    )
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    content = archive(list(zip(names, (X, y), strict=True)), draw(st.sampled_from(methods)))
    return draw(damage(content)) if draw(st.booleans()) else content


def check_archive(content: bytes) -> None:
    """Numbers or one line."""
    judged(content, ".npz")
