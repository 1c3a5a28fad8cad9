"""T0, T0-sharp and the comparison of GD with NGD and K-FAC on real data (family F5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from properties.attempts import Attempts
from properties.claim import Evaluation
from properties.claims import gradient_descent as claims
from properties.claims.real_data import NO_CONSTANT, RealInstance
from properties.contribution import Contribution, lower_digits, upper_digits
from properties.rung import REDUCTION, RungContext
from properties.search import evaluate_instance
from theory.errors import DescentError, InputError
from theory.network_gram import largest_gram_eigenvalue
from theory.stability import PathCertificate
from theory.theorems import gradient_descent as gd
from theory.theorems import ngd

STEPS = 10
"""Steps of GD whose path is certified, and on which T0 and T0-sharp are checked."""

BELOW_LIMIT = 0.9
"""The theorems are checked at this share of their step limits."""

CLAIMS = {"T0": claims.T0, "T0-sharp": claims.T0_SHARP}


def gradient_descent(context: RungContext) -> Contribution:
    """GD's path constant, the step sizes that T0 and T0-sharp allow, and iterations: guaranteed, linearised, observed."""
    if not context.lambda_min > 0:
        return Contribution(topic="gd", unavailable={"T0, T0-sharp and the comparison of GD": context.condition_1_text})
    norm = math.sqrt(largest_gram_eigenvalue(context.net, context.inputs))
    attempt = Attempts()
    first = attempt("C along GD's path", lambda: context.path("gd", gd.linear_step_limit(norm) / 2, STEPS))
    theorems: dict[str, Mapping[str, Any]] = {}
    results: list[tuple[str, Evaluation]] = []
    for theorem in gd.THEOREMS if first is not None else ():
        assert first is not None
        eta = BELOW_LIMIT * gd.step_limit(min(first.constant, NO_CONSTANT), norm, context.lambda_min, theorem)
        checked = attempt(theorem, partial(_check, context, theorem, eta, norm)) if eta > 0 else None
        if checked is not None:
            evaluation, found = checked
            results.append((CLAIMS[theorem].id, evaluation))
            if eta < gd.step_limit(min(found["path_constant"], NO_CONSTANT), norm, context.lambda_min, theorem):
                theorems[theorem] = found
    comparison = attempt("the comparison of GD with NGD and K-FAC", lambda: _comparison(context, norm))
    return Contribution(
        topic="gd",
        results=tuple(results),
        values={
            "path_constant": None if first is None else first.constant,
            "path_steps": 0 if first is None else first.steps,
            "theorems": theorems,
            "comparison": comparison,
        },
        lines=(
            *(() if first is None else (_allowed_line(first, theorems),)),
            *(() if comparison is None else (_comparison_line(comparison),)),
        ),
        unavailable=attempt.reasons,
    )


def _check(context: RungContext, theorem: str, eta: float, norm: float) -> tuple[Evaluation, Mapping[str, Any]]:
    """The theorem on the first steps of GD at this step size, on a path certified anew."""
    path = context.path("gd", eta, STEPS)
    instance = RealInstance(context.net, context.inputs, context.y, eta, path.steps, path, optimiser="gd")
    evaluation = evaluate_instance(CLAIMS[theorem], "F5", context.description(eta, path.steps), instance)
    factor = gd.rate(eta, min(path.constant, NO_CONSTANT), norm, context.lambda_min, theorem)
    found = {
        "step_size": eta,
        "path_constant": path.constant,
        "factor": factor,
        "iterations": ngd.iterations(factor, REDUCTION) if 0 < factor < 1 else None,
    }
    return evaluation, found


def _comparison(context: RungContext, norm: float) -> Mapping[str, Any]:
    """lambda, Lambda, kappa, n/lambda, the least count of the linearised GD (computed eigenvectors), what was observed."""
    largest = norm**2
    values, vectors = np.linalg.eigh(context.gram)
    values = np.maximum(values, context.lambda_min)  # certified, and rounding may have brought them below
    shares = np.abs(vectors.T @ context.residual) / context.residual_norm
    return {
        "lambda_min": context.lambda_min,
        "operator_norm_squared": largest,
        "condition_number": largest / context.lambda_min,
        "rows_over_lambda_min": len(values) / context.lambda_min,
        "least_linearised_iterations": gd.least_iterations(values, shares, largest, REDUCTION),
        "least_linearised_iterations_of_the_worst_target": gd.least_iterations(
            np.array([context.lambda_min]), np.ones(1), largest, REDUCTION
        ),
        "observed": {name: _observed(context, name) for name in context.step_sizes},
        "step_sizes": dict(context.step_sizes),
    }


def _observed(context: RungContext, optimiser: str) -> int | None:
    """Steps to the reduction; None when it was not reached, or when the run broke off."""
    try:
        return context.run(optimiser).iterations
    except (DescentError, InputError):
        return None


def _allowed_line(first: PathCertificate, theorems: Mapping[str, Mapping[str, Any]]) -> str:
    allowed = ", ".join(
        f"{name} allows eta = {lower_digits(found['step_size'], 4)} (C = {upper_digits(found['path_constant'], 4)} on its own path) and "
        f"guarantees {REDUCTION:g} after {found['iterations']} steps"
        for name, found in theorems.items()
    )
    return (
        f"GD: C along {first.steps} steps {upper_digits(first.constant, 4)}; {allowed or 'no step size that T0 allows'} "
        f"(certified for {first.steps} steps, further while C holds)"
    )


def _comparison_line(comparison: Mapping[str, Any]) -> str:
    least = comparison["least_linearised_iterations"]
    observed = ", ".join(
        f"{name} {count if count is not None else 'not reached'}" for name, count in comparison["observed"].items()
    )
    return (
        f"GD: kappa(G(0)) = {comparison['condition_number']:.4g}; linearised, "
        + (f"no eta <= 2/||J(0)||^2 takes fewer than {least} steps" if least > 1 else "one step may be enough")
        + f" to {REDUCTION:g}; observed {observed}"
    )
