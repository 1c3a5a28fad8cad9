"""One NGD (or GD) step from a stored iterate: residual norms in float64 with derived error bounds, and in balls.

The iterate is exact as given. ``before_error`` and ``after_error`` bound the difference between the computed norms and
those of the exact step from it (exact solve, exact residual), to first order plus the gammas' own second order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from flint import arb, arb_mat

from theory.descent import FunctionSpaceDescent, solve_gram
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.losses import Loss, as_loss
from theory.maps import ParameterMap
from theory.rigour.exact import AnyArray, ball_matrix, lift
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma

STEEPEST_SLOPE = 1.2
"""An upper bound of |phi'| over every activation of theory.network (erf has the largest, 2/sqrt(pi) < 1.13)."""


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

    def rounding(self, factor: float) -> float:
        """Error bound of ``factor * before - after``."""
        return self.after_error + factor * self.before_error + 4 * UNIT_ROUNDOFF * factor * self.before


def smallest_eigenvalue_estimate(gram: FloatArray) -> float:
    """An estimate of lambda_min reduced by its backward error ``n^2 u ||G||``; raised to the least normal float."""
    values = np.linalg.eigvalsh(gram)
    backward = len(gram) ** 2 * UNIT_ROUNDOFF * float(values[-1])
    return max(float(values[0]) - backward, float(np.finfo(float).tiny))


def map_step(
    model: ParameterMap, theta: FloatArray, objective: Loss | FloatArray, eta: float
) -> tuple[FloatArray, OneStep]:
    """One NGD step ``theta - eta J^T (J J^T)^{-1} g`` of a parameter map, with its error bound.

    g is the loss's gradient in the outputs (the residual for the squared loss, which targets stand for); an error of the
    outputs moves it by at most L times as much. With ``d = g - G c`` (exact g, G; computed c) the exact step differs by
    ``eta J^+ d``, whose length is at most ``eta ||d|| / sigma_min(J)``. Raises RankDeficientError.
    """
    loss = as_loss(objective)
    minimiser, minimiser_error = loss.minimiser, loss.minimiser_error
    n, p = len(minimiser), model.parameters
    u = UNIT_ROUNDOFF
    outputs = model.outputs(theta)
    residual, gradient = outputs - minimiser, loss.gradient(outputs)
    jacobian = model.jacobian(theta)
    gram = jacobian @ jacobian.T
    c = solve_gram(gram, gradient)
    moved = theta - eta * (jacobian.T @ c)
    after = model.outputs(moved) - minimiser
    output_error, jacobian_error = model.rounding(theta)
    gradient_error = loss.smoothness * output_error + loss.gradient_rounding(outputs)
    residual_error = output_error + u * float(np.linalg.norm(residual)) + minimiser_error
    moved_error = model.rounding(moved)[0] + u * float(np.linalg.norm(after)) + minimiser_error
    size = float(np.linalg.norm(jacobian))
    gram_error = 2 * size * jacobian_error + jacobian_error**2 + gamma(p) * size**2
    c_norm = float(np.linalg.norm(c))
    defect = float(np.linalg.norm(gradient - gram @ c)) + gradient_error + gram_error * c_norm
    defect += gamma(n + 1) * (float(np.linalg.norm(gradient)) + float(np.linalg.norm(gram)) * c_norm)
    displacement = eta * defect / np.sqrt(smallest_eigenvalue_estimate(gram))
    displacement += eta * (gamma(n + 3) * size + jacobian_error) * c_norm + u * float(np.linalg.norm(moved))
    steepest = size + 2 * model.deviation(float(np.linalg.norm(theta)) + float(np.linalg.norm(moved)))
    before_norm, after_norm = float(np.linalg.norm(residual)), float(np.linalg.norm(after))
    return moved, OneStep(
        before=before_norm,
        after=after_norm,
        before_error=residual_error + gamma(n + 2) * before_norm,
        after_error=steepest * displacement + moved_error + gamma(n + 2) * after_norm,
        length=float(np.linalg.norm(moved - theta)),
        length_error=float(displacement) + gamma(p + 2) * float(np.linalg.norm(moved)),
    )


