"""Constants of floating-point error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 3.1)."""

import math
from fractions import Fraction
from functools import lru_cache

UNIT_ROUNDOFF = 2.0**-53
"""u of float64 with rounding to nearest; not squared, relative."""


UNDERFLOW = 2.0**-1000
"""Above all effects of underflow on a sum of fewer than 2^60 products of float64, each off by 2^-1074 at most."""


@lru_cache(maxsize=1024)  # a run asks for the same few k again and again
def gamma(operations: int) -> float:
    """``gamma_k = k u / (1 - k u)``, rounded up: relative error of a sum of products with k roundings, in any order.

    Raises OverflowError when k u >= 1, where no bound exists.
    """
    if operations * UNIT_ROUNDOFF >= 1:
        raise OverflowError(f"gamma_{operations} does not exist: {operations} u >= 1")
    quotient = operations * UNIT_ROUNDOFF / (1 - operations * UNIT_ROUNDOFF)  # the division is what rounds
    return math.nextafter(quotient, math.inf) if operations else 0.0


def rounded_up_from(exact: Fraction) -> float:
    """The least float64 that is not below a rational number. Raises OverflowError beyond the range of float64."""
    value = float(exact)
    return value if Fraction(value) >= exact else math.nextafter(value, math.inf)
