"""The claims about the limiting kernels: K-closed (closed forms of the kernels) and K-pd (when they are positive definite).

The programs under test are numbers of the rules, so that a mutant is the same conclusion with a wrong one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat

from properties.chapters.kernels.kernel_instances import (
    ANTIPARALLEL,
    DUPLICATED,
    FAILURE_PROBABILITY,
    GENERAL,
    INITIALISED,
    INTEGERS,
    NEARLY,
    KernelInstance,
)
from properties.chapters.kernels.kernel_oracles import (
    correlation,
    exact_rows,
    feature_ranks,
    gram_kernel_vector,
    largest_error,
    pattern_expectation,
    pattern_kernel_vector,
    residue,
)
from properties.engine.claim import (
    Bound,
    Claim,
    Evidence,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    equal_enclosed,
    equal_exactly,
    require,
    technical,
)
from properties.engine.formulas import Formulas
from properties.engine.rule import Neighbour, Stated, mutant
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.limiting import (
    Degeneracy,
    ball_limiting_gram,
    ball_limiting_pattern_gram,
    gram_entry_error,
    limiting_gram,
    limiting_pattern_gram,
    pattern_entry_error,
)
from theory.network.gram import gram_eigenvalue_bounds
from theory.rigour.precision import working_precision
from theory.theorems.chernoff import KEPT_SHARE

BITS = 128
"""Precision of the balls."""

AGREEMENT = 80
"""Identities in balls are decided with a radius below 2^-80."""

SMALL_ANGLE = 1e-6
"""Pairs closer to 0 or pi than this (radians) are counted as nearly parallel."""

WIDEST = 400_000
"""The widest network that is drawn for K-pd."""

PAPER = "Zhang, Martens, Grosse (2019), section 2; docs/theory.md, K-closed"

BallKernel = Callable[[FloatArray, int], arb_mat]
FloatKernel = Callable[[FloatArray], FloatArray]


# K-closed


@dataclass(frozen=True)
class Closed(Stated):
    """The programs that compute the limiting kernels."""

    gram: BallKernel = ball_limiting_gram
    pattern: BallKernel = ball_limiting_pattern_gram
    computed_gram: FloatKernel = limiting_gram
    computed_pattern: FloatKernel = limiting_pattern_gram

    def conclusion(self, instance: KernelInstance) -> Sequence[Bound]:
        """Closed forms against quadrature, in balls; the float64 functions against them within their entry errors."""
        X, (n, dim) = instance.inputs, instance.inputs.shape
        with working_precision(BITS):
            rows = exact_rows(X)
            gram_balls, pattern_balls = self.gram(X, BITS), self.pattern(X, BITS)
            gram_off = pattern_off = arb(0)
            for i in range(n):
                for j in range(i, n):
                    expected = pattern_expectation(rows[i], rows[j])
                    pattern_off += abs(pattern_balls[i, j] - expected)
                    gram_off += abs(gram_balls[i, j] - correlation(rows[i], rows[j]) * expected)
            return [
                equal_enclosed("sum |S_inf - quadrature|", pattern_off, AGREEMENT),
                equal_enclosed("sum |G_inf - quadrature|", gram_off, AGREEMENT),
                at_most_enclosed(
                    "max |S_inf computed - exact|",
                    largest_error(self.computed_pattern(X), pattern_balls),
                    arb(pattern_entry_error(dim)),
                ),
                at_most_enclosed(
                    "max |G_inf computed - exact|",
                    largest_error(self.computed_gram(X), gram_balls),
                    arb(gram_entry_error(dim)),
                ),
            ]

    def features(self, instance: KernelInstance) -> Sequence[str]:
        """Which angles occur."""
        unit = normalise_rows(instance.inputs)
        found = set()
        for i in range(len(unit)):
            for j in range(i):
                distance = min(float(np.linalg.norm(unit[i] - unit[j])), float(np.linalg.norm(unit[i] + unit[j])))
                found.add(
                    "parallel" if distance < 1e-15 else "nearly parallel" if distance < SMALL_ANGLE else "general"
                )
        return sorted(found)


def _without_pi(inputs: FloatArray, bits: int) -> arb_mat:
    """``rho (-arccos rho)/(2 pi)``: the closed form minus ``rho/2``."""
    rows, kernel = exact_rows(inputs), ball_limiting_gram(inputs, bits)
    n = len(rows)
    return arb_mat([[kernel[i, j] - correlation(rows[i], rows[j]) / 2 for j in range(n)] for i in range(n)])


def _over_pi(kernel: BallKernel) -> BallKernel:
    """Divided by pi where 2 pi belongs."""
    return lambda inputs, bits: kernel(inputs, bits) * 2


def _clipped_correlations(inputs: FloatArray) -> FloatArray:
    unit = normalise_rows(inputs)
    return np.asarray(np.clip(unit @ unit.T, -1.0, 1.0))


def _clipped_pattern_gram(inputs: FloatArray) -> FloatArray:
    return np.asarray((np.pi - np.arccos(_clipped_correlations(inputs))) / (2 * np.pi))


def _clipped_gram(inputs: FloatArray) -> FloatArray:
    return np.asarray(_clipped_correlations(inputs) * _clipped_pattern_gram(inputs))


K_CLOSED = Closed().claim(
    "K-closed",
    "G_inf = rho (pi - arccos rho)/(2 pi) and S_inf = (pi - arccos rho)/(2 pi) are the Gaussian expectations of "
    "G(0) and H(0), and the float64 functions are within their entry errors of them",
    Provenance.PAPER,
    mutant("without pi", "G_inf = -rho arccos(rho)/(2 pi)", gram=_without_pi),
    mutant("without rho", "S_inf returned as G_inf", gram=ball_limiting_pattern_gram),
    mutant("G over pi", "G_inf divided by pi, not 2 pi", gram=_over_pi(ball_limiting_gram)),
    mutant("S over pi", "S_inf divided by pi, not 2 pi", pattern=_over_pi(ball_limiting_pattern_gram)),
    mutant("clipped G", "G_inf by arccos of a clipped correlation", computed_gram=_clipped_gram),
    mutant("clipped S", "S_inf by arccos of a clipped correlation", computed_pattern=_clipped_pattern_gram),
    source=PAPER,
    families=(GENERAL, NEARLY, DUPLICATED, INTEGERS),
    formulas=Formulas(
        conclusion=(
            r"$(G_\infty)_{ij}=\dfrac{\rho\,(\pi-\arccos\rho)}{2\pi}$ and $(S_\infty)_{ij}=\dfrac{\pi-\arccos\rho}{2\pi}$, $\rho=K_{ij}$, are the Gaussian expectations of $G(0)$ and $H(0)$.",
            "The float64 functions are within their entry errors of them.",
        )
    ),
    unconditional="rows of every direction and norm",
)


# K-pd

Decision = Callable[[KernelInstance], Degeneracy]


def _singular(name: str, kernel: arb_mat, vector: list[arb] | None) -> list[Bound]:
    """The reason of a singular kernel must give a vector, and the vector must be one of its kernel."""
    given = equal_exactly(f"the reason for a singular {name} gives a vector c", vector is not None)
    if vector is None:
        return [given]
    return [given, equal_enclosed(f"sum |{name} c|", residue(kernel, vector), AGREEMENT)]


def _network_bound(instance: KernelInstance, width: int) -> Bound:
    """An event of probability 1 - delta: estimated, however well its two sides are enclosed, and nothing to aim at."""
    limit_lower, limit_upper = instance.eigenvalue_bounds
    lower, upper = gram_eigenvalue_bounds(instance.network(width), instance.inputs)
    limit, reached = arb(limit_lower).union(arb(limit_upper)), arb(lower).union(arb(upper))
    bound = at_most_enclosed("3/4 lambda0 <= lambda_min(G(0)), one network", KEPT_SHARE * limit, reached)
    return dataclasses.replace(bound, evidence=Evidence.ESTIMATED)


@dataclass(frozen=True)
class Definite(Stated):
    """How definiteness is decided, and the width of the network that is drawn."""

    decide: Decision = lambda instance: instance.degeneracy
    width: Callable[[KernelInstance], int] = lambda instance: instance.chernoff_width

    def conclusion(self, instance: KernelInstance) -> Sequence[Bound]:
        """The decision against exact ranks; a singular one against a vector of the kernel; a network at that width."""
        X, n = instance.inputs, len(instance.inputs)
        decided = self.decide(instance)
        jacobian_rank, pattern_rank = feature_ranks(X)
        bounds = [
            equal_exactly(
                "G_inf is decided as the rank of the Jacobian says",
                decided.gram_positive_definite == (jacobian_rank == n),
            ),
            equal_exactly(
                "S_inf is decided as the rank of the patterns says",
                decided.pattern_gram_positive_definite == (pattern_rank == n),
            ),
        ]
        with working_precision(BITS):
            if not decided.gram_positive_definite:
                bounds += _singular("G_inf", ball_limiting_gram(X, BITS), gram_kernel_vector(X, decided))
            if not decided.pattern_gram_positive_definite:
                bounds += _singular("S_inf", ball_limiting_pattern_gram(X, BITS), pattern_kernel_vector(X, decided))
        if instance.initialisation is not None:
            bounds.append(_network_bound(instance, self.width(instance)))
        return bounds

    def hypotheses(self, instance: KernelInstance) -> Sequence[Hypothesis]:
        """None for the decision; a network needs a certified lambda0 and a width that can be drawn."""
        if instance.initialisation is None:
            return ()
        lambda0 = instance.eigenvalue_bounds[0]
        if lambda0 <= 0:
            return (technical(require("lambda0 > 0 is certified", lambda0 if lambda0 < 0 else -1.0)),)
        return (technical(require(f"K-chernoff asks for m <= {WIDEST}", WIDEST - instance.chernoff_width)),)

    def features(self, instance: KernelInstance) -> Sequence[str]:
        """What the instance is: its degeneracies, its decisions, its shape."""
        decided, (n, d) = instance.degeneracy, instance.inputs.shape
        found = ["n > d" if n > d else "n <= d"]
        found.append("G_inf > 0" if decided.gram_positive_definite else "G_inf singular")
        found.append("S_inf > 0" if decided.pattern_gram_positive_definite else "S_inf singular")
        if decided.coincident:
            found.append("coincident")
        if decided.dependent_directions:
            found.append("antiparallel, dependent")
        elif decided.antiparallel:
            found.append("antiparallel, independent")
        if instance.initialisation is not None:
            found.append("network")
        return found


def _redecided(instance: KernelInstance, gram: bool, pattern: bool) -> Degeneracy:
    return dataclasses.replace(instance.degeneracy, gram_positive_definite=gram, pattern_gram_positive_definite=pattern)


def _antiparallel_is_singular(instance: KernelInstance) -> Degeneracy:
    right = instance.degeneracy
    return _redecided(
        instance, right.gram_positive_definite and not right.antiparallel, right.pattern_gram_positive_definite
    )


def _distinct_is_enough(instance: KernelInstance) -> Degeneracy:
    right = instance.degeneracy
    return _redecided(instance, not right.coincident, right.pattern_gram_positive_definite)


def _one_pair_for_both(instance: KernelInstance) -> Degeneracy:
    pattern = instance.degeneracy.pattern_gram_positive_definite
    return _redecided(instance, pattern, pattern)


def _independent_for_both(instance: KernelInstance) -> Degeneracy:
    gram = instance.degeneracy.gram_positive_definite
    return _redecided(instance, gram, gram)


def _entries_coincide(instance: KernelInstance) -> Degeneracy:
    """Coincidence of entries, not of directions."""
    right = instance.degeneracy
    distinct = len(np.unique(instance.inputs, axis=0)) == len(instance.inputs)
    return _redecided(instance, distinct and not right.dependent_directions, distinct and len(right.antiparallel) <= 1)


def _within_tolerance(instance: KernelInstance) -> Degeneracy:
    """Directions coincide when their correlation is within 1e-12 of 1."""
    right, unit = instance.degeneracy, normalise_rows(instance.inputs)
    distinct = bool((np.tril(unit @ unit.T, -1) < 1 - 1e-12).all())
    return _redecided(
        instance,
        right.gram_positive_definite and distinct,
        right.pattern_gram_positive_definite and distinct,
    )


DECISION_FAMILIES = (GENERAL, NEARLY, ANTIPARALLEL, DUPLICATED, INTEGERS)


def _decided(id: str, description: str, decide: Decision) -> Neighbour:
    return mutant(id, description, families=DECISION_FAMILIES, decide=decide)


K_PD = Definite().claim(
    "K-pd",
    "G_inf > 0 iff no two inputs point the same way and the directions that occur with both signs are linearly "
    "independent; S_inf > 0 iff no two point the same way and at most one direction occurs with both signs. "
    f"If G_inf > 0, lambda_min(G(0)) >= 3/4 lambda0 with probability 1 - delta at K-chernoff's width for delta = {FAILURE_PROBABILITY:.2g}",
    Provenance.DERIVED,
    _decided("antiparallel", "antiparallel inputs are always singular", _antiparallel_is_singular),
    _decided("distinct", "distinct directions are enough for G_inf", _distinct_is_enough),
    _decided("one pair", "at most one antiparallel pair, also for G_inf", _one_pair_for_both),
    _decided("two pairs", "independent antiparallel pairs are fine for S_inf", _independent_for_both),
    _decided("entries", "inputs coincide when their entries do", _entries_coincide),
    _decided("tolerance", "inputs coincide when their correlation is 1 to 1e-12", _within_tolerance),
    mutant(
        "narrow",
        "twice as many neurons as inputs suffice",
        "m as large as K-chernoff asks for",
        (INITIALISED,),
        width=lambda instance: 2 * len(instance.inputs),
    ),
    source="docs/theory.md, K-pd and K-chernoff; sharper than the paper's 'no two inputs parallel'",
    families=(*DECISION_FAMILIES, INITIALISED),
    formulas=Formulas(
        conclusion=(
            r"$G_\infty\succ 0$ if and only if no two inputs point the same way and the directions that occur with both signs are linearly independent.",
            r"$S_\infty\succ 0$ if and only if no two inputs point the same way and at most one direction occurs with both signs.",
            r"If $G_\infty\succ 0$, then $\lambda_{\min}(G(0))\ge\frac{3}{4}\lambda_0$ with probability $1-\delta$ at the width of K-chernoff for $\delta=4.8\cdot 10^{-13}$.",
        )
    ),
    also=("m as large as K-chernoff asks for",),
)

CLAIMS: tuple[Claim[Any], ...] = (K_CLOSED, K_PD)
