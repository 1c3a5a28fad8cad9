"""What a ReLU network's pattern may become in a tube: exact counts of neurons, from the pairs that may flip.

``B`` are the pairs that may flip (theory.stability.tube.candidates), ``V`` those of them that are active at the start. ``A~ = A0 or B`` may
be active, ``A0 - V = A0 and not B`` surely is. Three products are counted, and the fourth follows, as it does for each neuron:

    B A~^T + A~ B^T = (A~ A~^T - A0 A0^T) + (A0 A0^T - (A0-V)(A0-V)^T) + B B^T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.inputs import FloatArray
from theory.stability.tube.packed import Packed, common, only, unpacked
from theory.stability.tube.start import Neurons

MOST_TOUCHED = 0.75
"""Share of the neurons with a pair in B above which the other ones are not looked at: they say little then, and cost much."""


@dataclass(frozen=True)
class RectifierCounts:
    """Integers in float64, each (n, n)."""

    flipping: FloatArray
    """``B A~^T``."""
    gained: FloatArray
    """``A~ A~^T - A0 A0^T``."""
    lost: FloatArray
    """``A0 A0^T - (A0 - V)(A0 - V)^T``."""
    pairs: FloatArray
    """``B B^T``."""
    touched: FloatArray
    """The sum of ``A~_r A~_r^T`` over the neurons with a pair in B, or over more."""
    frozen: FloatArray
    """The sum of ``A_r A_r^T`` over the others, or zeros where these are few."""


def rectifier_counts(start: Neurons, near: Packed) -> RectifierCounts:
    """All of them, for the pairs B."""
    active, held = start.packed, start.distinct_counts
    neurons = start.pre_activations.shape[1]
    touched = np.flatnonzero(unpacked(np.bitwise_or.reduce(near, axis=0), neurons))
    if len(touched) <= MOST_TOUCHED * neurons:
        active, near = only(active, touched), only(near, touched)
        held = common(active, active)
    may, sure = active | near, active & ~near
    flipping, most, least = common(near, may), common(may, may), common(sure, sure)
    pairs = flipping + flipping.T - (most - least)
    return RectifierCounts(flipping, most - held, held - least, pairs, most, start.distinct_counts - held)
