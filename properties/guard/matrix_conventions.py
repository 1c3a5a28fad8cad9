"""Conventions of the matrix that is inverted: another one in place of the Fisher matrix or of G, a part of it, another power of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from properties.guard.remedies import EVERY, GRADIENT, OUTPUTS, POWER, UNCENTRED, WEIGHTS, WHOLE
from properties.guard.workings import Convention, Formula, Workings, divided
from theory.inputs import FloatArray


def fisher_power(exponent: float) -> Formula:
    """``F^exponent B``."""

    def formula(w: Workings) -> FloatArray:  # F^p J^T r = J^T G^p r
        return w.J.T @ (w.power(w.J @ w.J.T, exponent) @ w.r)

    return formula


def empirical(w: Workings) -> FloatArray:
    """``F_e^+ B``, ``F_e = sum_i r_i^2 J_i J_i^T``."""
    A = w.r[:, None] * w.J
    return w.inverse(A.T @ A) @ w.g


def covariance(w: Workings) -> FloatArray:
    """``C^+ B``, C the sum of ``(g_i - mean)(g_i - mean)^T``, ``g_i = r_i J_i``."""
    A = w.r[:, None] * w.J
    A = A - A.mean(axis=0)
    return w.inverse(A.T @ A) @ w.g


def outer_product(w: Workings) -> FloatArray:
    """``(B B^T)^+ B``, B as a vector."""
    return w.g / (w.g @ w.g)


def diagonal_fisher(w: Workings) -> FloatArray:
    """``diag(F)``."""
    return np.asarray((w.J**2).sum(axis=0), dtype=np.float64)


def diagonal_empirical(w: Workings) -> FloatArray:
    """``diag(F_e)``."""
    return np.asarray(((w.r[:, None] * w.J) ** 2).sum(axis=0), dtype=np.float64)


def over(matrix: Callable[[Workings], FloatArray], of: Callable[[FloatArray], FloatArray] = np.asarray) -> Formula:
    """``B / f(v)``, entry by entry."""
    return lambda w: divided(w.g, of(matrix(w)))


def blocks(by_neuron: bool) -> Formula:
    """``F^+ B`` with the blocks of F alone: those of a neuron's d parameters, or those of a column's m."""

    def formula(w: Workings) -> FloatArray:
        J = w.J.reshape(w.n, w.m, w.d)
        J = J if by_neuron else J.transpose(0, 2, 1)
        B = w.B if by_neuron else w.B.T
        found = np.zeros_like(B)
        for index in range(len(B)):
            part = J[:, index]
            if part.any():
                found[index] = w.inverse(part.T @ part) @ B[index]
        return found if by_neuron else found.T

    return formula


def centred(both: bool) -> Formula:
    """``(Jc^T Jc)^+ J^T r``, Jc without its mean over the inputs; with both, ``Jc^+ r``."""

    def formula(w: Workings) -> FloatArray:
        Jc = w.J - w.J.mean(axis=0)
        return w.least_norm(Jc, w.r) if both else w.inverse(Jc.T @ Jc) @ w.g

    return formula


def in_place_of_gram(matrix: Callable[[Workings], FloatArray]) -> Formula:
    """``J^T M^{-1} r``."""
    return lambda w: w.J.T @ (w.inverse(matrix(w)) @ w.r)


def with_bias(w: Workings) -> FloatArray:
    """G of the network with a trained bias in every neuron."""
    return (w.X @ w.X.T + 1) * (w.S @ w.S.T)


def with_output_layer(w: Workings) -> FloatArray:
    """G of the network whose signs are trained as well."""
    hidden: FloatArray = np.maximum(w.X @ w.W.T, 0) / np.sqrt(w.m)
    return w.J @ w.J.T + hidden @ hidden.T


def gradient(w: Workings) -> FloatArray:
    """B."""
    return w.B


def _without_parameter(index: int) -> Formula:
    def formula(w: Workings) -> FloatArray:
        J = w.J.copy()
        J[:, index] = 0
        return w.least_norm(J, w.r)

    return formula


def matrices() -> Iterator[Convention]:
    """The conventions."""
    formulas: tuple[tuple[str, dict[str, Formula]], ...] = (
        (
            OUTPUTS,
            {
                "the step with the empirical Fisher matrix (sum of r_i^2 J_i J_i^T, the gradients of the loss)": empirical,
                "the step with the covariance of the gradients (the empirical Fisher matrix, centred)": covariance,
                "the step with the outer product of the mean gradient for Fisher matrix": outer_product,
                "the step with the square of the mean gradient, entry by entry, for Fisher matrix": lambda w: divided(
                    w.g, w.g**2
                ),
            },
        ),
        (GRADIENT, {"the signs of the gradient (divided by the root of its square)": lambda w: np.sign(w.g)}),
        (WHOLE, {"the step with the diagonal of the Fisher matrix": over(diagonal_fisher)}),
        (OUTPUTS, {"the step with the diagonal of the empirical Fisher matrix": over(diagonal_empirical)}),
        (WHOLE, {"the step with the root of the diagonal of the Fisher matrix": over(diagonal_fisher, np.sqrt)}),
        (
            OUTPUTS,
            {
                "the step with the root of the diagonal of the empirical Fisher matrix": over(
                    diagonal_empirical, np.sqrt
                )
            },
        ),
        (
            WHOLE,
            {
                "the step with the block-diagonal Fisher matrix, a block a neuron": blocks(True),
                "the step with the block-diagonal Fisher matrix, a block a column of W": blocks(False),
            },
        ),
        (
            UNCENTRED,
            {
                "the step with the centred Jacobian (less its mean over the inputs) in the Fisher matrix": centred(
                    False
                ),
                "the step with the centred Jacobian (less its mean over the inputs) throughout": centred(True),
            },
        ),
        (
            WHOLE,
            {
                "the step with the diagonal of G (each input's own step, summed)": in_place_of_gram(
                    lambda w: np.diag((w.J**2).sum(axis=1))
                ),
                "the step with X X^T in place of G": in_place_of_gram(lambda w: w.X @ w.X.T),
                "the step with S S^T in place of G": in_place_of_gram(lambda w: w.S @ w.S.T),
            },
        ),
        (
            WEIGHTS,
            {
                "the step with a bias in the Fisher matrix (X X^T + 1 in G)": in_place_of_gram(with_bias),
                "the step with the output layer's parameters in the Fisher matrix": in_place_of_gram(with_output_layer),
            },
        ),
        (
            POWER,
            {
                "the step with the root of the inverse Fisher matrix": fisher_power(-0.5),
                "the step with the inverse Fisher matrix applied twice": fisher_power(-2.0),
                "the step with the Fisher matrix in place of its inverse": fisher_power(1.0),
            },
        ),
        (
            EVERY,
            {
                "the step without the first parameter": _without_parameter(0),
                "the step without the last parameter": _without_parameter(-1),
            },
        ),
        (GRADIENT, {"the gradient step (plain gradient descent)": gradient}),
    )
    for remedy, named in formulas:
        for name, formula in named.items():
            yield Convention(name, formula, remedy)
