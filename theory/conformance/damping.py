"""Damped matrices of a problem, exactly or to ``2^-200``, their condition, and undamped steps by the pseudo-inverse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq, fmpq_mat

from theory.conformance.curvature import Due, Reference, floats, kronecker_scaled
from theory.conformance.problem import Problem
from theory.errors import ChoiceError
from theory.inputs import FloatArray
from theory.rigour.exact import pseudo_inverse, rational

KINDS = ("product", "pi")
"""``M + lambda I``, M the block or G (x) A; ``(G + sqrt(lambda)/pi I) (x) (A + pi sqrt(lambda) I)``, pi of the traces."""

ROOT_BITS = 200

STABLE = 16
"""Of a solve's backward error in units of ``P u kappa``: proved to be enough for Cholesky's factors, and for inverses that they give up to P = 24.

For elimination with pivots, eigenvectors and conjugate gradients it is a choice (docs/conformance.md, paragraph 11)."""


def root(value: fmpq) -> fmpq:
    """The square root of a number that is not negative, to a relative ``2^-200``."""
    if value == 0:
        return fmpq(0)
    p, q = int(value.p), int(value.q)
    shift = 2 * (ROOT_BITS + max(q.bit_length() - p.bit_length(), 0))
    return fmpq(math.isqrt((p << shift) // q)) / fmpq(2) ** (shift // 2)


def norm(matrix: fmpq_mat) -> float:
    """Frobenius', rounded to nearest."""
    total = sum((e * e for e in matrix.entries()), fmpq(0))
    found = root(total)
    return int(found.p) / int(found.q)


@dataclass(frozen=True)
class Piece:
    """A part of the curvature that is inverted by itself: some columns of one parameter."""

    parameter: int
    columns: tuple[int, ...]


def pieces(problem: Problem, bias_apart: bool) -> list[Piece]:
    """One for every trained parameter; two for one with a bias, weights first, where the bias has a block of its own."""
    found = []
    for p in problem.learned:
        columns = tuple(range(problem.parameters[p].shape[1]))
        if bias_apart and problem.biases[p]:
            found += [Piece(p, columns[:-1]), Piece(p, columns[-1:])]
        else:
            found.append(Piece(p, columns))
    return found


def sub_matrix(matrix: fmpq_mat, places: tuple[int, ...]) -> fmpq_mat:
    """The rows and columns at these places."""
    return fmpq_mat(len(places), len(places), [matrix[i, j] for i in places for j in places])


def places_of(rows: int, all_columns: int, columns: tuple[int, ...]) -> tuple[int, ...]:
    """Where the entries in these columns of a (rows, all_columns) matrix are, row by row."""
    return tuple(i * all_columns + j for i in range(rows) for j in columns)


@dataclass(frozen=True)
class Damped:
    """The matrix of one piece with its damping."""

    matrix: fmpq_mat
    magnitude: float
    """Frobenius norm of the same of absolute values."""
    slack: float
    """How far the matrix may be from what it stands for, in Frobenius norm."""

    @cached_property
    def size(self) -> float:
        """Its Frobenius norm."""
        return norm(self.matrix)

    @cached_property
    def inverse_size(self) -> float:
        """The Frobenius norm of its inverse, of the pseudo-inverse where it is singular."""
        return norm(self.matrix.inv() if self.regular else pseudo_inverse(self.matrix))

    @cached_property
    def regular(self) -> bool:
        """Whether it is regular, exactly."""
        return bool(int(self.matrix.rank()) == self.matrix.nrows())

    @property
    def condition(self) -> float:
        """``||M|| ||M^-1||`` in Frobenius' norm."""
        return self.size * self.inverse_size

    def perturbation(self, relative: float, unit_roundoff: float) -> float:
        """What rounding may change of it, its making and its inverse taken together: a Frobenius norm."""
        solved = STABLE * self.matrix.nrows() * unit_roundoff * self.condition * self.size
        return float(4 * relative * self.magnitude + solved + self.slack)

    def residual(self, x: FloatArray, v: FloatArray) -> float:
        """``||M x - v||``, exactly but for the last rounding."""
        return norm(self.matrix * _column(x) - _column(v))


def _column(x: FloatArray) -> fmpq_mat:
    return fmpq_mat(x.size, 1, [rational(value) for value in np.asarray(x, dtype=np.float64).ravel().tolist()])


