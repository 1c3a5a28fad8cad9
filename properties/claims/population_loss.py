"""T5: the population loss after NGD against its bound, over fresh samples; estimated, never proved by a run.

A trial draws a sample of n inputs with targets, a network, takes the number of NGD steps that T5 asks for, and measures the loss
on fresh inputs. It fails when even the lower confidence limit of the population loss exceeds the bound, whose quadratic form
is a certified upper bound. The paper does not say how small nu and how large m must be; the families say what was taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.claim import Bound, Claim, Depth, Family, Hypothesis, Provenance, require
from properties.descriptions import described
from properties.slack import SlackRow
from properties.statistics import Trials
from theory.descent import trajectory
from theory.errors import RankDeficientError
from theory.gram import gram_entry_error, limiting_gram
from theory.inputs import FloatArray, normalise_rows
from theory.network import TwoLayerNetwork
from theory.rigour.inverse_form import inverse_form_bounds
from theory.theorems import generalisation

Description = Mapping[str, Any]
Loss = Callable[[FloatArray, FloatArray], FloatArray]
"""(outputs, targets) -> losses, all of shape (n,)."""

EPSILON = 0.05
"""T5's eps: what the training loss may add."""

LOSS_CONFIDENCE = 1e-3
"""A trial's lower limit of the population loss is wrong with at most this probability (Hoeffding)."""

TRIALS = 20
"""N of one description: with delta = 0.1 ten to fifteen failures are a refutation."""

FRESH = 2000
"""Fresh inputs on which the population loss is measured."""


def absolute_loss(outputs: FloatArray, targets: FloatArray) -> FloatArray:
    """``min(1, |u - y|)``: in [0, 1], 1-Lipschitz in u, 0 at u = y."""
    return np.minimum(1.0, np.abs(outputs - targets))


@dataclass(frozen=True)
class Population:
    """A distribution of (x, y): x uniform on the sphere, y by a teacher; and how many are drawn, and the network."""

    rows: int
    dim: int
    teacher: str
    size: float
    """How large the targets are."""
    width: int
    scale: float
    eta: float
    delta: float

    def draw(self, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Inputs (count, dim) with unit rows, and targets (count,)."""
        inputs = normalise_rows(rng.standard_normal((count, self.dim)))
        match self.teacher:
            case "linear":
                targets = inputs[:, 0]
            case "quadratic":
                targets = inputs[:, 0] ** 2
            case "signs":
                targets = np.where(rng.integers(0, 2, count) == 1, 1.0, -1.0)
            case _:  # rare: 1 with probability 1/10
                targets = (rng.random(count) < 0.1).astype(np.float64)
        return inputs, self.size * targets

    def arrays(self) -> Mapping[str, np.ndarray[Any, Any]]:
        """The numbers of the description; samples and networks come from the trials' stream."""
        return {"rows_dim_width": np.array([self.rows, self.dim, self.width]), "delta": np.array([self.delta])}


@dataclass(frozen=True)
class Rule:
    """T5's bound and the circumstances it speaks of, as stated or as a mutant states them."""

    loss: Loss = absolute_loss
    bound: Callable[[float, int, float, float], float] = generalisation.loss_bound
    untrained: bool = False
    fresh_sign: float = 1.0
    """The fresh targets are multiplied by it: the population is another one than that of the sample."""


def sample_bound(population: Population, inputs: FloatArray, y: FloatArray, rule: Rule) -> float:
    """The bound for a sample; infinite when ``G_inf`` is not certified to be positive definite."""
    error = len(y) * gram_entry_error(population.dim)
    try:
        form = inverse_form_bounds(limiting_gram(inputs), y, error)[1]
    except RankDeficientError:
        return math.inf
    return rule.bound(form, len(y), population.delta, EPSILON)


def trained(population: Population, inputs: FloatArray, y: FloatArray, rng: np.random.Generator) -> TwoLayerNetwork:
    """A network after as many NGD steps as T5 asks for. Raises RankDeficientError."""
    p = population
    net = TwoLayerNetwork.initialise(p.width, p.dim, p.scale, rng)
    steps = generalisation.training_steps(p.eta, float(np.mean(y**2)), p.scale, p.delta, EPSILON)
    run = trajectory(net, inputs, y, p.eta, steps, "ngd", parameters=True)
    assert run.weights is not None
    return TwoLayerNetwork(weights=run.weights, signs=net.signs)


def loss_limits(losses: FloatArray) -> tuple[float, float]:
    """Mean of the losses on fresh inputs, and a lower limit of the population loss (Hoeffding; losses in [0, 1])."""
    mean = float(np.mean(losses))
    return mean, mean - math.sqrt(math.log(1 / LOSS_CONFIDENCE) / (2 * len(losses)))


def trial(population: Population, rng: np.random.Generator, rule: Rule) -> tuple[bool, float]:
    """Whether one trial fails, and ``loss / bound``; a network that cannot be trained fails."""
    inputs, y = population.draw(population.rows, rng)
    bound = sample_bound(population, inputs, y, rule)
    try:
        if rule.untrained:
            net = TwoLayerNetwork.initialise(population.width, population.dim, population.scale, rng)
        else:
            net = trained(population, inputs, y, rng)
    except RankDeficientError:
        return True, math.inf
    fresh, targets = population.draw(FRESH, rng)
    mean, lower = loss_limits(rule.loss(net.outputs(fresh), rule.fresh_sign * targets))
    return lower > bound, mean / bound


def hypotheses(rule: Rule, population: Population) -> Sequence[Hypothesis]:
    """The bound says something: it is below 1 on a reference sample; 0 < eta <= 1."""
    inputs, y = population.draw(population.rows, np.random.default_rng(population.rows))
    return [
        require("the bound is below 1 on a reference sample", 1 - sample_bound(population, inputs, y, rule)),
        require("0 < eta <= 1", 1 - population.eta),
    ]


def sampled(rule: Rule, population: Population, trials: Trials) -> Sequence[Bound]:
    """How often the population loss exceeds the bound."""
    outcomes = [trial(population, trials.rng, rule) for _ in range(TRIALS)]
    largest = max(ratio for _, ratio in outcomes)
    trials.features.add(f"largest loss/bound about {largest:.1g}")
    failures = sum(failed for failed, _ in outcomes)
    return [trials.at_most("population loss > bound", failures, TRIALS, population.delta + LOSS_CONFIDENCE)]
