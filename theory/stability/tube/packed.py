"""Patterns of neurons with 64 of them in a word, and how many neurons two inputs share, counted as the bits of conjunctions.

A count is a sum of integers, exact whatever the order is: those of one conjunction are below ``2^16`` for as many words as are added at a
time, those of all of them below ``2^53``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.blocks import share_out

WORD = 64
"""Neurons of a word."""

WORDS = 2**16 // WORD - 1
"""Of a sum in 16 bits: each adds up to ``WORD``."""

Pattern = NDArray[np.bool_]

Packed = NDArray[np.uint8]
"""Bytes, an input's after the other, as many as make whole words: conjunctions of bytes take less time than those of words."""


def no_neurons(inputs: int, neurons: int) -> Packed:
    """A pattern (n, m) without a neuron that is active, as one is beyond the last."""
    return np.zeros((inputs, -(-neurons // WORD) * (WORD // 8)), dtype=np.uint8)


def put(into: Packed, first: int, pattern: Pattern | NDArray[np.uint8]) -> None:
    """A part (n, p) of a pattern, active where it is not 0, from a neuron on that begins a byte."""
    found = np.packbits(pattern, axis=1)
    into[:, first // 8 : first // 8 + found.shape[1]] = found


def packed(pattern: Pattern) -> Packed:
    """A pattern (n, m)."""
    found = no_neurons(*pattern.shape)
    put(found, 0, pattern)
    return found


def unpacked(pattern: Packed, neurons: int) -> Pattern:
    """So many neurons, shape (n, m), or (m,) of one input."""
    return np.unpackbits(pattern, axis=-1, count=neurons).view(bool)


def only(pattern: Packed, columns: NDArray[np.intp]) -> Packed:
    """Those neurons of a pattern."""
    found = no_neurons(len(pattern), len(columns))
    octets = np.take(pattern, columns // 8, axis=1)
    octets &= (128 >> columns % 8).astype(np.uint8)
    put(found, 0, octets)
    return found


def common(first: Packed, second: Packed) -> FloatArray:
    """``F S^T`` of two patterns of the same neurons, (k, n): integers. Of a pattern with itself half as much is counted."""
    symmetric, whole = second is first, first.shape[1] // (WORD // 8)
    sums = -(-whole // WORDS)
    length = -(-whole // max(sums, 1)) * (WORD // 8)

    def counted(_: int, item: int) -> FloatArray:
        some = slice(item * length, (item + 1) * length)
        left, right = first[:, some], np.ascontiguousarray(second[:, some])
        both = np.empty_like(right)
        words = both.view(np.uint64)
        bits = np.empty(words.shape, dtype=np.uint8)
        counts = np.zeros((len(left), len(right)))
        for i, of_input in enumerate(left):
            j = i if symmetric else 0
            np.bitwise_and(right[j:], of_input, out=both[j:])
            np.bitwise_count(words[j:], out=bits[j:])
            counts[i, j:] = np.add.reduce(bits[j:], axis=1, dtype=np.uint16)
        return counts

    total = sum(share_out(counted, sums), np.zeros((len(first), len(second))))
    return np.asarray(total + np.triu(total, 1).T if symmetric else total)
