"""Damped natural gradient descent: ``dtheta = -eta J^T (J J^T + eps I)^{-1} g``, eps >= 0, so ``(G + eps I) c = g``. NGD at eps = 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from flint import arb

from theory.descent.coefficients import Solved
from theory.descent.ngd import NaturalGradient
from theory.directed import exact, float_below
from theory.errors import ScaleError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.reals import nonnegative_real, shown
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.exact import AnyArray
from theory.rigour.gram_rounding import over_root, smallest_root
from theory.rigour.rounding import UNIT_ROUNDOFF
from theory.rigour.step_bounds import solve_defect

PREFIX = "damped-ngd:"


@dataclass(frozen=True)
class DampedNaturalGradient(NaturalGradient):
    """NGD that solves with ``G + eps I``. Raises ScaleError for an eps that is negative, not finite or no float64."""

    kind = f"{PREFIX}EPS"
    title = "damped NGD"
    explained_matrix = "G without its damping"

    eps: float
    """What is added to every eigenvalue of G, that is to squared singular values of J."""

    def __post_init__(self) -> None:
        """Check eps; a whole number becomes a float, -0 becomes 0."""
        given = nonnegative_real(self.eps, "the damping eps")
        rounded = float_below(exact(given))
        if not exact(given) == exact(rounded):
            raise ScaleError(f"the damping eps is {shown(given)}; it must be a float64, that is not rounded")
        object.__setattr__(self, "eps", abs(rounded))

    @property
    def name(self) -> str:
        """With all digits of eps."""
        return f"{PREFIX}{self.eps!r}"

    @classmethod
    def named(cls, name: str) -> Self | None:
        """``damped-ngd:EPS``. Raises ScaleError."""
        if not name.startswith(PREFIX):
            return None
        try:
            eps = float(name.removeprefix(PREFIX))
        except ValueError:
            return None
        return cls(eps)

    def coefficients(self, gram: FloatArray, gradient: FloatArray, name: str) -> FloatArray:
        """``(G + eps I)^{-1} g``."""
        return super().coefficients(self._damped(gram), gradient, f"{name} plus {self.eps:g} I" if self.eps else name)

    def coefficients_enclosed(self, gram: Callable[[], AnyArray], gradient: AnyArray) -> AnyArray:
        """``(G + eps I)^{-1} g``."""

        def damped() -> AnyArray:
            found = gram()
            return np.asarray(found + np.diag([arb(self.eps)] * len(found)))

        return super().coefficients_enclosed(damped, gradient)

    def displacement(self, solved: Solved) -> float:
        """``J^T (c' - c) = -J^T (G + eps I)^{-1} d`` with the defect ``d = g - (G + eps I) c'``.

        The matrix has the singular values ``s/(s^2 + eps)``, s those of J: at most ``1/(s + eps/s)`` at the larger one of
        ``sigma = lambda_min(G)^{1/2}`` and ``eps^{1/2}``, where this is largest. So with damping no lambda_min need be certified. The
        diagonal of ``G' + eps I`` is rounded once.
        """
        damped, c, effect = self._damped(solved.gram), solved.coefficients, solved.effect
        if self.eps:
            effect += UNIT_ROUNDOFF * euclidean_norm(np.diag(damped) * c)
        defect = solve_defect(damped, solved.gradient, c, solved.gradient_error, effect)
        root = max(smallest_root(solved.gram, solved.gram_error), math.sqrt(self.eps))
        return over_root(defect, root + self.eps / root if root > 0 else 0.0)

    def linearised(self, geometry: InputGeometry, gram: FloatArray) -> FloatArray:
        """``G (G + eps I)^{-1}``: the eigenvalues ``lambda/(lambda + eps)``."""
        if not self.eps:
            return super().linearised(geometry, gram)
        values, vectors = np.linalg.eigh(gram)
        shares = np.maximum(values, 0.0)
        matrix = (vectors * (shares / (shares + self.eps))) @ vectors.T
        return np.asarray((matrix + matrix.T) / 2)

    def _damped(self, gram: FloatArray) -> FloatArray:
        return np.asarray(gram + np.diag(np.full(len(gram), self.eps)))


OPTIMISER = DampedNaturalGradient
