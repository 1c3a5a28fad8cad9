"""T1 and its relatives on real data (family F5): a path certificate stands for Condition 2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from properties.attempts import Attempts
from properties.claim import Evaluation
from properties.claims import ngd as claims
from properties.claims import ngd_step
from properties.contribution import Contribution, Prediction, lower_digits, upper_digits
from properties.instances import NetworkInstance
from properties.rung import NGD_STEP_SIZE, RungContext
from properties.search import evaluate_instance
from properties.stable_names import stored_as
from theory.inputs import FloatArray
from theory.stability import BallAttack, PathCertificate, attack_ball
from theory.theorems import ngd

BELOW_LIMIT, ATTEMPTS = 0.9, 3
"""Step sizes are tried at this share of a theorem's limit, for the constant of a path, and smaller ones so many times."""

LARGEST_CONSTANT = 0.5
"""Condition 2 of the paper asks for C below this."""

NO_CONSTANT = 2.99
"""Stands for every larger C: beyond 1 no theorem applies, beyond 3 their formulas have no meaning."""


@dataclass(frozen=True)
class PathConditions:
    """Conditions 1 and 2 along a computed path, in the shape of a ball's certificate."""

    lambda_min: float
    radius: float
    constant: float
    where: str = " along the path of the run"
    """Where they are known to hold, in the wording of a hypothesis."""


@stored_as("data-run")
@dataclass(frozen=True)
class RealInstance(NetworkInstance):
    """A network on real data whose certificate holds along its own path only, for as many steps as the run has."""

    roundable: ClassVar[tuple[str, ...]] = ()
    """Nothing: the path's certificate holds for these numbers."""

    path: PathCertificate

    @property
    def certificate(self) -> PathConditions:
        """Conditions 1 and 2 on the segments of the run."""
        if not self.path.lambda_min > 0:
            return PathConditions(self.path.lambda_min, np.inf, np.inf)
        radius = ngd.condition_radius(float(self.path.residual_norms[0]), self.path.lambda_min)
        return PathConditions(self.path.lambda_min, radius, self.path.constant)


def natural_gradient(context: RungContext) -> Contribution:
    """Condition 2's constants over the ball and along NGD's path, and T1, its sharper forms and T1-step on the run.

    C belongs to the path, hence to the step size. So each theorem is checked on the run, where it applies, and at a step size
    that the constant of that step size's own path allows. Each part stands alone: where a path breaks off, the steps before
    are certified, and what cannot be computed says why.
    """
    eta, steps = NGD_STEP_SIZE, context.ngd_steps
    attempt = Attempts()
    ball = attempt("Condition 2 over the ball", lambda: context.ball)
    attack = attempt(
        "the attack on Condition 2",
        lambda: attack_ball(context.net, context.inputs, context.y, rng=context.generator("attack")),
    )
    path = attempt("C along NGD's path", lambda: context.path("ngd", eta, steps))
    results: list[tuple[str, Evaluation]] = []
    certified: Mapping[str, tuple[float, PathCertificate]] = {}
    if path is not None:
        certified = attempt("step sizes with a path of their own", lambda: certified_steps(context, path)) or {}
        results += attempt("T1-first, T1-q and T1-sharp on the run", lambda: _theorems(context, path)) or []
        results += attempt("T1, T1-q and T1-sharp", lambda: _at_certified_steps(context, certified)) or []
    stepwise = attempt("T1-step", lambda: _stepwise(context))
    results += [] if stepwise is None else [(ngd_step.T1_STEP.id, stepwise)]
    halving_error = attempt("NGD's run", lambda: _halving_error(context.run("ngd").residual_norms, eta))
    step_ratio = None if stepwise is None else stepwise.tightest.ratio if stepwise.tightest else 0.0
    on_paths = {theorem: found[0] if (found := certified.get(theorem)) else 0.0 for theorem in ngd.THEOREMS}
    limits = {"ball": step_limits(math.inf if ball is None else ball.constant), "path": on_paths}
    prediction = None if path is None else best_prediction(path, eta)
    end = None if path is None else context.path_end("ngd", eta, steps)
    if path is not None and end is not None:
        attempt.reasons[f"NGD's path after step {path.steps}"] = end
    return Contribution(
        topic="ngd",
        results=tuple(results),
        values={
            "radius": None if ball is None else ball.radius,
            "ball_constant": None if ball is None else ball.constant,
            "attack_constant": None if attack is None else attack.constant,
            "path_constant": None if path is None else path.constant,
            "path_steps": 0 if path is None else path.steps,
            "path_end": end,
            "step_limits": limits,
            "certified_steps": {theorem: own.steps for theorem, (_, own) in certified.items()},
            "halving_error": halving_error,
            "step_ratio": step_ratio,
            "prediction": None if prediction is None else asdict(prediction),
        },
        lines=(
            *(() if ball is None or attack is None else (condition_2_line(context, attack),)),
            *(() if ball is None else (_constants_line(context, limits["ball"], attack, path),)),
            *(() if path is None else (_own_paths_line(on_paths, certified, path, steps),)),
            *(() if halving_error is None else (_run_line(halving_error, step_ratio, stepwise, eta),)),
        ),
        predictions={} if prediction is None else {"ngd": prediction},
        unavailable=attempt.reasons,
    )


