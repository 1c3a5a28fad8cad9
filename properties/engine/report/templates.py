"""The templates of the pages, with the words that they use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from properties.engine.report import wording
from properties.engine.report.commands import Commands
from properties.engine.report.places import chapter_page, claim_page, page_path
from properties.engine.report.plain import number
from properties.engine.report.typeset import typeset


def resource(name: str) -> str:
    """The text of a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def templates(own: Mapping[str, str], commands: Commands) -> Environment:
    """The environment that renders this package's templates, and those of a suite by their names."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: own.get(name) or resource(name)),
    )
    environment.filters |= {
        "ratio": wording.ratio_text,
        "seconds": wording.seconds_text,
        "description": wording.description_text,
        "bounds": wording.bound_texts,
        "evidence": wording.evidence_text,
        "mark": wording.mark_text,
        "implication": wording.implication_text,
        "model": wording.model_text,
        "number": wording.number_text,
        "bases": wording.bases_text,
        "replay": commands.replay,
        "basename": lambda path: PurePosixPath(path).name,
        "typeset": typeset,
        "claim_page": claim_page,
        "chapter_page": chapter_page,
        "page": page_path,
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
    """A value of a picture's table in few characters."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.4g}"
        case int():
            return f"{value:,}"
    return str(value)


def _value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case int() if abs(value) >= 10_000:
            return f"{value:,}"
    return str(value)
