"""Neurons that share their weights: found in any order, and only where each has a partner."""

from __future__ import annotations

import numpy as np
import pytest

from theory.inputs import normalise_rows
from theory.network.shared_weights import SharedWeights, in_order, paired_order, spread
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_tube


def pairs(seed: int, half: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of few bits, so that whole columns and whole neurons repeat, each neuron twice, in some order."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-(2**bits), 2**bits, (half, 3)) + 0.5
    order = rng.permutation(2 * half)
    return np.tile(weights, (2, 1))[order], order


@pytest.mark.parametrize("bits", [1, 2, 20])
def test_every_pair_is_found(bits: int) -> None:
    for seed in range(10):
        weights, _ = pairs(seed, 40, bits)
        order, first = paired_order(weights)
        assert order is not None
        np.testing.assert_array_equal(first, weights[order[:40]])
        np.testing.assert_array_equal(np.sort(order), np.arange(80))
        np.testing.assert_array_equal(weights[order[:40]], weights[order[40:]])


def test_no_pairs_where_one_neuron_has_none() -> None:
    weights, _ = pairs(0, 40, 20)
    assert paired_order(weights[1:])[0] is None
    for column in range(3):
        changed = weights.copy()
        changed[7, column] = np.nextafter(changed[7, column], np.inf)
        assert paired_order(changed)[0] is None
    two = weights.copy()
    two[[3, 9], 2] = (
        two[[3, 9], 2][::-1] + 0.25
    )  # every column still consists of pairs where these are partners of none
    assert SharedWeights.of(TwoLayerNetwork(two, np.ones(80))).copies == 1


def test_there_and_back() -> None:
    weights, _ = pairs(1, 5, 20)
    order, _ = paired_order(weights)
    assert order is not None
    values = weights[:, 0]
    np.testing.assert_array_equal(spread(in_order(values, order)[:5], 2, order), values)


def test_outputs_of_partners_are_added() -> None:
    weights, order = pairs(2, 30, 20)
    signs = np.concatenate([np.ones(30), -np.ones(30)])[order]
    assert SharedWeights.of(TwoLayerNetwork(weights, signs)).outputs is None
    signs[4] = -signs[4]
    found = SharedWeights.of(TwoLayerNetwork(weights, signs))
    assert found.outputs is not None
    assert sorted(np.abs(found.outputs)) == [0.0] * 29 + [2.0]


@pytest.mark.parametrize(("activation", "optimiser"), [("relu", "ngd"), ("tanh", "ngd"), ("relu", "kfac")])
def test_widths_are_those_of_the_network_that_is_asked_about(activation: str, optimiser: str) -> None:
    """K-FAC's tube is for ReLU."""
    rng = np.random.default_rng(0)
    rows, y = normalise_rows(rng.standard_normal((3, 4))), np.array([1.0, -1.0, 1.0])
    scale, size = (20.0, 1.0) if activation == "relu" else (1.0, 0.01)
    net = TwoLayerNetwork.initialise(6000, 4, scale, rng, symmetric=True, activation=activation)
    order = rng.permutation(net.width)
    mixed = TwoLayerNetwork(net.weights[order], net.signs[order], activation)
    first, second = (certify_tube(one, rows, size * y, optimiser) for one in (net, mixed))
    assert first.certified
    assert second.certified
    assert second.start.copies == 2
    np.testing.assert_allclose(second.widths, first.widths[:, order], rtol=1e-4)
