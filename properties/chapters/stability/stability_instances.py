"""Instances of the claims on Condition 2: small networks with a radius, attacked or enumerated, and short paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from flint import arb, arb_mat, fmpq

from properties.descent.inputs import draw_inputs
from properties.engine.stable_names import stored_as
from theory.descent.steps import FunctionSpaceDescent
from theory.errors import DescentError
from theory.inputs import FloatArray, normalise_rows
from theory.network.gram import exact_pattern
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.eigenvalues import enclosed_smallest_eigenvalue
from theory.rigour.enclosed_step import BALL_ACTIVATIONS
from theory.rigour.exact import ball_matrix, entrywise_product, rational
from theory.stability import BallCertificate, PathCertificate, certify_ball, certify_path
from theory.stability.attack import change_attack
from theory.stability.conditions import factor_rows
from theory.stability.exact_path import path_changes
from theory.stability.flips import flip_costs
from theory.stability.path import PatternSegments, SmoothSegments, segments_of
from theory.stability.patterns import ChangeMatrices, ball_changes

Description = Mapping[str, Any]

NEARLY_PARALLEL = 1e-6
"""How far the inputs of a "curved" network are from each other."""

MOST_CURVED: Mapping[str, float] = MappingProxyType(
    {"softplus": 0.0, "tanh": 0.6584789484624084, "erf": 0.7071067811865476, "sin": 1.5707963267948966}
)
"""Where ``|phi''|`` is largest: 0, artanh 3^{-1/2}, 2^{-1/2}, pi/2."""


def wide_enough(description: Description) -> int:
    """The drawn width, or the least m with n <= m d, without which no Jacobian has full row rank."""
    return int(max(description["width"], -(-description["inputs"] // description["dimension"])))


def flip_radius(net: TwoLayerNetwork, rows: FloatArray, flips: int, whole: bool) -> float:
    """A radius that affords about so many of the cheapest flips; a whole number when asked for one."""
    costs = np.sort(flip_costs(net, rows).ravel())
    afforded = min(flips, len(costs))
    radius = float(np.sqrt(costs[:afforded].sum() + 0.5 * costs[min(afforded, len(costs) - 1)])) + 2.0**-10
    return float(max(1.0, np.rint(radius))) if whole else radius


def initialised(description: Description, rng: np.random.Generator, activation: str = "relu") -> TwoLayerNetwork:
    """A network of the drawn width, one more for a symmetric one with an odd width."""
    width, symmetric = wide_enough(description), description["symmetric"]
    width += width % 2 if symmetric else 0
    return TwoLayerNetwork.initialise(width, description["dimension"], 1.0, rng, symmetric, activation)


@stored_as("attacked-ball")
@dataclass(frozen=True)
class AttackedBall:
    """A network, unit rows, a radius, and a seed for the attack."""

    roundable: ClassVar[tuple[str, ...]] = ("radius", "net.weights")

    net: TwoLayerNetwork
    rows: FloatArray
    radius: float
    seed: int
    condition: str = field(default="2", kw_only=True)

    @property
    def changed(self) -> str:
        """What the condition is about: the Jacobian J or the features S."""
        return "S" if self.condition == "K2" else "J"

    @cached_property
    def certificate(self) -> BallCertificate:
        """Certified bounds on the ball; the targets do not matter once the radius is given."""
        return certify_ball(self.net, self.rows, np.zeros(len(self.rows)), self.condition, self.radius)

    @cached_property
    def attack(self) -> tuple[float, FloatArray]:
        """What the attack reached, and its weights."""
        rng = np.random.default_rng(self.seed)
        return change_attack(self.net, self.rows, self.radius, rng, self.condition)


@stored_as("stability-ball")
@dataclass(frozen=True)
class BallInstance(AttackedBall):
    """A ReLU network: patterns are compared exactly."""

    enumerable: bool = field(kw_only=True)
    """Whether all patterns in the ball can be listed."""

    @cached_property
    def costs(self) -> FloatArray:
        """The certificate's flip costs (n, m)."""
        return flip_costs(self.net, self.rows)

    @cached_property
    def attacked(self) -> ChangeMatrices:
        """The pattern change of the attack's weights, exactly."""
        moved = TwoLayerNetwork(self.attack[1], self.net.signs)
        change = exact_pattern(moved, self.rows) - exact_pattern(self.net, self.rows)
        factors = factor_rows(self.condition, self.rows)
        return ChangeMatrices.of(factors, (change @ change.T)[None], self.net.width)

    @cached_property
    def attack_distance(self) -> fmpq:
        """Squared distance of the attack's weights from W(0), exactly."""
        pairs = zip(self.attack[1].ravel().tolist(), self.net.weights.ravel().tolist(), strict=True)
        return sum(((rational(w) - rational(v)) ** 2 for w, v in pairs if w != v), fmpq(0))

    @cached_property
    def enumerated(self) -> ChangeMatrices:
        """All pattern changes in the ball, exactly."""
        changes = ball_changes(self.net, self.rows, self.radius)
        return changes.of_features() if self.condition == "K2" else changes


