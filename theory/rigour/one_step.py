"""One step of NGD, K-FAC or GD from a stored iterate: residual norms in float64 with error bounds, and in balls.

The iterate is exact as given. ``before_error`` and ``after_error`` bound the difference between the computed norms and
those of the exact step from it (exact solve, exact residual), to first order plus the gammas' own second order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from flint import arb, arb_mat

from theory.descent import FunctionSpaceDescent, solve_gram
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.maps import AnyArray, ParameterMap, lift
from theory.rigour.exact import ball_matrix, entrywise_product
from theory.rigour.input_bounds import input_bounds
from theory.rigour.kronecker import KroneckerSolution, Move, kronecker_mover
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.rigour.summation import accurate_sum

STEEPEST_SLOPE = 1.2
"""An upper bound of |phi'| over every activation of theory.network (erf has the largest, 2/sqrt(pi) < 1.13)."""

FUNCTION_ROUNDINGS = 12
"""Roundings granted to one entry of S: phi' by the math library relative to at most 1.2, the sign and m^{-1/2}."""


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
        """Error bound of ``factor * before - after``."""
        return self.after_error + factor * self.before_error + 4 * UNIT_ROUNDOFF * factor * self.before


def smallest_eigenvalue_estimate(gram: FloatArray) -> float:
    """An estimate of lambda_min reduced by its backward error ``n^2 u ||G||``; raised to the least normal float."""
    values = np.linalg.eigvalsh(gram)
    backward = len(gram) ** 2 * UNIT_ROUNDOFF * float(values[-1])
    return max(float(values[0]) - backward, float(np.finfo(float).tiny))


STEP_OPTIMISERS = ("ngd", "gd")
"""The optimisers with an error bound here."""


def _known_optimiser(optimiser: str) -> str:
    if optimiser not in STEP_OPTIMISERS:
        raise ChoiceError(f"no error bound for {optimiser!r}; known: {', '.join(STEP_OPTIMISERS)}")
    return optimiser


def map_step(
    model: ParameterMap, theta: FloatArray, targets: FloatArray, eta: float, optimiser: str = "ngd"
) -> tuple[FloatArray, OneStep]:
    """One step ``theta - eta J^T c`` of a parameter map, with its error bound: NGD has ``(J J^T) c = r``, GD ``c = r``.

    With ``d = r - G c`` (exact r, G; computed c) NGD's exact step differs by ``eta J^+ d``, whose length is at most
    ``eta ||d|| / sigma_min(J)``; GD's by ``eta J^T`` times the error of r. Raises ChoiceError, RankDeficientError.
    """
    _known_optimiser(optimiser)
    n, p = len(targets), model.parameters
    u = UNIT_ROUNDOFF
    residual = model.outputs(theta) - targets
    jacobian = model.jacobian(theta)
    gram = jacobian @ jacobian.T
    c = solve_gram(gram, residual) if optimiser == "ngd" else residual
    moved = theta - eta * (jacobian.T @ c)
    after = model.outputs(moved) - targets
    output_error, jacobian_error = model.rounding(theta)
    output_error += u * float(np.linalg.norm(residual))
    moved_error = model.rounding(moved)[0] + u * float(np.linalg.norm(after))
    size = float(np.linalg.norm(jacobian))
    gram_error = 2 * size * jacobian_error + jacobian_error**2 + gamma(p) * size**2
    c_norm = float(np.linalg.norm(c))
    if optimiser == "ngd":
        defect = float(np.linalg.norm(residual - gram @ c)) + output_error + gram_error * c_norm
        defect += gamma(n + 1) * (float(np.linalg.norm(residual)) + float(np.linalg.norm(gram)) * c_norm)
        displacement = eta * defect / np.sqrt(smallest_eigenvalue_estimate(gram))
    else:
        displacement = eta * (size + jacobian_error) * output_error
    displacement += eta * (gamma(n + 3) * size + jacobian_error) * c_norm + u * float(np.linalg.norm(moved))
    reach = float(np.linalg.norm(theta)) + float(np.linalg.norm(moved)) + float(displacement)
    steepest = size + 2 * model.deviation(reach)
    before_norm, after_norm = float(np.linalg.norm(residual)), float(np.linalg.norm(after))
    return moved, OneStep(
        before=before_norm,
        after=after_norm,
        before_error=output_error + gamma(n + 2) * before_norm,
        after_error=steepest * displacement + moved_error + gamma(n + 2) * after_norm,
        length=float(np.linalg.norm(moved - theta)),
        length_error=float(displacement) + gamma(p + 2) * float(np.linalg.norm(moved)),
        residual=residual,
        moved_residual=after,
    )


