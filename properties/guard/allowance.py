"""How far a backward stable implementation may end from the exact step, whatever its algorithm.

Write u for the unit roundoff of the type that the step returns, ``s = n + m d``, and ``p = 4 s^2``: at most s orthogonal
reflections on vectors of at most s entries, with a small constant each (Higham, lemma 19.3), cover a QR or singular value
decomposition of J, and longer sums, a Cholesky solve with G, the eigenvalues of the md x md Fisher matrix as well. *Backward
stable* is meant in this sense: the step is the exact one, up to its last rounding, for matrices that are off by p u of their
Frobenius norm each (J, G or J^T J; for K-FAC S, H or S^T S, X or X^T X), for outputs and targets off by p u of the sums of
absolute values that they are made of, and for a gradient off by p u of ``||J||_F ||r||``.

NGD, with ``lambda = lambda_min(G)``, ``kappa = tr G / lambda``, ``D = J^+ r`` and ``L = ||r|| / lambda^{1/2} >= ||D||``, the longest step
that a residual of this size can take; norms are Frobenius':

* G off by F moves ``J^T G^{-1} r`` by ``||J^+|| ||F|| ||G^{-1} r|| <= p u kappa L``; an explicit inverse of G is off by
  ``||G^{-1}|| ||F|| ||G^{-1}||``, which gives the same;
* J off by E moves ``J^+ r`` by ``||J^+ E D|| + ||E|| ||G^{-1} r|| <= 2 ||E|| L / lambda^{1/2} <= 2 p u kappa L``;
* ``J^T J`` off by E moves ``(J^T J)^+ b``, b in its range, by at most ``2 ||E|| ||D|| / lambda = 2 p u kappa L``; the gradient
  b off by ``p u ||J|| ||r||`` moves it by ``p u kappa^{1/2} L``;
* the residual off by f moves it by ``||f|| / lambda^{1/2}``.

K-FAC, with ``sigma^2 = lambda_min(H)``, ``kappa_S = tr H / sigma^2``, ``kappa_X = n / mu_min``, ``L = ||r|| / (sigma mu_min^{1/2})``: either
factor moves D as J does, by at most 3 times ``p u kappa L``, and X, whose rows may be dependent, by ``p u n^{1/2} ||r|| / (sigma mu_min)``
besides (the part of ``diag(r) H^{-1} S`` outside its column space); the gradient by ``p u (tr H)^{1/2} ||r|| / (sigma^2 mu_min)``, the
residual by ``||f|| / (sigma mu_min^{1/2})``.

All of these are summed and doubled for the higher orders, which is enough while ``4 p u kappa <= 2^-5``; where that fails the
comparison would say nothing, and the instance is vacuous. The last rounding adds ``4 u (||W|| + eta ||D||)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq_mat

from properties.claims import identity_rounding as rounding
from properties.claims.exact_network import ExactNetwork
from theory.geometry import InputGeometry
from theory.inputs import FloatArray
from theory.rigour.definiteness import smallest_eigenvalue_lower_bound
from theory.rigour.input_bounds import InputBounds, input_bounds
from theory.rigour.rounding import gamma

MEANINGFUL = 2.0**-5
"""The largest ``4 p u kappa`` at which the comparison says something."""


def frobenius(matrix: fmpq_mat) -> float:
    """The Frobenius norm of a rational matrix, rounded."""
    return float(np.linalg.norm(rounding.floats(matrix)))


def smallest_eigenvalue(matrix: fmpq_mat) -> float:
    """A certified lower bound for a symmetric rational matrix: that of its nearest floats, each off by a rounding."""
    floats = rounding.floats(matrix)
    return smallest_eigenvalue_lower_bound(floats) - gamma(2) * float(np.linalg.norm(floats))


SMALLEST = 2.0**-1000
"""So that a pre-activation that is exactly 0 is never decided: programs differ in the slope that they take there."""


@dataclass(frozen=True)
class Condition:
    """What the allowance of one step depends on but its precision."""

    backward: int
    """p."""
    number: float
    """kappa, or ``kappa_S + kappa_X``; inf when a matrix is not certified to be regular."""
    scale: float
    """The sum of the terms in p u, for the step size 1, not doubled."""
    direction: float
    """``||D||``."""
    weights: float
    """``||W||``."""

    def meaningful(self, unit_roundoff: float) -> float:
        """Nonnegative when the bound says something."""
        return MEANINGFUL - 4 * self.backward * unit_roundoff * self.number

    def allowance(self, unit_roundoff: float, step_size: float) -> float:
        """How far, in the Frobenius norm, the returned weights may be from the exact ones."""
        last = 4 * unit_roundoff * (self.weights + step_size * self.direction)
        return (2 * self.backward * unit_roundoff * step_size * self.scale + last) * (1 + 2.0**-20)


def condition(
    net: ExactNetwork, direction: fmpq_mat, optimiser: str, lambda_min: float, bounds: InputBounds
) -> Condition:
    """The numbers of one instance; ``lambda_min`` bounds that of G, or of H for K-FAC, from below."""
    rows, dim, width = net.inputs.nrows(), net.inputs.ncols(), len(net.signs)
    backward = 4 * (rows + width * dim) ** 2
    length, residual = frobenius(direction), frobenius(net.residual)
    absolute = rounding.magnitudes(net.inputs) @ rounding.magnitudes(net.weights).T
    outputs = float(np.linalg.norm(absolute.sum(axis=1) / np.sqrt(width))) + frobenius(net.targets)
    mu = bounds.smallest_eigenvalue[0] if optimiser == "kfac" else 1.0
    if not (lambda_min > 0 and mu > 0):
        return Condition(backward, np.inf, np.inf, length, frobenius(net.weights))
    if optimiser == "kfac":
        trace = float(np.trace(rounding.floats(net.pattern_gram)))
        number = trace / lambda_min + rows / mu
        longest = residual / np.sqrt(lambda_min * mu)
        parts = (3 * number, np.sqrt(trace / (lambda_min * mu)), np.sqrt(rows / mu))
        scale = sum(parts) * longest + outputs / np.sqrt(lambda_min * mu)
    else:
        number = float(np.trace(rounding.floats(net.gram))) / lambda_min
        scale = (4 * number * residual + outputs) / np.sqrt(lambda_min)
    return Condition(backward, number, float(scale), length, frobenius(net.weights))


def bounds_of(inputs: FloatArray) -> InputBounds:
    """Certified rank, leverage scores and eigenvalues of X."""
    return input_bounds(InputGeometry.of(inputs))


def pattern_margin(net: ExactNetwork, unit_roundoff: float) -> float:
    """``min |Z|`` less what computing Z with this roundoff may change: positive when no activation can come out wrong."""
    absolute = rounding.magnitudes(net.inputs) @ rounding.magnitudes(net.weights).T
    reach = 4 * (net.inputs.ncols() + 2) * unit_roundoff
    return float((rounding.magnitudes(net.pre_activations) - reach * absolute - SMALLEST).min())
