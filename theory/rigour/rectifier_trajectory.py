"""Ball trajectories of ReLU networks, at the cost of a few n x n balls a step whatever the width is.

A step moves Z by ``M S`` with an n x n matrix M of balls, and S is ``m^{-1/2} A diag(a)`` with a pattern A of zeros and ones.
So, with the patterns A(t) and moves M(t) of the steps before,

    z_ir(k) = z_ir(0) + a_r m^{-1/2} sum_t sum_j M_ij(t) A_jr(t),
    u_i(k) = m^{-1/2} sum_r a_r A_ir(k) z_ir(0) + (1/m) sum_t sum_j M_ij(t) (A(k) A(t)^T)_ij

(``a_r^2 = 1``): sums of stored numbers, balls n x n, and whole numbers, which are exact; from step to step all of them change
by the neurons that have flipped. Only the patterns need Z(k) itself. They come from a float64 Z(k) with an error bound; an entry within it is evaluated in balls, and one whose ball straddles 0
is *ambiguous*: outputs then contain both of its values, and the steps from there on are not-a-number. H and G are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from flint import arb, arb_mat, fmpq
from numpy.typing import NDArray

from theory.descent.optimiser import MoveMaker
from theory.inputs import FloatArray
from theory.losses import Loss
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.enclosed_step import EnclosedStep, enclosed_step
from theory.rigour.exact import AnyArray, ball_matrix, float_at_least, rational
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.rigour.summation import enclosed_sums

BLOCK = 2**12
"""Neurons summed up at a time."""


class StartingPoint(Protocol):
    """Z(0), shape (n, m): as floats with an error bound, and exactly."""

    @property
    def computed(self) -> FloatArray:
        """Z(0) in float64."""
        ...

    @property
    def error(self) -> FloatArray:
        """Bounds of its error, entrywise, of a shape that broadcasts to (n, m)."""
        ...

    def entry(self, i: int, r: int) -> arb:
        """``z_ir(0)``: a ball at the working precision, of the right sign and 0 exactly where it is 0."""
        ...

    def weighted(self, i: int, neurons: NDArray[np.int64], weights: FloatArray) -> arb:
        """``sum_r weights_r z_ir(0)`` over some neurons (k,), for weights (k,) of -1, 0, 1."""
        ...


@dataclass(frozen=True)
class StoredPreActivations:
    """Z(0) (n, m) itself, exact as given: the iterate of an optimiser in function space."""

    computed: FloatArray

    @property
    def error(self) -> FloatArray:
        """None."""
        return np.zeros((1, 1))

    def entry(self, i: int, r: int) -> arb:
        """``z_ir(0)``."""
        return arb(float(self.computed[i, r]))

    def weighted(self, i: int, neurons: NDArray[np.int64], weights: FloatArray) -> arb:
        """``sum_r weights_r z_ir(0)``."""
        return enclosed_sums(self.computed[i, neurons][None, :] * weights)[0]


@dataclass(frozen=True)
class StoredWeights:
    """``Z(0) = X W^T`` of a network's weights (m, d) and inputs X (n, d), both exact as given."""

    net: TwoLayerNetwork
    inputs: FloatArray

    @cached_property
    def computed(self) -> FloatArray:
        """Z(0) in float64."""
        return self.net.pre_activations(self.inputs)

    @cached_property
    def error(self) -> FloatArray:
        """The rounding of the dot products, in any order; positive."""
        sizes = np.abs(self.inputs) @ np.abs(self.net.weights).T
        return np.asarray(gamma(2 * self.net.dim + 4) * sizes + UNDERFLOW)

    def entry(self, i: int, r: int) -> arb:
        """``w_r . x_i``, in whole numbers before it is rounded."""
        pairs = zip(self.net.weights[r].tolist(), self.inputs[i].tolist(), strict=True)
        return arb(sum((rational(w) * rational(x) for w, x in pairs), fmpq(0)))

    def weighted(self, i: int, neurons: NDArray[np.int64], weights: FloatArray) -> arb:
        """``(sum_r weights_r w_r) . x_i``."""
        sums = enclosed_sums(self.net.weights[neurons].T * weights)
        return sum((total * x for total, x in zip(sums, self.inputs[i].tolist(), strict=True)), arb(0))


