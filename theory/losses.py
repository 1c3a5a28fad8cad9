"""Losses of the outputs u (n,), strongly convex with a Lipschitz gradient (docs/theory.md, T2).

A loss is made from the labels (n,) and has its true constants: ``strong_convexity`` mu, the infimum of the Hessian's
eigenvalues over all u, and ``smoothness`` L, their supremum, so that ``kappa = L/mu``. A float that cannot hold them
exactly is rounded outwards, and the theorems hold for every such pair. NGD converges to the loss's ``minimiser``, which
is not the labels as soon as there is a ridge. All losses are sums over the outputs:

squared                 (u-t)^2/2                                       mu = L = 1                  minimiser t
weighted squared        w_i (u-t)^2/2, w_i > 0                          mu = min w_i, L = max w_i   minimiser t
pseudo-Huber, ridge     s^2 (sqrt(1 + ((u-t)/s)^2) - 1) + alpha u^2/2   mu = alpha, L = 1 + alpha
logistic, ridge         s^2 ln(1 + exp(-t u/s)) + alpha u^2/2, t = -+1  mu = alpha, L = 1/4 + alpha

``(1 + z^2)^{-3/2}`` takes the values (0, 1] and ``sigmoid(z) sigmoid(-z)`` the values (0, 1/4]: hence mu and L, whatever
the scale s, which stretches the data term and the labels: ``loss(u) = s^2 loss_1(u/s)``. Each component of the gradient
increases with slope at least mu, so ``|u_i - y_i| <= |gradient_i(u)|/mu`` encloses the minimiser y. Every function of u
takes float64 or balls (object arrays of arb) and answers in kind.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import scipy
from flint import arb, ctx

from theory.errors import ScaleError, ShapeError
from theory.inputs import FloatArray, finite_array, positive, sign_vector
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.exact import AnyArray, float_at_least, lift
from theory.rigour.precision import working_precision
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma, rounded_up_from

MINIMISER_BITS = 128
"""Precision at which the minimiser is enclosed before it is rounded to float64."""

FIRST_BITS = 40
"""Bits of the float64 root that Newton's method starts from; each step doubles them."""


class Loss(Protocol):
    """A loss of n outputs."""

    @property
    def labels(self) -> FloatArray:
        """What the loss was made from, shape (n,)."""
        ...

    @property
    def strong_convexity(self) -> float:
        """mu > 0: ``<gradient(u) - gradient(v), u - v> >= mu ||u - v||^2``."""
        ...

    @property
    def smoothness(self) -> float:
        """L >= mu: ``||gradient(u) - gradient(v)|| <= L ||u - v||``."""
        ...

    @property
    def minimiser(self) -> FloatArray:
        """The point y (n,) of least loss, correct to ``minimiser_error``."""
        ...

    @property
    def minimiser_error(self) -> float:
        """Bound of the distance (2-norm) of ``minimiser`` from the exact one."""
        ...

    def minimiser_enclosed(self) -> AnyArray:
        """Balls (n,) around the exact minimiser, at the working precision."""
        ...

    def value(self, outputs: AnyArray) -> Any:
        """The loss at u (n,): a float or a ball."""
        ...

    def gradient(self, outputs: AnyArray) -> AnyArray:
        """The gradient at u, shape (n,)."""
        ...

    def gradient_rounding(self, outputs: FloatArray) -> float:
        """Bound of the float64 error (2-norm) of ``gradient`` at u as given."""
        ...


LossMaker = Callable[[FloatArray], Loss]
"""A loss for given labels (n,): ``SquaredLoss``, or ``partial(PseudoHuberLoss, ridge=0.1)``."""


def as_loss(objective: Loss | FloatArray) -> Loss:
    """A loss as it is; labels (n,) stand for their squared loss. Raises ShapeError, NotFiniteError."""
    return SquaredLoss(objective) if isinstance(objective, np.ndarray) else objective


@dataclass(frozen=True)
class SquaredLoss:
    """``||u - t||^2/2`` for labels t (n,). Raises ShapeError, NotFiniteError."""

    labels: FloatArray

    def __post_init__(self) -> None:
        """Validate the labels."""
        object.__setattr__(self, "labels", finite_array(self.labels, "labels", 1))

    @property
    def strong_convexity(self) -> float:
        """mu = 1."""
        return 1.0

    @property
    def smoothness(self) -> float:
        """L = 1."""
        return 1.0

    @property
    def minimiser(self) -> FloatArray:
        """The labels."""
        return self.labels

    @property
    def minimiser_error(self) -> float:
        """None: the labels are exact as given."""
        return 0.0

    def minimiser_enclosed(self) -> AnyArray:
        """The labels as exact balls."""
        return lift(self.labels)

    def value(self, outputs: AnyArray) -> Any:
        """Half the squared distance from the labels."""
        difference = outputs - self.labels
        return np.sum(difference * difference) / 2

    def gradient(self, outputs: AnyArray) -> AnyArray:
        """``u - t``."""
        return outputs - self.labels

    def gradient_rounding(self, outputs: FloatArray) -> float:
        """One subtraction."""
        return UNIT_ROUNDOFF * euclidean_norm(outputs - self.labels)


