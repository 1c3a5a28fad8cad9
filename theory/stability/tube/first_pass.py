"""The first pass over the pre-activations, in blocks that stay in a processor's cache: exact signs, their counts, sums of outputs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.gram import decided_signs
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube.digits import square

CACHE_ENTRIES = 2**19
"""Pairs of a block of neurons: a few megabytes of float64."""

FEWEST, MOST = 1024, 8192
"""Neurons of a block: fewer are slow, and the rounding of a sum over a block grows with its length."""


@dataclass(frozen=True)
class FirstPass:
    """What is known of all neurons."""

    pattern: NDArray[np.bool_] = field(repr=False)
    """``A0 = 1[X W^T >= 0]``, exact, shape (n, m)."""
    counts: FloatArray = field(repr=False)
    """``A0 A0^T``, integers, shape (n, n)."""
    sums: FloatArray
    """``sum_r v_r phi(z_ir)`` and ``sum_r |v_r| |phi(z_ir)|`` as computed, shape (n, 2)."""


def cache_blocks(inputs: int, neurons: range) -> list[slice]:
    """Neurons, a block at a time."""
    size = block_length(inputs)
    return [slice(first, min(first + size, neurons.stop)) for first in range(neurons.start, neurons.stop, size)]


def block_length(inputs: int) -> int:
    """Neurons of a block."""
    return min(max(CACHE_ENTRIES // inputs, FEWEST), MOST)


def first_pass(
    net: TwoLayerNetwork,
    rows: FloatArray,
    pre_activations: FloatArray,
    error: FloatArray,
    weights: FloatArray | None,
) -> FirstPass:
    """Over pre-activations (n, m) within ``error`` (m,) of the exact ones, and output weights v (m,); None for sums that nobody needs."""
    n, m = pre_activations.shape
    pattern, counts, sums = np.empty((n, m), dtype=bool), np.zeros((n, n)), np.zeros((n, 2))
    length = min(block_length(n), m)
    real, single = np.empty(n * length), np.empty(n * length, dtype=np.float32)
    for some in cache_blocks(n, range(m)):
        z = pre_activations[:, some]
        sizes = np.abs(z, out=real[: z.size].reshape(z.shape))
        if sizes.min() > error[some].max():
            np.greater_equal(z, 0, out=pattern[:, some])
        else:
            pattern[:, some] = decided_signs(rows, net.weights[some], z, error[some])
        active = single[: z.size].reshape(z.shape)
        np.copyto(active, pattern[:, some])
        counts += square(active)
        if weights is not None:
            _add_outputs(net, z, sizes, weights[some], sums)
    return FirstPass(pattern, counts, sums)


def _add_outputs(net: TwoLayerNetwork, z: FloatArray, sizes: FloatArray, weights: FloatArray, sums: FloatArray) -> None:
    """Add a block's to the sums; ``sizes`` are ``|z|``, and are overwritten."""
    with np.errstate(over="ignore", invalid="ignore"):
        if net.activation == "relu":  # z + |z| is twice max(z, 0), exactly
            doubled = np.add(z, sizes, out=sizes)
            sums[:, 0] += 0.5 * (doubled @ weights)
            sums[:, 1] += 0.5 * (doubled @ np.abs(weights))
        else:
            values = net.phi.function(z)
            sums[:, 0] += values @ weights
            sums[:, 1] += np.abs(values) @ np.abs(weights)
