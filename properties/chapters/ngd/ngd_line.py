"""T1-line, T1-line-sharp: how far one NGD step in output space turns away from the straight line to the target."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from flint import arb
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.ngd.ngd import T1_SHARP_RULE
from properties.descent import cliff as ngd_cliff
from properties.descent import rule as residuals
from properties.descent import singular as ngd_singular
from properties.descent.instances import DescentInstance, MapInstance
from properties.descent.rule import examples, perturbed_affine, relu_networks, smooth_networks
from properties.descent.strategies import Description, Dial, orthogonal_matrix, spike_descriptions
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
)
from properties.engine.slack import SlackRow
from theory.maps.affine import spike_map
from theory.maps.ridge import turning_map
from theory.reals import square_root
from theory.rigour.enclosed_step import norm_enclosed
from theory.rigour.exact import AnyArray
from theory.rigour.rounding import gamma
from theory.theorems import ngd, ngd_line

Number = Callable[[float], float]


@dataclass(frozen=True)
class LineRule:
    """The numbers of the claim, as stated or as a mutant states them."""

    sine: Number
    """C -> bound of the sine of the angle between the output step and the straight line."""
    deflection: Number | None = None
    """C -> bound of ||E||, ``u(k+1) - u(k) = -eta (I + E) r(k)``; None: no such bound."""
    dial: Dial = T1_SHARP_RULE.dial


def hypotheses(rule: LineRule, instance: DescentInstance) -> Sequence[Hypothesis]:
    """Conditions 1 and 2 and T1-sharp's step size, which keep the run inside the ball."""
    return residuals.hypotheses(dataclasses.replace(T1_SHARP_RULE, dial=rule.dial), instance)


def _across(step: AnyArray, residual: AnyArray) -> AnyArray:
    """The component of the output step across the straight line; the whole step when it points away from the target.

    Not a number for balls that do not decide which.
    """
    along = step @ residual
    if along < 0:
        return np.asarray(step - residual * (along / (residual @ residual)))
    return step if along >= 0 else step * float("nan")


def conclusion(rule: LineRule, instance: DescentInstance) -> Sequence[Bound]:
    """Deflection and turn of the exact step from each stored iterate.

    Both residuals are off by ``before_error`` and ``after_error``, which turns the straight line by ``before_error/before``
    at most (to first order, doubled for the rest).
    """
    eta, bounds = instance.eta, []
    for k, step in enumerate(instance.run.steps):
        moved = step.moved_residual - step.residual
        length, n = float(np.linalg.norm(moved)), len(moved)
        error = step.before_error + step.after_error + gamma(n + 4) * (step.before + step.after)
        if rule.deflection is not None:
            deflection = float(np.linalg.norm(step.moved_residual - (1 - eta) * step.residual))
            allowed = eta * rule.deflection(instance.certificate.constant)
            bounds.append(at_most(_deflection(k), deflection, allowed * step.before, 2 * error * (1 + allowed)))
        sine = rule.sine(instance.certificate.constant)
        across = float(np.linalg.norm(_across(moved, step.residual)))
        turned = 4 * (step.before_error / step.before + gamma(n + 4)) * length
        bounds.append(at_most(_turn(k), across, sine * length, 2 * error + turned))
    return bounds


def confirm(rule: LineRule, instance: DescentInstance, bits: int) -> Sequence[Bound]:
    """The bounds that float64 does not show to hold, again in balls at the working precision."""
    del bits
    constant, eta, found = arb(instance.certificate.constant), arb(instance.eta), []
    open_labels = {bound.label for bound in conclusion(rule, instance) if bound.verdict is not Verdict.HOLDS}
    for k in range(len(instance.run.steps)):
        if not {_deflection(k), _turn(k)} & open_labels:
            continue
        step = instance.enclosed_step(k)
        moved = step.moved_residual - step.residual
        if rule.deflection is not None:
            deflection = norm_enclosed(step.moved_residual - step.residual * (1 - eta))
            found.append(at_most_enclosed(_deflection(k), deflection, eta * rule.deflection(constant) * step.before))
        across = norm_enclosed(_across(moved, step.residual))
        found.append(at_most_enclosed(_turn(k), across, rule.sine(constant) * norm_enclosed(moved)))
    return found


def _deflection(k: int) -> str:
    return f"||u({k + 1}) - u({k}) + eta r({k})|| <= eta q ||r({k})|| from the stored iterate {k}"


def _turn(k: int) -> str:
    return f"component of u({k + 1}) - u({k}) across the straight line, against its length times the largest sine"


def features(instance: DescentInstance) -> Sequence[str]:
    """The size of C, and whether some step turns by more than 0.9 of T1-line's angle."""
    limit = ngd_line.line_sine(min(instance.certificate.constant, 1.0))
    for step in instance.run.steps:
        moved = step.moved_residual - step.residual
        if np.linalg.norm(_across(moved, step.residual)) > 0.9 * limit * np.linalg.norm(moved) > 0:
            return [*residuals.features(instance), "turns by more than 0.9 q"]
    return residuals.features(instance)


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


def _turning_descriptions(dial: Dial) -> SearchStrategy[Description]:
    return dial.descriptions(extra_parameters=st.integers(0, 2))


def turning(dial: Dial) -> Family[DescentInstance]:
    """The tightest family for the angle."""
    return Family(
        "F4-turn",
        "ridge maps that turn the second step",
        partial(_turning_descriptions, dial),
        partial(build_turning, dial=dial),
        examples(25, 120, 1200),
    )


