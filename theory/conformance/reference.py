"""Gradient, exact blocks and Kronecker factors of a problem, in rationals where it allows them, else in balls.

Each loss term (n, o) is backpropagated by itself: one pass for all positions of an output would add what belongs to different
terms wherever positions mix. In the mode ``absolute`` the same sums are those of absolute values, with the activation |z| and
the slope 1, which bounds what rounding may do (docs/conformance.md, paragraph 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb, arb_mat, fmpq, fmpq_mat

from theory.conformance.problem import Problem, Stage
from theory.rigour.exact import rational

Matrix = Any
"""An ``fmpq_mat`` or an ``arb_mat``."""

BITS = 160
"""Working precision of balls; set around this module by ``working_precision``."""


@dataclass(frozen=True)
class Use:
    """One application of a parameter to one datum."""

    parameter: int
    inputs: Matrix
    """(T, d_in), or (T, d_in + 1) with a last column of ones."""
    before: Matrix
    """Pre-activations (T, d_out)."""


@dataclass(frozen=True)
class Term:
    """One loss term, with what came back from it."""

    datum: int
    coefficient: fmpq
    jacobians: dict[int, Matrix]
    """By parameter: J (C, d_out d_in), row-major."""
    slopes: dict[int, list[Matrix]]
    """By parameter, for every output c: B (uses and positions, d_out)."""
    hessian: Matrix
    gradient: list[Any]
    """Of the term's own loss in its outputs, (C,)."""


