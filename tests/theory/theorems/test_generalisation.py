"""The constants of T5, T5-dist and T5-rad at points where they are rational, the distance against a pseudo-inverse, the errors."""

import math

import numpy as np
import pytest
from flint import arb

from theory.errors import RankDeficientError, ScaleError, ShapeError
from theory.theorems import generalisation as g


def test_the_complexity_term() -> None:
    assert g.complexity_term(18.0, 4) == 3.0
    assert g.complexity_term(0.0, 4) == 0.0
    assert g.complexity_term(arb(18), 4) == 3


def test_the_confidence_term() -> None:
    assert g.confidence_term(9, 6 / math.e**2) == pytest.approx(1.0, rel=1e-14)  # ln(6/delta) = 2
    assert g.confidence_term(36, 6 / math.e**8) == pytest.approx(1.0, rel=1e-14)


def test_the_bound_is_the_sum() -> None:
    found = g.loss_bound(18.0, 36, 6 / math.e**8, 0.25)
    assert found == pytest.approx(1.0 + 1.0 + 0.25, rel=1e-14)


@pytest.mark.parametrize(
    ("eta", "mean_square", "scale", "delta", "epsilon", "steps"),
    [
        (0.5, 1.0, 2.0, 0.5, 0.1, 15),  # 2 ln 1800 = 14.99
        (1.0, 1.0, 2.0, 0.5, 0.1, 8),  # ln 1800 = 7.50
        (0.01, 1.0, 0.0, 0.5, 0.1, 640),  # 100 ln 600 = 639.7
        (0.5, 0.0, 2.0, 0.5, 0.1, 15),  # 2 ln 1200 = 14.2
        (0.5, 0.0, 0.0, 0.5, 0.1, 1),
        (1.0, 0.001, 0.0, 0.9, 0.9, 1),
    ],
)
def test_the_number_of_steps(
    eta: float, mean_square: float, scale: float, delta: float, epsilon: float, steps: int
) -> None:
    assert g.training_steps(eta, mean_square, scale, delta, epsilon) == steps


@pytest.mark.parametrize("eta", [0.01, 0.3, 1.0])
def test_so_many_steps_reach_epsilon_and_few_fewer_do(eta: float) -> None:
    mean_square, scale, delta, epsilon = 0.7, 0.5, 0.1, 0.05
    start = math.sqrt(3 * (mean_square + scale**2 / 2) / delta)
    steps = g.training_steps(eta, mean_square, scale, delta, epsilon)
    assert (1 - eta) ** (steps / 2) * start <= epsilon
    if eta == 0.01:
        assert (1 - eta) ** (0.98 * steps / 2) * start > epsilon


def test_the_rademacher_bound() -> None:
    assert g.rademacher_bound(3.0, 16.0, 6) == 2.0
    assert g.rademacher_bound(arb(3), arb(16), 6) == 2


def test_the_limiting_trace_is_that_of_the_kernel() -> None:
    from theory.kernels.limiting import limiting_gram

    assert g.limiting_trace(5) == 2.5
    inputs = np.random.default_rng(0).standard_normal((5, 3))
    assert np.trace(limiting_gram(inputs)) == g.limiting_trace(5)


def test_the_distance_is_that_of_the_pseudo_inverse() -> None:
    rng = np.random.default_rng(1)
    jacobian, residual = rng.standard_normal((4, 9)), rng.standard_normal(4)
    expected = np.linalg.norm(np.linalg.pinv(jacobian) @ residual)
    gram = jacobian @ jacobian.T
    assert g.interpolant_distance((gram + gram.T) / 2, residual) == pytest.approx(expected, rel=1e-12)


def test_bad_numbers_have_named_errors() -> None:
    with pytest.raises(ScaleError, match="finite and not negative"):
        g.complexity_term(-1.0, 4)
    with pytest.raises(ScaleError, match="finite and not negative"):
        g.complexity_term(arb(-1), 4)
    with pytest.raises(ScaleError, match="n is 0"):
        g.complexity_term(1.0, 0)
    with pytest.raises(ScaleError, match="delta is 1"):
        g.confidence_term(4, 1.0)
    with pytest.raises(ScaleError, match="epsilon is 0"):
        g.loss_bound(1.0, 4, 0.1, 0.0)
    with pytest.raises(ScaleError, match="0 < eta <= 1"):
        g.training_steps(1.5, 1.0, 1.0, 0.1, 0.1)
    with pytest.raises(ScaleError, match="nu is -1"):
        g.training_steps(0.5, 1.0, -1.0, 0.1, 0.1)
    with pytest.raises(ScaleError, match="B is nan"):
        g.rademacher_bound(math.nan, 1.0, 2)
    with pytest.raises(ScaleError, match=r"n is 2\.5"):
        g.limiting_trace(2.5)  # type: ignore[arg-type]
    with pytest.raises(RankDeficientError):
        g.interpolant_distance(np.ones((2, 2)), np.ones(2))
    with pytest.raises(ShapeError):
        g.interpolant_distance(np.eye(2), np.ones(3))
