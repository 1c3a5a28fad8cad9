"""T1-line, T1-line-sharp: how far one NGD step in output space turns away from the straight line to the target."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.chapters.ngd.ngd import T1_SHARP_RULE
from properties.descent import cliff, rule
from properties.descent.families import family, perturbed_affine, relu_networks, smooth_networks
from properties.descent.instances import DescentInstance, MapInstance
from properties.descent.numbers import Numbers
from properties.descent.rule import Inequality, Number, Rule, Says
from properties.descent.singular import straight_line, without_condition_1
from properties.descent.strategies import Description, Dial, orthogonal_matrix, spike_descriptions
from properties.engine.claim import Family, Provenance
from properties.engine.formulas import Formulas
from properties.engine.rule import Families, mutant
from properties.engine.slack import SlackRow
from theory.direction import raised
from theory.maps.affine import spike_map
from theory.maps.ridge import turning_map
from theory.reals import square_root
from theory.rigour.enclosed_step import norm_enclosed
from theory.rigour.exact import AnyArray
from theory.rigour.rounding import gamma
from theory.theorems import ngd, ngd_line


def _across(step: AnyArray, residual: AnyArray) -> AnyArray:
    """The component of the output step across the straight line; the whole step when it points away from the target.

    Not a number for balls that do not decide which.
    """
    along = step @ residual
    if along < 0:
        return np.asarray(step - residual * (along / (residual @ residual)))
    return step if along >= 0 else step * float("nan")


def turn(sine: Number, deflection: Number | None = None) -> Says:
    """Deflection, unless nothing is said of it, and turn of a step: bounds of ``||E||`` and of the sine.

    Both residuals are off by ``before_error`` and ``after_error``, which turns the straight line by ``before_error/before``
    at most (to first order, doubled for the rest).
    """

    def says(_: Rule, at: Numbers, k: int, step: Any, iterate: str) -> Iterable[Inequality]:
        moved, n = step.moved_residual - step.residual, len(step.residual)
        length = euclidean(moved)

        def error() -> float:
            return float(step.before_error + step.after_error + gamma(n + 4) * (step.before + step.after))

        if deflection is not None:
            allowed = at.eta * deflection(at)
            yield Inequality(
                f"||u({k + 1}) - u({k}) + eta r({k})|| <= eta q ||r({k})|| from the {iterate} iterate {k}",
                euclidean(step.moved_residual - step.residual * (1 - at.eta)),
                allowed * step.before,
                lambda: 2 * error() * (1 + allowed),
            )
        yield Inequality(
            f"component of u({k + 1}) - u({k}) across the straight line, against its length times the largest sine",
            euclidean(_across(moved, step.residual)),
            sine(at) * length,
            lambda: 2 * error() + 4 * (step.before_error / step.before + gamma(n + 4)) * length,
        )

    return says


def euclidean(vector: AnyArray) -> Any:
    """The norm of floats or of balls."""
    return norm_enclosed(vector) if vector.dtype == object else float(np.linalg.norm(vector))


def features(instance: DescentInstance) -> Sequence[str]:
    """The size of C, and whether some step turns by more than 0.9 of T1-line's angle."""
    limit = ngd_line.line_sine(min(instance.certificate.constant, 1.0))
    for step in instance.run.steps:
        moved = step.moved_residual - step.residual
        if np.linalg.norm(_across(moved, step.residual)) > 0.9 * limit * np.linalg.norm(moved) > 0:
            return [*rule.features(instance), "turns by more than 0.9 q"]
    return rule.features(instance)


# --- families --------------------------------------------------------------------------------------------------------


def build_turning(description: Description, dial: Dial) -> MapInstance:
    """Two outputs, the second step turned by ``2 arcsin c``, rotated in output and parameter space."""
    rng = np.random.default_rng(description["seed"])
    constant, norm = dial.constant(description), float(rng.uniform(0.2, 1.0))
    eta = dial.step_size(description, constant * (1 + 2.0**-30))
    left, right = orthogonal_matrix(2, 2, rng), orthogonal_matrix(2, 2 + description["extra_parameters"], rng)
    model = turning_map(
        constant / 3, 2.0 ** int(rng.integers(-2, 3)), eta, norm, output_rotation=left, parameter_rotation=right
    )
    return MapInstance(model, -norm * left[:, 0], eta, 3)


def build_deflecting(description: Description, dial: Dial) -> MapInstance:
    """Spikes upside down: slope ``(1-c) sqrt(lambda)`` at the iterate, ``(1+c) sqrt(lambda)`` on the rest of the segment.

    A step of the size that T1-sharp allows can pass the target and come back over the spikes; 0.9/rho keeps short of it.
    """
    rng = np.random.default_rng(description["seed"])
    n, constant = description["directions"], dial.constant(description)
    above = constant * (1 + 2.0**-30)
    eta = min(dial.step_size(description, above), 0.9 / ngd.contraction_ratio(above))
    left, right = orthogonal_matrix(n, n, rng), orthogonal_matrix(n, n + description["extra_parameters"], rng)
    weights = np.asarray(rng.uniform(0.2, 1.0, size=n))
    model = spike_map(-constant / 3, np.ones(n), eta, 2, weights, output_rotation=left, parameter_rotation=right)
    return MapInstance(model, -(left @ weights), eta, 2)


def turning(rule: Rule) -> Family[Any]:
    """The tightest family for the angle."""
    draw = partial(Dial.descriptions, extra_parameters=st.integers(0, 2))
    return family(rule, "F4-turn", "ridge maps that turn the second step", draw, build_turning, (25, 120, 1200))


