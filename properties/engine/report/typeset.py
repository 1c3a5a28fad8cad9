"""Formulas written in ASCII, as the terminal shows them, in the signs that a page has: ``||r|| <= (1-eta)^2`` as ‖r‖ ≤ (1-η)²."""

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

_RAISED = str.maketrans("0123456789-kT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵏᵀ")

_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))
_LETTER = re.compile(rf"(?<![\w/])(?<![a-zA-Z]-)({'|'.join(_LETTERS)})(?=[^\w-]|_[a-zA-Z]|-strongly|-[^a-zA-Z]|$)")
_POWER = re.compile(r"\^(-?\d+|k\b|T\b)")


def typeset(text: str) -> str:
    """The text with mathematical signs, Greek letters and raised exponents; names of claims and mutants stay as they are."""
    signs = _SIGN.sub(lambda found: _SIGNS[found[0]], text)
    letters = _LETTER.sub(lambda found: _LETTERS[found[1]], signs)
    return _POWER.sub(lambda found: found[1].translate(_RAISED), letters)