def damped(due: Due, piece: Piece, damping: float, kind: str) -> Damped:
    """The matrix of a piece for the problem's approximation. Raises ChoiceError, ZeroDivisionError (pi with G = 0 or A = 0)."""
    problem, shift = due.problem, rational(damping)
    rows, columns = problem.parameters[piece.parameter].shape
    if problem.approximation == "blocks":
        if kind != "product":
            raise ChoiceError(f"a dense block has no damping of kind {kind!r}; take 'product'")
        places = places_of(rows, columns, piece.columns)
        found = due.exact.block(piece.parameter)
        matrix = _shifted(sub_matrix(found.matrix, places), shift)
        size = norm(sub_matrix(due.magnitude.block(piece.parameter).matrix, places)) + damping * math.sqrt(len(places))
        return Damped(matrix, size, len(places) * _float(found.slack))
    setting = problem.approximation
    G, A = _piece_factors(due.exact, piece, setting)
    sizes = _piece_factors(due.magnitude, piece, setting)
    slack = len(piece.columns) * rows * _float(due.exact.product(piece.parameter, setting).slack)
    if kind == "product":
        matrix = _shifted(kronecker_scaled(G, A), shift)
        size = norm(sizes[0]) * norm(sizes[1]) + damping * math.sqrt(matrix.nrows())
        return Damped(matrix, size, slack)
    if kind != "pi":
        raise ChoiceError(f"the kind {kind!r} of damping is not known; take {' or '.join(KINDS)}")
    scale = split(G, A, shift)
    left, right = _shifted(G, shift / scale if shift else fmpq(0)), _shifted(A, scale)
    growth = max(
        _trace_ratio(sizes[0], G), _trace_ratio(sizes[1], A)
    )  # what rounding does to pi, in units of that of entries
    size = (norm(sizes[0]) + growth * norm(left)) * (norm(sizes[1]) + growth * norm(right))
    return Damped(kronecker_scaled(left, right), size, slack * 4 + 2.0**-150 * size)


def split(G: fmpq_mat, A: fmpq_mat, shift: fmpq) -> fmpq:
    """``pi sqrt(lambda)``, ``pi^2 = (tr A / d_in) / (tr G / d_out)``, to ``2^-200``. Raises ZeroDivisionError."""
    traces = [sum((m[i, i] for i in range(m.nrows())), fmpq(0)) for m in (G, A)]
    if min(traces) <= 0:
        raise ZeroDivisionError("pi is not defined where G or A vanishes")
    return root(shift * (traces[1] / A.nrows()) / (traces[0] / G.nrows()))


def _trace_ratio(magnitude: fmpq_mat, matrix: fmpq_mat) -> float:
    """Trace of absolute values over trace: at least 1."""
    traces = [sum((m[i, i] for i in range(m.nrows())), fmpq(0)) for m in (magnitude, matrix)]
    return max(_float(traces[0] / traces[1]), 1.0)


def _piece_factors(reference: Reference, piece: Piece, setting: str) -> tuple[fmpq_mat, fmpq_mat]:
    G, A = reference.factors(piece.parameter, setting)
    return G.matrix, sub_matrix(A.matrix, piece.columns)


def _shifted(matrix: fmpq_mat, shift: fmpq) -> fmpq_mat:
    result = fmpq_mat(matrix)
    for i in range(matrix.nrows()):
        result[i, i] = result[i, i] + shift
    return result


def _float(value: fmpq) -> float:
    return int(value.p) / int(value.q)


def direction(found: Damped, gradient: fmpq_mat) -> FloatArray:
    """``M^-1 g`` of a piece, (P,), as the nearest float64 numbers; ``M^+ g`` where M is singular."""
    column = fmpq_mat(found.matrix.nrows(), 1, gradient.entries())
    inverse = found.matrix.inv() if found.regular else pseudo_inverse(found.matrix)
    return floats(inverse * column)[:, 0]


def piece_gradient(due: Due, piece: Piece) -> tuple[fmpq_mat, float]:
    """The gradient in the columns of a piece (rows, columns), and the Frobenius norm of its absolute values."""
    exact, size = due.exact.gradient[piece.parameter].matrix, due.magnitude.gradient[piece.parameter].matrix
    parts = [
        fmpq_mat(m.nrows(), len(piece.columns), [m[i, j] for i in range(m.nrows()) for j in piece.columns])
        for m in (exact, size)
    ]
    return parts[0], norm(parts[1])
