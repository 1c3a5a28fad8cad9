"""The conventions by which an implementation may differ from the exact step, those without a parameter, each as a formula.

A formula takes the workings of one network and gives the direction V in ``W' = W - eta V``. S, G, H, r are those of docs/theory.md,
``B = S^T diag(r) X`` is the gradient, F the Fisher matrix ``J^T J``. Each is tried with every multiple ``k n^a m^b d^c eta^e``
(multiples.py), so a mean in place of a sum needs no formula of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from properties.guard.kronecker_conventions import factored
from properties.guard.matrix_conventions import matrices
from properties.guard.remedies import EVERY, TAKE, UPDATED
from properties.guard.workings import Convention, Formula, UndefinedError, Workings
from theory.inputs import FloatArray

EXACT = "the step"
"""The name of the step that is meant."""

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
    changes: dict[str, dict[str, Callable[[Workings], None]]] = {
        "divide the outputs, and so J, by m^(1/2)": {
            "the step of the network without its factor m^(-1/2)": _unscaled,
        },
        "divide the outputs by m^(1/2), as J is": {
            "the step with the outputs, not the Jacobian, without their factor m^(-1/2)": _unscaled_outputs,
        },
        "the residual is r = u - y": {
            "the step with the outputs in place of the residual (the targets left out)": _without_targets,
        },
        "take r = u - y itself": {
            "the step with the signs of the residual (the gradient of the absolute error)": _sign_of_residual,
            "the step with the residual less its mean": _centred_residual,
        },
        "row i of J holds m^(-1/2) a_r x_i where neuron r is active: multiply by signs": {
            "the step without the signs a in the Jacobian": _without_signs,
        },
        "the slope of neuron r is 1 where w_r . x >= 0, else 0": {
            "the step without the activation pattern (the slope of every neuron 1)": _without_pattern,
            "the step with the opposite activation pattern (slope 1 where a neuron is off)": _opposite_pattern,
        },
        EVERY: {
            "the step without the first row (its input and target left out)": _rows(slice(1, None)),
            "the step without the last row (its input and target left out)": _rows(slice(0, -1)),
            "the step with the first half of the rows only": _half,
            "the step with the first half of the rows only, rounded up": _half_rounded_up,
            "the step with every second row only": _rows(slice(0, None, 2)),
            "the step without the first neuron (its parameters left out)": _neuron(0),
            "the step without the last neuron (its parameters left out)": _neuron(-1),
            "the step without the first column of W (its parameters left out)": _column(0),
            "the step without the last column of W (its parameters left out)": _column(-1),
        },
    }
    for remedy, named in changes.items():
        for name, change in named.items():
            # without m^(-1/2) in the outputs alone is, for NGD, m^(1/2) times without it throughout
            scaled = change not in (_unscaled, _unscaled_outputs)
            yield Convention(name, with_data(right, change), remedy, scaled)


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
        yield Convention(f"the step with the {name} not moved", masked(right, *where), EVERY)


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
    yield Convention(EXACT, right, TAKE)
    if damped is not None:
        added = "add the damping that is declared, {damping}: {formula}; or leave --damping out"
        yield Convention("the step without damping", exact(optimiser), added)
    yield from _data(right)
    yield from _masked(right)
    yield from (
        factored()
        if optimiser == "kfac"
        else [Convention("the step of K-FAC, which --optimiser kfac is for", kronecker, _other("kfac", "K-FAC"))]
    )
    step_of = "the step of NGD" if optimiser == "kfac" else "the step"
    if optimiser == "kfac":
        yield Convention(step_of, natural, _other("ngd", "NGD"))
    for convention in matrices():
        name = convention.name
        if optimiser == "kfac" and name.startswith("the step"):
            name = f"{step_of}{name.removeprefix('the step')}"
        yield replace(convention, name=name)
    yield Convention(
        "the update unflattened column by column",
        column_major(right),
        "reshape as numpy does, (m, d) row by row: V.reshape(weights.shape)",
    )
    yield Convention(
        "the update flattened column by column, as its transpose (d, m) is row by row",
        transposed(right),
        "transpose the update (d, m), V.T, in place of reshaping it",
    )
    for name, direction in (
        ("the update itself, not the new weights", lambda w: w.W / w.given.step_size + right(w).reshape(w.W.shape)),
        ("the direction D, not the new weights", lambda w: (w.W - right(w).reshape(w.W.shape)) / w.given.step_size),
    ):
        yield Convention(name, direction, UPDATED, False)


def _other(option: str, name: str) -> str:
    return f"give --optimiser {option} where {name} is meant, else {TAKE}"
