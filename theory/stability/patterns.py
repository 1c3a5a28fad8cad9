"""The exact supremum of ||J(W) - J(0)||_2 over a ball, by enumerating activation patterns (small ReLU networks).

Inputs, weights and radius are taken as the rational numbers that the floats are; feasibility of a pattern, its squared
distance, the budget and the final comparison are decided in exact arithmetic.

A neuron's pattern is a cell of mixed constraints: ``w . x_i >= 0`` where active, ``w . x_i < 0`` where not, because
phi'(0) = 1. A nonempty cell has the closure with all constraints weak, hence the distance to it is the one to that
closure, by projection on a polyhedral cone. The distance is attained unless the projection violates a strict one: then
only weights strictly farther away have the pattern, and a budget that is met with equality does not reach it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, fmpq, fmpq_mat
from numpy.typing import ArrayLike

from theory.errors import ShapeError
from theory.inputs import FloatArray, positive, unit_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.definiteness import largest_eigenvalues_above
from theory.rigour.exact import float_at_most, hadamard, rational, rational_matrix
from theory.rigour.rounding import UNDERFLOW, gamma

MOST_INPUTS, MOST_NEURONS = 4, 6
"""Above these sizes the enumeration of (2^n)^m patterns is refused."""


def _column(matrix: fmpq_mat, vector: fmpq_mat) -> list[fmpq]:
    """The entries of ``matrix @ vector``."""
    return list((matrix * vector).entries())


def _rows(matrix: fmpq_mat, chosen: tuple[int, ...]) -> fmpq_mat:
    """The chosen rows of a matrix."""
    columns = matrix.ncols()
    return fmpq_mat(len(chosen), columns, [matrix[i, j] for i in chosen for j in range(columns)])


class InputFaces:
    """What all neurons share: every set of linearly independent inputs with the inverse of its Gram matrix, exact."""

    def __init__(self, rows: FloatArray) -> None:
        """Invert the Gram matrices of all independent subsets of the rows (n, d)."""
        self.inputs = rational_matrix(rows)
        self.size = len(rows)
        self.independent: list[tuple[tuple[int, ...], fmpq_mat, fmpq_mat]] = []
        for length in range(1, min(rows.shape) + 1):
            for chosen in itertools.combinations(range(self.size), length):
                face = _rows(self.inputs, chosen)
                gram = face * face.transpose()
                if gram.det() != 0:
                    self.independent.append((chosen, face, gram.inv()))
        self._nonempty = {
            signs: self._is_nonempty(signs) for signs in itertools.product((False, True), repeat=self.size)
        }

    def patterns(self) -> list[tuple[bool, ...]]:
        """The patterns that some weight vector has."""
        return [signs for signs, nonempty in self._nonempty.items() if nonempty]

    def _is_nonempty(self, active: tuple[bool, ...]) -> bool:
        """Whether ``{w: w . x_i >= 0 where active, < 0 elsewhere}`` has a point.

        Farkas: the strict constraint of input i cannot be met exactly when x_i lies in the cone of the other inputs,
        each with its sign; a sum of points that meet one strict constraint each meets them all.
        """
        return not any(self._in_cone_of_others(i, active) for i in range(self.size) if not active[i])

    def _in_cone_of_others(self, i: int, active: tuple[bool, ...]) -> bool:
        """Whether ``x_i = sum_j c_j s_j x_j`` over j != i with c >= 0; by Caratheodory over independent subsets."""
        target = _rows(self.inputs, (i,)).transpose()
        for chosen, face, inverse in self.independent:
            if i in chosen:
                continue
            coefficients = inverse * (face * target)
            if face.transpose() * coefficients != target:
                continue
            signed = zip(chosen, coefficients.entries(), strict=True)
            if all((c >= 0) if active[j] else (c <= 0) for j, c in signed):
                return True
        return False

    def distance(self, weights: fmpq_mat, active: tuple[bool, ...]) -> tuple[fmpq, bool]:
        """Squared distance of a weight column (d, 1) to a nonempty cell, and whether the cell attains it.

        The projection on a polyhedral cone is the projection on the span of one of its faces; every feasible
        projection on a face is at least as far, so the nearest feasible one is it.
        """
        values = _column(self.inputs, weights)
        if self._agrees(values, active):
            return fmpq(0), self._strictly(values, active)
        best: tuple[fmpq, bool] | None = None
        for _, face, inverse in self.independent:
            products = face * weights
            coefficients = inverse * products
            squared = (products.transpose() * coefficients)[0, 0]
            if best is not None and squared >= best[0]:
                continue
            projected = _column(self.inputs, weights - face.transpose() * coefficients)
            if self._agrees(projected, active):
                best = squared, self._strictly(projected, active)
        assert best is not None  # the face of all inputs is the subspace w . x = 0, which every closed cell contains
        return best

    @staticmethod
    def _agrees(values: list[fmpq], active: tuple[bool, ...]) -> bool:
        return all((z >= 0) if on else (z <= 0) for z, on in zip(values, active, strict=True))

    @staticmethod
    def _strictly(values: list[fmpq], active: tuple[bool, ...]) -> bool:
        return all(on or z < 0 for z, on in zip(values, active, strict=True))


@dataclass(frozen=True)
class PatternChange:
    """One neuron's way to another pattern: the change (n,) with entries -1, 0, 1 and its exact squared distance."""

    change: tuple[int, ...]
    squared_distance: fmpq
    attained: bool


