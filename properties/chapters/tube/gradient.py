"""T0-tube: gradient descent in a tube."""

from __future__ import annotations

from typing import Any

from flint import arb
from hypothesis import strategies as st

from properties.chapters.tube.drawn import certified_networks, planted_networks, random_networks, smooth_networks
from properties.chapters.tube.given import GivenTube
from properties.chapters.tube.statement import CLOSED, STEP_SIZE, InTube
from properties.descent.numbers import Numbers
from properties.engine.claim import Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from properties.engine.slack import SlackRow
from theory.stability.tube.certificate import TubeCertificate, certify_tube
from theory.theorems import tube_gradient

SPEAKS = "gamma > 0"


def gamma(at: Numbers) -> Any:
    """``max(lambda - ||D||, lambda_b - xi)``."""
    return tube_gradient.curvature(at.first_eigenvalue, at.gram_change_norm, at.lambda_min, at.product_norm)


def step_limit(at: Numbers) -> Any:
    """``2/(||G(0)|| + ||D|| + lambda_b)``."""
    return tube_gradient.step_limit(at.largest, at.gram_change_norm, at.lambda_min)


def path(at: Numbers) -> Any:
    """The smaller S."""
    first = tube_gradient.path_sum(at.residual_norm, gamma(at))
    if not at.first_eigenvalue > at.gram_change_norm:
        return first
    second = tube_gradient.linear_path_sum(at.linear_sum, at.first_eigenvalue, at.gram_change_norm)
    return second if second < first else first


def certificate(instance: GivenTube) -> TubeCertificate:
    """What is certified of the instance's network and targets."""
    return certify_tube(instance.net, instance.inputs, instance.targets, optimiser="gd")


def families(rule: InTube) -> Families:
    """Random networks, and planted ones."""
    return (
        random_networks(rule, "gd", (10, 130, 1200)),
        random_networks(
            rule, "gd", (3, 40, 400), "one input", inputs=st.just(1), direction=st.just("random"), steps=st.just(12)
        ),
        planted_networks(rule, "gd", (12, 120, 1200)),
        smooth_networks(rule, "gd", (3, 30, 300)),
        certified_networks(rule, "gd", certificate, (4, 60, 600), inputs=st.sampled_from([1, 1, 2, 3])),
    )


def worst(rule: InTube) -> Families:
    """Planted networks."""
    return (planted_networks(rule, "gd", (40, 200, 2000)),)


T0_TUBE_RULE = InTube(
    (SPEAKS, gamma),
    step_limit,
    lambda at: tube_gradient.rate(at.eta, gamma(at)),
    path,
    families=families,
    worst=worst,
)

# --- mutants ---------------------------------------------------------------------------------------------------------

WHOLE: Any = st.just(100)
NONE: Any = st.just(0)
ONE: Any = st.just(1)


def planted(**parts: Any) -> Any:
    """The worst case, from narrower ranges."""
    return lambda rule: (planted_networks(rule, "gd", (60, 200, 2000), **parts),)


VANISHING = planted(vanish=st.integers(1, 3), appear=NONE, cross=NONE, direction=st.just("lowest"), share_percent=WHOLE)
LONG = planted(
    inputs=ONE, vanish=st.integers(2, 3), appear=NONE, cross=NONE, steps=st.just(40), step_percent=st.integers(20, 60)
)
CROSSING: dict[str, Any] = {
    "inputs": st.just(2),
    "correlation_percent": st.sampled_from([-90, -95, -98]),
    "vanish": NONE,
    "appear": NONE,
    "joint": NONE,
    "direction": st.just("even"),
    "steps": ONE,
}
FROZEN: dict[str, Any] = {
    "vanish": NONE,
    "appear": NONE,
    "cross": NONE,
    "direction": st.just("highest"),
    "step_percent": WHOLE,
}


def with_curvature(other: Any) -> dict[str, Any]:
    """The conclusion with another number in the place of gamma."""
    return {
        "speaks": (SPEAKS, other),
        "factor": lambda at: 1 - at.eta * other(at),
        "path": lambda at: at.residual_norm / other(at),
    }


def small_ratio(at: Numbers) -> Any:
    """``lambda_b`` less its share ``(tau/lambda_c)^{1/2}/2``, a bound of ``||X G^{-1}||``."""
    return at.lambda_min - (at.changing_norm / at.fixed_eigenvalue).sqrt() / 2 * at.lambda_min


