"""K-FAC on real data (family F5): T4 and its relatives, with a path certificate in the place of Condition K2."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from properties.chapters.kfac import kfac as claims
from properties.chapters.kfac.kfac_instances import InputNumbers
from properties.dataset.attempts import Attempts
from properties.dataset.contribution import Contribution, Prediction
from properties.dataset.natural_gradient_numbers import Limits
from properties.dataset.rung import REDUCTION, RungContext
from properties.dataset.topics.real_data import BELOW_LIMIT, NO_THEOREM, PathConditions
from properties.descent.instances import NetworkInstance
from properties.engine.claim import Claim, Evaluation
from properties.engine.report.plain import counted
from properties.engine.stable_names import stored_as
from theory.direction import (
    NONNEGATIVE,
    UNBOUNDED,
    CertifiedSteps,
    Directed,
    LowerBound,
    UpperBound,
    as_certified_steps,
    as_lower_bound,
    as_upper_bound,
    digits,
    evidence,
    not_above,
)
from theory.kernels.geometry import InputGeometry
from theory.rigour.input_bounds import InputBounds, input_bounds
from theory.stability import BallAttack, BallCertificate, PathCertificate, attack_ball
from theory.theorems import kfac

ATTEMPTS = 4
"""Step sizes that are tried for one theorem, each below the limit that the path before allowed."""

OBSERVED_CAP = 400
"""Runs at a theorem's own step size end after so many steps."""


@stored_as("kfac-data-run")
@dataclass(frozen=True)
class RealKronecker(NetworkInstance):
    """K-FAC on real data; its certificate holds along its own path only, for as many steps as the run has."""

    path: PathCertificate

    @cached_property
    def bounds(self) -> InputBounds:
        """Certified rank, leverage scores and eigenvalues of X."""
        return input_bounds(InputGeometry.of(self.inputs))

    @property
    def certificate(self) -> PathConditions:
        """Conditions K1 and K2 on the segments of the run."""
        sigma_squared, numbers = self.path.lambda_min, InputNumbers.of(self.bounds)
        if not (sigma_squared > 0 and numbers.mu_min > 0):
            return PathConditions(sigma_squared, np.inf, UNBOUNDED)
        residual_norm = float(self.path.residual_norms[0])
        radius = kfac.condition_radius(residual_norm, sigma_squared, numbers.h_min, numbers.mu_min)
        return PathConditions(sigma_squared, radius, self.path.constant)


def step_limits(constant: UpperBound, numbers: InputNumbers) -> dict[str, LowerBound]:
    """The largest step size of each theorem; 0 where it says nothing. T4's counts where rank X = d only."""
    if not (numbers.mu_min > 0 and as_upper_bound(constant, "K2's C") < NO_THEOREM):
        return dict.fromkeys(kfac.THEOREMS, NONNEGATIVE)
    limits = {
        theorem: kfac.step_limit(constant, h_max=numbers.h_max, mu_min=numbers.mu_min, theorem=theorem)
        for theorem in kfac.THEOREMS
    }
    return {theorem: as_lower_bound(limit, f"{theorem}'s step limit") for theorem, limit in limits.items()}


def rate(theorem: str, eta: LowerBound, constant: UpperBound, numbers: InputNumbers) -> UpperBound:
    """The theorem's factor on ``||r||`` (not squared), for a step size that it allows."""
    as_lower_bound(eta, "a step size that is allowed")
    found = kfac.rate(eta, constant, h_min=numbers.h_min, h_max=numbers.h_max, mu_max=numbers.mu_max, theorem=theorem)
    return as_upper_bound(found, f"{theorem}'s factor")


@dataclass(frozen=True)
class Check(Directed):
    """One theorem at a step size that it allows on this rung, predicted and observed."""

    step_size: LowerBound
    """Not above the limit for ``path_constant``."""
    path_constant: UpperBound
    factor: UpperBound
    """On ``||r||``, not squared."""
    predicted: int
    """Steps to the reduction by the theorem's factor; beyond ``certified_steps``, if C goes on to hold."""
    certified_steps: CertifiedSteps
    observed: int | None
    steps_run: int


