"""One step of an optimiser from a stored iterate: residual norms in float64 with error bounds.

The iterate is exact as given. ``before_error`` and ``after_error`` bound the difference between the computed norms and
those of the exact step from it (exact solve, exact residual), given the accuracy of the activations (activation_accuracy). The terms
are sums of nonnegative numbers in float64; ``outward`` raises them by their own rounding and by the products of two roundings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from theory.descent.coefficients import Solved, of_a_map
from theory.descent.iterate import Iterate
from theory.descent.optimiser import Chosen, StepErrors, as_optimiser
from theory.descent.steps import Descent
from theory.inputs import SMALLEST_DISTANCE, FloatArray, positive
from theory.losses import Loss, as_loss
from theory.maps.affine import ParameterMap
from theory.rigour.activation_accuracy import FUNCTION_ROUNDINGS, STEEPEST_SLOPE
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.gram_rounding import (
    product_error,
)
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma


@dataclass(frozen=True)
class OneStep:
    """Norms (not squared) around one step from a stored iterate."""

    before: float
    after: float
    before_error: float
    after_error: float
    length: float
    """``||theta(k+1) - theta(k)||``."""
    length_error: float
    residual: FloatArray = field(repr=False)
    """``r(k)`` as computed, shape (n,): off by at most ``before_error``."""
    moved_residual: FloatArray = field(repr=False)
    """``r(k+1)`` as computed, shape (n,): off by at most ``after_error``."""

    def rounding(self, factor: float) -> float:
        """Error bound of ``factor * before - after``, computed with one product and one difference."""
        own = 2 * UNIT_ROUNDOFF * (2 * factor * self.before + self.after)
        return (self.after_error + factor * self.before_error + own) * (1 + gamma(8))


def _within_range(step: OneStep) -> OneStep:
    """The step; with infinite errors where a residual is not 0 and so small that squares underflow."""
    sizes = (float(np.abs(residual).max()) for residual in (step.residual, step.moved_residual))
    if not any(0 < size < SMALLEST_DISTANCE for size in sizes):
        return step
    return replace(step, before_error=math.inf, after_error=math.inf, length_error=math.inf)


def outward(error: float, operations: int) -> float:
    """An error bound raised by the rounding of its evaluation, and by roundings of rounding errors that it leaves out.

    For bounds that are sums of products of at most 8 nonnegative numbers, each computed with up to ``operations`` roundings.
    """
    return (error + UNDERFLOW) * (1 + gamma(8 * operations + 64))


def map_step(
    model: ParameterMap, theta: FloatArray, objective: Loss | FloatArray, eta: float, optimiser: Chosen = "ngd"
) -> tuple[FloatArray, OneStep]:
    """One step ``theta - eta J^T c`` of a parameter map, with its error bound; the optimiser says what c is, and what it is off by.

    g is the loss's gradient in the outputs: the residual for the squared loss, which targets stand for. An error of the
    outputs moves it by at most L times as much. Raises ChoiceError, RankDeficientError.
    """
    return next(map_steps(model, theta, objective, eta, optimiser))


def map_steps(
    model: ParameterMap, theta: FloatArray, objective: Loss | FloatArray, eta: float, optimiser: Chosen = "ngd"
) -> Iterator[tuple[FloatArray, OneStep]]:
    """One such step after the other, without end, each with where it leads; the map is evaluated once a point. Raises what ``map_step`` raises."""
    chosen = of_a_map(optimiser)
    positive(eta, "the step size eta")
    loss = as_loss(objective)
    minimiser, minimiser_error = loss.minimiser, loss.minimiser_error
    n, p = len(minimiser), model.parameters
    u, operations = UNIT_ROUNDOFF, n * p + n + p
    outputs, (output_error, jacobian_error) = model.outputs(theta), model.rounding(theta)
    residual, theta_norm = outputs - minimiser, euclidean_norm(theta)
    before_norm = euclidean_norm(residual)
    while True:
        jacobian, gradient = model.jacobian(theta), loss.gradient(outputs)
        gram = jacobian @ jacobian.T
        c = chosen.coefficients(gram, gradient, "the matrix")
        gradient_error = loss.smoothness * output_error + loss.gradient_rounding(outputs)
        moved = theta - eta * (jacobian.T @ c)
        outputs, (moved_output_error, moved_jacobian_error) = model.outputs(moved), model.rounding(moved)
        after, moved_norm = outputs - minimiser, euclidean_norm(moved)
        after_norm = euclidean_norm(after)
        residual_error = output_error + (u * before_norm + minimiser_error)
        moved_error = moved_output_error + u * after_norm + minimiser_error
        size = euclidean_norm(jacobian)
        gram_error = product_error(size, jacobian_error, p, n * p)
        c_norm = euclidean_norm(c)
        displacement = eta * chosen.displacement(
            Solved(gram, gram_error, gram_error * c_norm, gradient, gradient_error, c, size + jacobian_error)
        )
        displacement += eta * (gamma(n + 3) * size + jacobian_error) * c_norm + u * moved_norm
        reach = outward(theta_norm + moved_norm + float(displacement), operations)
        steepest = size + jacobian_error + 2 * model.deviation(reach if reach >= 0 else math.inf)
        length = euclidean_norm(moved - theta)
        step = OneStep(
            before=before_norm,
            after=after_norm,
            before_error=outward(residual_error + gamma(n + 2) * before_norm, operations),
            after_error=outward(steepest * displacement + moved_error + gamma(n + 2) * after_norm, operations),
            length=length,
            length_error=outward(float(displacement) + gamma(p + 4) * length, operations),
            residual=residual,
            moved_residual=after,
        )
        yield moved, _within_range(step)
        theta, theta_norm, residual, before_norm = moved, moved_norm, after, after_norm
        output_error, jacobian_error = moved_output_error, moved_jacobian_error


def network_step(state: Descent, eta: float, optimiser: Chosen = "ngd") -> OneStep:
    """Advance ``state`` by one step of an optimiser and bound the error of both residual norms.

    The optimiser bounds what its step is off by; the outputs before and after are summed up accurately. NGD's errors are infinite
    without a certified lambda_min, and so are K-FAC's. Raises ChoiceError, RankDeficientError, DivergenceError.
    """
    return next(network_steps(state, eta, optimiser))


def network_steps(state: Descent, eta: float, optimiser: Chosen = "ngd") -> Iterator[OneStep]:
    """One such step after the other, without end; outputs are summed up once an iterate. Nothing else may move ``state`` meanwhile.

    Raises what ``network_step`` raises.
    """
    chosen = as_optimiser(optimiser)
    with np.errstate(over="ignore"):
        start = AccurateOutputs.of(state)
    while True:
        with np.errstate(over="ignore"):
            errors_after = chosen.rounding(state, start.gradient, start.gradient_error)
            state.advance(eta, chosen)
            end = AccurateOutputs.of(state)
            errors = errors_after(eta, UNIT_ROUNDOFF * end.row_norm)
            step = _finished(start, end, state.last_step_norm, errors)
        yield step
        start = end


def _finished(start: AccurateOutputs, end: AccurateOutputs, length: float, errors: StepErrors) -> OneStep:
    """The step between two residuals (n,); the exact second one is within ``errors.moved`` of the exact one at the computed iterate."""
    n, before, after = len(start.residual), euclidean_norm(start.residual), euclidean_norm(end.residual)
    step = OneStep(
        before=before,
        after=after,
        before_error=outward(start.residual_error + gamma(n + 2) * before, errors.operations),
        after_error=outward(errors.moved + end.residual_error + gamma(n + 2) * after, errors.operations),
        length=length,
        length_error=outward(errors.length + gamma(4) * length, errors.operations),
        residual=start.residual,
        moved_residual=end.residual,
    )
    return _within_range(step)


@dataclass(frozen=True)
class AccurateOutputs:
    """What accurate sums over neurons give at the state's pre-activations as given; errors in the 2-norm."""

    residual: FloatArray
    """r, shape (n,)."""
    residual_error: float
    gradient: FloatArray
    """The loss's gradient in the outputs, shape (n,)."""
    gradient_error: float
    row_norm: float
    """Bound of ``max_i ||phi(Z_i)||_2``, not squared."""

    @classmethod
    @np.errstate(over="ignore")
    def of(cls, state: Iterate) -> AccurateOutputs:
        """Evaluate; ``FUNCTION_ROUNDINGS`` of what ``_row_norm`` bounds for phi, outputs move g by L times as much."""
        root, u, loss = float(np.sqrt(state.width)), UNIT_ROUNDOFF, state.objective
        sums, errors = state.accurate_sums()
        outputs = sums / root
        residual = outputs - loss.minimiser
        summation, row_norm = euclidean_norm(errors) / root, _row_norm(state)
        evaluation = (
            0.0 if state.phi.curvature is None else gamma(FUNCTION_ROUNDINGS) * row_norm * float(np.sqrt(len(sums)))
        )
        rounding = 2 * u * euclidean_norm(outputs)
        own_error = u * euclidean_norm(residual) + loss.minimiser_error
        slack, steepest = 1 + gamma(len(sums) + 8), loss.smoothness
        return cls(
            residual,
            (summation + evaluation + (rounding + own_error)) * slack,
            loss.gradient(outputs),
            (steepest * (summation + evaluation) + (steepest * rounding + loss.gradient_rounding(outputs))) * slack,
            row_norm,
        )


def _row_norm(state: Iterate) -> float:
    """``max_i ||phi(Z_i)||_2`` bounded through ``|phi(z)| <= |phi(0)| + |z|`` with slopes below 1.2."""
    at_zero = abs(float(state.phi.function(np.zeros(1))[0]))
    return float(state.longest_row() * STEEPEST_SLOPE + at_zero * np.sqrt(state.width))
