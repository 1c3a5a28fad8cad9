"""Optimisers whose step is ``-eta J^T c``, with c (n,) from G and the loss's gradient g: on networks and on parameter maps.

On a network ``dW = -eta S^T diag(c) X``, so ``dZ = -eta K diag(c) S`` and ``||dW||_F^2 = eta^2 c^T G c``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb_mat

from theory.descent.iterate import Factors, Iterate, Movement
from theory.descent.optimiser import Chosen, Move, MoveMaker, Optimiser, StepErrors, as_optimiser, kinds
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.euclidean import form_root
from theory.rigour.exact import AnyArray, ball_matrix, entrywise_product
from theory.rigour.gram_rounding import GramRounding, root_error
from theory.rigour.rounding import gamma
from theory.rigour.step_bounds import form_error, jacobian_norm, movement_rounding


@dataclass(frozen=True)
class Solved:
    """A computed c' (n,), with what is known of its Gram matrix and gradient, to bound how far it is from the exact c."""

    gram: FloatArray
    """G' (n, n), as computed."""
    gram_error: float
    """Bound of ``||G' - G||_F``, G the exact one."""
    effect: float
    """Bound of ``||(G' - G) c'||``."""
    gradient: FloatArray
    """g' (n,), as computed."""
    gradient_error: float
    """Bound of ``||g' - g||``."""
    coefficients: FloatArray
    """c' (n,)."""
    steepest: float
    """Bound of ``||J||_2``."""


class CoefficientOptimiser(Optimiser):
    """An optimiser that says what c is; without ``inverts``, c is g and G is asked for only where lengths are measured."""

    @abstractmethod
    def coefficients(self, gram: FloatArray, gradient: FloatArray, name: str) -> FloatArray:
        """c (n,) for G (n, n), called ``name`` in errors, and g (n,). Raises RankDeficientError."""

    @abstractmethod
    def coefficients_enclosed(self, gram: Callable[[], AnyArray], gradient: AnyArray) -> AnyArray:
        """The same in balls; not-a-number where a system cannot be shown to be regular."""

    @abstractmethod
    def displacement(self, solved: Solved) -> float:
        """Bound of ``||J^T (c' - c)||`` for the exact c, which belongs to the exact G and g."""

    def movement(self, state: Iterate) -> Movement:
        """``K diag(c)``."""
        if self.inverts:
            gram = state.gram
            c = self.coefficients(gram, state.output_gradient, named_at("G", "Condition 1", state.steps))
            length = form_root(c, gram)
        else:
            c = state.output_gradient
            length = form_root(c, state.gram) if state.measure_steps else float("nan")
        rows = state.geometry.inputs
        return Movement(weighted_kernel(state.geometry, c), length, lambda: c[:, None] * rows, c)

    def parameter_step(self, state: Iterate, eta: float) -> FloatArray:
        """``-eta diag(c) X``."""
        gradient = state.output_gradient
        c = self.coefficients(state.gram, gradient, "the Gram matrix G") if self.inverts else gradient
        return np.asarray(-eta * c[:, None] * state.geometry.inputs)

    def mover(self, inputs: FloatArray) -> MoveMaker:
        """``dZ = -K diag(c) S`` and ``||dW||_F^2 = c^T G c``."""
        x = ball_matrix(inputs)
        kernel = x * x.transpose()
        n = len(inputs)

        def move(gradient: AnyArray, pattern_gram: arb_mat) -> Move:
            gram = entrywise_product(kernel, pattern_gram)
            c = self.coefficients_enclosed(lambda: np.array(gram.tolist(), dtype=object), gradient)
            column = arb_mat(n, 1, list(c))
            squared = (column.transpose() * gram * column)[0, 0]
            return arb_mat([[-kernel[i, j] * c[j] for j in range(n)] for i in range(n)]), (
                squared.nonnegative_part().sqrt()
            )

        return move

    def rounding(
        self, state: Iterate, gradient: FloatArray, gradient_error: float
    ) -> Callable[[float, float], StepErrors]:
        """That of c, and of the sweep ``Z - eta K diag(c') S`` (docs/proofs/rounding.md, P11.4); the length ``eta (c'^T G' c')^{1/2}`` (P11.5)."""
        n, dim = state.geometry.inputs.shape
        gram, rounding = state.gram, GramRounding.of(state, state.geometry.inputs.shape[1])

        def errors(eta: float, sum_rounding: float) -> StepErrors:
            c = state.coefficients
            assert c is not None
            sizes = np.abs(c)
            steepest = jacobian_norm(state.kernel, dim)
            effect = rounding.of_product(sizes)
            displacement = self.displacement(
                Solved(gram, rounding.frobenius, effect, gradient, gradient_error, c, steepest)
            )
            displacement *= eta * (1 + gamma(n + 16))
            # the root that is off is the one that the step took, not one of another sum
            off = form_error(sizes, gram, rounding.of_form(sizes))
            length_error = displacement + eta * root_error((state.last_step_norm / eta) ** 2, off)
            operations = n + 2 * dim + 16
            sweep = eta * movement_rounding(sizes, rounding.row_norms, rounding.absolute, operations) + sum_rounding
            moved_error = steepest * displacement + STEEPEST_SLOPE * float(np.sqrt(n)) * sweep
            return StepErrors(moved_error, length_error, n + dim + state.width)

        return errors


def named_at(symbol: str, condition: str, steps: int) -> str:
    """A Gram matrix of iterate ``steps``: Conditions 1 and K1 are about the initial ones."""
    return f"{symbol}(0) of {condition}" if steps == 0 else f"{symbol}({steps}), after step {steps},"


def weighted_kernel(geometry: InputGeometry, c: FloatArray) -> Factors:
    """``K diag(c) = X (X^T diag(c))``, in two factors where they cost less."""
    rows = geometry.inputs
    return (rows, rows.T * c) if 2 * rows.shape[1] < len(c) else (geometry.kernel * c,)


def of_a_map(optimiser: Chosen) -> CoefficientOptimiser:
    """An optimiser of parameter maps, which have a J and no S, or the one of this name. Raises ChoiceError."""
    found = as_optimiser(optimiser)
    if not isinstance(found, CoefficientOptimiser):
        known = ", ".join(kind.kind for kind in kinds() if issubclass(kind, CoefficientOptimiser))
        raise ChoiceError(f"no step of a map by {found.name!r}; known: {known}")
    return found
