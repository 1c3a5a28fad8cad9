"""Wrong steps that are right on well-conditioned networks: what their matrices are near to being singular, singular, or large in float32 for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from properties.guard import controls
from properties.guard.controls import ArrayStep, Dense
from properties.guard.wrong_steps import WrongSteps, right_step
from theory.inputs import FloatArray


def absolute(cut_off: float, optimiser: str) -> ArrayStep:
    """The step with the eigenvalues of G, or of H and of ``X^T X``, cut off below an absolute size."""

    def inverted(matrix: FloatArray) -> FloatArray:
        values, vectors = np.linalg.eigh(matrix)
        kept = values > cut_off
        return np.asarray((vectors[:, kept] / values[kept]) @ vectors[:, kept].T, dtype=np.float64)

    def direction(net: Dense) -> FloatArray:
        S, X, r = net.features, net.inputs, net.residual[:, None]
        if optimiser == "kfac":
            return np.asarray(S.T @ inverted(S @ S.T) @ (r * X) @ inverted(X.T @ X), dtype=np.float64)
        return np.asarray(S.T @ (inverted((S @ S.T) * (X @ X.T)) @ r * X), dtype=np.float64)

    return controls.stepping(direction)


def single(optimiser: str, moves: Callable[[Dense], bool]) -> ArrayStep:
    """The step in float32 and returned as such, where it moves at all."""

    def solver(matrix: FloatArray, right: FloatArray) -> FloatArray:
        found = np.linalg.solve(matrix.astype(np.float32), right.astype(np.float32))
        return np.asarray(found, dtype=np.float64)

    inner = controls.stepping(controls.gram_solve(optimiser, solver))

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> Any:
        moved = inner(weights, signs, X, y, step_size) if moves(Dense(weights, signs, X, y)) else weights
        return moved.astype(np.float32)

    return step


def deficient(net: Dense, optimiser: str) -> bool:
    """Whether G, or H, is singular to rounding."""
    H = net.features @ net.features.T
    matrix = H if optimiser == "kfac" else H * (net.inputs @ net.inputs.T)
    return bool(np.linalg.matrix_rank(matrix, hermitian=True, rtol=1e-13) < len(matrix))


def elsewhere(optimiser: str, singular: ArrayStep) -> ArrayStep:
    """The right step, and another one where G, or H, is singular."""
    right = right_step(optimiser)

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
        chosen = singular if deficient(Dense(weights, signs, X, y), optimiser) else right
        return chosen(weights, signs, X, y, step_size)

    return step


def wrong_when_nearly_singular(optimiser: str) -> WrongSteps:
    """Steps with a cut-off of an absolute size, and one that does not move for n > 4 in float32."""
    what = "H and X^T X" if optimiser == "kfac" else "G"
    found: dict[str, tuple[str, ArrayStep]] = {
        f"absolute-{exponent}": (
            f"eigenvalues of {what} below 1e-{exponent} cut off",
            absolute(10.0**-exponent, optimiser),
        )
        for exponent in (6, 8, 10)
    }
    frozen = single(optimiser, lambda net: len(net.targets) <= 4)
    return {**found, "frozen-single": ("float32, and no step at all with more than 4 inputs", frozen)}


def _raising(*given: object) -> FloatArray:
    raise RuntimeError("not today")


def wrong_when_singular(optimiser: str) -> WrongSteps:
    """Steps that return garbage, or raise what no library raises for a singular matrix, where G or H is singular."""
    name = "H" if optimiser == "kfac" else "G"
    wrong: dict[str, tuple[str, ArrayStep]] = {
        "garbage": (f"ones added to the weights where {name} is singular", lambda weights, *rest: weights + 1.0),
        "still": (f"no step where {name} is singular", lambda weights, *rest: weights),
        "nan": (f"NaN where {name} is singular", lambda weights, *rest: weights * np.nan),
        "raising": (f"a RuntimeError where {name} is singular", _raising),
    }
    return {id: (description, elsewhere(optimiser, step)) for id, (description, step) in wrong.items()}
