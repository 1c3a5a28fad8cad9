"""Faults in factors and blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from properties.conformance.plain import Array, Factors
from properties.conformance.plain_steps import PlainSteps
from theory.conformance.problem import Problem, Stage


class SequenceOfLayer(PlainSteps):
    """G divided by the positions of the layer in place of those of the output."""

    id, number = "sequence-of-layer", 1

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        G, A = super().normalised(problem, G, A, count, parameter)
        layer, output = sum(len(x) for x in problem.inputs), sum(len(y) for y in problem.targets)
        return G * G.dtype.type(output / layer), A


class SquaredLossHalved(PlainSteps):
    """The Hessian I for the loss ||u-y||^2."""

    id, number = "squared-loss-halved", 5

    def hessian(self, problem: Problem, u: Array) -> Array:
        squared = problem.loss in ("half squared", "squared")
        return np.eye(len(u), dtype=u.dtype) if squared else super().hessian(problem, u)


class FactorsExchanged(PlainSteps):
    """A (x) G for G (x) A."""

    id, number = "factors-exchanged", 6

    def factors(self, problem: Problem) -> list[Any]:
        return [np.kron(A, G) for G, A in super().factors(problem)]


class ExpandByBatch(PlainSteps):
    """The input factor of the setting expand divided by the number of data alone."""

    id, number = "expand-by-batch", 10

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        return super().normalised(problem, G, A, len(problem.inputs), parameter)


class BatchCubed(PlainSteps):
    """One more division by the number of data: 1/B^3 for 1/B^2."""

    id, number = "batch-cubed", 11

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        return super().normalised(problem, G, A, count * len(problem.inputs), parameter)


class RepeatedTakenForDense(PlainSteps):
    """A layer applied at every position taken for one that is applied once to their sum."""

    id, number = "repeated-taken-for-dense", 15

    def gradient_moment(self, problem: Problem, B: Array, H: Array) -> Array:
        return super().gradient_moment(problem, B.sum(1, keepdims=True), H)

    def input_moment(self, a: Array) -> Array:
        return super().input_moment(a.sum(0, keepdims=True))

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        return super().normalised(problem, G, A, len(problem.inputs), parameter)


class AxesOfOne(PlainSteps):
    """Axes of the size 1 are reduced away."""

    id, number = "axes-of-one", 16

    def factors(self, problem: Problem) -> list[Factors]:
        return [(np.squeeze(G), np.squeeze(A)) for G, A in super().factors(problem)]


class MeanGradients(PlainSteps):
    """G from the gradients of the mean loss: one division by the number of data too many."""

    id, number = "mean-gradients", 17

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        G, A = super().normalised(problem, G, A, count, parameter)
        return G / G.dtype.type(len(problem.inputs)), A


class ParameterMissing(PlainSteps):
    """The last parameter has no curvature."""

    id, number = "parameter-missing", 19

    def curvature(self, problem: Problem) -> list[Any]:
        return super().curvature(problem)[:-1]


class ModelTwice(PlainSteps):
    """The model is applied twice while gradients are collected, and both count."""

    id, number = "model-twice", 24

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        G, A = super().normalised(problem, G, A, count, parameter)
        return G * 2, A


class BiasFlag(PlainSteps):
    """Whether there is a bias is told from the sign of its first entry."""

    id, number = "bias-flag", 25

    def applied(self, problem: Problem, stage: Stage, x: Array) -> tuple[Array, Array]:
        a, z = super().applied(problem, stage, x)
        W = problem.parameters[stage.parameter]
        if problem.biases[stage.parameter] and not W[0, -1] > 0:
            a[:, -1] = 0
        return a, z


class TransposedLayer(PlainSteps):
    """The factors of a layer with more outputs than inputs are exchanged, as if its weights were stored transposed."""

    id, number = "transposed-layer", 26

    def factors(self, problem: Problem) -> list[Any]:
        found = super().factors(problem)
        return [np.kron(A, G) if len(G) > len(A) else (G, A) for G, A in found]


class NoBiasColumn(PlainSteps):
    """The input factor lacks the column of the bias."""

    id, number = "no-bias-column", 28

    def factors(self, problem: Problem) -> list[Factors]:
        found = super().factors(problem)
        return [
            (G, A[:-1, :-1]) if problem.biases[p] else (G, A) for p, (G, A) in zip(problem.learned, found, strict=True)
        ]


class FirstRowZero(PlainSteps):
    """The first row and column of G are zero."""

    id, number = "first-row-zero", 35

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        G, A = super().normalised(problem, G, A, count, parameter)
        G = G.copy()
        G[0], G[:, 0] = 0, 0
        return G, A


class Centred(PlainSteps):
    """The factor of the inputs is centred."""

    id, number = "centred", 38

    def input_moment(self, a: Array) -> Array:
        return super().input_moment(a) - len(a) * np.outer(a.mean(0), a.mean(0))


class ProductsAccumulated(PlainSteps):
    """Products of the factors of batches are averaged in place of the factors."""

    id, number = "products-accumulated", 0

    def accumulated(self, problem: Problem) -> list[Any]:
        if problem.approximation in ("blocks", "ekfac"):
            return super().accumulated(problem)
        total: list[Any] = []
        for batch, share in self.batches(problem):
            found = [np.kron(G, A) * share for G, A in self.factors(batch)]
            total = found if not total else [B + F for B, F in zip(total, found, strict=True)]
        return total


class MeanOfBatchMeans(PlainSteps):
    """Batches of different sizes count alike."""

    id, number = "mean-of-batch-means", 0

    def accumulated(self, problem: Problem) -> list[Any]:
        parts = [self.curvature(batch) for batch, _ in self.batches(problem)]
        if problem.approximation in ("blocks", "ekfac"):
            return [sum(F) / len(F) for F in zip(*parts, strict=True)]
        return [tuple(sum(one) / len(one) for one in zip(*pairs, strict=True)) for pairs in zip(*parts, strict=True)]
