"""T0, T0-sharp and the comparison of GD with NGD and K-FAC on real data (family F5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from properties.chapters.gradient import gradient_descent as claims
from properties.dataset.attempts import Attempts
from properties.dataset.contribution import Contribution
from properties.dataset.rung import REDUCTION, RungContext
from properties.dataset.topics.real_data import NO_THEOREM, RealInstance
from properties.engine.claim import Evaluation
from properties.engine.report.plain import counted
from theory.direction import (
    NONNEGATIVE,
    Directed,
    LowerBound,
    UpperBound,
    as_lower_bound,
    as_upper_bound,
    digits,
    evidence,
    not_above,
)
from theory.network.gram import condition_number, largest_gram_eigenvalue, operator_norm
from theory.stability import PathCertificate
from theory.theorems import gradient_advantage, ngd
from theory.theorems import gradient_descent as gd

STEPS = 10
"""Steps of GD whose path is certified, and on which T0 and T0-sharp are checked."""

BELOW_LIMIT = 0.9
"""The theorems are checked at this share of their step limits."""

CLAIMS = {"T0": claims.T0, "T0-sharp": claims.T0_SHARP}


def gradient_descent(context: RungContext) -> Contribution:
    """GD's path constant, the step sizes that T0 and T0-sharp allow, and iterations: guaranteed, linearised, observed."""
    if not context.lambda_min > 0:
        return Contribution(topic="gd", unavailable={"T0, T0-sharp and the comparison of GD": context.condition_1_text})
    norm = operator_norm(context.net, context.inputs)
    attempt = Attempts()
    first = attempt(
        "C along GD's path", lambda: context.path("gd", gradient_advantage.linear_step_limit(norm) / 2, STEPS)
    )
    theorems: dict[str, Guarantee] = {}
    results: list[tuple[str, Evaluation]] = []
    for theorem in gd.THEOREMS if first is not None else ():
        assert first is not None
        eta = BELOW_LIMIT * step_limit(first, norm, theorem)
        checked = attempt(theorem, partial(_check, context, theorem, eta, norm)) if eta > 0 else None
        if checked is not None:
            evaluation, path = checked
            results.append((CLAIMS[theorem].id, evaluation))
            found = guarantee(path, theorem, eta, norm)
            if found is not None:
                theorems[theorem] = found
    comparison = attempt("the comparison of GD with NGD and K-FAC", lambda: _comparison(context, norm))
    return Contribution(
        topic="gd",
        results=tuple(results),
        values={
            "path_constant": None if first is None else first.constant,
            "path_steps": 0 if first is None else first.steps,
            "theorems": {theorem: asdict(found) for theorem, found in theorems.items()},
            "comparison": comparison,
        },
        lines=(
            *(() if first is None else (_allowed_line(first, theorems),)),
            *(() if comparison is None else (_comparison_line(comparison),)),
        ),
        unavailable=attempt.reasons,
    )


@dataclass(frozen=True)
class Guarantee(Directed):
    """What a theorem says of GD at a step size that the constant of its own path allows."""

    step_size: LowerBound
    """Not above the limit for ``path_constant``."""
    path_constant: UpperBound
    factor: UpperBound
    """On ``||r||``, not squared."""
    iterations: int | None
    """Steps to the reduction by that factor; None when it is not below 1."""


def step_limit(path: PathCertificate, norm: UpperBound, theorem: str) -> LowerBound:
    """The largest step size that C along a path allows, with the lambda that this C belongs to; 0 where there is none."""
    if not (path.lambda_min > 0 and as_upper_bound(path.constant, "C along GD's path") < NO_THEOREM):
        return NONNEGATIVE
    found = gd.step_limit(path.constant, norm, path.lambda_min, theorem)
    return as_lower_bound(found, f"{theorem}'s step limit")


def guarantee(path: PathCertificate, theorem: str, eta: float, norm: UpperBound) -> Guarantee | None:
    """What the theorem says at this step size, whose own path it is; None where it does not allow it."""
    admitted = not_above(eta, step_limit(path, norm, theorem))
    if admitted is None:
        return None
    factor = as_upper_bound(gd.rate(admitted, path.constant, norm, path.lambda_min, theorem), f"{theorem}'s factor")
    iterations = ngd.iterations(factor, REDUCTION) if 0 < factor < 1 else None
    return Guarantee(admitted, path.constant, factor, iterations)


def _check(context: RungContext, theorem: str, eta: float, norm: float) -> tuple[Evaluation, PathCertificate]:
    """The theorem on the first steps of GD at this step size, on a path certified anew."""
    path = context.path("gd", eta, STEPS, bounded=True)
    instance = RealInstance(context.net, context.inputs, context.y, eta, path.steps, path, optimiser="gd")
    return context.evaluated(CLAIMS[theorem], instance), path


def _comparison(context: RungContext, norm: UpperBound) -> Mapping[str, Any]:
    """lambda, Lambda, kappa, n/lambda, the least count of the linearised GD (computed eigenvectors)."""
    largest = largest_gram_eigenvalue(context.net, context.inputs)
    values, vectors = np.linalg.eigh(context.gram)
    values = np.maximum(values, context.lambda_min)  # certified, and rounding may have brought them below
    shares = np.abs(vectors.T @ context.residual) / context.residual_norm
    return {
        "lambda_min": context.lambda_min,
        "operator_norm_squared": largest,
        "condition_number": condition_number(largest, context.lambda_min),
        "rows_over_lambda_min": len(values) / context.lambda_min,
        "least_linearised_iterations": gradient_advantage.least_iterations(values, shares, largest, REDUCTION),
        "least_linearised_iterations_of_the_worst_target": gradient_advantage.least_iterations(
            np.array([context.lambda_min]), np.ones(1), largest, REDUCTION
        ),
    }


def _allowed_line(first: PathCertificate, theorems: Mapping[str, Guarantee]) -> str:
    allowed = ", ".join(
        f"{name} allows eta = {digits(found.step_size, 4)} (C <= {digits(found.path_constant, 4)} on its own path) and "
        f"guarantees {REDUCTION:g} after {_many(found.iterations)}"
        for name, found in theorems.items()
    )
    return (
        f"GD: C along {counted(first.steps, 'step')} <= {digits(first.constant, 4)}; {allowed or 'no step size that T0 allows'} "
        f"({evidence(first.constant)} for {counted(first.steps, 'step')}, further while C holds)"
    )


def _many(steps: int | None) -> str:
    return "no number of steps" if steps is None else counted(steps, "step")


def _comparison_line(comparison: Mapping[str, Any]) -> str:
    least = comparison["least_linearised_iterations"]
    return (
        f"GD: kappa(G(0)) <= {digits(comparison['condition_number'], 4)}; linearised, as computed, "
        + (f"no eta <= 2/||J(0)||^2 takes fewer than {least} steps" if least > 1 else "one step may be enough")
        + f" to {REDUCTION:g}"
    )
