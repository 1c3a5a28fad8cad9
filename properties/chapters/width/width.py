"""T3 and T4-width: the composed width against its three lemmas, in balls; and end to end where networks can be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from properties.chapters.width.width_families import END_TO_END, NEARLY_DEPENDENT, WIDE, data, inputs, short_targets
from properties.chapters.width.width_instances import BITS, Parts, WidthInstance
from properties.descent.random_networks import RandomNetwork
from properties.engine.claim import (
    Bound,
    Claim,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    certified,
    established,
    require,
    technical,
)
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, Neighbour, Stated, mutant, replaced
from properties.engine.statistics import Trials
from theory.kernels.geometry import InputGeometry
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.stability.norms import input_norm_squared, squared_norm_excess
from theory.theorems.chernoff import chernoff_width
from theory.theorems.width import input_condition, stability_width

NARROWER = 1 - 2.0**-30
"""The width is least up to this factor (and one neuron, or pair): the rounding of its formula is far smaller."""

WIDEST = 20_000
"""Networks are drawn up to this width."""

DRAWN_TRIALS = 1000
"""Enough to refute delta <= 80% (``properties.engine.statistics.power``)."""

ROUNDINGS = 100
"""Mutants are rounded up as the theorem's width is, so that they fail for their own reason."""

Width = Callable[[WidthInstance], int]


def _geometry_bounds(instance: WidthInstance) -> Sequence[Bound]:
    """``h_min mu_min >= 1/kappa_X``, so that kappa_X may stand for its inverse, and the bound of kappa_X, in exact geometry.

    The first up to how far the rows are from units.
    """
    exact, excess = instance.geometry, squared_norm_excess(instance.inputs.shape[1])
    needed, bounds = exact.mu_max * exact.h_min, []
    bounds.append(
        at_most_enclosed("1/mu_max <= h_min, for rows that are units up to rounding", 1 - arb(excess), needed)
    )
    if instance.bounds.rank_certified:
        bounds.append(at_most_enclosed("kappa_X <= its bound", exact.condition, arb(input_condition(instance.inputs))))
    return bounds


