"""T1 and its relatives on real data (family F5): a path certificate stands for Condition 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import numpy as np

from properties.chapters.ngd import ngd as claims
from properties.chapters.ngd import ngd_step
from properties.dataset.attempts import Attempts
from properties.dataset.contribution import Contribution, Prediction
from properties.dataset.natural_gradient_numbers import Limits, NaturalGradientNumbers
from properties.dataset.rung import NGD_STEP_SIZE, RungContext
from properties.descent.instances import NetworkInstance
from properties.engine.claim import Evaluation, Verdict
from properties.engine.decision import below
from properties.engine.report.plain import counted
from properties.engine.search import evaluate_instance
from properties.engine.stable_names import stored_as
from theory.direction import (
    NO_STEPS,
    NONNEGATIVE,
    UNBOUNDED,
    Directed,
    LowerBound,
    UpperBound,
    as_lower_bound,
    as_upper_bound,
    digits,
    evidence,
    not_above,
    raised,
)
from theory.inputs import FloatArray
from theory.network.gram import exact_pattern
from theory.stability import BallAttack, BallCertificate, PathCertificate, attack_ball
from theory.theorems import ngd

BELOW_LIMIT, ATTEMPTS = 0.9, 3
"""Step sizes are tried at this share of a theorem's limit, for the constant of a path, and smaller ones so many times."""

LARGEST_CONSTANT = 0.5
"""Condition 2 of the paper asks for C below this."""

NO_THEOREM = 1.0
"""From this C on no theorem on NGD or K-FAC applies; beyond 3 their formulas have no meaning."""


@dataclass(frozen=True)
class PathConditions(Directed):
    """Conditions 1 and 2 along a computed path, in the shape of a ball's certificate."""

    lambda_min: LowerBound
    radius: float
    constant: UpperBound
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
            return PathConditions(self.path.lambda_min, np.inf, UNBOUNDED)
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
    certified: Mapping[str, tuple[LowerBound, PathCertificate]] = {}
    if path is not None:
        certified = attempt("step sizes with a path of their own", lambda: certified_steps(context, path)) or {}
        results += attempt("T1-first, T1-q and T1-sharp on the run", lambda: _theorems(context, path)) or []
        results += attempt("T1, T1-q and T1-sharp", lambda: _at_certified_steps(context, certified)) or []
    stepwise = attempt("T1-step", lambda: _stepwise(context))
    results += [] if stepwise is None else [(ngd_step.T1_STEP.id, stepwise)]
    halving_error = attempt("NGD's run", lambda: _halving_error(context.run("ngd").residual_norms, eta))
    step_ratio = None if stepwise is None else ngd_step.largest_ratio(stepwise.bounds)
    on_paths = {theorem: found[0] if (found := certified.get(theorem)) else NONNEGATIVE for theorem in ngd.THEOREMS}
    in_ball = step_limits(UNBOUNDED if ball is None else ball.constant)
    prediction = None if path is None else best_prediction(path, eta)
    end = None if path is None else context.path_end("ngd", eta, steps)
    if path is not None and end is not None:
        attempt.reasons[f"NGD's path after step {path.steps}"] = end
    return Contribution(
        topic="ngd",
        results=tuple(results),
        values={
            **_numbers(context, ball, attack, path, end, in_ball, on_paths, certified).to_json(),
            "halving_error": halving_error,
            "step_ratio": step_ratio,
            "prediction": None if prediction is None else asdict(prediction),
        },
        lines=(
            *(() if ball is None or attack is None else (condition_2_line(context, attack),)),
            *(() if ball is None else (_constants_line(context, in_ball, attack, path),)),
            *(() if path is None else (_own_paths_line(on_paths, certified, path, steps),)),
            *(() if halving_error is None else (_run_line(halving_error, step_ratio, stepwise, eta),)),
        ),
        predictions={} if prediction is None else {"ngd": prediction},
        unavailable=attempt.reasons,
    )


