"""NGD and GD in output space: two outputs, from u(0) = 0 to the targets, at growing widths."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theory.descent.optimiser import Chosen
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DescentError, RankDeficientError
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_path
from theory.theorems import ngd_line

ANGLE = 0.6
"""Between the two inputs, in radians: the eigenvalues of the kernel differ, so that GD bends."""

TARGETS = np.array([1.0, 0.2])
WIDTHS = (32, 512, 8192, 65536)
ATTEMPTS = 50
"""Initialisations that are tried at a narrow width, where both inputs may see the same pattern (Condition 1 fails)."""

STEP, STEPS, PARTS = 0.1, 60, 32
GD_SHARE, GD_STEPS = 0.1, 400
"""GD's step size is its share of ``1/||J(0)||_2^2``, so small that its path is smooth."""


def data(seed: int) -> dict[str, Any]:
    """For each width the outputs of NGD, C along its path, ``arcsin q`` and the largest angle measured; GD at the widest."""
    inputs = np.array([[1.0, 0.0], [math.cos(ANGLE), math.sin(ANGLE)]])
    rows = [_at_width(width, inputs, seed) for width in WIDTHS]
    return {"targets": TARGETS.tolist(), "step_size": STEP, "input_angle": ANGLE, "widths": rows}


def _at_width(width: int, inputs: FloatArray, seed: int) -> dict[str, Any]:
    """The first initialisation on which both optimisers run. Raises RankDeficientError when there is none."""
    for attempt in range(ATTEMPTS):
        net = TwoLayerNetwork.initialise(width, 2, 1.0, np.random.default_rng([seed, width, attempt]), symmetric=True)
        try:
            outputs = path(net, inputs, STEP, STEPS, "ngd")
        except DescentError:
            continue
        constant = certify_path(net, inputs, TARGETS, STEP, STEPS, parts=PARTS).constant
        gd = path(net, inputs, GD_SHARE / float(np.linalg.eigvalsh(net.gram(inputs))[-1]), GD_STEPS, "gd")
        return {
            "width": width,
            "path_constant": constant,
            "angle_bound": angle_bound(constant),
            "angle": largest_angle(outputs),
            "gd_angle": largest_angle(gd),
            "ngd": outputs.tolist(),
            "gd": gd.tolist(),
        }
    raise RankDeficientError(f"no initialisation of {ATTEMPTS} at width {width} satisfies Condition 1 along NGD's path")


def path(net: TwoLayerNetwork, inputs: FloatArray, step_size: float, steps: int, optimiser: Chosen) -> FloatArray:
    """Outputs of every iterate, shape (steps + 1, n)."""
    state = FunctionSpaceDescent(net, inputs, TARGETS, measure_steps=False)
    found = [state.residual + TARGETS]
    for _ in range(steps):
        state.advance(step_size, optimiser)
        found.append(state.residual + TARGETS)
    return np.array(found)


def largest_angle(outputs: FloatArray) -> float:
    """The largest angle, in radians, between an output step and the straight line from its start to the targets.

    Steps from residuals below 10^-9 of the first are left out: their direction is rounding.
    """
    remaining = TARGETS - outputs[:-1]
    lengths = np.linalg.norm(remaining, axis=1)
    kept = lengths > 1e-9 * lengths[0]
    steps, lines = np.diff(outputs, axis=0)[kept], remaining[kept]
    across = steps[:, 0] * lines[:, 1] - steps[:, 1] * lines[:, 0]
    along = np.sum(steps * lines, axis=1)
    return float(np.abs(np.arctan2(across, along)).max())


def angle_bound(constant: float) -> float | None:
    """``arcsin q``, ``q = 2C/(3-C)``, in radians (T1-line); None where it says nothing, from C = 1 on."""
    return math.asin(ngd_line.line_sine(constant)) if constant < 1 else None
