"""Conventions of K-FAC's two factors ``S^T S`` and ``X^T X``: which of them, in which order, from what, in which basis."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from properties.guard.remedies import EKFAC, FACTORS, ORDER, OUTER, OUTPUTS, POWER, UNCENTRED, WEIGHTS, WHOLE
from properties.guard.workings import Convention, Formula, UndefinedError, Workings, divided
from theory.inputs import FloatArray

Factor = Callable[[Workings], FloatArray]
"""A symmetric matrix that stands for one of the factors."""

CLOSE = 1e-6
"""Eigenvalues nearer than this share of the largest have no eigenvectors of their own."""


def features(w: Workings) -> FloatArray:
    """``S^T S``."""
    return w.S.T @ w.S


def inputs(w: Workings) -> FloatArray:
    """``X^T X``."""
    return w.X.T @ w.X


def empirical_features(w: Workings) -> FloatArray:
    """``S^T diag(r)^2 S``: from the gradients of the loss."""
    scaled = w.r[:, None] * w.S
    return scaled.T @ scaled


def factors(left: Factor = features, right: Factor = inputs, powers: tuple[float, float] = (-1.0, -1.0)) -> Formula:
    """``L^p B R^q``."""
    return lambda w: w.power(left(w), powers[0]) @ w.B @ w.power(right(w), powers[1])


def diagonal_part(factor: Factor) -> Factor:
    """The diagonal of a factor."""
    return lambda w: np.diag(np.diag(factor(w)))


def _centred_features(w: Workings) -> FloatArray:
    S = w.S - w.S.mean(axis=0)
    return np.asarray(S.T @ S)


def _centred_inputs(w: Workings) -> FloatArray:
    X = w.X - w.X.mean(axis=0)
    return np.asarray(X.T @ X)


def _outer_features(w: Workings) -> FloatArray:
    total = (w.r[:, None] * w.S).sum(axis=0)
    return np.outer(total, total)


def _mean_inputs(w: Workings) -> FloatArray:
    total = w.X.sum(axis=0)
    return np.outer(total, total)


def _swapped(w: Workings) -> FloatArray:
    """``((X^T X)^+ (x) (S^T S)^+) vec(B)``."""
    block = w.B.ravel().reshape(w.d, w.m)
    moved: FloatArray = w.inverse(inputs(w)) @ block @ w.inverse(features(w))
    return moved.reshape(w.m, w.d)


def _residual_right(w: Workings) -> FloatArray:
    """``S^T diag(r) H^{-1} X (X^T X)^+``."""
    moved: FloatArray = w.S.T @ (w.r[:, None] * (w.inverse(w.S @ w.S.T) @ w.X)) @ w.inverse(inputs(w))
    return moved


def _with_bias(w: Workings) -> FloatArray:
    """``(S^T S)^+ B R``, R the block of the weights in the pseudo-inverse of the factor of ``(x, 1)``."""
    X = np.column_stack([w.X, np.ones(w.n)])
    return w.inverse(features(w)) @ w.B @ w.inverse(X.T @ X)[: w.d, : w.d]


def eigenbasis(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues and eigenvectors of the range of a factor. Raises UndefinedError where they are not unique."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9 * values[-1]
    if (np.diff(values[kept]) < CLOSE * values[-1]).any():
        raise UndefinedError
    return values[kept], vectors[:, kept]


def scalings(w: Workings, left: FloatArray, right: FloatArray, empirical_: bool) -> FloatArray:
    """EKFAC's eigenvalues: the sum over the inputs of the squares of the Jacobian's, or gradient's, coordinates."""
    squares = ((w.S @ left) ** 2)[:, :, None] * ((w.X @ right) ** 2)[:, None, :]
    weights = w.r**2 if empirical_ else np.ones(w.n)
    return np.asarray(np.einsum("i,ijk->jk", weights, squares), dtype=np.float64)


def eigen(empirical_: bool) -> Formula:
    """EKFAC: the gradient in the factors' eigenbasis, divided by the scalings."""

    def formula(w: Workings) -> FloatArray:
        left, right = eigenbasis(features(w))[1], eigenbasis(inputs(w))[1]
        below = scalings(w, left, right, empirical_)
        w.number = max(w.number, float(below.max() / below.min()))
        return np.asarray(left @ divided(left.T @ w.B @ right, below) @ right.T, dtype=np.float64)

    return formula


def _left_alone(w: Workings) -> FloatArray:
    return w.inverse(features(w)) @ w.B


def _right_alone(w: Workings) -> FloatArray:
    return w.B @ w.inverse(inputs(w))


def factored() -> Iterator[Convention]:
    """The conventions."""
    formulas: tuple[tuple[str, dict[str, Formula]], ...] = (
        (
            OUTPUTS,
            {
                "the step with the empirical feature factor (S^T diag(r)^2 S, from the gradients of the loss)": factors(
                    empirical_features
                ),
            },
        ),
        (
            OUTER,
            {
                "the step with the outer product of the summed gradient for feature factor": factors(_outer_features),
                "the step with the outer product of the mean input for input factor": factors(features, _mean_inputs),
            },
        ),
        (EKFAC, {"the step of EKFAC (the Fisher matrix's diagonal in K-FAC's eigenbasis)": eigen(False)}),
        (OUTPUTS, {"the step of EKFAC with the empirical Fisher matrix": eigen(True)}),
        (
            ORDER,
            {
                "the Kronecker factors in the other order (transposed)": _swapped,
                "diag(r) on the other side of H^(-1)": _residual_right,
            },
        ),
        (
            FACTORS,
            {
                "X in place of X (X^T X)^+ (the input factor left out)": _left_alone,
                "S^T in place of S^+ (the feature factor left out)": _right_alone,
            },
        ),
        (
            WHOLE,
            {
                "the step with the diagonals of both factors": factors(diagonal_part(features), diagonal_part(inputs)),
                "the step with the diagonal of the feature factor": factors(diagonal_part(features)),
                "the step with the diagonal of the input factor": factors(features, diagonal_part(inputs)),
            },
        ),
        (
            UNCENTRED,
            {
                "the step with the centred input factor (X less its mean)": factors(features, _centred_inputs),
                "the step with the centred feature factor (S less its mean)": factors(_centred_features),
                "the step with both factors centred": factors(_centred_features, _centred_inputs),
            },
        ),
        (WEIGHTS, {"the step with a bias in the input factor": _with_bias}),
        (
            POWER,
            {
                "the step with the roots of both inverse factors": factors(powers=(-0.5, -0.5)),
                "the step with the root of the inverse feature factor": factors(powers=(-0.5, -1.0)),
                "the step with the root of the inverse input factor": factors(powers=(-1.0, -0.5)),
                "the step with the inverse feature factor applied twice": factors(powers=(-2.0, -1.0)),
                "the step with the inverse input factor applied twice": factors(powers=(-1.0, -2.0)),
                "the step with both factors in place of their inverses": factors(powers=(1.0, 1.0)),
            },
        ),
    )
    for remedy, named in formulas:
        for name, formula in named.items():
            yield Convention(name, formula, remedy)
