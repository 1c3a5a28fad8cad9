"""Formulas and numbers written in ASCII, as the terminal shows them, in the signs that a page has: ``(1-eta)^2 <= 1.7e-05`` as (1−η)² ≤ 1.7·10⁻⁵."""

from __future__ import annotations

import re

_SIGNS = {
    "||": "‖",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "->": "→",
    "sqrt(": "√(",
    "lambda0": "λ₀",
    "Omega(": "Ω(",
    "||_2": "‖₂",
    "_inf": "∞",
}

_LETTERS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "eps": "ε",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "phi": "φ",
}

_RAISED = str.maketrans("0123456789-−kT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻ᵏᵀ")

_SIGN = re.compile("|".join(map(re.escape, sorted(_SIGNS, key=len, reverse=True))))
_TIMES = re.compile(r"(?<=\d)\*(?=\d)")
_LETTER = re.compile(
    rf"(?<!\w)(?<![a-zA-Z]{{2}}/)(?<![A-Z]\d/)(?<![a-zA-Z]-)({'|'.join(_LETTERS)})(?=[^\w-]|_[a-zA-Z]|-strongly|-[^a-zA-Z]|$)"
)
_POWER = re.compile(r"\^(-?\d+|k\b|T\b)")

_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([+-]?)0*(\d+)(?![\w.]*\w)")
"""A number with an exponent; no part of a name or of a path."""

_OPERAND = r"(?:[\d(√‖]|[^\W\d_](?![a-zA-Z]))"
"""How an operand begins: with a digit, a bracket, or a letter that stands alone."""

_MINUS = re.compile(
    rf"(?<=\S )-(?= {_OPERAND})"  # a - b
    rf"|(?<![^\s(=<>≤≥+*/·,:\[{{^])-(?={_OPERAND})"  # -3, -η
    rf"|(?<=[)\]‖])-(?={_OPERAND})"  # (1+C)-η
    rf"|(?<=[(=<>≤≥+*/·,{{^][\da-zA-Zα-ω])-(?={_OPERAND})"  # (1-η)
)
"""A hyphen that is a minus; none in a name, an option or a range."""


def numbers(text: str) -> str:
    """The text with the numbers of prose: ``1.7e+13`` as 1.7·10¹³, ``1e-06`` as 10⁻⁶, ``-3`` with a minus."""

    def power(found: re.Match[str]) -> str:
        sign = "⁻" if found[2] == "-" else ""
        return f"{'' if found[1] == '1' else f'{found[1]}·'}10{sign}{found[3].translate(_RAISED)}"

    return _MINUS.sub("−", _NUMBER.sub(power, text))


def typeset(text: str) -> str:
    """The text with mathematical signs, Greek letters, raised exponents and numbers as in prose; names of claims and mutants stay as they are."""
    signs = _TIMES.sub("·", _SIGN.sub(lambda found: _SIGNS[found[0]], text)).replace(" - ", " − ")
    letters = _LETTER.sub(lambda found: _LETTERS[found[1]], signs)
    return numbers(_POWER.sub(lambda found: found[1].translate(_RAISED), letters))