def _halving_error(norms: FloatArray, eta: float) -> float | None:
    """By how much a step's factor differs from ``1 - eta``, relatively; None without a step."""
    if len(norms) < 2 or not (norms[:-1] > 0).all():
        return None
    return float(np.abs(norms[1:] / norms[:-1] / (1 - eta) - 1).max())


def _constants_line(
    context: RungContext, allowed: Mapping[str, float], attack: BallAttack | None, path: PathCertificate | None
) -> str:
    attacked = "" if attack is None else f" (attack {lower_digits(attack.constant, 4)})"
    line = (
        f"NGD: C over the ball {upper_digits(context.ball.constant, 4)}{attacked}, which allows every eta up to "
        f"{_listed(allowed)}"
    )
    if path is None:
        return line
    along = f"{line}; along the path of eta = {NGD_STEP_SIZE:g} C is {upper_digits(path.constant, 4)}"
    end = context.path_end("ngd", NGD_STEP_SIZE, context.ngd_steps)
    return along if end is None else f"{along} on the {_steps(path.steps)} before it breaks off"


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _own_paths_line(
    on_paths: Mapping[str, float],
    certified: Mapping[str, tuple[float, PathCertificate]],
    path: PathCertificate,
    asked: int,
) -> str:
    """Step sizes with a path of their own, and which of these paths are shorter than the one asked for."""
    lengths = {theorem: own.steps for theorem, (_, own) in certified.items()} or {"": path.steps}
    longest = max(lengths.values())
    shorter = [f"{theorem}'s breaks off after {_steps(found)}" for theorem, found in lengths.items() if found < longest]
    broken = f" (they break off there, {asked} were asked for)" if longest < asked else ""
    return (
        f"step sizes certified on a path of their own, of {_steps(longest)}{broken}: {_listed(on_paths)} (0: none is)"
        + "".join(f"; {one}" for one in shorter)
    )


def _run_line(halving_error: float, step_ratio: float | None, stepwise: Evaluation | None, eta: float) -> str:
    line = (
        f"NGD at eta = {eta:g}: every step multiplies the residual by {1 - eta:g} to within {100 * halving_error:.2g}%"
    )
    if stepwise is None or step_ratio is None:
        return line
    if not stepwise.bounds:
        return f"{line}; T1-step was not checked, as no step's J is certified to have full row rank"
    return f"{line}; T1-step's ratio at most {step_ratio:.6g}"


def _listed(steps: Mapping[str, float]) -> str:
    """Step sizes by theorem, rounded down."""
    return ", ".join(f"{theorem} {lower_digits(step, 3)}" for theorem, step in steps.items())


