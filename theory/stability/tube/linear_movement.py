"""How far each neuron moves: the pull of the first coefficients on its own inputs, exactly, and bounds of all that comes later.

``b_ir`` is the least of ``m^{-1/2} ||K_i|| S`` and ``m^{-1/2} (|sum_j K_ij A_jr c_j| + sum_j |K_ij| B_jr |c_j| + ||K_i|| later)``, with the
pairs B of the tube that these widths come from. Products are in float32, and raised by their rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from theory.inputs import FloatArray
from theory.rigour.rounding import gamma
from theory.stability.tube.candidates import Candidates, Mask, blocks
from theory.stability.tube.nonnegative import raised
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
    linear: NDArray[np.float32] = field(repr=False)
    """``m^{-1/2} K_ij c_j`` as computed, shape (n, n)."""
    linear_error: FloatArray
    """How far a sum over some j is off at most, shape (n,)."""
    turning: NDArray[np.float32] = field(repr=False)
    """``m^{-1/2} |K_ij| |c_j|`` rounded up, shape (n, n)."""

    @classmethod
    def of(cls, start: Start) -> Pull:
        """Of ``c0``."""
        n, root = len(start.rows), float(np.sqrt(start.net.width))
        sizes = np.abs(start.coefficients)
        # the kernel's own error is below |K| - |K'|, where |K| is rounded up
        kernel_error = np.maximum(start.kernel - np.abs(start.products), 0.0) @ sizes
        linear = (start.products * start.coefficients / root).astype(np.float32)
        magnitudes = (start.kernel * sizes).sum(axis=1) / root
        error = gamma_32(n + 6) * magnitudes + (2 * kernel_error + start.row_norms * start.coefficients_error) / root
        each = sizes + start.coefficients_error
        turning = up_32(raised(start.kernel * each / root, 4))
        return cls(start, linear, raised(error + 2.0**-120, 2 * n + 16), turning)

    def on(self, listed: Entries, active: NDArray[np.bool_]) -> FloatArray:
        """``m^{-1/2} |sum_j K_ij A_jr c_j|``, rounded up, for some pairs (k,), ``active`` being A0 (n, p) of the block."""
        used = np.zeros(active.shape[1], dtype=bool)
        used[listed.columns] = True
        places = np.cumsum(used) - 1
        pulled = self.linear @ active[:, used].astype(np.float32)
        found = np.abs(pulled[listed.inputs, places[listed.columns]].astype(np.float64))
        return found + self.linear_error[listed.inputs]

    def turned(self, listed: Entries, flips: sparse.csr_matrix) -> FloatArray:
        """``m^{-1/2} sum_j |K_ij| B_jr |c_j|``, rounded up, for some pairs (k,), B (n, p) being the block's."""
        used = np.zeros(flips.shape[1], dtype=bool)
        used[flips.indices] = True
        if not used.any():
            return np.zeros(len(listed.inputs))
        places = np.cumsum(used) - 1
        few = sparse.csr_matrix(
            (flips.data, places[flips.indices], flips.indptr), shape=(flips.shape[0], places[-1] + 1)
        )
        product = np.asarray(few.T @ self.turning.T)
        among = used[listed.columns]
        found = np.zeros(len(listed.inputs))
        found[among] = product[places[listed.columns[among]], listed.inputs[among]]
        return found * (1 + gamma_32(flips.shape[0] + 4))


def flips_of(listed: Sequence[Candidates], masks: Sequence[Mask], inputs: int) -> dict[int, sparse.csr_matrix]:
    """B (n, p) of each block, by the block's first neuron."""
    found = {}
    for one, mask in zip(listed, masks, strict=True):
        rows, columns = one.inputs[mask], one.columns[mask]
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=inputs))])
        shape = (inputs, one.neurons.stop - one.neurons.start)
        found[one.neurons.start] = sparse.csr_matrix(
            (np.ones(len(rows), dtype=np.float32), columns, starts), shape=shape
        )
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

    @property
    def largest(self) -> FloatArray:
        """Shape (n,)."""
        return self.plain.values

    def at(self, entries: Entries) -> FloatArray:
        """Those of some pairs."""
        known = getattr(entries, "known", {})
        if "pull" not in known:
            known["pull"] = up_32(self.pull.on(entries, self.pull.start.pattern[:, entries.neurons]))
        moved = self.pull.turned(entries, self.flips[entries.neurons.start]) if self.flips else 0.0
        moved = (known["pull"] + moved + self.later.at(entries)) * (1 + gamma(4))
        return np.minimum(moved, self.plain.at(entries))

    def array(self) -> FloatArray:
        """Shape (n, m)."""
        start = self.pull.start
        n = len(start.rows)
        parts = []
        for neurons in blocks(start):
            size = neurons.stop - neurons.start
            inputs, columns = np.divmod(np.arange(n * size), size)
            parts.append(self.at(_Block(neurons, inputs, columns)).reshape(n, size))
        return np.tile(np.concatenate(parts, axis=1), start.copies)


@dataclass(frozen=True)
class _Block:
    """All pairs of a block."""

    neurons: slice
    inputs: NDArray[np.integer]
    columns: NDArray[np.integer]
