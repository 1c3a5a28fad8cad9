"""T5: the population loss after NGD against its bound, over fresh samples; estimated, never proved by a run.

A conjecture at the widths and scales taken here: no tube closes there (docs/generalisation.md). What is proved is T5-width.

A trial draws a sample of n inputs with targets, a network, takes the number of NGD steps that T5 asks for, and measures the loss
on fresh inputs. It fails when even the lower confidence limit of the population loss exceeds the bound, whose quadratic form
is a certified upper bound. The paper does not say how small nu and how large m must be; the families say what was taken.

A trial whose run broke off (a Gram matrix singular to rounding, or divergence) is neither: NGD's step exists at any rank, by the
pseudo-inverse, but the program did not take it, so that the loss after it is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.chapters.generalisation.population_training import trained, trained_at_any_rank
from properties.engine.claim import Bound, Claim, Depth, Family, Hypothesis, Provenance, Status, require, technical
from properties.engine.descriptions import described
from properties.engine.formulas import Formulas
from properties.engine.stable_names import stored_as
from properties.engine.statistics import Trials
from theory.errors import DescentError, RankDeficientError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.limiting import gram_entry_error, limiting_gram
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.inverse_form import inverse_form_bounds
from theory.theorems import generalisation

Description = Mapping[str, Any]
Loss = Callable[[FloatArray, FloatArray], FloatArray]
"""(outputs, targets) -> losses, all of shape (n,)."""

EPSILON = 0.05
"""T5's eps: what the training loss may add."""

LOSS_CONFIDENCE = 1e-3
"""A trial's lower limit of the population loss is wrong with at most this probability (Hoeffding)."""

TRIALS = 64
"""N of one description: from 30 failures on a refutation at delta = 10%, from 22 on at 5%."""

DELTAS_PERCENT = (5, 10)
"""The deltas of the claim: larger ones would need more trials to be refuted (``properties.engine.statistics.power``)."""

MUTANT_TRIALS = 24
"""N of most mutants, of which nearly all trials fail: from 17 failures on a refutation at delta = 10%."""

REFERENCES = 3
"""Samples on which the bound is looked at before the trials."""

FRESH = 2000
"""Fresh inputs on which the population loss is measured."""


RARE = 0.12
"""How often a rare target is not 0."""


def absolute_loss(outputs: FloatArray, targets: FloatArray) -> FloatArray:
    """``min(1, |u - y|)``: in [0, 1], 1-Lipschitz in u, 0 at u = y."""
    return np.minimum(1.0, np.abs(outputs - targets))


@stored_as("population")
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
        targets: FloatArray
        match self.teacher:
            case "linear":
                targets = inputs[:, 0]
            case "quadratic":
                targets = inputs[:, 0] ** 2
            case "signs":
                targets = np.where(rng.integers(0, 2, count) == 1, 1.0, -1.0)
            case "rare":
                targets = np.where(rng.random(count) < RARE, 1.0, 0.0)
            case _:  # rare and large
                targets = np.where(rng.random(count) < RARE / 4, 50.0, 0.0)
        return inputs, self.size * targets


@dataclass(frozen=True)
class Rule:
    """T5's bound and the circumstances it speaks of, as stated or as a mutant states them."""

    loss: Loss = absolute_loss
    bound: Callable[[float, int, float, float], float] = generalisation.loss_bound
    train: Callable[[TwoLayerNetwork, FloatArray, FloatArray, float, int], TwoLayerNetwork] = trained
    fresh_sign: float = 1.0
    """The fresh targets are multiplied by it: the population is another one than that of the sample."""
    largest_loss: float = 1.0
    fresh: int = 2000
    """Fresh inputs on which the population loss is measured."""
    trials: int = TRIALS


def sample_bound(population: Population, inputs: FloatArray, y: FloatArray, rule: Rule) -> float:
    """The bound for a sample; infinite when ``G_inf`` is not certified to be positive definite."""
    error = len(y) * gram_entry_error(population.dim)
    try:
        form = inverse_form_bounds(limiting_gram(inputs), y, error)[1]
    except RankDeficientError:
        return math.inf
    return rule.bound(form, len(y), population.delta, EPSILON)


def lower_limit(losses: FloatArray, largest: float) -> float:
    """A lower confidence limit of the population loss, from losses in [0, ``largest``] on fresh inputs (Hoeffding)."""
    return float(np.mean(losses)) - largest * math.sqrt(math.log(1 / LOSS_CONFIDENCE) / (2 * len(losses)))


