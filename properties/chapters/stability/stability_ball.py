"""C2-fro, C2-spec: no attack and no enumerated pattern exceeds a certificate of the whole ball.

All comparisons are exact (rational numbers, activation patterns) or in balls: what the certificate returned as floats is
taken as the rational numbers that they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st

from properties.chapters.stability.stability_instances import BallInstance, build_ball
from properties.descent.inputs import ANGLES, INPUT_KINDS
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Provenance,
    decided_exactly,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from theory.rigour.exact import rational
from theory.rigour.rounding import gamma
from theory.stability.ball import frobenius_bound, spectral_bound
from theory.stability.flips import input_flip_counts, joint_flip_count, squared_budget
from theory.stability.norms import input_norm_squared

BALL_KINDS = tuple(kind for kind in INPUT_KINDS if kind not in ANGLES[::2])
"""Every second angle, so that other kinds are drawn as often."""


# --- the ball, ReLU --------------------------------------------------------------------------------------------------


def _balls(
    id: str, title: str, enumerable: bool, sizes: tuple[int, int, int], counts: tuple[int, int, int]
) -> Family[BallInstance]:
    """Sizes up to these, a kind of inputs, and how many of the cheapest flips the radius affords."""
    inputs, dimension, width = sizes
    return described_family(
        id,
        title,
        partial(build_ball, enumerable=enumerable),
        counts,
        kind=st.sampled_from(BALL_KINDS),
        inputs=st.integers(1, inputs),
        dimension=st.integers(1, dimension),
        width=st.integers(1, width),
        symmetric=st.booleans(),
        flips=st.integers(1, max(4, width // 4)),
        seed=st.integers(0, 2**20),
    )


ENUMERATED = _balls(
    "enumerated",
    "n, d <= 3, m <= 4: exact supremum over all activation patterns, and an attack",
    True,
    (3, 3, 4),
    (30, 170, 2000),
)
ATTACKED = _balls("attacked", "n, d <= 5, m <= 40: attacked", False, (5, 5, 40), (25, 120, 2000))
SINGLE = described_family(
    "single input",
    "n = 1: exact count",
    partial(build_ball, enumerable=False),
    (25, 70, 2000),
    kind=st.just("uniform"),
    inputs=st.just(1),
    dimension=st.integers(1, 4),
    width=st.integers(1, 100),
    symmetric=st.booleans(),
    flips=st.integers(1, 40),
    seed=st.integers(0, 2**20),
)
"""One input, where C2-spec counts exactly."""
WHOLE = described_family(
    "whole costs",
    "d = 1, m <= 4, integer weights and radius: exact supremum, flips that cost all of R^2",
    partial(build_ball, enumerable=True),
    (10, 70, 1000),
    kind=st.just("integer"),
    inputs=st.integers(1, 2),
    dimension=st.just(1),
    width=st.integers(1, 4),
    symmetric=st.booleans(),
    flips=st.integers(1, 2),
    seed=st.integers(0, 2**20),
)
"""Integer weights on the line and a whole radius, which a flip often uses up exactly."""

Certified = Callable[[BallInstance], float]
"""The certified bound of ||J(W) - J(0)||_2 over the ball (not squared), as a claim or a mutant states it."""


def certified_square(constant: float, lambda_min: float) -> fmpq:
    """``(C/3)^2 lambda``: what Condition 2(C) allows ``||J - J(0)||_2^2`` to be, exactly."""
    return rational(constant) ** 2 * rational(lambda_min) / 9


@dataclass(frozen=True)
class Certificate(Stated):
    """A bound over the ball, as a claim or a mutant states it; it needs neither Condition 1 nor anything else."""

    certified: Certified
    """Of ``||J(W) - J(0)||_2`` (not squared)."""
    frobenius: bool = False
    """Whether it bounds the Frobenius norm as well."""

    def conclusion(self, instance: BallInstance) -> Sequence[Bound]:
        """The attack lies in the ball and does not exceed the certificate; nor does the exact supremum where known."""
        bound = self.certified(instance)
        radius, certificate = instance.radius, instance.certificate
        norm = f"||{instance.changed} - {instance.changed}(0)||"
        inside = instance.attack_distance <= rational(radius) ** 2
        bounds = [
            decided_exactly(
                "the attack's distance at most R", inside, float(arb(instance.attack_distance).sqrt()), radius
            )
        ]
        found = [("attack", instance.attacked)]
        if instance.enumerable:
            found.append(("exact supremum", instance.enumerated))
            reached = instance.enumerated.at_most(np.nextafter(instance.attack[0], 0.0)) and instance.attack[0] > 0
            bounds.append(
                decided_exactly(
                    "attack at most the exact supremum", not reached, instance.attack[0], instance.enumerated.supremum
                )
            )
        for name, changes in found:
            bounds.append(
                decided_exactly(
                    f"{name} of {norm}_2 at most the bound", changes.at_most(bound), changes.supremum, bound
                )
            )
            if self.frobenius:
                holds = changes.frobenius_at_most(bound)
                bounds.append(decided_exactly(f"{name} of {norm}_F at most the bound", holds, changes.frobenius, bound))
            if certificate.lambda_min > 0:
                square = certified_square(certificate.constant, certificate.lambda_min)
                bounds.append(
                    decided_exactly(
                        f"{name} of C at most the certified constant",
                        changes.squares_at_most(square),
                        3 * changes.supremum / float(np.sqrt(certificate.lambda_min)),
                        certificate.constant,
                    )
                )
        return bounds

    def features(self, instance: BallInstance) -> Sequence[str]:
        """What the table counts: attacks that flip anything, and a certified Condition 1."""
        found = []
        if instance.attack[0] > 0:
            found.append("attack flips")
        if instance.certificate.lambda_min > 0:
            found.append("Condition 1 certified")
        return found


def exact_count(instance: BallInstance, stretch: fmpq) -> int:
    """The largest number of neurons that can flip the only input for ``R^2 stretch``: cheapest first, in rationals.

    Independent of the certificate: a neuron that is on needs a distance strictly larger than ``|z|/||x||``.
    """
    point = [rational(x) for x in instance.rows[0].tolist()]
    square = sum((x * x for x in point), fmpq(0))
    costs = []
    for weights in instance.net.weights.tolist():
        z = sum((rational(w) * x for w, x in zip(weights, point, strict=True)), fmpq(0))
        costs.append((z * z / square, z < 0))
    budget, total, strict = rational(instance.radius) ** 2 * stretch, fmpq(0), False
    for count, (cost, attained) in enumerate(sorted(costs, key=lambda pair: pair[0])):
        total += cost
        strict = strict or not attained
        if total > budget or (strict and total == budget):
            return count
    return len(costs)


NEARLY = fmpq(1, 2**20)
"""For n = 1 certificate and attack are exact for a squared radius this fraction larger or smaller."""


def single_bounds(bound: float, instance: BallInstance) -> Sequence[Bound]:
    """n = 1: the certificate is the supremum of a ball hardly larger, the attack attains that of one hardly smaller.

    ``||J - J(0)||_2^2 = ||x||^2 k/m``; both numbers carry ``||X||_2^2`` or the eigenvalue within 64 gamma_{d+2}.
    """
    square = sum((rational(x) ** 2 for x in instance.rows[0].tolist()), fmpq(0)) / instance.net.width
    above = square * exact_count(instance, 1 + NEARLY)
    below = square * exact_count(instance, 1 - NEARLY)
    rounding = rational(64 * gamma(instance.net.dim + 2))
    reached = instance.attack[0]
    return [
        decided_exactly(
            "n = 1: certificate at most the supremum for R^2 (1 + 2^-20)",
            rational(bound) ** 2 <= above * (1 + rounding),
            bound,
            float(arb(above * (1 + rounding)).sqrt()),
        ),
        decided_exactly(
            "n = 1: the supremum for R^2 (1 - 2^-20) at most the attack",
            below * (1 - rounding) <= rational(reached) ** 2,
            float(arb(below * (1 - rounding)).sqrt()),
            reached,
        ),
    ]


def spectral_conclusion(instance: BallInstance) -> Sequence[Bound]:
    """Soundness; with a single input also that the certificate is the supremum and that the attack attains it."""
    bounds = SPECTRAL.conclusion(instance)
    if len(instance.rows) > 1:
        return bounds
    return [*bounds, *single_bounds(SPECTRAL.certified(instance), instance)]


def frobenius_of(instance: BallInstance, costs: np.ndarray[Any, Any], radius: float) -> float:
    """C2-fro's bound from other costs or another radius: for mutants."""
    return frobenius_bound(joint_flip_count(costs, radius), instance.net.width, instance.net.dim)


