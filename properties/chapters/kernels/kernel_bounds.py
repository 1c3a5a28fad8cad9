"""K-schur and K-sep (docs/theory.md): bounds of lambda0, decided in balls against an enclosed smallest eigenvalue."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st

from properties.chapters.kernels.kernel_instances import (
    ANTIPARALLEL,
    DUPLICATED,
    GENERAL,
    INTEGERS,
    NEARLY,
    Description,
    KernelInstance,
)
from properties.chapters.kernels.kernel_oracles import correlation, dot, exact_rows
from properties.engine.claim import (
    Bound,
    Claim,
    Depth,
    Family,
    Hypothesis,
    Provenance,
    Verdict,
    at_most_or_equal_enclosed,
    equal_enclosed,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from theory.kernels.limiting import ball_limiting_gram, ball_limiting_pattern_gram, limiting_gram
from theory.rigour.eigenvalues import enclosed_smallest_eigenvalue
from theory.rigour.precision import working_precision
from theory.theorems.kernels import SEPARATION_FORMS, first_coefficients, pair_limit, separation_bound

BITS = 128
"""Precision of the balls."""

EIGENVALUE_BITS = 80
"""Eigenvalues are enclosed to 2^-80; rows at an angle of 1e-8 have lambda0 - lambda_S near 2^-55."""

AGREEMENT = 70
"""Two sides that differ by less than 2^-70 count as equal."""

SHORTEST = 0.25
"""K-schur's mutant without unit rows takes rows of this norm."""


@stored_as("kernel-spectrum")
@dataclass(frozen=True)
class SpectralInstance(KernelInstance):
    """Rows as directions, with their limiting kernels and smallest eigenvalues in balls."""

    @cached_property
    def gram(self) -> arb_mat:
        """``G_inf``."""
        return ball_limiting_gram(self.inputs, BITS)

    @cached_property
    def pattern_gram(self) -> arb_mat:
        """``S_inf``."""
        return ball_limiting_pattern_gram(self.inputs, BITS)

    @cached_property
    def lambda0(self) -> arb:
        """``lambda_min(G_inf)``."""
        return enclosed_smallest_eigenvalue(self.gram, EIGENVALUE_BITS)

    @cached_property
    def lambda_S(self) -> arb:
        """``lambda_min(S_inf)``."""
        return enclosed_smallest_eigenvalue(self.pattern_gram, EIGENVALUE_BITS)

    @cached_property
    def correlations(self) -> list[arb]:
        """``rho_ij`` for i > j."""
        rows = exact_rows(self.inputs)
        return [correlation(rows[i], rows[j]) for i in range(len(rows)) for j in range(i)]

    @property
    def largest_correlation(self) -> arb:
        """``rho_bar``, 0 for a single row."""
        return _largest([abs(rho) for rho in self.correlations])


def _largest(values: Sequence[arb]) -> arb:
    found = arb(0)
    for value in values:
        found = found.max(value)
    return found


# --- families --------------------------------------------------------------------------------------------------------


def _spectral(family: Family[KernelInstance], quick: int, normal: int) -> Family[SpectralInstance]:
    return Family(
        family.id,
        family.title,
        family.descriptions,
        lambda description: SpectralInstance(family.build(description).inputs),
        {Depth.QUICK: quick, Depth.NORMAL: normal, Depth.THOROUGH: 10 * normal},
    )


