"""Ridge maps: linear maps with a vector-valued piecewise linear function of one direction added (family F4, T1-line)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from theory.errors import ScaleError
from theory.inputs import FloatArray, distance, positive
from theory.maps.piecewise import pieces_within, piecewise_slopes, piecewise_values
from theory.rigour.euclidean import euclidean_norm, row_norms
from theory.rigour.exact import AnyArray, lift
from theory.rigour.rounding import gamma


@dataclass(frozen=True)
class RidgeMap:
    """``u(theta) = B theta + p(v . theta)``, B (n, p), v (p,), ``p(t) = ∫_0^t s`` with s piecewise constant in R^n.

    s is ``slopes[:, j]`` between ``knots[j-1]`` and ``knots[j]`` (knots (k,) increasing, slopes (n, k+1)), so that
    ``J = B + s v^T``: the Jacobian changes by a matrix of rank one, of norm ``||s - s(0)|| ||v||``.
    """

    linear: AnyArray
    direction: AnyArray
    knots: AnyArray
    slopes: AnyArray

    @property
    def parameters(self) -> int:
        """The number p of parameters."""
        return int(self.linear.shape[1])

    @property
    def _all_knots(self) -> AnyArray:
        return np.tile(self.knots, (len(self.linear), 1))

    def _position(self, theta: AnyArray) -> AnyArray:
        return np.asarray([self.direction @ theta] * len(self.linear))

    def outputs(self, theta: AnyArray) -> AnyArray:
        """``u(theta)``, shape (n,)."""
        return np.asarray(self.linear @ theta + piecewise_values(self._position(theta), self._all_knots, self.slopes))

    def jacobian(self, theta: AnyArray) -> AnyArray:
        """``J(theta)``, shape (n, p); in balls an undecided piece gives a slope that is not a number."""
        slopes = piecewise_slopes(self._position(theta), self._all_knots, self.slopes)
        return np.asarray(self.linear + slopes[:, None] * self.direction)

    def deviation(self, radius: float) -> float:
        """``sup ||J(theta) - J(0)||_2`` to rounding: the largest slope change among the pieces that the ball meets."""
        n, p = self.linear.shape
        within = distance(radius, "radius")
        length = euclidean_norm(self.direction) * (1 + gamma(p + 2))
        start = piecewise_slopes(np.zeros(n), self._all_knots, self.slopes)
        changes = row_norms((self.slopes - start[:, None]).T) * (1 + gamma(n + 4))
        met = pieces_within(self._all_knots, math.nextafter(within * length * (1 + gamma(2)), math.inf))[0]
        largest = float(np.where(met, changes, 0.0).max())
        return math.nextafter(largest * length * (1 + gamma(2)), math.inf) if largest > 0 else 0.0

    def rounding(self, theta: FloatArray) -> tuple[float, float]:
        """Bounds of the float64 error of ``outputs`` (2-norm) and ``jacobian`` (Frobenius norm) at ``theta``.

        A position within its own rounding of a knot may take either slope: the jump then counts as an error.
        """
        p, size = self.parameters, np.abs(theta)
        position = abs(float(self.direction @ theta))
        position_error = gamma(p) * float(np.abs(self.direction) @ size)
        steepest = np.abs(self.slopes).max(axis=1)
        terms = 4 * np.abs(self.slopes).sum(axis=1) * (position + float(np.abs(self.knots).max()))
        outputs = gamma(p + 2) * (np.abs(self.linear) @ size) + steepest * position_error
        outputs = outputs + gamma(len(self.knots) + 8) * terms
        near = np.abs(float(self.direction @ theta) - self.knots) <= position_error
        jump = float(np.linalg.norm(np.diff(self.slopes, axis=1), axis=0)[near].sum())
        entries = np.abs(self.linear) + steepest[:, None] * np.abs(self.direction)
        jacobian = gamma(3) * euclidean_norm(entries) + jump * euclidean_norm(self.direction)
        return euclidean_norm(outputs), jacobian * (1 + gamma(8))

    def lifted(self) -> RidgeMap:
        """The same map on exact balls."""
        return RidgeMap(*(lift(array) for array in self.arrays().values()))

    def arrays(self) -> Mapping[str, FloatArray]:
        """The arrays that define the map."""
        return {"B": self.linear, "v": self.direction, "knots": self.knots, "slopes": self.slopes}


def turning_map(
    stability: float,
    slope: float,
    step_size: float,
    residual_norm: float,
    half_width: float = 2.0**-38,
    output_rotation: FloatArray | None = None,
    parameter_rotation: FloatArray | None = None,
) -> RidgeMap:
    """Two outputs whose second NGD step towards ``u = -residual_norm U e_1`` turns them by ``2 arcsin c``, ``c = stability``.

    ``J(0) = slope U V``. The first step is straight. Around its end the Jacobian turns the direction of the second step
    by ``arcsin c``, beyond it the other way: with ``z = V^T n`` and ``n = (sqrt(1-c^2), c)`` the second step is parallel to
    z, ``J(1) z`` is parallel to ``U e_1`` and ``J z`` on the rest of the segment has angle ``2 arcsin c`` to it.
    Raises ScaleError.
    """
    for number, name in (
        (slope, "slope"),
        (step_size, "step_size"),
        (residual_norm, "residual_norm"),
        (half_width, "half_width"),
    ):
        positive(number, name)
    if not 0 <= distance(stability, "stability") < 1:
        raise ScaleError(f"stability is {stability}; a turning map needs 0 <= c < 1")
    left = np.eye(2) if output_rotation is None else output_rotation
    right = np.eye(2) if parameter_rotation is None else parameter_rotation
    c, shortened = stability, float(np.sqrt(1 - stability**2))
    normal = np.array([shortened, c])
    around = np.array([0.0, -c])
    turned = shortened * np.array([shortened**2 - c**2, 2 * shortened * c])
    first = -step_size * residual_norm * shortened / slope
    width = half_width * step_size * abs(1 - step_size) * residual_norm / (slope * shortened)
    slopes = slope * left @ np.stack([turned - normal, around, np.zeros(2)], axis=1)
    return RidgeMap(slope * left @ right, normal @ right, np.array([first - width, first + width]), slopes)
