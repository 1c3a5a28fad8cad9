"""A small network with data and a loss, as a library of K-FAC or natural gradient descent is given one."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq

from theory.errors import ChoiceError, ShapeError
from theory.inputs import FloatArray
from theory.rigour.exact import rational

KINDS = ("linear", "convolution", "pool", "flatten")
"""Of stages: a linear map of every position, a convolution over positions, their mean or sum, all of them in one row."""

ACTIVATIONS = ("identity", "relu", "tanh")

LOSSES = ("half squared", "squared", "softmax", "logistic")
"""Of one term: ``||u-y||^2/2``, ``||u-y||^2``, cross-entropy of softmax with y one-hot, logistic loss of each output with y in {0, 1}."""

REDUCTIONS = ("sum", "batch", "outputs", "tokens", "each")
"""What a term's loss is multiplied by: 1, 1/N, 1/(C sum of T), 1/(sum of T), 1/(N T_n); T counts the output's positions."""

FISHERS = ("exact", "empirical", "sampled")

APPROXIMATIONS = ("expand", "reduce", "ekfac", "blocks")
"""Kronecker factors in the setting expand or reduce, EKFAC's matrix, the dense block of each parameter."""


@dataclass(frozen=True)
class Stage:
    """One step of the network; (T, d) -> (T', d') for each datum."""

    kind: str
    parameter: int = -1
    """Which parameter it applies; -1 for none. Two stages may apply the same."""
    activation: str = "identity"
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    """Zeros at both ends."""
    mean: bool = True
    """Whether a pool is the mean of the positions, else their sum."""

    def positions(self, before: int) -> int:
        """How many positions it makes of so many. Raises ShapeError when there is none."""
        if self.kind == "convolution":
            after = (before + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1
            if after < 1:
                raise ShapeError(f"a kernel of {self.kernel} does not fit into {before} positions; take more of them")
            return after
        return before if self.kind == "linear" else 1

    def sources(self, position: int, before: int) -> list[tuple[int, int]]:
        """``(k, s)``: place k of the patch at a position of the output is position s of the input; padding is left out."""
        found = [(k, position * self.stride + k * self.dilation - self.padding) for k in range(self.kernel)]
        return [(k, s) for k, s in found if 0 <= s < before]


@dataclass(frozen=True)
class Problem:
    """A network, its data, its loss, and which curvature is asked for."""

    stages: tuple[Stage, ...]
    parameters: tuple[FloatArray, ...]
    """Of each its matrix (d_out, d_in), or (d_out, d_in + 1) with the bias as the last column.

    Of a convolution d_in is channels times kernel: entry ``c * kernel + k`` of a patch is channel c at place k."""
    biases: tuple[bool, ...]
    """Of each parameter, whether it has a bias."""
    trained: tuple[bool, ...]
    """Of each parameter, whether it is trained; only those have curvature."""
    inputs: tuple[FloatArray, ...]
    """Of each datum (T_n, d)."""
    targets: tuple[FloatArray, ...]
    """Of each datum (positions of the output, C)."""
    loss: str = "half squared"
    reduction: str = "batch"
    fisher: str = "exact"
    approximation: str = "expand"
    scale: float = 1.0
    """The loss is multiplied by it."""
    weights: tuple[float, ...] = ()
    """Of each datum a factor of its loss; empty for 1."""
    split: tuple[int, ...] = ()
    """Sizes of the batches in which the data come, in order; empty for one batch. The curvature asked for is that of all data."""
    samples: int = 0
    """Of fisher "sampled": how many labels are drawn for each term."""
    seed: int = 0
    """Of fisher "sampled"."""
    single: bool = False
    """Whether arrays are float32."""

    def __post_init__(self) -> None:
        """Raises ChoiceError, ShapeError."""
        known = {"loss": LOSSES, "reduction": REDUCTIONS, "fisher": FISHERS, "approximation": APPROXIMATIONS}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise ChoiceError(f"{name} is {getattr(self, name)!r}; known: {', '.join(values)}")
        if len(self.inputs) != len(self.targets):
            raise ShapeError(f"{len(self.inputs)} inputs, but {len(self.targets)} targets; give one of each")
        if not len(self.parameters) == len(self.biases) == len(self.trained):
            raise ShapeError("parameters, biases and trained have different lengths; give one of each")

    @property
    def dtype(self) -> type[np.floating]:
        """The type of its arrays as they are given."""
        return np.float32 if self.single else np.float64

    @property
    def unit_roundoff(self) -> float:
        """u of that type."""
        return 2.0**-24 if self.single else 2.0**-53

    @property
    def outputs(self) -> int:
        """C."""
        return len(self.targets[0][0])

    @property
    def learned(self) -> tuple[int, ...]:
        """The trained parameters, by number: curvature and vectors come in this order."""
        return tuple(p for p, trained in enumerate(self.trained) if trained)

    @property
    def rational(self) -> bool:
        """Whether outputs, slopes and Hessian are rational functions of the data."""
        smooth = any(stage.activation == "tanh" for stage in self.stages)
        return not smooth and self.loss in ("half squared", "squared")

    @property
    def curvature_of_term(self) -> int:
        """h: the Hessian of a term of a squared loss is h I."""
        return 2 if self.loss == "squared" else 1

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """Of each datum the positions of its output."""
        return tuple(len(target) for target in self.targets)

    def coefficient(self, datum: int) -> fmpq:
        """What the loss of each term of the datum is multiplied by, exactly."""
        count = {
            "sum": 1,
            "batch": len(self.inputs),
            "outputs": self.outputs * sum(self.positions),
            "tokens": sum(self.positions),
            "each": len(self.inputs) * self.positions[datum],
        }[self.reduction]
        weight = self.weights[datum] if self.weights else 1.0
        return fmpq(rational(self.scale) * rational(weight) / count)

    def given(self) -> Problem:
        """The same with copies of the arrays in its type: what an implementation is handed."""

        def copies(arrays: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
            return tuple(np.array(array, dtype=self.dtype) for array in arrays)

        return dataclasses.replace(
            self,
            parameters=copies(self.parameters),
            inputs=copies(self.inputs),
            targets=copies(self.targets),
        )

    def changed(self, **changes: object) -> Problem:
        """The same with some fields replaced."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @cached_property
    def chain(self) -> int:
        """K: roundings between the data and an entry of G, A, their product or a block, in any order of summation: at most so many.

        Proved for kernels up to 30 and layers of at most ``2 I + 2 N`` rows (docs/conformance.md, paragraph 2).
        """
        positions = max(len(x) for x in self.inputs)
        through = sum(W.shape[0] + W.shape[1] + 16 for W in self.parameters)
        terms = sum(self.positions) + sum(len(x) for x in self.inputs)
        return int(4 * (through * len(self.stages) + terms + 4 * positions + 4 * self.outputs + 32))

    def text(self) -> str:
        """Its layers in one line."""
        names = []
        for stage in self.stages:
            if stage.parameter < 0:
                names.append(("mean pool" if stage.mean else "sum pool") if stage.kind == "pool" else stage.kind)
                continue
            rows, columns = self.parameters[stage.parameter].shape
            bias = self.biases[stage.parameter]
            of = f"{columns - bias}->{rows}{' + bias' if bias else ''}"
            if stage.kind == "convolution":
                of += f", kernel {stage.kernel}, stride {stage.stride}, dilation {stage.dilation}, padding {stage.padding}"
            again = "" if [s.parameter for s in self.stages].count(stage.parameter) == 1 else f" #{stage.parameter}"
            frozen = "" if self.trained[stage.parameter] else " frozen"
            act = "" if stage.activation == "identity" else f" {stage.activation}"
            names.append(f"{stage.kind}{again}({of}){frozen}{act}")
        return " | ".join(names)


def square_root(value: int) -> int:
    """The whole root of a square number. Raises ValueError."""
    root = math.isqrt(value)
    if root * root != value:
        raise ValueError(f"{value} is no square; take 1, 4, 9, 16, ...")
    return root
