"""T4-damped-tube: K-FAC with damped factors while no pre-activation leaves its tube."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flint import arb
from hypothesis import strategies as st

from properties.chapters.tube.families import SEARCH
from properties.chapters.tube.kronecker import KroneckerTubeNetwork, PatternTube, dampings, exact_leverage
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
from properties.engine.rule import mutant
from theory.theorems import tube_kfac

SHARES = (0.0, 1e-3, 0.1, 1.0, 10.0)
"""``eps_S/sigma^2``, and eps_X, of the instances."""

# --- what mutants change ---------------------------------------------------------------------------------------------


def path_by(contraction: Callable[[PatternTube], arb]) -> Callable[[PatternTube], Any]:
    """S of another ``1 - theta``."""
    return lambda at: tube_kfac.path_sum(at.residual_norm, contraction(at), at.h_min)


def undamped_score(at: PatternTube) -> arb:
    """h_min of X itself."""
    return arb(min(exact_leverage(at.inputs)))


def damped(mu: arb, least: arb, eps: float) -> arb:
    """``1 - theta`` of any mu."""
    return 1 - (1 - mu) * least / (least + arb(eps))


class DampedKroneckerRule(KroneckerRule):
    """T4-damped-tube's numbers."""

    def features(self, instance: KroneckerTubeNetwork) -> Sequence[str]:
        """As T4-tube's, and which factors are damped."""
        eps_S, eps_X = dampings(instance.optimiser)
        size = (
            "no eps_S"
            if not eps_S
            else "eps_S >= sigma_b^2"
            if eps_S >= instance.tube.lambda_min
            else "eps_S < sigma_b^2"
        )
        return [*super().features(instance), size, "eps_X > 0" if eps_X else "no eps_X"]


RULE = DampedKroneckerRule(limit=lambda mu: arb(-1))
"""T4-lev's own rate is not one with damping: the limit is below every eta."""

_ANY = st.tuples(st.sampled_from(SHARES), st.sampled_from(SHARES))
_STRONG, _LITTLE = st.tuples(st.sampled_from([1.0, 10.0]), st.just(0.0)), st.just((0.1, 0.0))
_OF_X = st.tuples(st.just(0.0), st.sampled_from([0.1, 1.0, 10.0]))
_PLAIN, _WHOLE = st.just("plain"), st.just(100)
_ONE: dict[str, Any] = {
    "plan": st.just("single"),
    "fixed": st.integers(4, 20),
    "flipping": st.integers(2, 6),
    "step_percent": _WHOLE,
    "form": _PLAIN,
}
_STILL: dict[str, Any] = {"ratio_percent": st.just(0), "form": _PLAIN}
_EMERGING: dict[str, Any] = {
    "plan": st.just("emerging"),
    "fixed": st.integers(2, 8),
    "flipping": st.just(0),
    "step_percent": _WHOLE,
    "steps": st.just(1),
    "form": _PLAIN,
    "reach": st.just(2.0**6),
}
_BEYOND: dict[str, Any] = {
    **_EMERGING,
    "plan": st.just("single"),
    "fixed": st.integers(1, 4),
    "flipping": st.integers(80, 160),
    "steps": st.just(30),
}

