"""K-hoeffding: exactly, as m H_ij(0) is a binomial; and by sampling networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from properties.chapters.width.binomials import binomial_outside
from properties.descent.random_networks import Description, RandomNetwork
from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    Verdict,
    at_most_enclosed,
    require,
    require_enclosed,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from properties.engine.statistics import Trials, has_power
from theory.inputs import FloatArray
from theory.kernels.limiting import ball_limiting_pattern_gram, limiting_pattern_gram, pattern_entry_error
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma
from theory.theorems.kernels import pattern_deviation_failure

BITS = 128

SHARPER = 1.1
"""The mutant of the exponent has 2 times this."""


@stored_as("pair")
@dataclass(frozen=True)
class Pair:
    """The entry of H(0) of two rows (or of one row with itself), and how far it is from its mean.

    t is the deviation at which ``m H_ij`` reaches the integer ``ceil(m S_ij) + excess`` (m the independent neurons).
    """

    inputs: FloatArray
    """The two unit rows, shape (2, 2); the same row twice for a diagonal entry."""
    neurons: int
    excess: int
    symmetric: bool

    @property
    def width(self) -> int:
        """The width m."""
        return self.neurons * (2 if self.symmetric else 1)

    @cached_property
    def mean(self) -> arb:
        """``S_inf,ij``."""
        return ball_limiting_pattern_gram(self.inputs, BITS)[0, 1]

    @property
    def count(self) -> int:
        """The integer that ``m H_ij`` reaches."""
        least = int((self.neurons * self.mean).upper().ceil().unique_fmpz())
        return min(self.neurons, least + self.excess)

    def deviation(self) -> arb:
        """t."""
        return arb(self.count) / self.neurons - self.mean

    def probability(self) -> arb:
        """``P(|H_ij(0) - S_inf,ij| >= t)``."""
        return binomial_outside(self.neurons, self.mean, self.count, 2 * self.neurons * self.mean - self.count)

    def network(self) -> RandomNetwork:
        """The network to be sampled."""
        return RandomNetwork(self.inputs, self.width, symmetric=self.symmetric)


@stored_as("sampled-pair")
@dataclass(frozen=True)
class SampledPair(Pair):
    """The same, to be sampled."""


ENTRY_ERROR = pattern_entry_error(2) + gamma(4)
"""Rounding of a computed entry's distance from its computed mean."""


def _computed(instance: SampledPair) -> tuple[float, float]:
    """``S_inf,ij`` and t in float64."""
    mean = float(limiting_pattern_gram(instance.inputs)[0, 1])
    return mean, float(instance.count / instance.neurons - mean)


@dataclass(frozen=True)
class Hoeffding(Stated):
    """The bound of the probability that an entry of H(0) is off by t."""

    says: Callable[[Any], Any] = lambda stated: stated
    """The bound, of the stated one."""
    deviation: Callable[[Any], Any] = lambda t: t
    """In the place of t."""
    pairs: bool = True
    """Whether symmetric initialisation counts pairs."""
    copies: int = 1
    """As how many neurons each is counted."""

    def _failure(self, t: Any, instance: Pair) -> Any:
        symmetric = self.pairs and instance.symmetric
        return self.says(pattern_deviation_failure(self.deviation(t), self.copies * instance.width, symmetric))

    def conclusion(self, instance: Pair) -> Sequence[Bound]:
        """The exact probability at most the bound; nothing for a pair to be sampled."""
        if isinstance(instance, SampledPair):
            return ()
        with working_precision(BITS):
            predicted = self._failure(instance.deviation(), instance)
            return [at_most_enclosed("P(|H_ij(0) - S_ij| >= t), exact binomial", instance.probability(), predicted)]

    def _predicted(self, instance: SampledPair) -> tuple[float, float]:
        """The bound at the computed t, and what counting from t less the rounding on adds to it."""
        deviation = _computed(instance)[1]
        predicted = float(self._failure(deviation, instance))
        widened = float(self._failure(deviation - 2 * ENTRY_ERROR, instance))
        return predicted, abs(widened - predicted) + instance.network().sign_error

    def sampled(self, instance: Pair, trials: Trials) -> Sequence[Bound]:
        """The frequency of ``|H_ij(0) - S_ij| >= t``; counted from t less the rounding on, which raises the bound by ``rounding``."""
        if not isinstance(instance, SampledPair):
            return ()
        network, (mean, deviation) = instance.network(), _computed(instance)
        failures = 0
        for Z in network.pre_activations(trials.rng):
            entry = np.count_nonzero((Z >= 0).all(axis=1), axis=1) / instance.neurons
            failures += int(np.count_nonzero(np.abs(entry - mean) >= deviation - ENTRY_ERROR))
        return [trials.at_most("|H_ij(0) - S_ij| >= t", failures, network.trials, *self._predicted(instance))]

    def hypotheses(self, instance: Pair) -> Sequence[Hypothesis]:
        """``t > 0``, exactly at the mean nothing is claimed; a bound below 1, for a network one that its trials can refute."""
        with working_precision(BITS):
            deviation = instance.deviation()
            positive = technical(require("t > 0", float(deviation.lower()) - 2.0**-60))
            if positive.verdict is not Verdict.HOLDS:
                return (positive,)
            bound = arb(self._failure(deviation, instance))
            found = [positive, technical(require_enclosed("the bound is below 1", 1 - bound))]
        if isinstance(instance, SampledPair) and bound < 1:
            found.append(has_power(instance.network().trials, sum(self._predicted(instance))))
        return found

    def features(self, instance: Pair) -> Sequence[str]:
        """Diagonal entries, and symmetric initialisation."""
        found = ["symmetric"] if instance.symmetric else []
        return [*found, "diagonal"] if (instance.inputs[0] == instance.inputs[1]).all() else found


