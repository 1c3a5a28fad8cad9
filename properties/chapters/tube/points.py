"""Points of a tube: every pattern that its pairs can have, corners, and random weights; exact, for networks of few neurons."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from flint import arb, fmpq, fmpq_mat

from properties.chapters.tube.enclosed_tube import EnclosedTube, Pattern
from properties.engine.stable_names import stored_as
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.enclosed_step import BALL_ACTIVATIONS
from theory.rigour.exact import AnyArray, exact_rank, rational, rational_matrix
from theory.stability import TubeBounds, bounds_at, tube_start

MOST_PAIRS = 7
"""Up to so many pairs that may flip all patterns are tried."""

RANDOM_POINTS = 24


@stored_as("tube-points")
@dataclass(frozen=True)
class TubePoints:
    """A network of few neurons with inputs X (n, d), a tube's widths (n,) or (n, m), and a seed for points in it."""

    roundable: ClassVar[tuple[str, ...]] = ("net.weights", "widths")

    net: TwoLayerNetwork
    inputs: FloatArray
    widths: FloatArray
    seed: int
    reach: int = 1
    """How far points go, in units of the widths: beyond 1 they are outside the tube."""

    @cached_property
    def tube(self) -> EnclosedTube:
        """What its definition says of the tube."""
        return EnclosedTube(self.net, self.inputs, np.zeros(len(self.inputs)), self.widths)

    @cached_property
    def certificate(self) -> TubeBounds:
        """What is certified of it, for ReLU networks."""
        start = tube_start(self.net, self.inputs, np.zeros(len(self.inputs)))
        return bounds_at(start, self.widths)

    @cached_property
    def free(self) -> bool:
        """Whether the inputs are linearly independent: then pre-activations can be chosen one by one."""
        return exact_rank(self.inputs) == len(self.inputs)

    @cached_property
    def pair_widths(self) -> FloatArray:
        """b (n, m)."""
        b = self.widths if self.widths.ndim == 2 else self.widths[:, None]
        return np.array(np.broadcast_to(b, (len(self.inputs), self.net.width)))

    @cached_property
    def exact_start(self) -> fmpq_mat:
        """Z(0) (n, m)."""
        return rational_matrix(self.inputs) * rational_matrix(self.net.weights).transpose()

    def shifts(self) -> Iterator[FloatArray]:
        """Where in the tube points lie, t (n, m) in [-1, 1] with ``Z = Z(0) + t b``, for free inputs: corners, patterns, random ones."""
        shape, rng = self.pair_widths.shape, np.random.default_rng(self.seed)
        yield np.ones(shape)
        yield -np.ones(shape)
        for i in range(shape[0]):
            for side in (1.0, -1.0):
                corner = np.full(shape, side)
                corner[i] = -side
                yield corner
        near = self.tube.near if self.net.activation == "relu" else np.zeros(shape, dtype=bool)
        pairs = np.argwhere(near)
        if 0 < len(pairs) <= MOST_PAIRS:
            for sides in itertools.product((-1.0, 1.0), repeat=len(pairs)):
                chosen = np.zeros(shape)
                chosen[tuple(pairs.T)] = sides
                yield chosen
        for _ in range(RANDOM_POINTS // 2):
            yield np.where(rng.random(shape) < 0.5, -1.0, 1.0)
            yield rng.integers(-8, 9, shape) / 8

    @cached_property
    def weights(self) -> list[fmpq_mat]:
        """Weights (m, d) in the tube, exactly: random ones that touch its boundary; with free inputs those of the first shifts."""
        rng, start = np.random.default_rng(self.seed), rational_matrix(self.net.weights)
        X, b = rational_matrix(self.inputs), self.pair_widths
        (m, d), found = self.net.weights.shape, []
        for _ in range(RANDOM_POINTS):
            directions = rational_matrix(rng.integers(-8, 9, (m, d)).astype(float))
            moved = (X * directions.transpose()).tolist()
            rows = []
            for r, row in enumerate(directions.tolist()):
                limits = [rational(float(b[i, r])) / abs(moved[i][r]) for i in range(len(moved)) if moved[i][r] != 0]
                share = self.reach * min(limits) if limits else fmpq(1)
                rows.append([entry * share for entry in row])
            found.append(start + fmpq_mat(rows))
        if self.free:
            right = X.transpose() * (X * X.transpose()).inv()
            for shift in itertools.islice(self.shifts(), 6):
                motion = rational_matrix(self.reach * shift * b)  # exact: whole numbers times floats
                found.append(start + (right * motion).transpose())
        return found

    @cached_property
    def contained(self) -> bool:
        """Whether the weights lie in the tube, exactly."""
        X, b = rational_matrix(self.inputs), self.pair_widths
        limits = [[rational(float(one)) for one in row] for row in b]
        for weights in self.weights:
            moved = (X * weights.transpose() - self.exact_start).tolist()
            if any(
                abs(one) > limit
                for row, bounds in zip(moved, limits, strict=True)
                for one, limit in zip(row, bounds, strict=True)
            ):
                return False
        return True

    @cached_property
    def patterns(self) -> list[Pattern]:
        """The patterns of all points, the initial one first, each once; for ReLU networks."""
        X, start = rational_matrix(self.inputs), self.exact_start
        points = [start, *(X * weights.transpose() for weights in self.weights)]
        found = [np.array([[z >= 0 for z in row] for row in point.tolist()], dtype=bool) for point in points]
        if self.free:
            z, b = start.tolist(), [[rational(float(one)) for one in row] for row in self.pair_widths]
            for shift in self.shifts():
                steps = [[self.reach * rational(float(one)) for one in row] for row in shift]
                found.append(
                    np.array(
                        [
                            [one + t * w >= 0 for one, t, w in zip(*rows, strict=True)]
                            for rows in zip(z, steps, b, strict=True)
                        ],
                        dtype=bool,
                    )
                )
        once: dict[bytes, Pattern] = {}
        for pattern in found:
            once.setdefault(pattern.tobytes(), pattern)
        return list(once.values())

    def slopes(self, count: int) -> list[AnyArray]:
        """``phi'(Z)`` (n, m) in balls at W(0) and so many points, for smooth networks with free inputs."""
        slope = np.frompyfunc(BALL_ACTIVATIONS[self.net.activation][1], 1, 1)
        z = self.tube.pre_activations
        shifts = [np.zeros(z.shape), *itertools.islice(self.shifts(), count)]
        lift = np.frompyfunc(lambda value: arb(float(value)), 1, 1)
        return [np.asarray(slope(z + lift(shift) * lift(self.pair_widths))) for shift in shifts]
