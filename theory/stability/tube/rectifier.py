"""What a ReLU network's pattern may become in a tube: exact counts of pairs, neuron by neuron.

``B`` are the pairs that may flip, those with ``|z| <= b``; what the rounding of z leaves open is in B. ``A~ = A0 or B`` may be active,
``A0 - B`` surely is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.two_layer import exact_products, pattern_counts
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.stability.tube.start import Start
from theory.stability.tube.widths import Widths

BLOCK = 4096
"""Neurons at a time."""


@dataclass(frozen=True)
class RectifierCounts:
    """Integers in float64, each (n, n)."""

    flipping: FloatArray
    """``B A~^T``."""
    gained: FloatArray
    """``A~ A~^T - A0 A0^T``."""
    lost: FloatArray
    """``A0 A0^T - (A0 - B)(A0 - B)^T``."""
    pairs: FloatArray
    """``B B^T``."""
    touched: FloatArray
    """The sum of ``A~_r A~_r^T`` over the neurons with a pair in B."""
    frozen: FloatArray
    """The sum of ``A_r A_r^T`` over the others."""


def may_flip(start: Start, widths: Widths, neurons: slice) -> NDArray[np.bool_]:
    """``B`` for some neurons, shape (n, k): everything within b and the error of 0."""
    limit = (widths.of(neurons).astype(np.float64) + start.error[neurons]) * (1 + 2 * UNIT_ROUNDOFF)
    return np.asarray(np.abs(start.pre_activations[:, neurons]) <= limit)


def rectifier_counts(start: Start, widths: Widths) -> RectifierCounts:
    """Count."""
    n, m = start.pattern.shape
    flipping, possible, sure, pairs, touched, frozen = (np.zeros((n, n)) for _ in range(6))
    for first in range(0, m, BLOCK):
        neurons = slice(first, first + BLOCK)
        flips, active = may_flip(start, widths, neurons), start.pattern[:, neurons]
        may = active | flips
        moving = flips.any(axis=0)
        flipping += exact_products(flips, may)
        possible += pattern_counts(may)
        sure += pattern_counts(active & ~flips)
        pairs += pattern_counts(flips)
        touched += pattern_counts(may[:, moving])
        frozen += pattern_counts(active[:, ~moving])
    return RectifierCounts(flipping, possible - start.counts, start.counts - sure, pairs, touched, frozen)
