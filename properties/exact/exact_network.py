"""The two-layer ReLU network in exact rational arithmetic: an oracle for the identities I-*.

Every float64 is a rational number and the widths are perfect squares, so that ``m^{-1/2}`` is rational as well: nothing
here is rounded. Matrices are dense and small; the parameter-space steps use J and pseudo-inverses, the function-space
step uses only n x m matrices, and neither knows of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from flint import fmpq, fmpq_mat
from numpy.typing import ArrayLike

from properties.engine.stable_names import stored_as
from theory.errors import WidthError
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.exact import diagonal, hadamard, kronecker, pseudo_inverse, rational_matrix


def exact_root(width: int) -> int:
    """The integer square root of a perfect square. Raises WidthError for any other width."""
    root = math.isqrt(width)
    if root * root != width:
        raise WidthError(f"width is {width}; exact arithmetic needs a perfect square, such as {(root + 1) ** 2}")
    return root


def vector(matrix: fmpq_mat) -> list[Any]:
    """The entries of an (n, 1) matrix."""
    return list(matrix.entries())


def vec(matrix: fmpq_mat) -> fmpq_mat:
    """The (m d, 1) column of an (m, d) matrix, row after row."""
    return fmpq_mat(matrix.nrows() * matrix.ncols(), 1, matrix.entries())


def unvec(column: fmpq_mat, rows: int) -> fmpq_mat:
    """The (rows, d) matrix of a (rows d, 1) column: the inverse of ``vec``."""
    return fmpq_mat(rows, column.nrows() // rows, column.entries())


def pattern_features(pre_activations: fmpq_mat, signs: tuple[int, ...]) -> fmpq_mat:
    """``S = m^{-1/2} 1[Z >= 0] diag(a)``, shape (n, m), from Z (n, m)."""
    root = exact_root(len(signs))
    rows = pre_activations.tolist()
    return fmpq_mat([[fmpq(a if z >= 0 else 0, root) for z, a in zip(row, signs, strict=True)] for row in rows])


def outputs(pre_activations: fmpq_mat, signs: tuple[int, ...]) -> fmpq_mat:
    """``u_i = m^{-1/2} sum_r a_r max(Z_ir, 0)``, shape (n, 1), from Z (n, m)."""
    root = exact_root(len(signs))
    rows = pre_activations.tolist()
    return fmpq_mat(
        len(rows),
        1,
        [sum((a * max(z, fmpq(0)) for z, a in zip(row, signs, strict=True)), fmpq(0)) / root for row in rows],
    )


@stored_as("exact-network")
@dataclass(frozen=True)
class ExactNetwork:
    """The network at weights W (m, d), with inputs X (n, d) and targets y (n, 1), all rational; signs -1 or +1 (m,)."""

    inputs: fmpq_mat
    weights: fmpq_mat
    signs: tuple[int, ...]
    targets: fmpq_mat

    @classmethod
    def of(cls, net: TwoLayerNetwork, inputs: ArrayLike, targets: ArrayLike) -> ExactNetwork:
        """The exact network with the float64 entries as given. Raises WidthError when m is not a perfect square."""
        exact_root(net.width)
        signs = tuple(int(a) for a in net.signs)
        return cls(rational_matrix(inputs), rational_matrix(net.weights), signs, rational_matrix(targets))

    def at(self, weights: fmpq_mat) -> ExactNetwork:
        """The same network at other weights (m, d)."""
        return ExactNetwork(self.inputs, weights, self.signs, self.targets)

    @cached_property
    def pre_activations(self) -> fmpq_mat:
        """``Z = X W^T``, shape (n, m)."""
        return self.inputs * self.weights.transpose()

    @cached_property
    def features(self) -> fmpq_mat:
        """``S``, shape (n, m)."""
        return pattern_features(self.pre_activations, self.signs)

    @cached_property
    def outputs(self) -> fmpq_mat:
        """``u``, shape (n, 1)."""
        return outputs(self.pre_activations, self.signs)

    @property
    def residual(self) -> fmpq_mat:
        """``r = u - y``, shape (n, 1)."""
        return self.outputs - self.targets

    @cached_property
    def jacobian(self) -> fmpq_mat:
        """``J``, shape (n, m d), row i being ``S_i (x) x_i``."""
        rows = zip(self.features.tolist(), self.inputs.tolist(), strict=True)
        return fmpq_mat([[s * x for s in features for x in inputs] for features, inputs in rows])

    @cached_property
    def kernel(self) -> fmpq_mat:
        """``K = X X^T``, shape (n, n)."""
        return self.inputs * self.inputs.transpose()

    @cached_property
    def projection(self) -> fmpq_mat:
        """``P = X X^+``, shape (n, n)."""
        return self.inputs * pseudo_inverse(self.inputs)

    @cached_property
    def pattern_gram(self) -> fmpq_mat:
        """``H = S S^T``, shape (n, n)."""
        return self.features * self.features.transpose()

    @cached_property
    def gram(self) -> fmpq_mat:
        """``G = K o H``, shape (n, n)."""
        return hadamard(self.kernel, self.pattern_gram)

    @cached_property
    def dual_inputs(self) -> fmpq_mat:
        """``X (X^T X)^+``, shape (n, d)."""
        return self.inputs * pseudo_inverse(self.inputs.transpose() * self.inputs)

    def dense_direction(self, optimiser: str) -> fmpq_mat:
        """The update divided by -eta, shape (m, d), from J and pseudo-inverses of md x md matrices alone.

        "ngd": ``J^+ r``; "kfac": ``((S^T S)^+ (x) (X^T X)^+) J^T r``; "gd": ``J^T r``.
        """
        gradient = self.jacobian.transpose() * self.residual
        if optimiser == "ngd":
            column = pseudo_inverse(self.jacobian) * self.residual
        elif optimiser == "kfac":
            features_part = pseudo_inverse(self.features.transpose() * self.features)
            inputs_part = pseudo_inverse(self.inputs.transpose() * self.inputs)
            column = kronecker(features_part, inputs_part) * gradient
        else:
            column = gradient
        return unvec(column, len(self.signs))

    def moved(self, optimiser: str, step_size: fmpq) -> ExactNetwork:
        """The network after one step in parameter space."""
        return self.at(self.weights - step_size * self.dense_direction(optimiser))


@dataclass(frozen=True)
class FunctionState:
    """The same network in function space: Z (n, m) with K, P (n, n); the weights and d are unknown here."""

    pre_activations: fmpq_mat
    kernel: fmpq_mat
    projection: fmpq_mat
    signs: tuple[int, ...]
    targets: fmpq_mat

    @cached_property
    def features(self) -> fmpq_mat:
        """``S``, shape (n, m)."""
        return pattern_features(self.pre_activations, self.signs)

    @cached_property
    def residual(self) -> fmpq_mat:
        """``r = u - y``, shape (n, 1)."""
        return outputs(self.pre_activations, self.signs) - self.targets

    @cached_property
    def pattern_gram(self) -> fmpq_mat:
        """``H = S S^T``, shape (n, n)."""
        return self.features * self.features.transpose()

    @property
    def gram(self) -> fmpq_mat:
        """``G = K o H``, shape (n, n)."""
        return hadamard(self.kernel, self.pattern_gram)

    def shifted(self, movement: fmpq_mat) -> FunctionState:
        """The state with Z moved by ``movement`` (n, m)."""
        return FunctionState(self.pre_activations + movement, self.kernel, self.projection, self.signs, self.targets)


def _natural_gradient(state: FunctionState) -> fmpq_mat:
    return state.kernel * diagonal(vector(state.gram.solve(state.residual)))


def _kfac(state: FunctionState) -> fmpq_mat:
    return state.projection * diagonal(vector(state.residual)) * state.pattern_gram.inv()


def _gradient(state: FunctionState) -> fmpq_mat:
    return state.kernel * diagonal(vector(state.residual))


Movement = Callable[[FunctionState], fmpq_mat]

MOVEMENTS: Mapping[str, Movement] = MappingProxyType({"ngd": _natural_gradient, "kfac": _kfac, "gd": _gradient})
"""The n x n matrix M of ``dZ = -eta M S`` (docs/theory.md, I-dual)."""


def function_step(state: FunctionState, movement: Movement, step_size: fmpq) -> FunctionState:
    """One step in function space, ``dZ = -eta M S``. Raises ZeroDivisionError when the matrix to invert is singular."""
    return state.shifted(-step_size * movement(state) * state.features)
