"""Networks that descend on a loss in a tube of given widths, followed in balls: what the claims on GD and on general losses are tested on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from flint import arb, arb_mat

from properties.chapters.tube.enclosed_tube import EIGENVALUE_BITS, EnclosedTube, max_of
from properties.chapters.tube.instances import Recorder
from properties.descent.instances import LOSS_PARTS
from properties.descent.losses import SQUARED_LOSS, LossRecipe
from properties.engine.stable_names import stored_as
from theory.descent.optimiser import as_optimiser
from theory.inputs import FloatArray
from theory.losses import Loss
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.eigenvalues import enclosed_smallest_eigenvalue
from theory.rigour.enclosed_step import EnclosedStep, norm_enclosed
from theory.rigour.exact import AnyArray, ball_matrix
from theory.rigour.precision import FIRST_BITS, working_precision
from theory.rigour.rectifier_trajectory import RectifierTrajectory, StoredWeights
from theory.rigour.trajectory import entrywise_steps
from theory.theorems import tube

LEAST_RESIDUAL = 2.0**-24
"""A run ends once the residual is below this share of the first one: what is left of balls decides nothing there."""

LINEAR_SUMMANDS, LINEAR_BITS = 40, 256
"""Of S_lin, one by one; each multiplies the radii of the balls by two or three."""


@dataclass(frozen=True)
class LossTube(EnclosedTube):
    """A tube around a network whose residual is the distance from the minimiser of a loss."""

    loss: Loss | None = None

    @cached_property
    def residual(self) -> AnyArray:
        """r(0) (n,)."""
        assert self.loss is not None
        start = EnclosedTube(self.net, self.inputs, np.zeros(len(self.inputs)), self.widths).residual
        return np.asarray(start - self.loss.minimiser_enclosed())

    @cached_property
    def largest(self) -> arb:
        """``||G(0)||_2``, from above."""
        return -arb(enclosed_smallest_eigenvalue(arb_mat((-self.gram).tolist()), EIGENVALUE_BITS).lower())


@dataclass(frozen=True)
class TubeStep:
    """One exact step, in balls."""

    before: arb
    """``||r(k)||``."""
    after: arb
    """``||r(k+1)||``."""
    coefficients: arb
    """``eta ||c(k)||``, c the coefficients of the step: r for GD, ``G^{-1} g`` for NGD."""
    flips: int
    """Activations that the step changes."""
    moved: Sequence[arb]
    """``max_r |z_ir(k+1) - z_ir(0)|`` for every input; empty where nothing is known."""


@stored_as("given-tube-run")
@dataclass(frozen=True)
class GivenTube:
    """NGD or GD, by its name, on a network, and the widths b (n,) of a tube around it; ``targets`` are the labels of ``loss``."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "eta", "widths", "net.weights", *LOSS_PARTS)

    net: TwoLayerNetwork
    inputs: FloatArray
    targets: FloatArray
    widths: FloatArray
    eta: float
    steps: int
    optimiser: str = field(default="ngd", kw_only=True)
    loss: LossRecipe = field(default=SQUARED_LOSS, kw_only=True)

    # --- the numbers of theorems

    @cached_property
    def objective(self) -> Loss:
        """The loss of the targets."""
        return self.loss(self.targets)

    @cached_property
    def tube(self) -> LossTube:
        """What is known of the tube, in balls."""
        return self._tube()

    def _tube(self) -> LossTube:
        return LossTube(self.net, self.inputs, self.targets, self.widths, loss=self.objective)

    def known(self, name: str) -> arb:
        """A number of the tube by its name, its end on the safe side where it is a norm or an eigenvalue."""
        with working_precision(FIRST_BITS):
            found: arb = getattr(self.tube, name)
        return found

    def width(self, i: int, path: arb, norm: arb | None = None) -> arb:
        """How far the pre-activations of input i move at most on a path of this sum; ``norm`` in the place of ``||K_i||``."""
        own = self.tube.row_norms[i] if norm is None else norm
        return arb(tube.width(own, path, arb(self.net.width), self.tube.slope))

    def room(self, path: arb, norm: arb | None = None) -> arb:
        """By how much the widths exceed these motions, for the input where it is least."""
        rooms = [arb(float(b)) - self.width(i, path, norm) for i, b in enumerate(self.widths)]
        return min(rooms, key=lambda room: float(room.lower()))

    @cached_property
    def linear_sum(self) -> arb:
        """S_lin, from above: some summands one by one, the others by ``lambda_min(G(0))``."""
        least = self.known("first_eigenvalue")
        with working_precision(LINEAR_BITS):
            fresh = self._tube()
            gram, left = fresh.gram, fresh.residual
            total, eta = arb(0), arb(self.eta)
            for _ in range(LINEAR_SUMMANDS):
                total += eta * norm_enclosed(left)
                left = left - eta * (gram @ left)
            return arb((total + norm_enclosed(left) / least).upper())

    def motion(self, steps: Sequence[TubeStep]) -> arb | None:
        """The largest ``|z_ir(k) - z_ir(0)|/b_i`` of a run; None where it is not known."""
        shares = [
            moved / arb(float(b))
            for step in steps
            for moved, b in zip(step.moved, self.widths if step.moved else (), strict=True)
        ]
        if not shares:
            return None
        below = max(float(share.lower()) for share in shares)
        return arb(below).union(max_of(shares))

    def ratio_label(self, limit: float) -> str:
        """Into which fifth of what is allowed the ratio falls, for the table."""
        if not self.tube.lambda_min > 0:
            return "lambda_b <= 0"
        fifth = math.floor(5 * float(self.known("ratio")) / limit)
        allowed = " of its limit" if self.optimiser == "ngd" else ""
        return f"ratio in [{fifth / 5:.1f}, {fifth / 5 + 0.2:.1f}){allowed}"

    # --- the run

    def followed(self) -> Sequence[TubeStep]:
        """The exact steps from W(0), in balls at the working precision, until the residual has nearly vanished."""
        recorder = Recorder(as_optimiser(self.optimiser).mover(self.inputs))
        if self.net.activation == "relu":
            return self._of_rectifiers(recorder)
        start, eta = ball_matrix(self.inputs) * ball_matrix(self.net.weights).transpose(), arb(self.eta)
        steps = entrywise_steps(
            start, self.net.signs, self.net.activation, self.objective, recorder, self.eta, self.steps
        )
        return [
            TubeStep(step.before, step.after, eta * c, 0, ())
            for step, c in zip(steps, recorder.coefficients(self.inputs), strict=True)
        ]

    def _of_rectifiers(self, recorder: Recorder) -> Sequence[TubeStep]:
        start = StoredWeights(self.net, self.inputs)
        path = RectifierTrajectory(start, self.net.signs, self.objective, recorder, self.eta)
        steps: list[tuple[EnclosedStep, list[arb]]] = []
        for _ in range(self.steps):
            step = path.advance()
            steps.append((step, [arb(middle, error) for middle, error in path.farthest()]))
            if not step.after > LEAST_RESIDUAL * steps[0][0].before:
                break
        # a step that is not known has asked for no move
        moves = [*recorder.coefficients(self.inputs), arb("nan")]
        return [
            TubeStep(step.before, step.after, arb(self.eta) * c, step.flips, moved)
            for (step, moved), c in zip(steps, moves, strict=False)
        ]

    @cached_property
    def first_balls(self) -> Sequence[TubeStep]:
        """The same at the lowest precision, which mostly decides."""
        with working_precision(FIRST_BITS):
            return self.followed()

    @property
    def flips(self) -> int:
        """Activations that a step changes, over all steps."""
        return sum(step.flips for step in self.first_balls)
