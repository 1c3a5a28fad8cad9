"""Attacks on networks whose neurons share their weights in pairs: one of each pair is looked at, with half of the budget."""

import math

import numpy as np
import pytest

from tests.theory.stability.test_attack import change_at, features_change
from theory.inputs import normalise_rows
from theory.network.shared_weights import SharedWeights
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.rounding import gamma
from theory.stability import attack
from theory.stability.attack import _Search, change_attack, within_ball


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("condition", ["2", "K2"])
def test_the_quick_search_moves_neurons_that_share_their_weights_alike(
    condition: str, shuffled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attack, "THOROUGH_WORK", 0.0)
    rng = np.random.default_rng(7)
    half = TwoLayerNetwork.initialise(300, 3, 1.0, rng)
    rows = normalise_rows(rng.standard_normal((3, 3)))
    order = rng.permutation(600) if shuffled else np.arange(600)
    net = TwoLayerNetwork(np.concatenate([half.weights] * 2)[order], np.concatenate([half.signs, -half.signs])[order])
    search = _Search(net, rows, 2.0, rows)
    assert search.pre_activations.shape == (3, 300)
    change, weights = change_attack(net, rows, 2.0, np.random.default_rng(0), condition)
    both = np.empty_like(weights)
    both[order] = weights
    assert np.array_equal(both[:300], both[300:])
    # the budget is used, and what is claimed is what the weights show
    assert 1.9 < np.linalg.norm(weights - net.weights) <= 2.0
    shown = change_at(net, rows, weights) if condition == "2" else features_change(net, rows, weights)
    assert change == pytest.approx(shown, rel=1e-9)
    # looked at one by one they change no more than for the last of the budget
    monkeypatch.setattr(SharedWeights, "of", SharedWeights.none)
    assert change_attack(net, rows, 2.0, np.random.default_rng(0), condition)[0] == pytest.approx(change, rel=0.02)


def test_being_within_the_ball_counts_both_of_a_pair() -> None:
    weights, centre = np.array([[0.3, 0.4]]), np.zeros((1, 2))
    assert within_ball(weights, centre, 0.6)
    assert not within_ball(weights, centre, 0.6, copies=2)
    assert within_ball(weights, centre, 0.5 * math.sqrt(2) * (1 + gamma(100)), copies=2)
    assert not within_ball(weights, centre, 0.5 * math.sqrt(2) * (1 - gamma(100)), copies=2)
