"""Bytes of .npz files, whole and damaged, for the tests of their reader."""

import io
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

Members = Sequence[tuple[str, bytes]]


def npy(array: Any, **options: Any) -> bytes:
    """An array as NumPy writes it."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), **options)
    return stream.getvalue()


def with_header(header: str, data: bytes, version: bytes = b"\x01\x00") -> bytes:
    """An .npy file with a header of our own."""
    text = header.encode("latin1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text + data


def header(shape: str = "(3, 2)", kind: str = "'<f8'", by_columns: str = "False") -> str:
    return f"{{'descr': {kind}, 'fortran_order': {by_columns}, 'shape': {shape}, }}"


def archive(members: Members, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of members by name."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of members given twice
        with zipfile.ZipFile(stream, "w", method) as file:
            for name, content in members:
                file.writestr(name, content)
    return stream.getvalue()


def marked(content: bytes, offset_in_directory: int, offset_in_member: int, value: int) -> bytes:
    """The archive with a byte of its first member's two headers replaced."""
    changed = bytearray(content)
    for beginning, offset in ((b"PK\x01\x02", offset_in_directory), (b"PK\x03\x04", offset_in_member)):
        changed[changed.find(beginning) + offset] = value
    return bytes(changed)
