"""Small networks with a tube: followed in balls from W(0), every pre-activation's way and every step's coefficients enclosed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import ClassVar

import numpy as np
from flint import arb, arb_mat
from numpy.typing import NDArray

from properties.chapters.tube.enclosed_tube import EnclosedTube, entries
from properties.engine.stable_names import stored_as
from theory.descent.optimiser import Move, MoveMaker, as_optimiser
from theory.inputs import FloatArray
from theory.losses import Loss, as_loss
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import BALL_ACTIVATIONS, EnclosedStep, enclosed_step, norm_enclosed
from theory.rigour.exact import AnyArray, ball_matrix
from theory.rigour.precision import working_precision
from theory.rigour.rectifier_trajectory import RectifierTrajectory, StoredWeights
from theory.stability import TubeCertificate, certify_tube

FORMS = ("residual", "start", "neuron")
"""Which sum says how wide the tube has to be: from ``||r(0)||``, from c0, or neuron by neuron (docs/theory.md, T1-tube)."""

CERTIFIED = ("certified", "certified neurons")
"""Forms whose numbers are those of ``certify_tube``, one width an input or one a pair."""

TUBE_BITS = 128
"""Of the balls in which a tube and a run are evaluated first."""

SETTLED = 2.0**-40
"""A run ends when the residual has fallen to this share of ``||r(0)||``."""


@dataclass(frozen=True)
class Motion:
    """``Z(k) - Z(0)`` up to the sign of each neuron: those of a group have moved alike."""

    ways: AnyArray
    """(n, groups) balls."""
    group: NDArray[np.int64]
    """(m,)."""

    def largest_share(self, widths: AnyArray) -> arb:
        """``max_ir |Z_ir(k) - Z_ir(0)|/b_ir`` for balls b, (n,) or (n, m); 0/0 is 0."""
        ways = entries(self.ways)
        shares = share(ways, widths[:, None]) if widths.ndim == 1 else share(ways[:, self.group], widths)
        return reduce(arb.max, shares.ravel().tolist())


def _share(way: arb, width: arb) -> arb:
    return way if way == 0 and width == 0 else way / width


share = np.frompyfunc(_share, 2, 1)


@dataclass(frozen=True)
class Followed:
    """A run in balls."""

    steps: tuple[EnclosedStep, ...]
    """Its steps, not-a-number from the first undecided activation on."""
    coefficients: tuple[arb, ...]
    """``||c(k)||`` of each step, or what else its theorem sums up, for the step size 1."""
    moved: tuple[Motion, ...]
    """Where the pre-activations are after each step."""

    @property
    def flips(self) -> int:
        """Activations that a step changes, over all steps."""
        return sum(step.flips for step in self.steps)


@stored_as("tube-network")
@dataclass(frozen=True)
class TubeNetwork:
    """An optimiser, by its name, on a network of few neurons, and the widths of a tube, (n,) or (n, m), all positive."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "eta", "net.weights", "widths")

    net: TwoLayerNetwork
    inputs: FloatArray
    targets: FloatArray
    widths: FloatArray
    eta: float
    steps: int
    form: str = "residual"
    """One of ``FORMS``, for the widths as given, or of ``CERTIFIED``, which does not look at them."""
    optimiser: str = field(default="ngd", kw_only=True)

    @cached_property
    def tube(self) -> EnclosedTube:
        """What is known of the tube, evaluated at the working precision of whoever asks first."""
        return EnclosedTube(self.net, self.inputs, self.targets, self.widths)

    @cached_property
    def certificate(self) -> TubeCertificate:
        """The tube that is certified."""
        per_neuron = self.form == "certified neurons"
        return certify_tube(self.net, self.inputs, self.targets, self.optimiser, per_neuron=per_neuron)

    @cached_property
    def first_run(self) -> Followed:
        """The run at the lowest precision, which mostly decides."""
        with working_precision(TUBE_BITS):
            return self.followed()

    def followed(self) -> Followed:
        """The run at the working precision."""
        recorder = Recorder(as_optimiser(self.optimiser).mover(self.inputs))
        follow = _rectified if self.net.activation == "relu" else _smooth
        steps, moved = follow(self, as_loss(self.targets), recorder)
        return Followed(tuple(steps), tuple(self.lengths(recorder))[: len(steps)], tuple(moved))

    def lengths(self, recorder: Recorder) -> list[arb]:
        """Of which S bounds the sum, for the step size 1: ``||c(k)||`` of each step."""
        return recorder.coefficients(self.inputs)


