"""T1, T1-q, T1-sharp and T1-first: the residual falls at a linear rate under Conditions 1 and 2."""

from __future__ import annotations

from typing import Any

from properties.descent import cliff, families
from properties.descent.rule import Rule, lengths
from properties.descent.singular import LINEAR, without_condition_1
from properties.engine.claim import Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.engine.slack import SlackRow
from theory.reals import square_root
from theory.theorems import ngd


def rule_of(theorem: str) -> Rule:
    """The numbers of T1, T1-q or T1-sharp."""
    return Rule(
        lambda at: ngd.rate(at.eta, at.C, theorem),
        lambda at: ngd.validity_limit(at.C, theorem),
        ngd.constant_limit(theorem),
        lambda at: ngd.radius(at.C, at.residual_norm, at.lambda_min, theorem),
        families=families.usual,
        worst=families.maps,
    )


T1_RULE, T1_Q_RULE, T1_SHARP_RULE = rule_of("T1"), rule_of("T1-q"), rule_of("T1-sharp")
T1_FIRST_RULE = Rule(
    lambda at: ngd.first_step_rate(at.eta, at.C),
    lambda at: 3.0,
    2.99,
    first_steps=1,
    steps=1,
    families=families.usual,
    worst=families.maps,
)

AT_THE_END: dict[str, Any] = {"least_constant_tenth": 5, "least_step_percent": 100}
"""Large constants, and step sizes at the very end of a wrong limit."""

