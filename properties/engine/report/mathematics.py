"""Sentences in mathematical notation, LaTeX between dollar signs, turned into MathML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latex2mathml.converter import convert
from markupsafe import Markup, escape

from properties.engine.claim import Claim

_ARGUMENT = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_MACROS = (
    (re.compile(r"\\norm" + _ARGUMENT), r"\\left\\lVert \1\\right\\rVert "),
    (re.compile(r"\\abs" + _ARGUMENT), r"\\left\\lvert \1\\right\\rvert "),
)
_ROW_OF_ONE = re.compile(r"<mrow>(<(m[ino])(?: [^<>]*)?>[^<>]*</\2>)</mrow>")
"""A group of one letter, number or sign, which it is by itself."""


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


def mathematics_of(claims: Mapping[str, Claim[Any]]) -> Mapping[str, Mathematics]:
    """By id the formulas that stand beside the claims."""
    return {
        id: Mathematics(sentences(one.hypotheses), sentences(one.conclusion), sentences(one.constants))
        for id, one in ((id, claim.formulas) for id, claim in claims.items())
        if one is not None
    }


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
    found = unescape_characters(convert(latex))
    for default in (
        ' xmlns="http://www.w3.org/1998/Math/MathML"',
        ' display="inline"',
        ' stretchy="true" fence="true"',
    ):
        found = found.replace(default, "")
    return Markup(_ROW_OF_ONE.sub(r"\1", found))


def unescape_characters(element: str) -> str:
    """The element with its characters as they are, but for those that are markup."""
    return re.sub(r"&#x([0-9A-Fa-f]+);", lambda found: str(escape(chr(int(found[1], 16)))), element)


def sentences(texts: Sequence[str]) -> tuple[Markup, ...]:
    """Each as text with MathML."""
    return tuple(sentence(text) for text in texts)