def neuron_changes(faces: InputFaces, weights: fmpq_mat, budget: fmpq) -> list[PatternChange]:
    """The pattern changes of one neuron within a squared distance, no change first; weights (d, 1)."""
    before = [z >= 0 for z in _column(faces.inputs, weights)]
    found = [PatternChange((0,) * faces.size, fmpq(0), True)]
    for active in faces.patterns():
        change = tuple(int(after) - int(on) for after, on in zip(active, before, strict=True))
        if not any(change):
            continue
        squared, attained = faces.distance(weights, active)
        if squared < budget or (attained and squared == budget):
            found.append(PatternChange(change, squared, attained))
    return found


def largest_eigenvalue_at_most(matrix: fmpq_mat, bound: fmpq) -> bool:
    """Whether ``lambda_max`` of a symmetric rational matrix is at most ``bound``, decided exactly.

    Symmetric elimination of ``bound I - matrix``: it is positive semidefinite exactly when no pivot is negative and a
    zero pivot has a zero row.
    """
    size = matrix.nrows()
    left = [[(bound if i == j else fmpq(0)) - matrix[i, j] for j in range(size)] for i in range(size)]
    for k in range(size):
        pivot = left[k][k]
        if pivot < 0 or (pivot == 0 and any(left[k][j] != 0 for j in range(k + 1, size))):
            return False
        if pivot == 0:
            continue
        for i in range(k + 1, size):
            factor = left[i][k] / pivot
            for j in range(k + 1, size):
                left[i][j] -= factor * left[k][j]
    return True