def trial(population: Population, rng: np.random.Generator, rule: Rule) -> tuple[bool | None, float]:
    """Whether one trial fails, and ``loss / bound``; None and nan when the run broke off."""
    p = population
    inputs, y = p.draw(p.rows, rng)
    bound = sample_bound(p, inputs, y, rule)
    net = TwoLayerNetwork.initialise(p.width, p.dim, p.scale, rng)
    steps = generalisation.training_steps(p.eta, float(np.mean(y**2)), p.scale, p.delta, EPSILON)
    try:
        net = rule.train(net, inputs, y, p.eta, steps)
    except DescentError:
        return None, math.nan
    fresh, targets = p.draw(rule.fresh, rng)
    losses = np.minimum(rule.loss(net.outputs(fresh), rule.fresh_sign * targets), rule.largest_loss)
    return lower_limit(losses, rule.largest_loss) > bound, float(np.mean(losses)) / bound


def hypotheses(rule: Rule, population: Population) -> Sequence[Hypothesis]:
    """The bound says something: it is below 1 on most reference samples, which no trial uses; 0 < eta <= 1."""
    rng = np.random.default_rng(population.rows)
    samples = [population.draw(population.rows, rng) for _ in range(REFERENCES)]
    middle = float(np.median([sample_bound(population, inputs, y, rule) for inputs, y in samples]))
    return [
        technical(require("the bound is below 1 on most reference samples", 1 - middle)),
        require("0 < eta <= 1", 1 - population.eta),
    ]


def sampled(rule: Rule, population: Population, trials: Trials) -> Sequence[Bound]:
    """How often the population loss exceeds the bound; runs that broke off decide nothing either way."""
    outcomes = [trial(population, trials.rng, rule) for _ in range(rule.trials)]
    failures, broken = (sum(outcome is kind for outcome, _ in outcomes) for kind in (True, None))
    if broken < rule.trials:
        trials.features.add(f"largest loss/bound about {np.nanmax([ratio for _, ratio in outcomes]):.1g}")
    if broken:
        trials.features.add("some runs broke off")
    predicted = population.delta + LOSS_CONFIDENCE
    return [trials.at_most("population loss > bound", failures, rule.trials, predicted, unknown=broken)]


# --- families --------------------------------------------------------------------------------------------------------


def _examples(quick: int, normal: int, thorough: int) -> dict[Depth, int]:
    return {Depth.QUICK: quick, Depth.NORMAL: normal, Depth.THOROUGH: thorough}


def build(description: Description) -> Population:
    """The population of a description; sizes in percent."""
    return Population(
        rows=description["rows"],
        dim=description["dim"],
        teacher=description["teacher"],
        size=description["size_percent"] / 100,
        width=description["width"],
        scale=description["scale_percent"] / 100,
        eta=description["step_tenths"] / 10,
        delta=description["delta_percent"] / 100,
    )


def _family(id: str, title: str, examples: Mapping[Depth, int], **parts: Sequence[Any]) -> Family[Population]:
    choices = {name: st.sampled_from(values) for name, values in parts.items()}
    return Family(id, title, partial(described, choices), build, examples)


SMOOTH = _family(
    "smooth teachers",
    "targets x_1 or x_1^2, inputs uniform on a sphere of low dimension, nu = 0.1",
    _examples(1, 2, 24),
    teacher=("linear", "quadratic"),
    rows=(80, 100),
    dim=(3, 4),
    size_percent=(100,),
    width=(256,),
    scale_percent=(10,),
    step_tenths=(10, 5),
    delta_percent=DELTAS_PERCENT,
)
SIGNS = _family(
    "random signs",
    "targets that the inputs do not determine, in high dimension: the complexity term is needed",
    _examples(1, 1, 6),
    teacher=("signs",),
    rows=(100, 120),
    dim=(150,),
    size_percent=(15,),
    width=(32,),
    scale_percent=(10,),
    step_tenths=(10,),
    delta_percent=DELTAS_PERCENT,
)


def _only(id: str, title: str, **values: Any) -> Family[Population]:
    """A family of one description: nothing to shrink, so that a mutant costs one evaluation."""
    defaults = {"teacher": "linear", "rows": 100, "dim": 3, "size_percent": 100, "width": 256}
    parts = defaults | {"scale_percent": 10, "step_tenths": 10, "delta_percent": 10} | values
    return _family(id, title, _examples(1, 1, 1), **{name: (value,) for name, value in parts.items()})


# --- the claim and its mutants ---------------------------------------------------------------------------------------

