"""The first pass: exact signs where float64 leaves them open, counts of integers, sums of outputs over blocks."""

from __future__ import annotations

import numpy as np
import pytest

from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube import first_pass as module
from theory.stability.tube.first_pass import cache_blocks, first_pass


def test_signs_that_rounding_leaves_open_are_decided_exactly() -> None:
    net = TwoLayerNetwork(weights=np.array([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0]]), signs=np.ones(3))
    z, error = np.array([[-1e-18, 1e-18, 1.0]]), np.full(3, 1e-15)
    rows = np.array([[1.0, 0.0]])
    np.testing.assert_array_equal(first_pass(net, rows, z, error, None).pattern, [[True, True, True]])
    rows, z = np.array([[0.6, -0.8]]), np.array([[1e-18, 1e-18, -1e-18]])
    np.testing.assert_array_equal(first_pass(net, rows, z, error, None).pattern, [[False, True, True]])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_blocks_together_are_the_whole(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 7)
    monkeypatch.setattr(module, "CACHE_ENTRIES", 1)
    rng = np.random.default_rng(0)
    net = TwoLayerNetwork.initialise(50, 3, 1.0, rng, activation=activation)
    rows, weights = np.eye(3), rng.integers(-2, 3, 50).astype(float)
    z = rows @ net.weights.T
    found = first_pass(net, rows, z, np.full(50, 1e-14), weights)
    np.testing.assert_array_equal(found.pattern, z >= 0)
    np.testing.assert_array_equal(found.counts, (z >= 0).astype(int) @ (z >= 0).T.astype(int))
    values = net.phi.function(z)
    np.testing.assert_allclose(
        found.sums, np.stack([values @ weights, np.abs(values) @ np.abs(weights)], axis=1), 1e-12
    )


def test_every_neuron_is_in_one_block() -> None:
    blocks = cache_blocks(3, range(5, 20_000))
    assert [one.start for one in blocks[1:]] == [one.stop for one in blocks[:-1]]
    assert (blocks[0].start, blocks[-1].stop) == (5, 20_000)
