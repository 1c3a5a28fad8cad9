"""The tube on real data: what NGD and K-FAC do for every step size and every number of steps, where it closes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from properties.chapters.tube import ngd as claims
from properties.dataset.attempts import Attempts
from properties.dataset.contribution import Contribution, Prediction
from properties.dataset.rung import NGD_STEP_SIZE, REDUCTION, RungContext
from properties.dataset.tube_numbers import TubeNumbers
from properties.descent.instances import NetworkInstance
from properties.descent.rule import excess
from properties.engine.claim import Bound, Claim, Evaluation, Hypothesis, at_most, certified_up_to, within_rounding
from properties.engine.stable_names import stored_as
from theory.descent.optimiser import as_optimiser
from theory.direction import UNBOUNDED, UpperBound, as_upper_bound, digits
from theory.stability import TubeCertificate, certify_tube
from theory.theorems import ngd, tube

OPTIMISERS = ("ngd", "kfac")
"""Those that a tube is certified for."""

STEP: Mapping[str, str] = {"ngd": "eta", "kfac": "eta h_min"}
"""What of it a step takes off, h_min the least leverage score."""

LARGEST_STEP: Mapping[str, str] = {"ngd": "eta <= 1", "kfac": "eta <= 1/h_max"}
"""Up to which step size a tube serves, h_max the largest leverage score."""


@stored_as("data-tube-run")
@dataclass(frozen=True)
class TubeRun(NetworkInstance):
    """NGD's run on real data, with the ratio of a tube that it does not leave."""

    contraction: UpperBound = dataclasses.field(default=UNBOUNDED, kw_only=True)
    """mu, from above."""


def _hypotheses(instance: TubeRun) -> Sequence[Hypothesis]:
    return [certified_up_to("mu < 1: a tube closes with a certified mu below 1", 1.0, instance.contraction)]


def _conclusion(instance: TubeRun) -> Sequence[Bound]:
    """Each step from its stored iterate; an equality where mu is 0, as no activation may change then."""
    factor, found = float(tube.rate(instance.eta, instance.contraction)), []
    for k, step in enumerate(instance.run.steps):
        rounding, allowed = step.rounding(factor), factor * step.before
        said = f"||r({k + 1})|| {{}} (1 - eta(1-mu)) ||r({k})|| from the stored iterate {k}"
        if instance.contraction > 0:
            aim = excess(instance.eta, factor, step.before, step.after)
            found.append(at_most(said.format("<="), step.after, allowed, rounding, aim))
        else:
            found.append(within_rounding(said.format("="), step.after - allowed, rounding))
    return found


ON_A_RUN: Claim[TubeRun] = dataclasses.replace(
    claims.T1_TUBE, hypotheses=_hypotheses, conclusion=_conclusion, confirm=None, features=lambda _: ()
)
"""T1-tube, of the steps of a run in float64 whose tube is certified."""


def tubes(context: RungContext) -> Contribution:
    """The tubes of NGD and of K-FAC, of those that are asked about, and NGD's run in its own."""
    attempt = Attempts()
    found: dict[str, TubeCertificate] = {}
    for name in OPTIMISERS:
        if name not in context.optimisers:
            continue
        certificate = attempt(f"{as_optimiser(name).title}'s tube", partial(_certified, context, name))
        if certificate is not None:
            found[name] = certificate
    own = found.get("ngd")
    results: tuple[tuple[str, Evaluation], ...] = ()
    if own is not None and own.certified:
        evaluated = attempt("T1-tube on the run", lambda: _on_the_run(context, own))
        results = () if evaluated is None else ((claims.T1_TUBE.id, evaluated),)
    numbers = {name: TubeNumbers.of(one) for name, one in found.items()}
    return Contribution(
        topic="tube",
        results=results,
        values={name: one.to_json() for name, one in numbers.items()},
        predictions={} if own is None or not own.certified else {"ngd": _prediction(own)},
        lines=tuple(tube_line(context, name, one) for name, one in numbers.items()),
        unavailable=attempt.reasons,
    )


def _certified(context: RungContext, optimiser: str) -> TubeCertificate:
    return certify_tube(context.net, context.inputs, context.y, optimiser)


def _on_the_run(context: RungContext, own: TubeCertificate) -> Evaluation:
    steps = context.ngd_steps
    instance = TubeRun(context.net, context.inputs, context.y, NGD_STEP_SIZE, steps, contraction=own.contraction)
    return context.evaluated(ON_A_RUN, instance)


def _prediction(own: TubeCertificate) -> Prediction:
    """For as many steps as the reduction takes: the tube serves them all."""
    factor = as_upper_bound(tube.rate(NGD_STEP_SIZE, own.contraction), "T1-tube's factor")
    return Prediction(claims.T1_TUBE.id, factor, own.steps(ngd.iterations(factor, REDUCTION)))


def tube_line(context: RungContext, optimiser: str, found: TubeNumbers) -> str:
    """What the tube says of every step size and every k, or what is short."""
    title = as_optimiser(optimiser).title
    if found.progress is None:
        return f"{title} in the tube: not certified, as {found.shortfall}{_enough(context, found)}"
    rate = f"||r(k)|| <= (1 - {digits(found.progress, 3)} {STEP[optimiser]})^k ||r(0)||"
    return f"{title} in the tube: certified for every {LARGEST_STEP[optimiser]} and every k: {rate}"


def _enough(context: RungContext, found: TubeNumbers) -> str:
    said = found.enough(context.rung.width, context.rung.scale, context.rung.symmetric)
    return f"; it would be, estimated, {said}" if said else ""
