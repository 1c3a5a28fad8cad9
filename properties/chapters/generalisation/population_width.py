"""T5-width: the population loss after NGD at a width for which the bound is proved, executed where it is below 1; estimated.

A trial draws a sample, a network and fresh inputs. It fails when the bound speaks of the sample (the tube closes at this width, which
is decided in balls) and even the lower confidence limit of the population loss exceeds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.chapters.generalisation.population_loss import (
    LOSS_CONFIDENCE,
    RARE,
    REFERENCES,
    TRIALS,
    Loss,
    absolute_loss,
    lower_limit,
)
from properties.chapters.generalisation.population_training import trained
from properties.engine.claim import Bound, Claim, Depth, Family, Hypothesis, Mutant, Provenance, require, technical
from properties.engine.descriptions import described
from properties.engine.formulas import Formulas
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from properties.engine.statistics import Trials
from theory.errors import DegenerateInputsError, DescentError
from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.theorems.population_bound import PopulationBound, SampleNumbers, Setting, population_bound

Description = Mapping[str, Any]

LATITUDE = 4 / 3
"""Inputs of "cap" are ``(0.8, 0.6 z)`` with z uniform on a sphere."""

MUTANT_TRIALS = 14
"""N of mutants of which every trial fails: 14 failures refute it at delta = 10%."""


@stored_as("wide-population")
@dataclass(frozen=True)
class WidePopulation:
    """A distribution of (x, y), how many are drawn, the network, and how it is trained."""

    rows: int
    dim: int
    teacher: str
    size: float
    width: int
    scale: float
    delta: float
    cells: int
    eta: float
    steps: int

    @property
    def setting(self) -> Setting:
        """Width, scale and failure, under symmetric initialisation."""
        return Setting(self.width, self.scale, self.delta, self.cells)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Inputs (count, dim) uniform on the sphere, or on one of its circles of latitude ("cap"), targets (count,)."""
        inputs = normalise_rows(rng.standard_normal((count, self.dim)))
        targets: FloatArray
        if self.teacher == "cap":
            inputs = normalise_rows(
                np.hstack(
                    [np.full((count, 1), LATITUDE), inputs[:, 1:] / np.linalg.norm(inputs[:, 1:], axis=1)[:, None]]
                )
            )
        match self.teacher:
            case "linear":
                targets = inputs[:, 0]
            case "signs":
                targets = np.where(rng.integers(0, 2, count) == 1, 1.0, -1.0)
            case "cap":
                targets = np.ones(count)
            case _:  # rare
                targets = np.where(rng.random(count) < RARE, 1.0, 0.0)
        return inputs, self.size * targets

    def bound(self, inputs: FloatArray, y: FloatArray) -> PopulationBound | None:
        """T5-width's bound for a sample; None where it does not speak of it."""
        try:
            return population_bound(SampleNumbers.of(inputs, y), self.setting, self.eta, self.steps)
        except DegenerateInputsError:
            return None


@dataclass(frozen=True)
class Rule:
    """The circumstances that T5-width speaks of, and the total of its terms, as stated or as a mutant states them."""

    total: Callable[[PopulationBound], float] = lambda found: found.total
    loss: Loss = absolute_loss
    train: Callable[[TwoLayerNetwork, FloatArray, FloatArray, float, int], TwoLayerNetwork] = trained
    fresh_shift: float = 0.0
    """What is added to the fresh targets: the population is another one than that of the sample."""
    fresh: int = 150
    trials: int = TRIALS


def trial(population: WidePopulation, rng: np.random.Generator, rule: Rule) -> tuple[bool | None, float]:
    """Whether one trial fails, and ``loss / bound``, 0 where the bound does not speak; None and nan when the run broke off."""
    p = population
    inputs, y = p.draw(p.rows, rng)
    found = p.bound(inputs, y)
    if found is None:
        return False, 0.0
    bound, setting = rule.total(found), p.setting
    net = TwoLayerNetwork.initialise(setting.width, p.dim, setting.scale, rng, symmetric=setting.symmetric)
    try:
        net = rule.train(net, inputs, y, p.eta, p.steps)
    except DescentError:
        return None, math.nan
    fresh, targets = p.draw(rule.fresh, rng)
    losses = np.minimum(rule.loss(net.outputs(fresh), targets + rule.fresh_shift), 1.0)
    return lower_limit(losses, 1.0) > bound, float(np.mean(losses)) / bound if bound > 0 else math.inf


