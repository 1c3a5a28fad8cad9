"""The second half of the library in plain NumPy: solves, updates and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from properties.conformance.plain import Array, Plain
from theory.conformance.problem import Problem


class PlainSteps(Plain):
    """Everything of the contract."""

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Array]) -> list[Array]:
        """``M_kind^-1 v`` for vectors shaped as the trained parameters."""
        return self.solved(problem, self.curvature(problem), damping, kind, vectors)

    def solved(
        self, problem: Problem, curvature: Sequence[Any], damping: float, kind: str, vectors: Sequence[Array]
    ) -> list[Array]:
        """The same with the curvature given."""
        return [self.layer(problem, found, damping, kind, v) for found, v in zip(curvature, vectors, strict=True)]

    def layer(self, problem: Problem, found: Any, damping: float, kind: str, v: Array) -> Array:
        """``M^-1 v`` of one parameter; the pseudo-inverse without damping."""
        if problem.approximation == "blocks":
            return self.dense(self.shifted(found, damping), v.reshape(-1), damping).reshape(v.shape)
        G, A = found
        if kind == "product":
            return self.product(G, A, damping, v)
        left, right = self.parts(problem, G, A, damping)
        return self.factored(self.shifted(G, left), self.shifted(A, right), v, damping)

    def shifted(self, matrix: Array, damping: float) -> Array:
        """``M + damping I``."""
        return matrix + np.eye(len(matrix), dtype=matrix.dtype) * matrix.dtype.type(damping)

    def parts(self, problem: Problem, G: Array, A: Array, damping: float) -> tuple[float, float]:
        """What is added to G, and to A."""
        root, pi = np.sqrt(damping), self.pi(G, A)
        return root / pi, root * pi

    def pi(self, G: Array, A: Array) -> float:
        """Of the traces; 1 where one of them vanishes."""
        if not np.trace(A) * np.trace(G) > 0:
            return 1.0
        return float(np.sqrt((np.trace(A) / len(A)) / (np.trace(G) / len(G))))

    def product(self, G: Array, A: Array, damping: float, v: Array) -> Array:
        """``(G (x) A + damping I)^-1 v`` by eigenvectors."""
        (g, P), (a, Q) = np.linalg.eigh(G), np.linalg.eigh(A)
        values = np.outer(g, a)
        inverse = 1 / (values + values.dtype.type(damping)) if damping else np.outer(_inverted(g), _inverted(a))
        return P @ (inverse * (P.T @ v @ Q)) @ Q.T

    def factored(self, left: Array, right: Array, v: Array, damping: float) -> Array:
        """``left^-1 V right^-1``."""
        if not damping:
            return np.asarray(pseudo(left) @ v @ pseudo(right))
        return np.linalg.solve(right, np.linalg.solve(left, v).T).T

    def dense(self, matrix: Array, v: Array, damping: float) -> Array:
        """``M^-1 v``."""
        return np.linalg.solve(matrix, v) if damping else pseudo(matrix) @ v

    def update(self, problem: Problem, step_size: float, damping: float, kind: str) -> list[Array]:
        """All parameters after one step."""
        directions = self.solve(problem, damping, kind, self.gradient(problem))
        return self.moved(problem, directions, step_size)

    def moved(self, problem: Problem, directions: Sequence[Array], step_size: float) -> list[Array]:
        """All parameters less the step size times the directions of those that are trained."""
        found = [W.copy() for W in problem.parameters]
        for p, direction in zip(problem.learned, directions, strict=True):
            found[p] = found[p] - found[p].dtype.type(step_size) * direction
        return found

    # --- runs ---

    def run(self, problem: Problem, batches: Sequence[Sequence[int]], options: Mapping[str, Any]) -> list[Any]:
        """A state after each batch: parameters, damping, factors."""
        states: list[Any] = []
        average: list[Any] | None = None
        parameters, damping = [W.copy() for W in problem.parameters], options["damping"]
        for number, rows in enumerate(batches):
            batch = problem.changed(
                parameters=tuple(parameters),
                inputs=tuple(problem.inputs[n] for n in rows),
                targets=tuple(problem.targets[n] for n in rows),
            )
            rejected = bool(options["reject"][number])
            before, kept = parameters, average
            if number % options["refresh_every"] == 0:
                average = self.averaged(average, self.curvature(batch), options["decay"])
            assert average is not None
            parameters = self.stepped(batch, average, damping, options)
            if rejected:
                parameters, average = self.restored(before, parameters), average if kept is None else kept
            damping = self.adapted(damping, rejected)
            states.append(([W.copy() for W in parameters], damping, average))
        return states

    def averaged(self, average: list[Any] | None, found: list[Any], decay: float) -> list[Any]:
        """The moving average of the factors, which begins with zero."""
        old, new = self.average_weights(decay)
        pairs = [F if isinstance(F, tuple) else (F,) for F in found]
        kept = [tuple(0 * F for F in pair) for pair in pairs] if average is None else average
        kept = [B if isinstance(B, tuple) else (B,) for B in kept]
        mixed = [
            tuple(B * B.dtype.type(old) + F * F.dtype.type(new) for B, F in zip(before, now, strict=True))
            for before, now in zip(kept, pairs, strict=True)
        ]
        return [pair if len(pair) > 1 else pair[0] for pair in mixed]

    def average_weights(self, decay: float) -> tuple[float, float]:
        """Of what was, and of what is new."""
        return decay, 1 - decay

    def stepped(self, batch: Problem, curvature: list[Any], damping: float, options: Mapping[str, Any]) -> list[Array]:
        """Parameters after one step, which is clipped."""
        g = self.gradient(batch)
        directions = self.solved(batch, curvature, damping, options["kind"], g)
        factor = self.clip(directions, g, options["clip"], options["step_size"])
        return self.moved(
            batch, [d * d.dtype.type(f) for d, f in zip(directions, factor, strict=True)], options["step_size"]
        )

    def clip(self, directions: Sequence[Array], g: Sequence[Array], bound: float, step_size: float) -> list[float]:
        """Of every direction its factor: one for all, ``min(1, (bound / (eta^2 v.g))^(1/2))``; without a bound 1."""
        total = sum(float(np.sum(d * e)) for d, e in zip(directions, g, strict=True))
        factor = min(1.0, float(np.sqrt(bound / (step_size**2 * total)))) if bound and total > 0 and step_size else 1.0
        return [factor] * len(directions)

    def adapted(self, damping: float, rejected: bool) -> float:
        """The damping of the next step: more after a rejected one."""
        return damping * 2 if rejected else damping

    def restored(self, before: list[Array], after: list[Array]) -> list[Array]:
        """The parameters after a step that was rejected."""
        return before


def pseudo(matrix: Array) -> Array:
    """The pseudo-inverse of a symmetric matrix, with a cut-off in units of its type's roundoff."""
    return np.linalg.pinv(matrix, rcond=64 * len(matrix) * float(np.finfo(matrix.dtype).eps), hermitian=True)


def _inverted(values: Array) -> Array:
    cut = 64 * len(values) * np.finfo(values.dtype).eps * np.abs(values).max(initial=0)
    kept = np.abs(values) > cut
    return np.where(kept, 1 / np.where(kept, values, 1), 0)
