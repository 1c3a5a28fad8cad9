"""Verdicts for "with probability at least 1 - delta": k failures in N trials against an exact binomial bound.

The draws of Hypothesis are neither independent nor blind to what was seen before, so every evaluation of a sampled claim
draws from a stream of its own, fixed by the claim's seed, the family and the description. N is fixed before the first
draw. "P(failure) <= p" is refuted when ``P(Binomial(N, p) >= k) < SIGNIFICANCE``, which says that the lower
Clopper-Pearson limit of the failures' probability is above p; nothing else is a refutation.

A check that cannot fail says nothing. "Not refuted" is "holds" only where p is a number below 1, N failures in N trials would
refute it, and a failure rate halfway from p to 1 would be refuted with probability at least ``POWER``; otherwise it is undecided.
Trials whose outcome is not known count as whatever decides against an answer: refuted whatever they were, or holds whatever they were.
So those need not be done that could only add failures to a refutation.

The budget. A whole run refutes a true statement by bad luck with probability at most ``RUN_BUDGET``: at most ``CHECKS``
sampled claims and mutants (and ``NETWORK_CHECKS``), at most ``EVALUATIONS`` descriptions each (shrinking included; a description drawn again is
not evaluated again), at most ``BOUNDS`` bounds a description, each at the level ``SIGNIFICANCE``. Which description is
evaluated next may depend on what was seen so far, its stream does not, so the levels add up whatever the search does.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from flint import arb

from properties.engine.claim import Bound, Evidence, Hypothesis, Verdict, require, technical
from theory.direction import raised
from theory.rigour.precision import working_precision

RUN_BUDGET = 1e-6
"""Probability that a run in which every sampled statement is true refutes one of them: at most this."""

CHECKS = 127
"""Sampled claims and sampled mutants of a registry together: at most this many (properties/engine/selection.py)."""

NETWORK_CHECKS = 1
"""K-pd's networks, one for each description, each at the level ``SIGNIFICANCE`` (properties/chapters/kernels/kernel_instances.py)."""

EVALUATIONS = 4096
"""Descriptions on which one search evaluates a sampled claim: at most this many (properties/engine/search.py)."""

BOUNDS = 4
"""Sampled bounds of one evaluation: at most this many."""

SIGNIFICANCE = RUN_BUDGET / ((CHECKS + NETWORK_CHECKS) * EVALUATIONS * BOUNDS)
"""The level of every single binomial test: 4.8e-13."""

POWER = 0.9
"""N trials must refute a failure rate halfway from the bound to 1 with this probability at least."""

TAIL_BITS = 128
"""Precision at which binomial tails are enclosed."""


class BudgetError(RuntimeError):
    """More sampled bounds than the error budget was split for."""


def description_key(description: Mapping[str, Any]) -> str:
    """One text for a description, whatever the order of its keys."""
    return repr(sorted(description.items()))


def tail(trials: int, failures: int, probability: float) -> arb:
    """``P(Binomial(trials, probability) >= failures)`` as a ball at the working precision."""
    if failures <= 0 or probability >= 1:
        return arb(1)
    if probability <= 0:
        return arb(0)
    return arb(probability).beta_lower(arb(failures), arb(trials - failures + 1), regularized=True)


def power(trials: int, predicted: float) -> float:
    """The probability that N trials refute ``P(event) <= predicted`` when the event has a probability halfway from there to 1.

    0 when no count refutes it, and when ``predicted`` is no number in [0, 1). In float64: it plans trials, it refutes nothing.
    """
    if not 0 <= predicted < 1:
        return 0.0
    refuting = least_refuting(trials, predicted)
    return _tail_in_floats(trials, refuting, (1 + predicted) / 2) if refuting <= trials else 0.0


def least_refuting(trials: int, predicted: float) -> int:
    """The smallest count whose tail at ``predicted`` is below the level; ``trials + 1`` when there is none.

    Once so many have failed, the other trials change nothing, and may be spared. In float64: ``Trials.at_most`` decides.
    """
    counts = range(1, trials + 1)
    return 1 + bisect_left(counts, True, key=lambda count: _tail_in_floats(trials, count, predicted) < SIGNIFICANCE)


