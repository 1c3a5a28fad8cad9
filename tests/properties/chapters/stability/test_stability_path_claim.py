"""C2-path and K2-path: a norm against a ball is decided where both ends of the ball agree, and one in balls is a lower bound."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq

from properties.chapters.stability import stability_path
from properties.chapters.stability.stability_instances import feature_change
from properties.engine.claim import Verdict
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.precision import working_precision


@dataclass(frozen=True)
class Changes:
    """Changes with a known squared norm."""

    square: fmpq

    def squares_at_most(self, limit: fmpq) -> bool:
        return bool(self.square <= limit)


@pytest.mark.parametrize(
    ("square", "verdict"),
    [
        (fmpq(3, 4) - fmpq(1, 1000), Verdict.HOLDS),
        (fmpq(3, 4) + fmpq(1, 1000), Verdict.UNDECIDED),
        (fmpq(1), Verdict.UNDECIDED),
        (fmpq(5, 4), Verdict.UNDECIDED),
        (fmpq(5, 4) + fmpq(1, 1000), Verdict.REFUTED),
    ],
)
def test_between_the_ends_of_a_ball_nothing_is_decided(square: fmpq, verdict: Verdict) -> None:
    changes: Any = Changes(square)
    between = arb(1, 0.25)
    ends = [stability_path.end_of(end) for end in (between.lower(), between.upper())]
    assert fmpq(3, 4) - fmpq(1, 1000) < ends[0] <= fmpq(3, 4) < fmpq(5, 4) <= ends[1] < fmpq(5, 4) + fmpq(1, 1000)
    assert stability_path._decided_between("label", changes, between, 1.0, 1.0).verdict is verdict


def test_the_change_of_features_is_at_most_that_of_every_point_of_the_balls() -> None:
    """One softplus neuron on the input 2: ``||dJ|| = 2 |s(z) - s(w)|`` with the logistic function s, ``||dS||`` half of it."""
    net = TwoLayerNetwork(np.array([[1.0]]), np.array([1.0]), "softplus")
    with working_precision(128):
        before, after = arb_mat([[arb(0)]]), arb_mat([[arb(3, 1)]])
        for size in (1, 2):
            found = feature_change(net, arb_mat([[size]]), before, after)
            least = size * (1 / (1 + arb(-2).exp()) - arb("0.5"))
            assert found > 0
            assert found.upper() <= least.upper()
        (exact,) = [feature_change(net, arb_mat([[1]]), before, arb_mat([[3]]))]
        assert abs(exact - (1 / (1 + arb(-3).exp()) - arb("0.5"))) < arb(2) ** -60