@dataclass(frozen=True)
class _Pattern:
    """The activations of one iterate."""

    active: NDArray[np.bool_]
    """A, shape (n, m); False where ambiguous."""
    ambiguous: list[tuple[int, arb]]
    """For every ambiguous entry its row and the ball of its pre-activation."""


class RectifierTrajectory:
    """The exact trajectory of a ReLU network, in balls at the working precision, advanced step by step."""

    def __init__(self, start: StartingPoint, signs: FloatArray, loss: Loss, move: MoveMaker, eta: float) -> None:
        """``signs`` a (m,) of -1, +1; ``move`` makes the moves of an optimiser for the step size 1."""
        self.start, self.signs, self.loss, self.move, self.eta = start, signs, loss, move, arb(eta)
        self.minimiser = loss.minimiser_enclosed()
        n, m = start.computed.shape
        self.rows, self.width = n, m
        self.scale = 1 / arb(m).sqrt()
        self._moves: list[arb_mat] = []
        self._patterns: list[NDArray[np.bool_]] = []
        self._shared: list[FloatArray] = []
        """``A(k) A(t)^T`` (n, n) for every step t before the current iterate k."""
        self._computed = start.computed.copy()
        self._row_errors = np.zeros((n, 1))
        self._pattern = self._decided()
        self._counts = pattern_counts(self._pattern.active)
        self._initial_part = self._weighted(np.arange(m), self._pattern.active.astype(np.float64))
        """``sum_r a_r A_ir(k) z_ir(0)``, n balls."""
        self._moved_part = [arb(0)] * n
        """``sum_t sum_j M_ij(t) (A(k) A(t)^T)_ij``, n balls."""
        self.residual = self._outputs() - self.minimiser

    @property
    def active(self) -> NDArray[np.bool_]:
        """The pattern A of the current iterate, shape (n, m); False where ambiguous."""
        return self._pattern.active

    @property
    def ambiguous(self) -> int:
        """How many activations of the current iterate are not decided."""
        return len(self._pattern.ambiguous)

    def farthest(self) -> list[tuple[float, float]]:
        """``max_r |z_ir(k) - z_ir(0)|`` of every input in float64, and a bound of its error, in which Z(0) has no part."""
        size = np.abs(self._computed - self.start.computed).max(axis=1)
        error = (self._row_errors[:, 0] + UNIT_ROUNDOFF * size) * (1 + gamma(4))
        return [(float(middle), float(bound)) for middle, bound in zip(size, error, strict=True)]

    def advance(self) -> EnclosedStep:
        """Take one step; not-a-number from an iterate with an ambiguous activation or a Gram matrix that may be singular."""
        before = self.residual
        if self.ambiguous:
            return self._undecided()
        pattern_gram = ball_matrix(self._counts) / self.width
        movement, length = self.move(self.loss.gradient(before + self.minimiser), pattern_gram)
        movement = self.eta * movement
        if not all(entry.is_finite() for entry in movement.entries()):
            return self._undecided()
        self._moves.append(movement)
        self._patterns.append(self._pattern.active)
        self._shared.append(self._counts.copy())
        self._add_moves(movement, self._counts)
        self._follow(movement)
        old = self.active
        self._flip(self._decided())
        self.residual = self._outputs() - self.minimiser
        flips = int(np.count_nonzero(self.active != old))
        return enclosed_step(before, self.residual, self.eta * length, flips)

    def _undecided(self) -> EnclosedStep:
        before, nothing = self.residual, arb("nan")
        self.residual = np.array([nothing] * self.rows, dtype=object)
        self._pattern = _Pattern(self._pattern.active, [(0, nothing)])
        return enclosed_step(before, self.residual, nothing)

    def _follow(self, movement: arb_mat) -> None:
        """Move the float64 Z, and enlarge its error bound by the rounding of M, of the product and of the sum; never 0 again."""
        n = self.rows
        middle = np.array([[float(entry) for entry in row] for row in movement.tolist()])
        differences = (movement - ball_matrix(middle)).entries()
        rounded = np.array([float_at_least(abs(entry)) for entry in differences]).reshape(n, n).sum(axis=1)
        features = self._pattern.active * (self.signs / np.sqrt(self.width))
        self._computed = self._computed + middle @ features
        sizes = np.abs(middle).sum(axis=1)
        moved = (rounded + gamma(n + 8) * sizes) / np.sqrt(self.width) + UNDERFLOW
        moved += 2 * UNIT_ROUNDOFF * np.abs(self._computed).max(axis=1)
        self._row_errors = (self._row_errors + moved[:, None]) * (1 + gamma(2 * n + 16))

    def _decided(self) -> _Pattern:
        """The pattern of the current iterate: floats first, balls where their error bound does not decide."""
        error = (self._row_errors + self.start.error) * (1 + gamma(4))
        active, ambiguous = self._computed >= 0, []
        certain = np.abs(self._computed) > error
        if not self._moves:  # an exact Z(0) has no error: every sign is decided, that of 0 as well
            certain |= error == 0
        for i, r in np.argwhere(~certain):
            z = self._entry(int(i), int(r))
            active[i, r] = bool(z >= 0)
            if not (z >= 0 or z < 0):
                ambiguous.append((int(i), int(self.signs[r]) * z))
        return _Pattern(active, ambiguous)

    def _entry(self, i: int, r: int) -> arb:
        """``z_ir(k)`` in balls."""
        moved = arb(0)
        for movement, active in zip(self._moves, self._patterns, strict=True):
            for j in np.flatnonzero(active[:, r]):
                moved += movement[i, int(j)]
        z = self.start.entry(i, r)
        return z + moved * self.scale * int(self.signs[r]) if self._moves else z

    def _flip(self, pattern: _Pattern) -> None:
        """Take the pattern of a new iterate: sums and counts change by the neurons that have flipped."""
        old, new = self._pattern.active, pattern.active
        neurons = np.flatnonzero((old != new).any(axis=0))
        self._pattern = pattern
        if not len(neurons):
            return
        change = new[:, neurons].astype(np.float64) - old[:, neurons]
        for i, total in enumerate(self._weighted(neurons, change)):
            self._initial_part[i] += total
        for movement, active, shared in zip(self._moves, self._patterns, self._shared, strict=True):
            more: FloatArray = change @ active[:, neurons].T
            shared += more
            self._add_moves(movement, more)
        self._counts = self._counts + change @ old[:, neurons].T + new[:, neurons] @ change.T

    def _weighted(self, neurons: NDArray[np.int64], change: FloatArray) -> list[arb]:
        """``sum_r a_r D_ir z_ir(0)`` over some neurons (k,), for D (n, k), n balls."""
        totals = [arb(0)] * self.rows
        for first in range(0, len(neurons), BLOCK):
            block = slice(first, first + BLOCK)
            weights = change[:, block] * self.signs[neurons[block]]
            for i in np.flatnonzero(weights.any(axis=1)):
                totals[i] += self.start.weighted(int(i), neurons[block], weights[i])
        return totals

    def _add_moves(self, movement: arb_mat, counts: FloatArray) -> None:
        """Add ``sum_j M_ij counts_ij`` to the outputs' moved part."""
        for i, j in np.argwhere(counts):
            self._moved_part[i] += movement[int(i), int(j)] * int(counts[i, j])

    def _outputs(self) -> AnyArray:
        """``u(k)``, shape (n,)."""
        outputs = [
            initial * self.scale + moved / self.width
            for initial, moved in zip(self._initial_part, self._moved_part, strict=True)
        ]
        for i, signed in self._pattern.ambiguous:
            outputs[i] += signed.union(arb(0)) * self.scale
        return np.array(outputs, dtype=object)
