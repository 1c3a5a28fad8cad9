"""The pairs (input, neuron) that may flip: those whose pre-activation is small beside the widths, listed once and then chosen from.

A pair may flip in a tube of width b when ``|z| - error <= b``. The pairs within generous widths are listed in one pass over Z; those
within any smaller widths are found in the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.stability.tube.packed import WORD, Packed, no_neurons, put
from theory.stability.tube.start import Neurons
from theory.stability.tube.widths import Widths

BLOCK_ENTRIES = 2**20
"""Pairs of a block of neurons, at least a word of them: bounds what is allocated on the way."""

Mask = NDArray[np.bool_]


def blocks(start: Neurons) -> list[slice]:
    """Neurons, a block at a time."""
    n, m = start.pre_activations.shape
    size = max(BLOCK_ENTRIES // (WORD * n), 1) * WORD
    return [slice(first, min(first + size, m)) for first in range(0, m, size)]


@dataclass(frozen=True)
class Candidates:
    """Pairs of one block of neurons, by input and neuron."""

    neurons: slice
    """The block."""
    inputs: NDArray[np.int32]
    """i, shape (k,)."""
    columns: NDArray[np.int32]
    """r, counted from the block's first, shape (k,)."""
    distances: FloatArray
    """``|z_ir|`` less its error, rounded down and not below 0: the pair is in B for ``b_ir`` of at least so much, shape (k,)."""
    known: dict[str, NDArray[np.floating]] = field(default_factory=dict, compare=False, repr=False)
    """What was calculated of these pairs once, by name."""


def candidates(start: Neurons, largest: FloatArray) -> list[Candidates]:
    """All pairs that may flip within widths (n,)."""
    return [_listed(start, largest, neurons) for neurons in blocks(start)]


def _listed(start: Neurons, largest: FloatArray, neurons: slice) -> Candidates:
    error = start.error[neurons]
    sizes = np.abs(start.pre_activations[:, neurons])
    near = sizes <= np.nextafter(largest + float(error.max()), np.inf)[:, None]
    flat = np.flatnonzero(near)
    inputs, columns = np.divmod(flat.astype(np.int32), np.int32(near.shape[1]))
    distances = np.maximum(np.nextafter(sizes.ravel()[flat] - error[columns], -np.inf), 0.0)
    return Candidates(neurons, inputs, columns, distances)


def chosen(listed: Sequence[Candidates], widths: Widths) -> list[Mask]:
    """Which of the listed pairs are in B for widths that are nowhere above those of the list."""
    return [one.distances <= widths.at(one) for one in listed]


def nowhere_above(first: Sequence[Mask], second: Sequence[Mask]) -> bool:
    """Whether the first choice is part of the second."""
    return not any((one & ~other).any() for one, other in zip(first, second, strict=True))


def chosen_pattern(start: Neurons, listed: Sequence[Candidates], masks: Sequence[Mask]) -> Packed:
    """B, of those pairs that the masks choose."""
    found = no_neurons(*start.pre_activations.shape)
    for one, mask in zip(listed, masks, strict=True):
        near = np.zeros((len(found), one.neurons.stop - one.neurons.start), dtype=bool)
        near[one.inputs[mask], one.columns[mask]] = True
        put(found, one.neurons.start, near)
    return found
