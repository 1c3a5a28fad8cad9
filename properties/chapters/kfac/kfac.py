"""T4, T4-lev, T4-sharp, T4-least: K-FAC's residual under Conditions K1 and K2, one step at a time and over the whole run."""

from __future__ import annotations

from typing import Any

from properties.chapters.kfac.kfac_exact import EXCHANGED, WITHOUT_K1
from properties.chapters.kfac.kfac_families import (
    TALL,
    Inputs,
    conditions,
    conditions_of_full_rank,
    families,
    features,
    maps,
)
from properties.descent.numbers import Numbers
from properties.descent.rule import Number, Rule, guaranteed_share, lengths, root
from properties.engine.claim import Claim, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from theory.reals import square_root
from theory.theorems import kfac
from theory.theorems.ngd import contraction_ratio, deficit


def rule_of(theorem: str) -> Rule:
    """The numbers of T4, T4-lev, T4-sharp or T4-least."""
    inputs = TALL if theorem == "T4" else Inputs()
    return Rule(
        lambda at: kfac.rate(at.eta, at.C, h_min=at.h_min, h_max=at.h_max, mu_max=at.mu_max, theorem=theorem),
        lambda at: kfac.step_limit(at.C, h_max=at.h_max, mu_min=at.mu_min, theorem=theorem),
        kfac.constant_limit(theorem),
        lambda at: kfac.radius(at.C, at.residual_norm, at.lambda_min, at.h_min, at.mu_min),
        aim=guaranteed_share,
        condition="K2",
        conditions=conditions_of_full_rank if theorem == "T4" else conditions,
        features=features,
        steps=8,
        shared=True,
        families=families(inputs),
        worst=maps(inputs),
    )


T4_RULE, T4_LEV_RULE, T4_SHARP_RULE, T4_LEAST_RULE = map(rule_of, ("T4", "T4-lev", "T4-sharp", "T4-least"))

# --- what mutants change ---------------------------------------------------------------------------------------------

EQUAL, UNEQUAL = Inputs(("equal leverage",), (2, 4)), Inputs(("shared direction", "one leverage near 1"), (2, 4))
TALL_EQUAL, TALL_UNEQUAL = Inputs(EQUAL.kinds, (2, 4), tall=True), Inputs(UNEQUAL.kinds, (2, 4), tall=True)
"""The same for T4, of full rank."""


def limited(step_limit: Number, inputs: Inputs = EQUAL, least_tenth: int = 0, **changes: Any) -> dict[str, Any]:
    """Step sizes at the very end of another limit."""
    drawn = {"least_step_percent": 100, "least_constant_tenth": least_tenth, "worst": maps(inputs)}
    return {"step_limit": step_limit, **drawn, **changes}


def sharp_share(C: Any) -> Any:
    """``rho(2-rho)``; 0 where it is negative."""
    rho = contraction_ratio(C)
    return max(0.0, rho * (2 - rho))


def sharp_fall(at: Numbers, rho: Any) -> Any:
    """What T4-sharp takes off ``||r||^2``, with another rho."""
    return at.eta * at.h_min * (2 / rho - at.eta * at.h_max / rho**2)


def lev_limit(at: Numbers) -> Any:
    """T4-lev's step limit."""
    return kfac.step_limit(at.C, h_max=at.h_max, theorem="T4-lev")


def paper_limit(at: Numbers) -> Any:
    """T4's step limit."""
    return kfac.step_limit(at.C, mu_min=at.mu_min, theorem="T4")


BEYOND_SHARP = limited(lambda at: min(0.999, 1.01 * sharp_share(at.C)) / at.h_max, least_tenth=2, constant_limit=0.99)
DIRECT = lengths(lambda at: 1 / (1 + at.C) / square_root(at.h_min * at.mu_min))
WITHOUT_MU_MIN = lengths(lambda at: 2 / (1 - at.C / 3) / square_root(at.h_min))
LEAST_FALL = root(lambda at: at.eta * at.h_min)
"""``sqrt(1 - eta h_min)``."""
MOVING: dict[str, Any] = {"constant_limit": 1.96, "least_tenth": 9}

# --- the claims ------------------------------------------------------------------------------------------------------