def _build_chain(description: Description) -> SpectralInstance:
    """Directions of the plane at multiples of one angle; or orthogonal ones, but for the last at that angle to the first."""
    d = description
    step = 10.0 ** -(d["tenths"] / 225) if d["kind"] == "small" else np.deg2rad(d["tenths"] / 10)
    if d["kind"] == "orthogonal":
        rows = np.eye(d["n"])
        rows[-1, [0, -1]] = np.cos(step), np.sin(step)
        return SpectralInstance(rows)
    angles = step * np.arange(d["n"])
    return SpectralInstance(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def _chains(
    id: str, title: str, kinds: Sequence[str], counts: Sequence[int], tenths: range
) -> Family[SpectralInstance]:
    return described_family(
        id,
        title,
        _build_chain,
        (20, 100, 1000),
        kind=st.sampled_from(kinds),
        n=st.sampled_from(counts),
        tenths=st.sampled_from(tenths),
    )


CHAINS = _chains(
    "chains",
    "n directions at equal angles, from 180 degrees down to 1e-8; orthogonal ones, but for one pair",
    ["degrees", "small", "orthogonal"],
    [2, 2, 3, 4],
    range(1, 1800),
)
PAIRS = _chains("pairs", "two rows at an angle just above 45 degrees", ["degrees"], [2], range(451, 551))

_GENERAL, _NEARLY = _spectral(GENERAL, 15, 70), _spectral(NEARLY, 15, 70)
_INTEGERS = _spectral(INTEGERS, 10, 50)


Number = Callable[[SpectralInstance], arb]


# --- K-schur ---------------------------------------------------------------------------------------------------------


def spectral_features(instance: SpectralInstance) -> Sequence[str]:
    """How many rows there are, and whether their kernel is singular."""
    singular = not instance.degeneracy.gram_positive_definite
    return [f"n = {len(instance.inputs)}", *(["G_inf singular"] if singular else [])]


@dataclass(frozen=True)
class Schur(Stated):
    """What K-schur says of lambda_S, lambda0 and the entries of G_inf."""

    smaller: Number = lambda instance: instance.lambda_S
    larger: Number = lambda instance: instance.lambda0
    trace_share: int = 2
    limit: Callable[[SpectralInstance, int, int], arb] = lambda instance, i, j: pair_limit(instance.gram[i, j])

    def conclusion(self, instance: SpectralInstance) -> Sequence[Bound]:
        """``lambda_S <= lambda0``, ``tr G_inf = n/2``, ``lambda0 <= 1/2 - |G_inf,ij|`` for the smallest such limit."""
        n = len(instance.inputs)
        with working_precision(BITS):
            trace = sum((instance.gram[i, i] for i in range(n)), arb(0))
            bounds = [
                at_most_or_equal_enclosed(
                    "lambda_S <= lambda0", self.smaller(instance), self.larger(instance), AGREEMENT
                ),
                equal_enclosed("tr G_inf - n/2", trace - arb(n) / self.trace_share, AGREEMENT),
            ]
            if n > 1:
                least = -_largest([1 - self.limit(instance, i, j) for i in range(n) for j in range(i)]) + 1
                bounds.append(
                    at_most_or_equal_enclosed("lambda0 <= min 1/2 - |G_inf,ij|", instance.lambda0, least, AGREEMENT)
                )
        schur = bounds[0].ratio if n > 1 else 0.0
        return [dataclasses.replace(one, aim=schur) for one in bounds]

    def features(self, instance: SpectralInstance) -> Sequence[str]:
        """Those of the rows."""
        return spectral_features(instance)


def _unnormalised(instance: SpectralInstance) -> arb:
    """``lambda_min(X X^T o S_inf)`` for the rows at the norm ``SHORTEST``."""
    rows, n = exact_rows(instance.inputs), len(instance.inputs)
    norms = [arb(dot(row, row)).sqrt() for row in rows]
    kernel = arb_mat(
        [
            [dot(rows[i], rows[j]) / norms[i] / norms[j] * SHORTEST**2 * instance.pattern_gram[i, j] for j in range(n)]
            for i in range(n)
        ]
    )
    return enclosed_smallest_eigenvalue(kernel, EIGENVALUE_BITS)


K_SCHUR = Schur().claim(
    "K-schur",
    "lambda0 >= lambda_S; tr G_inf = n/2; lambda0 <= min over i != j of 1/2 - |G_inf,ij|",
    Provenance.DERIVED,
    mutant("reversed", "lambda0 <= lambda_S", smaller=lambda found: found.lambda0, larger=lambda found: found.lambda_S),
    mutant(
        "short-rows", "lambda_min(X X^T o S_inf) >= lambda_S for rows of norm 1/4", "unit rows", larger=_unnormalised
    ),
    mutant("trace", "tr G_inf = n/3", trace_share=3),
    mutant(
        "pattern-pairs",
        "lambda0 <= 1/2 - |S_inf,ij|",
        limit=lambda instance, i, j: pair_limit(instance.pattern_gram[i, j]),
    ),
    mutant(
        "half-correlation",
        "lambda0 <= 1/2 - max |rho_ij|/2",
        limit=lambda instance, i, j: pair_limit(instance.largest_correlation / 2),
    ),
    families=(_GENERAL, _NEARLY, _spectral(ANTIPARALLEL, 6, 20), _spectral(DUPLICATED, 8, 30), _INTEGERS, CHAINS),
    formulas=Formulas(
        conclusion=(
            r"$\lambda_0\ge\lambda_S$",
            r"$\mathrm{tr}\,G_\infty=\dfrac{n}{2}$",
            r"$\lambda_0\le\min_{i\ne j}\left(\dfrac{1}{2}-\abs{(G_\infty)_{ij}}\right)$",
        )
    ),
    also=("unit rows",),
)


# --- K-sep -----------------------------------------------------------------------------------------------------------

Separation = Callable[[arb, int, str], arb]


@dataclass(frozen=True)
class Separated(Stated):
    """The forms of K-sep's bound, and of what they are taken."""

    bound: Separation = separation_bound
    rho_bar: Number = lambda instance: instance.largest_correlation

    def conclusion(self, instance: SpectralInstance) -> Sequence[Bound]:
        """Every form of the bound at most lambda0."""
        with working_precision(BITS):
            rho, n = self.rho_bar(instance), len(instance.inputs)
            bounds = [
                at_most_or_equal_enclosed(
                    f"K-sep ({form}) <= lambda0", self.bound(rho, n, form), instance.lambda0, AGREEMENT
                )
                for form in SEPARATION_FORMS
            ]
        weakest = bounds[0].ratio if n > 1 else 0.0
        return [dataclasses.replace(one, aim=weakest) for one in bounds]

    def hypotheses(self, instance: SpectralInstance) -> Sequence[Hypothesis]:
        """``rho_bar < 1``, decided exactly: no two rows are parallel."""
        apart = not (instance.degeneracy.coincident or instance.degeneracy.antiparallel)
        with working_precision(BITS):
            margin = float(1 - instance.largest_correlation)
        return (Hypothesis("rho_bar < 1", Verdict.HOLDS if apart else Verdict.REFUTED, margin if apart else -1.0),)

    def features(self, instance: SpectralInstance) -> Sequence[str]:
        """Where the sharpest form is attained, and where only the weakest one says anything."""
        n, found = len(instance.inputs), list(spectral_features(instance))
        with working_precision(BITS):
            rho = instance.largest_correlation
            complete = arb(separation_bound(rho, n, "complete"))
            if complete.overlaps(instance.lambda0):
                found.append("complete form attained")
            if not complete > 0:
                found.append("series form 0")
        return found


def _scaled(form: str, factor: float) -> Separation:
    return lambda rho, n, asked: separation_bound(rho, n, asked) * (factor if asked == form else 1)


def _no_factor_two(rho: arb, n: int, form: str) -> arb:
    """``p = ceil(ln(n-1) / -ln rho_bar)``: the Hadamard power is only positive semidefinite there."""
    if form != "halved" or n == 1 or rho == 0:
        return separation_bound(rho, n, form)
    power = int((arb(n - 1).log() / -rho.log()).upper().ceil().unique_fmpz())
    first = max(0, -(-(max(1, power) - 2) // 2))
    taken = sum(first_coefficients(min(first, 1000), arb(1)), arb(0))
    return (arb.pi() / 2 - taken) / (4 * arb.pi())


def _one_neighbour_fewer(rho: arb, n: int, form: str) -> arb:
    return separation_bound(rho, max(1, n - 1), form)


def _doubled_diagonal(rho: arb, n: int, form: str) -> arb:
    series, complete = separation_bound(rho, n, "series"), separation_bound(rho, n, "complete")
    return series + 2 * (complete - series) if form == "complete" else separation_bound(rho, n, form)


def _signed(instance: SpectralInstance) -> arb:
    return _largest([*instance.correlations, arb(0)])


K_SEP = Separated().claim(
    "K-sep",
    "for rho_bar = max |rho_ij| < 1: lambda0 >= (1/4 pi) sum_{k >= ceil((p-2)/2)} c_k with "
    "p = max(1, ceil(ln(2(n-1)) / -ln rho_bar)), c_k the coefficients of arcsin; sharper, (1/2 pi) sum_k c_k "
    "(1 - (n-1) rho_bar^(2k+2))_+; and that plus (1 - (n-1) rho_bar)_+/4, which is attained for n = 2, rho >= 0",
    Provenance.DERIVED,
    mutant("halved-2", "the first form doubled", families=(PAIRS,), bound=_scaled("halved", 2)),
    mutant("series-1.01", "the second form times 1.01", bound=_scaled("series", 1.01)),
    mutant("complete-1.001", "the third form times 1.001", bound=_scaled("complete", 1.001)),
    mutant("no-factor-2", "p = ceil(ln(n-1) / -ln rho_bar)", bound=_no_factor_two),
    mutant("neighbours", "n - 2 for n - 1 in Gershgorin's discs", bound=_one_neighbour_fewer),
    mutant("K/2", "K/2 for K/4 in the third form", bound=_doubled_diagonal),
    mutant("signed", "rho_bar = max rho_ij, negative correlations not counted", rho_bar=_signed),
    source="docs/theory.md, K-sep; the third form (complete) with K/4 kept",
    families=(_GENERAL, _NEARLY, _INTEGERS, CHAINS),
    formulas=Formulas(
        hypotheses=(r"$\bar\rho=\max_{i\ne j}\abs{\rho_{ij}}<1$",),
        conclusion=(
            r"$\lambda_0\ge\dfrac{1}{4\pi}\sum_{k\ge\left\lceil(p-2)/2\right\rceil}c_k$",
            r"Sharper: $\lambda_0\ge\dfrac{1}{2\pi}\sum_k c_k\left(1-(n-1)\bar\rho^{\,2k+2}\right)_+$.",
            r"And that plus $\dfrac{1}{4}\left(1-(n-1)\bar\rho\right)_+$, which is attained for $n=2$, $\rho\ge 0$.",
        ),
        constants=(
            r"$p=\max\left(1,\left\lceil\dfrac{\ln(2(n-1))}{-\ln\bar\rho}\right\rceil\right)$",
            r"$c_k=\dfrac{(2k)!}{4^k(k!)^2(2k+1)}$, the coefficients of arcsin",
        ),
    ),
    also=("rho_bar < 1",),
)

CLAIMS: tuple[Claim[Any], ...] = (K_SCHUR, K_SEP)


def _separation_row(rho: float, form: str) -> SlackRow:
    rows = np.array([[1.0, 0.0], [rho, np.sqrt(1 - rho * rho)]])
    return SlackRow(
        claim="K-sep",
        quantity=f'lower bound of lambda0 for two rows with rho = {rho:g}, form "{form}"',
        proved=separation_bound(rho, 2, form),
        refuted=float(pair_limit(limiting_gram(rows)[0, 1])),
        witness="lambda0 itself",
        remark="rho_bar < 1 cannot be dropped from the formula; at rho_bar = 1 its limit reads lambda0 >= 0, which holds",
    )


_APART = SlackRow(
    "K-sep",
    "the hypothesis rho_bar < 1",
    remark="at rho_bar = 1 the formula's limit reads lambda0 >= 0, which holds: no counterexample exists",
    drops="rho_bar < 1",
)

SLACK = (*(_separation_row(0.7, form) for form in SEPARATION_FORMS), _APART)
