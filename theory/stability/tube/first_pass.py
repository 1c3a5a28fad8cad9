"""The first pass over the pre-activations, in pieces that stay in a processor's cache: exact signs, their counts, sums of outputs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from theory.inputs import FloatArray
from theory.network.gram import decided_signs
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.packed import WORD, Packed, common, no_neurons, put

LENGTH = 256 * WORD
"""Neurons of a piece: with fewer, memory is read by bits, and the rounding of a sum over a piece grows with them."""

TOGETHER = 5
"""Inputs of a piece, which is half a megabyte of float64 then."""


@dataclass(frozen=True)
class FirstPass:
    """What is known of all neurons."""

    pattern: Packed = field(repr=False)
    """``A0 = 1[X W^T >= 0]``, exact, of m neurons."""
    counts: FloatArray = field(repr=False)
    """``A0 A0^T``, integers, shape (n, n)."""
    sums: FloatArray
    """``sum_r v_r phi(z_ir)`` and ``sum_r |v_r| |phi(z_ir)|`` as computed, shape (n, 2)."""


def slices(count: int, length: int) -> list[slice]:
    """The numbers below the count, so many at a time."""
    return [slice(first, min(first + length, count)) for first in range(0, count, length)]


def first_pass(
    net: TwoLayerNetwork,
    rows: FloatArray,
    pre_activations: FloatArray,
    error: FloatArray,
    weights: FloatArray | None,
) -> FirstPass:
    """Over pre-activations (n, m) within ``error`` (m,) of the exact ones, and output weights v (m,); None for sums that nobody needs."""
    n, m = pre_activations.shape
    pattern, sums = no_neurons(n, m), np.zeros((n, 2))
    real = np.empty(TOGETHER * LENGTH)
    for neurons in slices(m, LENGTH):
        largest_error = error[neurons].max()
        both = None if weights is None else (weights[neurons], np.abs(weights[neurons]))
        for inputs in slices(n, TOGETHER):
            z = pre_activations[inputs, neurons]
            sizes = np.abs(z, out=real[: z.size].reshape(z.shape))
            clear = sizes.min() > largest_error
            active = z >= 0 if clear else decided_signs(rows[inputs], net.weights[neurons], z, error[neurons])
            put(pattern[inputs], neurons.start, active)
            if both is not None:
                _add_outputs(net, z, sizes, *both, sums[inputs])
    return FirstPass(pattern, common(pattern, pattern), sums)


def _add_outputs(
    net: TwoLayerNetwork,
    z: FloatArray,
    sizes: FloatArray,
    weights: FloatArray,
    magnitudes: FloatArray,
    sums: FloatArray,
) -> None:
    """Add a piece's to the sums, from v and ``|v|``; ``sizes`` are ``|z|``, and are overwritten."""
    with np.errstate(over="ignore", invalid="ignore"):
        if net.activation == "relu":  # z + |z| is twice max(z, 0), exactly
            doubled = np.add(z, sizes, out=sizes)
            sums[:, 0] += 0.5 * (doubled @ weights)
            sums[:, 1] += 0.5 * (doubled @ magnitudes)
        else:
            values = net.phi.function(z)
            sums[:, 0] += values @ weights
            sums[:, 1] += np.abs(values) @ magnitudes
