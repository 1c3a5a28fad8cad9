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
from theory.stability.tube.start import Neurons
from theory.stability.tube.widths import Widths

BLOCK_ENTRIES = 2**20
"""Pairs of a block of neurons, at least one neuron: bounds what is allocated on the way."""

Mask = NDArray[np.bool_]


def blocks(start: Neurons) -> list[slice]:
    """Neurons, a block at a time."""
    n, m = start.pattern.shape
    size = max(BLOCK_ENTRIES // n, 1)
    return [slice(first, min(first + size, m)) for first in range(0, m, size)]


@dataclass(frozen=True)
class Candidates:
    """Pairs of one block of neurons: those that are not active at the start, by input and neuron, then those that are."""

    neurons: slice
    """The block."""
    inputs: NDArray[np.int32]
    """i, shape (k,)."""
    columns: NDArray[np.int32]
    """r, counted from the block's first, shape (k,)."""
    ends: NDArray[np.int64]
    """Where the pairs of one input end, for the first and then for the second kind, behind a 0: shape (2n + 1,)."""
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
    return listed_pairs(start, neurons, near, sizes)


def listed_pairs(start: Neurons, neurons: slice, near: Mask, sizes: FloatArray) -> Candidates:
    """The pairs of a block that ``near`` (n, p) marks; ``sizes`` (n, p) are ``|Z|``."""
    n, size = near.shape
    flat = np.flatnonzero(near)
    kinds = start.pattern[:, neurons][near]
    flat = np.concatenate([flat[~kinds], flat[kinds]])
    inputs, columns = np.divmod(flat.astype(np.int32), np.int32(size))
    distances = np.maximum(np.nextafter(sizes.ravel()[flat] - start.error[neurons][columns], -np.inf), 0.0)
    rows = inputs.copy()
    rows[len(kinds) - int(kinds.sum()) :] += n
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=2 * n))])
    return Candidates(neurons, inputs, columns, ends, distances)


def chosen(listed: Sequence[Candidates], widths: Widths) -> list[Mask]:
    """Which of the listed pairs are in B for widths that are nowhere above those of the list."""
    return [one.distances <= widths.at(one) for one in listed]


def nowhere_above(first: Sequence[Mask], second: Sequence[Mask]) -> bool:
    """Whether the first choice is part of the second."""
    return not any((one & ~other).any() for one, other in zip(first, second, strict=True))
