"""T1-radius: the theorems on NGD and GD with Condition 2 on the smaller ball that their own path needs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.gradient import gradient_descent
from properties.chapters.ngd.ngd import T1_Q_RULE, T1_RULE, T1_SHARP_RULE
from properties.descent.enclosed import STEP_SIZE
from properties.descent.families import examples
from properties.descent.instances import Certificate, MapInstance, NetworkInstance, Run, descending
from properties.descent.numbers import Numbers
from properties.descent.rule import Rule
from properties.descent.singular import LINEAR, without_condition_1
from properties.descent.strategies import (
    INSIDE,
    Description,
    Dial,
    build_perturbed_affine,
    build_relu,
    build_smooth,
    perturbed_affine_descriptions,
    relu_descriptions,
    smooth_descriptions,
)
from properties.engine.claim import Bound, Family, Hypothesis, Provenance, Verdict, technical
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, Stated, mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.maps.affine import kink_map
from theory.rigour.enclosed_step import EnclosedStep
from theory.rigour.rounding import gamma
from theory.stability.small_ball import THEOREMS, constant_on_own_ball, path_factor
from theory.theorems import gradient_descent as gd
from theory.theorems import ngd

PathFactor = Callable[[float, str], float]
"""``(C, theorem)`` -> radius of the ball in units of ``||r(0)||/sqrt(lambda)``."""


@stored_as("own-ball")
@dataclass(frozen=True)
class OwnBall(Directed):
    """Conditions 1 and 2 on a theorem's own ball; C is infinite when it is not below the theorem's limit there."""

    lambda_min: LowerBound
    radius: float
    constant: UpperBound


@stored_as("own-ball-run")
@dataclass(frozen=True)
class RadiusInstance:
    """NGD or GD on a map or network, with the certificate on the ball that the theorem's path needs."""

    descent: MapInstance | NetworkInstance
    theorem: str
    certificate: OwnBall

    @property
    def paper_certificate(self) -> Certificate:
        """Conditions 1 and 2 on the paper's ball."""
        return self.descent.certificate

    @property
    def eta(self) -> float:
        """The step size."""
        return self.descent.eta

    @property
    def rank_deficient(self) -> bool:
        """Whether J(0) has linearly dependent rows for certain."""
        return self.descent.rank_deficient

    @property
    def operator_norm(self) -> float:
        """Certified upper bound of ``||J(0)||_2``."""
        return self.descent.operator_norm

    @property
    def run(self) -> Run:
        """The float64 run with its rounding bounds."""
        return self.descent.run

    def enclosed_step(self, k: int) -> EnclosedStep:
        """The exact step from the stored iterate k, in balls."""
        return self.descent.enclosed_step(k)

    def enclosed_trajectory(self) -> list[EnclosedStep]:
        """The exact trajectory, in balls."""
        return self.descent.enclosed_trajectory()


def own_ball(descent: MapInstance | NetworkInstance, theorem: str, factor: PathFactor, limit: float) -> OwnBall:
    """The certificate on the ball of radius ``factor(C) ||r(0)||/sqrt(lambda)``."""
    paper = descent.certificate
    if not paper.lambda_min > 0:
        return OwnBall(paper.lambda_min, np.inf, UNBOUNDED)
    unit = paper.radius / ngd.condition_radius(1.0, 1.0) * (1 + gamma(4))
    found, radius = constant_on_own_ball(descent.constant_within, unit, lambda C: factor(C, theorem), limit)
    return OwnBall(paper.lambda_min, radius, found)


_RULES: Mapping[str, Rule] = {
    "T1": T1_RULE,
    "T1-q": T1_Q_RULE,
    "T1-sharp": T1_SHARP_RULE,
    "T0": gradient_descent.T0_RULE,
    "T0-sharp": gradient_descent.T0_SHARP_RULE,
}


def constant_limit(theorem: str) -> float:
    """The C up to which the theorem speaks."""
    return _RULES[theorem].most_constant(Numbers())


# --- families --------------------------------------------------------------------------------------------------------

OVERREACH = 1.5
"""Maps are drawn with constants up to so many times the theorem's limit on the paper's ball."""


def _finished(descent: MapInstance | NetworkInstance, theorem: str, factor: PathFactor) -> RadiusInstance:
    """The instance with its optimiser, and its step size, of which ``descent`` has the share of the limit."""
    optimiser = "gd" if theorem in gd.THEOREMS else "ngd"
    ball = own_ball(descent, theorem, factor, constant_limit(theorem))
    found = RadiusInstance(descending(descent, optimiser=optimiser), theorem, ball)
    limit = _RULES[theorem].step_limit(Numbers(found)) if ball.constant < np.inf else 0.0
    eta = max(descent.eta * limit, float(np.finfo(float).tiny))
    return dataclasses.replace(found, descent=descending(descent, optimiser=optimiser, eta=eta))


