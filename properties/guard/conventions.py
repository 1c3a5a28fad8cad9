"""The conventions by which an implementation may differ from the exact step, those without a parameter, each as a formula.

A formula takes the workings of one network and gives the direction V in ``W' = W - eta V``. S, G, H, r are those of docs/theory.md,
``B = S^T diag(r) X`` is the gradient, F the Fisher matrix ``J^T J``. Each is tried with every multiple ``k n^a m^b d^c eta^e``
(multiples.py), so a mean in place of a sum needs no formula of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from properties.guard.kronecker_conventions import factored
from properties.guard.workings import Convention, Formula, UndefinedError, Workings, divided
from theory.inputs import FloatArray

# --- the two optimisers ----------------------------------------------------------------------------------------------


def natural(w: Workings) -> FloatArray:
    """``J^+ r``, by ``J^T G^{-1} r``."""
    return (w.J.T @ (w.inverse(w.J @ w.J.T) @ w.r)).reshape(w.m, w.d)


def kronecker(w: Workings) -> FloatArray:
    """``(S^T S)^+ B (X^T X)^+``."""
    return np.asarray(w.inverse(w.S.T @ w.S) @ w.B @ w.inverse(w.X.T @ w.X))


def exact(optimiser: str) -> Formula:
    """The step of the optimiser."""
    return kronecker if optimiser == "kfac" else natural


# --- other data for the same step ------------------------------------------------------------------------------------


def with_data(right: Formula, change: Callable[[Workings], None]) -> Formula:
    """The step with other features, inputs or residuals, wherever they occur."""

    def formula(w: Workings) -> FloatArray:
        change(w)
        return right(w)

    return formula


def _pattern(w: Workings) -> FloatArray:
    return np.asarray(w.S != 0, dtype=np.float64)


def _unscaled(w: Workings) -> None:
    root = np.sqrt(w.m)
    w.S, w.u, w.r = w.S * root, w.u * root, w.u * root - w.y


def _unscaled_outputs(w: Workings) -> None:
    w.r = w.u * np.sqrt(w.m) - w.y


def _without_targets(w: Workings) -> None:
    w.r = w.u


def _sign_of_residual(w: Workings) -> None:
    w.r = np.sign(w.r)


def _centred_residual(w: Workings) -> None:
    w.r = w.r - w.r.mean()


def _without_signs(w: Workings) -> None:
    w.S = np.abs(w.S)


def _without_pattern(w: Workings) -> None:
    w.S = np.broadcast_to(w.signs / np.sqrt(w.m), w.S.shape).copy()


def _opposite_pattern(w: Workings) -> None:
    w.S = (1 - _pattern(w)) * w.signs / np.sqrt(w.m)


def _rows(keep: slice) -> Callable[[Workings], None]:
    def change(w: Workings) -> None:
        if not len(w.r[keep]):
            raise UndefinedError
        w.S, w.X, w.r = w.S[keep], w.X[keep], w.r[keep]

    return change


def _half(w: Workings) -> None:
    if w.n < 3:  # of two rows the first half is all but the last
        raise UndefinedError
    _rows(slice(0, w.n // 2))(w)


def _half_rounded_up(w: Workings) -> None:
    if w.n % 2 == 0:
        raise UndefinedError
    _rows(slice(0, (w.n + 1) // 2))(w)


def _neuron(index: int) -> Callable[[Workings], None]:
    def change(w: Workings) -> None:
        w.S = w.S.copy()
        w.S[:, index] = 0

    return change


def _column(index: int) -> Callable[[Workings], None]:
    def change(w: Workings) -> None:
        w.X = w.X.copy()
        w.X[:, index] = 0

    return change


def _data(right: Formula) -> Iterator[Convention]:
    changes = {
        "the step of the network without its factor m^(-1/2)": _unscaled,
        "the step with the outputs, not the Jacobian, without their factor m^(-1/2)": _unscaled_outputs,
        "the step with the outputs in place of the residual (the targets left out)": _without_targets,
        "the step with the signs of the residual (the gradient of the absolute error)": _sign_of_residual,
        "the step with the residual less its mean": _centred_residual,
        "the step without the signs a in the Jacobian": _without_signs,
        "the step without the activation pattern (the slope of every neuron 1)": _without_pattern,
        "the step with the opposite activation pattern (slope 1 where a neuron is off)": _opposite_pattern,
        "the step without the first row (its input and target left out)": _rows(slice(1, None)),
        "the step without the last row (its input and target left out)": _rows(slice(0, -1)),
        "the step with the first half of the rows only": _half,
        "the step with the first half of the rows only, rounded up": _half_rounded_up,
        "the step with every second row only": _rows(slice(0, None, 2)),
        "the step without the first neuron (its parameters left out)": _neuron(0),
        "the step without the last neuron (its parameters left out)": _neuron(-1),
        "the step without the first column of W (its parameters left out)": _column(0),
        "the step without the last column of W (its parameters left out)": _column(-1),
    }
    for name, change in changes.items():
        # without m^(-1/2) in the outputs alone is, for NGD, m^(1/2) times without it throughout
        yield Convention(name, with_data(right, change), change not in (_unscaled, _unscaled_outputs))


def masked(right: Formula, *where: int | slice) -> Formula:
    """The step, of which some entries are not taken."""

    def formula(w: Workings) -> FloatArray:
        direction = right(w).reshape(w.m, w.d).copy()
        direction[where] = 0
        return direction

    return formula


def _masked(right: Formula) -> Iterator[Convention]:
    everything = slice(None)
    places: dict[str, tuple[int | slice, ...]] = {
        "first neuron": (0,),
        "last neuron": (-1,),
        "first column of W": (everything, 0),
        "last column of W": (everything, -1),
        "first parameter": (0, 0),
        "last parameter": (-1, -1),
    }
    for name, where in places.items():
        yield Convention(f"the step with the {name} not moved", masked(right, *where))


def _without_parameter(index: int) -> Formula:
    def formula(w: Workings) -> FloatArray:
        J = w.J.copy()
        J[:, index] = 0
        return w.least_norm(J, w.r)

    return formula


# --- other matrices --------------------------------------------------------------------------------------------------


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


def _matrices() -> Iterator[Convention]:
    formulas: dict[str, Formula] = {
        "the step with the empirical Fisher matrix (sum of r_i^2 J_i J_i^T, the gradients of the loss)": empirical,
        "the step with the covariance of the gradients (the empirical Fisher matrix, centred)": covariance,
        "the step with the outer product of the mean gradient for Fisher matrix": outer_product,
        "the step with the square of the mean gradient, entry by entry, for Fisher matrix": lambda w: divided(
            w.g, w.g**2
        ),
        "the signs of the gradient (divided by the root of its square)": lambda w: np.sign(w.g),
        "the step with the diagonal of the Fisher matrix": lambda w: divided(w.g, diagonal_fisher(w)),
        "the step with the diagonal of the empirical Fisher matrix": lambda w: divided(w.g, diagonal_empirical(w)),
        "the step with the root of the diagonal of the Fisher matrix": lambda w: divided(
            w.g, np.sqrt(diagonal_fisher(w))
        ),
        "the step with the root of the diagonal of the empirical Fisher matrix": lambda w: divided(
            w.g, np.sqrt(diagonal_empirical(w))
        ),
        "the step with the block-diagonal Fisher matrix, a block a neuron": blocks(True),
        "the step with the block-diagonal Fisher matrix, a block a column of W": blocks(False),
        "the step with the centred Jacobian (less its mean over the inputs) in the Fisher matrix": centred(False),
        "the step with the centred Jacobian (less its mean over the inputs) throughout": centred(True),
        "the step with the diagonal of G (each input's own step, summed)": in_place_of_gram(
            lambda w: np.diag((w.J**2).sum(axis=1))
        ),
        "the step with X X^T in place of G": in_place_of_gram(lambda w: w.X @ w.X.T),
        "the step with S S^T in place of G": in_place_of_gram(lambda w: w.S @ w.S.T),
        "the step with a bias in the Fisher matrix (X X^T + 1 in G)": in_place_of_gram(with_bias),
        "the step with the output layer's parameters in the Fisher matrix": in_place_of_gram(with_output_layer),
        "the step with the root of the inverse Fisher matrix": fisher_power(-0.5),
        "the step with the inverse Fisher matrix applied twice": fisher_power(-2.0),
        "the step with the Fisher matrix in place of its inverse": fisher_power(1.0),
        "the step without the first parameter": _without_parameter(0),
        "the step without the last parameter": _without_parameter(-1),
    }
    for name, formula in formulas.items():
        yield Convention(name, formula)
    yield Convention("the gradient step (plain gradient descent)", gradient)


# --- all -------------------------------------------------------------------------------------------------------------


def column_major(formula: Formula) -> Formula:
    """The update, as a vector in row-major order, unflattened column by column."""
    return lambda w: formula(w).ravel().reshape((w.m, w.d), order="F")


def transposed(formula: Formula) -> Formula:
    """The update (d, m), as a vector in row-major order, unflattened row by row."""
    return lambda w: formula(w).reshape((w.m, w.d)).T.reshape((w.m, w.d))


def conventions(optimiser: str, damped: Formula | None = None) -> Iterator[Convention]:
    """Every convention without a parameter, the step that is meant first: it is what the multiples are of.

    ``damped`` is that step where damping is meant.
    """
    right = exact(optimiser) if damped is None else damped
    yield Convention("the step", right)
    if damped is not None:
        yield Convention("the step without damping", exact(optimiser))
    yield from _data(right)
    yield from _masked(right)
    yield from (
        factored()
        if optimiser == "kfac"
        else [Convention("the step of K-FAC, which --optimiser kfac is for", kronecker)]
    )
    step_of = "the step of NGD" if optimiser == "kfac" else "the step"
    if optimiser == "kfac":
        yield Convention(step_of, natural)
    for convention in _matrices():
        name = convention.name
        if optimiser == "kfac" and name.startswith("the step"):
            name = f"{step_of}{name.removeprefix('the step')}"
        yield Convention(name, convention.formula)
    yield Convention("the update unflattened column by column", column_major(right))
    yield Convention("the update flattened column by column, as its transpose (d, m) is row by row", transposed(right))
    for name, direction in (
        ("the update itself, not the new weights", lambda w: w.W / w.given.step_size + right(w).reshape(w.W.shape)),
        ("the direction D, not the new weights", lambda w: (w.W - right(w).reshape(w.W.shape)) / w.given.step_size),
    ):
        yield Convention(name, direction, False)
