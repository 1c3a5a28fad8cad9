"""How the least eigenvalues at W(0) concentrate: K-chernoff (docs/theory.md).

Setting. Independent neurons ``w_r ~ N(0, nu^2 I)``; unit rows X (n, d), ``lambda0 = lambda_min(G_inf)``, ``lambda_S = lambda_min(S_inf)``.
Symmetric initialisation: m / 2 independent pairs (w, a), (w, -a), so that u(0) = 0.

K-chernoff [paper, with constants]. ``P(lambda_min(G(0)) <= 3/4 lambda0) <= n exp(-beta m lambda0 / ||X||_2^2)``,
``beta = 1/4 + 3/4 ln 3/4``; for H(0) with lambda_S and n in place of lambda0 and ``||X||_2^2``; m / 2 for m under
symmetric initialisation. Source: Tropp 2012, theorem 1.1. Not sharp: for n = 1, where ``m lambda_min`` is Binomial(m, 1/2),
the exponent could be 2 KL(3/8, 1/2) = 1.84 beta.

Proof: docs/proofs/kernels.md, P3.10.

Functions of real numbers take floats or balls (arb), and answer in kind. Floats are taken as the numbers that they are, and answered
by the next float on the side on which the statement stays true: failures and widths rounded up (theory/directed.py).
"""

from __future__ import annotations

import math

from theory.directed import at_least_exact, at_most_exact, decided_exactly, exact, float_above
from theory.errors import ScaleError
from theory.inputs import independent_neurons, positive_count
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked
from theory.reals import (
    ceiling,
    exponential,
    logarithm,
    positive_real,
    probability,
)
from theory.theorems.identities import GRAM

SECTION = 2

KEPT_SHARE = 0.75
"""The share of lambda0 that lambda_min(G(0)) keeps (K-chernoff)."""


@at_most_exact
def chernoff_exponent(kept: float = KEPT_SHARE) -> float:
    """``beta = 1 - s + s ln s`` for a share s = ``kept``: 1/4 + 3/4 ln 3/4 = 0.0342 at 3/4 (natural logarithm).

    Raises ScaleError unless 0 < kept < 1.
    """
    share = probability(kept, "kept")
    return 1 - share + share * logarithm(share)


@at_least_exact
def chernoff_failure(
    lambda0: float, spectral_norm_squared: float, n: int, width: int, symmetric: bool = False
) -> float:
    """K-chernoff's bound of ``P(lambda_min(G(0)) <= 3/4 lambda0)`` at a width m; it may exceed 1.

    ``spectral_norm_squared`` is ``||X||_2^2``; for ``H(0)`` give ``lambda_S`` and n. Raises ScaleError, WidthError.
    """
    independent = independent_neurons(width, symmetric)
    rate = chernoff_exponent(exact(KEPT_SHARE)) * positive_real(lambda0, "lambda0")
    squared = positive_real(spectral_norm_squared, "spectral_norm_squared")
    return positive_count(n, "n") * exponential(-rate * independent / squared)


@decided_exactly
def chernoff_width(lambda0: float, spectral_norm_squared: float, n: int, delta: float, symmetric: bool = False) -> int:
    """The width m from which ``lambda_min(G(0)) > 3/4 lambda0`` with probability at least ``1 - delta`` (K-chernoff).

    ``ceil(||X||_2^2 ln(n / delta) / (beta lambda0))``, twice that (even) under symmetric initialisation. For ``H(0)``
    give ``lambda_S`` and n in place of ``||X||_2^2``. Raises ScaleError, WidthError.
    """
    rate = chernoff_exponent(exact(KEPT_SHARE)) * positive_real(lambda0, "lambda0")
    squared = positive_real(spectral_norm_squared, "spectral_norm_squared")
    independent = first_width(logarithm(positive_count(n, "n") / probability(delta, "delta")), squared, rate)
    return ceiling(independent) * (2 if symmetric else 1)


def first_width(log: float, squared_norm: float, rate: float) -> float:
    """``||X||_2^2 log/(beta lambda0)``, from where ``beta m lambda0/||X||_2^2`` is at least log: a width, not rounded to an integer.

    Raises ScaleError when it is beyond the range of float64.
    """
    return width_quotient(squared_norm * log, rate)


def width_quotient(numerator: float, denominator: float) -> float:
    """A width. Raises ScaleError when it is beyond the range of float64."""
    found = numerator / denominator
    if not float_above(found) < math.inf:
        raise ScaleError("the width is beyond the range of float64: scale, delta, C or the eigenvalue is too small")
    return found


FIRST_WIDTH = "norm2*log/(beta*eigenvalue)"
CALCULATED = (
    Calculated(FIRST_WIDTH, lambda norm2, log, beta, eigenvalue: first_width(log, norm2, beta * eigenvalue)),
    Calculated(f"2*{FIRST_WIDTH}", lambda norm2, log, beta, eigenvalue: 2 * first_width(log, norm2, beta * eigenvalue)),
)

CHERNOFF = (
    GRAM,
    argued(
        "the matrix Chernoff inequality for summands of one distribution, by Golden-Thompson; pairs count once",
        "docs/proofs/kernels.md: P3.10",
    ),
)

CHAINS = (Chain("K-chernoff", (*CHERNOFF, checked("the frequency", "K-chernoff"))),)
