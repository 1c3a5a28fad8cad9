"""Cases for steps of NGD, K-FAC and GD: the program at a coarse roundoff against the exact step in balls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb

from tests.theory.rounding_model.case import UNIT_ROUNDOFF, Case, Measured
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.products import network
from theory.descent.optimiser import as_optimiser
from theory.inputs import FloatArray
from theory.losses import LossMaker, SquaredLoss
from theory.rigour.enclosed_step import EnclosedStep
from theory.rigour.precision import working_precision
from theory.rigour.trajectory import network_steps_enclosed

U = UNIT_ROUNDOFF
ONE_STEP = "theory.rigour.one_step"
BITS = 90
"""Of the balls that stand for exact steps."""

WATCHED = tuple(f"rigour.one_step:{name}" for name in ("network_step", "_row_norm", "AccurateOutputs.of"))


def optimiser_of(theory: Theory, name: str) -> Any:
    """The copy's optimiser of this name, which by itself would find theory/'s own."""
    kind = type(as_optimiser(name))
    return theory.function(kind.__module__, kind.__qualname__).named(name)


def watches_of(name: str) -> tuple[str, ...]:
    """What bounds the errors of an optimiser's step."""
    found = []
    for kind in type(as_optimiser(name)).__mro__:
        for method in ("rounding", "displacement"):
            own = vars(kind).get(method)
            if own is not None and not getattr(own, "__isabstractmethod__", False):
                found.append(f"{kind.__module__}:{kind.__qualname__}.{method}".removeprefix("theory."))
    return tuple(found)


def compared(exact: EnclosedStep, step: Any) -> Measured:
    """The errors of the three norms of a step, with their bounds."""
    yield abs(float(exact.before - arb(step.before))), step.before_error
    yield abs(float(exact.after - arb(step.after))), step.after_error
    yield abs(float(exact.length - arb(step.length))), step.length_error


def network_case(
    name: str,
    weights: Any,
    rows: Any,
    residual: Any,
    eta: float,
    optimiser: str = "ngd",
    activation: str = "relu",
    signs: Any = None,
    loss: LossMaker = SquaredLoss,
    searched: bool = False,
) -> Case:
    """One step of a network whose outputs differ from the targets by about ``residual``."""
    inputs = np.asarray(rows, dtype=np.float64)
    given = np.where(np.arange(len(weights)) % 2, -1.0, 1.0) if signs is None else np.asarray(signs, dtype=np.float64)

    def measure(theory: Theory) -> Measured:
        from theory.network.two_layer import TwoLayerNetwork

        net = network(theory, weights, given, activation)
        plain = TwoLayerNetwork(np.asarray(weights, dtype=np.float64), given, activation)
        y = np.round((plain.outputs(inputs) - np.asarray(residual)) * 2**40) / 2**40
        state = theory.function("theory.descent.steps", "FunctionSpaceDescent")(net, inputs, y, loss=loss)
        before = state.pre_activations.copy()
        step = theory.function(ONE_STEP, "network_step")(state, eta, optimiser_of(theory, optimiser))
        with working_precision(BITS):
            exact = network_steps_enclosed(before, inputs, given, activation, loss(y), eta, 1, optimiser)[0]
            yield from compared(exact, step)

    return Case(name, (*WATCHED, *watches_of(optimiser)), measure, searched)


def on_circle(*angles: float) -> FloatArray:
    """Unit rows at angles in radians."""
    return np.array([[math.cos(angle), math.sin(angle)] for angle in angles])


ONE = [[1.0]]
THREE = [[0.3, 0.1], [0.3, -0.7], [0.5, 1.0]]
HALVES = [[1.0, 0.0], [0.5, 1.0], [-1.0, 0.5], [0.0, -1.0]]
FOUR = [[1.0], [0.5], [0.25], [2.0]]
CASES = (
    network_case("NGD, one input", FOUR, ONE, [0.7], 0.5, searched=True),
    network_case("GD, one input, one sign", FOUR, ONE, [0.7], 0.9, "gd", signs=[1, 1, 1, 1]),
    network_case("GD, tiny step from large pre-activations", [[100.0], [100.0]], ONE, [1e-3], 2.0**-30, "gd"),
    network_case(
        "GD, tiny step, small outputs", np.full((12, 1), 2.0**-30), np.ones((12, 1)), np.full(12, 0.7), 2.0**-30, "gd"
    ),
    network_case("NGD, sine", [[0.3], [0.3], [0.3]], ONE, [0.7], 0.5, "ngd", "sin", searched=True),
    network_case("NGD, tanh, two inputs", THREE, on_circle(0.0, 1.0), [0.7, -0.2], 0.5, "ngd", "tanh"),
    network_case("GD, softplus at 0", np.zeros((4, 1)), ONE, [0.7], 2.0**-30, "gd", "softplus", signs=[1, 1, 1, -1]),
    network_case("NGD, two close inputs", HALVES, on_circle(0.0, 0.2), [0.7, -0.7], 0.5),
    network_case(
        "GD, many inputs that cancel",
        HALVES,
        np.tile(on_circle(0.3), (8, 1)),
        np.tile([0.7, -0.7 + 1e-3], 4),
        0.5,
        "gd",
        searched=True,
    ),
    network_case("K-FAC, sine", [[0.3], [0.3], [0.3]], ONE, [0.7], 0.5, "kfac", "sin", searched=True),
    network_case("K-FAC, two inputs", HALVES, on_circle(0.0, 1.2), [0.7, -0.7], 0.5, "kfac"),
    network_case("K-FAC, tiny step from large pre-activations", [[100.0], [100.0]], ONE, [1e-3], 2.0**-30, "kfac"),
)
