"""Verdicts for "with probability at least 1 - delta": k failures in N trials against an exact binomial bound.

The draws of Hypothesis are neither independent nor blind to what was seen before, so every evaluation of a sampled claim
draws from a stream of its own, fixed by the claim's seed, the family and the description. N is fixed before the first
draw. "P(failure) <= p" is refuted when ``P(Binomial(N, p) >= k) < SIGNIFICANCE``, which says that the lower
Clopper-Pearson limit of the failures' probability is above p; nothing else is a refutation.

The budget. A whole run refutes a true statement by bad luck with probability at most ``RUN_BUDGET``: at most ``CHECKS``
sampled claims and mutants, at most ``EVALUATIONS`` descriptions each (shrinking included; a description drawn again is
not evaluated again), at most ``BOUNDS`` bounds a description, each at the level ``SIGNIFICANCE``. Which description is
evaluated next may depend on what was seen so far, its stream does not, so the levels add up whatever the search does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb
from scipy import stats

from properties.claim import Bound, Evidence, Verdict
from theory.rigour.precision import working_precision

RUN_BUDGET = 1e-6
"""Probability that a run in which every sampled statement is true refutes one of them: at most this."""

CHECKS = 128
"""Sampled claims and sampled mutants of a registry together: at most this many (properties/selection.py)."""

EVALUATIONS = 4096
"""Descriptions on which one search evaluates a sampled claim: at most this many (properties/search.py)."""

BOUNDS = 4
"""Sampled bounds of one evaluation: at most this many."""

SIGNIFICANCE = RUN_BUDGET / (CHECKS * EVALUATIONS * BOUNDS)
"""The level of every single binomial test: 4.8e-13."""

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


def confidence_limits(failures: int, trials: int, significance: float = SIGNIFICANCE) -> tuple[float, float]:
    """Clopper-Pearson limits of a probability, each wrong with probability at most ``significance``, to be shown."""
    lower = stats.beta.ppf(significance, failures, trials - failures + 1) if failures else 0.0
    upper = stats.beta.isf(significance, failures + 1, trials - failures) if failures < trials else 1.0
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
    _bounds: int = 0

    @cached_property
    def rng(self) -> np.random.Generator:
        """The generator of this evaluation; successive draws go on where the last ones ended."""
        text = f"{self.family}\n{description_key(self.description)}"
        digest = hashlib.sha256(text.encode()).digest()
        return np.random.default_rng(np.random.SeedSequence([self.seed, int.from_bytes(digest, "big")]))

    def at_most(self, event: str, failures: int, trials: int, predicted: float, rounding: float = 0.0) -> Bound:
        """``P(event) <= predicted``, of which ``rounding`` bounds the error, given k ``failures`` in N ``trials``.

        N must not depend on what was drawn. Raises BudgetError, ValueError (not 0 <= k <= N).
        """
        if not 0 <= failures <= trials:
            raise ValueError(f"{failures} failures in {trials} trials")
        self._bounds += 1
        if self._bounds > BOUNDS:
            raise BudgetError(f"more than {BOUNDS} sampled bounds in one evaluation: the error budget has no more")
        with working_precision(TAIL_BITS):
            refuted = tail(trials, failures, predicted + rounding) < SIGNIFICANCE
        lower, upper = confidence_limits(failures, trials)
        self.features |= {
            f"N = {trials} at level {SIGNIFICANCE:.2g} of {RUN_BUDGET:g} a run",
            "k > 0" if failures else "k = 0",
        }
        if upper <= predicted:
            self.features.add("upper limit <= bound")
        return Bound(
            f"lower confidence limit of P({event}), k = {failures} of N = {trials}, upper limit {upper:.4g}",
            lower,
            float(predicted),
            float(rounding),
            Verdict.REFUTED if refuted else Verdict.HOLDS,
            Evidence.ESTIMATED,
        )
