"""Widths that make the conditions hold with high probability (THEORY sections 2 and 6).

K-chernoff. Statement: independent neurons ``w_r ~ N(0, nu^2 I)``, unit rows X (n, d), ``lambda0 = lambda_min(G_inf)``:

    P(lambda_min(G(0)) <= 3/4 lambda0) <= n exp(-beta m lambda0 / ||X||_2^2),    beta = 1/4 + 3/4 ln 3/4.

The same holds for the pattern Gram matrix ``H(0)`` with ``lambda_S`` in place of ``lambda0`` and n in place of
``||X||_2^2``. Under symmetric initialisation m neurons hold m / 2 independent ones, so m / 2 replaces m.
Constants: from the matrix Chernoff inequality for ``G(0) = sum_r m^{-1} K o (A_r A_r^T)``, each term at most
``||X||_2^2 / m``. Sharpness: an upper bound, not sharp. Source: paper's ``m = Omega(n ln(n / delta) / lambda0)``, with
constants; Tropp, User-friendly tail bounds for sums of random matrices (2012), theorem 1.1.
"""

import math

from theory.errors import ScaleError
from theory.inputs import positive, positive_count
from theory.rigour.rounding import gamma

KEPT_SHARE = 0.75
"""The share of lambda0 that lambda_min(G(0)) keeps (K-chernoff)."""

COUNTED_ROUNDINGS = 16
"""More than the roundings of ``chernoff_width``: the width is rounded up, never down."""


def probability(value: float, name: str) -> float:
    """Return a number strictly between 0 and 1. Raises ScaleError."""
    if not 0 < value < 1:
        raise ScaleError(f"{name} is {value}; it must lie strictly between 0 and 1")
    return float(value)


def chernoff_exponent(kept: float = KEPT_SHARE) -> float:
    """``beta = 1 - s + s ln s`` for a share s = ``kept``: 1/4 + 3/4 ln 3/4 = 0.0342 at 3/4 (natural logarithm).

    Raises ScaleError unless 0 < kept < 1.
    """
    share = probability(kept, "kept")
    return 1 - share + share * math.log(share)


def chernoff_failure(
    lambda0: float, spectral_norm_squared: float, n: int, width: int, symmetric: bool = False
) -> float:
    """K-chernoff's bound of ``P(lambda_min(G(0)) <= 3/4 lambda0)`` at a width m, at most 1.

    ``spectral_norm_squared`` is ``||X||_2^2``; for ``H(0)`` give ``lambda_S`` and n. Raises ScaleError, WidthError.
    """
    independent = positive_count(width, "width") / (2 if symmetric else 1)
    rate = chernoff_exponent() * positive(lambda0, "lambda0") / positive(spectral_norm_squared, "spectral_norm_squared")
    return min(1.0, positive_count(n, "n") * math.exp(-rate * independent))


def chernoff_width(lambda0: float, spectral_norm_squared: float, n: int, delta: float, symmetric: bool = False) -> int:
    """The width m from which ``lambda_min(G(0)) > 3/4 lambda0`` with probability at least ``1 - delta`` (K-chernoff).

    ``ceil(||X||_2^2 ln(n / delta) / (beta lambda0))``, twice that (even) under symmetric initialisation. For ``H(0)``
    give ``lambda_S`` and n in place of ``||X||_2^2``. Raises ScaleError, WidthError.
    """
    logarithm = math.log(positive_count(n, "n") / probability(delta, "delta"))
    rate = chernoff_exponent() * positive(lambda0, "lambda0")
    independent = positive(spectral_norm_squared, "spectral_norm_squared") * logarithm / rate
    return math.ceil(independent * (1 + gamma(COUNTED_ROUNDINGS))) * (2 if symmetric else 1)
