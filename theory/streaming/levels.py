"""Which tubes are tried: around the path sum that a sample of the neurons leads to. What a sample says is an estimate and certifies nothing."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np

from theory.inputs import FloatArray
from theory.stability.tube.bounds import rectifier_bounds
from theory.stability.tube.candidates import candidates, chosen, chosen_pattern
from theory.stability.tube.ngd import path_sum
from theory.stability.tube.rectifier import rectifier_counts
from theory.stability.tube.rule import input_widths
from theory.stability.tube.start import Beginning, Neurons
from theory.streaming.stream import Block, NeuronStream
from theory.streaming.tube_pass import neurons_of

SAMPLE_ENTRIES = 2**20
"""Pre-activations of the sample, up to a block more, or all."""

LEVELS = (1.0, 1 + 2.0**-8, 1 + 2.0**-6, 1.5)
"""The tubes that are tried, as multiples of the estimated path sum."""

ITERATIONS = 60
"""The iteration ends after so many turns, if not before at a path sum that is enough."""


def estimated_path_sum(stream: NeuronStream, start: Beginning) -> float | None:
    """The path sum of the least tube by a sample; None where it closes none."""
    sample = _sample(stream)
    path = float(start.coefficients_norm)
    limit = -math.inf
    for _ in range(ITERATIONS):
        widths = input_widths(start, path)
        if path > limit:
            limit = 2 * path
            listed = candidates(sample, input_widths(start, limit).values)
        counts = rectifier_counts(sample, chosen_pattern(sample, listed, chosen(listed, widths)))
        bounds = rectifier_bounds(start, widths, sample.pattern.shape[1], counts)
        if not (bounds.lambda_min > 0 and bounds.ratio < 1):
            return None
        further = float(path_sum(start, bounds))
        if further <= path:
            break
        path = further
    return path


def level_widths(start: Beginning, path: float) -> FloatArray:
    """The widths (levels, n) of the tubes that are tried."""
    return np.stack([input_widths(start, factor * path).values for factor in LEVELS])


def _sample(stream: NeuronStream) -> Neurons:
    """The first neurons, however many blocks they are in."""
    blocks, entries = list[Block](), 0
    for block in chain.from_iterable(map(stream.blocks, stream.chunks)):
        blocks.append(block)
        entries += block.pre_activations.size
        if entries >= SAMPLE_ENTRIES:
            break
    return neurons_of(blocks)