def kronecker(context: RungContext) -> Contribution:
    """Condition K2's constants over the ball and along K-FAC's path, and the theorems at step sizes that they allow.

    The run of the rung takes ``eta = 1/(2 h_max)``. Each theorem is checked there, or on a path certified anew at a smaller
    step size that it allows, where one is found; T4 only when rank X = d.
    """
    numbers = InputNumbers.of(input_bounds(context.geometry))
    eta, steps = context.step_sizes["kfac"], context.ngd_steps
    attempt = Attempts()
    ball = attempt("Condition K2 over the ball", lambda: context.feature_ball)
    attack = attempt(
        "the attack on Condition K2",
        lambda: attack_ball(context.net, context.inputs, context.y, rng=context.generator("K2"), condition="K2"),
    )
    path = attempt("C along K-FAC's path", lambda: context.path("kfac", eta, steps))
    end = None if path is None else context.path_end("kfac", eta, steps)
    if path is not None and end is not None:
        attempt.reasons[f"K-FAC's path after step {path.steps}"] = end
    limits = {
        "ball": step_limits(UNBOUNDED if ball is None else ball.constant, numbers),
        "path": step_limits(UNBOUNDED if path is None else path.constant, numbers),
    }
    rank, d = context.geometry.rank, context.inputs.shape[1]
    results: list[tuple[str, Evaluation]] = []
    checks: dict[str, Check] = {}
    for claim in (claims.T4, claims.T4_LEV, claims.T4_SHARP, claims.T4_LEAST) if path is not None else ():
        if claim.id == "T4" and rank < d:
            continue
        found = attempt(claim.id, partial(_evaluated, context, claim, numbers))
        if found is not None:
            evaluation, checks[claim.id] = found
            results.append((claim.id, evaluation))
    applying = [
        Prediction(id, check.factor, check.certified_steps) for id, check in checks.items() if check.step_size == eta
    ]
    prediction = min(applying, key=lambda found: found.factor, default=None)
    return Contribution(
        topic="kfac",
        results=tuple(results),
        values={
            "rank": rank,
            "h_min": numbers.h_min,
            "h_max": numbers.h_max,
            "mu_min": numbers.mu_min,
            "mu_max": numbers.mu_max,
            "sigma_squared": None if ball is None else ball.lambda_min,
            "radius": None if ball is None else ball.radius,
            "ball_constant": None if ball is None else ball.constant,
            "attack_constant": None if attack is None else attack.constant,
            "path_constant": None if path is None else path.constant,
            "path_steps": 0 if path is None else path.steps,
            "path_end": end,
            "step_limits": limits,
            "checks": {theorem: asdict(check) for theorem, check in checks.items()},
            "prediction": None if prediction is None else asdict(prediction),
        },
        lines=(
            *(() if ball is None else (_constants_line(ball, attack, path, end),)),
            *(() if path is None else (_limits_line(limits["path"], rank, d),)),
            *(_check_line(theorem, check) for theorem, check in checks.items()),
        ),
        predictions={} if prediction is None else {"kfac": prediction},
        unavailable=attempt.reasons,
    )


def _constants_line(
    ball: BallCertificate, attack: BallAttack | None, path: PathCertificate | None, end: str | None
) -> str:
    attacked = "" if attack is None else f" (attack {digits(attack.constant, 4)})"
    line = (
        f"K-FAC: lambda_min(H(0)) >= {digits(ball.lambda_min, 5)}; K2's C over the ball <= "
        f"{digits(ball.constant, 4)}{attacked}"
    )
    if path is None:
        return line
    along = f"{line}, along the path <= {digits(path.constant, 4)}"
    return along if end is None else f"{along} on the {counted(path.steps, 'step')} before it breaks off"


def _evaluated(context: RungContext, claim: Claim[Any], numbers: InputNumbers) -> tuple[Evaluation, Check] | None:
    """The claim at a step size that it allows on this rung; None when none is found."""
    found = allowed_step(context, claim.id, numbers)
    if found is None:
        return None
    own, path = found
    instance = RealKronecker(context.net, context.inputs, context.y, own, path.steps, path, optimiser="kfac")
    evaluation = context.evaluated(claim, instance)
    return evaluation, _check(context, claim.id, own, path, numbers)


def allowed_step(
    context: RungContext, theorem: str, numbers: InputNumbers
) -> tuple[LowerBound, PathCertificate] | None:
    """A step size with the certificate of its own path, whose constant allows it; None when no attempt finds one.

    Shorter steps pass through other patterns, so the constant of their path may be larger.
    """
    eta = context.step_sizes["kfac"]
    for _ in range(ATTEMPTS):
        path = context.path("kfac", eta, context.ngd_steps, bounded=True)
        limit = step_limits(path.constant, numbers)[theorem]
        if (admitted := not_above(eta, limit)) is not None:
            return admitted, path
        if limit <= 0:
            return None
        eta = BELOW_LIMIT * limit
    return None


def _check(context: RungContext, theorem: str, eta: LowerBound, path: PathCertificate, numbers: InputNumbers) -> Check:
    run = context.run("kfac") if eta == context.step_sizes["kfac"] else context.observe("kfac", eta, OBSERVED_CAP)
    factor = rate(theorem, eta, path.constant, numbers)
    predicted = Prediction(theorem, factor, path.steps).iterations(REDUCTION)
    assert predicted is not None  # within its step limit every factor is below 1
    return Check(eta, path.constant, factor, predicted, path.steps, run.iterations, run.steps)


def _limits_line(limits: Limits, rank: int, dim: int) -> str:
    paper = (
        f"T4 {digits(limits['T4'], 4)}"
        if rank == dim
        else f"T4 none (the numerical rank of X, {rank}, is below d = {dim})"
    )
    return (
        f"K-FAC: such a C along the path of another step size would allow it up to {paper}, "
        f"T4-lev {digits(limits['T4-lev'], 4)}, T4-sharp and T4-least {digits(limits['T4-sharp'], 4)}"
    )


def _check_line(theorem: str, check: Check) -> str:
    observed = str(check.observed) if check.observed is not None else f"more than {check.steps_run}"
    return (
        f"{theorem} at eta = {digits(check.step_size, 4)} (C <= {digits(check.path_constant, 4)} on its own path): residual times at most "
        f"{digits(check.factor, 6)} a step, {counted(check.predicted, 'step')} to {REDUCTION:g} ({evidence(check.factor)} for "
        f"{as_certified_steps(check.certified_steps, 'the steps of the path')}); observed {observed}"
    )