def network_step(state: FunctionSpaceDescent, eta: float, optimiser: str = "ngd") -> OneStep:
    """Advance ``state`` by one NGD or GD step and bound the error of both residual norms.

    An error of the outputs moves the loss's gradient in them by at most L times as much (1 for the squared loss).
    Outputs are Lipschitz in the pre-activations: ``|u_i(Z) - u_i(Z')| <= sup|phi'| ||Z_i - Z'_i||_2``, as the output
    weights ``a_r/sqrt(m)`` have norm 1, and ``||J||_2 <= sup|phi'| ||X||_2``. Raises ChoiceError for K-FAC, RankDeficientError.
    """
    if optimiser not in ("ngd", "gd"):
        raise ChoiceError(f"no error bound for {optimiser!r}; known: ngd, gd")
    n = len(state.targets)
    u, summation = UNIT_ROUNDOFF, gamma(state.summation_length + 6)
    before, gradient, gram = state.residual, state.output_gradient, state.gram
    loss, outputs = state.objective, state.outputs
    size_before = _row_norm(state)
    state.advance(eta, optimiser)
    after, c = state.residual, state.coefficients
    assert c is not None
    size_after = _row_norm(state)
    output_error = float(np.sqrt(n) * (summation * size_before))
    gradient_error = loss.smoothness * output_error + loss.gradient_rounding(outputs)
    kernel_norm = float(np.abs(state.kernel).sum(axis=1).max())
    smallest = np.sqrt(smallest_eigenvalue_estimate(gram))
    if optimiser == "ngd":
        defect = float(np.linalg.norm(gradient - gram @ c)) + gradient_error
        defect += gamma(n + state.geometry.inputs.shape[1] + 6) * float(np.linalg.norm(np.abs(gram) @ np.abs(c)))
        displacement = defect / smallest
    else:
        displacement = STEEPEST_SLOPE * np.sqrt(kernel_norm) * gradient_error
    sweep = gamma(n + 6) * eta * float(np.abs(c).sum()) + (u + summation) * size_after
    residual_error = output_error + u * float(np.linalg.norm(before)) + loss.minimiser_error
    before_norm, after_norm = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    return OneStep(
        before=before_norm,
        after=after_norm,
        before_error=residual_error + gamma(n + 2) * before_norm,
        after_error=float(
            eta * STEEPEST_SLOPE * np.sqrt(kernel_norm) * displacement + STEEPEST_SLOPE * np.sqrt(n) * sweep
        )
        + u * after_norm
        + gamma(n + 2) * after_norm
        + loss.minimiser_error,
        length=state.last_step_norm,
        length_error=float(eta * displacement) + gamma(3 * n + 8) * state.last_step_norm,
    )


def _row_norm(state: FunctionSpaceDescent) -> float:
    """``max_i ||phi(Z_i)||_2`` bounded through ``|phi(z)| <= |phi(0)| + |z|`` with slopes below 1.2."""
    z = state.pre_activations
    at_zero = abs(float(state.phi.function(np.zeros(1))[0]))
    return float(np.sqrt(np.einsum("ij,ij->i", z, z).max()) * STEEPEST_SLOPE + at_zero * np.sqrt(z.shape[1]))


def norm_enclosed(vector: AnyArray) -> arb:
    """The Euclidean norm of an object array of balls."""
    total = arb(0)
    for entry in vector:
        total += entry * entry
    return total.sqrt()


def solve_enclosed(matrix: AnyArray, right: AnyArray) -> AnyArray:
    """Solve a small system in balls; every entry is not-a-number when the matrix cannot be shown to be invertible."""
    n = len(right)
    try:
        solution = arb_mat(matrix.tolist()).solve(arb_mat([[entry] for entry in right]))
    except ZeroDivisionError:
        return np.array([arb("nan")] * n, dtype=object)
    return np.array([solution[i, 0] for i in range(n)], dtype=object)


