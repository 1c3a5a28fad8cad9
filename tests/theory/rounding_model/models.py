"""Cases for parameter maps and feature maps, their steps, and Gram matrices of finite networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.theory.rounding_model.case import UNIT_ROUNDOFF, Case, Measured
from tests.theory.rounding_model.components import NONE
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.products import exchanged, network
from tests.theory.rounding_model.steps import optimiser_of, watches_of
from theory.inputs import FloatArray

U = UNIT_ROUNDOFF
D = U / (1 + U)
MAPS = "theory.maps.affine"


def finite_gram() -> Case:
    """Gram matrices of finite networks: pre-activations and slopes off, products rounded."""

    def measure(theory: Theory) -> Measured:
        module = theory.module("theory.network.gram")
        for activation, weights, row, moved in (
            ("relu", np.full((3, 1), 0.9), [1.0], 0.0),
            ("relu", np.full((3, 40), 0.9), [40**-0.5] * 40, 0.0),
            ("sin", np.full((4, 1), 0.5), [1.0], 0.0),
            ("sin", np.full((40, 1), 0.01), [1.0], 0.0),
            ("sin", np.full((2, 1), 1.2), [1.0], 0.25),
            ("sin", np.full((2, 1), 1.57), [1.0], 0.0),
            ("sin", np.full((2, 1), 1.57), [1.0], 0.6),
        ):
            rows = np.array([row])
            net = network(theory, weights, np.ones(len(weights)), activation)
            with exchanged(module, {"pre_activation_error": lambda net, e=moved: np.full(net.width, e)}):
                computed, error = module.gram_with_error(net, rows)
            for sign in (1, 0, -1):
                z = rows @ weights.T + sign * moved
                slopes = np.cos(z) if activation == "sin" else (z >= 0).astype(float)
                exact = float((rows @ rows.T * (slopes @ slopes.T))[0, 0]) / len(weights)
                yield abs(float(computed[0, 0]) - exact), error

    names = ("_rectifier_pattern_gram", "_smooth_pattern_gram")
    return Case("Gram matrices of finite networks", tuple(f"network.gram:{name}" for name in names), measure)


def operator_norms() -> Case:
    """Norms of matrices of equal rows."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(MAPS)
        for matrix in (np.array([[0.9]]), np.full((3, 4), 0.7), np.full((1, 20), 0.3), np.array([[2.0**-530]])):
            exact = math.hypot(*matrix.ravel().tolist())
            yield exact, module._operator_norm_bound(matrix)

    return Case("operator norms", ("maps.affine:_operator_norm_bound",), measure)


def waves() -> Case:
    """Perturbed affine maps of one parameter: argument, sine, product and sum rounded, or each alone."""

    def measure(theory: Theory) -> Measured:
        affine = theory.function(MAPS, "PerturbedAffine")
        for slope, Q, eps, theta in (
            (0.9, 0.0, 0.7, 1.0),
            (0.0, 700.0, 0.9, 0.7),
            (0.0, 0.7, 0.9, 0.01),
            (0.9, 0.7, 0.7, 0.6),
        ):
            for p in (1, 4):
                linear, frequencies = np.full((1, p), slope), np.full((1, p), Q)
                model, point = affine(linear, frequencies, eps), np.full(p, theta)
                phase = p * Q * theta
                output_error, jacobian_error = model.rounding(point)
                yield abs(float(model.outputs(point)[0]) - (p * slope * theta + eps * math.sin(phase))), output_error
                entry = slope + eps * math.cos(phase) * Q
                yield float(np.linalg.norm(model.jacobian(point) - entry)), jacobian_error
                for radius in (0.3, 0.01, 10.0):
                    size = Q * math.sqrt(p)
                    yield eps * size * (1 - math.cos(min(radius * size, math.pi))), model.deviation(radius)
        # the cosine and the sine themselves are off by 8 u
        for B, Q, eps, angle in (
            (0.0, 1.0, 1.0, 0.01),
            (1e-9, 1.0, 0.9, 1.5),
            (0.9, 0.7, 0.7, 1e-6),
            (0.0, 0.7, 0.7, 1e-6),
            (0.9, 0.1, 0.1, 1e-6),
            (1e-3, 0.7, 0.7, 1e-6),
        ):
            model, place = affine(np.full((1, 1), B), np.full((1, 1), Q), eps), np.array([angle])
            with inaccurate_waves(theory):
                output_error, jacobian_error = model.rounding(place)
                value, derivative = B * angle + eps * math.sin(Q * angle), B + eps * Q * math.cos(Q * angle)
                yield abs(float(model.outputs(place)[0]) - value), output_error
                yield abs(float(model.jacobian(place)[0, 0]) - derivative), jacobian_error
                yield eps * Q * (1 - math.cos(1e-3 * Q)), model.deviation(1e-3)

    names = ("_spread", "deviation", "rounding")
    return Case("waves", tuple(f"maps.affine:PerturbedAffine.{name}" for name in names), measure, searched=True)


