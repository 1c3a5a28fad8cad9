"""Ball trajectories: an optimiser's exact steps from a stored iterate or from W(0), enclosed step by step.

A network's iterate is exact as given: its pre-activations Z, or its weights W with ``Z = X W^T``. ``ball_trajectory`` raises the
precision until every activation is decided and every residual norm known; what is not decided at the cap stays undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from flint import arb, arb_mat

from theory.descent.optimiser import Chosen, MoveMaker, as_optimiser
from theory.inputs import FloatArray, positive_count, unit_rows
from theory.losses import Loss, LossMaker, SquaredLoss, as_loss
from theory.network.two_layer import TwoLayerNetwork
from theory.reals import positive_real
from theory.rigour.enclosed_step import BALL_ACTIVATIONS, EnclosedStep, enclosed_step
from theory.rigour.exact import AnyArray, ball_matrix
from theory.rigour.precision import CAP_BITS, FIRST_BITS, at_rising_precision
from theory.rigour.rectifier_trajectory import RectifierTrajectory, StoredPreActivations, StoredWeights


def network_steps_enclosed(
    pre_activations: FloatArray,
    inputs: FloatArray,
    signs: FloatArray,
    activation: str,
    objective: Loss | FloatArray,
    eta: float,
    steps: int = 1,
    optimiser: Chosen = "ngd",
) -> list[EnclosedStep]:
    """Exact steps of an optimiser from stored Z (n, m), as balls at the working precision; X and Z are exact as given.

    Targets stand for their squared loss. A pre-activation whose sign is undecided after a step makes the following steps
    not-a-number. Raises ChoiceError, ScaleError, WidthError (steps).
    """
    positive_real(eta, "the step size eta")
    positive_count(steps, "steps")
    move, loss = as_optimiser(optimiser).mover(inputs), as_loss(objective)
    if activation == "relu":
        path = RectifierTrajectory(StoredPreActivations(pre_activations), signs, loss, move, eta)
        return [path.advance() for _ in range(steps)]
    return entrywise_steps(ball_matrix(pre_activations), signs, activation, loss, move, eta, steps)


def steps_from_weights(
    net: TwoLayerNetwork,
    inputs: FloatArray,
    objective: Loss | FloatArray,
    eta: float,
    steps: int,
    optimiser: Chosen = "ngd",
) -> list[EnclosedStep]:
    """The same from the weights of ``net`` as given: ``Z(0) = X W^T`` is not rounded. Raises what that raises."""
    positive_real(eta, "the step size eta")
    positive_count(steps, "steps")
    move, loss = as_optimiser(optimiser).mover(inputs), as_loss(objective)
    if net.activation == "relu":
        path = RectifierTrajectory(StoredWeights(net, inputs), net.signs, loss, move, eta)
        return [path.advance() for _ in range(steps)]
    start = ball_matrix(inputs) * ball_matrix(net.weights).transpose()
    return entrywise_steps(start, net.signs, net.activation, loss, move, eta, steps)


def entrywise_steps(
    start: arb_mat, signs: FloatArray, activation: str, loss: Loss, move: MoveMaker, eta: float, steps: int
) -> list[EnclosedStep]:
    """Steps from balls Z(0) (n, m), entry by entry: for every activation."""
    n, m = start.nrows(), start.ncols()
    phi, slope = BALL_ACTIVATIONS[activation]
    scale, minimiser, z = 1 / arb(m).sqrt(), loss.minimiser_enclosed(), start
    column, negative = ball_matrix(signs), np.tile(signs < 0, n).tolist()

    def outputs_at(values: arb_mat) -> AnyArray:
        outputs = arb_mat(n, m, [phi(entry) for entry in values.entries()]) * column * scale
        return np.array(outputs.entries(), dtype=object)

    found = []
    outputs = outputs_at(z)
    for _ in range(steps):
        slopes = (slope(entry) for entry in z.entries())
        features = arb_mat(n, m, [-s if minus else s for s, minus in zip(slopes, negative, strict=True)])
        movement, length = move(loss.gradient(outputs), features * features.transpose() / m)
        z = z + arb(eta) * scale * movement * features
        before, outputs = outputs - minimiser, outputs_at(z)
        found.append(enclosed_step(before, outputs - minimiser, arb(eta) * length))
    return found


ACCURACY = 2.0**-40
"""Relative to ``||r(0)||``: the radius up to which ``ball_trajectory`` wants to know every residual norm."""


@dataclass(frozen=True)
class BallTrajectory:
    """The exact trajectory from W(0), enclosed."""

    steps: tuple[EnclosedStep, ...]
    """As many as asked for; those from the first undecided activation or singular matrix on are not-a-number."""
    bits: int
    """The precision that it took."""

    @property
    def decided(self) -> int:
        """How many steps are enclosed."""
        return sum(bool(step.after.is_finite()) for step in self.steps)


def accurate(steps: list[EnclosedStep]) -> bool:
    """Whether all steps are enclosed, and every residual norm to ``ACCURACY``."""
    allowed = arb(ACCURACY) * steps[0].before
    return all(bool(step.after.rad() <= allowed) and step.after.is_finite() for step in steps)


def ball_trajectory(
    net: TwoLayerNetwork,
    inputs: FloatArray,
    y: FloatArray,
    step_size: float,
    steps: int,
    optimiser: Chosen = "ngd",
    loss: LossMaker = SquaredLoss,
    first: int = FIRST_BITS,
    cap: int = CAP_BITS,
) -> BallTrajectory:
    """Follow an optimiser from W(0) in balls, at 64 bits, 128 and so on up to the cap, until all is decided.

    X (n, d) unit rows, y (n,) labels, all exact as given. Raises ChoiceError, ScaleError, WidthError (steps) and what ``unit_rows`` raises.
    """
    rows = unit_rows(inputs)
    attempt = partial(steps_from_weights, net, rows, loss(y), step_size, steps, optimiser)
    found, bits = at_rising_precision(attempt, accurate, first, cap)
    return BallTrajectory(tuple(found), bits)
