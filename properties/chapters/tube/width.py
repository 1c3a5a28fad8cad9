"""T3-tube and T3-tube-ratio: the width against the lemmas that it puts together, in balls, and executed: networks drawn at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from properties.chapters.tube.width_families import DRAWN, DRAWN_RATIO, NARROW, few_counts, inputs
from properties.chapters.tube.width_instances import BITS, TubeParts, TubeWidthInstance, closes
from properties.engine.claim import (
    Bound,
    Claim,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    at_most_or_equal_enclosed,
    certified,
    technical,
)
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, Neighbour, Stated, mutant, replaced
from properties.engine.statistics import Trials
from theory.directed import exact
from theory.rigour.precision import working_precision
from theory.theorems.chernoff import chernoff_width
from theory.theorems.tube_plan import RATIO_FORM

EQUAL_BITS = 60
"""Two sides that agree to ``2^-60`` are equal: a, g and the widths are made so that their parts meet."""

NARROWER = 1 - 2.0**-30
"""The width is least up to this factor (and one neuron, or pair): the rounding of its formula is far smaller."""

Width = Callable[[TubeWidthInstance], int]


def stated(instance: TubeWidthInstance) -> int:
    """The theorem's width."""
    return instance.plan.width


@dataclass(frozen=True)
class TubeWidthRule(Stated):
    """A width, as the theorem states it or a mutant."""

    ratio_form: bool = False
    composed: Width = stated
    few: bool = False
    """Whether a mutant is to be seen where the second width is not the largest."""

    def mutated(self) -> Families:
        """Where the parts of the width that a mutant changes are seen."""
        return (few_counts(self.ratio_form) if self.few else inputs(self.ratio_form),)

    def hypotheses(self, instance: TubeWidthInstance) -> Sequence[Hypothesis]:
        """A positive lower bound of lambda0."""
        return [technical(certified("lambda0 > 0", instance.plan.inputs.sample.lambda0))]

    def conclusion(self, instance: TubeWidthInstance) -> Sequence[Bound]:
        """At that width each lemma gives its part, and these the tube; at a smaller one, up to ``NARROWER``, one of them does not."""
        with working_precision(BITS):
            plan, parts, m = instance.plan, TubeParts(instance.plan), self.composed(instance)
            first, counts = arb(plan.shares.first), parts.count_share
            bounds = [
                at_most_enclosed("K-chernoff's failure <= its share of delta", parts.first_failure(m), first),
                at_most_or_equal_enclosed(
                    "Chernoff's step for the counts, over a, <= 1", parts.counted(m), arb(1), EQUAL_BITS
                ),
            ]
            if instance.form != RATIO_FORM:
                label = "P(a count is above a), exactly, <= its share"
                bounds.append(at_most_enclosed(label, parts.exact_failure(m), counts))
            bounds += [at_most_or_equal_enclosed(*one, EQUAL_BITS) for one in parts.closing()]
            step = 2 if plan.symmetric else 1
            fewer = math.floor((m - step) * NARROWER / step) * step
            if fewer > 0:
                excess = (parts.first_failure(fewer) / first).max(parts.counted(fewer))
                bounds.append(at_most_enclosed("one of them fails at a smaller width", arb(1), excess))
        return bounds

    def executed(self, instance: TubeWidthInstance, trials: Trials) -> Sequence[Bound]:
        """How often the tube that was fixed before the draw is not certified to close, with a ratio of at most mu, at the width."""
        if not instance.networks:
            return ()
        plan, m = instance.plan, self.composed(instance)
        failures = sum(not closes(plan, m, trials.rng) for _ in range(instance.networks))
        return [trials.at_most("the tube does not close", failures, instance.networks, instance.delta)]

    def features(self, instance: TubeWidthInstance) -> Sequence[str]:
        """The form, and widths at which networks were drawn."""
        found = [instance.form, "symmetric" if instance.symmetric else "independent"]
        if instance.networks:
            n = len(instance.inputs)
            found.append(f"n = {n}, {instance.form}: {instance.networks} networks of m = {instance.plan.width:.1e}")
        return found


# --- mutants ---------------------------------------------------------------------------------------------------------

Factor = Callable[[TubeWidthInstance], float]


def _one(_: TubeWidthInstance) -> float:
    return 1.0


def _composed(second: Factor = _one, first: Factor = _one, third: Factor = _one) -> Width:
    """The width with its parts multiplied, rounded up as the theorem's is."""

    def composed(instance: TubeWidthInstance) -> int:
        plan = instance.plan
        one = plan.inputs.sample
        with working_precision(BITS):
            chernoff = chernoff_width(one.lambda0, one.squared_norm, one.n, plan.shares.first, plan.symmetric)
            widest = max(
                float(exact(plan.second)) * second(instance),
                chernoff * first(instance),
                float(exact(plan.third)) * third(instance),
            )
        step = 2 if plan.symmetric else 1
        return max(step, math.ceil(widest / step) * step)

    return composed


