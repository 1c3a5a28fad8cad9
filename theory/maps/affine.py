"""Models with a known stability constant: perturbed affine maps (family F3) and spike maps (family F4).

Each starts at theta(0) = 0. ``deviation(R)`` is an upper bound of ``sup ||J(theta) - J(0)||_2`` over ``||theta|| <= R``,
so that Condition 3(C) holds with ``C = 3 deviation(R) / sqrt(lambda)`` at its radius R. ``lifted`` gives the same
map on exact balls: arrays of arb in numpy object arrays, at the working precision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from flint import arb

from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.errors import ScaleError, ShapeError
from theory.inputs import FloatArray, distance, positive, positive_count
from theory.losses import LossMaker, SquaredLoss
from theory.maps.piecewise import hinged, hinges_of, pieces_within, piecewise_slopes
from theory.reals import real
from theory.rigour.activation_accuracy import FUNCTION_ROUNDINGS
from theory.rigour.definiteness import largest_eigenvalue_upper_bound
from theory.rigour.euclidean import euclidean_norm, row_norms
from theory.rigour.exact import AnyArray, lift
from theory.rigour.gram_rounding import product_error, smallest_eigenvalue
from theory.rigour.rounding import UNDERFLOW, UNIT_ROUNDOFF, gamma
from theory.theorems import general_loss, ngd


class ParameterMap(Protocol):
    """A differentiable (or piecewise linear) map from p parameters to n outputs."""

    @property
    def parameters(self) -> int:
        """The number p of parameters."""
        ...

    def outputs(self, theta: AnyArray) -> AnyArray:
        """``u(theta)``, shape (n,)."""
        ...

    def jacobian(self, theta: AnyArray) -> AnyArray:
        """``J(theta)``, shape (n, p)."""
        ...

    def deviation(self, radius: float) -> float:
        """Upper bound of ``sup ||J(theta) - J(0)||_2`` over the ball (not squared)."""
        ...

    def rounding(self, theta: FloatArray) -> tuple[float, float]:
        """Bounds of the float64 error of ``outputs`` (2-norm) and ``jacobian`` (Frobenius norm) at ``theta``."""
        ...

    def lifted(self) -> ParameterMap:
        """The same map on exact balls."""
        ...

    def arrays(self) -> Mapping[str, FloatArray]:
        """The arrays that define the map."""
        ...


def _operator_norm_bound(matrix: FloatArray) -> float:
    """An upper bound of the spectral norm, ``sqrt(||M M^T||_inf)`` raised by its rounding.

    Entry (i, j) of the product is off by ``gamma_p |m_i| |m_j|``, so row i of it by ``gamma_p |m_i| sum_j |m_j|``.
    """
    n, p = matrix.shape
    exponent = int(np.frexp(np.abs(matrix).max())[1])
    scaled = np.ldexp(matrix, -exponent)  # so that no square vanishes or overflows
    norms = np.sqrt(np.square(scaled).sum(axis=1))
    squared = np.abs(scaled @ scaled.T).sum(axis=1) + gamma(p + 2) * norms * norms.sum() + UNDERFLOW
    return float(np.nextafter(np.ldexp(np.sqrt(squared.max()) * (1 + gamma(n + p + 8)), exponent), np.inf))


def _frobenius(matrix: FloatArray) -> float:
    return euclidean_norm(matrix)


@dataclass(frozen=True)
class PerturbedAffine:
    """Family F3: ``u(theta) = B theta + eps sin(Q theta)``, B and Q of shape (n, p).

    ``J(theta) - J(0) = eps diag(cos(Q theta) - 1) Q``. With orthogonal rows q_i of Q the supremum over the ball of
    radius R is ``eps max_i ||q_i|| (1 - cos min(R ||q_i||, pi))`` exactly; otherwise ``||Q||_2`` stands in front.
    """

    linear: AnyArray
    frequencies: AnyArray
    amplitude: Any

    @property
    def parameters(self) -> int:
        """The number p of parameters."""
        return int(self.linear.shape[1])

    def outputs(self, theta: AnyArray) -> AnyArray:
        """``u(theta)``, shape (n,)."""
        return np.asarray(self.linear @ theta + self.amplitude * np.sin(self.frequencies @ theta))

    def jacobian(self, theta: AnyArray) -> AnyArray:
        """``J(theta)``, shape (n, p)."""
        slopes = self.amplitude * np.cos(self.frequencies @ theta)
        return np.asarray(self.linear + slopes[:, None] * self.frequencies)

    @cached_property
    def _spread(self) -> tuple[FloatArray, float, float]:
        """Bounds of ``||q_i||`` (n,), ``||offdiag(Q Q^T)||_F`` and ``||Q||_2``: whatever the radius is."""
        p = self.parameters
        sizes = row_norms(self.frequencies) * (1 + gamma(p + 2))
        products = self.frequencies @ self.frequencies.T
        coupling = _frobenius(products - np.diag(np.diag(products)))
        coupling += gamma(p + 4) * _frobenius(self.frequencies) * _frobenius(self.frequencies) + UNDERFLOW
        return sizes, coupling, _operator_norm_bound(self.frequencies)

    def deviation(self, radius: float) -> float:
        """Upper bound of ``sup ||J(theta) - J(0)||_2``, exact to rounding when the rows of Q are orthogonal.

        ``||diag(D) Q||_2^2 <= max_i D_i^2 ||q_i||^2 + max_i D_i^2 ||offdiag(Q Q^T)||_F``, and ``<= max_i D_i^2 ||Q||_2^2``.
        """
        reach, (sizes, coupling, norm) = distance(radius, "radius"), self._spread
        drops = 1.0 - np.cos(np.minimum(np.where(sizes > 0, reach, 0.0) * sizes * (1 + gamma(2)), np.pi))
        drops = np.minimum(drops + (FUNCTION_ROUNDINGS + 2) * UNIT_ROUNDOFF, 2.0)
        largest = float(np.max(drops))
        near_orthogonal = math.hypot(float(np.max(drops * sizes)), largest * math.sqrt(coupling))
        general = largest * norm
        return math.nextafter(float(self.amplitude * min(near_orthogonal, general) * (1 + gamma(8))), math.inf)

    @cached_property
    def _sizes(self) -> tuple[FloatArray, FloatArray]:
        """``|B|`` and ``|Q|``."""
        return np.abs(self.linear), np.abs(self.frequencies)

    def rounding(self, theta: FloatArray) -> tuple[float, float]:
        """Bounds of the float64 error of ``outputs`` (2-norm) and ``jacobian`` (Frobenius norm) at ``theta``.

        The argument of sin and cos is off by ``gamma_p |Q| |theta|``; sin and cos themselves by ``FUNCTION_ROUNDINGS``.
        """
        p, (linear, frequencies) = self.parameters, self._sizes
        size = np.abs(theta)
        argument = gamma(p) * (frequencies @ size)
        wave = self.amplitude * (argument + FUNCTION_ROUNDINGS * UNIT_ROUNDOFF)
        outputs = gamma(p + 2) * (linear @ size) + wave + 2 * UNIT_ROUNDOFF * self.amplitude
        entries = linear + self.amplitude * frequencies
        jacobian = wave[:, None] * frequencies + 3 * UNIT_ROUNDOFF * entries
        return euclidean_norm(outputs), _frobenius(jacobian)

    def lifted(self) -> PerturbedAffine:
        """The same map on exact balls."""
        return PerturbedAffine(lift(self.linear), lift(self.frequencies), arb(float(self.amplitude)))

    def arrays(self) -> Mapping[str, FloatArray]:
        """The arrays that define the map."""
        return {"B": self.linear, "Q": self.frequencies, "eps": np.array([float(self.amplitude)])}


class _SpikeSizes(NamedTuple):
    """What the rounding of a spike map has to do with at every point."""

    turns: FloatArray
    """``|V|``."""
    slopes: FloatArray
    """The sum of the magnitudes of each direction's slopes, shape (n,)."""
    steepest: float
    """The largest of all slopes in magnitude."""
    farthest: FloatArray
    """The knot of each direction that is farthest from 0, shape (n,)."""
    jump: float
    """The largest jump of a slope."""
    output: float
    """``||U||_F``."""
    parameter: float
    """``||V||_F``."""