def hypotheses(rule: Rule, population: WidePopulation) -> Sequence[Hypothesis]:
    """On most reference samples, which no trial uses, the tube closes at this width and the bound is below 1."""
    rng = np.random.default_rng(population.rows)
    bounds = [population.bound(*population.draw(population.rows, rng)) for _ in range(REFERENCES)]
    totals = [math.inf if found is None else rule.total(found) for found in bounds]
    return [
        require("the tube closes on most reference samples", float(np.isfinite(totals).sum()) - REFERENCES / 2),
        technical(require("the bound is below 1 on most reference samples", 1 - float(np.median(totals)))),
    ]


def sampled(rule: Rule, population: WidePopulation, trials: Trials) -> Sequence[Bound]:
    """How often the population loss exceeds the bound; runs that broke off decide nothing either way."""
    outcomes = [trial(population, trials.rng, rule) for _ in range(rule.trials)]
    failures, broken = (sum(outcome is kind for outcome, _ in outcomes) for kind in (True, None))
    if broken < rule.trials:
        trials.features.add(f"largest loss/bound about {np.nanmax([ratio for _, ratio in outcomes]):.1g}")
    if broken:
        trials.features.add("some runs broke off")
    predicted = population.setting.delta + LOSS_CONFIDENCE
    return [trials.at_most("population loss > bound", failures, rule.trials, predicted, unknown=broken)]


def features(population: WidePopulation) -> Sequence[str]:
    """What the bound comes to on a reference sample."""
    found = population.bound(*population.draw(population.rows, np.random.default_rng(population.rows)))
    return (
        [] if found is None else [f"bound about {found.total:.1f}", f"g below {math.ceil(10 * found.ratio) / 10:.1f}"]
    )


# --- families --------------------------------------------------------------------------------------------------------


def build(description: Description) -> WidePopulation:
    """The population of a description."""
    d = description
    return WidePopulation(
        rows=d["rows"],
        dim=d["dim"],
        teacher=d["teacher"],
        size=d["size_percent"] / 100,
        width=d["width"],
        scale=float(d["scale"]),
        delta=d["delta_percent"] / 100,
        cells=d["cells"],
        eta=d["step_tenths"] / 10,
        steps=d["steps"],
    )


def _family(id: str, title: str, examples: tuple[int, int, int], **parts: Sequence[Any]) -> Family[WidePopulation]:
    common = {"delta_percent": (10,), "cells": (10,), "step_tenths": (10, 9), "steps": (3,)}
    choices = {name: st.sampled_from(values) for name, values in (common | parts).items()}
    return Family(id, title, partial(described, choices), build, dict(zip(Depth, examples, strict=True)))


SIGNS = _family(
    "random signs",
    "targets that the inputs do not determine, in high dimension: the complexity term is needed",
    (1, 1, 12),
    teacher=("signs",),
    rows=(40,),
    dim=(200,),
    size_percent=(5, 10),
    width=(2000, 3000),
    scale=(300, 1000),
)
LINEAR = _family(
    "linear teacher",
    "targets x_1 and multiples of it",
    (1, 1, 12),
    teacher=("linear",),
    rows=(40,),
    dim=(100,),
    size_percent=(50, 100),
    width=(4000,),
    scale=(1000,),
)


def _only(id: str, title: str, **values: Any) -> Family[WidePopulation]:
    """A family of one description: nothing to shrink, so that a mutant costs one evaluation."""
    defaults = {"teacher": "signs", "rows": 40, "dim": 200, "size_percent": 10, "width": 2000, "scale": 1000}
    parts = defaults | {"step_tenths": 10} | values
    return _family(id, title, (1, 1, 1), **{name: (value,) for name, value in parts.items()})


# --- the claim and its mutants ---------------------------------------------------------------------------------------

