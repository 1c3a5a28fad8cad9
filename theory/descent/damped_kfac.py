"""K-FAC with factored damping: ``dW = -eta S^T (H + eps_S I)^{-1} diag(g) X (X^T X + eps_X I)^{-1}``. K-FAC at eps_S = eps_X = 0.

That is ``unvec(((S^T S + eps_S I) x (X^T X + eps_X I))^{-1} J^T g)``. With ``P = X (X^T X + eps_X I)^{-1} X^T``, which is ``K (K + eps_X I)^{-1}``,
``dZ = -eta P diag(g) (H + eps_S I)^{-1} S``. A factor without damping has its pseudo-inverse.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from flint import arb, arb_mat

from theory.descent.coefficients import named_at
from theory.descent.iterate import Iterate, Movement
from theory.descent.kfac import KroneckerFactored
from theory.descent.optimiser import Move, MoveMaker, StepErrors
from theory.descent.solving import solve_gram
from theory.directed import exact, float_below
from theory.errors import ChoiceError, ScaleError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.reals import nonnegative_real, shown
from theory.rigour.activation_accuracy import STEEPEST_SLOPE
from theory.rigour.damped_inputs import DampedInputs
from theory.rigour.euclidean import euclidean_norm, form_root
from theory.rigour.exact import AnyArray, ball_matrix, diagonal, pseudo_inverse, rational, rational_matrix
from theory.rigour.gram_rounding import GramRounding, over_root, root_error, smallest_root
from theory.rigour.input_bounds import input_bounds
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma
from theory.rigour.step_bounds import solve_defect

PREFIX = "damped-kfac:"


@dataclass(frozen=True)
class DampedKroneckerFactored(KroneckerFactored):
    """K-FAC whose factors are damped. Raises ScaleError for an eps that is negative, not finite or no float64."""

    kind = f"{PREFIX}EPS,EPS"
    title = "damped K-FAC"
    explained_matrix = "H without its damping"

    eps_S: float
    """What is added to every eigenvalue of ``S^T S``."""
    eps_X: float
    """What is added to every eigenvalue of ``X^T X``."""

    def __post_init__(self) -> None:
        """Check both; a whole number becomes a float, -0 becomes 0."""
        for name in ("eps_S", "eps_X"):
            value = nonnegative_real(getattr(self, name), f"the damping {name}")
            rounded = float_below(exact(value))
            if not exact(value) == exact(rounded):
                raise ScaleError(f"the damping {name} is {shown(value)}; it must be a float64, that is not rounded")
            object.__setattr__(self, name, abs(rounded))

    @property
    def name(self) -> str:
        """With all digits of both."""
        return f"{PREFIX}{self.eps_S!r},{self.eps_X!r}"

    @classmethod
    def named(cls, name: str) -> Self | None:
        """``damped-kfac:EPS_S,EPS_X``. Raises ScaleError."""
        if not name.startswith(PREFIX):
            return None
        try:
            first, second = (float(part) for part in name.removeprefix(PREFIX).split(","))
        except ValueError:
            return None
        return cls(first, second)

    @property
    def damped(self) -> bool:
        """Whether one of the factors is."""
        return bool(self.eps_S or self.eps_X)

    def movement(self, state: Iterate) -> Movement:
        """``P diag(g) (H + eps_S I)^{-1}``."""
        if not self.damped:
            return super().movement(state)
        gradient, pattern_gram = state.output_gradient, state.pattern_gram
        projection, dual = self._of_inputs(state.geometry)
        shifted = self._shifted(pattern_gram)
        name = named_at("H", "Condition K1", state.steps)
        inverse_times = solve_gram(shifted, np.diag(gradient), f"{name} plus {self.eps_S:g} I" if self.eps_S else name)
        length = form_root(inverse_times @ dual, pattern_gram)
        return Movement((projection @ inverse_times.T,), length, lambda: solve_gram(shifted, gradient[:, None] * dual))

    def parameter_step(self, state: Iterate, eta: float) -> FloatArray:
        """``-eta (H + eps_S I)^{-1} diag(g) X (X^T X + eps_X I)^{-1}``."""
        if not self.damped:
            return super().parameter_step(state, eta)
        shifted, dual = self._shifted(state.pattern_gram), self._of_inputs(state.geometry)[1]
        return -eta * solve_gram(
            shifted, state.output_gradient[:, None] * dual, "the pattern Gram matrix H with its damping"
        )

    def mover(self, inputs: FloatArray) -> MoveMaker:
        """``-P diag(g) (H + eps_S I)^{-1}``."""
        if not self.damped:
            return super().mover(inputs)
        return damped_mover(inputs, self.eps_S, self.eps_X)

    def rounding(
        self, state: Iterate, gradient: FloatArray, gradient_error: float
    ) -> Callable[[float, float], StepErrors]:
        """That of ``(H + eps_S I)^{-1} diag(g)`` and of its products (docs/proofs/rounding.md, P11.8)."""
        if not self.damped:
            return super().rounding(state, gradient, gradient_error)
        n, geometry = len(state.targets), state.geometry
        pattern_gram, rounding = state.pattern_gram, GramRounding.of(state, 0)
        shifted, g = self._shifted(pattern_gram), state.output_gradient
        solution = solve_gram(shifted, np.diag(g))
        off = euclidean_norm(gradient - g) * (1 + gamma(n + 4)) + gradient_error
        effect = rounding.frobenius * euclidean_norm(solution) * (1 + gamma(n + 4))
        effect += UNIT_ROUNDOFF * euclidean_norm(np.diag(shifted)[:, None] * solution) * (1 + gamma(n + 4))
        defect = solve_defect(shifted, np.diag(g), solution, off, effect)
        # S^T (H + eps I)^{-1} has the singular values s/(s^2 + eps)
        root = max(smallest_root(pattern_gram, rounding.frobenius), math.sqrt(self.eps_S))
        divisor = (root + self.eps_S / root) * (1 - gamma(8)) if root > 0 else 0.0
        turned = over_root(defect, divisor)
        size = over_root((euclidean_norm(g) + off) * (1 + gamma(n + 8)), divisor) + turned
        projection, dual, projection_error, dual_error, dual_norm = self._bounded(geometry)
        magnitudes = np.abs(projection) @ np.abs(solution).T
        features_error = float(np.sqrt(n)) * rounding.absolute
        moved = turned + size * projection_error  # P is at most 1
        moved += gamma(3 * n + 8) * euclidean_norm(magnitudes.sum(axis=1)) * STEEPEST_SLOPE
        moved += euclidean_norm(magnitudes) * features_error
        moved *= 1 + gamma(16)
        length = self._length_error(solution, dual, pattern_gram, rounding.frobenius)
        inexact = (turned * dual_norm + size * dual_error) * (1 + gamma(8))

        def errors(eta: float, sum_rounding: float) -> StepErrors:
            moved_error = STEEPEST_SLOPE * (eta * moved + float(np.sqrt(n)) * sum_rounding)
            operations = n * (n + geometry.inputs.shape[1]) + state.width
            return StepErrors(moved_error, eta * (length(state.last_step_norm / eta) + inexact), operations)

        return errors

    def linearised(self, geometry: InputGeometry, gram: FloatArray) -> FloatArray:
        """``(H (H + eps_S I)^{-1}) o P``. Raises ChoiceError where G does not tell H: for orthogonal inputs, with eps_S."""
        if not self.damped:
            return super().linearised(geometry, gram)
        projection = self._of_inputs(geometry)[0]
        if not self.eps_S:
            return np.diag(np.diag(projection))
        kernel = geometry.kernel
        if (kernel == 0).any():
            raise ChoiceError(f"{self.name} is not linearised by G where inputs are orthogonal; take eps_S = 0")
        values, vectors = np.linalg.eigh(gram / kernel)
        shares = np.maximum(values, 0.0)
        matrix = ((vectors * (shares / (shares + self.eps_S))) @ vectors.T) * projection
        return np.asarray((matrix + matrix.T) / 2)

    def _shifted(self, pattern_gram: FloatArray) -> FloatArray:
        return np.asarray(pattern_gram + np.diag(np.full(len(pattern_gram), self.eps_S)))

    def _of_inputs(self, geometry: InputGeometry) -> tuple[FloatArray, FloatArray]:
        """P and Y."""
        if not self.eps_X:
            return geometry.projection, geometry.dual_inputs
        found = DampedInputs.of(geometry, self.eps_X)
        return found.projection, found.dual_inputs

    def _bounded(self, geometry: InputGeometry) -> tuple[FloatArray, FloatArray, float, float, float]:
        """P, Y, bounds of their errors, and of ``||Y||``; infinite without damping where no rank of X is certified."""
        if self.eps_X:
            found = DampedInputs.of(geometry, self.eps_X)
            errors = found.projection_error, found.dual_error, found.dual_norm
            return found.projection, found.dual_inputs, *errors
        bounds = input_bounds(geometry)
        norm = 1 / np.sqrt(bounds.smallest_eigenvalue[0]) if bounds.rank_certified else np.inf
        return geometry.projection, geometry.dual_inputs, bounds.projection_error, bounds.dual_error, float(norm)

    @staticmethod
    def _length_error(
        solution: FloatArray, dual: FloatArray, pattern_gram: FloatArray, pattern_gram_error: float
    ) -> Callable[[float], float]:
        """Bound of the error of the root of ``tr D^T H D``, ``D = T' Y'``, for T' and Y' as they are: of the root that was taken."""
        n, d = dual.shape
        direction = solution @ dual
        magnitudes = float(np.sum(np.abs(direction) * (np.abs(pattern_gram) @ np.abs(direction))))
        form = gamma(2 * n + d + 8) * magnitudes + pattern_gram_error * float(np.sum(direction**2))
        trace = float(np.sqrt(np.trace(pattern_gram) + pattern_gram_error))
        product = gamma(n + 2) * trace * euclidean_norm(np.abs(solution) @ np.abs(dual))
        return lambda length: (root_error(length**2, form) + product) * (1 + gamma(16)) + gamma(8) * length


def damped_mover(inputs: FloatArray, eps_S: float, eps_X: float) -> MoveMaker:
    """Damped K-FAC on X (n, d) exactly as given: from r (n,) and H (n, n) in balls to the move of one step.

    ``||dW||_F^2 = sum_ij r_i r_j (Q H Q)_ij y_i . y_j``, ``Q = (H + eps_S I)^{-1}``, y_i the rows of Y.
    """
    n, x = len(inputs), rational_matrix(inputs)
    if eps_X:
        kernel = x * x.transpose()
        inverse = (kernel + diagonal([rational(eps_X)] * n)).inv()
        projection, products = arb_mat(inverse * kernel), arb_mat(inverse * kernel * inverse)
    else:
        pseudo = arb_mat(pseudo_inverse(x))
        projection, products = ball_matrix(inputs) * pseudo, pseudo.transpose() * pseudo

    def move(residual: AnyArray, pattern_gram: arb_mat) -> Move:
        try:
            inverse = (pattern_gram + arb_mat(diagonal([rational(eps_S)] * n))).inv()
        except ZeroDivisionError:
            inverse = arb_mat(n, n, [arb("nan")] * (n * n))
        weighted = arb_mat([[residual[i] * inverse[i, j] for j in range(n)] for i in range(n)])
        form = weighted * pattern_gram * weighted.transpose()
        squared = sum((form[i, j] * products[i, j] for i in range(n) for j in range(n)), arb(0))
        return -projection * weighted, squared.nonnegative_part().sqrt()

    return move


OPTIMISER = DampedKroneckerFactored