class Passes:
    """Forward and backward passes of one problem in one arithmetic."""

    def __init__(self, problem: Problem, absolute: bool = False) -> None:
        """Rational where the problem is, or for absolute values; else in balls at the working precision."""
        self.problem, self.absolute = problem, absolute
        exact = problem.rational or absolute
        self._make: Callable[..., Matrix] = fmpq_mat if exact else arb_mat
        self._number: Callable[[fmpq], Any] = (lambda value: value) if exact else arb

    # --- numbers ---

    def _of(self, array: Any) -> Matrix:
        rows, columns = array.shape
        entries = [self._scalar(value) for value in array.ravel().tolist()]
        return self._make(rows, columns, entries)

    def _scalar(self, value: float) -> Any:
        found = rational(value)
        return self._number(abs(found) if self.absolute else found)

    @cached_property
    def weights(self) -> list[Matrix]:
        """The parameters' matrices."""
        return [self._of(array) for array in self.problem.parameters]

    def linear_part(self, parameter: int) -> Matrix:
        """A parameter's matrix without the column of the bias."""
        W, bias = self.weights[parameter], self.problem.biases[parameter]
        if not bias:
            return W
        return self._make(W.nrows(), W.ncols() - 1, [W[i, j] for i in range(W.nrows()) for j in range(W.ncols() - 1)])

    # --- forward ---

    @cached_property
    def forward(self) -> list[tuple[list[Use | None], list[Matrix]]]:
        """Of each datum the uses by stage, and what goes into each stage, the output last."""
        return [self._datum(self._of(x)) for x in self.problem.inputs]

    def _datum(self, x: Matrix) -> tuple[list[Use | None], list[Matrix]]:
        uses: list[Use | None] = []
        states = [x]
        for stage in self.problem.stages:
            x = states[-1]
            if stage.parameter < 0:
                uses.append(None)
                states.append(self._pooled(stage, x) if stage.kind == "pool" else self._flat(x))
                continue
            rows = self._patches(stage, x) if stage.kind == "convolution" else x
            if self.problem.biases[stage.parameter]:
                one = self._scalar(1.0)
                entries = [e for row in rows.tolist() for e in (*row, one)]
                rows = self._make(rows.nrows(), rows.ncols() + 1, entries)
            z = rows * self.weights[stage.parameter].transpose()
            uses.append(Use(stage.parameter, rows, z))
            states.append(self._activated(stage, z))
        return uses, states

    def _patches(self, stage: Stage, x: Matrix) -> Matrix:
        """(T', channels * kernel), channel by channel."""
        after = stage.positions(x.nrows())
        result = self._make(after, x.ncols() * stage.kernel)
        for t in range(after):
            for k, s in stage.sources(t, x.nrows()):
                for c in range(x.ncols()):
                    result[t, c * stage.kernel + k] = x[s, c]
        return result

    def _pooled(self, stage: Stage, x: Matrix) -> Matrix:
        weight = self._number(fmpq(1, x.nrows()) if stage.mean else fmpq(1))
        return self._make(1, x.nrows(), [weight] * x.nrows()) * x

    def _flat(self, x: Matrix) -> Matrix:
        return self._make(1, x.nrows() * x.ncols(), x.entries())

    def _activated(self, stage: Stage, z: Matrix) -> Matrix:
        if stage.activation == "identity" or self.absolute:
            return z
        if stage.activation == "relu":
            entries = [e if e > 0 else e * 0 for e in z.entries()]
        else:
            entries = [e.tanh() for e in z.entries()]
        return self._make(z.nrows(), z.ncols(), entries)

    def _slopes(self, stage: Stage, z: Matrix) -> Matrix | None:
        if stage.activation == "identity" or self.absolute:
            return None
        if stage.activation == "relu":
            entries = [self._number(fmpq(1 if e > 0 else 0)) for e in z.entries()]
        else:
            entries = [1 - e.tanh() * e.tanh() for e in z.entries()]  # the power of a small ball around 0 is nan
        return self._make(z.nrows(), z.ncols(), entries)

    # --- loss ---

    def _hessian(self, u: list[Any]) -> Matrix:
        problem, C = self.problem, len(u)
        result = self._make(C, C)
        if problem.loss in ("half squared", "squared"):
            for c in range(C):
                result[c, c] = self._number(fmpq(problem.curvature_of_term))
            return result
        if self.absolute:  # at most: each entry of what square roots of H multiply out to
            return self._make(C, C, [fmpq(3)] * (C * C))
        p = probabilities(problem.loss, u)
        for c in range(C):
            for k in range(C):
                if problem.loss == "softmax":
                    result[c, k] = p[c] * ((1 if c == k else 0) - p[k])
                elif c == k:
                    result[c, c] = p[c] * (1 - p[c])
        return result

    def _loss_gradient(self, u: list[Any], y: list[Any]) -> list[Any]:
        problem = self.problem
        if problem.loss in ("half squared", "squared"):
            h = problem.curvature_of_term
            return [h * (a + b if self.absolute else a - b) for a, b in zip(u, y, strict=True)]
        if self.absolute:
            return [fmpq(2)] * len(u)
        return [p - b for p, b in zip(probabilities(problem.loss, u), y, strict=True)]

    # --- backward ---

    def terms(self) -> Iterator[Term]:
        """Every loss term."""
        for n, (uses, states) in enumerate(self.forward):
            y = self._of(self.problem.targets[n])
            out = states[-1]
            for o in range(out.nrows()):
                u = [out[o, c] for c in range(out.ncols())]
                jacobians, slopes = self._backward(uses, states, o)
                coefficient = self.problem.coefficient(n)
                coefficient = abs(coefficient) if self.absolute else coefficient
                gradient = self._loss_gradient(u, [y[o, c] for c in range(out.ncols())])
                yield Term(n, coefficient, jacobians, slopes, self._hessian(u), gradient)

    def _backward(
        self, uses: list[Use | None], states: list[Matrix], position: int
    ) -> tuple[dict[int, Matrix], dict[int, list[Matrix]]]:
        C, T = states[-1].ncols(), states[-1].nrows()
        D = self._make(C * T, C)  # rows (c, t)
        for c in range(C):
            D[c * T + position, c] = self._number(fmpq(1))
        found: dict[int, list[tuple[Matrix, Matrix]]] = {}
        for stage, use, before in reversed(list(zip(self.problem.stages, uses, states[:-1], strict=True))):
            if use is None:
                D = self._through(stage, D, C, before)
                continue
            slopes = self._slopes(stage, use.before)
            if slopes is not None:
                T = use.before.nrows()
                for i in range(D.nrows()):
                    for j in range(D.ncols()):
                        D[i, j] = D[i, j] * slopes[i % T, j]
            found.setdefault(use.parameter, []).append((D, use.inputs))
            D = D * self.linear_part(use.parameter)
            if stage.kind == "convolution":
                D = self._scattered(stage, D, C, before)
        jacobians, kept = {}, {}
        for parameter, pairs in found.items():
            if not self.problem.trained[parameter]:
                continue
            kept[parameter] = [self._stacked([_rows(self._make, D, c, C) for D, _ in pairs]) for c in range(C)]
            rows: list[Any] = []
            for c in range(C):
                each = [_rows(self._make, D, c, C).transpose() * a for D, a in pairs]
                total = each[0]
                for one in each[1:]:
                    total = total + one
                rows += total.entries()
            jacobians[parameter] = self._make(C, len(rows) // C, rows)
        return jacobians, kept

    def _stacked(self, parts: list[Matrix]) -> Matrix:
        if len(parts) == 1:
            return parts[0]
        entries = [e for part in parts for e in part.entries()]
        return self._make(sum(part.nrows() for part in parts), parts[0].ncols(), entries)

    def _through(self, stage: Stage, D: Matrix, C: int, before: Matrix) -> Matrix:
        T, d = before.nrows(), before.ncols()
        result = self._make(C * T, d)
        weight = self._number(fmpq(1, T) if stage.mean else fmpq(1))
        for c in range(C):
            for t in range(T):
                for j in range(d):
                    pool = stage.kind == "pool"
                    result[c * T + t, j] = D[c, j] * weight if pool else D[c, t * d + j]
        return result

    def _scattered(self, stage: Stage, D: Matrix, C: int, before: Matrix) -> Matrix:
        T, d = before.nrows(), before.ncols()
        after = stage.positions(T)
        result = self._make(C * T, d)
        for c in range(C):
            for t in range(after):
                for k, s in stage.sources(t, T):
                    for j in range(d):
                        result[c * T + s, j] = result[c * T + s, j] + D[c * after + t, j * stage.kernel + k]
        return result


def _rows(make: Callable[..., Matrix], D: Matrix, c: int, C: int) -> Matrix:
    T, d = D.nrows() // C, D.ncols()
    return make(T, d, [D[c * T + t, j] for t in range(T) for j in range(d)])


def probabilities(loss: str, u: list[Any]) -> list[Any]:
    """Of softmax the probabilities of the classes, of the logistic loss that of 1 for each output."""
    if loss == "logistic":
        return [1 / (1 + (-e).exp()) for e in u]
    exponentials = [e.exp() for e in u]
    total = exponentials[0]
    for e in exponentials[1:]:
        total = total + e
    return [e / total for e in exponentials]


def midpoint(value: Any) -> tuple[fmpq, fmpq]:
    """A number as a rational one, and how far it may be from it: 0 for one that is rational. Raises ValueError beyond bounds."""
    if isinstance(value, fmpq):
        return value, fmpq(0)
    middle, radius = _dyadic(value.mid()), value.rad()
    return middle, _dyadic(radius.upper()) * fmpq(1001, 1000)


def _dyadic(value: arb) -> fmpq:
    mantissa, exponent = value.man_exp()
    two = fmpq(2) ** int(exponent) if exponent >= 0 else fmpq(1) / fmpq(2) ** int(-exponent)
    return fmpq(int(mantissa)) * two
