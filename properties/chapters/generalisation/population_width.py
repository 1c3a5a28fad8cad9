"""T5-width: the population loss after NGD at a width for which the bound is proved, executed where it is below 1; estimated.

The bound speaks of a sample when the tube closes at this width, which is decided in balls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from properties.chapters.generalisation.population_trials import (
    REFERENCES,
    Description,
    Drawn,
    PopulationTrials,
    chosen,
    common_parts,
    mostly_below_1,
    only,
    wrong_losses,
)
from properties.engine.claim import Claim, Family, Hypothesis, Provenance, require
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.engine.slack import SlackRow
from properties.engine.stable_names import stored_as
from theory.errors import DegenerateInputsError
from theory.inputs import FloatArray
from theory.theorems.population_bound import PopulationBound, SampleNumbers, Setting, population_bound

MUTANT_TRIALS = 14
"""N of mutants of which every trial fails: 14 failures refute it at delta = 10%."""


@stored_as("wide-population")
@dataclass(frozen=True)
class WidePopulation(Drawn):
    """A population, and how it is trained; under symmetric initialisation."""

    delta: float
    cells: int
    eta: float
    steps: int

    symmetric: ClassVar[bool] = True

    @property
    def setting(self) -> Setting:
        """Width, scale and failure, under symmetric initialisation."""
        return Setting(self.width, self.scale, self.delta, self.cells)

    def steps_for(self, y: FloatArray) -> int:
        """The same whatever the targets."""
        del y
        return self.steps

    def bound(self, inputs: FloatArray, y: FloatArray) -> PopulationBound | None:
        """T5-width's bound for a sample; None where it does not speak of it."""
        try:
            return population_bound(SampleNumbers.of(inputs, y), self.setting, self.eta, self.steps)
        except DegenerateInputsError:
            return None


@dataclass(frozen=True)
class PopulationWidth(PopulationTrials):
    """The circumstances that T5-width speaks of, and the total of its terms."""

    total: Callable[[PopulationBound], float] = lambda found: found.total
    fresh: int = 150

    def sample_bound(self, population: WidePopulation, inputs: FloatArray, y: FloatArray) -> float | None:
        """The bound for a sample; None where it does not speak of it."""
        found = population.bound(inputs, y)
        return None if found is None else self.total(found)

    def hypotheses(self, population: WidePopulation) -> Sequence[Hypothesis]:
        """On most reference samples the tube closes at this width and the bound is below 1."""
        totals = self.references(population)
        closes = float(np.isfinite(totals).sum()) - REFERENCES / 2
        return [require("the tube closes on most reference samples", closes), mostly_below_1(totals)]

    def features(self, population: WidePopulation) -> Sequence[str]:
        """What the bound comes to on a reference sample."""
        found = population.bound(*population.draw(population.rows, np.random.default_rng(population.rows)))
        if found is None:
            return []
        return [f"bound about {found.total:.1f}", f"g below {math.ceil(10 * found.ratio) / 10:.1f}"]


# --- families --------------------------------------------------------------------------------------------------------


def build(description: Description) -> WidePopulation:
    """The population of a description."""
    d = description
    return WidePopulation(**common_parts(d), scale=float(d["scale"]), cells=d["cells"], steps=d["steps"])


COMMON: Mapping[str, Sequence[Any]] = {
    "delta_percent": (10,),
    "cells": (10,),
    "step_tenths": (10, 9),
    "steps": (3,),
}
SIGNS = chosen(
    "random signs",
    "targets that the inputs do not determine, in high dimension: the complexity term is needed",
    build,
    (1, 1, 12),
    {
        **COMMON,
        "teacher": ("signs",),
        "rows": (40,),
        "dim": (200,),
        "size_percent": (5, 10),
        "width": (2000, 3000),
        "scale": (300, 1000),
    },
)
LINEAR = chosen(
    "linear teacher",
    "targets x_1 and multiples of it",
    build,
    (1, 1, 12),
    {
        **COMMON,
        "teacher": ("linear",),
        "rows": (40,),
        "dim": (100,),
        "size_percent": (50, 100),
        "width": (4000,),
        "scale": (1000,),
    },
)


def _only(id: str, title: str, **values: Any) -> Family[WidePopulation]:
    sizes = {"teacher": "signs", "rows": 40, "dim": 200, "size_percent": 10, "width": 2000, "scale": 1000}
    return only(id, title, build, {name: among[0] for name, among in COMMON.items()} | sizes | values)


# --- the claim and its mutants ---------------------------------------------------------------------------------------

_PLAIN = _only("small signs", "targets +-0.05", size_percent=5)
_RARE_TARGETS = _only(
    "rare targets",
    "targets 1 with probability 0.12, else 0",
    teacher="rare",
    rows=1,
    size_percent=100,
    dim=3,
    width=2000,
)

T5_WIDTH = PopulationWidth().claim(
    "T5-width",
    "for losses in [0, 1], 1-Lipschitz in the output, with l(y, y) = 0, NGD with 0 < eta <= 1 at a width where the tube closes "
    "(|| |K| ||_2 phi <= g s lambda0, g < 1/2, s > 0) has for every k, with probability at least 1 - delta, a population loss of at most "
    "2 B (T/n)^{1/2} + 1/N + (ln(2N/delta)/(2n))^{1/2} + (1 - eta(1-mu))^k (||y|| + U)/n^{1/2} + 2e",
    Provenance.DERIVED,
    mutant(
        "complexity-dropped",
        "the bound without 2 B (T/n)^{1/2}",
        families=(_only("large signs", "targets +-0.8", size_percent=80, width=4000),),
        total=lambda found: found.total - found.complexity,
        fresh=400,
        trials=MUTANT_TRIALS,
    ),
    mutant(
        "confidence-dropped",
        "the bound without 1/N + (ln(2N/delta)/(2n))^{1/2}",
        families=(_RARE_TARGETS,),
        total=lambda found: found.total - found.confidence,
        fresh=2000,
        trials=40,
    ),
    mutant(
        "other-population",
        "the fresh targets are larger by 1",
        "samples of the population",
        (_PLAIN,),
        fresh_targets=lambda targets: targets + 1.0,
        trials=MUTANT_TRIALS,
    ),
    *wrong_losses(_PLAIN, MUTANT_TRIALS),
    source="docs/generalisation.md, T5-width; the paper's T5 with explicit width and scale",
    families=(SIGNS, LINEAR),
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
    also=(
        "1-Lipschitz in the output",
        "l(y, y) = 0",
        "samples of the population",
        "the tube closes",
        "0 < eta <= 1",
    ),
    shown_elsewhere={"the tube closes": "T5/narrow", "0 < eta <= 1": "T5-tube/step-limit-dropped"},
)

SLACK = (
    SlackRow(
        claim="T5-width",
        quantity="the term 2e, and the factors of g in B",
        remark="no population is known on which they are needed at a width that runs; T5-new and T5-tube show that their parts are. The training term is needed: tests/deep",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T5_WIDTH,)
