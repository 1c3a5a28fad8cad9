"""Points at which gradient ascent attacks T1-sharp and Lemma S: Jacobians and a residual, their hypotheses, how they are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import ClassVar

import numpy as np
from flint import arb, arb_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.descent.families import examples
from properties.descent.strategies import INSIDE, Description
from properties.engine.claim import Family, Hypothesis, require, technical
from properties.engine.descriptions import described
from properties.engine.rule import Families, Stated
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


def norm(column: arb_mat) -> arb:
    """Of a column of balls."""
    return norm_enclosed(np.array(column.entries(), dtype=object))


def sizes(instance: AdversarialPoint) -> Sequence[str]:
    """The size of the problem."""
    n, p = instance.current.shape
    return [f"n = {n}", *(["p > n"] if p > n else []), *(["p >= 30"] if p >= 30 else [])]


# --- the ascent ------------------------------------------------------------------------------------------------------

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


@dataclass(frozen=True)
class Ascent(Stated):
    """The numbers of T1-sharp and Lemma S, as stated or as a mutant states them, and the ascent against one of the two."""

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
    start: str = "worst"
    """Where the ascent against a mutant starts: in the cheapest family that can refute it."""
    against_lemma: ClassVar[bool] = False

    def hypotheses(self, instance: AdversarialPoint) -> Sequence[Hypothesis]:
        """Condition 1 with lambda = 1, Condition 2 with c, and the step size."""
        limit = self.step_limit(3 * instance.stability)
        return [
            require("sigma_min(J0) >= 1, certified", instance.smallest_initial - self.shrunk),
            require(
                "||J - J0||_2 <= c for J(k) and on the segment, certified",
                self.widened * instance.stability - instance.change,
            ),
            technical(require("0 < c < 1/3", 1 / 3 - instance.stability)),
            require("step size within its limit", limit - instance.eta),
        ]

    def build(self, description: Description) -> AdversarialPoint:
        """Ascend from the start and read off a point; c is drawn below 1/3 for T1-sharp, below 1 for Lemma S."""
        rng = np.random.default_rng(description["seed"])
        n = description["outputs"]
        p = n + description["extra_parameters"]
        stability = description["constant_permille"] / (1000 if self.against_lemma else 3000)
        eta = 0.5 if self.against_lemma else self.step_limit(3 * stability) * INSIDE * description["step_percent"] / 100
        wider = self.widened * stability
        noise = 0.5 * 10.0 ** -description["noise_exponent"]
        objective = adversary.lemma_gap(stability) if self.against_lemma else adversary.residual_factor(eta, stability)
        if description["start"] == "worst":
            start = adversary.worst_case_configuration(n, p, wider, noise, rng, self.slope)
        elif description["start"] == "turned":
            start = adversary.turned_configuration(n, p, wider, noise, rng)
            objective = adversary.image_length(stability)
        else:
            start = adversary.random_configuration(n, p, wider, rng)
        found = adversary.ascend(start, objective, description["effort"])
        found = replace(found, scales=found.scales * self.shrunk)
        field = adversary.worst_field(found, eta, description["pieces"], rng)
        outside = rng.standard_normal(p)
        outside *= self.outside * np.linalg.norm(found.direction) / np.linalg.norm(outside)
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

    def family(self, start: str) -> Family[AdversarialPoint]:
        """The ascent from one kind of start."""
        draw = partial(_descriptions, 60 if self.slope < 0 else 1, [start])
        return Family(f"ascent-{start}", f"ascent from {STARTS[start]}", draw, self.build, examples(25, 110, 1500))

    def mutated(self) -> Families:
        """The start that is named."""
        return (self.family(self.start),)


STARTS = {
    "worst": "the disturbed worst case of one output",
    "random": "a random start",
    "turned": "a row that leaves the row space of J(0)",
}
