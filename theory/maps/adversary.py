"""Gradient ascent against T1-sharp's one-step factor and Lemma S, over Jacobians that satisfy Condition 2 by construction.

Scale lambda = 1. ``J0 J0^T >= I`` with J0 = J(0) (n, p), ``A = J(k)`` and every Jacobian B of the segment within c of J0.
Rotations of outputs and parameters change nothing, so that J0 = [diag(d) 0] with d >= 1 is no restriction, nor is
r = A z with z = A^T y, the step being -eta z.

The search uses the quantities of T1-sharp's proof (docs/proofs/ngd.md, P5.7 to P5.10): w = Az, v = J0 z, e = w - v. The new residual
is ``||w - eta B z|| <= ||w - eta v|| + eta c ||z||``, attained by ``B z = v - c ||z|| d``, d the direction of w - eta v.
Lemma S: for unit z in the row space of A, 0 < c < 1, ``||v||^2 - ||e||^2 >= c/(1+c) s^2 + (1+c)(1-2c)``.

The row space of A is that of J0 up to ``Q = J0 (I - Pi) J0^T``, Pi the projection onto it. ``(A - J0)(I - Pi) = -J0 (I - Pi)`` gives
``Q <= c^2 I - (A - J0) Pi (A - J0)^T`` and ``J0 Pi J0^T >= I - Q > 0``, whose inverse bounds: ``v^T (I-Q)^{-1} v >= 1``, because
``v = (J0 Pi) z`` with J0 Pi invertible from that row space on, and ``e^T (c^2 I - Q)^{-1} e <= 1``. With Q = 0 (the row spaces agree)
they say ``||v|| >= 1``, ``||e|| <= c``, and the first is false else: it can be as short as ``(1-c^2)^{1/2}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.inputs import FloatArray, distance, positive
from theory.theorems import ngd_sharp

MARGIN = 2.0**-40
"""Constraints are kept with this relative margin, so that float64 certifies them."""

FIRST_STEP, GROWTH, CUT, LEAST_STEP = 0.1, 1.6, 0.4, 1e-9
"""Step lengths of the ascent, relative to the size of each variable: longer after a success, shorter after a failure."""

Partials = tuple[float, FloatArray, FloatArray, FloatArray]
"""A value and its derivatives by w, v and z."""

Objective = Callable[[FloatArray, FloatArray, FloatArray], Partials]


@dataclass(frozen=True)
class Configuration:
    """What the ascent moves: ``J0 = [diag(scales) 0]``, ``A = J0 + c change``, ``z = A^T weights``."""

    scales: FloatArray
    """d (n,), at least 1."""
    change: FloatArray
    """E (n, p), spectral norm at most 1."""
    weights: FloatArray
    """y (n,)."""
    stability: float
    """c."""

    @property
    def initial(self) -> FloatArray:
        """J0 (n, p)."""
        n, p = self.change.shape
        return np.hstack([np.diag(self.scales), np.zeros((n, p - n))])

    @property
    def current(self) -> FloatArray:
        """A (n, p)."""
        return self.initial + self.stability * self.change

    @property
    def direction(self) -> FloatArray:
        """z (p,), not normalised."""
        return self.current.T @ self.weights


def residual_factor(eta: float, stability: float) -> Objective:
    """``(||w - eta v|| + eta c ||z||)/||w||``, the worst factor of a step over the Jacobians of the segment. Raises ScaleError."""
    positive(eta, "eta")
    distance(stability, "stability")

    def evaluate(w: FloatArray, v: FloatArray, z: FloatArray) -> Partials:
        gap, size, length = w - eta * v, np.linalg.norm(w), np.linalg.norm(z)
        missed = np.linalg.norm(gap)
        value = float((missed + eta * stability * length) / size)
        unit = gap / missed if missed > 0 else gap
        return value, unit / size - value * w / size**2, -eta * unit / size, eta * stability * z / (length * size)

    return evaluate


def lemma_gap(stability: float) -> Objective:
    """``(||e||^2 + c/(1+c) ||w||^2 + (1+c)(1-2c) ||z||^2 - ||v||^2)/||z||^2``: Lemma S says that it is not positive."""
    along, constant = ngd_sharp.lemma_constants(stability)

    def evaluate(w: FloatArray, v: FloatArray, z: FloatArray) -> Partials:
        e, squared = w - v, float(z @ z)
        value = float(e @ e + along * (w @ w) - v @ v) / squared + constant
        by_w, by_v = 2 * (e + along * w) / squared, -2 * (e + v) / squared
        return value, by_w, by_v, 2 * (constant - value) * z / squared

    return evaluate


def image_length(stability: float) -> Objective:
    """``1 - c^2 - ||v||^2/||z||^2``, which is not positive; 0 where the row of J0 turns as far as ``||A - J0|| <= c`` allows."""

    def evaluate(w: FloatArray, v: FloatArray, z: FloatArray) -> Partials:
        squared = float(z @ z)
        share = float(v @ v) / squared
        return 1 - stability**2 - share, np.zeros_like(w), -2 * v / squared, 2 * share * z / squared

    return evaluate


def value_and_gradient(
    point: Configuration, objective: Objective
) -> tuple[float, tuple[FloatArray, FloatArray, FloatArray]]:
    """The objective at ``z = A^T y``, and its derivatives by scales (n,), change (n, p) and weights (n,)."""
    initial, current, z = point.initial, point.current, point.direction
    value, by_w, by_v, by_z = objective(current @ z, initial @ z, z)
    pulled = current.T @ by_w + initial.T @ by_v + by_z  # the derivative by z through w and v as well
    by_current = np.outer(by_w, z) + np.outer(point.weights, pulled)
    by_initial = by_current + np.outer(by_v, z)
    return value, (np.diag(by_initial).copy(), point.stability * by_current, current @ pulled)


def feasible(point: Configuration) -> Configuration:
    """The configuration moved into the constraints: scales raised, singular values cut, weights normalised."""
    squares, vectors = np.linalg.eigh(point.change @ point.change.T)
    cuts = (1 - MARGIN) / np.sqrt(np.maximum(squares, (1 - MARGIN) ** 2))
    change = (vectors * cuts) @ (vectors.T @ point.change)
    scales = np.maximum(point.scales, 1 + MARGIN)
    return Configuration(scales, change, point.weights / np.linalg.norm(point.weights), point.stability)


def ascend(start: Configuration, objective: Objective, evaluations: int) -> Configuration:
    """Projected gradient ascent with a step length that adapts; ends early when the step length vanishes."""
    point = feasible(start)
    value, slopes = value_and_gradient(point, objective)
    length = FIRST_STEP
    for _ in range(evaluations):
        sizes = [float(np.linalg.norm(slope)) for slope in slopes]
        moves = [length * slope / size if size > 0 else slope for slope, size in zip(slopes, sizes, strict=True)]
        trial = feasible(
            Configuration(point.scales + moves[0], point.change + moves[1], point.weights + moves[2], point.stability)
        )
        found, found_slopes = value_and_gradient(trial, objective)
        if found > value:
            point, value, slopes, length = trial, found, found_slopes, length * GROWTH
        else:
            length *= CUT
            if length < LEAST_STEP:
                break
    return point


def random_configuration(n: int, p: int, stability: float, rng: np.random.Generator) -> Configuration:
    """A start without structure: scales in [1, 2], a change of norm about 1."""
    change = rng.standard_normal((n, p)) / (np.sqrt(n) + np.sqrt(p))
    return feasible(Configuration(1 + rng.uniform(size=n), change, rng.standard_normal(n), stability))


def worst_case_configuration(
    n: int, p: int, stability: float, noise: float, rng: np.random.Generator, slope: float = 1.0
) -> Configuration:
    """T1-tight's worst case (slope 1 + c at the iterate) in the first output, disturbed by ``noise`` < 1.

    ``slope=-1`` starts from the slope 1 - c instead, whose steps go too far.
    """
    plain = random_configuration(n, p, stability, rng)
    change, weights, scales = noise * plain.change, noise * plain.weights, 1 + noise * (plain.scales - 1)
    change[0, 0] += slope
    weights[0] += 1
    return feasible(Configuration(scales, change, weights, stability))


def turned_configuration(n: int, p: int, stability: float, noise: float, rng: np.random.Generator) -> Configuration:
    """The first row of A is that of J0 turned towards a direction outside its row space, as far as it can; p > n."""
    plain = random_configuration(n, p, stability, rng)
    change, weights, scales = noise * plain.change, noise * plain.weights, 1 + noise * (plain.scales - 1)
    change[0, 0] -= stability
    change[0, n] += math.sqrt(1 - stability**2)
    weights[0] += 1
    return feasible(Configuration(scales, change, weights, stability))


def worst_field(point: Configuration, eta: float, pieces: int, rng: np.random.Generator) -> list[FloatArray]:
    """Jacobians (n, p) of equal parts of the segment, each within c of J0, that attain the bound of the new residual.

    ``B_j = J0 - c (d u^T + (I - d d^T) F_j (I - u u^T))``, u the direction of z, d that of w - eta v, ``||F_j|| <= 1``: all
    of them send z to ``v - c ||z|| d``.
    """
    initial, z = point.initial, point.direction
    gap = (point.current - eta * initial) @ z
    size = np.linalg.norm(gap)
    d = gap / size if size > 0 else np.eye(len(gap))[0]
    u = z / np.linalg.norm(z)
    field = []
    for _ in range(pieces):
        n, p = point.change.shape
        free = random_configuration(n, p, point.stability, rng).change
        free = free - np.outer(d, d @ free)
        free = free - np.outer(free @ u, u)
        field.append(initial - point.stability * (1 - MARGIN) * (np.outer(d, u) + free))
    return field
