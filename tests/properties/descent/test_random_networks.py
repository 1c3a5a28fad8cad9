"""Networks drawn in numbers: distribution, chunks, sizes; suprema of flips against brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from properties.chapters.kernels.concentration_chernoff import eigenvalue_error, smallest_eigenvalues
from properties.chapters.width.flip_probability import FlipInstance
from properties.descent import random_networks
from properties.descent.random_networks import TRIALS, RandomNetwork, unit_inputs
from theory.inputs import normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.theorems.flip_probability import squared_change_bound


def rows(n: int, d: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return normalise_rows(np.random.default_rng(1).standard_normal((n, d)))


@pytest.mark.parametrize(("n", "d"), [(1, 3), (2, 5), (3, 2), (4, 4)])
def test_pre_activations_have_the_covariance_of_the_rows(n: int, d: int) -> None:
    network = RandomNetwork(rows(n, d), 50, scale=2.0)
    found = np.concatenate(list(network.pre_activations(np.random.default_rng(2))))
    assert found.shape == (network.trials, n, 50)
    covariance = np.einsum("tir,tjr->ij", found, found) / (network.trials * 50)
    deviation = 4 * 8 / math.sqrt(network.trials * 50)  # 8 standard deviations of a product of normals
    assert np.abs(covariance - 4 * network.inputs @ network.inputs.T).max() < deviation
    assert abs(found.mean()) < 8 * 2 / math.sqrt(network.trials * 50)
    across = np.mean(found[:, 0, 0] * found[:, 0, 1])  # independent neurons
    assert abs(across) < 8 * 4 / math.sqrt(network.trials)


def test_fewer_numbers_are_drawn_than_weights_when_there_are_few_rows() -> None:
    network = RandomNetwork(rows(2, 5), 10)
    chunk = next(iter(network.pre_activations(np.random.default_rng(3))))
    again = np.random.default_rng(3).standard_normal((len(chunk), 2, 10))
    factor = np.linalg.qr(network.inputs.T)[1].T
    assert np.allclose(chunk, factor @ again, atol=1e-12)


def test_chunks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    network = RandomNetwork(rows(2, 2), 7, most_trials=1000)
    whole = np.concatenate(list(network.pre_activations(np.random.default_rng(4))))
    monkeypatch.setattr(random_networks, "CHUNK", 100)
    pieces = list(network.pre_activations(np.random.default_rng(4)))
    assert len(pieces) > 100
    assert np.array_equal(np.concatenate(pieces), whole)


def test_the_number_of_trials_follows_from_the_sizes_alone() -> None:
    assert RandomNetwork(np.eye(1), 1).trials == TRIALS[-1]
    assert RandomNetwork(np.eye(2), 1).trials == random_networks.MOST_EIGENVALUES
    assert RandomNetwork(np.eye(1), 10**7).trials == TRIALS[0]
    assert RandomNetwork(np.eye(1), 1, most_trials=2000).trials == 2000
    assert RandomNetwork(np.eye(1), 8, symmetric=True).independent == 4


@pytest.mark.parametrize("kind", ["orthogonal", "copies", "antiparallel copies", "antiparallel", "integers", "uniform"])
def test_kinds_of_rows(kind: str) -> None:
    found = unit_inputs(kind, 4, 4, np.random.default_rng(5))
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    correlations = found @ found.T
    if kind == "orthogonal":
        assert np.array_equal(correlations, np.eye(4))
    if "copies" in kind:
        assert np.allclose(np.abs(correlations), 1)
        assert (correlations.min() < 0) == (kind == "antiparallel copies")


def test_eigenvalues_are_those_of_the_network() -> None:
    network = RandomNetwork(rows(3, 3), 20, most_trials=1000)
    gram, pattern = smallest_eigenvalues(network, np.random.default_rng(6))
    Z = np.concatenate(list(network.pre_activations(np.random.default_rng(6))))
    for trial in range(5):
        weights = np.linalg.solve(network.inputs, Z[trial]).T
        drawn = TwoLayerNetwork(weights, np.ones(20))
        assert gram[trial] == pytest.approx(np.linalg.eigvalsh(drawn.gram(network.inputs))[0], abs=1e-12)
        assert pattern[trial] == pytest.approx(np.linalg.eigvalsh(drawn.pattern_gram(network.inputs))[0], abs=1e-12)
    assert 0 < eigenvalue_error(network) < 1e-13


# --- flips -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("kind", ["orthogonal", "copies", "antiparallel copies", "uniform"])
def test_least_costs_are_the_cheapest_choice_of_pairs(kind: str, symmetric: bool) -> None:
    """Brute force over all sets of (row, neuron): each set costs the squares of its moves, copies one move a neuron."""
    network = RandomNetwork(unit_inputs(kind, 2, 3, np.random.default_rng(7)), 6 if symmetric else 3, 1.0, symmetric)
    instance = FlipInstance(network, kind, 0.5, 1)
    Z = np.random.default_rng(8).standard_normal((4, 1 if "copies" in kind else 2, 3))
    if "copies" in kind:
        Z = np.concatenate([Z, Z if kind == "copies" else -Z], axis=1)
    for moves in range(1, 4):
        found = instance.least_costs(Z, moves)
        for trial, cost in enumerate(found):
            neurons = np.concatenate([Z[trial], Z[trial]], axis=1) if symmetric else Z[trial]
            if kind == "orthogonal":
                choices = [list(neurons.ravel())]
            else:
                choices = [list(row) for row in (neurons[:1] if "copies" in kind else neurons)]
            best = min(sum(z * z for z in some) for one in choices for some in itertools.combinations(one, moves))
            assert cost == pytest.approx(best, rel=1e-12)
    assert np.isinf(instance.least_costs(Z, 100)).all()


@pytest.mark.parametrize(("kind", "worth"), [("orthogonal", 1), ("copies", 3), ("uniform", 1)])
def test_the_radius_lies_just_below_an_attainable_number_of_flips(kind: str, worth: int) -> None:
    for flips in (1, 4, 9):
        network = RandomNetwork(unit_inputs(kind, 3, 3, np.random.default_rng(9)), 10, 2.0)
        instance = FlipInstance(network, kind, 0.25, flips)
        bound = squared_change_bound(instance.radius, 3, 2.0, 0.25, 10)
        assert bound == pytest.approx(3 * flips / 10 * (1 - 2.0**-20), rel=1e-12)
        assert instance.needed(bound) == math.ceil(3 * flips / worth)
        assert instance.needed(bound + 0.9 / 10) == math.ceil((3 * flips + 1) / worth)
