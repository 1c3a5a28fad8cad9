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
from theory.rigour.exact import ball_matrix, entrywise_product, pseudo_inverse, rational_matrix
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
    """Advance ``state`` by one NGD or GD step and bound the error of both residual norms.

    Outputs are Lipschitz in the pre-activations: ``|u_i(Z) - u_i(Z')| <= sup|phi'| ||Z_i - Z'_i||_2``, as the output
    weights ``a_r/sqrt(m)`` have norm 1, and ``||J||_2 <= sup|phi'| ||X||_2``. Raises ChoiceError for K-FAC, RankDeficientError.
    """
    _known_optimiser(optimiser)
    n = len(state.targets)
    u, summation = UNIT_ROUNDOFF, gamma(state.summation_length + 6)
    before, gram = state.residual, state.gram
    size_before = _row_norm(state)
    state.advance(eta, optimiser)
    after, c = state.residual, state.coefficients
    assert c is not None
    size_after = _row_norm(state)
    evaluation = np.sqrt(n) * (summation * size_before) + u * float(np.linalg.norm(before))
    kernel_norm = float(np.abs(state.kernel).sum(axis=1).max())
    smallest = np.sqrt(smallest_eigenvalue_estimate(gram))
    if optimiser == "ngd":
        defect = float(np.linalg.norm(before - gram @ c)) + evaluation
        defect += gamma(n + state.geometry.inputs.shape[1] + 6) * float(np.linalg.norm(np.abs(gram) @ np.abs(c)))
        displacement = defect / smallest
    else:
        displacement = STEEPEST_SLOPE * np.sqrt(kernel_norm) * evaluation
    sweep = gamma(n + 6) * eta * float(np.abs(c).sum()) + (u + summation) * size_after
    before_norm, after_norm = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    return OneStep(
        before=before_norm,
        after=after_norm,
        before_error=float(evaluation) + gamma(n + 2) * before_norm,
        after_error=float(
            eta * STEEPEST_SLOPE * np.sqrt(kernel_norm) * displacement + STEEPEST_SLOPE * np.sqrt(n) * sweep
        )
        + u * after_norm
        + gamma(n + 2) * after_norm,
        length=state.last_step_norm,
        length_error=float(eta * displacement) + gamma(3 * n + 8) * state.last_step_norm,
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


Move = tuple[arb_mat, arb]
"""An n x n matrix M of balls with ``dZ = M S``, and a ball around ``||dW||_F``, for the step size 1."""


def _natural_move(residual: AnyArray, kernel: arb_mat, pattern_gram: arb_mat, inputs: FloatArray) -> Move:
    gram = entrywise_product(kernel, pattern_gram)
    c = solve_enclosed(np.array(gram.tolist(), dtype=object), residual)
    return _kernel_move(kernel, gram, c)


def _gradient_move(residual: AnyArray, kernel: arb_mat, pattern_gram: arb_mat, inputs: FloatArray) -> Move:
    return _kernel_move(kernel, entrywise_product(kernel, pattern_gram), residual)


def _kernel_move(kernel: arb_mat, gram: arb_mat, c: AnyArray) -> Move:
    """``dZ = -K diag(c) S`` and ``||dW||_F^2 = c^T G c``."""
    n = len(c)
    column = arb_mat(n, 1, list(c))
    squared = (column.transpose() * gram * column)[0, 0]
    return arb_mat([[-kernel[i, j] * c[j] for j in range(n)] for i in range(n)]), squared.sqrt()


def _kronecker_move(residual: AnyArray, kernel: arb_mat, pattern_gram: arb_mat, inputs: FloatArray) -> Move:
    """``dZ = -P diag(r) H^{-1} S`` and ``||dW||_F^2 = sum_ij r_i r_j (H^{-1})_ij (x_i^+ . x_j^+)``, x_i^+ columns of X^+.

    The pseudo-inverse of X is exact, hence its rank is the exact one.
    """
    n = len(residual)
    pseudo = arb_mat(pseudo_inverse(rational_matrix(inputs)))
    try:
        inverse = pattern_gram.inv()
    except ZeroDivisionError:
        inverse = arb_mat(n, n, [arb("nan")] * (n * n))
    weighted = arb_mat([[residual[i] * inverse[i, j] for j in range(n)] for i in range(n)])
    products = pseudo.transpose() * pseudo
    squared = sum((weighted[i, j] * residual[j] * products[i, j] for i in range(n) for j in range(n)), arb(0))
    return -(ball_matrix(inputs) * pseudo) * weighted, squared.sqrt()


_MOVES: Mapping[str, Callable[[AnyArray, arb_mat, arb_mat, FloatArray], Move]] = MappingProxyType(
    {"ngd": _natural_move, "kfac": _kronecker_move, "gd": _gradient_move}
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
    if optimiser not in _MOVES:
        raise ChoiceError(f"unknown optimiser {optimiser!r}; known: {', '.join(_MOVES)}")
    n, m = pre_activations.shape
    phi, slope = BALL_ACTIVATIONS[activation]
    scale = 1 / arb(m).sqrt()
    whole_signs = [int(sign) for sign in signs]
    x = ball_matrix(inputs)
    kernel = x * x.transpose()
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
        movement, length = _MOVES[optimiser](residual, kernel, features * features.transpose(), inputs)
        z = z + arb(eta) * movement * features
        before, residual = residual, residual_at(z)
        found.append(_enclosed_step(before, residual, arb(eta) * length))
    return found
