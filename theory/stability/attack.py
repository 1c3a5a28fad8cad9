"""Lower bounds of the stability constant: explicit weights in the ball with a large ||J(W) - J(0)||_2 (C2-attack).

For a unit vector v, ``v^T (K o D D^T) v / m`` is a sum over neurons, ``||X^T (v o D_r)||^2 / m``, so the best use of
the budget R^2 is a knapsack over the neurons' moves; v is then replaced by the top eigenvector, and so on. For
Condition K2 a column of ones takes the place of X in this sum, and of X X^T (theory.stability.conditions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.direction import NONNEGATIVE, Attained, Directed, LowerBound
from theory.inputs import FloatArray, distance, enough_parameters, positive_distance, target_vector, unit_rows
from theory.network.gram import decided_signs, exact_pattern
from theory.network.shared_weights import SharedWeights
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.pre_activations import pre_activation_error, pre_activation_errors
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.stability.conditions import condition_scale, factor_rows
from theory.stability.knapsack import STAY, choose_moves
from theory.stability.moves import (
    OVERSHOOT,
    Move,
    all_crossings,
    held_flips,
    joint_flips,
    past_boundaries,
    single_flips,
    some_crossings,
)
from theory.stability.norms import (
    CONDITION_FACTOR,
    pattern_change_lower_bound,
    residual_norm,
    rounded_down,
)
from theory.stability.smooth_attack import smooth_change

THOROUGH_WORK = 3e6
"""Entries of pre-activations up to which all crossings and joint flips are tried at every restart."""

SINGLES_WORK = 6e7
"""Entries up to which the exact value of every single flip is computed; beyond, its own input alone counts."""

RANKING_ENTRIES = 2**17
"""Entries of pre-activations handled at a time where moves are ranked one by one: they stay in the cache."""

ROUNDS, QUICK_ROUNDS, RESTARTS, UPGRADES, COARSE_CROSSINGS = 6, 2, 4, 32, 8


@dataclass(frozen=True)
class BallAttack(Directed):
    """Explicit weights in the ball and what they show."""

    constant: Attained
    """A lower bound of C, evaluated at ``weights``: of ``3 sup ||J(W) - J(0)||_2 / lambda^{1/2}``, or of
    ``3 sup ||S(W) - S(0)||_2 / sigma`` for K2."""
    change: Attained
    """A lower bound of ``||J(W) - J(0)||_2``, or of ``||S(W) - S(0)||_2`` for K2 (not squared), at ``weights``."""
    weights: FloatArray
    """``W``, shape (m, d), with ``||W - W(0)||_F <= radius``."""
    radius: float
    """The radius (not squared) of the ball attacked: a ``LowerBound`` of the condition's own, or the one that was asked for, a plain float."""


def within_ball(weights: FloatArray, centre: FloatArray, radius: float, copies: int = 1) -> bool:
    """Whether ``||W - W(0)||_F <= R`` for certain, whatever the rounding of the subtraction and of the sum. Raises ScaleError.

    ``weights`` and ``centre`` (q, d) are those of the neurons that move, each of which the network has ``copies`` times.
    """
    reach = distance(radius, "radius")
    computed = math.sqrt(copies) * euclidean_norm(weights - centre)
    return computed * (1 + 2 * gamma(weights.size + 8)) <= reach


