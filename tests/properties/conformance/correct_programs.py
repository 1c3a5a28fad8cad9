"""Libraries that are right, each in another convention or by another algorithm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from properties.conformance.faults.solves import iterated
from properties.conformance.plain import Array, Factors, Term
from properties.conformance.plain_steps import PlainSteps, pseudo
from theory.conformance.damping import pieces
from theory.conformance.problem import Problem


class InputSums(PlainSteps):
    """The input factor is a sum, G is divided by its count."""

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        return G / G.dtype.type(count), A

    def accumulated(self, problem: Problem) -> list[Any]:
        return PlainSteps().accumulated(problem)


class EqualTraces(PlainSteps):
    """Both factors have the same trace."""

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        G, A = super().normalised(problem, G, A, count, parameter)
        if not np.trace(G) * np.trace(A) > 0:
            return G, A
        ratio = np.sqrt(np.trace(A) / np.trace(G))
        return G * ratio, A / ratio

    def accumulated(self, problem: Problem) -> list[Any]:
        return PlainSteps().accumulated(problem)


class BiasApart(PlainSteps):
    """Biases have blocks of their own."""

    declares: ClassVar[Mapping[str, Any]] = {"bias": "apart"}

    def curvature(self, problem: Problem) -> list[Any]:
        if problem.split:
            raise NotImplementedError("one batch at a time")
        found = []
        whole = dict(zip(problem.learned, super().curvature(problem), strict=True))
        for piece in pieces(problem, bias_apart=True):
            one, columns = whole[piece.parameter], np.array(piece.columns)
            if problem.approximation == "ekfac":
                found.append(self._ekfac(problem, piece.parameter, columns))
            elif isinstance(one, tuple):
                found.append((one[0], one[1][np.ix_(columns, columns)]))
            else:
                rows, width = problem.parameters[piece.parameter].shape
                places = (np.arange(rows)[:, None] * width + columns).reshape(-1)
                found.append(one[np.ix_(places, places)])
        return found

    def _ekfac(self, problem: Problem, parameter: int, columns: Array) -> Any:
        place = problem.learned.index(parameter)
        G, A = self.factors(problem.changed(approximation="expand"))[place]
        F = self.blocks(problem)[place]
        rows, width = problem.parameters[parameter].shape
        places = (np.arange(rows)[:, None] * width + columns).reshape(-1)
        (_, P), (_, Q) = np.linalg.eigh(G), np.linalg.eigh(A[np.ix_(columns, columns)])
        return P, Q, self.eigenvalues(F[np.ix_(places, places)], P, Q)

    def solved(
        self, problem: Problem, curvature: Sequence[Any], damping: float, kind: str, vectors: Sequence[Array]
    ) -> list[Array]:
        found = [np.empty_like(v) for v in vectors]
        for piece, one in zip(pieces(problem, bias_apart=True), curvature, strict=True):
            place, columns = problem.learned.index(piece.parameter), list(piece.columns)
            found[place][:, columns] = self.layer(problem, one, damping, kind, vectors[place][:, columns])
        return found


class SquareRoots(PlainSteps):
    """Square roots of H are backpropagated."""

    def gradient_moment(self, problem: Problem, B: Array, H: Array) -> Array:
        values, vectors = np.linalg.eigh(H)
        S = vectors * np.sqrt(np.maximum(values, 0))
        rows = np.einsum("cti,ck->kti", B, S).reshape(-1, B.shape[2])
        return rows.T @ rows


class ExplicitInverses(PlainSteps):
    """Inverses are formed and multiplied with."""

    def factored(self, left: Array, right: Array, v: Array, damping: float) -> Array:
        return np.linalg.inv(left) @ v @ np.linalg.inv(right) if damping else super().factored(left, right, v, damping)

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        return np.linalg.inv(matrix) @ v if damping else super().dense(matrix, v, damping)

    def product(self, G: Array, A: Array, damping: float, v: Array) -> Array:
        if not damping:
            return super().product(G, A, damping, v)
        return (np.linalg.inv(self.shifted(np.kron(G, A), damping)) @ v.reshape(-1)).reshape(v.shape)


class ConjugateGradients(PlainSteps):
    """Damped solves by conjugate gradients, to the last digits."""

    def _tolerance(self, v: Array) -> float:
        return 4 * float(np.finfo(v.dtype).eps)

    def product(self, G: Array, A: Array, damping: float, v: Array) -> Array:
        if not damping:
            return super().product(G, A, damping, v)
        return iterated(lambda p: G @ p @ A + p * p.dtype.type(damping), v, self._tolerance(v))

    def factored(self, left: Array, right: Array, v: Array, damping: float) -> Array:
        return (
            iterated(lambda p: left @ p @ right, v, self._tolerance(v))
            if damping
            else super().factored(left, right, v, damping)
        )

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        return iterated(lambda p: matrix @ p, v, self._tolerance(v)) if damping else super().dense(matrix, v, damping)


class SingleThroughout(PlainSteps):
    """Everything in float32."""

    def _single(self, problem: Problem) -> Problem:
        return problem.changed(single=True).given()

    def curvature(self, problem: Problem) -> list[Any]:
        return super().curvature(self._single(problem))

    def gradient(self, problem: Problem) -> list[Array]:
        return super().gradient(self._single(problem))

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Array]) -> list[Array]:
        return super().solve(self._single(problem), damping, kind, [v.astype(np.float32) for v in vectors])

    def update(self, problem: Problem, step_size: float, damping: float, kind: str) -> list[Array]:
        return super().update(self._single(problem), step_size, damping, kind)

    def run(self, problem: Problem, batches: Sequence[Sequence[int]], options: Mapping[str, Any]) -> list[Any]:
        return super().run(self._single(problem), batches, options)


class DenseProducts(PlainSteps):
    """The Kronecker product is multiplied out."""

    def curvature(self, problem: Problem) -> list[Any]:
        found = PlainSteps().curvature(problem)
        return [np.kron(*one) if isinstance(one, tuple) and len(one) == 2 else one for one in found]

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Array]) -> list[Array]:
        return self.solved(problem, PlainSteps().curvature(problem), damping, kind, vectors)

    def averaged(self, average: list[Any] | None, found: list[Any], decay: float) -> list[Any]:
        raise NotImplementedError("no average of products")


class Cholesky(PlainSteps):
    """Damped solves by Cholesky's factors."""

    def _solved(self, matrix: Array, v: Array) -> Array:
        L = np.linalg.cholesky(matrix)
        return np.linalg.solve(L.T, np.linalg.solve(L, v))

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        return self._solved(matrix, v) if damping else super().dense(matrix, v, damping)

    def factored(self, left: Array, right: Array, v: Array, damping: float) -> Array:
        return self._solved(right, self._solved(left, v).T).T if damping else super().factored(left, right, v, damping)