def _numbers(
    context: RungContext,
    ball: BallCertificate | None,
    attack: BallAttack | None,
    path: PathCertificate | None,
    end: str | None,
    in_ball: Limits,
    on_paths: Limits,
    certified: Mapping[str, tuple[LowerBound, PathCertificate]],
) -> NaturalGradientNumbers:
    return NaturalGradientNumbers(
        radius=None if ball is None else context.radius,
        ball_constant=None if ball is None else ball.constant,
        attack_constant=None if attack is None else attack.constant,
        path_constant=None if path is None else path.constant,
        path_steps=NO_STEPS if path is None else path.steps,
        path_end=end,
        ball_limits=in_ball,
        path_limits=on_paths,
        certified_steps={theorem: own.steps for theorem, (_, own) in certified.items()},
    )


def _halving_error(norms: FloatArray, eta: float) -> float | None:
    """By how much a step's factor differs from ``1 - eta``, relatively; None without a step."""
    if len(norms) < 2 or not (norms[:-1] > 0).all():
        return None
    return float(np.abs(norms[1:] / norms[:-1] / (1 - eta) - 1).max())


def _constants_line(
    context: RungContext, allowed: Limits, attack: BallAttack | None, path: PathCertificate | None
) -> str:
    attacked = "" if attack is None else f" (attack {digits(attack.constant, 4)})"
    line = (
        f"NGD: C over the ball <= {digits(context.ball.constant, 4)}{attacked}, which allows every eta up to "
        f"{_listed(allowed)}"
    )
    if path is None:
        return line
    along = f"{line}; along the path of eta = {NGD_STEP_SIZE:g} C <= {digits(path.constant, 4)}"
    end = context.path_end("ngd", NGD_STEP_SIZE, context.ngd_steps)
    return along if end is None else f"{along} on the {counted(path.steps, 'step')} before it breaks off"


def _own_paths_line(
    on_paths: Limits,
    certified: Mapping[str, tuple[LowerBound, PathCertificate]],
    path: PathCertificate,
    asked: int,
) -> str:
    """Step sizes with a path of their own, and which of these paths are shorter than the one asked for."""
    lengths = {theorem: own.steps for theorem, (_, own) in certified.items()} or {"": path.steps}
    longest = max(lengths.values())
    shorter = [
        f"{theorem}'s breaks off after {counted(found, 'step')}"
        for theorem, found in lengths.items()
        if found < longest
    ]
    broken = f" (they break off there, {asked} were asked for)" if longest < asked else ""
    return (
        f"step sizes {evidence(max(on_paths.values()))} on a path of their own, of {counted(longest, 'step')}{broken}: "
        f"{_listed(on_paths)} (0: none is)" + "".join(f"; {one}" for one in shorter)
    )


def _run_line(halving_error: float, step_ratio: float | None, stepwise: Evaluation | None, eta: float) -> str:
    line = f"NGD at eta = {eta:g}: every step multiplies the residual by {1 - eta:g} to within {raised(100 * halving_error, 2)}%"
    if stepwise is None:
        return line
    if not stepwise.bounds:
        return f"{line}; T1-step was not checked, as no step's J is certified to have full row rank"
    if step_ratio is None:
        return f"{line}; J does not change, where T1-step is an equality"
    return f"{line}; T1-step's ratio at most {raised(step_ratio, 6)}"


def _listed(steps: Limits) -> str:
    """Step sizes by theorem, rounded down."""
    return ", ".join(f"{theorem} {digits(step, 3)}" for theorem, step in steps.items())


