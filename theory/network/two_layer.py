"""The two-layer network of the paper: its outputs, Jacobian, Gram matrix and pattern features (docs/theory.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import scipy
from numpy.typing import ArrayLike

from theory.errors import ChoiceError, ShapeError
from theory.inputs import (
    FloatArray,
    finite_array,
    independent_neurons,
    positive,
    positive_count,
    sign_vector,
    unit_rows,
)
from theory.network.blocks import Blocks

FLOAT32_EXACT_COUNT = 2**24
"""Integers up to this one are exact in float32, so are sums of 0/1 products that stay below it (I-counts)."""


@dataclass(frozen=True)
class Activation:
    """A scalar activation with its derivative.

    ``curvature`` is an upper bound L of |phi''| (C2-smooth), None for ReLU, whose derivative jumps at 0; ``slope`` one of |phi'|.
    """

    name: str
    function: Callable[[FloatArray], FloatArray]
    derivative: Callable[[FloatArray], FloatArray]
    curvature: float | None
    slope: float = 1.0


def _relu(z: FloatArray) -> FloatArray:
    return np.maximum(z, 0.0)


def _step(z: FloatArray) -> FloatArray:
    return (z >= 0).astype(np.float64)


def _softplus(z: FloatArray) -> FloatArray:
    return np.logaddexp(z, 0.0)


def _logistic(z: FloatArray) -> FloatArray:
    return np.asarray(scipy.special.expit(z))


def _erf(z: FloatArray) -> FloatArray:
    return np.asarray(scipy.special.erf(z))


def _tanh_derivative(z: FloatArray) -> FloatArray:
    return np.asarray(1.0 / np.cosh(np.clip(z, -350.0, 350.0)) ** 2)


def _erf_derivative(z: FloatArray) -> FloatArray:
    return np.asarray((2.0 / np.sqrt(np.pi)) * np.exp(-z * z))


# the curvatures of tanh and erf come out above the exact ones; every operation in them is rounded to nearest everywhere
ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        "relu": Activation("relu", _relu, _step, None),
        "softplus": Activation("softplus", _softplus, _logistic, 0.25),
        "tanh": Activation("tanh", np.tanh, _tanh_derivative, float(4.0 / (3.0 * np.sqrt(3.0)))),
        "erf": Activation("erf", _erf, _erf_derivative, float(2.0 * np.sqrt(2.0 / (np.pi * np.e))), 1.1284),
        "sin": Activation("sin", np.sin, np.cos, 1.0),
    }
)


def activation_named(name: str) -> Activation:
    """Look an activation up. Raises ChoiceError."""
    if name not in tuple(ACTIVATIONS):
        raise ChoiceError(f"unknown activation {name!r}; known: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def exact_products(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """``F S^T`` for matrices (n, m) with entries -1, 0, 1, exactly, as integers stored in float64.

    Float32 products of blocks narrower than 2^24 columns are exact, whatever the order of summation (I-counts).
    """
    left, right = np.asarray(first), np.asarray(second)
    total = np.zeros((left.shape[0], right.shape[0]))
    block_columns = FLOAT32_EXACT_COUNT - 1
    for start in range(0, left.shape[1], block_columns):
        columns = slice(start, start + block_columns)
        block = left[:, columns].astype(np.float32, copy=False)
        # the same array twice lets the library compute one triangle only
        other = block if right is left else right[:, columns].astype(np.float32, copy=False)
        total += block @ other.T
    return total


def pattern_counts(pattern: ArrayLike) -> FloatArray:
    """``A A^T`` for a 0/1 (or -1/0/1) matrix A of shape (n, m), exactly, as (n, n) integers stored in float64."""
    matrix = np.asarray(pattern)
    return exact_products(matrix, matrix)


@dataclass(frozen=True)
class TwoLayerNetwork:
    """``f(W, x) = m^{-1/2} sum_r a_r phi(w_r . x)`` with trained ``weights`` (m, d) and fixed ``signs`` (m,) of -1, +1.

    Source: paper, section 2. Raises ShapeError, NotFiniteError, SignError, ChoiceError.
    """

    weights: FloatArray
    signs: FloatArray
    activation: str = "relu"
    phi: Activation = field(init=False, repr=False, compare=False)
    # no field: it is no part of what the network is, in comparisons, copies of its fields and files
    _kept: ClassVar[dict[str, tuple[FloatArray | None, FloatArray]] | None] = None

    def __post_init__(self) -> None:
        """Validate the arrays and look the activation up."""
        object.__setattr__(self, "weights", finite_array(self.weights, "weights", 2))
        object.__setattr__(self, "signs", sign_vector(self.signs))
        if self.signs.shape[0] != self.weights.shape[0]:
            raise ShapeError(f"{self.signs.shape[0]} signs for {self.weights.shape[0]} neurons; they must agree")
        object.__setattr__(self, "phi", activation_named(self.activation))

    @classmethod
    def initialise(
        cls,
        width: int,
        dim: int,
        scale: float,
        rng: np.random.Generator,
        symmetric: bool = False,
        activation: str = "relu",
    ) -> TwoLayerNetwork:
        """Draw ``w_r ~ N(0, scale^2 I)`` and ``a_r ~ unif{-1, +1}``, independent.

        ``symmetric``: the second half repeats the first half's weights with opposite signs, so that u(0) = 0.
        Raises WidthError (not positive, or odd and symmetric), ScaleError, ChoiceError.
        """
        drawn, d = independent_neurons(width, symmetric), positive_count(dim, "dim")
        nu = positive(scale, "scale")
        weights = np.empty((2 * drawn if symmetric else drawn, d))
        first = rng.standard_normal(out=weights[:drawn])
        first *= nu
        signs = np.where(rng.integers(0, 2, drawn) == 1, 1.0, -1.0)
        if symmetric:
            weights[drawn:] = first
            signs = np.concatenate([signs, -signs])
        return cls(weights=weights, signs=signs, activation=activation)

    def keeping(self) -> TwoLayerNetwork:
        """The same network, which keeps its pre-activations and their errors, once computed: for a function that needs them several times."""
        if self._kept is not None:
            return self
        kept = copy(self)
        object.__setattr__(kept, "_kept", {})
        return kept

    def once(self, name: str, rows: FloatArray | None, find: Callable[[], FloatArray]) -> FloatArray:
        """``find()``, or what it gave the last time under this name for this very array of ``rows`` (None: for no rows in particular).

        A network that is not ``keeping`` calls it every time. What is kept is read-only.
        """
        if self._kept is None:
            return find()
        of, found = self._kept.get(name, (None, None))
        if found is None or of is not rows:
            found = find()
            found.flags.writeable = False
            self._kept[name] = rows, found
        return found

    def at(self, weights: FloatArray) -> TwoLayerNetwork:
        """The same network at other weights (m, d), known to be finite: they are not looked at."""
        moved = copy(self)
        object.__setattr__(moved, "weights", weights)
        object.__setattr__(moved, "_kept", None)
        return moved

    @property
    def width(self) -> int:
        """The number m of hidden neurons."""
        return int(self.weights.shape[0])

    @property
    def dim(self) -> int:
        """The input dimension d."""
        return int(self.weights.shape[1])

    def rows(self, inputs: ArrayLike) -> FloatArray:
        """Unit rows X (n, d) that the network takes. Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError."""
        return self._of_its_dimension(unit_rows(inputs))

    def pre_activations(self, inputs: ArrayLike) -> FloatArray:
        """``Z = X W^T``, shape (n, m), for unit rows X of shape (n, d)."""
        rows = self.rows(inputs)
        return self.once("pre-activations", rows, lambda: self._pre_activations(rows))

    def _pre_activations(self, rows: FloatArray) -> FloatArray:
        blocks = Blocks(len(rows), self.width)
        found = blocks.products(rows, self.weights)
        return found[0] if len(found) == 1 else blocks.joined(found)

    def pre_activation_blocks(self, rows: FloatArray) -> list[FloatArray]:
        """The same in ``Blocks`` of neurons, new arrays, for rows that are known to be unit vectors. Raises ShapeError."""
        blocks = Blocks(len(rows), self.width)
        if self._kept is not None:
            return blocks.split(self.pre_activations(rows))
        return blocks.products(self._of_its_dimension(rows), self.weights)

    def _of_its_dimension(self, rows: FloatArray) -> FloatArray:
        if rows.shape[1] != self.dim:
            raise ShapeError(f"X has {rows.shape[1]} columns, the network has {self.dim} inputs; they must agree")
        return rows

    def outputs(self, inputs: ArrayLike) -> FloatArray:
        """``u_i = m^{-1/2} sum_r a_r phi(w_r . x_i)``, shape (n,)."""
        return np.asarray(self.phi.function(self.pre_activations(inputs)) @ self.signs / np.sqrt(self.width))

    def pattern_features(self, inputs: ArrayLike) -> FloatArray:
        """``S = m^{-1/2} phi'(Z) diag(a)``, shape (n, m)."""
        return np.asarray(self.phi.derivative(self.pre_activations(inputs)) * (self.signs / np.sqrt(self.width)))

    def jacobian(self, inputs: ArrayLike) -> FloatArray:
        """``J``, shape (n, m d), row i being ``S_i (x) x_i``: a dense oracle for small networks."""
        features = self.pattern_features(inputs)
        rows = unit_rows(inputs)
        return np.asarray((features[:, :, None] * rows[:, None, :]).reshape(len(rows), -1))

    def gram(self, inputs: ArrayLike) -> FloatArray:
        """``G = J J^T = (X X^T) o (S S^T)``, shape (n, n), without ever building J (I-gram)."""
        rows = unit_rows(inputs)
        return np.asarray((rows @ rows.T) * self.pattern_gram(rows))

    def pattern_gram(self, inputs: ArrayLike) -> FloatArray:
        """``H = S S^T``, shape (n, n); for ReLU from exact integer counts (I-counts)."""
        if self.activation == "relu":
            return pattern_counts(self.pre_activations(inputs) >= 0) / self.width
        features = self.pattern_features(inputs)
        return features @ features.T
