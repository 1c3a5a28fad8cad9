"""Rows n against width m: which conditions are certified for inputs on the sphere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from properties.engine.claim import Depth
from theory.direction import NONNEGATIVE, Directed, LowerBound, UpperBound
from theory.errors import DescentError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_ball, certify_path

DIMENSION, SCALE = 4, 64.0
ROWS = (2, 4, 8, 16, 32, 64)
WIDTHS = tuple(4**power for power in range(2, 8))
STEP, STEPS, PARTS = 0.5, 20, 4


@dataclass(frozen=True)
class Certified(Directed):
    """What is certified of one network; None for a constant without Condition 1, or where its path breaks off."""

    n: int
    width: int
    lambda_min: LowerBound
    ball: UpperBound | None = None
    path: UpperBound | None = None


def data(depth: Depth, seed: int) -> dict[str, Any]:
    """For each n and m one network, symmetric so that ``r(0) = -y``, on uniform unit inputs with targets of norm 1.

    ``lambda_min`` is certified, ``ball`` is C over the paper's ball, ``path`` is C along NGD's path; None where Condition 1
    is not certified. Thorough runs go to m = 65,536.
    """
    widths = (*WIDTHS, 4 * WIDTHS[-1]) if depth is Depth.THOROUGH else WIDTHS
    points = [_point(rows, width, seed) for rows in ROWS for width in widths]
    return {
        "dim": DIMENSION,
        "scale": SCALE,
        "step_size": STEP,
        "steps": STEPS,
        "points": points,
    }


def _point(rows: int, width: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, rows, width])
    inputs: FloatArray = normalise_rows(rng.standard_normal((rows, DIMENSION)))
    y = rng.choice([-1.0, 1.0], rows) / np.sqrt(rows)
    net = TwoLayerNetwork.initialise(width, DIMENSION, SCALE, rng, symmetric=True)
    ball = certify_ball(net, inputs, y)
    least, path = max(NONNEGATIVE, ball.lambda_min), None
    if ball.lambda_min <= 0:
        return asdict(Certified(rows, width, least))
    try:
        path = certify_path(net, inputs, y, STEP, STEPS, parts=PARTS).constant
    except DescentError:  # a narrow network whose pattern changes so much that a Gram matrix on the way is singular
        path = None
    return asdict(Certified(rows, width, least, ball.constant, path))
