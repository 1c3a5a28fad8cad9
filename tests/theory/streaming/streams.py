"""Small streams, their networks in memory, and targets."""

from __future__ import annotations

import numpy as np

from theory.inputs import FloatArray, normalise_rows
from theory.streaming.running import Progress
from theory.streaming.stream import NeuronStream, neuron_stream


def general_rows(inputs: int, dim: int, seed: int = 0, spread: float = 0.25) -> FloatArray:
    """Unit rows near orthonormal ones."""
    rng = np.random.default_rng(seed)
    return normalise_rows(np.eye(inputs, dim) + spread * rng.standard_normal((inputs, dim)))


def small(
    seed: int = 1,
    inputs: int = 3,
    dim: int = 4,
    width: int = 6000,
    scale: float = 1.0,
    symmetric: bool = False,
    chunk: int = 1000,
) -> tuple[NeuronStream, FloatArray]:
    """A stream of weights, and targets of random signs."""
    rows = general_rows(inputs, dim, seed)
    stream = neuron_stream(rows, width, scale, seed, symmetric, chunk, direct=False)
    return stream, np.random.default_rng(seed).choice([-1.0, 1.0], inputs)


def into(seen: list[int]) -> Progress:
    """Progress that is kept: how many neurons each time."""

    def tell(more: int, left: bool) -> None:
        seen.append(more)

    return tell
