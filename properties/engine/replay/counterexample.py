"""A file for every refutation: the shrunk instance to the last bit, what was measured on it, and how to repeat that."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from properties.engine.claim import Evaluation
from properties.engine.paths import encodable
from properties.engine.replay.archive import DIRECTORY, arrays_beside, stored
from properties.engine.replay.instance_document import DTYPES, Array, InstanceDocument, from_document, to_document
from properties.engine.replay.recorded import recorded_evaluation
from properties.engine.report.atomic import write_bytes_atomically
from properties.engine.report.commands import Commands
from properties.engine.report.entries import Entry, evaluation_entry
from properties.engine.report.plain import number, plain
from theory.errors import CounterexampleError, EditedFileError, InputError

SCHEMA = 4
"""The version of the file as it is written. Version 2 named classes by the paths of their modules, version 3 had no ``integers``."""

READABLE = (2, 3, SCHEMA)
"""The versions that are read, and by every later version too. Files of version 1 lack the instance of their arrays."""

INLINE_ENTRIES = 500
"""Instances with more array entries than this keep their arrays in an .npz file beside the JSON file."""

LONGEST_INTEGER = 300
"""Characters of an integer; those of more than 308 digits are beyond float64."""

WIDTH = 400
"""Values that fit stand on one line of so many characters."""

TOLD, TOLD_OF_MUTANTS = 6, 1
"""Bounds that a file tells; where there are more the worst ones, and a digest of all."""

KEYS = (
    "replay", "claim", "statement", "family", "description", "rounded", "verdict", "evidence", "hypotheses", "bounds",
    "features", "precision", "seed", "depth", "environment", "instance", "arrays", "digest",
)  # fmt: skip
"""What a file holds besides its schema; readers of earlier versions need not know further keys."""


@dataclass(frozen=True)
class Refutation:
    """A confirmed violation, shrunk, as it is stored: the instance's document, and its evaluation when read back."""

    evaluation: Evaluation
    document: InstanceDocument
    rounded: tuple[str, ...] = ()
    """The parts whose numbers were made rounder, so that the description does not rebuild the instance any more."""


@dataclass(frozen=True)
class Circumstances:
    """What a file tells besides the refutation: of what it is one, and the run that found it."""

    claim: str
    """The id of the claim or mutant."""
    statement: str
    depth: str
    seed: int
    """Of the search."""
    environment: Mapping[str, Any]
    explanation: Sequence[str] = ()
    """What the claim says of it."""
    commands: Commands = field(default_factory=Commands)
    """How the run's commands begin."""
    told: int = TOLD
    """How many bounds the file tells."""


@dataclass(frozen=True)
class Counterexample:
    """A file read back."""

    path: Path
    claim: str
    statement: str
    family: str
    description: Mapping[str, Any]
    seed: int
    """Of the search: the trials of a sampled claim depend on it, on the family and on the description."""
    instance: Any
    rounded: tuple[str, ...]
    recorded: Entry
    """The evaluation that the file tells of, as plain values."""
    environment: Mapping[str, Any]


# --- writing ---------------------------------------------------------------------------------------------------------


def counterexample_files(refutation: Refutation, circumstances: Circumstances) -> dict[str, bytes]:
    """What is written of one refutation: contents by path from the report's directory, the file itself last; the same refutation, the same path.

    Numbers are the shortest decimals that read back to the same float64. ``precision`` is the bits of the confirmation, 0 for
    exact arithmetic. ``digest`` is the SHA-256 of everything else.
    """
    evaluation, document = refutation.evaluation, refutation.document
    description = to_document(dict(evaluation.description)).tree["mapping"]
    stem = _file_stem(circumstances.claim, evaluation.family, description, document)
    place, files = f"{DIRECTORY}/{stem}.json", {}
    beside = None
    if sum(array.size for array in document.arrays.values()) > INLINE_ENTRIES:
        beside = f"{stem}.npz"
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **document.arrays)
        files[f"{DIRECTORY}/{beside}"] = stream.getvalue()
    content = {
        "schema": SCHEMA,
        "replay": circumstances.commands.replay(place),
        "claim": circumstances.claim,
        "statement": circumstances.statement,
        **({"explanation": list(circumstances.explanation)} if circumstances.explanation else {}),
        **told(evaluation_entry(evaluation), circumstances.told),
        "description": description,
        "rounded": list(refutation.rounded),
        "seed": circumstances.seed,
        "depth": circumstances.depth,
        "environment": {
            key: value for key, value in plain(circumstances.environment).items() if key not in ("depth", "profile")
        },
        "instance": document.tree,
        "arrays": {name: _array_entry(array, beside) for name, array in document.arrays.items()},
    }
    text = _readable({**content, "digest": content_digest(content)}) + "\n"
    return {**files, place: encodable(text)}


