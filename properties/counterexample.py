"""A file for every refutation: the shrunk instance with its arrays to the last bit, and what was measured on it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from properties.claim import Evaluation
from properties.report.atomic import write_atomically, write_text_atomically
from properties.report.entries import evaluation_entry
from properties.report.plain import json_text
from properties.results import Refutation
from theory.errors import DataFileError

SCHEMA = 1
"""The version of the file."""

INLINE_ENTRIES = 10_000
"""Instances with more array entries than this keep their arrays in an .npz file beside the JSON file."""

Arrays = Mapping[str, np.ndarray[Any, Any]]


def write_counterexample(
    directory: Path,
    claim_id: str,
    statement: str,
    refutation: Refutation,
    *,
    depth: str,
    seed: int,
    environment: Mapping[str, Any],
) -> Path:
    """Write one refutation and return the file's path; the same refutation goes to the same name.

    Floats are stored as ``float.hex`` strings in nested lists, integers and booleans as themselves, so that the arrays
    come back bit by bit. ``precision`` is the bits of the confirmation, 0 for exact arithmetic. Raises OSError.
    """
    evaluation = refutation.evaluation
    arrays = {name: _storable(array) for name, array in refutation.arrays.items()}
    path = directory / f"{file_stem(claim_id, evaluation, arrays)}.json"
    stored: dict[str, Any]
    if sum(array.size for array in arrays.values()) > INLINE_ENTRIES:
        beside = path.with_suffix(".npz")
        write_atomically(beside, lambda stream: np.savez(stream, allow_pickle=False, **arrays))
        stored = {name: {**_kind(array), "file": beside.name} for name, array in arrays.items()}
    else:
        stored = {name: {**_kind(array), "values": _exact(array.tolist())} for name, array in arrays.items()}
    write_text_atomically(
        path,
        json_text(
            {
                "schema": SCHEMA,
                "claim": claim_id,
                "statement": statement,
                **evaluation_entry(evaluation),
                "arrays": stored,
                "confirmed_bits": refutation.confirmed_bits,
                "seed": seed,
                "depth": depth,
                "environment": dict(environment),
            }
        ),
    )
    return path


def read_counterexample(path: Path) -> dict[str, Any]:
    """The file's content with its arrays back as arrays. Raises DataFileError, OSError."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise DataFileError(f"{path}: schema {content['schema']}, this version reads {SCHEMA}")
        content["arrays"] = {name: _restored(path, name, stored) for name, stored in content["arrays"].items()}
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, DataFileError):
            raise
        raise DataFileError(f"{path} is not a counterexample file ({error!r})") from error
    return content


def file_stem(claim_id: str, evaluation: Evaluation, arrays: Arrays) -> str:
    """The claim's id made safe for a file name, and a digest of id, family, description and arrays."""
    digest = hashlib.sha256(json_text([claim_id, evaluation.family, evaluation.description]).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', claim_id).lstrip('.')}-{digest.hexdigest()[:10]}"


def _storable(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Arrays of booleans, integers, float64 and text as they are, the rest (rationals, say) as text."""
    array = np.asarray(values)
    if array.dtype.kind in "biuU" or array.dtype == np.float64:
        return array
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return array.astype(np.float64)
    return np.vectorize(str, otypes=[np.str_])(array) if array.size else array.astype(np.str_)


def _kind(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {"dtype": array.dtype.str, "shape": list(array.shape)}


def _exact(values: Any) -> Any:
    if isinstance(values, list):
        return [_exact(value) for value in values]
    return values.hex() if isinstance(values, float) else values


def _floats(values: Any) -> Any:
    return [_floats(value) for value in values] if isinstance(values, list) else float.fromhex(values)


def _restored(path: Path, name: str, stored: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    if "file" in stored:
        beside = path.parent / Path(stored["file"]).name
        with np.load(beside, allow_pickle=False) as archive:
            return np.asarray(archive[name])
    kind = np.dtype(stored["dtype"])
    values = _floats(stored["values"]) if kind.kind == "f" else stored["values"]
    return np.array(values, dtype=kind).reshape(stored["shape"])
