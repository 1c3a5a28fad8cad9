"""The claims of this suite in mathematical notation, and what they take as known: mathematics.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from properties.catalogue import registry
from properties.engine.report.mathematics import Mathematics, Notation, mathematics_of, sentences


@cache
def mathematics() -> Mapping[str, Mathematics]:
    """By the id of the claim."""
    return mathematics_of(registry)


@cache
def notation() -> Notation:
    """What the claims take as known."""
    found = source()["notation"]
    return Notation(sentences(found["objects"]), sentences(found["conditions"]))


@cache
def source() -> dict[str, Any]:
    """The file mathematics.toml as it is: under ``notation`` lists of sentences."""
    return tomllib.loads(files(__package__).joinpath("mathematics.toml").read_text(encoding="utf-8"))
