"""The first pass: ``A A^T`` and the sums that u(0) is made of, for ``G(0)``, ``r(0)`` and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from theory.errors import NotFiniteError
from theory.inputs import FloatArray
from theory.network.gram import rectifier_gram
from theory.network.two_layer import pattern_counts
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.stability.tube.nonnegative import norm_above
from theory.stability.tube.start import Beginning
from theory.streaming.stream import Block, NeuronStream
from theory.streaming.tally import Tally


@dataclass(frozen=True)
class FirstPass:
    """``A A^T`` as integers; by chunk ``sum_r a_r relu(z_r)``, ``sum_r relu(z_r)``, each (n,), and the sum of the errors of z."""

    name = "first"

    def counter(self, stream: NeuronStream) -> _FirstCounter:
        """For one chunk."""
        return _FirstCounter(len(stream.rows), stream.symmetric)


class _FirstCounter:
    def __init__(self, inputs: int, symmetric: bool) -> None:
        self._symmetric = symmetric
        self._counts, self._sums, self._error = np.zeros((inputs, inputs)), np.zeros((inputs, 2)), 0.0

    def add(self, block: Block) -> None:
        self._counts += pattern_counts(block.pattern())
        if not self._symmetric:
            positive = np.maximum(block.pre_activations, 0.0)
            self._sums += positive @ np.stack([block.signs, np.ones_like(block.signs)], axis=1)
            self._error += len(block.signs) * block.error

    def found(self) -> tuple[dict[str, FloatArray], FloatArray]:
        sums = np.empty(0) if self._symmetric else np.concatenate([*self._sums.T, [self._error]])
        return {"counts": self._counts}, sums


def beginning(stream: NeuronStream, targets: FloatArray, tally: Tally) -> Beginning:
    """What the whole network is known by, for targets y (n,). Raises StreamError (a chunk is missing), NotFiniteError."""
    counts = tally.of_all(stream.chunks).counts["counts"].astype(np.float64)
    gram = rectifier_gram(stream.rows, stream.copies * counts, stream.width)
    residual, error = _first_residual(stream, targets, tally.total())
    with np.errstate(over="ignore"):
        whole = norm_above(residual) + error
    if not math.isfinite(whole * whole):
        raise NotFiniteError("the squared norm of the residual u(0) - y overflows; scale weights and targets down")
    return Beginning.of(stream.rows, stream.width, 1.0, stream.copies, gram, (residual, error))


def _first_residual(stream: NeuronStream, targets: FloatArray, sums: FloatArray) -> tuple[FloatArray, float]:
    """``r(0)`` as computed, and a bound of its error; exact where neurons cancel in pairs.

    In a chunk a term goes through at most as many sums as a block has neurons and as there are blocks; chunks are summed up with one rounding.
    """
    if stream.symmetric:
        return -targets, 0.0
    n, root = len(targets), math.sqrt(stream.width)
    longest = min(stream.chunk, stream.distinct)
    operations = min(stream.block, longest) + -(-longest // stream.block) + 8
    errors = (2 * gamma(operations) * sums[n : 2 * n] + STEEPEST_SLOPE * 2 * sums[2 * n]) / root
    residual = sums[:n] / root - targets
    return residual, norm_above(errors + 2 * UNIT_ROUNDOFF * (np.abs(residual) + np.abs(sums[:n]) / root))
