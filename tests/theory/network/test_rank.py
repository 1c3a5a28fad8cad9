"""A Jacobian is called rank-deficient only when it is, and is where the inputs say so."""

import numpy as np
import pytest

from theory.errors import NotNormalisedError
from theory.inputs import normalise_rows
from theory.network import rank
from theory.network.gram import gram_eigenvalue
from theory.network.rank import ODD_ACTIVATIONS, jacobian_rank_deficient
from theory.network.two_layer import ACTIVATIONS, TwoLayerNetwork

PAIR = normalise_rows([[3.0, 1.0], [-3.0, -1.0], [0.0, 1.0]])


def network(activation: str, width: int = 40, dim: int = 2, seed: int = 0) -> TwoLayerNetwork:
    return TwoLayerNetwork.initialise(width, dim, 1.0, np.random.default_rng(seed), activation=activation)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equal_rows_and_opposite_ones_for_odd_activations(activation: str) -> None:
    net = network(activation)
    assert jacobian_rank_deficient(net, PAIR[[0, 2, 0]])
    assert not jacobian_rank_deficient(net, PAIR[[0, 2]])
    assert jacobian_rank_deficient(net, PAIR) == (activation in ODD_ACTIVATIONS)
    dense = np.linalg.matrix_rank(net.jacobian(PAIR))
    assert dense == (2 if activation in ODD_ACTIVATIONS else 3)
    assert (gram_eigenvalue(net, PAIR) > 0) == (dense == 3)


def test_zeros_of_both_signs_are_equal() -> None:
    rows = np.array([[1.0, 0.0], [1.0, -0.0]])
    assert jacobian_rank_deficient(network("softplus"), rows)
    assert jacobian_rank_deficient(network("tanh"), rows * [[1.0], [-1.0]])


@pytest.mark.parametrize("seed", range(20))
def test_the_exact_rank_of_narrow_relu_networks(seed: int) -> None:
    """Three neurons in the plane: J has rank 0 to 6, most of the time below n = 4."""
    rng = np.random.default_rng(seed)
    rows, net = normalise_rows(rng.standard_normal((4, 2))), network("relu", 3, 2, seed)
    assert jacobian_rank_deficient(net, rows) == (np.linalg.matrix_rank(net.jacobian(rows)) < 4)


def test_a_rank_that_rounding_hides_is_exact() -> None:
    """At 1e-8 no neuron tells the inputs apart, and G is singular to rounding, but not exactly."""
    rows = normalise_rows([[1.0, 0.0], [1.0, 1e-8]])
    net = network("relu")
    assert np.array_equal(net.pre_activations(rows)[0] >= 0, net.pre_activations(rows)[1] >= 0)
    assert not gram_eigenvalue(net, rows) > 0
    assert not jacobian_rank_deficient(net, rows)


def test_many_inputs_are_compared_only(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    rows, net = normalise_rows(rng.standard_normal((4, 2))), network("relu", 1, 2)
    assert jacobian_rank_deficient(net, rows)
    monkeypatch.setattr(rank, "MOST_ROWS", 3)
    assert not jacobian_rank_deficient(net, rows)
    assert jacobian_rank_deficient(net, rows[[0, 1, 2, 0]])


def test_rows_have_to_be_unit_vectors() -> None:
    with pytest.raises(NotNormalisedError):
        jacobian_rank_deficient(network("relu"), [[1.0, 1.0]])
