"""T1-tube: natural gradient descent while no pre-activation leaves its tube, for every step size up to 1 and every k."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st

from properties.chapters.tube.enclosed_tube import EnclosedTube, max_of
from properties.chapters.tube.families import SEARCH, SMOOTH, drawn, planned
from properties.chapters.tube.instances import CERTIFIED, Motion
from properties.chapters.tube.tube_rule import TubeRule, either_sign, least, once_a_kind, ratio_of_either_sign
from properties.engine.claim import (
    Claim,
    Provenance,
)
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from properties.engine.slack import SlackRow
from theory.rigour.exact import AnyArray
from theory.theorems import tube


def quartered(at: EnclosedTube) -> arb:
    """mu/4."""
    return at.ratio / 4


def without_row_norms(at: EnclosedTube, path: arb) -> AnyArray:
    """``S/sqrt(m)`` for every input."""
    return np.array([tube.width(arb(1), path, at.neurons, at.slope)] * len(at.row_norms), dtype=object)


def weights_share(at: EnclosedTube, motion: Motion, needed: AnyArray) -> arb:
    """``max_r ||w_r(k) - w_r(0)||/max_i b_i``, by ``z^T K^{-1} z`` for the motion z of a neuron's pre-activations."""
    widest = max_of([arb(one) for one in needed.ravel()])
    kernel = arb_mat(at.kernel.tolist())
    ways = arb_mat(motion.ways.tolist())
    squares = ways.transpose() * kernel.solve(ways)
    return reduce(arb.max, [squares[g, g].nonnegative_part().sqrt() for g in range(ways.ncols())]) / widest


def _start_without_change(at: EnclosedTube) -> arb:
    zero = arb(0)
    found = [
        tube.path_by_both(at.start_norm, zero, at.residual_norm, at.ratio, at.lambda_min),
        tube.path_by_products(at.start_norm, zero, at.start_product, at.ratio, at.lambda_min),
    ]
    if at.first_ratio < 1:
        found.append(tube.path_by_coefficients(at.start_norm, zero, at.first_ratio, at.lambda_min))
    return least(found)


def _unturned(at: EnclosedTube, path: arb, rest: arb) -> AnyArray:
    own, _ = at.start_motions
    return once_a_kind(
        at, lambda row, start: tube.neuron_width(row, path, start, arb(0), rest, at.neurons, at.slope), own
    )


def _plan(name: str, fixed: Any, flipping: Any, **changes: Any) -> Families:
    return (planned(SEARCH, plan=st.just(name), fixed=fixed, flipping=flipping, **changes),)


_WHOLE, _SMALL = st.just(100), st.just(20)
_BEYOND: dict[str, Any] = {"step_percent": _WHOLE, "reach": st.just(2.0**6)}
"""So many neurons vanish that mu is above 2: no tube closes, and the widths are given."""

