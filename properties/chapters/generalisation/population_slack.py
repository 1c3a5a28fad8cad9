"""Which of T5's constants could be smaller: computed from populations on which it fails with smaller ones."""

from __future__ import annotations

from properties.engine.slack import SlackRow
from theory.theorems import generalisation


def complexity_slack(n: int, size: float, delta: float, epsilon: float) -> float:
    """The constant in place of 2 below which T5 fails for random signs ``+-size`` on orthogonal inputs, nu and width at their limits.

    ``G_inf = I/2`` there, so the form is ``2 size^2 n``; a fresh input is orthogonal to all others, its output 0, its loss ``size``.
    """
    form = n * size**2 / generalisation.limiting_trace(n) * n
    room = size - epsilon - generalisation.confidence_term(n, delta)
    return float(2 * (room / generalisation.complexity_term(form, n)) ** 2)


def confidence_slack(n: int, delta: float, epsilon: float) -> float:
    """The constant in place of 3 below which T5 fails for targets that are 0 on the whole sample with probability delta, else 1."""
    rare = 1 - delta ** (1 / n)
    return float(3 * (rare - epsilon) / generalisation.confidence_term(n, delta))


SLACK = (
    SlackRow(
        claim="T5",
        quantity="constant under the root of sqrt(2 y^T G_inf^{-1} y/n), at n = 10,000, delta = 0.1, eps = 0.05",
        paper=2.0,
        refuted=complexity_slack(10_000, 0.9, 0.1, 0.05),
        witness="random signs on orthogonal inputs, computed",
        remark="T5-width has 2 in the limit of large widths",
    ),
    SlackRow(
        claim="T5",
        quantity="constant in front of sqrt(ln(6/delta)/(2n)), at n = 2, delta = 0.1, eps = 0.05",
        paper=3.0,
        refuted=confidence_slack(2, 0.1, 0.05),
        witness="rare targets, computed",
        remark="T5-width has 1/N + sqrt(ln(2N/delta)/(2n)) in the place of this term",
    ),
    SlackRow(
        claim="T5",
        quantity="0 < eta <= 1",
        remark="T1's rate needs it; the linearised model converges up to eta = 2 (T5-dist)",
        drops="0 < eta <= 1",
    ),
)
