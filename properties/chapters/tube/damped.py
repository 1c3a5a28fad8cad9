"""T1-damped-tube: natural gradient descent with damping while no pre-activation leaves its tube."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from flint import arb
from hypothesis import strategies as st

from properties.chapters.tube.families import SEARCH, drawn, planned
from properties.chapters.tube.instances import CERTIFIED, TubeNetwork
from properties.chapters.tube.tube_rule import TubeRule, by_rate, by_start, either_sign, least, ratio_of_either_sign
from properties.engine.claim import Claim, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from theory.descent.optimiser import as_optimiser
from theory.theorems import tube_damped

DAMPING = (0.0, 1e-3, 0.1, 1.0, 10.0)
"""``eps/lambda`` of the instances."""


def damping_of(instance: TubeNetwork) -> arb:
    """eps."""
    return arb(float(getattr(as_optimiser(instance.optimiser), "eps", 0.0)))


def with_progress(progress: Callable[[arb, arb, arb], arb]) -> Callable[[TubeNetwork, arb, arb], arb]:
    """The factor ``1 - eta h`` with ``h(mu, eps, lambda_b)``."""
    return lambda instance, smallest, mu: 1 - arb(instance.eta) * progress(mu, damping_of(instance), smallest)


def stated(mu: arb, eps: arb, smallest: arb) -> arb:
    """h."""
    return arb(tube_damped.progress(mu, eps, smallest))


@dataclasses.dataclass(frozen=True)
class DampedRule(TubeRule):
    """T1-damped-tube's numbers."""

    def features(self, instance: TubeNetwork) -> Sequence[str]:
        """As T1-tube's, and how large eps is."""
        eps = float(damping_of(instance))
        size = (
            "without damping" if not eps else "eps >= lambda_b" if eps >= instance.tube.lambda_min else "eps < lambda_b"
        )
        return [*super().features(instance), size]


_RULE = DampedRule(
    by_rate=lambda at: arb(tube_damped.path_sum(at.residual_norm, at.ratio, at.lambda_min)),
    factor=with_progress(stated),
    limit=lambda mu: arb(-1),
)
"""T1's own rate is not one with damping: the limit is below every eta."""

_PARTS: dict[str, Any] = {"form": st.just("residual"), "damping": st.sampled_from(DAMPING)}
_SMALL: dict[str, Any] = {**_PARTS, "damping": st.sampled_from(DAMPING[1:3])}
_LARGE: dict[str, Any] = {**_PARTS, "damping": st.sampled_from(DAMPING[3:])}
_ONE: dict[str, Any] = {"plan": st.just("single"), "fixed": st.integers(4, 20), "flipping": st.integers(2, 20)}
_EMERGING: dict[str, Any] = {
    "plan": st.just("emerging"),
    "fixed": st.integers(2, 12),
    "flipping": st.just(0),
    "step_percent": st.just(100),
}
_BEYOND: dict[str, Any] = {
    "plan": st.just("single"),
    "fixed": st.integers(1, 4),
    "flipping": st.integers(80, 160),
    "step_percent": st.just(100),
    "steps": st.just(30),
    "reach": st.just(2.0**6),
}
"""So many neurons vanish that mu is above 2: no tube closes, and the widths are given."""

