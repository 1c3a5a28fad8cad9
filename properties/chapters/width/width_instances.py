"""Instances of T3 and T4-width, and the lemmas that the theorems put together, in balls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flint import arb, arb_mat, fmpq, fmpq_mat

from properties.engine.stable_names import stored_as
from theory.direction import LowerBound
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.kernels.limiting import limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.rigour.eigenvalues import enclosed_smallest_eigenvalue
from theory.rigour.exact import pseudo_inverse, rational_matrix
from theory.rigour.input_bounds import InputBounds, input_bounds
from theory.rigour.precision import working_precision
from theory.stability.norms import input_norm_squared
from theory.theorems.chernoff import chernoff_failure
from theory.theorems.flip_probability import squared_change_bound
from theory.theorems.width import width

BITS = 128
EIGENVALUE_BITS = 90
"""Extreme eigenvalues are enclosed to so many bits, relative to the trace."""

MOST_EXACT = 5
"""The geometry of so many rows and columns at most is that of exact rational matrices."""


@dataclass(frozen=True)
class Geometry:
    """What K2's radius has beside lambda_S, in balls."""

    h_min: arb
    mu_min: arb
    mu_max: arb

    @classmethod
    def exact(cls, inputs: FloatArray) -> Geometry:
        """From the exact pseudo-inverse: ``h_i = (X X^+)_ii``, ``1/mu_min`` the largest eigenvalue of ``(X X^T)^+``; any rank."""
        rows = rational_matrix(inputs)
        inverse = pseudo_inverse(rows)
        projection = rows * inverse
        with working_precision(BITS):
            return cls(
                arb(min(projection[i, i] for i in range(rows.nrows()))),
                1 / _largest_eigenvalue(inverse.transpose() * inverse),
                _largest_eigenvalue(rows * rows.transpose()),
            )

    @classmethod
    def bracketed(cls, bounds: InputBounds) -> Geometry:
        """From certified brackets."""
        brackets = (bounds.h_min, bounds.smallest_eigenvalue, bounds.largest_eigenvalue)
        return cls(*(arb(lower).union(arb(upper)) for lower, upper in brackets))

    @property
    def least(self) -> arb:
        """``h_min mu_min``."""
        return self.h_min * self.mu_min

    @property
    def condition(self) -> arb:
        """``kappa_X = mu_max/mu_min``."""
        return self.mu_max / self.mu_min


def _largest_eigenvalue(matrix: fmpq_mat) -> arb:
    """The largest eigenvalue of a nonnegative symmetric matrix that is not 0."""
    trace = sum((matrix[i, i] for i in range(matrix.nrows())), fmpq(0))
    return -enclosed_smallest_eigenvalue(arb_mat(matrix * (-1 / trace)), EIGENVALUE_BITS) * arb(trace)


@stored_as("width")
@dataclass(frozen=True)
class WidthInstance:
    """Data, initialisation and the requested delta and C of a width."""

    inputs: FloatArray
    targets: FloatArray
    scale: float
    delta: float
    C: float
    theorem: str
    symmetric: bool
    data: str = ""
    """The name of the data, when they are real ones."""
    drawn: bool = False
    """Whether networks of that width are to be drawn."""

    @cached_property
    def width(self) -> int:
        """The width of the theorem."""
        return width(self.inputs, self.targets, self.scale, self.delta, self.C, self.theorem, self.symmetric)

    @cached_property
    def eigenvalue(self) -> LowerBound:
        """A certified lower bound of lambda0 (T3) or lambda_S (T4-width); the lemmas are monotone in it."""
        bound = limiting_gram_eigenvalue if self.theorem == "T3" else limiting_pattern_gram_eigenvalue
        return bound(self.inputs)

    @property
    def squared_norm(self) -> float:
        """An upper bound of ``||X||_2^2`` (T3), or n."""
        return input_norm_squared(self.inputs) if self.theorem == "T3" else float(len(self.inputs))

    @property
    def small(self) -> bool:
        """Whether exact geometry is affordable."""
        return bool(max(self.inputs.shape) <= MOST_EXACT)

    @cached_property
    def bounds(self) -> InputBounds:
        """What is certified of rank, leverage scores and mu."""
        return input_bounds(InputGeometry.of(self.inputs))

    @cached_property
    def geometry(self) -> Geometry:
        """Exact for few rows and columns; otherwise from the certified brackets. ``h_min mu_min >= 1/kappa_X``."""
        return Geometry.exact(self.inputs) if self.small else Geometry.bracketed(self.bounds)

    @property
    def radius_factors(self) -> tuple[arb, arb]:
        """What divides R^2 beside the eigenvalue: ``h_min mu_min``, and its bound ``1/kappa_X``; 1 and 1 for Condition 2.

        Of brackets the lower end of ``1/kappa_X``: like lambda_S, what is certified of it, not what it is.
        """
        if self.theorem == "T3":
            return arb(1), arb(1)
        inverse = 1 / self.geometry.condition
        return self.geometry.least, inverse if self.small else arb(inverse.lower())


@dataclass(frozen=True)
class Parts:
    """The lemmas at their shares of delta, in balls: everything that the theorem puts together."""

    instance: WidthInstance

    @property
    def share(self) -> arb:
        """delta/3 for each lemma; delta/2 under symmetric initialisation, where r(0) = -y needs none."""
        return arb(self.instance.delta) / (2 if self.instance.symmetric else 3)

    def first_failure(self, width: int) -> arb:
        """K-chernoff's probability that ``lambda <= 3/4 lambda0``."""
        one = self.instance
        return arb(
            chernoff_failure(
                arb(one.eigenvalue), arb(one.squared_norm), len(one.inputs), width, symmetric=one.symmetric
            )
        )

    def squared_radius(self, factor: arb) -> arb:
        """R^2: Condition 2's (K2's) radius for ``lambda = 3/4 lambda0`` and R0's bound of the residual.

        ``factor`` is what K2's radius has beside lambda_S: see ``WidthInstance.radius_factors``.
        """
        one, n = self.instance, len(self.instance.inputs)
        squared = sum((arb(value) ** 2 for value in one.targets.tolist()), arb(0))
        residual = squared if one.symmetric else (squared + arb(n) * arb(one.scale) ** 2 / 2) / self.share
        return 9 * residual / (arb(3) / 4 * arb(one.eigenvalue) * factor)

    def squared_change(self, width: int, factor: arb) -> arb:
        """C2-prob's bound of ``||J(W) - J(0)||_F^2`` (of S for T4-width) within that radius."""
        one, radius = self.instance, self.squared_radius(factor).sqrt()
        return arb(squared_change_bound(radius, len(one.inputs), arb(one.scale), self.share, width))

    def allowed_change(self) -> arb:
        """``(C^2/9)(3/4 lambda0)``."""
        return arb(self.instance.C) ** 2 / 9 * (arb(3) / 4) * arb(self.instance.eigenvalue)