def build_ball(description: Description, enumerable: bool, condition: str = "2") -> BallInstance:
    """A ReLU network on inputs of the drawn kind, with a radius that affords some flips."""
    rng = np.random.default_rng(description["seed"])
    whole = description["kind"] == "integer"
    rows = draw_inputs(description["inputs"], description["dimension"], description["kind"], rng)
    net = initialised(description, rng)
    if whole:
        weights = rng.integers(-3, 4, net.weights.shape).astype(float)
        if description["symmetric"]:
            weights[net.width // 2 :] = weights[: net.width // 2]
        net = TwoLayerNetwork(weights, net.signs)
    radius = flip_radius(net, rows, description["flips"], whole)
    return BallInstance(net, rows, radius, description["seed"], condition=condition, enumerable=enumerable)


@stored_as("stability-smooth-ball")
@dataclass(frozen=True)
class SmoothInstance(AttackedBall):
    """A smooth network: changes are compared in balls."""

    def change(self) -> arb:
        """A number that ``||J(W) - J(0)||_2`` (K2: of S) is at least, at the attack's weights, in balls."""
        inputs = ball_matrix(self.rows)
        before = inputs * ball_matrix(self.net.weights).transpose()
        after = inputs * ball_matrix(self.attack[1]).transpose()
        return feature_change(self.net, ball_matrix(factor_rows(self.condition, self.rows)), before, after)


def feature_change(net: TwoLayerNetwork, inputs: arb_mat, before: arb_mat, after: arb_mat) -> arb:
    """``(v^T (K o dS dS^T) v / v^T v)^{1/2} <= ||J - J'||_2`` (not squared) for two pre-activation matrices in balls.

    With a column of ones as ``inputs`` it is a lower bound of ``||S - S'||_2``.

    v is the top eigenvector as computed in floats: any vector gives a lower bound. The signs of dS cancel.
    """
    slope = BALL_ACTIVATIONS[net.activation][1]
    n, m = before.nrows(), before.ncols()
    change = arb_mat(n, m, [slope(z) - slope(w) for z, w in zip(after.entries(), before.entries(), strict=True)])
    kernel, products = inputs * inputs.transpose(), change * change.transpose()
    matrix = arb_mat(n, n, [k * p / m for k, p in zip(kernel.entries(), products.entries(), strict=True)])
    floats = np.array([[float(matrix[i, j].mid()) for j in range(n)] for i in range(n)])
    vector = ball_matrix(np.linalg.eigh(floats)[1][:, -1])
    square = (vector.transpose() * matrix * vector)[0, 0] / (vector.transpose() * vector)[0, 0]
    return arb(square.lower()).max(arb(0)).sqrt()


def build_smooth(description: Description, condition: str = "2") -> SmoothInstance:
    """A smooth network; of kind "curved" all weights sit where phi bends most, on nearly parallel inputs."""
    rng = np.random.default_rng(description["seed"])
    n, d, activation = description["inputs"], description["dimension"], description["activation"]
    curved = description["kind"] == "curved"
    rows = draw_inputs(n, d, "uniform" if curved else description["kind"], rng)
    if curved:
        rows = normalise_rows(rows[:1] + NEARLY_PARALLEL * rows)
    net = initialised(description, rng, activation)
    if curved:
        weights = np.outer(np.full(net.width, MOST_CURVED[activation]), rows[0])
        net = TwoLayerNetwork(weights, net.signs, activation)
    radius, seed = description["radius_percent"] / 100, description["seed"]
    return SmoothInstance(net, rows, radius, seed, condition=condition)


@stored_as("stability-path")
@dataclass(frozen=True)
class PathInstance:
    """A network, data, and the steps of an optimiser on it."""

    roundable: ClassVar[tuple[str, ...]] = ("targets", "step_size", "net.weights")

    net: TwoLayerNetwork
    rows: FloatArray
    targets: FloatArray
    step_size: float
    steps: int
    optimiser: str
    parts: int
    condition: str = "2"

    @property
    def changed(self) -> str:
        """What the condition is about: the Jacobian J or the features S."""
        return "S" if self.condition == "K2" else "J"

    @property
    def factors(self) -> FloatArray:
        """X, or a column of ones for K2."""
        return factor_rows(self.condition, self.rows)

    @cached_property
    def iterates(self) -> list[FloatArray] | None:
        """The stored pre-activations Z(0), ..., Z(steps), each (n, m); None when a Gram matrix becomes singular."""
        state = FunctionSpaceDescent(self.net, self.rows, self.targets)
        found = [state.pre_activations.copy()]
        try:
            for _ in range(self.steps):
                state.advance(self.step_size, self.optimiser)
                found.append(state.pre_activations.copy())
        except DescentError:
            return None
        return found

    @cached_property
    def certificate(self) -> PathCertificate:
        """The path certificate, for the condition asked for whatever the optimiser."""
        arguments = (self.net, self.rows, self.targets, self.step_size, self.steps, self.optimiser, self.parts)
        return certify_path(*arguments, condition=self.condition)

    def initial_eigenvalue(self, bits: int) -> arb:
        """``lambda_min`` of G(0), for K2 of H(0), at the stored Z(0), to about so many bits if the precision allows."""
        assert self.iterates is not None
        factors, (n, m) = ball_matrix(factor_rows(self.condition, self.rows)), self.iterates[0].shape
        slope = BALL_ACTIVATIONS[self.net.activation][1]
        slopes = arb_mat(n, m, [slope(z) for z in ball_matrix(self.iterates[0]).entries()])
        gram = entrywise_product(factors * factors.transpose(), slopes * slopes.transpose())
        return enclosed_smallest_eigenvalue(gram / m, bits)

    @cached_property
    def passed(self) -> ChangeMatrices:
        """All pattern changes along the path, exactly (ReLU)."""
        assert self.iterates is not None
        changes = path_changes(self.iterates, self.rows)
        return changes.of_features() if self.condition == "K2" else changes

    def segments(self) -> PatternSegments | SmoothSegments:
        """The theory's own account of the segments, at its start."""
        assert self.iterates is not None
        return segments_of(self.net, self.iterates[0], self.factors)

    def change_at(self, segment: int, position: fmpq) -> arb:
        """A number that ``||J - J(0)||_2`` (K2: of S) is at least, at one position of a segment, in balls (smooth)."""
        assert self.iterates is not None
        first, start, end = (ball_matrix(self.iterates[k]) for k in (0, segment, segment + 1))
        here = start * arb(1 - position) + end * arb(position)
        return feature_change(self.net, ball_matrix(self.factors), first, here)


def build_path(description: Description, condition: str = "2") -> PathInstance:
    """A short run of an optimiser on a small network; GD's step is relative to the stability limit ``2/||G||``."""
    rng = np.random.default_rng(description["seed"])
    n, d = description["inputs"], description["dimension"]
    rows = draw_inputs(n, d, description["kind"], rng)
    net = initialised(description, rng, description["activation"])
    targets = rng.standard_normal(n) * description["target_scale"]
    eta = description["step_percent"] / 100
    if description["optimiser"] == "gd":
        eta /= max(float(np.linalg.eigvalsh(net.gram(rows))[-1]), 2.0**-10)
    optimiser, parts = description["optimiser"], description["parts"]
    return PathInstance(net, rows, targets, eta, description["steps"], optimiser, parts, condition)
