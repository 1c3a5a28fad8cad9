"""Cases for norms of inputs, of changes and of residuals."""

from __future__ import annotations

import math

import numpy as np

from tests.theory.rounding_model.case import UNIT_ROUNDOFF, Case, Measured
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.products import exchanged, network

U = UNIT_ROUNDOFF
D = U / (1 + U)
NORMS = "theory.stability.norms"


def rounding_up_and_down() -> Case:
    """Results of four roundings towards the wrong side, large and too small to have relative errors."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(NORMS)
        for value in (0.7, 1.0, 1e-3):
            yield value, module.rounded_up(value * (1 - D) ** 4)
            yield module.rounded_down(value * (1 + D) ** 4), value
        for roundings in (1, 4):
            yield 2.0**-1074 * roundings, module.rounded_up(0.0)
            yield module.rounded_down(2.0**-1074 * roundings), 0.0
        yield module.stability_constant(0.9, 0.7) * 0 + 3 * 0.9 / math.sqrt(0.7), module.stability_constant(0.9, 0.7)
        yield 3 * 0.9 / math.sqrt(0.7), module.paper_radius(0.9, 0.7)

    return Case("four roundings", ("stability.norms:rounded_up", "stability.norms:rounded_down"), measure)


def norms_of_inputs() -> Case:
    """Equal rows: the norm is the root of their number."""

    def measure(theory: Theory) -> Measured:
        for n, row in (
            (1, [0.6, 0.8]),
            (3, [0.6, 0.8]),
            (2, [0.28, 0.96, 0.0]),
            (6, [5**-0.5] * 5),
            (1, [40**-0.5] * 40),
        ):
            rows = np.tile(np.array(row), (n, 1))
            yield float(np.linalg.norm(rows, 2)) ** 2, theory.function(NORMS, "input_norm_squared")(rows)

    return Case("norms of inputs", ("stability.norms:input_norm_squared",), measure)


def norms_of_changes() -> Case:
    """Equal rows whose activations all flip: the change of J is as large as counts allow, up to rounding of K and of quotients."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(NORMS)
        for n, row, width in (
            (1, [1.0], 3),
            (3, [0.6, 0.8], 3),
            (4, [5**-0.5] * 5, 7),
            (1, [64**-0.5 * 1.0] * 64, 7),
            (1, [40**-0.5] * 40, 50),
        ):
            rows = np.tile(np.array(row), (n, 1))
            kernel = theory.function("theory.kernels.geometry", "InputGeometry")(rows).kernel
            counts = np.full((n, n), float(width))
            exact = math.sqrt(float(np.linalg.eigvalsh(rows @ rows.T)[-1]))
            lower, upper = module.pattern_change_norm(kernel, counts, width, len(row))
            yield lower, exact
            yield exact, upper
            yield module.pattern_change_lower_bound(kernel, counts, width, len(row)), exact
            change = np.full((n, width), 0.7)
            exact = float(np.linalg.norm(change, 2)) * float(np.linalg.norm(row))
            for error in (0.0, 0.25):
                lower, upper = module.feature_change_norm(kernel, change, error, len(row))
                yield lower, exact - error
                yield exact + error, upper
                yield module.feature_change_lower_bound(kernel, change, error, len(row)), exact - error
        # entries of K with absolute errors: pattern counts that cancel leave them alone
        crossed = np.array([[0.0, 1.25], [1.25, 0.0]])
        lower, upper = module._root_bracket(np.eye(2), 0.25)
        yield lower, math.sqrt(0.75)
        yield module._root_lower_bound(np.eye(2), 0.25), math.sqrt(0.75)
        yield math.sqrt(1.25), upper
        yield 0.7, module._root_bracket(np.array([[0.49, 0.0], [0.0, 0.49]]), 0.0)[1]
        yield module._root_bracket(np.array([[0.49, 0.0], [0.0, 0.49]]), 0.0)[0], 0.7
        for lower in (module._root_bracket(crossed, 0.0)[0], module._root_lower_bound(crossed, 0.0)):
            yield 0.9 * math.sqrt(1.25), lower

    names = (
        "pattern_change_norm",
        "pattern_change_lower_bound",
        "_pattern_change",
        "feature_change_norm",
        "feature_change_lower_bound",
        "_feature_change",
        "_moved",
        "_root_bracket",
        "_root_lower_bound",
        "_root_below",
        "_symmetric",
    )
    return Case("norms of changes", tuple(f"stability.norms:{name}" for name in names), measure, searched=True)


def features_that_are_off() -> Case:
    """Slopes off by all that is granted, or moved by what pre-activations are off."""

    def measure(theory: Theory) -> Measured:
        feature_error = theory.function(NORMS, "feature_error")
        net = network(theory, np.full((4, 1), 0.5), np.ones(4), "sin")
        for rows in (1, 3):
            yield 0.25 / 2, feature_error(net, 0.25, rows)
            yield 2 * 8 * D * math.sqrt(rows), feature_error(net, 0.0, rows)

    return Case("features that are off", ("stability.norms:feature_error",), measure)


def residuals() -> Case:
    """Norms of residuals from weights: sums, activations, pre-activations and targets rounded, each where the others are not."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(NORMS)
        for weights, y, activation, moved in (
            (np.full((3, 1), 0.9), [1.5588], "relu", 0.0),
            (np.full((8, 1), 1e-6), [0.9], "relu", 0.0),
            (np.full((8, 1), 0.4), [1.1], "sin", 0.0),
            (np.full((4, 1), 0.5), [0.7], "relu", 0.25),
            (np.full((1, 1), 1e-6), [0.9] * 40, "relu", 0.0),
        ):
            n, m = len(y), len(weights)
            rows = np.ones((n, 1))
            net = network(theory, weights, np.ones(m), activation)
            phi = np.sin if activation == "sin" else lambda values: np.maximum(values, 0.0)
            with exchanged(module, {"pre_activation_error": lambda net, e=moved: np.full(net.width, e)}):
                lower, upper = module._residual_norm(net, rows, np.array(y))
            for sign in (1, -1):
                z = rows @ weights.T + sign * moved
                exact = float(np.linalg.norm(phi(z).sum(axis=1) / math.sqrt(m) - np.array(y)))
                yield lower, exact
                yield exact, upper

    return Case("residuals from weights", ("stability.norms:_residual_norm",), measure, searched=True)


CASES = [
    rounding_up_and_down(),
    norms_of_inputs(),
    norms_of_changes(),
    features_that_are_off(),
    residuals(),
]