@dataclass(frozen=True)
class ChangeMatrices:
    """A finite set of pattern changes D D^T, shape (q, n, n), whose largest ``lambda_max(K o D D^T)`` is of interest."""

    kernel: fmpq_mat
    """``X X^T``, exact."""
    products: FloatArray
    """The integer matrices ``D D^T``, shape (q, n, n)."""
    squares: FloatArray
    """``lambda_max(K o D D^T) / m`` in floats, shape (q,)."""
    width: int

    @classmethod
    def of(cls, rows: FloatArray, products: FloatArray, width: int) -> ChangeMatrices:
        """Evaluate the eigenvalues in floats for X (n, d)."""
        exact = rational_matrix(rows)
        squares = np.linalg.eigvalsh(rows @ rows.T * products)[:, -1] / width
        return cls(exact * exact.transpose(), products, squares, width)

    def of_features(self) -> ChangeMatrices:
        """The same changes of the pattern as Condition K2 sees them: K all ones, ``||S - S(0)||_2`` for each norm."""
        return ChangeMatrices.of(np.ones((self.kernel.nrows(), 1)), self.products, self.width)

    @property
    def supremum(self) -> float:
        """``sup ||J - J(0)||_2`` (not squared) as computed in floats."""
        return float(np.sqrt(max(float(self.squares.max()), 0.0)))

    @property
    def largest(self) -> FloatArray:
        """The ``D D^T`` (n, n) at which the supremum is reached."""
        return np.asarray(self.products[int(self.squares.argmax())])

    @property
    def frobenius(self) -> float:
        """``sup ||J - J(0)||_F`` (not squared), for ``||x_i|| = 1`` exactly, as computed in floats."""
        return float(np.sqrt(np.einsum("qii->q", self.products).max() / self.width))

    def at_most(self, bound: float) -> bool:
        """Whether ``||J - J(0)||_2 <= bound`` (not squared) for all of the changes, decided exactly."""
        return bool(np.isposinf(bound)) or self.squares_at_most(rational(bound) ** 2)

    def squares_at_most(self, square: fmpq) -> bool:
        """Whether ``||J - J(0)||_2^2 <= square`` for all of the changes, decided exactly.

        Floats decide the matrices whose eigenvalue is certified to be below the bound, rationals the others.
        """
        for k in np.flatnonzero(~(self._squares_above <= float_at_most(arb(square)))):
            matrix = hadamard(self.kernel, rational_matrix(self.products[k])) * fmpq(1, self.width)
            if not largest_eigenvalue_at_most(matrix, square):
                return False
        return True

    @cached_property
    def _squares_above(self) -> FloatArray:
        """Certified upper bounds of ``lambda_max(K o D D^T) / m``, shape (q,); each entry of the matrices takes 4 roundings."""
        kernel = np.array([[float(entry) for entry in row] for row in self.kernel.tolist()])
        matrices = kernel * self.products / self.width
        return largest_eigenvalues_above(matrices, gamma(6) * np.linalg.norm(matrices, axis=(1, 2)) + UNDERFLOW)

    def frobenius_at_most(self, bound: float) -> bool:
        """Whether ``||J - J(0)||_F <= bound`` (not squared) for all of the changes, decided exactly."""
        if np.isposinf(bound):
            return True
        square = rational(bound) ** 2 * self.width
        squared_norms = [self.kernel[i, i] for i in range(self.kernel.nrows())]
        flips = np.unique(np.einsum("qii->qi", self.products).astype(int), axis=0)
        return all(
            sum((k * c for k, c in zip(squared_norms, row, strict=True)), fmpq(0)) <= square for row in flips.tolist()
        )


def _sums_within(choices: list[list[PatternChange]], budget: fmpq) -> list[list[PatternChange]]:
    """All combinations, one change for each neuron, that some weights in the closed ball have."""
    partial: list[tuple[fmpq, bool, list[PatternChange]]] = [(fmpq(0), True, [])]
    for changes in choices:
        extended = []
        for squared, attained, chosen in partial:
            for change in changes:
                total = squared + change.squared_distance
                reached = attained and change.attained
                if total < budget or (reached and total == budget):
                    extended.append((total, reached, [*chosen, change]))
        partial = extended
    return [chosen for _, _, chosen in partial]


def ball_changes(net: TwoLayerNetwork, inputs: ArrayLike, radius: float) -> ChangeMatrices:
    """All pattern changes that occur in ``||W - W(0)||_F <= radius``, exactly; ``.supremum``, ``.at_most(bound)``.

    X has shape (n, d), n <= 4; the network is ReLU with m <= 6. Raises InputError.
    """
    rows = unit_rows(inputs)
    if net.phi.curvature is not None or len(rows) > MOST_INPUTS or net.width > MOST_NEURONS:
        raise ShapeError(
            f"patterns are enumerated for relu, n <= {MOST_INPUTS} and m <= {MOST_NEURONS} only; "
            f"this is {net.activation}, n = {len(rows)}, m = {net.width}"
        )
    if rows.shape[1] != net.dim:
        raise ShapeError(f"X has {rows.shape[1]} columns, the network has {net.dim} inputs; they must agree")
    budget = rational(positive(radius, "radius")) ** 2
    faces = InputFaces(rows)
    choices = [neuron_changes(faces, rational_matrix(weights), budget) for weights in net.weights]
    combined = _sums_within(choices, budget)
    changes = np.array([[choice.change for choice in chosen] for chosen in combined], dtype=float)
    return ChangeMatrices.of(rows, np.unique(np.einsum("qri,qrj->qij", changes, changes), axis=0), net.width)