@dataclass(frozen=True)
class WeightedSquaredLoss(SquaredLoss):
    """``sum_i w_i (u_i - t_i)^2/2`` for labels t and positive weights w, both (n,).

    Raises ShapeError, NotFiniteError, ScaleError (a weight that is not positive).
    """

    weights: FloatArray

    def __post_init__(self) -> None:
        """Validate both arrays."""
        super().__post_init__()
        object.__setattr__(self, "weights", finite_array(self.weights, "weights", 1))
        if self.weights.shape != self.labels.shape:
            raise ShapeError(f"{len(self.weights)} weights for {len(self.labels)} labels; they must agree")
        if not self.strong_convexity > 0:
            where = int(np.argmin(self.weights))
            raise ScaleError(f"weights[{where}] is {self.weights[where]}; a weight of the loss is positive")

    @property
    def strong_convexity(self) -> float:
        """The smallest weight."""
        return float(self.weights.min())

    @property
    def smoothness(self) -> float:
        """The largest weight."""
        return float(self.weights.max())

    def value(self, outputs: AnyArray) -> Any:
        """Half the weighted squared distance from the labels."""
        difference = outputs - self.labels
        return np.sum(self.weights * (difference * difference)) / 2

    def gradient(self, outputs: AnyArray) -> AnyArray:
        """``w (u - t)``."""
        return np.asarray(self.weights * (outputs - self.labels))

    def gradient_rounding(self, outputs: FloatArray) -> float:
        """A subtraction and a product; gamma_4 of the computed gradient is more than gamma_2 of the exact one."""
        return gamma(4) * euclidean_norm(self.gradient(outputs))


@dataclass(frozen=True)
class _RidgeLoss(ABC):
    """A sum of ``data(u_i, t_i)``, convex with second derivatives in (0, ``CURVATURE``], and of a ridge."""

    labels: FloatArray
    ridge: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Validate labels, ridge and scale."""
        object.__setattr__(self, "labels", finite_array(self.labels, "labels", 1))
        positive(self.ridge, "ridge")
        positive(self.scale, "scale")

    @property
    def strong_convexity(self) -> float:
        """The ridge: the data term flattens out."""
        return self.ridge

    @property
    def smoothness(self) -> float:
        """The data term's largest curvature and the ridge, rounded up."""
        return rounded_up_from(Fraction(self._curvature_bound()) + Fraction(self.ridge))

    @abstractmethod
    def _curvature_bound(self) -> float:
        """The largest second derivative of the data term."""

    @abstractmethod
    def _data_slope(self, outputs: AnyArray) -> AnyArray:
        """First derivatives of the data term."""

    @abstractmethod
    def _data_curvature(self, outputs: AnyArray) -> AnyArray:
        """Second derivatives of the data term."""

    @abstractmethod
    def _bracket(self) -> FloatArray:
        """Points beyond the minimiser, coordinate by coordinate, as seen from 0."""

    def gradient(self, outputs: AnyArray) -> AnyArray:
        """The slope of the data term and ``alpha u``."""
        return np.asarray(self._data_slope(outputs) + self.ridge * outputs)

    @property
    def minimiser(self) -> FloatArray:
        """The root of the gradient, rounded to float64."""
        return self._rounded_minimiser[0]

    @property
    def minimiser_error(self) -> float:
        """The rounding of the root (2-norm)."""
        return self._rounded_minimiser[1]

    @cached_property
    def _rounded_minimiser(self) -> tuple[FloatArray, float]:
        with working_precision(MINIMISER_BITS):
            balls = self.minimiser_enclosed()
            rounded = np.array([float(ball) for ball in balls])
            errors = [float_at_least(abs(error)) for error in balls - rounded]
        return rounded, euclidean_norm(np.array(errors)) * (1 + gamma(len(errors) + 2))

    def minimiser_enclosed(self) -> AnyArray:
        """Newton's method from the float64 root; then ``|gradient_i|/mu`` bounds what is left, whatever it found."""
        position = lift(self._start)
        for _ in range(max(1, math.ceil(math.log2(ctx.prec / FIRST_BITS))) + 1):
            step = self.gradient(position) / (self._data_curvature(position) + self.ridge)
            position = np.array([ball.mid() for ball in position - step], dtype=object)
        distances = np.abs(self.gradient(position)) / arb(self.strong_convexity)
        return np.array([p + arb(0, 1) * d.upper() for p, d in zip(position, distances, strict=True)], dtype=object)

    @cached_property
    def _start(self) -> FloatArray:
        """The root in float64, coordinate by coordinate: the gradient changes its sign between 0 and the bracket."""
        found = np.zeros_like(self.labels)
        for i, end in enumerate(self._bracket()):
            alone = type(self)(self.labels[i : i + 1], self.ridge, self.scale)
            found[i] = scipy.optimize.brentq(
                lambda u, one=alone: float(one.gradient(np.array([u]))[0]), 0.0, float(end)
            )
        return found


