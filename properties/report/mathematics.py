"""The claims in mathematical notation: mathematics.toml turned into MathML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from latex2mathml.converter import convert
from markupsafe import Markup, escape

_ARGUMENT = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_MACROS = (
    (re.compile(r"\\norm" + _ARGUMENT), r"\\left\\lVert \1\\right\\rVert "),
    (re.compile(r"\\abs" + _ARGUMENT), r"\\left\\lvert \1\\right\\rvert "),
)


@dataclass(frozen=True)
class Mathematics:
    """A claim's hypotheses, conclusion and constants, each a list of sentences with formulas in them."""

    hypotheses: tuple[Markup, ...]
    conclusion: tuple[Markup, ...]
    constants: tuple[Markup, ...]


@dataclass(frozen=True)
class Notation:
    """The objects that every claim speaks of, and the conditions by name."""

    objects: tuple[Markup, ...]
    conditions: tuple[Markup, ...]


@cache
def mathematics() -> Mapping[str, Mathematics]:
    """By the id of the claim."""
    return {
        id: Mathematics(*(_sentences(entry.get(part, [])) for part in ("hypotheses", "conclusion", "constants")))
        for id, entry in source()["claims"].items()
    }


@cache
def notation() -> Notation:
    """What the claims take as known."""
    found = source()["notation"]
    return Notation(_sentences(found["objects"]), _sentences(found["conditions"]))


@cache
def source() -> dict[str, Any]:
    """The file mathematics.toml as it is: under ``claims`` by id, under ``notation``, lists of sentences by part."""
    return tomllib.loads(files(__package__).joinpath("mathematics.toml").read_text(encoding="utf-8"))


def sentence(text: str) -> Markup:
    """Text with LaTeX between dollar signs, as text with MathML."""
    parts = text.split("$")
    if len(parts) % 2 == 0:
        raise ValueError(f"a dollar sign is missing in {text!r}")
    return Markup("").join(escape(part) if index % 2 == 0 else formula(part) for index, part in enumerate(parts))


def formula(latex: str) -> Markup:
    """One formula as a ``<math>`` element; ``\\norm{x}`` and ``\\abs{x}`` stand for the delimited x."""
    before = None
    while before != latex:
        before = latex
        for pattern, replacement in _MACROS:
            latex = pattern.sub(replacement, latex)
    return Markup(convert(latex))


def _sentences(texts: list[str]) -> tuple[Markup, ...]:
    return tuple(sentence(text) for text in texts)