def _build(kind: type[Pair], description: Description) -> Pair:
    d = description
    angle = np.deg2rad(d["degrees"])
    rows = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    return kind(rows, d["neurons"], d["excess"], d["symmetric"])


def _pairs(
    id: str, title: str, kind: type[Pair], angles: range, neurons: range, counts: tuple[int, int, int]
) -> Family[Pair]:
    return described_family(
        id,
        title,
        partial(_build, kind),
        counts,
        degrees=st.sampled_from(angles),
        neurons=st.integers(neurons[0], neurons[-1]),
        excess=st.integers(0, 1 + neurons[-1] // 8),
        symmetric=st.booleans(),
    )


SMALL = _pairs("few neurons", "1 to 40 neurons, every deviation", Pair, range(0, 180, 5), range(1, 41), (60, 320, 1500))
LARGE = _pairs("many neurons", "up to 20000 neurons", Pair, range(0, 180, 15), range(41, 20000), (20, 80, 400))
SAMPLED = _pairs("networks", "sampled networks", SampledPair, range(0, 180, 15), range(1, 200), (6, 24, 200))
DIAGONAL = _pairs(
    "diagonal", "S_ii = 1/2, where the exponent is sharp", Pair, range(1), range(8000, 20000), (60, 60, 60)
)


def _power(share: float) -> Callable[[Any], Any]:
    return lambda stated: 2 * (stated / 2) ** share


K_HOEFFDING = Hoeffding().claim(
    "K-hoeffding",
    "P(|H_ij(0) - S_inf,ij| >= t) <= 2 exp(-2 m t^2); under symmetric initialisation 2 exp(-m t^2)",
    Provenance.LITERATURE,
    mutant("exponent-4", "2 exp(-4 m t^2)", families=(SMALL,), says=_power(2)),
    mutant("exponent-2.2", "2 exp(-2.2 m t^2): the 2 is sharp", families=(DIAGONAL,), says=_power(SHARPER)),
    mutant("one-sided", "exp(-2 m t^2) without the factor 2", families=(SMALL,), says=lambda stated: stated / 2),
    mutant(
        "symmetric-m",
        "m, not m/2, under symmetric initialisation",
        "symmetric initialisation counts pairs",
        (SMALL,),
        pairs=False,
    ),
    mutant(
        "copies",
        "ten copies of each neuron counted as independent",
        "independent neurons",
        (SMALL,),
        copies=10,
    ),
    mutant("linear", "2 exp(-2 m t)", families=(SMALL,), deviation=lambda t: t ** (1 / 2)),
    mutant("sampled-4", "2 exp(-4 m t^2), sampled", families=(SAMPLED,), says=_power(2)),
    source="Hoeffding (1963); docs/theory.md, K-hoeffding",
    families=(SMALL, LARGE, SAMPLED),
    formulas=Formulas(
        conclusion=(
            r"$\mathbb{P}\left(\abs{H_{ij}(0)-(S_\infty)_{ij}}\ge t\right)\le 2e^{-2mt^2}$",
            "Under symmetric initialisation $2e^{-mt^2}$.",
        )
    ),
    also=(
        "independent neurons",
        "symmetric initialisation counts pairs",
    ),
)

_EXPONENT = -math.log(pattern_deviation_failure(1.0, 1) / 2)

SLACK = (
    SlackRow(
        claim="K-hoeffding",
        quantity="exponent of 2 exp(-e m t^2)",
        proved=_EXPONENT,
        refuted=SHARPER * _EXPONENT,
        witness="K-hoeffding/exponent-2.2",
        remark="any e > 2 is refuted for S_ij = 1/2, small t and large m t^2",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (K_HOEFFDING,)
