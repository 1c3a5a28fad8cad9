"""The first pass: exact signs where float64 leaves them open, counts of integers, sums of outputs over pieces."""

from __future__ import annotations

import numpy as np
import pytest

from theory.network.two_layer import TwoLayerNetwork
from theory.stability.tube import first_pass as module
from theory.stability.tube.first_pass import first_pass, slices
from theory.stability.tube.packed import unpacked


def test_signs_that_rounding_leaves_open_are_decided_exactly() -> None:
    net = TwoLayerNetwork(weights=np.array([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0]]), signs=np.ones(3))
    z, error = np.array([[-1e-18, 1e-18, 1.0]]), np.full(3, 1e-15)
    rows = np.array([[1.0, 0.0]])
    np.testing.assert_array_equal(unpacked(first_pass(net, rows, z, error, None).pattern, 3), [[True, True, True]])
    rows, z = np.array([[0.6, -0.8]]), np.array([[1e-18, 1e-18, -1e-18]])
    np.testing.assert_array_equal(unpacked(first_pass(net, rows, z, error, None).pattern, 3), [[False, True, True]])


@pytest.mark.parametrize("errors", [[1e-15, 1e-18], [1e-17, 1e-18]])
def test_a_sign_is_open_within_its_own_neuron_s_error(errors: list[float]) -> None:
    """Also where another neuron's is smaller, and at the very error: what is 0 exactly is active."""
    net = TwoLayerNetwork(weights=np.array([[0.0, 1.0], [1.0, 0.0]]), signs=np.ones(2))
    found = first_pass(net, np.array([[1.0, 0.0]]), np.array([[-1e-17, 1.0]]), np.array(errors), None)
    np.testing.assert_array_equal(unpacked(found.pattern, 2), [[True, True]])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_pieces_together_are_the_whole(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LENGTH", 16)
    monkeypatch.setattr(module, "TOGETHER", 2)
    rng = np.random.default_rng(0)
    net = TwoLayerNetwork.initialise(50, 3, 1.0, rng, activation=activation)
    rows, weights = np.eye(3), rng.integers(-2, 3, 50).astype(float)
    z = rows @ net.weights.T
    found = first_pass(net, rows, z, np.full(50, 1e-14), weights)
    np.testing.assert_array_equal(unpacked(found.pattern, 50), z >= 0)
    np.testing.assert_array_equal(found.counts, (z >= 0).astype(int) @ (z >= 0).T.astype(int))
    values = net.phi.function(z)
    np.testing.assert_allclose(
        found.sums, np.stack([values @ weights, np.abs(values) @ np.abs(weights)], axis=1), 1e-12
    )


def test_every_number_is_in_one_slice() -> None:
    found = slices(20_000, 16_384)
    assert found == [slice(0, 16_384), slice(16_384, 20_000)]
    assert slices(16_384, 16_384) == [slice(0, 16_384)]