class _Search:
    """Candidate moves of all neurons, and the best of them found so far: which neurons move, and where to."""

    def __init__(self, net: TwoLayerNetwork, rows: FloatArray, radius: float, factors: FloatArray) -> None:
        self.whole, self.rows, self.radius, self.factors = net, rows, radius, factors
        n, d = rows.shape
        entries = n * net.width
        self.thorough = entries * n * (n + 2) <= THOROUGH_WORK
        # a search that is not thorough moves neurons that share their weights alike: it looks at one of each pair, with half of the budget
        self.shared = SharedWeights.none(net) if self.thorough else SharedWeights.of(net)
        self.net = self.shared.looked_at
        # coordinates in the row space of X: moves orthogonal to all inputs are wasted
        self.basis = np.linalg.qr(rows.T)[0] if n < d else np.eye(d)
        self.points = rows @ self.basis
        self.pre_activations = self.net.pre_activations(rows)
        self.pattern = exact_pattern(self.net, rows).astype(np.float32)
        margins = 4 * pre_activation_error(self.net) + OVERSHOOT**2 * radius / math.sqrt(net.width)
        self.past = past_boundaries(self.pre_activations, self.pattern, margins)
        self.kernel = factors @ factors.T
        # coordinates in the row space of Y: norms of Y^T v are those of R^T v
        self.weigher = np.linalg.qr(factors.T, mode="r") if n < factors.shape[1] else factors.T
        self.budget = radius**2 * (1 - 8 * gamma(net.weights.size + 64)) / self.shared.copies
        self.exact_singles = entries * n <= SINGLES_WORK
        self.singles = single_flips(self.points, self.past)
        self.fixed: list[Move] = list(self.singles)
        if self.thorough:
            self.fixed += joint_flips(self.points, self.past, 3)
            self.fixed += held_flips(self.points, self.past)
            for point in self.points:
                self.fixed += all_crossings(self.points, self.past, point)
            self.fixed_changes = self.pattern_changes(self.fixed)
            self.fixed_costs = np.array([move.costs() for move in self.fixed])
        self._answers: dict[bytes, tuple[float, FloatArray]] = {}
        self._evaluated: dict[bytes, tuple[float, FloatArray]] = {}
        self.best_change = 0.0
        self.best_moves: tuple[NDArray[np.intp], FloatArray] | None = None

    @property
    def best_weights(self) -> FloatArray:
        """The weights (m, d) that show the best change: a new array, or ``W(0)`` itself where none does."""
        return (
            self.whole.weights if self.best_moves is None else self.shared.placed(self.whole.weights, *self.best_moves)
        )

    def pattern_changes(self, moves: list[Move]) -> FloatArray:
        """``D`` of each move, shape (P, n, m), entries -1, 0, 1."""
        after = [self.pre_activations + move.pre_activation_changes(self.points) >= 0 for move in moves]
        return np.asarray(np.array(after, dtype=float) - self.pattern)

    def improve(self, vector: FloatArray) -> None:
        """Alternate between the best moves for a direction in output space and the best direction for the moves."""
        reached = 0.0
        for _ in range(ROUNDS if self.thorough else QUICK_ROUNDS):
            change, direction = self.answer(vector)
            if change <= reached * (1 + UNIT_ROUNDOFF):
                return
            reached, vector = change, direction

    def answer(self, vector: FloatArray) -> tuple[float, FloatArray]:
        """The change by the best moves for an output direction, and the best direction for them; most starts come to the same few of both."""
        key = vector.tobytes()
        if key not in self._answers:
            candidates = self.candidates(vector)
            choice = self.choose(candidates, vector)
            if (choice < len(self.fixed)).all():
                moves = choice.tobytes()
                if moves not in self._evaluated:
                    self._evaluated[moves] = self.evaluate(candidates, choice)
                self._answers[key] = self._evaluated[moves]
            else:
                self._answers[key] = self.evaluate(candidates, choice)
        return self._answers[key]

    def candidates(self, vector: FloatArray) -> list[Move]:
        """The moves worth trying for an output direction: the fixed ones and those along ``X^T v``."""
        along = vector @ self.points
        if euclidean_norm(along) <= OVERSHOOT * euclidean_norm(vector):
            return self.fixed
        if self.thorough:
            return self.fixed + all_crossings(self.points, self.past, along)
        return self.fixed + some_crossings(self.points, self.past, along, COARSE_CROSSINGS)

    def choose(self, candidates: list[Move], vector: FloatArray) -> NDArray[np.int64]:
        """One move for each neuron, or none, by the knapsack of costs and values."""
        if self.thorough:
            changes, costs = self.fixed_changes, self.fixed_costs
            added = candidates[len(self.fixed) :]
            if added:
                changes = np.concatenate([changes, self.pattern_changes(added)])
                costs = np.concatenate([costs, [move.costs() for move in added]])
            values = np.square((vector * self.factors.T) @ changes).sum(axis=1)
            return choose_moves(costs, values, self.budget, UPGRADES)
        costs, values = np.empty((2, len(candidates), self.net.width))
        for k, move in enumerate(candidates):
            costs[k], values[k] = move.costs(), self.value(move, k, vector)
        return choose_moves(costs, values, self.budget, 0)

    def value(self, move: Move, index: int, vector: FloatArray) -> FloatArray:
        """``||Y^T (v o D_r)||^2`` of one move, shape (m,), in single precision: it only ranks the moves."""
        if not self.exact_singles and index < len(self.singles):
            return np.full(self.net.width, vector[index] ** 2)
        weigher = (vector * self.weigher).astype(np.float32)
        values = np.empty(self.net.width)
        step = max(1, RANKING_ENTRIES // len(self.rows))
        for start in range(0, self.net.width, step):
            columns = slice(start, start + step)
            moved = move.pre_activation_changes(self.points, columns)
            moved += self.pre_activations[:, columns]
            change = (moved >= 0).astype(np.float32)
            change -= self.pattern[:, columns]
            values[columns] = np.square(weigher @ change).sum(axis=0)
        return values

    def evaluate(self, candidates: list[Move], choice: NDArray[np.int64]) -> tuple[float, FloatArray]:
        """The change of the Jacobian at the explicit weights, and its top left singular vector; both come from the neurons that move alone."""
        moving = np.flatnonzero(choice != STAY)
        if not moving.size:
            return 0.0, np.zeros(len(self.rows))
        moves = np.empty((len(moving), self.points.shape[1]))
        for index in np.unique(choice[moving]):
            some = choice[moving] == index
            moves[some] = candidates[index].moves(moving[some])
        before, copies = self.net.weights[moving], self.shared.copies
        after = before + moves @ self.basis.T
        active = decided_signs(self.rows, after, self.rows @ after.T, pre_activation_errors(after))
        counts = copies * pattern_counts(active - self.pattern[:, moving])
        change = pattern_change_lower_bound(self.kernel, counts, self.whole.width, self.factors.shape[1])
        if change > self.best_change and within_ball(after, before, self.radius, copies):
            self.best_change, self.best_moves = change, (moving, after)
        return change, np.asarray(np.linalg.eigh(self.kernel * counts)[1][:, -1])


def change_attack(
    net: TwoLayerNetwork, inputs: ArrayLike, radius: float, rng: np.random.Generator, condition: str = "2"
) -> tuple[Attained, FloatArray]:
    """A lower bound of ``sup ||J(W) - J(0)||_2`` (K2: ``sup ||S(W) - S(0)||_2``) over the ball, and weights that show it.

    Not squared; weights of shape (m, d). ReLU: knapsacks started from every input (all when n is small), the top
    eigenvector of Y Y^T and random directions. Smooth activations: ``smooth_change``. Raises InputError, ChoiceError.
    """
    rows = unit_rows(inputs)
    distance = positive_distance(radius, "radius")
    factors = factor_rows(condition, rows)
    if net.phi.curvature is not None:
        change, weights = smooth_change(net, rows, distance, rng, factors)
        return Attained(float(change)), weights
    search = _Search(net, rows, distance, factors)
    n = len(rows)
    top = np.linalg.eigh(search.kernel)[1][:, -1]
    search.improve(top)
    if search.thorough:
        for direction in np.eye(n):
            search.improve(direction)
        for _ in range(RESTARTS):
            direction = rng.standard_normal(n)
            search.improve(direction / euclidean_norm(direction))
    return Attained(float(search.best_change)), search.best_weights


def attack_ball(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    rng: np.random.Generator,
    radius: float | None = None,
    condition: str = "2",
) -> BallAttack:
    """Search the ball of Condition 2, or K2, for weights where Jacobian or features differ most (C2-attack).

    ``radius=None`` takes the condition's own, rounded down, so that the weights lie in its ball. Without a certified
    Condition 1 (K1, rank of X) that radius is unknown: the answer is then the trivial bound 0 at W(0) itself.
    Raises InputError, ChoiceError.
    """
    rows = unit_rows(inputs)
    targets = target_vector(y, len(rows))
    enough_parameters(len(rows), net.width, net.dim)
    scale = condition_scale(condition, net, rows)
    above = scale.lambda_min[1]
    if radius is None:
        residual = residual_norm(net, rows, targets)[0]
        if not (scale.radius_eigenvalue[0] > 0 and residual > 0):
            return BallAttack(Attained(0.0), Attained(0.0), net.weights, NONNEGATIVE)
        radius = LowerBound(rounded_down(CONDITION_FACTOR * residual / math.sqrt(scale.radius_eigenvalue[1])))
    positive_distance(radius, "radius")
    change, weights = change_attack(net, rows, radius, rng, condition)
    constant = rounded_down(CONDITION_FACTOR * change / math.sqrt(above)) if above > 0 else math.inf
    return BallAttack(Attained(constant), change, weights, radius)