def network_step(state: FunctionSpaceDescent, eta: float, optimiser: str = "ngd") -> OneStep:
    """Advance ``state`` by one step of NGD, K-FAC or GD and bound the error of both residual norms.

    Outputs are Lipschitz in the pre-activations: ``|u_i(Z) - u_i(Z')| <= sup|phi'| ||Z_i - Z'_i||_2``, as the output
    weights ``a_r/sqrt(m)`` have norm 1, and ``||J||_2 <= sup|phi'| ||X||_2``. Raises ChoiceError, RankDeficientError.
    """
    if optimiser == "kfac":
        return _kronecker_step(state, eta)
    _known_optimiser(optimiser)
    n = len(state.targets)
    u, dim = UNIT_ROUNDOFF, state.geometry.inputs.shape[1]
    gram = state.gram
    before, evaluation = accurate_residual(state)
    state.advance(eta, optimiser)
    after, after_evaluation = accurate_residual(state)
    c = state.coefficients
    assert c is not None
    kernel_norm = float(np.abs(state.kernel).sum(axis=1).max())
    smallest = np.sqrt(smallest_eigenvalue_estimate(gram))
    if optimiser == "ngd":
        defect = float(np.linalg.norm(before - gram @ c)) + evaluation
        defect += gamma(n + dim + 6) * float(np.linalg.norm(np.abs(gram) @ np.abs(c)))
        displacement = defect / smallest
    else:
        displacement = STEEPEST_SLOPE * np.sqrt(kernel_norm) * float(np.linalg.norm(before - c) + evaluation)
    sweep = gamma(n + dim + 6) * eta * float(np.abs(c).sum()) + u * _row_norm(state)
    before_norm, after_norm = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    return OneStep(
        before=before_norm,
        after=after_norm,
        before_error=float(evaluation) + gamma(n + 2) * before_norm,
        after_error=float(
            eta * STEEPEST_SLOPE * np.sqrt(kernel_norm) * displacement + STEEPEST_SLOPE * np.sqrt(n) * sweep
        )
        + after_evaluation
        + gamma(n + 2) * after_norm,
        length=state.last_step_norm,
        length_error=float(eta * displacement) + gamma(3 * n + 8) * state.last_step_norm,
        residual=before,
        moved_residual=after,
    )


def accurate_residual(state: FunctionSpaceDescent) -> tuple[FloatArray, float]:
    """``r`` (n,) of the state's pre-activations as given, and a bound of ``||error||_2``.

    The sums over neurons are accurate; an evaluation of phi is off by at most 6 roundings of what ``_row_norm`` bounds.
    """
    root, u = float(np.sqrt(len(state.signs))), UNIT_ROUNDOFF
    sums = [accurate_sum(state.phi.function(row) * state.signs) for row in state.pre_activations]
    outputs = np.array([total for total, _ in sums]) / root
    residual = outputs - state.targets
    summation = float(np.linalg.norm([error for _, error in sums])) / root
    evaluation = 0.0 if state.phi.curvature is None else gamma(6) * _row_norm(state) * float(np.sqrt(len(sums)))
    rounding = 2 * u * float(np.linalg.norm(outputs)) + u * float(np.linalg.norm(residual))
    return residual, (summation + evaluation + rounding) * (1 + gamma(len(sums) + 8))