def _growth(instance: TubeWidthInstance) -> float:
    """``1 + 2 mu``, or ``1 + mu``."""
    mu = float(instance.plan.ratio)
    return 1 + (2 * mu if instance.form == "plain" else mu)


def _kernel(instance: TubeWidthInstance) -> float:
    """Spectral norm of K over that of |K|, squared: less than 1 where entries have both signs."""
    sample = instance.plan.inputs.sample
    return float(np.linalg.eigvalsh(instance.inputs @ instance.inputs.T)[-1] / sample.absolute_norm) ** 2


def _log_share(instance: TubeWidthInstance) -> float:
    """``ln(1/share)`` over ``ln(events/share)``."""
    plan = instance.plan
    share = float(plan.shares.counts)
    return math.log(1 / share) / math.log(plan.inputs.sample.n * plan.sides / share)


def _log_split(instance: TubeWidthInstance) -> float:
    """``ln(events/delta)`` over ``ln(events/share)``."""
    plan = instance.plan
    events = plan.inputs.sample.n * plan.sides
    return math.log(events / instance.delta) / math.log(events / float(plan.shares.counts))


def _one_side(instance: TubeWidthInstance) -> float:
    """The logarithm of n events where there are 2n."""
    plan = instance.plan
    share = float(plan.shares.counts) / plan.inputs.sample.n
    return math.log(1 / share) / math.log(plan.sides / share)


FIRST = mutant(
    "pairs",
    "m for m/2 in K-chernoff's width",
    "m at least the first term",
    composed=_composed(first=lambda one: 0.5 if one.symmetric else 0.0),
    few=True,
)
"""Not of T3-tube-ratio, whose third width is always above K-relative's."""

SHARED: tuple[Neighbour, ...] = (
    mutant("half-pi", "2/pi for 8/pi", composed=_composed(lambda _: 1 / 4)),
    mutant("without-pi", "without 8/pi", composed=_composed(lambda _: math.pi / 8)),
    mutant("whole-eigenvalue", "lambda0 for (3/4) lambda0", composed=_composed(lambda _: 81 / 256)),
    mutant(
        "scale-not-squared",
        "nu for nu^2, nu > 1",
        composed=_composed(lambda one: one.scale if one.scale < 1 else 1 / one.scale),
    ),
    mutant("longest-row", "1 for K^^2", composed=_composed(lambda one: 1 / float(one.plan.inputs.squared_row))),
    mutant("cubed-eigenvalue", "one power of lambda0 less", composed=_composed(lambda one: one.eigenvalue)),
    mutant(
        "growth-squared", "(1+2mu)^2 (or 1+mu) for its fourth power", composed=_composed(lambda one: _growth(one) ** -2)
    ),
    mutant(
        "ratio-not-squared",
        "mu(1-mu) for its square",
        composed=_composed(lambda one: float(one.plan.ratio * (1 - one.plan.ratio))),
    ),
    FIRST,
    mutant(
        "pairs-counted",
        "m for m/2 in the third width",
        "m at least the third term",
        composed=_composed(third=lambda one: 0.5 if one.symmetric else 0.0),
        few=True,
    ),
    mutant(
        "log-without-n",
        "ln(2/delta) for ln(2n/delta) in the third width",
        composed=_composed(third=_log_share),
        few=True,
    ),
    mutant("not-split", "the counts at delta", composed=_composed(third=_log_split), few=True),
    mutant("step-of-2", "2 for 3 in Chernoff's step", composed=_composed(third=lambda _: 2 / 3), few=True),
    mutant(
        "doubled",
        "half the width does not suffice",
        "m at least the second term",
        composed=_composed(lambda _: 2.0, lambda _: 2.0, lambda _: 2.0),
    ),
)

_HYPOTHESES = ("m at least the first term", "m at least the second term", "m at least the third term")

WIDTH, RATIO_WIDTH = TubeWidthRule(), TubeWidthRule(ratio_form=True)


def _narrow(rule: TubeWidthRule, factor: float) -> Neighbour:
    """Networks of a width so many times smaller, sampled."""
    wrong = TubeWidthRule(rule.ratio_form, _composed(*[lambda _: 1 / factor] * 3))
    return replaced(
        f"width-{factor:g}",
        f"a width {factor:g} times smaller, networks drawn at it",
        families=(NARROW[rule.ratio_form],),
        conclusion=lambda _: (),
        sampled=wrong.executed,
    )