def condition_2_line(context: RungContext, attack: BallAttack) -> str:
    """Whether Condition 2 holds as the paper asks for it, and what decides it."""
    if not context.lambda_min > 0:
        return f"{context.condition_1_text}, so that Condition 2 has no ball"
    where = f"Condition 2 over the ball of radius {context.radius:.4g} = 3 ||r(0)||/lambda^(1/2)"
    if context.ball.constant < LARGEST_CONSTANT:
        return f"{where}: holds, J changes by at most {upper_digits(context.ball.spectral, 3)} (certified)"
    if attack.constant < LARGEST_CONSTANT:
        return f"{where}: not decided, certificate {upper_digits(context.ball.constant, 4)}, attack {lower_digits(attack.constant, 4)}"
    before, after = (context.inputs @ weights.T >= 0 for weights in (context.net.weights, attack.weights))
    return (
        f"{where}: fails, as weights were found in it that flip {np.mean(before != after):.1%} of the activations and "
        f"change J by {lower_digits(attack.change, 3)}, {lower_digits(attack.constant / LARGEST_CONSTANT, 3)} times the most that is allowed"
    )


def _theorems(context: RungContext, path: PathCertificate) -> list[tuple[str, Evaluation]]:
    """T1-first, T1-q and T1-sharp on the run."""
    instance = RealInstance(context.net, context.inputs, context.y, NGD_STEP_SIZE, path.steps, path)
    description = context.description(NGD_STEP_SIZE, path.steps)
    return [
        (claim.id, evaluate_instance(claim, "F5", description, instance))
        for claim in (claims.T1_FIRST, claims.T1_Q, claims.T1_SHARP)
    ]


def certified_steps(context: RungContext, path: PathCertificate) -> dict[str, tuple[float, PathCertificate]]:
    """By theorem a step size whose own path has a constant that allows it, with that path; absent where none was found.

    The constant of ``path`` says where to begin: other step sizes pass through other patterns.
    """
    found = {}
    for theorem, limit in step_limits(path.constant).items():
        eta = BELOW_LIMIT * limit
        for _ in range(ATTEMPTS):
            if eta <= 0:
                break
            own = context.path("ngd", eta, context.ngd_steps)
            allowed = step_limits(own.constant)[theorem]
            if eta < allowed:
                found[theorem] = eta, own
                break
            eta = BELOW_LIMIT * allowed
    return found


def _at_certified_steps(
    context: RungContext, certified: Mapping[str, tuple[float, PathCertificate]]
) -> list[tuple[str, Evaluation]]:
    """T1, T1-q and T1-sharp at the step sizes certified for them."""
    checked = {claim.id: claim for claim in (claims.T1, claims.T1_Q, claims.T1_SHARP)}
    results = []
    for theorem, (eta, own) in certified.items():
        instance = RealInstance(context.net, context.inputs, context.y, eta, own.steps, own)
        description = context.description(eta, own.steps)
        results.append((theorem, evaluate_instance(checked[theorem], "F5", description, instance)))
    return results


def _stepwise(context: RungContext) -> Evaluation:
    """T1-step on the run."""
    run = NetworkInstance(context.net, context.inputs, context.y, NGD_STEP_SIZE, context.ngd_steps)
    instance = ngd_step.StepInstance(run, context.rung.parts)
    description = context.description(NGD_STEP_SIZE, context.ngd_steps)
    return evaluate_instance(ngd_step.T1_STEP, "F5", description, instance)


def step_limits(constant: float) -> dict[str, float]:
    """Largest step with ``||r(k)||^2 <= (1-eta)^k ||r(0)||^2`` by theorem; 0 where the theorem says nothing."""
    return {theorem: ngd.step_limit(min(constant, NO_CONSTANT), theorem) for theorem in ngd.THEOREMS}


def best_prediction(path: PathCertificate, eta: float) -> Prediction | None:
    """The fastest rate of the theorems that apply at this step size with the path's constant."""
    applying = [
        Prediction(theorem, ngd.rate(eta, path.constant, theorem), path.steps)
        for theorem in ngd.THEOREMS
        if ngd.validity_limit(min(path.constant, NO_CONSTANT), theorem) >= eta
    ]
    return min(applying, key=lambda prediction: prediction.factor, default=None)
