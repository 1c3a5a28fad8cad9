"""What K-chernoff and K-relative have in common: ``G(0)`` against its limit, exactly for orthogonal rows, and by sampling networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from properties.descent.random_networks import RandomNetwork
from properties.engine.claim import Bound, Hypothesis, certified, require, require_enclosed, technical
from properties.engine.rule import Stated
from properties.engine.statistics import Trials, has_power
from theory.inputs import FloatArray
from theory.kernels.limiting import limiting_gram_eigenvalue_bounds
from theory.rigour.precision import working_precision

Failure = Callable[..., Any]


def active_shares(network: RandomNetwork, rng: np.random.Generator) -> Iterator[FloatArray]:
    """H(0) of all trials, in chunks of shape (t, n, n)."""
    for Z in network.pre_activations(rng):
        active = (Z >= 0).astype(np.float32)
        yield (active @ active.transpose(0, 2, 1)).astype(np.float64) / network.independent


@dataclass(frozen=True)
class Concentration(Stated, ABC):
    """A bound of the probability that G(0) is small, and what it takes of the rows and of the initialisation."""

    failure: Failure
    """``(lambda0, ||X||_2^2, n, m, symmetric)`` -> the bound."""
    bits: int
    """Precision of the balls."""
    lambda0: Callable[[Any], Any] = lambda value: value
    rows: Callable[[int], int] = lambda n: n
    """The factor n."""
    pairs: bool = True
    """Whether symmetric initialisation counts pairs."""

    def bound(self, lambda0: Any, squared_norm: Any, n: int, instance: Any, **others: Any) -> Any:
        """The bound at these numbers, and at the instance's width."""
        symmetric = self.pairs and instance.symmetric
        return self.failure(
            self.lambda0(lambda0), squared_norm, self.rows(n), instance.width, symmetric=symmetric, **others
        )

    @abstractmethod
    def predicted(self, instance: Any) -> arb:
        """The bound for orthogonal rows, in balls."""

    @abstractmethod
    def exactly(self, instance: Any) -> Sequence[Bound]:
        """What is concluded for orthogonal rows, in rationals and balls."""

    @abstractmethod
    def decides(self, network: RandomNetwork) -> tuple[float, float]:
        """The bound that a network's trials have to refute, and its rounding, where lambda0 is certified."""

    @abstractmethod
    def counted(self, network: RandomNetwork, trials: Trials) -> Sequence[Bound]:
        """What the trials of a network say."""

    def hypotheses(self, instance: Any) -> Sequence[Hypothesis]:
        """A bound below 1; for a network to be sampled a certified lambda0, and a bound that its trials can refute."""
        below = "the bound is below 1"
        if not isinstance(instance, RandomNetwork):
            with working_precision(self.bits):
                return [technical(require_enclosed(below, 1 - self.predicted(instance)))]
        known = technical(certified("lambda0 > 0", limiting_gram_eigenvalue_bounds(instance.inputs)[0]))
        if not known.margin > 0:
            return [known]
        predicted, rounding = self.decides(instance)
        return [known, technical(require(below, 1 - predicted)), has_power(instance.trials, predicted + rounding)]

    def conclusion(self, instance: Any) -> Sequence[Bound]:
        """The exact probability at most the bound; nothing for a network to be sampled."""
        if isinstance(instance, RandomNetwork):
            return ()
        with working_precision(self.bits):
            return self.exactly(instance)

    def sampled(self, instance: Any, trials: Trials) -> Sequence[Bound]:
        """How often it happens in networks."""
        return self.counted(instance, trials) if isinstance(instance, RandomNetwork) else ()