def condition_2_line(context: RungContext, attack: BallAttack) -> str:
    """Whether Condition 2 holds as the paper asks for it, and what decides it."""
    if not context.lambda_min > 0:
        return f"{context.condition_1_text}, so that Condition 2 has no ball"
    where = f"Condition 2 over the ball of radius {digits(context.radius, 4)} >= 3 ||r(0)||/lambda^(1/2)"
    most, found = context.ball.constant, attack.constant
    match below(LARGEST_CONSTANT, most, found):
        case Verdict.HOLDS:
            changes = context.ball.changes.best
            return f"{where}: holds, J changes by at most {digits(changes, 3)} ({evidence(changes)})"
        case Verdict.UNDECIDED:
            return f"{where}: not decided, certificate {digits(most, 4)}, attack {digits(found, 4)}"
    as_lower_bound(attack.radius, "the radius of the ball attacked")
    before, after = (
        exact_pattern(net, context.inputs) for net in (context.net, replace(context.net, weights=attack.weights))
    )
    return (
        f"{where}: fails, as weights were found in it that flip {np.mean(before != after):.1%} of the activations and "
        f"change J by {digits(attack.change, 3)}: C is at least {digits(found, 3)}, {LARGEST_CONSTANT:g} is the most that is allowed"
    )


def _theorems(context: RungContext, path: PathCertificate) -> list[tuple[str, Evaluation]]:
    """T1-first, T1-q and T1-sharp on the run."""
    instance = RealInstance(context.net, context.inputs, context.y, NGD_STEP_SIZE, path.steps, path)
    return [(claim.id, context.evaluated(claim, instance)) for claim in (claims.T1_FIRST, claims.T1_Q, claims.T1_SHARP)]


def certified_steps(context: RungContext, path: PathCertificate) -> dict[str, tuple[LowerBound, PathCertificate]]:
    """By theorem a step size whose own path has a constant that allows it, with that path; absent where none was found.

    The constant of ``path`` says where to begin: other step sizes pass through other patterns.
    """
    found = {}
    for theorem, limit in step_limits(path.constant).items():
        eta = BELOW_LIMIT * limit
        for _ in range(ATTEMPTS):
            if eta <= 0:
                break
            own = context.path("ngd", eta, context.ngd_steps, bounded=True)
            allowed = step_limits(own.constant)[theorem]
            if (admitted := not_above(eta, allowed)) is not None:
                found[theorem] = admitted, own
                break
            eta = BELOW_LIMIT * allowed
    return found


def _at_certified_steps(
    context: RungContext, certified: Mapping[str, tuple[LowerBound, PathCertificate]]
) -> list[tuple[str, Evaluation]]:
    """T1, T1-q and T1-sharp at the step sizes certified for them."""
    checked = {claim.id: claim for claim in (claims.T1, claims.T1_Q, claims.T1_SHARP)}
    results = []
    for theorem, (eta, own) in certified.items():
        instance = RealInstance(context.net, context.inputs, context.y, eta, own.steps, own)
        results.append((theorem, context.evaluated(checked[theorem], instance)))
    return results


def _stepwise(context: RungContext) -> Evaluation:
    """T1-step on the run."""
    description = context.description(NGD_STEP_SIZE, context.ngd_steps)
    return evaluate_instance(ngd_step.T1_STEP, "F5", description, context.ngd_run)


def step_limits(constant: UpperBound) -> dict[str, LowerBound]:
    """Largest step with ``||r(k)||^2 <= (1-eta)^k ||r(0)||^2`` by theorem; 0 where the theorem says nothing."""
    if not as_upper_bound(constant, "C") < NO_THEOREM:
        return dict.fromkeys(ngd.THEOREMS, NONNEGATIVE)
    return {
        theorem: as_lower_bound(ngd.step_limit(constant, theorem), f"{theorem}'s step limit")
        for theorem in ngd.THEOREMS
    }


def best_prediction(path: PathCertificate, eta: float) -> Prediction | None:
    """The fastest rate of the theorems that apply at this step size with the path's constant."""
    constant = as_upper_bound(path.constant, "C along the path")
    if not constant < NO_THEOREM:
        return None
    applying = [
        Prediction(theorem, as_upper_bound(ngd.rate(eta, constant, theorem), f"{theorem}'s factor"), path.steps)
        for theorem in ngd.THEOREMS
        if ngd.validity_limit(constant, theorem) >= eta
    ]
    return min(applying, key=lambda prediction: prediction.factor, default=None)