T4_DAMPED_TUBE = RULE.claim(
    "T4-damped-tube",
    "K-FAC with its factors damped by eps_S, eps_X >= 0, in a tube with sigma_b^2 > 0, mu < 1, 0 < eta h_max <= 1, h the diagonal of K (K + eps_X)^-1, and "
    "b_ir >= (h_i/m)^{1/2} S s_r, S = ||r(0)||/(theta h_min^{1/2}), theta = (1-mu) sigma_b^2/(sigma_b^2 + eps_S), s_r >= ||(H(k) + eps_S)^{-1} A_r(k)||: for all k "
    "||r(k+1)|| <= ||r(k)|| - eta theta (h_min r^T diag(h) r)^{1/2} <= (1 - eta theta h_min) ||r(k)|| and ||r(k+1)||^2 <= ||r(k)||^2 - eta alpha r^T diag(h) r, "
    "alpha = theta (2 - eta h_max theta), no iterate leaves the tube, and the sum of eta (r^T diag(h) r)^{1/2} is at most S",
    Provenance.DERIVED,
    mutant(
        "without-eps_S",
        "theta = 1-mu",
        families=(drawn(SEARCH, damping=_STRONG, form=_PLAIN),),
        ratio=lambda at: at.ratio,
    ),
    mutant(
        "eps_S-not-relative",
        "theta = (1-mu)/(1 + eps_S)",
        families=(drawn(SEARCH, damping=_STRONG, form=_PLAIN),),
        ratio=lambda at: 1 - (1 - at.ratio) / (1 + arb(at.eps_S)),
    ),
    mutant(
        "undamped-leverage",
        "the leverage scores of X in the rate",
        families=(drawn(SEARCH, damping=_OF_X, direction=st.just("lowest"), **_STILL),),
        rate_score=undamped_score,
    ),
    mutant(
        "undamped-leverage-in-path",
        "the leverage scores of X in S",
        families=(
            drawn(
                SEARCH, damping=_OF_X, direction=st.just("lowest"), steps=st.just(60), half_width=st.just(64), **_STILL
            ),
        ),
        path=lambda at: tube_kfac.path_sum(at.residual_norm, at.contraction, undamped_score(at)),
    ),
    mutant(
        "path-without-eps_S",
        "S = ||r(0)||/((1-mu) h_min^{1/2})",
        families=(planned(SEARCH, damping=_STRONG, **{**_ONE, "steps": st.just(40)}),),
        path=path_by(lambda at: at.ratio),
    ),
    mutant(
        "eigenvalue-of-either-sign",
        "|sigma^2 - ||D_N||| for sigma_b^2, in theta, S and s_r",
        REGULAR,
        families=(planned(SEARCH, damping=_LITTLE, **_EMERGING),),
        eigenvalue=either_sign,
        below_one=ratio_of_either_sign,
        ratio=lambda at: damped(ratio_of_either_sign(at), either_sign(at), at.eps_S),
        path=path_by(lambda at: damped(ratio_of_either_sign(at), either_sign(at), at.eps_S)),
        plain=plain_of_either_sign,
    ),
    mutant(
        "any-ratio",
        "mu above 1 too, with |theta| in S",
        CONTRACTS,
        families=(planned(SEARCH, damping=_LITTLE, **_BEYOND),),
        below_one=None,
        ratio=lambda at: damped(at.ratio, at.lambda_min, at.eps_S),
        path=lambda at: at.residual_norm / (abs(1 - damped(at.ratio, at.lambda_min, at.eps_S)) * at.h_min.sqrt()),
        factor=lambda eta, h, mu: 1 - eta * h * (1 - mu),
        gain=lambda eta, h_max, mu: (1 - mu) * (2 - eta * h_max * (1 - mu)),
    ),
    mutant(
        "ratio-quartered",
        "theta with mu/4",
        families=(planned(SEARCH, damping=_LITTLE, **_ONE),),
        ratio=lambda at: arb(tube_kfac.damped_contraction(at.ratio / 4, at.lambda_min, at.eps_S)),
    ),
    mutant(
        "gain-as-linear",
        "alpha = 2 theta",
        families=(drawn(SEARCH, damping=_LITTLE, inputs=st.just(1), step_percent=_WHOLE, **_STILL),),
        gain=lambda eta, h_max, mu: 2 * (1 - mu),
    ),
    mutant(
        "tube-open",
        "the tube need not be as wide as the path is long",
        CLOSES,
        families=(drawn(SEARCH, "narrow", narrowed=st.just(1000), damping=_LITTLE),),
        closes=False,
    ),
    mutant(
        "longer-step",
        "eta up to 3/h_max",
        STEP_SIZE,
        families=(drawn(SEARCH, damping=st.just((0.0, 0.1)), inputs=st.just(1), step_percent=st.just(299), **_STILL),),
        most_step=3,
    ),
    families=(
        drawn((10, 120, 1000), damping=_ANY),
        certified_tubes((6, 40, 300), damping=_ANY),
        planned((8, 60, 400), damping=_ANY),
    ),
    formulas=Formulas(
        hypotheses=(
            r"the tube $\abs{Z_{ir}-Z_{ir}(0)}\le b_{ir}$ with $\sigma_b^2>0$, $\mu<1$",
            r"$b_{ir}\ge\sqrt{\dfrac{h_i}{m}}\,S\,s_r$, $s_r\ge\norm{(H(k)+\varepsilon_S)^{-1}A_r(k)}$",
            r"$0<\eta h_{\max}\le 1$, $\varepsilon_S,\varepsilon_X\ge 0$",
        ),
        conclusion=(
            r"$\norm{r(k+1)}\le\norm{r(k)}-\eta\theta\sqrt{h_{\min}\,r^{\mathsf T}\mathrm{diag}(h)\,r}\le(1-\eta\theta h_{\min})\norm{r(k)}$",
            r"$\norm{r(k+1)}^2\le\norm{r(k)}^2-\eta\alpha\,r^{\mathsf T}\mathrm{diag}(h)\,r$",
            r"no iterate leaves the tube",
            r"$\sum_k\eta\sqrt{r^{\mathsf T}\mathrm{diag}(h)\,r}\le S$",
        ),
        constants=(
            r"$\theta=\dfrac{(1-\mu)\sigma_b^2}{\sigma_b^2+\varepsilon_S}$, $\alpha=\theta(2-\eta h_{\max}\theta)$, $S=\dfrac{\norm{r(0)}}{\theta\sqrt{h_{\min}}}$",
            r"$h$: the diagonal of $K(K+\varepsilon_X)^{-1}$",
        ),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T4_DAMPED_TUBE,)
