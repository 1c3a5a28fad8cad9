"""A tube of given widths around a small network, entry by entry in balls: counts exact, everything else as tight as the balls are.

It is written from docs/theory.md alone, for networks that are followed in balls, and shares with the certificate of
theory/stability/tube/ nothing but the scalar functions of theory/theorems/. Entries of matrices are lists of balls at the working
precision; what is called a norm is a ball around an upper bound of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, arb_mat, fmpq
from numpy.typing import NDArray

from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.eigenvalues import enclosed_smallest_eigenvalue
from theory.rigour.enclosed_step import BALL_ACTIVATIONS, norm_enclosed, solve_enclosed
from theory.rigour.exact import AnyArray, ball_matrix, rational
from theory.rigour.rectifier_trajectory import StoredWeights
from theory.theorems import tube, tube_ratio

Pattern = NDArray[np.bool_]

EIGENVALUE_BITS = 60
STEEPEST = 1
"""``L1 = sup |phi'|`` of the activations but for erf."""


def largest_slope(activation: str) -> arb:
    """``L1 = sup |phi'|``: ``2/sqrt(pi)`` for erf, 1 for all others."""
    return 2 / arb.pi().sqrt() if activation == "erf" else arb(STEEPEST)


def entries(matrix: AnyArray) -> AnyArray:
    """Absolute values of an object array of balls."""
    return np.array([abs(entry) for entry in matrix.ravel()], dtype=object).reshape(matrix.shape)


def nonnegative_norm(matrix: AnyArray) -> arb:
    """An upper bound of ``||M||_2`` for a matrix (n, n) of balls ``>= 0``: ``max_i (M^T M v)_i/v_i`` for a positive v (Collatz-Wielandt)."""
    middle = np.array([[float(entry) for entry in row] for row in matrix])
    if not middle.any():
        return max_of(list(matrix.sum(axis=1)))
    vector = np.abs(np.linalg.svd(middle)[2][0])
    vector = np.maximum(vector, 2.0**-30 * vector.max())
    v = np.array([arb(float(one)) for one in vector], dtype=object)
    product = matrix.T @ (matrix @ v)
    return max_of([one / other for one, other in zip(product, v, strict=True)]).sqrt()


def max_of(balls: list[arb]) -> arb:
    """A number not below any of some balls ``>= 0``."""
    largest = arb(0)
    for one in balls:
        upper = one.upper()
        largest = upper if upper > largest else largest
    return largest


def near_zero(net: TwoLayerNetwork, inputs: FloatArray, widths: FloatArray) -> tuple[Pattern, Pattern, Pattern]:
    """``Z(0) >= 0``, ``|Z(0)| <= b``, ``Z(0) >= -b`` (n, m), exactly: rational numbers decide where float64 does not."""
    start = StoredWeights(net, inputs)
    z, error = start.computed, start.error
    b = np.broadcast_to(widths if widths.ndim == 2 else widths[:, None], z.shape)
    active, near, maybe = z >= 0, np.abs(z) <= b, z >= -b
    doubtful = (np.abs(z) <= error) | (np.abs(np.abs(z) - b) <= error + 2.0**-50 * b)
    for i, r in np.argwhere(doubtful):
        pairs = zip(net.weights[r].tolist(), inputs[i].tolist(), strict=True)
        exact = sum((rational(w) * rational(x) for w, x in pairs), fmpq(0))
        limit = rational(float(b[i, r]))
        active[i, r], near[i, r], maybe[i, r] = exact >= 0, abs(exact) <= limit, exact >= -limit
    return active, near, maybe


