"""Steps in parameters and runs in function space (n x m) of an optimiser on the two-layer network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.descent.iterate import Iterate
from theory.descent.optimiser import Chosen, as_optimiser
from theory.descent.state import FunctionSpaceState
from theory.inputs import FloatArray, positive, positive_count
from theory.losses import LossMaker, SquaredLoss
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.euclidean import euclidean_norm


def parameter_step(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    optimiser: Chosen = "ngd",
    loss: LossMaker = SquaredLoss,
) -> TwoLayerNetwork:
    """One step of an optimiser in parameters.

    It follows g, the gradient, in the outputs, of ``loss`` for the labels y: the residual for the squared loss. A loss with
    other parameters: ``loss=partial(PseudoHuberLoss, ridge=0.1)``. Raises InputError for bad input, RankDeficientError when
    the matrix to invert is singular.
    """
    chosen, eta = as_optimiser(optimiser), positive(step_size, "step_size")
    state = FunctionSpaceState(net, inputs, y, measure_steps=chosen.inverts, loss=loss)
    with state.blocks.undivided():
        return net.at(state.moved_weights(net.weights, chosen.parameter_step(state, eta)))


def natural_gradient_step(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, step_size: float, loss: LossMaker = SquaredLoss
) -> TwoLayerNetwork:
    """One NGD step ``dW = -eta S^T diag(G^{-1} g) X`` (exact Fisher, pseudo-inverse; I-pinv).

    Raises InputError for bad input, RankDeficientError when G is singular.
    """
    return parameter_step(net, inputs, y, step_size, "ngd", loss)


def kfac_step(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, step_size: float, loss: LossMaker = SquaredLoss
) -> TwoLayerNetwork:
    """One exact K-FAC step ``dW = -eta S^T H^{-1} diag(g) X (X^T X)^+`` (no damping; I-kfac).

    Raises InputError for bad input, RankDeficientError when H is singular.
    """
    return parameter_step(net, inputs, y, step_size, "kfac", loss)


def gradient_step(
    net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, step_size: float, loss: LossMaker = SquaredLoss
) -> TwoLayerNetwork:
    """One gradient descent step ``dW = -eta S^T diag(g) X`` on the loss: ``||u - y||^2 / 2`` by default.

    Raises InputError.
    """
    return parameter_step(net, inputs, y, step_size, "gd", loss)


class Descent(Iterate):
    """An iterate that moves on by steps of optimisers."""

    def advance(self, step_size: float, optimiser: Chosen = "ngd") -> None:
        """Take one step. Raises ScaleError, ChoiceError, RankDeficientError, DivergenceError."""
        eta = positive(step_size, "step_size")
        as_optimiser(optimiser).advance(self, eta)


class FunctionSpaceDescent(FunctionSpaceState, Descent):
    """A state that takes steps of optimisers. Raises what the state raises."""


@dataclass(frozen=True)
class Trajectory:
    """What ``trajectory`` returns; norms are Euclidean, not squared."""

    residual_norms: FloatArray
    """``||r(k)||``, shape (steps + 1,)."""
    step_norms: FloatArray
    """``||W(k+1) - W(k)||_F``, shape (steps,); their sum bounds the distance from W(0)."""
    residual: FloatArray
    """``r(steps)``, shape (n,)."""
    pre_activations: FloatArray
    """``Z`` at the last iterate, shape (n, m)."""
    weights: FloatArray | None
    """``W`` at the last iterate, shape (m, d), when asked for."""


def trajectory(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    steps: int,
    optimiser: Chosen = "ngd",
    parameters: bool = False,
    measure_steps: bool = True,
    loss: LossMaker = SquaredLoss,
) -> Trajectory:
    """Run ``steps`` steps in function space; ``parameters`` adds the weights at the end (I-dual).

    ``measure_steps=False`` makes GD and K-FAC cheaper and leaves their ``step_norms`` nan. ``loss`` takes the labels y; r is the
    distance of the outputs from its minimiser.

    Raises InputError for bad input, RankDeficientError when the matrix to invert becomes singular, DivergenceError when an
    iterate leaves the range of float64.
    """
    state, chosen = FunctionSpaceDescent(net, inputs, y, measure_steps, loss), as_optimiser(optimiser)
    count = positive_count(steps, "steps")
    norms, lengths = [euclidean_norm(state.residual)], []
    weights = net.weights.copy() if parameters else None
    for _ in range(count):
        features = None if weights is None else state.features()
        state.advance(step_size, chosen)
        if weights is not None and features is not None:
            weights -= step_size * (features.T @ state.parameter_direction())
        norms.append(euclidean_norm(state.residual))
        lengths.append(state.last_step_norm)
    return Trajectory(np.array(norms), np.array(lengths), state.residual, state.pre_activations, weights)