T1 = T1_RULE.claim(
    "T1",
    "Conditions 1, 2(C) with C < 1/2 and 0 < eta <= (1-2C)/(1+C)^2 give ||r(k)||^2 <= (1-eta)^k ||r(0)||^2, "
    "and the path stays within 2/(1-C/3) ||r(0)||/sqrt(lambda) of theta(0)",
    Provenance.PAPER,
    without_condition_1(),
    mutant("rate-squared", "||r(k)||^2 <= (1-eta)^{2k} ||r(0)||^2", factor=lambda at: 1 - at.eta),
    mutant(
        "step-without-C",
        "the step limit ignores C: eta up to 0.97 for every C < 1/2",
        drops="step size within its limit",
        step_limit=lambda at: 0.97,
        **AT_THE_END,
    ),
    mutant(
        "condition-2-dropped",
        "the step limit of C/4 for maps that move up to C = 2",
        drops="Condition 2(C)",
        constant_limit=1.96,
        step_limit=lambda at: max(0.0, ngd.step_limit(at.C / 4, "T1")),
        least_constant_tenth=9,
        least_step_percent=100,
    ),
    mutant(
        "radius-below-direct",
        "the path stays within ||r(0)||/((1+C) sqrt(lambda))",
        radius=lengths(lambda at: 1 / (1 + at.C)),
    ),
    source="Zhang, Martens, Grosse (2019), Theorem 1",
    formulas=Formulas(
        hypotheses=("Conditions 1 and 2($C$)", r"$C<\frac{1}{2}$", r"$0<\eta\le\dfrac{1-2C}{(1+C)^2}$"),
        conclusion=(
            r"$\norm{r(k)}^2\le(1-\eta)^k\norm{r(0)}^2$",
            r"The path stays within $\dfrac{2}{1-C/3}\cdot\dfrac{\norm{r(0)}}{\sqrt\lambda}$ of $\theta(0)$.",
        ),
    ),
)
T1_Q = T1_Q_RULE.claim(
    "T1-q",
    "Conditions 1, 2(C) with C <= 2/3 and 0 < eta <= 1 give ||r(k)|| <= (1 - eta(1-q))^k ||r(0)||, q = 2C/(3-C), "
    "and the path stays within ||r(0)||/((1-C) sqrt(lambda)) of theta(0)",
    Provenance.DERIVED,
    without_condition_1(LINEAR),
    mutant("q-halved", "q = C/(3-C)", factor=lambda at: 1 - at.eta * (1 - ngd.deficit(at.C) / 2)),
    mutant("C-quartered", "the conclusion uses C/4", drops="Condition 2(C)", assumed_constant=lambda C: 0.25 * C),
    mutant(
        "step-to-2",
        "eta up to 1.6 instead of 1",
        drops="step size within its limit",
        constant_limit=0.3,
        step_limit=lambda at: 1.6,
        least_step_percent=100,
    ),
    mutant("radius-without-C", "the path stays within ||r(0)||/sqrt(lambda)", radius=lengths(lambda at: 1.0)),
    formulas=Formulas(
        hypotheses=("Conditions 1 and 2($C$)", r"$C\le\frac{2}{3}$", r"$0<\eta\le 1$"),
        conclusion=(
            r"$\norm{r(k)}\le\left(1-\eta(1-q)\right)^k\norm{r(0)}$",
            r"The path stays within $\dfrac{\norm{r(0)}}{(1-C)\sqrt\lambda}$ of $\theta(0)$.",
        ),
        constants=(r"$q=\dfrac{2C}{3-C}$",),
    ),
    also=("C <= 2/3",),
)
T1_SHARP = T1_SHARP_RULE.claim(
    "T1-sharp",
    "Conditions 1, 2(C) with C < 1 and 0 < eta <= rho(2-rho) give ||r(k)|| <= (1 - eta/rho)^k ||r(0)||, "
    "rho = (3+C)/(3-C), and the path stays within (1+c)/(1-c)^2 ||r(0)||/sqrt(lambda) of theta(0), c = C/3",
    Provenance.DERIVED,
    without_condition_1(LINEAR),
    mutant("rho-inverted", "the factor 1 - eta rho", factor=lambda at: 1 - at.eta * ngd.contraction_ratio(at.C)),
    mutant(
        "rho-at-half-C",
        "rho = (3 + C/2)/(3 - C/2)",
        drops="Condition 2(C)",
        factor=lambda at: ngd.rate(at.eta, at.C / 2, "T1-sharp"),
    ),
    mutant(
        "rho-numerator",
        "rho = 1/(1-c): the steep slope at the iterate is forgotten",
        factor=lambda at: 1 - at.eta * (1 - at.C / 3),
    ),
    mutant(
        "rho-denominator",
        "rho = 1+c: the flat slope on the segment is forgotten",
        factor=lambda at: 1 - at.eta / (1 + at.C / 3),
    ),
    mutant(
        "step-beyond-sharp",
        "T1's rate sqrt(1-eta) for eta = 1.01 rho(2-rho)",
        drops="step size within its limit",
        constant_limit=0.99,
        step_limit=lambda at: min(0.999, 1.01 * ngd.step_limit(at.C, "T1-sharp")),
        factor=lambda at: square_root(1 - at.eta),
        least_constant_tenth=2,
        least_step_percent=100,
    ),
    mutant(
        "radius-numerator",
        "the path stays within ||r(0)||/((1+c) sqrt(lambda))",
        radius=lengths(lambda at: 1 / (1 + at.C / 3)),
    ),
    formulas=Formulas(
        hypotheses=("Conditions 1 and 2($C$)", "$C<1$", r"$0<\eta\le\rho(2-\rho)$"),
        conclusion=(
            r"$\norm{r(k)}\le\left(1-\dfrac{\eta}{\rho}\right)^k\norm{r(0)}$",
            r"The path stays within $\dfrac{1+c}{(1-c)^2}\cdot\dfrac{\norm{r(0)}}{\sqrt\lambda}$ of $\theta(0)$.",
        ),
        constants=(r"$c=\dfrac{C}{3}$", r"$\rho=\dfrac{3+C}{3-C}$"),
    ),
    also=("C < 1",),
)
T1_FIRST = T1_FIRST_RULE.claim(
    "T1-first",
    "Conditions 1, 2(C) and 0 < eta <= 3 give ||r(1)|| <= (|1-eta| + eta C/3) ||r(0)||",
    Provenance.DERIVED,
    without_condition_1(LINEAR),
    mutant(
        "step-limit-dropped",
        "eta up to 6: the segment leaves the ball",
        drops="step size within its limit",
        factor=lambda at: abs(1 - at.eta) + at.eta * at.C / 3,
        **cliff.BEYOND_THE_BALL,
    ),
    mutant(
        "C-over-4",
        "the factor |1-eta| + eta C/12",
        drops="Condition 2(C)",
        constant_limit=0.9,
        factor=lambda at: abs(1 - at.eta) + at.eta * at.C / 12,
    ),
    mutant("absolute-value", "the factor (1-eta) + eta C/3", factor=lambda at: 1 - at.eta + at.eta * at.C / 3),
    mutant(
        "step-size-on-C",
        "the factor |1-eta| + C/3 eta^2 for eta < 1",
        constant_limit=0.9,
        step_limit=lambda at: 1.0,
        factor=lambda at: abs(1 - at.eta) + at.eta * at.eta * at.C / 3,
    ),
    formulas=Formulas(
        hypotheses=("Conditions 1 and 2($C$)", r"$0<\eta\le 3$"),
        conclusion=(r"$\norm{r(1)}\le\left(\abs{1-\eta}+\dfrac{\eta C}{3}\right)\norm{r(0)}$",),
    ),
)

CLAIMS = (T1, T1_Q, T1_SHARP, T1_FIRST)


def _without_counterexample(claim: str, hypothesis: str, remark: str) -> SlackRow:
    return SlackRow(claim, f"the hypothesis {hypothesis}", None, None, None, remark=remark, drops=hypothesis)


SLACK = (
    _without_counterexample(
        "T1-q",
        "C <= 2/3",
        "no counterexample known up to C = 1; it keeps the bound of the path within the ball of radius 3",
    ),
    _without_counterexample("T1-sharp", "C < 1", "at C = 1 no step size is left: rho(2-rho) = 0"),
)
