"""Conditions K1 and K2 of a streamed network: sigma^2 from the first pass's counts, K2-fro and K2-spec from histograms of flips."""

from __future__ import annotations

from fractions import Fraction

from theory.direction import UNBOUNDED, UpperBound
from theory.network.gram import rectifier_pattern_gram
from theory.rigour.definiteness import smallest_eigenvalue_bounds
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.stability.ball import BallCertificate, ChangeBounds, pattern_bound
from theory.stability.conditions import ConditionScale, pattern_scale
from theory.stability.flips import squared_budget
from theory.stability.norms import squared_norm_excess, stability_constant
from theory.streaming.ball import bin_width, bins_to, most_flips
from theory.streaming.pattern_pass import PatternPass
from theory.streaming.stream import NeuronStream
from theory.streaming.tally import Tally


def streamed_scale(stream: NeuronStream, first: Tally) -> ConditionScale:
    """Condition K1 and what K2's radius divides by, from the first pass. Raises StreamError (a chunk is missing)."""
    counts = stream.copies * first.of_all(stream.chunks).counts["counts"].astype(float)
    return pattern_scale(smallest_eigenvalue_bounds(*rectifier_pattern_gram(counts, stream.width)), stream.rows)


def pattern_pass(stream: NeuronStream, radius: float) -> PatternPass:
    """Bins for a finite radius R: up to where it pays for the flips of one input, as ``flip_pass`` has them."""
    step, distance = bin_width(stream, radius)
    return PatternPass(step, bins_to(distance, step))


def no_pattern_ball(scale: ConditionScale, radius: UpperBound) -> BallCertificate:
    """Where K1, or the rank of X, is not certified."""
    changes = ChangeBounds(UNBOUNDED, UNBOUNDED, UNBOUNDED, "K2")
    return BallCertificate(UNBOUNDED, radius, scale.lambda_min[0], changes)


def certified_pattern_ball(
    stream: NeuronStream, scale: ConditionScale, radius: UpperBound, work: PatternPass, tally: Tally
) -> BallCertificate:
    """Condition K2(C) on the ball of a finite radius. Raises StreamError (a chunk is missing)."""
    of = tally.of_all(stream.chunks).counts
    n, d = stream.rows.shape
    # a flip of (i, r) costs (w_r . x_i)^2 over ||x_i||^2, which may be above 1 by the excess
    budget = Fraction(squared_budget(radius)) / Fraction(1 - squared_norm_excess(d) - 8 * UNIT_ROUNDOFF)
    most = n * stream.width
    number, weight = of["number"] * stream.copies, of["weight"] * stream.copies
    flips = most_flips(number, most - int(number.sum()), work.step, budget)
    heaviest = max(most_flips(row, most - int(row.sum()), work.step, budget) for row in weight)
    changes = ChangeBounds(pattern_bound(flips, stream.width), pattern_bound(heaviest, stream.width), UNBOUNDED, "K2")
    sigma_squared = scale.lambda_min[0]
    constant = UpperBound(stability_constant(changes.best, sigma_squared))
    return BallCertificate(constant, radius, sigma_squared, changes)
