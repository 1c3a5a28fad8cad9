"""What is known of G or H of a ReLU network at an iterate: certified singular, certified positive definite, or not decided.

A factorisation in float64 that breaks off tells neither: G may be singular, or positive definite with an eigenvalue below rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, fmpz_mat

from theory.descent.iterate import Iterate
from theory.descent.optimiser import Chosen, as_optimiser
from theory.direction import NONNEGATIVE, Directed, LowerBound, UpperBound, digits, stated
from theory.errors import DescentError, RankDeficientError
from theory.inputs import FloatArray
from theory.rigour.definiteness import smallest_eigenvalue_bounds
from theory.rigour.exact import whole_matrix
from theory.rigour.gram_rounding import GramRounding
from theory.rigour.precision import working_precision
from theory.rigour.rounding import gamma

MOST_RANKED_ROWS, MOST_INVERTED_ROWS = 512, 128
"""The exact rank, and the inverse in balls, are computed for so many rows at most."""

PRECISIONS = (256, 1024)
"""Bits at which the inverse is tried."""


@dataclass(frozen=True)
class Definiteness(Directed):
    """What is known of a symmetric positive semidefinite (n, n) matrix."""

    rows: int
    rank: int | None
    """The exact rank; None when it was not computed."""
    lower: LowerBound
    """Certified lower bound of lambda_min; may be negative."""
    upper: UpperBound
    """Certified upper bound of lambda_min; may be inf."""
    reason: str = ""
    """Why it is singular, where that is seen without a rank."""

    @property
    def singular(self) -> bool:
        """Whether it is singular for certain."""
        return bool(self.reason) or (self.rank is not None and self.rank < self.rows)

    @property
    def positive(self) -> bool:
        """Whether it is positive definite for certain."""
        return not self.singular and (self.rank == self.rows or self.lower > 0)

    def text(self, name: str = "it") -> str:
        """What is known of the matrix of this name, in words."""
        if self.reason:
            return f"{name} is singular: {self.reason}"
        if self.singular:
            return f"{name} is singular: its exact rank is {self.rank}, below {self.rows}"
        if self.lower > 0:
            return f"{name} is positive definite, {stated({'lambda_min': self.lower}, 3)}"
        if self.positive:
            return f"{name} is positive definite, as its exact rank is full (certified, without a bound of lambda_min)"
        bounds = f"lambda_min lies between {digits(self.lower, 2)} and {digits(self.upper, 2)}"
        return f"whether {name} is singular is not decided ({bounds})"


def rectifier_definiteness(rows: FloatArray | None, counts: FloatArray, width: int) -> Definiteness:
    """What is known of ``G = (X X^T) o (A A^T) / m``, or of ``H = A A^T / m`` for ``rows=None``.

    ``rows`` X (n, d) are taken exactly as given, ``counts`` (n, n) are the whole numbers ``A A^T``. A matrix of full rank is
    positive definite, as it is positive semidefinite (Schur's product theorem), and ``lambda_min >= 1/tr M^{-1}``.
    Raises ShapeError, NotFiniteError.
    """
    n = len(counts)
    if reason := _seen(rows, counts):
        return Definiteness(n, None, NONNEGATIVE, UpperBound(0.0), reason)
    whole, scale = _whole(rows, counts)
    error = 0.0 if rows is None else 2 * gamma(rows.shape[1] + 4) * float(np.trace(counts)) / width
    gram = counts / width if rows is None else _symmetric(rows @ rows.T) * counts / width
    lower, upper = smallest_eigenvalue_bounds(gram, error + gamma(4) * float(np.abs(gram).sum()))
    if lower <= 0 and n <= MOST_INVERTED_ROWS:
        lower = max(lower, *(_inverse_trace_bound(whole, scale * width, bits) for bits in PRECISIONS))
    if lower > 0:
        return Definiteness(n, n, lower, upper)
    return Definiteness(n, int(whole.rank()) if n <= MOST_RANKED_ROWS else None, lower, upper)


def definiteness(state: Iterate, on_inputs: bool = True) -> Definiteness:
    """What is known of G, or of H for ``on_inputs=False``, at the stored iterate; of a smooth network float64's bounds only."""
    rows = state.geometry.inputs
    pattern_gram = state.pattern_gram
    width = state.width
    if state.phi.curvature is None:
        return rectifier_definiteness(rows if on_inputs else None, np.rint(pattern_gram * width), width)
    gram, dim = (state.gram, rows.shape[1]) if on_inputs else (pattern_gram, 0)
    bounds = smallest_eigenvalue_bounds(_symmetric(gram), GramRounding.of(state, dim).frobenius)
    return Definiteness(len(gram), None, *bounds)


def explained(error: DescentError, state: Iterate, optimiser: Chosen) -> DescentError:
    """The same error with what is known of the matrix that could not be solved with; other errors as they are."""
    if not isinstance(error, RankDeficientError):
        return error
    chosen = as_optimiser(optimiser)
    known = definiteness(state, chosen.condition == "2")
    return RankDeficientError(f"{error}; {known.text(chosen.explained_matrix)}")


def _symmetric(matrix: FloatArray) -> FloatArray:
    lower = np.tril(matrix, -1)
    return np.asarray(lower + lower.T + np.diag(np.diag(matrix)))


def _seen(rows: FloatArray | None, counts: FloatArray) -> str:
    """Why the matrix is singular, where two of its rows are equal or one is zero; empty otherwise."""
    silent = np.flatnonzero(np.diag(counts) == 0)
    if silent.size:
        return f"input {silent[0]} activates no neuron"
    described = counts if rows is None else np.concatenate([counts, rows + 0.0], axis=1)
    _, first, inverse = np.unique(described, axis=0, return_index=True, return_inverse=True)
    place = first[np.ravel(inverse)]
    again = np.flatnonzero(place != np.arange(len(counts)))
    if not again.size:
        return ""
    what = "activate the same neurons" if rows is None else "are equal and activate the same neurons"
    return f"inputs {place[again[0]]} and {again[0]} {what}"


def _whole(rows: FloatArray | None, counts: FloatArray) -> tuple[fmpz_mat, int]:
    """``scale m G`` as whole numbers, with the scale, a power of 2."""
    n = len(counts)
    numbers = [int(count) for count in counts.ravel().tolist()]
    if rows is None:
        return fmpz_mat(n, n, numbers), 1
    factor = whole_matrix(rows)
    shift = max(value.as_integer_ratio()[1] for value in rows.ravel().tolist())
    kernel = (factor * factor.transpose()).entries()
    return fmpz_mat(n, n, [k * c for k, c in zip(kernel, numbers, strict=True)]), shift * shift


def _inverse_trace_bound(whole: fmpz_mat, scale: int, bits: int) -> LowerBound:
    """``1/tr M^{-1}`` for ``M = whole / scale``, rounded down; 0 where the balls do not show that M has an inverse."""
    with working_precision(bits):
        try:
            inverse = arb_mat(whole).inv()
        except ZeroDivisionError:
            return NONNEGATIVE
        trace = sum((inverse[i, i] for i in range(whole.nrows())), start=arb(0))
        if not trace > 0:
            return NONNEGATIVE
        return LowerBound(max(0.0, math.nextafter(float((1 / (trace * scale)).lower()), -math.inf)))