_CLAIM: Claim[Population] = Claim(
    id="T5",
    statement="for losses in [0, 1], 1-Lipschitz in the output, with l(y, y) = 0, nu small and m large: after "
    "k = ceil(ln(3 (||y||^2/n + nu^2/2)/(delta eps^2))/eta) NGD steps the population loss is at most "
    "sqrt(2 y^T G_inf^{-1} y/n) + 3 sqrt(ln(6/delta)/(2n)) + eps with probability at least 1 - delta",
    provenance=Provenance.PAPER_WITH_CONSTANTS,
    source="Zhang, Martens, Grosse (2019), generalisation; docs/theory.md, T5; the constant of k is this project's",
    families=(SMOOTH, SIGNS),
    hypotheses=partial(hypotheses, Rule()),
    conclusion=lambda _: (),
    sampled=partial(sampled, Rule()),
    status=Status.CONJECTURE,
    formulas=Formulas(
        hypotheses=(
            r"a loss in $[0,1]$, 1-Lipschitz in the output, with $\ell(y,y)=0$",
            r"$\nu$ small and $m$ large",
            r"$k=\left\lceil\dfrac{1}{\eta}\ln\,\dfrac{3\left(\norm{y}^2/n+\nu^2/2\right)}{\delta\varepsilon^2}\right\rceil$ NGD steps",
        ),
        conclusion=(
            r"With probability at least $1-\delta$ the population loss is at most $\sqrt{\dfrac{2\,y^\top G_\infty^{-1}y}{n}}$ $+\,3\sqrt{\dfrac{\ln(6/\delta)}{2n}}$ $+\,\varepsilon$.",
        ),
    ),
    assumes=(
        "losses in [0, 1]",
        "1-Lipschitz in the output",
        "l(y, y) = 0",
        "nu small",
        "m large",
        "as many steps",
        "samples of the population",
        "0 < eta <= 1",
    ),
)


def _without_complexity(form: float, n: int, delta: float, epsilon: float) -> float:
    return generalisation.confidence_term(n, delta) + epsilon


def _without_confidence(form: float, n: int, delta: float, epsilon: float) -> float:
    return generalisation.complexity_term(form, n) + epsilon


def _mutant(id: str, description: str, rule: Rule, family: Family[Population], drops: str = "") -> Any:
    return _CLAIM.neighbour(
        id, description, drops, families=(family,), hypotheses=partial(hypotheses, rule), sampled=partial(sampled, rule)
    )


_PLAIN = _only("linear teacher", "targets x_1")

T5 = _CLAIM.with_mutants(
    _mutant(
        "narrow",
        "a width at which the Jacobian has just as many parameters as rows, steps by the pseudo-inverse",
        Rule(train=trained_at_any_rank, trials=32),
        _only("narrow", "random signs, n = m d = 300", teacher="signs", rows=300, dim=20, size_percent=10, width=15),
        drops="m large",
    ),
    _mutant(
        "large-scale",
        "nu = 100",
        Rule(trials=MUTANT_TRIALS),
        _only(
            "large scale",
            "nu = 100 in high dimension",
            teacher="signs",
            rows=100,
            dim=120,
            size_percent=10,
            width=64,
            scale_percent=10_000,
        ),
        drops="nu small",
    ),
    _mutant(
        "untrained",
        "no step at all",
        Rule(train=lambda net, *_: net, trials=MUTANT_TRIALS),
        _only("untrained", "targets 2 x_1", rows=400, size_percent=200, width=64),
        drops="as many steps",
    ),
    _mutant(
        "other-population",
        "the fresh targets have the other sign",
        Rule(fresh_sign=-1.0, trials=MUTANT_TRIALS),
        _only("other population", "targets 1.5 x_1", rows=200, size_percent=150, width=512),
        drops="samples of the population",
    ),
    _mutant(
        "not-lipschitz",
        "the loss 1[u != y]",
        Rule(loss=lambda outputs, targets: (outputs != targets).astype(np.float64), trials=MUTANT_TRIALS),
        _PLAIN,
        drops="1-Lipschitz in the output",
    ),
    _mutant(
        "loss-at-target",
        "the loss max(0, 1 - |u - y|), which is 1 at u = y",
        Rule(loss=lambda outputs, targets: np.maximum(0.0, 1 - np.abs(outputs - targets)), trials=MUTANT_TRIALS),
        _PLAIN,
        drops="l(y, y) = 0",
    ),
    _mutant(
        "complexity-dropped",
        "the bound without its first term",
        Rule(bound=_without_complexity, trials=MUTANT_TRIALS),
        _only("random signs", "targets +-1", teacher="signs", dim=20, rows=80, width=128),
    ),
    _mutant(
        "confidence-dropped",
        "the bound without its middle term",
        Rule(bound=_without_confidence, trials=40),
        _only(
            "rare targets", "targets 1 with probability 0.12, else 0", teacher="rare", rows=1, width=64, delta_percent=1
        ),
    ),
    _mutant(
        "unbounded",
        "the loss |u - y|, up to 50",
        Rule(loss=lambda outputs, targets: np.abs(outputs - targets), largest_loss=50.0, fresh=50_000, trials=70),
        _only(
            "rare large targets",
            "targets 50 with probability 0.03, else 0",
            teacher="rare and large",
            rows=40,
            width=64,
            delta_percent=1,
        ),
        drops="losses in [0, 1]",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T5,)
