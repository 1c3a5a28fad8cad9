"""T5-uniform: what T5-width takes from the literature on all functions of a class at once, against exact probabilities on finite populations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb, fmpq
from hypothesis import strategies as st

from properties.engine.claim import (
    Bound,
    Claim,
    Family,
    Hypothesis,
    Provenance,
    at_most_enclosed,
    require_enclosed,
    technical,
)
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from properties.engine.stable_names import stored_as
from theory.rigour.precision import working_precision
from theory.theorems.finite_width import uniform_complexity, uniform_confidence

Description = Mapping[str, Any]

BITS = 192


@stored_as("finite-population")
@dataclass(frozen=True)
class FinitePopulation:
    """Points with features and targets, of equal probability; all lines of the class through one vector, or one coordinate a point.

    One feature each (``features``, with f_0 = 0): theta is a number. Else (``features`` empty) the features are orthonormal, point j has
    coordinate j alone, and the target 0. The loss is ``min(1, |u - y|)``.
    """

    features: tuple[fmpq, ...]
    targets: tuple[fmpq, ...]
    sample: int
    """n."""
    cells: int
    share: fmpq
    loss_scale: int = 1
    """The loss is that of outputs this many times as large: 1-Lipschitz at 1."""

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self.targets)

    @cached_property
    def trace(self) -> fmpq:
        """``E ||phi(x)||^2``."""
        squares = [phi * phi for phi in self.features] or [fmpq(1)] * self.points
        return sum(squares, fmpq(0)) / self.points

    def losses(self, theta: Sequence[fmpq]) -> list[fmpq]:
        """The loss at each point; theta has one entry, or one for each point."""
        features = self.features or (fmpq(1),) * self.points
        shared = list(theta) * self.points if len(theta) == 1 else list(theta)
        outputs = [phi * t for phi, t in zip(features, shared, strict=True)]
        return [min(fmpq(1), self.loss_scale * abs(u - y)) for u, y in zip(outputs, self.targets, strict=True)]

    @cached_property
    def samples(self) -> list[tuple[tuple[int, ...], fmpq]]:
        """How often each point is drawn, with the exact probability; where features are orthonormal, one for each number of points seen."""
        whole = fmpq(self.points**self.sample)
        if not self.features:
            return [
                ((self.sample - k + 1, *(1,) * (k - 1), *(0,) * (self.points - k)), fmpq(ways) / whole)
                for k, ways in enumerate(_occupancies(self.sample, self.points), 1)
            ]
        return [(counts, fmpq(_multinomial(counts)) / whole) for counts in _compositions(self.sample, self.points)]

    def candidates(self, counts: tuple[int, ...]) -> Iterator[tuple[Sequence[fmpq], fmpq]]:
        """theta, with ``||theta||^2``, where the loss on the population exceeds that on such a sample by the most.

        One feature: the deviation is piecewise linear in theta, 0 where all losses are 1, and the bound is linear in ``|theta|``, so that their
        breakpoints have the largest excess of all. Orthonormal: the unseen points share the radius.
        """
        if not self.features:
            unseen = counts.count(0)
            for size in (fmpq(k, 8 * self.loss_scale) for k in range(1, 9)):
                yield [size if count == 0 else fmpq(0) for count in counts], unseen * size * size
            return
        yield [fmpq(0)], fmpq(0)
        scale = fmpq(1, self.loss_scale)
        for phi, y in zip(self.features, self.targets, strict=True):
            if phi != 0:
                for end in (y, y + scale, y - scale):
                    yield [end / phi], (end / phi) ** 2


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def _occupancies(draws: int, points: int) -> list[int]:
    """In how many ways so many draws see 1, 2, ... different points, no more of them than there are points or draws."""
    seen = [0, points] + [0] * (draws - 1)
    for _ in range(draws - 1):
        seen = [0] + [k * seen[k] + (points - k + 1) * seen[k - 1] for k in range(1, draws + 1)]
    return seen[1 : min(draws, points) + 1]


def _multinomial(counts: Sequence[int]) -> int:
    found, left = 1, sum(counts)
    for count in counts:
        found *= math.comb(left, count)
        left -= count
    return found


@dataclass(frozen=True)
class Uniform(Stated):
    """The most by which the population loss may exceed the empirical one, in two terms."""

    complexity: Callable[[FinitePopulation, arb], arb] = lambda population, norm: arb(
        uniform_complexity(norm, arb(population.trace), population.sample)
    )
    """``(population, ||theta||)`` -> the first term."""
    confidence: Callable[[FinitePopulation], arb] = lambda population: arb(
        uniform_confidence(population.sample, arb(population.share), population.cells)
    )

    def excess(self, population: FinitePopulation, norm: arb) -> arb:
        """The two terms together."""
        return self.complexity(population, norm) + self.confidence(population)

    def failure(self, population: FinitePopulation) -> fmpq:
        """The exact probability of the samples on which one of the candidates exceeds the bound."""
        found = fmpq(0)
        for counts, chance in population.samples:
            if any(self._exceeds(population, counts, *candidate) for candidate in population.candidates(counts)):
                found += chance
        return found

    def _exceeds(
        self, population: FinitePopulation, counts: Sequence[int], theta: Sequence[fmpq], square: fmpq
    ) -> bool:
        losses = population.losses(theta)
        mean = sum(losses, fmpq(0)) / population.points
        empirical = sum((count * loss for count, loss in zip(counts, losses, strict=True)), fmpq(0)) / population.sample
        return bool(arb(mean - empirical) > self.excess(population, arb(square).sqrt()))

    def hypotheses(self, population: FinitePopulation) -> Sequence[Hypothesis]:
        """The bound is below 1 at theta = 0."""
        with working_precision(BITS):
            margin = 1 - self.excess(population, arb(0))
            return [technical(require_enclosed("the bound is below 1 at theta = 0", margin))]

    def conclusion(self, population: FinitePopulation) -> Sequence[Bound]:
        """The exact probability of a failure."""
        label = "P(population loss - empirical loss > bound for some theta)"
        with working_precision(BITS):
            return [at_most_enclosed(label, arb(self.failure(population)), arb(population.share))]


def build_line(description: Description) -> FinitePopulation:
    """Two or three points with one feature each."""
    d = description
    features = tuple(fmpq(value, 4) for value in d["features"])
    targets = tuple(fmpq(value, 4) for value in d["targets"])
    return FinitePopulation(features, targets, d["sample"], d["cells"], fmpq(d["share_percent"], 100))


def _line() -> Family[FinitePopulation]:
    values = st.integers(-8, 8)
    return described_family(
        "three points",
        "three points with one feature each, every sample",
        build_line,
        (25, 150, 800),
        features=st.tuples(values, values, values),
        targets=st.tuples(values, values, values),
        sample=st.integers(2, 12),
        cells=st.integers(1, 8),
        share_percent=st.sampled_from([10, 50, 90]),
    )


def build_orthonormal(description: Description) -> FinitePopulation:
    """Points with a coordinate each."""
    d = description
    share = fmpq(d["share_percent"], 100)
    return FinitePopulation((), (fmpq(0),) * d["points"], d["sample"], d["cells"], share, d["loss_scale"])


def _orthonormal(points: tuple[int, int], sample: tuple[int, int], loss_scale: int = 1) -> Family[FinitePopulation]:
    return described_family(
        "orthonormal",
        "points whose features are orthonormal, every sample",
        build_orthonormal,
        (12, 40, 100),
        points=st.integers(*points),
        sample=st.integers(*sample),
        cells=st.integers(1, 6),
        share_percent=st.sampled_from([10, 50, 90]),
        loss_scale=st.just(loss_scale),
    )


def _none(*_: Any) -> arb:
    return arb(0)


T5_UNIFORM = Uniform().claim(
    "T5-uniform",
    "features phi(x) with E ||phi(x)||^2 <= T, a loss in [0, 1], 1-Lipschitz in the output: with probability at least 1 - share, for all theta, "
    "the population loss is at most the empirical loss plus 2 ||theta|| (T/n)^{1/2} + 1/N + (ln(N/share)/(2n))^{1/2}",
    Provenance.LITERATURE,
    mutant(
        "complexity-dropped",
        "without 2 ||theta|| (T/n)^{1/2}",
        families=(_orthonormal((40, 60), (6, 12)),),
        complexity=_none,
    ),
    mutant("confidence-dropped", "without 1/N + (ln(N/share)/(2n))^{1/2}", families=(_line(),), confidence=_none),
    mutant(
        "not-lipschitz",
        "a loss of slope 64",
        "1-Lipschitz in the output",
        (_orthonormal((40, 60), (6, 12), loss_scale=64),),
    ),
    source="symmetrisation, contraction (Ledoux, Talagrand 1991), McDiarmid (1989); docs/generalisation.md, T5-uniform",
    families=(_line(), _orthonormal((2, 60), (3, 20))),
    formulas=Formulas(
        hypotheses=(
            r"features $\phi(x)$, the mean of $\norm{\phi(x)}^2$ at most $T$",
            "a loss in $[0,1]$, 1-Lipschitz in the output",
        ),
        conclusion=(
            r"With probability at least $1-\tau$ for all $\theta$ the population loss is at most the empirical loss $+\,2\norm{\theta}\left(\dfrac{T}{n}\right)^{1/2}$ $+\,\dfrac{1}{N}$ $+\left(\dfrac{\ln(N/\tau)}{2n}\right)^{1/2}$.",
        ),
    ),
    also=("1-Lipschitz in the output",),
)

CLAIMS: tuple[Claim[Any], ...] = (T5_UNIFORM,)