T3_TUBE = WIDTH.claim(
    "T3-tube",
    "m >= max(2 ||X||_2^2 ln(2n/delta)/(beta lambda0), (8/pi)(256/81)(1+2mu)^4/(mu(1-mu))^2 kappa^2 K^^2 L^2/(nu^2 lambda0^2), "
    "16 kappa (1+2mu) ln(2n/delta)/(mu lambda0)), L = ||y||/lambda0, symmetric initialisation: with probability 1 - delta a tube that is known before the draw closes "
    "with a ratio of at most mu; two-sided 1+mu and 32, ln(4n/delta); target L^2 = y^T G_inf^{-1} y/lambda0; independent neurons with R0-tail",
    Provenance.PAPER_WITH_CONSTANTS,
    *SHARED,
    mutant("kernel", "||K||^2 for || |K| ||^2", composed=_composed(_kernel)),
    mutant("one-side", "n events for 2n", composed=_composed(third=_one_side), few=True),
    _narrow(WIDTH, 256),
    source="paper, Theorem 3 (m = Omega(n^4/(nu^2 lambda0^4 delta^3))); docs/theory.md, T3-tube",
    families=(inputs(False), DRAWN),
    sampled=WIDTH.executed,
    formulas=Formulas(
        hypotheses=(
            r"$m\ge\dfrac{2\norm{X}_2^2\ln(2n/\delta)}{\beta\lambda_0}$, $m\ge\dfrac{8}{\pi}\,\dfrac{256}{81}\,\dfrac{(1+2\mu)^4}{\mu^2(1-\mu)^2}\,\dfrac{\kappa^2\hat K^2L^2}{\nu^2\lambda_0^2}$ and $m\ge\dfrac{16\kappa(1+2\mu)\ln(2n/\delta)}{\mu\lambda_0}$",
        ),
        conclusion=(
            r"Under symmetric initialisation, with probability $1-\delta$, the tube of $b_i=\dfrac{4}{3}\,\dfrac{\norm{K_i}L}{\sqrt m}\,\dfrac{1+2\mu}{1-\mu}$ closes with a ratio of at most $\mu$.",
            r"Two-sided: $1+\mu$ in the place of $1+2\mu$, and $32\ln(4n/\delta)$ in that of $16\ln(2n/\delta)$. Target: moreover $L^2=\dfrac{y^\top G_\infty^{-1}y}{\lambda_0}$.",
        ),
        constants=(
            r"$\kappa=\norm{|K|}_2$, $\hat K=\max_i\norm{K_i}$, $L=\dfrac{\norm{y}}{\lambda_0}$",
            r"$\beta=\frac{1}{4}+\frac{3}{4}\ln\,\frac{3}{4}$",
        ),
    ),
    also=_HYPOTHESES,
)

T3_TUBE_RATIO = RATIO_WIDTH.claim(
    "T3-tube-ratio",
    "m >= max((8/pi)(256/81)((1+mu)^4/(mu^2(1-mu)))^2 Omega^2 K^^2 Y/(nu^2 lambda0^3), "
    "16 k (1+mu)^2 ln(2n/delta)/(mu^2 lambda0)), Y = y^T G_inf^{-1} y, symmetric initialisation: with probability 1 - delta a tube that is known before the draw "
    "closes by T1-tube-root with a ratio of at most mu; independent neurons with R0-tail",
    Provenance.DERIVED,
    *(one for one in SHARED if one is not FIRST),
    mutant("without-overlap", "without Omega", composed=_composed(lambda one: float(exact(one.plan.overlap)) ** -2)),
    mutant("without-sum", "1 for k", composed=_composed(third=lambda one: 1 / one.plan.inputs.largest_sum), few=True),
    _narrow(RATIO_WIDTH, 1024),
    families=(inputs(True), DRAWN_RATIO),
    sampled=RATIO_WIDTH.executed,
    formulas=Formulas(
        hypotheses=(
            r"$m\ge\dfrac{8}{\pi}\,\dfrac{256}{81}\,\dfrac{(1+\mu)^8}{\mu^4(1-\mu)^2}\,\dfrac{\Omega^2\hat K^2\,y^\top G_\infty^{-1}y}{\nu^2\lambda_0^3}$ and $m\ge\dfrac{16k(1+\mu)^2\ln(2n/\delta)}{\mu^2\lambda_0}$",
        ),
        conclusion=(
            r"Under symmetric initialisation, with probability $1-\delta$, the tube of $b_i=\dfrac{4}{3}\,\dfrac{\norm{K_i}}{\sqrt m}\left(\dfrac{y^\top G_\infty^{-1}y}{\lambda_0}\right)^{1/2}\dfrac{(1+\mu)^2}{1-\mu}$ closes by T1-tube-root with a ratio of at most $\mu$.",
        ),
        constants=(
            r"$k=\max_i\sum_j|K_{ij}|$, $a=\frac{3}{4}\lambda_0\left(\dfrac{\mu}{1+\mu}\right)^2$",
            r"$\Omega=\max_i\left(1+\sum_{j\ne i}|K_{ij}|\min\left(1,\dfrac{a}{2\sqrt{1-K_{ij}^2}}\right)\right)$",
        ),
    ),
    also=_HYPOTHESES[1:],
)

CLAIMS: tuple[Claim[Any], ...] = (T3_TUBE, T3_TUBE_RATIO)
