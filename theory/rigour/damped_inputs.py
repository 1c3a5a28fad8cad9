"""What damped K-FAC needs of the inputs: ``P = X (X^T X + eps I)^{-1} X^T`` and ``Y = X (X^T X + eps I)^{-1}`` for eps > 0, with their errors.

As in input_bounds.py, ``X' = U' diag(s) V'`` has exactly orthonormal U' and V' close to the computed ones, and ``||X - X'||_2 <= e``. Singular
values s of X become ``s^2/(s^2 + eps)`` in P and ``s/(s^2 + eps)``, at most ``1/(2 eps^{1/2})``, in Y. No rank has to be known: with damping both
depend on X continuously, ``||P - P'|| <= e/eps^{1/2}`` and ``||Y - Y'|| <= 5/4 e/eps`` (docs/proofs/rounding.md, P11.8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.input_bounds import decomposition_error
from theory.rigour.rounding import gamma


@dataclass(frozen=True)
class DampedInputs:
    """P (n, n) and Y (n, d) as computed, for X exactly as given."""

    projection: FloatArray
    dual_inputs: FloatArray
    projection_error: float
    """Bound of ``||P' - P||_2``."""
    dual_error: float
    """Bound of ``||Y' - Y||_2``."""
    dual_norm: float
    """Bound of the exact ``||Y||_2``."""

    @classmethod
    def of(cls, geometry: InputGeometry, eps: float) -> DampedInputs:
        """For eps > 0."""
        left, values, right = geometry.decomposition
        r = len(values)
        error, defect, turned = decomposition_error(geometry)
        shares = values / (values * values + eps)
        projection, dual = (left * (values * shares)) @ left.T, (left * shares) @ right
        root = math.sqrt(eps)
        sizes = euclidean_norm((np.abs(left) * shares) @ np.abs(right))
        return cls(
            projection,
            dual,
            error_of_damped_projection(error, root, defect, r),
            error_of_damped_dual(error, root, turned, sizes, r),
            (0.5 / root) * (1 + gamma(4)),
        )


def error_of_damped_projection(error: float, root: float, defect: float, rank: int) -> float:
    """Bound of ``||P' - P||_2``: ``e/eps^{1/2} + (2 + defect) defect + gamma_{r+10} r (1 + defect)``, rounded up; ``root`` is ``eps^{1/2}``."""
    turned = (2 + defect) * defect
    return (error / root + turned + gamma(rank + 10) * (rank * (1 + defect))) * (1 + gamma(24))


def error_of_damped_dual(error: float, root: float, turned: float, sizes: float, rank: int) -> float:
    """Bound of ``||Y' - Y||_2``: ``5/4 e/eps + turned/(2 eps^{1/2}) + gamma_{r+10} sizes``, rounded up.

    ``turned`` is how far U and V together are from orthonormal, ``sizes`` is ``|| |U| diag(s/(s^2+eps)) |V| ||_F``.
    """
    return ((1.25 * error / root) / root + turned / (2 * root) + gamma(rank + 10) * sizes) * (1 + gamma(24))
