"""Exact steps of NGD, K-FAC or GD from a stored iterate, in balls at the working precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from flint import arb, arb_mat

from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.losses import Loss, as_loss
from theory.maps import ParameterMap
from theory.rigour.exact import AnyArray, ball_matrix, entrywise_product, lift
from theory.rigour.kronecker import Move, kronecker_mover
from theory.rigour.one_step import known_optimiser


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


def _enclosed_step(before: AnyArray, after: AnyArray, length: arb) -> EnclosedStep:
    return EnclosedStep(norm_enclosed(before), norm_enclosed(after), length, before, after)


def map_steps_enclosed(
    model: ParameterMap,
    theta: FloatArray,
    objective: Loss | FloatArray,
    eta: float,
    steps: int = 1,
    optimiser: str = "ngd",
) -> list[EnclosedStep]:
    """Exact NGD or GD steps from ``theta``, as balls at the working precision: a ball trajectory when ``steps`` > 1.

    Targets stand for their squared loss. Raises ChoiceError.
    """
    known_optimiser(optimiser)
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
        found.append(_enclosed_step(before, outputs - minimiser, norm_enclosed(move)))
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
    objective: Loss | FloatArray,
    eta: float,
    steps: int = 1,
    optimiser: str = "ngd",
) -> list[EnclosedStep]:
    """Exact steps of NGD, K-FAC or GD from stored Z (n, m), as balls; X and Z are exact as given.

    Targets stand for their squared loss. A pre-activation whose sign is undecided after a step makes the following steps not-a-number. Raises ChoiceError.
    """
    if optimiser not in _MOVERS:
        raise ChoiceError(f"unknown optimiser {optimiser!r}; known: {', '.join(_MOVERS)}")
    move = _MOVERS[optimiser](inputs)
    loss = as_loss(objective)
    minimiser = loss.minimiser_enclosed()
    n, m = pre_activations.shape
    phi, slope = BALL_ACTIVATIONS[activation]
    scale = 1 / arb(m).sqrt()
    column = ball_matrix(signs)
    negative = np.tile(signs < 0, n).tolist()
    z = ball_matrix(pre_activations)

    def outputs_at(values: arb_mat) -> AnyArray:
        outputs = arb_mat(n, m, [phi(value) for value in values.entries()]) * column * scale
        return np.array(outputs.entries(), dtype=object)

    found = []
    outputs = outputs_at(z)
    for _ in range(steps):
        slopes = [slope(value) for value in z.entries()]
        features = arb_mat(n, m, [-s if minus else s for s, minus in zip(slopes, negative, strict=True)])
        movement, length = move(loss.gradient(outputs), features * features.transpose() / m)
        z = z + arb(eta) * scale * movement * features
        before, outputs = outputs - minimiser, outputs_at(z)
        found.append(_enclosed_step(before, outputs - minimiser, arb(eta) * length))
    return found
