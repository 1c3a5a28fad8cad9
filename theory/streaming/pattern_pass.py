"""The pass that K2's ball needs: histograms of what flips cost in weight, for each input, and in number, for all inputs together.

A flip of (i, r) weighs as much for input i as neuron r has flips; K2-spec asks for the most weight that one input collects
(docs/proofs/stability.md, P4.13). Bins are those of ``FlipPass``: a flip counts at the lower edge of its bin, what is beyond the last at its
upper edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from theory.inputs import FloatArray
from theory.streaming.flip_pass import PairsByNeuron, distances_below, unit_costs, weight_costs
from theory.streaming.stream import Block, NeuronStream


@dataclass(frozen=True)
class PatternPass:
    """``weight`` (n, bins): flips by the input that they weigh for; ``number`` (bins,): flips of all inputs. Of distinct neurons."""

    step: float
    """The width of a bin, a power of 2; a distance."""
    bins: int

    name = "pattern"

    def counter(self, stream: NeuronStream) -> _PatternCounter:
        """For one chunk."""
        return _PatternCounter(self, len(stream.rows))


class _PatternCounter:
    def __init__(self, work: PatternPass, inputs: int) -> None:
        self._work = work
        self._weight, self._number = np.zeros((inputs, work.bins)), np.zeros(work.bins)
        # a pair beyond has no flip below the last edge: P4.10, P4.13
        self._reach = (math.ceil(math.sqrt(inputs) * work.bins) + 1) * work.step

    def add(self, block: Block) -> None:
        near = np.flatnonzero(block.sizes < np.nextafter(self._reach + block.error, np.inf))
        count, size = len(block.signs), self._work.bins
        inputs, neurons = np.divmod(near, count)
        distances = distances_below(block, near)
        pairs = PairsByNeuron.of(distances, neurons, count)
        for roots, flips in unit_costs(distances, pairs):
            bins = np.floor(roots / self._work.step)  # exact, the step being a power of 2
            below = bins < size
            self._number += np.bincount(bins[below].astype(np.int64), flips[below], minlength=size)
        for owners, roots, flips in weight_costs(distances, inputs, pairs):
            bins = np.floor(roots / self._work.step)
            below = bins < size
            places = owners[below] * size + bins[below].astype(np.int64)
            self._weight += np.bincount(places, flips[below], self._weight.size).reshape(self._weight.shape)

    def found(self) -> tuple[dict[str, FloatArray], FloatArray]:
        return {"weight": self._weight, "number": self._number}, np.empty(0)
