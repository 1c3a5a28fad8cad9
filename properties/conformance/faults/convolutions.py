"""Faults with convolutions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from properties.conformance.plain import Array, Factors
from properties.conformance.plain_steps import PlainSteps
from theory.conformance.problem import Problem, Stage


def stage_of(problem: Problem, parameter: int) -> Stage:
    """The first stage that applies a parameter."""
    return next(stage for stage in problem.stages if stage.parameter == parameter)


class ConvolutionShapes(PlainSteps):
    """Vectors of a convolution are read with the kernel before the channels."""

    id, number = "convolution-shapes", 8

    def solve(self, problem: Problem, damping: float, kind: str, vectors: Sequence[Array]) -> list[Array]:
        turned = []
        for p, v in zip(problem.learned, vectors, strict=True):
            stage, columns = stage_of(problem, p), v.shape[1] - problem.biases[p]
            if stage.kind == "convolution":
                w = v[:, :columns].reshape(len(v), stage.kernel, -1).transpose(0, 2, 1).reshape(len(v), -1)
                v = np.hstack([w, v[:, columns:]])
            turned.append(v)
        return super().solve(problem, damping, kind, turned)


class SquaredStride(PlainSteps):
    """The factors of a convolution are off by the square of the stride."""

    id, number = "squared-stride", 18

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        G, A = super().normalised(problem, G, A, count, parameter)
        return G * G.dtype.type(stage_of(problem, parameter).stride ** 2), A


class PatchesUntransposed(PlainSteps):
    """Patches come with the kernel before the channels."""

    id, number = "patches-untransposed", 20

    def applied(self, problem: Problem, stage: Stage, x: Array) -> tuple[Array, Array]:
        a, z = super().applied(problem, stage, x)
        if stage.kind == "convolution":
            columns = x.shape[1] * stage.kernel
            turned = a[:, :columns].reshape(len(a), x.shape[1], stage.kernel).transpose(0, 2, 1).reshape(len(a), -1)
            a = np.hstack([turned, a[:, columns:]])
        return a, z


class StrideForDilation(PlainSteps):
    """Stride and dilation are exchanged where patches are taken for the factor."""

    id, number = "stride-for-dilation", 27

    def applied(self, problem: Problem, stage: Stage, x: Array) -> tuple[Array, Array]:
        _, z = super().applied(problem, stage, x)
        if stage.kind == "convolution":
            stage = dataclasses.replace(stage, stride=stage.dilation, dilation=stage.stride)
        a, _ = super().applied(problem, stage, x)
        return a, z


class SpatialFactor(PlainSteps):
    """G of a convolution is divided by its positions (as published for KFC it is not; some libraries do so by design)."""

    id, number = "spatial-factor", 43

    def normalised(self, problem: Problem, G: Array, A: Array, count: float, parameter: int) -> Factors:
        G, A = super().normalised(problem, G, A, count, parameter)
        stage = stage_of(problem, parameter)
        if stage.kind == "convolution":
            G = G / G.dtype.type(stage.positions(len(problem.inputs[0])))
        return G, A
