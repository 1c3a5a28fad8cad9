"""T0-advantage: what the guarantees of GD and NGD differ by, and how slow GD really is in the linearised model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from flint import arb, arb_mat

from properties.chapters.gradient.linear_models import BITS, FAMILIES, LinearModel
from properties.descent.strategies import Description
from properties.engine.claim import (
    Bound,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    require,
    technical,
)
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, Stated, mutant
from theory.inputs import FloatArray
from theory.rigour.enclosed_step import norm_enclosed
from theory.rigour.exact import ball_matrix
from theory.rigour.precision import working_precision
from theory.theorems import gradient_advantage, ngd
from theory.theorems import gradient_descent as gd

LEAST_REDUCTION = 1e-15
"""Rates are compared after a share of the steps that they need for this reduction."""


@dataclass(frozen=True)
class AdvantageRule(Stated):
    """The numbers of the claim, as stated or as a mutant states them; balls in, balls out."""

    ratio: Callable[[arb, arb], arb] = lambda lambda_min, largest: lambda_min / largest
    """(lambda, Lambda) -> how GD's guarantee compares with NGD's, at most."""
    least: Callable[[float], float] = gradient_advantage.least_guarantee
    """C -> GD's guarantee at its limit over lambda/n, at least."""
    fastest: Callable[[arb, arb], arb] = gradient_advantage.fastest_rate
    """(w, ||J(0)||_2) -> a rate that no step size beats."""
    worst_target: Callable[[arb, arb], arb] = gradient_advantage.worst_target_rate
    """(w, W) -> a rate that no step size beats for both residuals."""
    stretch: float = 1.0
    """How many times as many steps as proved GD is said to need."""
    both_targets: bool = True
    """Whether (c) takes the slower of two residuals."""
    largest_share: float = 1.0
    any_quotient: bool = False
    """Whether (b)'s rate is claimed for every quotient w."""
    family: int = 0
    """Where a mutant is tested."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Fields of every instance of a mutant: where a step size or count other than the drawn one refutes for sure."""
    towards_highest: bool = False
    """Whether the first residual is turned close to the second."""

    def mutated(self) -> Families:
        """One family, with what is fixed of its instances."""
        chosen = FAMILIES[self.family]

        def build(parts: Description) -> LinearModel:
            model = chosen.build(parts)
            low = model.high + 0.2 * model.low / np.linalg.norm(model.low) if self.towards_highest else model.low
            return replace(model, low=low, **self.fixed)

        return (replace(chosen, build=build) if self.fixed else chosen,)

    def hypotheses(self, instance: LinearModel) -> Sequence[Hypothesis]:
        """Condition 1; a step size within the rule's share of ``2/Lambda``; ``2w <= Lambda``, or (b) says nothing."""
        smallest, largest = instance.eigenvalue_bounds
        found = [
            technical(require("Condition 1: certified lambda_min(G(0)) > 0", smallest or -1.0)),
            technical(require("C < 3/5", 0.6 - instance.constant - 1e-9)),
            require("step size within its limit", self.largest_share - instance.share),
        ]
        with working_precision(BITS):
            low, high = (_quotient(instance.gram, _column(vector)) for vector in (instance.low, instance.high))
            margin = float((arb(largest) / 2 - low).lower())
            order = float((high - low).lower())
        if not self.any_quotient:
            found.append(require("r(0)'s quotient w <= Lambda/2", margin))
        return [*found, technical(require("w < W", order))]

    def conclusion(self, instance: LinearModel) -> Sequence[Bound]:
        """Guarantees, rates and counts in balls, exact as given."""
        with working_precision(BITS):
            return [*_guarantees(self, instance), *_separation(self, instance), *_worst_target(self, instance)]

    def features(self, instance: LinearModel) -> Sequence[str]:
        """The decade of kappa, and the size of the advantage."""
        smallest, largest = instance.eigenvalue_bounds
        decade = int(np.log10(largest / smallest))
        return [f"kappa in [1e{decade}, 1e{decade + 1})", *(["networks"] if instance.width else [])]


