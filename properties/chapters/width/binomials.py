"""Exact distributions behind the probability claims: binomials and normals, as rationals and balls."""

from __future__ import annotations

from flint import arb, fmpq, fmpz

HALF = fmpq(1, 2)


def binomial_at_most(count: int, most: int, probability: fmpq = HALF) -> fmpq:
    """``P(Binomial(count, p) <= most)`` as an exact rational, for a rational p in (0, 1)."""
    success, whole = int(probability.p), int(probability.q)
    total, term = fmpz(0), fmpz(whole - success) ** count
    for k in range(most + 1):
        total += term
        term = term * (success * (count - k)) // ((k + 1) * (whole - success))
    return fmpq(total, fmpz(whole) ** count)


def some_of_several(probability: fmpq, several: int) -> fmpq:
    """The probability that at least one of several independent events of the same probability occurs."""
    return 1 - (1 - probability) ** several


def binomial_outside(count: int, probability: arb, from_above: int, share: arb) -> arb:
    """``P(B >= k or B <= s)`` for B of Binomial(count, p), k = ``from_above``, s = ``share`` a real number below k.

    A ball for p, and for s: where s might be an integer or just below, both cases are inside the answer.
    """
    above = _at_least(count, from_above, probability)
    lowest, highest = (int(end.floor().unique_fmpz()) for end in (share.lower(), share.upper()))
    return (above + _at_most(count, lowest, probability)).union(above + _at_most(count, highest, probability))


def _at_least(count: int, failures: int, probability: arb) -> arb:
    if failures <= 0:
        return arb(1)
    if failures > count:
        return arb(0)
    return probability.beta_lower(arb(failures), arb(count - failures + 1), regularized=True)


def _at_most(count: int, most: int, probability: arb) -> arb:
    return _at_least(count, count - most, 1 - probability)


def normal_above(value: arb) -> arb:
    """``P(z > value)`` for a standard normal z."""
    return (value / arb(2).sqrt()).erfc() / 2


def normal_within(value: arb) -> arb:
    """``P(|z| < value)`` for a standard normal z and ``value >= 0``."""
    return (value / arb(2).sqrt()).erf()
