"""What C2-tube says of a tube of given widths: how far Gram matrix and Jacobian can change in it, and the ratio mu."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from theory.direction import NONNEGATIVE, UNBOUNDED, Directed, LowerBound, UpperBound
from theory.inputs import FloatArray
from theory.network.shared_weights import in_order
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound
from theory.rigour.rounding import gamma
from theory.stability.tube.candidates import candidates, chosen, chosen_pattern
from theory.stability.tube.nonnegative import nonnegative_norm, norm_above, raised
from theory.stability.tube.rectifier import RectifierCounts, rectifier_counts
from theory.stability.tube.start import Beginning, Start, sum_above
from theory.stability.tube.widths import InputWidths, NeuronWidths, Widths, given_widths
from theory.theorems import tube, tube_ratio


@dataclass(frozen=True)
class TubeBounds(Directed):
    """For all W, W' in the tube, with J and G at W, J' at W', and the mean ``Jbar`` of J over the segment between them."""

    gram_change: FloatArray = field(repr=False)
    """``D >= |G(W) - G(0)|`` entry by entry, shape (n, n)."""
    product_change: FloatArray = field(repr=False)
    """``M >= |(Jbar - J) J^T|`` entry by entry, shape (n, n)."""
    gram_change_norm: UpperBound
    """``||D||_2``."""
    product_norm: UpperBound
    """``xi``, of ``||(Jbar - J) J^T||_2``."""
    jacobian_change: UpperBound
    """``tau``, of ``||Jbar - J||_2^2``: squared."""
    frozen: LowerBound
    """``lambda_c``, of the part of G that the neurons contribute that cannot flip; 0 where nothing more is known."""
    lambda_min: LowerBound
    """``lambda_b``, of ``lambda_min(G(W))``; not positive where none is kept."""
    largest: UpperBound
    """Of ``||G(W)||_2``."""
    first_ratio: UpperBound
    """``mu_1 = xi/lambda_b``; inf unless lambda_b is positive."""
    ratio: UpperBound
    """``mu``, of ``||(Jbar - J) J^T G^{-1}||_2``; inf unless lambda_b is positive."""
    widths: Widths = field(repr=False)
    """The tube's."""


def bounds_at(start: Start, widths: ArrayLike) -> TubeBounds:
    """The bounds for widths (n,), or (n, m), as given. Raises ShapeError, NotFiniteError, ScaleError (a negative width)."""
    given = given_widths(widths, len(start.rows), start.width)
    if start.net.phi.curvature is not None:
        return smooth_bounds(start, given)
    ordered = NeuronWidths(in_order(given.values, start.order)) if isinstance(given, NeuronWidths) else given
    listed = candidates(start, given.largest)
    counts = rectifier_counts(start, chosen_pattern(start, listed, chosen(listed, ordered)))
    if start.copies == 1 or isinstance(ordered, InputWidths):
        return rectifier_bounds(start, given, start.distinct, counts)
    second = NeuronWidths(ordered.values[:, start.distinct :])
    others = rectifier_counts(start, chosen_pattern(start, listed, chosen(listed, second)))
    return rectifier_bounds(start, given, start.distinct, counts, others)


def rectifier_bounds(start: Beginning, widths: Widths, counted: int, *counts: RectifierCounts) -> TubeBounds:
    """From counts of pairs, of all distinct neurons or of each half of the neurons apart; each is of ``counted`` neurons."""
    neurons = counted * len(counts)
    weights = raised(start.kernel / neurons, 1)

    def total(name: str) -> FloatArray:
        return np.asarray(sum(getattr(one, name) for one in counts))

    gram_change = raised(weights * np.maximum(total("gained"), total("lost")), 1)
    product_change = raised(weights * total("flipping"), 1)
    tau = nonnegative_norm(raised(weights * total("pairs"), 1))
    tau_2 = nonnegative_norm(raised(weights * total("touched"), 1))
    frozen = frozen_eigenvalue(start, total("frozen") / neurons)
    return tube_bounds(start, widths, gram_change, product_change, tau, tau_2, frozen)


