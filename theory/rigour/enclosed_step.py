"""Exact steps of NGD, K-FAC and GD in balls: what one step is made of, and steps of a parameter map.

Everything is at the working precision. A system that cannot be shown to be regular, or an activation of undecided sign,
gives not-a-number, which no comparison takes for an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from flint import arb, arb_mat

from theory.errors import ChoiceError
from theory.inputs import FloatArray, positive_count
from theory.losses import Loss, as_loss
from theory.maps.affine import ParameterMap
from theory.reals import positive_real
from theory.rigour.exact import AnyArray, ball_matrix, entrywise_product, lift
from theory.rigour.kronecker import Move, kronecker_mover


def norm_enclosed(vector: AnyArray) -> arb:
    """The Euclidean norm of an object array of balls; a sum of squares that may round below 0 is cut off there."""
    total = arb(0)
    for entry in vector:
        total += entry * entry
    return total.nonnegative_part().sqrt()


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
    flips: int = 0
    """Activations that the step changes, where they are decided; 0 but for ReLU networks."""


def enclosed_step(before: AnyArray, after: AnyArray, length: arb, flips: int = 0) -> EnclosedStep:
    """The step between two residuals (n,)."""
    return EnclosedStep(norm_enclosed(before), norm_enclosed(after), length, before, after, flips)


MAP_OPTIMISERS = ("ngd", "gd")
"""The optimisers of a parameter map."""


def map_steps_enclosed(
    model: ParameterMap,
    theta: FloatArray,
    objective: Loss | FloatArray,
    eta: float,
    steps: int = 1,
    optimiser: str = "ngd",
) -> list[EnclosedStep]:
    """Exact NGD or GD steps from ``theta``, as balls at the working precision: a ball trajectory when ``steps`` > 1.

    Targets stand for their squared loss. Raises ChoiceError, ScaleError, WidthError (steps).
    """
    if optimiser not in MAP_OPTIMISERS:
        raise ChoiceError(f"no ball steps of a map by {optimiser!r}; known: {', '.join(MAP_OPTIMISERS)}")
    positive_real(eta, "the step size eta")
    positive_count(steps, "steps")
    loss = as_loss(objective)
    exact, position, minimiser = model.lifted(), lift(theta), loss.minimiser_enclosed()
    found = []
    outputs = exact.outputs(position)
    for _ in range(steps):
        jacobian = exact.jacobian(position)
        gradient = loss.gradient(outputs)
        c = solve_enclosed(jacobian @ jacobian.T, gradient) if optimiser == "ngd" else gradient
        move = arb(eta) * (jacobian.T @ c)
        position = position - move
        before, outputs = outputs - minimiser, exact.outputs(position)
        found.append(enclosed_step(before, outputs - minimiser, norm_enclosed(move)))
    return found


_ZERO, _ONE, _UNKNOWN = arb(0), arb(1), arb("nan")


def _relu_ball(z: arb) -> arb:
    return z if z >= 0 else (_ZERO if z < 0 else (z + abs(z)) / 2)


def _step_ball(z: arb) -> arb:
    return _ONE if z >= 0 else (_ZERO if z < 0 else _UNKNOWN)


def _softplus_ball(z: arb) -> arb:
    return (1 + z.exp()).log()


BALL_ACTIVATIONS: Mapping[str, tuple[Callable[[arb], arb], Callable[[arb], arb]]] = MappingProxyType(
    {
        "relu": (_relu_ball, _step_ball),
        "softplus": (_softplus_ball, lambda z: 1 / (1 + (-z).exp())),
        "tanh": (lambda z: z.tanh(), lambda z: 1 - z.tanh() ** 2),
        "erf": (lambda z: z.erf(), lambda z: 2 * (-z * z).exp() / arb.pi().sqrt()),
        "sin": (lambda z: z.sin(), lambda z: z.cos()),
    }
)
"""Each activation and its derivative on balls; a ReLU derivative of undecided sign is not a number."""


MoveMaker = Callable[[AnyArray, arb_mat], Move]
"""From the loss's gradient g (n,) and H (n, n) in balls to the move of one step."""


def _kernel_mover(inputs: FloatArray, natural: bool) -> MoveMaker:
    """NGD and GD: ``dZ = -K diag(c) S`` and ``||dW||_F^2 = c^T G c``, with ``G c = g`` or ``c = g``."""
    x = ball_matrix(inputs)
    kernel = x * x.transpose()
    n = len(inputs)

    def move(gradient: AnyArray, pattern_gram: arb_mat) -> Move:
        gram = entrywise_product(kernel, pattern_gram)
        c = solve_enclosed(np.array(gram.tolist(), dtype=object), gradient) if natural else gradient
        column = arb_mat(n, 1, list(c))
        squared = (column.transpose() * gram * column)[0, 0]
        return arb_mat([[-kernel[i, j] * c[j] for j in range(n)] for i in range(n)]), squared.nonnegative_part().sqrt()

    return move


MOVERS: Mapping[str, Callable[[FloatArray], MoveMaker]] = MappingProxyType(
    {
        "ngd": lambda inputs: _kernel_mover(inputs, True),
        "kfac": kronecker_mover,
        "gd": lambda inputs: _kernel_mover(inputs, False),
    }
)
"""By optimiser, from X (n, d) exactly as given."""


def move_maker(optimiser: str, inputs: FloatArray) -> MoveMaker:
    """What moves the pre-activations. Raises ChoiceError."""
    if optimiser not in MOVERS:
        raise ChoiceError(f"unknown optimiser {optimiser!r}; known: {', '.join(MOVERS)}")
    return MOVERS[optimiser](inputs)