@dataclass(frozen=True)
class SpikeMap:
    """Family F4: ``u(theta) = U p(V theta)`` with increasing piecewise linear p_i, in n independent directions.

    ``p_i(t) = ∫_0^t s_i``, where the slope s_i is ``slopes[i, j]`` between ``knots[i, j-1]`` and ``knots[i, j]``: one more
    slope than knots, knots increasing. U (n, n) is orthogonal, V (n, p) has orthonormal rows (n = p = 1: both are 1).
    """

    knots: AnyArray
    slopes: AnyArray
    output_rotation: AnyArray
    parameter_rotation: AnyArray

    def __post_init__(self) -> None:
        """Raise ShapeError when the knots of a direction decrease: values and slopes would be those of different maps."""
        if not (np.diff(self.knots, axis=1) >= 0).all():
            raise ShapeError("the knots of a piecewise linear map must not decrease")

    @property
    def parameters(self) -> int:
        """The number p of parameters."""
        return int(self.parameter_rotation.shape[1])

    def outputs(self, theta: AnyArray) -> AnyArray:
        """``u(theta)``, shape (n,)."""
        return np.asarray(self.output_rotation @ self._values(self.parameter_rotation @ theta))

    def _values(self, positions: AnyArray) -> AnyArray:
        """``p_i(t_i)``, shape (n,)."""
        return hinged(positions, self.knots, self.slopes, *self._hinges)

    @cached_property
    def _hinges(self) -> tuple[AnyArray, AnyArray]:
        return hinges_of(self.knots, self.slopes)

    def jacobian(self, theta: AnyArray) -> AnyArray:
        """``J(theta)``, shape (n, p); in balls an undecided piece gives a slope that is not a number."""
        slopes = piecewise_slopes(self.parameter_rotation @ theta, self.knots, self.slopes)
        return np.asarray(self.output_rotation @ (slopes[:, None] * self.parameter_rotation))

    @cached_property
    def _changes(self) -> tuple[FloatArray, float, float]:
        """The change of slope of each piece (n, k+1), and bounds of ``||U||_2`` and ``||V||_2``: whatever the radius is."""
        changes = np.abs(self.slopes - piecewise_slopes(np.zeros(len(self.knots)), self.knots, self.slopes)[:, None])
        if self.parameter_rotation.size == 1:
            return changes, 1.0, 1.0
        return changes, _operator_norm_bound(self.output_rotation), _operator_norm_bound(self.parameter_rotation)

    def deviation(self, radius: float) -> float:
        """Upper bound of ``sup ||J(theta) - J(0)||_2``: the largest slope change among the pieces that the ball meets."""
        within, (changes, stretched, turned) = distance(radius, "radius"), self._changes
        reach = math.nextafter(within * turned * (1 + gamma(2)), math.inf)  # at least every |t_i| of the ball
        met = pieces_within(self.knots, reach)
        change = float(np.where(met, changes, 0.0).max()) * (1 + gamma(4))
        return change * stretched * turned

    def rounding(self, theta: FloatArray) -> tuple[float, float]:
        """Bounds of the float64 error of ``outputs`` (2-norm) and ``jacobian`` (Frobenius norm) at ``theta``.

        A position within its own rounding of a knot may take either slope: the jump then counts as an error.
        """
        (n, p), sizes = self.parameter_rotation.shape, self._sizes
        positions = self.parameter_rotation @ theta
        # raised by its own rounding: it also decides on which side of a knot a position may be
        position_error = gamma(p + 4) * (sizes.turns @ np.abs(theta)) + UNDERFLOW
        terms = sizes.slopes * (np.abs(positions) + sizes.farthest) * 4
        value_error = sizes.steepest * position_error + gamma(self.knots.shape[1] + 6) * terms
        ambiguous = (np.abs(positions[:, None] - self.knots) <= position_error[:, None]).any(axis=1)
        jump = sizes.jump * math.sqrt(np.count_nonzero(ambiguous))
        outputs = sizes.output * euclidean_norm(value_error)
        outputs += gamma(n) * sizes.output * euclidean_norm(self._values(positions))
        return outputs, (gamma(n + 2) * sizes.steepest + jump) * (sizes.output * sizes.parameter)

    @cached_property
    def _sizes(self) -> _SpikeSizes:
        slopes = np.abs(self.slopes)
        return _SpikeSizes(
            turns=np.abs(self.parameter_rotation),
            slopes=slopes.sum(axis=1),
            steepest=float(slopes.max()),
            farthest=np.abs(self.knots).max(axis=1),
            jump=float(np.abs(self._hinges[0]).max()),
            output=_frobenius(self.output_rotation),
            parameter=_frobenius(self.parameter_rotation),
        )

    def lifted(self) -> SpikeMap:
        """The same map on exact balls."""
        return SpikeMap(*(lift(array) for array in self.arrays().values()))

    def arrays(self) -> Mapping[str, FloatArray]:
        """The arrays that define the map."""
        return {"knots": self.knots, "slopes": self.slopes, "U": self.output_rotation, "V": self.parameter_rotation}