T1_TUBE = TubeRule().claim(
    "T1-tube",
    "in a tube with lambda_b > 0, mu < 1, 0 < eta <= 1 and sqrt(m) b_i >= L_1 ||K_i|| S (or the same neuron by neuron), S any of its four forms: "
    "for all k ||r(k)|| <= (1 - eta(1-mu))^k ||r(0)||, no iterate leaves the tube, and the sum of eta ||G(k)^{-1} r(k)|| is at most S; "
    "||r(k)||^2 <= (1-eta)^k ||r(0)||^2 for mu < 1/2, eta <= (1 - 2 mu)/(1-mu)^2",
    Provenance.DERIVED,
    mutant(
        "ratio-quartered",
        "the rate with mu/4",
        families=_plan("single", st.integers(4, 20), st.integers(2, 20), step_percent=_WHOLE),
        ratio=quartered,
    ),
    mutant(
        "sum-without-ratio",
        "S = ||r(0)||/lambda_b, without 1/(1-mu)",
        families=_plan("crossed", st.integers(16, 40), st.integers(1, 3), step_percent=_WHOLE),
        by_rate=lambda at: at.residual_norm / at.lambda_min,
    ),
    mutant(
        "eigenvalue-of-either-sign",
        "|lambda - ||D||| for lambda_b, in mu and in S",
        "lambda_b > 0",
        families=_plan("emerging", st.integers(2, 12), st.just(0), step_percent=_WHOLE, form=st.just("residual")),
        eigenvalue=either_sign,
        below_one=ratio_of_either_sign,
        ratio=ratio_of_either_sign,
        by_rate=lambda at: at.residual_norm / ((1 - ratio_of_either_sign(at)) * either_sign(at)),
    ),
    mutant(
        "any-ratio",
        "mu above 1 too, with |1-mu| in S",
        "mu < 1",
        families=_plan("single", st.integers(1, 4), st.integers(80, 160), **_BEYOND, form=st.just("residual")),
        below_one=None,
        by_rate=lambda at: at.residual_norm / (abs(1 - at.ratio) * at.lambda_min),
        limit=lambda mu: arb(0),
    ),
    mutant(
        "eigenvalue-of-the-start",
        "lambda in place of lambda_b in S",
        families=_plan("alternating", st.integers(4, 12), st.integers(1, 3), step_percent=_SMALL, steps=st.just(40)),
        by_rate=lambda at: arb(tube.path_by_rate(at.residual_norm, at.ratio, at.first_eigenvalue)),
    ),
    mutant(
        "without-D",
        "S from c0 without D",
        families=_plan(
            "apart",
            st.integers(16, 40),
            st.integers(1, 3),
            step_percent=_SMALL,
            steps=st.just(40),
            form=st.just("start"),
        ),
        by_start=_start_without_change,
    ),
    mutant(
        "row-norms-dropped",
        "b_i = S/sqrt(m)",
        families=_plan("still", st.integers(4, 20), st.integers(2, 20), form=st.just("start")),
        widths=without_row_norms,
    ),
    mutant(
        "widths-of-weights",
        "||w_r(k) - w_r(0)|| <= max_i b_i",
        families=_plan("still", st.integers(4, 20), st.integers(2, 20), form=st.just("start")),
        moved=weights_share,
    ),
    mutant(
        "tube-open",
        "the tube need not be as wide as the path is long",
        "the tube closes",
        families=(drawn(SEARCH, id="narrow", narrowed=st.just(1000)),),
        closes=False,
    ),
    mutant(
        "longer-step",
        "eta up to 1.05",
        "step size",
        families=(drawn(SEARCH, ratio_percent=st.integers(1, 3), step_percent=st.integers(103, 105)),),
        most_step=1.05,
    ),
    mutant(
        "neuron-without-turning",
        "b_ir without the term with B",
        families=_plan(
            "joining",
            st.integers(60, 120),
            st.just(1),
            step_percent=st.just(50),
            form=st.just("neuron"),
            steps=st.just(20),
        ),
        neuron=_unturned,
    ),
    mutant(
        "neuron-without-remainder",
        "b_ir from c0 alone",
        families=_plan("single", st.integers(4, 20), st.integers(2, 20), step_percent=_WHOLE, form=st.just("neuron")),
        later=lambda at, path: arb(0),
    ),
    mutant(
        "own-rate-everywhere",
        "T1's own rate for every eta <= 1",
        families=_plan("single", st.integers(4, 20), st.integers(4, 20), step_percent=_WHOLE),
        limit=lambda mu: arb(1),
    ),
    families=(
        drawn((12, 200, 1500)),
        drawn((4, 20, 200), id="smooth", **SMOOTH),
        drawn((8, 60, 400), id="certified", form=st.just("start"), certified=st.sampled_from(CERTIFIED)),
        planned((6, 60, 400)),
        planned((6, 60, 400), id="steep", fixed=st.integers(6, 10), flipping=st.integers(12, 38)),
    ),
    formulas=Formulas(
        hypotheses=(
            r"the tube $\abs{Z_{ir}-Z_{ir}(0)}\le b_i$ with $\lambda_b>0$, $\mu<1$",
            r"$b_i\ge\dfrac{L_1\norm{K_i}}{\sqrt m}\,S$",
            r"$0<\eta\le 1$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le(1-\eta(1-\mu))^k\norm{r(0)}$",
            r"no iterate leaves the tube",
            r"$\sum_k\eta\norm{G(k)^{-1}r(k)}\le S$",
            r"$\norm{r(k)}^2\le(1-\eta)^k\norm{r(0)}^2$ for $\mu<\frac{1}{2}$, $\eta\le\dfrac{1-2\mu}{(1-\mu)^2}$",
        ),
        constants=(
            r"$S$ the least of $\dfrac{\norm{r(0)}}{(1-\mu)\lambda_b}$,",
            r"$\dfrac{1}{1-\mu_1}\left(\norm{c_0}+\dfrac{\norm{D\abs{c_0}}}{\lambda_b}\right)$,",
            r"$\norm{c_0}+\dfrac{\norm{D\abs{c_0}}}{\lambda_b}+\dfrac{\mu\norm{r(0)}}{(1-\mu)\lambda_b}$,",
            r"$\norm{c_0}+\dfrac{\norm{D\abs{c_0}}+\norm{M\abs{c_0}}}{(1-\mu)\lambda_b}$",
            r"$c_0=G(0)^{-1}r(0)$, $\mu_1=\dfrac{\xi}{\lambda_b}$",
        ),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T1_TUBE,)

SLACK = (
    SlackRow(
        claim="T1-tube",
        quantity="the largest step size for the factor 1 - eta(1-mu)",
        remark="1 is sharp as mu -> 0; no counterexample known below 2/(2-mu), where a network without flips breaks it (P13.12)",
    ),
)
