"""T1-sharp-adversary: gradient ascent over Jacobians and residuals against T1-sharp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from flint import arb, arb_mat

from properties.chapters.ngd.adversarial_points import (
    BITS,
    AdversarialPoint,
    Ascent,
    norm,
    sizes,
)
from properties.chapters.ngd.ngd_lemma import lemma
from properties.descent.rule import excess
from properties.descent.strategies import INSIDE
from properties.engine.claim import Bound, Provenance, at_most_enclosed
from properties.engine.formulas import Formulas
from properties.engine.rule import mutant
from properties.engine.slack import SlackRow
from theory.rigour.enclosed_step import solve_enclosed
from theory.rigour.exact import ball_matrix
from theory.rigour.precision import working_precision
from theory.theorems import ngd, ngd_sharp


@dataclass(frozen=True)
class SharpRule(Ascent):
    """T1-sharp, with T1's rate and Lemma S."""

    def conclusion(self, instance: AdversarialPoint) -> Sequence[Bound]:
        """``||r - eta B A^+ r|| <= (1 - eta/rho) ||r||`` with B the mean of the field, in balls; T1's rate; Lemma S."""
        with working_precision(BITS):
            current, eta = ball_matrix(instance.current), arb(instance.eta)
            mean = sum((ball_matrix(jacobian) for jacobian in instance.field[1:]), ball_matrix(instance.field[0]))
            gram = np.array((current * current.transpose()).tolist(), dtype=object)
            residual = ball_matrix(instance.residual)
            solved = solve_enclosed(gram, np.array(residual.entries(), dtype=object))
            direction = current.transpose() * arb_mat([[entry] for entry in solved])
            after = norm(residual - mean * direction * (eta / len(instance.field)))
            before, C = norm(residual), arb(instance.stability) * 3
            factor = self.factor(eta, C)
            bounds = [at_most_enclosed("||r(k+1)|| <= (1 - eta/rho) ||r(k)||", after, factor * before)]
            if instance.eta <= INSIDE * ngd.step_limit(3 * instance.stability, "T1-sharp"):
                bounds.append(at_most_enclosed("||r(k+1)||^2 <= (1-eta) ||r(k)||^2", after**2, (1 - eta) * before**2))
            # Small steps and a single output come close to 1 trivially; the search aims at the allowed excess instead.
            aim = excess(instance.eta, float(factor), float(before), float(after)) if len(gram) > 1 else math.nan
            bounds = [*bounds, lemma(self, instance)]
            return [replace(bound, aim=aim if k == 0 else math.nan) for k, bound in enumerate(bounds)]

    def features(self, instance: AdversarialPoint) -> Sequence[str]:
        """The size of the problem, and how much of the excess over 1 - eta that T1-sharp allows the step uses."""
        n, p = instance.current.shape
        eta, before = instance.eta, float(np.linalg.norm(instance.residual))
        direction = np.linalg.lstsq(instance.current, instance.residual)[0]
        after = float(np.linalg.norm(instance.residual - eta * np.mean(instance.field, axis=0) @ direction))
        used = excess(eta, ngd.rate(eta, 3 * instance.stability), before, after)
        wide = "n >= 2 and p > n" if n > 1 and p > n else "n = 1 or p = n"
        return [*sizes(instance), *(f"{wide}: {share} of the allowed excess" for share in (0.9, 0.99) if used > share)]


def overshooting_limit(C: float) -> float:
    """``(1-c^2)/(1+c^2)``: beyond it a step from slope 1-c over slope 1+c leaves more than ``1 - eta/rho``."""
    c = C / 3
    return (1 - c**2) / (1 + c**2)


RULE = SharpRule()
"""The numbers as stated."""

T1_SHARP_ADVERSARY = RULE.claim(
    "T1-sharp-adversary",
    "gradient ascent over J(0), J(k), the Jacobians on the segment and r(k), n <= 8 outputs and up to 40 parameters, "
    "finds no NGD step with ||r(k+1)|| > (1 - eta/rho) ||r(k)||, eta <= (1+c)(1-3c)/(1-2c-c^2)",
    Provenance.DERIVED,
    mutant("condition-1-weakened", "sigma_min(J0) >= 0.9 only", "sigma_min(J0) >= 1", shrunk=0.9),
    mutant("condition-2-weakened", "||J - J0||_2 <= 1.1 c", "||J - J0||_2 <= c", widened=1.1),
    mutant("rho-denominator", "the factor 1 - eta/(1+c)", factor=lambda eta, C: 1 - eta / (1 + C / 3)),
    mutant("rho-numerator", "the factor 1 - eta (1-c)", factor=lambda eta, C: 1 - eta * (1 - C / 3)),
    mutant(
        "step-limit-beyond",
        "eta up to 1.1 (1-c^2)/(1+c^2)",
        "step size within its limit",
        step_limit=lambda C: 1.1 * overshooting_limit(C),
        slope=-1.0,
    ),
    source="docs/theory.md, T1-sharp",
    families=(RULE.family("worst"), RULE.family("random")),
    formulas=Formulas(
        hypotheses=(
            "gradient ascent over $J(0)$, $J(k)$, the Jacobians on the segment and $r(k)$",
            r"$n\le 8$ outputs and up to 40 parameters",
            r"$\eta\le\dfrac{(1+c)(1-3c)}{1-2c-c^2}$",
        ),
        conclusion=(r"It finds no NGD step with $\norm{r(k+1)}>\left(1-\dfrac{\eta}{\rho}\right)\norm{r(k)}$.",),
        constants=(r"$c=\dfrac{C}{3}$", r"$\rho=\dfrac{1+c}{1-c}$"),
    ),
    also=("sigma_min(J0) >= 1", "||J - J0||_2 <= c", "step size within its limit"),
)

CLAIMS = (T1_SHARP_ADVERSARY,)


def _step_slack(C: float) -> SlackRow:
    return SlackRow(
        "T1-sharp",
        f"largest step size with the paper's rate ||r(k)||^2 <= (1-eta)^k ||r(0)||^2, C = {C}",
        ngd.step_limit(C, "T1"),
        ngd.step_limit(C, "T1-sharp"),
        1.01 * ngd.step_limit(C, "T1-sharp"),
        "T1-sharp/step-beyond-sharp",
        "T1-tight's spike map breaks the rate at every larger step",
    )


def _factor_slack(C: float) -> SlackRow:
    return SlackRow(
        "T1-sharp-adversary",
        f"largest step size with the factor 1 - eta/rho, C = {C}",
        None,
        ngd_sharp.factor_limit(C),
        overshooting_limit(C),
        "T1-sharp-adversary/step-limit-beyond",
        "beyond the counterexample's value a step from slope 1-c over slope 1+c goes too far",
    )


SLACK = (*(_step_slack(C) for C in (0.1, 0.49)), *(_factor_slack(C) for C in (0.1, 0.49, 0.9)))
