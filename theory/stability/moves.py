"""Candidate moves of the weights of single neurons that change activations at little distance (ReLU attacks)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.inputs import FloatArray

OVERSHOOT = 2.0**-26
"""Moves go this fraction further than the boundary, far beyond rounding, to be clearly on the other side."""

EVERYWHERE = slice(None)
"""All neurons."""


@dataclass(frozen=True)
class Line:
    """Every neuron moves along one direction (k,), each by its own signed length (m,)."""

    direction: FloatArray
    lengths: FloatArray

    def costs(self) -> FloatArray:
        """Squared distances, shape (m,); inf where the length or its square is not finite."""
        with np.errstate(over="ignore"):
            return np.square(self.lengths) * float(self.direction @ self.direction)

    def moves(self, neurons: NDArray[np.int64]) -> FloatArray:
        """The moves of some neurons, shape (len(neurons), k)."""
        return np.asarray(self.lengths[neurons, None] * self.direction)

    def pre_activation_changes(self, points: FloatArray, columns: slice = EVERYWHERE) -> FloatArray:
        """What the moves of some neurons add to the pre-activations at the points (n, k), shape (n, m')."""
        lengths = np.where(np.isfinite(self.lengths[columns]), self.lengths[columns], 0.0)
        return np.asarray(np.outer(points @ self.direction, lengths))


@dataclass(frozen=True)
class Free:
    """Every neuron makes its own move, shape (m, k)."""

    all_moves: FloatArray

    def costs(self) -> FloatArray:
        """Squared distances, shape (m,); inf where they are not finite."""
        with np.errstate(over="ignore"):
            return np.asarray(np.square(self.all_moves).sum(axis=1))

    def moves(self, neurons: NDArray[np.int64]) -> FloatArray:
        """The moves of some neurons, shape (len(neurons), k)."""
        return np.asarray(self.all_moves[neurons])

    def pre_activation_changes(self, points: FloatArray, columns: slice = EVERYWHERE) -> FloatArray:
        """What the moves of some neurons add to the pre-activations at the points (n, k), shape (n, m')."""
        return np.asarray(points @ self.all_moves[columns].T)


Move = Line | Free


def past_boundaries(pre_activations: FloatArray, active: NDArray[np.floating], margins: FloatArray) -> FloatArray:
    """By how much each pre-activation (n, m) has to change to be clearly on the other side of 0, shape (n, m).

    ``active`` (n, m) says on which side it is, exactly; ``margins`` (m,) are above the rounding of a pre-activation.
    """
    away = np.where(active > 0, -1.0, 1.0)
    return np.asarray(-pre_activations + away * (OVERSHOOT * np.abs(pre_activations) + margins))


def crossing_lengths(points: FloatArray, past: FloatArray, direction: FloatArray) -> FloatArray:
    """Signed lengths, shape (n, m), along a direction at which each activation flips; inf where it never does."""
    along = points @ direction
    steep = np.abs(along) > OVERSHOOT * np.linalg.norm(direction)
    lengths = np.full(past.shape, np.inf)
    np.divide(past, along[:, None], out=lengths, where=steep[:, None])
    return lengths


def single_flips(points: FloatArray, past: FloatArray) -> list[Move]:
    """For each input the shortest moves that flip it, along the input itself."""
    squares = np.square(points).sum(axis=1)
    return [Line(point, length) for point, length in zip(points, past / squares[:, None], strict=True)]


def joint_flips(points: FloatArray, past: FloatArray, most: int) -> list[Move]:
    """For each set of 2 ... ``most`` inputs, linearly independent to rounding, the shortest moves that flip all."""
    moves: list[Move] = []
    rank = int(np.linalg.matrix_rank(points))
    for size in range(2, min(most, rank) + 1):
        for chosen in itertools.combinations(range(len(points)), size):
            face = points[list(chosen)]
            if np.linalg.cond(face) < 1 / OVERSHOOT:
                moves.append(Free((np.linalg.pinv(face) @ past[list(chosen)]).T))
    return moves


def held_flips(points: FloatArray, past: FloatArray) -> list[Move]:
    """For each ordered pair (i, j) the shortest moves that flip input i and leave the value at input j as it is."""
    moves: list[Move] = []
    for i, j in itertools.permutations(range(len(points)), 2):
        away = points[i] - (points[i] @ points[j]) / (points[j] @ points[j]) * points[j]
        if np.linalg.norm(away) > OVERSHOOT:
            moves.append(Line(away, crossing_lengths(points, past, away)[i]))
    return moves


def all_crossings(points: FloatArray, past: FloatArray, direction: FloatArray) -> list[Move]:
    """Moves along one direction to each input's boundary in turn, flipping what lies before it."""
    return [Line(direction, length) for length in crossing_lengths(points, past, direction)]


def some_crossings(points: FloatArray, past: FloatArray, direction: FloatArray, number: int) -> list[Move]:
    """Moves along one direction, both ways, past a few of the boundaries: evenly spaced in their order, with the last."""
    # of each neuron, from the far end behind to the far end ahead; an activation that never flips is infinitely far
    ordered = np.sort(np.ascontiguousarray(crossing_lengths(points, past, direction).T), axis=1)
    lowest, behind, ahead, end = (
        np.count_nonzero(some, axis=1) for some in (ordered == -np.inf, ordered < 0, ordered <= 0, ordered < np.inf)
    )
    moves: list[Move] = []
    for sign, nearest, available in ((1, ahead, end - ahead), (-1, behind - 1, behind - lowest)):
        for k in range(1, number + 1):
            index = np.minimum(nearest + sign * np.maximum(available * k // number - 1, 0), len(points) - 1)
            reached = ordered[np.arange(len(ordered)), index]
            moves.append(Line(direction, np.where(available > 0, reached, sign * np.inf)))
    return moves
