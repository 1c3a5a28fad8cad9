"""Sums by extraction are within their error bound of the exact rational sum, and far nearer than plain ones."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq

from theory.inputs import FloatArray
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.rigour.summation import accurate_row_sums, accurate_sum, enclosed_sums


def exact_sum(values: FloatArray) -> Fraction:
    return sum((Fraction(float(value)) for value in values), Fraction(0))


def samples() -> list[FloatArray]:
    rng = np.random.default_rng(0)
    spread = rng.standard_normal(3000) * 10.0 ** rng.integers(-30, 30, 3000)
    half = rng.standard_normal(2500)
    return [
        rng.standard_normal(5000),
        spread,
        np.concatenate([half, -half, [2.0**-60]]),
        np.full(1023, 0.1),
        np.array([2.0**52, 1.0, -(2.0**52)]),
        np.array([-1.5]),
        np.concatenate([np.full(4096, 1 + 2.0**-52), [-4096.0]]),
    ]


@pytest.mark.parametrize("number", range(len(samples())))
def test_within_the_bound_of_the_exact_sum(number: int) -> None:
    values = samples()[number]
    total, error = accurate_sum(values)
    assert abs(Fraction(total) - exact_sum(values)) <= Fraction(error)
    count = len(values)
    largest = float(np.abs(values).max())
    # the remainder of an extraction is at most 4 (m + 2) u max |v|, and there are m of them
    remainder = 2 * (count * UNIT_ROUNDOFF) * (count * UNIT_ROUNDOFF) * 4 * (count + 2) * largest
    assert error <= 1.01 * (remainder + 2 * UNIT_ROUNDOFF * abs(total))


def test_cancellation_leaves_the_small_term() -> None:
    half = np.random.default_rng(1).standard_normal(2500)
    total, error = accurate_sum(np.concatenate([half, [2.0**-40], -half]))
    assert abs(total - 2.0**-40) <= error
    assert error < 2.0**-64  # a plain sum may be off by 2500 u


@pytest.mark.parametrize("number", range(len(samples())))
def test_the_bound_is_no_less_than_what_is_proved(number: int) -> None:
    """Of m numbers: the tail's, each at most ``u sigma`` with ``sigma >= (m + 2) max |v_r|``, and one last addition; in fractions."""
    values = samples()[number]
    total, error = accurate_sum(values)
    count, u = len(values), Fraction(UNIT_ROUNDOFF)
    tail = Fraction(gamma(count)) * count * u * (count + 2) * Fraction(float(np.abs(values).max()))
    assert Fraction(error) >= tail + u * abs(Fraction(total))


def test_what_the_tail_s_own_sum_rounds_off_is_within_the_bound() -> None:
    """The leading parts 1 and -1 cancel; of the rest ``2^-50 + 2^-104`` is rounded to ``2^-50``, which cancels as well."""
    total, error = accurate_sum(np.array([1.0, 2.0**-50, 2.0**-104, -(2.0**-50), -1.0]))
    assert total == 0
    assert error >= 2.0**-104


@pytest.mark.parametrize("exponent", [-300, 300])
def test_another_unit_scales_the_sum_and_its_bound(exponent: int) -> None:
    for values in samples():
        total, error = accurate_sum(values)
        assert accurate_sum(np.ldexp(values, exponent)) == (math.ldexp(total, exponent), math.ldexp(error, exponent))


def test_zeros_sum_to_zero_without_error() -> None:
    assert accurate_sum(np.zeros(5)) == (0.0, 0.0)
    assert accurate_sum(np.zeros(0)) == (0.0, 0.0)


def test_sums_of_rows_are_within_the_bound_of_each_row() -> None:
    rows = np.zeros((len(samples()) + 1, max(map(len, samples()))))
    for row, values in zip(rows, samples(), strict=False):
        row[: len(values)] = values
    for values, total, error in zip(rows, *accurate_row_sums(rows), strict=True):
        assert abs(Fraction(total) - exact_sum(values)) <= Fraction(error)
        assert error == pytest.approx(accurate_sum(values)[1], rel=2.0**-40)
    assert accurate_row_sums(rows)[1][-1] == 0
    total, error = (found[0] for found in accurate_row_sums(np.array([[1.0, 2.0**-50, 2.0**-104, -(2.0**-50), -1.0]])))
    assert total == 0
    assert error >= 2.0**-104


def test_balls_of_sums_contain_them_at_every_precision() -> None:
    tiny = np.array([2.0**-1074, -(2.0**-1073), 2.0**-1060])
    for values in (*samples(), np.zeros(5), tiny, np.array([2.0**900, 2.0**-1000, -(2.0**900)])):
        total = exact_sum(values)
        exact = fmpq(total.numerator, total.denominator)
        for bits in (20, 64, 3000):
            with working_precision(bits):
                below, ball = enclosed_sums(np.vstack([np.ones(len(values)), values]))
                assert below.contains(len(values))
                assert ball.overlaps(arb(exact))
                size = float(np.abs(values).max())
                assert ball.rad() <= arb(len(values)) * arb(size) * arb(2) ** (6 - bits)
                assert bits < 3000 or ball == arb(exact) or ball.rad() < arb(2) ** -1500


def test_what_is_left_after_the_last_pass_widens_the_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.rigour.summation.PASSES", 1)
    values = np.array([1.0, 2.0**-60, 2.0**-61])
    with working_precision(100):
        (ball,) = enclosed_sums(values[None, :])
        assert ball.contains(1 + arb(2) ** -60 + arb(2) ** -61)
        assert not ball.contains(1 + arb(2) ** -57)
