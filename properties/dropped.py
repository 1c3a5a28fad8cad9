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
        "I-kfac-fn": {"rank H = n": "I-kfac-fn/rank-dropped"},
        "I-homog": {"neurons without bias": "I-homog/biases"},
        "I-pinv": {"rank J = n": "the hypothesis rank J = n"},
        "I-kfac": {"rank H = n": "the hypothesis rank H = n"},
        "I-dual": {"regular matrices": "the hypothesis matrices that are inverted are regular"},
        "I-counts": {"blocks below 2^24 columns": "I-counts/unblocked"},
        "K-pd": {"m as large as K-chernoff asks for": "K-pd/narrow"},
        "K-schur": {"unit rows": "K-schur/short-rows"},
        "K-sep": {"rho_bar < 1": "the hypothesis rho_bar < 1"},
        "K-chernoff": {
            "independent neurons": "K-chernoff/one-weight",
            "symmetric initialisation counts pairs": "K-chernoff/symmetric-m",
            "neurons active with probability 1/2": "K-chernoff/off-centre",
            "||X||_2^2, n": "||X||_2^2 for G(0), n for H(0)",
        },
        "K-hoeffding": {
            "independent neurons": "K-hoeffding/copies",
            "symmetric initialisation counts pairs": "K-hoeffding/symmetric-m",
        },
        "K-relative": {"symmetric initialisation counts pairs": "K-relative/symmetric-m"},
        "K-bernstein": {"second moments of sum V": "K-bernstein/variance-halved"},
        "R0": {
            "independent signs": "R0/fixed-signs",
            "unit rows": "R0/long-rows",
            "pairs, for u(0) = 0": "R0/not-paired",
        },
        "C2-fro": {"||W - W(0)|| <= R": "C2-fro/half-radius"},
        "C2-spec": {"||W - W(0)|| <= R": "C2-spec/half-radius", "the closed ball": "C2-spec/open-ball"},
        "C2-smooth": {"|phi''| <= L": "C2-smooth/half-curvature"},
        "C2-path": {
            "a certified lambda_min": "C2-path/lambda-doubled",
            "all iterates so far": "C2-path/first-step-only",
        },
        "C2-prob": {
            "R fixed before W(0)": "R fixed before W(0) is drawn",
            "the scale of W(0)": "C2-prob/without-scale",
        },
        "K2-fro": {"||W - W(0)|| <= R": "K2-fro/half-radius", "sigma^2 of H(0)": "K2-fro/lambda-of-G"},
        "K2-spec": {"||W - W(0)|| <= R": "K2-spec/half-radius", "the closed ball": "K2-spec/open-ball"},
        "K2-smooth": {"|phi''| <= L": "K2-smooth/half-curvature"},
        "K2-path": {
            "a certified lambda_min": "K2-path/lambda-doubled",
            "all iterates so far": "K2-path/first-step-only",
        },
        "T5-rad": {"the ball ||theta|| <= B": "T5-rad/box", "G_inf only in the mean": "T5-rad/limiting-trace"},
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
        "T3": {
            "m at least the first term": "T3/without-first",
            "m at least the second term": "T3/doubled",
        },
        "T4-width": {
            "m at least the first term": "T4-width/without-first",
            "m at least the second term": "T4-width/doubled",
            "kappa_X": "T4-width/without-condition",
            "the exact rank of X": "T4-width/computed-rank",
        },
        "T5": {
            "losses in [0, 1]": "T5/unbounded",
            "1-Lipschitz in the output": "T5/not-lipschitz",
            "l(y, y) = 0": "T5/loss-at-target",
            "nu small": "T5/large-scale",
            "m large": "T5/narrow",
            "as many steps": "T5/untrained",
            "samples of the population": "T5/other-population",
            "0 < eta <= 1": "0 < eta <= 1",
        },
        "T5-tube": {
            "|| |K| ||_2 phi <= g lambda": "T5-tube/tube-dropped",
            "b at least the motion": "T5-tube/tube-dropped",
            "0 < eta <= 1": "T5-tube/step-limit-dropped",
        },
        "T5-new": {"||w_r - w_r(0)|| <= b": "T5-new/motion-dropped"},
        "T5-margin": {},
        "T5-uniform": {
            "1-Lipschitz in the output": "T5-uniform/not-lipschitz",
        },
        "T5-width": {
            "1-Lipschitz in the output": "T5-width/not-lipschitz",
            "l(y, y) = 0": "T5-width/loss-at-target",
            "samples of the population": "T5-width/other-population",
            "the tube closes": "T5/narrow",
            "0 < eta <= 1": "T5-tube/step-limit-dropped",
        },
        "T5-dist": {
            "J(0) of full row rank": "T5-dist/rank-dropped",
            "NGD's step limit": "T5-dist/ngd-step-limit-dropped",
            "GD's step limit": "T5-dist/gd-step-limit-dropped",
        },
    }
)
"""Theorem -> hypothesis -> the id of a mutant, or the quantity of a row of its slack table without a counterexample."""


UNCONDITIONAL: Mapping[str, str] = MappingProxyType(
    {
        "I-gram": "for every network, input and pattern, those at pre-activation 0 included",
        "K-closed": "for rows of every direction and norm",
        "E-step": "for every stored iterate from which a step is taken",
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