class Recorder:
    """A mover that remembers the gradients, and the moves for the step size 1."""

    def __init__(self, move: MoveMaker) -> None:
        """Nothing has been asked yet."""
        self.move = move
        self.gradients: list[AnyArray] = []
        self.movements: list[arb_mat] = []

    def __call__(self, gradient: AnyArray, pattern_gram: arb_mat) -> Move:
        """From the gradient (n,) and H (n, n) to the move of one step."""
        found = self.move(gradient, pattern_gram)
        self.gradients.append(gradient)
        self.movements.append(found[0])
        return found

    def coefficients(self, inputs: FloatArray) -> list[arb]:
        """``||c||`` of every move so far, each ``M = -K diag(c)`` for the inputs X (n, d)."""
        squares = [sum((arb(x) ** 2 for x in row), arb(0)) for row in inputs.tolist()]
        return [
            norm_enclosed(np.array([movement[i, i] / square for i, square in enumerate(squares)], dtype=object))
            for movement in self.movements
        ]


def _settled(step: EnclosedStep, first: arb) -> bool:
    """Whether nothing more is to be seen: the residual is gone, or the step is not decided."""
    return not step.after > SETTLED * first


def _rectified(
    instance: TubeNetwork, loss: Loss, recorder: Recorder
) -> tuple[Sequence[EnclosedStep], Sequence[Motion]]:
    """ReLU: neurons that have had the same patterns have moved alike."""
    net, eta = instance.net, arb(instance.eta)
    path = RectifierTrajectory(StoredWeights(net, instance.inputs), net.signs, loss, recorder, instance.eta)
    n, m = len(instance.inputs), net.width
    scale, bits = eta / arb(m).sqrt(), 2 ** np.arange(n)
    group: NDArray[np.int64] = np.zeros(m, dtype=np.int64)
    ways = [[arb(0)] * n]
    steps, moved = [], []
    for _ in range(instance.steps):
        columns = path.active
        step = path.advance()
        steps.append(step)
        if not step.after.is_finite():
            break
        codes = bits @ columns
        keys, group = np.unique(group * 2**n + codes, return_inverse=True)
        before, now = np.divmod(keys, 2**n)
        ways = [
            _way(ways[int(old)], recorder.movements[-1], int(code), scale)
            for old, code in zip(before, now, strict=True)
        ]
        moved.append(Motion(np.array([[way[i] for way in ways] for i in range(n)], dtype=object), group))
        if _settled(step, steps[0].before):
            break
    return steps, moved


def _way(way: list[arb], movement: arb_mat, code: int, scale: arb) -> list[arb]:
    """How far a neuron of this pattern has moved on every input, up to its sign, after one more step."""
    n = len(way)
    on = [j for j in range(n) if code >> j & 1]
    return [way[i] + scale * sum((movement[i, j] for j in on), arb(0)) for i in range(n)]


def _smooth(instance: TubeNetwork, loss: Loss, recorder: Recorder) -> tuple[Sequence[EnclosedStep], Sequence[Motion]]:
    """Other activations: every pre-activation on its own."""
    net, eta = instance.net, arb(instance.eta)
    m = net.width
    phi, slope = BALL_ACTIVATIONS[net.activation]
    scale, minimiser = 1 / arb(m).sqrt(), loss.minimiser_enclosed()
    signs = np.array([arb(float(sign)) for sign in net.signs], dtype=object)
    start = np.array((ball_matrix(instance.inputs) * ball_matrix(net.weights).transpose()).tolist(), dtype=object)
    evaluate = np.frompyfunc(phi, 1, 1), np.frompyfunc(slope, 1, 1)
    z, steps, moved = start, [], []
    outputs = (evaluate[0](z) @ signs) * scale
    for _ in range(instance.steps):
        features = evaluate[1](z) * signs[None, :]
        gram = arb_mat((features @ features.T / arb(m)).tolist())
        movement, length = recorder(loss.gradient(outputs), gram)
        z = z + np.array(movement.tolist(), dtype=object) @ features * (eta * scale)
        before, outputs = outputs - minimiser, (evaluate[0](z) @ signs) * scale
        step = enclosed_step(before, outputs - minimiser, eta * length)
        steps.append(step)
        if not step.after.is_finite():
            break
        moved.append(Motion(z - start, np.arange(m)))
        if _settled(step, steps[0].before):
            break
    return steps, moved
