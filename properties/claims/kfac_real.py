"""K-FAC on real data (family F5): T4 and its relatives, with a path certificate in the place of Condition K2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from properties.claim import Evaluation
from properties.claims import kfac as claims
from properties.claims.kfac_instances import InputNumbers
from properties.claims.real_data import BELOW_LIMIT, NO_CONSTANT, PathConditions
from properties.contribution import Contribution, Prediction, lower_digits, upper_digits
from properties.instances import NetworkInstance
from properties.rung import REDUCTION, RungContext
from properties.search import evaluate_instance
from properties.stable_names import stored_as
from theory.geometry import InputGeometry
from theory.rigour.input_bounds import InputBounds, input_bounds
from theory.stability import PathCertificate, attack_ball
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
            return PathConditions(sigma_squared, np.inf, np.inf)
        residual_norm = float(self.path.residual_norms[0])
        radius = kfac.condition_radius(residual_norm, sigma_squared, numbers.h_min, numbers.mu_min)
        return PathConditions(sigma_squared, radius, self.path.constant)


def step_limits(constant: float, numbers: InputNumbers) -> dict[str, float]:
    """The largest step size of each theorem; 0 where it says nothing."""
    if not numbers.mu_min > 0:
        return dict.fromkeys(kfac.THEOREMS, 0.0)
    C = min(constant, NO_CONSTANT)
    return {
        theorem: kfac.step_limit(C, h_max=numbers.h_max, mu_min=numbers.mu_min, theorem=theorem)
        for theorem in kfac.THEOREMS
    }


def rate(theorem: str, eta: float, constant: float, numbers: InputNumbers) -> float:
    """The theorem's factor on ``||r||`` (not squared)."""
    return kfac.rate(eta, constant, h_min=numbers.h_min, h_max=numbers.h_max, mu_max=numbers.mu_max, theorem=theorem)


@dataclass(frozen=True)
class Check:
    """One theorem at a step size that it allows on this rung, predicted and observed."""

    step_size: float
    path_constant: float
    factor: float
    """On ``||r||``, not squared."""
    predicted: int
    """Steps to the reduction by the theorem's factor; beyond ``certified_steps``, if C goes on to hold."""
    certified_steps: int
    observed: int | None
    steps_run: int


def kronecker(context: RungContext) -> Contribution:
    """Condition K2's constants over the ball and along K-FAC's path, and the theorems at step sizes that they allow.

    The run of the rung takes ``eta = 1/(2 h_max)``. Each theorem is checked there, or on a path certified anew at a smaller
    step size that it allows, where one is found; T4 only when rank X = d.
    """
    numbers = InputNumbers.of(input_bounds(context.geometry))
    eta, steps = context.step_sizes["kfac"], context.ngd_steps
    path = context.path("kfac", eta, steps)
    ball = context.feature_ball
    attack = attack_ball(context.net, context.inputs, context.y, rng=context.generator("K2"), condition="K2")
    limits = {"ball": step_limits(ball.constant, numbers), "path": step_limits(path.constant, numbers)}
    d = context.inputs.shape[1]
    results: list[tuple[str, Evaluation]] = []
    checks: dict[str, Check] = {}
    for claim in (claims.T4, claims.T4_LEV, claims.T4_SHARP):
        if claim.id == "T4" and context.geometry.rank < d:
            continue
        found = allowed_step(context, claim.id, numbers)
        if found is None:
            continue
        own, certified = found
        instance = RealKronecker(context.net, context.inputs, context.y, own, steps, certified, optimiser="kfac")
        evaluation = evaluate_instance(claim, "F5", context.description(own, steps), instance)
        results.append((claim.id, evaluation))
        checks[claim.id] = _check(context, claim.id, own, certified, numbers)
    applying = [Prediction(id, check.factor, steps) for id, check in checks.items() if check.step_size == eta]
    prediction = min(applying, key=lambda found: found.factor, default=None)
    return Contribution(
        topic="kfac",
        results=tuple(results),
        values={
            "rank": context.geometry.rank,
            "h_min": numbers.h_min,
            "h_max": numbers.h_max,
            "mu_min": numbers.mu_min,
            "mu_max": numbers.mu_max,
            "sigma_squared": ball.lambda_min,
            "radius": ball.radius,
            "ball_constant": ball.constant,
            "attack_constant": attack.constant,
            "path_constant": path.constant,
            "path_steps": path.steps,
            "step_limits": limits,
            "checks": {theorem: asdict(check) for theorem, check in checks.items()},
            "prediction": None if prediction is None else asdict(prediction),
        },
        lines=(
            (
                f"K-FAC: lambda_min(H(0)) >= {lower_digits(ball.lambda_min, 5)}; K2's C over the ball {upper_digits(ball.constant, 4)} (attack "
                f"{lower_digits(attack.constant, 4)}), along the path {upper_digits(path.constant, 4)}"
            ),
            f"K-FAC: such a C along the path of another step size would allow it up to {_limits_line(limits['path'], context.geometry.rank, d)}",
            *(_check_line(theorem, check) for theorem, check in checks.items()),
        ),
        predictions={} if prediction is None else {"kfac": prediction},
    )


def allowed_step(context: RungContext, theorem: str, numbers: InputNumbers) -> tuple[float, PathCertificate] | None:
    """A step size with the certificate of its own path, whose constant allows it; None when no attempt finds one.

    Shorter steps pass through other patterns, so the constant of their path may be larger.
    """
    eta = context.step_sizes["kfac"]
    for _ in range(ATTEMPTS):
        path = context.path("kfac", eta, context.ngd_steps)
        limit = step_limits(path.constant, numbers)[theorem]
        if 0 < eta <= limit:
            return eta, path
        if limit <= 0:
            return None
        eta = BELOW_LIMIT * limit
    return None


def _check(context: RungContext, theorem: str, eta: float, path: PathCertificate, numbers: InputNumbers) -> Check:
    run = context.run("kfac") if eta == context.step_sizes["kfac"] else context.observe("kfac", eta, OBSERVED_CAP)
    factor = rate(theorem, eta, path.constant, numbers)
    predicted = Prediction(theorem, factor, path.steps).iterations(REDUCTION)
    assert predicted is not None  # within its step limit every factor is below 1
    return Check(eta, path.constant, factor, predicted, path.steps, run.iterations, run.steps)


def _limits_line(limits: Mapping[str, float], rank: int, dim: int) -> str:
    paper = f"T4 {lower_digits(limits['T4'], 4)}" if rank == dim else f"T4 none (rank X = {rank} is below d = {dim})"
    return f"{paper}, T4-lev {lower_digits(limits['T4-lev'], 4)}, T4-sharp {lower_digits(limits['T4-sharp'], 4)}"


def _check_line(theorem: str, check: Check) -> str:
    observed = str(check.observed) if check.observed is not None else f"more than {check.steps_run}"
    return (
        f"{theorem} at eta = {check.step_size:.4g} (C = {upper_digits(check.path_constant, 4)} on its own path): residual times {check.factor:.6g} a step, "
        f"{check.predicted} steps to {REDUCTION:g} (certified for {check.certified_steps}); observed {observed}"
    )
