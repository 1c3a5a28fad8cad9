"""The linearised model in exact rational arithmetic: ``u(theta) = J theta`` with J frozen, any optimiser, any start.

A two-layer ReLU network with frozen pattern is such a model with theta(0) = vec(W(0)), since ``u(0) = J(0) vec(W(0))`` (I-homog).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from properties.engine.stable_names import stored_as
from properties.exact.eigenvalues import float_matrix, identity
from properties.exact.exact_network import ExactNetwork, vec
from theory.rigour.exact import diagonal, positive_definite, pseudo_inverse, rational_matrix
from theory.rigour.rounding import UNIT_ROUNDOFF

GRID = 2**24
"""Step sizes are multiples of 1/GRID and contractions of 1/GRID^2, so that their powers stay short."""


def squared_norm(column: fmpq_mat) -> fmpq:
    """``||v||^2`` of a (k, 1) column."""
    return sum((entry * entry for entry in column.entries()), fmpq(0))


@stored_as("linearised-model")
@dataclass(frozen=True)
class LinearisedInstance:
    """J (n, p), theta(0) (p, 1), targets (n, 1), step sizes of NGD and GD, and how many steps are taken."""

    jacobian: fmpq_mat
    start: fmpq_mat
    targets: fmpq_mat
    ngd_step: fmpq
    gd_share: fmpq
    """GD's step size as a share of ``2/lambda_max(G)``."""
    steps: int
    network: ExactNetwork | None = None

    @cached_property
    def gram(self) -> fmpq_mat:
        """``G = J J^T``, shape (n, n)."""
        return self.jacobian * self.jacobian.transpose()

    @cached_property
    def pseudo_inverse(self) -> fmpq_mat:
        """``J^+``, shape (p, n), by the full-rank factorisation."""
        return pseudo_inverse(self.jacobian)

    @cached_property
    def residual(self) -> fmpq_mat:
        """``r(0) = J theta(0) - y``, shape (n, 1)."""
        return self.jacobian * self.start - self.targets

    @cached_property
    def gd_step(self) -> fmpq:
        """GD's step size, on the grid."""
        largest = float(np.linalg.eigvalsh(float_matrix(self.gram))[-1])
        if not largest > 0:
            return self.gd_share
        eta = 2 * float(int(self.gd_share.p) / int(self.gd_share.q)) / largest
        return fmpq(max(1, int(eta * GRID)), GRID)

    @cached_property
    def contraction(self) -> fmpq:
        """A c just above ``||I - eta G||_2``; ``contracts`` decides whether it is one, exactly."""
        moved = np.eye(self.gram.nrows()) - float_matrix(self.gd_step * self.gram)
        norm = float(np.abs(np.linalg.eigvalsh(moved)).max())
        margin = 64 * len(moved) * UNIT_ROUNDOFF * max(1.0, norm)
        return fmpq(int((norm + margin) * GRID**2) + 1, GRID**2)

    @cached_property
    def contracts(self) -> bool:
        """Whether ``c^2 I - (I - eta G)^2`` is positive definite with c < 1: then GD's residual shrinks by c a step."""
        moved = identity(self.gram.nrows()) - self.gd_step * self.gram
        room = self.contraction**2 * identity(self.gram.nrows()) - moved * moved
        return bool(self.contraction < 1 and positive_definite(room))

    def displacement(self, optimiser: str, steps: int) -> fmpq_mat:
        """``theta(steps) - theta(0)``, shape (p, 1), by taking the steps one by one."""
        matrix, eta = {
            "ngd": (self.pseudo_inverse, self.ngd_step),
            "gd": (self.jacobian.transpose(), self.gd_step),
        }[optimiser]
        moved = fmpq_mat(self.jacobian.ncols(), 1)
        for _ in range(steps):
            moved -= eta * (matrix * (self.residual + self.jacobian * moved))
        return moved

    @cached_property
    def nearest(self) -> fmpq_mat:
        """``-J^T G^{-1} r(0)``, shape (p, 1): from theta(0) to the nearest interpolant."""
        return -(self.jacobian.transpose() * self.gram.solve(self.residual))


def kfac_displacement(net: ExactNetwork) -> fmpq_mat:
    """Where K-FAC ends in the linearised model of a network, minus vec(W(0)), shape (m d, 1).

    Its residual is ``(I - eta diag(h))^k r(0)`` (I-kfac-fn), so its steps add up to ``-S^T H^{-1} diag(r_i(0)/h_i) X (X^T X)^+``.
    """
    leverage = [net.projection[i, i] for i in range(net.projection.nrows())]
    scaled = [r / h for r, h in zip(net.residual.entries(), leverage, strict=True)]
    return vec(-(net.features.transpose() * net.pattern_gram.inv() * diagonal(scaled) * net.dual_inputs))


def of_network(net: ExactNetwork, ngd_step: fmpq, gd_share: fmpq, steps: int) -> LinearisedInstance:
    """The linearised model of a network at its weights."""
    return LinearisedInstance(net.jacobian, vec(net.weights), net.targets, ngd_step, gd_share, steps, net)


def of_integers(
    jacobian: np.ndarray[Any, Any],
    start: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    ngd_step: fmpq,
    gd_share: fmpq,
    steps: int,
) -> LinearisedInstance:
    """A linear model with small integer entries: J (n, p), theta(0) (p,), y (n,)."""
    J, theta, targets = (rational_matrix(array) for array in (jacobian, start, y))
    return LinearisedInstance(J, theta, targets, ngd_step, gd_share, steps)
