"""Tubes around a ReLU network with one width an input: counted whole, in one pass over the pre-activations, nothing kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.two_layer import pattern_counts
from theory.stability.tube.bounds import TubeBounds, rectifier_bounds
from theory.stability.tube.candidates import blocks, listed_pairs
from theory.stability.tube.digits import FEW_INPUTS, DigitCounter, plain_counts
from theory.stability.tube.first_pass import block_length, cache_blocks
from theory.stability.tube.rectifier import ListedCounter, RectifierCounts, rectifier_counts, touched_counts
from theory.stability.tube.start import Start
from theory.stability.tube.widths import Widths

FEW = 1 / 40
"""Share of the pairs of a block below which products of lists are faster than those of full matrices."""

SAMPLED = 16
"""One neuron of so many."""

FEWEST_SAMPLED = 2**12
"""No fewer than so many are a sample."""

DIGITS = 1536
"""Neurons of a block that are counted at a time."""

RUN = 256
"""Neurons of a sample that follow each other."""


class InputTube:
    """The tube of the widths that were asked for last; B has every pair that may flip, and may have those with a rounding's more."""

    def __init__(self, start: Start) -> None:
        """No tube yet."""
        self.start = start
        self.pairs = 0  # in B
        self._limit = np.full(len(start.pattern), -1.0)

    def bounds(self, widths: Widths) -> TubeBounds:
        """Become the tube in which the widths are the largest of each input's."""
        self._limit = widths.largest
        counts = counts_within(self.start, self._limit)
        self.pairs = int(np.trace(counts.pairs))
        return rectifier_bounds(self.start, widths, self.start.pattern.shape[1], counts)

    def within(self, widths: Widths) -> bool:
        """Whether no width is larger."""
        return bool((widths.largest <= self._limit).all())


def counts_within(start: Start, limit: FloatArray) -> RectifierCounts:
    """Of all pairs within widths (n,)."""
    n = len(start.pattern)
    digits, lists, moving = DigitCounter(n), ListedCounter(start), []
    flips = digits.counts()
    for neurons, near in _near(start, limit):
        touched = np.bitwise_or.reduce(near, axis=0)
        moving.append(touched)
        active = start.pattern[:, neurons]
        if n < FEW_INPUTS:
            some = np.flatnonzero(touched)
            flips += plain_counts(np.take(active, some, axis=1), np.take(near, some, axis=1))
        elif np.count_nonzero(near) < FEW * near.size:
            lists.add(listed_pairs(start, neurons, near, np.abs(start.pre_activations[:, neurons])))
        else:
            for first in range(0, near.shape[1], DIGITS):
                digits.add(active[:, first : first + DIGITS], near[:, first : first + DIGITS])
    return rectifier_counts(
        start, flips + digits.counts() + lists.counts(), touched_counts(start, np.concatenate(moving))
    )


def _near(start: Start, limit: FloatArray) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """Blocks of neurons, and which of their pairs may flip within the limits; overwritten by the next block's."""
    n = len(start.pattern)
    real = np.empty(n * block_length(n))
    for neurons in blocks(start):
        near = np.empty((n, neurons.stop - neurons.start), dtype=bool)
        for some in cache_blocks(n, range(neurons.start, neurons.stop)):
            z = start.pre_activations[:, some]
            sizes = np.abs(z, out=real[: z.size].reshape(z.shape))
            reach = np.nextafter(limit + float(start.error[some].max()), np.inf)[:, None]
            np.less_equal(sizes, reach, out=near[:, some.start - neurons.start : some.stop - neurons.start])
        yield neurons, near


def sample_of(start: Start) -> Start | None:
    """A start with some of the neurons, everywhere among them, as if the others were like them; None where these are too few."""
    m = start.pattern.shape[1]
    if m < SAMPLED * FEWEST_SAMPLED:
        return None
    first = np.arange(0, m - RUN + 1, SAMPLED * RUN)
    neurons = (first[:, None] + np.arange(RUN)).ravel()
    pattern = np.take(start.pattern, neurons, axis=1)
    return dataclasses.replace(
        start,
        order=None,
        pre_activations=np.take(start.pre_activations, neurons, axis=1),
        error=start.error[neurons],
        pattern=pattern,
        distinct_counts=pattern_counts(pattern),
    )
