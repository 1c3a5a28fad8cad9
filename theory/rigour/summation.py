"""Row sums that are exact but for a tiny remainder, by extracting leading bits with vectorised additions.

Source: Rump, Ogita, Oishi, Accurate floating-point summation, SIAM J. Sci. Comput. 31 (2008), ExtractVector: with a power
of two ``sigma >= (m + 2) max |v_r|`` the parts ``(sigma + v_r) - sigma`` are multiples of ``u sigma`` whose sums stay below
sigma, so that they add up without rounding in any order; what is left of each v_r is at most ``u sigma``.
"""

import math

import numpy as np

from theory.inputs import FloatArray
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma


def accurate_sum(values: FloatArray) -> tuple[float, float]:
    """The sum of m finite numbers in float64 and a bound of its error; m < 2^52 and no sum may overflow."""
    count = len(values)
    largest = max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    if largest == 0:
        return 0.0, 0.0
    exponent = math.frexp(largest)[1] + (count + 2).bit_length()
    sigma = math.ldexp(1.0, exponent)
    leading = values + sigma
    leading -= sigma
    head = float(leading.sum())
    np.subtract(values, leading, out=leading)
    total = head + float(leading.sum())
    # the tail's own rounding, then that of the last addition; doubled for the rounding of this bound
    error = gamma(count) * count * UNIT_ROUNDOFF * sigma + UNIT_ROUNDOFF * abs(total)
    return total, 2 * error
