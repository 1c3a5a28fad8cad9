"""Natural gradient descent: ``dtheta = -eta J^+ g``, the exact Fisher's pseudo-inverse (I-pinv); ``G c = g``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.descent.coefficients import CoefficientOptimiser, Solved
from theory.descent.solving import solve_gram
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.enclosed_step import solve_enclosed
from theory.rigour.exact import AnyArray
from theory.rigour.gram_rounding import over_root, smallest_root
from theory.rigour.step_bounds import solve_defect


@dataclass(frozen=True)
class NaturalGradient(CoefficientOptimiser):
    """NGD."""

    kind = "ngd"
    title = "NGD"

    def coefficients(self, gram: FloatArray, gradient: FloatArray, name: str) -> FloatArray:
        """``G^{-1} g``."""
        return solve_gram(gram, gradient, name)

    def coefficients_enclosed(self, gram: Callable[[], AnyArray], gradient: AnyArray) -> AnyArray:
        """``G^{-1} g``."""
        return solve_enclosed(gram(), gradient)

    def displacement(self, solved: Solved) -> float:
        """``J^T (c' - c) = -J^+ (g - G c')``: the defect over ``lambda_min(G)^{1/2}``; inf where that is not certified."""
        defect = solve_defect(solved.gram, solved.gradient, solved.coefficients, solved.gradient_error, solved.effect)
        return over_root(defect, smallest_root(solved.gram, solved.gram_error))

    def linearised(self, geometry: InputGeometry, gram: FloatArray) -> FloatArray:
        """I: every component of the residual falls alike."""
        return np.eye(len(gram))


OPTIMISER = NaturalGradient