def write_files(report: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of counterexamples below the report's directory, in their order. Raises OSError."""
    for place, content in files.items():
        write_bytes_atomically(report / place, content)


def write_counterexample(report: Path, refutation: Refutation, circumstances: Circumstances) -> Path:
    """Write one refutation below the report's directory and return the file's path. Raises OSError."""
    files = counterexample_files(refutation, circumstances)
    write_files(report, files)
    return report / list(files)[-1]


def told(entry: Entry, most: int) -> Entry:
    """The entry of an evaluation as files have it: its worst bounds in their order, where there are more a digest of all of them."""
    bounds = entry["bounds"]
    if len(bounds) <= most:
        return entry
    worst = sorted(bounds, key=lambda one: (one["verdict"] == "holds", -number(one["ratio"])))[:most]
    kept = [one for one in bounds if any(one is other for other in worst)]
    return {**entry, "bounds": kept, "all_bounds": {"count": len(bounds), "sha256": content_digest({"bounds": bounds})}}


def remove_counterexample(path: Path) -> None:
    """Remove a file and the arrays beside it, unless it was edited since it was written. Raises OSError."""
    try:
        text = path.read_bytes()
        content = json.loads(text)
        if content["digest"] != content_digest(content):
            return
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return
    if path.with_suffix(".npz").name in arrays_beside(text):
        path.with_suffix(".npz").unlink(missing_ok=True)
    path.unlink()


def content_digest(content: Mapping[str, Any]) -> str:
    """The digest of all of a file's content but the digest itself, however it is laid out."""
    rest = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _file_stem(claim_id: str, family: str, description: Any, document: InstanceDocument) -> str:
    """The claim's id made safe for a file name, and a digest of id, family, description and instance."""
    text = json.dumps([claim_id, family, description, document.tree], sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for name, array in document.arrays.items():
        digest.update(f"{name} {_array_digest(array)}".encode())
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', claim_id).lstrip('.')}-{digest.hexdigest()[:10]}"


def _array_digest(array: Array) -> str:
    kind = f"{array.dtype.name} {array.shape} {_order(array)} "
    return hashlib.sha256(kind.encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


def _order(array: Array) -> str:
    """How the array lies in memory: the last digit of a product may depend on it."""
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def _array_entry(array: Array, beside: str | None) -> Entry:
    kind = {"dtype": array.dtype.name, "shape": list(array.shape), "order": _order(array)}
    if beside is None:
        return {**kind, "values": array.tolist()}
    return {**kind, "file": beside, "sha256": _array_digest(array)}


def _readable(value: Any, indent: str = "") -> str:
    """JSON in which every value that fits into a line stands on one."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = f"{indent} "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {_readable(part, inner)}" for key, part in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _readable(part, inner) for part in value) + f"\n{indent}]"


# --- reading ---------------------------------------------------------------------------------------------------------


def read_counterexample(path: Path) -> Counterexample:
    """The content of a file, or of one in an archive; its instance built anew from the arrays. Nothing is written, imported or unpickled.

    Raises CounterexampleError (no such file, damaged, another schema, an array that is missing or of the wrong kind),
    EditedFileError (the content is not what was written). Either says what is wrong and what to do.
    """
    content = _parsed(path)
    _check_kind(path, content)
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise CounterexampleError(f"{path} lacks {', '.join(missing)}: it is damaged; take the file as it was written")
    if content_digest(content) != content["digest"]:
        raise EditedFileError(
            f"{path}: its digest is not that of its content, so that it was edited or corrupted since it was written; "
            f"take the file as it was written, or find the counterexample again with --claim {_claim_of(content)}"
        )
    try:
        return _counterexample(path, content)
    except CounterexampleError:
        raise
    except InputError as error:
        raise CounterexampleError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise CounterexampleError(f"{path} cannot be read as a counterexample ({error!r})") from error


def _parsed(path: Path) -> dict[str, Any]:
    text = _read(path)
    if text is None:
        what = "is not a file" if path.exists() else "does not exist"
        raise CounterexampleError(f"{path} {what}; name a .json file from the directory counterexamples of a report")
    try:
        content = json.loads(text.decode(), parse_constant=_finite, parse_float=_finite, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise CounterexampleError(
            f"{path} is not JSON, perhaps truncated ({error}); take the file as it was written"
        ) from error
    if not isinstance(content, dict):
        raise CounterexampleError(f"{path} holds a {type(content).__name__}, not a counterexample")
    return content


def _read(path: Path) -> bytes | None:
    try:
        return stored(path)
    except OSError as error:
        raise CounterexampleError(f"{path} cannot be read ({error.strerror or error})") from error


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"the number {text}")
    return float(text)


def _whole(text: str) -> int:
    """An integer, which no float64 exceeds. Raises ValueError."""
    if len(text) > LONGEST_INTEGER:
        raise ValueError(f"the number {text[:20]}... of {len(text)} digits")
    return int(text)


def _check_kind(path: Path, content: Mapping[str, Any]) -> None:
    if "claims" in content:
        raise CounterexampleError(
            f"{path} is the record of a run, not a counterexample; its counterexamples are in the directory "
            f"counterexamples beside it"
        )
    if "schema" not in content:
        raise CounterexampleError(f"{path} is not a counterexample file: it has no schema")
    if content["schema"] not in READABLE:
        raise CounterexampleError(
            f"{path} has schema {content['schema']}, this version reads {' and '.join(map(str, READABLE))}; replay it "
            f"with the version that wrote it, or find the counterexample again with --claim {_claim_of(content)}"
        )


def _claim_of(content: Mapping[str, Any]) -> str:
    return str(content.get("claim", "ID")).partition("/")[0]


def _counterexample(path: Path, content: dict[str, Any]) -> Counterexample:
    recorded = recorded_evaluation(content)
    arrays = {name: _array(path, name, entry) for name, entry in content["arrays"].items()}
    description = from_document(InstanceDocument({"mapping": content["description"]}, {}))
    return Counterexample(
        path=path,
        claim=content["claim"],
        statement=content["statement"],
        family=content["family"],
        description=description,
        seed=content["seed"],
        instance=from_document(InstanceDocument(content["instance"], arrays)),
        rounded=tuple(content["rounded"]),
        recorded=recorded,
        environment=content["environment"],
    )


def _array(path: Path, name: str, entry: Mapping[str, Any]) -> Array:
    dtype, shape, order = entry["dtype"], tuple(entry["shape"]), entry["order"]
    if dtype not in DTYPES or order not in ("C", "F"):
        raise CounterexampleError(
            f"{path}: the array {name} has dtype {dtype!r} and order {order!r}; known are {', '.join(DTYPES)} and C, F"
        )
    if "file" in entry:
        return np.asarray(_stored_beside(path, name, entry, dtype, shape), order=order)
    values = _entries(path, name, entry["values"], shape)
    kind = {"f": float, "i": int, "b": bool}[np.dtype(dtype).kind]
    wrong = [value for value in values if type(value) is not kind]
    if wrong:
        raise CounterexampleError(f"{path}: the array {name} is one of {dtype}, but has the entry {wrong[0]!r}")
    return np.array(values, dtype=dtype).reshape(shape).copy(order=order)


def _entries(path: Path, name: str, values: Any, shape: Sequence[int]) -> list[Any]:
    """The entries of nested lists of the given lengths, in order."""
    if not shape:
        return [values]
    if not isinstance(values, list) or len(values) != shape[0]:
        raise CounterexampleError(f"{path}: the values of the array {name} do not have the shape that the file states")
    return [entry for part in values for entry in _entries(path, name, part, shape[1:])]


def _stored_beside(path: Path, name: str, entry: Mapping[str, Any], dtype: str, shape: tuple[int, ...]) -> Array:
    """An array from the .npz file, which must be the one that was written with the JSON file."""
    file_name = str(entry["file"])
    beside = path.with_name(Path(file_name).name)
    if beside.name != file_name or (content := _read(beside)) is None:
        raise CounterexampleError(f"{path} keeps its arrays in {file_name}, which must lie beside it and does not")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            array = np.asarray(archive[name])
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise CounterexampleError(
            f"{beside} lacks the array {name} of {path.name} or is damaged ({error}); take the pair as it was written"
        ) from error
    if array.dtype.name != dtype or array.shape != shape or _array_digest(array) != entry["sha256"]:
        raise EditedFileError(
            f"{beside}: the array {name} is not the one that {path.name} was written with; take the pair as it was written"
        )
    return array
