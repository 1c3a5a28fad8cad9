"""Independent answers for the kernel claims: quadrature of the expectations, exact ranks, vectors of the kernel.

Nothing here uses a closed form of the kernels, nor the project's own decision, but for the vectors built from its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from flint import acb, arb, arb_mat, ctx, fmpq, fmpq_mat

from theory.inputs import FloatArray
from theory.kernels.limiting import Degeneracy
from theory.rigour.exact import null_vector, rational, rational_matrix

CUT = 12
"""Quadratures end here; the rest of the integral is at most the normal density here, about 2^-105."""

QUADRATURE_BITS = 96
"""A quadrature is refined until its error is about 2^-96: what is compared with it has to agree to 2^-80 (K-closed)."""


def dot(left: Sequence[fmpq], right: Sequence[fmpq]) -> fmpq:
    """The exact inner product."""
    return sum((a * b for a, b in zip(left, right, strict=True)), fmpq(0))


def exact_rows(inputs: FloatArray) -> list[list[fmpq]]:
    """The rows as exact rational vectors."""
    rows: list[list[fmpq]] = rational_matrix(inputs).tolist()
    return rows


def correlation(left: Sequence[fmpq], right: Sequence[fmpq]) -> arb:
    """``rho``, the cosine of the angle between two exact rows, as a ball at the working precision."""
    return arb(dot(left, right)) / arb(dot(left, left) * dot(right, right)).sqrt()


def pattern_expectation(left: Sequence[fmpq], right: Sequence[fmpq]) -> arb:
    """``E 1[w.x >= 0] 1[w.y >= 0]`` for a standard normal w, as a ball at the working precision.

    With z = w.x/|x| and the independent rest of w.y it is ``int_0^inf pdf(z) cdf(k z) dz``, ``k = rho/(1-rho^2)^{1/2}``,
    by rigorous quadrature. For |k| > 1 the variable is ``|k| z``, so that the integrand varies on scale 1, and for
    k > 1 the complement is integrated. Exactly parallel rows: 1/2 or 0.
    """
    inner = dot(left, right)
    determinant = dot(left, left) * dot(right, right) - inner * inner
    if determinant == 0:
        return arb(fmpq(1, 2)) if inner > 0 else arb(0)
    return _expectation(abs(inner) * inner / determinant, ctx.prec)


@lru_cache(maxsize=2**12)
def _expectation(slope_square: fmpq, bits: int) -> arb:
    """The integral for ``k |k|`` at the working precision of so many ``bits``: small integers have the same few angles again and again."""
    del bits
    size = arb(abs(slope_square)).sqrt()
    if size <= 1:
        return _integral(arb(1), size if slope_square > 0 else -size)
    rest = _integral(1 / size, arb(-1)) / size
    return rest if slope_square < 0 else arb(fmpq(1, 2)) - rest


def _integral(density_scale: arb, slope: arb) -> arb:
    """``int_0^inf pdf(density_scale t) cdf(slope t) dt``, both scales at most 1 in magnitude and one of them 1."""
    flatness, steepness = -(density_scale**2) / 2, -slope / arb(2).sqrt()

    def integrand(t: acb, _: bool) -> acb:
        return (flatness * (t * t)).exp() * (steepness * t).erfc()

    integral = acb.integral(integrand, acb(0), acb(CUT), abs_tol=arb(2) ** -QUADRATURE_BITS)
    value = integral.real / (2 * (2 * arb.pi()).sqrt())
    tail = (-(arb(CUT) ** 2) / 2).exp()  # int_T^inf pdf(t) dt and int_T^inf cdf(-t) dt are both at most pdf(T), T >= 1
    return value + arb(0).union(tail)


def separating_weights(rows: Sequence[Sequence[fmpq]], seed: int) -> list[list[fmpq]]:
    """Two exact weights for each row i: on either side of the hyperplane ``w.x_i = 0``, and of no other one.

    A point p of the hyperplane off all others (a random integer vector, projected), then ``p + t x_i`` and
    ``p - t x_i`` with t too small to meet any other. No weight lies on a hyperplane, so each pattern holds in a
    neighbourhood and has positive probability under any normal distribution.
    """
    rng = np.random.default_rng(seed)
    weights: list[list[fmpq]] = []
    for row in rows:
        square = dot(row, row)
        others = [x for x in rows if dot(x, row) ** 2 != dot(x, x) * square]
        heights = [fmpq(0)]
        while any(height == 0 for height in heights):
            drawn = [fmpq(int(value)) for value in rng.integers(-1000, 1001, len(row))]
            share = dot(drawn, row) / square
            point = [v - share * x for v, x in zip(drawn, row, strict=True)]
            heights = [dot(point, x) for x in others]
        slopes = [dot(row, x) for x in others]
        limits = [abs(h / (2 * s)) for h, s in zip(heights, slopes, strict=True) if s != 0]
        step = min(limits, default=fmpq(1))
        weights += [[p + sign * step * x for p, x in zip(point, row, strict=True)] for sign in (1, -1)]
    return weights


def feature_ranks(inputs: FloatArray, seed: int = 0) -> tuple[int, int]:
    """Exact ranks of the Jacobian's and the pattern features' rows at weights on both sides of every hyperplane.

    Rank n proves ``G_inf > 0`` (``S_inf > 0``): the kernel is at least a positive multiple of that Gram matrix. A
    smaller rank refutes it: any vector of the kernel must cancel across each hyperplane, and then cancels everywhere.
    """
    rows = exact_rows(inputs)
    weights = separating_weights(rows, seed)
    active = [[fmpq(int(dot(row, weight) >= 0)) for weight in weights] for row in rows]
    jacobian = [[on * x for on in pattern for x in row] for pattern, row in zip(active, rows, strict=True)]
    return fmpq_mat(jacobian).rank(), fmpq_mat(active).rank()


def _coincidence_vector(n: int, reason: Degeneracy) -> list[arb]:
    vector = [arb(0)] * n
    first, second = reason.coincident[0]
    vector[first], vector[second] = arb(1), arb(-1)
    return vector


def gram_kernel_vector(inputs: FloatArray, reason: Degeneracy) -> list[arb] | None:
    """A vector c with ``G_inf c = 0``, largest entry 1, built from the reason; None when it names no singularity.

    Coincident rows: ``e_i - e_j``. Dependent antiparallel pairs with ``sum_p alpha_p x_p = 0``: ``alpha_p |x_p|`` at the
    row x_p of each pair, ``-alpha_p |x_p|`` at the opposite one.
    """
    n = len(inputs)
    if reason.coincident:
        return _coincidence_vector(n, reason)
    if not reason.dependent_directions:
        return None
    rows = exact_rows(inputs)
    pairs = reason.dependent_directions
    combination = null_vector(fmpq_mat([rows[i] for i, _ in pairs]).transpose())
    if combination is None:
        return None
    vector = [arb(0)] * n
    for (i, j), coefficient in zip(pairs, combination, strict=True):
        vector[i] = arb(coefficient) * arb(dot(rows[i], rows[i])).sqrt()
        vector[j] = -vector[i]
    largest = max(vector, key=lambda entry: float(abs(entry)))
    return [entry / abs(largest) for entry in vector]


def pattern_kernel_vector(inputs: FloatArray, reason: Degeneracy) -> list[arb] | None:
    """A vector c with ``S_inf c = 0``, largest entry 1, built from the reason; None when it names no singularity.

    Coincident rows: ``e_i - e_j``. Two antiparallel pairs: 1 on the rows of one, -1 on those of the other.
    """
    n = len(inputs)
    if reason.coincident:
        return _coincidence_vector(n, reason)
    if len(reason.antiparallel) < 2:
        return None
    vector = [arb(0)] * n
    for value, pair in zip((1, -1), reason.antiparallel, strict=False):
        for index in pair:
            vector[index] = arb(value)
    return vector


def residue(kernel: arb_mat, vector: Sequence[arb]) -> arb:
    """``sum_i |(kernel c)_i|`` as a ball: it contains 0 iff every entry's ball does."""
    n = len(vector)
    return sum((abs(entry) for entry in (kernel * arb_mat(n, 1, list(vector))).entries()), arb(0))


def largest_error(values: FloatArray, kernel: arb_mat) -> arb:
    """``max_ij |values_ij - kernel_ij|`` as a ball."""
    worst = arb(0)
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            worst = worst.max(abs(arb(rational(value)) - kernel[i, j]))
    return worst