@dataclass(frozen=True)
class WidthRule(Stated):
    """A width, as the theorem states it or a mutant."""

    theorem: str
    composed: Width = lambda instance: instance.width
    ranked: bool = True
    """Whether T4-width asks for the exact rank of X."""
    short: bool = False
    """Whether a mutant is to be seen where y is short: K-chernoff's width is the larger one there."""

    def mutated(self) -> Families:
        """Where the parts of the width that a mutant changes are seen."""
        return (short_targets(self.theorem) if self.short else inputs(self.theorem),)

    def conclusion(self, instance: WidthInstance) -> Sequence[Bound]:
        """At that width each lemma gives its part; at a smaller one, up to ``NARROWER``, one of them does not."""
        with working_precision(BITS):
            parts, m, (least, known) = Parts(instance), self.composed(instance), instance.radius_factors
            change = parts.squared_change(m, least)
            bounds = [
                at_most_enclosed("K-chernoff's failure <= its share of delta", parts.first_failure(m), parts.share),
                at_most_enclosed("C2-prob's bound at R <= (C^2/9)(3/4) lambda0", change, parts.allowed_change()),
            ]
            step = 2 if instance.symmetric else 1
            fewer = math.floor((m - step) * NARROWER / step) * step
            if fewer > 0:
                failure = parts.first_failure(fewer) / parts.share
                change = parts.squared_change(fewer, known) / parts.allowed_change()
                bounds.append(at_most_enclosed("one of them fails at a smaller width", arb(1), failure.max(change)))
            if instance.theorem == "T4-width" and instance.small:
                bounds += _geometry_bounds(instance)
        return bounds

    def hypotheses(self, instance: WidthInstance) -> Sequence[Hypothesis]:
        """A positive lower bound of lambda0 (lambda_S), for T4-width the exact rank of X; for networks to be drawn a width that can be."""
        found = [technical(certified("lambda0 (lambda_S) > 0", instance.eigenvalue))]
        if self.ranked and instance.theorem == "T4-width":
            found.append(established("the rank of X is certified", instance.bounds.rank_certified))
        if instance.drawn and instance.eigenvalue > 0:
            found.append(technical(require(f"the width is at most {WIDEST}", WIDEST - self.composed(instance))))
        return found

    def frequencies(self, instance: WidthInstance, trials: Trials) -> Sequence[Bound]:
        """How often Condition 1 or 2(C) certainly fails at the width; orthogonal rows, symmetric initialisation.

        There ``r(0) = -y``, ``lambda = min_i`` share of active neurons, and ``sup ||J(W) - J(0)||_2^2 = max_i k_i/m`` with k_i the
        most neurons that flip input i within the radius, the cheapest first, each with its copy.
        """
        if not instance.drawn:
            return ()
        network = RandomNetwork(
            instance.inputs, self.composed(instance), instance.scale, True, most_trials=DRAWN_TRIALS
        )
        length, failures = float(np.linalg.norm(instance.targets)), 0
        for Z in network.pre_activations(trials.rng):
            eigenvalues = np.count_nonzero(Z >= 0, axis=2).min(axis=1) / network.independent
            singular = eigenvalues == 0
            values = np.where(singular, 1.0, eigenvalues)
            radii = np.maximum(0.0, 3 * length / np.sqrt(values) * (1 - gamma(16)) - network.product_error)
            needed = np.floor(instance.C**2 / 9 * values * network.width * (1 + gamma(16))).astype(int) + 1
            pairs = min(network.independent, int(needed.max()) // 2 + 1)
            cheapest = np.sort(np.partition(Z**2, pairs - 1, axis=2)[:, :, :pairs], axis=2)
            costs = np.cumsum(np.repeat(cheapest, 2, axis=2), axis=2) * (1 + gamma(network.width + 8))
            flips = np.count_nonzero(costs < radii[:, None, None] ** 2, axis=2).max(axis=1)
            failures += int(np.count_nonzero(singular | (flips >= needed)))
        event = "Condition 1 or 2(C) fails"
        return [trials.at_most(event, failures, network.trials, instance.delta, network.sign_error)]

    def features(self, instance: WidthInstance) -> Sequence[str]:
        """The width where it is of interest: on data, and where networks are drawn."""
        found = ["symmetric"] if instance.symmetric else []
        if instance.data:
            found.append(f"{instance.data}: m = {instance.width:.1e}")
        return found


# --- mutants ---------------------------------------------------------------------------------------------------------

Factor = Callable[[WidthInstance], float]


def _certified_condition(instance: WidthInstance) -> float:
    return input_condition(instance.inputs)


def _computed_condition(instance: WidthInstance) -> float:
    """kappa_X of the singular values that float64 tells from 0."""
    geometry = InputGeometry.of(instance.inputs)
    return geometry.largest_eigenvalue / geometry.smallest_eigenvalue


def _dropped_condition(instance: WidthInstance) -> float:
    """kappa_X without the smallest of several singular values."""
    values = InputGeometry.of(instance.inputs).decomposition[1] ** 2
    return float(values[0] / values[max(0, len(values) - 2)])


def _composed(
    change: Factor = lambda _: 1.0, first: Factor = lambda _: 1.0, condition: Factor = _certified_condition
) -> Width:
    """The width with its parts multiplied, C2-prob's by ``change`` and K-chernoff's by ``first``."""

    def composed(one: WidthInstance) -> int:
        n, squared = len(one.inputs), float(one.targets @ one.targets)
        share = one.delta / (2 if one.symmetric else 3)
        chernoff = chernoff_width(one.eigenvalue, one.squared_norm, n, share, one.symmetric) * first(one)
        stable = stability_width(squared, n, one.scale, one.delta, one.C, one.eigenvalue, one.symmetric)
        kappa = 1.0 if one.theorem == "T3" else condition(one)
        widest = max(chernoff, stable * kappa * change(one)) * (1 + gamma(ROUNDINGS))
        step = 2 if one.symmetric else 1
        return max(step, math.ceil(widest / step) * step)

    return composed


def _outputs(instance: WidthInstance) -> float:
    """The share of ``n nu^2/2`` in ``E ||r(0)||^2``."""
    outputs = 0.0 if instance.symmetric else len(instance.targets) * instance.scale**2 / 2
    return outputs / (outputs + float(instance.targets @ instance.targets))


def _log_share(instance: WidthInstance) -> float:
    """``ln(n/delta)`` over ``ln(3n/delta)``, or over ``ln(2n/delta)``."""
    n, parts = len(instance.inputs), 2 if instance.symmetric else 3
    return math.log(n / instance.delta) / math.log(parts * n / instance.delta)


SHARED: tuple[Neighbour, ...] = (
    mutant("kappa-half", "kappa_3 halved", composed=_composed(lambda _: 1 / 8)),
    mutant("not-split", "C2-prob at delta", composed=_composed(lambda one: 1 / 4 if one.symmetric else 1 / 9)),
    mutant("whole-eigenvalue", "Condition 2's radius at lambda0, not 3/4 lambda0", composed=_composed(lambda _: 3 / 4)),
    mutant("squared-count", "n^2 for n^3", composed=_composed(lambda one: 1 / len(one.inputs))),
    mutant("cubed-eigenvalue", "the third power of lambda0 (lambda_S)", composed=_composed(lambda one: one.eigenvalue)),
    mutant("delta-power", "one power of delta less", composed=_composed(lambda one: one.delta)),
    mutant("without-outputs", "||y||^2 without n nu^2/2", composed=_composed(lambda one: 1 - _outputs(one))),
    mutant("without-targets", "n nu^2/2 without ||y||^2", composed=_composed(_outputs)),
    mutant("without-scale", "without 1/nu^2", composed=_composed(lambda one: one.scale**2)),
    mutant("log-share", "ln(n/delta): K-chernoff at delta", composed=_composed(first=_log_share), short=True),
    mutant(
        "without-first",
        "without K-chernoff's width",
        "m at least the first term",
        composed=_composed(first=lambda _: 0.0),
        short=True,
    ),
    mutant(
        "doubled",
        "half the width does not suffice for the lemmas",
        "m at least the second term",
        composed=_composed(lambda _: 2.0, lambda _: 2.0),
    ),
)

# --- claims ----------------------------------------------------------------------------------------------------------

WIDTH, PATTERN_WIDTH = WidthRule("T3"), WidthRule("T4-width")
_NARROW = WidthRule("T3", _composed(lambda _: 1 / 256, lambda _: 0.0))

T3 = WIDTH.claim(
    "T3",
    "m >= max(||X||_2^2 ln(3n/delta)/(beta lambda0), M n^3 (||y||^2 + n nu^2/2)/(C^6 nu^2 lambda0^4 delta^3)), "
    "M = 1728*324*27/(2 pi), gives Conditions 1 and 2(C) with probability 1 - delta, by K-chernoff, R0 and C2-prob at delta/3 "
    "each, and is the least width at which these compose; under symmetric initialisation "
    "m >= max(2 ||X||_2^2 ln(2n/delta)/(beta lambda0), M' n^3 ||y||^2/(C^6 nu^2 lambda0^4 delta^2)), "
    "M' = 1728*48*27/(2 pi), with K-chernoff and C2-prob at delta/2",
    Provenance.PAPER_WITH_CONSTANTS,
    *SHARED,
    mutant("fourth-power", "C^4 for C^6", composed=_composed(lambda one: one.C**2 if one.C < 1 else one.C**-2)),
    replaced(
        "width-256",
        "a width 256 times smaller, sampled",
        families=(WIDE,),
        hypotheses=_NARROW.hypotheses,
        conclusion=lambda _: (),
        sampled=_NARROW.frequencies,
    ),
    source="paper, Theorem 3 (m = Omega(n^4/(nu^2 lambda0^4 delta^3))); docs/theory.md, T3; the symmetric form derived",
    families=(inputs("T3"), data("T3"), END_TO_END),
    sampled=WIDTH.frequencies,
    formulas=Formulas(
        hypotheses=(
            r"$m\ge\dfrac{\norm{X}_2^2\ln(3n/\delta)}{\beta\lambda_0}$ and $m\ge\dfrac{M\,n^3\left(\norm{y}^2+n\nu^2/2\right)}{C^6\nu^2\lambda_0^4\delta^3}$",
        ),
        conclusion=(
            r"Conditions 1 and 2($C$), from which T1 follows, hold with probability $1-\delta$, by K-chernoff, R0 and C2-prob at $\delta/3$ each, and this is the least width at which these compose.",
            r"Under symmetric initialisation the bounds are $\dfrac{2\norm{X}_2^2\ln(2n/\delta)}{\beta\lambda_0}$ and $\dfrac{M^\prime n^3\norm{y}^2}{C^6\nu^2\lambda_0^4\delta^2}$, with K-chernoff and C2-prob at $\delta/2$.",
        ),
        constants=(
            r"$\beta=\frac{1}{4}+\frac{3}{4}\ln\,\frac{3}{4}$",
            r"$M=\dfrac{1728\cdot 324\cdot 27}{2\pi}$",
            r"$M^\prime=\dfrac{1728\cdot 48\cdot 27}{2\pi}$",
        ),
    ),
    also=(
        "m at least the first term",
        "m at least the second term",
    ),
)
T4_WIDTH = PATTERN_WIDTH.claim(
    "T4-width",
    "m >= max(n ln(3n/delta)/(beta lambda_S), M kappa_X n^3 (||y||^2 + n nu^2/2)/(C^6 nu^2 lambda_S^4 delta^3)) gives "
    "Conditions K1 and K2(C) with probability 1 - delta, by the same lemmas, and h_i >= 1/mu_max; symmetric form as in T3",
    Provenance.DERIVED,
    *SHARED,
    mutant("without-condition", "without kappa_X", "kappa_X", composed=_composed(condition=lambda _: 1.0)),
    mutant("dropped", "kappa_X without the smallest singular value", composed=_composed(condition=_dropped_condition)),
    mutant(
        "spectral-norm",
        "||X||_2^2 for n in K-chernoff's width",
        composed=_composed(first=lambda one: input_norm_squared(one.inputs) / len(one.inputs)),
        short=True,
    ),
    mutant(
        "computed-rank",
        "kappa_X of the singular values that float64 tells from 0",
        "the rank of X",
        (NEARLY_DEPENDENT,),
        composed=_composed(condition=_computed_condition),
        ranked=False,
    ),
    families=(inputs("T4-width"), NEARLY_DEPENDENT, data("T4-width")),
    formulas=Formulas(
        hypotheses=(
            r"$m\ge\dfrac{n\ln(3n/\delta)}{\beta\lambda_S}$ and $m\ge\dfrac{M\,\kappa_X\,n^3\left(\norm{y}^2+n\nu^2/2\right)}{C^6\nu^2\lambda_S^4\delta^3}$",
        ),
        conclusion=(
            r"Conditions K1 and K2($C$) hold with probability $1-\delta$, by the same lemmas as in T3, and $h_i\ge 1/\mu_{\max}$.",
            "The symmetric form is as in T3.",
        ),
        constants=(
            r"$\beta=\frac{1}{4}+\frac{3}{4}\ln\,\frac{3}{4}$",
            r"$M=\dfrac{1728\cdot 324\cdot 27}{2\pi}$",
        ),
    ),
    also=("m at least the first term", "m at least the second term", "kappa_X", "the rank of X"),
)

CLAIMS: tuple[Claim[Any], ...] = (T3, T4_WIDTH)
