"""How far each neuron moves: the pull of the first coefficients on its own inputs, exactly, and bounds of all that comes later.

``b_ir`` is the least of ``m^{-1/2} ||K_i|| S`` and ``m^{-1/2} (|sum_j K_ij A_jr c_j| + sum_j |K_ij| B_jr |c_j| + later_ir)``, with the
pairs B of the tube that these widths come from, ``later_ir`` the lesser of ``||K_i|| later`` and
``||G(0)^{-1} (K_i A_r)|| (lambda_b + ||D||) later + ||K_i B_r|| later``. Products are in float32, and raised by their rounding.

The last form: with ``c(t) = (1-eta)^t c0 + d`` and ``G(t) d = w`` it is ``d = G(0)^{-1} (w - (G(t) - G(0)) d)``, at most
``||w|| (1 + ||D||/lambda_b)`` in the brackets, and ``||d|| <= ||w||/lambda_b``; the sum of ``eta ||w||/lambda_b`` is at most ``later``. It is
asked for only where the first one would let a pair flip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from theory.inputs import FloatArray
from theory.rigour.rounding import gamma
from theory.rigour.step_bounds import solve_defect
from theory.stability.tube.candidates import Candidates, Mask, blocks
from theory.stability.tube.nonnegative import norm_above, raised
from theory.stability.tube.start import Start
from theory.stability.tube.widths import Entries, InputWidths

UNIT_ROUNDOFF_32 = 2.0**-24


def gamma_32(operations: int) -> float:
    """``gamma_k`` of float32, doubled."""
    return 2 * operations * UNIT_ROUNDOFF_32 / (1 - operations * UNIT_ROUNDOFF_32)


def up_32(values: FloatArray) -> NDArray[np.float32]:
    """Nonnegative numbers in float32, rounded up."""
    with np.errstate(over="ignore", under="ignore"):
        return np.nextafter(values.astype(np.float32), np.float32(np.inf))


@dataclass(frozen=True)
class Pull:
    """What the first coefficients do to the neurons, from a start; the same in every tube around it."""

    start: Start = field(repr=False)
    scale: float
    """A power of 2, of which the products with ``c`` are multiples of the size of 1."""
    linear: NDArray[np.float32] = field(repr=False)
    """``m^{-1/2} K_ij c_j`` as computed, over the scale, shape (n, n)."""
    linear_error: FloatArray
    """How far a sum of them over some j is off at most, shape (n,)."""
    turning: NDArray[np.float32] = field(repr=False)
    """``m^{-1/2} |K_ij| |c_j|`` over the scale, rounded up, shape (n, n)."""

    squares: NDArray[np.float32] = field(repr=False)
    """``K_ij^2`` rounded up, shape (n, n)."""
    inverse: NDArray[np.float32] = field(repr=False)
    """``G(0)^{-1}`` as computed, shape (n, n); not a number where lambda_min is not positive."""
    inverse_error: FloatArray
    """How far ``||G(0)^{-1} (K_i A_r)||`` is off at most, shape (n,)."""

    @classmethod
    def of(cls, start: Start) -> Pull:
        """Of ``c0``."""
        n, root = len(start.rows), float(np.sqrt(start.width))
        scale = math.ldexp(1.0, math.frexp(float(np.abs(start.coefficients).max(initial=0.0)))[1])
        coefficients, error_of_c = start.coefficients / scale, start.coefficients_error / scale
        sizes = np.abs(coefficients)
        # the kernel's own error is below |K| - |K'|, where |K| is rounded up
        kernel_error = np.maximum(start.kernel - np.abs(start.products), 0.0) @ sizes
        linear = (start.products * coefficients / root).astype(np.float32)
        magnitudes = (start.kernel * sizes).sum(axis=1) / root
        error = gamma_32(n + 6) * magnitudes + (2 * kernel_error + start.row_norms * error_of_c) / root
        each = sizes + error_of_c
        turning = up_32(raised(start.kernel * each / root, 4))
        squares = up_32(raised(start.kernel**2, 2))
        return cls(start, scale, linear, raised(error + 2.0**-120, 2 * n + 16), turning, squares, *_inverse(start))

    def seen_from_start(self, inputs: NDArray[np.integer], active: NDArray[np.bool_]) -> FloatArray:
        """``||G(0)^{-1} (K_i A_r(0))||``, rounded up, for pairs (k,); ``active`` (n, k) has the columns ``A_r(0)``."""
        columns = self.start.products.astype(np.float32)[inputs] * active.T
        images = columns @ self.inverse.T
        sizes = np.sqrt(np.einsum("kj,kj->k", images, images, dtype=np.float64))
        return np.asarray((sizes + self.inverse_error[inputs]) * (1 + gamma(len(self.inverse) + 8)))

    def on(self, listed: Entries, active: NDArray[np.bool_]) -> FloatArray:
        """``m^{-1/2} |sum_j K_ij A_jr c_j|``, rounded up, for some pairs (k,), ``active`` being A0 (n, p) of the block."""
        columns = listed.columns
        if len(columns) < active.shape[1]:  # else hardly a neuron is spared
            used, columns = np.unique(columns, return_inverse=True)
            active = active[:, used]
        pulled = self.linear @ active.astype(np.float32)
        found = np.abs(pulled[listed.inputs, columns].astype(np.float64))
        return np.asarray((found + self.linear_error[listed.inputs]) * self.scale * (1 + gamma(4)))

    def turned(self, listed: Entries, flips: sparse.csr_matrix) -> FloatArray:
        """``m^{-1/2} sum_j |K_ij| B_jr |c_j|``, rounded up, for some pairs (k,), B (n, p) being the block's."""
        return _weighted(self.turning, listed, flips) * self.scale

    def flipping(self, listed: Entries, flips: sparse.csr_matrix) -> FloatArray:
        """``||K_i B_r||``, rounded up, for some pairs (k,)."""
        return np.sqrt(_weighted(self.squares, listed, flips)) * (1 + gamma(4))


