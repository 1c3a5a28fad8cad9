"""T1-tight: the spike map attains T1-sharp's factor, and beyond its step limit breaks T1's rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.ngd.ngd import T1_SHARP_RULE
from properties.descent.families import family
from properties.descent.instances import DescentInstance
from properties.descent.numbers import Numbers
from properties.descent.rule import Inequality, Rule, Says
from properties.descent.strategies import Description, Dial, build_spike, spike_descriptions
from properties.engine.claim import Hypothesis, Provenance, require, technical
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from theory.rigour.rounding import gamma
from theory.theorems import ngd

ATTAINED = 1e-9
"""How close, relatively, a step comes to the factor ``1 - eta/rho``; the half-width of the spikes would allow 1e-10."""

BEYOND = 1.01
"""Step sizes reach this multiple of ``rho(2-rho)``."""


def sharp_limit(at: Numbers) -> Any:
    """T1-sharp's step limit, where T1's rate starts to break."""
    return ngd.step_limit(at.C)


def attains(breaks_beyond: Callable[[Numbers], Any] = sharp_limit, first_iterate: int = 1) -> Says:
    """``|after/before - factor| <= 1e-9 factor``; beyond the limit also ``sqrt(1-eta) before < after``."""

    def says(rule: Rule, at: Numbers, k: int, step: Any, iterate: str) -> Iterable[Inequality]:
        del iterate
        if k < first_iterate:
            return
        factor = at.once(rule.factor)
        yield Inequality(
            f"distance of ||r({k + 1})|| from (1 - eta/rho) ||r({k})||, allowed {ATTAINED:g} of it",
            abs(step.after - factor * step.before),
            ATTAINED * abs(factor) * step.before,
            lambda: step.rounding(factor),
        )
        if at.eta > breaks_beyond(at) * (1 + gamma(16)):
            paper = ngd.rate(at.eta, at.C, "T1")
            yield Inequality(
                f"T1's rate is broken: sqrt(1-eta) ||r({k})|| < ||r({k + 1})||",
                paper * step.before,
                step.after,
                lambda: step.rounding(paper),
            )

    return says


def has_a_rate(instance: DescentInstance) -> Sequence[Hypothesis]:
    """A step size at which T1 has a rate."""
    return [require("eta < 1", 1 - instance.eta)]


def features(instance: DescentInstance) -> Sequence[str]:
    """How many instances lie beyond the sharp step limit."""
    beyond = instance.eta > ngd.step_limit(instance.certificate.constant, "T1-sharp")
    return ["beyond the step limit"] if beyond else ["within the step limit"]


def _descriptions(dial: Dial) -> SearchStrategy[Description]:
    free = spike_descriptions(dial)
    return st.one_of(free, spike_descriptions(dataclasses.replace(dial, least_step_percent=100)))


def spikes(rule: Rule) -> Families:
    """Family F4, as often at the very end of the range of step sizes."""
    return (family(rule, "F4", "spike maps", _descriptions, build_spike, (30, 220, 2500)),)


RULE = dataclasses.replace(
    T1_SHARP_RULE,
    families=spikes,
    worst=spikes,
    constant_limit=0.99,
    step_limit=lambda at: BEYOND * ngd.step_limit(at.C, "T1-sharp"),
    radius=None,
    says=attains(),
    besides=has_a_rate,
    features=features,
    least_constant_tenth=2,
)

T1_TIGHT = RULE.claim(
    "T1-tight",
    "for n = 1 (and block-diagonal, rotated copies) a piecewise linear map with ||J - J(0)|| <= c sqrt(lambda) "
    "multiplies the residual by 1 - eta/rho in each step from an iterate k >= 1, to 1e-9; for eta < 1 between "
    "rho(2-rho) and 1.01 times it this breaks T1's rate ||r(k+1)||^2 <= (1-eta) ||r(k)||^2",
    Provenance.DERIVED,
    mutant("attains-linear-rate", "the attained factor is 1 - eta", factor=lambda at: 1 - at.eta),
    mutant(
        "attains-q",
        "the attained factor is T1-q's 1 - eta(1-q)",
        factor=lambda at: ngd.rate(at.eta, at.C, "T1-q"),
    ),
    mutant(
        "attains-nearly",
        "the attained factor is 1 - eta/rho times 1 + 1e-8: ten times what is allowed",
        factor=lambda at: ngd.rate(at.eta, at.C) * (1 + 10 * 1e-9),
    ),
    mutant(
        "breaks-within-limit",
        "T1's rate is broken already at 0.99 rho(2-rho)",
        says=attains(lambda at: 0.98 * ngd.step_limit(at.C, "T1-sharp")),
        step_limit=lambda at: 0.99 * ngd.step_limit(at.C, "T1-sharp"),
        least_step_percent=100,
    ),
    mutant("first-iterate", "the factor is attained from theta(0) as well", says=attains(first_iterate=0)),
    of_its_families=True,
    hypotheses=lambda instance: [technical(one) for one in RULE.hypotheses(instance)],
    unconditional="about the maps of its own family: the spikes are made for the step size",
    assumes=(),
    formulas=Formulas(
        hypotheses=(
            "$n=1$, and block-diagonal or rotated copies",
            r"a piecewise linear map with $\norm{J-J(0)}\le c\sqrt\lambda$",
            r"an iterate $k\ge 1$",
        ),
        conclusion=(
            r"Each step multiplies the residual by $1-\eta/\rho$, to $10^{-9}$.",
            r"For $\rho(2-\rho)<\eta\le 1.01\,\rho(2-\rho)$, $\eta<1$, this breaks the rate $\norm{r(k+1)}^2\le(1-\eta)\norm{r(k)}^2$ of T1.",
        ),
        constants=(r"$\rho=\dfrac{1+c}{1-c}$",),
    ),
)

CLAIMS = (T1_TIGHT,)