def _guarantees(rule: AdvantageRule, instance: LinearModel) -> list[Bound]:
    """(a), with the certified bounds in the place of lambda and Lambda: the theorems hold with them."""
    C = arb(instance.constant)
    lambda_min, largest = (arb(value) for value in instance.eigenvalue_bounds)
    norm = largest.sqrt()
    natural = ngd.step_limit(C, "T1-sharp")
    bounds = []
    for theorem in gd.THEOREMS:
        guaranteed = gd.decrease(gd.step_limit(C, norm, lambda_min, theorem), C, norm, lambda_min, theorem)
        label = f"(a) decrease of ||r||^2 guaranteed by {theorem} <= lambda/Lambda times T1-sharp's"
        bounds.append(at_most_enclosed(label, guaranteed, rule.ratio(lambda_min, largest) * natural))
        if theorem == "T0" and instance.width:
            least = rule.least(C) * lambda_min / len(instance.low)
            bounds.append(at_most_enclosed("(a) least guarantee times lambda/n <= T0's decrease", least, guaranteed))
    return bounds


def _separation(rule: AdvantageRule, instance: LinearModel) -> list[Bound]:
    """(b): the rate after some steps, and the count that it implies, against the linearised model itself."""
    gram, start = instance.gram, _column(instance.low)
    largest = arb(instance.eigenvalue_bounds[1])
    eta = instance.share * gradient_advantage.linear_step_limit(largest.sqrt())
    quotient, reduction = _quotient(gram, start), arb(instance.reduction)
    fastest, initial = rule.fastest(quotient, largest.sqrt()), _norm(start)
    steps = _steps(instance, fastest)
    after = _norm(_power(gram, eta, steps) * start)
    rate = at_most_enclosed(
        "(b) ||r(k)|| of GD, eta <= 2/Lambda, is at least (1 - 2w/Lambda)^k ||r(0)||", fastest**steps * initial, after
    )
    if rule.any_quotient:
        return [rate]
    # the largest k that is certainly below ln(1/eps)/(-ln(1 - 2w/Lambda))
    needed = reduction.log() / (1 - 2 * quotient / largest).log()
    count = int(float((needed * rule.stretch * (1 - arb(2) ** -60)).lower().floor()))
    unfinished = at_most_enclosed(
        "(b) GD has not reached eps ||r(0)|| one step before the count",
        reduction * initial,
        _norm(_power(gram, eta, count) * start),
    )
    natural = arb(instance.natural_step)
    natural_steps = ngd.iterations(1 - instance.natural_step, instance.reduction)
    reached = at_most_enclosed(
        "(b) NGD has reached eps ||r(0)||", (1 - natural) ** natural_steps, reduction * (1 + arb(2) ** -40)
    )
    advantage = at_most_enclosed(
        "(b) NGD's count less one, times -ln(1-eta) (Lambda/(2w) - 1) <= GD's count",
        (natural_steps - 1) * -((1 - natural).log()) * (largest / (2 * quotient) - 1) * (1 - arb(2) ** -40),
        arb(count + 1),
    )
    return [rate, unfinished, reached, advantage]


def _worst_target(rule: AdvantageRule, instance: LinearModel) -> list[Bound]:
    """(c): the slower of two residuals, at a step size up to ``4/(W+w)``."""
    gram = instance.gram
    starts = [_column(instance.low), _column(instance.high)]
    low, high = (_quotient(gram, start) for start in starts)
    eta = instance.share * 4 / (low + high)
    rate = rule.worst_target(low, high)
    steps = _steps(instance, rate)
    power = _power(gram, eta, steps)
    ratios = [_norm(power * start) / _norm(start) for start in starts]
    slower = ratios[0].max(ratios[1]) if rule.both_targets else ratios[0]
    label = "(c) ||r(k)||/||r(0)|| of GD for the slower of two residuals is at least ((W-w)/(W+w))^k"
    return [at_most_enclosed(label, rate**steps, slower)]


def _steps(instance: LinearModel, rate: arb) -> int:
    """A share of the steps that the rate needs for ``LEAST_REDUCTION``, at least one."""
    rate_above_zero = float(rate) if rate > 0 else 0.5
    return max(1, int(instance.steps_share * np.log(LEAST_REDUCTION) / np.log(rate_above_zero)))


def _column(vector: FloatArray) -> arb_mat:
    return ball_matrix(vector)


def _norm(column: arb_mat) -> arb:
    return norm_enclosed(np.array(column.entries(), dtype=object))


def _quotient(gram: arb_mat, column: arb_mat) -> arb:
    """``w = r^T G r / ||r||^2``."""
    transpose = column.transpose()
    return (transpose * gram * column)[0, 0] / (transpose * column)[0, 0]


def _power(gram: arb_mat, eta: arb, steps: int) -> arb_mat:
    """``(I - eta G)^steps``."""
    n = gram.nrows()
    identity = arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    return (identity - gram * eta) ** steps


