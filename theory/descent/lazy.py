"""Residual curves of long runs: neurons far from all their boundaries are moved together, and rarely.

While the activations of a neuron do not change, its pre-activations move by M times its features, M (n, n) the sum of the
steps' matrices, and its share of outputs and Gram matrix follows from M and n x n counts alone. So a step costs what the
few neurons near a boundary cost. For curves, not for certificates: moves of the others are in single precision.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.descent.iterate import Factors
from theory.descent.optimiser import Chosen
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DescentError
from theory.inputs import FloatArray, positive_count
from theory.network.blocks import Blocks
from theory.network.definiteness import explained
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.reals import nonnegative_real
from theory.rigour.euclidean import euclidean_norm

PATIENCE = 16
"""A neuron rests when no boundary is nearer than so many steps like the present one."""

MOST_AWAKE = 0.5
"""No neuron rests when more than this share of them would be awake."""


def reach(movement: FloatArray, width: int) -> FloatArray:
    """Bounds of the entries of the rows of ``M S``, shape (n,), for all features of the width: entries 0 and one sign each."""
    rising, falling = np.maximum(movement, 0.0).sum(axis=1), np.maximum(-movement, 0.0).sum(axis=1)
    return np.asarray(np.maximum(rising, falling) / np.sqrt(width))


class RestingNeurons:
    """Neurons whose pattern does not change while no row of ``M S`` exceeds its allowance; M the movement since the start."""

    def __init__(self, pre_activations: FloatArray, scaled_signs: FloatArray, allowance: FloatArray) -> None:
        """Take Z (n, m') whose entries exceed the allowance (n,) of their row, and the signs over the root of the width."""
        self.pre_activations, self.scaled_signs, self.allowance = pre_activations, scaled_signs, allowance
        n = len(pre_activations)
        self.movement = np.zeros((n, n))
        self._pattern = pre_activations >= 0
        self.counts = pattern_counts(self._pattern)
        self._outputs = np.maximum(pre_activations, 0.0) @ scaled_signs

    def outputs(self, width: int) -> FloatArray:
        """Their share of the outputs, shape (n,): it moves by the diagonal of ``M A A^T / m``."""
        return np.asarray(self._outputs + np.einsum("ij,ji->i", self.movement, self.counts) / width)

    def moved(self) -> FloatArray:
        """Their pre-activations now, shape (n, m')."""
        return self.pre_activations + self.movement @ (self._pattern * self.scaled_signs)


class LazyDescent(FunctionSpaceDescent):
    """The optimisers' state with neurons at rest: ``pre_activations`` are those of the neurons awake, in some order.

    Smooth activations change everywhere, so none of their neurons rests. Raises what ``FunctionSpaceDescent`` raises.
    """

    def __init__(self, net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike) -> None:
        """Start with all neurons awake; the length of GD's steps is not measured."""
        self._resting: RestingNeurons | None = None
        self._next_attempt = 0
        super().__init__(net, inputs, y, measure_steps=False, single_precision=True)

    @property
    def resting(self) -> int:
        """How many neurons are at rest."""
        return 0 if self._resting is None else self._resting.pre_activations.shape[1]

    def _sweep(self, movement: Factors, count: bool) -> None:
        due = self._resting is not None or self.steps >= self._next_attempt
        if movement and self._pattern is not None and due:
            together = reduce(np.matmul, [factor.astype(np.float64) for factor in movement])
            self._move_together(np.ldexp(together, self._shift) / self._unit)
        super()._sweep(movement, count)

    def _finish(self, outputs: FloatArray, pattern_gram: FloatArray | None) -> None:
        if self._resting is not None:
            outputs = outputs + self._resting.outputs(self.width)
            pattern_gram = None if pattern_gram is None else pattern_gram + self._resting.counts / self.width
        super()._finish(outputs, pattern_gram)

    def _move_together(self, step: FloatArray) -> None:
        """Move the neurons at rest by one step; where it may change a pattern, wake all and choose anew."""
        if self._resting is not None:
            movement = self._resting.movement + step
            if (reach(movement, self.width) <= self._resting.allowance).all():
                self._resting.movement = movement
                return
            self._wake_all()
        if self.steps >= self._next_attempt:
            self._choose(PATIENCE * reach(step, self.width))
        if self._resting is not None:
            self._resting.movement = step

    def _wake_all(self) -> None:
        assert self._resting is not None
        together = np.concatenate([self._resting.moved(), self.pre_activations], axis=1)
        signs = np.concatenate([np.sign(self._resting.scaled_signs), self._signs])
        self._resting = None
        self._awake(together, signs)

    def _choose(self, allowance: FloatArray) -> None:
        """Let the neurons rest that are further than the allowance (n,) from all their boundaries."""
        z, signs = self.pre_activations, self._signs
        far = (np.abs(z) > allowance[:, None]).all(axis=0)
        if far.mean() < 1 - MOST_AWAKE:
            self._next_attempt = self.steps + PATIENCE
            return
        self._resting = RestingNeurons(z[:, far], signs[far] * self._unit, allowance)
        self._awake(z[:, ~far], signs[~far])

    def _awake(self, pre_activations: FloatArray, signs: NDArray[np.float64]) -> None:
        blocks = Blocks(*pre_activations.shape)
        self._put(blocks, signs, blocks.split(pre_activations))
        assert self._pattern is not None
        self._pattern.fill(self._moving)


def residual_curve(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    step_size: float,
    most_steps: int,
    optimiser: Chosen = "ngd",
    reduction: float = 0.0,
) -> tuple[FloatArray, DescentError | None]:
    """``||r(k)||`` (not squared) for the squared loss, k = 0, 1, ... until ``<= reduction ||r(0)||``, or ``most_steps``.

    Where a step cannot be computed the norms up to there, and why: RankDeficientError, DivergenceError. Raises InputError.
    """
    state, share = LazyDescent(net, inputs, y), nonnegative_real(reduction, "reduction")
    norms = [euclidean_norm(state.residual)]
    for _ in range(positive_count(most_steps, "most_steps")):
        try:
            state.advance(step_size, optimiser)
        except DescentError as error:
            return np.array(norms), explained(error, state, optimiser)
        norms.append(euclidean_norm(state.residual))
        if norms[-1] <= share * norms[0]:
            break
    return np.array(norms), None
