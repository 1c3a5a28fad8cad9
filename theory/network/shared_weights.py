"""Neurons that share their weights in pairs, wherever in the network they are: one of each pair is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork

FEW_NEURONS = 64
"""Those whose weights are compared first."""

TOGETHER = 2048
"""Neurons that are compared at a time."""

KEY_COLUMNS = 8
"""Weights of a neuron that its key is made of."""

Order = NDArray[np.intp]


@dataclass(frozen=True)
class SharedWeights:
    """Those neurons of a network that are looked at, all or one of each pair."""

    looked_at: TwoLayerNetwork = field(repr=False)
    """These neurons, p of them, with their own signs."""
    copies: int
    """2 where each of them stands for a pair, 1 else; ``m = copies p``."""
    order: Order | None = field(repr=False)
    """The network's neurons, first those that are looked at, then the others of the pairs; None where that is the order they are in."""
    outputs: FloatArray | None = field(repr=False)
    """The sum of ``a_r`` over the neurons that share their weights, shape (p,); None where all of these cancel."""

    @classmethod
    def none(cls, net: TwoLayerNetwork) -> SharedWeights:
        """All neurons, each for itself."""
        return cls(net, 1, None, net.signs)

    @classmethod
    def mirrored(cls, half: TwoLayerNetwork) -> SharedWeights:
        """Twice these neurons, the second time with opposite signs: symmetric initialisation, without a copy."""
        return cls(half, 2, None, None)

    @classmethod
    def of(cls, net: TwoLayerNetwork) -> SharedWeights:
        """Pairs are found where every neuron's weights occur an even number of times."""
        half = net.width // 2
        order = None
        if _repeats(net):
            looked_at = replace(net, weights=net.weights[:half], signs=net.signs[:half])
        else:
            order, first = paired_order(net.weights)
            if order is None:
                return cls.none(net)
            looked_at = replace(net, weights=first, signs=net.signs[order[:half]])
        outputs: FloatArray = in_order(net.signs, order).reshape(2, half).sum(axis=0)
        return cls(looked_at, 2, order, outputs if outputs.any() else None)

    @property
    def width(self) -> int:
        """m."""
        return self.copies * self.looked_at.width

    def pre_activations(self, rows: FloatArray) -> FloatArray:
        """``X W^T`` as computed, shape (n, p)."""
        return rows @ self.looked_at.weights.T

    def placed(self, weights: FloatArray, neurons: NDArray[np.intp], values: FloatArray) -> FloatArray:
        """The network's ``weights`` (m, d) with ``values`` (q, d) in the place of some neurons that are looked at, and of their partners: a new array."""
        found, count = weights.copy(), len(self.looked_at.weights)
        for first in range(0, len(weights), count):
            places = neurons + first if self.order is None else self.order[neurons + first]
            found[places] = values
        return found


def in_order(values: FloatArray, order: Order | None) -> FloatArray:
    """What the last axis has of the network's neurons, in the order in which these are looked at."""
    return values if order is None else values[..., order]


def spread(values: FloatArray, copies: int, order: Order | None) -> FloatArray:
    """What the last axis has of the p neurons that are looked at, for all m of the network, as these are in it."""
    whole = np.tile(values, copies)
    if order is None:
        return whole
    found = np.empty_like(whole)
    found[..., order] = whole
    return found


def _repeats(net: TwoLayerNetwork) -> bool:
    """Whether the second half of the neurons has the first's weights, in the first's order."""
    half, rest = divmod(net.width, 2)
    if rest or not half:
        return False
    first, second = net.weights[:half], net.weights[half:]
    # one look at a few neurons spares most networks the whole comparison
    return bool((first[:FEW_NEURONS] == second[:FEW_NEURONS]).all() and (first == second).all())


def paired_order(weights: FloatArray) -> tuple[Order | None, FloatArray]:
    """An order of neurons (m, d) in which the second half has the weights of the first, and these; None where none is found.

    Neurons are sorted by keys; that neighbours are equal is then seen from their weights themselves. None is found where two different
    neurons happen to have one key, or a weight is 0 in one and -0 in the other.
    """
    if len(weights) % 2 or not len(weights):
        return None, weights
    # of pairs every single column consists
    if not _neighbours_agree(np.sort(weights[:, 0])):
        return None, weights
    keys = _keys(weights)
    order = np.argsort(keys)
    if not _neighbours_agree(keys[order]):
        return None, weights
    pairs = np.sort(order.reshape(-1, 2), axis=1)
    pairs = pairs[np.argsort(pairs[:, 0])]
    first, second = pairs.T
    found = np.empty((len(first), weights.shape[1]))
    for start in range(0, len(first), TOGETHER):
        some = slice(start, start + TOGETHER)
        np.take(weights, first[some], axis=0, out=found[some], mode="clip")
        if (found[some] != weights[second[some]]).any():
            return None, weights
    return np.concatenate([first, second]), found


def _neighbours_agree(values: NDArray[np.generic]) -> bool:
    return bool((values[::2] == values[1::2]).all())


def _keys(weights: FloatArray) -> NDArray[np.uint64]:
    """A number of 64 bits for each neuron (m,), the same for the same weights."""
    some = np.ascontiguousarray(weights[:, :KEY_COLUMNS], dtype=np.float64)
    factors = np.random.default_rng(0).integers(0, 2**63, some.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    bits = some.view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(32))) * factors  # the low half of a short number's bits is zeros
    return np.asarray(bits.sum(axis=1))
