"""T1 and its relatives on real data (family F5): a path certificate stands for Condition 2."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from properties.claim import Evaluation
from properties.claims import ngd as claims
from properties.claims import ngd_step
from properties.contribution import Contribution, Prediction
from properties.instances import NetworkInstance
from properties.rung import NGD_STEP_SIZE, RungContext
from properties.search import evaluate_instance
from theory.stability import BallAttack, PathCertificate, attack_ball
from theory.theorems import ngd

BELOW_LIMIT = 0.9
"""T1 is checked at this share of its own step limit."""

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

    T1-q and T1-sharp are checked on the run itself; T1 at its own step limit, on a path certified anew.
    """
    eta, steps = NGD_STEP_SIZE, context.ngd_steps
    path = context.path("ngd", eta, steps)
    attack = attack_ball(context.net, context.inputs, context.y, rng=context.generator("attack"))
    results = [*_theorems(context, path), *_theorem_1(context, path)]
    stepwise = _stepwise(context)
    norms = context.run("ngd").residual_norms
    halving_error = float(np.abs(norms[1:] / norms[:-1] / (1 - eta) - 1).max())
    step_ratio = stepwise.tightest.ratio if stepwise.tightest else 0.0
    limits = {"ball": step_limits(context.ball.constant), "path": step_limits(path.constant)}
    prediction = best_prediction(path, eta)
    on_path = ", ".join(f"{theorem} {limit:.3f}" for theorem, limit in limits["path"].items())
    return Contribution(
        topic="ngd",
        results=(*results, (ngd_step.T1_STEP.id, stepwise)),
        values={
            "radius": context.radius,
            "ball_constant": context.ball.constant,
            "attack_constant": attack.constant,
            "path_constant": path.constant,
            "path_steps": path.steps,
            "step_limits": limits,
            "halving_error": halving_error,
            "step_ratio": step_ratio,
            "prediction": None if prediction is None else asdict(prediction),
        },
        lines=(
            condition_2_line(context, attack),
            (
                f"NGD: C over the ball {context.ball.constant:.4g} (attack {attack.constant:.4g}), along the path "
                f"{path.constant:.4g}, which allows eta up to {on_path}"
            ),
            (
                f"NGD at eta = {eta:g}: every step multiplies the residual by {1 - eta:g} to within "
                f"{100 * halving_error:.2g}%; T1-step's ratio at most {step_ratio:.6g}"
            ),
        ),
        predictions={} if prediction is None else {"ngd": prediction},
    )


def condition_2_line(context: RungContext, attack: BallAttack) -> str:
    """Whether Condition 2 holds as the paper asks for it, and what decides it."""
    where = f"Condition 2 over the ball of radius {context.radius:.4g} = 3 ||r(0)||/lambda^(1/2)"
    if context.ball.constant < LARGEST_CONSTANT:
        return f"{where}: holds, J changes by at most {context.ball.spectral:.3g} (certified)"
    if attack.constant < LARGEST_CONSTANT:
        return f"{where}: not decided, certificate {context.ball.constant:.4g}, attack {attack.constant:.4g}"
    before, after = (context.inputs @ weights.T >= 0 for weights in (context.net.weights, attack.weights))
    return (
        f"{where}: fails, as weights were found in it that flip {np.mean(before != after):.1%} of the activations and "
        f"change J by {attack.change:.3g}, {attack.constant / LARGEST_CONSTANT:.3g} times the most that is allowed"
    )


def _theorems(context: RungContext, path: PathCertificate) -> list[tuple[str, Evaluation]]:
    """T1-first, T1-q and T1-sharp on the run."""
    instance = RealInstance(context.net, context.inputs, context.y, NGD_STEP_SIZE, path.steps, path)
    description = context.description(NGD_STEP_SIZE, path.steps)
    return [
        (claim.id, evaluate_instance(claim, "F5", description, instance))
        for claim in (claims.T1_FIRST, claims.T1_Q, claims.T1_SHARP)
    ]


def _theorem_1(context: RungContext, path: PathCertificate) -> list[tuple[str, Evaluation]]:
    """T1 at nearly its own step limit, where it has one; shorter steps may pass through other patterns."""
    eta = BELOW_LIMIT * step_limits(path.constant)["T1"]
    if eta <= 0:
        return []
    own = context.path("ngd", eta, path.steps)
    instance = RealInstance(context.net, context.inputs, context.y, eta, own.steps, own)
    description = context.description(eta, own.steps)
    return [(claims.T1.id, evaluate_instance(claims.T1, "F5", description, instance))]


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
