"""K2-fro, K2-spec, K2-smooth, K2-path: the certificates of Condition K2 against attacks and exact suprema.

The instances are those of Condition 2, and so are the comparisons, in exact arithmetic or in balls: S takes the place of
J, H(0) of G(0). In addition the certified ``sigma^2 = lambda_min(H(0))`` is compared with the exact matrix.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq

from properties.chapters.stability import stability_ball as ball
from properties.chapters.stability.stability_ball_smooth import smooth_claim
from properties.chapters.stability.stability_instances import BallInstance, build_ball
from properties.chapters.stability.stability_path import path_claim
from properties.descent.families import examples
from properties.engine.claim import Bound, Claim, Family, Provenance, equal_exactly
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from theory.network.gram import exact_pattern, gram_eigenvalue
from theory.rigour.exact import rational, rational_matrix
from theory.stability.ball import pattern_bound
from theory.stability.flips import input_flip_counts, joint_flip_count
from theory.stability.patterns import largest_eigenvalue_at_most
from theory.stability.weighted_flips import weighted_flip_count

Certified = Callable[[BallInstance], float]


def _family(family: Family[BallInstance], *counts: int) -> Family[BallInstance]:
    """The same family for Condition K2; small networks are enumerated."""
    build = partial(build_ball, enumerable=family in (ball.ENUMERATED, ball.WHOLE), condition="K2")
    return dataclasses.replace(family, build=build, examples=examples(*counts))


ENUMERATED, ATTACKED = _family(ball.ENUMERATED, 35, 150, 1300), _family(ball.ATTACKED, 25, 115, 900)
SINGLE, WHOLE = _family(ball.SINGLE, 5, 20, 300), _family(ball.WHOLE, 10, 60, 600)


def eigenvalue_bound(claimed: float, instance: BallInstance) -> Bound:
    """Whether ``claimed`` is at most ``lambda_min(H(0))``, H(0) from exact patterns: decided in rationals."""
    pattern = exact_pattern(instance.net, instance.rows)
    gram = rational_matrix(pattern @ pattern.T) * fmpq(1, instance.net.width)
    holds = bool(np.isneginf(claimed)) or largest_eigenvalue_at_most(-gram, -rational(claimed))
    return equal_exactly("certified sigma^2 at most lambda_min(H(0))", holds, claimed)


@dataclass(frozen=True)
class PatternCertificate(ball.Certificate):
    """The same for S, with the certified ``sigma^2``."""

    least: Certified = lambda i: i.certificate.lambda_min

    def conclusion(self, instance: BallInstance) -> Sequence[Bound]:
        """Soundness, of sigma^2 too."""
        return [*super().conclusion(instance), eigenvalue_bound(self.least(instance), instance)]


def _joint(instance: BallInstance, costs: Any, radius: float) -> float:
    return pattern_bound(joint_flip_count(costs, radius), instance.net.width)


def _weighted(instance: BallInstance, costs: Any, radius: float) -> float:
    return pattern_bound(weighted_flip_count(costs, radius), instance.net.width)


K2_FRO = PatternCertificate(lambda i: i.certificate.frobenius, frobenius=True).claim(
    "K2-fro",
    "||S(W) - S(0)||_F^2 <= min over mu of (mu R^2 + sum_r max_j (j - mu s_rj)_+)/m for ||W - W(0)|| <= R, and the "
    "certified sigma^2 is at most lambda_min(H(0))",
    Provenance.DERIVED,
    mutant("quarter", "C taken as C/4", certified=lambda i: i.certificate.frobenius / 4),
    mutant(
        "half-the-inputs",
        "flips counted on half of the inputs",
        certified=lambda i: _joint(i, i.costs[: (len(i.rows) + 1) // 2], i.radius),
    ),
    mutant(
        "half-radius",
        "R/2 instead of R",
        certified=lambda i: _joint(i, i.costs, i.radius / 2),
        drops="||W - W(0)|| <= R",
    ),
    mutant(
        "added-costs",
        "flips of one neuron cost the sum of their costs, not the largest",
        certified=lambda i: _joint(i, np.cumsum(np.sort(i.costs, axis=0), axis=0), i.radius),
    ),
    mutant(
        "lambda-of-G",
        "lambda_min(G(0)) in place of lambda_min(H(0)): Condition 1 for K1",
        least=lambda i: gram_eigenvalue(i.net, i.rows),
        drops="sigma^2 of H(0)",
    ),
    families=(ENUMERATED, ATTACKED),
    formulas=Formulas(
        hypotheses=(r"$\norm{W-W(0)}\le R$",),
        conclusion=(
            r"$\norm{S(W)-S(0)}_F^2\le\dfrac{1}{m}\min_{\mu\ge 0}B(\mu)$",
            r"The certified $\sigma^2$ is at most $\lambda_{\min}(H(0))$.",
        ),
        constants=(
            r"$B(\mu)=\mu R^2+\sum_r\max_j(j-\mu s_{r,j})_+$",
            r"$s_{r,1}\le\dots\le s_{r,n}$: the sorted costs $(w_r(0)\cdot x_i)^2$ of neuron $r$",
        ),
    ),
    also=("||W - W(0)|| <= R", "sigma^2 of H(0)"),
)


K2_SPEC = PatternCertificate(lambda i: i.certificate.spectral).claim(
    "K2-spec",
    "||S(W) - S(0)||_2^2 <= max_i sum_{r: i flips} c_r/m <= max_i min over mu of "
    "(mu R^2 + sum_r max_{j >= rank of i} (j - mu s_rj)_+)/m for ||W - W(0)|| <= R, c_r the flips of neuron r",
    Provenance.DERIVED,
    mutant("quarter", "C taken as C/4", certified=lambda i: i.certificate.spectral / 4),
    mutant(
        "half-radius",
        "R/2 instead of R",
        certified=lambda i: _weighted(i, i.costs, i.radius / 2),
        drops="||W - W(0)|| <= R",
    ),
    mutant(
        "unsquared-cost",
        "a flip costs |z| instead of z^2",
        certified=lambda i: _weighted(i, np.sqrt(i.costs), i.radius),
    ),
    mutant(
        "weights-dropped",
        "max_i k_i/m: the number of neurons that can flip input i, each counted once",
        certified=lambda i: pattern_bound(float(input_flip_counts(i.costs, i.radius).max()), i.net.width),
    ),
    mutant(
        "own-costs",
        "flips of one neuron cost the sum of their costs, not the largest",
        certified=lambda i: _weighted(i, np.cumsum(np.sort(i.costs, axis=0), axis=0), i.radius),
    ),
    mutant(
        "half-the-inputs",
        "flips counted on half of the inputs",
        certified=lambda i: _weighted(i, i.costs[: (len(i.rows) + 1) // 2], i.radius),
    ),
    mutant(
        "open-ball",
        "flips that use up all of R^2 left out: R^2 (1 - 2^-20)",
        families=(WHOLE,),
        certified=lambda i: _weighted(i, i.costs, i.radius * (1 - 2.0**-21)),
        drops="the closed ball",
    ),
    families=(ENUMERATED, ATTACKED, WHOLE, SINGLE),
    formulas=Formulas(
        hypotheses=(r"$\norm{W-W(0)}\le R$",),
        conclusion=(
            r"$\norm{S(W)-S(0)}_2^2\le\max_i\dfrac{1}{m}\sum_{r:\,i\text{ flips}}c_r$",
            r"which is at most $\dfrac{1}{m}\max_i\min_{\mu\ge 0}B_i(\mu)$.",
        ),
        constants=(
            "$c_r$: the flips of neuron $r$",
            r"$B_i(\mu)=\mu R^2$ $+\sum_r\max_{j\ge\pi_r(i)}(j-\mu s_{r,j})_+$",
            r"$s_{r,1}\le\dots\le s_{r,n}$: the sorted costs $(w_r(0)\cdot x_i)^2$ of neuron $r$; $\pi_r(i)$: the rank of input $i$ among them",
        ),
    ),
    also=("||W - W(0)|| <= R", "the closed ball"),
)


CLAIMS: tuple[Claim[Any], ...] = (K2_FRO, K2_SPEC, smooth_claim("K2"), path_claim("K2"))
