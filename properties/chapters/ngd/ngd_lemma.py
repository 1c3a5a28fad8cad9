"""T1-lemma-S: gradient ascent over Jacobians and directions against the lemma of T1-sharp's proof."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from properties.chapters.ngd.adversarial_points import (
    BITS,
    EFFORTS,
    AdversarialPoint,
    Ascent,
    norm,
    sizes,
)
from properties.engine.claim import Bound, Family, Hypothesis, Provenance, at_most_enclosed, require
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.engine.slack import SlackRow
from theory.rigour.exact import ball_matrix
from theory.rigour.precision import working_precision


def _row_space(rule: Ascent, instance: AdversarialPoint) -> Sequence[Bound]:
    """``v^T (I-Q)^{-1} v >= ||z||^2`` and ``e^T (c^2 I - Q)^{-1} e <= ||z||^2``; the search does not aim at them, which are near 1."""
    initial, current, c = ball_matrix(instance.initial), ball_matrix(instance.current), arb(instance.stability)
    z = _direction(instance)
    v, length = initial * z, norm(z) ** 2
    crossed = initial * current.transpose()
    inside = crossed * (current * current.transpose()).solve(crossed.transpose())
    overlap = (initial * initial.transpose() - inside) * rule.overlap(c)
    identity = arb_mat(len(instance.initial), len(instance.initial), 1)
    forms = [_form(identity - overlap, v), _form(identity * c**2 - overlap, current * z - v)]
    bounds = (
        at_most_enclosed("row space: ||z||^2 <= v^T (I-Q)^{-1} v", length, forms[0]),
        at_most_enclosed("row space: e^T (c^2 I - Q)^{-1} e <= ||z||^2", forms[1], length),
    )
    return [replace(bound, aim=math.nan) for bound in bounds]


def _form(matrix: arb_mat, column: arb_mat) -> arb:
    """``x^T M^{-1} x``."""
    found: arb = (column.transpose() * matrix.solve(column))[0, 0]
    return found


def _direction(instance: AdversarialPoint) -> arb_mat:
    """z (p, 1)."""
    return ball_matrix(instance.current).transpose() * ball_matrix(instance.weights) + ball_matrix(instance.outside)


def lemma(rule: Ascent, instance: AdversarialPoint) -> Bound:
    """Lemma S at ``z = A^T y``, with all terms on the side where they are positive."""
    initial, current, c = ball_matrix(instance.initial), ball_matrix(instance.current), arb(instance.stability)
    z = _direction(instance)
    v, w = initial * z, current * z
    constant, zero = rule.constant(c) * norm(z) ** 2, arb(0)
    return at_most_enclosed(
        "Lemma S: ||e||^2 + c/(1+c) ||w||^2 + (1+c)(1-2c) ||z||^2 <= ||v||^2",
        norm(w - v) ** 2 + rule.along(c) * norm(w) ** 2 + constant.max(zero),
        norm(v) ** 2 + (-constant).max(zero),
    )


@dataclass(frozen=True)
class LemmaRule(Ascent):
    """Lemma S."""

    against_lemma = True

    def hypotheses(self, instance: AdversarialPoint) -> Sequence[Hypothesis]:
        """Those of Lemma S: no step, and 0 < c < 1."""
        initial, change, *_ = super().hypotheses(instance)
        return [initial, change, require("0 < c < 1", 1 - instance.stability)]

    def conclusion(self, instance: AdversarialPoint) -> Sequence[Bound]:
        """The two inequalities of the row space, and Lemma S."""
        with working_precision(BITS):
            return [lemma(self, instance), *_row_space(self, instance)]

    def features(self, instance: AdversarialPoint) -> Sequence[str]:
        """The size of the problem, and how far z leaves the row space of J0: there ``||v|| >= ||z||`` is false."""
        z = instance.current.T @ instance.weights
        outside = z - np.linalg.pinv(instance.initial) @ (instance.initial @ z)
        sine = float(np.linalg.norm(outside) / np.linalg.norm(z))
        shares = [
            f"z outside the row space of J0 by {share} c" for share in (0.5, 0.9) if sine > share * instance.stability
        ]
        short = np.linalg.norm(instance.initial @ z) < np.linalg.norm(z)
        large = [f"c >= {least}" for least in ("1/3", "9/10") if instance.stability >= float(Fraction(least))]
        return [*sizes(instance), *shares, *large, *(["||J0 z|| < ||z||"] if short else [])]


def _family(start: str) -> Family[AdversarialPoint]:
    """Every search begins with large changes of the Jacobian, of which Lemma S speaks and T1-sharp does not."""
    common = {"outputs": 2, "extra_parameters": 3, "step_percent": 100, "start": start}
    rest = {"noise_exponent": 1, "effort": EFFORTS[0], "pieces": 1, "seed": 1}
    large = tuple({**common, **rest, "constant_permille": permille} for permille in (400, 700, 990))
    return replace(LemmaRule().family(start), first=large)


T1_LEMMA_S = LemmaRule().claim(
    "T1-lemma-S",
    "J0 J0^T >= I, ||A - J0||_2 <= c < 1, unit z in the row space of A, Q = J0 (I - Pi) J0^T with Pi the projection onto it, "
    "v = J0 z, e = (A - J0) z: v^T (I-Q)^{-1} v >= 1, e^T (c^2 I - Q)^{-1} e <= 1, "
    "||v||^2 - ||e||^2 >= c/(1+c) ||A z||^2 + (1+c)(1-2c)",
    Provenance.DERIVED,
    mutant("condition-1-weakened", "sigma_min(J0) >= 0.99 only", "sigma_min(J0) >= 1", shrunk=0.99),
    mutant("condition-2-weakened", "||A - J0||_2 <= 1.1 c", "||J - J0||_2 <= c", widened=1.1),
    mutant("row-space-dropped", "z anywhere", "z in the row space of A", outside=3.0),
    mutant(
        "row-space-of-J0",
        "||v|| >= 1, as if z lay in the row space of J0",
        start="turned",
        overlap=lambda c: arb(0),
    ),
    mutant("overlap-smaller", "0.9 Q in the place of Q", start="turned", overlap=lambda c: arb(9) / 10),
    mutant("overlap-larger", "1.1 Q in the place of Q", overlap=lambda c: arb(11) / 10),
    mutant("along-larger", "1.1 c/(1+c) in the place of c/(1+c)", along=lambda c: 1.1 * c / (1 + c)),
    mutant("along-without-denominator", "c in the place of c/(1+c)", along=lambda c: c),
    mutant("constant-numerator", "(1+c)(1-1.9c)", constant=lambda c: (1 + c) * (1 - 1.9 * c)),
    mutant("constant-first-factor", "(1+1.1c)(1-2c) for c < 1/2", constant=lambda c: (1 + 1.1 * c) * (1 - 2 * c)),
    families=(_family("worst"), _family("random"), _family("turned")),
    every_family=True,
    formulas=Formulas(
        hypotheses=(
            r"$J_0J_0^\top\succ 0$ with all eigenvalues at least 1",
            r"$\norm{A-J_0}_2\le c<1$",
            "a unit vector $z$ in the row space of $A$",
            r"$v=J_0z$, $e=(A-J_0)z$, $Q=J_0(I-A^+A)J_0^\top$",
        ),
        conclusion=(
            r"$v^\top(I-Q)^{-1}v\ge 1$ and $e^\top(c^2I-Q)^{-1}e\le 1$",
            r"$\norm{v}^2-\norm{e}^2$ $\ge\dfrac{c}{1+c}\norm{Az}^2+(1+c)(1-2c)$",
        ),
    ),
    also=("sigma_min(J0) >= 1", "||J - J0||_2 <= c", "0 < c < 1", "z in the row space of A"),
)

CLAIMS = (T1_LEMMA_S,)

SLACK = (
    SlackRow(
        "T1-lemma-S",
        "the hypothesis c < 1",
        remark="no counterexample known; T1-sharp needs c < 1/3 only",
        drops="0 < c < 1",
    ),
)
