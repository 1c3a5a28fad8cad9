"""What T4 allows on concrete inputs, what T4-sharp proves there, and where a counterexample is known."""

from __future__ import annotations

import numpy as np

from properties.chapters.kfac.kfac_instances import InputNumbers, draw_inputs
from properties.engine.slack import SlackRow
from theory.direction import reduced
from theory.kernels.geometry import InputGeometry
from theory.rigour.input_bounds import input_bounds
from theory.theorems import kfac
from theory.theorems.ngd import contraction_ratio

DATA = (
    ("12 Gaussian inputs in R^4", 12, 4, "uniform"),
    ("6 inputs of equal leverage in R^2", 6, 2, "equal leverage"),
    ("6 inputs in R^3, one leverage score near 1", 6, 3, "one leverage near 1"),
    ("6 inputs in R^3, kappa_X near 10^6", 6, 3, "ill-conditioned"),
)
"""Title, n, d and kind of the inputs, drawn with seed 0."""


def numbers_of(n: int, d: int, kind: str) -> InputNumbers:
    """Leverage scores and eigenvalues of the inputs that a row is about."""
    inputs = draw_inputs(n, d, kind, np.random.default_rng(0))
    return InputNumbers.of(input_bounds(InputGeometry.of(inputs)))


def _beyond(C: float, numbers: InputNumbers) -> float | None:
    """The step of T4-sharp/step-beyond-sharp, where the leverage scores are equal; else none is known."""
    equal = numbers.h_max < numbers.h_min * (1 + 1e-9)
    return 1.01 * kfac.step_limit(C, h_max=numbers.h_max, theorem="T4-sharp") if equal else None


def _step_row(C: float, title: str, n: int, d: int, kind: str) -> SlackRow:
    numbers = numbers_of(n, d, kind)
    refuted = _beyond(C, numbers)
    return SlackRow(
        claim="T4",
        quantity=f"largest step size at C = {C:g}, {title}",
        paper=kfac.step_limit(C, mu_min=numbers.mu_min, theorem="T4"),
        proved=kfac.step_limit(C, h_max=numbers.h_max, theorem="T4-sharp"),
        refuted=refuted,
        witness="T4-sharp/step-beyond-sharp" if refuted is not None else "",
        remark=f"T4-lev: {reduced(kfac.step_limit(C, h_max=numbers.h_max, theorem='T4-lev'), 4)}",
    )


def _rate_row(C: float, title: str, n: int, d: int, kind: str) -> SlackRow:
    """The factor on ||r||^2 (squared) at the largest step of each."""
    numbers = numbers_of(n, d, kind)
    small = kfac.step_limit(C, mu_min=numbers.mu_min, theorem="T4")
    large = kfac.step_limit(C, h_max=numbers.h_max, theorem="T4-sharp")
    equal = _beyond(C, numbers) is not None
    return SlackRow(
        claim="T4",
        quantity=f"factor on ||r||^2 of one step at the largest step size, C = {C:g}, {title}",
        paper=kfac.rate(small, C, mu_max=numbers.mu_max, theorem="T4") ** 2,
        proved=kfac.rate(large, C, h_min=numbers.h_min, h_max=numbers.h_max, theorem="T4-sharp") ** 2,
        refuted=(1 - large * numbers.h_min / contraction_ratio(C / 2)) ** 2 if equal else None,
        witness="T4-sharp/rho-at-half-C" if equal else "",
    )


def _constant_row() -> SlackRow:
    return SlackRow(
        claim="T4",
        quantity="C below which some step size is allowed",
        paper=kfac.constant_limit("T4"),
        proved=kfac.constant_limit("T4-sharp"),
        refuted=None,
        remark="no counterexample is known for C in [1, 3) and small steps",
    )


def _radius_row(C: float) -> SlackRow:
    return SlackRow(
        claim="T4",
        quantity=f"radius of K2's ball, times ||r(0)||/(sigma (h_min mu_min)^{{1/2}}), at C = {C:g}",
        paper=kfac.condition_radius(1.0, 1.0, 1.0, 1.0),
        proved=kfac.radius(C, 1.0, 1.0, 1.0, 1.0),
        refuted=None,
        remark="Condition K2 is needed on the ball of the path only; 3 is the radius of docs/theory.md, the paper's is not quoted",
    )


def _rank_row() -> SlackRow:
    return SlackRow(
        claim="T4",
        quantity="the hypothesis rank X = d",
        paper=None,
        proved=None,
        refuted=None,
        remark="T4-lev and T4-sharp prove T4 without it, mu_min the smallest nonzero eigenvalue: no counterexample exists",
        drops="rank X = d",
    )


SLACK = (
    *(_step_row(0.49, *data) for data in DATA),
    _step_row(0.1, *DATA[1]),
    *(_rate_row(0.49, *data) for data in DATA),
    _constant_row(),
    _radius_row(0.49),
    _rank_row(),
)