def inaccurate_waves(theory: Theory) -> exchanged:
    """Sine and cosine too large by 8 u of themselves, in the module of maps."""
    kept = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")}
    waves = {"sin": lambda x: np.sin(x) * (1 + 8 * D), "cos": lambda x: np.cos(x) * (1 + 8 * D)}
    return exchanged(theory.module(MAPS), {"np": SimpleNamespace(**{**kept, **waves})})


class Model:
    """A parameter map with a matrix J, which bends where the sum of parameters exceeds ``bend[0]``; it says how far it is off."""

    def __init__(
        self, J: Any, output_off: float = 0.0, jacobian_off: float = 0.0, bend: tuple[float, float] = (9e9, 0.0)
    ) -> None:
        self.J = np.atleast_2d(np.asarray(J, dtype=np.float64))
        self.output_off, self.jacobian_off, self.bend = output_off, jacobian_off, bend
        self.parameters = self.J.shape[1]
        self.later_off = output_off
        """What outputs are off by after the first time."""

    def exact(self, theta: FloatArray) -> FloatArray:
        return np.asarray(self.J @ theta + self.bend[1] * max(float(theta.sum()) - self.bend[0], 0.0))

    def outputs(self, theta: FloatArray) -> FloatArray:
        off, self.output_off = self.output_off, self.later_off
        return self.exact(theta) + off

    def jacobian(self, theta: FloatArray) -> FloatArray:
        return self.J - self.jacobian_off

    def deviation(self, radius: float) -> float:
        return self.bend[1] if radius >= abs(self.bend[0]) * (1 - 1e-9) else 0.0

    def rounding(self, theta: FloatArray) -> tuple[float, float]:
        size = math.sqrt(len(self.J))
        return max(abs(self.output_off), abs(self.later_off)) * size, abs(self.jacobian_off) * size


def steps_of_maps() -> Case:
    """Steps of a linear map that says how far it is off, and of one that is exact: its step is only rounded."""

    def measure(theory: Theory) -> Measured:
        module = theory.module("theory.rigour.one_step")
        squared = theory.function("theory.losses", "SquaredLoss")
        for model, theta, y, eta, optimiser, loss in (
            (Model(0.7, 0.25), [0.3], [1.0], 0.5, "gd", squared),
            (Model(0.7, 0.0, 0.25), [0.3], [1.0], 0.5, "gd", squared),
            (Model(0.7, 0.25), [0.3], [1.0], 0.5, "ngd", squared),
            (Model(0.7, 0.0, 0.1), [0.3], [1.0], 0.5, "ngd", squared),
            (Model(0.7, 0.0, -0.1), [0.3], [1.0], 0.5, "ngd", squared),
            (Model(0.7, 0.25, 0.25), [0.3], [1.0], 0.5, "gd", squared),
            (Model(0.7, -0.25, 0.5), [0.3], [1.0], 0.5, "gd", squared),
            (Model(0.7), [0.3], [1.0], 0.5, "gd", GivenLoss.off(0.25, 0.0)),
            (Model(0.7), [0.3], [1.0], 0.5, "gd", GivenLoss.off(0.0, 0.25)),
            (Model(0.7), [0.3], [1.0], 0.5, "ngd", GivenLoss.off(0.0, 0.25)),
            (Model(0.7), [0.3], [1.0], 0.5, "gd", squared),
            (Model(0.7), [0.3], [1.0], 0.5, "ngd", squared),
            (Model(0.7), [300.0], [210.7], 2.0**-30, "gd", squared),
            (Model(np.eye(12) * 0.7), [0.0] * 12, [0.9] * 12, 2.0**-40, "gd", squared),
            (Model(np.full((12, 1), 0.7)), [0.0], [0.9] * 12, 0.5, "gd", squared),
            (Model(np.full((1, 40), 0.7)), [0.0] * 40, [0.9], 0.5, "gd", squared),
            # the gradient is off, and where the exact step ends the map is steeper
            (Model(0.1, 0.0, 0.0, (0.05, 5.0)), [0.0], [1.0], 1.0, "gd", GivenLoss.off(0.0, 1.0)),
            (Model(0.1, 0.0, 0.0, (0.15, 5.0)), [0.0], [2.0], 1.0, "gd", GivenLoss.off(0.0, 1.0)),
            (Model(0.1, 0.0, 0.0, (-0.15, 5.0)), [-0.2], [1.98], 1.0, "gd", GivenLoss.off(0.0, 0.5)),
        ):
            model.output_off = model.later_off
            point, target = np.array(theta), np.array(y)
            objective = loss(target)
            _, step = module.map_step(model, point, objective, eta, optimiser_of(theory, optimiser))
            r = model.exact(point) - target
            J = model.J
            move = eta * (J.T @ (np.linalg.solve(J @ J.T, r) if optimiser == "ngd" else r))
            yield abs(step.before - float(np.linalg.norm(r))), step.before_error
            yield abs(step.after - float(np.linalg.norm(model.exact(point - move) - target))), step.after_error
            yield abs(step.length - float(np.linalg.norm(move))), step.length_error

    own = [name for optimiser in ("ngd", "gd") for name in watches_of(optimiser) if name.endswith(".displacement")]
    watches = ("rigour.one_step:map_steps", *own)
    return Case("steps of maps", watches, measure, searched=True)