def frozen_eigenvalue(start: Beginning, shares: FloatArray) -> LowerBound:
    """``lambda_c``: of ``K o C/m`` for exact counts C (n, n) of neurons; 0, which is always one, where no more is certified.

    The computed matrix is off by at most ``2 gamma_{d+2} tr(C)/m`` (theory.network.gram).
    """
    if not np.diag(shares).all():  # then the matrix has a row of zeros
        return NONNEGATIVE
    error = 2 * gamma(start.rows.shape[1] + 2) * float(np.trace(shares))
    below = math.nextafter(smallest_eigenvalue_lower_bound(start.products * shares) - error, -math.inf)
    return LowerBound(max(below, 0.0))


def smooth_bounds(start: Start, widths: Widths) -> TubeBounds:
    """``D_ij = |K_ij| L L_1 (b_i + b_j)``, ``M_ij = |K_ij| L L_1 b_i/2``, ``tau = L^2/4 || |K| o b b^T ||``, b the mean over neurons.

    M and tau are those of a segment along which no pre-activation moves by more than b: a step of a path in the tube.
    """
    curvature, slope = start.net.phi.curvature, start.net.phi.slope
    assert curvature is not None
    b = widths.array()
    mean = b if b.ndim == 1 else b.mean(axis=1)
    products = np.outer(b, b) if b.ndim == 1 else b @ b.T / b.shape[1]
    operations = 16 + (0 if b.ndim == 1 else b.shape[1])
    change = raised(start.kernel * (curvature * slope) * (mean[:, None] + mean), operations)
    product = raised(start.kernel * (curvature * slope / 2) * mean[:, None], operations)
    tau = UpperBound(_squared(curvature / 2) * nonnegative_norm(raised(start.kernel * products, operations)))
    active = sum_above(start.largest, nonnegative_norm(change))
    return tube_bounds(start, widths, change, product, tau, active, NONNEGATIVE)


def _squared(value: float) -> float:
    return value * value * (1 + gamma(8))


def tube_bounds(
    start: Beginning,
    widths: Widths,
    gram_change: FloatArray,
    product_change: FloatArray,
    tau: UpperBound,
    tau_2: UpperBound,
    frozen: LowerBound,
) -> TubeBounds:
    """All numbers, from the two matrices, ``tau``, a bound ``tau_2`` of the squared norm of what J can be where it changes, ``lambda_c``."""
    change = nonnegative_norm(gram_change)
    product = UpperBound(tube_ratio.product_norm(nonnegative_norm(product_change), tau, tau_2))
    kept = LowerBound(tube.lambda_b(start.lambda_min, change, frozen))
    first, ratio = UNBOUNDED, UNBOUNDED
    if kept > 0:
        first = UpperBound(tube_ratio.first_ratio(product, kept))
        ratio = UpperBound(tube_ratio.ratio(product, tau, kept, frozen))
    largest = sum_above(start.largest, change)
    return TubeBounds(gram_change, product_change, change, product, tau, frozen, kept, largest, first, ratio, widths)


def turned(start: Beginning, bounds: TubeBounds) -> UpperBound:
    """``||D|c0|||``, rounded up."""
    sizes = bounds.gram_change @ np.abs(start.coefficients)
    return _with_error(start, sizes, bounds.gram_change_norm)


def pushed(start: Beginning, bounds: TubeBounds) -> UpperBound:
    """Of ``||(Jbar - J) J^T c0||``, rounded up: ``||M|c|||`` of the computed coefficients, and xi times their error."""
    return _with_error(start, bounds.product_change @ np.abs(start.coefficients), bounds.product_norm)


def _with_error(start: Beginning, sizes: FloatArray, norm: UpperBound) -> UpperBound:
    """The norm of a product with the sizes of the computed c0, and what their error can add to it."""
    error = norm * start.coefficients_error
    return sum_above(norm_above(raised(sizes, len(sizes) + 2)), math.nextafter(error, math.inf) if error > 0 else 0.0)