def _inverse(start: Start) -> tuple[NDArray[np.float32], FloatArray]:
    """``Q`` close to ``G(0)^{-1}``, and ``||Q v - G(0)^{-1} v|| <= ||I - G(0) Q|| ||v||/lambda`` with the rounding of float32."""
    n = len(start.rows)
    if not start.lambda_min > 0:
        return np.full((n, n), np.nan, dtype=np.float32), np.full(n, np.inf)
    inverse: FloatArray = np.asarray(np.linalg.inv(start.gram), dtype=np.float64)
    defect = solve_defect(start.gram, np.eye(n), inverse, 0.0, start.gram_error * norm_above(inverse))
    magnitudes = np.sqrt(((np.abs(inverse) @ start.kernel) ** 2).sum(axis=0))  # K is symmetric
    error = defect / start.lambda_min * start.row_norms + gamma_32(n + 8) * magnitudes
    kernel_error = np.sqrt((np.maximum(start.kernel - np.abs(start.products), 0.0) ** 2).sum(axis=1))
    error += 2 * kernel_error / start.lambda_min
    return inverse.astype(np.float32), raised(error + 2.0**-120, 4 * n + 32)


def _weighted(weights: NDArray[np.float32], listed: Entries, flips: sparse.csr_matrix) -> FloatArray:
    """``sum_j W_ij B_jr`` rounded up, for some pairs (k,), from nonnegative W (n, n)."""
    used = np.zeros(flips.shape[1], dtype=bool)
    used[flips.indices] = True
    places = np.cumsum(used) * used  # 0 is that of all neurons without a flip
    dense = np.zeros((flips.shape[0], int(places.max()) + 1), dtype=np.float32)
    dense[np.repeat(np.arange(len(dense)), np.diff(flips.indptr)), places[flips.indices]] = 1
    found = (weights @ dense)[listed.inputs, places[listed.columns]].astype(np.float64)
    return np.asarray(found * (1 + gamma_32(flips.shape[0] + 4)))