class GivenLoss:
    """The squared loss, its minimiser and its gradient off by what it says."""

    smoothness = strong_convexity = 1.0

    def __init__(self, y: FloatArray, minimiser_error: float, gradient_error: float, direction: float) -> None:
        self.exact, self.minimiser, self.minimiser_error = y, y + minimiser_error, abs(minimiser_error)
        self.gradient_error, self.direction = gradient_error, direction

    @classmethod
    def off(
        cls, minimiser_error: float, gradient_error: float, direction: float = 1.0
    ) -> Callable[[FloatArray], GivenLoss]:
        return lambda y: cls(y, minimiser_error, gradient_error, direction)

    def gradient(self, outputs: FloatArray) -> FloatArray:
        return outputs - self.exact + self.direction * self.gradient_error

    def gradient_rounding(self, outputs: FloatArray) -> float:
        return self.gradient_error


def certificates_of_maps() -> Case:
    """The smallest eigenvalue of a map whose J is off, and the norm of J."""

    def measure(theory: Theory) -> Measured:
        module = theory.module(MAPS)
        for J, off, output_off in ((0.7, 0.0, 0.0), (0.7, 0.25, 0.0), (0.7, -0.25, 0.0), (0.7, 0.0, 0.5)):
            model = Model(J, output_off, off)
            certificate = module.certify_map(model, np.array([1.0]))
            yield certificate.lambda_min, J**2
            yield 3 * 1.0 / J, certificate.radius
            yield J, module.operator_norm(model)
        yield 3 * 1.0 / 0.7, module.certify_map(Model(0.7), np.array([1.0]), GivenLoss.off(-0.25, 0.0)).radius
        model = Model(np.eye(12) * 0.7)
        yield 3 * math.sqrt(12) * 0.9 / 0.7, module.certify_map(model, np.full(12, 0.9)).radius

    return Case(
        "certificates of maps",
        ("maps.affine:certify_map", "maps.affine:operator_norm", "maps.affine:_initial_gram"),
        measure,
    )


def spikes() -> Case:
    """Spike maps of one direction: positions, values and slopes rounded; a position next to a knot takes either slope."""

    def measure(theory: Theory) -> Measured:
        spike = theory.function(MAPS, "SpikeMap")
        one = np.ones((1, 1))
        for knots, slopes, turn, theta in (
            ([[0.5]], [[1.3, 0.7]], 1.0, 0.9),
            ([[0.5]], [[1.3, 0.7]], 0.9, 0.5 / 0.9),
            ([[0.5]], [[1.3, 1.3]], 0.9, 0.9),
            ([[-700.0]], [[0.7, 0.7]], 1.0, 0.3),
        ):
            model = spike(np.array(knots), np.array(slopes), one, turn * one)
            point = np.array([theta])
            t = turn * theta
            k, (left, right) = knots[0][0], slopes[0]
            value = left * t + (right - left) * (max(t - k, 0.0) - max(-k, 0.0))
            outputs, jacobian = model.rounding(point)
            yield abs(float(model.outputs(point)[0]) - value), outputs
            slope = right if t >= k else left
            yield abs(float(model.jacobian(point)[0, 0]) - slope * turn), jacobian
            if turn == 1.0:
                base = right if 0 >= k else left
                yield abs(right - base) if k < 0.9 else 0.0, model.deviation(0.9)

    names = ("_changes", "rounding", "deviation")
    return Case("spike maps", tuple(f"maps.affine:SpikeMap.{name}" for name in names), measure, searched=True)


