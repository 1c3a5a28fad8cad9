"""T4-tube: K-FAC while no pre-activation leaves its tube, for every step size up to 1/h_max and every k."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from flint import arb
from hypothesis import strategies as st

from properties.chapters.tube.enclosed_tube import EnclosedTube
from properties.chapters.tube.families import SEARCH
from properties.chapters.tube.kronecker import KroneckerTubeNetwork, PatternTube, Solution
from properties.chapters.tube.kronecker_families import certified_tubes, drawn, planned
from properties.chapters.tube.kronecker_rule import (
    CLOSES,
    CONTRACTS,
    REGULAR,
    STEP_SIZE,
    KroneckerRule,
    plain_of_either_sign,
)
from properties.chapters.tube.tube_rule import either_sign, ratio_of_either_sign
from properties.engine.claim import Claim, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from properties.engine.slack import SlackRow
from theory.rigour.exact import AnyArray
from theory.theorems import tube_kfac

# --- what mutants change ---------------------------------------------------------------------------------------------


class KernelTube(PatternTube):
    """With K itself, as natural gradient descent has it."""

    @cached_property
    def kernel(self) -> AnyArray:
        """K (n, n)."""
        return EnclosedTube(self.net, self.inputs, self.targets, self.widths).kernel


def of_kernel(instance: KroneckerTubeNetwork) -> PatternTube:
    """M and D in the place of N and D_N, lambda_b in that of sigma_b^2."""
    return KernelTube(instance.net, instance.inputs, instance.targets, instance.widths)


def by_rho(eta: arb, h: arb, mu: arb) -> arb:
    """T4-sharp's factor ``1 - eta h/rho`` with ``rho = 1 + mu``."""
    return 1 - eta * h / (1 + mu)


def unchanged(known: Solution, smallest: arb) -> arb:
    """Without ``||D_N |q|||``."""
    return arb(tube_kfac.neuron_solution(known.norm, known.flips, 0, smallest))


def still_as_many(known: Solution, smallest: arb) -> arb:
    """Without the inputs on which the neuron may flip."""
    return arb(tube_kfac.neuron_solution(known.norm, 0, known.changed, smallest))


_WHOLE, _SMALL, _PLAIN, _NONE = st.just(100), st.just(20), st.just("plain"), st.just(0)


def _plan(name: str, fixed: Any, flipping: Any, **changes: Any) -> Families:
    return (planned(SEARCH, plan=st.just(name), fixed=fixed, flipping=flipping, **{"form": _PLAIN, **changes}),)


def _still(inputs: Any, direction: str, percent: Any, **changes: Any) -> Families:
    parts = {"kind": st.just("fan"), "inputs": inputs, "direction": st.just(direction), "step_percent": percent}
    return (drawn(SEARCH, "still", **{**parts, "ratio_percent": _NONE, "form": _PLAIN, **changes}),)


