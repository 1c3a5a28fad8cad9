"""For each hypothesis of each claim what shows that it is needed: a mutant without it, or a slack row that knows of none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DROPPED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "T1": {
            "Condition 1": "T1/condition-1-dropped",
            "Condition 2(C), C < 1/2": "T1/condition-2-dropped",
            "step limit": "T1/step-without-C",
        },
        "T1-q": {
            "Condition 1": "T1-q/condition-1-dropped",
            "Condition 2(C)": "T1-q/C-quartered",
            "C <= 2/3": "the hypothesis C <= 2/3",
            "step limit": "T1-q/step-to-2",
        },
        "T1-sharp": {
            "Condition 1": "T1-sharp/condition-1-dropped",
            "Condition 2(C)": "T1-sharp/rho-at-half-C",
            "C < 1": "the hypothesis C < 1",
            "step limit": "T1-sharp/step-beyond-sharp",
        },
        "T1-first": {
            "Condition 1": "T1-first/condition-1-dropped",
            "Condition 2(C)": "T1-first/C-over-4",
            "eta <= 3": "T1-first/step-limit-dropped",
        },
        "T1-step": {"G(k) invertible": "T1-step/condition-1-dropped"},
        "T1-line": {
            "Condition 1": "T1-line/condition-1-dropped",
            "Condition 2(C), C < 1": "T1-line/condition-2-dropped",
            "step limit": "T1-line/step-limit-dropped",
        },
        "T1-line-sharp": {
            "Condition 1": "T1-line-sharp/condition-1-dropped",
            "Condition 2(C), C < 1": "T1-line-sharp/C-at-nine-tenths",
            "step limit": "T1-line-sharp/step-limit-dropped",
        },
        "T1-radius": {
            "Condition 1": "T1-radius/condition-1-dropped",
            "Condition 2(C) within f(C)": "T1-radius/C-quartered",
            "a ball of radius f(C)": "T1-radius/half-radius",
            "step limit": "T1/step-without-C",
        },
        "T1-sharp-adversary": {
            "Condition 1": "T1-sharp-adversary/condition-1-weakened",
            "Condition 2(C)": "T1-sharp-adversary/condition-2-weakened",
            "step limit": "T1-sharp-adversary/step-limit-beyond",
        },
        "T1-lemma-S": {
            "J0 J0^T >= I": "T1-lemma-S/condition-1-weakened",
            "||A - J0|| <= c": "T1-lemma-S/condition-2-weakened",
            "c < 1": "the hypothesis c < 1",
            "z in the row space of A": "T1-lemma-S/row-space-dropped",
        },
        "T2": {
            "mu-strong convexity": "T2/strong-convexity-dropped",
            "L-Lipschitz gradient": "T2/smoothness-understated",
            "Condition 1": "T2/condition-1-dropped",
            "Condition 3(C), C < 1/(1+kappa)": "T2/condition-3-dropped",
            "step limit": "T2/step-beyond-linear",
        },
        "T2-q": {
            "mu-strong convexity": "T2-q/strong-convexity-dropped",
            "L-Lipschitz gradient": "T2-q/smoothness-understated",
            "Condition 1": "T2-q/condition-1-dropped",
            "Condition 3(C)": "T2-q/condition-3-dropped",
            "step limit": "T2-q/step-beyond-breaking",
        },
        "T4": {
            "rank X = d": "the hypothesis rank X = d",
            "Condition K1": "T4/condition-K1-dropped",
            "Condition K2(C), C < 1/2": "T4/condition-K2-dropped",
            "step limit": "T4/step-doubled",
        },
        "T4-lev": {
            "Condition K1": "T4-lev/condition-K1-dropped",
            "Condition K2(C), C < 3/5": "T4-lev/condition-K2-dropped",
            "step limit": "T4-lev/step-doubled",
        },
        "T4-sharp": {
            "Condition K1": "T4-sharp/condition-K1-dropped",
            "Condition K2(C), C < 1": "T4-sharp/condition-K2-dropped",
            "step limit": "T4-sharp/step-beyond-sharp",
        },
        "T4-least": {
            "Condition K1": "T4-least/condition-K1-dropped",
            "Condition K2(C), C < 1": "T4-least/condition-K2-dropped",
            "step limit": "T4-least/step-beyond-sharp",
        },
        "T4-frozen": {
            "no activation changes": "T4-frozen/frozen-dropped",
            "rank X = n": "T4-frozen/rank-dropped",
        },
        "T0": {
            "Condition 1": "T0/condition-1-dropped",
            "Condition 2(C)": "T0/condition-2-dropped",
            "C < 3/5": "the hypothesis C < 3/5",
            "step limit": "T0/step-beyond-divergence",
        },
        "T0-sharp": {
            "Condition 1": "T0-sharp/condition-1-dropped",
            "Condition 2(C)": "T0-sharp/C-halved",
            "C <= 3/4": "the hypothesis C <= 3/4",
            "step limit": "T0-sharp/step-beyond-divergence",
        },
        "T0-linear": {"J(0) of full row rank": "T0-linear/condition-1-dropped"},
        "T0-advantage": {
            "step limits": "T0-advantage/step-limit-dropped",
            "step limits of the quotient": "T0-advantage/quotient-limit-dropped",
        },
    }
)
"""Theorem -> hypothesis -> the id of a mutant, or the quantity of a row of its slack table without a counterexample."""


UNCONDITIONAL: Mapping[str, str] = MappingProxyType(
    {
        "T1-tight": "about the maps of its own family",
    }
)
"""Claims without a hypothesis that could be dropped, and of what they speak."""


def gaps(claims: Mapping[str, object], mutants: frozenset[str], rows: frozenset[tuple[str, str]]) -> list[str]:
    """Claims without an entry, and entries that name no mutant and no row of (claim, quantity)."""
    found = [f"{id}: no hypotheses listed" for id in claims if id not in DROPPED and id not in UNCONDITIONAL]
    for theorem, needs in DROPPED.items():
        if theorem not in claims:
            found.append(f"{theorem}: no such claim")
        found += [
            f"{theorem}, {hypothesis}: {shown} is neither a mutant nor a row of the slack table"
            for hypothesis, shown in needs.items()
            if shown not in mutants and (theorem, shown) not in rows
        ]
    return found
