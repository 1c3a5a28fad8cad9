"""T4-tube: K-FAC while no pre-activation leaves its tube, for every step size up to 1/h_max and every k."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from properties.chapters.tube.families import SEARCH
from properties.chapters.tube.instances import CERTIFIED
from properties.chapters.tube.kfac_instances import NEURON, PLAIN, TALL, drawn, planted
from properties.chapters.tube.kfac_rule import KroneckerRule
from properties.chapters.tube.pattern_tube import PatternTube
from properties.engine.claim import Claim, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from properties.engine.slack import SlackRow
from theory.rigour.exact import AnyArray
from theory.theorems import tube_kfac

_WHOLE, _PLAIN, _NEURON = st.just(100), st.just(PLAIN), st.just(NEURON)


def without_flips(at: PatternTube) -> AnyArray:
    """``s_r`` without the inputs on which neuron r may flip."""
    size, _, change = at.first_solutions
    return np.asarray(size + change / at.lambda_min)


def _still(**changes: Any) -> Families:
    """More inputs than dimensions, hardly a flip."""
    parts = {"shape": st.sampled_from(TALL), "ratio_percent": st.integers(1, 3), "steps": st.just(4), "form": _PLAIN}
    return (drawn(SEARCH, id="still", **{**parts, **changes}),)


def _single(**changes: Any) -> Families:
    """One input: all that may vanish vanishes at once."""
    parts = {
        "inputs": st.just(1),
        "own": st.integers(4, 20),
        "joint": st.just(0),
        "vanishing": st.integers(2, 16),
        "step_percent": _WHOLE,
        "form": _PLAIN,
    }
    return (planted(SEARCH, id="single", **{**parts, **changes}),)


def _pair(**changes: Any) -> Families:
    """Two or three independent inputs."""
    parts = {
        "inputs": st.integers(2, 3),
        "vanishing": st.integers(1, 6),
        "step_percent": _WHOLE,
        "share_percent": _WHOLE,
    }
    return (planted(SEARCH, id="independent", **{**parts, **changes}),)


T4_TUBE = KroneckerRule().claim(
    "T4-tube",
    "K-FAC in a tube with sigma_b^2 > 0, mu < 1, 0 < eta h_max <= 1 and b_ir >= (h_i/m)^(1/2) S s_r, S = ||r(0)||/((1-mu) h_min^(1/2)), s_r at least "
    "||H(k)^-1 A_r|| as known of all neurons or of one: for all k no iterate leaves the tube, ||r(k+1)|| <= ||r(k)|| - eta (1-mu) h_min^(1/2) d(k) <= "
    "(1 - eta (1-mu) h_min) ||r(k)||, d^2 = r^T diag(h) r, ||r(k+1)||^2 <= ||r(k)||^2 - eta alpha d(k)^2, alpha = (1-mu)(2 - eta h_max (1-mu)), and the sum of "
    "eta d(k) is at most S; ||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2 for mu < 1/2, eta h_max <= (1-2mu)/(1-mu)^2",
    Provenance.DERIVED,
    mutant("ratio-quartered", "the rate with mu/4", families=_single(), fall=lambda mu: 1 - mu / 4),
    mutant(
        "ratio-of-rho", "T4-sharp's 1/rho, 1/(1+mu) in place of 1-mu", families=_single(), fall=lambda mu: 1 / (1 + mu)
    ),
    mutant(
        "gain-as-linear", "alpha = 2(1-mu)", families=_still(step_percent=_WHOLE), gain=lambda eta, at, mu: 2 * (1 - mu)
    ),
    mutant(
        "largest-leverage",
        "h_max in place of h_min in the rate",
        families=_still(direction=st.just("least")),
        least_score=lambda at: at.largest_score,
    ),
    mutant(
        "path-of-largest-leverage",
        "h_max in place of h_min in S",
        families=_still(direction=st.just("least"), steps=st.just(40), step_percent=_WHOLE),
        path=lambda at, mu: arb(tube_kfac.path_sum(at.residual_norm, mu, at.largest_score)),
    ),
    mutant(
        "squared-leverage",
        "h_i in place of h_i^(1/2) in the widths",
        families=_still(direction=st.just("least"), steps=st.just(40), form=_NEURON),
        roots=lambda at: at.scores,
    ),
    mutant(
        "kernel-kept",
        "M and D with the kernel's entries in place of N and D_N in mu",
        families=_pair(form=_PLAIN),
        ratio=lambda at: at.of_inputs.ratio,
    ),
    mutant(
        "path-without-ratio",
        "S = ||r(0)||/h_min^(1/2)",
        families=_pair(),
        path=lambda at, mu: arb(tube_kfac.path_sum(at.residual_norm, arb(0), at.least_score)),
    ),
    mutant(
        "neuron-without-flips",
        "s_r without the term with B_r",
        families=_pair(
            inputs=st.just(2),
            own=st.integers(3, 6),
            more=st.integers(4, 12),
            joint=st.sampled_from([1, 2, 4]),
            vanishing=st.just(0),
            appearing=st.just(1),
            direction=st.just("last"),
            eigenvector=st.just(False),
            steps=st.just(12),
            step_percent=st.sampled_from([10, 30]),
            form=_NEURON,
        ),
        neuron=without_flips,
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
        "eta h_max up to 1.05",
        "step size",
        families=_still(shape=st.just((2, 3)), step_percent=st.integers(103, 105)),
        most_step=1.05,
    ),
    mutant(
        "own-rate-everywhere",
        "T4-lev's rate for every eta h_max <= 1",
        families=_single(),
        limit=lambda at, mu: arb("inf"),
    ),
    families=(
        drawn((10, 120, 1000)),
        drawn((6, 60, 400), id="certified", certified=st.sampled_from(CERTIFIED), form=st.just(NEURON)),
        planted((10, 120, 800)),
        planted(
            (4, 40, 300), id="steep", inputs=st.integers(1, 2), own=st.integers(3, 8), vanishing=st.integers(4, 16)
        ),
    ),
    formulas=Formulas(
        hypotheses=(
            r"the tube $\abs{Z_{ir}-Z_{ir}(0)}\le b_{ir}$ with $\sigma_b^2>0$, $\mu<1$",
            r"$b_{ir}\ge\sqrt{\dfrac{h_i}{m}}\,S\,s_r$, $s_r\ge\norm{H(k)^{-1}A_{\cdot r}(k)}$",
            r"$0<\eta\,h_{\max}\le 1$",
        ),
        conclusion=(
            r"$\norm{r(k+1)}\le\norm{r(k)}-\eta(1-\mu)\sqrt{h_{\min}}\,d(k)$",
            r"$\norm{r(k)}\le(1-\eta(1-\mu)h_{\min})^k\norm{r(0)}$",
            r"$\norm{r(k+1)}^2\le\norm{r(k)}^2-\eta\alpha\,d(k)^2$",
            r"no iterate leaves the tube",
            r"$\sum_k\eta\,d(k)\le S$",
            r"$\norm{r(k)}^2\le(1-\eta h_{\min})^k\norm{r(0)}^2$ for $\mu<\frac{1}{2}$, $\eta h_{\max}\le\dfrac{1-2\mu}{(1-\mu)^2}$",
        ),
        constants=(
            r"$S=\dfrac{\norm{r(0)}}{(1-\mu)\sqrt{h_{\min}}}$, $d^2=r^\top\operatorname{diag}(h)\,r$, $\alpha=(1-\mu)(2-\eta h_{\max}(1-\mu))$",
            r"$s_r=\min\left\{\dfrac{\sqrt n}{\sigma_b^2},\dfrac{\sqrt m}{\sigma_b}\right\}$, or",
            r"$s_r=\norm{q_r}+\dfrac{\sqrt{\abs{B_{\cdot r}}}+\norm{D_N\abs{q_r}}}{\sigma_b^2}$, $q_r=H(0)^{-1}A_{\cdot r}(0)$",
        ),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T4_TUBE,)

SLACK = (
    SlackRow(
        claim="T4-tube",
        quantity="the hypothesis sigma_b^2 > 0",
        remark="no counterexample known: without it there is no s_r",
        drops="sigma_b^2 > 0",
    ),
    SlackRow(
        claim="T4-tube",
        quantity="the hypothesis mu < 1",
        remark="no counterexample known: at mu = 1 the rate is 1 and S infinite",
        drops="mu < 1",
    ),
    SlackRow(
        claim="T4-tube",
        quantity="sigma_b^2 in s_r",
        remark="no counterexample known with sigma^2: for one input 1/(1-mu) in S makes up for it exactly (P13.51)",
    ),
    SlackRow(
        claim="T4-tube",
        quantity="the term of s_r with D_N",
        remark="no counterexample known without it: two inputs need three halves of what 1/(1-mu) gives, but lose 2^(1/2) by the norm (P13.51)",
    ),
)
