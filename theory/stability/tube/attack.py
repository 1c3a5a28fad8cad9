"""Lower bounds of what happens in a tube: activations chosen in it to make a step as bad as they can.

The certificate bounds ``||X G^{-1}||_2``, ``X = (J' - J) J^T``, over all activations that the widths allow. With p, q the singular vectors
of ``F = (1-eta) I - eta X G^{-1}`` and ``v = G^{-1} q``, a change of one neuron's activations changes ``p^T F q`` to first order by a number
that depends on that neuron alone: all are changed together, then those that gain most, as long as the norm rises.

From the start of a certificate for K-FAC, which has ones for K, it is K-FAC's ``E = (S' - S) S^T H^{-1}``, and F the matrix ``I - t M`` of its steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.direction import Attained, Directed
from theory.inputs import FloatArray, positive
from theory.network.two_layer import exact_products, pattern_counts
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.rounding import UNDERFLOW, gamma
from theory.stability.tube.start import Start
from theory.stability.tube.widths import InputWidths, given_widths

Pattern = NDArray[np.bool_]

SHARES = (1.0, 0.5, 0.25, 0.125, 0.03, 0.01)
"""Of the neurons that would gain, those that gain most: how many change at a time."""

ROUNDS = 60
RESTARTS = 4

STATES = ((False, False), (False, True), (True, False), (True, True))
"""What a pair's activation can be at W and at W'."""


@dataclass(frozen=True)
class TubeAttack(Directed):
    """Activations that the tube allows, at two points of it, and what they show.

    Where the rows of X are linearly independent there are weights in the tube with them. They are no iterates: an optimiser need not get there.
    """

    factor: Attained
    """A lower bound of ``||(1-eta) I - eta X G^{-1}||_2``, which is at most ``1 - eta(1-mu)`` in the tube."""
    ratio: Attained
    """Of ``||X G^{-1}||_2``, at most mu."""
    pattern: Pattern = field(repr=False)
    """``A`` at W, which G is made of, shape (n, m)."""
    other: Pattern = field(repr=False)
    """``A'`` at W', shape (n, m)."""
    flips: int
    """In how many pairs the two differ."""


def attack_tube(start: Start, widths: ArrayLike, rng: np.random.Generator, step_size: float = 1.0) -> TubeAttack:
    """Look for the worst NGD step of a ReLU network in the tube of widths (n,) or (n, m), with restarts drawn from ``rng``.

    Only pairs are flipped that certainly can be. Raises ShapeError, NotFiniteError, ScaleError.
    """
    search = _Search(start, widths, positive(step_size, "the step size"))
    best = search.climbed(search.initial, search.initial)
    leaving = search.initial | search.free
    attempts = [(leaving, leaving & ~search.free)]
    attempts += [(search.drawn(rng), search.drawn(rng)) for _ in range(RESTARTS)]
    for pattern, other in attempts:
        found = search.climbed(pattern, other)
        if found.value > best.value:
            best = found
    return search.shown(best)


@dataclass(frozen=True)
class _Point:
    """Activations of the neurons that may flip, at W and at W', and ``||F||`` there."""

    pattern: Pattern
    other: Pattern
    value: float