class OtherOrder(PlainSteps):
    """Sums are made in the opposite order, one position after another."""

    def gradient_moment(self, problem: Problem, B: Array, H: Array) -> Array:
        total = np.zeros((B.shape[2],) * 2, B.dtype)
        for t in reversed(range(B.shape[1])):
            total = total + B[:, t].T @ (H @ B[:, t])
        return total

    def input_moment(self, a: Array) -> Array:
        total = np.zeros((a.shape[1],) * 2, a.dtype)
        for row in a[::-1]:
            total = total + np.outer(row, row)
        return total


class ScaledGradients(PlainSteps):
    """The empirical Fisher matrix is that of the scaled gradients, and the average begins with the first factors."""

    declares: ClassVar[Mapping[str, Any]] = {"empirical": "scaled", "start": "first"}

    def moment(self, problem: Problem, term: Term, rng: np.random.Generator) -> Array:
        found = super().moment(problem, term, rng)
        return found * found.dtype.type(self.coefficient(problem, term)) if problem.fisher == "empirical" else found

    def averaged(self, average: list[Any] | None, found: list[Any], decay: float) -> list[Any]:
        return found if average is None else super().averaged(average, found, decay)


class RaisesWhereSingular(PlainSteps):
    """Without damping it solves, which raises where the matrix is singular; and raises where a factor vanishes."""

    declares: ClassVar[Mapping[str, Any]] = {"singular": "raises", "vanishing": "raises"}

    def _checked(self, matrix: Array) -> Array:
        if np.linalg.matrix_rank(matrix, hermitian=True) < len(matrix):
            raise np.linalg.LinAlgError("singular matrix")
        return matrix

    def factored(self, left: Array, right: Array, v: Array, damping: float) -> Array:
        return (
            pseudo(self._checked(left)) @ v @ pseudo(self._checked(right))
            if not damping
            else super().factored(left, right, v, damping)
        )

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        return super().dense(matrix if damping else self._checked(matrix), v, damping)

    def product(self, G: Array, A: Array, damping: float, v: Array) -> Array:
        if not damping:
            self._checked(G), self._checked(A)
        return super().product(G, A, damping, v)

    def pi(self, G: Array, A: Array) -> float:
        if not np.trace(G) > 0:
            raise ZeroDivisionError("a factor vanishes")
        return super().pi(G, A)


class CurvatureAlone:
    """Nothing but curvature."""

    def curvature(self, problem: Problem) -> list[Any]:
        return PlainSteps().curvature(problem)


CORRECT: Mapping[str, Any] = {
    one.__name__: one
    for one in (
        InputSums, EqualTraces, BiasApart, SquareRoots, ExplicitInverses, ConjugateGradients, SingleThroughout, DenseProducts,
        Cholesky, OtherOrder, ScaledGradients, RaisesWhereSingular, CurvatureAlone,
    )
}  # fmt: skip
