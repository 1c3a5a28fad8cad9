"""Faults in empirical and sampled Fisher matrices, and in EKFAC's eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from properties.conformance.plain import Array, Term
from properties.conformance.plain_steps import PlainSteps
from theory.conformance.problem import Problem


class DividedByData(PlainSteps):
    """For a mean over outputs the empirical and the sampled Fisher matrix are divided by the number of data alone."""

    id, number = "divided-by-data", 2

    def moment(self, problem: Problem, term: Term, rng: np.random.Generator) -> Array:
        found = super().moment(problem, term, rng)
        wrong = problem.fisher != "exact" and problem.reduction == "outputs"
        return found * len(found) if wrong else found


class SampledByOutputs(PlainSteps):
    """The sampled Fisher matrix is divided by the number of outputs."""

    id, number = "sampled-by-outputs", 3

    def moment(self, problem: Problem, term: Term, rng: np.random.Generator) -> Array:
        found = super().moment(problem, term, rng)
        return found / found.dtype.type(len(found)) if problem.fisher == "sampled" else found


class EmpiricalByBatch(PlainSteps):
    """The empirical Fisher matrix of the scaled gradients is divided by B where B^2 is due."""

    id, number = "empirical-by-batch", 12
    declares: ClassVar[Mapping[str, Any]] = {"empirical": "scaled"}


class EmpiricalForExact(PlainSteps):
    """The empirical Fisher matrix in place of the exact one."""

    id, number = "empirical-for-exact", 23

    def moment(self, problem: Problem, term: Term, rng: np.random.Generator) -> Array:
        return super().moment(problem.changed(fisher="empirical"), term, rng)


class SquaredMeanGradient(PlainSteps):
    """The square of the mean gradient in place of the empirical Fisher matrix."""

    id, number = "squared-mean-gradient", 39

    def curvature(self, problem: Problem) -> list[Any]:
        if problem.fisher != "empirical":
            return super().curvature(problem)
        return [np.outer(g, g) for g in self.gradient(problem)]


class EmpiricalDiagonal(PlainSteps):
    """Of the outer product of a gradient in the outputs the diagonal alone, in the empirical Fisher matrix."""

    id, number = "empirical-diagonal", 0

    def moment(self, problem: Problem, term: Term, rng: np.random.Generator) -> Array:
        found = super().moment(problem, term, rng)
        return np.diag(np.diag(found)) if problem.fisher == "empirical" else found


class EigenvaluesHalved(PlainSteps):
    """EKFAC's eigenvalues times 1/2."""

    id, number = "eigenvalues-halved", 29

    def eigenvalues(self, F: Array, P: Array, Q: Array) -> Array:
        return super().eigenvalues(F, P, Q) / 2


class DiagonalAveraged(PlainSteps):
    """EKFAC's eigenvalues averaged over the parameters."""

    id, number = "diagonal-averaged", 30

    def eigenvalues(self, F: Array, P: Array, Q: Array) -> Array:
        found = super().eigenvalues(F, P, Q)
        return np.full_like(found, found.mean())


class StaleBasis(PlainSteps):
    """EKFAC's basis is that of the identity: never computed anew."""

    id, number = "stale-basis", 0

    def ekfac(self, problem: Problem) -> list[Any]:
        found = []
        for p, F in zip(problem.learned, self.blocks(problem), strict=True):
            rows, columns = problem.parameters[p].shape
            P, Q = np.eye(rows, dtype=F.dtype), np.eye(columns, dtype=F.dtype)
            found.append((P, Q, self.eigenvalues(F, P, Q)))
        return found


class EigenvaluesOfFactors(PlainSteps):
    """EKFAC's eigenvalues are the products of those of the factors: K-FAC itself."""

    id, number = "eigenvalues-of-factors", 0

    def ekfac(self, problem: Problem) -> list[Any]:
        found = []
        for G, A in self.factors(problem.changed(approximation="expand")):
            (g, P), (a, Q) = np.linalg.eigh(G), np.linalg.eigh(A)
            found.append((P, Q, np.outer(g, a)))
        return found