class _Search:
    """The neurons with a pair that may flip, and the rest, which only counts."""

    def __init__(self, start: Start, widths: ArrayLike, eta: float) -> None:
        n, m = len(start.rows), start.width
        given = given_widths(widths, n, m)
        reach = given.values[:, None] if isinstance(given, InputWidths) else given.values
        z = start.spread(np.abs(start.pre_activations))
        error = start.spread(start.error)
        free = z + 2 * error < reach * (1 - gamma(4))
        touched = free.any(axis=0)
        self.start, self.eta, self.touched = start, eta, touched
        self.pattern = start.spread(start.pattern)
        self.free, self.initial = free[:, touched], self.pattern[:, touched]
        self.rest = pattern_counts(self.pattern[:, ~touched])
        self.width = m
        self.kernel = start.products

    def drawn(self, rng: np.random.Generator) -> Pattern:
        """Half of what may flip, flipped."""
        return np.asarray(self.initial ^ (self.free & (rng.random(self.free.shape) < 0.5)))

    def matrices(self, pattern: Pattern, other: Pattern) -> tuple[FloatArray, FloatArray]:
        """``X`` and ``G``, from exact counts."""
        counts = self.rest + pattern_counts(pattern)
        change = other.astype(np.int8) - pattern.astype(np.int8)
        return self.kernel * exact_products(
            change, pattern.astype(np.int8)
        ) / self.width, self.kernel * counts / self.width

    def value(self, pattern: Pattern, other: Pattern) -> _Point:
        """The point, 0 where G is singular."""
        F = step_matrix(*self.matrices(pattern, other), self.eta)
        return _Point(pattern, other, 0.0 if F is None else float(np.linalg.norm(F, 2)))

    def climbed(self, pattern: Pattern, other: Pattern) -> _Point:
        """From a point upwards, until no share of the neurons that gain to first order raises the norm."""
        best = self.value(pattern, other)
        for _ in range(ROUNDS):
            found = self.raised(best)
            if found is None:
                return best
            best = found
        return best

    def raised(self, point: _Point) -> _Point | None:
        """A better point, None where there is none in this direction."""
        product, gram = self.matrices(point.pattern, point.other)
        F = step_matrix(product, gram, self.eta)
        if F is None or not product.any():  # then the norm does not say which way to go
            p = v = np.linalg.eigh(gram)[1][:, 0]
            z = np.zeros(len(v))
        else:
            left, _, right = np.linalg.svd(F)
            p, v = left[:, 0], np.linalg.solve(gram, right[0])
            z = np.linalg.solve(gram, product.T @ p)
        pattern, other, gain = self.proposed(point, p, v, z)
        gaining = np.flatnonzero(gain > 0)
        order = gaining[np.argsort(-gain[gaining])]
        for share in SHARES:
            chosen = order[: math.ceil(share * len(order))]
            now, then = point.pattern.copy(), point.other.copy()
            now[:, chosen], then[:, chosen] = pattern[:, chosen], other[:, chosen]
            found = self.value(now, then)
            if found.value > point.value * (1 + 2.0**-40):
                return found
        return None

    def proposed(
        self, point: _Point, p: FloatArray, v: FloatArray, z: FloatArray
    ) -> tuple[Pattern, Pattern, FloatArray]:
        """The best activations of each neuron to first order, an input after the other, and what each neuron gains.

        With ``z = G^{-1} X^T p`` a neuron adds ``(z o a - p o (a' - a))^T K (v o a)`` to ``p^T F q``, in units of ``eta/m``.
        """
        pattern, other = point.pattern.copy(), point.other.copy()
        before = self.added(pattern, other, p, v, z)
        for i in np.flatnonzero(self.free.any(axis=1)):
            columns = np.flatnonzero(self.free[i])
            best = np.full(len(columns), -np.inf)
            kept = pattern[i, columns], other[i, columns]
            for now, then in STATES:
                pattern[i, columns], other[i, columns] = now, then
                found = self.added(pattern[:, columns], other[:, columns], p, v, z)
                better = found > best
                best = np.where(better, found, best)
                kept = np.where(better, now, kept[0]), np.where(better, then, kept[1])
            pattern[i, columns], other[i, columns] = kept
        return pattern, other, self.added(pattern, other, p, v, z) - before

    def added(self, pattern: Pattern, other: Pattern, p: FloatArray, v: FloatArray, z: FloatArray) -> FloatArray:
        """The sum above for each neuron, shape (k,)."""
        left = z[:, None] * pattern - p[:, None] * (other.astype(np.float64) - pattern)
        return np.asarray((left * (self.kernel @ (v[:, None] * pattern))).sum(axis=0))

    def shown(self, point: _Point) -> TubeAttack:
        """The lower bounds at a point."""
        product, gram = self.matrices(point.pattern, point.other)
        pattern, other = self.pattern.copy(), self.pattern.copy()
        pattern[:, self.touched], other[:, self.touched] = point.pattern, point.other
        return TubeAttack(
            factor=attained(self.start, product, gram, self.eta),
            ratio=attained(self.start, product, gram, 1.0),
            pattern=pattern,
            other=other,
            flips=int((pattern != other).sum()),
        )


def step_matrix(product: FloatArray, gram: FloatArray, eta: float) -> FloatArray | None:
    """``F``; None where G is singular."""
    try:
        found = (1 - eta) * np.eye(len(gram)) - eta * np.linalg.solve(gram, product.T).T
    except np.linalg.LinAlgError:
        return None
    return np.asarray(found) if np.isfinite(found).all() else None


def attained(start: Start, product: FloatArray, gram: FloatArray, eta: float) -> Attained:
    """``||F||_2`` from below, by ``||F G v||/||G v||`` at one v; 0 where it is nothing.

    X and G are K times shares of at most 1, K as computed from X's rows (n, d), or ones: no entry of ``G v`` is off by more than
    ``gamma_{d+n+8}`` times that of ``|rows| |rows|^T |v|``, or of ``|K| |v|`` where that is more.
    """
    F = step_matrix(product, gram, eta)
    if F is None:
        return Attained(0.0)
    v = np.linalg.solve(gram, np.linalg.svd(F)[2][0])
    rows, weights = np.abs(start.rows), np.abs(v)
    sizes = np.maximum(rows @ (rows.T @ weights), start.kernel @ weights)
    error = gamma(sum(rows.shape) + 8) * euclidean_norm(sizes) * (1 + gamma(sum(rows.shape) + 8)) + UNDERFLOW
    moved, whole = (1 - eta) * (gram @ v) - eta * (product @ v), gram @ v
    below = euclidean_norm(moved) * (1 - gamma(len(v) + 4)) - (abs(1 - eta) + eta) * error * (1 + gamma(4))
    above = euclidean_norm(whole) * (1 + gamma(len(v) + 4)) + error
    if not (below > 0 and math.isfinite(above)):
        return Attained(0.0)
    return Attained(math.nextafter(below / above * (1 - gamma(6)), 0.0))