def _tail_in_floats(trials: int, failures: int, probability: float) -> float:
    """``tail`` for 1 <= failures <= trials, in float64."""
    return float(scipy.special.betainc(failures, trials - failures + 1, probability))


def has_power(trials: int, predicted: float) -> Hypothesis:
    """What a sampled instance needs so that its count says something: ``power`` of at least ``POWER``."""
    return technical(require(f"N = {trials} trials can refute it", power(trials, predicted) - POWER))


def confidence_limits(failures: int, trials: int, significance: float = SIGNIFICANCE) -> tuple[float, float]:
    """Clopper-Pearson limits of a probability, each wrong with probability at most ``significance``, to be shown."""
    lower = scipy.special.betaincinv(failures, trials - failures + 1, significance) if failures else 0.0
    upper = scipy.special.betainccinv(failures + 1, trials - failures, significance) if failures < trials else 1.0
    return float(lower), float(upper)


@dataclass
class Trials:
    """What a sampled claim is given for one evaluation: a stream of random numbers and the test of its counts."""

    seed: int
    """Seed of the claim's search; it follows from the root seed of the run and the claim's id."""
    family: str
    description: Mapping[str, Any]
    features: set[str] = field(default_factory=set)
    """What the counts show, for the table: the number of trials, and whether failures occurred."""
    counts: list[tuple[str, float, int, int, int]] = field(default_factory=list)
    """Of each bound: the event, what bounds its probability, failures, trials of unknown outcome, trials."""

    @cached_property
    def rng(self) -> np.random.Generator:
        """The generator of this evaluation; successive draws go on where the last ones ended."""
        text = f"{self.family}\n{description_key(self.description)}"
        digest = hashlib.sha256(text.encode()).digest()
        sequence = np.random.SeedSequence([self.seed, int.from_bytes(digest, "big")])
        return np.random.Generator(np.random.SFC64(sequence))  # NumPy's fastest for normal numbers

    def at_most(
        self,
        event: str,
        failures: int,
        trials: int,
        predicted: float,
        rounding: float = 0.0,
        unknown: int = 0,
        spared: int = 0,
    ) -> Bound:
        """``P(event) <= predicted``, of which ``rounding`` bounds the error, given k ``failures`` in N ``trials``.

        Of ``unknown`` other trials the outcome is not known, ``spared`` ones were not done: they count alike. N must not depend on what was
        drawn. Undecided when a false bound might go unseen (see above). Raises BudgetError, ValueError (not 0 <= k <= N, nor with those).
        """
        most = failures + unknown + spared
        if not 0 <= failures <= most <= trials:
            raise ValueError(f"{failures} failures, {unknown} unknown and {spared} not done in {trials} trials")
        above = predicted + rounding
        self.counts.append((event, above, failures, unknown + spared, trials))
        if len(self.counts) > BOUNDS:
            raise BudgetError(f"more than {BOUNDS} sampled bounds in one evaluation: the error budget has no more")
        with working_precision(TAIL_BITS):
            refuted, refutable, settled = (
                bool(tail(trials, count, above) < SIGNIFICANCE) for count in (failures, trials, most)
            )
        if refuted:
            verdict = Verdict.REFUTED
        elif refutable and not settled and power(trials, above) >= POWER:
            verdict = Verdict.HOLDS
        else:
            verdict = Verdict.UNDECIDED
        (lower, _), (_, upper) = confidence_limits(failures, trials), confidence_limits(most, trials)
        self.features |= {
            f"N = {trials} at level {raised(SIGNIFICANCE, 2)} of {RUN_BUDGET:g} a run",
            "k > 0" if failures else "k = 0",
        }
        if upper <= predicted:
            self.features.add("upper limit <= bound")
        counts = f"k = {failures} of N = {trials}" + (f", {unknown} unknown" if unknown else "")
        counts += f", {spared} not done" if spared else ""
        return Bound(
            f"lower confidence limit of P({event}), {counts}, upper limit {raised(upper, 4)}",
            lower,
            float(predicted),
            float(rounding),
            verdict,
            Evidence.ESTIMATED,
        )
