"""The exact distributions behind the probability claims."""

import math
from fractions import Fraction

import pytest
from flint import arb, fmpq
from scipy import stats

from properties.chapters.width.binomials import (
    binomial_at_most,
    binomial_outside,
    normal_above,
    normal_within,
    some_of_several,
)
from theory.rigour.precision import working_precision


@pytest.mark.parametrize(("count", "most"), [(1, 0), (7, 3), (40, 15), (40, 40), (5, -1)])
@pytest.mark.parametrize("probability", [fmpq(1, 2), fmpq(3, 8)])
def test_the_tail_is_the_sum_of_its_terms(count: int, most: int, probability: fmpq) -> None:
    p = Fraction(int(probability.p), int(probability.q))
    exact = sum((math.comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(most + 1)), Fraction(0))
    found = binomial_at_most(count, most, probability)
    assert Fraction(int(found.p), int(found.q)) == exact


def test_some_of_several_independent_events() -> None:
    assert some_of_several(fmpq(1, 3), 1) == fmpq(1, 3)
    assert some_of_several(fmpq(1, 3), 2) == fmpq(5, 9)


def test_outside_counts_both_tails_and_both_readings_of_a_tie() -> None:
    with working_precision(128):
        found = binomial_outside(10, arb(0.25), 5, arb(0.5))
        expected = stats.binom.sf(4, 10, 0.25) + stats.binom.cdf(0, 10, 0.25)
        assert float(found) == pytest.approx(expected, rel=1e-12)
        assert binomial_outside(10, arb(0.25), 11, arb(-1)).contains(0)
        for middle in (0.9995, 1.0, 1.0005):
            tie = binomial_outside(10, arb(0.25), 5, arb(middle, 0.001))
            for lowest in (0, 1):
                assert tie.contains(float(stats.binom.sf(4, 10, 0.25) + stats.binom.cdf(lowest, 10, 0.25)))


def test_normal_probabilities() -> None:
    with working_precision(100):
        assert float(normal_above(arb(1.5))) == pytest.approx(stats.norm.sf(1.5), rel=1e-14)
        assert float(normal_above(arb(-1.5))) == pytest.approx(stats.norm.cdf(1.5), rel=1e-14)
        assert float(normal_within(arb(0.3))) == pytest.approx(2 * stats.norm.cdf(0.3) - 1, rel=1e-14)
        assert normal_within(arb(0)) == 0
