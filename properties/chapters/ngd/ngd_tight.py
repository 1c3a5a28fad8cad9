"""T1-tight: the spike map attains T1-sharp's factor, and beyond its step limit breaks T1's rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from flint import arb
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.instances import DescentInstance
from properties.descent.rule import Rule as DescentRule
from properties.descent.rule import examples, hypotheses
from properties.descent.strategies import Description, Dial, build_spike, spike_descriptions
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Mutant,
    Provenance,
    Verdict,
    at_most,
    at_most_enclosed,
    require,
)
from theory.rigour.rounding import gamma
from theory.theorems import ngd

ATTAINED = 1e-9
"""How close, relatively, a step comes to the factor ``1 - eta/rho``; the half-width of the spikes would allow 1e-10."""

BEYOND = 1.01
"""Step sizes reach this multiple of ``rho(2-rho)``."""


@dataclass(frozen=True)
class TightRule:
    """The attained factor, where T1's rate starts to break, and the first iterate that both speak of."""

    factor: Callable[[float, float], float] = ngd.rate
    breaks_beyond: Callable[[float], float] = ngd.step_limit
    first_iterate: int = 1


DIAL = Dial(0.99, lambda C: BEYOND * ngd.step_limit(C, "T1-sharp"), least_constant_tenth=2)


def tight_hypotheses(instance: DescentInstance) -> Sequence[Hypothesis]:
    """Conditions 1 and 2, the widened step limit, and a step size at which T1 has a rate."""
    rule = DescentRule(DIAL, partial(ngd.rate, theorem="T1-sharp"), None)
    return [*hypotheses(rule, instance), require("eta < 1", 1 - instance.eta)]


def conclusion(rule: TightRule, instance: DescentInstance) -> Sequence[Bound]:
    """``|after/before - factor| <= 1e-9 factor``; beyond the limit also ``sqrt(1-eta) before < after``."""
    constant = instance.certificate.constant
    factor = rule.factor(instance.eta, constant)
    broken = instance.eta > rule.breaks_beyond(constant) * (1 + gamma(16))
    bounds = []
    for k, step in enumerate(instance.run.steps):
        if k < rule.first_iterate:
            continue
        distance = abs(step.after - factor * step.before)
        bounds.append(at_most(_attained(k), distance, ATTAINED * abs(factor) * step.before, step.rounding(factor)))
        if broken:
            paper = ngd.rate(instance.eta, constant, "T1")
            bounds.append(at_most(_broken(k), paper * step.before, step.after, step.rounding(paper)))
    return bounds


def confirm(rule: TightRule, instance: DescentInstance, bits: int) -> Sequence[Bound]:
    """The bounds that float64 does not show to hold, again in balls at the working precision."""
    del bits
    constant, eta = arb(instance.certificate.constant), arb(instance.eta)
    factor, paper = rule.factor(eta, constant), ngd.rate(eta, constant, "T1")
    open_labels = {bound.label for bound in conclusion(rule, instance) if bound.verdict is not Verdict.HOLDS}
    found = []
    for k in range(rule.first_iterate, len(instance.run.steps)):
        if not {_attained(k), _broken(k)} & open_labels:
            continue
        step = instance.enclosed_step(k)
        distance = abs(step.after - factor * step.before)
        found.append(at_most_enclosed(_attained(k), distance, arb(ATTAINED) * abs(factor) * step.before))
        found.append(at_most_enclosed(_broken(k), paper * step.before, step.after))
    return found


def _attained(k: int) -> str:
    return f"distance of ||r({k + 1})|| from (1 - eta/rho) ||r({k})||, allowed {ATTAINED:g} of it"


def _broken(k: int) -> str:
    return f"T1's rate is broken: sqrt(1-eta) ||r({k})|| < ||r({k + 1})||"


def features(instance: DescentInstance) -> Sequence[str]:
    """How many instances lie beyond the sharp step limit."""
    beyond = instance.eta > ngd.step_limit(instance.certificate.constant, "T1-sharp")
    return ["beyond the step limit"] if beyond else ["within the step limit"]


def _spikes(dial: Dial) -> Family[DescentInstance]:
    return Family(
        "F4", "spike maps", partial(_descriptions, dial), partial(build_spike, dial=dial), examples(30, 220, 2500)
    )


def _descriptions(dial: Dial) -> SearchStrategy[Description]:
    free = spike_descriptions(dial)
    return st.one_of(free, spike_descriptions(dataclasses.replace(dial, least_step_percent=100)))


_CLAIM: Claim[DescentInstance] = Claim(
    id="T1-tight",
    statement="for n = 1 (and block-diagonal, rotated copies) a piecewise linear map with ||J - J(0)|| <= c sqrt(lambda) "
    "multiplies the residual by 1 - eta/rho in each step from an iterate k >= 1, to 1e-9; for eta < 1 between "
    "rho(2-rho) and 1.01 times it this breaks T1's rate ||r(k+1)||^2 <= (1-eta) ||r(k)||^2",
    provenance=Provenance.DERIVED,
    source="docs/theory.md, T1-tight",
    families=(_spikes(DIAL),),
    hypotheses=tight_hypotheses,
    conclusion=partial(conclusion, TightRule()),
    confirm=partial(confirm, TightRule()),
    features=features,
    of_its_families=True,  # the spikes are made for the step size
)


def _mutant(id: str, description: str, rule: TightRule, dial: Dial = DIAL) -> Mutant:
    return _CLAIM.neighbour(
        id,
        description,
        families=(_spikes(dial),),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
    )


_WITHIN = dataclasses.replace(DIAL, step_limit=lambda C: 0.99 * ngd.step_limit(C, "T1-sharp"), least_step_percent=100)


T1_TIGHT = _CLAIM.with_mutants(
    _mutant("attains-linear-rate", "the attained factor is 1 - eta", TightRule(factor=lambda eta, C: 1 - eta)),
    _mutant(
        "attains-q", "the attained factor is T1-q's 1 - eta(1-q)", TightRule(factor=partial(ngd.rate, theorem="T1-q"))
    ),
    _mutant(
        "attains-nearly",
        "the attained factor is 1 - eta/rho times 1 + 1e-8: ten times what is allowed",
        TightRule(factor=lambda eta, C: ngd.rate(eta, C) * (1 + 10 * 1e-9)),
    ),
    _mutant(
        "breaks-within-limit",
        "T1's rate is broken already at 0.99 rho(2-rho)",
        TightRule(breaks_beyond=lambda C: 0.98 * ngd.step_limit(C, "T1-sharp")),
        _WITHIN,
    ),
    _mutant("first-iterate", "the factor is attained from theta(0) as well", TightRule(first_iterate=0)),
)

CLAIMS = (T1_TIGHT,)