@dataclass(frozen=True)
class MapCertificate(Directed):
    """Conditions 1 and 3 for a parameter map: certified lambda, the ball's radius, and the stability constant C."""

    lambda_min: LowerBound
    """Certified lower bound of ``lambda_min(J(0) J(0)^T)``; not positive when Condition 1 is not certified."""
    radius: float
    """``(3/2)(1+kappa) ||r(0)|| / sqrt(lambda)``, infinite without Condition 1."""
    constant: UpperBound
    """Upper bound of the smallest C of Condition 3(C), infinite without Condition 1."""


def _initial_gram(model: ParameterMap) -> tuple[FloatArray, float]:
    """``J(0) J(0)^T`` (n, n) as computed, and a bound of the Frobenius norm of its error."""
    start = np.zeros(model.parameters)
    jacobian, error = model.jacobian(start), model.rounding(start)[1]
    return jacobian @ jacobian.T, product_error(_frobenius(jacobian), error, model.parameters, jacobian.size)


def operator_norm(model: ParameterMap) -> UpperBound:
    """Certified upper bound of ``||J(0)||_2`` (not squared) of a map at theta(0) = 0."""
    gram, gram_error = _initial_gram(model)
    root = float(np.sqrt(largest_eigenvalue_upper_bound((gram + gram.T) / 2) + gram_error))
    return UpperBound(root * (1 + gamma(4)))