@dataclass(frozen=True)
class EnclosedStep:
    """Balls around one exact step: residual norms before and after, and the length of the step."""

    before: arb
    after: arb
    length: arb


def map_steps_enclosed(
    model: ParameterMap, theta: FloatArray, objective: Loss | FloatArray, eta: float, steps: int = 1
) -> list[EnclosedStep]:
    """Exact NGD steps from ``theta``, as balls at the working precision: a ball trajectory when ``steps`` > 1."""
    loss = as_loss(objective)
    exact, position, minimiser = model.lifted(), lift(theta), loss.minimiser_enclosed()
    found = []
    outputs = exact.outputs(position)
    for _ in range(steps):
        jacobian = exact.jacobian(position)
        c = solve_enclosed(jacobian @ jacobian.T, loss.gradient(outputs))
        move = arb(eta) * (jacobian.T @ c)
        position = position - move
        before, outputs = outputs - minimiser, exact.outputs(position)
        found.append(EnclosedStep(norm_enclosed(before), norm_enclosed(outputs - minimiser), norm_enclosed(move)))
    return found


def _relu_ball(z: arb) -> arb:
    return (z + abs(z)) / 2


def _softplus_ball(z: arb) -> arb:
    return (1 + z.exp()).log()


BALL_ACTIVATIONS: Mapping[str, tuple[Callable[[arb], arb], Callable[[arb], arb]]] = MappingProxyType(
    {
        "relu": (_relu_ball, lambda z: arb(1) if z >= 0 else (arb(0) if z < 0 else arb("nan"))),
        "softplus": (_softplus_ball, lambda z: 1 / (1 + (-z).exp())),
        "tanh": (lambda z: z.tanh(), lambda z: 1 - z.tanh() ** 2),
        "erf": (lambda z: z.erf(), lambda z: 2 * (-z * z).exp() / arb.pi().sqrt()),
        "sin": (lambda z: z.sin(), lambda z: z.cos()),
    }
)
"""Each activation and its derivative on balls; a ReLU derivative of undecided sign is not a number."""


def network_steps_enclosed(
    pre_activations: FloatArray,
    inputs: FloatArray,
    signs: FloatArray,
    activation: str,
    objective: Loss | FloatArray,
    eta: float,
    steps: int = 1,
) -> list[EnclosedStep]:
    """Exact NGD steps from stored Z (n, m), as balls; X and Z are exact as given. Targets stand for the squared loss.

    A pre-activation whose sign is undecided after a step makes the following steps not-a-number.
    """
    n, m = pre_activations.shape
    loss = as_loss(objective)
    minimiser = loss.minimiser_enclosed()
    phi, slope = BALL_ACTIVATIONS[activation]
    scale = 1 / arb(m).sqrt()
    whole_signs = [int(sign) for sign in signs]
    x = ball_matrix(inputs)
    kernel = x * x.transpose()
    z = ball_matrix(pre_activations)

    def outputs_at(values: arb_mat) -> AnyArray:
        outputs = []
        for i in range(n):
            total = arb(0)
            for j in range(m):
                total += whole_signs[j] * phi(values[i, j])
            outputs.append(total * scale)
        return np.array(outputs, dtype=object)

    found = []
    outputs = outputs_at(z)
    for _ in range(steps):
        features = arb_mat([[slope(z[i, j]) * whole_signs[j] * scale for j in range(m)] for i in range(n)])
        pattern_gram = features * features.transpose()
        gram = np.array([[kernel[i, j] * pattern_gram[i, j] for j in range(n)] for i in range(n)], dtype=object)
        c = solve_enclosed(gram, loss.gradient(outputs))
        length = arb(eta) * (c @ (gram @ c)).sqrt()
        z = z + arb_mat([[-arb(eta) * kernel[i, j] * c[j] for j in range(n)] for i in range(n)]) * features
        before, outputs = outputs - minimiser, outputs_at(z)
        found.append(EnclosedStep(norm_enclosed(before), norm_enclosed(outputs - minimiser), length))
    return found
