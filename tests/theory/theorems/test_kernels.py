"""K-schur, K-sep and K-hoeffding: sums carried out term by term, closed forms of two rows, known numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from theory.errors import ChoiceError, ScaleError, WidthError
from theory.kernels.limiting import limiting_gram
from theory.rigour.precision import working_precision
from theory.theorems import kernels
from theory.theorems.kernels import (
    MOST_TERMS,
    SEPARATION_FORMS,
    first_coefficients,
    pair_limit,
    pattern_deviation_failure,
    remaining_coefficients,
    separation_bound,
)


def coefficient(k: int) -> Fraction:
    """``c_k`` from factorials."""
    return Fraction(math.factorial(2 * k), 4**k * math.factorial(k) ** 2 * (2 * k + 1))


def test_coefficients_are_those_of_the_arcsine() -> None:
    assert first_coefficients(6) == pytest.approx([float(coefficient(k)) for k in range(6)], rel=1e-14)
    assert first_coefficients(0) == []
    powers = 0.5 ** (2 * np.arange(40) + 1)
    assert float(np.dot(first_coefficients(40), powers)) == pytest.approx(math.pi / 6, rel=1e-14)
    assert all(isinstance(c, arb) for c in first_coefficients(3, arb(1)))


def test_remaining_coefficients_are_exact_first_and_a_lower_bound_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    for first in (0, 1, 2, 30):
        assert remaining_coefficients(first) == pytest.approx(
            math.pi / 2 - sum(float(coefficient(k)) for k in range(first)), rel=1e-12
        )
    exact = {first: remaining_coefficients(first) for first in (51, 200, MOST_TERMS)}
    monkeypatch.setattr(kernels, "MOST_TERMS", 50)
    for first, value in exact.items():
        assert value * (1 - 0.35 / first) <= remaining_coefficients(first) <= value


def test_remaining_coefficients_in_balls_are_as_narrow_as_the_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "MOST_TERMS", 2)
    with working_precision(200):
        for first, expected in ((2, arb.pi() / 2 - 1 - arb(1) / 6), (3, 1 / (arb.pi() * 7 / 2).sqrt())):
            assert abs(remaining_coefficients(first, arb(1)) - expected) < arb(2) ** -150


@pytest.mark.parametrize(("n", "rho"), [(2, 0.3), (2, 0.99), (4, 0.2), (4, 0.7), (30, 0.5), (200, 0.97)])
def test_bounds_are_the_sums_of_their_positive_terms(n: int, rho: float) -> None:
    others, terms = n - 1, 4000
    series = np.array(first_coefficients(terms))
    factors = 1 - others * rho ** (2 * np.arange(terms) + 2)
    # beyond these terms the factors are 1 to rounding
    total = float(np.dot(series, np.maximum(factors, 0))) + math.pi / 2 - float(series.sum())
    assert separation_bound(rho, n, "series") == pytest.approx(total / (2 * math.pi), rel=1e-9)
    complete = total / (2 * math.pi) + max(0.0, 1 - others * rho) / 4
    assert separation_bound(rho, n) == separation_bound(rho, n, "complete") == pytest.approx(complete, rel=1e-9)
    power = next(p for p in range(1, 10**4) if 2 * others * rho**p <= 1)
    start = next(k for k in range(10**4) if 2 * k + 2 >= power)
    halved = (math.pi / 2 - float(series[:start].sum())) / (4 * math.pi)
    assert separation_bound(rho, n, "halved") == pytest.approx(halved, rel=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.25, 0.5, 0.9])
def test_two_rows_attain_the_complete_bound(rho: float) -> None:
    smallest = 0.5 - rho * (math.pi - math.acos(rho)) / (2 * math.pi)
    assert separation_bound(rho, 2) == pytest.approx(smallest, rel=1e-12)
    gram = limiting_gram([[1.0, 0.0], [rho, math.sqrt(1 - rho**2)]])
    assert pair_limit(gram[0, 1]) == pytest.approx(smallest, rel=1e-12)
    assert pair_limit(-gram[0, 1]) == pair_limit(gram[0, 1])


def test_single_and_orthogonal_rows() -> None:
    for n, rho in ((1, 0.0), (1, 0.7), (9, 0.0)):
        found = [separation_bound(rho, n, form) for form in SEPARATION_FORMS]
        assert found == pytest.approx([1 / 8, 1 / 4, 1 / 2], rel=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 40])
@pytest.mark.parametrize("rho", [0.0, 0.25, 0.5, 0.75, 0.96])
def test_balls_hold_what_floats_say(rho: float, n: int) -> None:
    """Also at rho = 1/2, n = 3, 5, 9, where ``ln(2(n-1)) / -ln rho`` is the whole number 2, 3, 4."""
    with working_precision(128):
        for form in SEPARATION_FORMS:
            ball = separation_bound(arb(rho), n, form)
            assert isinstance(ball, arb)
            assert ball.rad() < arb(2) ** -90
            assert float(ball) == pytest.approx(separation_bound(rho, n, form), rel=1e-10, abs=1e-14)


def test_the_halving_power_of_an_inexact_ball_is_never_too_small() -> None:
    with working_precision(128):
        around = arb(0.5, 2.0**-100)
        assert separation_bound(around, 3, "halved") < separation_bound(arb(0.5), 3, "halved")
        assert separation_bound(arb(0.5), 5, "halved") < separation_bound(arb(0.5), 3, "halved")


def test_balls_closer_to_one_than_floats_can_be() -> None:
    with working_precision(200):
        closest = 1 - arb(2) ** -100
        assert separation_bound(closest, 3, "halved") > 0
        assert separation_bound(closest, 3, "series") == separation_bound(closest, 3) == 0
        angle = (2 * arb(2) ** -100).sqrt()  # of two rows with this correlation; lambda0 is angle/(2 pi), nearly
        assert abs(separation_bound(closest, 2) * 2 * arb.pi() / angle - 1) < arb(2) ** -40
        assert separation_bound(closest, 2, "halved") < separation_bound(closest, 2, "series")
    assert isinstance(pattern_deviation_failure(arb(0.5), 8), arb)


def test_correlations_near_one_leave_the_halved_bound() -> None:
    rho, n = 1 - 1e-7, 100
    assert separation_bound(rho, n, "series") == separation_bound(rho, n, "complete") == 0.0
    power = math.log(2 * 99) / 1e-7  # of which half, to nearest, are left out
    assert separation_bound(rho, n, "halved") == pytest.approx(
        1 / math.sqrt(math.pi * power / 2) / (4 * math.pi), rel=1e-6
    )


@pytest.mark.parametrize("form", SEPARATION_FORMS)
def test_bounds_in_balls_are_as_narrow_as_the_precision(form: str) -> None:
    with working_precision(200):
        ball = separation_bound(arb("0.9"), 30, form)  # several negative terms, with c_k that are no floats
        assert isinstance(ball, arb)
        assert ball.rad() < arb(2) ** -150
        assert float(ball.mid()) == pytest.approx(separation_bound(0.9, 30, form), rel=1e-12)
        assert abs(ball - separation_bound(0.9, 30, form)) < 1e-13
        rho, others = arb("0.9"), 29
        start = next(k for k in range(99) if others * 0.9 ** (2 * k + 2) <= 1)
        terms = [arb(coefficient(k).numerator) / coefficient(k).denominator for k in range(start)]
        left_out = sum((c * (1 - others * rho ** (2 * k + 2)) for k, c in enumerate(terms)), arb(0))
        series = (arb.pi() / 2 - others * rho * rho.asin() - left_out) / (2 * arb.pi())
        assert form != "series" or abs(ball - series) < arb(2) ** -150
        exact = separation_bound(arb(1) / 2, 2)  # two rows at 60 degrees: 1/2 - 1/6
        assert form != "complete" or abs(exact - arb(1) / 3) < arb(2) ** -150


def test_hoeffding_s_bound_in_known_cases() -> None:
    assert pattern_deviation_failure(0.1, 200) == pytest.approx(2 * math.exp(-4), rel=1e-13)
    assert pattern_deviation_failure(0.1, 200, symmetric=True) == pytest.approx(2 * math.exp(-2), rel=1e-13)
    assert pattern_deviation_failure(0.25, 8) == pytest.approx(2 * math.exp(-1), rel=1e-13)
    # a fair coin: the binomial tail
    tail = 2 * sum(math.comb(50, k) for k in range(16)) / 2**50
    assert tail <= pattern_deviation_failure(0.2, 50) <= 10 * tail


def test_bad_arguments_are_named() -> None:
    for rho in (-0.1, 1.0, math.nan):
        with pytest.raises(ScaleError, match="rho_bar"):
            separation_bound(rho, 3)
    with pytest.raises(WidthError, match="n is 0"):
        separation_bound(0.5, 0)
    with pytest.raises(ChoiceError, match="known: halved, series, complete"):
        separation_bound(0.5, 3, "whole")
    with pytest.raises(ScaleError, match="deviation"):
        pattern_deviation_failure(0.0, 3)
    with pytest.raises(WidthError, match="width"):
        pattern_deviation_failure(0.1, 0)
    with pytest.raises(WidthError, match="even width"):
        pattern_deviation_failure(0.1, 3, symmetric=True)
