"""K-FAC on the squared loss, with or without factored damping: T4-tube, T4-damped-tube."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from theory.descent.damped_kfac import DampedKroneckerFactored
from theory.descent.kfac import KroneckerFactored
from theory.direction import UNBOUNDED, LowerBound, UpperBound
from theory.errors import ScaleError
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.definiteness import outer_eigenvalue_bounds
from theory.rigour.input_bounds import input_bounds
from theory.rigour.rounding import gamma
from theory.rigour.step_bounds import solve_defect
from theory.stability.tube.bounds import TubeBounds
from theory.stability.tube.candidates import Candidates, blocks
from theory.stability.tube.linear_movement import flips_of, gamma_32, up_32
from theory.stability.tube.nonnegative import norm_above, raised
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.rule import Asked, Damping, Reach, Tube, TubeRule
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import Entries, InputWidths, Widths
from theory.theorems import tube_kfac as theorem


def pattern_start(start: Start) -> Start:
    """The same start with H in the place of G: as if all inputs had inner products 1. For ReLU.

    Its coefficients are those of no step: their error says that nothing is known.
    """
    n = len(start.rows)
    shares = start.distinct_counts / start.distinct
    error = 2 * gamma(4) * float(np.trace(shares))
    ones, (least, most) = np.ones((n, n)), outer_eigenvalue_bounds(shares)
    return dataclasses.replace(
        start,
        products=ones,
        kernel=ones,
        row_norms=np.array([norm_above(row) for row in ones]),
        gram=shares,
        gram_error=error,
        lambda_min=LowerBound(float(np.nextafter(least - error, -np.inf))),
        largest=UpperBound(float(np.nextafter(most + error, np.inf))),
        coefficients=np.zeros(n),
        coefficients_error=UNBOUNDED,
    )


@dataclass(frozen=True)
class Leverage:
    """Brackets of the diagonal of ``P``, or of ``K (K + eps_X)^{-1}``."""

    lower: FloatArray
    upper: FloatArray

    @classmethod
    def of(cls, start: Start, eps: float) -> Self:
        """Without damping 0 and 1 where the rank of X is not certified."""
        if not eps:
            return cls(*input_bounds(InputGeometry.of(start.rows)).leverage)
        n = len(start.rows)
        shifted = np.asarray(start.products + eps * np.eye(n), dtype=np.float64)
        try:
            inverse: FloatArray = np.asarray(np.linalg.inv(shifted), dtype=np.float64)
        except np.linalg.LinAlgError:  # eps_X is below the rounding of K
            return cls(np.zeros(n), np.ones(n))
        # K as computed is off by less than |K| rounded up is above it; the shift rounds once
        off = norm_above(np.maximum(start.kernel - np.abs(start.products), 0.0) * 2) + gamma(2) * norm_above(shifted)
        defect = solve_defect(shifted, np.eye(n), inverse, 0.0, off * norm_above(inverse))
        scores = 1 - eps * np.diag(inverse)
        # the inverse is off by the defect over the least eigenvalue of K + eps, which is eps at least
        error = 2 * (defect + gamma(8))
        return cls(np.maximum(scores - error, 0.0), np.minimum(scores + error, 1.0))


@dataclass(frozen=True)
class KroneckerTube(TubeRule):
    """``b_ir = (h_i/m)^{1/2} S ||H(k)^{-1} A_r||``, the last by what is known of all neurons or of each one."""

    start: Start
    leverage: Leverage
    eps: float = 0.0
    """``eps_S``."""
    per_neuron: bool = True

    @cached_property
    def inverse(self) -> tuple[NDArray[np.float32], float]:
        """``(H(0) + eps_S)^{-1}`` as computed, and how far a solution from it is off at most."""
        return _inverse(self.start, self.eps)

    @classmethod
    def asked(cls, asked: Asked) -> Self | None:
        """For K-FAC and ReLU, with ``(eps_S, eps_X)`` given or the optimiser's own. Raises ScaleError (no such pair, or both)."""
        chosen = asked.optimiser
        if not isinstance(chosen, KroneckerFactored) or not asked.squared or asked.net.phi.curvature is not None:
            return None
        if not isinstance(chosen, DampedKroneckerFactored):
            chosen = _damped(asked.damping)
        elif asked.damping:
            raise ScaleError(f"{chosen.name} has its damping; give no other one beside it")
        start = tube_start(asked.net, asked.rows, asked.targets)
        return cls(pattern_start(start), Leverage.of(start, chosen.eps_X), chosen.eps_S, asked.per_neuron)

    def lacking(self) -> str | None:
        """No positive lower bound of the leverage scores, as without a certified rank of X."""
        return super().lacking() or (None if self.leverage.lower.min() > 0 else "leverage")

    def first(self, start: Start) -> Widths:
        """As if ``H(k)^{-1}`` were as small as it can be for no change at all: 0 is below every width."""
        return InputWidths(np.zeros(len(start.rows)))

    def reach(self, tube: Tube, bounds: TubeBounds) -> Reach | None:
        """Where mu is below 1."""
        start = tube.start
        if not bounds.lambda_min > 0:
            return None
        if not bounds.ratio < 1:
            return None
        mu = UpperBound(theorem.damped_contraction(bounds.ratio, bounds.lambda_min, self.eps))
        if not mu < 1:  # theta below the rounding of 1
            return None
        least, most = LowerBound(float(self.leverage.lower.min())), UpperBound(float(self.leverage.upper.max()))
        path = UpperBound(theorem.path_sum(start.residual_norm, mu, least))
        progress, limit = LowerBound(theorem.least_progress(mu, least)), LowerBound(theorem.step_limit(most))
        return Reach(mu, path, progress, limit, self._widths(tube, bounds, path))

    @cached_property
    def _units(self) -> FloatArray:
        """The widths, shape (n,), for a path and a solution of length 1: others are in proportion."""
        return np.array([theorem.width(1.0, float(h), 1.0, self.start.width) for h in self.leverage.upper])

    def _widths(self, tube: Tube, bounds: TubeBounds, path: UpperBound) -> Widths:
        start = tube.start
        plain = UpperBound(theorem.plain_solution(len(start.rows), start.width, bounds.lambda_min, self.eps))
        units = raised(self._units * float(path), 1)
        largest = InputWidths(raised(units * float(plain), 2))
        if not self.per_neuron or not isinstance(tube, RectifierTube):
            return largest
        flips = flips_of(tube.listed, tube.masks, len(start.rows))
        listed = {one.neurons.start: one for one in tube.listed}
        inverse = 1 / (bounds.lambda_min + self.eps)
        return KroneckerWidths(
            start,
            largest,
            units,
            float(np.nextafter(inverse * (1 + gamma(4)), np.inf)),
            bounds.gram_change,
            *self.inverse,
            flips,
            listed,
        )


