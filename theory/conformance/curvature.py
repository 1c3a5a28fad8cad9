"""The reference of one problem: its exact blocks, Kronecker factors and gradient, as rationals with what they may be off by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from theory.conformance.problem import Problem
from theory.conformance.reference import BITS, Matrix, Passes, Term, midpoint
from theory.inputs import FloatArray
from theory.rigour.precision import working_precision

SMALLEST = 2.0**-1000
"""Above effects of underflow."""


@dataclass(frozen=True)
class Enclosed:
    """A matrix of rationals, each within ``slack`` of the number that it stands for: 0 where these are rational."""

    matrix: fmpq_mat
    slack: fmpq

    @cached_property
    def floats(self) -> FloatArray:
        """The nearest float64 numbers."""
        return floats(self.matrix)


def floats(matrix: fmpq_mat) -> FloatArray:
    """The float64 numbers nearest to the entries."""
    entries = [int(e.p) / int(e.q) for e in matrix.entries()]
    return np.array(entries, dtype=np.float64).reshape(matrix.nrows(), matrix.ncols())


def enclosed(matrix: Matrix) -> Enclosed:
    """A matrix of rationals or of balls by its midpoints."""
    if isinstance(matrix, fmpq_mat):
        return Enclosed(matrix, fmpq(0))
    pairs = [midpoint(entry) for entry in matrix.entries()]
    return Enclosed(
        fmpq_mat(matrix.nrows(), matrix.ncols(), [middle for middle, _ in pairs]), max(radius for _, radius in pairs)
    )


def kronecker_scaled(left: fmpq_mat, right: fmpq_mat) -> fmpq_mat:
    """The Kronecker product."""
    rows, columns = left.nrows() * right.nrows(), left.ncols() * right.ncols()
    entries = [a * b for r in left.tolist() for s in right.tolist() for a in r for b in s]
    return fmpq_mat(rows, columns, entries)


class Reference:
    """What is due for one problem; every part is computed once, when it is asked for."""

    def __init__(self, problem: Problem, absolute: bool = False) -> None:
        """Of the problem, or of its absolute values (theory/conformance/reference.py)."""
        self.problem, self._absolute = problem, absolute
        self._blocks: dict[int, Enclosed] = {}
        self._factors: dict[tuple[int, str], tuple[Enclosed, Enclosed]] = {}

    @cached_property
    def _passes(self) -> Passes:
        return Passes(self.problem, self._absolute)

    @cached_property
    def _terms(self) -> list[Term]:
        with working_precision(BITS):
            return list(self._passes.terms())

    @property
    def _make(self) -> Any:
        return self._passes._make

    def _moment(self, term: Term) -> Matrix:
        """H of a term; for the empirical Fisher matrix the outer product of its gradient."""
        if self.problem.fisher != "empirical":
            return term.hessian
        g = term.gradient
        return self._make(len(g), len(g), [a * b for a in g for b in g])

    def block(self, parameter: int) -> Enclosed:
        """``sum c J^T H J`` of a parameter; H is g g^T for the empirical Fisher matrix."""
        if parameter not in self._blocks:
            with working_precision(BITS):
                total = None
                for term in self._terms:
                    J = term.jacobians[parameter]
                    part = J.transpose() * self._moment(term) * J * self._passes._number(term.coefficient)
                    total = part if total is None else total + part
                self._blocks[parameter] = enclosed(total)
        return self._blocks[parameter]

    def factors(self, parameter: int, setting: str) -> tuple[Enclosed, Enclosed]:
        """G and A in the setting expand or reduce (Eschenhagen et al. 2023), every application of the parameter a position."""
        key = parameter, setting
        if key not in self._factors:
            with working_precision(BITS):
                found = self._gradient_factor(parameter, setting), self._input_factor(parameter, setting)
                self._factors[key] = (enclosed(found[0]), enclosed(found[1]))
        return self._factors[key]

    def product(self, parameter: int, setting: str) -> Enclosed:
        """``G (x) A``."""
        G, A = self.factors(parameter, setting)
        largest = max((abs(e) for m in (G.matrix, A.matrix) for e in m.entries()), default=fmpq(0))
        return Enclosed(kronecker_scaled(G.matrix, A.matrix), (G.slack + A.slack) * (largest + 1))

    def form(self, parameter: int, setting: str, row: int) -> list[float]:
        """Weights of the independent squares of which ``G[row, row]`` consists, as labels are drawn: one for each loss term.

        With ``g ~ N(0, h I)`` in the outputs, the square of ``(B g)[row]``, of one position or of their sum. Raises ValueError
        where several positions of a term reach the row in the setting expand: their squares are not independent.
        """
        weights = []
        with working_precision(BITS):
            for term in self._terms:
                rows = term.slopes[parameter]
                if setting == "expand" and rows[0].nrows() > 1:
                    raise ValueError("several positions of one term have dependent squares; take data of one position")
                total = [sum((B[t, row] for t in range(B.nrows())), B[0, row] * 0) for B in rows]
                square = (
                    sum((e * e for e in total), total[0] * 0)
                    * term.hessian[0, 0]
                    * self._passes._number(term.coefficient)
                )
                middle, _ = midpoint(square)
                weights.append(int(middle.p) / int(middle.q))
        return weights

    def _gradient_factor(self, parameter: int, setting: str) -> Matrix:
        total = None
        for term in self._terms:
            rows, H = term.slopes[parameter], self._moment(term)
            C, T, d = len(rows), rows[0].nrows(), rows[0].ncols()
            if setting == "reduce":
                ones = self._make(1, T, [self._passes._number(fmpq(1))] * T)
                rows = [ones * B for B in rows]
                T = 1
            stacked = self._make(C, T * d, [e for B in rows for e in B.entries()])
            turned = H * stacked  # (C, T d)
            part = None
            for c in range(C):
                left = rows[c].transpose()
                right = self._make(T, d, [turned[c, i] for i in range(T * d)])
                part = left * right if part is None else part + left * right
            part = part * self._passes._number(term.coefficient)
            total = part if total is None else total + part
        return total

    def _input_factor(self, parameter: int, setting: str) -> Matrix:
        total, count = None, 0
        for uses, _ in self._passes.forward:
            rows = self._passes._stacked([u.inputs for u in uses if u is not None and u.parameter == parameter])
            T = rows.nrows()
            if setting == "reduce":
                rows = self._make(1, T, [self._passes._number(fmpq(1, T))] * T) * rows
            count += rows.nrows()
            part = rows.transpose() * rows
            total = part if total is None else total + part
        return total * self._passes._number(fmpq(1, count))

    @cached_property
    def gradient(self) -> dict[int, Enclosed]:
        """Of each trained parameter the gradient of the whole loss, shaped as the parameter."""
        with working_precision(BITS):
            found = {}
            for parameter in self.problem.learned:
                rows, columns = self.problem.parameters[parameter].shape
                total = self._make(1, rows * columns)
                for term in self._terms:
                    g = self._make(1, len(term.gradient), list(term.gradient))
                    total = total + g * term.jacobians[parameter] * self._passes._number(term.coefficient)
                found[parameter] = enclosed(self._make(rows, columns, total.entries()))
        return found

    @cached_property
    def outputs(self) -> tuple[FloatArray, ...]:
        """Of each datum the outputs, as the nearest float64 numbers."""
        with working_precision(BITS):
            return tuple(enclosed(states[-1]).floats for _, states in self._passes.forward)

    @cached_property
    def reach(self) -> float:
        """The largest absolute value among pre-activations and outputs."""
        with working_precision(BITS):
            values = [
                abs(e) for uses, _ in self._passes.forward for u in uses if u is not None for e in u.before.entries()
            ]
            return max((float(midpoint(v)[0].p) / float(midpoint(v)[0].q) for v in values), default=0.0)

    def pre_activations(self) -> list[tuple[str, Matrix]]:
        """The activation and the pre-activations of every use."""
        with working_precision(BITS):
            return [
                (stage.activation, use.before)
                for uses, _ in self._passes.forward
                for stage, use in zip(self.problem.stages, uses, strict=True)
                if use is not None
            ]


class Due:
    """The reference beside its absolute values, and what rounding may make of it."""

    def __init__(self, problem: Problem) -> None:
        """Of one problem."""
        self.problem = problem
        self.exact, self.magnitude = Reference(problem), Reference(problem, absolute=True)

    def rounding(self, unit_roundoff: float) -> float:
        """By how much of its absolute value an entry may differ (docs/conformance.md, paragraph 2)."""
        problem = self.problem
        smooth = 0.0 if problem.rational else self.magnitude.reach
        layers = sum(stage.parameter >= 0 for stage in problem.stages)
        return 2 * problem.chain * (1 + 4 * (layers + 1) * smooth) * unit_roundoff

    def patterns_decided(self, unit_roundoff: float) -> bool:
        """Whether no pre-activation of a ReLU may get another sign by rounding."""
        relative = self.rounding(unit_roundoff)
        for (activation, z), (_, size) in zip(
            self.exact.pre_activations(), self.magnitude.pre_activations(), strict=True
        ):
            if activation != "relu":
                continue
            for value, most in zip(z.entries(), size.entries(), strict=True):
                middle, radius = midpoint(value)
                below = abs(middle) - radius
                if not float(int(below.p) / int(below.q)) > relative * float(int(most.p) / int(most.q)) + SMALLEST:
                    return False
        return True
