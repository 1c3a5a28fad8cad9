"""Gradient descent: ``dtheta = -eta J^T g``, on the loss itself, ``||u - y||^2 / 2`` for the squared one; ``c = g``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from theory.descent.coefficients import CoefficientOptimiser, Solved
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.exact import AnyArray


@dataclass(frozen=True)
class GradientDescent(CoefficientOptimiser):
    """GD."""

    kind = "gd"
    title = "GD"
    inverts = False

    def coefficients(self, gram: FloatArray, gradient: FloatArray, name: str) -> FloatArray:
        """g."""
        return gradient

    def coefficients_enclosed(self, gram: Callable[[], AnyArray], gradient: AnyArray) -> AnyArray:
        """g."""
        return gradient

    def displacement(self, solved: Solved) -> float:
        """``||J||_2`` times the error of g."""
        return solved.steepest * (euclidean_norm(solved.gradient - solved.coefficients) + solved.gradient_error)

    def linearised(self, geometry: InputGeometry, gram: FloatArray) -> FloatArray:
        """G."""
        return gram


OPTIMISER = GradientDescent
