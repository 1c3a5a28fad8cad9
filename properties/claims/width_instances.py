"""Instances of T3 and T4-width, and the lemmas that the theorems put together, in balls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from flint import arb

from theory.geometry import InputGeometry
from theory.gram import limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.inputs import FloatArray
from theory.stability.norms import input_norm_squared
from theory.theorems.width import chernoff_failure, squared_change_bound, width


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
    def eigenvalue(self) -> float:
        """A certified lower bound of lambda0 (T3) or lambda_S (T4-width); the lemmas are monotone in it."""
        bound = limiting_gram_eigenvalue if self.theorem == "T3" else limiting_pattern_gram_eigenvalue
        return bound(self.inputs)

    @property
    def squared_norm(self) -> float:
        """An upper bound of ``||X||_2^2`` (T3), or n."""
        return input_norm_squared(self.inputs) if self.theorem == "T3" else float(len(self.inputs))

    @property
    def geometry(self) -> tuple[float, float]:
        """What K2's radius has beside ``lambda_S^2``: ``h_min mu_min`` and its bound ``1/kappa_X``; (1, 1) for Condition 2."""
        if self.theorem == "T3":
            return 1.0, 1.0
        found = InputGeometry.of(self.inputs)
        least = float(found.leverage.min()) * found.smallest_eigenvalue
        return least, found.smallest_eigenvalue / found.largest_eigenvalue


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

    def squared_radius(self, geometry: float) -> arb:
        """R^2: Condition 2's (K2's) radius for ``lambda = 3/4 lambda0`` and R0's bound of the residual.

        ``geometry`` is what K2's radius has beside lambda_S: see ``WidthInstance.geometry``.
        """
        one, n = self.instance, len(self.instance.inputs)
        squared = sum((arb(value) ** 2 for value in one.targets.tolist()), arb(0))
        residual = squared if one.symmetric else (squared + arb(n) * arb(one.scale) ** 2 / 2) / self.share
        return 9 * residual / (arb(3) / 4 * arb(one.eigenvalue) * geometry)

    def squared_change(self, width: int, geometry: float) -> arb:
        """C2-prob's bound of ``||J(W) - J(0)||_F^2`` (of S for T4-width) within that radius."""
        one, radius = self.instance, self.squared_radius(geometry).sqrt()
        return arb(squared_change_bound(radius, len(one.inputs), arb(one.scale), self.share, width))

    def allowed_change(self) -> arb:
        """``(C^2/9)(3/4 lambda0)``."""
        return arb(self.instance.C) ** 2 / 9 * (arb(3) / 4) * arb(self.instance.eigenvalue)
