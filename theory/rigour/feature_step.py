"""One K-FAC step of a feature map from a stored iterate: in float64 with error bounds, and in balls."""

from __future__ import annotations

import math

import numpy as np
from flint import arb, arb_mat

from theory.inputs import FloatArray, positive, positive_count
from theory.kernels.geometry import InputGeometry
from theory.maps.feature_maps import FeatureMap
from theory.reals import positive_real
from theory.rigour.enclosed_step import EnclosedStep, norm_enclosed
from theory.rigour.euclidean import euclidean_norm, form_root
from theory.rigour.exact import AnyArray, lift
from theory.rigour.gram_rounding import product_error, smallest_root
from theory.rigour.input_bounds import InputBounds
from theory.rigour.kronecker import KroneckerSolution, kronecker_mover
from theory.rigour.one_step import OneStep, outward
from theory.rigour.rounding import UNIT_ROUNDOFF, gamma


def feature_step(
    model: FeatureMap, geometry: InputGeometry, bounds: InputBounds, Z: FloatArray, targets: FloatArray, eta: float
) -> tuple[FloatArray, OneStep]:
    """One step ``Z - eta P diag(r) H^{-1} S`` from Z (n, m), with its error bound. Raises RankDeficientError, ScaleError.

    ``bounds`` are those of the geometry. Outputs are Lipschitz in Z: row i of S bounds the slope of u_i, and S moves by at most twice its deviation.
    """
    positive(eta, "the step size eta")
    n, u = len(targets), UNIT_ROUNDOFF
    residual, features = model.outputs(Z) - targets, model.features(Z)
    output_error, features_error = model.rounding(Z)
    size, before = euclidean_norm(features), euclidean_norm(residual)
    residual_error = output_error + u * before
    gram = features @ features.T
    gram_error = product_error(size, features_error, model.width, features.size)
    sigma = smallest_root(gram, gram_error)
    solved = KroneckerSolution.of(gram, gram_error, residual, residual_error, sigma)
    moved = Z - eta * (geometry.projection @ solved.solution.T @ features)
    steepest = size + features_error
    displacement = eta * solved.movement_error(geometry.basis, bounds, features_error, steepest)
    displacement += 2 * u * (euclidean_norm(moved) + euclidean_norm(Z))
    reach = outward(euclidean_norm(Z) + euclidean_norm(moved) + displacement, Z.size)
    steepest += 2 * model.deviation(reach if reach >= 0 else math.inf, 1)
    direction = solved.solution @ geometry.dual_inputs
    root = form_root(direction, gram)
    length = eta * root
    after_residual = model.outputs(moved) - targets
    after = euclidean_norm(after_residual)
    after_error = steepest * displacement + model.rounding(moved)[0] + (u + gamma(n + 2)) * after
    operations = n * (n + geometry.inputs.shape[1] + model.width)
    return moved, OneStep(
        before=before,
        after=after,
        before_error=outward(residual_error + gamma(n + 2) * before, operations),
        after_error=outward(after_error, operations),
        length=length,
        length_error=outward(
            eta * solved.length_error(geometry.dual_inputs, bounds, root) + gamma(4) * length, operations
        ),
        residual=residual,
        moved_residual=after_residual,
    )


def feature_steps_enclosed(
    model: FeatureMap, inputs: FloatArray, Z: FloatArray, targets: FloatArray, eta: float, steps: int = 1
) -> list[EnclosedStep]:
    """Exact K-FAC steps from Z (n, m) for X (n, d) exactly as given, as balls at the working precision. Raises ScaleError, WidthError (steps)."""
    positive_real(eta, "the step size eta")
    positive_count(steps, "steps")
    exact, position, y, move = model.lifted(), lift(Z), lift(targets), kronecker_mover(inputs)
    found = []
    residual = exact.outputs(position) - y
    for _ in range(steps):
        features = arb_mat(exact.features(position).tolist())
        movement, length = move(residual, features * features.transpose())
        step: AnyArray = np.array((movement * features).tolist(), dtype=object)
        position = position + arb(eta) * step
        before, residual = residual, exact.outputs(position) - y
        norms = norm_enclosed(before), norm_enclosed(residual)
        found.append(EnclosedStep(*norms, arb(eta) * length, before, residual))
    return found
