"""Tubes around a ReLU network with one width an input: counted whole, in one pass over the pre-activations, nothing kept."""

from __future__ import annotations

import dataclasses

import numpy as np

from theory.inputs import FloatArray
from theory.stability.tube.bounds import TubeBounds, rectifier_bounds
from theory.stability.tube.first_pass import LENGTH, TOGETHER, slices
from theory.stability.tube.packed import Packed, common, no_neurons, put
from theory.stability.tube.rectifier import rectifier_counts
from theory.stability.tube.start import Start
from theory.stability.tube.widths import Widths

SAMPLED = 16
"""One neuron of so many."""

FEWEST_SAMPLED = 2**12
"""No fewer than so many are a sample."""

RUN = 256
"""Neurons of a sample that follow each other."""


class InputTube:
    """The tube of the widths that were asked for last; B has every pair that may flip, and may have those with a rounding's more."""

    def __init__(self, start: Start) -> None:
        """No tube yet."""
        self.start = start
        self.pairs = 0  # in B
        self._limit = np.full(len(start.rows), -1.0)

    def bounds(self, widths: Widths) -> TubeBounds:
        """Become the tube in which the widths are the largest of each input's."""
        self._limit = widths.largest
        counts = rectifier_counts(self.start, pattern_within(self.start, self._limit))
        self.pairs = int(np.trace(counts.pairs))
        return rectifier_bounds(self.start, widths, self.start.distinct, counts)

    def within(self, widths: Widths) -> bool:
        """Whether no width is larger."""
        return bool((widths.largest <= self._limit).all())


def pattern_within(start: Start, limit: FloatArray) -> Packed:
    """B, of all pairs within widths (n,)."""
    n, m = start.pre_activations.shape
    found, limit = no_neurons(n, m), limit[:, None]
    real, marked = np.empty(TOGETHER * LENGTH), np.empty(TOGETHER * LENGTH, dtype=bool)
    for neurons in slices(m, LENGTH):
        reach = np.nextafter(limit + float(start.error[neurons].max()), np.inf)
        for inputs in slices(n, TOGETHER):
            z = start.pre_activations[inputs, neurons]
            sizes = np.abs(z, out=real[: z.size].reshape(z.shape))
            near = np.less_equal(sizes, reach[inputs], out=marked[: z.size].reshape(z.shape))
            put(found[inputs], neurons.start, near)
    return found


def sample_of(start: Start) -> Start | None:
    """A start with some of the neurons, everywhere among them, as if the others were like them; None where these are too few."""
    m = start.distinct
    if m < SAMPLED * FEWEST_SAMPLED:
        return None
    runs = [slice(first, first + RUN) for first in range(0, m - RUN + 1, SAMPLED * RUN)]
    pattern = np.concatenate([start.packed[:, run.start // 8 : run.stop // 8] for run in runs], axis=1)
    return dataclasses.replace(
        start,
        order=None,
        pre_activations=np.concatenate([start.pre_activations[:, run] for run in runs], axis=1),
        error=np.concatenate([start.error[run] for run in runs]),
        packed=pattern,
        distinct_counts=common(pattern, pattern),
    )
