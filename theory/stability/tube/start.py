"""What is known of a network before it moves: each number with its direction, or with a bound of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.errors import NotFiniteError, ShapeError
from theory.inputs import FloatArray, enough_parameters, target_vector, unit_rows
from theory.network.gram import gram_with_error, rectifier_gram
from theory.network.shared_weights import Order, SharedWeights, spread
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.activation_accuracy import FUNCTION_ROUNDINGS, STEEPEST_SLOPE
from theory.rigour.definiteness import outer_eigenvalue_bounds
from theory.rigour.pre_activations import pre_activation_errors
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.rigour.step_bounds import solve_defect
from theory.stability.tube.first_pass import LENGTH, first_pass
from theory.stability.tube.nonnegative import norm_above, raised
from theory.stability.tube.packed import Packed, unpacked


@dataclass(frozen=True)
class Beginning(Directed):
    """What is known of the initial network on n unit rows X and of its residual in n numbers and n x n matrices, whatever its width."""

    rows: FloatArray = field(repr=False)
    """X (n, d)."""
    width: int
    """m."""
    slope: float
    """``L_1``, an upper bound of ``|phi'|``."""
    copies: int
    """2 where neurons share their weights in pairs, of which one is looked at; else 1."""
    products: FloatArray = field(repr=False)
    """``K = X X^T`` as computed, shape (n, n)."""
    kernel: FloatArray = field(repr=False)
    """``|K|`` rounded up, shape (n, n)."""
    row_norms: FloatArray = field(repr=False)
    """``||K_i||_2`` rounded up, shape (n,)."""
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

    @classmethod
    def of(
        cls,
        rows: FloatArray,
        width: int,
        slope: float,
        copies: int,
        gram: tuple[FloatArray, float],
        residual: tuple[FloatArray, float],
    ) -> Beginning:
        """From ``G(0)`` and ``r(0)``, each as computed with a bound of its error in the 2-norm."""
        least, most = outer_eigenvalue_bounds(gram[0])
        lambda_min = LowerBound(float(np.nextafter(least - gram[1], -np.inf)))
        largest = UpperBound(float(np.nextafter(most + gram[1], np.inf)))
        coefficients, coefficients_error = solved(*gram, lambda_min, *residual)
        products = rows @ rows.T
        kernel = absolute_kernel(rows, products)
        row_norms = raised(np.sqrt((kernel * kernel).sum(axis=1)), len(kernel) + 2)
        return Beginning(
            rows,
            width,
            slope,
            copies,
            products,
            kernel,
            row_norms,
            *gram,
            lambda_min,
            largest,
            *residual,
            coefficients,
            coefficients_error,
        )

    @property
    def distinct(self) -> int:
        """The number of neurons that are looked at."""
        return self.width // self.copies

    @property
    def residual_norm(self) -> UpperBound:
        """``||r(0)||``, not squared."""
        return sum_above(norm_above(self.residual), self.residual_error)

    @property
    def coefficients_norm(self) -> UpperBound:
        """``||c0||``, not squared."""
        return sum_above(norm_above(self.coefficients), self.coefficients_error)


@dataclass(frozen=True)
class Neurons:
    """Some neurons of the initial network, or all, one by one."""

    pre_activations: FloatArray = field(repr=False)
    """``Z(0)`` as computed, shape (n, p); p = m/copies of a whole network."""
    error: FloatArray = field(repr=False)
    """How far its columns are off at most, shape (p,)."""
    packed: Packed = field(repr=False)
    """``A0 = 1[Z(0) >= 0]``, exact, of p neurons."""
    distinct_counts: FloatArray = field(repr=False)
    """Its ``A0 A0^T``, integers, shape (n, n)."""

    @cached_property
    def pattern(self) -> NDArray[np.bool_]:
        """A0, shape (n, p)."""
        return unpacked(self.packed, self.pre_activations.shape[1])


@dataclass(frozen=True)
class Start(Beginning, Neurons):
    """The initial network itself besides. Its m neurons are ``width``; ``net`` may hold one of each pair alone, where they were drawn in pairs."""

    net: TwoLayerNetwork = field(repr=False)
    order: Order | None = field(repr=False)
    """In which the network's neurons are looked at, and then repeated; None where that is the order they are in."""

    @property
    def distinct(self) -> int:
        """The number of neurons that are looked at, all of them or a sample."""
        return int(self.pre_activations.shape[1])

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """What the last axis has of the neurons that are looked at, for all m of the network, as these are in it."""
        return spread(values, self.copies, self.order)


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


def tube_start(net: TwoLayerNetwork, inputs: ArrayLike, y: ArrayLike, paired: bool = True) -> Start:
    """Evaluate a network on unit rows X (n, d) with targets y (n,). Raises InputError.

    Every neuron is looked at without ``paired``: pairs that share their weights are not looked for, which is never wrong.
    """
    rows, shared = unit_rows(inputs), SharedWeights.of(net) if paired else SharedWeights.none(net)
    if rows.shape[1] != net.dim:
        raise ShapeError(f"X has {rows.shape[1]} columns, the network has {net.dim} inputs; they must agree")
    return start_at(net, rows, y, shared, shared.pre_activations(rows))


def start_at(
    net: TwoLayerNetwork, rows: FloatArray, y: ArrayLike, shared: SharedWeights, pre_activations: FloatArray
) -> Start:
    """The same from the neurons that are looked at and their pre-activations; ``net`` may consist of these neurons alone. Raises InputError."""
    targets, width = target_vector(y, len(rows)), shared.width
    enough_parameters(len(rows), width, net.dim)
    error = pre_activation_errors(shared.looked_at.weights)
    seen = first_pass(shared.looked_at, rows, pre_activations, error, shared.outputs)
    gram = (
        rectifier_gram(rows, shared.copies * seen.counts, width)
        if net.phi.curvature is None
        else gram_with_error(net, rows)
    )
    residual = first_residual(width, seen.sums, error, targets, shared.outputs is None)
    beginning = Beginning.of(rows, width, net.phi.slope, shared.copies, gram, residual)
    return Start(
        **vars(beginning),
        net=net,
        order=shared.order,
        pre_activations=pre_activations,
        error=error,
        packed=seen.pattern,
        distinct_counts=seen.counts,
    )


def first_residual(
    width: int, sums: FloatArray, error: FloatArray, targets: FloatArray, cancelled: bool
) -> tuple[FloatArray, float]:
    """``r(0)`` as computed, shape (n,), and a bound of its error in the 2-norm; exact where neurons cancel in pairs.

    From the sums (n, 2) of the first pass. Sums of m terms round to ``gamma`` of the sum of magnitudes; an error of z moves phi by at
    most ``STEEPEST_SLOPE`` times as much. Raises NotFiniteError (a square of the residual overflows).
    """
    if cancelled:
        residual, bound = -targets, 0.0
    else:
        distinct = len(error)
        with np.errstate(over="ignore", invalid="ignore"):
            root = math.sqrt(width)
            operations = min(distinct, LENGTH) + distinct // LENGTH + FUNCTION_ROUNDINGS + 8
            moved = STEEPEST_SLOPE * 2 * float(error.sum()) * (width // distinct)
            errors = (2 * gamma(operations) * sums[:, 1] + moved) / root
            residual = sums[:, 0] / root - targets
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
