"""The limiting kernels, their smallest eigenvalues, and how the pattern Gram matrix concentrates (docs/theory.md).

Setting. Unit rows, ``K = X X^T`` with entries rho_ij, ``G_inf = K o S_inf``, ``lambda0 = lambda_min(G_inf)``,
``lambda_S = lambda_min(S_inf)``, ``rho_bar = max_{i != j} |rho_ij|``.

Proofs: docs/proofs/kernels.md, P3.1 to P3.9; K-chernoff stands in chernoff.py. In the obligations ``w_k = (2k)!/(4^k k!^2)``, so that
``c_k = w_k/(2k+1)``.

K-closed [paper]. ``G_inf,ij = rho (pi - arccos rho)/(2 pi)``, ``S_inf,ij = (pi - arccos rho)/(2 pi)`` (theory/kernels/limiting.py).

K-pd [derived]. G_inf is positive definite iff the inputs are pairwise distinct and the directions present with both signs are linearly
independent; S_inf iff they are distinct and at most one antiparallel pair is present (theory/kernels/degeneracy.py).

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
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs
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
from theory.theorems.chernoff import CHERNOFF
from theory.theorems.identities import GRAM
from theory.theorems.segments import SCHUR

SECTION = 2

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


PAIR = Obligation(
    "O-schur-pair",
    "K-schur: the smaller root of the 2x2 matrix with diagonal 1/2 and entry g is 1/2 - |g|",
    (Implication(("0 <= g",), "(1/2 - x)**2 - g**2 == (x - (1/2 - g))*(x - (1/2 + g))"),),
    (Mutation("halved", "1/2 - g/2", {"(1/2 - g)": "(1/2 - g/2)"}),),
)

WALLIS = Obligation(
    "O-sep-wallis",
    "K-sep's tail: with I_j the integral of sin^j over a quarter of the circle, I_2k = (pi/2) w_k and I_{2k+1} = 1/((2k+1) w_k) "
    "pass from k to k+1, and I_{2k+1} <= I_2k is w_k^2 (k + 1/2) >= 1/pi; I_{j+2} = (j+1)/(j+2) I_j, w_{k+1}/w_k = (2k+1)/(2k+2)",
    (
        Implication(("0 <= k", "even == pi/2*w"), "even*(2*k+1)/(2*k+2) == pi/2*next", {"next": "w*(2*k+1)/(2*k+2)"}),
        Implication(
            ("0 <= k", "0 < w", "odd == 1/((2*k+1)*w)"),
            "odd*(2*k+2)/(2*k+3) == 1/((2*k+3)*next)",
            {"next": "w*(2*k+1)/(2*k+2)"},
        ),
        Implication(
            ("0 <= k", "0 < w", "0 < pi", "odd <= even"),
            "w**2*(k + 1/2) >= 1/pi",
            {"even": "pi/2*w", "odd": "1/((2*k+1)*w)"},
        ),
    ),
    (
        Mutation("2k+3", "(2k+1)/(2k+3) in the recursion of w_k alone", {"w*(2*k+1)/(2*k+2)": "w*(2*k+1)/(2*k+3)"}),
        Mutation("2k+2", "1/((2k+2) w_k)", {"odd == 1/((2*k+1)*w)": "odd == 1/((2*k+2)*w)"}, part=1),
        Mutation("smaller", "w_k^2 (k + 0.499)", {"(k + 1/2)": "(k + 499/1000)"}, part=2),
        Mutation("longer", "I_{2k+1} up to 1.001 I_2k", {"odd <= even": "odd <= 1001/1000*even"}, part=2),
    ),
)

TAIL = Obligation(
    "O-sep-tail",
    "K-sep's tail: c_k >= w_k - w_{k+1}, so that the sum from N on telescopes to w_N less the limit of w_k, which is 0 as w_k^2 (3k+1) <= 1 "
    "passes from k to k+1; c_k = w_k/(2k+1) obeys c_k/c_{k-1} = (2k-1)^2/(2k(2k+1))",
    (
        Implication(("0 <= k", "0 < w"), "w/(2*k+1) >= w - next", {"next": "w*(2*k+1)/(2*k+2)"}),
        Implication(("0 <= k", "0 < w", "w**2*(3*k+1) <= 1"), "next**2*(3*k+4) <= 1", {"next": "w*(2*k+1)/(2*k+2)"}),
        Implication(("1 <= k",), "2*k*(2*k-1)/(4*k**2)*(2*k-1)/(2*k+1) == (2*k-1)**2/(2*k*(2*k+1))"),
    ),
    (
        Mutation("doubled", "2 (w_k - w_{k+1})", {">= w - next": ">= 2*(w - next)"}),
        Mutation("larger", "w_k^2 (4k+1) <= 1", {"(3*k+1)": "(4*k+1)", "(3*k+4)": "(4*k+5)"}, part=1),
        Mutation("2k+3", "2k + 3 in the recursion of c_k", {"(2*k*(2*k+1))": "(2*k*(2*k+3))"}, part=2),
    ),
)

OBLIGATIONS = (PAIR, WALLIS, TAIL)

RANGES = (
    *needs("K-schur", PAIR, (0,), "0 <= g <= 1/2"),
    *needs("K-sep", WALLIS, (0,), "0 <= k", "0 < w <= 1", "even == pi/2*w"),
    *needs("K-sep", WALLIS, (1,), "0 <= k", "0 < w <= 1", "odd == 1/((2*k+1)*w)"),
    *needs("K-sep", WALLIS, (2,), "0 <= k", "0 < w <= 1", "3 < pi < 4", "1/((2*k+1)*w) <= pi/2*w"),
    *needs("K-sep", TAIL, (0,), "0 <= k", "0 < w <= 1"),
    *needs("K-sep", TAIL, (1,), "0 <= k", "0 < w <= 1", "w**2*(3*k+1) <= 1"),
    *needs("K-sep", TAIL, (2,), "1 <= k"),
)

_HERE = "docs/proofs/kernels.md: "
_CLOSED = (
    GRAM,
    argued("two half planes meet in a sector of angle pi minus the inputs' angle", f"{_HERE}P3.1"),
)

CHAINS = (
    Chain(
        "K-closed",
        (
            *_CLOSED,
            argued("the roundings of the float64 kernels, counted", f"{_HERE}P3.2"),
            checked("both on instances", "K-closed"),
        ),
    ),
    Chain(
        "K-pd",
        (
            *_CLOSED,
            argued("G_inf: a null vector's sum does not jump across the hyperplanes w.x_i = 0", f"{_HERE}P3.3"),
            argued("S_inf: the same for numbers in place of vectors", f"{_HERE}P3.4"),
            CHERNOFF[1],
            argued("at K-chernoff's width the failure is at most delta", "docs/proofs/width.md: P7.5"),
            checked("K-chernoff's frequency", "K-chernoff"),
            checked("both equivalences, and the probability, on instances", "K-pd"),
        ),
    ),
    Chain(
        "K-schur",
        (
            *_CLOSED,
            SCHUR,
            argued(
                "K and S_inf - lambda_S I are positive semidefinite, K_ii = 1; principal submatrices", f"{_HERE}P3.5"
            ),
            proved("the eigenvalues of a 2x2 matrix with diagonal 1/2 and entry g >= 0 are 1/2 - g and 1/2 + g", PAIR),
            checked("the conclusion on instances", "K-schur"),
        ),
    ),
    Chain(
        "K-sep",
        (
            *_CLOSED,
            checked("the closed form of G_inf", "K-closed"),
            SCHUR,
            argued(
                "G_inf = K/4 + (1/2 pi) sum c_k K^{o(2k+2)}, and Gershgorin on every Hadamard power",
                f"{_HERE}P3.6",
            ),
            argued("from k = ceil((p-2)/2) on the brackets are at least 1/2", f"{_HERE}P3.7"),
            proved(
                "the recursions of Wallis's integrals, and what the comparison of two of them says: w_k^2 (k + 1/2) >= 1/pi",
                WALLIS,
            ),
            proved("c_k >= w_k - w_{k+1}; w_k^2 <= 1/(3k+1) passes from k to k+1; c_k's recursion", TAIL),
            argued("so the tail beyond the terms that are summed is at least (pi (N + 1/2))^{-1/2}", f"{_HERE}P3.8"),
            checked("the conclusion on instances", "K-sep"),
        ),
    ),
    Chain(
        "K-hoeffding",
        (
            *_CLOSED,
            argued("Hoeffding's inequality for m independent 0/1 variables; pairs count once", f"{_HERE}P3.9"),
            checked("the frequency", "K-hoeffding"),
        ),
    ),
)
