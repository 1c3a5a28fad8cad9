"""What a factor ``k n^a m^b d^c eta^e`` on the exact step may come from, and what to change then."""

from __future__ import annotations

from dataclasses import dataclass

from properties.guard.multiples import Multiple
from properties.guard.remedies import SUMMED

Sizes = tuple[float, float, float, float, float]
"""k, a, b, c and e."""


@dataclass(frozen=True)
class Reading:
    """What a factor on the exact step may come from."""

    said: str
    way: str
    """What to change."""


QUARTER = Reading("a quarter of the step size", "pass step_size on as it is given")

COMMON: dict[Sizes, tuple[Reading, ...]] = {
    (-1, 0, 0, 0, 0): (Reading("the opposite sign", "subtract: W' = W - eta V, with r = u - y"),),
    (2, 0, 0, 0, 0): (
        Reading("the loss without its 1/2 in the gradient alone", "the gradient is J^T r, that of ||u - y||^2 / 2"),
        Reading("a Fisher matrix of half its size", "the Fisher matrix is J^T J, without 1/2"),
    ),
    (0.5, 0, 0, 0, 0): (
        Reading(
            "a curvature of twice the Fisher matrix, that of the loss without its 1/2",
            "the curvature is J^T J, that of ||u - y||^2 / 2",
        ),
        Reading("half the step size", "pass step_size on as it is given"),
    ),
    (1, -1, 0, 0, 0): (
        Reading("the gradient of the mean loss with the Fisher matrix of the sum", f"in the gradient {SUMMED}: J^T r"),
        Reading("the step size divided by n", "pass step_size on as it is given, not step_size / n"),
    ),
    (2, -1, 0, 0, 0): (
        Reading(
            "the gradient of the mean squared error with the Fisher matrix of the sum",
            f"in the gradient {SUMMED}: J^T r, that of ||u - y||^2 / 2",
        ),
    ),
    (0.5, 1, 0, 0, 0): (
        Reading(
            "the curvature of the mean squared error with the gradient of half the sum",
            f"in the curvature {SUMMED}: J^T J",
        ),
    ),
    (1, -0.5, 0, 0, 0): (
        Reading(
            "1/n in J J^T alone, as n^(-1/2) in J, with the gradient of the mean loss",
            f"in the gradient and in J {SUMMED}",
        ),
    ),
    (1, 0.5, 0, 0, 0): (Reading("n^(-1/2) in J, with the gradient of the sum", "leave n^(-1/2) out of J"),),
    (1, 0, -0.5, 0, 0): (Reading("m^(-1/2) missing in J, not in the outputs", "put m^(-1/2) into J too"),),
    (1, 0, 0.5, 0, 0): (
        Reading("m^(-1/2) twice in J", "put m^(-1/2) into J once"),
        Reading("m^(-1/2) missing in the gradient alone", "put m^(-1/2) into the gradient too"),
    ),
    (1, 0, -1, 0, 0): (
        Reading("m^(-1/2) missing in the Fisher matrix alone", "put m^(-1/2) into the Fisher matrix's J too"),
        Reading(
            "the mean over the neurons in the gradient",
            "in the gradient take the sum over the neurons, with m^(-1/2) in J",
        ),
    ),
    (1, 0, 1, 0, 0): (
        Reading("1/m once more in the Fisher matrix", "J^T J has the factor 1/m once"),
        Reading(
            "the mean over the neurons in the Fisher matrix",
            "in the Fisher matrix take the sum over the neurons, with m^(-1/2) in J",
        ),
    ),
    (1, 0, 0, -1, 0): (
        Reading(
            "the mean over the dimensions in the gradient", "in the gradient take the sum over the dimensions, no 1/d"
        ),
    ),
    (1, 0, 0, 1, 0): (
        Reading(
            "the mean over the dimensions in the Fisher matrix or in one factor",
            "in the curvature take the sum over the dimensions, no 1/d",
        ),
    ),
    (1, -1, 0, -1, 0): (
        Reading(
            "the mean over the entries of X in the gradient",
            "in the gradient take the sum over the entries of X, no 1/(n d)",
        ),
    ),
    (1, 1, 0, 1, 0): (
        Reading(
            "the mean over the entries of X in the Fisher matrix or in one factor",
            "in the curvature take the sum over the entries of X, no 1/(n d)",
        ),
    ),
    (1, 0, -1, -1, 0): (
        Reading(
            "the mean over the parameters in the gradient",
            "in the gradient take the sum over the parameters, no 1/(m d)",
        ),
    ),
    (1, 0, 1, 1, 0): (
        Reading(
            "the mean over the parameters in the Fisher matrix",
            "in the Fisher matrix take the sum over the parameters, no 1/(m d)",
        ),
    ),
    (1, 0, 0, 0, 1): (Reading("the step size applied twice", "multiply the direction by step_size once"),),
    (1, 0, 0, 0, -1): (Reading("the step size ignored", "multiply the direction by step_size"),),
}

OF_NGD: dict[Sizes, tuple[Reading, ...]] = {
    (1, 1, 0, 0, 0): (
        Reading("the mean in the Fisher matrix with the gradient of the sum", f"in the Fisher matrix {SUMMED}: J^T J"),
    ),
    (1, 2, 0, 0, 0): (
        Reading("1/n twice in the Fisher matrix", f"in the Fisher matrix {SUMMED}, neither in J nor in J^T J"),
    ),
    (0.25, 0, 0, 0, 0): (
        Reading("a curvature of four times the Fisher matrix", "the Fisher matrix is J^T J, without 4"),
        QUARTER,
    ),
    (4, 0, 0, 0, 0): (
        Reading("a curvature of a quarter of the Fisher matrix", "the Fisher matrix is J^T J, without 1/4"),
    ),
}

OF_KFAC: dict[Sizes, tuple[Reading, ...]] = {
    (1, 1, 0, 0, 0): (
        Reading("the mean in one factor with the gradient of the sum", f"in both factors {SUMMED}: S^T S and X^T X"),
        Reading("the mean in both factors and the gradient", f"in the factors and the gradient {SUMMED}"),
    ),
    (1, 2, 0, 0, 0): (
        Reading("the mean in both factors with the gradient of the sum", f"in both factors {SUMMED}: S^T S and X^T X"),
    ),
    (0.25, 0, 0, 0, 0): (
        Reading("twice the curvature in both factors", "the factors are S^T S and X^T X, without 2"),
        QUARTER,
    ),
    (4, 0, 0, 0, 0): (
        Reading("half of the curvature in both factors", "the factors are S^T S and X^T X, without 1/2"),
    ),
}


def readings(multiple: Multiple, optimiser: str) -> tuple[Reading, ...]:
    """What such a factor on the exact step is known to come from: everything that fits."""
    key = (multiple.k, *multiple.exponents)
    own = OF_KFAC if optimiser == "kfac" else OF_NGD
    return (*COMMON.get(key, ()), *own.get(key, ()))
