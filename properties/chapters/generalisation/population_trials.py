"""What T5 and T5-width have in common: trials of a bound of the population loss after training.

A trial draws a sample of n inputs with targets and a network, trains it, and measures the loss on fresh inputs. It fails when even the
lower confidence limit of the population loss exceeds the bound. One whose run broke off (a Gram matrix singular to rounding, or
divergence) is neither: NGD's step exists at any rank, by the pseudo-inverse, but the program did not take it, so that the loss after it
is not known.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
from hypothesis import strategies as st

from properties.chapters.generalisation.population_training import trained
from properties.engine.claim import Bound, Family, Hypothesis, require, technical
from properties.engine.descriptions import described_family
from properties.engine.rule import Neighbour, Stated, mutant
from properties.engine.statistics import Trials, least_refuting
from theory.errors import DescentError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork

Description = Mapping[str, Any]
Loss = Callable[[FloatArray, FloatArray], FloatArray]
"""(outputs, targets) -> losses, all of shape (n,)."""

I = TypeVar("I")  # noqa: E741

LOSS_CONFIDENCE = 1e-3
"""A trial's lower limit of the population loss is wrong with at most this probability (Hoeffding)."""

TRIALS = 64
"""N of one description: from 30 failures on a refutation at delta = 10%, from 22 on at 5%."""

REFERENCES = 3
"""Samples on which the bound is looked at before the trials."""

RARE = 0.12
"""How often a rare target is not 0."""

LATITUDE = 4 / 3
"""Inputs of "cap" are ``(0.8, 0.6 z)`` with z uniform on a sphere."""


def absolute_loss(outputs: FloatArray, targets: FloatArray) -> FloatArray:
    """``min(1, |u - y|)``: in [0, 1], 1-Lipschitz in u, 0 at u = y."""
    return np.minimum(1.0, np.abs(outputs - targets))


def lower_limit(losses: FloatArray, largest: float) -> float:
    """A lower confidence limit of the population loss, from losses in [0, ``largest``] on fresh inputs (Hoeffding)."""
    return float(np.mean(losses)) - largest * math.sqrt(math.log(1 / LOSS_CONFIDENCE) / (2 * len(losses)))