T1_DAMPED_TUBE = _RULE.claim(
    "T1-damped-tube",
    "in a tube with lambda_b > 0, mu < 1, 0 < eta <= 1 and sqrt(m) b_i >= L_1 ||K_i|| S, S = ||r(0)||/((1-mu) lambda_b), damped NGD has for all k "
    "||r(k)|| <= (1 - eta lambda_b (1-mu)/(lambda_b + eps))^k ||r(0)||, no iterate leaves the tube, and the sum of "
    "eta ||(G(k) + eps I)^{-1} r(k)|| is at most S, whatever eps >= 0 is",
    Provenance.DERIVED,
    mutant(
        "without-damping",
        "the rate of T1-tube for every eps",
        families=(drawn(SEARCH, **_LARGE),),
        factor=with_progress(lambda mu, eps, smallest: 1 - mu),
    ),
    mutant(
        "damping-not-relative",
        "eps in place of eps/lambda_b in the rate",
        families=(drawn(SEARCH, **_LARGE),),
        factor=with_progress(lambda mu, eps, smallest: (1 - mu) / (1 + eps)),
    ),
    mutant(
        "eigenvalue-of-either-sign",
        "|lambda - ||D||| for lambda_b, in mu, S and the rate",
        "lambda_b > 0",
        families=(planned(SEARCH, **_SMALL, **_EMERGING),),
        eigenvalue=either_sign,
        below_one=ratio_of_either_sign,
        ratio=ratio_of_either_sign,
        by_rate=lambda at: at.residual_norm / ((1 - ratio_of_either_sign(at)) * either_sign(at)),
    ),
    mutant(
        "any-ratio",
        "mu above 1 too, with |1-mu| in S",
        "mu < 1",
        families=(planned(SEARCH, **_SMALL, **_BEYOND),),
        below_one=None,
        by_rate=lambda at: at.residual_norm / (abs(1 - at.ratio) * at.lambda_min),
        factor=with_progress(lambda mu, eps, smallest: (1 - mu) * smallest / (smallest + eps)),
    ),
    mutant(
        "ratio-quartered",
        "the rate with mu/4",
        families=(planned(SEARCH, **{**_SMALL, **_ONE}, step_percent=st.just(100)),),
        ratio=lambda at: at.ratio / 4,
    ),
    mutant(
        "sum-with-damping",
        "lambda_b + eps in place of lambda_b in S",
        families=(planned(SEARCH, **{**_LARGE, **_ONE}, steps=st.just(60)),),
        by_rate=lambda at: at.residual_norm / ((1 - at.ratio) * 2 * at.lambda_min),
    ),
    mutant(
        "sum-from-start",
        "S from c0, as without damping",
        families=(
            planned(
                SEARCH,
                **_LARGE,
                plan=st.just("uneven"),
                fixed=st.just(0),
                flipping=st.integers(1, 3),
                steps=st.just(60),
                step_percent=st.just(100),
            ),
        ),
        by_rate=lambda at: least([by_rate(at), by_start(at)]),
    ),
    mutant(
        "tube-open",
        "the tube need not be as wide as the path is long",
        "the tube closes",
        families=(drawn(SEARCH, id="narrow", narrowed=st.just(1000), **_SMALL),),
        closes=False,
    ),
    mutant(
        "longer-step",
        "eta up to 1.05",
        "step size",
        families=(
            drawn(
                SEARCH,
                **{**_PARTS, "damping": st.just(0.0)},
                ratio_percent=st.integers(1, 3),
                step_percent=st.integers(103, 105),
            ),
        ),
        most_step=1.05,
    ),
    families=(
        drawn((10, 100, 800), **_PARTS),
        drawn((4, 30, 200), id="certified", certified=st.sampled_from(CERTIFIED), **_PARTS),
        planned((10, 60, 400), **_PARTS),
        planned((6, 40, 300), id="steep", fixed=st.integers(6, 10), flipping=st.integers(12, 38), **_PARTS),
    ),
    formulas=Formulas(
        hypotheses=(
            r"the tube $\abs{Z_{ir}-Z_{ir}(0)}\le b_i$ with $\lambda_b>0$, $\mu<1$",
            r"$b_i\ge\dfrac{L_1\norm{K_i}}{\sqrt m}\,S$, $S=\dfrac{\norm{r(0)}}{(1-\mu)\lambda_b}$",
            r"$0<\eta\le 1$, $\varepsilon\ge 0$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le(1-\eta h)^k\norm{r(0)}$",
            r"no iterate leaves the tube",
            r"$\sum_k\eta\norm{(G(k)+\varepsilon I)^{-1}r(k)}\le S$",
        ),
        constants=(r"$h=\dfrac{\lambda_b(1-\mu)}{\lambda_b+\varepsilon}$",),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T1_DAMPED_TUBE,)
