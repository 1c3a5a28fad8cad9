"""Row sums that are exact but for a tiny remainder, by extracting leading bits with vectorised additions.

Source: Rump, Ogita, Oishi, Accurate floating-point summation, SIAM J. Sci. Comput. 31 (2008), ExtractVector: with a power
of two ``sigma >= (m + 2) max |v_r|`` the parts ``(sigma + v_r) - sigma`` are multiples of ``u sigma`` whose sums stay below
sigma, so that they add up without rounding in any order; what is left of each v_r is at most ``u sigma``.
"""

import math

import numpy as np
from flint import arb

from theory.inputs import FloatArray
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma

PASSES = 64
"""Enough for numbers of any exponents; what were left after them would widen the ball."""


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


def accurate_row_sums(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``accurate_sum`` of each row of a (k, m) matrix: sums (k,), and bounds of their errors (k,)."""
    count = rows.shape[1]
    largest = np.abs(rows).max(axis=1, initial=0.0)
    sigma = np.ldexp(1.0, np.frexp(largest)[1] + (count + 2).bit_length())
    leading = rows + sigma[:, None]
    leading -= sigma[:, None]
    head = leading.sum(axis=1)
    np.subtract(rows, leading, out=leading)
    totals = head + leading.sum(axis=1)
    errors = 2 * (gamma(count) * count * UNIT_ROUNDOFF * sigma + UNIT_ROUNDOFF * np.abs(totals))
    return np.where(largest > 0, totals, 0.0), np.where(largest > 0, errors, 0.0)


def enclosed_sums(rows: FloatArray) -> list[arb]:
    """The sums of the rows of a (k, m) matrix of finite numbers, m < 2^52, as balls at the working precision.

    A few vectorised passes: each takes the leading ``52 - log2(m)`` bits off every number and adds them up without
    rounding; most numbers are used up after two. No sum may overflow.
    """
    totals, rest = [arb(0)] * len(rows), np.array(rows, dtype=np.float64)
    headroom = (rest.shape[1] + 2).bit_length()
    for _ in range(PASSES):
        largest = np.abs(rest).max(axis=1, initial=0.0)
        left = np.flatnonzero(largest)
        if not len(left):
            return totals
        sigma = np.ldexp(1.0, np.frexp(largest)[1] + headroom)[:, None]
        leading = rest + sigma
        leading -= sigma
        heads = leading.sum(axis=1)
        for i in left:
            totals[i] += float(heads[i])
        rest -= leading
    bounds = np.abs(rest).max(axis=1, initial=0.0)
    return [total + arb(0, float(bound)) * rest.shape[1] for total, bound in zip(totals, bounds, strict=True)]
