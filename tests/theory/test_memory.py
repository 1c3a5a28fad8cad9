"""Peak memory of a trajectory, and that no n x (m d) array is built outside the dense oracle."""

import tracemalloc

import numpy as np

from theory.descent import trajectory
from theory.inputs import normalise_rows
from theory.network import TwoLayerNetwork


def test_trajectory_stays_under_four_arrays_of_size_n_m() -> None:
    """n = 256, m = 100,000: NumPy reports every allocation to tracemalloc; d = 8 makes n m d twice the limit."""
    n, m, d = 256, 100_000, 8
    rng = np.random.default_rng(0)
    inputs, y = normalise_rows(rng.standard_normal((n, d))), rng.standard_normal(n)
    net = TwoLayerNetwork.initialise(m, d, 1.0, rng)
    tracemalloc.start()
    try:
        trajectory(net, inputs, y, 0.5, 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * n * m * 8
    assert peak >= n * m * 8  # the trace sees the arrays at all
