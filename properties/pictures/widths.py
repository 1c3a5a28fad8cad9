"""Against width: how far NGD moves the Jacobian, lambda_min(G(0)), and Condition 2's constant, certified and attacked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from properties.engine.claim import Depth
from properties.reading.datasets import load_dataset
from theory.descent.steps import FunctionSpaceDescent
from theory.direction import NONNEGATIVE, Attained, Directed, LowerBound, UpperBound
from theory.errors import DescentError
from theory.inputs import FloatArray
from theory.kernels.limiting import limiting_gram_eigenvalue
from theory.network.gram import gram_eigenvalue
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.stability import attack_ball, certify_ball, certify_path

DATASET = "digits-4-9"
ROWS = 50
STEP, STEPS = 0.5, 20
REPEATS = 3
"""Initialisations at each width."""

FEW_ROWS = 10
SCALE = 4.0
PARTS = 8


@dataclass(frozen=True)
class MovedJacobian(Directed):
    """One network of the first two figures."""

    width: int
    moved: float
    """As computed."""
    lambda_min: LowerBound


@dataclass(frozen=True)
class Constants(Directed):
    """C of Condition 2 for one network of the third."""

    width: int
    certified: UpperBound
    """Over the paper's ball."""
    attacked: Attained
    """At weights found in it."""
    path: UpperBound
    """Along NGD's path."""


def _powers(first: int, last: int, factor: int) -> list[int]:
    found = [first]
    while found[-1] * factor <= last:
        found.append(found[-1] * factor)
    return found


def moved_jacobians(depth: Depth, seed: int) -> dict[str, Any]:
    """``||J(k) - J(0)||_2 / ||J(0)||_2`` after NGD, and certified ``lambda_min(G(0))``, at every width and initialisation.

    ``exponent`` is the slope of a least-squares line through the logarithms, with its standard error.
    """
    data = load_dataset(DATASET)
    X, y = data.X[:ROWS], data.y[:ROWS]
    points: list[dict[str, Any]] = []
    for width in _powers(256, 65536 if depth is Depth.THOROUGH else 16384, 2):
        for repeat in range(REPEATS):
            net = TwoLayerNetwork.initialise(width, X.shape[1], 1.0, np.random.default_rng([seed, width, repeat]))
            try:
                moved = moved_jacobian(net, X, y)
            except DescentError:  # a narrow network; Condition 1 is what the widths are about
                continue
            least = max(NONNEGATIVE, gram_eigenvalue(net, X))
            points.append(asdict(MovedJacobian(width, moved, least)))
    slope, error = fitted_exponent([p["width"] for p in points], [p["moved"] for p in points])
    return {
        "dataset": DATASET,
        "rows": ROWS,
        "steps": STEPS,
        "step_size": STEP,
        "lambda_0": limiting_gram_eigenvalue(data.raw_X[:ROWS]),
        "exponent": slope,
        "exponent_error": error,
        "points": points,
    }


def moved_jacobian(net: TwoLayerNetwork, inputs: FloatArray, y: FloatArray) -> float:
    """``||J(k) - J(0)||_2 / ||J(0)||_2`` after the steps of NGD: ``lambda_max(K o D D^T)/m`` for the pattern's change D.

    Raises RankDeficientError.
    """
    state = FunctionSpaceDescent(net, inputs, y)
    initial, gram = (state.pre_activations >= 0).astype(np.int8), state.gram
    for _ in range(STEPS):
        state.advance(STEP)
    change = (state.pre_activations >= 0).astype(np.int8) - initial
    moved = state.kernel * pattern_counts(change) / net.width
    return math.sqrt(float(np.linalg.eigvalsh(moved)[-1]) / float(np.linalg.eigvalsh(gram)[-1]))


def fitted_exponent(widths: list[int], values: list[float]) -> tuple[float, float]:
    """Slope of the least-squares line of ``ln value`` on ``ln width``, and its standard error."""
    coefficients, covariance = np.polyfit(np.log(widths), np.log(values), 1, cov=True)
    return float(coefficients[0]), math.sqrt(float(covariance[0, 0]))


def constants(depth: Depth, seed: int) -> dict[str, Any]:
    """C over the paper's ball, certified and attacked, and C along NGD's path, at growing widths, on a few rows."""
    data = load_dataset(DATASET)
    X, y = data.X[:FEW_ROWS], data.y[:FEW_ROWS]
    points = []
    for width in _powers(4096, 262144 if depth is Depth.THOROUGH else 65536, 4 if depth is not Depth.THOROUGH else 2):
        rng = np.random.default_rng([seed, width])
        net = TwoLayerNetwork.initialise(width, X.shape[1], SCALE, rng, symmetric=True)
        points.append(
            asdict(
                Constants(
                    width,
                    certified=certify_ball(net, X, y).constant,
                    attacked=attack_ball(net, X, y, rng=rng).constant,
                    path=certify_path(net, X, y, STEP, STEPS, parts=PARTS).constant,
                )
            )
        )
    return {"dataset": DATASET, "rows": FEW_ROWS, "scale": SCALE, "points": points}
