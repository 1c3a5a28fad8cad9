"""One K-FAC step in float64 with error bounds, and in balls: ``dZ = -eta P diag(r) H^{-1} S``, ``dW = -eta S^T H^{-1} diag(r) Y``, ``Y = X (X^T X)^+``.

``T = H^{-1} diag(r)`` is the exact solution, T' the computed one; its defect ``N = diag(r) - H T'`` bounds ``||S^T (T' - T)||_F`` by
``||N||_F/sigma``, sigma^2 the smallest eigenvalue of H (docs/proofs/rounding.md, P11.6). Products of two roundings, and the
rounding of the bounds themselves, are left to ``one_step.outward``, which raises what a step makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat

from theory.descent.optimiser import Move, MoveMaker
from theory.descent.solving import solve_gram
from theory.inputs import FloatArray
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.exact import AnyArray, ball_matrix, pseudo_inverse, rational_matrix
from theory.rigour.gram_rounding import over_root, root_error
from theory.rigour.input_bounds import InputBounds
from theory.rigour.rounding import gamma
from theory.rigour.step_bounds import solve_defect


@dataclass(frozen=True)
class KroneckerSolution:
    """``T' = H^{-1} diag(r)`` as computed, shape (n, n), with the bounds that a step needs."""

    solution: FloatArray
    pattern_gram: FloatArray
    pattern_gram_error: float
    displacement: float
    """Bound of ``||S^T (T' - T)||_F``."""
    size: float
    """Bound of ``||S^T T'||_F``."""

    @classmethod
    def of(
        cls,
        pattern_gram: FloatArray,
        pattern_gram_error: float,
        residual: FloatArray,
        residual_error: float,
        sigma: float,
    ) -> KroneckerSolution:
        """Solve with H (n, n), known up to an error in Frobenius norm, for r (n,), known up to one in Euclidean norm.

        ``sigma`` is a lower bound of the root of H's smallest eigenvalue; 0 makes the bounds infinite. Raises RankDeficientError.
        """
        n = len(residual)
        solution = solve_gram(pattern_gram, np.diag(residual))
        effect = pattern_gram_error * euclidean_norm(solution)
        defect = solve_defect(pattern_gram, np.diag(residual), solution, residual_error, effect)
        displacement = over_root(defect, sigma)
        size = over_root((euclidean_norm(residual) + residual_error) * (1 + gamma(n + 8)), sigma) + displacement
        return cls(solution, pattern_gram, pattern_gram_error, displacement, size)

    def movement_error(self, basis: FloatArray, bounds: InputBounds, features_error: float, steepest: float) -> float:
        """Bound of the error of ``dZ/eta`` in Frobenius norm, for features computed with an error in Frobenius norm.

        ``steepest`` bounds the norm of a row of S; the products with S and ``P' = U U^T``, U the basis (n, rank), round to
        ``gamma`` of their magnitudes in any order.
        """
        n = len(basis)
        magnitudes = np.abs(basis) @ (np.abs(basis).T @ np.abs(self.solution).T)
        rounding = gamma(3 * n + 8) * euclidean_norm(magnitudes.sum(axis=1)) * steepest
        inexact = euclidean_norm(magnitudes) * features_error
        return (self.displacement + self.size * bounds.projection_error + rounding + inexact) * (1 + gamma(8))

    def length_error(self, dual_inputs: FloatArray, bounds: InputBounds, length: float) -> float:
        """Bound of the error of ``length``, ``||dW||_F/eta`` computed as the root of ``tr D^T H D``, ``D = T' Y'``.

        ``dual_inputs`` is what stands for Y' there: Y' (n, d) itself, or ``U diag(1/s)`` (n, rank), its coordinates in the rows of V.
        A computed quadratic form is off by ``gamma`` of its magnitudes, its root by that over the root and by its root.
        """
        n, d = dual_inputs.shape
        direction = self.solution @ dual_inputs
        magnitudes = float(np.sum(np.abs(direction) * (np.abs(self.pattern_gram) @ np.abs(direction))))
        form = gamma(2 * n + d + 8) * magnitudes + self.pattern_gram_error * float(np.sum(direction**2))
        root = root_error(length**2, form)
        trace = float(np.sqrt(np.trace(self.pattern_gram) + self.pattern_gram_error))
        product = gamma(n + 2) * trace * euclidean_norm(np.abs(self.solution) @ np.abs(dual_inputs))
        inverse = 1 / np.sqrt(bounds.smallest_eigenvalue[0]) if bounds.rank_certified else np.inf
        inexact = self.displacement * inverse + self.size * bounds.dual_error
        return float((root + product + inexact) * (1 + gamma(16)) + gamma(8) * length)


def kronecker_mover(inputs: FloatArray) -> MoveMaker:
    """K-FAC on X (n, d) exactly as given: from r (n,) and H (n, n) in balls to the move of one step.

    ``dZ = -P diag(r) H^{-1} S`` and ``||dW||_F^2 = sum_ij r_i r_j (H^{-1})_ij y_i . y_j``, y_i the rows of Y. The
    pseudo-inverse of X is exact, hence its rank is the exact one; a singular H gives not-a-number.
    """
    pseudo = arb_mat(pseudo_inverse(rational_matrix(inputs)))
    projection, products = ball_matrix(inputs) * pseudo, pseudo.transpose() * pseudo
    n = len(inputs)

    def move(residual: AnyArray, pattern_gram: arb_mat) -> Move:
        try:
            inverse = pattern_gram.inv()
        except ZeroDivisionError:
            inverse = arb_mat(n, n, [arb("nan")] * (n * n))
        weighted = arb_mat([[residual[i] * inverse[i, j] for j in range(n)] for i in range(n)])
        squared = sum((weighted[i, j] * residual[j] * products[i, j] for i in range(n) for j in range(n)), arb(0))
        return -projection * weighted, squared.nonnegative_part().sqrt()

    return move
