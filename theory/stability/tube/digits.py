"""Counts of a tube from two float32 products a block of neurons: several integers in one entry, as its digits.

``P`` are the pairs that may appear, ``V`` those that may vanish, ``B = P + V``; ``R = A~ + (A0 - V)`` is 2 where a pair is active for sure,
1 in B, 0 elsewhere. With ``X = P R^T``, ``Y = V R^T`` and ``N = P V^T + V P^T``

    B A~^T = (X + Y + B B^T)/2,   A~ A~^T - A0 A0^T = (X + X^T + N)/2,
    A0 A0^T - (A0 - V)(A0 - V)^T = (Y + Y^T - N)/2,   B B^T = P P^T + V V^T + N.

With ``L = P + 2^8 V`` the digits of ``L R^T`` are X and Y, those of ``L L^T`` are ``P P^T``, N and ``V V^T``, as long as no input has more
than 127 pairs of either kind: all of these are below ``2^8`` then. The diagonal of ``L L^T`` has the numbers of pairs, and says so itself. All
partial sums are integers below ``2^24``, which float32 adds exactly in any order (I-counts).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import ShapeError
from theory.inputs import FloatArray
from theory.network.two_layer import exact_products

BASE = 256
"""``2^8``."""

MOST_PAIRS = BASE // 2 - 1
"""Of either kind, of an input, in a block: twice as many are below the base."""

MOST_NEURONS = BASE**2 - 1
"""Of a block: so many pairs do not look like one of the other kind."""

FEW_INPUTS = 32
"""Below, a general product takes less time than a symmetric one."""

Single = NDArray[np.float32]

Pattern = NDArray[np.bool_]


def square(matrix: Single) -> Single:
    """``M M^T``, as computed in float32, shape (n, n)."""
    return matrix @ (matrix.copy() if len(matrix) < FEW_INPUTS else matrix).T


@dataclass(frozen=True)
class FlipCounts:
    """Integers in float64, each (n, n); those of disjoint sets of neurons add up."""

    flipping: FloatArray
    """``B A~^T``."""
    gained: FloatArray
    """``A~ A~^T - A0 A0^T``."""
    lost: FloatArray
    """``A0 A0^T - (A0 - V)(A0 - V)^T``."""
    pairs: FloatArray
    """``B B^T``."""

    def __add__(self, other: FlipCounts) -> FlipCounts:
        """Of the neurons of both."""
        return FlipCounts(
            self.flipping + other.flipping,
            self.gained + other.gained,
            self.lost + other.lost,
            self.pairs + other.pairs,
        )


def plain_counts(active: Pattern, near: Pattern) -> FlipCounts:
    """Of some neurons with the patterns A0 and the pairs B, both (n, p), without digits: for few inputs."""
    n = len(near)
    stacked = np.empty((3, *near.shape), dtype=np.float32)
    np.copyto(stacked[0], near > active)
    np.copyto(stacked[1], near & active)
    np.copyto(stacked[2], _twice(active, near))
    rows = stacked.reshape(3 * n, -1)
    found = exact_products(rows[: 2 * n], rows)
    appearing, vanishing = found[:n], found[n:]
    N = appearing[:, n : 2 * n] + vanishing[:, :n]
    squares = appearing[:, :n] + vanishing[:, n : 2 * n]
    return _flip_counts(appearing[:, 2 * n :], vanishing[:, 2 * n :], N, squares)


class DigitCounter:
    """The counts of one block of neurons after the other."""

    def __init__(self, inputs: int) -> None:
        """Of no neuron."""
        shape = (inputs, inputs)
        self._products, self._high = np.zeros(shape), np.zeros(shape)
        self._squares, self._middle, self._top = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._entries = np.empty((2, 0), dtype=np.float32)

    def add(self, active: Pattern, near: Pattern) -> None:
        """Of neurons with the patterns A0 and the pairs B, both (n, p). Raises ShapeError (p is more than the digits can tell)."""
        if active.shape[1] > MOST_NEURONS:
            raise ShapeError(f"{active.shape[1]} neurons at a time; their counts have digits for {MOST_NEURONS}")
        if near.size > self._entries.shape[1]:
            self._entries = np.empty((2, near.size), dtype=np.float32)
        digits, other = self._entries[:, : near.size].reshape(2, *near.shape)
        np.copyto(digits, near)
        np.copyto(other, near & active)
        other *= BASE - 1
        digits += other
        squared = square(digits)
        if not _fits(squared):
            half = active.shape[1] // 2
            self.add(active[:, :half], near[:, :half])
            self.add(active[:, half:], near[:, half:])
            return
        np.copyto(other, _twice(active, near))
        product = digits @ other.T
        self._products += product
        self._high += np.floor(product * np.float32(1 / BASE))
        self._squares += squared
        self._middle += np.floor(squared * np.float32(1 / BASE))
        self._top += np.floor(squared * np.float32(1 / BASE**2))

    def counts(self) -> FlipCounts:
        """Of all neurons so far."""
        Y, vanishing = self._high, self._top
        N = self._middle - BASE * vanishing
        appearing = self._squares - BASE * self._middle
        return _flip_counts(self._products - BASE * Y, Y, N, appearing + vanishing)


def _flip_counts(X: FloatArray, Y: FloatArray, N: FloatArray, squares: FloatArray) -> FlipCounts:
    """By the formulas above; ``squares`` is ``P P^T + V V^T``."""
    pairs = squares + N
    return FlipCounts((X + Y + pairs) / 2, (X + X.T + N) / 2, (Y + Y.T - N) / 2, pairs)


def _twice(active: Pattern, near: Pattern) -> NDArray[np.uint8]:
    """R."""
    return active.view(np.uint8) + (active ^ near).view(np.uint8)


def _fits(squared: Single) -> bool:
    """Whether no input has too many pairs: the diagonal has ``|P_i| + 2^16 |V_i|``, exact where it is below ``2^24``."""
    diagonal = squared.diagonal()
    vanishing = np.floor(diagonal / BASE**2)
    return bool((vanishing <= MOST_PAIRS).all() and (diagonal - BASE**2 * vanishing <= MOST_PAIRS).all())
