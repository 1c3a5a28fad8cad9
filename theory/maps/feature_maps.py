"""Models for K-FAC with a known stability constant: ``u_i(W) = f_i(W x_i)`` (families F3 and F4 of T4).

K-FAC's theory needs of a network only that row i of its Jacobian is ``S_i (x) x_i``. That holds exactly when u_i depends
on W through ``z_i = W x_i`` alone, with ``S_i = grad f_i(z_i)``; the two-layer network has ``f_i(z) = m^{-1/2} a . phi(z)``. Here
f_i is output i of a parameter map with m parameters: ``b_i . z + eps sin(q_i . z)`` (perturbed affine), or ``p_i(v_i . z)`` (spikes).
W starts at 0. As ``||z_i|| <= ||W||_F ||x_i||``, the map's own ``deviation`` bounds ``sup ||S(W) - S(0)||_2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound
from theory.inputs import FloatArray, distance
from theory.kernels.geometry import InputGeometry
from theory.maps.affine import PerturbedAffine, SpikeMap
from theory.rigour.euclidean import euclidean_norm
from theory.rigour.exact import AnyArray
from theory.rigour.gram_rounding import product_error, smallest_eigenvalue
from theory.rigour.input_bounds import input_bounds
from theory.rigour.rounding import gamma
from theory.stability.norms import squared_norm_excess
from theory.theorems import kfac

RowwiseMap = PerturbedAffine | SpikeMap


def stacked_rows(matrix: AnyArray) -> AnyArray:
    """The block-diagonal (n, n m) matrix whose row i holds row i of an (n, m) matrix in its block i."""
    n, m = matrix.shape
    stacked = np.zeros((n, n * m), dtype=matrix.dtype)
    for i in range(n):
        stacked[i, i * m : (i + 1) * m] = matrix[i]
    return stacked


def stacked(model: RowwiseMap) -> RowwiseMap:
    """The map on vec(Z), Z (n, m), whose output i is the one of ``model`` at row i of Z (its outputs not rotated)."""
    if isinstance(model, SpikeMap):
        return SpikeMap(model.knots, model.slopes, model.output_rotation, stacked_rows(model.parameter_rotation))
    return PerturbedAffine(stacked_rows(model.linear), stacked_rows(model.frequencies), model.amplitude)


@dataclass(frozen=True)
class FeatureMap:
    """``u_i = f_i(z_i)`` with f_i output i of ``model``, at Z (n, m)."""

    model: RowwiseMap

    @cached_property
    def _stacked(self) -> RowwiseMap:
        return stacked(self.model)

    @property
    def width(self) -> int:
        """The number m of features."""
        return self.model.parameters

    def outputs(self, Z: AnyArray) -> AnyArray:
        """``u``, shape (n,)."""
        return self._stacked.outputs(Z.ravel())

    def features(self, Z: AnyArray) -> AnyArray:
        """``S``, rows ``grad f_i(z_i)``, shape (n, m)."""
        jacobian = self._stacked.jacobian(Z.ravel())
        m = self.width
        return np.array([jacobian[i, i * m : (i + 1) * m] for i in range(len(Z))])

    def deviation(self, radius: float, dim: int) -> float:
        """Upper bound of ``sup ||S(W) - S(0)||_2`` over ``||W||_F <= radius`` (not squared), for unit rows in R^dim."""
        return self.model.deviation(distance(radius, "radius") * (1 + squared_norm_excess(dim)))

    def rounding(self, Z: FloatArray) -> tuple[float, float]:
        """Bounds of the float64 error of ``outputs`` (2-norm) and ``features`` (Frobenius norm)."""
        return self._stacked.rounding(Z.ravel())

    def lifted(self) -> FeatureMap:
        """The same map on exact balls."""
        return FeatureMap(self.model.lifted())


@dataclass(frozen=True)
class FeatureCertificate(Directed):
    """Conditions K1 and K2 for a feature map: certified sigma^2, the ball's radius, and the stability constant C."""

    lambda_min: LowerBound
    """Certified lower bound of ``sigma^2 = lambda_min(H(0))``; not positive when Condition K1 is not certified."""
    radius: float
    """``3 ||r(0)||/(sigma (h_min mu_min)^{1/2})``, infinite without Condition K1 or a certified rank of X."""
    constant: UpperBound
    """Upper bound of the smallest C of Condition K2(C), infinite likewise."""


def certify_features(model: FeatureMap, geometry: InputGeometry, targets: FloatArray) -> FeatureCertificate:
    """Certify Conditions K1 and K2 of a feature map at W(0) = 0 for X (n, d), y (n,), rounding included."""
    start = np.zeros((len(targets), model.width))
    output_error, features_error = model.rounding(start)
    features = model.features(start)
    size = euclidean_norm(features)
    gram = features @ features.T
    lambda_min = smallest_eigenvalue(gram, product_error(size, features_error, model.width, features.size))
    inputs = input_bounds(geometry)
    if not (lambda_min > 0 and inputs.rank_certified):
        return FeatureCertificate(lambda_min, np.inf, UNBOUNDED)
    residual = euclidean_norm(model.outputs(start) - targets)
    residual = residual * (1 + gamma(len(targets) + 3)) + output_error
    numbers = lambda_min, inputs.h_min[0], inputs.smallest_eigenvalue[0]
    radius = kfac.condition_radius(residual, *numbers) * (1 + gamma(8))
    deviation = model.deviation(radius, geometry.inputs.shape[1])
    constant = kfac.stability_constant(deviation, lambda_min) * (1 + gamma(4))
    return FeatureCertificate(lambda_min, radius, UpperBound(constant))
