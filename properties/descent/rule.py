"""Rules: residual bounds under Conditions 1 and 2, one step at a time and over the whole run, and families that reach them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from flint import arb

from properties.descent import families as ngd_enclosed
from properties.descent import followed
from properties.descent.instances import DescentInstance
from properties.descent.strategies import (
    Dial,
    build_perturbed_affine,
    build_relu,
    build_smooth,
    build_spike,
    perturbed_affine_descriptions,
    relu_descriptions,
    smooth_descriptions,
    spike_descriptions,
)
from properties.engine.claim import (
    Bound,
    Claim,
    Depth,
    Family,
    Hypothesis,
    Mutant,
    Provenance,
    Verdict,
    at_most,
    at_most_enclosed,
    certified,
    certified_up_to,
)
from theory.rigour.rounding import gamma

Factor = Callable[[float, float], float]
"""``(eta, C)`` -> factor on ``||r||`` (not squared) of one step."""

Aim = Callable[[float, float, float, float], float]
"""``(eta, factor, before, after)`` -> how much of what the theorem allows a step uses: 1 is tight for every C."""


def excess(eta: float, factor: float, before: float, after: float) -> float:
    """The share of the allowed excess over the linear rate ``|1-eta|`` that a step uses."""
    linear = abs(1 - eta)
    allowed = factor - linear
    return (after / before - linear) / allowed if allowed > 0 else 0.0


@dataclass(frozen=True)
class Rule:
    """The numbers of one theorem, as stated or as a mutant states them."""

    dial: Dial
    factor: Factor
    radius: Callable[[float, float, float], float] | None
    steps: int | None = None
    """How many steps the theorem speaks of; None: all."""
    assumed_constant: Callable[[float], float] = float
    """The C that the conclusion uses, given the certified one: a mutant may pretend that it is smaller."""
    aim: Aim = excess
    """What the search maximises."""
    condition: str = "2"
    """The condition that C is about."""


def hypotheses(rule: Rule, instance: DescentInstance) -> Sequence[Hypothesis]:
    """Conditions 1 and 2 and the step size, each with its margin."""
    certificate = instance.certificate
    condition_1 = certified("Condition 1: certified lambda_min(G(0)) > 0", certificate.lambda_min)
    if condition_1.verdict is not Verdict.HOLDS:
        fails = instance.rank_deficient
        return [dataclasses.replace(condition_1, verdict=Verdict.REFUTED) if fails else condition_1]
    limit, where = rule.dial.constant_limit, getattr(certificate, "where", "")
    name = f"Condition {rule.condition}(C){where}: certified C below {limit:.4g}"
    stability = certified_up_to(name, limit, certificate.constant)
    if stability.verdict is not Verdict.HOLDS:
        return [condition_1, stability]
    return [condition_1, stability, *ngd_enclosed.step_size(rule.dial.step_limit, instance)]


def conclusion(rule: Rule, instance: DescentInstance) -> Sequence[Bound]:
    """One-step bounds from each stored iterate, the bound over the run, and the length of the path."""
    if ngd_enclosed.in_balls(instance):
        return ngd_enclosed.conclusion(rule, instance)
    steps = instance.run.steps[: rule.steps]
    constant = rule.assumed_constant(instance.certificate.constant)
    factor = rule.factor(instance.eta, constant)
    bounds = [
        at_most(
            _step_label(k),
            step.after,
            factor * step.before,
            step.rounding(factor),
            aim=rule.aim(instance.eta, factor, step.before, step.after),
        )
        for k, step in enumerate(steps)
    ]
    if rule.radius is None:
        return bounds
    accumulated = 0.0
    for step in steps:
        accumulated = factor * accumulated + step.rounding(factor)
    accumulated += gamma(4 * len(steps)) * steps[0].before
    bounds.append(
        at_most(_run_label(len(steps)), steps[-1].after, factor ** len(steps) * steps[0].before, accumulated, aim=0.0)
    )
    length = math.fsum(step.length for step in steps)
    error = math.fsum(step.length_error for step in steps) + gamma(4) * length
    allowed = rule.radius(constant, steps[0].before, instance.certificate.lambda_min)
    error += allowed * (gamma(16) + steps[0].before_error / steps[0].before)
    bounds.append(at_most(_LENGTH_LABEL, length, allowed, error, aim=0.0))
    return bounds


def confirm(rule: Rule, instance: DescentInstance, bits: int) -> Sequence[Bound]:
    """The bounds that float64 does not show to hold, again in balls at the working precision.

    C, eta and lambda are exact as given: the theorem holds for every C that Condition 2 is certified for.
    """
    if ngd_enclosed.in_balls(instance):
        return ngd_enclosed.confirm(rule, instance)
    del bits  # the working precision is set already
    found = []
    constant, eta = arb(rule.assumed_constant(instance.certificate.constant)), arb(instance.eta)
    steps = instance.run.steps[: rule.steps]
    factor = rule.factor(eta, constant)
    for k, bound in enumerate(conclusion(rule, instance)):
        if bound.verdict is Verdict.HOLDS:
            continue
        if k < len(steps):
            step = instance.enclosed_step(k)
            measured, predicted = step.after, factor * step.before
        else:
            trajectory = instance.enclosed_trajectory()[: len(steps)]
            if bound.label == _LENGTH_LABEL and rule.radius is not None:
                measured = sum((step.length for step in trajectory), arb(0))
                predicted = rule.radius(constant, trajectory[0].before, arb(instance.certificate.lambda_min))
            else:
                measured, predicted = trajectory[-1].after, factor ** len(steps) * trajectory[0].before
        found.append(at_most_enclosed(bound.label, measured, predicted))
    return found


def features(instance: DescentInstance) -> Sequence[str]:
    """What the table counts: the size of C, and flips on the trajectory."""
    constant, flips = instance.certificate.constant, instance.run.flips
    found = [f"C in [{math.floor(5 * constant) / 5:.1f}, {math.floor(5 * constant) / 5 + 0.2:.1f})"]
    if flips:
        found.append("flips")
    if constant >= 0.1:
        found.append("C >= 0.1")
        if flips:
            found.append("C >= 0.1 and flips")
    return found


def _step_label(k: int) -> str:
    return f"||r({k + 1})|| <= factor ||r({k})|| from the stored iterate {k}"


def _run_label(steps: int) -> str:
    return f"||r({steps})|| <= factor^{steps} ||r(0)|| over the run"


_LENGTH_LABEL = "length of the path from theta(0)"


# --- families --------------------------------------------------------------------------------------------------------


def examples(quick: int, normal: int, thorough: int) -> dict[Depth, int]:
    """How many descriptions are drawn at each depth."""
    return {Depth.QUICK: quick, Depth.NORMAL: normal, Depth.THOROUGH: thorough}


def perturbed_affine(dial: Dial) -> Family[DescentInstance]:
    """Family F3."""
    return Family(
        "F3",
        "perturbed affine maps",
        partial(perturbed_affine_descriptions, dial),
        partial(build_perturbed_affine, dial=dial),
        examples(40, 260, 3000),
    )


def spikes(dial: Dial) -> Family[DescentInstance]:
    """Family F4."""
    return Family(
        "F4", "spike maps", partial(spike_descriptions, dial), partial(build_spike, dial=dial), examples(25, 120, 1500)
    )


def _flipping(dial: Dial) -> Dial:
    """Large constants and steps."""
    return dataclasses.replace(dial, least_constant_tenth=6, most_constant_tenth=8, least_step_percent=50)


def relu_networks(dial: Dial) -> Family[DescentInstance]:
    """Family F1: large constants and steps, so that activations flip on the way."""
    return Family(
        "F1",
        "two-layer ReLU networks with a ball certificate",
        partial(relu_descriptions, _flipping(dial)),
        partial(build_relu, dial=dial),
        examples(12, 110, 800),
    )


def smooth_networks(dial: Dial) -> Family[DescentInstance]:
    """Family F2."""
    return Family(
        "F2",
        "two-layer smooth networks with C2-smooth",
        partial(smooth_descriptions, dial),
        partial(build_smooth, dial=dial),
        examples(15, 100, 1000),
    )


def networks_in_balls(dial: Dial, from_stored_weights: bool = True) -> tuple[Family[DescentInstance], ...]:
    """Followed in balls from the start: everything about them is enclosed."""
    relu, build = partial(relu_descriptions, _flipping(dial)), partial(build_relu, dial=dial)
    smooth = partial(smooth_descriptions, dial), partial(build_smooth, dial=dial)
    return (
        followed.small_networks(relu, build, followed.UP_TO_EIGHT_INPUTS, (10, 130, 1300)),
        followed.smooth_networks(*smooth, (4, 40, 400)),
        *((followed.wide_networks(relu, build, (3, 25, 250)),) if from_stored_weights else ()),
    )


def families(rule: Rule) -> tuple[Family[DescentInstance], ...]:
    """F3 first: a mutant is refuted by the cheapest family that can."""
    dial = rule.dial
    own = (perturbed_affine(dial), spikes(dial), relu_networks(dial), smooth_networks(dial))
    return (*own, *networks_in_balls(dial, from_stored_weights=rule.steps is None))


def descent_claim(id: str, statement: str, provenance: Provenance, rule: Rule) -> Claim[DescentInstance]:
    """A claim about residuals under a rule."""
    return Claim(
        id=id,
        statement=statement,
        provenance=provenance,
        source="Zhang, Martens, Grosse (2019), Theorem 1"
        if provenance is Provenance.PAPER
        else f"docs/theory.md, {id}",
        families=families(rule),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
        features=features,
    )


def mutated(
    claim: Claim[DescentInstance],
    id: str,
    description: str,
    rule: Rule,
    own: tuple[Family[DescentInstance], ...] | None = None,
) -> Mutant:
    """The claim under a false rule, on families of its own: spike maps first, as they are the worst case."""
    return claim.neighbour(
        id,
        description,
        families=own or (spikes(rule.dial), perturbed_affine(rule.dial)),
        hypotheses=partial(hypotheses, rule),
        conclusion=partial(conclusion, rule),
        confirm=partial(confirm, rule),
    )
