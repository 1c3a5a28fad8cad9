"""Condition 2 on the ball around W(0), from histograms of what flips cost: C2-fro and C2-spec, at most a bin above the exact counts."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory.direction import UNBOUNDED, UpperBound
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.stability.ball import BallCertificate, ChangeBounds, frobenius_bound, spectral_bound
from theory.stability.flips import squared_budget
from theory.stability.norms import input_norm_squared, paper_radius, squared_norm_excess, stability_constant
from theory.stability.tube.start import Beginning
from theory.streaming.flip_pass import FlipPass
from theory.streaming.stream import NeuronStream
from theory.streaming.tally import Tally

BINS = 1024
"""Bins up to where the last flip is expected that the radius pays for, at least: a count is then about 1/BINS above the exact one."""

HEADROOM = 1.25
"""The last bin ends so much beyond."""

FARTHEST = 16.0
"""Beyond so many standard deviations there is no pre-activation that is worth a bin."""


NEAREST = 2.0**-40
"""Bins end no nearer to 0 than at so many standard deviations, also for a ball of radius 0."""


def paper_ball(start: Beginning) -> UpperBound:
    """The radius of Condition 2's ball; inf where Condition 1 is not certified."""
    return UpperBound(paper_radius(start.residual_norm, start.lambda_min))


def flip_pass(stream: NeuronStream, radius: float) -> FlipPass:
    """Bins for a finite radius R: near 0 an input has ``m (2/pi)^{1/2}/nu`` pre-activations a unit of length, of which R^2 pays for those up to d,

    ``m (2/pi)^{1/2} d^3/(3 nu) = R^2``, or for all inputs up to ``d/n^{1/3}``.
    """
    step, distance = bin_width(stream, radius)
    return FlipPass(step, bins_to(distance, step), bins_to(distance / len(stream.rows) ** (1 / 3), step))


def bin_width(stream: NeuronStream, radius: float) -> tuple[float, float]:
    """The width of a bin, and how far the flips of one input are paid for."""
    nu = stream.scale
    paid = (3 * math.sqrt(math.pi / 2) * nu * radius * radius / stream.width) ** (
        1 / 3
    )  # inf where the square overflows
    distance = min(max(paid, NEAREST * nu), FARTHEST * nu)
    return math.ldexp(1.0, math.frexp(distance / BINS)[1] - 1), distance


def bins_to(distance: float, step: float) -> int:
    """How many bins there are."""
    return math.ceil(HEADROOM * distance / step)


def most_flips(within: NDArray[np.int64], beyond: int, step: float, budget: Fraction) -> int:
    """How many flips a budget pays for at most: counts (bins,) at the squares of their lower edges, ``beyond`` more at the last upper edge."""
    squares = budget / Fraction(step) ** 2
    left, most = squares.numerator // squares.denominator, 0
    for edge, flips in enumerate([*within.tolist(), beyond]):
        paid = flips if edge == 0 else min(flips, left // edge**2)
        most += paid
        left -= paid * edge**2
        if paid < flips:
            break
    return most


def certified_ball(
    stream: NeuronStream, start: Beginning, radius: UpperBound, work: FlipPass, tally: Tally
) -> BallCertificate:
    """Condition 2(C) on the paper's ball. Raises StreamError (a chunk is missing)."""
    of = tally.of_all(stream.chunks).counts
    n, d = stream.rows.shape
    square = squared_budget(radius)
    on_one_input, flips = stream.width, n * stream.width
    if math.isfinite(square):
        # a flip of (i, r) costs (w_r . x_i)^2 over ||x_i||^2, which may be above 1 by the excess
        budget = Fraction(square) / Fraction(1 - squared_norm_excess(d) - 8 * UNIT_ROUNDOFF)
        single, joint = of["single"] * stream.copies, of["joint"] * stream.copies
        on_one_input = max(most_flips(row, stream.width - int(row.sum()), work.step, budget) for row in single)
        flips = most_flips(joint, n * stream.width - int(joint.sum()), work.step, budget)
    changes = ChangeBounds(
        frobenius_bound(flips, stream.width, d),
        spectral_bound(input_norm_squared(stream.rows), on_one_input, stream.width),
        UNBOUNDED,
    )
    return BallCertificate(
        UpperBound(stability_constant(changes.best, start.lambda_min)), radius, start.lambda_min, changes
    )