def _dial(theorem: str) -> Dial:
    return Dial(OVERREACH * constant_limit(theorem), lambda C: 1.0)


def _build(factor: PathFactor, build: Callable[..., Any], description: Description) -> RadiusInstance:
    theorem = description["theorem"]
    return _finished(build(description, dial=_dial(theorem)), theorem, factor)


AFTER = {"flat": 0.0, "backwards": -1.0, "steep": 40.0}
"""Slopes beyond the cliff, in units of sqrt(lambda)."""

REGULAR = tuple(name for name, slope in AFTER.items() if slope)
"""Those of them on which NGD has a next step."""


def cliff_descriptions(dial: Dial, farthest: int, after: Sequence[str]) -> SearchStrategy[Description]:
    """Where the cliff is, in percent of the way at the lowest slope, and what comes after it."""
    return dial.descriptions(
        cliff_percent=st.integers(80, farthest),
        after=st.sampled_from(sorted(after)),
        second_slope=st.sampled_from([0, 1, 10]),
    )


def build_cliff(description: Description, dial: Dial) -> MapInstance:
    """Slope ``(1-c) sqrt(lambda)`` from the start to the cliff, where the Jacobian changes beyond recognition."""
    change = dial.constant(description) / OVERREACH / 3
    second = [float(description["second_slope"])] if description["second_slope"] else []
    base = np.array([1.0, *second])
    cliff = description["cliff_percent"] / 100 / (1 - change)
    later = np.array([[1 - change, AFTER[description["after"]]], *([slope, slope] for slope in second)])
    share = dial.step_size(description, 0.0)
    kinks = np.tile([gradient_descent.KINK * share / base[-1] ** 2, cliff], (len(base), 1))
    return MapInstance(kink_map(base, later, kinks), -np.eye(len(base))[0], share, dial.steps)


def _family(
    id: str, title: str, draw: Callable[..., Any], build: Callable[..., Any], factor: PathFactor, *counts: int
) -> Family[RadiusInstance]:
    def descriptions() -> SearchStrategy[Description]:
        drawn: SearchStrategy[Description] = draw(_dial("T1"))
        return drawn.map(lambda parts: {**parts, "theorem": THEOREMS[parts["seed"] % len(THEOREMS)]})

    return Family(id, title, descriptions, partial(_build, factor, build), examples(*counts))


FARTHEST = 400


def cliffs(factor: PathFactor, farthest: int = FARTHEST, after: Sequence[str] = tuple(AFTER)) -> Family[RadiusInstance]:
    """Family F4 with cliffs, up to ``farthest`` percent of the way, and what comes after them."""
    draw = partial(cliff_descriptions, farthest=farthest, after=after)
    return _family("F4-cliff", "piecewise linear maps with a cliff", draw, build_cliff, factor, 60, 360, 2500)


def _moving_relu(dial: Dial) -> SearchStrategy[Description]:
    """Networks with large constants."""
    return relu_descriptions(dataclasses.replace(dial, least_constant_tenth=4))


_AFFINE = perturbed_affine_descriptions, build_perturbed_affine
FAMILIES = (
    cliffs(path_factor),
    _family("F3", "perturbed affine maps", *_AFFINE, path_factor, 20, 150, 1200),
    _family("F1", "two-layer ReLU networks", _moving_relu, build_relu, path_factor, 3, 14, 200),
    _family("F2", "two-layer smooth networks", smooth_descriptions, build_smooth, path_factor, 8, 40, 400),
)

