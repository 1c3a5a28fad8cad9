"""Training curves of NGD, K-FAC and GD on real data, each with the bound of the theorem that is certified along its path."""

from __future__ import annotations

from typing import Any

import numpy as np

from properties.contribution import Prediction
from properties.datasets import load_dataset
from properties.ladder import Rung
from properties.rung import RungContext
from theory.geometry import InputGeometry
from theory.inputs import FloatArray
from theory.stability import PathCertificate
from theory.theorems import gradient_descent, kfac, ngd

DATASET = "digits-4-9"
RUNG = Rung(rows=10, width=40_000, scale=16.0, symmetric=True, parts=16)
STEPS = {"ngd": 20, "kfac": 30, "gd": 150}
NGD_STEP, KFAC_STEP, GD_SHARE = 0.5, 0.4, 0.75
"""GD's step size is its share of ``1/||J(0)||_2^2``."""

NO_CONSTANT = 2.99
"""Stands for every larger C: no theorem speaks there."""


def data(seed: int) -> dict[str, Any]:
    """Residual norms by iteration (not squared), the linearised model's, and a theorem's bound with its id, if one applies."""
    context = RungContext(load_dataset(DATASET), RUNG, seed)
    largest = float(np.linalg.eigvalsh(context.gram)[-1])
    step_sizes = {"ngd": NGD_STEP, "kfac": KFAC_STEP, "gd": GD_SHARE / largest}
    curves = {}
    for name, eta in step_sizes.items():
        path = context.path(name, eta, STEPS[name])
        found = prediction(name, eta, path, context.geometry, largest)
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
    optimiser: str, eta: float, path: PathCertificate, geometry: InputGeometry, largest: float
) -> Prediction | None:
    """The fastest rate of the optimiser's theorems that allow this step with the constant certified along the path."""
    C = min(path.constant, NO_CONSTANT)
    h_min, h_max = float(geometry.leverage.min()), float(geometry.leverage.max())
    norm = float(np.sqrt(largest))
    factors = {}
    if optimiser == "ngd":
        factors = {t: ngd.rate(eta, C, t) for t in ngd.THEOREMS if ngd.validity_limit(C, t) >= eta}
    elif optimiser == "kfac":
        factors = {
            t: kfac.rate(eta, C, h_min=h_min, h_max=h_max, theorem=t)
            for t in ("T4-lev", "T4-sharp", "T4-least")
            if kfac.step_limit(C, h_max=h_max, theorem=t) >= eta
        }
    elif path.lambda_min > 0:
        factors = {
            t: gradient_descent.rate(eta, C, norm, path.lambda_min, t)
            for t in gradient_descent.THEOREMS
            if gradient_descent.step_limit(C, norm, path.lambda_min, t) >= eta
        }
    found = [Prediction(theorem, factor, path.steps) for theorem, factor in factors.items()]
    return min(found, key=lambda one: one.factor, default=None)


def linearised_norms(optimiser: str, eta: float, context: RungContext, steps: int) -> list[float]:
    """``||(I - eta M)^k r(0)||`` with M = I for NGD, diag(h) for K-FAC, G(0) for GD (T0-linear, I-kfac-fn)."""
    n = len(context.y)
    matrix: FloatArray = {
        "ngd": np.eye(n),
        "kfac": np.diag(context.geometry.leverage),
        "gd": context.gram,
    }[optimiser]
    residual, norms = context.residual.copy(), []
    for _ in range(steps + 1):
        norms.append(float(np.linalg.norm(residual)))
        residual = residual - eta * (matrix @ residual)
    return norms