def certify_map(model: ParameterMap, targets: FloatArray, loss: LossMaker = SquaredLoss) -> MapCertificate:
    """Certify Conditions 1 and 3 of a map at theta(0) = 0, rounding included (docs/theory.md).

    ``targets`` (n,) are the labels of the loss; for the squared loss Condition 3 is Condition 2.
    """
    start, objective = np.zeros(model.parameters), loss(targets)
    output_error = model.rounding(start)[0]
    gram, gram_error = _initial_gram(model)
    lambda_min = smallest_eigenvalue(gram, gram_error)
    if not lambda_min > 0:
        return MapCertificate(lambda_min, np.inf, UNBOUNDED)
    residual = euclidean_norm(model.outputs(start) - objective.minimiser)
    residual = residual * (1 + gamma(len(targets) + 3)) + output_error + objective.minimiser_error
    mu, smoothness = objective.strong_convexity, objective.smoothness
    radius = general_loss.condition_radius(residual, lambda_min, mu, smoothness) * (1 + gamma(4))
    constant = ngd.stability_constant(model.deviation(radius), lambda_min) * (1 + gamma(4))
    return MapCertificate(lambda_min, radius, UpperBound(float(constant)))


def spike_map(
    stability: float | FloatArray,
    base_slopes: FloatArray,
    step_size: float | FloatArray,
    steps: int,
    residuals: FloatArray,
    half_width: float = 2.0**-38,
    output_rotation: FloatArray | None = None,
    parameter_rotation: FloatArray | None = None,
) -> SpikeMap:
    """The worst case of T1-tight for ``steps`` NGD steps of size ``step_size`` towards ``u = -residuals`` (all positive).

    Direction i starts with slope ``base_slopes[i]`` (its smallest is sqrt(lambda)), falls to ``base - c sqrt(lambda)``, and
    is ``base + c sqrt(lambda)`` within ``half_width`` times the next step around every later iterate, ``c = stability``.
    With equal base slopes one step from an iterate k >= 1 multiplies the residual by ``1 - eta/rho`` up to the half-width.
    A step that goes beyond the target (eta above rho) is the last with a spike at its end.
    Stability and step size may differ from direction to direction, shape (n,): a weighted loss makes steps of
    ``eta w_i``, K-FAC of ``eta h_i``. Where the stability is 0 the slope never changes; a negative one exchanges rise and fall.
    Raises ScaleError, WidthError.
    """
    positive_count(steps, "steps")
    positive(half_width, "half_width")
    for size in np.ravel(step_size).tolist():
        positive(size, "step_size")
    for change in np.ravel(stability).tolist():
        if not math.isfinite(real(change, "stability")):
            raise ScaleError(f"stability is {change}; it must be finite")
    n = len(base_slopes)
    changes = np.broadcast_to(stability * float(base_slopes.min()), (n,)).tolist()
    step_sizes = np.broadcast_to(step_size, (n,)).tolist()
    knots, slopes = np.zeros((n, 2 * steps + 1)), np.zeros((n, 2 * steps + 2))
    for i, (change, eta) in enumerate(zip(changes, step_sizes, strict=True)):
        low, high, base = base_slopes[i] - change, base_slopes[i] + change, base_slopes[i]
        if change == 0:
            knots[i], slopes[i] = np.arange(1, 2 * steps + 2) * residuals[i] / base, base
            continue
        position, residual, slope, around = 0.0, float(residuals[i]), base, half_width * eta * residuals[i] / base
        # Written for motion to the left: knots are collected from 0 downwards and reversed.
        edges, values = [-around], [base, low]
        for _ in range(steps):
            if residual <= 0:  # the step before went beyond the target, and the path turns back
                far = edges[-1] - max(1.0, abs(edges[-1]))
                edges, values = [*edges, far, 2 * far], [*values, low, low]
                continue
            length = eta * residual / slope
            remaining = residual - slope * around - low * (length - around)
            behind, around = around, half_width * eta * abs(remaining) / high
            residual -= slope * behind + low * (length - behind - around) + high * around
            position -= length
            edges += [position + around, position - around]
            values += [high, low]
            slope = high
        knots[i], slopes[i] = edges[::-1], values[::-1]
    left = np.eye(n) if output_rotation is None else output_rotation
    right = np.eye(n) if parameter_rotation is None else parameter_rotation
    return SpikeMap(knots, slopes, left, right)


def kink_map(
    base_slopes: FloatArray,
    later_slopes: FloatArray,
    kinks: FloatArray,
    output_rotation: FloatArray | None = None,
    parameter_rotation: FloatArray | None = None,
) -> SpikeMap:
    """Slopes ``base_slopes`` (n,) at the start and to its right, ``later_slopes`` (n, k) after each of the ``kinks`` (n, k).

    Kinks are distances from 0 to the left, increasing: the direction in which a positive residual moves.
    """
    n = len(base_slopes)
    left = np.eye(n) if output_rotation is None else output_rotation
    right = np.eye(n) if parameter_rotation is None else parameter_rotation
    slopes = np.hstack([base_slopes[:, None], later_slopes])
    return SpikeMap(-kinks[:, ::-1], slopes[:, ::-1], left, right)