T4 = T4_RULE.claim(
    "T4",
    "rank X = d, Conditions K1, K2(C) with C < 1/2 and 0 < eta <= mu_min (1-2C)/(1+C)^2 give "
    "||r(k)||^2 <= (1 - eta/mu_max)^k ||r(0)||^2, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.PAPER,
    WITHOUT_K1,
    mutant(
        "rate-squared",
        "||r(k)|| <= (1 - eta/mu_max)^k ||r(0)||",
        factor=lambda at: 1 - at.eta / at.mu_max,
        worst=maps(TALL_EQUAL),
    ),
    mutant("mu_min-in-rate", "the rate 1 - eta/mu_min", factor=root(lambda at: at.eta / at.mu_min)),
    mutant("mu_max-dropped", "the rate 1 - eta", factor=root(lambda at: at.eta)),
    mutant(
        "step-without-C",
        "eta up to 0.97 mu_min for every C < 1/2",
        **limited(lambda at: 0.97 * at.mu_min, TALL_EQUAL, 5),
    ),
    mutant(
        "step-doubled",
        "eta up to 2 mu_min (1-2C)/(1+C)^2 (0.999 mu_min at most) for C < 0.165, where that is beyond rho(2-rho)/h_max",
        drops="step size within its limit",
        **limited(lambda at: min(2 * paper_limit(at), 0.999 * at.mu_min), TALL_EQUAL, 7, constant_limit=0.165),
    ),
    mutant(
        "mu_max-in-step",
        "eta up to mu_max (1-2C)/(1+C)^2",
        **limited(lambda at: max(0.0, at.mu_max * (1 - 2 * at.C) / (1 + at.C) ** 2), TALL_UNEQUAL),
    ),
    mutant(
        "condition-K2-dropped",
        "the step limit of C/4 for maps that move up to C = 2",
        drops="Condition K2(C)",
        **limited(lambda at: paper_limit(at.but(C=min(at.C / 4, 0.49))), TALL_EQUAL, **MOVING),
    ),
    mutant(
        "radius-without-mu_min",
        "the path stays within 2/(1-C/3) ||r(0)||/(sigma h_min^{1/2})",
        radius=WITHOUT_MU_MIN,
        most_constant_tenth=0,
        least_step_percent=90,
        steps=40,
        worst=maps(Inputs(("clustered",), (2, 4), tall=TALL.tall), spiked=False),
    ),
    source="Zhang, Martens, Grosse (2019), K-FAC",
    formulas=Formulas(
        hypotheses=(
            r"$\mathrm{rank}\,X=d$",
            "Conditions K1 and K2($C$)",
            r"$C<\frac{1}{2}$",
            r"$0<\eta\le\mu_{\min}\dfrac{1-2C}{(1+C)^2}$",
        ),
        conclusion=(
            r"$\norm{r(k)}^2\le\left(1-\dfrac{\eta}{\mu_{\max}}\right)^k\norm{r(0)}^2$",
            r"The path stays within $\dfrac{2}{1-C/3}\cdot\dfrac{\norm{r(0)}}{\sigma\sqrt{h_{\min}\mu_{\min}}}$ of $W(0)$.",
        ),
    ),
    also=("rank X = d",),
)
T4_LEV = T4_LEV_RULE.claim(
    "T4-lev",
    "Conditions K1, K2(C) with C < 3/5, any rank of X, and 0 < eta <= (1-2q)/(h_max (1-q)^2), q = 2C/(3-C), give "
    "||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.DERIVED,
    WITHOUT_K1,
    EXCHANGED,
    mutant("h_max-in-rate", "the rate 1 - eta h_max", factor=root(lambda at: at.eta * at.h_max)),
    mutant("mean-leverage-in-rate", "the rate 1 - eta rank/n", factor=root(lambda at: at.eta * at.mean)),
    mutant(
        "h_min-in-step",
        "eta up to (1-2q)/(h_min (1-q)^2)",
        **limited(lambda at: lev_limit(at) * at.h_max / at.h_min, UNEQUAL),
    ),
    mutant(
        "step-doubled",
        "eta up to 2(1-2q)/(h_max (1-q)^2) (0.999/h_max at most) for C < 1/2",
        drops="step size within its limit",
        **limited(lambda at: min(2 * lev_limit(at), 0.999 / at.h_max), least_tenth=4, constant_limit=0.5),
    ),
    mutant(
        "q-halved",
        "q = C/(3-C) in the step limit",
        **limited(lambda at: (1 - deficit(at.C)) / (1 - deficit(at.C) / 2) ** 2 / at.h_max, least_tenth=4),
    ),
    mutant(
        "C-quartered",
        "Condition K2 assumed with C/4",
        **limited(lambda at: lev_limit(at.but(C=at.C / 4)), least_tenth=4),
    ),
    mutant(
        "condition-K2-dropped",
        "the step limit of C/4 for maps that move up to C = 2",
        drops="Condition K2(C)",
        **limited(lambda at: lev_limit(at.but(C=at.C / 4)), **MOVING),
    ),
    mutant(
        "radius-without-h_min",
        "the path stays within 2/(1-C/3) ||r(0)||/(sigma mu_min^{1/2})",
        radius=lengths(lambda at: 2 / (1 - at.C / 3) / square_root(at.mu_min)),
        least_step_percent=90,
        worst=maps(Inputs(("equal leverage",), (1, 1))),
    ),
    mutant(
        "radius-without-mu_min",
        "the path stays within 2/(1-C/3) ||r(0)||/(sigma h_min^{1/2})",
        radius=WITHOUT_MU_MIN,
        worst=maps(Inputs(("ill-conditioned",))),
    ),
    formulas=Formulas(
        hypotheses=(
            "Conditions K1 and K2($C$), any rank of $X$",
            r"$C<\frac{3}{5}$",
            r"$0<\eta\le\dfrac{1-2q}{h_{\max}(1-q)^2}$",
        ),
        conclusion=(
            r"$\norm{r(k)}^2\le(1-\eta h_{\min})^k\norm{r(0)}^2$",
            r"The path stays within $\dfrac{2}{1-C/3}\cdot\dfrac{\norm{r(0)}}{\sigma\sqrt{h_{\min}\mu_{\min}}}$ of $W(0)$.",
        ),
        constants=(r"$q=\dfrac{2C}{3-C}$",),
    ),
)
T4_SHARP = T4_SHARP_RULE.claim(
    "T4-sharp",
    "Conditions K1, K2(C) with C < 1, any rank of X, and 0 < eta <= rho(2-rho)/h_max, rho = (3+C)/(3-C), give "
    "||r(k+1)||^2 <= (1 - eta h_min (2/rho - eta h_max/rho^2)) ||r(k)||^2, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.DERIVED,
    WITHOUT_K1,
    mutant(
        "step-beyond-sharp",
        "T4-lev's rate for eta = 1.01 rho(2-rho)/h_max",
        drops="step size within its limit",
        factor=LEAST_FALL,
        **BEYOND_SHARP,
    ),
    mutant(
        "rho-inverted",
        "the factor with 1/rho instead of rho",
        factor=root(lambda at: sharp_fall(at, 1 / contraction_ratio(at.C))),
        worst=maps(EQUAL),
    ),
    mutant(
        "rho-at-half-C",
        "rho = (3 + C/2)/(3 - C/2)",
        factor=root(lambda at: sharp_fall(at, contraction_ratio(at.C / 2))),
        worst=maps(EQUAL),
    ),
    mutant(
        "second-order-dropped",
        "the rate 1 - 2 eta h_min/rho",
        factor=root(lambda at: 2 * at.eta * at.h_min / contraction_ratio(at.C)),
        worst=maps(EQUAL),
    ),
    mutant(
        "h_max-in-rate",
        "h_max in place of h_min",
        factor=root(lambda at: sharp_fall(at, contraction_ratio(at.C)) * at.h_max / at.h_min),
    ),
    mutant(
        "condition-K2-dropped",
        "the step limit and the rate of C/4 for maps that move up to C = 2",
        drops="Condition K2(C)",
        factor=LEAST_FALL,
        **limited(lambda at: sharp_share(at.C / 4) / at.h_max, **MOVING),
    ),
    mutant(
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C) sigma (h_min mu_min)^{1/2})",
        radius=DIRECT,
        worst=maps(EQUAL),
    ),
    formulas=Formulas(
        hypotheses=(
            "Conditions K1 and K2($C$), any rank of $X$",
            "$C<1$",
            r"$0<\eta\le\dfrac{\rho(2-\rho)}{h_{\max}}$",
        ),
        conclusion=(
            r"$\norm{r(k+1)}^2\le(1-\eta h_{\min}\gamma)\norm{r(k)}^2$",
            r"The path stays within $\dfrac{2}{1-C/3}\cdot\dfrac{\norm{r(0)}}{\sigma\sqrt{h_{\min}\mu_{\min}}}$ of $W(0)$.",
        ),
        constants=(r"$\rho=\dfrac{3+C}{3-C}$", r"$\gamma=\dfrac{2}{\rho}-\dfrac{\eta h_{\max}}{\rho^2}$"),
    ),
)
T4_LEAST = T4_LEAST_RULE.claim(
    "T4-least",
    "Conditions K1, K2(C) with C < 1, any rank of X, and 0 < eta <= rho(2-rho)/h_max, rho = (3+C)/(3-C), give "
    "||r(k)|| <= (1 - eta h_min/rho)^k ||r(0)||, and the path stays within "
    "2/(1-C/3) ||r(0)||/(sigma (h_min mu_min)^{1/2}) of W(0)",
    Provenance.DERIVED,
    WITHOUT_K1,
    mutant(
        "step-beyond-sharp",
        "||r(k)||^2 <= (1 - eta h_min)^k ||r(0)||^2 for eta = 1.01 rho(2-rho)/h_max",
        drops="step size within its limit",
        factor=LEAST_FALL,
        **BEYOND_SHARP,
    ),
    mutant(
        "h_min-in-step",
        "eta up to rho(2-rho)/h_min",
        **limited(lambda at: sharp_share(at.C) / at.h_min, UNEQUAL),
    ),
    mutant("rho-dropped", "the factor 1 - eta h_min, whatever C", factor=lambda at: 1 - at.eta * at.h_min),
    mutant(
        "rho-at-nine-tenths",
        "rho = (3 + 0.9 C)/(3 - 0.9 C), on inputs of unequal leverage",
        factor=lambda at: 1 - at.eta * at.h_min / contraction_ratio(at.C * 9 / 10),
        least_constant_tenth=5,
        least_step_percent=50,
        worst=maps(UNEQUAL),
    ),
    mutant(
        "h_max-in-rate",
        "the factor 1 - eta h_max/rho",
        factor=lambda at: 1 - at.eta * at.h_max / contraction_ratio(at.C),
    ),
    mutant(
        "mean-leverage-in-rate",
        "the factor 1 - eta rank/(n rho)",
        factor=lambda at: 1 - at.eta * at.mean / contraction_ratio(at.C),
    ),
    mutant(
        "condition-K2-dropped",
        "the step limit and the factor of C/4 for maps that move up to C = 2",
        drops="Condition K2(C)",
        factor=lambda at: 1 - at.eta * at.h_min / contraction_ratio(at.C / 4),
        **limited(lambda at: sharp_share(at.C / 4) / at.h_max, **MOVING),
    ),
    mutant(
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C) sigma (h_min mu_min)^{1/2})",
        radius=DIRECT,
        worst=maps(EQUAL),
    ),
    formulas=Formulas(
        hypotheses=(
            "Conditions K1 and K2($C$), any rank of $X$",
            "$C<1$",
            r"$0<\eta\le\dfrac{\rho(2-\rho)}{h_{\max}}$",
        ),
        conclusion=(
            r"$\norm{r(k)}\le\left(1-\dfrac{\eta h_{\min}}{\rho}\right)^k\norm{r(0)}$",
            r"The path stays within $\dfrac{2}{1-C/3}\cdot\dfrac{\norm{r(0)}}{\sigma\sqrt{h_{\min}\mu_{\min}}}$ of $W(0)$.",
        ),
        constants=(r"$\rho=\dfrac{3+C}{3-C}$",),
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T4, T4_LEV, T4_SHARP, T4_LEAST)
