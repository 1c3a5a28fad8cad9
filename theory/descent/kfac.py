"""Exact K-FAC without damping: ``dW = -eta S^T H^{-1} diag(g) X (X^T X)^+`` (I-kfac), so ``dZ = -eta P diag(g) H^{-1} S``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.descent.coefficients import named_at
from theory.descent.iterate import Factors, Iterate, Movement
from theory.descent.optimiser import MoveMaker, Optimiser, StepErrors
from theory.descent.solving import solve_gram
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.euclidean import euclidean_norm, form_root
from theory.rigour.gram_rounding import GramRounding, smallest_root
from theory.rigour.input_bounds import input_bounds
from theory.rigour.kronecker import KroneckerSolution, kronecker_mover
from theory.rigour.rounding import gamma


@dataclass(frozen=True)
class KroneckerFactored(Optimiser):
    """K-FAC."""

    kind = "kfac"
    title = "K-FAC"
    condition = "K2"

    def movement(self, state: Iterate) -> Movement:
        """``P diag(g) H^{-1}``, with the length of the step where it is measured.

        Where it is not, and X has few columns, H is solved for these alone, a step of which ``rounding`` has no bound.
        """
        gradient, pattern_gram, geometry = state.output_gradient, state.pattern_gram, state.geometry
        basis, name = geometry.basis, named_at("H", "Condition K1", state.steps)
        few, length = 2 * basis.shape[1] < len(basis), float("nan")
        factors: Factors
        if few and not state.measure_steps:
            factors = (basis, solve_gram(pattern_gram, gradient[:, None] * basis, name).T)
        else:
            # H^{-1} diag(g), transposed below
            inverse_times = solve_gram(pattern_gram, np.diag(gradient), name)
            if state.measure_steps:
                length = form_root(inverse_times @ geometry.dual_coordinates, pattern_gram)
            factors = (basis, basis.T @ inverse_times.T) if few else (geometry.projection @ inverse_times.T,)
        return Movement(factors, length, lambda: solve_gram(pattern_gram, gradient[:, None] * geometry.dual_inputs))

    def parameter_step(self, state: Iterate, eta: float) -> FloatArray:
        """``-eta H^{-1} diag(g) X (X^T X)^+``."""
        direction = state.output_gradient[:, None] * state.geometry.dual_inputs
        return -eta * solve_gram(state.pattern_gram, direction, "the pattern Gram matrix H")

    def mover(self, inputs: FloatArray) -> MoveMaker:
        """``-P diag(g) H^{-1}``."""
        return kronecker_mover(inputs)

    def rounding(
        self, state: Iterate, gradient: FloatArray, gradient_error: float
    ) -> Callable[[float, float], StepErrors]:
        """That of ``H^{-1} diag(g)`` and of its products (docs/proofs/rounding.md, P11.6); infinite without a certified rank of X, or lengths."""
        if not state.measure_steps:
            return lambda eta, sum_rounding: StepErrors(math.inf, math.inf, 0)
        n, geometry, bounds = len(state.targets), state.geometry, input_bounds(state.geometry)
        pattern_gram, rounding = state.pattern_gram, GramRounding.of(state, 0)
        # T' below is what the step itself computes, from a gradient that differs from the accurate one
        off = euclidean_norm(gradient - state.output_gradient) * (1 + gamma(n + 4))
        off += gradient_error
        # those of a ReLU network are exact; m^{-1/2} is a factor of the movement
        features_error = float(np.sqrt(n)) * rounding.absolute
        sigma = smallest_root(pattern_gram, rounding.frobenius)
        solved = KroneckerSolution.of(pattern_gram, rounding.frobenius, state.output_gradient, off, sigma)
        displacement = solved.movement_error(geometry.basis, bounds, features_error, STEEPEST_SLOPE)

        def errors(eta: float, sum_rounding: float) -> StepErrors:
            length_error = solved.length_error(geometry.dual_coordinates, bounds, state.last_step_norm / eta)
            moved_error = STEEPEST_SLOPE * (eta * displacement + float(np.sqrt(n)) * sum_rounding)
            operations = n * (n + geometry.inputs.shape[1]) + state.width
            return StepErrors(moved_error, eta * length_error, operations)

        return errors

    def linearised(self, geometry: InputGeometry, gram: FloatArray) -> FloatArray:
        """``diag(h)``, the leverage scores (I-kfac-fn)."""
        return np.diag(geometry.leverage)


OPTIMISER = KroneckerFactored
