"""What an optimiser's step is made of: n numbers and n x n matrices of one iterate, whatever holds its neurons.

An iterate in memory is theory/descent/state.py; one whose neurons are kept a chunk at a time theory/streaming/descent.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from theory.inputs import FloatArray, enough_parameters, target_vector
from theory.kernels.geometry import InputGeometry
from theory.losses import LossMaker
from theory.network.two_layer import Activation

Factors = tuple[FloatArray, ...]
"""Matrices whose product M (n, n) moves the pre-activations: ``dZ = M S``; applied from the right, one after the other."""


class Movement(NamedTuple):
    """One step of an optimiser from an iterate, for the step size 1."""

    factors: Factors
    """Of M in ``dZ = -M S``."""
    length: float
    """``||dW||_F`` (not squared); nan where it was not measured."""
    direction: Callable[[], FloatArray]
    """Computes ``B`` with ``dW = -S^T B``, shape (n, d)."""
    coefficients: FloatArray | None = None
    """The vector c (n,) of a step ``-J^T c``; None for other steps."""


class Iterate(ABC):
    """The inputs and targets of a run, and where it is: ``outputs`` u (n,), ``residual`` r = u - y (n,) for the loss's minimiser y,
    ``output_gradient`` g (n,) for its gradient at u (g = r for the squared loss), H and G (n, n).
    """

    def __init__(
        self,
        inputs: ArrayLike,
        y: ArrayLike,
        width: int,
        dim: int,
        phi: Activation,
        measure_steps: bool,
        loss: LossMaker,
    ) -> None:
        """Check inputs X (n, d) and targets y (n,) of a network of m neurons. Raises InputError."""
        self.geometry = InputGeometry.of(inputs)
        self.measure_steps = measure_steps
        self.targets = target_vector(y, len(self.geometry.inputs))
        self.objective = loss(self.targets)
        enough_parameters(len(self.targets), width, dim)
        self.width = width
        """m."""
        self.phi = phi
        self.coefficients: FloatArray | None = None
        """The vector c (n,) of the last step ``-eta J^T c``; None before it and after steps of other kinds."""
        self.steps = 0
        """Steps taken: the index k of the iterate."""
        self.last_step_norm = 0.0
        """``||dW||_F`` of the last step (not squared)."""
        self.outputs = self.residual = self.output_gradient = np.zeros(len(self.targets))

    @property
    def kernel(self) -> FloatArray:
        """``K = X X^T``, shape (n, n)."""
        return self.geometry.kernel

    @property
    @abstractmethod
    def pattern_gram(self) -> FloatArray:
        """``H = S S^T`` at the current iterate, shape (n, n)."""

    @property
    def gram(self) -> FloatArray:
        """``G = K o H`` at the current iterate, shape (n, n)."""
        return np.asarray(self.kernel * self.pattern_gram)

    @property
    @abstractmethod
    def summation_length(self) -> int:
        """Additions that one output goes through at most."""

    @abstractmethod
    def undivided(self) -> AbstractContextManager[None]:
        """All products by one thread each while it lasts, where passes are shared by several."""

    @abstractmethod
    def move(self, movement: Movement, eta: float, count: bool, optimiser: str) -> None:
        """Take a step of an optimiser of this name; ``count`` evaluates H with it. Raises DivergenceError."""

    @abstractmethod
    def accurate_sums(self) -> tuple[FloatArray, FloatArray]:
        """``sum_r a_r phi(z_r)`` at the stored Z as given, shape (n,), and bounds of the errors: of summation alone."""

    @abstractmethod
    def longest_row(self) -> float:
        """``max_i ||Z_i||_2`` as computed, not squared."""

    def _took(self, outputs: FloatArray) -> None:
        """The outputs u (n,) are these."""
        self.outputs = outputs
        self.residual = outputs - self.objective.minimiser
        self.output_gradient = self.objective.gradient(outputs)
