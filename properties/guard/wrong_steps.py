"""Wrong steps in plain NumPy: the mutants of the claims on a step of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.guard import controls
from properties.guard.controls import ArrayStep, Direction

WrongSteps = Mapping[str, tuple[str, ArrayStep]]
"""By id, what is wrong and the step."""


def right_step(optimiser: str) -> ArrayStep:
    """The step of the optimiser as it should be."""
    return controls.stepping(_right(optimiser))


def _right(optimiser: str) -> Direction:
    return controls.kronecker if optimiser == "kfac" else controls.natural


def wrong_directions(optimiser: str, *ids: str) -> WrongSteps:
    """Steps in a wrong direction or of a wrong length: all, or those named."""
    right = _right(optimiser)
    other = controls.natural if optimiser == "kfac" else controls.kronecker
    wrong: dict[str, tuple[str, Direction]] = {
        "mean": ("1/n of the step: a mean where a sum is meant", controls.times(controls.per_sample, right)),
        "long": ("n^2 times the step: means where sums are meant", controls.times(controls.squared_count, right)),
        "sign": ("the opposite sign", controls.times(lambda _: -1.0, right)),
        "gradient": ("the gradient step", controls.gradient),
        "other-optimiser": ("K-FAC's step for NGD's, or conversely", other),
        "column-major": ("the update unflattened column by column", controls.column_major(right)),
        "unscaled": ("m^{-1/2} missing in the network", controls.unscaled(right)),
    }
    if optimiser == "kfac":
        wrong |= {
            "factors-damped": ("1e-8 I added to both factors", lambda net: controls.kronecker(net, 1e-8, 1e-8)),
            "product-damped": ("1e-8 I added to the Kronecker product", controls.damped_product(1e-8)),
            "factors-swapped": ("the factors in the other order", controls.swapped),
        }
    else:
        wrong |= {
            "damped": ("1e-8 I added to the Fisher matrix", controls.damped_fisher(1e-8)),
            "cut-off": ("a pseudo-inverse with cut-off 0.2", controls.cut_off(0.2)),
        }
    return {id: (wrong[id][0], controls.stepping(wrong[id][1])) for id in ids or wrong}


def wrong_when_larger(optimiser: str) -> WrongSteps:
    """Steps that are right, but for rounding, with at most 4 inputs and 64 neurons."""
    name = "H" if optimiser == "kfac" else "G"
    wrong: dict[str, tuple[str, Direction]] = {
        "truncated": (
            f"conjugate gradients on {name}, stopped after 4 iterations",
            controls.gram_solve(optimiser, lambda matrix, right: controls.conjugate_gradients(matrix, right, 4)),
        ),
        "low-rank": (
            f"the 4 leading eigenvectors of {name} only",
            controls.gram_solve(optimiser, lambda matrix, right: controls.leading_eigenvectors(matrix, right, 4)),
        ),
        "wide": (
            "half of the step with more than 64 neurons",
            controls.times(
                lambda net: 0.5 if len(net.signs) > 64 else 1.0, controls.gram_solve(optimiser, controls.solved)
            ),
        ),
    }
    return {id: (description, controls.stepping(direction)) for id, (description, direction) in wrong.items()}


def broken_contracts(optimiser: str, damped: bool = False) -> WrongSteps:
    """Steps that change what they were given or have returned, keep state, or return something else than weights.

    A damping that grows by 1e-3 is none for ``damped`` steps, of which an algorithm may lose a sixteenth to rounding.
    """
    right = right_step(optimiser)

    def in_place(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        weights[:] = right(weights, signs, X, y, step_size)
        return weights

    def in_place_of_several(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return (in_place if len(X) > 1 else right)(weights, signs, X, y, step_size)

    results: dict[tuple[int, ...], Any] = {}

    def into_its_own(weights: Any, *rest: Any) -> Any:
        result = results.setdefault(weights.shape, np.empty(weights.shape))
        result[:] = right(weights, *rest)
        return result

    updates: dict[tuple[int, ...], Any] = {}

    def with_momentum(weights: Any, *rest: Any) -> Any:
        result = right(weights, *rest)
        before = updates.get(weights.shape, 0.0)
        updates[weights.shape] = result - weights
        return result + before

    def complex_numbers(*given: Any) -> Any:
        return right(*given) + 0j

    def nothing(*given: Any) -> Any:
        return None

    found: WrongSteps = {
        "in-place": ("a step that overwrites its weights", in_place),
        "buffer": ("a step that returns the same array at every call", into_its_own),
        "momentum": ("a step to which the update of the call before is added", with_momentum),
        "in-place-several": ("a step that overwrites its weights where there are several inputs", in_place_of_several),
        "transposed": ("a step that returns (d, m)", lambda *given: right(*given).T),
        "complex": ("a step that returns complex numbers", complex_numbers),
        "nothing": ("a step that returns None", nothing),
    }
    if damped:
        return found
    return {**found, "state": ("a step whose damping is added again at every call", controls.accumulating(1e-3))}


def moving_fixed_points(optimiser: str) -> WrongSteps:
    """Steps that move where the residual is 0, or with the step size 0."""
    right = right_step(optimiser)

    def decaying(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return right(weights, signs, X, y, step_size) - 1e-6 * step_size * weights

    def decaying_with_several(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return (decaying if len(X) > 1 else right)(weights, signs, X, y, step_size)

    def unit_step(weights: Any, signs: Any, X: Any, y: Any, step_size: float) -> Any:
        return right(weights, signs, X, y, 1.0)

    return {
        "decay": ("a step with weight decay 1e-6", decaying),
        "decay-several": ("a step with weight decay 1e-6 where there are several inputs", decaying_with_several),
        "unit-step": ("a step that ignores the step size", unit_step),
    }