@dataclass(frozen=True)
class Drawn(ABC):
    """A distribution of (x, y), x on the sphere, y by a teacher; how many are drawn, and the network."""

    rows: int
    dim: int
    teacher: str
    size: float
    """How large the targets are."""
    width: int
    scale: float

    symmetric: ClassVar[bool] = False

    @abstractmethod
    def steps_for(self, y: FloatArray) -> int:
        """How many steps are taken for these targets."""

    def draw(self, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Inputs (count, dim) uniform on the sphere, or on one of its circles of latitude ("cap"), targets (count,)."""
        inputs = normalise_rows(rng.standard_normal((count, self.dim)))
        targets: FloatArray
        match self.teacher:
            case "linear":
                targets = inputs[:, 0]
            case "quadratic":
                targets = inputs[:, 0] ** 2
            case "signs":
                targets = np.where(rng.integers(0, 2, count) == 1, 1.0, -1.0)
            case "cap":
                around = inputs[:, 1:] / np.linalg.norm(inputs[:, 1:], axis=1)[:, None]
                inputs = normalise_rows(np.hstack([np.full((count, 1), LATITUDE), around]))
                targets = np.ones(count)
            case "rare":
                targets = np.where(rng.random(count) < RARE, 1.0, 0.0)
            case _:  # rare and large
                targets = np.where(rng.random(count) < RARE / 4, 50.0, 0.0)
        return inputs, self.size * targets


@dataclass(frozen=True)
class PopulationTrials(Stated, ABC):
    """The circumstances that a bound speaks of, as stated or as a mutant states them."""

    loss: Loss = absolute_loss
    train: Callable[[TwoLayerNetwork, FloatArray, FloatArray, float, int], TwoLayerNetwork] = trained
    fresh_targets: Callable[[FloatArray], FloatArray] = lambda targets: targets
    """What becomes of them where the population is another one than that of the sample."""
    largest_loss: float = 1.0
    fresh: int = 2000
    """Fresh inputs on which the population loss is measured."""
    trials: int = TRIALS

    @abstractmethod
    def sample_bound(self, population: Any, inputs: FloatArray, y: FloatArray) -> float | None:
        """The bound for a sample; None where it does not speak of it."""

    def references(self, population: Any) -> list[float]:
        """The bound on reference samples, which no trial uses; infinite where it does not speak."""
        rng = np.random.default_rng(population.rows)
        found = [self.sample_bound(population, *population.draw(population.rows, rng)) for _ in range(REFERENCES)]
        return [math.inf if bound is None else bound for bound in found]

    def trial(self, population: Any, rng: np.random.Generator) -> tuple[bool | None, float]:
        """Whether one trial fails, and ``loss / bound``, 0 where the bound does not speak; None and nan when the run broke off."""
        p = population
        inputs, y = p.draw(p.rows, rng)
        bound = self.sample_bound(p, inputs, y)
        if bound is None:
            return False, 0.0
        net = TwoLayerNetwork.initialise(p.width, p.dim, p.scale, rng, symmetric=p.symmetric)
        try:
            net = self.train(net, inputs, y, p.eta, p.steps_for(y))
        except DescentError:
            return None, math.nan
        fresh, targets = p.draw(self.fresh, rng)
        losses = np.minimum(self.loss(net.outputs(fresh), self.fresh_targets(targets)), self.largest_loss)
        ratio = float(np.mean(losses)) / bound if bound > 0 else math.inf
        return lower_limit(losses, self.largest_loss) > bound, ratio

    def sampled(self, population: Any, trials: Trials) -> Sequence[Bound]:
        """How often the population loss exceeds the bound; runs that broke off decide nothing either way, those that a refutation does not need are not done."""
        predicted, failures = population.delta + LOSS_CONFIDENCE, 0
        enough = least_refuting(self.trials, predicted)
        outcomes: list[tuple[bool | None, float]] = []
        while len(outcomes) < self.trials and failures < enough:
            outcomes.append(self.trial(population, trials.rng))
            failures += outcomes[-1][0] is True
        broken = sum(outcome is None for outcome, _ in outcomes)
        if broken < len(outcomes):
            trials.features.add(f"largest loss/bound about {np.nanmax([ratio for _, ratio in outcomes]):.1g}")
        if broken:
            trials.features.add("some runs broke off")
        spared = self.trials - len(outcomes)
        return [trials.at_most("population loss > bound", failures, self.trials, predicted, 0.0, broken, spared)]


def mostly_below_1(bounds: Sequence[float]) -> Hypothesis:
    """The bound says something of the population."""
    return technical(require("the bound is below 1 on most reference samples", 1 - float(np.median(bounds))))


def wrong_losses(family: Family[Any], trials: int) -> tuple[Neighbour, ...]:
    """Mutants with a loss that the bound does not speak of."""
    return (
        mutant(
            "not-lipschitz",
            "the loss 1[u != y]",
            "1-Lipschitz in the output",
            (family,),
            loss=lambda outputs, targets: (outputs != targets).astype(np.float64),
            trials=trials,
        ),
        mutant(
            "loss-at-target",
            "the loss max(0, 1 - |u - y|), which is 1 at u = y",
            "l(y, y) = 0",
            (family,),
            loss=lambda outputs, targets: np.maximum(0.0, 1 - np.abs(outputs - targets)),
            trials=trials,
        ),
    )


def common_parts(description: Description) -> dict[str, Any]:
    """What every population takes from its description; sizes in percent."""
    d = description
    return {
        **{name: d[name] for name in ("rows", "dim", "teacher", "width")},
        "size": d["size_percent"] / 100,
        "eta": d["step_tenths"] / 10,
        "delta": d["delta_percent"] / 100,
    }


def chosen(
    id: str,
    title: str,
    build: Callable[[Description], I],
    counts: tuple[int, int, int],
    parts: Mapping[str, Sequence[Any]],
) -> Family[I]:
    """A family of descriptions whose parts are chosen from these."""
    return described_family(
        id, title, build, counts, **{name: st.sampled_from(values) for name, values in parts.items()}
    )


def only(id: str, title: str, build: Callable[[Description], I], values: Mapping[str, Any]) -> Family[I]:
    """A family of one description: nothing to shrink, so that a mutant costs one evaluation."""
    return chosen(id, title, build, (1, 1, 1), {name: (value,) for name, value in values.items()})
