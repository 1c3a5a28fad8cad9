"""What is known of a network before it moves: each number with its direction, or with a bound of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.errors import NotFiniteError, ShapeError
from theory.inputs import FloatArray, enough_parameters, target_vector, unit_rows
from theory.network.gram import decided_signs, gram_with_error, rectifier_gram
from theory.network.two_layer import TwoLayerNetwork, pattern_counts
from theory.rigour.activation_accuracy import FUNCTION_ROUNDINGS, STEEPEST_SLOPE
from theory.rigour.definiteness import largest_eigenvalue_upper_bound, smallest_eigenvalue_lower_bound
from theory.rigour.pre_activations import pre_activation_errors
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.rigour.step_bounds import solve_defect
from theory.stability.tube.nonnegative import norm_above

NEURONS = 4096
"""Neurons whose outputs are summed up at a time."""


@dataclass(frozen=True)
class Start(Directed):
    """The initial network on n unit rows X, of m neurons, and the residual that an optimiser starts from."""

    net: TwoLayerNetwork = field(repr=False)
    rows: FloatArray = field(repr=False)
    """X (n, d)."""
    copies: int
    """2 where the second half of the neurons repeats the first half's weights, so that it is not looked at; else 1."""
    products: FloatArray = field(repr=False)
    """``K = X X^T`` as computed, shape (n, n)."""
    kernel: FloatArray = field(repr=False)
    """``|K|`` rounded up, shape (n, n)."""
    row_norms: FloatArray = field(repr=False)
    """``||K_i||_2`` rounded up, shape (n,)."""
    pre_activations: FloatArray = field(repr=False)
    """``Z(0)`` as computed, shape (n, m/copies)."""
    error: FloatArray = field(repr=False)
    """How far its columns are off at most, shape (m/copies,)."""
    pattern: NDArray[np.bool_] = field(repr=False)
    """``A0 = 1[Z(0) >= 0]``, exact, shape (n, m/copies)."""
    distinct_counts: FloatArray = field(repr=False)
    """Its ``A0 A0^T``, integers, shape (n, n)."""
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
    """Evaluate a network on unit rows X (n, d) with targets y (n,). Raises InputError."""
    rows = unit_rows(inputs)
    return start_at(net, rows, y, distinct_pre_activations(net, rows))