_CLAIM: Claim[WidePopulation] = Claim(
    id="T5-width",
    statement="for losses in [0, 1], 1-Lipschitz in the output, with l(y, y) = 0, NGD with 0 < eta <= 1 at a width where the tube closes "
    "(|| |K| ||_2 phi <= g s lambda0, g < 1/2, s > 0) has for every k, with probability at least 1 - delta, a population loss of at most "
    "2 B (T/n)^{1/2} + 1/N + (ln(2N/delta)/(2n))^{1/2} + (1 - eta(1-mu))^k (||y|| + U)/n^{1/2} + 2e",
    provenance=Provenance.DERIVED,
    source="docs/generalisation.md, T5-width; the paper's T5 with explicit width and scale",
    families=(SIGNS, LINEAR),
    hypotheses=partial(hypotheses, Rule()),
    conclusion=lambda _: (),
    sampled=partial(sampled, Rule()),
    features=features,
    formulas=Formulas(
        hypotheses=(
            r"a loss in $[0,1]$, 1-Lipschitz in the output, with $\ell(y,y)=0$",
            r"NGD with $0<\eta\le 1$",
            r"the tube closes: $\norm{\abs{K}}_2\,\varphi\le g\,s\,\lambda_0$, $g<\frac{1}{2}$, $s>0$",
        ),
        conclusion=(
            r"With probability at least $1-\delta$ the population loss is at most $2B\left(\dfrac{T}{n}\right)^{1/2}$ $+\,\dfrac{1}{N}$ $+\left(\dfrac{\ln(2N/\delta)}{2n}\right)^{1/2}$ $+\,(1-\eta(1-\mu))^k\,\dfrac{\norm{y}+U}{n^{1/2}}$ $+\,2e$, for every $k$.",
        ),
        constants=(r"$\mu=\dfrac{g}{1-g}$; $B$, $T$, $U$, $e$, $\varphi$, $s$: docs/generalisation.md",),
    ),
    assumes=(
        "1-Lipschitz in the output",
        "l(y, y) = 0",
        "samples of the population",
        "the tube closes",
        "0 < eta <= 1",
    ),
    shown_elsewhere={"the tube closes": "T5/narrow", "0 < eta <= 1": "T5-tube/step-limit-dropped"},
)

_FEW = Rule(trials=MUTANT_TRIALS)


def _mutant(id: str, description: str, rule: Rule, family: Family[WidePopulation], drops: str = "") -> Mutant:
    return _CLAIM.neighbour(
        id, description, drops, families=(family,), hypotheses=partial(hypotheses, rule), sampled=partial(sampled, rule)
    )


_PLAIN = _only("small signs", "targets +-0.05", size_percent=5)

T5_WIDTH = _CLAIM.with_mutants(
    _mutant(
        "complexity-dropped",
        "the bound without 2 B (T/n)^{1/2}",
        replace(_FEW, total=lambda found: found.total - found.complexity, fresh=400),
        _only("large signs", "targets +-0.8", size_percent=80, width=4000),
    ),
    _mutant(
        "confidence-dropped",
        "the bound without 1/N + (ln(2N/delta)/(2n))^{1/2}",
        replace(_FEW, total=lambda found: found.total - found.confidence, trials=40, fresh=2000),
        _only(
            "rare targets",
            "targets 1 with probability 0.12, else 0",
            teacher="rare",
            rows=1,
            size_percent=100,
            dim=3,
            width=2000,
        ),
    ),
    _mutant(
        "other-population",
        "the fresh targets are larger by 1",
        replace(_FEW, fresh_shift=1.0),
        _PLAIN,
        drops="samples of the population",
    ),
    _mutant(
        "not-lipschitz",
        "the loss 1[u != y]",
        replace(_FEW, loss=lambda outputs, targets: (outputs != targets).astype(np.float64)),
        _PLAIN,
        drops="1-Lipschitz in the output",
    ),
    _mutant(
        "loss-at-target",
        "the loss max(0, 1 - |u - y|), which is 1 at u = y",
        replace(_FEW, loss=lambda outputs, targets: np.maximum(0.0, 1 - np.abs(outputs - targets))),
        _PLAIN,
        drops="l(y, y) = 0",
    ),
)

SLACK = (
    SlackRow(
        claim="T5-width",
        quantity="the term 2e, and the factors of g in B",
        paper=None,
        proved=None,
        refuted=None,
        remark="no population is known on which they are needed at a width that runs; T5-new and T5-tube show that their parts are. The training term is needed: tests/deep",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T5_WIDTH,)
