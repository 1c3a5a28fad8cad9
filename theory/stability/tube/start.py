"""What is known of a network before it moves: each number with its direction, or with a bound of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.inputs import FloatArray, enough_parameters, target_vector, unit_rows
from theory.network.gram import decided_signs, rectifier_gram
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.definiteness import largest_eigenvalue_upper_bound, smallest_eigenvalue_lower_bound
from theory.rigour.pre_activations import pre_activation_error
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.rigour.step_bounds import solve_defect
from theory.stability.norms import residual_with_errors
from theory.stability.tube.nonnegative import norm_above


@dataclass(frozen=True)
class Start(Directed):
    """The initial network on n unit rows X, of m neurons, and the residual that an optimiser starts from."""

    net: TwoLayerNetwork = field(repr=False)
    rows: FloatArray = field(repr=False)
    """X (n, d)."""
    products: FloatArray = field(repr=False)
    """``K = X X^T`` as computed, shape (n, n)."""
    kernel: FloatArray = field(repr=False)
    """``|K|`` rounded up, shape (n, n)."""
    pre_activations: FloatArray = field(repr=False)
    """``Z(0)`` as computed, shape (n, m)."""
    error: FloatArray = field(repr=False)
    """How far its columns are off at most, shape (m,)."""
    pattern: NDArray[np.bool_] = field(repr=False)
    """``A0 = 1[Z(0) >= 0]``, exact, shape (n, m)."""
    counts: FloatArray = field(repr=False)
    """``A0 A0^T``, integers, shape (n, n)."""
    gram: FloatArray = field(repr=False)
    """``G(0)`` as computed, shape (n, n)."""
    gram_error: float
    """How far it is off at most, in spectral norm."""
    lambda_min: LowerBound
    """Of ``G(0)``."""
    largest: UpperBound
    """``||G(0)||_2``."""
    residual: FloatArray = field(repr=False)
    """``r(0)`` as computed, shape (n,)."""
    residual_error: float
    """How far it is off at most, in the 2-norm."""
    coefficients: FloatArray = field(repr=False)
    """``c0 = G(0)^{-1} r(0)`` as computed, shape (n,); zeros where lambda_min is not positive."""
    coefficients_error: UpperBound
    """How far it is off at most, in the 2-norm; inf where lambda_min is not positive."""

    @property
    def row_norms(self) -> FloatArray:
        """``||K_i||_2`` rounded up, shape (n,)."""
        return np.array([norm_above(row) for row in self.kernel])

    @property
    def residual_norm(self) -> UpperBound:
        """``||r(0)||``, not squared."""
        return sum_above(norm_above(self.residual), self.residual_error)

    @property
    def coefficients_norm(self) -> UpperBound:
        """``||c0||``, not squared."""
        return sum_above(norm_above(self.coefficients), self.coefficients_error)


def sum_above(*terms: float) -> UpperBound:
    """The sum of nonnegative numbers, rounded up."""
    total = math.fsum(terms)  # correctly rounded
    return UpperBound(math.nextafter(total, math.inf) if total > 0 else total)


def absolute_kernel(rows: FloatArray, products: FloatArray) -> FloatArray:
    """``|X X^T|`` rounded up, from the computed product: off by ``gamma_d |X| |X|^T``, which is 0 where no two entries meet."""
    sizes = np.abs(rows)
    together = sizes @ sizes.T
    error = 2 * gamma(rows.shape[1] + 4) * together + np.where(together > 0, UNDERFLOW, 0.0)
    kernel = (np.abs(products) + error) * (1 + 4 * UNIT_ROUNDOFF)
    return np.asarray(np.maximum(kernel, kernel.T))


def tube_start(net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike) -> Start:
    """Evaluate a ReLU network on unit rows X (n, d) with targets y (n,). Raises InputError."""
    rows = unit_rows(inputs)
    targets = target_vector(y, len(rows))
    enough_parameters(len(rows), net.width, net.dim)
    pre_activations, error = net.pre_activations(rows), pre_activation_error(net)
    pattern = decided_signs(rows, net.weights, pre_activations, error)
    counts = pattern_counts(pattern)
    gram, gram_error = rectifier_gram(rows, counts, net.width)
    residual, errors = residual_with_errors(net, rows, targets)
    residual_error = norm_above(errors)
    lambda_min = LowerBound(float(np.nextafter(smallest_eigenvalue_lower_bound(gram) - gram_error, -np.inf)))
    largest = UpperBound(float(np.nextafter(largest_eigenvalue_upper_bound(gram) + gram_error, np.inf)))
    coefficients, coefficients_error = solved(gram, gram_error, lambda_min, residual, residual_error)
    products = rows @ rows.T
    return Start(
        net,
        rows,
        products,
        absolute_kernel(rows, products),
        pre_activations,
        error,
        pattern,
        counts,
        gram,
        gram_error,
        lambda_min,
        largest,
        residual,
        residual_error,
        coefficients,
        coefficients_error,
    )


def solved(
    gram: FloatArray, gram_error: float, lambda_min: LowerBound, right: FloatArray, right_error: float
) -> tuple[FloatArray, UpperBound]:
    """``c' (n,)`` and a bound of ``||c' - G^{-1} r||``, at most ``||r - G c'||/lambda``; zeros and inf without lambda."""
    if not lambda_min > 0:
        return np.zeros(len(right)), UNBOUNDED
    solution = np.linalg.solve(gram, right)
    effect = gram_error * norm_above(solution) * (1 + gamma(2))
    defect = solve_defect(gram, right, solution, right_error, effect)
    return solution, UpperBound(math.nextafter(defect / lambda_min, math.inf) if defect > 0 else 0.0)