@dataclass(frozen=True)
class EnclosedTube:
    """A two-layer network with its inputs X (n, d) and residual's targets y (n,), and widths b, shape (n,) or (n, m)."""

    net: TwoLayerNetwork
    inputs: FloatArray
    targets: FloatArray
    widths: FloatArray

    # --- the network at the start

    @property
    def neurons(self) -> int:
        """m."""
        return self.net.width

    @cached_property
    def kernel(self) -> AnyArray:
        """K (n, n)."""
        x = ball_matrix(self.inputs)
        return np.array((x * x.transpose()).tolist(), dtype=object)

    @cached_property
    def sizes(self) -> AnyArray:
        """``|K|`` (n, n)."""
        return entries(self.kernel)

    @cached_property
    def row_norms(self) -> list[arb]:
        """``||K_i||``."""
        return [norm_enclosed(row) for row in self.kernel]

    @property
    def rectified(self) -> bool:
        """Whether it is a ReLU network, where patterns are counted."""
        return self.net.activation == "relu"

    @cached_property
    def slope(self) -> arb:
        """L1."""
        return largest_slope(self.net.activation)

    @cached_property
    def pre_activations(self) -> AnyArray:
        """Z(0) (n, m) in balls, for smooth networks."""
        z = ball_matrix(self.inputs) * ball_matrix(self.net.weights).transpose()
        return np.array(z.tolist(), dtype=object)

    @cached_property
    def slopes(self) -> AnyArray:
        """``phi'(Z(0))`` (n, m)."""
        if self.rectified:
            return np.asarray(np.where(self.active, arb(1), arb(0)))
        phi = BALL_ACTIVATIONS[self.net.activation][1]
        z = self.pre_activations
        return np.array([phi(entry) for entry in z.ravel()], dtype=object).reshape(z.shape)

    @cached_property
    def gram(self) -> AnyArray:
        """G(0) (n, n)."""
        if self.rectified:
            return self.kernel * self._shares(self.active, self.active)
        products = self.slopes @ self.slopes.T
        return np.asarray(self.kernel * products / arb(self.neurons))

    @cached_property
    def residual(self) -> AnyArray:
        """r(0) (n,)."""
        scale, signs = 1 / arb(self.neurons).sqrt(), [int(sign) for sign in self.net.signs]
        if self.rectified:
            start, found = StoredWeights(self.net, self.inputs), []
            for i, row in enumerate(self.active):
                neurons = np.flatnonzero(row)
                total = start.weighted(i, neurons, self.net.signs[neurons]) if len(neurons) else arb(0)
                found.append(total * scale - arb(float(self.targets[i])))
            return np.array(found, dtype=object)
        phi = BALL_ACTIVATIONS[self.net.activation][0]
        sums = [
            sum((phi(z) * sign for z, sign in zip(row, signs, strict=True)), arb(0)) for row in self.pre_activations
        ]
        return np.array([one * scale - arb(float(y)) for one, y in zip(sums, self.targets, strict=True)], dtype=object)

    @cached_property
    def residual_norm(self) -> arb:
        """``||r(0)||``."""
        return norm_enclosed(self.residual)

    @cached_property
    def start(self) -> AnyArray:
        """``|c0|``, ``c0 = G(0)^{-1}r(0)`` (n,)."""
        return entries(self.solution)

    @cached_property
    def solution(self) -> AnyArray:
        """c0 (n,); not-a-number where G(0) may be singular."""
        return solve_enclosed(self.gram, self.residual)

    # --- patterns within the tube

    @cached_property
    def _patterns(self) -> tuple[Pattern, Pattern, Pattern]:
        return near_zero(self.net, self.inputs, self.widths)

    @property
    def active(self) -> Pattern:
        """A0."""
        return self._patterns[0]

    @property
    def near(self) -> Pattern:
        """B: activations that may change."""
        return self._patterns[1]

    @property
    def possible(self) -> Pattern:
        """``A~``: activations that may be there."""
        return self._patterns[2]

    @property
    def certain(self) -> Pattern:
        """Activations that are there for sure."""
        return self.possible & ~self.near

    def _shares(self, left: Pattern, right: Pattern) -> AnyArray:
        """``left right^T/m`` (n, n)."""
        return self.shares(self.counts(left, right))

    def counts(self, left: Pattern, right: Pattern) -> NDArray[np.int64]:
        """``left right^T``, whole numbers (n, n)."""
        return np.asarray(left.astype(np.int64) @ right.astype(np.int64).T)

    def shares(self, counts: NDArray[np.int64]) -> AnyArray:
        """Counts (n, n) over m."""
        m = self.neurons
        return np.array([arb(fmpq(int(one), m)) for one in counts.ravel()], dtype=object).reshape(counts.shape)

    @cached_property
    def mean_widths(self) -> AnyArray:
        """``sum_r b_ir/m``, for smooth networks."""
        b = np.broadcast_to(self.widths if self.widths.ndim == 2 else self.widths[:, None], self.shape)
        return np.array([sum((arb(float(one)) for one in row), arb(0)) / self.neurons for row in b], dtype=object)

    @property
    def shape(self) -> tuple[int, int]:
        """n, m."""
        return len(self.inputs), self.neurons

    @property
    def curvature(self) -> arb:
        """L of a smooth activation."""
        assert self.net.phi.curvature is not None
        return arb(self.net.phi.curvature)

    # --- C2-tube

    @cached_property
    def product_change(self) -> AnyArray:
        """M (n, n), for any two points of the tube."""
        if self.rectified:
            return np.asarray(self.sizes * self._shares(self.near, self.possible))
        return np.asarray(self.sizes * (2 * self.curvature * self.slope * self.mean_widths)[:, None])

    @cached_property
    def step_change(self) -> AnyArray:
        """M (n, n) for the mean over a segment, of which smooth networks need a quarter."""
        return self.product_change if self.rectified else self.product_change / 4

    @cached_property
    def gram_change(self) -> AnyArray:
        """D (n, n)."""
        if self.rectified:
            now = self.counts(self.active, self.active)
            rise = self.counts(self.possible, self.possible) - now
            fall = now - self.counts(self.certain, self.certain)
            return np.asarray(self.sizes * self.shares(np.maximum(rise, fall)))
        b = self.mean_widths
        return np.asarray(self.sizes * (self.curvature * self.slope * (b[:, None] + b[None, :])))

    @cached_property
    def changing(self) -> AnyArray:
        """``|K| o BB^T/m`` (n, n); for smooth networks that of ``2 L b``."""
        if self.rectified:
            return np.asarray(self.sizes * self._shares(self.near, self.near))
        b = np.broadcast_to(self.widths if self.widths.ndim == 2 else self.widths[:, None], self.shape)
        squares = np.array([[arb(float(one)) for one in row] for row in b], dtype=object)
        return np.asarray(self.sizes * (squares @ squares.T) * (2 * self.curvature) ** 2 / arb(self.neurons))

    @cached_property
    def gram_change_norm(self) -> arb:
        """``||D||_2``."""
        return nonnegative_norm(self.gram_change)

    @cached_property
    def changing_norm(self) -> arb:
        """tau."""
        return nonnegative_norm(self.changing)

    @cached_property
    def first_eigenvalue(self) -> arb:
        """``lambda_min(G(0))``, from below."""
        return _smallest(self.gram)

    @cached_property
    def fixed_eigenvalue(self) -> arb:
        """lambda_c: what neurons that keep their pattern give alone, from below; 0 for smooth networks."""
        if not self.rectified:
            return arb(0)
        fixed = self.active[:, ~self.near.any(axis=0)]
        return _smallest(np.asarray(self.kernel * self._shares(fixed, fixed)))

    @cached_property
    def lambda_min(self) -> arb:
        """lambda_b, from below."""
        return arb(tube.lambda_b(self.first_eigenvalue, self.gram_change_norm, self.fixed_eigenvalue))

    # --- T1-tube

    @cached_property
    def others_norm(self) -> arb:
        """tau_2: ``|| |K| o sum A~_r A~_r^T/m ||`` over the neurons that may change, for ReLU networks."""
        free = self.possible[:, self.near.any(axis=0)]
        return nonnegative_norm(np.asarray(self.sizes * self._shares(free, free)))

    @cached_property
    def product_norm(self) -> arb:
        """xi."""
        entrywise = nonnegative_norm(self.step_change)
        if not self.rectified:
            return entrywise
        return arb(tube_ratio.product_norm(entrywise, self.changing_norm, self.others_norm))

    @cached_property
    def first_ratio(self) -> arb:
        """mu_1; needs lambda_b > 0."""
        return arb(tube_ratio.first_ratio(self.product_norm, self.lambda_min)).upper()

    @cached_property
    def ratio(self) -> arb:
        """mu, from above; needs lambda_b > 0."""
        if not self.rectified:
            return self.first_ratio
        found = tube_ratio.ratio(self.product_norm, self.changing_norm, self.lambda_min, self.fixed_eigenvalue)
        return arb(found).upper()

    @cached_property
    def start_norm(self) -> arb:
        """``||c0||``."""
        return norm_enclosed(self.start)

    @cached_property
    def start_change(self) -> arb:
        """``||D|c0|||``."""
        return norm_enclosed(self.gram_change @ self.start)

    @cached_property
    def start_product(self) -> arb:
        """``||M|c0|||``."""
        return norm_enclosed(self.step_change @ self.start)

    @cached_property
    def kinds(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """One neuron of each kind (q,), and the kind of each neuron (m,).

        Neurons of a ReLU network that are active on the same inputs, and near 0 on the same, are of one kind: nothing here tells them apart.
        """
        if not self.rectified:
            every = np.arange(self.neurons)
            return every, every
        both = np.concatenate([self.active, self.near])
        _, one, kind = np.unique(both, axis=1, return_index=True, return_inverse=True)
        return one, kind.ravel()

    @cached_property
    def start_views(self) -> tuple[AnyArray, AnyArray]:
        """``||G(0)^{-1} (K_i phi'_r)||`` and ``||K_i delta_r||`` (n, m)."""
        inverse = np.array(arb_mat(self.gram.tolist()).inv().tolist(), dtype=object)
        squares = self.sizes * self.sizes
        flipping = np.frompyfunc(arb.sqrt, 1, 1)(squares @ (self._slope_changes * self._slope_changes))
        seen = []
        for row in self.kernel:
            image = inverse @ (row[:, None] * self.slopes)
            seen.append(np.frompyfunc(lambda one: one.nonnegative_part().sqrt(), 1, 1)((image * image).sum(axis=0)))
        return np.array(seen, dtype=object), np.asarray(flipping)

    @cached_property
    def start_motions(self) -> tuple[AnyArray, AnyArray]:
        """``|sum_j K_ij phi'(Z_jr(0)) c0_j|`` and ``sum_j |K_ij| delta_jr |c0_j|`` (n, m)."""
        own = entries(np.asarray((self.kernel * self.solution[None, :]) @ self.slopes))
        return own, np.asarray((self.sizes * self.start[None, :]) @ self._slope_changes)

    @cached_property
    def _slope_changes(self) -> AnyArray:
        """delta (n, m): B, or L b."""
        if self.rectified:
            return np.asarray(np.where(self.near, arb(1), arb(0)))
        b = np.broadcast_to(self.widths if self.widths.ndim == 2 else self.widths[:, None], self.shape)
        return np.array([[arb(float(one)) * self.curvature for one in row] for row in b], dtype=object)


def _smallest(gram: AnyArray) -> arb:
    return arb(enclosed_smallest_eigenvalue(arb_mat(gram.tolist()), EIGENVALUE_BITS).lower())
