"""A library in plain NumPy that does everything of the contract: the one that is right, of which wrong programs replace a part.

It has nothing in common with the reference (theory/conformance) but the problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from theory.conformance.problem import Problem, Stage

Array = Any
"""An array of numbers of the problem's type."""
Factors = tuple[Array, Array]


@dataclass(frozen=True)
class Use:
    """A parameter applied to one datum, seen from one loss term."""

    slopes: Array
    """B (C, T, d_out)."""
    inputs: Array
    """a (T, d_in), with a last column of ones where there is a bias."""


@dataclass(frozen=True)
class Term:
    """One loss term (datum, position of the output)."""

    datum: int
    outputs: Array
    target: Array
    uses: Mapping[int, Sequence[Use]]
    """By parameter."""


class Plain:
    """``curvature``, ``solve``, ``update`` and ``run`` in plain NumPy."""

    declares: ClassVar[Mapping[str, Any]] = {}
    """Conventions, as a user's module says them."""

    # --- the network ---

    def patches(self, x: Array, stage: Stage) -> Array:
        """(T', channels * kernel) of (T, channels)."""
        padded = np.pad(x, ((stage.padding, stage.padding), (0, 0)))
        places = np.arange(stage.kernel) * stage.dilation
        starts = np.arange(stage.positions(len(x))) * stage.stride
        taken = padded[starts[:, None] + places]  # (T', K, channels)
        return taken.transpose(0, 2, 1).reshape(len(starts), -1)

    def homogeneous(self, rows: Array, bias: bool, parameter: Array) -> Array:
        """Rows with the ones of a bias."""
        return np.hstack([rows, np.ones((len(rows), 1), rows.dtype)]) if bias else rows

    def applied(self, problem: Problem, stage: Stage, x: Array) -> tuple[Array, Array]:
        """The inputs of a layer with their ones, and its pre-activations."""
        rows = self.patches(x, stage) if stage.kind == "convolution" else x
        W = problem.parameters[stage.parameter]
        a = self.homogeneous(rows, problem.biases[stage.parameter], W)
        return a, a @ W.T

    def stages(self, problem: Problem, x: Array) -> tuple[list[Array], list[Any]]:
        """What goes into every stage, the output last, and of each layer ``(a, z)``."""
        states: list[Array] = [x]
        layers: list[Any] = []
        for stage in problem.stages:
            x = states[-1]
            if stage.parameter >= 0:
                a, z = self.applied(problem, stage, x)
                layers.append((a, z))
                act: dict[str, Any] = {"identity": lambda v: v, "relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}
                states.append(act[stage.activation](z))
            else:
                layers.append(None)
                pooled = x.mean(0, keepdims=True) if stage.mean else x.sum(0, keepdims=True)
                states.append(pooled if stage.kind == "pool" else x.reshape(1, -1))
        return states, layers

    def slope(self, stage: Stage, z: Array) -> Array:
        """phi'(z)."""
        if stage.activation == "tanh":
            return 1 - np.tanh(z) ** 2
        return (z > 0).astype(z.dtype) if stage.activation == "relu" else np.ones_like(z)

    def terms(self, problem: Problem) -> Iterator[Term]:
        """Every loss term, backpropagated by itself."""
        for n, x in enumerate(problem.inputs):
            states, layers = self.stages(problem, x)
            T, C = states[-1].shape
            for o in range(T):
                D = np.zeros((C, T, C), x.dtype)
                D[:, o] = np.eye(C)
                uses: dict[int, list[Use]] = {}
                for stage, layer, before in zip(problem.stages[::-1], layers[::-1], states[-2::-1], strict=True):
                    if layer is None:
                        share = len(before) if stage.mean else 1
                        D = (
                            np.repeat(D, len(before), 1) / share
                            if stage.kind == "pool"
                            else D.reshape(C, *before.shape)
                        )
                        D = D.astype(x.dtype)
                        continue
                    D = D * self.slope(stage, layer[1])
                    uses.setdefault(stage.parameter, []).append(Use(D, layer[0]))
                    W = problem.parameters[stage.parameter]
                    D = D @ (W[:, :-1] if problem.biases[stage.parameter] else W)
                    if stage.kind == "convolution":
                        D = self.folded(D, stage, before)
                yield Term(n, states[-1][o], problem.targets[n][o], uses)

    def folded(self, D: Array, stage: Stage, before: Array) -> Array:
        """(C, T', channels * kernel) added up to (C, T, channels)."""
        C, after, _ = D.shape
        parts = D.reshape(C, after, before.shape[1], stage.kernel)
        wide = np.zeros((C, len(before) + 2 * stage.padding, before.shape[1]), D.dtype)
        for k in range(stage.kernel):
            for t in range(after):
                wide[:, t * stage.stride + k * stage.dilation] += parts[:, t, :, k]
        return wide[:, stage.padding : stage.padding + len(before)]

    # --- the loss ---

    def probabilities(self, problem: Problem, u: Array) -> Array:
        """Of softmax, or of the logistic loss."""
        if problem.loss == "logistic":
            return 1 / (1 + np.exp(-u))
        e = np.exp(u - u.max())
        return e / e.sum()

    def loss_gradient(self, problem: Problem, u: Array, y: Array) -> Array:
        """Of one term in its outputs, without its coefficient."""
        if problem.loss in ("half squared", "squared"):
            return (u - y) * (2 if problem.loss == "squared" else 1)
        return self.probabilities(problem, u) - y

    def hessian(self, problem: Problem, u: Array) -> Array:
        """Of one term in its outputs, without its coefficient."""
        if problem.loss in ("half squared", "squared"):
            return np.eye(len(u), dtype=u.dtype) * (2 if problem.loss == "squared" else 1)
        p = self.probabilities(problem, u)
        return np.diag(p) - np.outer(p, p) if problem.loss == "softmax" else np.diag(p * (1 - p))

    def drawn(self, problem: Problem, u: Array, rng: np.random.Generator) -> Array:
        """Labels from the model's own distribution, (samples, C)."""
        shape = problem.samples, len(u)
        if problem.loss in ("half squared", "squared"):
            spread = 0.5**0.5 if problem.loss == "squared" else 1.0
            return (u + spread * rng.standard_normal(shape)).astype(u.dtype)
        p = self.probabilities(problem, u)
        if problem.loss == "logistic":
            return (rng.random(shape) < p).astype(u.dtype)
        return np.eye(len(u), dtype=u.dtype)[rng.choice(len(u), problem.samples, p=p / p.sum(dtype=np.float64))]

    def coefficient(self, problem: Problem, term: Term) -> float:
        """What a term's loss is multiplied by."""
        T = len(problem.targets[term.datum])
        total = sum(len(y) for y in problem.targets)
        count = {
            "sum": 1,
            "batch": len(problem.inputs),
            "outputs": total * len(term.target),
            "tokens": total,
            "each": len(problem.inputs) * T,
        }[problem.reduction]
        return problem.scale * (problem.weights[term.datum] if problem.weights else 1.0) / count

    def moment(self, problem: Problem, term: Term, rng: np.random.Generator) -> Array:
        """The matrix (C, C) in the middle of a term's curvature, its coefficient included."""
        c = self.coefficient(problem, term)
        if problem.fisher == "exact":
            return self.hessian(problem, term.outputs) * c
        if problem.fisher == "empirical":
            g = self.loss_gradient(problem, term.outputs, term.target)
            return np.outer(g, g) * c
        labels = self.drawn(problem, term.outputs, rng)
        g = np.array([self.loss_gradient(problem, term.outputs, y) for y in labels])
        return (g.T @ g / problem.samples * c).astype(term.outputs.dtype)

    # --- curvature ---

    def curvature(self, problem: Problem) -> list[Any]:
        """Of every trained parameter its factors, or its block."""
        if problem.split:
            return self.accumulated(problem)
        if problem.approximation == "blocks":
            return self.blocks(problem)
        return self.ekfac(problem) if problem.approximation == "ekfac" else list(self.factors(problem))

    def accumulated(self, problem: Problem) -> list[Any]:
        """The curvature of the batches, together."""
        if problem.approximation == "ekfac":
            return self.curvature(problem.changed(split=()))
        total: list[Any] = []
        for batch, share in self.batches(problem):
            found = self.curvature(batch)
            if problem.approximation == "blocks":
                parts = [F * share for F in found]
                total = [B + F for B, F in zip(total, parts, strict=True)] if total else parts
                continue
            counts = [self.count(batch, p) / self.count(problem, p) for p in problem.learned]
            pairs = [(G * share, A * count) for (G, A), count in zip(found, counts, strict=True)]
            total = [(G + H, A + E) for (G, A), (H, E) in zip(total, pairs, strict=True)] if total else pairs
        return total

    def count(self, problem: Problem, parameter: int) -> int:
        """Over how many rows the input factor of a parameter is a mean."""
        if problem.approximation == "reduce":
            return len(problem.inputs)
        total = 0
        for x in problem.inputs:
            T = len(x)
            for stage in problem.stages:
                T = stage.positions(T)
                total += T if stage.parameter == parameter else 0
        return total

    def batches(self, problem: Problem) -> Iterator[tuple[Problem, float]]:
        """Each batch, and its share of the loss."""
        start, sizes = 0, [len(y) for y in problem.targets]
        for size in problem.split:
            part = slice(start, start + size)
            batch = problem.changed(
                inputs=problem.inputs[part],
                targets=problem.targets[part],
                weights=problem.weights[part],
                split=(),
            )
            share = {
                "sum": 1.0,
                "batch": size / len(sizes),
                "each": size / len(sizes),
                "tokens": sum(sizes[part]) / sum(sizes),
                "outputs": sum(sizes[part]) / sum(sizes),
            }[problem.reduction]
            yield batch, share
            start += size

    def factors(self, problem: Problem) -> list[Factors]:
        """G and A of every trained parameter."""
        rng = np.random.default_rng(problem.seed)
        G: dict[int, Array] = {}
        A: dict[int, Array] = {}
        count: dict[int, float] = {}
        seen: set[tuple[int, int]] = set()
        for term in self.terms(problem):
            H = self.moment(problem, term, rng)
            for p in problem.learned:
                B = np.concatenate([use.slopes for use in term.uses[p][::-1]], 1)
                a = np.concatenate([use.inputs for use in term.uses[p][::-1]])
                if problem.approximation == "reduce":
                    B, a = B.sum(1, keepdims=True), a.mean(0, keepdims=True)
                G[p] = G.get(p, 0) + self.gradient_moment(problem, B, H)
                if (p, term.datum) not in seen:
                    seen.add((p, term.datum))
                    A[p], count[p] = A.get(p, 0) + self.input_moment(a), count.get(p, 0) + len(a)
        return [self.normalised(problem, G[p], A[p], count[p], p) for p in problem.learned]

    def gradient_moment(self, problem: Problem, B: Array, H: Array) -> Array:
        """``sum_t B^T H B``."""
        return np.einsum("cti,cd,dtj->ij", B, H, B)

    def input_moment(self, a: Array) -> Array:
        """``sum_t a a^T``."""
        return a.T @ a

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        """The factors of the sums."""
        return G, A / A.dtype.type(count)

    def jacobian(self, term: Term, parameter: int) -> Array:
        """J (C, d_out d_in)."""
        uses = term.uses[parameter]
        return sum(np.einsum("cti,tj->cij", use.slopes, use.inputs) for use in uses).reshape(len(term.outputs), -1)

    def blocks(self, problem: Problem) -> list[Array]:
        """The dense block of every trained parameter."""
        rng = np.random.default_rng(problem.seed)
        found: dict[int, Array] = {}
        for term in self.terms(problem):
            H = self.moment(problem, term, rng)
            for p in problem.learned:
                J = self.jacobian(term, p)
                found[p] = found.get(p, 0) + J.T @ H @ J
        return [found[p] for p in problem.learned]

    def ekfac(self, problem: Problem) -> list[Any]:
        """``(Q_G, Q_A, D)`` of every trained parameter: D (d_out, d_in) the diagonal of the block in the factors' eigenbasis."""
        found = []
        factors = self.factors(problem.changed(approximation="expand"))
        for (G, A), F in zip(factors, self.blocks(problem), strict=True):
            (_, P), (_, Q) = np.linalg.eigh(G), np.linalg.eigh(A)
            found.append((P, Q, self.eigenvalues(F, P, Q)))
        return found

    def eigenvalues(self, F: Array, P: Array, Q: Array) -> Array:
        """``diag((P (x) Q)^T F (P (x) Q))``, (d_out, d_in)."""
        basis = np.kron(P, Q)
        return np.einsum("ki,kl,li->i", basis, F, basis).reshape(len(P), len(Q))

    def gradient(self, problem: Problem) -> list[Array]:
        """Of the whole loss in every trained parameter."""
        found: dict[int, Array] = {}
        for term in self.terms(problem):
            g = self.loss_gradient(problem, term.outputs, term.target) * self.coefficient(problem, term)
            for p in problem.learned:
                part = (g @ self.jacobian(term, p)).reshape(problem.parameters[p].shape)
                found[p] = found.get(p, 0) + part
        return [found[p].astype(problem.dtype) for p in problem.learned]
