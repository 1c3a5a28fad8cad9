"""Bounds of the smallest eigenvalues of the limiting kernels, and how the pattern Gram matrix concentrates (docs/theory.md).

Setting. Unit rows, ``K = X X^T`` with entries rho_ij, ``G_inf = K o S_inf``, ``lambda0 = lambda_min(G_inf)``,
``lambda_S = lambda_min(S_inf)``, ``rho_bar = max_{i != j} |rho_ij|``.

Proofs: docs/proofs/kernels.md, P3.1 to P3.10.

K-schur [derived]. ``lambda0 >= lambda_S``; ``tr G_inf = n/2``; ``lambda0 <= min_{i != j} (1/2 - |G_inf,ij|)``. Sharp: n = 2 has
equality in the last, n = 1 in the first.

K-sep [derived]. With ``c_k = (2k)!/(4^k k!^2 (2k+1))``, the coefficients of arcsin, for rho_bar < 1, each sharper than the one
before:

* "halved":  ``lambda0 >= (1/4 pi) sum_{k >= ceil((p-2)/2)} c_k``, ``p = max(1, ceil(ln(2(n-1)) / -ln rho_bar))``;
* "series":  ``lambda0 >= (1/2 pi) sum_k c_k (1 - (n-1) rho_bar^{2k+2})_+``;
* "complete": the same plus ``(1/4) (1 - (n-1) rho_bar)_+``.

For n = 1 and for rho_bar = 0 they give 1/8, 1/4 and 1/2; lambda0 = 1/2. Sharp: "complete" is attained for n = 1, for
orthogonal rows, and for n = 2 with rho >= 0; "series" in the limit of n = 2 rows that become parallel.

K-hoeffding [literature: Hoeffding 1963]. ``m H_ij(0)`` is Binomial(m, S_inf,ij) for independent neurons, so
``P(|H_ij(0) - S_inf,ij| >= t) <= 2 exp(-2 m t^2)``; m / 2 for m under symmetric initialisation. Sharp: the exponent's 2
at S_inf,ij = 1/2 (i = j), in the limit of small t and large ``m t^2``.

Functions of real numbers take floats or balls (arb), and answer in kind. Floats are taken as the numbers that they are, and answered
by the next float on the side on which the statement stays true (theory/directed.py).
"""

from __future__ import annotations

import math

from flint import arb, fmpq

from theory.directed import at_least_exact, at_most_exact
from theory.errors import ChoiceError, ScaleError
from theory.inputs import independent_neurons, positive_count
from theory.reals import (
    arc_sine,
    circle_constant,
    exponential,
    finite,
    logarithm,
    positive_real,
    real,
    shown,
    square_root,
)

SEPARATION_FORMS = ("halved", "series", "complete")
"""The three forms of K-sep, weakest first."""

MOST_TERMS = 5000
"""So many coefficients are summed; "halved" uses a bound of the remaining sum beyond, the other forms start there."""


@at_least_exact
def pair_limit(entry: float) -> float:
    """``1/2 - |G_inf,ij|``, an upper bound of lambda0 for every pair i != j (K-schur). Raises ScaleError."""
    if not finite(real(entry, "the entry")):
        raise ScaleError(f"the entry is {entry}; it must be finite")
    limit: float = fmpq(1, 2) - abs(entry)
    return limit


@at_least_exact
def pattern_deviation_failure(deviation: float, width: int, symmetric: bool = False) -> float:
    """K-hoeffding's bound ``2 exp(-2 m t^2)`` of ``P(|H_ij(0) - S_inf,ij| >= t)``; it may exceed 1.

    m / 2 replaces m under symmetric initialisation. Raises ScaleError (t <= 0), WidthError.
    """
    exponent = -2 * independent_neurons(width, symmetric) * positive_real(deviation, "deviation") ** 2
    return 2 * exponential(exponent)


def first_coefficients(count: int, like: float = 1.0) -> list[float]:
    """``c_0, ..., c_{count-1}`` of ``arcsin x = sum_k c_k x^{2k+1}``, as balls when ``like`` is one."""
    one = like * 0 + 1
    found: list[float] = []
    for k in range(count):
        found.append(one if k == 0 else found[-1] * (2 * k - 1) ** 2 / (2 * k * (2 * k + 1)))
    return found


@at_most_exact
def remaining_coefficients(first: int, like: float = 1.0) -> float:
    """``sum_{k >= first} c_k``: exactly up to ``MOST_TERMS``, beyond the lower bound ``(pi (first + 1/2))^{-1/2}``.

    With ``w_k = (2k)!/(4^k k!^2)``, ``c_k >= w_k - w_{k+1}`` makes the sum at least ``w_first``, and that is at least this bound (P3.8).
    """
    pi = circle_constant(like)
    if first > MOST_TERMS:
        return 1 / square_root(pi * (2 * first + 1) / 2)
    return pi / 2 - sum(first_coefficients(first, pi))


@at_most_exact
def separation_bound(largest_correlation: float, n: int, form: str = "complete") -> float:
    """A lower bound of lambda0 for n unit rows with ``|rho_ij| <= rho_bar < 1``, i != j (K-sep).

    "halved" is positive for every rho_bar; the others are 0 where more than ``MOST_TERMS`` terms would be negative.
    Raises ScaleError (rho_bar outside [0, 1)), WidthError (n), ChoiceError (form).
    """
    rho, pi = real(largest_correlation, "rho_bar"), circle_constant(largest_correlation)
    if not (rho >= 0 and rho < 1):
        raise ScaleError(f"rho_bar is {shown(rho)}; the largest correlation of different rows lies in [0, 1)")
    if form not in SEPARATION_FORMS:
        raise ChoiceError(f"unknown form {form!r}; known: {', '.join(SEPARATION_FORMS)}")
    others = positive_count(n, "n") - 1
    apart = others == 0 or rho == 0
    if form == "halved":
        power = 1 if apart else _halving_power(rho, others)
        return remaining_coefficients(max(0, math.ceil((power - 2) / 2)), rho) / (4 * pi)
    series = _series(rho, others, apart) / (2 * pi)
    if form == "series":
        return series
    diagonal = 1 - others * rho
    return series + diagonal / 4 if diagonal > 0 else series


def _halving_power(rho: float, others: int) -> int:
    """``p = max(1, ceil(ln(2(n-1)) / -ln rho_bar))``, the least p with ``(n-1) rho_bar^p <= 1/2``.

    For a ball the least for which that is certain: exact where rho_bar is, as for rho_bar = 1/2.
    """
    quotient = logarithm(2 * others + rho * 0) / -logarithm(rho)
    if not isinstance(quotient, arb):
        return max(1, math.ceil(quotient))
    power = max(1, int(quotient.lower().ceil().unique_fmpz()))
    return power if 2 * others * arb(rho) ** power <= 1 else power + 1


def _series(rho: float, others: int, apart: bool) -> float:
    """``sum_k c_k (1 - (n-1) rho_bar^{2k+2})_+``: starting the sum at any k leaves a lower bound.

    ``sum_k c_k rho^{2k+2} = rho arcsin rho``, less the terms before the first one taken.
    """
    pi = circle_constant(rho)
    if apart:
        return pi / 2
    first = max(0, math.ceil((float(arb(others).log() / -logarithm(rho)) - 2) / 2))
    if first > MOST_TERMS:
        return rho * 0
    whole = pi / 2 - others * rho * arc_sine(rho)
    negative = sum(c * (1 - others * rho ** (2 * k + 2)) for k, c in enumerate(first_coefficients(first, pi)))
    return whole - negative
