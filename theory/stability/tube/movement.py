"""How far a run really goes in its tube: what part of the widths its pre-activations use, and how long its path is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.descent.optimiser import Chosen, as_optimiser
from theory.descent.steps import FunctionSpaceDescent
from theory.inputs import positive_count
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.euclidean import euclidean_norm
from theory.stability.tube.widths import InputWidths, given_widths


@dataclass(frozen=True)
class Movement:
    """Of a run as computed in float64."""

    used: float
    """``max |Z_ir(k) - Z_ir(0)|/b_ir`` over all pairs and steps; 0 where nothing moves, inf where something does whose width is 0."""
    path: float
    """The sum over the steps that S bounds: of ``eta ||c||``, or of ``eta (r^T diag(h) r)^{1/2}`` for optimisers without such a c."""


def movement(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    steps: int,
    widths: ArrayLike,
    optimiser: Chosen = "ngd",
) -> Movement:
    """So many steps of an optimiser beside widths (n,) or (n, m), as of a certificate.

    Raises InputError, RankDeficientError, DivergenceError.
    """
    state, chosen = FunctionSpaceDescent(net, inputs, y, False), as_optimiser(optimiser)
    given = given_widths(widths, *state.pre_activations.shape)
    reach = given.values[:, None] if isinstance(given, InputWidths) else given.values
    first, largest, path = state.pre_activations.copy(), 0.0, 0.0
    roots = np.sqrt(state.geometry.leverage)
    for _ in range(positive_count(steps, "steps")):
        residual = state.residual
        state.advance(step_size, chosen)
        path += step_size * euclidean_norm(roots * residual if state.coefficients is None else state.coefficients)
        moved = np.abs(state.pre_activations - first)
        with np.errstate(divide="ignore", invalid="ignore"):
            used = np.where(moved > 0, moved / reach, 0.0)
        largest = max(largest, float(used.max()))
    return Movement(largest, path)
