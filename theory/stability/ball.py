"""Conditions 2 and 3 on the whole ball around W(0): upper bounds of the stability constant (C2-fro, C2-spec, C2-smooth)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.errors import ChoiceError
from theory.gram import gram_eigenvalue
from theory.inputs import FloatArray, positive, target_vector, unit_rows
from theory.losses import LossMaker, SquaredLoss
from theory.network import TwoLayerNetwork
from theory.stability.flips import flip_costs, input_flip_counts, joint_flip_count
from theory.stability.norms import (
    input_norm_squared,
    paper_radius,
    residual_norm,
    rounded_up,
    squared_norm_excess,
    stability_constant,
)
from theory.theorems.general_loss import radius_factor

CONDITIONS = ("2", "3")


@dataclass(frozen=True)
class ChangeBounds:
    """Upper bounds of ``||J(W) - J(0)||_2`` over a ball (not squared); inf where a bound does not apply."""

    frobenius: float
    """C2-fro: ``(#flips / m)^{1/2}``, a bound of the Frobenius norm too; ReLU only."""
    spectral: float
    """C2-spec: ``||X||_2 (max_i k_i / m)^{1/2}``; ReLU only."""
    smooth: float
    """C2-smooth: ``L ||X||_2 R / m^{1/2}``; smooth activations only."""

    @property
    def best(self) -> float:
        """The smallest of the bounds."""
        return min(self.frobenius, self.spectral, self.smooth)

    @property
    def method(self) -> str:
        """The id of the smallest bound."""
        named = {"C2-fro": self.frobenius, "C2-spec": self.spectral, "C2-smooth": self.smooth}
        return min(named, key=named.__getitem__)


@dataclass(frozen=True)
class BallCertificate:
    """Condition 2(C) on the ball ``||W - W(0)||_F <= radius``, certified."""

    constant: float
    """``C``: an upper bound of ``3 sup ||J(W) - J(0)||_2 / lambda^{1/2}``; inf when Condition 1 is not certified."""
    radius: float
    """Distance (not squared); the condition's own unless another was asked for."""
    lambda_min: float
    """Certified lower bound of ``lambda_min(G(0))``; Condition 1 is certified when it is positive."""
    changes: ChangeBounds
    """The bounds of ``||J(W) - J(0)||_2`` over the ball, valid whether or not Condition 1 is certified."""

    @property
    def frobenius(self) -> float:
        """C2-fro's bound of ``||J(W) - J(0)||_F`` (not squared)."""
        return self.changes.frobenius

    @property
    def spectral(self) -> float:
        """C2-spec's bound of ``||J(W) - J(0)||_2`` (not squared)."""
        return self.changes.spectral

    @property
    def method(self) -> str:
        """The id of the bound that gave the constant."""
        return self.changes.method


def frobenius_bound(flips: float, width: int, dim: int) -> float:
    """``||J - J(0)||_F = (#flips / m)^{1/2}`` (not squared), rounded up, for rows of unit norm up to rounding (C2-fro)."""
    return rounded_up(math.sqrt(flips / width * (1 + squared_norm_excess(dim)))) if flips else 0.0


def spectral_bound(norm_squared: float, flips: float, width: int) -> float:
    """``||X||_2 (max_i k_i / m)^{1/2}`` (not squared), rounded up (C2-spec, Schur's product inequality)."""
    return rounded_up(math.sqrt(norm_squared * flips / width)) if flips else 0.0


def smooth_bound(norm_squared: float, curvature: float, distance: float, width: int, dim: int) -> float:
    """``L ||X||_2 ||W - W(0)||_F / m^{1/2}`` (not squared), rounded up (C2-smooth).

    Schur's product inequality again: row i of ``S - S(0)`` has norm at most ``L ||(W - W(0)) x_i|| / m^{1/2}``.
    """
    return rounded_up(curvature * math.sqrt(norm_squared * (1 + squared_norm_excess(dim)) / width) * distance)


def change_bounds(net: TwoLayerNetwork, inputs: ArrayLike, radius: float) -> ChangeBounds:
    """Bound ``||J(W) - J(0)||_2`` over ``||W - W(0)||_F <= radius`` (radius may be inf). Raises InputError."""
    rows = unit_rows(inputs)
    norm_squared = input_norm_squared(rows)
    if net.phi.curvature is not None:
        bound = smooth_bound(norm_squared, net.phi.curvature, radius, net.width, net.dim)
        return ChangeBounds(math.inf, math.inf, bound)
    costs: FloatArray = flip_costs(net, rows)
    flips = joint_flip_count(costs, radius)
    on_one_input = float(np.max(input_flip_counts(costs, radius)))
    return ChangeBounds(
        frobenius_bound(flips, net.width, net.dim), spectral_bound(norm_squared, on_one_input, net.width), math.inf
    )


def known_condition(condition: str) -> str:
    """Check the name of a condition. Raises ChoiceError."""
    if condition not in CONDITIONS:
        raise ChoiceError(f"unknown condition {condition!r}; known: {', '.join(CONDITIONS)}")
    return condition


def certify_ball(
    net: TwoLayerNetwork,
    inputs: ArrayLike,
    y: ArrayLike,
    condition: str = "2",
    radius: float | None = None,
    loss: LossMaker = SquaredLoss,
) -> BallCertificate:
    """Certify Conditions 1 and 2(C) for a network, unit rows X (n, d) and targets y (n,).

    Condition 3(C): the ball has radius ``(3/2)(1+kappa) ||r(0)|| / lambda^{1/2}``, r(0) being the distance of the outputs
    from the minimiser of ``loss`` for the labels y; for the squared loss it is Condition 2. Other conditions have no loss.
    ``radius=None`` takes the paper's, rounded up with the certified lambda, so that the paper's own ball is inside.
    Source: THEORY section 3. Raises InputError (bad arrays, radius <= 0), ChoiceError (condition).
    """
    if known_condition(condition) != "3" and loss is not SquaredLoss:
        raise ChoiceError(f"Condition {condition} is about the squared loss; for another one ask for condition='3'")
    rows = unit_rows(inputs)
    objective = loss(target_vector(y, len(rows)))
    lambda_min = gram_eigenvalue(net, rows)
    if radius is None:
        residual = residual_norm(net, rows, objective.minimiser)[1] + objective.minimiser_error
        factor = radius_factor(objective.strong_convexity, objective.smoothness)
        distance = paper_radius(residual, lambda_min, factor)
    else:
        distance = positive(radius, "radius")
    bounds = change_bounds(net, rows, distance)
    return BallCertificate(stability_constant(bounds.best, lambda_min), distance, lambda_min, bounds)