# --- the claim -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmallerBall(Stated):
    """The theorems with Condition 2 on the ball of this factor."""

    factor: PathFactor = path_factor
    assumed: Callable[[float], float] = float
    """The C that the conclusion uses, given the certified one."""
    farthest: int = 99
    """How far away a mutant's cliffs are."""

    def mutated(self) -> Families:
        """Cliffs near the ball, after which J has an inverse: what refutes a mutant is a step that the statement bounds, not one that NGD cannot take."""
        return (cliffs(self.factor, self.farthest, REGULAR),)

    def _rule(self, instance: RadiusInstance) -> Rule:
        return dataclasses.replace(_RULES[instance.theorem], assumed_constant=self.assumed)

    def hypotheses(self, instance: RadiusInstance) -> Sequence[Hypothesis]:
        """Condition 1, Condition 2 on the theorem's own ball, and the step size.

        With C = 0 nothing moves in the ball, and T1-q and T1-sharp are equalities, which no ball of numbers decides.
        """
        constant = instance.certificate.constant
        verdict = Verdict.HOLDS if constant > 0 else Verdict.REFUTED
        moves = Hypothesis("J may move in the ball: C > 0", verdict, constant)
        return [*_RULES[instance.theorem].hypotheses(instance), technical(moves)]

    def conclusion(self, instance: RadiusInstance) -> Sequence[Bound]:
        """The theorem's bounds on each step, the run and the path; no aim, which would favour one of the theorems."""
        return [dataclasses.replace(bound, aim=math.nan) for bound in self._rule(instance).conclusion(instance)]

    def confirm(self, instance: RadiusInstance, bits: int) -> Sequence[Bound]:
        """The bounds that float64 does not show to hold, again in balls at the working precision."""
        return self._rule(instance).confirm(instance, bits)

    def features(self, instance: RadiusInstance) -> Sequence[str]:
        """The theorem, and whether the paper's larger ball would not do."""
        found = [instance.theorem]
        if not instance.paper_certificate.constant < constant_limit(instance.theorem):
            found += ["the paper's ball does not certify", f"{instance.theorem}, the paper's ball does not certify"]
        return found


T1_RADIUS = SmallerBall().claim(
    "T1-radius",
    "T1, T1-q, T1-sharp, T0 and T0-sharp need Condition 2(C) only for ||theta - theta(0)|| <= f(C) ||r(0)||/sqrt(lambda), "
    "f = 2/(1-c), 1/(1-C), (1+c)/(1-c)^2, 2/(1-c), 2(1-c)/(1-3c+4c^2), c = C/3, instead of the paper's 3",
    Provenance.DERIVED,
    without_condition_1(LINEAR),
    mutant("straight-distance", "Condition 2 within ||r(0)||/sqrt(lambda)", factor=lambda C, theorem: 1.0),
    mutant(
        "half-radius",
        "Condition 2 within half of f(C)",
        "a ball of radius f(C)",
        factor=lambda C, theorem: path_factor(C, theorem) / 2,
    ),
    mutant(
        "below-lowest-slope",
        "Condition 2 within 0.9/(1-c) ||r(0)||/sqrt(lambda)",
        factor=lambda C, theorem: 0.9 / (1 - min(C, 1.0) / 3),
    ),
    mutant("C-quartered", "the conclusion uses C/4", "Condition 2(C)", assumed=lambda C: C / 4, farthest=FARTHEST),
    families=FAMILIES,
    formulas=Formulas(
        conclusion=(
            r"T1, T1-q, T1-sharp, T0 and T0-sharp need Condition 2($C$) only for $\norm{\theta-\theta(0)}\le f(C)\,\norm{r(0)}/\sqrt\lambda$, instead of 3 in the place of $f(C)$.",
        ),
        constants=(
            r"$c=\dfrac{C}{3}$",
            r"T1: $f=\dfrac{2}{1-c}$",
            r"T1-q: $f=\dfrac{1}{1-C}$",
            r"T1-sharp: $f=\dfrac{1+c}{(1-c)^2}$",
            r"T0: $f=\dfrac{2}{1-c}$",
            r"T0-sharp: $f=\dfrac{2(1-c)}{1-3c+4c^2}$",
        ),
    ),
    also=("Condition 1", "Condition 2(C)", "a ball of radius f(C)", STEP_SIZE),
    shown_elsewhere={STEP_SIZE: "T1/step-without-C"},
)

CLAIMS = (T1_RADIUS,)


def _slack(theorem: str, C: float) -> SlackRow:
    return SlackRow(
        "T1-radius",
        f"radius of Condition 2's ball for {theorem} in ||r(0)||/sqrt(lambda), C = {C}",
        ngd.condition_radius(1.0, 1.0) if theorem in ngd.THEOREMS else None,
        path_factor(C, theorem),
        INSIDE / (1 - C / 3),
        "F4-cliff",
        "a ball below 1/(1-c) does not contain the iterates of a map with slope (1-c) sqrt(lambda)",
    )


SLACK = tuple(_slack(theorem, C) for theorem, C in (("T1", 0.49), ("T1-q", 0.49), ("T1-sharp", 0.49), ("T0", 0.49)))
