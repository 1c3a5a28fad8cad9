"""How far a run really goes in its tube: what part of the widths its pre-activations use."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from theory.descent.optimiser import Chosen, as_optimiser
from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import positive_count
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.widths import InputWidths, given_widths


def largest_movement(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    steps: int,
    widths: ArrayLike,
    optimiser: Chosen = "ngd",
) -> float:
    """``max |Z_ir(k) - Z_ir(0)|/b_ir`` over all pairs and ``k <= steps``, of the run as computed in float64.

    Widths (n,) or (n, m) as of a certificate. 0 where nothing moves, inf where something does whose width is 0. Raises InputError,
    RankDeficientError, DivergenceError.
    """
    state, chosen = FunctionSpaceDescent(net, inputs, y, False), as_optimiser(optimiser)
    given = given_widths(widths, *state.pre_activations.shape)
    reach = given.values[:, None] if isinstance(given, InputWidths) else given.values
    first, largest = state.pre_activations.copy(), 0.0
    for _ in range(positive_count(steps, "steps")):
        state.advance(step_size, chosen)
        moved = np.abs(state.pre_activations - first)
        with np.errstate(divide="ignore", invalid="ignore"):
            used = np.where(moved > 0, moved / reach, 0.0)
        largest = max(largest, float(used.max()))
    return largest