T0_ADVANTAGE = AdvantageRule().claim(
    "T0-advantage",
    "(a) at their step limits T0 and T0-sharp guarantee at most lambda/Lambda times the decrease of ||r||^2 that T1-sharp does, "
    "T0 at least (1-5c)(1-c)/(1+c)^2 lambda/n for a ReLU network; (b) linearised, GD with eta <= 2/Lambda has "
    "||r(k)|| >= (1 - 2w/Lambda)^k ||r(0)||, w = r(0)^T G r(0)/||r(0)||^2, hence needs (Lambda/(2w) - 1) ln(1/eps) steps where NGD "
    "needs ln(1/eps)/(-ln(1-eta)); (c) for every eta one of two residuals keeps ((W-w)/(W+w))^k",
    Provenance.PAPER_WITH_CONSTANTS,
    mutant(
        "guarantees-squared",
        "(a) T0 guarantees at most (lambda/Lambda)^2 times the decrease that T1-sharp does",
        ratio=lambda lambda_min, largest: (lambda_min / largest) ** 2,
    ),
    mutant("least-without-C", "(a) T0 guarantees at least lambda/n whatever C is", family=1, least=lambda C: 1.0),
    mutant(
        "half-the-limit",
        "(b) no eta <= 2/Lambda beats 1 - w/Lambda",
        fastest=lambda quotient, norm: 1 - quotient / norm**2,
    ),
    mutant(
        "step-limit-dropped",
        "(b) no eta beats 1 - 2w/Lambda: eta = 4/Lambda",
        drops="step size within its limit",
        fixed={"share": 2.0},
        largest_share=2.0,
    ),
    mutant(
        "quotient-limit-dropped",
        "(b) ||r(k)|| >= |1 - 2w/Lambda|^k ||r(0)|| for every w: eta = 1/Lambda, one step",
        drops="r(0)'s quotient w <= Lambda/2",
        fixed={"share": 0.5, "steps_share": 0.0},
        towards_highest=True,
        any_quotient=True,
        fastest=lambda quotient, norm: abs(1 - 2 * quotient / norm**2),
    ),
    mutant("count-stretched", "(b) GD needs 1.5 times as many steps as proved", stretch=1.5),
    mutant(
        "one-target",
        "(c) for every eta the residual of the lower quotient keeps ((W-w)/(W+w))^k: eta = 4/(W+w), one step",
        fixed={"share": 1.0, "steps_share": 0.0},
        both_targets=False,
    ),
    mutant(
        "kappa-doubled",
        "(c) with 2 W/w in the place of W/w: eta = 2/(W+w), one step",
        fixed={"share": 0.5, "steps_share": 0.0},
        worst_target=lambda low, high: gradient_advantage.worst_target_rate(low, 2 * high),
    ),
    source="Zhang, Martens, Grosse (2019), section 4: NGD's rate against GD's; docs/theory.md, T0-advantage",
    families=FAMILIES,
    formulas=Formulas(
        conclusion=(
            r"(a) At their step limits T0 and T0-sharp guarantee at most $\lambda/\Lambda$ times the decrease of $\norm{r}^2$ that T1-sharp does, T0 at least $\dfrac{(1-5c)(1-c)}{(1+c)^2}\cdot\dfrac{\lambda}{n}$ times, for a ReLU network.",
            r"(b) Linearised, GD with $\eta\le 2/\Lambda$ has $\norm{r(k)}\ge\left(1-\dfrac{2w}{\Lambda}\right)^k\norm{r(0)}$, hence needs $\left(\dfrac{\Lambda}{2w}-1\right)\ln\,\dfrac{1}{\varepsilon}$ steps where NGD needs $\dfrac{\ln(1/\varepsilon)}{-\ln(1-\eta)}$.",
            r"(c) For every $\eta$ one of two residuals keeps $\left(\dfrac{\mathcal{W}-w}{\mathcal{W}+w}\right)^k$.",
        ),
        constants=(
            r"$\Lambda=\norm{J(0)}_2^2$",
            r"$c=\dfrac{C}{3}$",
            r"$w=\dfrac{r(0)^\top G\,r(0)}{\norm{r(0)}^2}$; in (c) $w<\mathcal{W}$ are those of the two residuals",
        ),
    ),
    also=("step size within its limit", "r(0)'s quotient w <= Lambda/2"),
)

CLAIMS = (T0_ADVANTAGE,)