def flips_of(listed: Sequence[Candidates], masks: Sequence[Mask], inputs: int) -> dict[int, sparse.csr_matrix]:
    """B (n, p) of each block, by the block's first neuron."""
    found = {}
    for one, mask in zip(listed, masks, strict=True):
        columns = one.columns[mask]
        ends = np.searchsorted(one.inputs[mask], np.arange(inputs + 1)).astype(np.int32)
        shape = (inputs, one.neurons.stop - one.neurons.start)
        found[one.neurons.start] = sparse.csr_matrix((np.ones(len(columns), dtype=np.float32), columns, ends), shape)
    return found


@dataclass(frozen=True)
class MovementWidths:
    """The widths of a tube per pair, kept as what they are calculated from."""

    pull: Pull
    plain: InputWidths
    """``m^{-1/2} ||K_i|| S``."""
    later: InputWidths
    """``m^{-1/2} ||K_i|| later``."""
    flips: dict[int, sparse.csr_matrix] = field(repr=False)
    """B of each block, by its first neuron."""
    residual: float = 0.0
    """``m^{-1/2} (lambda_b + ||D||) later``; 0 where it is not known."""
    later_path: float = 0.0
    """``m^{-1/2} later``."""
    listed: dict[int, Candidates] = field(default_factory=dict, repr=False)
    """The pairs that may flip at all, by block."""

    @property
    def largest(self) -> FloatArray:
        """Shape (n,)."""
        return self.plain.values

    def at(self, entries: Entries) -> NDArray[np.floating]:
        """Those of some pairs."""
        known = getattr(entries, "known", {})
        if "pull" not in known:
            known["pull"] = self.pull.on(entries, self.pull.start.pattern[:, entries.neurons])
        flips = self.flips.get(entries.neurons.start)
        moved = known["pull"] + (self.pull.turned(entries, flips) if flips is not None else 0.0)
        found = np.minimum((moved + self.later.at(entries)) * (1 + gamma(4)), self.plain.at(entries))
        if isinstance(entries, Candidates) and flips is not None and self.residual > 0:
            near = np.flatnonzero(found >= entries.distances)
            found[near] = np.minimum(found[near], self._closer(entries, near, moved[near], flips))
        return np.asarray(found)

    def _closer(
        self, listed: Candidates, near: NDArray[np.integer], moved: FloatArray, flips: sparse.csr_matrix
    ) -> FloatArray:
        """With the later path seen from the start, for some of the pairs."""
        norms = listed.known.setdefault("inverse", np.full(len(listed.inputs), np.nan))
        new = near[np.isnan(norms[near])]
        active = self.pull.start.pattern[:, listed.neurons]
        norms[new] = self.pull.seen_from_start(listed.inputs[new], active[:, listed.columns[new]])
        some = _Block(listed.neurons, listed.inputs[near], listed.columns[near])
        last = norms[near] * self.residual + self.pull.flipping(some, flips) * self.later_path
        return np.asarray((moved + last) * (1 + gamma(8)))

    def array(self) -> FloatArray:
        """Shape (n, m)."""
        start = self.pull.start
        n = len(start.rows)
        parts = []
        for neurons in blocks(start):
            size = neurons.stop - neurons.start
            inputs, columns = np.divmod(np.arange(n * size), size)
            widths = self.at(_Block(neurons, inputs, columns)).reshape(n, size)
            listed = self.listed.get(neurons.start)
            if listed is not None:  # what decides is what was found for the pairs that are listed
                widths[listed.inputs, listed.columns] = self.at(listed)
            parts.append(widths)
        return start.spread(np.concatenate(parts, axis=1))


@dataclass(frozen=True)
class _Block:
    """All pairs of a block."""

    neurons: slice
    inputs: NDArray[np.integer]
    columns: NDArray[np.integer]
