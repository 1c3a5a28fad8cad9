"""The templates of the pages, with the words that they use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FunctionLoader, StrictUndefined
from jinja2.bccache import Bucket

from properties.engine.report import wording
from properties.engine.report.commands import Commands
from properties.engine.report.places import chapter_page, claim_page, page_path, seen_from
from properties.engine.report.plain import counted, number
from properties.engine.report.typeset import numbers, typeset
from theory.direction import Attained, LowerBound, UpperBound, digits


def resource(name: str) -> str:
    """The text of a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


class _CompiledOnce(BytecodeCache):  # type: ignore[misc]
    """Keeps what templates compile to, by name and text, for all reports of the process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._known[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _CompiledOnce()


def templates(own: Mapping[str, str], commands: Commands) -> Environment:
    """The environment that renders this package's templates, and those of a suite by their names."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: own.get(name) or resource(name)),
        bytecode_cache=_COMPILED,
    )
    environment.filters |= {
        "ratio": lambda value: numbers(wording.ratio_text(value)),
        "seconds": wording.seconds_text,
        "description": wording.description_text,
        "bounds": wording.bound_texts,
        "evaluation": wording.evaluation_lines,
        "prose": numbers,
        "evidence": wording.evidence_text,
        "mark": wording.mark_text,
        "implication": wording.implication_text,
        "model": wording.model_text,
        "counted": counted,
        "number": lambda value: numbers(wording.number_text(value)),
        "slack_texts": lambda row: tuple(map(numbers, wording.slack_texts(row))),
        "bases": wording.bases_text,
        "replay": commands.replay,
        "basename": lambda path: PurePosixPath(path).name,
        "typeset": typeset,
        "claim_page": claim_page,
        "chapter_page": chapter_page,
        "page": page_path,
        "seen_from": seen_from,
        "key": _key,
        "cell": _cell,
        "value": _value,
    }
    return environment


def _key(value: Any) -> str:
    """What a table sorts by: a number as the page's script reads it; nothing for no number, which comes last."""
    if value is None:
        return ""
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": ""}.get(repr(number(value)), repr(number(value)))


def _cell(value: Any) -> str:
    """A value of a picture's table in few characters; a bound stays one."""
    match value:
        case None:
            return "-"
        case UpperBound() | LowerBound() | Attained():
            return numbers(digits(value, 4))
        case float():
            return numbers(f"{value:.4g}")
        case int():
            return f"{value:,}"
    return str(value)


def _value(value: Any) -> str:
    """A value of a document, whose direction is not known: a number that six digits would change is shown in full."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            short = f"{value:.6g}"
            return numbers(short if float(short) == value or value != value else repr(float(value)))
        case int() if abs(value) >= 10_000:
            return f"{value:,}"
    return str(value)