def deflecting(rule: Rule) -> Family[Any]:
    """The tightest family for the deflection."""
    return family(rule, "F4-spike", "spike maps upside down", spike_descriptions, build_deflecting, (15, 80, 800))


def families(rule: Rule) -> Families:
    """F4 first: a mutant is refuted by the cheapest family that can."""
    return (
        *worst(rule),
        perturbed_affine(rule, (20, 100, 1000)),
        relu_networks(rule, (5, 30, 300)),
        smooth_networks(rule, (10, 50, 500)),
    )


def worst(rule: Rule) -> Families:
    """Maps that are made to turn and to deflect."""
    return turning(rule), deflecting(rule)


# --- the claims ------------------------------------------------------------------------------------------------------


def first_sine(at: Numbers) -> Any:
    """Sine of ``arcsin c``: the turn of a first step."""
    return at.C / 3


def deficit(at: Numbers) -> Any:
    """q."""
    return ngd.deficit(at.C)


def line_sine(at: Numbers) -> Any:
    """T1-line's sine."""
    return ngd_line.line_sine(at.C)


T1_LINE_RULE = dataclasses.replace(
    T1_SHARP_RULE, families=families, worst=worst, radius=None, says=turn(line_sine, deficit), features=features
)
"""Conditions 1 and 2 and T1-sharp's step size, which keep the run inside the ball."""

T1_LINE_SHARP_RULE = dataclasses.replace(T1_LINE_RULE, says=turn(lambda at: ngd_line.line_sine(at.C, "T1-line-sharp")))

LEAVING = mutant(
    "step-limit-dropped",
    "eta up to 6: the first segment leaves the ball",
    drops="step size within its limit",
    **cliff.BEYOND_THE_BALL,
)
"""The hypothesis that keeps the segment inside the ball, dropped: steps of 4.4 to 6 pass a cliff beyond the ball."""

T1_LINE = T1_LINE_RULE.claim(
    "T1-line",
    "Conditions 1, 2(C) with C < 1 and 0 < eta <= rho(2-rho): each step moves the outputs by -eta (I + E) r, ||E|| <= q = 2C/(3-C), "
    "so the angle between the output step and the straight line to the target is at most arcsin q",
    Provenance.DERIVED,
    without_condition_1(straight_line),
    LEAVING,
    mutant(
        "first-step-deflection",
        "||E|| <= c, as if every step started at theta(0)",
        says=turn(line_sine, first_sine),
    ),
    mutant(
        "deflection-without-denominator",
        "||E|| <= 2c: the slope at the iterate is taken for the one at theta(0)",
        says=turn(line_sine, lambda at: 2 * at.C / 3),
    ),
    mutant("angle-of-one-turn", "the angle is at most arcsin c", says=turn(first_sine, deficit)),
    mutant(
        "condition-2-dropped",
        "the angle of C/4 for maps that move up to C = 2.9",
        drops="Condition 2(C)",
        assumed_constant=lambda C: C / 4,
        constant_limit=2.9,
        step_limit=lambda at: 0.5,
        least_constant_tenth=5,
    ),
    formulas=Formulas(
        hypotheses=("Conditions 1 and 2($C$)", "$C<1$", r"$0<\eta\le\rho(2-\rho)$"),
        conclusion=(
            r"Each step moves the outputs by $-\eta(I+E)\,r$ with $\norm{E}\le q$.",
            r"So the angle between the output step and the straight line to the target is at most $\arcsin\,q$.",
        ),
        constants=(r"$q=\dfrac{2C}{3-C}$", r"$\rho=\dfrac{3+C}{3-C}$"),
    ),
)
T1_LINE_SHARP = T1_LINE_SHARP_RULE.claim(
    "T1-line-sharp",
    "Conditions 1, 2(C) with C < 1 and 0 < eta <= rho(2-rho): the angle between the output step and the straight line to the "
    "target is at most 2 arcsin(c/sqrt(1-3c^2)), c = C/3",
    Provenance.DERIVED,
    without_condition_1(straight_line),
    LEAVING,
    mutant(
        "one-turn-only",
        "the angle is at most arcsin(c/sqrt(1-3c^2))",
        says=turn(lambda at: (at.C / 3) / square_root(1 - at.C * at.C / 3)),
    ),
    mutant(
        "C-at-nine-tenths",
        "the angle of 0.9 C",
        drops="Condition 2(C)",
        says=turn(lambda at: ngd_line.line_sine(0.9 * at.C, "T1-line-sharp")),
    ),
    formulas=Formulas(
        hypotheses=("Conditions 1 and 2($C$)", "$C<1$", r"$0<\eta\le\rho(2-\rho)$"),
        conclusion=(
            r"The angle between the output step and the straight line to the target is at most $2\arcsin\left(\dfrac{c}{\sqrt{1-3c^2}}\right)$.",
        ),
        constants=(r"$c=\dfrac{C}{3}$", r"$\rho=\dfrac{3+C}{3-C}$"),
    ),
)

CLAIMS = (T1_LINE, T1_LINE_SHARP)


def _slack(C: float) -> SlackRow:
    sharp = 2 * math.asin(C / 3 / math.sqrt(1 - C * C / 3))
    return SlackRow(
        "T1-line",
        f"largest angle of an output step to the straight line in degrees, C = {C}",
        None,
        math.degrees(min(math.asin(ngd_line.line_sine(C)), sharp)),
        math.degrees(2 * math.asin(C / 3)),
        "F4-turn",
        f"arcsin q is {raised(math.degrees(math.asin(ngd_line.line_sine(C))), 4)} degrees; the other is T1-line-sharp's",
    )


SLACK = tuple(_slack(C) for C in (0.1, 0.49, 0.9))