def spectral_of(instance: BallInstance, counts: float, norm_squared: float | None = None) -> float:
    """C2-spec's bound from another count or norm: for mutants."""
    square = input_norm_squared(instance.rows) if norm_squared is None else norm_squared
    return spectral_bound(square, counts, instance.net.width)


def flips_below_budget(instance: BallInstance) -> float:
    """``max_i k_i`` when the total cost has to stay strictly below R^2 (1 - 2^-20): for mutants."""
    budget = squared_budget(instance.radius) * (1 - 2.0**-20)
    return float(max(np.count_nonzero(np.cumsum(np.sort(row)) < budget) for row in instance.costs))


def counts(instance: BallInstance, radius: float | None = None) -> np.ndarray[Any, Any]:
    """How many neurons can flip each input."""
    return input_flip_counts(instance.costs, instance.radius if radius is None else radius)


FROBENIUS = Certificate(lambda i: i.certificate.frobenius, frobenius=True)
SPECTRAL = Certificate(lambda i: i.certificate.spectral)

C2_FRO = FROBENIUS.claim(
    "C2-fro",
    "||J(W) - J(0)||_F^2 <= min over mu of (mu R^2 + sum_r max_j (j - mu s_rj)_+)/m for ||W - W(0)|| <= R",
    Provenance.DERIVED,
    mutant("quarter", "C taken as C/4", certified=lambda i: i.certificate.frobenius / 4),
    mutant(
        "half-the-inputs",
        "flips counted on half of the inputs",
        certified=lambda i: frobenius_of(i, i.costs[: (len(i.rows) + 1) // 2], i.radius),
    ),
    mutant(
        "unsquared-cost",
        "a flip costs |z| instead of z^2",
        certified=lambda i: frobenius_of(i, np.sqrt(i.costs), i.radius),
    ),
    mutant(
        "half-radius",
        "R/2 instead of R",
        certified=lambda i: frobenius_of(i, i.costs, i.radius / 2),
        drops="||W - W(0)|| <= R",
    ),
    mutant(
        "one-flip-a-neuron",
        "each neuron flips one input at most",
        certified=lambda i: frobenius_of(i, i.costs.min(axis=0)[None, :], i.radius),
    ),
    mutant(
        "added-costs",
        "flips of one neuron cost the sum of their costs, not the largest",
        certified=lambda i: frobenius_of(i, np.cumsum(np.sort(i.costs, axis=0), axis=0), i.radius),
    ),
    families=(ENUMERATED, ATTACKED, WHOLE),
    formulas=Formulas(
        hypotheses=(r"$\norm{W-W(0)}\le R$",),
        conclusion=(r"$\norm{J(W)-J(0)}_F^2\le\dfrac{1}{m}\min_{\mu\ge 0}B(\mu)$",),
        constants=(
            r"$B(\mu)=\mu R^2+\sum_r\max_j(j-\mu s_{r,j})_+$",
            r"$s_{r,1}\le\dots\le s_{r,n}$: the sorted costs $(w_r(0)\cdot x_i)^2$ of neuron $r$",
        ),
    ),
    also=("||W - W(0)|| <= R",),
)


C2_SPEC = SPECTRAL.claim(
    "C2-spec",
    "||J(W) - J(0)||_2^2 <= ||X||_2^2 max_i k_i(R)/m for ||W - W(0)|| <= R; an equality for n = 1",
    Provenance.DERIVED,
    mutant("quarter", "C taken as C/4", certified=lambda i: i.certificate.spectral / 4),
    mutant(
        "half-radius",
        "R/2 instead of R",
        certified=lambda i: spectral_of(i, counts(i, i.radius / 2).max()),
        drops="||W - W(0)|| <= R",
    ),
    mutant(
        "unsquared-cost",
        "a flip costs |z| instead of z^2",
        certified=lambda i: spectral_of(i, input_flip_counts(np.sqrt(i.costs), i.radius).max()),
    ),
    mutant("without-norm", "||X||_2^2 dropped", certified=lambda i: spectral_of(i, counts(i).max(), 1 + 2.0**-20)),
    mutant(
        "mean-over-inputs",
        "the mean over the inputs, not the largest",
        certified=lambda i: spectral_of(i, counts(i).mean()),
    ),
    mutant(
        "half-the-inputs",
        "flips counted on half of the inputs",
        certified=lambda i: spectral_of(i, counts(i)[: (len(i.rows) + 1) // 2].max()),
    ),
    mutant(
        "open-ball",
        "flips that use up all of R^2 left out",
        families=(WHOLE,),
        certified=lambda i: spectral_of(i, flips_below_budget(i)),
        drops="the closed ball",
    ),
    conclusion=spectral_conclusion,  # not its mutants': soundness alone has to refute them, the equality would do so trivially
    families=(SINGLE, ENUMERATED, ATTACKED, WHOLE),
    formulas=Formulas(
        hypotheses=(r"$\norm{W-W(0)}\le R$",),
        conclusion=(r"$\norm{J(W)-J(0)}_2^2\le\norm{X}_2^2\,\max_i\dfrac{k_i(R)}{m}$, an equality for $n=1$",),
        constants=(
            r"$k_i(R)$: the largest number of neurons that can flip input $i$ at total cost $\sum(w_r(0)\cdot x_i)^2\le R^2$",
        ),
    ),
    also=(
        "||W - W(0)|| <= R",
        "the closed ball",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (C2_FRO, C2_SPEC)

NOT_CLAIMS: Mapping[str, str] = {
    **dict.fromkeys(
        ("Condition 1", "Condition 2", "Condition 3", "Condition K1", "Condition K2"),
        "a hypothesis, not a statement: it is certified, attacked or left undecided on every instance of the claims that need it",
    ),
    "C2-attack": "a search for lower bounds; C2-fro, C2-spec and C2-smooth compare it with their upper bounds",
}