def _damped(damping: Damping) -> DampedKroneckerFactored:
    """With ``(eps_S, eps_X)``; 0 stands for two zeros. Raises ScaleError."""
    if isinstance(damping, tuple) and len(damping) == 2:
        return DampedKroneckerFactored(*damping)
    if damping == 0:
        return DampedKroneckerFactored(0.0, 0.0)
    raise ScaleError(f"the damping is {damping!r}; K-FAC takes a pair (eps_S, eps_X) of numbers, 0 or more")


@dataclass(frozen=True)
class KroneckerWidths:
    """One width a pair: a number of the input times one of the neuron."""

    start: Start = field(repr=False)
    plain: InputWidths
    units: FloatArray
    """``(h_i/m)^{1/2} S``, shape (n,)."""
    inverse: float
    """``1/(sigma_b^2 + eps_S)``."""
    change: FloatArray = field(repr=False)
    """``D_N``, shape (n, n)."""
    first: NDArray[np.float32] = field(repr=False)
    """``(H(0) + eps_S)^{-1}`` as computed, shape (n, n)."""
    error: float
    """How far its products with columns of 0 and 1 are off at most, in the 2-norm."""
    flips: dict[int, sparse.csr_matrix] = field(repr=False)
    listed: dict[int, Candidates] = field(repr=False)
    known: dict[int, tuple[Entries, FloatArray]] = field(default_factory=dict, compare=False, repr=False)
    """By block the pairs that were asked for last, with their widths: other scales of a tube ask for the same ones."""

    @property
    def largest(self) -> FloatArray:
        """Shape (n,)."""
        return self.plain.values

    def at(self, entries: Entries) -> FloatArray:
        """Those of some pairs; not to be written to."""
        block = entries.neurons.start
        if block not in self.known or self.known[block][0] is not entries:
            self.known[block] = entries, self._at(entries)
        return self.known[block][1]

    def _at(self, entries: Entries) -> FloatArray:
        used = np.zeros(entries.neurons.stop - entries.neurons.start, dtype=bool)
        used[entries.columns] = True
        solutions = np.zeros(len(used))
        solutions[used] = self._solutions(entries.neurons, used)
        found = self.units[entries.inputs] * solutions[entries.columns] * (1 + gamma(4))
        return np.asarray(np.minimum(found, self.plain.at(entries)))

    def _solutions(self, neurons: slice, used: NDArray[np.bool_]) -> FloatArray:
        """Bounds of all ``||(H(k) + eps)^{-1} A_r(k)||`` for some neurons of a block."""
        n = len(self.start.rows)
        first = self.first @ self.start.pattern[:, neurons][:, used].astype(np.float32)
        sizes = np.sqrt(np.einsum("jk,jk->k", first, first, dtype=np.float64)) + self.error
        np.abs(first, out=first)
        # every entry of what is left out is at most the error
        image = up_32(raised(self.change, 2)) @ first
        moved = np.sqrt(np.einsum("jk,jk->k", image, image, dtype=np.float64)) * (1 + gamma_32(n + 4))
        moved += norm_above(self.change) * self.error
        block = self.flips.get(neurons.start)
        counts = np.zeros(int(used.sum())) if block is None else np.asarray(block.sum(axis=0)).ravel()[used]
        return np.asarray((sizes + (np.sqrt(counts) + moved) * self.inverse) * (1 + gamma(2 * n + 16)))

    def array(self) -> FloatArray:
        """Shape (n, m)."""
        parts = []
        for neurons in blocks(self.start):
            used = np.ones(neurons.stop - neurons.start, dtype=bool)
            solutions = self._solutions(neurons, used)
            widths = np.minimum(np.outer(self.units, solutions) * (1 + gamma(4)), self.plain.values[:, None])
            listed = self.listed.get(neurons.start)
            if listed is not None:  # what decides is what was found for the pairs that are listed
                widths[listed.inputs, listed.columns] = self.at(listed)
            parts.append(widths)
        return self.start.spread(np.concatenate(parts, axis=1))


def _inverse(start: Start, eps: float) -> tuple[NDArray[np.float32], float]:
    """``Q`` close to ``(H(0) + eps)^{-1}``, and how far ``||Q' A_r||``, Q' being Q in float32, is off at most."""
    n = len(start.rows)
    shifted = np.asarray(start.gram + eps * np.eye(n), dtype=np.float64)
    inverse: FloatArray = np.asarray(np.linalg.inv(shifted), dtype=np.float64)
    off = (start.gram_error + gamma(2) * norm_above(shifted)) * norm_above(inverse)
    defect = solve_defect(shifted, np.eye(n), inverse, 0.0, off)
    root = float(np.sqrt(n))
    error = defect / (start.lambda_min + eps) * root + gamma_32(n + 8) * norm_above(np.abs(inverse).sum(axis=1))
    return inverse.astype(np.float32), float(np.nextafter(error * (1 + gamma(4 * n + 16)), np.inf))


RULE = KroneckerTube
