"""Faults in solves and steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from properties.conformance.plain import Array
from properties.conformance.plain_steps import PlainSteps
from theory.conformance.problem import Problem


class DampingAccumulates(PlainSteps):
    """Damping is added in place, once more at every solve with the same matrix."""

    id, number = "damping-accumulates", 4

    def __init__(self) -> None:
        self._calls: dict[bytes, int] = {}

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Array]) -> list[Array]:
        key = (
            b"".join(a.tobytes() for a in (*problem.parameters, *problem.inputs))
            + repr((damping, kind, problem.loss)).encode()
        )
        self._calls[key] = self._calls.get(key, 0) + 1
        return super().solve(problem, damping * self._calls[key], kind, vectors)


def iterated(
    apply: Callable[[Array], Array], v: Array, tolerance: float, old: bool = False, start: bool = False
) -> Array:
    """Conjugate gradients; ``old``: directions from the residual before; ``start``: begins at v with the residual of 0."""
    x, r = (v.copy() if start else np.zeros_like(v)), v.copy()
    p = r.copy()
    for _ in range(4 * v.size):
        square = float(np.sum(r * r))
        if square <= (tolerance * float(np.linalg.norm(v))) ** 2:
            break
        Mp = apply(p)
        curvature = float(np.sum(p * Mp))
        if not curvature > 0:
            break
        alpha = square / curvature
        x = x + v.dtype.type(alpha) * p
        before, r = r, r - v.dtype.type(alpha) * Mp
        beta = float(np.sum(r * r)) / square
        p = (before if old else r) + v.dtype.type(beta) * p
    return x


class Iterative(PlainSteps):
    """Solves by conjugate gradients."""

    id, number = "", 0
    tolerance = 1e-5
    old = start = False

    def product(self, G: Array, A: Array, damping: float, v: Array) -> Array:
        return iterated(lambda p: G @ p @ A + p * p.dtype.type(damping), v, self.tolerance, self.old, self.start)

    def factored(self, left: Array, right: Array, v: Array, damping: float) -> Array:
        return iterated(lambda p: left @ p @ right, v, self.tolerance, self.old, self.start)

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        return iterated(lambda p: matrix @ p, v, self.tolerance, self.old, self.start)


class DefaultTolerance(Iterative):
    """An iterative solver that stops at its default tolerance of 1e-5."""

    id, number = "default-tolerance", 7
    tolerance = 1e-5


class OldResidual(Iterative):
    """Conjugate gradients whose directions are made of the residual before."""

    id, number = "old-residual", 32
    old, tolerance = True, 1e-14


class WrongStart(Iterative):
    """Conjugate gradients that begin at v with the residual of 0."""

    id, number = "wrong-start", 33
    start, tolerance = True, 1e-14


class DampingInOneTerm(PlainSteps):
    """The damping of the input factor is missing."""

    id, number = "damping-in-one-term", 9

    def parts(self, problem: Problem, G: Array, A: Array, damping: float) -> tuple[float, float]:
        left, right = super().parts(problem, G, A, damping)
        return left, right * 1e-3


class RatioOfSums(PlainSteps):
    """pi from the sums of the entries of the factors in place of their traces."""

    id, number = "ratio-of-sums", 13

    def pi(self, G: Array, A: Array) -> float:
        sums = abs(float(A.sum())) / len(A), abs(float(G.sum())) / len(G)
        return float(np.sqrt(sums[0] / sums[1])) if min(sums) > 0 else 1.0


class WithoutEffect(PlainSteps):
    """The preconditioner has no effect."""

    id, number = "without-effect", 21

    def layer(self, problem: Problem, found: Any, damping: float, kind: str, v: Array) -> Array:
        return v


class TriangleTwice(PlainSteps):
    """A triangular factor L where its transpose is due."""

    id, number = "triangle-twice", 31

    def factored(self, left: Array, right: Array, v: Array, damping: float) -> Array:
        return super().factored(left, right, self._wrong(left, left @ v), damping)

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        return self._wrong(matrix, v)

    def product(self, G: Array, A: Array, damping: float, v: Array) -> Array:
        matrix = self.shifted(np.kron(G, A), damping)
        return self._wrong(matrix, v.reshape(-1)).reshape(v.shape)

    def _wrong(self, matrix: Array, v: Array) -> Array:
        try:
            L = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            return np.linalg.pinv(matrix) @ v
        return np.linalg.solve(L, np.linalg.solve(L, v))


class NotANumber(PlainSteps):
    """A division by the trace of a factor that may vanish."""

    id, number = "not-a-number", 34

    def pi(self, G: Array, A: Array) -> float:
        return float(np.sqrt(np.float64(np.trace(A) / len(A)) / np.float64(np.trace(G) / len(G))))


class SingularSolved(PlainSteps):
    """A singular matrix is inverted, whatever the options say."""

    id, number = "singular-solved", 36

    def product(self, G: Array, A: Array, damping: float, v: Array) -> Array:
        return (
            np.linalg.inv(G + 0 * damping) @ v @ np.linalg.inv(A) if not damping else super().product(G, A, damping, v)
        )

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        return np.linalg.solve(matrix, v)


class RootDamping(PlainSteps):
    """The square root of the damping where the damping is due."""

    id, number = "root-damping", 37

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Array]) -> list[Array]:
        return super().solve(problem, float(np.sqrt(damping)), kind, vectors)


class LowPrecision(PlainSteps):
    """Eigenvectors and inverses in half of the type's digits."""

    id, number = "low-precision", 41

    def layer(self, problem: Problem, found: Any, damping: float, kind: str, v: Array) -> Array:
        low = np.float32 if v.dtype == np.float64 else np.float16
        parts = found if isinstance(found, tuple) else (found,)
        rounded = tuple(part.astype(low).astype(v.dtype) for part in parts)
        return super().layer(problem, rounded if isinstance(found, tuple) else rounded[0], damping, kind, v)


class DampingByReduction(PlainSteps):
    """The damping is divided by the number of data where the loss is a mean."""

    id, number = "damping-by-reduction", 44

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Array]) -> list[Array]:
        scaled = damping if problem.reduction == "sum" else damping / len(problem.inputs)
        return super().solve(problem, scaled, kind, vectors)
