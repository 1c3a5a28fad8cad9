"""K-chernoff: its constant, its probability and its width, against exact values and the simplest random matrix."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from flint import arb, fmpq

from theory.errors import ScaleError, WidthError
from theory.rigour.precision import working_precision
from theory.theorems import width as width_module
from theory.theorems.width import chernoff_exponent, chernoff_failure, chernoff_width


def test_the_exponent_is_a_quarter_and_three_quarters_of_a_logarithm() -> None:
    with working_precision(100):
        share = arb(fmpq(3, 4))
        difference = arb(chernoff_exponent()) - (arb(fmpq(1, 4)) + share * share.log())
        assert abs(difference) < arb(2) ** -53
    assert chernoff_exponent() == pytest.approx(0.0342384, abs=1e-7)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_the_exponent_is_the_least_moment_of_a_certain_count(kept: float) -> None:
    multipliers = np.linspace(0, 5, 500001)  # Chernoff: min over t of t kept + e^{-t} - 1
    assert chernoff_exponent(kept) == pytest.approx(-np.min(multipliers * kept + np.exp(-multipliers) - 1), abs=1e-9)


@pytest.mark.parametrize(
    ("lambda0", "squared", "n", "delta", "width"),
    [(0.5, 1.0, 1, 0.5, 41), (0.02, 30.0, 361, 1e-3, 560626), (0.25, 2.0, 4, 1e-9, 5167)],
)
def test_the_width_in_known_cases(lambda0: float, squared: float, n: int, delta: float, width: int) -> None:
    with working_precision(100):
        beta = arb(fmpq(1, 4)) + arb(fmpq(3, 4)) * arb(fmpq(3, 4)).log()
        exact = arb(squared) * (n / arb(delta)).log() / (beta * arb(lambda0))
        assert int(float(exact.ceil())) == width
    assert chernoff_width(lambda0, squared, n, delta) == width
    assert chernoff_width(lambda0, squared, n, delta, symmetric=True) == 2 * width


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_width_is_the_least_with_that_failure(symmetric: bool) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        lambda0, squared = float(rng.uniform(1e-3, 0.5)), float(rng.uniform(1, 50))
        n, delta = int(rng.integers(1, 100)), float(10 ** rng.uniform(-9, -0.1))
        width = chernoff_width(lambda0, squared, n, delta, symmetric=symmetric)
        fewer = width - (2 if symmetric else 1)
        assert chernoff_failure(lambda0, squared, n, width, symmetric=symmetric) <= delta
        assert fewer == 0 or chernoff_failure(lambda0, squared, n, fewer, symmetric=symmetric) > delta


def test_the_width_is_rounded_up_by_its_roundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(width_module, "COUNTED_ROUNDINGS", 2**50)  # gamma is 1/7
    assert chernoff_width(0.02, 30.0, 361, 1e-3) == math.ceil(560625.6208571060 * 8 / 7)


def test_the_failure_of_known_cases() -> None:
    assert chernoff_failure(0.5, 1.0, 7, 1) == pytest.approx(7 * 0.983026, rel=1e-5)  # no probability, a bound of one
    expected = 7 * math.exp(-chernoff_exponent() * 1000 * 0.5 / 2)
    assert chernoff_failure(0.5, 2.0, 7, 1000) == pytest.approx(expected, rel=1e-12, abs=0)


def test_the_failure_bounds_the_binomial_of_one_input() -> None:
    """One input: ``G(0)`` is the share of active neurons, ``lambda0 = 1/2``, ``||X||^2 = 1``: an exact binomial tail."""
    for width in (8, 40, 200):
        tail = sum(math.comb(width, k) for k in range(int(0.375 * width) + 1)) / 2**width
        assert tail <= chernoff_failure(0.5, 1.0, 1, width)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: chernoff_width(0.0, 1.0, 1, 0.1), ScaleError),
        (lambda: chernoff_width(0.5, -1.0, 1, 0.1), ScaleError),
        (lambda: chernoff_width(0.5, 1.0, 0, 0.1), WidthError),
        (lambda: chernoff_width(0.5, 1.0, 1, 0.0), ScaleError),
        (lambda: chernoff_width(0.5, 1.0, 1, 1.0), ScaleError),
        (lambda: chernoff_width(0.5, 1.0, 1, math.nan), ScaleError),
        (lambda: chernoff_failure(math.inf, 1.0, 1, 1), ScaleError),
        (lambda: chernoff_failure(0.5, 0.0, 1, 1), ScaleError),
        (lambda: chernoff_failure(0.5, 1.0, 0, 1), WidthError),
        (lambda: chernoff_failure(0.5, 1.0, 1, 0), WidthError),
        (lambda: chernoff_exponent(1.0), ScaleError),
    ],
)
def test_bad_numbers_are_named(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()
