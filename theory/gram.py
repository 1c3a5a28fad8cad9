"""The kernels of THEORY section 2: ``G_inf`` and ``S_inf`` in closed form, certified eigenvalues, exact degeneracy.

Rows are directions: any nonzero norm, taken exactly as given; the kernels are those of the unit vectors they point to.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import gcd

import numpy as np
from flint import arb, arb_mat, fmpq, fmpz_mat
from numpy.typing import ArrayLike

from theory.inputs import FloatArray, direction_rows, normalise_rows, unit_rows
from theory.network import TwoLayerNetwork, pattern_counts
from theory.rigour.activation_accuracy import DERIVATIVE_ERROR
from theory.rigour.definiteness import (
    largest_eigenvalue_upper_bound,
    smallest_eigenvalue_lower_bound,
    smallest_eigenvalue_upper_bound,
)
from theory.rigour.exact import pivot_columns
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma

Pair = tuple[int, int]
Direction = tuple[int, ...]


def primitive_directions(inputs: ArrayLike) -> list[Direction]:
    """For each row of X (n, d) the integer vector without common factor in its direction, exactly.

    Two rows point the same way iff their vectors are equal, opposite ways iff one is the other negated.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    directions: list[Direction] = []
    for row in direction_rows(inputs).tolist():
        ratios = [value.as_integer_ratio() for value in row]
        common = max(denominator for _, denominator in ratios)  # all are powers of two
        integers = [numerator * (common // denominator) for numerator, denominator in ratios]
        divisor = gcd(*integers)
        directions.append(tuple(value // divisor for value in integers))
    return directions


def negated(direction: Direction) -> Direction:
    """The opposite direction."""
    return tuple(-value for value in direction)


def rows_by_direction(directions: list[Direction]) -> dict[Direction, list[int]]:
    """The indices of the rows of each direction, in order."""
    groups: dict[Direction, list[int]] = defaultdict(list)
    for index, direction in enumerate(directions):
        groups[direction].append(index)
    return dict(groups)


@dataclass(frozen=True)
class Degeneracy:
    """The exact decision of K-pd on the directions of the rows as given, with its reasons (pairs of row indices).

    ``coincident``: the rows of the pair point the same way. ``antiparallel``: opposite ways. ``dependent_directions``:
    those antiparallel pairs whose direction takes part in a linear dependency among such directions.
    """

    gram_positive_definite: bool
    pattern_gram_positive_definite: bool
    coincident: tuple[Pair, ...]
    antiparallel: tuple[Pair, ...]
    dependent_directions: tuple[Pair, ...]

    def reason(self) -> str:
        """Readable text: which of ``G_inf`` and ``S_inf`` is singular, and because of which rows."""
        if self.coincident:
            return (
                f"G_inf and S_inf are singular: rows {_listed(self.coincident)} point the same way; remove one of each"
            )
        if self.dependent_directions:
            return (
                f"G_inf and S_inf are singular: rows {_listed(self.dependent_directions)} are antiparallel pairs with "
                f"linearly dependent directions"
            )
        if not self.pattern_gram_positive_definite:
            return (
                f"G_inf is positive definite, S_inf is singular: rows {_listed(self.antiparallel)} are more than one "
                f"antiparallel pair, of linearly independent directions"
            )
        if self.antiparallel:
            return f"G_inf and S_inf are positive definite; rows {_listed(self.antiparallel)} are antiparallel"
        return "G_inf and S_inf are positive definite: no two rows are parallel"


def _listed(pairs: tuple[Pair, ...], shown: int = 5) -> str:
    text = ", ".join(f"{i} and {j}" for i, j in pairs[:shown])
    return text if len(pairs) <= shown else f"{text}, and {len(pairs) - shown} more pairs"


def dependent_indices(vectors: list[Direction]) -> set[int]:
    """The indices of the integer vectors that have a nonzero coefficient in some vanishing linear combination."""
    if not vectors:
        return set()
    reduced, _, rank = fmpz_mat([list(vector) for vector in vectors]).transpose().rref()
    pivots = pivot_columns(reduced, rank)
    dependent = set(range(len(vectors))) - set(pivots)
    for row, pivot in enumerate(pivots):
        if any(reduced[row, free] != 0 for free in range(len(vectors)) if free not in pivots):
            dependent.add(pivot)
    return dependent


def degeneracy(inputs: ArrayLike) -> Degeneracy:
    """Decide in exact arithmetic whether ``G_inf`` and ``S_inf`` of the rows' directions are positive definite (K-pd).

    ``G_inf > 0`` iff no two rows point the same way and the directions that occur with both signs are linearly
    independent; ``S_inf > 0`` iff no two rows point the same way and at most one direction occurs with both signs.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    directions = primitive_directions(inputs)
    groups = rows_by_direction(directions)
    coincident = [
        (group[a], group[b]) for group in groups.values() for a in range(len(group)) for b in range(a + 1, len(group))
    ]
    both_signs = [direction for direction in groups if direction > negated(direction) and negated(direction) in groups]
    dependent = dependent_indices(both_signs)
    antiparallel: list[Pair] = []
    dependent_pairs: list[Pair] = []
    for index, direction in enumerate(both_signs):
        pairs = [(min(i, j), max(i, j)) for i, j in product(groups[direction], groups[negated(direction)])]
        antiparallel += pairs
        if index in dependent:
            dependent_pairs += pairs
    return Degeneracy(
        gram_positive_definite=not coincident and not dependent,
        pattern_gram_positive_definite=not coincident and len(both_signs) <= 1,
        coincident=tuple(sorted(coincident)),
        antiparallel=tuple(sorted(antiparallel)),
        dependent_directions=tuple(sorted(dependent_pairs)),
    )


def pattern_entry_error(dim: int) -> float:
    """Bound of the absolute error of an entry of ``limiting_pattern_gram`` for rows in ``R^dim``.

    With ``h = ceil(dim / 2)``, counted in roundings u: a unit vector is computed to ``a = h + 3`` (the sum of squares
    dim, halved by the root; root, division, underflow), so the lengths p, q of sum and difference are known to
    ``2 a`` absolutely and ``h + 2`` relatively. The point (p, q) lies at distance 2 from the origin and moves by at
    most ``2 sqrt(2) a + 2 (h + 2)``, its angle by half of that, below ``3 (h + 4)``; atan2 adds at most 8
    (theory.rigour.activation_accuracy). Divided by pi, plus the rounding of pi and of the quotient: below ``h + 8``.
    """
    return gamma((dim + 1) // 2 + 8)


def gram_entry_error(dim: int) -> float:
    """Bound of the absolute error of an entry of ``limiting_gram`` for rows in ``R^dim``.

    The pattern entry (at most 1/2) times the correlation (at most 1), whose dot product of two unit vectors is known to
    ``2 a + dim`` roundings, ``a = h + 3``: ``(h + 8) + (h + 3 + dim / 2) + 1/2``, below ``3 h + 12``.
    """
    return gamma(3 * ((dim + 1) // 2) + 12)


def _set_parallel_pairs(matrix: FloatArray, directions: list[Direction], opposite: float) -> None:
    """Overwrite the entries of rows that point the same way by 1/2 and of opposite rows by ``opposite``."""
    groups = rows_by_direction(directions)
    for direction, group in groups.items():
        matrix[np.ix_(group, group)] = 0.5
        if (other := groups.get(negated(direction))) is not None:
            matrix[np.ix_(group, other)] = opposite


def _pattern_gram(unit: FloatArray) -> FloatArray:
    """``(pi - angle)/(2 pi) = atan2(|x_i + x_j|, |x_i - x_j|)/pi``, symmetric to the last bit."""
    matrix = np.empty((len(unit), len(unit)))
    for i, row in enumerate(unit):
        later = unit[i:]
        sums, differences = np.linalg.norm(later + row, axis=1), np.linalg.norm(later - row, axis=1)
        matrix[i, i:] = matrix[i:, i] = np.arctan2(sums, differences) / np.pi
    return matrix


def limiting_pattern_gram(inputs: ArrayLike) -> FloatArray:
    """``S_inf``, shape (n, n): ``(pi - angle_ij)/(2 pi)``, the angle ``2 atan2(|x_i - x_j|, |x_i + x_j|)`` (K-closed).

    Each entry is within ``pattern_entry_error(d)``; entries of parallel rows are exactly 1/2 or 0.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    unit = normalise_rows(inputs)
    matrix = _pattern_gram(unit)
    _set_parallel_pairs(matrix, primitive_directions(inputs), 0.0)
    return matrix


def limiting_gram(inputs: ArrayLike) -> FloatArray:
    """``G_inf``, shape (n, n): ``cos(angle_ij) (pi - angle_ij)/(2 pi)`` (K-closed).

    Each entry is within ``gram_entry_error(d)``; entries of parallel rows are exactly 1/2 or 0.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    unit = normalise_rows(inputs)
    correlations = unit @ unit.T
    lower = np.tril(correlations, -1)  # the diagonal is set with the parallel rows
    matrix = _pattern_gram(unit) * (lower + lower.T)
    _set_parallel_pairs(matrix, primitive_directions(inputs), 0.0)
    return matrix


def _eigenvalue_bounds(matrix: FloatArray, error: float) -> tuple[float, float]:
    """Bounds of the smallest eigenvalue of every symmetric matrix within ``error`` in the spectral norm."""
    lower = np.nextafter(smallest_eigenvalue_lower_bound(matrix) - error, -np.inf)
    upper = np.nextafter(smallest_eigenvalue_upper_bound(matrix) + error, np.inf)
    return float(lower), float(upper)


def limiting_gram_eigenvalue_bounds(inputs: ArrayLike) -> tuple[float, float]:
    """Certified (lower, upper) bounds of ``lambda0 = lambda_min(G_inf)``, whatever the rounding.

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    matrix = limiting_gram(inputs)
    return _eigenvalue_bounds(matrix, len(matrix) * gram_entry_error(np.shape(inputs)[1]))


def limiting_pattern_gram_eigenvalue_bounds(inputs: ArrayLike) -> tuple[float, float]:
    """Certified (lower, upper) bounds of ``lambda_S = lambda_min(S_inf)``, whatever the rounding.

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    matrix = limiting_pattern_gram(inputs)
    return _eigenvalue_bounds(matrix, len(matrix) * pattern_entry_error(np.shape(inputs)[1]))


def limiting_gram_eigenvalue(inputs: ArrayLike) -> float:
    """Certified lower bound of ``lambda0``; positive only when that is certain. Errors as ``limiting_gram``."""
    return limiting_gram_eigenvalue_bounds(inputs)[0]


def limiting_pattern_gram_eigenvalue(inputs: ArrayLike) -> float:
    """Certified lower bound of ``lambda_S``; positive only when that is certain. Errors as ``limiting_gram``."""
    return limiting_pattern_gram_eigenvalue_bounds(inputs)[0]


def _ball_kernels(inputs: ArrayLike, correlated: bool, bits: int) -> arb_mat:
    directions = primitive_directions(inputs)
    size = len(directions)
    squares = [sum(value * value for value in direction) for direction in directions]
    with working_precision(bits):
        matrix = arb_mat(size, size)
        for i in range(size):
            for j in range(i, size):
                dot = sum(a * b for a, b in zip(directions[i], directions[j], strict=True))
                gram_determinant = squares[i] * squares[j] - dot * dot  # exact, 0 iff the rows are parallel
                if gram_determinant == 0:
                    entry = arb(fmpq(1, 2)) if dot > 0 else arb(0)
                else:
                    sine_part = arb(gram_determinant).sqrt()
                    entry = arb.atan2(sine_part, arb(-dot)) / (2 * arb.pi())  # (pi - angle)/(2 pi)
                    if correlated:
                        entry *= dot / arb(squares[i] * squares[j]).sqrt()
                matrix[i, j] = matrix[j, i] = entry
        return matrix


def ball_limiting_gram(inputs: ArrayLike, bits: int = 128) -> arb_mat:
    """``G_inf`` of the rows' exact directions as (n, n) balls, computed at ``bits`` of precision (K-closed).

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    return _ball_kernels(inputs, True, bits)


def ball_limiting_pattern_gram(inputs: ArrayLike, bits: int = 128) -> arb_mat:
    """``S_inf`` of the rows' exact directions as (n, n) balls, computed at ``bits`` of precision (K-closed).

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    return _ball_kernels(inputs, False, bits)


def exact_pattern(net: TwoLayerNetwork, inputs: ArrayLike) -> FloatArray:
    """``A = 1[X W^T >= 0]``, shape (n, m), of the exact products: entries too close to 0 are decided in rationals.

    Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    rows = unit_rows(inputs)
    pre_activations = net.pre_activations(rows)
    pattern = (pre_activations >= 0).astype(np.float64)
    doubtful = np.flatnonzero(~(np.abs(pre_activations) > pre_activation_error(net)))
    for i, r in zip(*np.divmod(doubtful, net.width), strict=True):
        pairs = zip(rows[i].tolist(), net.weights[r].tolist(), strict=True)
        pattern[i, r] = sum(Fraction(x) * Fraction(w) for x, w in pairs) >= 0
    return pattern


def _rectifier_gram(net: TwoLayerNetwork, rows: FloatArray) -> tuple[FloatArray, float]:
    """``G`` from exact counts and a bound of the spectral norm of its error.

    Entry (i, j) carries ``gamma_{d+2} |x_i| |x_j| C_ij / m``; that matrix is positive semidefinite, so its norm is at
    most its trace ``sum_i |x_i|^2 C_ii / m``; doubled for norms near 1 and the rounding of the bound.
    """
    shares, error = _rectifier_pattern_gram(net, rows, net.dim)
    return (rows @ rows.T) * shares, error


def _rectifier_pattern_gram(net: TwoLayerNetwork, rows: FloatArray, dim: int = 1) -> tuple[FloatArray, float]:
    """``H`` from exact counts, and the error of ``K o H`` for inputs of dimension ``dim``: 1 covers H alone."""
    shares = pattern_counts(exact_pattern(net, rows)) / net.width
    return shares, 2 * gamma(dim + 2) * float(np.trace(shares))


def _smooth_gram(net: TwoLayerNetwork, rows: FloatArray, curvature: float) -> tuple[FloatArray, float]:
    """``G`` for a smooth activation and a bound of the spectral norm of its error: the one of its ``H``."""
    symmetric, error = _smooth_pattern_gram(net, rows, curvature)
    return (rows @ rows.T) * symmetric, error


def _smooth_pattern_gram(net: TwoLayerNetwork, rows: FloatArray, curvature: float) -> tuple[FloatArray, float]:
    """``H`` for a smooth activation and a bound of the spectral norm of its error and of that of ``K o H``.

    The features S move by ``|dS_ir| <= m^{-1/2} (L |dz_ir| + rounding of phi')``, ``S S^T`` by
    ``2 |S|_F |dS|_F + |dS|_F^2`` in norm, hence ``K o (S S^T)`` by as much (Schur, ``K_ii = 1``); the products and the
    scaling by ``m^{-1/2}`` round to ``gamma_{d+m+10}`` of matrices with norm at most ``|S|_F^2``. All doubled.
    """
    features = net.pattern_features(rows)
    moved = np.linalg.norm(curvature * pre_activation_error(net) + DERIVATIVE_ERROR) * np.sqrt(len(rows) / net.width)
    size = np.linalg.norm(features)
    error = 2 * moved * size + moved**2 + gamma(net.dim + net.width + 10) * size**2
    product_of_features = features @ features.T
    lower = np.tril(product_of_features, -1)
    symmetric = lower + lower.T + np.diag(np.diag(product_of_features))
    return symmetric, 2 * float(error)


def _gram_with_error(net: TwoLayerNetwork, inputs: ArrayLike) -> tuple[FloatArray, float]:
    rows = unit_rows(inputs)
    curvature = net.phi.curvature
    return _rectifier_gram(net, rows) if curvature is None else _smooth_gram(net, rows, curvature)


def gram_eigenvalue_bounds(net: TwoLayerNetwork, inputs: ArrayLike) -> tuple[float, float]:
    """Certified (lower, upper) bounds of ``lambda_min(G)`` of a network on the unit rows X (n, d) as given.

    The rounding of K is included; counts of a ReLU network are exact. Raises ShapeError, NotFiniteError, ZeroRowError,
    NotNormalisedError.
    """
    return _eigenvalue_bounds(*_gram_with_error(net, inputs))


def pattern_gram_eigenvalue_bounds(net: TwoLayerNetwork, inputs: ArrayLike) -> tuple[float, float]:
    """Certified (lower, upper) bounds of ``sigma^2 = lambda_min(H)`` of a network on unit rows X (n, d) (Condition K1).

    Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    rows = unit_rows(inputs)
    curvature = net.phi.curvature
    if curvature is None:
        return _eigenvalue_bounds(*_rectifier_pattern_gram(net, rows))
    return _eigenvalue_bounds(*_smooth_pattern_gram(net, rows, curvature))


def gram_eigenvalue(net: TwoLayerNetwork, inputs: ArrayLike) -> float:
    """Certified lower bound of ``lambda_min(G)`` (Condition 1); positive only when that is certain.

    Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    return gram_eigenvalue_bounds(net, inputs)[0]


def largest_gram_eigenvalue(net: TwoLayerNetwork, inputs: ArrayLike) -> float:
    """Certified upper bound of ``||G||_2 = ||J(0)||_2^2`` (squared norm). Raises what ``gram_eigenvalue_bounds`` raises."""
    matrix, error = _gram_with_error(net, inputs)
    return float(np.nextafter(largest_eigenvalue_upper_bound(matrix) + error, np.inf))
