"""T5: the population loss after NGD against its bound, over fresh samples; estimated, never proved by a run.

A conjecture at the widths and scales taken here: no tube closes there (docs/generalisation.md). What is proved is T5-width.

A trial takes the number of NGD steps that T5 asks for; the bound's quadratic form is a certified upper bound. The paper does not say how
small nu and how large m must be; the families say what was taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from properties.chapters.generalisation.population_training import trained_at_any_rank
from properties.chapters.generalisation.population_trials import (
    Description,
    Drawn,
    PopulationTrials,
    chosen,
    common_parts,
    mostly_below_1,
    only,
    wrong_losses,
)
from properties.engine.claim import Claim, Family, Hypothesis, Provenance, Status, require
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.engine.stable_names import stored_as
from theory.errors import RankDeficientError
from theory.inputs import FloatArray
from theory.kernels.limiting import gram_entry_error, limiting_gram
from theory.rigour.inverse_form import inverse_form_bounds
from theory.theorems import generalisation

EPSILON = 0.05
"""T5's eps: what the training loss may add."""

DELTAS_PERCENT = (5, 10)
"""The deltas of the claim: larger ones would need more trials to be refuted (``properties.engine.statistics.power``)."""

MUTANT_TRIALS = 24
"""N of most mutants, of which nearly all trials fail: from 17 failures on a refutation at delta = 10%."""


@stored_as("population")
@dataclass(frozen=True)
class Population(Drawn):
    """A population, and how it is trained."""

    eta: float
    delta: float

    def steps_for(self, y: FloatArray) -> int:
        """As many as T5 asks for."""
        return generalisation.training_steps(self.eta, float(np.mean(y**2)), self.scale, self.delta, EPSILON)


@dataclass(frozen=True)
class PopulationLoss(PopulationTrials):
    """T5's bound and the circumstances it speaks of."""

    bound: Callable[[float, int, float, float], float] = generalisation.loss_bound

    def sample_bound(self, population: Population, inputs: FloatArray, y: FloatArray) -> float:
        """The bound for a sample; infinite when ``G_inf`` is not certified to be positive definite."""
        error = len(y) * gram_entry_error(population.dim)
        try:
            form = inverse_form_bounds(limiting_gram(inputs), y, error)[1]
        except RankDeficientError:
            return math.inf
        return self.bound(form, len(y), population.delta, EPSILON)

    def hypotheses(self, population: Population) -> Sequence[Hypothesis]:
        """The bound is below 1 on most reference samples; 0 < eta <= 1."""
        return [mostly_below_1(self.references(population)), require("0 < eta <= 1", 1 - population.eta)]


# --- families --------------------------------------------------------------------------------------------------------


def build(description: Description) -> Population:
    """The population of a description; sizes in percent."""
    return Population(**common_parts(description), scale=description["scale_percent"] / 100)


SMOOTH = chosen(
    "smooth teachers",
    "targets x_1 or x_1^2, inputs uniform on a sphere of low dimension, nu = 0.1",
    build,
    (1, 2, 24),
    {
        "teacher": ("linear", "quadratic"),
        "rows": (80, 100),
        "dim": (3, 4),
        "size_percent": (100,),
        "width": (256,),
        "scale_percent": (10,),
        "step_tenths": (10, 5),
        "delta_percent": DELTAS_PERCENT,
    },
)
SIGNS = chosen(
    "random signs",
    "targets that the inputs do not determine, in high dimension: the complexity term is needed",
    build,
    (1, 1, 6),
    {
        "teacher": ("signs",),
        "rows": (100, 120),
        "dim": (150,),
        "size_percent": (15,),
        "width": (32,),
        "scale_percent": (10,),
        "step_tenths": (10,),
        "delta_percent": DELTAS_PERCENT,
    },
)


def _only(id: str, title: str, **values: Any) -> Family[Population]:
    defaults = {"teacher": "linear", "rows": 100, "dim": 3, "size_percent": 100, "width": 256}
    return only(id, title, build, defaults | {"scale_percent": 10, "step_tenths": 10, "delta_percent": 10} | values)


# --- the claim and its mutants ---------------------------------------------------------------------------------------

_LARGE_SCALE = _only(
    "large scale",
    "nu = 100 in high dimension",
    teacher="signs",
    rows=100,
    dim=120,
    size_percent=10,
    width=64,
    scale_percent=10_000,
)
_RARE_TARGETS = _only(
    "rare targets", "targets 1 with probability 0.12, else 0", teacher="rare", rows=1, width=64, delta_percent=1
)
_LARGE_TARGETS = _only(
    "rare large targets",
    "targets 50 with probability 0.03, else 0",
    teacher="rare and large",
    rows=40,
    width=64,
    delta_percent=1,
)

T5 = PopulationLoss().claim(
    "T5",
    "for losses in [0, 1], 1-Lipschitz in the output, with l(y, y) = 0, nu small and m large: after "
    "k = ceil(ln(3 (||y||^2/n + nu^2/2)/(delta eps^2))/eta) NGD steps the population loss is at most "
    "sqrt(2 y^T G_inf^{-1} y/n) + 3 sqrt(ln(6/delta)/(2n)) + eps with probability at least 1 - delta",
    Provenance.PAPER_WITH_CONSTANTS,
    mutant(
        "narrow",
        "a width at which the Jacobian has just as many parameters as rows, steps by the pseudo-inverse",
        "m large",
        (_only("narrow", "random signs, n = m d = 300", teacher="signs", rows=300, dim=20, size_percent=10, width=15),),
        train=trained_at_any_rank,
        trials=32,
    ),
    mutant("large-scale", "nu = 100", "nu small", (_LARGE_SCALE,), trials=MUTANT_TRIALS),
    mutant(
        "untrained",
        "no step at all",
        "as many steps",
        (_only("untrained", "targets 2 x_1", rows=400, size_percent=200, width=64),),
        train=lambda net, *_: net,
        trials=MUTANT_TRIALS,
    ),
    mutant(
        "other-population",
        "the fresh targets have the other sign",
        "samples of the population",
        (_only("other population", "targets 1.5 x_1", rows=200, size_percent=150, width=512),),
        fresh_targets=lambda targets: -targets,
        trials=MUTANT_TRIALS,
    ),
    *wrong_losses(_only("linear teacher", "targets x_1"), MUTANT_TRIALS),
    mutant(
        "complexity-dropped",
        "the bound without its first term",
        families=(_only("random signs", "targets +-1", teacher="signs", dim=20, rows=80, width=128),),
        bound=lambda form, n, delta, epsilon: generalisation.confidence_term(n, delta) + epsilon,
        trials=MUTANT_TRIALS,
    ),
    mutant(
        "confidence-dropped",
        "the bound without its middle term",
        families=(_RARE_TARGETS,),
        bound=lambda form, n, delta, epsilon: generalisation.complexity_term(form, n) + epsilon,
        trials=40,
    ),
    mutant(
        "unbounded",
        "the loss |u - y|, up to 50",
        "losses in [0, 1]",
        (_LARGE_TARGETS,),
        loss=lambda outputs, targets: np.abs(outputs - targets),
        largest_loss=50.0,
        fresh=50_000,
        trials=70,
    ),
    source="Zhang, Martens, Grosse (2019), generalisation; docs/theory.md, T5; the constant of k is this project's",
    families=(SMOOTH, SIGNS),
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
    also=(
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

CLAIMS: tuple[Claim[Any], ...] = (T5,)