@dataclass(frozen=True)
class PseudoHuberLoss(_RidgeLoss):
    """``sum_i s^2 (sqrt(1 + ((u_i-t_i)/s)^2) - 1) + alpha u_i^2/2`` for labels t (n,), ``ridge`` alpha, ``scale`` s.

    Raises ShapeError, NotFiniteError, ScaleError (ridge or scale not positive).
    """

    def value(self, outputs: AnyArray) -> Any:
        """The loss, without the cancellation of ``sqrt(1 + z^2) - 1 = z^2/(sqrt(1 + z^2) + 1)``."""
        z = outputs - self.labels
        return np.sum(z * z / (_hypotenuse(z / self.scale) + 1)) + self.ridge * np.sum(outputs * outputs) / 2

    def gradient_rounding(self, outputs: FloatArray) -> float:
        """Fewer than 16 roundings, all relative to one of the two terms."""
        terms = np.abs(self._data_slope(outputs)) + self.ridge * np.abs(outputs)
        return gamma(16) * euclidean_norm(terms)

    def _curvature_bound(self) -> float:
        return 1.0

    def _data_slope(self, outputs: AnyArray) -> AnyArray:
        z = outputs - self.labels
        return np.asarray(z / _hypotenuse(z / self.scale))

    def _data_curvature(self, outputs: AnyArray) -> AnyArray:
        root = _hypotenuse((outputs - self.labels) / self.scale)
        return np.asarray(1 / (root * root * root))

    def _bracket(self) -> FloatArray:
        return self.labels


@dataclass(frozen=True)
class LogisticLoss(_RidgeLoss):
    """``sum_i s^2 ln(1 + exp(-t_i u_i/s)) + alpha u_i^2/2`` for labels t_i = -+1 (n,), ``ridge`` alpha, ``scale`` s.

    Raises ShapeError, NotFiniteError, SignError (a label is not -1 or +1), ScaleError (ridge or scale not positive).
    """

    def __post_init__(self) -> None:
        """Validate the labels too."""
        super().__post_init__()
        sign_vector(self.labels, "labels")

    def value(self, outputs: AnyArray) -> Any:
        """The loss, with ``ln(1 + exp(-x)) = max(-x, 0) + ln(1 + exp(-|x|))``."""
        x = self.labels * outputs / self.scale
        size = np.abs(x)
        softplus = (size - x) / 2 + np.log1p(np.exp(-size))
        return self.scale * (self.scale * np.sum(softplus)) + self.ridge * np.sum(outputs * outputs) / 2

    def gradient_rounding(self, outputs: FloatArray) -> float:
        """Fewer than 16 roundings, relative to ``alpha u`` or to the largest slope s of the data term."""
        return gamma(16) * euclidean_norm(self.scale + self.ridge * np.abs(outputs))

    def _curvature_bound(self) -> float:
        return 0.25

    def _half_tangent(self, outputs: AnyArray) -> AnyArray:
        """``tanh(x/2)``, x = t u/s: ``sigmoid(-x) = (1 - tanh(x/2))/2``."""
        return np.asarray(np.tanh(self.labels * outputs / self.scale / 2))

    def _data_slope(self, outputs: AnyArray) -> AnyArray:
        return np.asarray(self.labels * self.scale * (self._half_tangent(outputs) - 1) / 2)

    def _data_curvature(self, outputs: AnyArray) -> AnyArray:
        tangent = self._half_tangent(outputs)
        return np.asarray((1 - tangent * tangent) / 4)

    def _bracket(self) -> FloatArray:
        """The slope at 0 is s/2, and it only gets smaller."""
        return self.labels * (self.scale / self.ridge / 2)


def _hypotenuse(z: AnyArray) -> AnyArray:
    """``sqrt(1 + z^2)`` of floats, without overflow, or of balls."""
    return np.asarray(np.sqrt(1 + z * z) if z.dtype == object else np.hypot(1.0, z))