T4_TUBE = KroneckerRule().claim(
    "T4-tube",
    "K-FAC in a tube with sigma_b^2 > 0, mu < 1, 0 < eta h_max <= 1 and b_ir >= (h_i/m)^{1/2} S s_r, S = ||r(0)||/((1-mu) h_min^{1/2}), "
    "s_r >= ||H(k)^{-1} A_r(k)||: for all k ||r(k+1)|| <= ||r(k)|| - eta (1-mu) (h_min r^T diag(h) r)^{1/2} <= (1 - eta (1-mu) h_min) ||r(k)|| and "
    "||r(k+1)||^2 <= ||r(k)||^2 - eta alpha r^T diag(h) r, alpha = (1-mu)(2 - eta h_max (1-mu)), no iterate leaves the tube, and the sum of "
    "eta (r^T diag(h) r)^{1/2} is at most S; ||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2 for mu < 1/2, eta h_max <= (1 - 2 mu)/(1-mu)^2",
    Provenance.DERIVED,
    mutant(
        "ratio-quartered",
        "the rate with mu/4",
        families=_plan("single", st.integers(4, 20), st.integers(2, 6), step_percent=_WHOLE),
        ratio=lambda at: at.ratio / 4,
    ),
    mutant(
        "eigenvalue-of-either-sign",
        "|sigma^2 - ||D_N||| for sigma_b^2, in mu, S and s_r",
        REGULAR,
        families=_plan(
            "emerging", st.integers(2, 8), _NONE, step_percent=_WHOLE, steps=st.just(1), reach=st.just(2.0**6)
        ),
        eigenvalue=either_sign,
        below_one=ratio_of_either_sign,
        ratio=ratio_of_either_sign,
        path=lambda at: tube_kfac.path_sum(at.residual_norm, ratio_of_either_sign(at), at.h_min),
        plain=plain_of_either_sign,
    ),
    mutant(
        "any-ratio",
        "mu above 1 too, with |1-mu| in S",
        CONTRACTS,
        families=_plan("single", st.integers(1, 4), st.integers(80, 160), step_percent=_WHOLE, reach=st.just(2.0**6)),
        below_one=None,
        path=lambda at: at.residual_norm / (abs(1 - at.ratio) * at.h_min.sqrt()),
        factor=lambda eta, h, mu: 1 - eta * h * (1 - mu),
        gain=lambda eta, h_max, mu: (1 - mu) * (2 - eta * h_max * (1 - mu)),
        limit=lambda mu: arb(-1),
    ),
    mutant(
        "inverse-ratio",
        "1/(1+mu) for 1-mu, as in T4-sharp",
        families=_plan("single", st.integers(4, 20), st.integers(2, 6), step_percent=_WHOLE),
        factor=by_rho,
    ),
    mutant(
        "second-order-dropped",
        "alpha = 2(1-mu)",
        families=_still(st.integers(2, 4), "highest", _WHOLE),
        gain=lambda eta, h_max, mu: 2 * (1 - mu),
    ),
    mutant(
        "h_max-in-rate",
        "h_max for h_min in the rate",
        families=_still(st.integers(3, 5), "lowest", st.integers(20, 80)),
        rate_score=lambda at: at.h_max,
    ),
    mutant(
        "path-without-ratio",
        "S = ||r(0)||/h_min^{1/2}",
        families=_plan("single", st.integers(10, 20), st.integers(4, 6), step_percent=_WHOLE),
        path=lambda at: tube_kfac.path_sum(at.residual_norm, arb(0), at.h_min),
    ),
    mutant(
        "h_max-in-path",
        "h_max for h_min in S",
        families=_still(st.integers(6, 8), "lowest", st.integers(50, 100), steps=st.just(60), half_width=st.just(256)),
        path=lambda at: tube_kfac.path_sum(at.residual_norm, at.ratio, at.h_max),
    ),
    mutant(
        "of-the-kernel",
        "M, D and lambda_b for N, D_N and sigma_b^2",
        families=_plan("joint", st.integers(4, 20), st.integers(2, 6), step_percent=_WHOLE),
        around=of_kernel,
    ),
    mutant(
        "tube-open",
        "the tube need not be as wide as the path is long",
        CLOSES,
        families=(drawn(SEARCH, "narrow", narrowed=st.just(1000)),),
        closes=False,
    ),
    mutant(
        "longer-step",
        "eta up to 3/h_max",
        STEP_SIZE,
        families=_still(st.integers(3, 5), "highest", st.just(299)),
        most_step=3,
    ),
    mutant(
        "own-rate-everywhere",
        "T4-lev's own rate for every eta h_max <= 1",
        families=_plan("single", st.integers(4, 12), st.integers(4, 6), step_percent=st.integers(60, 90)),
        limit=lambda mu: arb(1),
    ),
    mutant(
        "neuron-without-flips",
        "s_r without the inputs on which the neuron may flip",
        families=_plan(
            "joining",
            st.integers(6, 12),
            st.just(1),
            step_percent=_SMALL,
            form=st.just("neuron"),
            steps=st.just(20),
        ),
        neuron=still_as_many,
    ),
    mutant(
        "neuron-without-D",
        "s_r without ||D_N |q|||",
        families=_plan(
            "parting",
            st.integers(3, 8),
            st.integers(3, 4),
            step_percent=st.integers(10, 20),
            form=st.just("neuron"),
            steps=st.just(40),
        ),
        neuron=unchanged,
    ),
    families=(
        drawn((12, 160, 1200)),
        certified_tubes((8, 60, 400)),
        planned((8, 60, 400)),
        planned((4, 40, 300), id="steep", plan=st.just("single"), fixed=st.integers(4, 8), flipping=st.integers(8, 30)),
    ),
    formulas=Formulas(
        hypotheses=(
            r"the tube $\abs{Z_{ir}-Z_{ir}(0)}\le b_{ir}$ with $\sigma_b^2>0$, $\mu<1$",
            r"$b_{ir}\ge\sqrt{\dfrac{h_i}{m}}\,S\,s_r$, $s_r\ge\norm{H(k)^{-1}A_r(k)}$",
            r"$0<\eta h_{\max}\le 1$",
        ),
        conclusion=(
            r"$\norm{r(k+1)}\le\norm{r(k)}-\eta(1-\mu)\sqrt{h_{\min}\,r^{\mathsf T}\mathrm{diag}(h)\,r}\le(1-\eta(1-\mu)h_{\min})\norm{r(k)}$",
            r"$\norm{r(k+1)}^2\le\norm{r(k)}^2-\eta\alpha\,r^{\mathsf T}\mathrm{diag}(h)\,r$",
            r"no iterate leaves the tube",
            r"$\sum_k\eta\sqrt{r^{\mathsf T}\mathrm{diag}(h)\,r}\le S$",
            r"$\norm{r(k)}^2\le(1-\eta h_{\min})^k\norm{r(0)}^2$ for $\mu<\frac{1}{2}$, $\eta h_{\max}\le\dfrac{1-2\mu}{(1-\mu)^2}$",
        ),
        constants=(
            r"$\alpha=(1-\mu)(2-\eta h_{\max}(1-\mu))$",
            r"$S=\dfrac{\norm{r(0)}}{(1-\mu)\sqrt{h_{\min}}}$",
        ),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T4_TUBE,)

SLACK = (
    SlackRow(
        claim="T4-tube",
        quantity="sigma_b^2 in s_r, where sigma^2 might do",
        remark="no counterexample known: for one input 1/(1-mu) in S makes up for it, and more (P13.50)",
    ),
)
