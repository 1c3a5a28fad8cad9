"""Exact steps in balls: what one step is made of, and steps of a parameter map.

Everything is at the working precision. A system that cannot be shown to be regular, or an activation of undecided sign,
gives not-a-number, which no comparison takes for an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import numpy as np
from flint import arb, arb_mat

from theory.descent.coefficients import of_a_map
from theory.descent.optimiser import Chosen
from theory.inputs import FloatArray, positive_count
from theory.losses import Loss, as_loss
from theory.maps.affine import ParameterMap
from theory.reals import positive_real
from theory.rigour.exact import AnyArray, lift


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


def map_steps_enclosed(
    model: ParameterMap,
    theta: FloatArray,
    objective: Loss | FloatArray,
    eta: float,
    steps: int = 1,
    optimiser: Chosen = "ngd",
) -> list[EnclosedStep]:
    """Exact steps of NGD, or another optimiser of maps, from ``theta``, as balls at the working precision: a ball trajectory when ``steps`` > 1.

    Targets stand for their squared loss. Raises ChoiceError, ScaleError, WidthError (steps).
    """
    chosen = of_a_map(optimiser)
    positive_real(eta, "the step size eta")
    positive_count(steps, "steps")
    loss = as_loss(objective)
    exact, position, minimiser = model.lifted(), lift(theta), loss.minimiser_enclosed()
    found = []
    outputs = exact.outputs(position)
    for _ in range(steps):
        jacobian = exact.jacobian(position)
        gradient = loss.gradient(outputs)
        c = chosen.coefficients_enclosed(partial(np.matmul, jacobian, jacobian.T), gradient)
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


def _tanh_slope_ball(z: arb) -> arb:
    found = z.tanh()
    return 1 - found * found


BALL_ACTIVATIONS: Mapping[str, tuple[Callable[[arb], arb], Callable[[arb], arb]]] = MappingProxyType(
    {
        "relu": (_relu_ball, _step_ball),
        "softplus": (_softplus_ball, lambda z: 1 / (1 + (-z).exp())),
        "tanh": (lambda z: z.tanh(), _tanh_slope_ball),
        "erf": (lambda z: z.erf(), lambda z: 2 * (-z * z).exp() / arb.pi().sqrt()),
        "sin": (lambda z: z.sin(), lambda z: z.cos()),
    }
)
"""Each activation and its derivative on balls; a ReLU derivative of undecided sign is not a number.

A square is a product: the power of a small ball around 0 is not a number in FLINT."""