def distinct_pre_activations(net: TwoLayerNetwork, rows: FloatArray) -> FloatArray:
    """``X W^T`` as computed, of the first half of the neurons where the second repeats its weights: shape (n, m) or (n, m/2)."""
    return rows @ net.weights[: net.width // copies_of(net)].T


def copies_of(net: TwoLayerNetwork) -> int:
    """2 where the second half of the neurons has the first's weights, 1 else."""
    half, rest = divmod(net.width, 2)
    return 1 if rest or not half or (net.weights[:half] != net.weights[half:]).any() else 2


def start_at(net: TwoLayerNetwork, rows: FloatArray, y: ArrayLike, pre_activations: FloatArray) -> Start:
    """The same from ``distinct_pre_activations``. Raises InputError."""
    targets = target_vector(y, len(rows))
    if rows.shape[1] != net.dim:
        raise ShapeError(f"X has {rows.shape[1]} columns, the network has {net.dim} inputs; they must agree")
    enough_parameters(len(rows), net.width, net.dim)
    distinct = pre_activations.shape[1]
    copies = net.width // distinct
    error = pre_activation_errors(net.weights[:distinct])
    pattern, counts = counted_pattern(net, rows, pre_activations, error)
    gram, gram_error = (
        rectifier_gram(rows, copies * counts, net.width) if net.phi.curvature is None else gram_with_error(net, rows)
    )
    residual, residual_error = first_residual(net, pre_activations, error, targets)
    lambda_min = LowerBound(float(np.nextafter(smallest_eigenvalue_lower_bound(gram) - gram_error, -np.inf)))
    largest = UpperBound(float(np.nextafter(largest_eigenvalue_upper_bound(gram) + gram_error, np.inf)))
    coefficients, coefficients_error = solved(gram, gram_error, lambda_min, residual, residual_error)
    products = rows @ rows.T
    kernel = absolute_kernel(rows, products)
    return Start(
        net=net,
        rows=rows,
        copies=copies,
        products=products,
        kernel=kernel,
        row_norms=np.array([norm_above(row) for row in kernel]),
        pre_activations=pre_activations,
        error=error,
        pattern=pattern,
        distinct_counts=counts,
        gram=gram,
        gram_error=gram_error,
        lambda_min=lambda_min,
        largest=largest,
        residual=residual,
        residual_error=residual_error,
        coefficients=coefficients,
        coefficients_error=coefficients_error,
    )


def counted_pattern(
    net: TwoLayerNetwork, rows: FloatArray, pre_activations: FloatArray, error: FloatArray
) -> tuple[NDArray[np.bool_], FloatArray]:
    """``A0`` (n, m) and ``A0 A0^T`` (n, n), both exact."""
    n, m = pre_activations.shape
    pattern, counts = np.empty((n, m), dtype=bool), np.zeros((n, n))
    for first in range(0, m, NEURONS):
        some = slice(first, first + NEURONS)
        pattern[:, some] = decided_signs(rows, net.weights[some], pre_activations[:, some], error[some])
        counts += pattern_counts(pattern[:, some])
    return pattern, counts


def first_residual(
    net: TwoLayerNetwork, pre_activations: FloatArray, error: FloatArray, targets: FloatArray
) -> tuple[FloatArray, float]:
    """``r(0)`` as computed, shape (n,), and a bound of its error in the 2-norm; exact where neurons cancel in pairs.

    Sums of m terms round to ``gamma`` of the sum of magnitudes; an error of z moves phi by at most ``STEEPEST_SLOPE`` times as much.
    Raises NotFiniteError (a square of the residual overflows).
    """
    half, n = net.width // 2, len(targets)
    if pre_activations.shape[1] < net.width and (net.signs[:half] == -net.signs[half:]).all():
        residual, bound = -targets, 0.0
    else:
        distinct = pre_activations.shape[1]
        signs = net.signs.reshape(-1, distinct).sum(axis=0)
        sizes = np.abs(net.signs).reshape(-1, distinct).sum(axis=0)
        sums = np.zeros((n, 2))
        with np.errstate(over="ignore", invalid="ignore"):
            for first in range(0, distinct, NEURONS):
                values = net.phi.function(pre_activations[:, first : first + NEURONS])
                sums[:, 0] += values @ signs[first : first + NEURONS]
                sums[:, 1] += np.abs(values) @ sizes[first : first + NEURONS]
            root = math.sqrt(net.width)
            outputs = sums[:, 0] / root
            operations = min(distinct, NEURONS) + distinct // NEURONS + FUNCTION_ROUNDINGS + 8
            moved = STEEPEST_SLOPE * 2 * float(error.sum()) * (net.width // distinct)
            errors = (2 * gamma(operations) * sums[:, 1] + moved) / root
            residual = outputs - targets
            bound = norm_above(errors + 2 * UNIT_ROUNDOFF * np.abs(residual))
    with np.errstate(over="ignore"):
        whole = norm_above(residual) + bound
        if not math.isfinite(whole * whole):
            raise NotFiniteError("the squared norm of the residual u(0) - y overflows; scale weights and targets down")
    return residual, bound


def solved(
    gram: FloatArray, gram_error: float, lambda_min: LowerBound, right: FloatArray, right_error: float
) -> tuple[FloatArray, UpperBound]:
    """``c' (n,)`` and a bound of ``||c' - G^{-1} r||``, at most ``||r - G c'||/lambda``; zeros and inf without lambda."""
    if not lambda_min > 0:
        return np.zeros(len(right)), UNBOUNDED
    solution: FloatArray = np.asarray(np.linalg.solve(gram, right), dtype=np.float64)
    effect = gram_error * norm_above(solution) * (1 + gamma(2))
    defect = solve_defect(gram, right, solution, right_error, effect)
    return solution, UpperBound(math.nextafter(defect / lambda_min, math.inf) if defect > 0 else 0.0)
