"""One step of NGD, K-FAC or GD from a stored iterate: residual norms in float64 with error bounds.

The iterate is exact as given. ``before_error`` and ``after_error`` bound the difference between the computed norms and
those of the exact step from it (exact solve, exact residual), given the accuracy of the activations (activation_accuracy). The terms
are sums of nonnegative numbers in float64; ``outward`` raises them by their own rounding and by the products of two roundings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from theory.descent.steps import FunctionSpaceDescent, solve_gram
from theory.errors import ChoiceError
from theory.inputs import SMALLEST_DISTANCE, FloatArray, positive
from theory.losses import Loss, as_loss
from theory.maps.affine import ParameterMap
from theory.rigour.activation_accuracy import FUNCTION_ROUNDINGS, STEEPEST_SLOPE
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.gram_rounding import (
    GramRounding,
    over_root,
    product_error,
    root_error,
    smallest_root,
)
from theory.rigour.input_bounds import input_bounds
from theory.rigour.kronecker import KroneckerSolution
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.rigour.step_bounds import form_error, jacobian_norm, movement_rounding, solve_defect
from theory.rigour.summation import accurate_sum


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


STEP_OPTIMISERS = ("ngd", "gd")
"""The optimisers with an error bound here."""


def known_optimiser(optimiser: str) -> str:
    """NGD or GD. Raises ChoiceError."""
    if optimiser not in STEP_OPTIMISERS:
        raise ChoiceError(f"no error bound for {optimiser!r}; known: {', '.join(STEP_OPTIMISERS)}")
    return optimiser


def map_step(
    model: ParameterMap, theta: FloatArray, objective: Loss | FloatArray, eta: float, optimiser: str = "ngd"
) -> tuple[FloatArray, OneStep]:
    """One step ``theta - eta J^T c`` of a parameter map, with its error bound: NGD has ``(J J^T) c = g``, GD ``c = g``.

    g is the loss's gradient in the outputs: the residual for the squared loss, which targets stand for. An error of the
    outputs moves it by at most L times as much. With ``d = g - G c`` (exact g, G; computed c) NGD's exact step differs by
    ``eta J^+ d``, whose length is at most ``eta ||d|| / sigma_min(J)``; GD's by ``eta J^T`` times the error of g.
    Raises ChoiceError, RankDeficientError.
    """
    known_optimiser(optimiser)
    positive(eta, "the step size eta")
    loss = as_loss(objective)
    minimiser, minimiser_error = loss.minimiser, loss.minimiser_error
    n, p = len(minimiser), model.parameters
    u = UNIT_ROUNDOFF
    outputs = model.outputs(theta)
    residual, gradient = outputs - minimiser, loss.gradient(outputs)
    jacobian = model.jacobian(theta)
    gram = jacobian @ jacobian.T
    c = solve_gram(gram, gradient) if optimiser == "ngd" else gradient
    moved = theta - eta * (jacobian.T @ c)
    after = model.outputs(moved) - minimiser
    output_error, jacobian_error = model.rounding(theta)
    gradient_error = loss.smoothness * output_error + loss.gradient_rounding(outputs)
    output_error += u * euclidean_norm(residual) + minimiser_error
    moved_error = model.rounding(moved)[0] + u * euclidean_norm(after) + minimiser_error
    size = euclidean_norm(jacobian)
    gram_error = product_error(size, jacobian_error, p, n * p)
    c_norm = euclidean_norm(c)
    if optimiser == "ngd":
        defect = solve_defect(gram, gradient, c, gradient_error, gram_error * c_norm)
        displacement = eta * over_root(defect, smallest_root(gram, gram_error))
    else:
        displacement = eta * (size + jacobian_error) * gradient_error
    displacement += eta * (gamma(n + 3) * size + jacobian_error) * c_norm + u * euclidean_norm(moved)
    operations = n * p + n + p
    reach = outward(euclidean_norm(theta) + euclidean_norm(moved) + float(displacement), operations)
    steepest = size + jacobian_error + 2 * model.deviation(reach if reach >= 0 else math.inf)
    before_norm, after_norm = euclidean_norm(residual), euclidean_norm(after)
    length = euclidean_norm(moved - theta)
    step = OneStep(
        before=before_norm,
        after=after_norm,
        before_error=outward(output_error + gamma(n + 2) * before_norm, operations),
        after_error=outward(steepest * displacement + moved_error + gamma(n + 2) * after_norm, operations),
        length=length,
        length_error=outward(float(displacement) + gamma(p + 4) * length, operations),
        residual=residual,
        moved_residual=after,
    )
    return moved, _within_range(step)


@np.errstate(over="ignore")
def network_step(state: FunctionSpaceDescent, eta: float, optimiser: str = "ngd") -> OneStep:
    """Advance ``state`` by one step of NGD, K-FAC or GD and bound the error of both residual norms.

    For NGD and GD: the defect of the coefficients that were used, in exact g and G, over ``lambda_min(G)^{1/2}``, and the rounding of
    the sweep ``Z - eta K diag(c') S`` (docs/proofs/rounding.md, P11.4); the length ``eta (c'^T G' c')^{1/2}`` (P11.5).
    Without a certified lambda_min the errors of NGD are infinite.
    Raises ChoiceError, RankDeficientError, DivergenceError.
    """
    if optimiser == "kfac":
        return _kronecker_step(state, eta)
    known_optimiser(optimiser)
    n, dim = state.geometry.inputs.shape
    u, gram, rounding = UNIT_ROUNDOFF, state.gram, GramRounding.of(state, state.geometry.inputs.shape[1])
    start = AccurateOutputs.of(state)
    state.advance(eta, optimiser)
    end = AccurateOutputs.of(state)
    c = state.coefficients
    assert c is not None
    sizes = np.abs(c)
    steepest = jacobian_norm(state.kernel, dim)
    if optimiser == "ngd":
        defect = solve_defect(gram, start.gradient, c, start.gradient_error, rounding.of_product(sizes))
        displacement = over_root(defect, smallest_root(gram, rounding.frobenius))
    else:
        displacement = steepest * (euclidean_norm(start.gradient - c) + start.gradient_error)
    displacement *= eta * (1 + gamma(n + 16))
    # the root that is off is the one that the step took, not one of another sum
    off = form_error(sizes, gram, rounding.of_form(sizes))
    length_error = displacement + eta * root_error((state.last_step_norm / eta) ** 2, off)
    sweep = eta * movement_rounding(sizes, rounding.row_norms, rounding.absolute, n + 2 * dim + 16) + u * _row_norm(
        state
    )
    moved_error = steepest * displacement + STEEPEST_SLOPE * float(np.sqrt(n)) * sweep
    return _finished(start, end, moved_error, state.last_step_norm, length_error, n + dim + len(state.signs))


def _finished(
    start: AccurateOutputs,
    end: AccurateOutputs,
    moved_error: float,
    length: float,
    length_error: float,
    operations: int,
) -> OneStep:
    """The step between two residuals (n,); the exact second one is within ``moved_error`` of the exact one at the computed iterate."""
    n, before, after = len(start.residual), euclidean_norm(start.residual), euclidean_norm(end.residual)
    step = OneStep(
        before=before,
        after=after,
        before_error=outward(start.residual_error + gamma(n + 2) * before, operations),
        after_error=outward(moved_error + end.residual_error + gamma(n + 2) * after, operations),
        length=length,
        length_error=outward(length_error + gamma(4) * length, operations),
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

    @classmethod
    def of(cls, state: FunctionSpaceDescent) -> AccurateOutputs:
        """Evaluate; ``FUNCTION_ROUNDINGS`` of what ``_row_norm`` bounds for phi, outputs move g by L times as much."""
        root, u, loss = float(np.sqrt(len(state.signs))), UNIT_ROUNDOFF, state.objective
        sums = [accurate_sum(state.phi.function(row) * state.signs) for row in state.pre_activations]
        outputs = np.array([total for total, _ in sums]) / root
        residual = outputs - loss.minimiser
        summation = euclidean_norm(np.array([error for _, error in sums])) / root
        evaluation = (
            0.0
            if state.phi.curvature is None
            else gamma(FUNCTION_ROUNDINGS) * _row_norm(state) * float(np.sqrt(len(sums)))
        )
        rounding = 2 * u * euclidean_norm(outputs)
        own_error = u * euclidean_norm(residual) + loss.minimiser_error
        slack, steepest = 1 + gamma(len(sums) + 8), loss.smoothness
        return cls(
            residual,
            (summation + evaluation + (rounding + own_error)) * slack,
            loss.gradient(outputs),
            (steepest * (summation + evaluation) + (steepest * rounding + loss.gradient_rounding(outputs))) * slack,
        )


def _kronecker_step(state: FunctionSpaceDescent, eta: float) -> OneStep:
    """One K-FAC step; without a certified rank of X the errors after it are infinite."""
    n, geometry, bounds = len(state.targets), state.geometry, input_bounds(state.geometry)
    u, pattern_gram, rounding = UNIT_ROUNDOFF, state.pattern_gram, GramRounding.of(state, 0)
    start = AccurateOutputs.of(state)
    # T' below is what the step itself computes, from a gradient that differs from the accurate one
    gradient_error = euclidean_norm(start.gradient - state.output_gradient) * (1 + gamma(n + 4))
    gradient_error += start.gradient_error
    # the features of a ReLU network carry the rounding of m^{-1/2} alone
    features_error = float(np.sqrt(n)) * (rounding.absolute or 3 * u * STEEPEST_SLOPE)
    sigma = smallest_root(pattern_gram, rounding.frobenius)
    solved = KroneckerSolution.of(pattern_gram, rounding.frobenius, state.output_gradient, gradient_error, sigma)
    displacement = solved.movement_error(geometry.basis, bounds, features_error, STEEPEST_SLOPE)
    state.advance(eta, "kfac")
    length_error = solved.length_error(geometry.dual_inputs, bounds, state.last_step_norm / eta)
    end = AccurateOutputs.of(state)
    sweep = float(np.sqrt(n)) * u * _row_norm(state)
    moved_error = STEEPEST_SLOPE * (eta * displacement + sweep)
    operations = n * (n + geometry.inputs.shape[1]) + len(state.signs)
    return _finished(start, end, moved_error, state.last_step_norm, eta * length_error, operations)


def _row_norm(state: FunctionSpaceDescent) -> float:
    """``max_i ||phi(Z_i)||_2`` bounded through ``|phi(z)| <= |phi(0)| + |z|`` with slopes below 1.2."""
    z = state.pre_activations
    at_zero = abs(float(state.phi.function(np.zeros(1))[0]))
    return float(np.sqrt(np.einsum("ij,ij->i", z, z).max()) * STEEPEST_SLOPE + at_zero * np.sqrt(z.shape[1]))