class Features:
    """A feature map of n inputs, each with a feature of its own, which says how far it is off."""

    def __init__(
        self,
        slope: float,
        output_off: float = 0.0,
        features_off: float = 0.0,
        later_off: float | None = None,
        n: int = 1,
        bend: tuple[float, float] = (9e9, 0.0),
    ) -> None:
        self.slope, self.features_off, self.width, self.bend = slope, features_off, n, bend
        self.first_off, self.later_off = output_off, output_off if later_off is None else later_off
        self.calls = 0

    def exact(self, Z: FloatArray) -> FloatArray:
        return np.asarray(self.slope * np.diag(Z) + self.bend[1] * np.maximum(np.diag(Z) - self.bend[0], 0.0))

    def outputs(self, Z: FloatArray) -> FloatArray:
        self.calls += 1
        return self.exact(Z) + (self.first_off if self.calls == 1 else self.later_off)

    def features(self, Z: FloatArray) -> FloatArray:
        return np.eye(self.width) * (self.slope - self.features_off)

    def deviation(self, radius: float, dim: int) -> float:
        return self.bend[1] if radius >= abs(self.bend[0]) * (1 - 1e-9) else 0.0

    def rounding(self, Z: FloatArray) -> tuple[float, float]:
        off = self.first_off if self.calls == 1 else self.later_off
        return abs(off) * math.sqrt(self.width), abs(self.features_off) * math.sqrt(self.width)


def steps_of_features() -> Case:
    """K-FAC steps of a linear feature map of independent inputs."""

    def measure(theory: Theory) -> Measured:
        module = theory.module("theory.rigour.feature_step")
        for model, z, y, eta in (
            (Features(0.7, 0.25), 0.3, 1.0, 0.5),
            (Features(0.7, 0.0, 0.1), 0.3, 1.0, 0.5),
            (Features(0.7, 0.0, -0.1), 0.3, 1.0, 0.5),
            (Features(0.7, 0.0, 0.0, 0.25), 0.3, 1.0, 0.5),
            (Features(0.7), 0.3, 1.0, 0.5),
            (Features(0.7), 300.0, 210.7, 2.0**-30),
            (Features(0.7), 1e-3, 0.9, 2.0**-40),
            (Features(0.7, n=12), 0.0, 0.9, 2.0**-40),
            (Features(0.7, -0.25, 0.1), 0.3, 1.0, 0.5),
            (Features(0.7, 0.5, 0.0, 0.0, bend=(0.1, 5.0)), 0.0, 0.5, 0.5),
            (Features(0.7, 0.5, 0.0, 0.0, bend=(0.6, 5.0)), 0.0, 1.0, 0.5),
            (Features(0.7, 0.25, 0.0, 0.0, bend=(-0.5, 5.0)), -0.6, 0.42, 0.5),
        ):
            model.calls = 0
            n = model.width
            one: Any = SimpleNamespace(projection=np.eye(n), basis=np.eye(n), dual_inputs=np.eye(n), inputs=np.eye(n))
            _, step = module.feature_step(model, one, NONE, np.eye(n) * z, np.full(n, y), eta)
            r = float(model.exact(np.eye(n) * z)[0]) - y
            after = float(model.exact(np.eye(n) * (z - eta * r / model.slope))[0]) - y
            yield abs(step.before - math.sqrt(n) * abs(r)), step.before_error
            yield abs(step.after - math.sqrt(n) * abs(after)), step.after_error
            yield abs(step.length - math.sqrt(n) * eta * abs(r / model.slope)), step.length_error

    return Case("steps of feature maps", ("rigour.feature_step:feature_step",), measure, searched=True)


CASES = (
    finite_gram(),
    operator_norms(),
    waves(),
    steps_of_maps(),
    certificates_of_maps(),
    spikes(),
    steps_of_features(),
)