def _kronecker_step(state: FunctionSpaceDescent, eta: float) -> OneStep:
    """One K-FAC step; without a certified rank of X the errors after it are infinite."""
    n, geometry, bounds = len(state.targets), state.geometry, input_bounds(state.geometry)
    u, summation = UNIT_ROUNDOFF, gamma(state.summation_length + 6)
    before, pattern_gram = state.residual, state.pattern_gram
    before_norm = float(np.linalg.norm(before))
    evaluation = float(np.sqrt(n) * summation * _row_norm(state)) + u * before_norm
    smooth = state.phi.curvature is not None
    features_error = FUNCTION_ROUNDINGS * STEEPEST_SLOPE * u * float(np.sqrt(n)) if smooth else u * float(np.sqrt(n))
    size = float(np.trace(pattern_gram)) + features_error
    gram_error = 2 * np.sqrt(size) * features_error + gamma(state.summation_length + 4) * size if smooth else u * size
    sigma = float(np.sqrt(smallest_eigenvalue_estimate(pattern_gram)))
    solved = KroneckerSolution.of(pattern_gram, float(gram_error), before, evaluation, sigma)
    displacement = solved.movement_error(geometry.projection, bounds, features_error, STEEPEST_SLOPE)
    length_error = solved.length_error(geometry.dual_inputs, bounds)
    state.advance(eta, "kfac")
    after, after_norm = state.residual, float(np.linalg.norm(state.residual))
    sweep = float(np.sqrt(n)) * (u + summation) * _row_norm(state)
    return OneStep(
        before=before_norm,
        after=after_norm,
        before_error=evaluation + gamma(n + 2) * before_norm,
        after_error=STEEPEST_SLOPE * (eta * displacement + sweep) + (u + gamma(n + 2)) * after_norm,
        length=state.last_step_norm,
        length_error=eta * length_error + gamma(4) * state.last_step_norm,
        residual=before,
        moved_residual=after,
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
    residual: AnyArray = field(repr=False)
    """``r(k)``, shape (n,)."""
    moved_residual: AnyArray = field(repr=False)
    """``r(k+1)``, shape (n,)."""


def _enclosed_step(before: AnyArray, after: AnyArray, length: arb) -> EnclosedStep:
    return EnclosedStep(norm_enclosed(before), norm_enclosed(after), length, before, after)


def map_steps_enclosed(
    model: ParameterMap,
    theta: FloatArray,
    targets: FloatArray,
    eta: float,
    steps: int = 1,
    optimiser: str = "ngd",
) -> list[EnclosedStep]:
    """Exact NGD or GD steps from ``theta``, as balls at the working precision: a ball trajectory when ``steps`` > 1.

    Raises ChoiceError.
    """
    _known_optimiser(optimiser)
    exact, position, y = model.lifted(), lift(theta), lift(targets)
    found = []
    residual = exact.outputs(position) - y
    for _ in range(steps):
        jacobian = exact.jacobian(position)
        c = solve_enclosed(jacobian @ jacobian.T, residual) if optimiser == "ngd" else residual
        move = arb(eta) * (jacobian.T @ c)
        position = position - move
        before, residual = residual, exact.outputs(position) - y
        found.append(_enclosed_step(before, residual, norm_enclosed(move)))
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


MoveMaker = Callable[[AnyArray, arb_mat], Move]
"""From r (n,) and H (n, n) in balls to the move of one step."""


def _kernel_mover(inputs: FloatArray, natural: bool) -> MoveMaker:
    """NGD and GD: ``dZ = -K diag(c) S`` and ``||dW||_F^2 = c^T G c``, with ``G c = r`` or ``c = r``."""
    x = ball_matrix(inputs)
    kernel = x * x.transpose()
    n = len(inputs)

    def move(residual: AnyArray, pattern_gram: arb_mat) -> Move:
        gram = entrywise_product(kernel, pattern_gram)
        c = solve_enclosed(np.array(gram.tolist(), dtype=object), residual) if natural else residual
        column = arb_mat(n, 1, list(c))
        squared = (column.transpose() * gram * column)[0, 0]
        return arb_mat([[-kernel[i, j] * c[j] for j in range(n)] for i in range(n)]), squared.sqrt()

    return move


_MOVERS: Mapping[str, Callable[[FloatArray], MoveMaker]] = MappingProxyType(
    {
        "ngd": lambda inputs: _kernel_mover(inputs, True),
        "kfac": kronecker_mover,
        "gd": lambda inputs: _kernel_mover(inputs, False),
    }
)


def network_steps_enclosed(
    pre_activations: FloatArray,
    inputs: FloatArray,
    signs: FloatArray,
    activation: str,
    targets: FloatArray,
    eta: float,
    steps: int = 1,
    optimiser: str = "ngd",
) -> list[EnclosedStep]:
    """Exact steps of NGD, K-FAC or GD from stored Z (n, m), as balls; X and Z are exact as given.

    A pre-activation whose sign is undecided after a step makes the following steps not-a-number. Raises ChoiceError.
    """
    if optimiser not in _MOVERS:
        raise ChoiceError(f"unknown optimiser {optimiser!r}; known: {', '.join(_MOVERS)}")
    move = _MOVERS[optimiser](inputs)
    n, m = pre_activations.shape
    phi, slope = BALL_ACTIVATIONS[activation]
    scale = 1 / arb(m).sqrt()
    whole_signs = [int(sign) for sign in signs]
    z = ball_matrix(pre_activations)

    def residual_at(values: arb_mat) -> AnyArray:
        outputs = []
        for i in range(n):
            total = arb(0)
            for j in range(m):
                total += whole_signs[j] * phi(values[i, j])
            outputs.append(total * scale - arb(float(targets[i])))
        return np.array(outputs, dtype=object)

    found = []
    residual = residual_at(z)
    for _ in range(steps):
        features = arb_mat([[slope(z[i, j]) * whole_signs[j] * scale for j in range(m)] for i in range(n)])
        movement, length = move(residual, features * features.transpose())
        z = z + arb(eta) * movement * features
        before, residual = residual, residual_at(z)
        found.append(_enclosed_step(before, residual, arb(eta) * length))
    return found