T0_TUBE = T0_TUBE_RULE.claim(
    "T0-tube",
    "gamma = max(lambda - ||D||, lambda_b - xi) > 0, 0 < eta <= 2/(||G(0)|| + ||D|| + lambda_b) and b_i >= m^{-1/2} ||K_i|| S give GD "
    "||r(k)|| <= (1 - eta gamma)^k ||r(0)||, sum eta ||r(t)|| <= S, and no iterate leaves the tube, with S = ||r(0)||/gamma or, for lambda > ||D||, "
    "S = lambda S_lin/(lambda - ||D||)",
    Provenance.DERIVED,
    mutant(
        "gamma-dropped",
        "gamma = lambda/10, whatever D",
        drops=SPEAKS,
        worst=planted(
            inputs=ONE, active=NONE, vanish=st.integers(1, 3), appear=NONE, cross=NONE, direction=st.just("lowest")
        ),
        **with_curvature(lambda at: at.first_eigenvalue / 10),
    ),
    mutant(
        "tube-dropped",
        "the tube need not close",
        drops=CLOSED,
        closes=False,
        families=(
            random_networks(
                T0_TUBE_RULE,
                "gd",
                (40, 100, 1000),
                inputs=ONE,
                direction=st.just("random"),
                ratio_tenth=NONE,
                share_percent=st.integers(1000, 4000),
            ),
        ),
    ),
    mutant(
        "step-beyond",
        "eta up to 1.02 times 2/(||G(0)|| + lambda)",
        drops=STEP_SIZE,
        step_limit=lambda at: arb(1.02) * 2 / (at.largest + at.first_eigenvalue),
        worst=planted(**FROZEN),
    ),
    mutant("limit-doubled", "a limit of 4/(...)", step_limit=lambda at: 2 * step_limit(at), worst=planted(**FROZEN)),
    mutant(
        "limit-without-D",
        "eta up to 2/(||G(0)|| + lambda_b)",
        step_limit=lambda at: 2 / (at.largest + at.lambda_min),
        worst=planted(
            inputs=st.just(2),
            correlation_percent=st.sampled_from([50, 90]),
            vanish=NONE,
            appear=ONE,
            cross=NONE,
            direction=st.just("highest"),
            step_percent=WHOLE,
        ),
    ),
    mutant("lambda", "the rate of lambda itself", worst=VANISHING, **with_curvature(lambda at: at.first_eigenvalue)),
    mutant(
        "without-xi",
        "lambda_b for gamma",
        worst=planted(cross=st.integers(1, 3), **CROSSING),
        **with_curvature(lambda at: at.lambda_min),
    ),
    mutant(
        "small-ratio",
        "lambda_b (1 - (tau/lambda_c)^{1/2}/2), a bound of ||X G^{-1}||, where X itself acts",
        worst=planted(
            **{**CROSSING, "active": st.just(10), "pairs": ONE, "cross": st.integers(10, 20), "step_percent": WHOLE}
        ),
        **with_curvature(small_ratio),
    ),
    mutant(
        "path-of-lambda",
        "S = ||r(0)||/lambda",
        path=lambda at: at.residual_norm / at.first_eigenvalue,
        worst=LONG,
    ),
    mutant("path-linear", "S = S_lin", path=lambda at: at.linear_sum, worst=LONG),
    mutant(
        "without-row-norms",
        "b_i >= m^{-1/2} S",
        row_norms=False,
        families=(
            random_networks(
                T0_TUBE_RULE,
                "gd",
                (40, 100, 1000),
                inputs=st.just(3),
                kind=st.just("clustered"),
                direction=st.just("highest"),
                ratio_tenth=NONE,
                share_percent=st.integers(140, 170),
            ),
        ),
    ),
    formulas=Formulas(
        hypotheses=(
            r"$\gamma=\max\{\lambda-\norm{D},\lambda_b-\xi\}>0$",
            r"$0<\eta\le\dfrac{2}{\norm{G(0)}+\norm{D}+\lambda_b}$",
            r"$b_i\ge\dfrac{\norm{K_i}S}{\sqrt m}$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le(1-\eta\gamma)^k\norm{r(0)}$",
            r"$\sum_t\eta\norm{r(t)}\le S$",
            r"$|x_i\cdot(w_r(k)-w_r(0))|\le b_i$",
        ),
        constants=(
            r"$S=\dfrac{\norm{r(0)}}{\gamma}$, or $\dfrac{\lambda}{\lambda-\norm{D}}\sum_t\eta\norm{(I-\eta G(0))^tr(0)}$",
        ),
    ),
)

CLAIMS = (T0_TUBE,)

SLACK = (
    SlackRow(
        "T0-tube",
        "the sharper S in units of S_lin, at lambda = 1, ||D|| = 1/2, lambda_b = 0.8 (neurons that cannot flip), xi = 0.2",
        None,
        tube_gradient.linear_path_sum(1.0, 1.0, 0.5),
        remark="lambda S_lin/(lambda_b - xi) would be 5/3; no counterexample to it is known (docs/proofs/tube.md, P13.19)",
    ),
)
