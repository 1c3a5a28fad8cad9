"""Conditions 2, 3 and K2 on the whole ball around W(0): upper bounds of the stability constant.

Conditions 2 and 3: C2-fro, C2-spec, C2-smooth bound ``||J(W) - J(0)||_2``. Condition K2: K2-fro, K2-spec, K2-smooth bound
``||S(W) - S(0)||_2``, which needs no X but for the distances to the boundaries.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.direction import UNBOUNDED, Directed, LowerBound, UpperBound, as_upper_bound
from theory.errors import ChoiceError
from theory.inputs import FloatArray, ball_radius, enough_parameters, positive_distance, target_vector, unit_rows
from theory.losses import LossMaker, SquaredLoss
from theory.network.two_layer import TwoLayerNetwork
from theory.stability.conditions import CONDITIONS, condition_scale, known_condition
from theory.stability.flips import flip_costs, input_flip_counts, joint_flip_count
from theory.stability.norms import (
    input_norm_squared,
    paper_radius,
    residual_norm,
    rounded_up,
    squared_norm_excess,
    stability_constant,
)
from theory.stability.weighted_flips import weighted_flip_count
from theory.theorems.general_loss import radius_factor

BALL_CONDITIONS = (*CONDITIONS, "3")
"""Condition 3 differs from Condition 2 in the radius of its ball only."""


@dataclass(frozen=True)
class ChangeBounds(Directed):
    """Upper bounds of ``||J(W) - J(0)||_2`` (K2: of ``||S(W) - S(0)||_2``) over a ball, not squared.

    A bound that does not apply is inf.
    """

    frobenius: UpperBound
    """C2-fro, K2-fro: ``(#flips / m)^{1/2}``, a bound of the Frobenius norm too; ReLU only."""
    spectral: UpperBound
    """C2-spec: ``||X||_2 (max_i k_i / m)^{1/2}``; K2-spec: ``(max_i sum_{r: i flips} c_r / m)^{1/2}``; ReLU only."""
    smooth: UpperBound
    """C2-smooth, K2-smooth: ``L ||X||_2 R / m^{1/2}``; smooth activations only."""
    condition: str = "2"

    @property
    def best(self) -> UpperBound:
        """The smallest of the bounds."""
        return min(self.frobenius, self.spectral, self.smooth)

    @property
    def method(self) -> str:
        """The id of the smallest bound."""
        named = {"fro": self.frobenius, "spec": self.spectral, "smooth": self.smooth}
        return f"{'K2' if self.condition == 'K2' else 'C2'}-{min(named, key=named.__getitem__)}"


@dataclass(frozen=True)
class BallCertificate(Directed):
    """Condition 2(C), or K2(C), on the ball ``||W - W(0)||_F <= radius``, certified."""

    constant: UpperBound
    """``C``: an upper bound of ``3 sup ||J(W) - J(0)||_2 / lambda^{1/2}``, or of ``3 sup ||S(W) - S(0)||_2 / sigma``.

    inf when Condition 1 (K1) is not certified, nor, for the default radius of K2, the rank of X.
    """
    radius: float
    """Distance (not squared): an ``UpperBound`` of the condition's own, or the one that was asked for, a plain float."""
    lambda_min: LowerBound
    """Certified lower bound of ``lambda_min(G(0))``, or of ``sigma^2 = lambda_min(H(0))``; positive when certified."""
    changes: ChangeBounds
    """The bounds of the change over the ball, valid whether or not Condition 1 (K1) is certified."""

    @property
    def frobenius(self) -> UpperBound:
        """The bound of the change's Frobenius norm (not squared)."""
        return self.changes.frobenius

    @property
    def spectral(self) -> UpperBound:
        """The bound of the change's spectral norm (not squared)."""
        return self.changes.spectral

    @property
    def method(self) -> str:
        """The id of the bound that gave the constant."""
        return self.changes.method


def frobenius_bound(flips: float, width: int, dim: int) -> UpperBound:
    """``||J - J(0)||_F = (#flips / m)^{1/2}`` (not squared), rounded up, for rows of unit norm up to rounding (C2-fro)."""
    return UpperBound(rounded_up(math.sqrt(flips / width * (1 + squared_norm_excess(dim)))) if flips else 0.0)


def spectral_bound(norm_squared: float, flips: float, width: int) -> UpperBound:
    """``||X||_2 (max_i k_i / m)^{1/2}`` (not squared), rounded up (C2-spec, Schur's product inequality)."""
    return UpperBound(rounded_up(math.sqrt(norm_squared * flips / width)) if flips else 0.0)


def smooth_bound(norm_squared: float, curvature: float, radius: float, width: int, dim: int) -> UpperBound:
    """``L ||X||_2 ||W - W(0)||_F / m^{1/2}`` (not squared), rounded up (C2-smooth).

    Schur's product inequality again: row i of ``S - S(0)`` has norm at most ``L ||(W - W(0)) x_i|| / m^{1/2}``. Raises ScaleError.
    """
    reach = ball_radius(radius, "radius")
    return UpperBound(rounded_up(curvature * math.sqrt(norm_squared * (1 + squared_norm_excess(dim)) / width) * reach))


def pattern_bound(weight: float, width: int) -> UpperBound:
    """``||S - S(0)||_2`` or ``_F``, ``(weight / m)^{1/2}`` (not squared), rounded up (K2-fro, K2-spec)."""
    return UpperBound(rounded_up(math.sqrt(weight / width)) if weight else 0.0)


def change_bounds(net: TwoLayerNetwork, inputs: ArrayLike, radius: float, condition: str = "2") -> ChangeBounds:
    """Bound ``||J(W) - J(0)||_2``, or ``||S(W) - S(0)||_2`` for K2, over ``||W - W(0)||_F <= radius``: 0 or more, inf too.

    Smooth activations: ``||S - S(0)||_F <= L ||X (W - W(0))^T||_F / m^{1/2}`` gives K2 the bound of C2-smooth.
    Raises InputError (ScaleError: a radius that is not a number of at least 0, or below ``SMALLEST_DISTANCE`` and not 0), ChoiceError.
    """
    reach = ball_radius(radius, "the ball's radius")
    rows = unit_rows(inputs)
    if net.phi.curvature is not None:
        bound = smooth_bound(input_norm_squared(rows), net.phi.curvature, reach, net.width, net.dim)
        return ChangeBounds(UNBOUNDED, UNBOUNDED, bound, known_condition(condition))
    costs: FloatArray = flip_costs(net, rows)
    flips = joint_flip_count(costs, reach)
    if known_condition(condition) == "K2":
        weight = weighted_flip_count(costs, reach)
        return ChangeBounds(pattern_bound(flips, net.width), pattern_bound(weight, net.width), UNBOUNDED, condition)
    on_one_input = float(np.max(input_flip_counts(costs, reach)))
    spectral = spectral_bound(input_norm_squared(rows), on_one_input, net.width)
    return ChangeBounds(frobenius_bound(flips, net.width, net.dim), spectral, UNBOUNDED, condition)


def certify_ball(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    condition: str = "2",
    radius: float | None = None,
    loss: LossMaker = SquaredLoss,
) -> BallCertificate:
    """Certify Conditions 1 and 2(C), 1 and 3(C), or K1 and K2(C), for a network, unit rows X (n, d) and targets y (n,).

    Condition 3 is about ``loss`` with labels y: its ball has radius ``(3/2)(1+kappa) ||r(0)||/lambda^{1/2}``, r(0) being the
    distance of the outputs from the loss's minimiser; for the squared loss it is Condition 2. The others have no loss.
    ``radius=None`` takes the paper's, rounded up with the certified eigenvalues, so that the condition's own ball is
    inside: ``3 ||r(0)||/lambda^{1/2}``, for K2 ``3 ||r(0)||/(sigma (h_min mu_min)^{1/2})``. Source: docs/theory.md, Conditions 2 and K2.
    Raises InputError (bad arrays, a radius that is not positive or, also the paper's, below ``SMALLEST_DISTANCE``), ChoiceError.
    """
    if known_condition(condition, BALL_CONDITIONS) != "3" and loss is not SquaredLoss:
        raise ChoiceError(f"Condition {condition} is about the squared loss; for another one ask for condition='3'")
    measured = "2" if condition == "3" else condition
    rows = unit_rows(inputs)
    objective = loss(target_vector(y, len(rows)))
    enough_parameters(len(rows), net.width, net.dim)
    net = net.keeping()
    scale = condition_scale(measured, net, rows)
    lambda_min = scale.lambda_min[0]
    distance: float
    if radius is None:
        length = residual_norm(net, rows, objective.minimiser)[1] + objective.minimiser_error
        residual = UpperBound(math.nextafter(length, math.inf))
        factor = radius_factor(objective.strong_convexity, objective.smoothness)
        distance = as_upper_bound(paper_radius(residual, scale.radius_eigenvalue[0], factor), "the ball's radius")
    else:
        distance = positive_distance(radius, "radius")
    bounds = change_bounds(net, rows, distance, measured)
    constant = stability_constant(bounds.best, lambda_min) if math.isfinite(distance) else UNBOUNDED
    return BallCertificate(as_upper_bound(constant, "C over the ball"), distance, lambda_min, bounds)
