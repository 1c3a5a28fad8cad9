"""A claim in mathematical notation, as its chapter writes it; the report turns it into MathML (report/mathematics.py)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Formulas:
    r"""Sentences of text with LaTeX between dollar signs; ``\norm{x}`` and ``\abs{x}`` are known there.

    They say what the claim's statement says in plain text. A formula does not break across lines: keep each narrower than a telephone.
    """

    hypotheses: tuple[str, ...] = ()
    conclusion: tuple[str, ...]
    constants: tuple[str, ...] = ()
