"""Points at which gradient ascent attacks T1-sharp and Lemma S: Jacobians and a residual, their hypotheses, how they are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.families import examples
from properties.descent.strategies import INSIDE, Description
from properties.engine.claim import Claim, Family, Hypothesis, Mutant, require, technical
from properties.engine.descriptions import described
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.maps import adversary
from theory.rigour.definiteness import singular_value_bounds
from theory.rigour.enclosed_step import norm_enclosed
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.theorems import ngd, ngd_sharp

BITS = 160

Number = Callable[[arb], arb]


@stored_as("adversarial-point")
@dataclass(frozen=True)
class AdversarialPoint:
    """J0 = J(0), A = J(k) and the Jacobians of equal parts of the segment, each (n, p); lambda = 1."""

    initial: FloatArray
    current: FloatArray
    field: tuple[FloatArray, ...]
    residual: FloatArray
    """r(k), shape (n,)."""
    weights: FloatArray
    """y (n,): Lemma S is evaluated at ``z = A^T y``, exactly."""
    outside: FloatArray
    """What a mutant adds to z, shape (p,); zero otherwise."""
    stability: float
    """c."""
    eta: float

    @cached_property
    def smallest_initial(self) -> float:
        """Certified lower bound of the smallest singular value of J0."""
        return singular_value_bounds(self.initial)[0]

    @cached_property
    def change(self) -> float:
        """Certified upper bound of ``max ||J - J0||_2`` over A and the field."""
        found = []
        for jacobian in (self.current, *self.field):
            difference = jacobian - self.initial
            found.append(singular_value_bounds(difference, UNIT_ROUNDOFF * float(np.linalg.norm(difference)))[1])
        return max(found)


@dataclass(frozen=True)
class AdversaryRule:
    """The numbers of T1-sharp and Lemma S, as stated or as a mutant states them."""

    factor: Callable[[arb, arb], arb] = ngd.rate
    """(eta, C) -> factor on ||r||."""
    step_limit: Callable[[float], float] = ngd_sharp.factor_limit
    """C -> largest step size."""
    along: Number = lambda c: ngd_sharp.lemma_constants(c)[0]
    constant: Number = lambda c: ngd_sharp.lemma_constants(c)[1]
    shrunk: float = 1.0
    """The smallest singular value of J0 that is asked for."""
    widened: float = 1.0
    """The change of the Jacobian that is allowed, in units of c."""
    overlap: Number = lambda c: arb(1)
    """What Q is multiplied by in both inequalities of the row space."""
    slope: float = 1.0
    """Which of the two worst cases of one output the search starts from."""
    outside: float = 0.0
    """How much of z may lie outside the row space of A."""


def hypotheses(rule: AdversaryRule, instance: AdversarialPoint) -> Sequence[Hypothesis]:
    """Condition 1 with lambda = 1, Condition 2 with c, and the step size."""
    limit = rule.step_limit(3 * instance.stability)
    return [
        require("sigma_min(J0) >= 1, certified", instance.smallest_initial - rule.shrunk),
        require(
            "||J - J0||_2 <= c for J(k) and on the segment, certified",
            rule.widened * instance.stability - instance.change,
        ),
        technical(require("0 < c < 1/3", 1 / 3 - instance.stability)),
        require("step size within its limit", limit - instance.eta),
    ]


def norm(column: arb_mat) -> arb:
    """Of a column of balls."""
    return norm_enclosed(np.array(column.entries(), dtype=object))


def features(instance: AdversarialPoint) -> Sequence[str]:
    """The size of the problem."""
    n, p = instance.current.shape
    return [f"n = {n}", *(["p > n"] if p > n else []), *(["p >= 30"] if p >= 30 else [])]


# --- families --------------------------------------------------------------------------------------------------------

EFFORTS = (10, 40, 120)
"""Steps of the ascent."""


def _descriptions(least_step_percent: int, starts: Sequence[str]) -> SearchStrategy[Description]:
    return described(
        {
            "outputs": st.integers(2 if "random" in starts else 1, 8),
            "extra_parameters": st.integers(1 if "turned" in starts else 0, 32),
            "constant_permille": st.integers(1, 990),
            "step_percent": st.integers(least_step_percent, 100),
            "start": st.sampled_from(list(starts)),
            "noise_exponent": st.integers(0, 12),
            "effort": st.sampled_from(EFFORTS),
            "pieces": st.integers(1, 3),
            "seed": st.integers(0, 2**20),
        }
    )


def build(rule: AdversaryRule, against_lemma: bool, description: Description) -> AdversarialPoint:
    """Ascend from the start and read off a point; c is drawn below 1/3 for T1-sharp, below 1 for Lemma S."""
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    p = n + description["extra_parameters"]
    stability = description["constant_permille"] / (1000 if against_lemma else 3000)
    eta = rule.step_limit(3 * stability) * INSIDE * description["step_percent"] / 100 if not against_lemma else 0.5
    wider = rule.widened * stability
    noise = 0.5 * 10.0 ** -description["noise_exponent"]
    objective = adversary.lemma_gap(stability) if against_lemma else adversary.residual_factor(eta, stability)
    if description["start"] == "worst":
        start = adversary.worst_case_configuration(n, p, wider, noise, rng, rule.slope)
    elif description["start"] == "turned":
        start, objective = adversary.turned_configuration(n, p, wider, noise, rng), adversary.image_length(stability)
    else:
        start = adversary.random_configuration(n, p, wider, rng)
    found = adversary.ascend(start, objective, description["effort"])
    found = replace(found, scales=found.scales * rule.shrunk)
    field = adversary.worst_field(found, eta, description["pieces"], rng)
    outside = rng.standard_normal(p)
    outside *= rule.outside * np.linalg.norm(found.direction) / np.linalg.norm(outside)
    return AdversarialPoint(
        found.initial,
        found.current,
        tuple(field),
        found.current @ found.direction,
        found.weights,
        outside,
        stability,
        eta,
    )


def one_family(rule: AdversaryRule, against_lemma: bool, start: str, *counts: int) -> Family[AdversarialPoint]:
    """The ascent from one kind of start."""
    title = {
        "worst": "ascent from the disturbed worst case of one output",
        "random": "ascent from a random start",
        "turned": "ascent from a row that leaves the row space of J(0)",
    }[start]
    least = 60 if rule.slope < 0 else 1
    return Family(
        f"ascent-{start}",
        title,
        partial(_descriptions, least, [start]),
        partial(build, rule, against_lemma),
        examples(*counts),
    )


def families(rule: AdversaryRule, against_lemma: bool) -> tuple[Family[AdversarialPoint], ...]:
    """The disturbed worst case first: a mutant is refuted by the cheapest family that can."""
    starts = ("worst", "random", "turned") if against_lemma else ("worst", "random")
    found = (one_family(rule, against_lemma, start, 25, 110, 1500) for start in starts)
    return tuple(replace(family, first=_large(family.id)) if against_lemma else family for family in found)


def _large(family: str) -> tuple[Description, ...]:
    """Large changes of the Jacobian, of which Lemma S speaks and T1-sharp does not: every search begins there."""
    common = {"outputs": 2, "extra_parameters": 3, "step_percent": 100, "start": family.removeprefix("ascent-")}
    rest = {"noise_exponent": 1, "effort": EFFORTS[0], "pieces": 1, "seed": 1}
    return tuple({**common, **rest, "constant_permille": permille} for permille in (400, 700, 990))


RULE = AdversaryRule()
"""The numbers as stated."""


def mutants(
    claim: Claim[AdversarialPoint], against_lemma: bool, checks: Callable[[AdversaryRule], Mapping[str, Any]]
) -> Callable[..., Mutant]:
    """``(id, description, start, drops, **changes)`` -> the claim under a rule with some of its numbers replaced."""

    def made(id: str, description: str, start: str = "worst", drops: str = "", **changes: Any) -> Mutant:
        rule = replace(RULE, **changes)
        own = one_family(rule, against_lemma, start, 25, 110, 1500)
        return claim.neighbour(id, description, drops, families=(own,), features=lambda _: (), **checks(rule))

    return made
