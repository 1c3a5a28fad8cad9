"""How far J (for K2: S) of a ReLU network is from the initial one on a path of segments, from the pairs that flip on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from theory.direction import LowerBound, UpperBound
from theory.inputs import FloatArray
from theory.network.two_layer import pattern_counts
from theory.stability.crossings import Crossings, IntArray, few_on_one_neuron, jacobian_change, subset_bound
from theory.stability.division import Division
from theory.stability.norms import input_norm_squared, pattern_change_norm, squared_norm_excess

FEW_ROWS = 32
"""Rows up to which products of small matrices take less time than those of sparse ones."""


class PatternChange:
    """The change D = A - A(0) (n, m) of the pattern at the present end of a path, by its ``D D^T``; it knows no pre-activations.

    ``rows`` is X (n, d), or a column of ones for K2.
    """

    def __init__(self, rows: FloatArray, width: int) -> None:
        """Begin a path at W(0) of a network of so many neurons."""
        self.kernel = rows @ rows.T
        self.width, self.dim = width, rows.shape[1]
        self.norm_squared = input_norm_squared(rows)
        self.counts = np.zeros((len(rows), len(rows)))
        """``D D^T`` (n, n), integers."""
        self._valued: tuple[FloatArray, tuple[float, float]] | None = None
        """Those at the end of the last segment, and what ``||J - J(0)||_2`` is there."""

    def supremum(
        self, crossings: Crossings, before: NDArray[np.int8], parts: int, floor: float = 0.0
    ) -> tuple[LowerBound, UpperBound]:
        """Bracket of ``sup ||J - J(0)||_2`` over one segment with these crossings, in at most ``parts`` parts; then go to its end.

        ``before``: the columns of D, at the segment's start, of the neurons with a crossing, in ascending order.
        """
        local = np.unique(crossings.neurons, return_inverse=True)[1]
        known: dict[int, FloatArray] = {0: self.counts}
        values: dict[int, tuple[float, float]] = {}
        if self._valued is not None and self._valued[0] is self.counts:
            values[0] = self._valued[1]

        def change(position: int, columns: IntArray) -> NDArray[np.int8]:
            state, place = before[:, columns], np.full(before.shape[1], -1)
            place[columns] = np.arange(len(columns))
            at = place[local[:position]]
            state[crossings.rows[:position][at >= 0], at[at >= 0]] += crossings.directions[:position][at >= 0]
            return state

        def counts(position: int) -> FloatArray:
            if position not in known:
                base = max(p for p in known if p < position)
                columns, place = np.unique(local[base:position], return_inverse=True)
                old, flips = change(base, columns), slice(base, position)
                if len(old) <= FEW_ROWS:
                    new = old.copy()
                    new[crossings.rows[flips], place] += crossings.directions[flips]
                    known[position] = known[base] + (pattern_counts(new) - pattern_counts(old))
                    return known[position]
                moved = csr_array(  # E, of few entries: (D+E)(D+E)^T = DD^T + ED^T + DE^T + EE^T
                    (crossings.directions[flips].astype(np.int32), (crossings.rows[flips], place)), shape=old.shape
                )
                mixed = moved @ np.ascontiguousarray(old.T, dtype=np.int32)
                known[position] = known[base] + mixed + mixed.T + (moved @ moved.T).toarray()
            return known[position]

        def evaluate(position: int) -> tuple[float, float]:
            if position not in values:
                values[position] = pattern_change_norm(self.kernel, counts(position), self.width, self.dim)
            return values[position]

        def between(left: int, left_value: float, right: int, right_value: float) -> float:
            on_one_input, on_one_neuron = (
                crossings.counts_by_input(left, right),
                crossings.counts_by_neuron(left, right),
            )

            def jump(numbers: IntArray) -> FloatArray:
                return self.jump(numbers, on_one_input, on_one_neuron)

            return subset_bound(jump, right - left, left_value, right_value)

        below, above = Division(evaluate, between, crossings.middle).supremum(0, len(crossings), parts, floor)
        self.counts = counts(len(crossings))
        self._valued = self.counts, evaluate(len(crossings))
        return LowerBound(float(below)), UpperBound(float(above))

    def jump(self, numbers: IntArray, on_one_input: int, on_one_neuron: int) -> FloatArray:
        """Bounds of ``||J - J'||_2`` between states that differ in so many pairs, at most so many of one input and neuron."""
        longest = 1 + squared_norm_excess(self.dim)
        share = few_on_one_neuron(self.norm_squared, longest, on_one_neuron)
        return jacobian_change(numbers, on_one_input, share, longest, self.width)