def deflecting(dial: Dial) -> Family[DescentInstance]:
    """The tightest family for the deflection."""
    return Family(
        "F4-spike",
        "spike maps upside down",
        partial(spike_descriptions, dial),
        partial(build_deflecting, dial=dial),
        examples(15, 80, 800),
    )


def _fewer(family: Family[DescentInstance], quick: int, normal: int, thorough: int) -> Family[DescentInstance]:
    return dataclasses.replace(family, examples=examples(quick, normal, thorough))


def families(dial: Dial) -> tuple[Family[DescentInstance], ...]:
    """F4 first: a mutant is refuted by the cheapest family that can."""
    return (
        turning(dial),
        deflecting(dial),
        _fewer(perturbed_affine(dial), 20, 100, 1000),
        _fewer(relu_networks(dial), 5, 30, 300),
        _fewer(smooth_networks(dial), 10, 50, 500),
    )


# --- the claims ------------------------------------------------------------------------------------------------------

T1_LINE_RULE = LineRule(ngd_line.line_sine, deflection=ngd.deficit)
T1_LINE_SHARP_RULE = LineRule(partial(ngd_line.line_sine, theorem="T1-line-sharp"))


def _claim(id: str, statement: str, rule: LineRule) -> Claim[DescentInstance]:
    return Claim(
        id=id,
        statement=statement,
        provenance=Provenance.DERIVED,
        source=f"docs/theory.md, {id}",
        families=families(rule.dial),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
        features=features,
    )


_T1_LINE = _claim(
    "T1-line",
    "Conditions 1, 2(C) with C < 1 and 0 < eta <= rho(2-rho): each step moves the outputs by -eta (I + E) r, ||E|| <= q = 2C/(3-C), "
    "so the angle between the output step and the straight line to the target is at most arcsin q",
    T1_LINE_RULE,
)
_T1_LINE_SHARP = _claim(
    "T1-line-sharp",
    "Conditions 1, 2(C) with C < 1 and 0 < eta <= rho(2-rho): the angle between the output step and the straight line to the "
    "target is at most 2 arcsin(c/sqrt(1-3c^2)), c = C/3",
    T1_LINE_SHARP_RULE,
)


def _mutant(claim: Claim[DescentInstance], id: str, description: str, rule: LineRule) -> Mutant:
    return claim.neighbour(
        id,
        description,
        families=(turning(rule.dial), deflecting(rule.dial)),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
        features=lambda _: (),
    )


def _leaving(claim: Claim[DescentInstance], rule: LineRule) -> Mutant:
    """The hypothesis that keeps the segment inside the ball, dropped: steps of 4.4 to 6 pass a cliff beyond the ball."""
    dial = ngd_cliff.beyond_the_ball()
    changed = dataclasses.replace(rule, dial=dial)
    return claim.neighbour(
        "step-limit-dropped",
        "eta up to 6: the first segment leaves the ball",
        families=(ngd_cliff.family(dial),),
        hypotheses=partial(hypotheses, changed),
        conclusion=partial(conclusion, changed),
        confirm=partial(confirm, changed),
        features=lambda _: (),
    )


def _straight_sine(C: float) -> float:
    """Sine of ``arcsin c``: the turn of a first step."""
    return C / 3


_MOVING = dataclasses.replace(T1_SHARP_RULE.dial, constant_limit=2.9, least_constant_tenth=5, step_limit=lambda C: 0.5)

T1_LINE = _T1_LINE.with_mutants(
    ngd_singular.without_condition_1(_T1_LINE, ngd_singular.straight_line),
    _leaving(_T1_LINE, T1_LINE_RULE),
    _mutant(
        _T1_LINE,
        "first-step-deflection",
        "||E|| <= c, as if every step started at theta(0)",
        dataclasses.replace(T1_LINE_RULE, deflection=_straight_sine),
    ),
    _mutant(
        _T1_LINE,
        "deflection-without-denominator",
        "||E|| <= 2c: the slope at the iterate is taken for the one at theta(0)",
        dataclasses.replace(T1_LINE_RULE, deflection=lambda C: 2 * C / 3),
    ),
    _mutant(
        _T1_LINE,
        "angle-of-one-turn",
        "the angle is at most arcsin c",
        dataclasses.replace(T1_LINE_RULE, sine=_straight_sine),
    ),
    _mutant(
        _T1_LINE,
        "condition-2-dropped",
        "the angle of C/4 for maps that move up to C = 2.9",
        LineRule(
            lambda C: ngd_line.line_sine(C / 4),
            deflection=lambda C: ngd.deficit(C / 4),
            dial=_MOVING,
        ),
    ),
)
T1_LINE_SHARP = _T1_LINE_SHARP.with_mutants(
    ngd_singular.without_condition_1(_T1_LINE_SHARP, ngd_singular.straight_line),
    _leaving(_T1_LINE_SHARP, T1_LINE_SHARP_RULE),
    _mutant(
        _T1_LINE_SHARP,
        "one-turn-only",
        "the angle is at most arcsin(c/sqrt(1-3c^2))",
        LineRule(lambda C: (C / 3) / square_root(1 - C * C / 3)),
    ),
    _mutant(
        _T1_LINE_SHARP,
        "C-at-nine-tenths",
        "the angle of 0.9 C",
        LineRule(lambda C: ngd_line.line_sine(0.9 * C, "T1-line-sharp")),
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
        f"arcsin q is {math.degrees(math.asin(ngd_line.line_sine(C))):.2f} degrees; the other is T1-line-sharp's",
    )


SLACK = tuple(_slack(C) for C in (0.1, 0.49, 0.9))
