"""Training curves of NGD, K-FAC and GD on real data, each with the bound of the theorem that is certified along its path."""

from __future__ import annotations

from typing import Any

import numpy as np

from properties.chapters.kfac.kfac_instances import InputNumbers
from properties.dataset.contribution import Prediction
from properties.dataset.ladder import Rung
from properties.dataset.rung import RungContext
from properties.dataset.topics import kfac_real
from properties.dataset.topics.gradient_data import guarantee
from properties.dataset.topics.real_data import best_prediction
from properties.reading.datasets import load_dataset
from theory.descent.optimiser import Chosen, as_optimiser
from theory.direction import UpperBound, not_above
from theory.network.gram import operator_norm
from theory.rigour.input_bounds import input_bounds
from theory.stability import PathCertificate
from theory.theorems import gradient_descent

DATASET = "digits-4-9"
RUNG = Rung(rows=10, width=40_000, scale=16.0, symmetric=True, parts=16)
STEPS = {"ngd": 20, "kfac": 30, "gd": 150}
NGD_STEP, KFAC_STEP, GD_SHARE = 0.5, 0.4, 0.75
"""GD's step size is its share of ``1/||J(0)||_2^2``."""


def data(seed: int) -> dict[str, Any]:
    """Residual norms by iteration (not squared), the linearised model's, and a theorem's bound with its id, if one applies."""
    context = RungContext(load_dataset(DATASET), RUNG, seed)
    largest = float(np.linalg.eigvalsh(context.gram)[-1])
    step_sizes = {"ngd": NGD_STEP, "kfac": KFAC_STEP, "gd": GD_SHARE / largest}
    numbers = InputNumbers.of(input_bounds(context.geometry))
    norm = operator_norm(context.net, context.inputs)
    curves = {}
    for name, eta in step_sizes.items():
        path = context.path(name, eta, STEPS[name])
        found = prediction(name, eta, path, numbers, norm)
        curves[name] = {
            "step_size": eta,
            "path_constant": path.constant,
            "observed": path.residual_norms.tolist(),
            "linearised": linearised_norms(name, eta, context, STEPS[name]),
            "bound": None if found is None else found.bound(float(path.residual_norms[0])),
            "theorem": None if found is None else found.source,
        }
    return {"dataset": DATASET, "rows": RUNG.rows, "width": RUNG.width, "scale": RUNG.scale, "curves": curves}


def prediction(
    optimiser: str, eta: float, path: PathCertificate, numbers: InputNumbers, norm: UpperBound
) -> Prediction | None:
    """The fastest rate of the optimiser's theorems that allow this step with the constant certified along the path.

    ``numbers`` are those of X, ``norm`` is a bound of ``||J(0)||_2``. T4's own rate is never below T4-lev's.
    """
    if optimiser == "ngd":
        return best_prediction(path, eta)
    factors: dict[str, UpperBound] = {}
    if optimiser == "kfac":
        limits = kfac_real.step_limits(path.constant, numbers)
        for theorem in ("T4-lev", "T4-sharp", "T4-least"):
            if (admitted := not_above(eta, limits[theorem])) is not None:
                factors[theorem] = kfac_real.rate(theorem, admitted, path.constant, numbers)
    else:
        guarantees = {theorem: guarantee(path, theorem, eta, norm) for theorem in gradient_descent.THEOREMS}
        factors = {theorem: found.factor for theorem, found in guarantees.items() if found is not None}
    predictions = [Prediction(theorem, factor, path.steps) for theorem, factor in factors.items()]
    return min(predictions, key=lambda one: one.factor, default=None)


def linearised_norms(optimiser: Chosen, eta: float, context: RungContext, steps: int) -> list[float]:
    """``||(I - eta M)^k r(0)||``, M the optimiser's for the Jacobian at initialisation (T0-linear, I-kfac-fn)."""
    matrix = as_optimiser(optimiser).linearised(context.geometry, context.gram)
    residual, norms = context.residual.copy(), []
    for _ in range(steps + 1):
        norms.append(float(np.linalg.norm(residual)))
        residual = residual - eta * (matrix @ residual)
    return norms
